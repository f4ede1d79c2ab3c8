//! The law of payloads, over what coverage leads to: see [`fixture_shapes`].

#![no_main]

use std::borrow::Cow;
use std::sync::LazyLock;

use events::Lifespan;
use fixture_shapes::{NAMES, Seen, hold};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

static APP: LazyLock<(Runtime, Lifespan)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let app = runtime.block_on(Lifespan::builder().state(Seen::default()).start()).expect("a lifespan");
    (runtime, app)
});

/// A letter stands for a name of the family; another name goes to the end of its line.
fn split(data: &[u8]) -> (Cow<'_, str>, &[u8]) {
    if let [letter @ b'a'..=b'z', json @ ..] = data
        && let Some(name) = NAMES.get(usize::from(letter - b'a'))
    {
        return (Cow::Borrowed(name), json);
    }
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    (String::from_utf8_lossy(&data[..end]), data.get(end + 1..).unwrap_or_default())
}

fuzz_target!(|data: &[u8]| {
    let (runtime, app) = &*APP;
    let (name, json) = split(data);
    if let Err(broken) = runtime.block_on(hold(app, &name, json)) {
        panic!("{broken}");
    }
});
