//! From speakers of windows to turns in the recording: how many people speak at once, who they are, and from when to
//! when.
//!
//! After pyannote.audio 4.0.7 (`speaker_count`, `reconstruct`, `to_diarization`, `Binarize`). Windows overlap; each
//! frame of the recording is looked at once, with the windows that cover it, so that nothing is kept but what comes
//! out.

use std::ops::Range;

use crate::pipeline::segmentation::{Activity, Windows};
use crate::units::{Seconds, TimeSpan};

/// A stretch of time in which a cluster's person speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// The cluster.
    pub cluster: usize,
    /// From the middle of the first frame to that of the first one after.
    pub span: TimeSpan,
}

/// How many people speak at once in each frame of the recording, on an average of the windows that cover it.
pub fn speaker_counts(activity: &Activity) -> Vec<u8> {
    let mut covering = Covering::new(&activity.windows);
    let count = |frame| {
        let windows = covering.windows_of(frame);
        let n_windows = windows.len().max(1);
        let n_active: u32 = windows.map(|window| covering.mask(activity, window, frame).count_ones()).sum();
        // A half is rounded to the even number, in `f32`, as there.
        (n_active as f32 / n_windows as f32).round_ties_even() as u8
    };
    (0..activity.windows.n_frames_reached()).map(count).collect()
}

/// Calls `visit` with each frame and the clusters whose people speak in it: as many as `counts` says, but at most
/// `max_at_once`, the one first that most windows agree on, and of equals the one with the lowest number. Where there
/// are not enough clusters, there are more of them, of which no voice is known.
///
/// `clusters` has those of the windows' speakers, `[windows, speakers]`, and none for those who do not speak.
pub fn for_each_frame(
    activity: &Activity,
    clusters: &[Option<usize>],
    counts: &[u8],
    max_at_once: usize,
    mut visit: impl FnMut(usize, &[usize]),
) {
    let max_count = counts.iter().copied().max().map_or(0, usize::from).min(max_at_once);
    let n_clusters = clusters.iter().flatten().max().map_or(0, |highest| highest + 1).max(max_count);
    let mut covering = Covering::new(&activity.windows);
    let mut votes = vec![0_u32; n_clusters];
    let mut chosen = Vec::new();
    for (frame, count) in counts.iter().enumerate() {
        chosen.clear();
        let windows = covering.windows_of(frame);
        if *count > 0 {
            votes.fill(0);
            for window in windows {
                let mask = covering.mask(activity, window, frame);
                let of_window = &clusters[window * activity.n_speakers..][..activity.n_speakers];
                let speaks = |speaker: usize| (mask >> speaker) & 1 == 1;
                for (speaker, cluster) in of_window.iter().enumerate() {
                    let Some(cluster) = cluster.filter(|_| speaks(speaker)) else { continue };
                    // Two speakers of a window who are the same person have one vote.
                    if !(0..speaker).any(|other| speaks(other) && of_window[other] == Some(cluster)) {
                        votes[cluster] += 1;
                    }
                }
            }
        }
        while chosen.len() < usize::from(*count).min(max_at_once) {
            let mut best: Option<usize> = None;
            for cluster in (0..n_clusters).filter(|cluster| !chosen.contains(cluster)) {
                if best.is_none_or(|best| votes[cluster] > votes[best]) {
                    best = Some(cluster);
                }
            }
            chosen.extend(best);
        }
        visit(frame, &chosen);
    }
}

/// When each cluster's person speaks, collected frame by frame.
#[derive(Debug, Default)]
pub struct Regions {
    /// The first frame of the region that each cluster is in.
    begun: Vec<Option<usize>>,
    /// Cluster, first frame, and first frame after.
    found: Vec<(usize, usize, usize)>,
    n_frames: usize,
}

impl Regions {
    /// The next frame, and the clusters that are active in it.
    pub fn push(&mut self, active: &[usize]) {
        let frame = self.n_frames;
        self.n_frames += 1;
        let n_clusters = active.iter().max().map_or(0, |highest| highest + 1);
        self.begun.resize(self.begun.len().max(n_clusters), None);
        for (cluster, begun) in self.begun.iter_mut().enumerate() {
            match (*begun, active.contains(&cluster)) {
                (None, true) => *begun = Some(frame),
                (Some(first), false) => {
                    self.found.push((cluster, first, frame));
                    *begun = None;
                }
                (None, false) | (Some(_), true) => {}
            }
        }
    }

    /// All regions, by time, after gaps of a cluster shorter than `min_duration_off` have been filled.
    pub fn finish(mut self, windows: &Windows, min_duration_off: Seconds) -> Vec<Region> {
        // What goes on ends with the last frame; if it began there, it has no length.
        let last = self.n_frames.saturating_sub(1);
        let open =
            self.begun.iter().enumerate().filter_map(|(cluster, begun)| begun.map(|first| (cluster, first, last)));
        self.found.extend(open.filter(|(_, first, last)| first < last));
        self.found.sort_unstable();
        let mut regions: Vec<Region> = Vec::with_capacity(self.found.len());
        for (cluster, first, end) in self.found {
            let span = TimeSpan { start: windows.frame_middle(first), end: windows.frame_middle(end) };
            if let Some(before) = regions.last_mut()
                && before.cluster == cluster
                && span.start.0 - before.span.end.0 < min_duration_off.0
            {
                before.span.end = span.end;
            } else {
                regions.push(Region { cluster, span });
            }
        }
        let key = |region: &Region| (region.span.start.0, region.span.end.0);
        regions.sort_by(|a, b| {
            let ((a_start, a_end), (b_start, b_end)) = (key(a), key(b));
            a_start.total_cmp(&b_start).then(a_end.total_cmp(&b_end)).then(a.cluster.cmp(&b.cluster))
        });
        regions
    }
}

