//! What is done with enrolled voices: recordings and folders of them become voiceprints in the user's store, voices are
//! learned from meetings, and a job gets the voices that its speakers are compared with. Files, models and the store
//! meet here; how voices compare, [`crate::pipeline::recognise`] knows.
//!
//! Voiceprints belong to a model, told by a hash of its weights. Where the model is another one now, they are made anew
//! from the enrolled files that are still as they were. Voices of a folder that a job names are not enrolled, but
//! remembered in the cache, so that the next job need not listen to them again.

mod listen;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::files::FileError;
use crate::models::{LoadError, MemoryCache, catalog};
use crate::nn::ecapa::Ecapa;
use crate::paths::AppPaths;
use crate::pipeline::StageError;
use crate::pipeline::recognise::{self, KnownVoice, RecogniseOptions};
use crate::task::{CancelToken, Cancelled, Progress};
use crate::transcript::Recognition;
use crate::units::Seconds;
use crate::voices::{self, Origin, VoiceError, Voiceprint, Voices};

use listen::{Listener, NamedFile, as_unicode, recordings_in, unix_ms, weights_id};

pub use listen::RECORDING_EXTENSIONS;

/// What can be done with enrolled voices.
#[derive(Clone, Debug, PartialEq)]
pub enum VoiceCommand {
    /// Tell which there are.
    List,
    /// Take somebody's voice from recordings of this person alone.
    Enrol {
        /// Who it is.
        name: String,
        /// The recordings.
        files: Vec<PathBuf>,
    },
    /// Take the voices of a folder with recordings `NAME.wav` or folders `NAME` of recordings.
    EnrolFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Give a voice another name.
    Rename {
        /// Its name,
        from: String,
        /// and the new one.
        to: String,
    },
    /// Make one voice of two.
    Merge {
        /// The one that is no more afterwards.
        from: String,
        /// The one that has both.
        into: String,
    },
    /// Forget a voice.
    Remove {
        /// Its name.
        name: String,
    },
    /// Tell who speaks in a recording of one person.
    Test {
        /// The recording.
        file: PathBuf,
    },
    /// Take somebody's voice from a meeting.
    Learn {
        /// Who it is.
        name: String,
        /// The voiceprint, as it is in the transcript.
        voiceprint: Vec<f32>,
        /// The recording of the meeting.
        recording: PathBuf,
        /// The label of the speaker there.
        speaker: String,
    },
    /// Forget what was learned from a speaker of a meeting.
    UndoLearning {
        /// The recording of the meeting.
        recording: PathBuf,
        /// The label of the speaker there.
        speaker: String,
    },
}

/// What came of a [`VoiceCommand`].
#[derive(Clone, Debug, PartialEq)]
pub struct VoicesAnswer {
    /// What was done.
    pub outcome: VoicesOutcome,
    /// The voices that are enrolled now, in the order of their names.
    pub voices: Vec<VoiceSummary>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum VoicesOutcome {
    /// Nothing was changed.
    Listed,
    /// Voices were taken from so many files.
    Enrolled {
        /// Whose.
        names: Vec<String>,
        /// Files that gave a voiceprint.
        n_files: usize,
        /// Files that gave none; a warning says why.
        n_left_out: usize,
    },
    /// A voice is called something else.
    Renamed,
    /// Two voices became one.
    Merged,
    /// A voice is forgotten.
    Removed,
    /// A recording was compared with the voices.
    Tested(VoiceTest),
    /// A voice was taken from a meeting.
    Learned,
    /// What was learned for this voice is forgotten.
    Unlearned {
        /// Its name.
        name: String,
    },
}

/// An enrolled voice.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceSummary {
    /// Whose it is.
    pub name: String,
    /// Enrolled files that it was taken from.
    pub n_files: usize,
    /// How often it was learned from meetings.
    pub n_meetings: usize,
    /// Speech in the enrolled files.
    pub speech: Seconds,
}

/// How a recording of one person compares with the voices.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceTest {
    /// Who it is.
    pub recognition: Recognition,
    /// The scores of all voices, the nearest first.
    pub scores: Vec<(String, f64)>,
}

/// Something could not be done with voices.
#[derive(Debug, thiserror::Error)]
pub enum VoicesError {
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The model that recognises speakers is missing or broken.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The enrolled voices cannot be changed like that.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// A folder or the weights cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A recording could be decoded, but not be read back.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// There is nothing in a folder.
    #[error("{} holds no recordings: name them NAME.wav, or put them into a folder for each NAME", folder.display())]
    NoRecordings {
        /// The folder.
        folder: PathBuf,
    },
    /// None of the files has a voice that could be taken.
    #[error("no voice could be taken: {0}")]
    NothingTaken(String),
    /// There is nothing to compare with.
    #[error("no voice is enrolled that could be compared; enrol one first")]
    NoVoices,
    /// There is nothing to learn.
    #[error("{speaker} said too little to learn the voice from")]
    NoVoiceprint {
        /// Label of the speaker.
        speaker: String,
    },
}

