//! Payloads of every kind of value: identifiers, dates, decimals, maps, the largest numbers, long texts, any script.

mod payload_support;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use events::{AnyEvent, Event, State, dispatch, dispatch_named, on};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use payload_support::{Seen, handlers, read, refusal, start, travels};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

handlers! {
    Borrowed: "borrowed" in borrowed;
    Identified: "identified" in identified;
    Dated: "dated" in dated;
    Priced: "priced" in priced;
    Mapped: "mapped" in mapped;
    Extreme: "extreme" in extreme;
    Floating: "floating" in floating;
    Long: "long" in long;
    Fed: "кот-накормлен" in fed;
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Borrowed {
    text: Cow<'static, str>,
    bytes: Cow<'static, [u8]>,
}

#[tokio::test]
async fn borrowed_or_owned() {
    for text in [Cow::Borrowed("fish"), Cow::Owned("fish".to_owned())] {
        travels(Borrowed { text, bytes: Cow::Borrowed(&[0, 255]) }, r#"{"text":"fish","bytes":[0,255]}"#).await;
    }
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Identified {
    id: Uuid,
    of: BTreeMap<Uuid, u8>,
}

#[tokio::test]
async fn identifiers() {
    let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    let json = r#"{"id":"01234567-89ab-cdef-0123-456789abcdef","of":{"ffffffff-ffff-ffff-ffff-ffffffffffff":1}}"#;
    travels(Identified { id, of: [(Uuid::max(), 1)].into() }, json).await;
    assert_eq!(
        refusal("identified", r#"{"id":"fish"}"#).await,
        "the payload of `identified` does not fit: at `id`: UUID parsing failed: invalid character: found `i` at 1 at line 1 column 12"
    );
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Dated {
    at: Timestamp,
    on: Date,
    local: DateTime,
}

#[tokio::test]
async fn dates() {
    let at: Timestamp = "1969-12-31T23:59:59.999999999Z".parse().expect("a time");
    let (on, local) = (Date::MIN, DateTime::MAX);
    travels(
        Dated { at, on, local },
        r#"{"at":"1969-12-31T23:59:59.999999999Z","on":"-009999-01-01","local":"9999-12-31T23:59:59.999999999"}"#,
    )
    .await;
    let error = refusal("dated", r#"{"at":"2026-02-30T00:00:00Z"}"#).await;
    assert!(error.starts_with("the payload of `dated` does not fit: at `at`: "), "{error}");
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Priced {
    price: Decimal,
    sums: Vec<Decimal>,
}

#[tokio::test]
async fn decimals_keep_their_scale() {
    let price = Decimal::new(150, 2);
    let json = r#"{"price":"1.50","sums":["79228162514264337593543950335","-0.0000000000000000000000000001"]}"#;
    let event = Priced { price, sums: vec![Decimal::MAX, Decimal::new(-1, 28)] };
    travels(event, json).await;
    assert_eq!(read::<Priced>("priced", r#"{"price":"1.50","sums":[]}"#).await.price.to_string(), "1.50");
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Shelf(u16);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Colour {
    Red,
    DeepBlue,
}

#[derive(Clone, Debug, Default, PartialEq, Event, Serialize, Deserialize)]
#[serde(default)]
struct Mapped {
    small: BTreeMap<i8, u8>,
    large: BTreeMap<u128, u8>,
    shelves: HashMap<Shelf, BTreeMap<bool, String>>,
    colours: BTreeMap<Colour, BTreeSet<char>>,
}

#[tokio::test]
async fn maps_with_typed_keys() {
    let event = Mapped {
        small: [(-128, 0), (127, 1)].into(),
        large: [(u128::MAX, 2)].into(),
        shelves: [(Shelf(3), [(true, "fish".to_owned())].into())].into(),
        colours: [(Colour::Red, ['a', '🐟'].into()), (Colour::DeepBlue, [].into())].into(),
    };
    let json = concat!(
        r#"{"small":{"-128":0,"127":1},"large":{"340282366920938463463374607431768211455":2},"#,
        r#""shelves":{"3":{"true":"fish"}},"colours":{"red":["a","🐟"],"deep-blue":[]}}"#
    );
    travels(event, json).await;
}

#[tokio::test]
async fn a_wrong_key_is_named() {
    let cases = [
        (r#"{"small":{"-129":1}}"#, "at `small.-129`: invalid value: integer `-129`, expected i8"),
        (r#"{"small":{"one":1}}"#, "at `small.?`: invalid value: expected key to be a number in quotes"),
        (r#"{"shelves":{"70000":{}}}"#, "at `shelves.?`: invalid value: integer `70000`, expected u16"),
        (r#"{"colours":{"green":[]}}"#, "at `colours.?`: unknown variant `green`, expected `red` or `deep-blue`"),
        (r#"{"colours":{"red":["ab"]}}"#, "at `colours.?[0]`: invalid value: string \"ab\", expected a character"),
    ];
    for (json, expected) in cases {
        let error = refusal("mapped", json).await;
        let reason = error.strip_prefix("the payload of `mapped` does not fit: ").expect("it is said whose payload");
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Paired(BTreeMap<(u8, u8), u8>);

#[on]
fn paired(event: &Paired, seen: State<Seen>) {
    seen.add("typed", event.clone());
}

#[on("paired")]
fn paired_as_json(event: &AnyEvent, seen: State<Seen>) {
    seen.add("written", event.json().to_string());
}

#[tokio::test]
async fn a_key_that_json_cannot_have() {
    let (app, seen) = start().await;
    let event = Paired([((1, 2), 3)].into());
    app.scope(async { dispatch(event.clone()) }).await.expect("a value needs no JSON");
    assert_eq!(seen.take("typed"), Some(event));
    let written = seen.take::<String>("written");
    assert_eq!(written.as_deref(), Some("<`Paired` could not be serialised: key must be a string>"));
    assert_eq!(
        refusal("paired", r#"{"[1,2]":3}"#).await,
        "the payload of `paired` does not fit: at `[1,2]`: invalid type: string \"[1,2]\", expected a tuple of size 2 at line 1 column 8"
    );
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Extreme {
    signed: [i128; 2],
    unsigned: (u128, u64, i64),
}

#[tokio::test]
async fn the_largest_and_the_smallest_integers() {
    let event = Extreme { signed: [i128::MIN, i128::MAX], unsigned: (u128::MAX, u64::MAX, i64::MIN) };
    let json = concat!(
        r#"{"signed":[-170141183460469231731687303715884105728,170141183460469231731687303715884105727],"#,
        r#""unsigned":[340282366920938463463374607431768211455,18446744073709551615,-9223372036854775808]}"#
    );
    travels(event, json).await;
    assert_eq!(
        refusal("extreme", r#"{"signed":[0,170141183460469231731687303715884105728]}"#).await,
        "the payload of `extreme` does not fit: at `signed[1]`: number out of range at line 1 column 52"
    );
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Floating(Vec<f64>);

#[tokio::test]
async fn the_largest_and_the_smallest_floats() {
    travels(
        Floating(vec![f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, f64::EPSILON, 0.1 + 0.2, 1e23]),
        "[1.7976931348623157e+308,-1.7976931348623157e+308,2.2250738585072014e-308,5e-324,2.220446049250313e-16,0.30000000000000004,1e+23]",
    )
    .await;
    let zero = read::<Floating>("floating", "[-0.0]").await.0[0];
    assert!(zero == 0.0 && zero.is_sign_negative());
    let error = refusal("floating", "[1e999]").await;
    assert_eq!(error, "the payload of `floating` does not fit: at `[0]`: number out of range at line 1 column 6");
}

/// A float has as many bits on the far side as on this one.
#[tokio::test]
async fn a_float_comes_back_to_the_last_bit() {
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    let floats = std::iter::repeat_with(|| {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from_bits(bits ^ bits >> 29)
    });
    let floats: Vec<f64> = floats.filter(|float| float.is_finite()).take(10_000).collect();
    let json = serde_json::to_string(&floats).expect("they are finite");
    travels(Floating(floats), &json).await;
}

#[tokio::test]
async fn what_is_no_number_has_no_json() {
    let (app, seen) = start().await;
    app.scope(async { dispatch(Floating(vec![f64::NAN, f64::INFINITY])) }).await.expect("a value needs no JSON");
    let typed: Floating = seen.take("typed").expect("it was delivered");
    assert!(typed.0[0].is_nan() && typed.0[1].is_infinite());
    assert_eq!(seen.take::<String>("written").as_deref(), Some("[null,null]"), "as serde_json has it");
    assert!(seen.is_empty(), "`null` is no view of a float");
    assert_eq!(app.shutdown().await.expect("from outside").failed, 1);
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Long {
    text: String,
    number: Option<u8>,
}

const FIVE_MEGABYTES: usize = 5 << 20;

#[tokio::test]
async fn a_text_of_five_megabytes() {
    let text = "ü".repeat(FIVE_MEGABYTES / 2);
    let json = format!(r#"{{"text":"{text}","number":null}}"#);
    travels(Long { text, number: None }, &json).await;
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
#[event(name = "кот-накормлен")]
struct Fed {
    рыба: u32,
}

#[on("кот*", "*[а-я]кормлен", "???-*")]
fn under_a_pattern(event: &Fed, seen: State<Seen>) {
    seen.add("pattern", event.рыба);
}

#[on("猫-*")]
fn under_a_pattern_over_unknown_names(event: &AnyEvent, seen: State<Seen>) {
    seen.add("unknown", event.name().to_owned());
}

#[tokio::test]
async fn names_in_any_script() {
    let (app, seen) = start().await;
    app.scope(async {
        dispatch(Fed { рыба: 2 })?;
        dispatch_named("猫-食べた", "null")?;
        dispatch_named("кот-накормлен", r#"{"рыба":3}"#)
    })
    .await
    .expect("accepted");
    assert_eq!([seen.take("pattern"), seen.take("pattern"), seen.take::<u32>("pattern")], [Some(2), Some(3), None]);
    assert_eq!(seen.take::<String>("unknown").as_deref(), Some("猫-食べた"));
    assert_eq!(
        refusal("кот-накормлен", r#"{"рыба":"две"}"#).await,
        "the payload of `кот-накормлен` does not fit: at `рыба`: invalid type: string \"две\", expected u32 at line 1 column 20"
    );
}