/// Which windows cover a frame of the recording, asked for one frame after the other.
struct Covering {
    first_frames: Vec<usize>,
    n_frames: usize,
    windows: Range<usize>,
}

impl Covering {
    fn new(windows: &Windows) -> Self {
        let first_frames = (0..windows.n_windows).map(|window| windows.first_frame(window)).collect();
        Self { first_frames, n_frames: windows.n_frames, windows: 0..0 }
    }

    fn windows_of(&mut self, frame: usize) -> Range<usize> {
        let Range { start, end } = &mut self.windows;
        while self.first_frames.get(*end).is_some_and(|first| *first <= frame) {
            *end += 1;
        }
        while *start < *end && self.first_frames[*start] + self.n_frames <= frame {
            *start += 1;
        }
        self.windows.clone()
    }

    /// Who speaks in a frame, as a window that covers it sees it.
    fn mask(&self, activity: &Activity, window: usize, frame: usize) -> u8 {
        activity.window(window)[frame - self.first_frames[window]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of four frames that begin every two frames.
    fn activity(n_speakers: usize, masks: &[[u8; 4]]) -> Activity {
        let windows = Windows {
            n_windows: masks.len(),
            window_samples: 64_000,
            step_samples: 32_000,
            n_frames: 4,
            frame_step: Seconds(1.0),
            frame_duration: Seconds(1.0),
            n_samples: 32_000 * (masks.len() + 1),
        };
        Activity { windows, n_speakers, masks: masks.concat() }
    }

    fn frames(activity: &Activity, clusters: &[Option<usize>], max_at_once: usize) -> Vec<Vec<usize>> {
        let mut frames = Vec::new();
        for_each_frame(activity, clusters, &speaker_counts(activity), max_at_once, |frame, active| {
            assert_eq!(frame, frames.len());
            frames.push(active.to_vec());
        });
        frames
    }

    #[test]
    fn windows_vote_on_every_frame() {
        // The second window calls the first speaker the second, and hears both at its third frame.
        let two = activity(2, &[[0b01, 0b01, 0b01, 0b00], [0b10, 0b10, 0b11, 0b01]]);
        let clusters = [Some(0), Some(1), Some(1), Some(0)];
        // One of two windows hears somebody at the fourth frame: a half is nobody. A frame begins where the last ends.
        assert_eq!(speaker_counts(&two), [1, 1, 1, 0, 2, 1, 0]);
        let expected: [&[usize]; 7] = [&[0], &[0], &[0], &[], &[0, 1], &[1], &[]];
        assert_eq!(frames(&two, &clusters, usize::MAX), expected);
        let expected: [&[usize]; 7] = [&[0], &[0], &[0], &[], &[0], &[1], &[]];
        assert_eq!(frames(&two, &clusters, 1), expected);
        // Both are one person, so that a second one must be made up.
        let expected: [&[usize]; 7] = [&[0], &[0], &[0], &[], &[0, 1], &[0], &[]];
        assert_eq!(frames(&two, &[Some(0); 4], usize::MAX), expected);
    }

    #[test]
    fn regions_run_from_middle_to_middle() {
        let windows = activity(1, &[[0; 4]]).windows;
        for (frames, min_duration_off, expected) in [
            (vec![vec![0], vec![0], vec![]], 0.0, vec![(0, 0.5, 2.5)]),
            (vec![vec![], vec![1, 0], vec![1]], 0.0, vec![(0, 1.5, 2.5), (1, 1.5, 2.5)]),
            (vec![vec![], vec![], vec![0]], 0.0, vec![]),
            (vec![vec![0], vec![], vec![0], vec![]], 0.0, vec![(0, 0.5, 1.5), (0, 2.5, 3.5)]),
            (vec![vec![0], vec![], vec![0], vec![]], 1.0, vec![(0, 0.5, 1.5), (0, 2.5, 3.5)]),
            (vec![vec![0], vec![1], vec![0], vec![]], 1.1, vec![(0, 0.5, 3.5), (1, 1.5, 2.5)]),
        ] {
            let mut regions = Regions::default();
            for active in &frames {
                regions.push(active);
            }
            let found: Vec<(usize, f64, f64)> = regions
                .finish(&windows, Seconds(min_duration_off))
                .iter()
                .map(|region| (region.cluster, region.span.start.0, region.span.end.0))
                .collect();
            assert_eq!(found, expected, "{frames:?}, gaps of {min_duration_off} s");
        }
    }
}
