//! The table of models that Hansard knows by name: where each is published, which of its files are wanted, how large it
//! is there and in memory, whom it understands, and on which conditions. What of it is on this machine is not known
//! here.
//!
//! Sizes are those of the published files to about one per cent; the exact ones, and their hashes, the hub tells. No
//! revision is pinned yet: `main` of these repositories has not changed its weights for years, and the manifest of a
//! stored model keeps the commit that it came from.

use std::fmt;
use std::sync::LazyLock;

use super::super::aligners::ALIGNERS;
use super::super::random::{self, Dimensions, Precision, PublishedSize};
use super::{DEFAULT_MODEL, DEMO_WHISPER, ECAPA_KEY, ON_THE_PROCESSOR, WESPEAKER_KEY};

/// A model that can be asked for by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, such as `large-v3` or `align-de`; models of speakers go by the name of their repository.
    pub name: String,
    /// What it is for.
    pub family: Family,
    /// Where it comes from.
    pub source: Source,
    /// The files that are wanted of it.
    pub files: &'static [Wanted],
    /// Names of the entries that it cannot work without.
    pub parts: &'static [&'static str],
    /// Size of these files; `None` where nothing need be fetched.
    pub download_bytes: Option<u64>,
    /// Size in memory: of Whisper on the processor with 8-bit weights, of others with 32-bit weights. For a model of
    /// several parts, without those that are entries of their own.
    pub memory_bytes: u64,
    /// Whom it understands.
    pub languages: Languages,
    /// Its licence, by SPDX's identifier in small letters as the hub writes it; `None`: its page says it.
    pub licence: Option<&'static str>,
    /// Whether everybody may fetch it.
    pub access: Access,
    /// Its cache key without the end that says where it computes.
    pub(super) key_stem: String,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Speech to text.
    Whisper,
    /// Times of words.
    Aligner,
    /// Who speaks when, in a window of a few seconds.
    Segmentation,
    /// What a voice is like.
    Embedding,
    /// Who speaks when, in a whole recording: a configuration with networks, which may be entries of their own.
    Diarization,
}

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It ships with Hansard.
    BuiltIn {
        /// Its folder among the assets.
        asset: &'static str,
    },
    /// It is on the Hugging Face hub.
    Hub {
        /// Its repository, `OWNER/NAME`.
        repository: &'static str,
        /// A commit, branch or tag there.
        revision: &'static str,
    },
}

/// Files of a repository that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The model does not work without it.
    Required(&'static str),
    /// Taken where it is there.
    Optional(&'static str),
    /// The first of these that is there, and one must be. `*.safetensors.index.json` stands for itself and for all the
    /// files of weights that it names.
    FirstOf(&'static [&'static str]),
}

/// Whom a model understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Languages {
    /// Speakers of so many languages.
    Many(usize),
    /// Speakers of the language with this code.
    One(&'static str),
    /// Everybody: it hears voices, not words.
    Any,
}

impl fmt::Display for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Many(n) => write!(f, "{n} languages"),
            Self::One("en") => f.write_str("English"),
            Self::One(code) => f.write_str(code),
            Self::Any => f.write_str("any"),
        }
    }
}

/// Whether everybody may fetch a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Yes.
    Open,
    /// Only with the token of an account that has accepted its conditions.
    Gated,
}

impl Entry {
    /// Its repository on the hub, where it comes from there.
    pub fn repository(&self) -> Option<&'static str> {
        match self.source {
            Source::Hub { repository, .. } => Some(repository),
            Source::BuiltIn { .. } => None,
        }
    }
}

/// All models: Whisper from small to large, aligners in the order of their table, models of speakers.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let aligners = ALIGNERS.iter().map(|&(language, repository)| aligner(language, repository));
        let published = PublishedSize::ALL.iter().map(whisper);
        [demo()].into_iter().chain(published).chain(aligners).chain(SPEAKER_MODELS.iter().map(speaker_model)).collect()
    });
    &ENTRIES
}

const MAIN: &str = "main";