/// The model that recognises speakers, and what belongs to it.
pub struct VoiceModel {
    /// The network.
    pub ecapa: Arc<Ecapa>,
    /// Hash of its weights.
    pub id: String,
    /// What it takes to be recognised by it.
    pub options: RecogniseOptions,
}

impl VoiceCommand {
    /// Whether it computes, and so belongs where jobs run. The others only read and write small files.
    pub fn needs_inference(&self) -> bool {
        match self {
            Self::Enrol { .. } | Self::EnrolFolder { .. } | Self::Test { .. } => true,
            Self::List
            | Self::Rename { .. }
            | Self::Merge { .. }
            | Self::Remove { .. }
            | Self::Learn { .. }
            | Self::UndoLearning { .. } => false,
        }
    }
}

impl VoiceModel {
    /// The model of this installation.
    pub fn load(models: &mut MemoryCache, paths: &AppPaths) -> Result<Self, VoicesError> {
        let folder = catalog::recogniser_folder(paths).map_err(LoadError::from)?;
        Ok(Self { ecapa: models.ecapa()?, id: weights_id(&folder)?, options: RecogniseOptions::demo() })
    }
}

/// The file with the enrolled voices.
pub fn voices_file(paths: &AppPaths) -> PathBuf {
    paths.data_dir.join("voices.json")
}

/// Does what the command says.
pub fn perform(
    command: &VoiceCommand,
    models: &mut MemoryCache,
    paths: &AppPaths,
    progress: &Progress<'_>,
) -> Result<VoicesAnswer, VoicesError> {
    let mut warnings = Vec::new();
    let outcome = match command {
        VoiceCommand::List => VoicesOutcome::Listed,
        VoiceCommand::Enrol { name, files } => {
            // What is wrong with the name is told before an hour of sound is decoded.
            Voices::default().enrol(name, Vec::new())?;
            let file = |path: &PathBuf| NamedFile { name: name.trim().to_owned(), path: path.clone() };
            let files: Vec<NamedFile> = files.iter().map(file).collect();
            let model = VoiceModel::load(models, paths)?;
            let known = Voices::default();
            let prints = Listener::new(&model, paths, &mut warnings).prints(&files, &known, progress)?;
            enrol(prints, files.len(), paths, &mut warnings)?
        }
        VoiceCommand::EnrolFolder { folder } => {
            let files = recordings_in(folder, &mut warnings)?;
            let (known, _) = voices::load(&voices_file(paths));
            let model = VoiceModel::load(models, paths)?;
            let mut prints = Listener::new(&model, paths, &mut warnings).prints(&files, &known, progress)?;
            for (name, print) in &mut prints {
                *name = enrolled_name(name, print, &known, &mut warnings);
            }
            enrol(prints, files.len(), paths, &mut warnings)?
        }
        VoiceCommand::Rename { from, to } => {
            change(paths, &mut warnings, |voices| voices.rename(from, to))?;
            VoicesOutcome::Renamed
        }
        VoiceCommand::Merge { from, into } => {
            change(paths, &mut warnings, |voices| voices.merge(from, into))?;
            VoicesOutcome::Merged
        }
        VoiceCommand::Remove { name } => {
            change(paths, &mut warnings, |voices| voices.remove(name))?;
            VoicesOutcome::Removed
        }
        VoiceCommand::Test { file } => {
            let model = VoiceModel::load(models, paths)?;
            VoicesOutcome::Tested(test(file, &model, paths, progress, &mut warnings)?)
        }
        VoiceCommand::Learn { name, voiceprint, recording, speaker } => {
            let no_voiceprint = || VoicesError::NoVoiceprint { speaker: speaker.clone() };
            let folder = catalog::recogniser_folder(paths).map_err(LoadError::from)?;
            let print = Voiceprint {
                embedding: recognise::unit_mean([voiceprint.as_slice()]).ok_or_else(no_voiceprint)?,
                origin: Origin::Meeting {
                    recording: as_unicode(recording),
                    speaker: speaker.clone(),
                    added_unix_ms: unix_ms(SystemTime::now()),
                },
                model: weights_id(&folder)?,
                speech_secs: None,
                agreement: None,
            };
            change(paths, &mut warnings, |voices| voices.learn(name, print))?;
            VoicesOutcome::Learned
        }
        VoiceCommand::UndoLearning { recording, speaker } => {
            let recording = as_unicode(recording);
            let (name, _) = change(paths, &mut warnings, |voices| voices.undo_learning(&recording, speaker))?;
            VoicesOutcome::Unlearned { name }
        }
    };
    let (voices, warning) = voices::load(&voices_file(paths));
    warnings.extend(warning);
    Ok(VoicesAnswer { outcome, voices: voices.list().iter().map(summary).collect(), warnings })
}

/// Does what the command says, for a program that does nothing else: without an engine.
pub fn perform_alone(command: &VoiceCommand, paths: &AppPaths) -> Result<VoicesAnswer, VoicesError> {
    let cancel = CancelToken::default();
    perform(command, &mut MemoryCache::new(paths.clone()), paths, &Progress::unwatched(&cancel))
}

