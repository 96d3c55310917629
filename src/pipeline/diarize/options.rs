//! How speakers are told apart: what pyannote's `config.yaml` of a diarization pipeline says, and how many speakers the
//! user expects.

use yaml_rust2::Yaml;

use crate::nn::yaml;
use crate::units::Seconds;

use super::DiarizeError;

/// How speakers are told apart. The default is that of pyannote/speaker-diarization-3.1.
#[derive(Clone, Debug, PartialEq)]
pub struct DiarizeOptions {
    /// The segmentation model, as the configuration names it: a name of Hugging Face's, or a folder relative to that of
    /// the configuration (`../NAME` or `$model/NAME`).
    pub segmentation: String,
    /// The model that voices are taken with, named likewise.
    pub embedding: String,
    /// The folder of the PLDA that [`Clustering::Vbx`] needs, named likewise.
    pub plda: Option<String>,
    /// How voices become speakers.
    pub clustering: Clustering,
    /// Whether a voice is taken where somebody else speaks at the same time.
    pub overlap: Overlap,
    /// Shorter silences between two turns of a speaker are made part of the turn.
    pub min_duration_off: Seconds,
}

/// How voices become speakers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clustering {
    /// The two nearest clusters are joined until the nearest ones are too far apart, distances being those of the means
    /// ("centroid linkage").
    Agglomerative {
        /// How far apart clusters stay apart, 0 to 2.
        threshold: f64,
        /// Smaller clusters are not speakers of their own.
        min_cluster_size: usize,
    },
    /// The same to begin with, then a mixture of Gaussians, one for each speaker, whose number is found by itself.
    Vbx {
        /// How far apart the first clusters stay apart, 0 to 2.
        threshold: f64,
        /// How much the voices count.
        fa: f64,
        /// How much speakers cost: the more, the fewer there are.
        fb: f64,
    },
}

/// What of a speaker's time in a window their voice is taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Only where they speak alone, if that is enough.
    #[default]
    Excluded,
    /// All of it.
    Included,
}

/// No meeting has more speakers that could be told apart, and to look for more takes ever longer.
pub const MAX_SPEAKERS: usize = 200;

/// How many people speak, as far as the user knows; 0 counts as not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpeakerCount {
    /// This many. The other two do not count then.
    pub exact: Option<usize>,
    /// At least this many.
    pub min: Option<usize>,
    /// At most this many.
    pub max: Option<usize>,
}

/// What clustering is to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) min: usize,
    pub(super) max: usize,
}

impl Default for DiarizeOptions {
    fn default() -> Self {
        Self {
            segmentation: "pyannote/segmentation-3.0".to_owned(),
            embedding: "pyannote/wespeaker-voxceleb-resnet34-LM".to_owned(),
            plda: None,
            clustering: Clustering::Agglomerative { threshold: 0.704_565_496_394_579_9, min_cluster_size: 12 },
            overlap: Overlap::Excluded,
            min_duration_off: Seconds(0.0),
        }
    }
}

