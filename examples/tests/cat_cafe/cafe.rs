//! The program as a child process, and its database afterwards.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test");
    let profile = test.ancestors().nth(2).expect("the folder of the profile");
    let program = profile.join("examples").join(format!("cat_cafe{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "`cargo build --examples` makes {}", program.display());
    program
}

/// An open café. It is killed where a test fails on the way.
pub(crate) struct Cafe {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
    pub(crate) address: SocketAddr,
    database: PathBuf,
}

/// How a café ended.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) code: Option<i32>,
    /// What it printed behind its address.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Whether its database was left with a log of changes beside it, as by a process that is killed.
    pub(crate) has_log: bool,
}

impl Cafe {
    /// Opens a café with a new database of that name.
    pub(crate) fn open(name: &str) -> Self {
        let database = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.db"));
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", database.display()));
        }
        let mut command = Command::new(program());
        command.args(["--listen", "127.0.0.1:0", "--database"]).arg(&database);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the example starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("text");
        let address = line.trim_end().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        Self { address: address.unwrap_or_else(|| panic!("no address in `{line}`")), child, stdout, stderr, database }
    }

    pub(crate) async fn database(&self) -> SqlitePool {
        open(&self.database).await
    }

    pub(crate) fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.expect("`kill` is there").success());
    }

    /// Waits until it has said that it closes.
    pub(crate) fn closing(&mut self) {
        let mut line = String::new();
        while !line.starts_with("SIGTERM: closing") {
            line.clear();
            assert_ne!(self.stderr.read_line(&mut line).expect("text"), 0, "it ended without a word");
        }
    }

    pub(crate) fn end(mut self) -> Closed {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).expect("text");
        self.stderr.read_to_string(&mut stderr).expect("text");
        let code = self.child.wait().expect("an exit code").code();
        let has_log = Path::new(&format!("{}-wal", self.database.display())).exists();
        Closed { code, stdout, stderr, has_log }
    }
}

impl Drop for Cafe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn open(database: &Path) -> SqlitePool {
    SqlitePool::connect_with(SqliteConnectOptions::new().filename(database)).await.expect("the database opens")
}