/// Whisper's files as transformers writes them; large models may be spread over several files of weights.
const WHISPER_FILES: [Wanted; 5] = [
    Wanted::Required("config.json"),
    Wanted::Required("tokenizer.json"),
    Wanted::Optional("generation_config.json"),
    Wanted::Optional("preprocessor_config.json"),
    Wanted::FirstOf(&["model.safetensors", "model.safetensors.index.json"]),
];
/// All of them but the weights: `tokenizer.json` is nearly all of it.
const WHISPER_CONFIGURATION_BYTES: u64 = 2_500_000;

const ALIGNER_FILES: [Wanted; 5] = [
    Wanted::Required("config.json"),
    Wanted::Required("vocab.json"),
    Wanted::Optional("added_tokens.json"),
    Wanted::Optional("preprocessor_config.json"),
    Wanted::FirstOf(&["model.safetensors", "pytorch_model.bin"]),
];

/// Weights of wav2vec2 in its three sizes: `base`, `large` (XLSR-53 and XLS-R 300M are of it), and XLS-R 1B.
const WAV2VEC2_BASE_WEIGHTS: u64 = 94_400_000;
const WAV2VEC2_LARGE_WEIGHTS: u64 = 315_500_000;
const WAV2VEC2_1B_WEIGHTS: u64 = 962_500_000;

const BYTES_OF_F32: u64 = 4;

fn demo() -> Entry {
    Entry {
        name: DEFAULT_MODEL.to_owned(),
        family: Family::Whisper,
        source: Source::BuiltIn { asset: DEMO_WHISPER },
        files: &WHISPER_FILES,
        parts: &[],
        download_bytes: None,
        memory_bytes: 9_100_000,
        // German, English, Spanish and French.
        languages: Languages::Many(4),
        licence: Some("mit or apache-2.0"),
        access: Access::Open,
        key_stem: whisper_stem(DEFAULT_MODEL),
    }
}

fn whisper(size: &PublishedSize) -> Entry {
    let (repository, licence) = published_whisper(size.name);
    let bytes_per_weight = match size.precision {
        Precision::F32 => BYTES_OF_F32,
        Precision::F16 | Precision::Bf16 => 2,
    };
    let n_weights = size.dimensions.n_weights() as u64;
    Entry {
        name: size.name.to_owned(),
        family: Family::Whisper,
        source: Source::Hub { repository, revision: MAIN },
        files: &WHISPER_FILES,
        parts: &[],
        download_bytes: Some(n_weights * bytes_per_weight + WHISPER_CONFIGURATION_BYTES),
        memory_bytes: eight_bit_bytes(&size.dimensions),
        languages: match size.dimensions.languages {
            random::Languages::EnglishOnly => Languages::One("en"),
            random::Languages::BeforeV3 => Languages::Many(99),
            // These were taught English alone, though the vocabulary has all languages.
            random::Languages::SinceV3 if size.name.starts_with("distil-") => Languages::One("en"),
            random::Languages::SinceV3 => Languages::Many(100),
        },
        licence: Some(licence),
        access: Access::Open,
        key_stem: whisper_stem(size.name),
    }
}

fn whisper_stem(name: &str) -> String {
    format!("whisperx_{name}")
}

/// Repository and licence of a published size.
fn published_whisper(name: &str) -> (&'static str, &'static str) {
    match name {
        "tiny" => ("openai/whisper-tiny", "apache-2.0"),
        "tiny.en" => ("openai/whisper-tiny.en", "apache-2.0"),
        "base" => ("openai/whisper-base", "apache-2.0"),
        "base.en" => ("openai/whisper-base.en", "apache-2.0"),
        "small" => ("openai/whisper-small", "apache-2.0"),
        "small.en" => ("openai/whisper-small.en", "apache-2.0"),
        "medium" => ("openai/whisper-medium", "apache-2.0"),
        "medium.en" => ("openai/whisper-medium.en", "apache-2.0"),
        "large-v2" => ("openai/whisper-large-v2", "apache-2.0"),
        "large-v3" => ("openai/whisper-large-v3", "apache-2.0"),
        "large-v3-turbo" => ("openai/whisper-large-v3-turbo", "mit"),
        "distil-large-v3" => ("distil-whisper/distil-large-v3", "mit"),
        other => unreachable!("the published size {other} has no repository in this table"),
    }
}

