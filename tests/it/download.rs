//! Downloads, from a hub on this machine that does wrong whatever a hub and the way to it can do wrong.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hansard::models::download::{
    Activity, DownloadControl, DownloadError, DownloadProgress, Environment, Fetched, FilePattern, Hub, HubSettings,
    Network,
};
use hansard::models::token::Token;

use super::hub::{Fault, HubServer, ProxyServer, Server, Stage, sha256};

const REPOSITORY: &str = "owner/model";
const CONFIG: &[u8] = br#"{"a": "small file, which is in the repository itself"}"#;
const N_WEIGHTS: usize = 300_000;
const N_ALL: usize = N_WEIGHTS + CONFIG.len();
const WEIGHTS: &str = "model.safetensors";

/// Bytes without a pattern.
fn weights(seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(N_WEIGHTS).collect()
}

fn server() -> HubServer {
    HubServer::start(
        REPOSITORY,
        &[("config.json", CONFIG.to_vec()), (WEIGHTS, weights(1)), ("notes.txt", b"no".to_vec())],
    )
}

fn wanted() -> Vec<FilePattern> {
    vec![
        FilePattern::required("config.json"),
        FilePattern::first_of(&[WEIGHTS, "pytorch_model.bin"]),
        FilePattern::optional("vocab.txt"),
    ]
}

/// How often and how long was waited between attempts.
type Naps = Arc<Mutex<Vec<u64>>>;

/// A hub in this environment that does not really wait.
fn hub(server: &HubServer, environment: &[(&str, &str)], token: Option<&str>) -> (Hub, Naps) {
    let naps = Naps::default();
    let endpoint = server.endpoint();
    let all: Vec<_> = [("HF_ENDPOINT", endpoint.as_str())].iter().chain(environment).copied().collect();
    let token = token.map(|text| Token::new(text, "a test").expect("a token"));
    let noted = naps.clone();
    let settings = HubSettings::of(&Environment::of(&all), token, Network::Allowed).with_sleep(Arc::new(
        move |_: &DownloadControl, duration: Duration| noted.lock().expect("no panic").push(duration.as_secs()),
    ));
    (Hub::new(settings), naps)
}

fn fetch(hub: &Hub, folder: &Path) -> Result<Fetched, DownloadError> {
    hub.fetch(REPOSITORY, "main", &wanted(), folder, &DownloadControl::default(), &|_| {})
}

#[track_caller]
fn assert_fetched(server: &HubServer, fetched: &Fetched, folder: &Path, weights: &[u8]) {
    assert_eq!(fetched.commit, server.commit());
    let contents = [("config.json", CONFIG), (WEIGHTS, weights)];
    assert_eq!(fetched.files.len(), contents.len());
    for (file, (name, content)) in fetched.files.iter().zip(contents) {
        assert_eq!((file.name.as_str(), file.n_bytes, &file.sha256), (name, content.len() as u64, &sha256(content)));
        assert!(fs::read(folder.join(name)).expect("just fetched") == content, "{name} has other bytes");
    }
    let names: Vec<_> = fs::read_dir(folder).expect("just fetched").collect();
    assert_eq!(names.len(), contents.len(), "nothing else is left: {names:?}");
}

enum Expected {
    /// All files, after so many bytes on the wire and these waits.
    Files { n_bytes: usize, naps: &'static [u64] },
    /// A message with all of these in it, after these waits.
    Message { parts: &'static [&'static str], naps: &'static [u64] },
}

fn message(parts: &'static [&'static str]) -> Expected {
    Expected::Message { parts, naps: &[] }
}

