//! A service that a test makes up, without a network: what it answers, and when, in virtual time.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use events::sqs::Sqs;
use events::sqs::aws_sdk_sqs::config::http::{HttpRequest, HttpResponse};
use events::sqs::aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, RuntimeComponents};
use events::sqs::aws_sdk_sqs::{Client, Config};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

/// What the service answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Json(Value),
    /// An error of the service: its status and its code.
    Error(u16, &'static str),
    /// What no service says.
    Text(u16, &'static str),
    /// Nothing, for ever.
    Silence,
    /// The connection breaks.
    Broken,
    /// Something else, after a while.
    Late(Duration, Box<Answer>),
}

/// A call of the service.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

impl Call {
    /// What its entries, or itself, have under a name.
    pub(crate) fn each(&self, name: &str) -> Vec<String> {
        let entries = self.body["Entries"].as_array().cloned().unwrap_or_else(|| vec![self.body.clone()]);
        entries
            .iter()
            .map(|entry| entry[name].as_str().map_or_else(|| entry[name].to_string(), str::to_owned))
            .collect()
    }
}

type Script = dyn Fn(&Call, usize) -> Option<Answer> + Send + Sync;

/// A service that does all that it is asked, unless its script says something else.
#[derive(Clone)]
pub(crate) struct Fake(Arc<Inner>);

struct Inner {
    script: Box<Script>,
    calls: Mutex<Vec<Call>>,
    /// What is there to be received.
    inbox: Mutex<VecDeque<Value>>,
    came: Notify,
}

impl Fake {
    /// `script` is given each call, and how many of its kind came before.
    pub(crate) fn new(script: impl Fn(&Call, usize) -> Option<Answer> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            script: Box::new(script),
            calls: Mutex::default(),
            inbox: Mutex::default(),
            came: Notify::new(),
        }))
    }

    pub(crate) fn sqs(&self) -> Sqs {
        let credentials = Credentials::new("key", "salmon", None, None, "test");
        let config = Config::builder().behavior_version(BehaviorVersion::latest()).credentials_provider(credentials);
        let config = config.region(Region::new("eu-central-1")).endpoint_url("http://fake").http_client(self.clone());
        Sqs::with_client(Client::from_conf(config.build()))
    }

    /// Puts bodies into the queue; a body `a:1` is of the group `a`.
    pub(crate) fn put<'a>(&self, bodies: impl IntoIterator<Item = &'a str>) {
        bodies.into_iter().for_each(|body| self.put_received(body, 1));
    }

    /// Puts a body into the queue that is received for the so-and-so-many-th time.
    pub(crate) fn put_received(&self, body: &str, receives: u32) {
        let mut attributes = json!({ "ApproximateReceiveCount": receives.to_string() });
        if let Some((group, _)) = body.split_once(':') {
            attributes["MessageGroupId"] = group.into();
        }
        let message = json!({ "MessageId": body, "ReceiptHandle": body, "Body": body, "Attributes": attributes });
        self.put_message(message);
    }

    /// Puts a message into the queue as it is received.
    pub(crate) fn put_message(&self, message: Value) {
        self.0.inbox.lock().expect("nobody panics").push_back(message);
        self.0.came.notify_waiters();
    }

    /// The calls of one kind so far.
    pub(crate) fn calls(&self, action: &str) -> Vec<Call> {
        let calls = self.0.calls.lock().expect("nobody panics");
        calls.iter().filter(|call| call.action == action).cloned().collect()
    }

    /// What the entries of all calls of one kind have under a name, call by call.
    pub(crate) fn each(&self, action: &str, name: &str) -> Vec<Vec<String>> {
        self.calls(action).iter().map(|call| call.each(name)).collect()
    }

    async fn answer(&self, call: Call) -> Answer {
        let before = {
            let mut calls = self.0.calls.lock().expect("nobody panics");
            calls.push(call.clone());
            calls.iter().filter(|known| known.action == call.action).count() - 1
        };
        if let Some(answer) = (self.0.script)(&call, before) {
            return answer;
        }
        let body = &call.body;
        Answer::Json(match &*call.action {
            "GetQueueUrl" => {
                json!({ "QueueUrl": format!("http://fake/1/{}", body["QueueName"].as_str().expect("a name")) })
            }
            "ReceiveMessage" => self.receive(body).await,
            _ => all_done(&call),
        })
    }

    async fn receive(&self, body: &Value) -> Value {
        let wait = Duration::from_secs(body["WaitTimeSeconds"].as_u64().expect("a number"));
        let most = usize::try_from(body["MaxNumberOfMessages"].as_u64().expect("a number")).expect("small");
        let some = async {
            loop {
                let came = self.0.came.notified();
                {
                    let mut inbox = self.0.inbox.lock().expect("nobody panics");
                    if !inbox.is_empty() {
                        let count = most.min(inbox.len());
                        return inbox.drain(..count).collect::<Vec<_>>();
                    }
                }
                came.await;
            }
        };
        json!({ "Messages": timeout(wait, some).await.unwrap_or_default() })
    }
}

/// Each entry is done.
pub(crate) fn all_done(call: &Call) -> Value {
    some_failed(call, |_| None)
}

/// Each entry is done, but for those that have a code, and perhaps the fault.
pub(crate) fn some_failed(call: &Call, failed: impl Fn(&Value) -> Option<(&'static str, bool)>) -> Value {
    let Some(entries) = call.body["Entries"].as_array() else {
        return json!({ "MessageId": "m", "MD5OfMessageBody": "m" });
    };
    let mut answer = json!({ "Successful": [], "Failed": [] });
    for entry in entries {
        let (list, result) = match failed(entry) {
            Some((code, fault)) => {
                ("Failed", json!({ "Id": entry["Id"], "Code": code, "SenderFault": fault, "Message": "not this one" }))
            }
            None => ("Successful", json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "m" })),
        };
        answer[list].as_array_mut().expect("a list").push(result);
    }
    answer
}

impl HttpClient for Fake {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let action = request.headers().get("x-amz-target").expect("an action").rsplit('.').next().expect("a name");
        let body = serde_json::from_slice(request.body().bytes().expect("in memory")).expect("JSON");
        let (fake, call) = (self.clone(), Call { action: action.to_owned(), body, at: Instant::now() });
        HttpConnectorFuture::new(async move {
            // Nothing is there at once.
            sleep(Duration::from_millis(5)).await;
            let mut answer = fake.answer(call).await;
            while let Answer::Late(after, later) = answer {
                sleep(after).await;
                answer = *later;
            }
            let (status, text) = match answer {
                Answer::Late(..) => unreachable!("it was waited for"),
                Answer::Json(body) => (200, body.to_string()),
                Answer::Error(status, code) => (
                    status,
                    json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": "so it is" }).to_string(),
                ),
                Answer::Text(status, text) => (status, text.to_owned()),
                Answer::Silence => std::future::pending().await,
                Answer::Broken => return Err(ConnectorError::io("connection reset".into())),
            };
            Ok(HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(text)))
        })
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fake").finish_non_exhaustive()
    }
}