/// Size of a network with 8-bit weights: a byte for each weight of a matrix and four for the scale of each of its rows;
/// convolutions, positions, normalisations and biases stay as they are.
fn eight_bit_bytes(dimensions: &Dimensions) -> u64 {
    let Dimensions { width, n_encoder_layers, n_decoder_layers, .. } = *dimensions;
    let vocab_size = dimensions.vocab_size();
    // Attention has four square matrices, in the decoder twice; a feed-forward block has two, each of four squares.
    let n_squares = 12 * n_encoder_layers + 16 * n_decoder_layers;
    let n_matrix_weights = n_squares * width * width + vocab_size * width;
    // Of the feed-forward block, the first matrix has 4 · width rows and the second one as many as each of attention's.
    let n_rows = (9 * n_encoder_layers + 13 * n_decoder_layers) * width + vocab_size;
    let n_others = dimensions.n_weights() - n_matrix_weights;
    n_matrix_weights as u64 + BYTES_OF_F32 * (n_rows + n_others) as u64
}

fn aligner(language: &'static str, repository: &'static str) -> Entry {
    let n_weights = match repository {
        name if name.contains("-1b-") => WAV2VEC2_1B_WEIGHTS,
        name if name.contains("-base-") => WAV2VEC2_BASE_WEIGHTS,
        _ => WAV2VEC2_LARGE_WEIGHTS,
    };
    Entry {
        name: format!("align-{language}"),
        family: Family::Aligner,
        source: Source::Hub { repository, revision: MAIN },
        files: &ALIGNER_FILES,
        parts: &[],
        download_bytes: Some(BYTES_OF_F32 * n_weights),
        memory_bytes: BYTES_OF_F32 * n_weights,
        languages: Languages::One(language),
        licence: aligner_licence(repository),
        access: Access::Open,
        key_stem: format!("whisperx_align_{language}"),
    }
}

/// Where we are certain of it: several of these models come from people who published one each.
fn aligner_licence(repository: &str) -> Option<&'static str> {
    match repository {
        "facebook/wav2vec2-base-960h" => Some("apache-2.0"),
        name if name.starts_with("facebook/wav2vec2-base-10k-voxpopuli-") => Some("cc-by-nc-4.0"),
        name if name.starts_with("jonatasgrosman/") => Some("apache-2.0"),
        _ => None,
    }
}

/// What tells models of speakers from each other.
struct SpeakerModel {
    repository: &'static str,
    family: Family,
    files: &'static [Wanted],
    parts: &'static [&'static str],
    /// Of the weights, which have 32 bits on disk and in memory.
    n_bytes: u64,
    licence: &'static str,
    access: Access,
    key: &'static str,
}

const SEGMENTATION: &str = "pyannote/segmentation-3.0";
const WESPEAKER: &str = "pyannote/wespeaker-voxceleb-resnet34-LM";

/// A network in pyannote's layout.
const PYANNOTE_FILES: [Wanted; 2] =
    [Wanted::Required("config.yaml"), Wanted::FirstOf(&["model.safetensors", "pytorch_model.bin"])];

