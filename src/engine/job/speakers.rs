//! Who speaks when in a recording, and whose voices these are, as far as it is known from the store, and the rest computed.
//! Without speakers or names there is still a transcript: only being cancelled ends the job here.

use std::cell::Cell;
use std::time::Instant;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::engine::event::Stage;
use crate::engine::voices::{VoiceModel, known_voices};
use crate::hash::ContentHash;
use crate::pipeline::diarize::dendrogram::Dendrogram;
use crate::pipeline::diarize::embed::{self, Embeddings};
use crate::pipeline::diarize::{Diarization, DiarizedSpeaker, cluster_and_reconstruct};
use crate::pipeline::recognise::recognise;
use crate::pipeline::segmentation::Activity;
use crate::pipeline::window_voices::{self, SpeakerVoice, WindowVoice, voiceprints};
use crate::results::Layer;
use crate::task::Progress;
use crate::transcript::{Speaker, Verdict};

use super::models::{BrokenDiarizer, DiarizerFiles};
use super::sound::SoundChanged;
use super::text::bearable;
use super::{Job, Outlook, one_line};

/// Speakers as they are stored, with what the user is told about them.
#[derive(Default, Serialize, Deserialize)]
struct Recognised {
    speakers: Vec<Speaker>,
    warnings: Vec<String>,
}

