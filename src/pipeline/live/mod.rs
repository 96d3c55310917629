//! Captions while people speak: sound comes in as it is recorded, and text goes out that is soon there and then stays.
//!
//! ```text
//! push ──▶ sound ──▶ listening ──▶ endpoint ──ended──▶ writing ──words──▶ agreement ──▶ CaptionUpdate
//!                   (PyanNet, 5    (utterances)  open──▶ (Whisper)       (what is sure)      ▲
//!                    times a second)                    └── speakers (ECAPA-TDNN) ───────────┘
//! ```
//! - An utterance ends when its speaker pauses or another one speaks. From half of Whisper's window on a short pause is
//!   enough, and at three quarters it is cut where it is quietest.
//! - While it goes on, it is transcribed about once a second. What two successive transcripts agree on is committed
//!   (LocalAgreement-2: Liu et al., "Low-Latency Sequence-to-Sequence Speech Recognition and Translation by Partial
//!   Hypothesis Selection", 2020; Macháček et al., "Turning Whisper into Real-Time Transcription System", 2023), and
//!   every later transcript goes on from there. What is committed never changes.
//! - As soon as a pause may be the end, the utterance is transcribed as if it were, so that its text is there when
//!   that is sure.
//! - If the machine cannot keep up, there are fewer transcripts in between, and [`LiveEvent::Behind`] says so.
//!
//! Nothing here knows devices, threads or the time: whoever owns a [`LiveCaptioner`] says when sound came and what time
//! it is. What it keeps in memory does not grow with the recording.

mod agreement;
mod captioner;
mod endpoint;
mod listening;
mod pace;
mod sound;
mod speakers;
mod writing;

use crate::nn::ecapa::Ecapa;
use crate::nn::sincnet_lstm::PyanNet;
use crate::nn::whisper::Whisper;
use crate::units::{Seconds, TimeSpan};

use super::options::PreviousText;
use super::recognise::{KnownVoice, RecogniseOptions};

pub use captioner::LiveCaptioner;

/// How captions are made.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveOptions {
    /// Code of the spoken language; `None` to detect it in the first utterances.
    pub language: Option<String>,
    /// Whether the text before an utterance is a hint to it.
    pub previous_text: PreviousText,
    /// More tokens than this nobody says in a second; what goes on beyond is invented.
    pub max_tokens_per_sec: f64,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { language: None, previous_text: PreviousText::Given, max_tokens_per_sec: 25.0 }
    }
}

/// The models that captions are made with.
#[derive(Clone, Copy)]
pub struct LiveModels<'a> {
    /// What hears words.
    pub whisper: &'a Whisper,
    /// What hears that somebody speaks.
    pub segmenter: &'a PyanNet,
    /// What tells speakers apart, where somebody asks for that.
    pub recogniser: Option<Recogniser<'a>>,
}

/// What tells speakers apart and knows some of them.
#[derive(Clone, Copy)]
pub struct Recogniser<'a> {
    /// The network.
    pub ecapa: &'a Ecapa,
    /// What it takes to be recognised by it.
    pub options: &'a RecogniseOptions,
    /// The voices that have names.
    pub voices: &'a [KnownVoice],
}

/// Something about captions.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveEvent {
    /// An utterance is further.
    Caption(CaptionUpdate),
    /// Captions are so late that they thin out; 0 when they have caught up.
    Behind(Seconds),
}

/// What is known of an utterance by now.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionUpdate {
    /// Its number, in order of time.
    pub utterance: u64,
    /// What is sure of its text: it never changes, but for what is added at its end.
    pub committed: String,
    /// What follows, as it seems now.
    pub provisional: String,
    /// Where it is in the recording, as far as it was heard.
    pub span: TimeSpan,
    /// Label of its speaker, once that is known: the same for the same voice.
    pub speaker: Option<String>,
    /// The name of the speaker, if the voice is enrolled.
    pub name: Option<String>,
    /// Whether nothing more comes of it. One that is final and has no text was nothing.
    pub is_final: bool,
    /// How long after the sound came, of which this is the text: for one that is final, after the voice ended.
    pub latency: Seconds,
}
