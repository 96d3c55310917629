//! The way of sound to a device: a lock-free ring between the thread that makes frames and the device's, which takes
//! them out. What is heard swells and fades within a few milliseconds wherever it begins, ends or jumps, so that
//! nothing clicks.
//!
//! Frames are numbered in the order in which they are pushed. The device's thread tells after each buffer how many are
//! behind it and when the last of them will be heard; from that, the other end knows which frame is heard now.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rtrb::{Consumer, Producer, RingBuffer};

/// The left and the right sample of one moment.
pub type Frame = [f32; 2];

/// Sound that lies ready: as long as a busy machine may hold the thread up that makes it.
const RING_SECS: f64 = 0.5;
/// In which sound swells or fades.
const RAMP_SECS: f64 = 0.01;
/// Buffers of the device that nobody has looked at.
const BEAT_CAPACITY: usize = 256;
const SILENCE: Frame = [0.0; 2];

/// A ring for a device of this rate.
pub fn ring(rate_hz: NonZero<u32>) -> (Inlet, Outlet) {
    let rate = f64::from(rate_hz.get());
    let (frames, frames_out) = RingBuffer::new((rate * RING_SECS).ceil() as usize);
    let (beats, beats_out) = RingBuffer::new(BEAT_CAPACITY);
    let controls = Arc::new(Controls {
        is_playing: AtomicBool::new(false),
        is_silent: AtomicBool::new(true),
        volume_bits: AtomicU32::new(1.0_f32.to_bits()),
        skip_until: AtomicU64::new(0),
    });
    let gain_step = (1.0 / (rate * RAMP_SECS)) as f32;
    let outlet =
        Outlet { frames: frames_out, beats, controls: Arc::clone(&controls), gain_step, gain: 0.0, n_taken: 0 };
    (Inlet { frames, beats: beats_out, controls, rate_hz, n_pushed: 0, latest: None }, outlet)
}

/// What the device's thread is told.
struct Controls {
    is_playing: AtomicBool,
    /// Whether the device's thread has nothing more to play: it was stopped and has faded out.
    is_silent: AtomicBool,
    volume_bits: AtomicU32,
    /// Frames before this one are not to be heard any more.
    skip_until: AtomicU64,
}

/// What the device's thread tells after each buffer.
#[derive(Clone, Copy)]
struct Beat {
    n_taken: u64,
    at: Instant,
    /// How long it takes from then on until the last frame is heard.
    until_heard: Duration,
}

/// The end at which frames go in.
pub struct Inlet {
    frames: Producer<Frame>,
    beats: Consumer<Beat>,
    controls: Arc<Controls>,
    rate_hz: NonZero<u32>,
    n_pushed: u64,
    latest: Option<Beat>,
}

impl Inlet {
    /// Frames a second.
    pub(super) fn rate_hz(&self) -> NonZero<u32> {
        self.rate_hz
    }

    /// The number of the next frame.
    pub(super) fn n_pushed(&self) -> u64 {
        self.n_pushed
    }

    /// Takes as many of these frames as there is room for, and tells how many.
    pub(super) fn push(&mut self, frames: &[Frame]) -> usize {
        let (pushed, _) = self.frames.push_partial_slice(frames);
        self.n_pushed += pushed.len() as u64;
        pushed.len()
    }

    /// Whether it takes no more for the moment.
    pub(super) fn is_full(&self) -> bool {
        self.frames.is_full()
    }

    /// Nothing of what is in it is to be heard.
    pub(super) fn flush(&mut self) {
        self.controls.skip_until.store(self.n_pushed, Ordering::Release);
    }

    /// Sound swells from now on,
    pub(super) fn start(&mut self) {
        self.controls.is_silent.store(false, Ordering::Release);
        self.controls.is_playing.store(true, Ordering::Release);
    }

    /// or fades.
    pub(super) fn stop(&mut self) {
        self.controls.is_playing.store(false, Ordering::Release);
    }

    /// Whether it has faded and the device's thread only plays silence.
    pub(super) fn is_silent(&self) -> bool {
        self.controls.is_silent.load(Ordering::Acquire)
    }

    /// How loud it is, 0 to 1.
    pub(super) fn set_volume(&mut self, volume: f32) {
        self.controls.volume_bits.store(volume.to_bits(), Ordering::Release);
    }

    /// The number of the frame that is heard at this time; none before those that were flushed.
    pub(super) fn heard(&mut self, now: Instant) -> u64 {
        self.read_beats();
        let n_heard = self.latest.map_or(0, |beat| {
            let waiting = beat.until_heard.saturating_sub(now.saturating_duration_since(beat.at));
            let n_waiting = (waiting.as_secs_f64() * f64::from(self.rate_hz.get())).round() as u64;
            beat.n_taken.saturating_sub(n_waiting)
        });
        n_heard.max(self.controls.skip_until.load(Ordering::Relaxed))
    }

    /// When the device's thread was last heard of.
    pub(super) fn last_sign(&mut self) -> Option<Instant> {
        self.read_beats();
        self.latest.map(|beat| beat.at)
    }

    fn read_beats(&mut self) {
        while let Ok(beat) = self.beats.pop() {
            self.latest = Some(beat);
        }
    }
}

/// The device's end. Taking out neither waits nor asks for memory.
pub struct Outlet {
    frames: Consumer<Frame>,
    beats: Producer<Beat>,
    controls: Arc<Controls>,
    gain_step: f32,
    gain: f32,
    n_taken: u64,
}

