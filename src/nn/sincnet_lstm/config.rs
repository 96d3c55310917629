//! Sizes of a PyanNet and the geometry of its frames, from the `config.yaml` that pyannote ships beside the weights.

use yaml_rust2::Yaml;

use super::super::yaml;

use super::{CONV_KERNEL, POOL, SINC_KERNEL};

/// Speakers of a window, so that a set of them is a byte; published models have 3 or 4.
const MAX_SPEAKERS: usize = 8;
/// Published models have windows of 10 s; a minute already takes hundreds of megabytes.
const MAX_WINDOW_SECS: f64 = 60.0;
/// No size in a configuration is above the sample rate.
const MAX_SIZE: usize = 48_000;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SegmentationConfigError {
    /// Not YAML.
    #[error("not YAML: {0}")]
    Yaml(#[from] yaml_rust2::ScanError),
    /// An entry is missing or not a number.
    #[error("`{0}` is missing, or not a positive number of a sensible size")]
    Entry(&'static str),
    /// An entry has a value that this network is not built for.
    #[error("`{entry}` is {found}, but only {supported} is supported")]
    Unsupported {
        /// Its name.
        entry: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        supported: &'static str,
    },
}

/// Sizes of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentationConfig {
    /// Samples in a window.
    pub window_samples: usize,
    /// Samples from one sinc frame to the next.
    pub sinc_stride: usize,
    /// Units of each direction of an LSTM layer.
    pub lstm_hidden: usize,
    /// Number of LSTM layers.
    pub lstm_layers: usize,
    /// Units of a linear layer.
    pub linear_hidden: usize,
    /// Number of linear layers.
    pub linear_layers: usize,
    /// Speakers that are told apart within a window.
    pub max_speakers_per_chunk: usize,
    /// Speakers that may talk at once.
    pub max_speakers_per_frame: usize,
}

impl SegmentationConfig {
    /// Reads pyannote's `config.yaml`.
    pub fn from_yaml(text: &str) -> Result<Self, SegmentationConfigError> {
        let root = &yaml::document(text)?;
        let (task, model) = (&root["task"], &root["model"]);
        let count = |entry: &'static str, value: &Yaml| {
            let number = value.as_i64().and_then(|number| usize::try_from(number).ok());
            number.filter(|number| (1..=MAX_SIZE).contains(number)).ok_or(SegmentationConfigError::Entry(entry))
        };
        let sample_rate = count("model.sample_rate", &model["sample_rate"])?;
        if sample_rate != super::SAMPLE_RATE_HZ as usize {
            let found = sample_rate.to_string();
            return Err(SegmentationConfigError::Unsupported { entry: "model.sample_rate", found, supported: "16000" });
        }
        if model["lstm"]["bidirectional"].as_bool() == Some(false) {
            let found = "false".to_owned();
            let entry = "model.lstm.bidirectional";
            return Err(SegmentationConfigError::Unsupported { entry, found, supported: "true" });
        }
        let duration = &task["duration"];
        let duration_secs = duration.as_f64().or_else(|| duration.as_i64().map(|secs| secs as f64));
        let duration_secs = duration_secs.filter(|secs| *secs > 0.0 && *secs <= MAX_WINDOW_SECS);
        let duration_secs = duration_secs.ok_or(SegmentationConfigError::Entry("task.duration"))?;
        let config = Self {
            window_samples: (duration_secs * sample_rate as f64).round() as usize,
            sinc_stride: count("model.sincnet.stride", &model["sincnet"]["stride"])?,
            lstm_hidden: count("model.lstm.hidden_size", &model["lstm"]["hidden_size"])?,
            lstm_layers: count("model.lstm.num_layers", &model["lstm"]["num_layers"])?,
            linear_hidden: count("model.linear.hidden_size", &model["linear"]["hidden_size"])?,
            linear_layers: count("model.linear.num_layers", &model["linear"]["num_layers"])?,
            max_speakers_per_chunk: count("task.max_speakers_per_chunk", &task["max_speakers_per_chunk"])?,
            max_speakers_per_frame: count("task.max_speakers_per_frame", &task["max_speakers_per_frame"])?,
        };
        if config.max_speakers_per_chunk > MAX_SPEAKERS {
            let (entry, found) = ("task.max_speakers_per_chunk", config.max_speakers_per_chunk.to_string());
            return Err(SegmentationConfigError::Unsupported { entry, found, supported: "at most 8" });
        }
        if config.window_samples < config.receptive_field_samples() {
            return Err(SegmentationConfigError::Entry("task.duration"));
        }
        Ok(config)
    }

    /// Samples that one frame of the output depends on.
    pub fn receptive_field_samples(&self) -> usize {
        let mut size = 1;
        for _ in 0..2 {
            size = size * POOL + CONV_KERNEL - 1;
        }
        (size * POOL - 1) * self.sinc_stride + SINC_KERNEL
    }

    /// Samples from one frame of the output to the next.
    pub fn frame_step_samples(&self) -> usize {
        self.sinc_stride * POOL.pow(3)
    }

    /// Frames of the output for one window.
    pub fn n_frames(&self) -> usize {
        (self.window_samples - self.receptive_field_samples()) / self.frame_step_samples() + 1
    }

    /// The powerset: for each class of the output, which speakers of the window talk. By number of speakers, then in
    /// lexicographic order: `{}, {0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}`.
    pub fn classes(&self) -> Vec<Vec<usize>> {
        let mut classes = vec![Vec::new()];
        let mut of_last_size = classes.clone();
        for _ in 0..self.max_speakers_per_frame.min(self.max_speakers_per_chunk) {
            of_last_size = of_last_size
                .iter()
                .flat_map(|set: &Vec<usize>| {
                    let next = set.last().map_or(0, |last| last + 1);
                    (next..self.max_speakers_per_chunk).map(|speaker| [set.as_slice(), &[speaker]].concat())
                })
                .collect();
            classes.extend(of_last_size.iter().cloned());
        }
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "task: {duration: 10.0, max_speakers_per_chunk: 3, max_speakers_per_frame: 2}\nmodel: {sample_rate: 16000, \
                        sincnet: {stride: 10}, lstm: {hidden_size: 8, num_layers: 2}, linear: {hidden_size: 4, num_layers: 2}}";

    #[test]
    fn the_geometry_is_that_of_pyannote() {
        let config = SegmentationConfig::from_yaml(YAML).expect("a valid configuration");
        assert_eq!((config.receptive_field_samples(), config.frame_step_samples(), config.n_frames()), (991, 270, 589));
        let expected: [&[usize]; 7] = [&[], &[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2]];
        assert_eq!(config.classes(), expected);
    }

    #[test]
    fn a_configuration_that_cannot_be_used_is_refused() {
        for (from, to, expected) in [
            ("duration: 10.0", "duration: -1", "task.duration"),
            ("duration: 10.0", "duration: 0.01", "task.duration"),
            ("duration: 10.0", "duration: 36000", "task.duration"),
            ("duration: 10.0", "duration: .inf", "task.duration"),
            ("stride: 10", "stride: 999999999999", "model.sincnet.stride"),
            ("hidden_size: 8", "hidden_size: many", "model.lstm.hidden_size"),
            ("sample_rate: 16000", "sample_rate: 8000", "model.sample_rate"),
            ("num_layers: 2}, linear", "num_layers: 2, bidirectional: false}, linear", "bidirectional"),
            ("per_chunk: 3", "per_chunk: 9", "at most 8"),
            ("task:", "task: [", "YAML"),
            ("task", "tusk", "task."),
        ] {
            let error = SegmentationConfig::from_yaml(&YAML.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}
