//! Crates that are linked for their declarations alone.

use crate::place::Place;

/// A crate that `link!` names.
#[derive(Debug)]
pub struct LinkDecl {
    #[doc(hidden)]
    pub krate: &'static str,
    #[doc(hidden)]
    pub place: Place,
}

inventory::collect!(LinkDecl);

/// Links crates whose handlers and events this binary is to have, though it uses none of their items.
///
/// A crate that stands in `Cargo.toml` and is named nowhere is not linked, and its handlers do not exist. See
/// [linking](crate::docs::linking) for the whole story. A crate that is linked here and declares nothing becomes a
/// [finding](crate::Finding) of the catalog.
///
/// # Examples
///
/// ```
/// # use std as billing;
/// # use core as shipping;
/// events::link!(billing, shipping);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! link {
    ($($krate:ident),+ $(,)?) => {
        $(
            #[allow(unused_imports, clippy::single_component_path_imports)]
            use $krate as _;

            $crate::__private::inventory::submit! {
                $crate::__private::LinkDecl {
                    krate: ::core::stringify!($krate),
                    place: $crate::__private::Place {
                        module: ::core::module_path!(),
                        file: ::core::file!(),
                        line: ::core::line!(),
                    },
                }
            }
        )+
    };
}
