//! A way for others to listen to what is recorded, at no risk to the recording: it never waits for them. What they do
//! not take in time, they miss, and are told how much that was.

use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

/// Pieces that wait for whoever listens; with some fifty a second, ten seconds.
const CAPACITY: usize = 500;

/// Sound as it was written to the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Frames before it that were missed.
    pub n_missed_frames: u64,
    /// Its samples, in the format of the recording.
    pub samples: Vec<f32>,
    /// When it was written.
    pub at: Instant,
}

/// The recording's end. The other one is disconnected when the recording is over.
#[derive(Debug)]
pub struct Tap {
    sound: Sender<Heard>,
    n_missed_frames: u64,
}

/// Both ends.
pub fn tap() -> (Tap, Receiver<Heard>) {
    let (sound, heard) = bounded(CAPACITY);
    (Tap { sound, n_missed_frames: 0 }, heard)
}

impl Tap {
    /// Offers what was recorded, of so many channels.
    pub(super) fn offer(&mut self, samples: &[f32], n_channels: usize) {
        let n_frames = (samples.len() / n_channels.max(1)) as u64;
        if self.sound.is_full() {
            self.n_missed_frames += n_frames;
            return;
        }
        let heard = Heard { n_missed_frames: self.n_missed_frames, samples: samples.to_vec(), at: Instant::now() };
        match self.sound.try_send(heard) {
            // Where nobody listens any more, nothing is missed.
            Ok(()) | Err(TrySendError::Disconnected(_)) => self.n_missed_frames = 0,
            Err(TrySendError::Full(_)) => self.n_missed_frames += n_frames,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_listen_misses_sound_and_learns_how_much() {
        let (mut tap, heard) = tap();
        for n in 0..CAPACITY + 7 {
            tap.offer(&[n as f32; 6], 2);
        }
        let all: Vec<Heard> = heard.try_iter().collect();
        assert_eq!(all.len(), CAPACITY);
        let is_right = |(n, heard): (usize, &Heard)| {
            heard.n_missed_frames == 0 && heard.samples.iter().all(|sample| *sample as usize == n)
        };
        assert!(all.iter().enumerate().all(is_right));
        tap.offer(&[0.5; 6], 2);
        assert_eq!(heard.try_recv().map(|heard| heard.n_missed_frames), Ok(7 * 3));
        tap.offer(&[0.5; 6], 2);
        assert_eq!(heard.try_recv().map(|heard| heard.n_missed_frames), Ok(0));
        drop(heard);
        tap.offer(&[0.5; 6], 2);
        assert_eq!(tap.n_missed_frames, 0);
    }
}
