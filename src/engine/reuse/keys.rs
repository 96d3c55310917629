//! What each result depends on: the sound, the models, the parameters that matter to it, and other results by their keys.
//! What is left out on purpose makes no difference: how many threads and chunks work at once.

use std::path::Path;

use serde::Serialize;

use crate::hash::{ContentHash, KeyBuilder, ResultKey};
use crate::nn::whisper::Task;
use crate::pipeline::chunk::Chunk;
use crate::pipeline::diarize::Overlap;
use crate::pipeline::options::{Numerals, PreviousText};
use crate::results::Layer;
use crate::transcript::Segment;

use crate::engine::command::{Alignment, JobRequest, Mode};

/// Versions of the stages. Whoever changes what a stage computes, or the form in which its results are stored, raises its
/// number.
const SOUND: u32 = 1;
const FEATURES: u32 = 1;
const FINGERPRINT: u32 = 1;
const SEGMENTATION: u32 = 1;
const SPEECH: u32 = 1;
const LANGUAGE: u32 = 1;
const TEXT: u32 = 1;
const ALIGN: u32 = 1;
const ATTENTION: u32 = 1;
const EMBEDDINGS: u32 = 1;
const VOICE_TREE: u32 = 1;
const DIARIZATION: u32 = 1;
const VOICES: u32 = 1;
const SPEAKERS: u32 = 1;
const TRANSCRIPT: u32 = 1;

/// The models of a job, by their content.
#[derive(Clone, Debug)]
pub(in crate::engine) struct ModelIds {
    /// Whisper's files, and what it computes on.
    pub(in crate::engine) whisper: ContentHash,
    /// What finds speech, where anything does.
    pub(in crate::engine) segmentation: Option<ContentHash>,
    /// What tells speakers apart, where anything does.
    pub(in crate::engine) diarizer: Option<DiarizerIds>,
    /// What voices are compared by, where it is here.
    pub(in crate::engine) recogniser: Option<ContentHash>,
}

/// A diarization model but for its segmentation.
#[derive(Clone, Debug)]
pub(in crate::engine) struct DiarizerIds {
    /// Its configuration.
    pub(in crate::engine) config: ContentHash,
    /// The network that makes voices of sound,
    pub(in crate::engine) embedding: ContentHash,
    /// and from where in a window.
    pub(in crate::engine) overlap: Overlap,
    /// What the clustering needs beside, where it does.
    pub(in crate::engine) plda: Option<ContentHash>,
}

/// Where the times of words come from.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum AlignerId {
    /// Nobody asks for them.
    Off,
    /// From this model.
    Model(ContentHash),
    /// From Whisper, for there is no aligner.
    Whisper,
}

/// The key of what is known of a file besides its samples.
pub(in crate::engine) fn sound_key(audio: &ContentHash, path: &Path) -> ResultKey {
    // What was wrong with the file does not show in its samples. Whether it is unchanged, the store knows.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let sound = KeyBuilder::new("sound", SOUND).hash("audio", audio);
    sound.bytes("path", path.as_os_str().as_encoded_bytes()).finish()
}

/// Makes the keys of a job's results.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Keys<'a> {
    audio: ContentHash,
    ids: &'a ModelIds,
    request: &'a JobRequest,
}

impl<'a> Keys<'a> {
    pub(in crate::engine) fn new(audio: ContentHash, ids: &'a ModelIds, request: &'a JobRequest) -> Self {
        Self { audio, ids, request }
    }

    /// How loud the recording is, and how noisy between speech.
    pub(in crate::engine) fn features(&self) -> ResultKey {
        let features = KeyBuilder::new("features", FEATURES).hash("audio", &self.audio);
        features.key("segmentation", &self.segmentation()).finish()
    }

    /// By what another copy of the recording is recognised.
    pub(in crate::engine) fn fingerprint(&self) -> ResultKey {
        KeyBuilder::new("fingerprint", FINGERPRINT).hash("audio", &self.audio).finish()
    }

    /// A block of windows of the segmentation.
    pub(in crate::engine) fn segmentation_block(&self, block: usize) -> ResultKey {
        self.of(Layer::Segmentation, SEGMENTATION).key("of", &self.segmentation()).number("block", block).finish()
    }

