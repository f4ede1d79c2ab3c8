//! A private moto: its own port and memory, for this test program alone.

use std::env;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use events::sqs::aws_sdk_sqs::config::http::{HttpRequest, HttpResponse};
use events::sqs::aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, RuntimeComponents};
use events::sqs::aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use events::sqs::aws_sdk_sqs::{Client, Config};
use events::sqs::{Sqs, http_client};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::sync::Semaphore;

/// The server that all tests share; nothing where there is none on this machine.
pub(crate) fn shared() -> Option<&'static Moto> {
    static MOTO: OnceLock<Option<Moto>> = OnceLock::new();
    MOTO.get_or_init(Moto::start).as_ref()
}

pub(crate) struct Moto {
    pub(crate) port: u16,
    turn: Arc<Semaphore>,
    /// Ends the server when this program is gone, however it went: it waits for the end of its input.
    _guard: Child,
}

impl Moto {
    fn start() -> Option<Self> {
        let Some(program) = program() else {
            let missing =
                "there is no `moto_server` in the path, by EVENTS_MOTO or in `target/moto`: little of SQS is tested";
            assert!(env::var_os("CI").is_none(), "{missing}");
            // Not by the macro, whose text is kept from those whose tests pass.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED: {missing}\n");
            return None;
        };
        let port = free_port();
        let moto = Self { _guard: run(&program, port), port, turn: Arc::new(Semaphore::new(1)) };
        moto.wait();
        Some(moto)
    }

    fn wait(&self) {
        let begun = Instant::now();
        while !self.answers() {
            assert!(begun.elapsed() < Duration::from_secs(90), "moto does not start");
            sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut head = [0; 12];
        let asked = stream.write_all(b"GET /moto-api/ HTTP/1.0\r\n\r\n");
        asked.is_ok() && stream.read_exact(&mut head).is_ok() && head.ends_with(b"200")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Somebody else's program.
    pub(crate) fn client(&self) -> Client {
        self.client_by(self.port)
    }

    /// One that goes another way.
    pub(crate) fn client_by(&self, port: u16) -> Client {
        let credentials = Credentials::new("key", "salmon", None, None, "test");
        let config = Config::builder().behavior_version(BehaviorVersion::latest()).credentials_provider(credentials);
        let config = config
            .region(Region::new("eu-central-1"))
            .endpoint_url(format!("http://127.0.0.1:{port}"))
            .http_client(OneByOne { client: http_client(), turn: Arc::clone(&self.turn) });
        Client::from_conf(config.build())
    }

    pub(crate) fn sqs(&self) -> Sqs {
        Sqs::with_client(self.client())
    }

    /// A queue that was not there, and its URL.
    pub(crate) async fn queue(&self, name: &str, attributes: &[(QueueAttributeName, &str)]) -> String {
        let mut call = self.client().create_queue().queue_name(name);
        if is_fifo(name) {
            call = call.attributes(QueueAttributeName::FifoQueue, "true");
        }
        for (name, value) in attributes {
            call = call.attributes(name.clone(), *value);
        }
        call.send().await.expect("a queue").queue_url.expect("it has a URL")
    }

    /// A queue with another one for its dead letters, and the URLs of both.
    pub(crate) async fn queue_with_dead_letters(&self, name: &str, receives: u32) -> (String, String) {
        let dead = match name.strip_suffix(".fifo") {
            Some(name) => format!("{name}-dead.fifo"),
            None => format!("{name}-dead"),
        };
        let dead = self.queue(&dead, &[]).await;
        let name_of_dead = dead.rsplit('/').next().expect("a path");
        let arn = format!("arn:aws:sqs:eu-central-1:123456789012:{name_of_dead}");
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"{receives}"}}"#);
        (self.queue(name, &[(QueueAttributeName::RedrivePolicy, &policy)]).await, dead)
    }

