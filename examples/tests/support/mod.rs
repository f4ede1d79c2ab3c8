//! What the tests of examples share: to find the program, to start it, to end it.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::io::Read as _;
use std::process::{Child, Command, Stdio};

/// The example of a name, which cargo builds beside the tests. Where the shell disables dispatch, nothing would happen: it is not
/// told of that.
pub(crate) fn program(name: &str) -> Command {
    let test = std::env::current_exe().expect("the path of the test");
    let profile = test.ancestors().nth(2).expect("the folder of the profile");
    let program = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "`cargo build --examples` makes {}", program.display());
    let mut command = Command::new(program);
    command.env_remove("EVENTS_DISABLE_DISPATCH");
    command
}

/// What a program that does not begin says of it.
pub(crate) fn refused(mut program: Command, arguments: &[&str]) -> String {
    let output = program.args(arguments).output().expect("the example runs");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    stderr
}

/// A program at work. It is killed where a test fails on the way.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(mut program: Command) -> Self {
        Self(program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the example starts"))
    }

    /// Ends it by SIGTERM; answers its exit code, and what it has printed and told.
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        let told = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(told.expect("`kill` is there").success());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.0.stdout.take().expect("a pipe").read_to_string(&mut stdout).expect("text");
        self.0.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
        (self.0.wait().expect("it ends").code(), stdout, stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