impl DiarizeOptions {
    /// Reads the `config.yaml` of pyannote/speaker-diarization-3.1, speaker-diarization-community-1 or their like.
    pub fn from_yaml(text: &str) -> Result<Self, DiarizeOptionsError> {
        let root = &yaml::document(text)?;
        let (pipeline, params) = (&root["pipeline"]["params"], &root["params"]);
        check_supported("pipeline.name", &root["pipeline"]["name"], "a SpeakerDiarization", |name| {
            name.as_str().is_some_and(|name| name.ends_with("SpeakerDiarization"))
        })?;
        // pyannote's default as well; windows further apart would leave less for the speakers to be found again.
        check_supported("segmentation_step", &pipeline["segmentation_step"], "0.1", |step| {
            number(step).is_some_and(|step| (step - 0.1).abs() < 1e-9)
        })?;
        let name = |entry: &'static str| {
            let name = pipeline[entry].as_str().map(str::to_owned);
            name.ok_or(DiarizeOptionsError::Entry { entry, expected: "the name of a model" })
        };
        let size = |entry: &'static str, value: &Yaml| {
            let size = value.as_i64().and_then(|size| usize::try_from(size).ok());
            size.ok_or(DiarizeOptionsError::Entry { entry, expected: "a whole number" })
        };
        let clustering = &params["clustering"];
        let clustering = match pipeline["clustering"].as_str().unwrap_or_default() {
            "AgglomerativeClustering" => {
                check_supported("clustering.method", &clustering["method"], "centroid", |method| {
                    method.as_str() == Some("centroid")
                })?;
                Clustering::Agglomerative {
                    threshold: not_negative("clustering.threshold", &clustering["threshold"])?,
                    min_cluster_size: size("clustering.min_cluster_size", &clustering["min_cluster_size"])?,
                }
            }
            "VBxClustering" => Clustering::Vbx {
                threshold: not_negative("clustering.threshold", &clustering["threshold"])?,
                fa: positive("clustering.Fa", &clustering["Fa"])?,
                fb: positive("clustering.Fb", &clustering["Fb"])?,
            },
            _ => {
                let supported = "AgglomerativeClustering or VBxClustering";
                return Err(DiarizeOptionsError::unsupported("clustering", &pipeline["clustering"], supported));
            }
        };
        let min_duration_off = match &params["segmentation"]["min_duration_off"] {
            Yaml::BadValue => 0.0,
            value => not_negative("segmentation.min_duration_off", value)?,
        };
        Ok(Self {
            segmentation: name("segmentation")?,
            embedding: name("embedding")?,
            plda: pipeline["plda"].as_str().map(str::to_owned),
            clustering,
            overlap: match pipeline["embedding_exclude_overlap"].as_bool() {
                Some(true) => Overlap::Excluded,
                Some(false) | None => Overlap::Included,
            },
            min_duration_off: Seconds(min_duration_off),
        })
    }
}

