//! The model cache and a user who pulls the plug: the program itself, killed at random moments while it fetches,
//! converts, imports, evicts and clears. Whatever is there afterwards is whole, and nothing else stays on the disk.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hansard::models::store::{Depth, DiskStore, Found};
use hansard::nn::random::SplitMix64;
use hansard::task::{CancelToken, Progress};

use crate::cache_cli::{Home, WHISPER, files_below};
use crate::hub::HubServer;

const N_KILLS: usize = 200;
const BUNDLE: &str = "bundle.hansard-models";
/// Locks, counters and the like may stay.
const MAX_LEFT_BYTES: u64 = 64 << 10;

#[test]
fn whatever_is_killed_leaves_whole_models_or_none() {
    let files: Vec<(String, Vec<u8>)> = files_below(Path::new(WHISPER))
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(WHISPER).expect("found below it").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a readable asset"))
        })
        .collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let hub = HubServer::start("openai/whisper-tiny", &files);
    let endpoint = hub.endpoint();
    let environment = [("HF_ENDPOINT", endpoint.as_str()), ("HF_HUB_DISABLE_XET", "1")];
    let home = Home::new();
    let cache = home.path().join("cache");
    let place = ["--cache-dir", cache.to_str().expect("UTF-8")];
    let actions: [&[&str]; 5] = [
        &["models", "pull", "tiny"],
        &["models", "import", WHISPER],
        &["models", "remove", "tiny"],
        &["cache", "clear", "--yes"],
        &["cache", "import", BUNDLE],
    ];
    let run = |action: &[&str]| home.hansard_with(&environment, &[action, &place[..]].concat());
    // Each is done once undisturbed, to know how long it takes and to have a bundle.
    let mut longest = [Duration::ZERO; 5];
    for (n, action) in actions.iter().enumerate() {
        let started = Instant::now();
        run(action).ended_with(0);
        longest[n] = started.elapsed();
        if n == 1 {
            run(&["cache", "export", BUNDLE]).ended_with(0);
        }
    }

    let (store, cancel) = (DiskStore::open(&cache), CancelToken::default());
    let mut random = SplitMix64::new(6);
    let (mut n_killed, mut n_whole) = (0, 0);
    while n_killed < N_KILLS {
        // More is made than removed, so that there is something to remove.
        let n = [0, 0, 1, 2, 3, 4, 4][(random.next_bits() % 7) as usize];
        let moment = longest[n].mul_f64((random.next_bits() % 1000) as f64 / 900.0);
        let mut child = home.command(&environment, &[actions[n], &place[..]].concat()).spawn().expect("it starts");
        // A random moment is no event that could be waited for.
        thread::sleep(moment);
        n_killed += usize::from(child.try_wait().expect("it was started").is_none());
        child.kill().expect("it runs or has ended");
        child.wait().expect("it was started");
        for entry in store.list().expect("a readable folder") {
            let found =
                store.verify(&entry.key, Depth::Full, &Progress::unwatched(&cancel)).expect("a readable folder");
            assert!(matches!(found, Found::Ready(_)), "{:?} killed after {moment:?}: {found:?}", actions[n]);
            n_whole += 1;
        }
    }
    assert!(n_whole > N_KILLS / 4, "most kills find a model in the cache: {n_whole}");

    // It goes on as if nothing had been, and what was fetched is what was published.
    run(actions[0]).ended_with(0);
    run(&["cache", "verify"]).ended_with(0);
    let meeting = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/meetings/demo_1min_2spk.flac");
    let texts = ["tiny", "demo"].map(|model| {
        let arguments = ["transcribe", meeting, "--model", model, "--no-diarize", "--no-align", "-o", "-"];
        run(&arguments).ended_with(0).stdout
    });
    assert!(texts[0] == texts[1] && texts[0].len() > 100, "{texts:?}");
    run(actions[3]).ended_with(0);
    let left: u64 = files_below(&cache).iter().map(|path| fs::metadata(path).map_or(0, |file| file.len())).sum();
    assert!(left < MAX_LEFT_BYTES, "{left} bytes stay: {:?}", files_below(&cache));
}