const SPEAKER_MODELS: [SpeakerModel; 5] = [
    SpeakerModel {
        repository: "speechbrain/spkrec-ecapa-voxceleb",
        family: Family::Embedding,
        files: &[
            Wanted::Required("hyperparams.yaml"),
            Wanted::FirstOf(&["embedding_model.safetensors", "embedding_model.ckpt"]),
            Wanted::Optional("mean_var_norm_emb.ckpt"),
        ],
        parts: &[],
        n_bytes: 83_300_000,
        licence: "apache-2.0",
        access: Access::Open,
        key: ECAPA_KEY,
    },
    SpeakerModel {
        repository: SEGMENTATION,
        family: Family::Segmentation,
        files: &PYANNOTE_FILES,
        parts: &[],
        n_bytes: 5_900_000,
        licence: "mit",
        access: Access::Gated,
        key: "pyannote_segmentation-3.0_cpu",
    },
    SpeakerModel {
        repository: WESPEAKER,
        family: Family::Embedding,
        files: &PYANNOTE_FILES,
        parts: &[],
        n_bytes: 26_600_000,
        licence: "cc-by-4.0",
        access: Access::Open,
        key: WESPEAKER_KEY,
    },
    SpeakerModel {
        repository: "pyannote/speaker-diarization-3.1",
        family: Family::Diarization,
        files: &[Wanted::Required("config.yaml")],
        parts: &[SEGMENTATION, WESPEAKER],
        n_bytes: 0,
        licence: "mit",
        access: Access::Gated,
        key: "pyannote_diarization-3.1_cpu",
    },
    SpeakerModel {
        repository: "pyannote/speaker-diarization-community-1",
        family: Family::Diarization,
        files: &[
            Wanted::Required("config.yaml"),
            Wanted::Required("segmentation/pytorch_model.bin"),
            Wanted::Optional("segmentation/config.yaml"),
            Wanted::Required("embedding/pytorch_model.bin"),
            Wanted::Optional("embedding/config.yaml"),
            Wanted::Required("plda/plda.npz"),
            Wanted::Required("plda/xvec_transform.npz"),
        ],
        parts: &[],
        n_bytes: 32_800_000,
        licence: "cc-by-4.0",
        access: Access::Gated,
        key: "pyannote_diarization-community-1_cpu",
    },
];

fn speaker_model(model: &SpeakerModel) -> Entry {
    /// A configuration is never larger.
    const CONFIGURATION_BYTES: u64 = 10_000;
    Entry {
        name: model.repository.to_owned(),
        family: model.family,
        source: Source::Hub { repository: model.repository, revision: MAIN },
        files: model.files,
        parts: model.parts,
        download_bytes: Some(model.n_bytes + CONFIGURATION_BYTES),
        memory_bytes: model.n_bytes,
        languages: Languages::Any,
        licence: Some(model.licence),
        access: model.access,
        key_stem: model.key.strip_suffix(ON_THE_PROCESSOR).unwrap_or(model.key).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes of the published files of weights, in megabytes; those in memory follow from what is quantised.
    #[test]
    fn sizes_are_those_that_were_published() {
        for (name, download_mb, memory_mb) in [
            ("tiny", 151.0, 42.1),
            ("base", 290.4, 79.1),
            ("small", 967.0, 253.9),
            ("medium.en", 3055.5, 784.5),
            ("large-v2", 6173.4, 1573.9),
            ("large-v3", 3087.1, 1574.6),
            ("large-v3-turbo", 1617.8, 836.3),
            ("distil-large-v3", 1512.9, 783.5),
        ] {
            let entry = entries().iter().find(|entry| entry.name == name).expect(name);
            let is_near = |n_bytes: u64, expected_mb: f64| (n_bytes as f64 / 1e6 / expected_mb - 1.0).abs() < 0.001;
            let weights = entry.download_bytes.expect("published") - WHISPER_CONFIGURATION_BYTES;
            assert!(is_near(weights, download_mb), "{name}: {weights}");
            assert!(is_near(entry.memory_bytes, memory_mb), "{name}: {}", entry.memory_bytes);
        }
    }

    #[test]
    fn languages_and_conditions_are_told() {
        for (name, languages, licence, access) in [
            ("demo", "4 languages", Some("mit or apache-2.0"), Access::Open),
            ("large-v2", "99 languages", Some("apache-2.0"), Access::Open),
            ("large-v3-turbo", "100 languages", Some("mit"), Access::Open),
            ("distil-large-v3", "English", Some("mit"), Access::Open),
            ("small.en", "English", Some("apache-2.0"), Access::Open),
            ("align-de", "de", Some("cc-by-nc-4.0"), Access::Open),
            ("align-ka", "ka", None, Access::Open),
            ("pyannote/segmentation-3.0", "any", Some("mit"), Access::Gated),
        ] {
            let entry = entries().iter().find(|entry| entry.name == name).expect(name);
            let found = (entry.languages.to_string(), entry.licence, entry.access);
            assert_eq!(found, (languages.to_owned(), licence, access), "{name}");
        }
    }
}