#[track_caller]
fn check(what: &str, arrange: impl Fn(&HubServer), expected: &Expected) {
    let server = server();
    arrange(&server);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (hub, naps) = hub(&server, &[], None);
    let outcome = fetch(&hub, folder.path());
    let naps = naps.lock().expect("no panic").clone();
    match (outcome, expected) {
        (Ok(fetched), Expected::Files { n_bytes, naps: expected }) => {
            assert_fetched(&server, &fetched, folder.path(), &weights(1));
            assert_eq!((server.n_content_bytes(), naps.as_slice()), (*n_bytes, *expected), "{what}");
        }
        (Err(error), Expected::Message { parts, naps: expected }) => {
            let text = error.to_string();
            for part in ["owner/model"].iter().chain(*parts) {
                assert!(text.contains(part), "{what}: {part:?} is not in {text:?}");
            }
            assert_eq!(naps, *expected, "{what}");
            assert!(!folder.path().join(WEIGHTS).exists(), "{what}: half a file is under its name");
        }
        (outcome, _) => panic!("{what}: {outcome:?}"),
    }
}

/// Puts the same fault there so many times.
fn times(server: &HubServer, n: usize, stage: Stage, fault: impl Fn() -> Fault) {
    for _ in 0..n {
        server.fault(stage, fault());
    }
}

#[test]
fn what_goes_wrong_on_the_way_is_made_good() {
    let content = Stage::Content(WEIGHTS);
    let after_cut = |server: &HubServer, fault| {
        server.fault(content, Fault::CutAfter(100_000)).fault(content, fault);
    };
    check("nothing", |_| {}, &Expected::Files { n_bytes: N_ALL, naps: &[] });
    check("no sizes in the list", HubServer::hide_sizes, &Expected::Files { n_bytes: N_ALL, naps: &[] });
    check(
        "cut once",
        |server| times(server, 1, content, || Fault::CutAfter(100_000)),
        &Expected::Files { n_bytes: N_ALL, naps: &[1] },
    );
    check(
        "cut often, but each time some bytes further",
        |server| times(server, 7, content, || Fault::CutAfter(10_000)),
        &Expected::Files { n_bytes: N_ALL, naps: &[1; 7] },
    );
    check(
        "cut, and then ranges are ignored",
        |server| after_cut(server, Fault::IgnoreRange),
        &Expected::Files { n_bytes: N_ALL + 100_000, naps: &[1] },
    );
    check(
        "cut, and then the range is refused",
        |server| after_cut(server, Fault::Answer(416, &[])),
        &Expected::Files { n_bytes: N_ALL + 100_000, naps: &[1, 2] },
    );
    check(
        "wrong bytes once",
        |server| times(server, 1, content, || Fault::WrongBytes),
        &Expected::Files { n_bytes: N_ALL + N_WEIGHTS, naps: &[0] },
    );
    check(
        "wrong bytes in a small file",
        |server| times(server, 1, Stage::Resolve("config.json"), || Fault::WrongBytes),
        &Expected::Files { n_bytes: N_ALL + CONFIG.len(), naps: &[0] },
    );
    check(
        "too many requests",
        |server| times(server, 1, Stage::Listing, || Fault::Answer(429, &[("Retry-After", "7")])),
        &Expected::Files { n_bytes: N_ALL, naps: &[7] },
    );
    check(
        "the hub stumbles twice",
        |server| times(server, 2, Stage::Resolve(WEIGHTS), || Fault::Answer(503, &[])),
        &Expected::Files { n_bytes: N_ALL, naps: &[1, 2] },
    );
    check(
        "the way to the store has expired",
        |server| times(server, 1, content, || Fault::Answer(403, &[])),
        &Expected::Files { n_bytes: N_ALL, naps: &[1] },
    );
}

type Headers = &'static [(&'static str, &'static str)];

