//! What is said in a recording, and when: speech, chunks, text and the times of words, as far as they are known from the
//! store, and the rest computed.

use std::time::Instant;

use anyhow::Context as _;

use crate::engine::command::{Alignment, JobRequest, Mode};
use crate::engine::event::Stage;
use crate::engine::reuse::{AlignerId, Keys, Pieces};
use crate::hash::ContentHash;
use crate::nn::whisper::word_times::WordTime;
use crate::pipeline::align::{AlignedSegment, cross_attention};
use crate::pipeline::chunk::{Chunk, merge_regions};
use crate::pipeline::options::TranscribeOptions;
use crate::pipeline::resume::Resume;
use crate::pipeline::segmentation::{Activity, Windows, segmentation};
use crate::pipeline::sequential::{self, LongForm, WindowText};
use crate::pipeline::speech::{SpeechThresholds, speech_regions, speech_scores};
use crate::pipeline::transcribe::{ChunkText, Speech, Transcribed};
use crate::pipeline::{StageError, align};
use crate::results::Layer;
use crate::transcript::Segment;
use crate::units::SampleIdx;

use super::{Job, Outlook};

/// What of a request concerns the speech model.
pub(super) fn options_of(request: &JobRequest) -> TranscribeOptions {
    TranscribeOptions {
        language: request.language.clone(),
        task: request.task,
        batch_size: request.batch_size,
        beam_size: request.beam_size,
        prompt: request.hints.prompt.clone(),
        hotwords: request.hints.hotwords.clone(),
        prefix: request.hints.prefix.clone(),
        numerals: request.numerals,
        previous_text: request.previous_text,
        ..TranscribeOptions::default()
    }
}

/// What went wrong in a stage that a job can do without. Being cancelled ends the job, and so does what is no stage's.
pub(super) fn bearable(error: anyhow::Error) -> anyhow::Result<StageError> {
    match error.downcast()? {
        StageError::Cancelled(cancelled) => Err(cancelled.into()),
        error => Ok(error),
    }
}

