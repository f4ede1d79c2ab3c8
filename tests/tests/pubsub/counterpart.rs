//! Google's own client on the other side: it takes the server of these tests for the service, and our messages for messages.

use events::pubsub::PubSub;
use events::{Envelope, Incoming as _, Settlement, Sink as _, Source as _};
use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::client::{Publisher, Subscriber};
use google_cloud_pubsub::model::Message;
use google_cloud_pubsub::subscriber::handler::Handler;

use crate::service::{Options, Service, subscription, topic};
use crate::until;

fn endpoint(service: &Service) -> String {
    format!("http://{}", service.address())
}

#[tokio::test]
async fn google_reads_what_we_publish() {
    for is_exactly_once in [false, true] {
        let service = Service::start().await;
        service.make("ours", Options { is_exactly_once, is_ordered: true, ..Options::default() });
        let sink = service.pubsub().sink("ours").ordered_by(|_| "tom".into());
        let envelope = Envelope::new("cat-fed", r#"{"fish":2}"#).with_id("17").with_origin("/cafe");
        sink.send_many(&[envelope.clone(), envelope.with_id("18")])
            .await
            .into_iter()
            .for_each(|sent| sent.expect("published"));
        let client =
            Subscriber::builder().with_endpoint(endpoint(&service)).with_credentials(anonymous::Builder::new().build());
        let client = client.build().await.expect("a client");
        let mut stream = client.subscribe(subscription("ours")).build();
        for id in ["17", "18"] {
            let (message, handler) = stream.next().await.expect("no end").expect("a message");
            let attribute = |name: &str| message.attributes.get(name).map(String::as_str);
            assert_eq!((&message.data[..], &*message.ordering_key), (&br#"{"fish":2}"#[..], "tom"));
            assert_eq!((attribute("ce-id"), attribute("ce-type")), (Some(id), Some("cat-fed")));
            assert_eq!(attribute("content-type"), Some("application/json"));
            match handler {
                Handler::ExactlyOnce(handler) => handler.confirmed_ack().await.expect("acknowledged"),
                handler => handler.ack(),
            }
        }
        until("they are acknowledged", async || service.backlog("ours") == 0).await;
    }
}

#[tokio::test]
async fn we_read_what_google_publishes() {
    let service = Service::start().await;
    service.make("theirs", Options { is_ordered: true, ..Options::default() });
    let publisher = Publisher::builder(topic("theirs")).with_endpoint(endpoint(&service));
    let publisher = publisher.with_credentials(anonymous::Builder::new().build()).build().await.expect("a client");
    let attributes = [
        ("ce-specversion", "1.0"),
        ("ce-type", "cat-fed"),
        ("ce-source", "/cafe"),
        ("ce-datacontenttype", "application/json"),
    ];
    let message = |id: &str| {
        let message = Message::new().set_data(r#"{"fish":2}"#).set_ordering_key("tom");
        message.set_attributes(attributes.into_iter().chain([("ce-id", id)]))
    };
    let answers = ["17", "18"].map(|id| publisher.publish(message(id)));
    let mut numbers = Vec::new();
    for published in answers {
        numbers.push(published.await.expect("published"));
    }
    let pubsub = PubSub::emulator("nobody", &service.address()).expect("an address");
    let mut incoming = pubsub.source(&subscription("theirs")).connect(10).await.expect("a stream");
    for (id, number) in ["17", "18"].into_iter().zip(numbers) {
        let received = incoming.next().await.expect("a message");
        let raw = received.message();
        assert_eq!(raw.header("pubsub-message-id"), Some(&*number));
        assert_eq!(raw.header("pubsub-ordering-key"), Some("tom"));
        let envelope = events::Format::decode(&events::CloudEvents::binary(), raw).expect("a CloudEvent");
        assert_eq!(
            (envelope.name(), envelope.id().to_string(), envelope.content_type()),
            ("cat-fed", id.into(), "application/json")
        );
        received.settle(Settlement::Ack).await.expect("settled");
    }
    assert_eq!(service.backlog("theirs"), 0);
}
