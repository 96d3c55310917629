//! The captioner: what came and what was made of it so far, and which step is next.

use std::collections::VecDeque;

use crate::nn::sincnet_lstm::PyanNet;
use crate::nn::whisper::TokenId;
use crate::pipeline::StageError;
use crate::pipeline::options::PreviousText;
use crate::task::CancelToken;
use crate::units::{SAMPLE_RATE_HZ, SampleIdx, Seconds, TimeSpan};

use super::agreement::Agreement;
use super::endpoint::{Ended, Endpoints, Voice};
use super::listening::Look;
use super::pace::Pace;
use super::sound::Sound;
use super::speakers::{Named, Speakers};
use super::writing::{Before, Language, Stand, Writer};
use super::{CaptionUpdate, LiveEvent, LiveModels, LiveOptions};

const SAMPLES_PER_SEC: usize = SAMPLE_RATE_HZ as usize;
/// From one look at what came to the next,
const HOP_SAMPLES: usize = SAMPLES_PER_SEC / 5;
/// and where more came meanwhile, so that no pause is far from the end of the window in which it is heard.
const MAX_HOP_SAMPLES: usize = 4 * SAMPLES_PER_SEC;
/// Less of a voice is a noise.
const MIN_VOICE_SAMPLES: usize = SAMPLES_PER_SEC / 10;
/// A transcript of so much more or less sound is that of the same utterance: all of that is silence.
const SAME_END_SAMPLES: usize = SAMPLES_PER_SEC / 10;
/// An utterance that began longer ago and still waits is left as it is: whoever reads captions is elsewhere by now.
const MAX_WAIT_SAMPLES: usize = 60 * SAMPLES_PER_SEC;
/// Text before an utterance that is kept.
const MAX_HINT_TOKENS: usize = 448;

/// Makes captions of sound as it comes.
///
/// Whoever has one calls [`Self::push`] with what came, and [`Self::step`] until [`Self::is_idle`]. A step takes as long
/// as one transcript at most; what comes meanwhile is pushed after it.
pub struct LiveCaptioner {
    options: LiveOptions,
    sound: Sound,
    /// What came before this place was looked at.
    looked_until: usize,
    endpoints: Endpoints,
    /// The utterance that goes on, once it was transcribed.
    draft: Option<Utterance>,
    /// Utterances that have ended and wait for their last transcript.
    ended: VecDeque<(Ended, Utterance)>,
    n_utterances: u64,
    language: Language,
    /// The text so far, the end of it.
    hint: Vec<TokenId>,
    speakers: Speakers,
    pace: Pace,
}

/// The text of an utterance so far.
#[derive(Clone, Debug)]
struct Utterance {
    number: u64,
    start: usize,
    agreement: Agreement,
    /// Where the sound ended of which there is a transcript.
    heard_until: usize,
    /// What was told of it.
    told: Option<(String, String)>,
}

impl LiveCaptioner {
    /// A captioner for a model with a window of so many samples.
    pub fn new(options: LiveOptions, window_samples: usize) -> Self {
        Self {
            options,
            sound: Sound::default(),
            looked_until: 0,
            endpoints: Endpoints::new(window_samples),
            draft: None,
            ended: VecDeque::new(),
            n_utterances: 0,
            language: Language::default(),
            hint: Vec::new(),
            speakers: Speakers::default(),
            pace: Pace::new(),
        }
    }

    /// Uses all models once, so that their weights are in memory when somebody speaks.
    pub fn warm_up(models: &LiveModels<'_>, cancel: &CancelToken) -> Result<(), StageError> {
        let mut sound = Sound::default();
        sound.push(&vec![0.0; SAMPLES_PER_SEC], Seconds(0.0));
        Look::at(&sound, SAMPLES_PER_SEC, models.segmenter);
        if let Some(recogniser) = models.recogniser {
            recogniser.ecapa.embedding(sound.read(0..SAMPLES_PER_SEC));
        }
        let options = LiveOptions::default();
        let writer = Writer { whisper: models.whisper, options: &options, cancel };
        let before = Before { hint: &[], opening: Vec::new() };
        writer.write(sound.read(0..SAMPLES_PER_SEC), before, &mut Language::default(), Stand::GoesOn)?;
        Ok(())
    }

    /// Takes 16 kHz mono sound that has come by `now`. Nothing is computed.
    pub fn push(&mut self, samples: &[f32], now: Seconds) {
        self.sound.push(samples, now);
    }

    /// Whether there is nothing to do before more sound comes.
    pub fn is_idle(&self) -> bool {
        self.ended.is_empty() && !self.is_look_due()
    }