impl Job<'_> {
    /// Where the windows lie in which it is looked who speaks.
    pub(super) fn windows(&self) -> anyhow::Result<Windows> {
        Ok(Windows::of(&self.models.segmentation_config()?, self.sound.n_samples()))
    }

    /// Who speaks in each window: looked at once, for speech and for speakers.
    pub(super) fn activity(&self) -> anyhow::Result<&Activity> {
        if let Some(activity) = self.activity.get() {
            return Ok(activity);
        }
        let (config, keys) = (self.models.segmentation_config()?, self.keys);
        let windows = self.windows()?;
        let is_right = |block: usize, masks: &Vec<u8>| masks.len() == windows.n_masks(block);
        let key = move |block| keys.segmentation_block(block);
        let blocks = self.results.pieces(Stage::Speech, Layer::Segmentation, windows.n_blocks(), key, is_right);
        let context = self.tools.context;
        let activity = if blocks.are_complete() {
            let masks = context.stage(Stage::Speech, |_| blocks.into_known().concat());
            Activity { windows, n_speakers: config.max_speakers_per_chunk, masks }
        } else {
            let segmenter = self.models.loaded()?.segmenter.as_ref().context("nothing looks who speaks in this job")?;
            let samples = self.sound.samples()?;
            context.stage(Stage::Speech, |progress| {
                blocks.resume(|resume| segmentation(samples, segmenter, resume, progress))
            })?
        };
        Ok(self.activity.get_or_init(|| activity))
    }

    /// Stretches of speech that fit the window of the speech model.
    fn chunks(&self) -> anyhow::Result<Vec<Chunk>> {
        self.results.stored(Layer::Speech, &self.keys.speech(), || {
            let window = SampleIdx(self.models.loaded()?.whisper.config().window_samples()).to_seconds();
            let regions = speech_regions(&speech_scores(self.activity()?), &SpeechThresholds::for_chunks_of(window));
            Ok(merge_regions(&regions, window))
        })
    }

    /// What is said.
    pub(super) fn text(&self) -> anyhow::Result<Transcribed> {
        match self.tools.request.mode {
            Mode::Batched => self.text_of_chunks(),
            Mode::Sequential => self.text_of_windows(),
        }
    }

    fn text_of_chunks(&self) -> anyhow::Result<Transcribed> {
        let chunks = self.chunks()?;
        let language = self.known_language();
        let mut known = language.as_deref().map(|language| self.known_chunks(language, &chunks));
        let complete = known.take_if(|known| known.are_complete());
        if let (Some(known), Some(language)) = (complete, &language) {
            return Ok(self.known_text(language, known.into_known()));
        }
        let (loaded, context) = (self.models.loaded()?, self.tools.context);
        let samples = self.sound.samples()?;
        let options = TranscribeOptions { language, ..options_of(self.tools.request) };
        let text = context.stage(Stage::Transcribe, |progress| {
            let since = Instant::now();
            let speech = Speech::begin(samples, &chunks, &loaded.whisper, &options, progress)?;
            let known = known.unwrap_or_else(|| {
                self.keep_language(speech.language(), since);
                self.known_chunks(speech.language(), &chunks)
            });
            if let Some(last) = known.n_leading().checked_sub(1) {
                context.continues_at(chunks[last].span.end);
            }
            known.resume(|resume| speech.transcribe(resume, progress, &mut |segments| context.segments(segments)))
        });
        Ok(text?)
    }

    fn text_of_windows(&self) -> anyhow::Result<Transcribed> {
        let (language, n_samples) = (self.known_language(), self.sound.n_samples());
        let mut known = language.as_deref().map(|language| self.known_windows(language));
        let complete = known.take_if(|known| known.last().is_some_and(|last| last.is_last(n_samples)));
        if let (Some(known), Some(language)) = (complete, &language) {
            return Ok(self.known_text(language, known.into_known().into_iter().map(|window| window.text)));
        }
        let (loaded, context) = (self.models.loaded()?, self.tools.context);
        let samples = self.sound.samples()?;
        let options = TranscribeOptions { language, ..options_of(self.tools.request) };
        let text = context.stage(Stage::Transcribe, |progress| {
            let since = Instant::now();
            let long_form = LongForm::begin(samples, &loaded.whisper, &options, progress.cancel())?;
            let known = known.unwrap_or_else(|| {
                self.keep_language(long_form.language(), since);
                self.known_windows(long_form.language())
            });
            if let Some(last) = known.last() {
                context.continues_at(last.end());
            }
            known.resume(|resume| {
                sequential::transcribe(long_form, resume, progress, &mut |segments| context.segments(segments))
            })
        });
        Ok(text?)
    }

    /// The texts of chunks in a language.
    fn known_chunks<'c>(&'c self, language: &str, chunks: &'c [Chunk]) -> Pieces<'c, ChunkText> {
        let (keys, language) = (self.keys, language.to_owned());
        let key = move |idx: usize| keys.chunk(&language, idx, &chunks[idx]);
        self.results.pieces(Stage::Transcribe, Layer::Asr, chunks.len(), key, |_, _| true)
    }

    /// The texts of windows in a language, up to the first that is missing.
    fn known_windows(&self, language: &str) -> Pieces<'_, WindowText> {
        let (keys, language, n_samples) = (self.keys, language.to_owned(), self.sound.n_samples());
        let key = move |idx: usize| keys.window(&language, idx);
        let is_last = |window: &WindowText| window.is_last(n_samples);
        self.results.leading_pieces(Stage::Transcribe, Layer::Asr, key, is_last)
    }

    /// A text of which nothing is missing.
    fn known_text(&self, language: &str, texts: impl IntoIterator<Item = ChunkText>) -> Transcribed {
        let context = self.tools.context;
        context.stage(Stage::Transcribe, |_| {
            let text = Transcribed::of(language, texts);
            if !text.segments.is_empty() {
                context.segments(&text.segments);
            }
            text
        })
    }

    fn keep_language(&self, language: &str, since: Instant) {
        self.results.put(Layer::Language, &self.keys.language(), &language, since.elapsed());
    }

    /// Gives words their times: by the aligner of the language, else by Whisper's attention, else not at all.
    pub(super) fn aligned(&self, text: Transcribed) -> anyhow::Result<Vec<Segment>> {
        let Transcribed { segments, language, .. } = text;
        if segments.is_empty() || self.tools.request.alignment == Alignment::Off {
            return Ok(segments);
        }
        let aligned = self.sentences(segments, &language)?;
        let (mut timed, untimed): (Vec<Segment>, Vec<Segment>) =
            aligned.into_iter().partition(|segment| !segment.words.is_empty() || segment.text.trim().is_empty());
        if untimed.is_empty() {
            return Ok(timed);
        }
        if !timed.is_empty() {
            let n = untimed.len();
            self.warn(format!("The times of words in {n} passages come from Whisper and are less exact."));
        }
        let key = self.keys.attention(&language, &untimed);
        let attended = self.results.stored(Layer::Align, &key, || {
            let key = move |window| Keys::attention_window(&key, window);
            let windows = self.results.leading_pieces(Stage::Align, Layer::Align, key, |_: &Vec<WordTime>| false);
            let (whisper, samples) = (&self.models.loaded()?.whisper, self.sound.samples()?);
            let (segments, task) = (untimed.clone(), self.tools.request.task);
            let attended = self.tools.context.stage(Stage::Align, |progress| {
                windows.resume(|resume| {
                    cross_attention::align(samples, segments, &language, task, whisper, resume, progress)
                })
            });
            anyhow::Ok(attended?)
        });
        match attended {
            Ok(attended) => {
                attended.warnings.into_iter().for_each(|warning| self.warn(warning));
                timed.extend(attended.segments);
            }
            Err(error) => {
                self.warn_for_now(format!("Some words have no times: {}.", bearable(error)?));
                timed.extend(untimed);
            }
        }
        timed.sort_by(|a, b| a.span.start.0.total_cmp(&b.span.start.0));
        Ok(timed)
    }

    /// The sentences of segments with the times of their words, where there is an aligner that finds them.
    fn sentences(&self, segments: Vec<Segment>, language: &str) -> anyhow::Result<Vec<Segment>> {
        let context = self.tools.context;
        let mut known = match self.models.aligner_id(language) {
            AlignerId::Off | AlignerId::Whisper => None,
            AlignerId::Model(id) => Some(self.known_sentences(&segments, language, id)),
        };
        if let Some(known) = known.take_if(|known| known.are_complete()) {
            return Ok(context.stage(Stage::Align, |_| align::Aligned::of(segments, known.into_known())).segments);
        }
        let aligner = match context.stage(Stage::Align, |_| self.models.aligner(language)) {
            Ok(aligner) => aligner,
            Err(reason) => {
                let warning = format!("The times of words come from Whisper and are less exact: {reason}.");
                // Its files are here, so it may be loaded another time.
                if known.is_some() {
                    self.warn_for_now(warning);
                } else {
                    self.warn(warning);
                }
                return Ok(segments);
            }
        };
        let samples = self.sound.samples()?;
        let aligned = context.stage(Stage::Align, |progress| {
            if let Some(known) = known {
                known.resume(|resume| align::align(samples, segments, language, &aligner, resume, progress))
            } else {
                // It is not known which model that is.
                self.outlook.set(Outlook::Passing);
                align::align(samples, segments, language, &aligner, Resume::none(), progress)
            }
        });
        Ok(aligned?.segments)
    }

    fn known_sentences(
        &self,
        segments: &[Segment],
        language: &str,
        aligner: ContentHash,
    ) -> Pieces<'_, AlignedSegment> {
        let keys: Vec<_> = segments.iter().map(|segment| self.keys.sentences(&aligner, language, segment)).collect();
        let key = move |idx: usize| keys[idx];
        self.results.pieces(Stage::Align, Layer::Align, segments.len(), key, |_, _| true)
    }
}
