//! Drivers over the stand-in for libmesos under load: calls and ends from many threads while it talks. Also run under
//! AddressSanitizer and ThreadSanitizer (`make test-cpp`), for which `MESOS_FAKE_CXXFLAGS` are flags of the stand-in.

mod executor;
mod scheduler;

use crate::event::Event;
use crate::queue::{self, Received, Receiver, Sender};
use crate::sys::wait_readable;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ID: &[u8] = b"\x0a\x01x";

/// The stand-in, compiled once.
fn library() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = BUILT.get_or_init(|| {
        let directory = TempDir::new().unwrap();
        let library = directory.path().join("libmesos.so");
        let flags = std::env::var("MESOS_FAKE_CXXFLAGS").unwrap_or_default();
        let sources = ["executor", "messages", "scheduler", "script"]
            .map(|name| format!("{}/cpp/fake/{name}.cc", env!("CARGO_MANIFEST_DIR")));
        let mut compiler = Command::new("g++");
        compiler.args(["-std=c++17", "-O1", "-g", "-shared", "-fPIC", "-o"]).arg(&library).args(sources);
        assert!(compiler.args(flags.split_whitespace()).status().unwrap().success());
        (directory, library)
    });
    library
}

/// What a driver hears.
struct Events {
    receiver: Receiver,
    bell: Arc<queue::Bell>,
}

impl Events {
    fn new() -> (Sender, Self) {
        let (sender, receiver, bell) = queue::with_fd().unwrap();
        (sender, Self { receiver, bell })
    }

    /// The next event; `None` is the end.
    fn next(&self) -> Option<Event> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            match self.receiver.receive() {
                Received::Event(_, event) => return Some(event),
                Received::Ended => return None,
                Received::Empty => assert!(Instant::now() < deadline, "nothing comes any more"),
            }
            wait_readable(&*self.bell, Some(deadline), None);
        }
    }
}

/// The names of the calls that the driver of this script got; complete after its end.
fn calls(script: &Path) -> Vec<String> {
    let calls = std::fs::read_to_string(script.with_extension("calls")).unwrap_or_default();
    calls.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}
