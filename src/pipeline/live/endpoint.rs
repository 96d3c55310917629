//! Where utterances begin and end: a machine that is shown the last frames again and again, and says what has ended.
//!
//! It never takes back what it said. Until then, what is heard of an utterance may change with every look.

use std::ops::Range;

use crate::units::SAMPLE_RATE_HZ;

use super::listening::Look;

const SAMPLES_PER_SEC: usize = SAMPLE_RATE_HZ as usize;
/// Speech begins above this and ends below the other, as over files ([`crate::pipeline::speech::SpeechThresholds`]).
const ONSET: f32 = 0.5;
const OFFSET: f32 = 0.363;
/// Silence that ends an utterance,
const PAUSE_SAMPLES: usize = 4 * SAMPLES_PER_SEC / 10;
/// and one that is long.
const SHORT_PAUSE_SAMPLES: usize = 18 * SAMPLES_PER_SEC / 100;
/// What belongs to an utterance before and after its voice. Less than any pause.
const MARGIN_SAMPLES: usize = 15 * SAMPLES_PER_SEC / 100;
/// Whoever speaks alone for so long, after somebody else did, begins an utterance.
const TURN_SAMPLES: usize = 12 * SAMPLES_PER_SEC / 10;
/// Frames to each side of one over which loudness is averaged: a syllable, where that is cut.
const QUIET_REACH: usize = 4;
/// Speakers of a window, at most.
const MAX_SPEAKERS: usize = 8;

/// An utterance that has ended, in samples of the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// What is to be transcribed. It follows the one before without overlap.
    pub(super) span: Range<usize>,
    /// The voice in it.
    pub(super) voice: Range<usize>,
}

/// An utterance that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Speaking {
    /// Where it begins.
    pub(super) start: usize,
    /// Where it would end if nothing followed: some time ago where its speaker seems to pause.
    pub(super) end: usize,
    /// Whether its speaker seems to pause.
    pub(super) voice: Voice,
}

/// Whether a voice is heard at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    Heard,
    Pauses,
}

/// The machine.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    /// From this length on, a short pause ends an utterance.
    long_samples: usize,
    /// No utterance is longer.
    max_samples: usize,
    open: Option<Open>,
    /// All before belongs to utterances that have ended.
    free_from: usize,
    /// No utterance is cut before this.
    whole_until: usize,
    /// Where the last look ended.
    seen_until: usize,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    start: usize,
    voice_start: usize,
    voice_end: usize,
}

/// What follows an utterance that has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing yet.
    Silence,
    /// The next one, at once.
    Speech,
}

impl Endpoints {
    /// A machine for utterances that are transcribed in a window of so many samples.
    pub(super) fn new(window_samples: usize) -> Self {
        Self {
            long_samples: window_samples / 2,
            max_samples: window_samples * 3 / 4,
            open: None,
            free_from: 0,
            whole_until: 0,
            seen_until: 0,
        }
    }

    /// Takes the newest look, and says which utterances have ended, in order.
    pub(super) fn hear(&mut self, look: &Look) -> Vec<Ended> {
        let mut ended = Vec::new();
        self.seen_until = look.end();
        while let Some(mut open) = self.open.or_else(|| self.onset(look)) {
            let end = self.follow(&mut open, look);
            self.open = Some(open);
            let Some((end, next)) = end else { break };
            ended.push(Ended { span: open.start..end, voice: open.voice_start..open.voice_end.min(end) });
            self.free_from = end;
            self.open = match next {
                Next::Silence => None,
                Next::Speech => Some(Open { start: end, voice_start: end, voice_end: end }),
            };
        }
        ended
    }

    /// The utterance that goes on.
    pub(super) fn speaking(&self) -> Option<Speaking> {
        let Open { start, voice_end, .. } = self.open?;
        let may_end = voice_end + MARGIN_SAMPLES;
        Some(if self.seen_until >= may_end {
            Speaking { start, end: may_end, voice: Voice::Pauses }
        } else {
            Speaking { start, end: self.seen_until.max(start), voice: Voice::Heard }
        })
    }

    /// What is heard up to here belongs to the utterance that goes on.
    pub(super) fn keep_whole(&mut self, until: usize) {
        self.whole_until = until;
    }

    /// Ends the utterance that goes on, for nothing follows what came up to `end`.
    pub(super) fn finish(&mut self, end: usize) -> Option<Ended> {
        let Open { start, voice_start, voice_end } = self.open.take()?;
        let end = end.min(voice_end + MARGIN_SAMPLES).max(start);
        self.free_from = end;
        Some(Ended { span: start..end, voice: voice_start.min(end)..voice_end.min(end) })
    }