    /// The chunks. They fit the window of the speech model, hence that.
    pub(in crate::engine) fn speech(&self) -> ResultKey {
        let speech = self.of(Layer::Speech, SPEECH).key("segmentation", &self.segmentation());
        speech.hash("whisper", &self.ids.whisper).finish()
    }

    /// The language, as the beginning of the recording tells it.
    pub(in crate::engine) fn language(&self) -> ResultKey {
        let language = self.of(Layer::Language, LANGUAGE).hash("whisper", &self.ids.whisper);
        match self.request.mode {
            Mode::Batched => language.key("speech", &self.speech()).finish(),
            Mode::Sequential => language.finish(),
        }
    }

    /// The text of a chunk, in the batched mode.
    pub(in crate::engine) fn chunk(&self, language: &str, idx: usize, chunk: &Chunk) -> ResultKey {
        // Only what the recording begins with is known.
        let prefix = if idx == 0 { self.request.hints.prefix.trim() } else { "" };
        let span = [chunk.span.start.0, chunk.span.end.0];
        let regions: Vec<[f64; 2]> = chunk.regions.iter().map(|region| [region.start.0, region.end.0]).collect();
        self.text(Mode::Batched, language).text("prefix", prefix).bytes("chunk", &encoded(&(span, regions))).finish()
    }

    /// The text of a window, in the sequential mode. All windows before it are the same where this is.
    pub(in crate::engine) fn window(&self, language: &str, idx: usize) -> ResultKey {
        self.text(Mode::Sequential, language).number("window", idx).finish()
    }

    /// The sentences of a segment, by an aligner.
    pub(in crate::engine) fn sentences(&self, aligner: &ContentHash, language: &str, segment: &Segment) -> ResultKey {
        let align = self.of(Layer::Align, ALIGN).hash("aligner", aligner).text("language", language);
        align.bytes("segment", &encoded(segment)).finish()
    }

    /// The times of words in segments, by Whisper.
    pub(in crate::engine) fn attention(&self, language: &str, segments: &[Segment]) -> ResultKey {
        let attention = KeyBuilder::new("attention", ATTENTION).hash("audio", &self.audio);
        let attention = attention.hash("whisper", &self.ids.whisper).text("language", language);
        attention.text("task", name_of_task(self.request.task)).bytes("segments", &encoded(segments)).finish()
    }

    /// The times of words in some of these segments.
    pub(in crate::engine) fn attention_window(all: &ResultKey, idx: usize) -> ResultKey {
        KeyBuilder::new("attention", ATTENTION).key("of", all).number("window", idx).finish()
    }

    /// The voices of a block of windows, for diarization.
    pub(in crate::engine) fn embedding_block(&self, block: usize) -> ResultKey {
        self.of(Layer::Embeddings, EMBEDDINGS).key("of", &self.embeddings()).number("block", block).finish()
    }

    /// The tree of the voices that were taken, however many speakers there are.
    pub(in crate::engine) fn voice_tree(&self) -> ResultKey {
        self.of(Layer::Diarization, VOICE_TREE).key("embeddings", &self.embeddings()).finish()
    }

    /// Who speaks when.
    pub(in crate::engine) fn diarization(&self) -> ResultKey {
        let (config, plda) = match &self.ids.diarizer {
            Some(ids) => (ids.config, ids.plda),
            None => (NOTHING, None),
        };
        let count = &self.request.speakers.count;
        let known = |count: Option<usize>| count.unwrap_or(0);
        self.of(Layer::Diarization, DIARIZATION)
            .key("embeddings", &self.embeddings())
            .hash("config", &config)
            .hash("plda", &plda.unwrap_or(NOTHING))
            .number("exact", known(count.exact))
            .number("min", known(count.min))
            .number("max", known(count.max))
            .finish()
    }

    /// The voices of a block of windows, for recognition.
    pub(in crate::engine) fn voice_block(&self, block: usize) -> ResultKey {
        self.of(Layer::Voices, VOICES).key("of", &self.voices()).number("block", block).finish()
    }

