//! Playing without interruption: frames are read along the route, made faster or slower, brought to the device's rate,
//! and put into its ring. Knows of every frame in the ring which place of the recording it is.
//!
//! Whatever changes (a seek, another speed, another device) ends the run, and another begins in its place.

use std::collections::VecDeque;
use std::num::NonZero;

use crate::audio::decode::DecodeError;
use crate::audio::resample::Blocks;

use super::ring::{Frame, Inlet};
use super::route::{Leg, Route};
use super::source::{Given, Source};
use super::stretch::Stretcher;

/// Frames that are read at once.
const FRAMES_AT_ONCE: usize = 2048;
/// Where the way through the recording jumps, sound fades and swells for so long.
const JOINT_SECS: f64 = 0.005;

/// Uninterrupted playing.
pub(super) struct Run {
    /// The first frame of the ring that belongs to it,
    first: u64,
    /// and how many frames of the recording one of the ring stands for.
    frames_each: f64,
    /// The places from which on the recording is played in a row.
    joints: VecDeque<Joint>,
    /// Frames of the recording that went in,
    n_fed: u64,
    /// and of those, into the converter.
    n_converted: u64,
    leg: Option<Leg>,
    n_joint: u64,
    stretcher: Option<Stretcher>,
    converter: Option<Converter>,
    read: Vec<Frame>,
    stretched: Vec<Frame>,
    /// What is ready for the ring, from this one on.
    ready: Vec<Frame>,
    ready_at: usize,
}

/// From the `fed`th frame on, what goes in is the recording from `place` on.
#[derive(Clone, Copy)]
struct Joint {
    fed: u64,
    place: u64,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    /// The ring is full.
    Well,
    /// Frames are being looked for; ask again soon.
    Searching,
    /// All that is to be played is in the ring.
    Ended,
}

impl Run {
    /// Begins at a place of the recording, where the source goes.
    pub(super) fn begin(
        source: &mut Source,
        route: &Route,
        place: u64,
        speed: f64,
        inlet: &Inlet,
    ) -> Result<Self, DecodeError> {
        let (rate_in, rate_out) = (source.rate_hz(), inlet.rate_hz());
        let is_changed = (speed - 1.0).abs() > 1e-9;
        let mut run = Self {
            first: inlet.n_pushed(),
            frames_each: f64::from(rate_in.get()) / f64::from(rate_out.get()) * if is_changed { speed } else { 1.0 },
            joints: VecDeque::from([Joint { fed: 0, place }]),
            n_fed: 0,
            n_converted: 0,
            leg: None,
            n_joint: (f64::from(rate_in.get()) * JOINT_SECS) as u64,
            stretcher: is_changed.then(|| Stretcher::new(rate_in, speed)),
            converter: (rate_in != rate_out).then(|| Converter::new(rate_in, rate_out)),
            read: Vec::new(),
            stretched: Vec::new(),
            ready: Vec::new(),
            ready_at: 0,
        };
        run.set_out(source, route.next(place))?;
        Ok(run)
    }

    /// Fills the ring.
    pub(super) fn fill(&mut self, source: &mut Source, route: &Route, inlet: &mut Inlet) -> Result<Going, DecodeError> {
        loop {
            self.ready_at += inlet.push(&self.ready[self.ready_at..]);
            if self.ready_at < self.ready.len() || inlet.is_full() {
                return Ok(Going::Well);
            }
            self.ready.clear();
            self.ready_at = 0;
            if self.leg.is_none() {
                return Ok(Going::Ended);
            }
            if self.take_in(source, route)? == Given::Nothing {
                return Ok(Going::Searching);
            }
        }
    }

    /// The place of the recording, in its frames, that a frame of the ring stands for.
    pub(super) fn place_of(&mut self, frame: u64) -> u64 {
        let fed = (frame.saturating_sub(self.first) as f64 * self.frames_each).min(self.n_fed as f64);
        while self.joints.get(1).is_some_and(|next| next.fed as f64 <= fed) {
            self.joints.pop_front();
        }
        let joint = self.joints.front().expect("the last one stays");
        joint.place + (fed - joint.fed as f64).max(0.0).round() as u64
    }

