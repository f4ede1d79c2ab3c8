//! Patterns that match no event of the benchmark, by the hundred.

/// Declares a handler of a hundred patterns for each pair of a name from the first list and one from the second.
macro_rules! unrelated {
    ([$($module:ident)*] $names:tt) => { $(mod $module { $crate::unrelated::unrelated!(@each $names); })* };
    (@each [$($name:ident)*]) => { $(
        #[events::on(
            "*-unrelated-00", "*-unrelated-01", "*-unrelated-02", "*-unrelated-03", "*-unrelated-04", "*-unrelated-05",
            "*-unrelated-06", "*-unrelated-07", "*-unrelated-08", "*-unrelated-09",
            "*-unrelated-10", "*-unrelated-11", "*-unrelated-12", "*-unrelated-13", "*-unrelated-14", "*-unrelated-15",
            "*-unrelated-16", "*-unrelated-17", "*-unrelated-18", "*-unrelated-19",
            "*-unrelated-20", "*-unrelated-21", "*-unrelated-22", "*-unrelated-23", "*-unrelated-24", "*-unrelated-25",
            "*-unrelated-26", "*-unrelated-27", "*-unrelated-28", "*-unrelated-29",
            "*-unrelated-30", "*-unrelated-31", "*-unrelated-32", "*-unrelated-33", "*-unrelated-34", "*-unrelated-35",
            "*-unrelated-36", "*-unrelated-37", "*-unrelated-38", "*-unrelated-39",
            "*-unrelated-40", "*-unrelated-41", "*-unrelated-42", "*-unrelated-43", "*-unrelated-44", "*-unrelated-45",
            "*-unrelated-46", "*-unrelated-47", "*-unrelated-48", "*-unrelated-49",
            "*-unrelated-50", "*-unrelated-51", "*-unrelated-52", "*-unrelated-53", "*-unrelated-54", "*-unrelated-55",
            "*-unrelated-56", "*-unrelated-57", "*-unrelated-58", "*-unrelated-59",
            "*-unrelated-60", "*-unrelated-61", "*-unrelated-62", "*-unrelated-63", "*-unrelated-64", "*-unrelated-65",
            "*-unrelated-66", "*-unrelated-67", "*-unrelated-68", "*-unrelated-69",
            "*-unrelated-70", "*-unrelated-71", "*-unrelated-72", "*-unrelated-73", "*-unrelated-74", "*-unrelated-75",
            "*-unrelated-76", "*-unrelated-77", "*-unrelated-78", "*-unrelated-79",
            "*-unrelated-80", "*-unrelated-81", "*-unrelated-82", "*-unrelated-83", "*-unrelated-84", "*-unrelated-85",
            "*-unrelated-86", "*-unrelated-87", "*-unrelated-88", "*-unrelated-89",
            "*-unrelated-90", "*-unrelated-91", "*-unrelated-92", "*-unrelated-93", "*-unrelated-94", "*-unrelated-95",
            "*-unrelated-96", "*-unrelated-97", "*-unrelated-98", "*-unrelated-99",
        )]
        fn $name(_: &events::AnyEvent) {}
    )* };
}

pub(crate) use unrelated;