impl SpeakerCount {
    /// The least and the most, which are the same where the number is known.
    pub(super) fn bounds(self) -> Result<Bounds, DiarizeError> {
        let known = |count: Option<usize>| {
            let count = self.exact.filter(|count| *count > 0).or(count.filter(|count| *count > 0));
            count.map(|count| count.min(MAX_SPEAKERS))
        };
        let bounds = Bounds { min: known(self.min).unwrap_or(1), max: known(self.max).unwrap_or(usize::MAX) };
        if bounds.min > bounds.max {
            return Err(DiarizeError::SpeakerCount { min: bounds.min, max: bounds.max });
        }
        Ok(bounds)
    }
}

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiarizeOptionsError {
    /// Not YAML.
    #[error("not YAML: {0}")]
    Yaml(#[from] yaml_rust2::ScanError),
    /// An entry is missing or of the wrong kind.
    #[error("`{entry}` is missing or not {expected}")]
    Entry {
        /// Its name.
        entry: &'static str,
        /// What would do.
        expected: &'static str,
    },
    /// An entry asks for something that is not there.
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

impl DiarizeOptionsError {
    fn unsupported(entry: &'static str, found: &Yaml, supported: &'static str) -> Self {
        let found = match found {
            Yaml::String(text) | Yaml::Real(text) => text.clone(),
            Yaml::Integer(number) => number.to_string(),
            Yaml::BadValue => "missing".to_owned(),
            other => format!("{other:?}"),
        };
        Self::Unsupported { entry, found, supported }
    }
}

/// Whether an entry, if it is there, has a value that is supported.
fn check_supported(
    entry: &'static str,
    value: &Yaml,
    supported: &'static str,
    is_supported: impl Fn(&Yaml) -> bool,
) -> Result<(), DiarizeOptionsError> {
    if value.is_badvalue() || is_supported(value) {
        return Ok(());
    }
    Err(DiarizeOptionsError::unsupported(entry, value, supported))
}

fn number(value: &Yaml) -> Option<f64> {
    value.as_f64().or_else(|| value.as_i64().map(|number| number as f64))
}

fn not_negative(entry: &'static str, value: &Yaml) -> Result<f64, DiarizeOptionsError> {
    let number = number(value).filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or(DiarizeOptionsError::Entry { entry, expected: "a number, zero or above" })
}

fn positive(entry: &'static str, value: &Yaml) -> Result<f64, DiarizeOptionsError> {
    let number = not_negative(entry, value).ok().filter(|number| *number > 0.0);
    number.ok_or(DiarizeOptionsError::Entry { entry, expected: "a number above zero" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMUNITY_1: &str = "pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    clustering: VBxClustering
    segmentation: $model/segmentation
    embedding: $model/embedding
    embedding_exclude_overlap: true
    plda: $model/plda
params:
  clustering: {threshold: 0.6, Fa: 0.07, Fb: 0.8}
  segmentation: {min_duration_off: 0.0}
";
    const LIKE_3_1: &str = "pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params: {clustering: AgglomerativeClustering, embedding: ../voices, segmentation: ../who, segmentation_step: 0.1}
params:
  clustering: {method: centroid, min_cluster_size: 5, threshold: 1}
  segmentation: {min_duration_off: 0.25}
";

    #[test]
    fn configurations_of_both_kinds_are_read() {
        let found = DiarizeOptions::from_yaml(COMMUNITY_1).expect("a configuration of pyannote's");
        assert_eq!(found.clustering, Clustering::Vbx { threshold: 0.6, fa: 0.07, fb: 0.8 });
        assert_eq!((found.segmentation.as_str(), found.overlap), ("$model/segmentation", Overlap::Excluded));
        assert_eq!(found.plda.as_deref(), Some("$model/plda"));
        let found = DiarizeOptions::from_yaml(LIKE_3_1).expect("a configuration of pyannote's");
        assert_eq!(found.clustering, Clustering::Agglomerative { threshold: 1.0, min_cluster_size: 5 });
        assert_eq!((found.embedding.as_str(), found.overlap), ("../voices", Overlap::Included));
        assert_eq!((found.min_duration_off, found.plda), (Seconds(0.25), None));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (old, new, expected) in [
            ("method: centroid", "method: average", "`clustering.method` is average, but only centroid is supported"),
            ("threshold: 1", "threshold: high", "`clustering.threshold` is missing or not a number, zero or above"),
            ("Agglomerative", "Oracle", "`clustering` is OracleClustering, but only AgglomerativeClustering or"),
            ("step: 0.1", "step: 0.5", "`segmentation_step` is 0.5, but only 0.1 is supported"),
            ("SpeakerDiarization", "Resegmentation", "`pipeline.name` is pyannote.audio.pipelines.Resegmentation"),
            ("embedding: ../voices, ", "", "`embedding` is missing or not the name of a model"),
            ("pipeline:", "pipeline: [", "not YAML"),
        ] {
            let error = DiarizeOptions::from_yaml(&LIKE_3_1.replace(old, new)).expect_err(new).to_string();
            assert!(error.starts_with(expected), "{error}, expected {expected}");
        }
    }

    #[test]
    fn bounds_of_the_number_of_speakers() {
        for (exact, min, max, expected) in [
            (None, None, None, Some((1, usize::MAX))),
            (Some(3), Some(5), Some(2), Some((3, 3))),
            (Some(0), Some(2), Some(4), Some((2, 4))),
            (None, Some(0), Some(0), Some((1, usize::MAX))),
            (None, Some(5), Some(4), None),
            (Some(10_000), None, None, Some((200, 200))),
        ] {
            let bounds = SpeakerCount { exact, min, max }.bounds().ok();
            assert_eq!(bounds, expected.map(|(min, max)| Bounds { min, max }), "{exact:?} {min:?} {max:?}");
        }
    }
}
