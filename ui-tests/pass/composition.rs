//! `#[on]` stands among other attributes, in any order, wherever a function may stand.

#![deny(warnings)]

use events::{Event, on};

/// An event whose users are warned.
#[derive(Event)]
#[deprecated]
pub struct OldFed;

#[derive(Event)]
pub struct CatFed {
    pub fish: u32,
}

/// Documented.
#[on("cat*")]
#[allow(clippy::needless_pass_by_value)]
#[inline]
pub(crate) async fn before(_: &CatFed) {}

#[inline]
#[allow(clippy::needless_pass_by_value)]
#[on("cat*")]
/// Documented.
pub async fn after(_: &CatFed) {}

#[cfg(any())]
#[on("cat*")]
fn left_out_first(_: &CatFed, _: DoesNotExist) {}

#[on("cat*")]
#[cfg(any())]
fn left_out_last(_: &CatFed, _: DoesNotExist) {}

#[on("cat*")]
#[cfg_attr(all(), cfg(any()))]
fn left_out_by_condition(_: &CatFed, _: DoesNotExist) {}

#[on("cat-*")]
#[on("*-fed", order = 3)]
#[events::on("c*")]
fn stacked(CatFed { fish }: &CatFed) {
    let _ = fish;
}

#[on]
#[allow(deprecated)]
fn old(_: &OldFed) {}

#[on]
#[must_use]
fn answered(_: &CatFed) -> Result<Option<Vec<CatFed>>, String> {
    Ok(None)
}

#[on]
const fn constant(_: &CatFed) {}

mod private {
    mod nested {
        #[events::on]
        fn hidden(_: &crate::CatFed, _: events::Metadata) {}
    }
}

macro_rules! handler {
    ($name:ident, $event:ty, $pattern:literal) => {
        #[on($pattern)]
        fn $name(_: &$event) {}
    };
}
handler!(from_a_macro, CatFed, "cat-fed");

macro_rules! handlers_of {
    ($module:ident, $event:ty, $state:ty, $returned:ty, $value:expr) => {
        mod $module {
            use super::*;

            #[on("c*", timeout = "1s")]
            async fn borrowed(_: &$event, _: events::State<$state>) -> $returned {
                $value
            }

            #[on(now)]
            fn owned(_: std::sync::Arc<$event>) -> Option<$returned> {
                Some($value)
            }
        }
    };
}
macro_rules! event {
    ($type:ident, $name:literal) => {
        #[derive(Event)]
        #[event(name = $name)]
        pub struct $type;
    };
}
event!(FromAMacro, "from-a-macro");

handlers_of!(of_cats, CatFed, Vec<String>, CatFed, CatFed { fish: 1 });

fn main() {
    #[derive(Event)]
    #[event(name = "local")]
    struct Local;

    #[on("local")]
    fn inside(_: &Local) {}

    inside(&Local);
    stacked(&CatFed { fish: 1 });
    let _future = before(&CatFed { fish: 2 });
}
