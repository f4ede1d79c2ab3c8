//! A private `RabbitMQ`: its own ports, node name and directory, for this test program alone.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use events::amqp::Amqp;
use lapin::{Channel, Connection, ConnectionProperties};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";
/// What must be seen nowhere.
pub(crate) const PASSWORD: &str = "salmon";
/// The virtual host beside `/`.
pub(crate) const SECOND: &str = "second";

/// Whoever interferes with the broker has it alone.
static QUIET: RwLock<()> = RwLock::const_new(());

/// The broker, and a place beside others that use it as it is; nothing where there is none on this machine.
pub(crate) async fn shared() -> Option<(&'static Broker, RwLockReadGuard<'static, ()>)> {
    let broker = broker()?;
    Some((broker, QUIET.read().await))
}

/// The broker, for somebody who interferes with it.
pub(crate) async fn alone() -> Option<(&'static Broker, RwLockWriteGuard<'static, ()>)> {
    let broker = broker()?;
    Some((broker, QUIET.write().await))
}

fn broker() -> Option<&'static Broker> {
    static BROKER: OnceLock<Option<Broker>> = OnceLock::new();
    let start = || {
        if Path::new(PROGRAMS).join("rabbitmq-server").exists() {
            return Some(Broker::start());
        }
        let missing = "there is no `rabbitmq-server` on this machine: nothing of RabbitMQ is tested";
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        // Not by the macro, whose text is kept from those whose tests pass.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: {missing}\n");
        None
    };
    BROKER.get_or_init(start).as_ref()
}

pub(crate) struct Broker {
    directory: PathBuf,
    port: u16,
    authority: CertifiedIssuer<'static, KeyPair>,
    /// Ends the broker when this program is gone, however it went: it waits for the end of its input.
    _guard: Child,
}

impl Broker {
    fn start() -> Self {
        let port = free_ports();
        let directory = std::env::temp_dir().join(format!("events-amqp-{port}-{}", std::process::id()));
        for part in ["mnesia", "log", "home"] {
            fs::create_dir_all(directory.join(part)).expect("a directory");
        }
        let cookie = directory.join("home/.erlang.cookie");
        fs::write(&cookie, format!("EVENTS{}", std::process::id())).expect("a cookie");
        fs::set_permissions(&cookie, fs::Permissions::from_mode(0o400)).expect("a secret");
        fs::write(directory.join("plugins"), "[].").expect("a file");
        let broker = Self { _guard: guard(&directory, port), directory, port, authority: authority() };
        broker.configure();
        broker.boot();
        broker
    }

