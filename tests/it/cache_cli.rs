//! `hansard cache` and `hansard models` as a user meets them: real processes, an empty home, and no network. Models
//! come from the folder of the built-in Whisper, which is imported as a user would import one.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::hub::HubServer;
#[cfg(unix)]
use super::hub::sha256;

pub(super) const WHISPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/models/whisper-demo");

/// A user's home. The cache is in it, but for what a test says otherwise.
pub(super) struct Home(TempDir);

/// A process that has ended.
pub(super) struct Run {
    code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Home {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn hansard(&self, arguments: &[&str]) -> Run {
        self.hansard_with(&[], arguments)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn hansard_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Run {
        let Output { status, stdout, stderr } =
            self.command(environment, arguments).output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
        Run { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// What it prints is for whoever reads it.
    pub(super) fn command(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hansard"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        for variable in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env(variable, self.0.path());
        }
        for variable in ["HANSARD_CACHE_DIR", "HANSARD_PRELOAD_MODELS", "HANSARD_LOG", "HF_HOME", "HF_HUB_CACHE"] {
            command.env_remove(variable);
        }
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The keys of the models on disk.
    fn keys(&self) -> Vec<String> {
        let listing = self.hansard(&["cache", "list", "--json"]).ended_with(0).json();
        let disk = listing["disk"].as_array().expect("a list");
        disk.iter().map(|entry| entry["key"].as_str().expect("a key").to_owned()).collect()
    }
}

impl Run {
    #[track_caller]
    pub(super) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("one JSON object on stdout")
    }
}

#[test]
fn wrong_arguments_are_wrong_usage_and_right_ones_are_helped() {
    let home = Home::new();
    for (arguments, code) in [
        (&["cache", "clear", "--models", "--results"][..], 2),
        (&["cache", "clear", "--older-than", "soon"], 2),
        (&["clear-cache", "--all", "--models"], 2),
        (&["cache", "warm"], 2),
        (&["cache", "pin"], 2),
        (&["cache"], 2),
        (&["models", "pull"], 2),
        (&["cache", "--help"], 0),
        (&["cache", "clear", "--help"], 0),
        (&["models", "--help"], 0),
    ] {
        home.hansard(arguments).ended_with(code);
    }
    let help = home.hansard(&["cache", "list", "--help"]).ended_with(0);
    assert!(help.stdout.contains("--cache-dir") && help.stdout.contains("--offline"), "{}", help.stdout);
}

#[test]
fn an_empty_cache_is_told_and_not_made() {
    let home = Home::new();
    let (said, typed) = (home.0.path().join("said"), home.0.path().join("typed"));
    let (said, typed) = (said.to_str().expect("UTF-8"), typed.to_str().expect("UTF-8"));
    for (environment, arguments, folder) in [
        (&[][..], &["cache", "info", "--json"][..], "hansard"),
        (&[], &["cache-info", "--json"], "hansard"),
        (&[("HANSARD_CACHE_DIR", said)], &["cache", "info", "--json"], said),
        (&[("HANSARD_CACHE_DIR", said)], &["cache", "info", "--json", "--cache-dir", typed], typed),
        (&[], &["--cache-dir", typed, "cache", "info", "--json"], typed),
    ] {
        let info = home.hansard_with(environment, arguments).ended_with(0).json();
        assert!(info["directory"].as_str().is_some_and(|directory| directory.contains(folder)), "{info}");
        assert_eq!((&info["disk"]["models"], &info["memory"]["models"]), (&Value::from(0), &Value::from(0)), "{info}");
        assert_eq!(info["hit_rate"], Value::Null, "{info}");
    }
    let info = home.hansard(&["cache", "info"]).ended_with(0);
    assert!(info.stdout.contains("on disk    0 models, 0.0 MB"), "{}", info.stdout);
    let list = home.hansard(&["cache", "list"]).ended_with(0);
    assert!(list.stdout.is_empty() && list.stderr.contains("No model"), "{}{}", list.stdout, list.stderr);
    home.hansard(&["cache", "verify"]).ended_with(0);
    // There is nothing to ask about.
    for arguments in [&["cache", "clear"][..], &["clear-cache", "--all", "--older-than", "1"]] {
        let clear = home.hansard(arguments).ended_with(0);
        assert!(clear.stderr.contains("nothing was removed"), "{}", clear.stderr);
    }
    for folder in [said, typed] {
        assert!(!Path::new(folder).exists(), "{folder} was made by looking");
    }
}

#[test]
fn models_are_listed_with_what_they_need() {
    let home = Home::new();
    let listing = home.hansard(&["models", "list", "--json"]).ended_with(0).json();
    let models = listing["models"].as_array().expect("a list");
    for (name, state, gated, is_fetched) in [
        ("demo", "built in", false, false),
        ("tiny.en", "available", false, true),
        ("large-v3", "available", false, true),
        ("align-vi", "available", false, true),
        ("pyannote/segmentation-3.0", "available", true, true),
    ] {
        let model = models.iter().find(|model| model["name"] == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!((&model["state"], &model["gated"]), (&Value::from(state), &Value::from(gated)), "{model}");
        assert_eq!(model["download_bytes"].is_u64(), is_fetched, "{model}");
        assert!(model["memory_bytes"].as_u64().is_some_and(|n_bytes| n_bytes > 0), "{model}");
        assert_eq!(model["disk_bytes"], Value::Null, "{model}");
    }
    let short = home.hansard(&["models", "list"]).ended_with(0);
    assert!(!short.stdout.contains("align-vi") && short.stderr.contains("--all"), "{}", short.stderr);
    let long = home.hansard(&["models", "list", "--all"]).ended_with(0);
    assert!(long.stdout.contains("align-vi") && long.stderr.is_empty(), "{}", long.stderr);
}

#[test]
fn what_cannot_be_fetched_is_one_clear_line() {
    let home = Home::new();
    for (arguments, expected) in [
        (&["models", "pull", "smal"][..], "did you mean `small`"),
        (&["models", "pull", "small", "--offline"], "small"),
        (&["cache", "warm", "whisperx_small_cpu", "--offline"], "small"),
        (&["cache", "evict", "whisperx_small_cpu"], "whisperx_small_cpu"),
        (&["cache", "pin", "whisperx_small_cpu"], "whisperx_small_cpu"),
        (&["cache", "import", "nothing.hansard-models"], "nothing.hansard-models"),
    ] {
        let run = home.hansard(arguments).ended_with(1);
        let errors: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(matches!(errors[..], [error] if error.contains(expected)), "{arguments:?}: {}", run.stderr);
    }
    assert_eq!(home.keys(), [""; 0]);
}

#[test]
fn a_model_is_imported_pinned_exported_cleared_and_comes_back() {
    let home = Home::new();
    home.hansard(&["models", "import", WHISPER]).ended_with(0);
    let keys = home.keys();
    let [key] = &keys[..] else { panic!("one model was imported: {keys:?}") };
    let sound = home.hansard(&["cache", "verify", key, "--json"]).ended_with(0).json();
    assert_eq!(
        (&sound["models"][0]["key"], &sound["models"][0]["problem"]),
        (&Value::from(key.as_str()), &Value::Null)
    );

    home.hansard(&["cache", "pin", key]).ended_with(0);
    let plan = home.hansard(&["cache", "clear", "--dry-run", "--json"]).ended_with(0).json();
    assert_eq!(plan["kept"][0]["reason"], "pinned", "{plan}");
    home.hansard(&["cache", "clear", "--yes"]).ended_with(0);
    home.hansard(&["cache", "evict", key]).ended_with(1);
    assert_eq!(home.keys(), keys, "what is pinned stays");

    home.hansard(&["cache", "unpin", key]).ended_with(0);
    let export = home.hansard(&["cache", "export", "all.hansard-models"]).ended_with(0);
    assert!(export.stderr.contains("all.hansard-models: 1 model, "), "{}", export.stderr);
    let plan = home.hansard(&["cache", "clear", "--dry-run", "--json"]).ended_with(0).json();
    assert_eq!((&plan["removed"][0]["name"], &plan["kept"]), (&Value::from(key.as_str()), &Value::Array(Vec::new())));
    let unasked = home.hansard(&["cache", "clear"]).ended_with(1);
    assert!(unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    let young = home.hansard(&["clear-cache", "--older-than", "1", "--yes"]).ended_with(0);
    assert!(young.stderr.contains("nothing was removed"), "{}", young.stderr);
    assert_eq!(home.keys(), keys, "nothing was agreed to");
    home.hansard(&["clear-cache", "--yes"]).ended_with(0);
    assert_eq!(home.keys(), [""; 0]);

    home.hansard(&["cache", "import", "all.hansard-models"]).ended_with(0);
    assert_eq!(home.keys(), keys);
    home.hansard(&["cache", "verify"]).ended_with(0);
    home.hansard(&["models", "remove", key]).ended_with(0);
    assert_eq!(home.keys(), [""; 0]);
}

#[test]
fn a_damaged_model_fails_its_verification() {
    let home = Home::new();
    let cache = home.0.path().join("cache");
    let of_cache = ["--cache-dir", cache.to_str().expect("UTF-8")];
    home.hansard(&[&["models", "import", WHISPER][..], &of_cache].concat()).ended_with(0);
    let weights =
        files_below(&cache).into_iter().filter(|path| path.extension().is_some_and(|name| name == "safetensors"));
    let mut n_damaged = 0;
    for path in weights {
        let mut bytes = fs::read(&path).expect("stored just now");
        let last = bytes.last_mut().expect("weights");
        *last ^= 1;
        fs::write(&path, bytes).expect("a writable folder");
        n_damaged += 1;
    }
    assert!(n_damaged > 0, "weights are stored as safetensors");
    let verify = home.hansard(&[&["cache", "verify"][..], &of_cache].concat()).ended_with(1);
    assert!(!verify.stdout.contains("as it was stored"), "{}", verify.stdout);
}

#[test]
fn what_was_imported_before_a_failure_is_told() {
    let home = Home::new();
    fs::create_dir(home.0.path().join("empty")).expect("a writable folder");
    for (sources, n_imported, expected) in
        [(["nothing", WHISPER], 0, "nothing"), ([WHISPER, "nothing"], 0, "nothing"), ([WHISPER, "empty"], 1, "empty")]
    {
        let run = home.hansard(&[&["models", "import"][..], &sources].concat()).ended_with(1);
        let n_told = run.stderr.lines().filter(|line| line.ends_with(": imported")).count();
        assert_eq!((n_told, home.keys().len()), (n_imported, n_imported), "{sources:?}: {}", run.stderr);
        let errors = run.stderr.lines().filter(|line| line.starts_with("error: ") && line.contains(expected));
        assert_eq!(errors.count(), 1, "{sources:?}: {}", run.stderr);
    }
}

#[test]
fn the_disk_budget_refuses_before_it_fetches_and_takes_nothing_that_was_just_brought() {
    let home = Home::new();
    let config = home.0.path().join("hansard");
    fs::create_dir(&config).expect("a writable folder");
    fs::write(config.join("settings.ron"), "(models: (disk_budget_gb: Some(0)))").expect("a writable folder");
    let hub = HubServer::start("openai/whisper-tiny", &[("config.json", b"{}".to_vec())]);
    let endpoint = hub.endpoint();
    let run = home.hansard_with(&[("HF_ENDPOINT", &endpoint)], &["models", "pull", "tiny"]).ended_with(1);
    assert!(run.stderr.contains("raise disk_budget_gb"), "{}", run.stderr);
    assert!(hub.requests().is_empty(), "nothing is asked in vain");
    let run = home.hansard(&["models", "import", WHISPER]).ended_with(0);
    let is_told = |line: &str| line.starts_with("warning: ") && line.contains("disk_budget_gb");
    assert!(run.stderr.lines().any(is_told), "{}", run.stderr);
    assert_eq!(home.keys().len(), 1);
}

/// A model in a cache of Hugging Face's whose weights are called by their hash, and are damaged.
#[cfg(unix)]
fn damaged_snapshot(hub: &Path) -> std::path::PathBuf {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let home = hub.join("models--openai--whisper-tiny");
    let snapshot = home.join("snapshots").join(commit);
    for folder in ["refs", "blobs"].map(|name| home.join(name)).iter().chain([&snapshot]) {
        fs::create_dir_all(folder).expect("a writable folder");
    }
    fs::write(home.join("refs/main"), commit).expect("a writable folder");
    for name in ["config.json", "tokenizer.json", "generation_config.json", "preprocessor_config.json"] {
        fs::copy(Path::new(WHISPER).join(name), snapshot.join(name)).expect("a readable asset");
    }
    let mut weights = fs::read(Path::new(WHISPER).join("model.safetensors")).expect("a readable asset");
    let blob = home.join("blobs").join(sha256(&weights));
    *weights.last_mut().expect("weights") ^= 1;
    fs::write(&blob, weights).expect("a writable folder");
    std::os::unix::fs::symlink(&blob, snapshot.join("model.safetensors")).expect("a writable folder");
    blob.canonicalize().expect("just written")
}

#[cfg(unix)]
#[test]
fn a_damaged_model_of_another_program_is_never_used() {
    let home = Home::new();
    let others = home.0.path().join("others");
    let blob = damaged_snapshot(&others);
    let others = [("HF_HUB_CACHE", others.to_str().expect("UTF-8"))];
    let meeting = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/meetings/demo_1min_2spk.flac");
    let job = ["transcribe", meeting, "--model", "tiny", "--no-diarize", "--no-align", "-o", "-", "--offline"];
    for arguments in [
        &["models", "pull", "tiny", "--offline"][..],
        &["cache", "warm", "whisperx_tiny-f32_cpu", "--offline"],
        &job,
        &[&job[..], &["--compute-type", "f32"]].concat(),
    ] {
        let run = home.hansard_with(&others, arguments).ended_with(1);
        let error = run.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        let is_named = error.contains(blob.to_str().expect("UTF-8")) && error.contains("offline");
        assert!(is_named && !run.stderr.contains("fetched instead"), "{arguments:?}: {}", run.stderr);
        assert!(run.stdout.is_empty(), "{arguments:?}: {}", run.stdout);
    }
    let files = ["config.json", "tokenizer.json", "model.safetensors"]
        .map(|name| (name, fs::read(Path::new(WHISPER).join(name)).expect("a readable asset")));
    let hub = HubServer::start("openai/whisper-tiny", &files);
    let endpoint = hub.endpoint();
    let online = [others[0], ("HF_ENDPOINT", endpoint.as_str())];
    let run = home.hansard_with(&online, &["models", "pull", "tiny"]).ended_with(0);
    let is_told = |line: &str| line.starts_with("warning: ") && line.ends_with("tiny was fetched instead.");
    assert!(run.stderr.lines().any(is_told), "{}", run.stderr);
    assert_eq!(home.keys(), ["whisperx_tiny_cpu"]);
}

pub(super) fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a readable entry").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