/// Answers to the question for the list, and parts of what the user is told then.
const REFUSALS: [(&str, u16, Headers, &[&str]); 11] = [
    ("gated", 401, &[("X-Error-Code", "GatedRepo")], &["is gated", "/owner/model", "/settings/tokens"]),
    ("gated for this account", 403, &[("X-Error-Code", "GatedRepo")], &["the account of your token", "/owner/model"]),
    ("token too narrow", 403, &[("X-Error-Message", "no scope")], &["does not let you read", "no scope", "/settings"]),
    ("no repository", 404, &[("X-Error-Code", "RepoNotFound")], &["there is no repository", "private"]),
    ("no repository, to strangers", 401, &[], &["there is no repository", "private", "/owner/model"]),
    ("no revision", 404, &[("X-Error-Code", "RevisionNotFound")], &["has no revision main", "/commits"]),
    ("gone", 410, &[], &["refuses owner/model", "it is gone", "410", "/owner/model"]),
    ("for legal reasons", 451, &[], &["legal reasons", "451"]),
    ("bad request", 400, &[], &["does not accept", "400", "HF_ENDPOINT"]),
    ("a part of a list", 416, &[], &["does not accept", "416"]),
    ("sign in to the network", 511, &[], &["web page", "browser", "sign in"]),
];

#[test]
fn what_cannot_be_made_good_is_told_with_what_to_do() {
    let page = || Fault::Instead { kind: "text/html", text: "<html>Welcome to the hotel</html>" };
    check(
        "wrong bytes again",
        |server| times(server, 2, Stage::Content(WEIGHTS), || Fault::WrongBytes),
        &Expected::Message { parts: &["arrives damaged", WEIGHTS, "expected"], naps: &[0] },
    );
    check(
        "cut before the first byte again and again",
        |server| times(server, 5, Stage::Content(WEIGHTS), || Fault::CutAfter(0)),
        &Expected::Message { parts: &["connection was lost", WEIGHTS, "goes on from there"], naps: &[1, 2, 4, 8] },
    );
    check(
        "too many requests for a long time",
        |server| times(server, 1, Stage::Listing, || Fault::Answer(429, &[("Retry-After", "3600")])),
        &message(&["limits how often", "3600 seconds"]),
    );
    check(
        "down",
        |server| times(server, 5, Stage::Listing, || Fault::Answer(503, &[])),
        &Expected::Message { parts: &["503", "try again later"], naps: &[1, 2, 4, 8] },
    );
    for (name, status, headers, parts) in REFUSALS {
        check(name, |server| times(server, 1, Stage::Listing, || Fault::Answer(status, headers)), &message(parts));
    }
    check(
        "no file",
        |server| times(server, 1, Stage::Resolve(WEIGHTS), || Fault::Answer(404, &[("X-Error-Code", "EntryNotFound")])),
        &message(&["has no file model.safetensors", "/tree/"]),
    );
    check("a page for the list", |server| times(server, 1, Stage::Listing, page), &message(&["web page", "sign in"]));
    check(
        "a page for a file",
        |server| times(server, 1, Stage::Resolve(WEIGHTS), page),
        &message(&["web page", "sign in"]),
    );
    check(
        "nonsense for the list",
        |server| times(server, 1, Stage::Listing, || Fault::Instead { kind: "application/json", text: "[1, 2" }),
        &message(&["does not understand"]),
    );
    check(
        "too large for the disk",
        |server| server.claim_size(WEIGHTS, 1 << 60),
        &message(&["MB free", "--cache-dir"]),
    );
}

