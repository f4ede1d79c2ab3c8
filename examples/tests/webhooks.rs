//! `webhooks`, twice: orders come into one, and its parcels go to the other.

// Signals are sent by `kill`.
#![cfg(unix)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A service that runs; it is killed where a test fails.
struct Service {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: String,
}

impl Service {
    fn start(token: &str, next: Option<(&Self, &str)>) -> Self {
        let mut command = support::program("webhooks");
        // Where the shell has proxies, nothing would arrive.
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NEXT_TOKEN"] {
            command.env_remove(name);
        }
        command.args(["--listen", "127.0.0.1:0"]).env("TOKEN", token);
        if let Some((next, token)) = next {
            command.args(["--next", &format!("http://{}/hooks", next.address)]).env("NEXT_TOKEN", token);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the example starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let line = line(&mut stdout);
        let address = line.strip_prefix("listening on http://").unwrap_or_else(|| panic!("no address in `{line}`"));
        Self { address: address.to_owned(), child, stdout }
    }

    /// Status and body of the answer to an order.
    fn order(&self, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let length = body.len();
        let request = format!(
            "POST /hooks/events/order-placed HTTP/1.1\r\nhost: cafe\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer.split_once("\r\n\r\n").expect("a body").1.to_owned())
    }

    /// Ends it by a signal; what it has written to standard error.
    fn end(mut self) -> String {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(killed.expect("`kill` is there").success());
        let mut stderr = String::new();
        self.child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
        let code = self.child.wait().expect("an exit code").code();
        assert_eq!(code, Some(0), "{stderr}");
        stderr
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).expect("text");
    line.trim_end().to_owned()
}

const TOM: &str = r#"{"customer": "Tom", "pieces": 2}"#;

#[test]
fn an_order_here_is_a_parcel_there() {
    let mut there = Service::start("swordfish", None);
    let here = Service::start("trout", Some((&there, "swordfish")));
    assert_eq!(here.order("authorization: Bearer trout\r\n", TOM).0, 202);
    assert_eq!(line(&mut there.stdout), "2 pieces for Tom");
    let (status, outcome) = here.order("authorization: Bearer trout\r\nprefer: wait=30\r\n", TOM);
    assert!(status == 200 && outcome.ends_with(r#""handlers":1,"failures":[]}"#), "{status} {outcome}");
    assert_eq!(line(&mut there.stdout), "2 pieces for Tom");
    let (status, problem) = here.order("authorization: Bearer trout\r\n", &TOM.replace('2', "0"));
    assert!(status == 422 && problem.contains(r#""path":"pieces","code":"range""#), "{status} {problem}");
    assert_eq!((here.end(), there.end()), (String::new(), String::new()));
}

#[test]
fn who_does_not_know_the_token_is_not_let_in() {
    let service = Service::start("swordfish", None);
    for headers in
        ["", "authorization: Bearer trout\r\n", "authorization: Bearer swordfis\r\n", "authorization: swordfish\r\n"]
    {
        assert_eq!(service.order(headers, TOM).0, 401, "{headers}");
    }
    assert_eq!(service.order("authorization: Bearer swordfish\r\n", TOM).0, 202);
    service.end();
}

#[test]
fn a_wrong_token_for_the_next_service_is_told() {
    let there = Service::start("swordfish", None);
    let here = Service::start("trout", Some((&there, "trout")));
    assert_eq!(here.order("authorization: Bearer trout\r\n", TOM).0, 202);
    let stderr = here.end();
    assert!(stderr.contains("`parcel-packed`") && stderr.contains("has answered 401 Unauthorized"), "{stderr}");
    assert!(!stderr.contains("trout") && !stderr.contains("/hooks"), "{stderr}");
    there.end();
}