    /// Goes to the beginning of a leg of the route, or ends.
    fn set_out(&mut self, source: &mut Source, leg: Option<Leg>) -> Result<(), DecodeError> {
        let Some(leg) = leg else {
            self.leg = None;
            self.finish();
            return Ok(());
        };
        source.seek(leg.start)?;
        let joint = Joint { fed: self.n_fed, place: leg.start };
        match self.joints.back_mut() {
            Some(last) if last.fed == self.n_fed => *last = joint,
            _ => self.joints.push_back(joint),
        }
        self.leg = Some(leg);
        Ok(())
    }

    /// Reads some frames and takes them through all that is done with them.
    fn take_in(&mut self, source: &mut Source, route: &Route) -> Result<Given, DecodeError> {
        let Some(leg) = self.leg else { return Ok(Given::End) };
        let at = source.at();
        let n_left = leg.end.map_or(u64::MAX, |end| end.saturating_sub(at));
        if n_left == 0 {
            self.set_out(source, route.next(at))?;
            return Ok(Given::Frames);
        }
        self.read.clear();
        let given = source.read(FRAMES_AT_ONCE.min(n_left as usize), &mut self.read)?;
        if given == Given::End {
            // The end of a loop may lie beyond that of the recording, and all of it, too: then there is nothing to
            // loop.
            let next = route.next(leg.end.unwrap_or(u64::MAX)).filter(|next| route.is_looped() && next.start < at);
            self.set_out(source, next)?;
            return Ok(Given::Frames);
        }
        self.soften(at, leg);
        self.n_fed += self.read.len() as u64;
        if let Some(stretcher) = &mut self.stretcher {
            self.stretched.clear();
            stretcher.push(&self.read, &mut self.stretched);
        } else {
            std::mem::swap(&mut self.read, &mut self.stretched);
        }
        self.convert_stretched();
        Ok(given)
    }

    /// Swells after a jump, and fades before one.
    fn soften(&mut self, at: u64, leg: Leg) {
        let is_first = self.joints.len() == 1 && self.n_fed == at - leg.start;
        let gain = |distance: u64| ((distance as f32 + 0.5) / self.n_joint.max(1) as f32).min(1.0);
        for (place, frame) in (at..).zip(&mut self.read) {
            // The ring itself swells where a run begins.
            let since_jump = if is_first { 1.0 } else { gain(place - leg.start) };
            let until_jump = leg.end.map_or(1.0, |end| gain(end - 1 - place));
            let gain = since_jump.min(until_jump);
            *frame = frame.map(|sample| sample * gain);
        }
    }

    fn convert_stretched(&mut self) {
        self.n_converted += self.stretched.len() as u64;
        match &mut self.converter {
            Some(converter) => converter.push(&self.stretched, &mut self.ready),
            None => self.ready.extend_from_slice(&self.stretched),
        }
    }

    /// Nothing more goes in: what is on its way comes out.
    fn finish(&mut self) {
        if let Some(stretcher) = self.stretcher.take() {
            self.stretched.clear();
            stretcher.finish(&mut self.stretched);
            self.convert_stretched();
        }
        if let Some(converter) = self.converter.take() {
            converter.finish(self.n_converted, &mut self.ready);
        }
    }
}

/// Both channels from one rate to another.
struct Converter {
    sides: [Side; 2],
    rate_in: NonZero<u32>,
    rate_out: NonZero<u32>,
}

struct Side {
    blocks: Blocks,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl Converter {
    fn new(rate_in: NonZero<u32>, rate_out: NonZero<u32>) -> Self {
        let side = || Side { blocks: Blocks::new(rate_in, rate_out), input: Vec::new(), output: Vec::new() };
        Self { sides: [side(), side()], rate_in, rate_out }
    }

    fn push(&mut self, frames: &[Frame], output: &mut Vec<Frame>) {
        for (n, side) in self.sides.iter_mut().enumerate() {
            side.input.clear();
            side.input.extend(frames.iter().map(|frame| frame[n]));
            side.output.clear();
            side.blocks.push(&side.input, &mut side.output);
        }
        let [left, right] = &self.sides;
        output.extend(left.output.iter().zip(&right.output).map(|(left, right)| [*left, *right]));
    }

    fn finish(self, n_in: u64, output: &mut Vec<Frame>) {
        let n_out = (n_in * u64::from(self.rate_out.get())).div_ceil(u64::from(self.rate_in.get()));
        let [left, right] = self.sides.map(|side| {
            let mut rest = Vec::new();
            side.blocks.finish(n_out, &mut rest);
            rest
        });
        output.extend(left.into_iter().zip(right).map(|(left, right)| [left, right]));
    }
}