#[test]
fn names_are_checked_before_they_are_used() {
    let server = HubServer::start(REPOSITORY, &[("../evil.json", b"{}".to_vec())]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (hub, _) = hub(&server, &[], None);
    let control = DownloadControl::default();
    let fetch = |repository: &str, revision: &str, name: &str| {
        let into = folder.path().join("inside");
        let outcome = hub.fetch(repository, revision, &[FilePattern::required(name)], &into, &control, &|_| {});
        outcome.expect_err("a wrong name").to_string()
    };
    for (repository, revision, name, expected) in [
        (REPOSITORY, "main", "../evil.json", "a file is named"),
        (REPOSITORY, "main", "absent.json", "has no file absent.json"),
        (REPOSITORY, "absent", "absent.json", "has no revision absent"),
        ("owner/absent", "main", "absent.json", "there is no repository owner/absent"),
        ("owner/../model", "main", "x", "cannot be the name"),
        (REPOSITORY, "main?x", "x", "cannot be the revision"),
    ] {
        let message = fetch(repository, revision, name);
        assert!(message.contains(expected), "{message}");
    }
    assert!(!folder.path().join("evil.json").exists());
}

/// Starts a download whose weights stop after 100,000 bytes, and does `act` once these and the small file are there.
fn fetch_held(
    server: &HubServer,
    hub: &Hub,
    folder: &Path,
    act: impl Fn(&DownloadControl),
    watch: impl Fn(&DownloadControl, &DownloadProgress),
) -> (Result<Fetched, DownloadError>, Sender<()>) {
    let (gate, held) = channel();
    server.fault(Stage::Content(WEIGHTS), Fault::HoldAfter(100_000, held));
    let control = DownloadControl::default();
    let is_done = Cell::new(false);
    let progress = |progress: DownloadProgress| {
        watch(&control, &progress);
        if progress.n_bytes_done == (100_000 + CONFIG.len()) as u64 && !is_done.replace(true) {
            act(&control);
        }
    };
    let outcome = hub.fetch(REPOSITORY, "main", &wanted(), folder, &control, &progress);
    (outcome, gate)
}

/// Leaves in `folder` what a download has that was stopped after 100,000 bytes of the weights.
fn stop_in_the_middle(server: &HubServer, hub: &Hub, folder: &Path) {
    let cancelled = Cell::new(None);
    let cancel = |control: &DownloadControl| {
        control.cancel();
        cancelled.set(Some(Instant::now()));
    };
    let (outcome, _gate) = fetch_held(server, hub, folder, cancel, |_, _| {});
    let took = cancelled.get().expect("it was cancelled").elapsed();
    assert!(matches!(outcome, Err(DownloadError::Cancelled)), "{outcome:?}");
    assert!(took < Duration::from_secs(1), "cancelling took {took:?}");
    assert_eq!(fs::metadata(folder.join("model.safetensors.part")).expect("a part").len(), 100_000);
}

#[test]
fn a_stopped_download_goes_on_where_it_stopped() {
    let server = server();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (hub, naps) = hub(&server, &[], None);
    stop_in_the_middle(&server, &hub, folder.path());
    let fetched = fetch(&hub, folder.path()).expect("nothing goes wrong");
    assert_fetched(&server, &fetched, folder.path(), &weights(1));
    assert_eq!(server.n_content_bytes(), N_ALL, "no byte came twice");
    let last = server.requests().into_iter().rev().find(|request| request.at_store).expect("one to the store");
    assert_eq!(last.headers.get("range").map(String::as_str), Some("bytes=100000-"));
    assert_eq!(last.headers.get("if-range"), Some(&format!("\"{}\"", sha256(&weights(1)))));
    assert!(naps.lock().expect("no panic").is_empty());

    // What is whole does not come again at all.
    fetch(&hub, folder.path()).expect("nothing goes wrong");
    assert_eq!(server.n_content_bytes(), N_ALL);
}

#[test]
fn a_part_that_a_crash_damaged_is_fetched_again() {
    let server = server();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (hub, _) = hub(&server, &[], None);
    stop_in_the_middle(&server, &hub, folder.path());
    // As after a power cut: the size is there, the bytes are not.
    let mut part = fs::File::options().write(true).open(folder.path().join("model.safetensors.part")).expect("a part");
    part.seek(SeekFrom::Start(99_000)).expect("a file");
    part.write_all(&[0; 1000]).expect("a file");
    drop(part);
    let fetched = fetch(&hub, folder.path()).expect("made good");
    assert_fetched(&server, &fetched, folder.path(), &weights(1));
    assert_eq!(server.n_content_bytes(), N_ALL + N_WEIGHTS);
}

#[test]
fn a_file_that_changed_meanwhile_comes_whole() {
    let server = server();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (hub, _) = hub(&server, &[], None);
    stop_in_the_middle(&server, &hub, folder.path());
    server.change(WEIGHTS, weights(2));
    let fetched = fetch(&hub, folder.path()).expect("nothing goes wrong");
    assert_fetched(&server, &fetched, folder.path(), &weights(2));
    assert_eq!(server.n_content_bytes(), 100_000 + N_ALL);
}

#[test]
fn a_paused_download_waits_and_goes_on() {
    let server = server();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (hub, naps) = hub(&server, &[], None);
    let n_paused = Cell::new(0);
    let last = RefCell::new(None);
    let resume = |control: &DownloadControl, progress: &DownloadProgress| {
        if progress.activity == Activity::Paused {
            n_paused.set(n_paused.get() + 1);
            control.resume();
        }
        last.replace(Some(progress.clone()));
    };
    let (outcome, _gate) = fetch_held(&server, &hub, folder.path(), DownloadControl::pause, resume);
    assert_fetched(&server, &outcome.expect("it was resumed"), folder.path(), &weights(1));
    assert_eq!((n_paused.get(), server.n_content_bytes()), (1, N_ALL));
    assert!(naps.lock().expect("no panic").is_empty());
    let last = last.into_inner().expect("progress was told");
    assert_eq!((last.n_bytes_done, last.n_bytes, last.n_files_done, last.n_files), (N_ALL as u64, N_ALL as u64, 2, 2));
}

#[test]
fn a_connection_that_brings_nothing_is_given_up() {
    let server = server();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let endpoint = server.endpoint();
    let environment = Environment::of(&[("HF_ENDPOINT", &endpoint)]);
    let hub = Hub::new(
        HubSettings::of(&environment, None, Network::Allowed)
            .with_stall(Duration::from_secs(1))
            .with_sleep(Arc::new(|_: &DownloadControl, _: Duration| {})),
    );
    let (outcome, _gate) = fetch_held(&server, &hub, folder.path(), |_| {}, |_, _| {});
    assert_fetched(&server, &outcome.expect("tried again"), folder.path(), &weights(1));
    assert_eq!(server.n_content_bytes(), N_ALL);
}

#[test]
fn two_files_come_at_a_time() {
    const NAMES: [&str; 3] = ["a.bin", "b.bin", "c.bin"];
    let files = NAMES.map(|name| (name, name.as_bytes().repeat(1000)));
    let server = HubServer::start(REPOSITORY, &files);
    let gates = NAMES.map(|name| {
        let (gate, held) = channel();
        server.fault(Stage::Content(name), Fault::HoldAfter(1000, held));
        gate
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (hub, _) = hub(&server, &[], None);
    let n_begun = Cell::new(0);
    let progress = |progress: DownloadProgress| {
        if progress.n_bytes_done == 2000 && n_begun.get() == 0 {
            n_begun.set(server.requests().iter().filter(|request| request.at_store).count());
            for gate in &gates {
                gate.send(()).expect("the server waits for it");
            }
        }
    };
    let wanted = [FilePattern::required("*.bin")];
    let fetched = hub.fetch(REPOSITORY, "main", &wanted, folder.path(), &DownloadControl::default(), &progress);
    assert_eq!(fetched.expect("nothing goes wrong").files.len(), 3);
    assert_eq!(n_begun.get(), 2);
}

#[test]
fn nothing_is_connected_while_the_network_is_forbidden() {
    let server = server();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let endpoint = server.endpoint();
    for (network, offline) in [(Network::Offline, "0"), (Network::Allowed, "1"), (Network::Allowed, "TRUE")] {
        let environment = Environment::of(&[("HF_ENDPOINT", &endpoint), ("HF_HUB_OFFLINE", offline)]);
        let hub = Hub::new(HubSettings::of(&environment, None, network));
        assert_eq!(hub.network(), Network::Offline);
        let error = fetch(&hub, folder.path()).expect_err("the network is forbidden").to_string();
        assert!(error.contains("owner/model") && error.contains("--offline") && error.contains("import"), "{error}");
    }
    assert_eq!(server.n_connections(), 0);
}

#[test]
fn the_token_goes_to_the_hub_alone() {
    let server = server();
    server.require_token("hf_right");
    for (token, expected) in
        [(None, Some("is gated")), (Some("hf_wrong"), Some("refuses your token")), (Some("hf_right"), None)]
    {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (hub, _) = hub(&server, &[], token);
        let outcome = fetch(&hub, folder.path());
        let told = format!("{outcome:?}");
        assert!(!told.contains("hf_"), "{told}");
        match (outcome, expected) {
            (Ok(fetched), None) => assert_fetched(&server, &fetched, folder.path(), &weights(1)),
            (Err(error), Some(expected)) => {
                let error = error.to_string();
                assert!(
                    error.contains(expected) && error.contains("/settings/tokens") && !error.contains("hf_"),
                    "{error}"
                );
            }
            (outcome, _) => panic!("{token:?}: {outcome:?}"),
        }
    }
    let at_store: Vec<_> = server.requests().into_iter().filter(|request| request.at_store).collect();
    assert!(!at_store.is_empty() && at_store.iter().all(|request| !request.headers.contains_key("authorization")));
}

#[test]
fn proxies_lead_to_the_hub_and_the_store() {
    let server = server();
    let proxy = ProxyServer::start();
    let (hub_address, store_address) = (server.address().to_string(), server.store_address().to_string());
    let through = |variables: &[(&str, &str)]| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (hub, _) = hub(&server, variables, None);
        let outcome = fetch(&hub, folder.path());
        if let Ok(fetched) = &outcome {
            assert_fetched(&server, fetched, folder.path(), &weights(1));
        }
        outcome
    };
    let address = format!("http://user:secret@{}", proxy.address());
    through(&[("HTTP_PROXY", &address)]).expect("nothing goes wrong");
    let asked = proxy.asked();
    assert!(asked.contains(&hub_address) && asked.contains(&store_address), "{asked:?}");
    through(&[("ALL_PROXY", &address), ("NO_PROXY", &hub_address)]).expect("nothing goes wrong");
    assert!(proxy.asked()[asked.len()..].iter().all(|host| *host == store_address), "{:?}", proxy.asked());

    let refusing = ProxyServer::refusing();
    let refusing_address = format!("http://user:secret@{}", refusing.address());
    let dead = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let dead_address = format!("http://user:secret@{dead}");
    for (address, expected) in [
        (refusing_address.as_str(), "407"),
        (dead_address.as_str(), "does not answer"),
        ("socks5://user:secret@127.0.0.1:1080", "HTTP proxies only"),
    ] {
        let error = through(&[("http_proxy", address)]).expect_err("a proxy that does not do").to_string();
        let parts = ["owner/model", "the proxy 127.0.0.1:", expected, "HTTPS_PROXY"];
        assert!(parts.iter().all(|part| error.contains(part)) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn a_hub_that_cannot_be_reached_or_trusted_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let no_tls = Server::start(|mut stream| {
        // With something left unread, the connection would end in a reset that overtakes the answer.
        let n_read = stream.read(&mut [0; 16 * 1024])?;
        assert!(n_read > 0, "the client begins");
        stream.write_all(b"HTTP/1.1 400 This is no TLS\r\n\r\n")
    });
    let dead = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    for (endpoint, expected) in [
        (format!("https://{}", no_tls.address), "no secure connection to 127.0.0.1"),
        (format!("http://{dead}"), "cannot be reached"),
        ("ftp://127.0.0.1".to_owned(), "HF_ENDPOINT"),
        ("nonsense".to_owned(), "HF_ENDPOINT"),
    ] {
        let environment = Environment::of(&[("HF_ENDPOINT", &endpoint)]);
        let settings = HubSettings::of(&environment, None, Network::Allowed);
        let hub = Hub::new(settings.with_sleep(Arc::new(|_: &DownloadControl, _: Duration| {})));
        let error = fetch(&hub, folder.path()).expect_err("no hub").to_string();
        assert!(error.contains(expected), "{error}");
    }
}
