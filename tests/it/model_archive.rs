//! Models as one file: what is exported comes back as it was; and files that somebody made to do harm are refused, each
//! for what it is, with nothing written.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use hansard::models::key::ModelKey;
use hansard::models::store::{DiskStore, FORMAT_VERSION, Found, Imported, StoreError};
use hansard::task::{CancelToken, Progress};
use serde_json::{Value, json};
use tar::EntryType;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::hub::sha256;
use super::model_store::{folder, key, names_in, origin, store, weights};

const KEY: &str = "whisperx_base_cpu";
const LIST: &str = "hansard-models.json";

fn import(disk: &DiskStore, path: &Path) -> Result<Imported, StoreError> {
    let cancel = CancelToken::default();
    disk.import(path, &Progress::unwatched(&cancel))
}

fn export(disk: &DiskStore, keys: &[ModelKey], path: &Path) -> Result<u64, StoreError> {
    let cancel = CancelToken::default();
    disk.export(keys, path, &Progress::unwatched(&cancel))
}

fn weights_in(disk: &DiskStore, key: &ModelKey) -> Vec<u8> {
    match disk.find(key).expect("a readable folder") {
        Found::Ready(model) => fs::read(model.folder.join("model.safetensors")).expect("its weights"),
        found => panic!("{found:?}"),
    }
}

