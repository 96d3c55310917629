//! Times of the library: the search through 1,000 hours of transcripts, ten million words, and pages of a list of
//! 100,000 recordings: `cargo bench --bench library`. The goals are 50 ms for a search and no delay for a page.
//! Before the first search, the transcripts are made and indexed, which takes a minute or two.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use divan::{Bencher, black_box};
use hansard::library::{FoundFile, Library, ListOrder, ListRequest, RecordingId, SearchRequest};
use hansard::nn::random::SplitMix64;
use hansard::transcript::{Segment, Speaker, Transcript, Word};
use hansard::units::{Seconds, TimeSpan};
use tempfile::TempDir;

/// Recordings of an hour each.
const N_HOURS: usize = 1000;
const N_SEGMENTS: usize = 1000;
const N_WORDS: usize = 10;
/// Words that somebody uses: the second most common one is half as common as the first, and so on.
const N_VOCABULARY: f64 = 30_000.0;
const N_ENTRIES: usize = 100_000;

/// Made when they are first asked for.
static SPOKEN: OnceLock<Filled> = OnceLock::new();
static LISTED: OnceLock<Filled> = OnceLock::new();

fn main() {
    divan::main();
    // Nothing that is static is ever dropped.
    for filled in [SPOKEN.get(), LISTED.get()].into_iter().flatten() {
        fs::remove_dir_all(filled.folder.path()).expect("it is ours");
    }
}

/// A library, and the folder that it is in.
struct Filled {
    library: Mutex<Library>,
    folder: TempDir,
}

impl Filled {
    fn new(fill: impl FnOnce(&mut Library)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (mut library, _) = Library::open(&folder.path().join("library.db")).expect("a writable folder");
        fill(&mut library);
        Self { library: Mutex::new(library), folder }
    }
}

/// Files that nobody looks at, in folders of a thousand.
fn add(library: &mut Library, n_files: usize) -> Vec<RecordingId> {
    let file = |n: usize| FoundFile {
        path: Path::new("/recordings").join(format!("{:03}/{:06}.wav", n / 1000, n * 7919 % n_files)),
        n_bytes: 100_000_000 + n as u64,
        modified_ns: (n * 104_729 % n_files) as i64 * 60_000_000_000,
        ..FoundFile::default()
    };
    let files: Vec<FoundFile> = (0..n_files).map(file).collect();
    library.add(&files, &mut |_| None).expect("a writable library").new
}

/// An hour in which four people speak.
fn hour(random: &mut SplitMix64) -> Transcript {
    let label = |n: usize| format!("SPEAKER_0{}", n % 4);
    let name = |n: usize| Some(["Ana", "Bo", "Zoë", "Dan"][n % 4].to_owned());
    let speakers = (0..4).map(|n| Speaker { label: label(n), name: name(n), ..Speaker::default() }).collect();
    let segment = |n: usize| {
        let at = |word: usize| Seconds(3.6 * n as f64 + 0.36 * word as f64);
        let words: Vec<Word> = (0..N_WORDS)
            .map(|word| Word {
                text: format!("w{}", N_VOCABULARY.powf(random.next_unit()) as u32),
                span: Some(TimeSpan { start: at(word), end: at(word + 1) }),
                score: Some(random.next_unit()),
                ..Word::default()
            })
            .collect();
        let text: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        Segment {
            span: TimeSpan { start: at(0), end: at(N_WORDS) },
            text: text.join(" "),
            speaker: Some(label(n)),
            words,
            ..Segment::default()
        }
    };
    let segments = (0..N_SEGMENTS).map(segment).collect();
    Transcript { language: "en".to_owned(), duration: Seconds(3600.0), segments, speakers, turns: Vec::new() }
}

fn spoken() -> &'static Filled {
    SPOKEN.get_or_init(|| {
        Filled::new(|library| {
            let mut random = SplitMix64::new(0);
            for id in add(library, N_HOURS) {
                library.keep_transcript(id, &hour(&mut random), "bench").expect("a writable library");
            }
            while library.catch_up(N_HOURS / 10).expect("a writable library") > 0 {}
        })
    })
}

fn listed() -> &'static Filled {
    LISTED.get_or_init(|| {
        Filled::new(|library| {
            add(library, N_ENTRIES);
        })
    })
}

const TYPED: [&str; 9] = ["w1", "\"w1\"", "w", "w12", "w1 w2 w3", "\"w1 w2\"", "w29999", "w1 w29999", "nothing"];

/// From the most common words, of which half of the passages have one, to the rarest, and beginnings of words.
#[divan::bench(args = TYPED, sample_count = 20, sample_size = 1)]
fn search_1000_hours(bencher: Bencher, words: &str) {
    search(bencher, &SearchRequest { words: words.to_owned(), limit: 200, ..SearchRequest::default() });
}

#[divan::bench(args = ["w1", "w1234", "w1 w2"], sample_count = 20, sample_size = 1)]
fn search_1000_hours_for_a_speaker(bencher: Bencher, words: &str) {
    let speaker = "Zoë".to_owned();
    search(bencher, &SearchRequest { words: words.to_owned(), speaker, limit: 200, ..SearchRequest::default() });
}

/// Every fifth hour, all over the library.
#[divan::bench(args = ["w1", "w1234", "nothing"], sample_count = 20, sample_size = 1)]
fn search_some_days_of_1000_hours(bencher: Bencher, words: &str) {
    let until_secs = Some(60 * N_HOURS as i64 / 5);
    search(bencher, &SearchRequest { words: words.to_owned(), until_secs, limit: 200, ..SearchRequest::default() });
}

fn search(bencher: Bencher, request: &SearchRequest) {
    let filled = spoken();
    let mut library = filled.library.lock().expect("nobody panics");
    bencher.bench_local(|| library.search(black_box(request)));
}

#[divan::bench(args = [0, 50_000, 99_900], sample_count = 50, sample_size = 1)]
fn page_of_100000(bencher: Bencher, offset: usize) {
    page(bencher, &ListRequest { offset, limit: 100, ..ListRequest::default() });
}

#[divan::bench(args = ["/999", "no such text"], sample_count = 20, sample_size = 1)]
fn page_with_a_text_of_100000(bencher: Bencher, text: &str) {
    page(bencher, &ListRequest { limit: 100, text: text.to_owned(), order: ListOrder::Name, ..ListRequest::default() });
}

fn page(bencher: Bencher, request: &ListRequest) {
    let filled = listed();
    let library = filled.library.lock().expect("nobody panics");
    bencher.bench_local(|| library.list(black_box(request)));
}