    /// Samples of sound that are kept, whatever the length of the recording.
    pub fn n_samples_kept(&self) -> usize {
        self.sound.n_kept()
    }

    /// Does what is due next: a look at what came, and a transcript of one utterance at most. `clock` tells the time by
    /// which sound is pushed.
    pub fn step(
        &mut self,
        models: &LiveModels<'_>,
        cancel: &CancelToken,
        clock: &dyn Fn() -> Seconds,
    ) -> Result<Vec<LiveEvent>, StageError> {
        let mut events = Vec::new();
        if self.is_look_due() {
            self.look(models.segmenter);
        }
        self.leave_out(&mut events, clock);
        let caption = match self.ended.pop_front() {
            Some((ended, utterance)) => self.settle(&ended, utterance, models, cancel, clock)?,
            None => self.draft(models, cancel, clock)?,
        };
        events.extend(caption.map(LiveEvent::Caption));
        let oldest = self.ended.front().map_or(self.looked_until, |(ended, _)| ended.voice.end);
        let late = Seconds((clock().0 - self.sound.arrival(oldest).0).max(0.0));
        events.extend(self.pace.note(late).map(LiveEvent::Behind));
        self.forget(models.segmenter);
        Ok(events)
    }

    /// Ends with what came: no more will.
    pub fn finish(
        &mut self,
        models: &LiveModels<'_>,
        cancel: &CancelToken,
        clock: &dyn Fn() -> Seconds,
    ) -> Result<Vec<LiveEvent>, StageError> {
        while self.looked_until < self.sound.end() {
            self.look(models.segmenter);
        }
        if let Some(ended) = self.endpoints.finish(self.sound.end()) {
            self.enqueue(ended);
        }
        let mut events = Vec::new();
        self.leave_out(&mut events, clock);
        while let Some((ended, utterance)) = self.ended.pop_front() {
            let caption = self.settle(&ended, utterance, models, cancel, clock)?;
            events.extend(caption.map(LiveEvent::Caption));
        }
        Ok(events)
    }

    fn is_look_due(&self) -> bool {
        self.sound.end() >= self.looked_until + HOP_SAMPLES
    }

    /// Listens who speaks, and where utterances end.
    fn look(&mut self, segmenter: &PyanNet) {
        let from = self.looked_until.max(self.sound.first());
        self.looked_until = self.sound.end().min(from + MAX_HOP_SAMPLES);
        let look = Look::at(&self.sound, self.looked_until, segmenter);
        for ended in self.endpoints.hear(&look) {
            self.enqueue(ended);
        }
    }

    fn enqueue(&mut self, ended: Ended) {
        let draft = self.draft.take_if(|draft| draft.start == ended.span.start);
        let is_told = draft.as_ref().is_some_and(|draft| draft.told.is_some());
        if ended.voice.len() >= MIN_VOICE_SAMPLES || is_told {
            let utterance = draft.unwrap_or_else(|| self.begin(ended.span.start));
            self.ended.push_back((ended, utterance));
        }
    }

    fn begin(&mut self, start: usize) -> Utterance {
        self.n_utterances += 1;
        let agreement = Agreement::default();
        Utterance { number: self.n_utterances, start, agreement, heard_until: start, told: None }
    }

    /// Transcribes the utterance that goes on, if that is due.
    fn draft(
        &mut self,
        models: &LiveModels<'_>,
        cancel: &CancelToken,
        clock: &dyn Fn() -> Seconds,
    ) -> Result<Option<CaptionUpdate>, StageError> {
        let Some(speaking) = self.endpoints.speaking() else { return Ok(None) };
        let known = self.draft.take_if(|draft| draft.start == speaking.start);
        let mut draft = known.unwrap_or_else(|| self.begin(speaking.start));
        let n_new = speaking.end.saturating_sub(draft.heard_until);
        let may_be_last = speaking.voice == Voice::Pauses
            && self.pace.has_time()
            && speaking.end.abs_diff(draft.heard_until) > SAME_END_SAMPLES;
        if n_new < self.pace.interval().to_sample().0 && !may_be_last {
            self.draft = Some(draft);
            return Ok(None);
        }
        let started = clock();
        let writer = Writer { whisper: models.whisper, options: &self.options, cancel };
        let before = Before { hint: &self.hint, opening: draft.agreement.opening() };
        let sound = self.sound.read(draft.start..speaking.end);
        let stand = if speaking.voice == Voice::Pauses { Stand::Ended } else { Stand::GoesOn };
        let words = writer.write(sound, before, &mut self.language, stand)?;
        if draft.agreement.hear(words) > 0 {
            // What two transcripts agree on was heard by the first of them.
            self.endpoints.keep_whole(draft.heard_until);
        }
        draft.heard_until = speaking.end;
        let now = clock();
        self.pace.drafted(Seconds(now.0 - started.0));
        let caption = draft.told_anew(speaking.end, now.0 - self.sound.arrival(speaking.end).0);
        self.draft = Some(draft);
        Ok(caption)
    }

