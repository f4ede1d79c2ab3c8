//! What a benchmark is asked to do.

/// How much is measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Effort {
    Full,
    Quick,
    /// A run as a test, without `--bench`: it shows that everything runs, and its figures mean nothing.
    #[default]
    Smoke,
}

#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(crate) effort: Effort,
    pub(crate) multi_thread: bool,
    pub(crate) list: bool,
    /// The one operation to run, and nothing else.
    pub(crate) count: Option<String>,
    pub(crate) times: u32,
    /// The level of a subscriber that looks meanwhile.
    pub(crate) looking: Option<String>,
    /// The one operation to count, in a process that was made for it.
    pub(crate) measure: Option<String>,
    /// Whether what is counted becomes the budget.
    pub(crate) record: bool,
    filter: Option<String>,
}

impl Args {
    /// Reads the command line; what cargo or a test runner adds to it is none of our business.
    pub(crate) fn read() -> Self {
        let mut args = Self { times: 1000, ..Self::default() };
        let mut quick = false;
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--bench" => args.effort = Effort::Full,
                "--quick" => quick = true,
                "--multi-thread" => args.multi_thread = true,
                "--list" => args.list = true,
                "--count" => args.count = words.next(),
                "--looking" => args.looking = words.next(),
                "--measure" => args.measure = words.next(),
                "--record" => args.record = true,
                "--times" => args.times = words.next().and_then(|times| times.parse().ok()).unwrap_or(args.times),
                option if option.starts_with('-') => {}
                _ => args.filter = Some(word),
            }
        }
        if quick {
            args.effort = Effort::Quick;
        }
        args
    }

    pub(crate) fn wants(&self, question: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| question.contains(filter.as_str()))
    }

    pub(crate) fn flavour(&self) -> &'static str {
        if self.multi_thread { "multi-thread" } else { "current-thread" }
    }
}
