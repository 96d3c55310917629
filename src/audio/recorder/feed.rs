//! The way of sound from a device's thread: a lock-free ring that the device's callback copies into, and what takes it
//! out on the other side. Frames that find no room are counted, and told in their place between the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use super::SoundFormat;

/// Interruptions that can wait to be told. While there is no room for one more, its sound is lost too.
const GAP_CAPACITY: usize = 64;

/// A ring with room for so many seconds.
pub(in crate::audio) fn ring(format: SoundFormat, n_secs: usize) -> (Feed, Intake) {
    let n_channels = format.channels();
    // A whole number of frames, so that no frame is divided between the end of the memory and its beginning.
    let (samples, samples_out) = RingBuffer::new(format.rate_hz.get() as usize * n_secs * n_channels);
    let (gaps, gaps_out) = RingBuffer::new(GAP_CAPACITY);
    let n_lost = Arc::new(AtomicU64::new(0));
    let feed = Feed { samples, gaps, n_channels, n_pushed: 0, n_untold: 0, n_lost: Arc::clone(&n_lost) };
    let intake = Intake { samples: samples_out, gaps: gaps_out, format, n_taken: 0, n_told: 0, gap: None, n_lost };
    (feed, intake)
}

/// Frames that were lost after so many others.
#[derive(Clone, Copy)]
struct Gap {
    after_frames: u64,
    n_frames: u64,
}

/// The device's end. Pushing neither waits nor asks for memory.
pub(in crate::audio) struct Feed {
    samples: Producer<f32>,
    gaps: Producer<Gap>,
    n_channels: usize,
    n_pushed: u64,
    /// Frames lost since the last that was pushed.
    n_untold: u64,
    /// All frames that were lost.
    n_lost: Arc<AtomicU64>,
}

impl Feed {
    /// Copies whole frames into the ring, or counts them as lost.
    pub(in crate::audio) fn push(&mut self, samples: impl ExactSizeIterator<Item = f32>) {
        let n_samples = samples.len();
        let n_frames = (n_samples / self.n_channels) as u64;
        if self.samples.slots() < n_samples || !self.tells_gap() {
            self.n_untold += n_frames;
            self.n_lost.fetch_add(n_frames, Ordering::Relaxed);
        } else if let Ok(room) = self.samples.write_chunk_uninit(n_samples) {
            room.fill_from_iter(samples);
            self.n_pushed += n_frames;
        }
    }

    /// Frames that there is room for.
    pub(super) fn n_free_frames(&self) -> usize {
        self.samples.slots() / self.n_channels
    }

    /// Whether nobody takes anything out any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.samples.is_abandoned()
    }

    /// Whether all that was lost so far is told, or there was room to tell it.
    fn tells_gap(&mut self) -> bool {
        if self.n_untold > 0 {
            if self.gaps.push(Gap { after_frames: self.n_pushed, n_frames: self.n_untold }).is_err() {
                return false;
            }
            self.n_untold = 0;
        }
        true
    }
}

/// What comes out of a ring.
pub(super) enum Piece<'a> {
    /// Whole frames.
    Sound(&'a [f32]),
    /// So many frames were lost here.
    Lost(u64),
}

/// The end at which sound is taken out.
pub(in crate::audio) struct Intake {
    samples: Consumer<f32>,
    gaps: Consumer<Gap>,
    format: SoundFormat,
    n_taken: u64,
    /// Lost frames that were told.
    n_told: u64,
    /// The next interruption, once known.
    gap: Option<Gap>,
    n_lost: Arc<AtomicU64>,
}

impl Intake {
    /// How its samples are counted.
    pub(super) fn format(&self) -> SoundFormat {
        self.format
    }

    /// Whether the device's end is gone and nothing is left.
    pub(super) fn is_ended(&self) -> bool {
        self.samples.is_abandoned() && self.samples.is_empty()
    }