    /// Who the speakers are.
    pub(in crate::engine) fn speakers(&self, known_voices: &ContentHash) -> ResultKey {
        self.of(Layer::Speakers, SPEAKERS)
            .key("diarization", &self.diarization())
            .key("voices", &self.voices())
            .hash("known", known_voices)
            .finish()
    }

    /// All of it.
    pub(in crate::engine) fn transcript(&self, aligner: AlignerId, known_voices: &ContentHash) -> ResultKey {
        let language = self.request.language.as_deref().unwrap_or("auto");
        let (align, aligner) = match aligner {
            AlignerId::Off => ("off", NOTHING),
            AlignerId::Model(id) => ("model", id),
            AlignerId::Whisper => ("whisper", NOTHING),
        };
        let named = match &self.request.alignment {
            Alignment::Automatic | Alignment::Off => "",
            Alignment::With(_) => "named",
        };
        let whole =
            self.of(Layer::Transcript, TRANSCRIPT).key("text", &self.text(self.request.mode, language).finish());
        let whole = whole.text("prefix", self.request.hints.prefix.trim()).key("speech", &self.speech());
        let whole = whole.text("align", align).hash("aligner", &aligner).text("which", named);
        match &self.ids.diarizer {
            Some(_) => whole.key("speakers", &self.speakers(known_voices)).finish(),
            None => whole.finish(),
        }
    }

    fn segmentation(&self) -> ResultKey {
        let model = self.ids.segmentation.unwrap_or(NOTHING);
        self.of(Layer::Segmentation, SEGMENTATION).hash("model", &model).finish()
    }

    fn embeddings(&self) -> ResultKey {
        let embeddings = self.of(Layer::Embeddings, EMBEDDINGS).key("segmentation", &self.segmentation());
        match &self.ids.diarizer {
            Some(DiarizerIds { embedding, overlap, .. }) => {
                let overlap = match overlap {
                    Overlap::Excluded => "excluded",
                    Overlap::Included => "included",
                };
                embeddings.hash("model", embedding).text("overlap", overlap).finish()
            }
            None => embeddings.finish(),
        }
    }

    fn voices(&self) -> ResultKey {
        let model = self.ids.recogniser.unwrap_or(NOTHING);
        self.of(Layer::Voices, VOICES).key("segmentation", &self.segmentation()).hash("model", &model).finish()
    }

    /// What every text depends on.
    fn text(&self, mode: Mode, language: &str) -> KeyBuilder {
        let JobRequest { hints, beam_size, numerals, previous_text, task, .. } = self.request;
        let numerals = match numerals {
            Numerals::AsModelWrites => "as written",
            Numerals::InWords => "in words",
        };
        let text = self.of(Layer::Asr, TEXT).hash("whisper", &self.ids.whisper).text("language", language);
        let text =
            text.text("task", name_of_task(*task)).number("beam", (*beam_size).max(1)).text("numerals", numerals);
        let text = text.text("prompt", hints.prompt.trim()).text("hotwords", hints.hotwords.trim());
        match mode {
            Mode::Batched => text.text("mode", "batched"),
            Mode::Sequential => {
                let previous_text = match previous_text {
                    PreviousText::Given => "given",
                    PreviousText::Withheld => "withheld",
                };
                let text = text.text("mode", "sequential").text("previous", previous_text);
                text.text("prefix", hints.prefix.trim())
            }
        }
    }

    fn of(&self, layer: Layer, version: u32) -> KeyBuilder {
        KeyBuilder::new(layer.name(), version).hash("audio", &self.audio)
    }
}

/// In the place of a model where there is none.
const NOTHING: ContentHash = ContentHash::from_bytes([0; 32]);

fn name_of_task(task: Task) -> &'static str {
    match task {
        Task::Transcribe => "transcribe",
        Task::Translate => "translate",
    }
}