    /// Gives an utterance that has ended its last text, and its speaker.
    fn settle(
        &mut self,
        ended: &Ended,
        mut utterance: Utterance,
        models: &LiveModels<'_>,
        cancel: &CancelToken,
        clock: &dyn Fn() -> Seconds,
    ) -> Result<Option<CaptionUpdate>, StageError> {
        let is_heard = utterance.heard_until > utterance.start
            && ended.span.end.abs_diff(utterance.heard_until) <= SAME_END_SAMPLES;
        if is_heard {
            utterance.agreement.settle_as_heard();
        } else {
            let writer = Writer { whisper: models.whisper, options: &self.options, cancel };
            let before = Before { hint: &self.hint, opening: utterance.agreement.opening() };
            let sound = self.sound.read(ended.span.clone());
            utterance.agreement.settle(writer.write(sound, before, &mut self.language, Stand::Ended)?);
        }
        if self.options.previous_text == PreviousText::Given {
            self.hint.extend(utterance.agreement.tokens());
            self.hint.drain(..self.hint.len().saturating_sub(MAX_HINT_TOKENS));
        }
        let recogniser = models.recogniser.filter(|_| !utterance.agreement.committed().trim().is_empty());
        let voice = self.sound.read(ended.voice.clone());
        let speaker = recogniser.and_then(|recogniser| self.speakers.speaker_of(voice, recogniser));
        let latency_secs = clock().0 - self.sound.arrival(ended.voice.end).0;
        Ok(utterance.told_at_last(ended, speaker, latency_secs))
    }

    /// Gives up what waits for too long.
    fn leave_out(&mut self, events: &mut Vec<LiveEvent>, clock: &dyn Fn() -> Seconds) {
        let end = self.sound.end();
        let is_hopeless = |(ended, _): &(Ended, Utterance)| end - ended.span.start > MAX_WAIT_SAMPLES;
        while self.ended.front().is_some_and(is_hopeless)
            && let Some((ended, mut utterance)) = self.ended.pop_front()
        {
            utterance.agreement.give_up();
            let latency_secs = clock().0 - self.sound.arrival(ended.voice.end).0;
            events.extend(utterance.told_at_last(&ended, None, latency_secs).map(LiveEvent::Caption));
        }
    }

    /// Forgets the sound that nobody will ask for.
    fn forget(&mut self, segmenter: &PyanNet) {
        let of_window = self.looked_until.saturating_sub(segmenter.config().window_samples);
        let of_ended = self.ended.front().map(|(ended, _)| ended.span.start);
        let of_open = self.endpoints.speaking().map(|speaking| speaking.start);
        let needed = [of_ended, of_open].into_iter().flatten().fold(of_window, usize::min);
        self.sound.forget_before(needed);
    }
}

impl Utterance {
    /// What is to be told of it while it goes on, if that is something new.
    fn told_anew(&mut self, end: usize, latency_secs: f64) -> Option<CaptionUpdate> {
        let text = (self.agreement.committed(), self.agreement.provisional());
        let is_known = match &self.told {
            Some(told) => *told == text,
            None => text.0.trim().is_empty() && text.1.trim().is_empty(),
        };
        if is_known {
            return None;
        }
        self.told = Some(text);
        Some(self.update(end, latency_secs))
    }

    /// What is to be told of it in the end, unless it is nothing and nobody heard of it.
    fn told_at_last(&self, ended: &Ended, speaker: Option<Named>, latency_secs: f64) -> Option<CaptionUpdate> {
        if self.told.is_none() && self.agreement.committed().trim().is_empty() {
            return None;
        }
        let (speaker, name) = speaker.map_or((None, None), |named| (Some(named.label), named.name));
        Some(CaptionUpdate { speaker, name, is_final: true, ..self.update(ended.span.end, latency_secs) })
    }

    fn update(&self, end: usize, latency_secs: f64) -> CaptionUpdate {
        let committed = self.agreement.committed().trim_start().to_owned();
        let provisional = self.agreement.provisional();
        CaptionUpdate {
            utterance: self.number,
            provisional: if committed.is_empty() { provisional.trim_start().to_owned() } else { provisional },
            committed,
            span: TimeSpan { start: SampleIdx(self.start).to_seconds(), end: SampleIdx(end).to_seconds() },
            speaker: None,
            name: None,
            is_final: false,
            latency: Seconds(latency_secs.max(0.0)),
        }
    }
}