    /// How many messages there are, those under way included.
    pub(crate) async fn len(&self, url: &str) -> usize {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesNotVisible as Hidden,
        };
        let call = self.client().get_queue_attributes().queue_url(url);
        let answer = call.attribute_names(Visible).attribute_names(Hidden).send().await.expect("a queue");
        let attributes = answer.attributes.expect("attributes");
        [Visible, Hidden].iter().filter_map(|name| attributes.get(name)?.parse::<usize>().ok()).sum()
    }

    /// Puts a body into a queue, with attributes.
    pub(crate) async fn put(&self, url: &str, body: &str, attributes: &[(&str, MessageAttributeValue)]) {
        let mut call = self.client().send_message().queue_url(url).message_body(body);
        for (name, value) in attributes {
            call = call.message_attributes(*name, value.clone());
        }
        call.send().await.expect("sent");
    }

    /// Waits for a message, and takes it out of a queue.
    pub(crate) async fn take(&self, url: &str) -> Message {
        let client = self.client();
        let receive = || client.receive_message().queue_url(url).wait_time_seconds(20).message_attribute_names("All");
        let receive = receive().message_system_attribute_names(MessageSystemAttributeName::All);
        let received = receive.send().await.expect("a queue").messages.and_then(|messages| messages.into_iter().next());
        let message = received.expect("a message");
        let receipt = message.receipt_handle().expect("a receipt");
        client.delete_message().queue_url(url).receipt_handle(receipt).send().await.expect("deleted");
        message
    }
}

/// Makes one call after another: of two that change a queue at a time, moto may forget one, and two that receive may be given the
/// same message. So what waits for messages waits here, and asks now and then.
#[derive(Clone, Debug)]
struct OneByOne<C> {
    client: C,
    turn: Arc<Semaphore>,
}

impl HttpClient for OneByOne<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let client = self.client.http_connector(settings, components);
        SharedHttpConnector::new(OneByOne { client, turn: Arc::clone(&self.turn) })
    }
}

impl HttpConnector for OneByOne<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { client, turn } = self.clone();
        let (wait, request) = at_once(request);
        HttpConnectorFuture::new(async move {
            let begun = Instant::now();
            loop {
                let again = request.try_clone().expect("it is in memory");
                let answer = {
                    let _turn = turn.acquire().await;
                    whole(client.call(again).await?).await?
                };
                if has_messages(&answer) || begun.elapsed() >= wait {
                    return Ok(answer);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
    }
}

/// How long a call would wait for messages, and the same call that does not wait.
fn at_once(mut request: HttpRequest) -> (Duration, HttpRequest) {
    let text = request.body().bytes().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default();
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let seconds = body["WaitTimeSeconds"].as_u64().unwrap_or_default();
    if seconds > 0 {
        let waiting = format!(r#""WaitTimeSeconds":{seconds}"#);
        // It stays as long as its header says.
        let body = text.replace(&waiting, &format!("{:1$}", r#""WaitTimeSeconds":0"#, waiting.len()));
        *request.body_mut() = SdkBody::from(body);
    }
    (Duration::from_secs(seconds), request)
}

async fn whole(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let bytes = body.collect().await.map_err(ConnectorError::io)?.to_bytes();
    *response.body_mut() = SdkBody::from(bytes);
    Ok(response)
}

fn has_messages(response: &HttpResponse) -> bool {
    let body: Option<Value> = response.body().bytes().and_then(|body| serde_json::from_slice(body).ok());
    body.is_some_and(|body| body["Messages"].as_array().is_some_and(|messages| !messages.is_empty()))
}

/// A text as an attribute.
pub(crate) fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().expect("all there")
}

pub(crate) fn program() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/moto/bin/moto_server");
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("moto_server"));
    let all = env::var_os("EVENTS_MOTO").map(PathBuf::from).into_iter().chain(found).chain([own]);
    all.into_iter().find(|program| program.is_file())
}

/// Below those that the system hands out.
fn free_port() -> u16 {
    let first = u16::try_from(std::process::id() % 4000).expect("small") * 2 + 12_000;
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (first..21_000).chain(12_000..first).find(free).expect("a free port")
}

fn run(program: &Path, port: u16) -> Child {
    let script = r#""$0" -H 127.0.0.1 -p "$1" & server=$!
        cat > /dev/null
        kill -9 $server"#;
    let mut shell = Command::new("setsid");
    shell.args(["sh", "-c", script]).arg(program).arg(port.to_string());
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().expect("a shell")
}

/// The service knows the kind of a queue by the end of its name, as it is written.
pub(crate) fn is_fifo(name: &str) -> bool {
    name.strip_suffix(".fifo").is_some()
}
