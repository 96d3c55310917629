//! A download as the window shows it: in one line, and as a share. No egui in here.

use crate::engine::models::{DownloadState, Fetched, Rate};

use super::amounts::{share, size_text};
use super::texts::{text, text_with};

/// A download that waits, runs, or stopped on the way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Download {
    /// Name of the model.
    pub(super) model: String,
    /// How far it is.
    pub(super) state: DownloadState,
}

impl Download {
    /// How far it is, in one line.
    pub(super) fn status(&self) -> String {
        let of = |fetched: &Fetched| match fetched.total_bytes {
            0 => size_text(fetched.n_bytes),
            total_bytes => {
                let (part, whole) = (size_text(fetched.n_bytes), size_text(total_bytes));
                text_with("download-part", &[("part", part.into()), ("whole", whole.into())])
            }
        };
        match &self.state {
            DownloadState::Waiting => text("download-waiting"),
            DownloadState::Running(fetched, Rate { bytes_per_sec, remaining }) => {
                let rate = bytes_per_sec.map(|rate| format!("{}/s", size_text(rate.max(0.0) as u64)));
                let left = remaining.map(|left| text_with("download-left", &[("time", left.to_string().into())]));
                [Some(of(fetched)), rate, left].into_iter().flatten().collect::<Vec<_>>().join(" · ")
            }
            DownloadState::Paused(fetched) => text_with("download-paused", &[("part", of(fetched).into())]),
            DownloadState::Preparing => text("download-preparing"),
            DownloadState::Done => text("download-done"),
            DownloadState::Cancelled => text("download-cancelled"),
            DownloadState::Failed(reason) => reason.clone(),
        }
    }

    /// The share that is there, where that is known.
    pub(super) fn fraction(&self) -> Option<f32> {
        match &self.state {
            DownloadState::Running(fetched, _) | DownloadState::Paused(fetched) => {
                (fetched.total_bytes > 0).then(|| share(fetched.n_bytes, fetched.total_bytes))
            }
            DownloadState::Preparing | DownloadState::Done => Some(1.0),
            DownloadState::Waiting | DownloadState::Cancelled | DownloadState::Failed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seconds;

    #[test]
    fn a_download_tells_all_that_is_known_of_it() {
        let fetched = Fetched { n_bytes: 45_000_000, total_bytes: 180_000_000 };
        let rate = Rate { bytes_per_sec: Some(12e6), remaining: Some(Seconds(8.3)) };
        for (state, status, fraction) in [
            (DownloadState::Waiting, "waiting", None),
            (DownloadState::Running(Fetched::default(), Rate::default()), "0 kB", None),
            (DownloadState::Running(fetched, rate), "45 MB of 180 MB · 12 MB/s · about 0:08 left", Some(0.25)),
            (DownloadState::Paused(fetched), "paused at 45 MB of 180 MB", Some(0.25)),
            (DownloadState::Preparing, "checking and preparing", Some(1.0)),
            (DownloadState::Failed("no route".to_owned()), "no route", None),
        ] {
            let download = Download { model: "small".to_owned(), state };
            assert_eq!((download.status().as_str(), download.fraction()), (status, fraction), "{download:?}");
        }
    }
}