/// A value as bytes: other values have other bytes.
fn encoded<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("plain values of numbers and texts have a form")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::command::{ComputeDevice, SpeakerCount};
    use crate::units::TimeSpan;

    /// The keys that a change makes others, by name.
    fn changed(change: impl FnOnce(&mut JobRequest, &mut ModelIds)) -> BTreeSet<&'static str> {
        let hash = |text: &str| ContentHash::of(text.as_bytes());
        let diarizer = DiarizerIds { config: hash("d"), embedding: hash("e"), overlap: Overlap::Excluded, plda: None };
        let ids = ModelIds {
            whisper: hash("w"),
            segmentation: Some(hash("s")),
            diarizer: Some(diarizer),
            recogniser: Some(hash("r")),
        };
        let request = JobRequest::new("meeting.wav".into(), "demo");
        let (mut other_request, mut other_ids) = (request.clone(), ids.clone());
        change(&mut other_request, &mut other_ids);
        let keys = |request: &JobRequest, ids: &ModelIds| {
            let keys = Keys::new(hash("sound"), ids, request);
            let span = TimeSpan::from_secs(1.0, 2.0);
            let chunk = Chunk { span, regions: vec![span] };
            let segment = Segment { span, ..Segment::default() };
            [
                ("features", keys.features()),
                ("fingerprint", keys.fingerprint()),
                ("segmentation", keys.segmentation_block(0)),
                ("speech", keys.speech()),
                ("language", keys.language()),
                ("first chunk", keys.chunk("en", 0, &chunk)),
                ("chunk", keys.chunk("en", 1, &chunk)),
                ("window", keys.window("en", 1)),
                ("sentences", keys.sentences(&hash("a"), "en", &segment)),
                ("attention", keys.attention("en", &[segment])),
                ("embeddings", keys.embedding_block(0)),
                ("diarization", keys.diarization()),
                ("voices", keys.voice_block(0)),
                ("speakers", keys.speakers(&hash("v"))),
                ("transcript", keys.transcript(AlignerId::Model(hash("a")), &hash("v"))),
            ]
        };
        let pairs = keys(&request, &ids).into_iter().zip(keys(&other_request, &other_ids));
        pairs.filter(|(before, after)| before.1 != after.1).map(|(before, _)| before.0).collect()
    }

    #[test]
    fn a_change_touches_what_depends_on_it_and_nothing_else() {
        type Change = fn(&mut JobRequest, &mut ModelIds);
        let text = ["first chunk", "chunk", "window", "transcript"];
        let cases: [(&str, Change, &[&str]); 12] = [
            ("nothing", |_, _| {}, &[]),
            (
                "batch size, device",
                |request, _| {
                    request.batch_size = 3;
                    request.device = ComputeDevice::Cpu;
                },
                &[],
            ),
            ("beam size", |request, _| request.beam_size = 5, &text),
            ("prompt", |request, _| request.hints.prompt = "names".into(), &text),
            ("prefix", |request, _| request.hints.prefix = "So".into(), &["first chunk", "window", "transcript"]),
            ("hints of sequential mode", |request, _| request.previous_text = PreviousText::Withheld, &["window"]),
            (
                "task",
                |request, _| request.task = Task::Translate,
                &["first chunk", "chunk", "window", "attention", "transcript"],
            ),
            (
                "speaker count",
                |request, _| {
                    request.speakers.count = SpeakerCount { exact: Some(3), ..SpeakerCount::default() };
                },
                &["diarization", "speakers", "transcript"],
            ),
            (
                "diarization settings",
                |_, ids| {
                    let ids = ids.diarizer.as_mut().expect("there is one");
                    ids.config = ContentHash::of(b"other");
                },
                &["diarization", "speakers", "transcript"],
            ),
            ("recogniser", |_, ids| ids.recogniser = None, &["voices", "speakers", "transcript"]),
            (
                "speech model",
                |_, ids| ids.whisper = ContentHash::of(b"other"),
                &["speech", "language", "first chunk", "chunk", "window", "attention", "transcript"],
            ),
            (
                "segmentation",
                |_, ids| ids.segmentation = None,
                &[
                    "features",
                    "segmentation",
                    "speech",
                    "language",
                    "embeddings",
                    "diarization",
                    "voices",
                    "speakers",
                    "transcript",
                ],
            ),
        ];
        for (what, change, expected) in cases {
            assert_eq!(changed(change), expected.iter().copied().collect(), "{what}");
        }
    }
}