    /// The next speech that belongs to no utterance yet.
    fn onset(&self, look: &Look) -> Option<Open> {
        let first = look.frame_at(self.free_from);
        let (frame, _) = look.frames.iter().enumerate().skip(first).find(|(_, frame)| frame.speech > ONSET)?;
        let Range { start: voice_start, end: voice_end } = look.samples_of(frame);
        let start = voice_start.saturating_sub(MARGIN_SAMPLES).max(self.free_from);
        Some(Open { start, voice_start, voice_end })
    }

    /// Goes through the frames of an utterance from its beginning, as it is heard now, to its end if it has one.
    fn follow(&self, open: &mut Open, look: &Look) -> Option<(usize, Next)> {
        let first = look.frame_at(open.voice_start);
        // What lies before the look is as it was heard then.
        open.voice_end = if first == 0 { open.voice_end.max(look.first_edge) } else { open.voice_start };
        let mut voice = Voice::Heard;
        let mut turns = Turns::new(TURN_SAMPLES.div_ceil(look.frame_samples.max(1)));
        for (n, frame) in look.frames.iter().enumerate().skip(first) {
            let Range { start: from, end: to } = look.samples_of(n);
            voice = match voice {
                Voice::Heard if frame.speech < OFFSET => Voice::Pauses,
                Voice::Pauses if frame.speech > ONSET => Voice::Heard,
                Voice::Heard | Voice::Pauses => voice,
            };
            if voice == Voice::Heard {
                open.voice_end = to;
            }
            let length = to.saturating_sub(open.start);
            let pause = if length < self.long_samples { PAUSE_SAMPLES } else { SHORT_PAUSE_SAMPLES };
            if to.saturating_sub(open.voice_end) >= pause {
                return Some((open.voice_end + MARGIN_SAMPLES, Next::Silence));
            }
            if let Some(change) = turns.hear(from, frame.speakers).filter(|change| *change > self.whole_until)
                && change > open.start
            {
                return Some((change, Next::Speech));
            }
            if length >= self.max_samples {
                return Some((self.quietest(open.start + self.long_samples, n, look), Next::Speech));
            }
        }
        None
    }

    /// The quietest place from `from` on, up to a frame, where nothing is cut that must be whole.
    fn quietest(&self, from: usize, last: usize, look: &Look) -> usize {
        let first = look.frame_at(from.max(self.whole_until)).min(last);
        let power = |frame: usize| {
            let around = frame.saturating_sub(QUIET_REACH)..(frame + QUIET_REACH + 1).min(look.frames.len());
            let n_frames = around.len() as f32;
            look.frames[around].iter().map(|frame| frame.power).sum::<f32>() / n_frames
        };
        let quieter = |best: usize, frame: usize| if power(frame) < power(best) { frame } else { best };
        let frame = (first..=last).reduce(quieter).unwrap_or(last);
        look.samples_of(frame).start
    }
}

/// Who of a window speaks alone, frame by frame.
struct Turns {
    n_needed: usize,
    n_alone: [usize; MAX_SPEAKERS],
    run: Option<Run>,
}

struct Run {
    speaker: usize,
    from: usize,
    n_frames: usize,
}

impl Turns {
    fn new(n_needed: usize) -> Self {
        Self { n_needed, n_alone: [0; MAX_SPEAKERS], run: None }
    }