/// The voices that the speakers of a job are compared with: those that are enrolled and, where it is given, those of a
/// folder; and what the user should know about them.
pub fn known_voices(
    folder: Option<&Path>,
    model: &VoiceModel,
    paths: &AppPaths,
    progress: &Progress<'_>,
) -> Result<(Vec<KnownVoice>, Vec<String>), VoicesError> {
    let mut warnings = Vec::new();
    let mut listener = Listener::new(model, paths, &mut warnings);
    let mut voices = listener.enrolled(progress)?;
    if let Some(folder) = folder {
        for voice in listener.in_folder(folder, progress)?.list() {
            for print in &voice.prints {
                let name = enrolled_name(&voice.name, print, &voices, &mut warnings);
                voices.enrol(&name, vec![print.clone()])?;
            }
        }
    }
    let mut known = Vec::new();
    for voice in voices.list() {
        let prints = voice.of_model(&model.id).map(|print| print.embedding.as_slice());
        match recognise::unit_mean(prints.filter(|embedding| embedding.len() == model.ecapa.dimension())) {
            Some(embedding) => known.push(KnownVoice { name: voice.name.clone(), embedding }),
            None => warnings.push(format!(
                "{} is not recognised: this voice was taken by another model, and what it was taken from is not there \
                 any more. Enrol it again.",
                voice.name
            )),
        }
    }
    Ok((known, warnings))
}

/// The name that a voiceprint of a folder goes by: what the enrolled voice is called that has it already, where there
/// is one, and what the folder says otherwise.
fn enrolled_name(name: &str, print: &Voiceprint, enrolled: &Voices, warnings: &mut Vec<String>) -> String {
    let Some(owner) = enrolled.other_owner(name, print) else { return name.to_owned() };
    if let Origin::EnrolledFile { path, .. } = &print.origin {
        warnings.push(format!("{} is enrolled as {owner}.", path.display()));
    }
    owner.to_owned()
}

fn enrol(
    prints: Vec<(String, Voiceprint)>,
    n_asked: usize,
    paths: &AppPaths,
    warnings: &mut Vec<String>,
) -> Result<VoicesOutcome, VoicesError> {
    if prints.is_empty() {
        return Err(VoicesError::NothingTaken(warnings.join(" ")));
    }
    let (n_files, n_left_out) = (prints.len(), n_asked - prints.len());
    let mut names: Vec<String> = Vec::new();
    for (name, _) in &prints {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let mut moved = Vec::new();
    change(paths, warnings, |voices| {
        prints.into_iter().try_for_each(|(name, print)| {
            if let Some(owner) = voices.other_owner(&name, &print)
                && let Origin::EnrolledFile { path, .. } = &print.origin
            {
                moved.push(format!("{} was enrolled as {owner}, and is enrolled as {name} now.", path.display()));
            }
            voices.enrol(&name, vec![print])
        })
    })?;
    warnings.append(&mut moved);
    Ok(VoicesOutcome::Enrolled { names, n_files, n_left_out })
}

fn test(
    file: &Path,
    model: &VoiceModel,
    paths: &AppPaths,
    progress: &Progress<'_>,
    warnings: &mut Vec<String>,
) -> Result<VoiceTest, VoicesError> {
    let (known, mut about_voices) = known_voices(None, model, paths, progress)?;
    warnings.append(&mut about_voices);
    let files = [NamedFile { name: String::new(), path: file.to_path_buf() }];
    let prints = Listener::new(model, paths, warnings).prints(&files, &Voices::default(), progress)?;
    let Some((_, print)) = prints.first() else {
        return Err(VoicesError::NothingTaken(warnings.join(" ")));
    };
    let embedding = print.embedding.as_slice();
    let recognition = recognise::recognise(&[embedding], &known, &[], &model.options).pop().flatten();
    let scores = recognise::scores(embedding, &known, &[]);
    let mut scores: Vec<(String, f64)> = known.into_iter().map(|voice| voice.name).zip(scores).collect();
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(VoiceTest { recognition: recognition.ok_or(VoicesError::NoVoices)?, scores })
}

fn change<T>(
    paths: &AppPaths,
    warnings: &mut Vec<String>,
    edit: impl FnOnce(&mut Voices) -> Result<T, VoiceError>,
) -> Result<T, VoicesError> {
    let (answer, warning) = voices::change(&voices_file(paths), edit)?;
    warnings.extend(warning);
    Ok(answer)
}

fn summary(voice: &voices::Voice) -> VoiceSummary {
    let mut files: Vec<&Path> = Vec::new();
    let mut summary = VoiceSummary { name: voice.name.clone(), n_files: 0, n_meetings: 0, speech: Seconds(0.0) };
    for print in &voice.prints {
        match &print.origin {
            Origin::Meeting { .. } => summary.n_meetings += 1,
            // Two models may have listened to the same file.
            Origin::EnrolledFile { path, .. } if files.contains(&path.as_path()) => {}
            Origin::EnrolledFile { path, .. } => {
                files.push(path);
                summary.n_files += 1;
                summary.speech.0 += print.speech_secs.unwrap_or_default();
            }
        }
    }
    summary
}
