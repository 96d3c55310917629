//! `--offline` opens no connection, and no socket either: the kernel is asked, by strace.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn offline_no_socket_is_opened_by_a_whole_job() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (job, sockets) = traced(home.path(), &["demo", "--no-window", "--offline"]);
    assert!(job.status.success(), "{}", String::from_utf8_lossy(&job.stderr));
    assert!(!job.stdout.is_empty(), "the meeting is transcribed");
    assert!(sockets.is_empty(), "{sockets:#?}");

    // When the program opens one, that is seen.
    let (pull, sockets) = traced(home.path(), &["models", "pull", "tiny"]);
    assert_eq!((pull.status.code(), sockets.is_empty()), (Some(1), false), "nobody listens there");
}

/// Runs the program, and tells which sockets it made.
fn traced(home: &Path, arguments: &[&str]) -> (Output, Vec<String>) {
    let log = home.join("calls.txt");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=network", "-o"]).arg(&log);
    command.arg(env!("CARGO_BIN_EXE_hansard")).args(arguments);
    for variable in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(variable, home);
    }
    command.env("HF_ENDPOINT", "http://127.0.0.1:9").env("HF_TOKEN", "none");
    let output = command.output().expect("strace is there: `sh packaging/test.sh` installs it");
    let calls = fs::read_to_string(&log).expect("strace wrote it");
    let sockets = calls.lines().filter(|line| line.contains("socket(") || line.contains("socketpair("));
    (output, sockets.map(str::to_owned).collect())
}