    /// Takes out all that is there, in order.
    pub(super) fn drain(&mut self, mut take: impl FnMut(Piece<'_>)) {
        // A gap is told before what follows it is pushed, so all gaps in what is there now are known.
        let mut n_left = self.samples.slots() / self.format.channels();
        loop {
            if self.gap.is_none() {
                self.gap = self.gaps.pop().ok();
            }
            let n_frames = self.gap.map_or(n_left, |gap| ((gap.after_frames - self.n_taken) as usize).min(n_left));
            self.take_sound(n_frames, &mut take);
            n_left -= n_frames;
            match self.gap {
                Some(gap) if gap.after_frames == self.n_taken => {
                    take(Piece::Lost(gap.n_frames));
                    self.n_told += gap.n_frames;
                    self.gap = None;
                }
                Some(_) | None => return,
            }
        }
    }

    /// Frames lost at the end, which no sound followed. To be asked when the device's end is gone.
    pub(super) fn n_lost_at_end(&self) -> u64 {
        self.n_lost.load(Ordering::Relaxed) - self.n_told
    }

    fn take_sound(&mut self, n_frames: usize, take: &mut impl FnMut(Piece<'_>)) {
        let Ok(chunk) = self.samples.read_chunk(n_frames * self.format.channels()) else { return };
        let (first, second) = chunk.as_slices();
        for samples in [first, second] {
            if !samples.is_empty() {
                take(Piece::Sound(samples));
            }
        }
        chunk.commit_all();
        self.n_taken += n_frames as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out, lost frames as zeros.
    fn taken(intake: &mut Intake) -> Vec<f32> {
        let n_channels = intake.format().channels();
        let mut all = Vec::new();
        intake.drain(|piece| match piece {
            Piece::Sound(samples) => all.extend_from_slice(samples),
            Piece::Lost(n_frames) => all.resize(all.len() + n_frames as usize * n_channels, 0.0),
        });
        all
    }

    #[test]
    fn what_finds_no_room_is_counted_in_its_place() {
        // A ring of 10 frames of two channels. Each step pushes so many frames, numbered from 1, or takes out.
        let (mut feed, mut intake) = ring(SoundFormat::new(10, 2).expect("not zero"), 1);
        let (mut next, mut expected, mut found) = (1_u16, Vec::new(), Vec::new());
        for (n_frames, fits) in
            [(4, true), (6, true), (3, false), (0, true), (5, true), (6, false), (2, true), (4, false), (0, true)]
        {
            if n_frames == 0 {
                found.extend(taken(&mut intake));
                continue;
            }
            let frames: Vec<f32> = (next..next + n_frames).flat_map(|n| [f32::from(n), -f32::from(n)]).collect();
            feed.push(frames.iter().copied());
            next += n_frames;
            expected.extend(if fits { frames } else { vec![0.0; frames.len()] });
        }
        drop(feed);
        assert!(intake.is_ended());
        found.resize(found.len() + 2 * intake.n_lost_at_end() as usize, 0.0);
        assert_eq!(found, expected);
    }

    #[test]
    fn more_interruptions_than_can_be_told_lose_sound_but_no_time() {
        let (mut feed, mut intake) = ring(SoundFormat::new(1000, 1).expect("not zero"), 1);
        for _ in 0..3 * GAP_CAPACITY {
            feed.push([1.0].into_iter());
            feed.push(vec![1.0; 2000].into_iter());
        }
        let n_found = taken(&mut intake).len() as u64;
        drop(feed);
        assert_eq!(n_found + intake.n_lost_at_end(), 3 * GAP_CAPACITY as u64 * 2001);
    }

    #[test]
    fn two_threads_lose_no_frame() {
        const N_FRAMES: u32 = 100_000;
        let (mut feed, mut intake) = ring(SoundFormat::new(1000, 1).expect("not zero"), 1);
        let pushing = std::thread::spawn(move || {
            for first in (0..N_FRAMES).step_by(50) {
                while feed.n_free_frames() < 50 {
                    std::thread::yield_now();
                }
                feed.push((first..first + 50).map(|n| n as f32).collect::<Vec<_>>().into_iter());
            }
        });
        let mut found = Vec::new();
        while !intake.is_ended() {
            found.extend(taken(&mut intake));
            std::thread::yield_now();
        }
        pushing.join().expect("it does not panic");
        assert!(found.iter().copied().eq((0..N_FRAMES).map(|n| n as f32)), "{} frames", found.len());
    }
}
