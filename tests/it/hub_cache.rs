//! Models that other programs fetched from the hub: only complete revisions are found in their cache, and nothing
//! outside of a repository's folder is. Links are as on Unix; elsewhere the cache holds plain files.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use hansard::models::hub_cache::{BlobHash, HubCache};

/// A safetensors file of one tensor of two bytes.
const WEIGHTS: &[u8] = b"\x35\0\0\0\0\0\0\0{\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}ab";

#[test]
fn complete_revisions_are_found_in_the_cache_of_the_hubs_tools() {
    let folder = || tempfile::tempdir().expect("a temporary folder");
    let (root, outside) = (folder(), folder());
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let home = root.path().join("models--owner--model");
    let snapshot = home.join("snapshots").join(commit);
    for folder in [home.join("blobs"), home.join("refs/pr"), snapshot.clone()] {
        fs::create_dir_all(folder).expect("a writable folder");
    }
    let write = |path: PathBuf, bytes: &[u8]| fs::write(path, bytes).expect("a writable folder");
    let (sha256, git) = ("ab".repeat(32), "cd".repeat(20));
    write(home.join("refs/main"), commit.as_bytes());
    write(home.join("refs/pr/1"), commit.as_bytes());
    write(home.join("refs/wrong"), b"../../../etc");
    write(home.join("blobs").join(&sha256), WEIGHTS);
    write(home.join("blobs/cut"), &WEIGHTS[..40]);
    write(home.join("blobs").join(&git), b"{}");
    write(home.join("blobs/empty"), b"");
    write(outside.path().join("secret.json"), b"{}");
    for (name, target) in [
        ("model.safetensors", format!("../../blobs/{sha256}")),
        ("config.json", format!("../../blobs/{git}")),
        ("cut.safetensors", "../../blobs/cut".to_owned()),
        ("empty.json", "../../blobs/empty".to_owned()),
        ("gone.json", "../../blobs/gone".to_owned()),
        ("out.json", outside.path().join("secret.json").display().to_string()),
    ] {
        symlink(target, snapshot.join(name)).expect("a writable folder");
    }
    let cache = HubCache::at(root.path());
    let both = "config.json model.safetensors";
    for (repository, revision, required, is_found) in [
        ("owner/model", "main", both, true),
        ("owner/model", commit, both, true),
        ("owner/model", "pr/1", both, true),
        ("owner/model", "other", both, false),
        ("owner/model", "wrong", both, false),
        ("owner/model", "../../main", both, false),
        ("owner/model", "", both, false),
        ("owner/other", "main", both, false),
        ("../owner/model", "main", both, false),
        ("..", "main", both, false),
        ("owner/model", "main", "config.json tokenizer.json", false),
        ("owner/model", "main", "cut.safetensors", false),
        ("owner/model", "main", "empty.json", false),
        ("owner/model", "main", "gone.json", false),
        ("owner/model", "main", "out.json", false),
        ("owner/model", "main", "../../refs/main", false),
    ] {
        let required: Vec<&str> = required.split(' ').collect();
        let found = cache.find(repository, revision, &required, &["model.safetensors", "missing.json"]);
        assert_eq!(found.is_some(), is_found, "{repository} {revision} {required:?}");
        let Some(found) = found else { continue };
        assert_eq!((found.commit.as_str(), found.files.len()), (commit, 3));
        assert_eq!((found.files[0].n_bytes, &found.files[0].hash), (2, &Some(BlobHash::Git(git.clone()))));
        assert_eq!(found.files[1].hash, Some(BlobHash::Sha256(sha256.clone())));
    }
    assert_eq!(HubCache::none().find("owner/model", "main", &[], &[]), None);
}