    /// Where the present speaker began, if they have taken the turn from another. Silence, and several at once, change
    /// nothing.
    fn hear(&mut self, from: usize, speakers: u8) -> Option<usize> {
        if !speakers.is_power_of_two() {
            return None;
        }
        let speaker = speakers.trailing_zeros() as usize;
        let run = match self.run.take() {
            Some(run) if run.speaker == speaker => Run { n_frames: run.n_frames + 1, ..run },
            other => {
                if let Some(run) = other {
                    self.n_alone[run.speaker] += run.n_frames;
                }
                Run { speaker, from, n_frames: 1 }
            }
        };
        let start = run.from;
        let n_before = self.n_alone[speaker];
        let is_turn = run.n_frames >= self.n_needed;
        self.run = Some(run);
        let others = self.n_alone.iter().enumerate().filter(|(other, _)| *other != speaker);
        let has_taken = others.map(|(_, n_frames)| *n_frames).any(|n| n >= self.n_needed && n > n_before);
        (is_turn && has_taken).then_some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::live::listening::Frame;

    /// A frame of 10 ms and a window of 10 s.
    const FRAME: usize = SAMPLES_PER_SEC / 100;
    const WINDOW: usize = 10 * SAMPLES_PER_SEC;

    /// What is heard at a time.
    type Heard<'a> = &'a dyn Fn(f64) -> Frame;

    fn secs(samples: usize) -> f64 {
        samples as f64 / SAMPLES_PER_SEC as f64
    }

    fn look(end: usize, heard: Heard<'_>) -> Look {
        let first_edge = end.saturating_sub(WINDOW);
        let frames = (first_edge..end).step_by(FRAME).map(|at| heard(secs(at) + 0.005)).collect();
        Look { first_edge, frame_samples: FRAME, frames }
    }

    /// The utterances of a recording that is looked at every so often, as (start, end, end of the voice) in hundredths.
    fn utterances(total_secs: usize, hop_hundredths: usize, heard: Heard<'_>) -> Vec<(usize, usize, usize)> {
        let mut endpoints = Endpoints::new(WINDOW);
        let mut ended = Vec::new();
        let end = total_secs * SAMPLES_PER_SEC;
        for at in (hop_hundredths * FRAME..=end).step_by(hop_hundredths * FRAME) {
            ended.extend(endpoints.hear(&look(at, heard)));
        }
        ended.extend(endpoints.finish(end));
        ended.iter().map(|it| (it.span.start / FRAME, it.span.end / FRAME, it.voice.end / FRAME)).collect()
    }

    fn voice(speakers: u8) -> Frame {
        Frame { speech: 0.9, speakers, power: 0.01 }
    }

    fn by_times(times: &[(f64, f64)]) -> impl Fn(f64) -> Frame {
        move |at| {
            let is_voiced = times.iter().any(|(start, end)| at >= *start && at < *end);
            if is_voiced { voice(1) } else { Frame::default() }
        }
    }

    #[test]
    fn utterances_end_where_their_speaker_pauses() {
        for (times, expected) in [
            (&[][..], &[][..]),
            (&[(1.0, 2.0)], &[(85, 215, 200)]),
            // Too short a pause; then one that is long enough.
            (&[(1.0, 2.0), (2.3, 3.0), (3.5, 4.0)], &[(85, 315, 300), (335, 415, 400)]),
            // What is long ends where the pause is short, too.
            (&[(1.0, 6.5), (6.7, 8.0)], &[(85, 665, 650), (665, 815, 800)]),
            // It goes on at the end of the recording.
            (&[(0.0, 1.0), (15.0, 16.0)], &[(0, 115, 100), (1485, 1600, 1600)]),
        ] {
            for hop in [5, 20, 400] {
                assert_eq!(utterances(16, hop, &by_times(times)), expected, "{times:?}, looked at every {hop}0 ms");
            }
        }
    }

    #[test]
    fn who_does_not_pause_is_cut_where_it_is_quietest() {
        // Somebody speaks for 12 s, and is less loud at 6.2 s: between half and three quarters of the window.
        let heard = |at: f64| {
            let frame = by_times(&[(0.0, 12.0)])(at);
            if (6.15..6.25).contains(&at) { Frame { power: 0.001, ..frame } } else { frame }
        };
        let found = utterances(14, 20, &heard);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].1.abs_diff(620) <= 5 && found[1] == (found[0].1, 1215, 1200), "{found:?}");

        let mut endpoints = Endpoints::new(WINDOW);
        endpoints.keep_whole(7 * SAMPLES_PER_SEC);
        let ended = endpoints.hear(&look(8 * SAMPLES_PER_SEC, &heard));
        assert!(ended[0].span.end >= 7 * SAMPLES_PER_SEC, "{ended:?}: what is sure is not cut");
    }

    #[test]
    fn another_speaker_begins_another_utterance() {
        // They speak at once for a while, and the second says something short before that.
        let heard = |at: f64| match at {
            at if at < 2.0 => voice(1),
            at if at < 2.3 => voice(2),
            at if at < 3.0 => voice(1),
            at if at < 3.5 => voice(3),
            at if at < 5.0 => voice(2),
            _ => Frame::default(),
        };
        assert_eq!(utterances(7, 20, &heard), [(0, 350, 350), (350, 515, 500)]);
    }

    #[test]
    fn what_may_be_a_pause_is_told_before_it_is_one() {
        let heard = by_times(&[(1.0, 2.0)]);
        let mut endpoints = Endpoints::new(WINDOW);
        for (hundredths, expected) in [
            (90, None),
            (150, Some((85, 150, Voice::Heard))),
            (210, Some((85, 210, Voice::Heard))),
            (220, Some((85, 215, Voice::Pauses))),
            (240, None),
        ] {
            endpoints.hear(&look(hundredths * FRAME, &heard));
            let found = endpoints.speaking().map(|it| (it.start / FRAME, it.end / FRAME, it.voice));
            assert_eq!(found, expected, "{hundredths}0 ms");
        }
    }
}
