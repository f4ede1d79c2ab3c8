//! Handlers in every order.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use events::testing::permute;
use events::{AnyEvent, Event, Lifespan, LifespanBuilder, LifespanVar, State, on};

/// In which orders handlers have begun, over all runs.
type Orders = Arc<Mutex<Vec<Vec<u32>>>>;

/// The order of one run.
#[derive(Clone, Default)]
struct Run(Arc<Mutex<Vec<u32>>>);

impl Run {
    fn add(&self, handler: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(handler);
    }
}

#[derive(Event)]
struct Three;

#[derive(Event)]
struct Many;

#[derive(Event)]
struct Placed;

#[on]
fn three_1(_: &Three, run: State<Run>) {
    run.add(1);
}

#[on]
async fn three_2(_: &Three, run: State<Run>) {
    run.add(2);
}

#[on(order = 5)]
fn three_later(_: &Three, run: State<Run>) {
    run.add(5);
}

#[on(now)]
fn three_now_1(_: &Three, run: State<Run>) {
    run.add(11);
}

#[on(now)]
fn three_now_2(_: &Three, run: State<Run>) {
    run.add(12);
}

static NUMBER: LifespanVar<u32> = LifespanVar::new();

#[on]
fn count(_: &Placed) {
    NUMBER.set(1).expect("inside").keep();
}

#[on]
fn print(_: &Placed) -> Result<(), events::VarError> {
    NUMBER.get().map(drop)
}

#[on(order = 1)]
fn print_later(_: &Placed) -> Result<(), events::VarError> {
    NUMBER.get().map(drop)
}

/// Runs `event` through every order, and answers them.
async fn orders<E: Event>(builder: impl Fn(Run) -> LifespanBuilder, event: impl Fn() -> E) -> Vec<Vec<u32>> {
    let orders = Orders::default();
    permute(
        || builder(Run::default()),
        async |app| {
            app.dispatch(event()).expect("accepted");
            app.settled().await;
            let run = app.state::<Run>().expect("it was given one").0.0.lock().expect("nobody panics").clone();
            orders.lock().expect("nobody panics").push(run);
        },
    )
    .await;
    Arc::into_inner(orders).expect("no run is left").into_inner().expect("nobody panics")
}

#[tokio::test]
async fn every_order_of_a_stage_is_seen_once_the_normal_one_first() {
    let three = |run: Run| {
        let third = run.clone();
        let closure = move |_: Arc<Three>| {
            third.add(3);
            async {}
        };
        Lifespan::builder().on(closure).state(run)
    };
    let orders = orders(three, || Three).await;
    assert_eq!(orders.len(), 6);
    assert_eq!(orders[0], [11, 12, 1, 2, 3, 5]);
    let stages: HashSet<_> = orders.iter().map(|order| order[2..5].to_vec()).collect();
    assert_eq!(stages.len(), 6);
    let now: HashSet<_> = orders.iter().map(|order| order[..2].to_vec()).collect();
    assert_eq!(now, HashSet::from([vec![11, 12], vec![12, 11]]));
    assert!(orders.iter().all(|order| order[5] == 5), "an `order` stays what it is: {orders:?}");
}

#[tokio::test]
async fn of_many_handlers_720_orders_are_seen() {
    let many = |run: Run| {
        let mut builder = Lifespan::builder().without_all().state(run.clone());
        for handler in 0..7 {
            let run = run.clone();
            builder = builder.on_pattern("many", move |_: AnyEvent| {
                run.add(handler);
                async {}
            });
        }
        builder
    };
    let orders = orders(many, || Many).await;
    assert_eq!(orders.len(), 720);
    assert_eq!(orders.iter().collect::<HashSet<_>>().len(), 720);
}

#[tokio::test]
async fn stages_that_no_event_goes_through_cost_no_run() {
    assert_eq!(orders(|run| Lifespan::builder().state(run), || Many).await, [[0; 0]]);
}

#[tokio::test]
async fn names_that_no_type_has_are_permuted() {
    let orders = Orders::default();
    let builder = || {
        let run = Run::default();
        let handler = |number| {
            let run = run.clone();
            move |_: AnyEvent| {
                run.add(number);
                async {}
            }
        };
        Lifespan::builder().without_all().on_pattern("un*", handler(1)).on_pattern("un*", handler(2)).state(run.clone())
    };
    permute(builder, async |app| {
        app.dispatch_named("unheard-of", "null").expect("accepted");
        app.settled().await;
        let run = app.state::<Run>().expect("it was given one").0.0.lock().expect("nobody panics").clone();
        orders.lock().expect("nobody panics").push(run);
    })
    .await;
    assert_eq!(*orders.lock().expect("nobody panics"), [[1, 2], [2, 1]]);
}

async fn placed(builder: fn() -> LifespanBuilder) {
    permute(builder, async |app| {
        app.dispatch(Placed).expect("accepted");
        app.settled().await;
        app.assert_no_failures();
    })
    .await;
}

#[tokio::test]
async fn a_hidden_dependency_is_found_and_the_order_named() {
    let found = tokio::spawn(placed(|| Lifespan::builder().without_all().with(count).with(print)));
    let panic = found.await.expect_err("`print` needs `count`").into_panic();
    let text = *panic.downcast::<String>().expect("a text");
    let place =
        |path: &str| events::catalog().handlers().find(|handler| handler.path() == path).expect("declared").place();
    assert!(text.starts_with("expected no failure; there was 1\n\nwhat has happened:\n"), "{text}");
    let order = format!(
        "\nin run 2 of 2, with the handlers in this order:\n  `placed`: `testing_permute::print` ({}), \
         `testing_permute::count` ({})",
        place("testing_permute::print"),
        place("testing_permute::count")
    );
    assert!(text.ends_with(&order), "{text}");
}

#[tokio::test]
async fn a_dependency_with_an_order_is_none() {
    placed(|| Lifespan::builder().without_all().with(count).with(print_later)).await;
}