    fn configure(&self) {
        let at = |part: &str| self.directory.join(part);
        let (port, tls) = (self.port, self.port + 3);
        let (certificate, key) = self.issue("the broker");
        for (name, text) in [("authority", self.authority()), ("certificate", certificate), ("key", key)] {
            fs::write(at(name), text).expect("a file");
        }
        let user = format!(r#"{{"name":"cat","password":"{PASSWORD}","tags":"administrator"}}"#);
        let (hosts, rights): (Vec<_>, Vec<_>) = ["/", SECOND]
            .map(|host| {
                let rights = format!(r#"{{"user":"cat","vhost":"{host}","configure":".*","write":".*","read":".*"}}"#);
                (format!(r#"{{"name":"{host}"}}"#), rights)
            })
            .into_iter()
            .unzip();
        let (hosts, rights) = (hosts.join(","), rights.join(","));
        let all = format!(r#"{{"vhosts":[{hosts}],"users":[{user}],"permissions":[{rights}]}}"#);
        fs::write(at("definitions.json"), all).expect("a file");
        let tls = format!(
            "listeners.ssl.1 = 127.0.0.1:{tls}\nssl_options.cacertfile = {}\nssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\nssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false\n",
            at("authority").display(),
            at("certificate").display(),
            at("key").display()
        );
        let all = format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\nlog.console = false\ndisk_free_limit.absolute = 50MB\n\
             vm_memory_high_watermark.absolute = 512MB\nmax_message_size = 100000\nload_definitions = {}\n{tls}",
            at("definitions.json").display()
        );
        fs::write(at("rabbitmq.conf"), all).expect("a file");
    }

    /// The certificate of those who have issued the broker's, as PEM.
    pub(crate) fn authority(&self) -> String {
        self.authority.pem()
    }

    /// A certificate that the broker trusts, for this machine, and its key, both as PEM.
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["localhost".into()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        (params.signed_by(&key, &self.authority).expect("a certificate").pem(), key.serialize_pem())
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(Path::new(PROGRAMS).join(name));
        let (at, port) = (|part: &str| self.directory.join(part), self.port);
        command
            .env("HOME", at("home"))
            // A node that is ended while it starts leaves one where this program stands, unless it is told of a place.
            .env("ERL_CRASH_DUMP", at("erl_crash.dump"))
            .env("ERL_EPMD_PORT", (port + 2).to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", format!("events{port}@localhost"))
            .env("RABBITMQ_NODE_PORT", port.to_string())
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_DIST_PORT", (port + 1).to_string())
            .env("RABBITMQ_MNESIA_BASE", at("mnesia"))
            .env("RABBITMQ_LOG_BASE", at("log"))
            .env("RABBITMQ_PID_FILE", at("pid"))
            .env("RABBITMQ_CONFIG_FILE", at("rabbitmq"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Starts the node, and waits until it answers.
    pub(crate) fn boot(&self) {
        let arguments = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 1:1";
        let mut server = self.program("rabbitmq-server");
        let mut child = server.env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", arguments).spawn().expect("the broker");
        // It outlives this call; when it ends, somebody has to take note of it.
        let ended = thread::spawn(move || child.wait());
        let begun = Instant::now();
        // The port for TLS is opened last.
        while !self.answers() || TcpStream::connect(("127.0.0.1", self.port + 3)).is_err() {
            assert!(!ended.is_finished(), "the broker has ended: see {}", self.directory.display());
            assert!(begun.elapsed() < Duration::from_secs(90), "the broker does not start");
            sleep(Duration::from_millis(50));
        }
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
        let mut first = [0];
        stream.write_all(b"AMQP\0\0\x09\x01").is_ok() && stream.read_exact(&mut first).is_ok() && first == [1]
    }

    /// Ends the node without a chance to put anything in order, and waits until it is gone.
    pub(crate) fn kill(&self) {
        let pid = fs::read_to_string(self.directory.join("pid")).expect("it runs");
        let killed = Command::new("kill").args(["-9", pid.trim()]).status().expect("`kill`");
        assert!(killed.success());
        while self.answers() {
            sleep(Duration::from_millis(5));
        }
    }

    /// Has the node close the connections of everybody.
    pub(crate) fn close_connections(&self) {
        self.ask(&["close_all_connections", "for a test"]);
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> usize {
        self.listed("pid").len()
    }

    /// What the broker knows of each connection.
    pub(crate) fn listed(&self, column: &str) -> Vec<String> {
        self.ask(&["list_connections", "--quiet", "--no-table-headers", column])
    }

    /// What the broker answers to somebody who runs it, by lines.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let mut command = self.program("rabbitmqctl");
            let command = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
            let answer = command.output().expect("`rabbitmqctl`");
            if answer.status.success() {
                return String::from_utf8_lossy(&answer.stdout).lines().map(str::to_owned).collect();
            }
            // A node that is busy, or has just begun to listen, may not call itself running.
            let told = String::from_utf8_lossy(&answer.stderr);
            assert!(begun.elapsed() < Duration::from_mins(1), "`rabbitmqctl {}`: {told}", arguments.join(" "));
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://cat:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// Where it is encrypted.
    pub(crate) fn tls_url(&self, host: &str) -> String {
        format!("amqps://cat:{PASSWORD}@{host}:{}", self.port + 3)
    }

    pub(crate) fn amqp(&self) -> Amqp {
        Amqp::new(&self.url()).expect("a good URL")
    }

    /// Somebody else's program.
    pub(crate) async fn raw(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.url(), ConnectionProperties::default()).await.expect("it answers");
        let channel = connection.create_channel().await.expect("a channel");
        (connection, channel)
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "those whom the tests trust");
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

/// Four ports in a row, below those that the system hands out.
fn free_ports() -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let first = u16::try_from(std::process::id() % 2000).expect("small") * 5 + 21_000;
    let mut ports = (first..32_000).chain(21_000..first).step_by(5);
    ports.find(|port| (*port..port + 4).all(free)).expect("free ports")
}

fn guard(directory: &Path, port: u16) -> Child {
    let script = r#"cat > /dev/null
        kill -9 "$(cat "$1/pid")"
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            ERL_EPMD_PORT=$2 epmd -kill | grep -q Killed && break
            sleep 0.2
        done
        rm -rf "$1""#;
    let mut shell = Command::new("setsid");
    shell.args(["sh", "-c", script, "guard"]).arg(directory).arg((port + 2).to_string());
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().expect("a shell")
}
