//! The models of a job: where their files are, what they are by content, and, once something has to be computed, themselves.

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use crate::engine::command::{Alignment, Mode};
use crate::engine::event::{LoadedModel, Stage};
use crate::engine::reuse::{AlignerId, DiarizerIds, ModelIds};
use crate::files::FileError;
use crate::hash::ContentHash;
use crate::models::{ModelCache, catalog};
use crate::nn::plda::Plda;
use crate::nn::sincnet_lstm::{PyanNet, SegmentationConfig};
use crate::nn::wav2vec2::Wav2Vec2;
use crate::nn::whisper::{Task, Whisper};
use crate::pipeline::diarize::embed::Embedder;
use crate::pipeline::diarize::{Clustering, DiarizeOptions};
use crate::pipeline::options::check_model;

use super::Tools;
use super::text::options_of;

/// In the place of a hash where nothing is kept, so that nobody needs one.
const UNKNOWN: ContentHash = ContentHash::from_bytes([0; 32]);

/// The files of what tells speakers apart.
pub(super) struct DiarizerFiles {
    pub(super) options: DiarizeOptions,
    config: PathBuf,
    segmentation: PathBuf,
    embedding: PathBuf,
    plda: Option<PathBuf>,
}

/// Something is wrong with the files of what tells speakers apart.
#[derive(Debug, thiserror::Error)]
#[error("{}", super::one_line(.0))]
pub(super) struct BrokenDiarizer(pub(super) anyhow::Error);

/// The models of a job that are needed from its beginning.
pub(super) struct Loaded {
    pub(super) whisper: Arc<Whisper>,
    /// Not needed where the whole recording is transcribed and nobody asks who speaks.
    pub(super) segmenter: Option<Arc<PyanNet>>,
    /// What makes voices of sound, where somebody asks who speaks.
    pub(super) embedder: Option<Embedder>,
}

/// The models of a job.
pub(super) struct JobModels<'a> {
    tools: Tools<'a>,
    diarizer: Option<&'a DiarizerFiles>,
    loaded: OnceCell<Loaded>,
}

impl DiarizerFiles {
    /// The files of a diarization model, by its name or folder.
    pub(super) fn find(models: &ModelCache, name: &str) -> anyhow::Result<Self> {
        let config = models.diarization_folder(name)?.join("config.yaml");
        let text = fs::read_to_string(&config).map_err(FileError::of("read", &config))?;
        let options = DiarizeOptions::from_yaml(&text).with_context(|| config.display().to_string())?;
        let segmentation = models.part_folder(&config, &options.segmentation)?;
        let embedding = models.part_folder(&config, &options.embedding)?;
        let plda = options.plda.as_ref().map(|name| models.part_folder(&config, name)).transpose()?;
        Ok(Self { options, config, segmentation, embedding, plda })
    }

    /// The networks in them.
    pub(super) fn load(&self, models: &ModelCache) -> anyhow::Result<(Arc<PyanNet>, Embedder)> {
        let segmenter = models.segmentation_in(&self.segmentation)?;
        // SpeechBrain's models come with hyperparameters, pyannote's with a configuration.
        let embedder = if self.embedding.join("hyperparams.yaml").exists() {
            Embedder::Ecapa(models.ecapa_in(&self.embedding)?)
        } else {
            Embedder::WeSpeaker(models.resnet_in(&self.embedding)?)
        };
        let plda = self.plda()?;
        // An hour of voices would be taken before the clustering found that out.
        let has_plda = plda.as_ref().is_some_and(|plda| plda.dimension() == embedder.dimension());
        anyhow::ensure!(
            has_plda || !matches!(self.options.clustering, Clustering::Vbx { .. }),
            "{}: its clustering needs a PLDA for voices of {} numbers; install the whole model again",
            self.config.display(),
            embedder.dimension()
        );
        Ok((segmenter, embedder))
    }

    /// What the clustering needs beside voices, where it does.
    pub(super) fn plda(&self) -> anyhow::Result<Option<Plda>> {
        Ok(self.plda.as_deref().map(Plda::load).transpose()?)
    }
}

impl<'a> JobModels<'a> {
    pub(super) fn new(tools: Tools<'a>, diarizer: Option<&'a DiarizerFiles>) -> Self {
        Self { tools, diarizer, loaded: OnceCell::new() }
    }