impl Outlet {
    /// Gives one buffer of the device its frames: calls `put` with the number of each and the frame. The last of them
    /// will be heard after `until_heard`.
    pub fn give(&mut self, n_frames: usize, until_heard: Duration, mut put: impl FnMut(usize, Frame)) {
        let is_playing = self.controls.is_playing.load(Ordering::Acquire);
        let volume = f32::from_bits(self.controls.volume_bits.load(Ordering::Acquire));
        let skip_until = self.controls.skip_until.load(Ordering::Acquire);
        for n in 0..n_frames {
            put(n, self.next_frame(is_playing, volume, skip_until));
        }
        if !is_playing && self.gain <= 0.0 {
            self.controls.is_silent.store(true, Ordering::Release);
        }
        // Where nobody reads them, nobody wants to know.
        self.beats.push(Beat { n_taken: self.n_taken, at: Instant::now(), until_heard }).ok();
    }

    fn next_frame(&mut self, is_playing: bool, volume: f32, skip_until: u64) -> Frame {
        let is_stale = self.n_taken < skip_until;
        let wanted = if is_playing && !is_stale { volume } else { 0.0 };
        if self.gain <= 0.0 && is_stale {
            self.skip(skip_until);
            return SILENCE;
        }
        if self.gain <= 0.0 && wanted <= 0.0 && !is_playing {
            return SILENCE;
        }
        let Ok([left, right]) = self.frames.pop() else {
            // Whatever comes next swells again.
            self.gain = 0.0;
            return SILENCE;
        };
        self.n_taken += 1;
        self.gain = if self.gain < wanted {
            (self.gain + self.gain_step).min(wanted)
        } else {
            (self.gain - self.gain_step).max(wanted)
        };
        [left * self.gain, right * self.gain]
    }

    fn skip(&mut self, until: u64) {
        let n_frames = self.frames.slots().min((until - self.n_taken) as usize);
        if let Ok(chunk) = self.frames.read_chunk(n_frames) {
            chunk.commit_all();
            self.n_taken += n_frames as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: NonZero<u32> = NonZero::new(1000).expect("not zero");

    fn taken(outlet: &mut Outlet, n_frames: usize, until_heard: Duration) -> Vec<f32> {
        let mut left = vec![0.0; n_frames];
        outlet.give(n_frames, until_heard, |n, frame| left[n] = frame[0]);
        left
    }

    #[test]
    fn sound_swells_and_fades_and_waits_in_between() {
        let (mut inlet, mut outlet) = ring(RATE_HZ);
        assert_eq!(inlet.push(&[[1.0, 1.0]; 200]), 200);
        assert_eq!(taken(&mut outlet, 10, Duration::ZERO), [0.0; 10], "nobody has started it");
        inlet.start();
        let heard = taken(&mut outlet, 20, Duration::ZERO);
        assert!((heard[0] - 0.1).abs() < 1e-6 && heard[9] > 0.999 && heard[19] > 0.999, "{heard:?}");
        assert_eq!(inlet.heard(Instant::now()), 20);
        inlet.stop();
        let heard = taken(&mut outlet, 20, Duration::ZERO);
        assert!(heard[0] > 0.8 && heard[10..].iter().all(|height| *height == 0.0), "{heard:?}");
        assert!(inlet.is_silent());
        let n_heard = inlet.heard(Instant::now());
        taken(&mut outlet, 50, Duration::ZERO);
        assert_eq!(inlet.heard(Instant::now()), n_heard, "it waits");
    }

    #[test]
    fn what_was_flushed_fades_and_is_dropped() {
        let (mut inlet, mut outlet) = ring(RATE_HZ);
        inlet.push(&[[1.0, 1.0]; 300]);
        inlet.start();
        taken(&mut outlet, 50, Duration::ZERO);
        inlet.flush();
        assert_eq!(inlet.heard(Instant::now()), 300, "the place is the new one at once");
        inlet.push(&[[-1.0, -1.0]; 100]);
        let heard = taken(&mut outlet, 60, Duration::ZERO);
        let n_old = heard.iter().filter(|height| **height > 0.0).count();
        assert!(n_old <= 10 && heard[59] < -0.99, "{heard:?}");
        assert!(heard.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.11), "no click: {heard:?}");
    }

    #[test]
    fn what_is_on_its_way_is_not_heard_yet() {
        let (mut inlet, mut outlet) = ring(RATE_HZ);
        inlet.push(&[[1.0, 1.0]; 300]);
        inlet.start();
        taken(&mut outlet, 200, Duration::from_millis(50));
        let at = inlet.last_sign().expect("a buffer was taken");
        for (later_ms, expected) in [(0, 150), (20, 170), (50, 200), (90, 200)] {
            assert_eq!(inlet.heard(at + Duration::from_millis(later_ms)), expected, "after {later_ms} ms");
        }
    }

    #[test]
    fn an_empty_ring_is_silence_and_no_time() {
        let (mut inlet, mut outlet) = ring(RATE_HZ);
        inlet.push(&[[1.0, 1.0]; 30]);
        inlet.start();
        assert_eq!(taken(&mut outlet, 100, Duration::ZERO)[30..], [0.0; 70]);
        assert_eq!(inlet.heard(Instant::now()), 30);
    }
}
