//! How events flow: what leads where, what leads back, and what leads nowhere.

use events::{AnyEvent, Batch, Emit, Event, Flow, View, on, provide};
use serde::{Deserialize, Serialize};

mod flow_support;

use flow_support::Picture;

#[derive(Event, Serialize, Deserialize)]
struct OrderPlaced;

#[derive(Event, Serialize, Deserialize)]
struct PaymentMade;

#[derive(Clone, Event, Serialize, Deserialize)]
#[event(prefix = "parcel-")]
enum Parcel {
    Sent,
    Lost,
}

#[derive(Event, Serialize, Deserialize)]
struct ShopClosed;

struct Pool;

#[provide(lifespan)]
fn pool() -> Pool {
    Pool
}

#[provide]
fn session(#[depends(pool)] _: &Pool) -> u8 {
    0
}

mod billing {
    use events::{Failure, every, on, provide};

    use super::{OrderPlaced, PaymentMade, Pool, pool};

    #[provide]
    pub(crate) fn unused(#[depends(pool)] _: &Pool) -> u8 {
        0
    }

    #[on(now)]
    fn bill(_: &OrderPlaced) -> Option<PaymentMade> {
        None
    }

    #[on(failure)]
    fn tell(_: &Failure) {}

    #[every("90s")]
    fn tick() {}
}

#[on(order = -5)]
async fn ship(_: &PaymentMade, _: Emit<Parcel>, #[depends(session)] _: &u8, #[depends(pool)] _: &Pool) {}

#[on("parcel-lost", batch = 10, within = "1s")]
async fn reorder(_: Batch<Parcel>) -> Vec<OrderPlaced> {
    Vec::new()
}

#[on("order-*", "cow-*")]
fn audit(_: &AnyEvent, #[depends(pool)] _: &Pool) {}

#[on("pig-*", blocking)]
fn pigs(_: View<Vec<u8>>, #[depends(pool)] _: &Pool) {}

#[on(startup)]
fn open() -> ShopClosed {
    ShopClosed
}

#[on(startup, order = 3)]
fn warm_up(#[depends(pool)] _: &Pool) {}

fn picture(flow: &Flow) -> Picture {
    let picture = Picture::mermaid(&flow.mermaid());
    let dot = Picture::dot(&flow.dot());
    assert_eq!(picture, dot, "both languages draw the same");
    picture
}

#[test]
fn every_event_leads_to_its_handlers_and_they_to_what_they_emit() {
    let flow = events::catalog().flow();
    assert_eq!((flow.mermaid(), flow.dot()), (events::catalog().mermaid(), events::catalog().dot()));
    assert_eq!(
        picture(&flow).lines(),
        [
            "payment-made => ship (order -5)",
            "ship => parcel-lost",
            "ship -> parcel-sent",
            "parcel-lost => reorder (batch 10)",
            "reorder => order-placed",
            "order-placed -> audit",
            "order-placed => bill (now)",
            "bill => payment-made",
            "startup -> open",
            "open -> shop-closed",
            "failure -> tell",
            "every 90s -> tick",
            "startup -> warm_up (order 3)",
            "pool ..> ship",
            "session ..> ship",
            "pool ..> audit",
            "pool ..> pigs",
            "pool ..> warm_up",
            "pool ..> session",
            "pool ..> unused",
            "pig-* -> pigs (blocking)",
        ]
    );
}

#[test]
fn what_is_remarkable_is_told_with_its_place() {
    let flow = events::catalog().flow();
    let place = |name: &str| {
        let catalog = events::catalog();
        let handler = catalog.handlers().find(|handler| handler.path().ends_with(name)).expect("it is declared");
        format!("{} ({})", handler.path(), handler.place())
    };
    let cycle = format!(
        "order-placed -> {} -> payment-made -> {} -> parcel-lost -> {} -> order-placed",
        place("::bill"),
        place("::ship"),
        place("::reorder")
    );
    let [told] = flow.cycles() else { panic!("not one cycle: {flow}") };
    assert_eq!(told.to_string(), cycle);
    assert_eq!(told.steps()[1].handler().path(), "flow::ship");
    assert!(flow.unhandled().eq(["parcel-sent", "shop-closed"]));
    let idle: Vec<_> = flow.idle().collect();
    let [pigs] = &idle[..] else { panic!("not one: {idle:?}") };
    assert_eq!(pigs.to_string(), place("::pigs"));
    let remarks = [
        format!("cycle: {cycle}"),
        "no handler: parcel-sent".to_owned(),
        "no handler: shop-closed".to_owned(),
        format!("no event: {}", place("::pigs")),
    ];
    assert_eq!(flow.to_string().lines().collect::<Vec<_>>(), remarks);

    let picture = picture(&flow);
    assert_eq!(picture.remarks, remarks);
    let idle: Vec<_> = picture.nodes.values().filter(|node| node.is_idle).map(|node| &node.label).collect();
    assert_eq!(idle, ["parcel-sent", "shop-closed", "pigs"]);
}

#[test]
fn a_module_keeps_its_own_together() {
    let picture = picture(&events::catalog().flow());
    assert_eq!(picture.groups, ["flow", "flow::billing"]);
    let group = |label: &str| {
        let node = picture.nodes.values().find(|node| node.label == label).expect("it is drawn");
        node.group.as_deref()
    };
    assert_eq!(["bill", "tick", "unused"].map(group), [Some("flow::billing"); 3]);
    assert_eq!(["order-placed", "ship", "pool"].map(group), [Some("flow"); 3]);
    assert_eq!(["startup", "every 90s", "pig-*"].map(group), [None; 3]);
}