    /// The files of what tells speakers apart.
    pub(super) fn diarizer(&self) -> Option<&'a DiarizerFiles> {
        self.diarizer
    }

    /// What the models are. Where that cannot be found out, nothing is looked up or kept.
    pub(super) fn ids(&self) -> ModelIds {
        if self.tools.stash.is_open() {
            match self.find_ids() {
                Ok(ids) => return ids,
                Err(error) => {
                    tracing::debug!("no results are kept, for the models are not known: {error:#}");
                    self.tools.stash.close();
                }
            }
        }
        ModelIds { whisper: UNKNOWN, segmentation: None, diarizer: None, recogniser: None }
    }

    fn find_ids(&self) -> anyhow::Result<ModelIds> {
        let Tools { models, paths, request, stash, .. } = self.tools;
        let (placement, whisper) = models.whisper_files(&request.model, request.device, request.compute_type)?;
        let whisper = format!("{} {}", placement.key_suffix(), stash.hash_of_model(&whisper)?);
        let segmentation = self.segmentation_folder()?.map(|folder| stash.hash_of_model(&folder)).transpose()?;
        let diarizer = match self.diarizer {
            Some(files) => Some(DiarizerIds {
                config: stash.hash_of_file(&files.config)?,
                embedding: stash.hash_of_model(&files.embedding)?,
                overlap: files.options.overlap,
                plda: files.plda.as_deref().map(|folder| stash.hash_of_model(folder)).transpose()?,
            }),
            None => None,
        };
        let recogniser = catalog::recogniser_folder(paths).ok().and_then(|folder| stash.hash_of_model(&folder).ok());
        Ok(ModelIds { whisper: ContentHash::of(whisper.as_bytes()), segmentation, diarizer, recogniser })
    }

    /// Where the times of words of this language come from.
    pub(super) fn aligner_id(&self, language: &str) -> AlignerId {
        let Tools { models, request, stash, .. } = self.tools;
        let folder = match (&request.alignment, request.task) {
            (Alignment::Off, _) => return AlignerId::Off,
            (_, Task::Translate) => return AlignerId::Whisper,
            (Alignment::With(folder), Task::Transcribe) => Some(folder.clone()),
            (Alignment::Automatic, Task::Transcribe) => models.aligner_files(language).ok(),
        };
        if !stash.is_open() {
            return AlignerId::Model(UNKNOWN);
        }
        let hash = folder.and_then(|folder| stash.hash_of_model(&folder).ok());
        hash.map_or(AlignerId::Whisper, AlignerId::Model)
    }

    /// What each model does, what it is called and where its files are, in the order of use.
    pub(super) fn parts(&self, language: &str) -> Vec<(&'static str, String, PathBuf)> {
        let Tools { models, paths, request, .. } = self.tools;
        let whisper = models.whisper_files(&request.model, request.device, request.compute_type);
        let aligner = match (&request.alignment, request.task) {
            (Alignment::Off, _) | (_, Task::Translate) => None,
            (Alignment::With(folder), Task::Transcribe) => Some(folder.clone()),
            (Alignment::Automatic, Task::Transcribe) => models.aligner_files(language).ok(),
        };
        let diarization = &request.speakers.model;
        let recogniser = self.diarizer.and_then(|_| catalog::recogniser_folder(paths).ok());
        let parts = [
            ("segmentation", diarization.clone(), self.segmentation_folder().ok().flatten()),
            ("transcription", request.model.clone(), whisper.ok().map(|(_, folder)| folder)),
            ("alignment", language.to_owned(), aligner),
            ("embeddings", diarization.clone(), self.diarizer.map(|files| files.embedding.clone())),
            ("recognition", "voices".to_owned(), recogniser),
        ];
        parts.into_iter().filter_map(|(part, name, folder)| Some((part, name, folder?))).collect()
    }

    /// The aligner of a language, or in a line why there is none.
    pub(super) fn aligner(&self, language: &str) -> Result<Arc<Wav2Vec2>, String> {
        let Tools { models, request, .. } = self.tools;
        let folder = match &request.alignment {
            Alignment::With(folder) => Some(folder.as_path()),
            Alignment::Automatic | Alignment::Off => None,
        };
        // A translation is not what is heard, so no aligner can find its words.
        let aligner = match request.task {
            Task::Transcribe => models.aligner(language, folder).map_err(|error| error.to_string()),
            Task::Translate => Err("a translation cannot be aligned with what is heard".to_owned()),
        };
        self.tell();
        aligner
    }

    /// The sizes of the network that looks who speaks in each window.
    pub(super) fn segmentation_config(&self) -> anyhow::Result<SegmentationConfig> {
        let folder = self.segmentation_folder()?.context("nothing looks who speaks in this job")?;
        let path = folder.join("config.yaml");
        let text = fs::read_to_string(&path).map_err(FileError::of("read", &path))?;
        SegmentationConfig::from_yaml(&text).with_context(|| path.display().to_string())
    }

    /// The models that are needed from the beginning, which are loaded now if they were not yet. What they cannot do of
    /// what is asked is an error.
    pub(super) fn loaded(&self) -> anyhow::Result<&Loaded> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let loaded = self.tools.context.stage(Stage::LoadModels, |_| {
            let loaded = self.load();
            self.tell();
            loaded
        })?;
        check_model(&loaded.whisper, &options_of(self.tools.request))?;
        Ok(self.loaded.get_or_init(|| loaded))
    }

    /// Tells which models are in memory now, and what befell those on disk.
    pub(super) fn tell(&self) {
        let Tools { models, context, .. } = self.tools;
        models.take_warnings().into_iter().for_each(|warning| context.warn(warning));
        context.models(models.loaded().into_iter().map(|(key, n_bytes)| LoadedModel { key, n_bytes }).collect());
    }

    fn load(&self) -> anyhow::Result<Loaded> {
        let Tools { models, request, context, .. } = self.tools;
        let (whisper, warning) = models.whisper(&request.model, request.device, request.compute_type)?;
        if let Some(warning) = warning {
            context.warn(warning);
        }
        let (segmenter, embedder) = match (self.diarizer, request.mode) {
            (Some(files), _) => {
                let (segmenter, embedder) = files.load(models).map_err(BrokenDiarizer)?;
                (Some(segmenter), Some(embedder))
            }
            (None, Mode::Batched) => (Some(models.segmentation()?), None),
            (None, Mode::Sequential) => (None, None),
        };
        Ok(Loaded { whisper, segmenter, embedder })
    }

    /// The folder of the network that looks who speaks in each window, where the job needs it.
    fn segmentation_folder(&self) -> anyhow::Result<Option<PathBuf>> {
        Ok(match (self.diarizer, self.tools.request.mode) {
            (Some(files), _) => Some(files.segmentation.clone()),
            (None, Mode::Batched) => Some(catalog::segmentation_folder(self.tools.paths)?),
            (None, Mode::Sequential) => None,
        })
    }
}