impl Job<'_> {
    /// Tells speakers apart, where somebody asks for that and it can be done.
    pub(super) fn diarization(&self) -> anyhow::Result<Option<Diarization>> {
        let Some(files) = self.models.diarizer() else { return Ok(None) };
        let known: Option<Diarization> = self.results.get(Layer::Diarization, &self.keys.diarization());
        let diarization = match known {
            Some(known) => Some(self.tools.context.stage(Stage::Diarize, |_| known)),
            None => self.told_apart(files)?,
        };
        for warning in diarization.iter().flat_map(|diarization| &diarization.warnings) {
            self.warn(format!("{warning}."));
        }
        Ok(diarization)
    }

    fn told_apart(&self, files: &DiarizerFiles) -> anyhow::Result<Option<Diarization>> {
        let activity = self.activity()?;
        let embeddings = match self.embeddings(activity, files) {
            Ok(embeddings) => embeddings,
            Err(error) => {
                self.warn_for_now(format!("Speakers are not told apart: {}.", bearable(error)?));
                return Ok(None);
            }
        };
        let plda = files.plda().map_err(BrokenDiarizer)?;
        let (since, count) = (Instant::now(), &self.tools.request.speakers.count);
        // It does not depend on how many speakers are asked for, and most of the time goes into it.
        let known: Option<Dendrogram> = self.results.get(Layer::Diarization, &self.keys.voice_tree());
        let (was_known, mut tree) = (known.is_some(), known);
        let diarization = self.tools.context.stage(Stage::Diarize, |_| {
            cluster_and_reconstruct(activity, &embeddings, &files.options, count, plda.as_ref(), &mut tree)
        });
        if let Some(tree) = tree.filter(|_| !was_known) {
            self.results.put(Layer::Diarization, &self.keys.voice_tree(), &tree, since.elapsed());
        }
        match diarization {
            Ok(diarization) => {
                self.results.put(Layer::Diarization, &self.keys.diarization(), &diarization, since.elapsed());
                Ok(Some(diarization))
            }
            Err(error) => {
                self.warn(format!("Speakers are not told apart: {error}."));
                Ok(None)
            }
        }
    }

    /// The voice of every speaker of every window.
    fn embeddings(&self, activity: &Activity, files: &DiarizerFiles) -> anyhow::Result<Embeddings> {
        let (windows, keys, context) = (&activity.windows, self.keys, self.tools.context);
        // All voices are of one length, whichever that is.
        let dimension = Cell::new(None);
        let is_right = |block: usize, values: &Vec<f32>| {
            let n_voices = embed::n_windows_of(windows, block) * activity.n_speakers;
            let found = values.len() / n_voices;
            let expected = dimension.get().unwrap_or(found);
            dimension.set(Some(expected));
            found > 0 && found == expected && values.len() == n_voices * found
        };
        let key = move |block| keys.embedding_block(block);
        let blocks = self.results.pieces(Stage::Diarize, Layer::Embeddings, embed::n_blocks(windows), key, is_right);
        if blocks.are_complete() {
            let values = context.stage(Stage::Diarize, |_| blocks.into_known().concat());
            let dimension = values.len() / (windows.n_windows * activity.n_speakers);
            return Ok(Embeddings { dimension, values });
        }
        let embedder = self.models.loaded()?.embedder.as_ref().context("nothing tells speakers apart in this job")?;
        let samples = self.sound.samples()?;
        let embeddings = context.stage(Stage::Diarize, |progress| {
            blocks.resume(|resume| embed::embeddings(samples, activity, embedder, &files.options, resume, progress))
        });
        Ok(embeddings?)
    }

    /// The speakers of a recording, with the names of those whose voices are known, and what they were compared with.
    pub(super) fn recognised(&self, diarization: &Diarization) -> anyhow::Result<(Vec<Speaker>, ContentHash)> {
        let (context, compared_with) = (self.tools.context, self.known_voices());
        let key = self.keys.speakers(&compared_with);
        if let Some(Recognised { speakers, warnings }) = self.results.get(Layer::Speakers, &key) {
            context.stage(Stage::Recognise, |_| warnings.into_iter().for_each(|warning| self.warn(warning)));
            return Ok((speakers, compared_with));
        }
        let since = Instant::now();
        let speaker = |speaker: &DiarizedSpeaker| Speaker { label: speaker.label.clone(), ..Speaker::default() };
        let speakers = diarization.speakers.iter().map(speaker).collect();
        let mut recognised = Recognised { speakers, warnings: Vec::new() };
        match self.compare(diarization, &mut recognised) {
            Ok(()) => {}
            Err(error) if error.is::<SoundChanged>() => return Err(error),
            Err(error) => {
                context.cancel().check()?;
                self.warn_for_now(format!("Voices are not recognised: {}.", one_line(&error)));
                return Ok((recognised.speakers, compared_with));
            }
        }
        recognised.warnings.iter().for_each(|warning| self.warn(warning.clone()));
        // A voice may have been enrolled or learned meanwhile.
        if self.known_voices() == compared_with {
            self.results.put(Layer::Speakers, &key, &recognised, since.elapsed());
        } else {
            self.outlook.set(Outlook::Passing);
        }
        Ok((recognised.speakers, compared_with))
    }

    /// Takes the voiceprints of speakers and compares them with the voices that are known.
    fn compare(&self, diarization: &Diarization, recognised: &mut Recognised) -> anyhow::Result<()> {
        let (tools, keys) = (self.tools, self.keys);
        let n_blocks = window_voices::n_blocks(&self.windows()?);
        let key = move |block| keys.voice_block(block);
        let is_right = |_: usize, voices: &Vec<WindowVoice>| voices.iter().all(|voice| !voice.embedding.is_empty());
        let blocks = self.results.pieces(Stage::Recognise, Layer::Voices, n_blocks, key, is_right);
        let to_hear = if blocks.are_complete() { None } else { Some((self.sound.samples()?, self.activity()?)) };
        tools.context.stage(Stage::Recognise, |progress| {
            let model = VoiceModel::load(tools.models, tools.paths)?;
            self.models.tell();
            let voices = match to_hear {
                None => blocks.into_known().concat(),
                Some((samples, activity)) => blocks
                    .resume(|resume| window_voices::window_voices(samples, activity, &model.ecapa, resume, progress))?,
            };
            let speakers = &mut recognised.speakers;
            for SpeakerVoice { speaker: label, voice } in
                voiceprints(&voices, &diarization.exclusive, &diarization.turns)
            {
                if let Some(speaker) = speakers.iter_mut().find(|speaker| speaker.label == label) {
                    speaker.voiceprint = voice.embedding;
                }
            }
            let folder = tools.request.speakers.voices.as_deref();
            let unwatched = Progress::unwatched(tools.context.cancel());
            let (known, mut warnings) = known_voices(folder, &model, tools.paths, &unwatched)?;
            recognised.warnings.append(&mut warnings);
            let measured: Vec<usize> = (0..speakers.len()).filter(|n| !speakers[*n].voiceprint.is_empty()).collect();
            let prints: Vec<&[f32]> = measured.iter().map(|n| speakers[*n].voiceprint.as_slice()).collect();
            let recognitions = recognise(&prints, &known, &[], &model.options);
            for (n, recognition) in measured.into_iter().zip(recognitions) {
                let named = recognition.as_ref().filter(|recognition| recognition.verdict == Verdict::Recognised);
                speakers[n].name = named.map(|recognition| recognition.nearest.clone());
                speakers[n].recognition = recognition;
            }
            anyhow::Ok(())
        })
    }
}