#[test]
fn what_is_exported_comes_back_as_it_was() {
    let (here, there) = (folder(), folder());
    let (from, to) = (DiskStore::open(here.path()), DiskStore::open(there.path()));
    let keys = [key("b"), key("a")];
    let manifests = [store(&from, &keys[0], 2).manifest, store(&from, &keys[1], 1).manifest];
    let path = here.path().join("all.hansard-models");
    let n_bytes = export(&from, &keys, &path).expect("a writable folder");
    let bytes = fs::read(&path).expect("just written");
    assert_eq!(n_bytes, bytes.len() as u64);
    export(&from, &[key("a"), key("b"), key("a")], &path).expect("a writable folder");
    assert_eq!(fs::read(&path).expect("just written"), bytes, "the same models give the same bytes");

    let imported = import(&to, &path).expect("a right file");
    assert_eq!(imported, Imported { stored: vec![key("a"), key("b")], already_there: Vec::new() });
    for (key, manifest) in keys.iter().zip(&manifests) {
        let Ok(Found::Ready(model)) = to.find(key) else { panic!("{key} is there") };
        assert_eq!(model.manifest, *manifest);
    }
    assert_eq!(weights_in(&to, &key("b")), weights(2));
    // What is there stays, also while it is used; what differs is replaced.
    drop(store(&to, &key("b"), 9));
    let used = to.find(&key("a"));
    let imported = import(&to, &path).expect("a right file");
    assert_eq!(imported, Imported { stored: vec![key("b")], already_there: vec![key("a")] });
    assert_eq!(weights_in(&to, &key("b")), weights(2));
    drop(used);

    // Nothing else is replaced, and no folder made.
    let recording = here.path().join("recording.hansard-models");
    fs::write(&recording, b"RIFF and an hour of speech").expect("a writable folder");
    fs::create_dir(here.path().join("folder.hansard-models")).expect("a writable folder");
    for (name, expected) in [
        ("recording.hansard-models", "is not replaced"),
        ("folder.hansard-models", "is not replaced"),
        ("all.tar", "let it end in .hansard-models"),
        ("whisperx_small_cpu", "let it end in .hansard-models"),
        ("nowhere/all.hansard-models", "there is no folder"),
    ] {
        let error = export(&from, &keys, &here.path().join(name)).expect_err(name).to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
    assert!(fs::read(&recording).expect("it stays").starts_with(b"RIFF") && !here.path().join("nowhere").exists());

    // What is not there, or not whole, is not exported, and what was exported before stays.
    assert!(matches!(export(&from, &[key("c")], &path), Err(StoreError::NotStored { .. })));
    assert!(export(&from, &[], &path).is_err());
    let damaged = here.path().join("models-v1/a/files/model.safetensors");
    fs::write(&damaged, b"x").expect("a writable folder");
    assert!(matches!(export(&from, &keys, &path), Err(StoreError::Damaged(_))));
    assert_eq!(fs::read(&path).expect("it stays"), bytes);
    let cancel = CancelToken::default();
    cancel.cancel();
    assert!(matches!(from.export(&keys[..1], &path, &Progress::unwatched(&cancel)), Err(StoreError::Cancelled(_))));
    assert!(matches!(to.import(&path, &Progress::unwatched(&cancel)), Err(StoreError::Cancelled(_))));
    assert_eq!(fs::read(&path).expect("it stays"), bytes);
}

/// A member of an archive, right or wrong.
#[derive(Clone)]
struct Member {
    kind: EntryType,
    name: String,
    bytes: Vec<u8>,
    /// The size that is told.
    n_bytes: u64,
}

fn member(name: &str, bytes: &[u8]) -> Member {
    Member { kind: EntryType::Regular, name: name.to_owned(), bytes: bytes.to_vec(), n_bytes: bytes.len() as u64 }
}

/// An archive of one model of these files, after `change` changed its list and members.
fn pack(files: &[(&str, &[u8])], change: impl FnOnce(&mut Value, &mut Vec<Member>)) -> Vec<u8> {
    let records: Vec<Value> = files
        .iter()
        .map(|(name, bytes)| json!({ "name": name, "n_bytes": bytes.len(), "sha256": sha256(bytes) }))
        .collect();
    let mut list = json!({
        "archive_version": 1,
        "models": [{
            "format_version": FORMAT_VERSION,
            "app_version": env!("CARGO_PKG_VERSION"),
            "key": KEY,
            "origin": origin("1"),
            "created_unix_ms": 1,
            "files": records,
        }],
    });
    let mut members = vec![member(LIST, b"")];
    members.extend(files.iter().map(|(name, bytes)| member(&format!("{KEY}/{name}"), bytes)));
    change(&mut list, &mut members);
    if let Some(first) = members.first_mut().filter(|first| first.name == LIST && first.bytes.is_empty()) {
        *first = member(LIST, list.to_string().as_bytes());
    }
    let mut archive = tar::Builder::new(Vec::new());
    for Member { kind, name, bytes, n_bytes } in members {
        let mut header = tar::Header::new_ustar();
        // As bytes, for the library refuses to write some names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_link_name("/etc/passwd").expect("a short name");
        header.set_size(n_bytes);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append(&header, bytes.as_slice()).expect("it is written to memory");
    }
    let archive = archive.into_inner().expect("it is written to memory");
    zstd::encode_all(archive.as_slice(), 1).expect("it is written to memory")
}

/// A checkpoint of PyTorch's with this program instead of weights.
fn checkpoint(pickle: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    archive.start_file("model/data.pkl", options).expect("it is written to memory");
    archive.write_all(pickle).expect("it is written to memory");
    archive.finish().expect("it is written to memory").into_inner()
}

/// Weights whose list of tensors says that it has so many bytes, and has these.
fn weights_with_header(n_bytes: u64, header: &[u8]) -> Vec<u8> {
    [&n_bytes.to_le_bytes()[..], header].concat()
}

/// What it is called, the file, and what is said of it.
type Case = (&'static str, Vec<u8>, &'static str);

/// The files of the model that archives have which are wrong in another way.
fn right_files() -> Vec<(&'static str, Vec<u8>)> {
    vec![("config.json", b"{}".to_vec()), ("model.safetensors", weights(1))]
}

fn pack_right(change: impl FnOnce(&mut Value, &mut Vec<Member>)) -> Vec<u8> {
    let files = right_files();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    pack(&files, change)
}

/// Files that are none, and lists that lie.
fn hostile_lists() -> Vec<Case> {
    let listed = |change: fn(&mut Value)| pack_right(|list, _| change(list));
    let made = |change: fn(&mut Vec<Member>)| pack_right(|_, members| change(members));
    let right = made(|_| {});
    vec![
        ("nothing", Vec::new(), "no file of models"),
        ("no archive", b"PK\x03\x04 is something else".to_vec(), "no file of models"),
        ("cut", right[..right.len() / 2].to_vec(), "cut short"),
        ("no list", made(|members| drop(members.remove(0))), "it begins with"),
        ("list is no JSON", made(|members| members[0] = member(LIST, b"{")), "list of contents"),
        ("list is huge", made(|members| members[0] = member(LIST, &vec![b' '; 5 << 20])), "list of contents"),
        ("newer", listed(|list| list["archive_version"] = 2.into()), "update Hansard"),
        ("unknown field", listed(|list| list["more"] = 2.into()), "list of contents"),
        ("no models", listed(|list| list["models"] = json!([])), "no file of a model"),
        ("no files", listed(|list| list["models"][0]["files"] = json!([])), "has 0 files"),
        ("other format", listed(|list| list["models"][0]["format_version"] = 2.into()), "export it again"),
        ("other form", listed(|list| list["models"][0]["origin"]["form"] = "int8-0".into()), "export it again"),
        (
            "endless text",
            listed(|list| list["models"][0]["origin"]["revision"] = "x".repeat(100_000).into()),
            "xxx…\" is no name",
        ),
        ("control characters", listed(|list| list["models"][0]["origin"]["revision"] = "\x1b[2J".into()), "no name"),
        ("key leads out", listed(|list| list["models"][0]["key"] = "../evil".into()), "is no key"),
        (
            "file leads out",
            listed(|list| list["models"][0]["files"][0]["name"] = "../../evil.json".into()),
            "not the name",
        ),
        (
            "file is absolute",
            listed(|list| list["models"][0]["files"][0]["name"] = "/tmp/evil.json".into()),
            "not the name",
        ),
        ("file is a program", listed(|list| list["models"][0]["files"][0]["name"] = "evil.py".into()), "type"),
        (
            "same name in another case",
            listed(|list| list["models"][0]["files"][0]["name"] = "MODEL.safetensors".into()),
            "twice",
        ),
        (
            "file twice in the list",
            listed(|list| list["models"][0]["files"][1] = list["models"][0]["files"][0].clone()),
            "twice",
        ),
        (
            "model twice in the list",
            listed(|list| list["models"] = json!([list["models"][0].clone(), list["models"][0].clone()])),
            "twice",
        ),
        (
            "absurd size",
            listed(|list| list["models"][0]["files"][0]["n_bytes"] = (1_u64 << 60).into()),
            "the disk has only",
        ),
        (
            "sizes that overflow",
            listed(|list| {
                list["models"][0]["files"][0]["n_bytes"] = u64::MAX.into();
                list["models"][0]["files"][1]["n_bytes"] = u64::MAX.into();
            }),
            "the disk has only",
        ),
        ("no hash", listed(|list| list["models"][0]["files"][0]["sha256"] = "ab".into()), "no SHA-256"),
        ("wrong hash", listed(|list| list["models"][0]["files"][0]["sha256"] = "ab".repeat(32).into()), "other bytes"),
    ]
}

/// Members that are not what the list says.
fn hostile_members() -> Vec<Case> {
    let made = |change: fn(&mut Vec<Member>)| pack_right(|_, members| change(members));
    let of_kind = |kind: EntryType| pack_right(|_, members| members[1].kind = kind);
    vec![
        ("symbolic link", of_kind(EntryType::Symlink), "is a link"),
        ("hard link", of_kind(EntryType::Link), "is a link"),
        ("device", of_kind(EntryType::Char), "no plain file"),
        ("block device", of_kind(EntryType::Block), "no plain file"),
        ("pipe", of_kind(EntryType::Fifo), "no plain file"),
        ("folder", of_kind(EntryType::Directory), "no plain file"),
        ("long name", of_kind(EntryType::GNULongName), "no plain file"),
        ("extension", of_kind(EntryType::XHeader), "no plain file"),
        ("sparse file", of_kind(EntryType::GNUSparse), "no plain file"),
        ("member leads out", made(|members| "../../evil.json".clone_into(&mut members[1].name)), "not the name"),
        (
            "member leads out of its model",
            made(|members| "a/../../b.json".clone_into(&mut members[1].name)),
            "not the name",
        ),
        ("member is absolute", made(|members| "/evil.json".clone_into(&mut members[1].name)), "not the name"),
        ("member is a program", made(|members| "a/evil.sh".clone_into(&mut members[1].name)), "type"),
        ("member is not listed", made(|members| members.push(member("a/evil.json", b"{}"))), "not in its list"),
        ("member is there twice", made(|members| members.push(members[1].clone())), "twice"),
        ("member is missing", made(|members| drop(members.pop())), "is missing"),
        (
            "member is longer",
            made(|members| members[1] = member("whisperx_base_cpu/config.json", b"{ }")),
            "has 3 bytes",
        ),
        ("member has other bytes", made(|members| members[1].bytes = b"[]".to_vec()), "other bytes"),
        (
            "member ends early",
            pack_right(|list, members| {
                list["models"][0]["files"][1]["n_bytes"] = 1_000_000.into();
                members[2].n_bytes = 1_000_000;
            }),
            "but its list",
        ),
    ]
}

/// Files whose hash is right, but that hold something else than weights.
fn hostile_weights() -> Vec<Case> {
    let right_weights = weights(1);
    let only = |name: &str, bytes: &[u8]| pack(&[(name, bytes)], |_, _| {});
    vec![
        ("header bomb", only("model.safetensors", &weights_with_header(1 << 40, b"{}")), "list of tensors"),
        ("header is no JSON", only("model.safetensors", &weights_with_header(2, b"{]")), "list of tensors"),
        ("weights are cut", only("model.safetensors", &right_weights[..500]), "cut short"),
        ("no weights", only("model.safetensors", b"x"), "cut short"),
        ("more than weights", only("model.safetensors", &[&right_weights[..], b"x"].concat()), "more than weights"),
        (
            "program",
            only("pytorch_model.bin", &checkpoint(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00exit\x85R.")),
            "os.system",
        ),
        (
            "hidden program",
            only("m.ckpt", &checkpoint(b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.")),
            "builtins.eval",
        ),
        ("broken checkpoint", only("m.ckpt", &checkpoint(b"\x80\x02cos")), "does not hold weights"),
        ("old checkpoint", only("m.ckpt", b"\x80\x02}."), "does not hold weights"),
        ("no arrays", only("plda.npz", b"x"), "does not hold weights"),
    ]
}

#[test]
fn hostile_archives_are_refused_with_nothing_written() {
    for (name, bytes, expected) in [hostile_lists(), hostile_members(), hostile_weights()].concat() {
        let root = folder();
        let path = root.path().join("evil.hansard-models");
        fs::write(&path, bytes).expect("a writable folder");
        let cache = root.path().join("cache");
        let disk = DiskStore::open(&cache);
        let Err(StoreError::Refused { path: named, refusal }) = import(&disk, &path) else { panic!("{name} is taken") };
        assert!(refusal.to_string().contains(expected), "{name}: {refusal}");
        assert_eq!(named, path, "{name}");
        assert!(refusal.to_string().len() < 600, "{name}: {refusal}");
        assert!(disk.list().expect("a readable folder").is_empty(), "{name}");
        let locks_and_work = |folder: &str| [".locks", ".tmp"].contains(&folder);
        assert!(names_in(&cache.join("models-v1")).iter().all(|name| locks_and_work(name)), "{name}");
        assert!(names_in(&cache.join("models-v1/.tmp")).is_empty(), "{name}");
        assert!(names_in(&cache).iter().all(|folder| folder == "models-v1"), "{name}");
        assert_eq!(names_in(root.path()).iter().filter(|name| *name != "cache").count(), 1, "{name}");
    }
    let root = folder();
    let path = root.path().join("right.hansard-models");
    fs::write(&path, pack_right(|_, _| {})).expect("a writable folder");
    let imported = import(&DiskStore::open(root.path()), &path).expect("what was not changed is right");
    assert_eq!(imported.stored, [key(KEY)]);
}
