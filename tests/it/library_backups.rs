//! Damage to the library and the backups that mend it: which are kept, and which is restored.

use std::fs;
use std::path::{Path, PathBuf};

use hansard::library::Library;

use crate::library::{Desk, FIXTURES, add, all, overwrite, search, transcript};

#[test]
fn a_damaged_library_is_set_aside_and_the_newest_intact_backup_restored() {
    /// What happens to a file.
    type Spoil = Box<dyn Fn(&Path)>;
    let cases: [(&str, Spoil); 7] = [
        ("empty", Box::new(|path| fs::write(path, b"").expect("a writable folder"))),
        ("text", Box::new(|path| fs::write(path, "no library ".repeat(2000)).expect("a writable folder"))),
        ("cut", Box::new(|path| overwrite(path, |bytes| bytes.truncate(bytes.len() / 2)))),
        ("spoiled behind the first page", Box::new(|path| overwrite(path, |bytes| bytes[4096..].fill(0x55)))),
        ("without a header", Box::new(|path| overwrite(path, |bytes| bytes[..100].fill(0)))),
        ("another program's", Box::new(|path| overwrite(path, |bytes| bytes[68..72].fill(1)))),
        ("gone", Box::new(|path| fs::remove_file(path).expect("a writable folder"))),
    ];
    for (name, spoil) in cases {
        for has_backup in [true, false] {
            let desk = Desk::new();
            let mut library = desk.open();
            let id = add(&mut library, &desk.file("a.wav", "a"));
            let original = transcript(&[("S0", "kept for ever")]);
            library.keep_transcript(id, &original, "m").expect("a writable library");
            if has_backup {
                assert!(library.back_up_if_due().expect("a writable folder").is_some());
                assert_eq!(library.back_up_if_due().expect("a writable folder"), None, "once a day");
                add(&mut library, &desk.file("b.wav", "b"));
            }
            drop(library);
            spoil(&desk.path());
            let spoiled = fs::read(desk.path()).ok();

            let (mut library, warnings) = Library::open(&desk.path()).expect("it opens whatever happened");
            let aside = desk.path().with_file_name("library-damaged-1.db");
            let is_new = !has_backup && (name == "empty" || name == "gone");
            assert_eq!(warnings.len(), usize::from(!is_new), "{name}: {warnings:?}");
            assert_eq!(fs::read(&aside).ok(), spoiled.filter(|_| !is_new), "{name}");
            // What the backup has is there, and what can still be read of the damaged one.
            let (n_in_backup, n_in_all) = (usize::from(has_backup), 1 + usize::from(has_backup));
            let n_least = if name == "another program's" { n_in_all } else { n_in_backup };
            let n_most = if name == "another program's" || name == "cut" { n_in_all } else { n_in_backup };
            let labels: Vec<String> = all(&library).into_iter().map(|entry| entry.label).collect();
            assert!((n_least..=n_most).contains(&labels.len()), "{name}: {labels:?}");
            assert!(labels.iter().all(|label| label == "a" || label == "b"), "{name}: {labels:?}");
            let n_found = search(&mut library, "kept").len();
            assert!((n_least.min(1)..=n_most.min(1)).contains(&n_found), "{name}");
            // From now on nothing needs to be said.
            drop(library);
            drop(desk.open());
        }
    }
}

#[test]
fn backups_are_kept_five_at_a_time_and_damaged_ones_are_passed_over() {
    let desk = Desk::new();
    let backups = desk.path().with_file_name("library-backups");
    for n in 0..7 {
        let mut library = desk.open();
        add(&mut library, &desk.file(&format!("{n}.wav"), "x"));
        let backup = library.back_up_if_due().expect("a writable folder").expect("no backup of this day");
        drop(library);
        // As if it had been made on another day.
        let name = format!("library-{:06}-2020-01-0{}.db", n + 1, n + 1);
        fs::rename(&backup, backup.with_file_name(name)).expect("a writable folder");
    }
    let mut names: Vec<String> = fs::read_dir(&backups)
        .expect("backups")
        .map(|entry| entry.expect("a backup").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, [3, 4, 5, 6, 7].map(|n| format!("library-{n:06}-2020-01-0{n}.db")));
    for n in [6, 7] {
        fs::write(backups.join(&names[n - 3]), "spoiled").expect("a writable folder");
    }
    fs::write(desk.path(), "spoiled").expect("a writable folder");
    let (library, warnings) = Library::open(&desk.path()).expect("it opens whatever happened");
    assert_eq!((all(&library).len(), warnings.len()), (5, 1));
    assert!(warnings[0].contains("2020-01-05") && warnings[0].contains("2 newer"), "{warnings:?}");
}

#[test]
fn a_backup_of_this_day_is_replaced_when_it_is_empty_or_old() {
    let desk = Desk::new();
    let mut library = desk.open();
    let mut backups = Vec::new();
    let back_up = |library: &mut Library| library.back_up_if_due().expect("a writable folder");
    backups.extend(back_up(&mut library));
    assert_eq!(back_up(&mut library), None, "nothing changed");
    add(&mut library, &desk.file("a.wav", "a"));
    backups.extend(back_up(&mut library));
    assert_eq!(backups.len(), 2, "the first one was empty");
    add(&mut library, &desk.file("b.wav", "b"));
    assert_eq!(back_up(&mut library), None, "it is new");
    let two_hours_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(2);
    let file = fs::File::options().write(true).open(&backups[1]).expect("a backup");
    file.set_modified(two_hours_ago).expect("a writable file");
    backups.extend(back_up(&mut library));
    let left: Vec<bool> = backups.iter().map(|backup| backup.exists()).collect();
    // After midnight, the last one of the day before stays.
    assert_eq!((left.len(), left[0], left[2]), (3, false, true));
}

#[test]
fn a_backup_from_before_a_migration_stays_beside_that_of_the_day() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path().parent().expect("a folder")).expect("a writable folder");
    let sql = fs::read_to_string(Path::new(FIXTURES).join("v1.sql")).expect("a readable fixture");
    let database = rusqlite::Connection::open(desk.path()).expect("a writable folder");
    database.execute_batch(&sql).expect("what a library was once made by");
    drop(database);
    let mut library = desk.open();
    let of_day = library.back_up_if_due().expect("a writable folder").expect("none was made on this day");
    let folder = desk.path().with_file_name("library-backups");
    let mut backups: Vec<PathBuf> =
        fs::read_dir(folder).expect("backups").map(|entry| entry.expect("a backup").path()).collect();
    backups.sort();
    let versions = backups.iter().map(|backup| -> i64 {
        let backup = rusqlite::Connection::open(backup).expect("a backup");
        backup.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
    });
    assert_eq!(versions.collect::<Vec<_>>(), [1, 2], "{backups:?}");
    assert_eq!(backups[1], of_day);
}
