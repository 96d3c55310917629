//! The enrolled voices: names, and how these people sound, as plain values. `store.rs` keeps them on disk.
//!
//! A voice has voiceprints, each with its origin and the model that made it. Those of another model are kept and not
//! used: they count again when that model comes back. A voiceprint belongs to one voice: two with the same would be
//! equally near to everybody, and nobody would be either of them. What was learned from a meeting can be taken back,
//! for the voiceprints themselves tell where they are from. Nothing here makes or compares voiceprints.

mod store;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::FileError;

pub use store::{FORMAT_VERSION, change, load};

/// Longer names are slips of the clipboard.
const MAX_NAME_CHARS: usize = 100;
/// How far the length of a stored voiceprint may be from 1.
const MAX_LENGTH_ERROR: f32 = 1e-3;

/// All enrolled voices, in the order of their names. No two names differ in upper and lower case alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Voice>", into = "Vec<Voice>")]
pub struct Voices {
    list: Vec<Voice>,
}

/// Somebody whose voice is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// Their name.
    pub name: String,
    /// What is known of their voice, in the order in which it came.
    pub prints: Vec<Voiceprint>,
}

/// A voice as it sounded once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voiceprint {
    /// Vector of length 1.
    pub embedding: Vec<f32>,
    /// Where it is from.
    pub origin: Origin,
    /// Hash of the weights that made it. Vectors of different models say nothing about each other.
    pub model: String,
    /// Seconds of speech that went into it, where that is known.
    pub speech_secs: Option<f64>,
    /// How well the parts of that speech agree on being one voice, where that is known.
    pub agreement: Option<f32>,
}

/// Where a voiceprint is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// A recording of this person alone.
    EnrolledFile {
        /// The file, from the root of the file system.
        path: PathBuf,
        /// Its size, and
        n_bytes: u64,
        /// when it was last changed, in milliseconds since 1970: if both are the same, so is the file.
        modified_unix_ms: u64,
    },
    /// A meeting in which the user said who this is.
    Meeting {
        /// The recording of the meeting.
        recording: PathBuf,
        /// Label that the speaker had in its transcript.
        speaker: String,
        /// When the user said so, in milliseconds since 1970; later than all that was learned before.
        added_unix_ms: u64,
    },
}

/// The voices cannot be changed as asked, or not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// A blank instead of a name.
    #[error("a voice needs a name that is not blank")]
    NoName,
    /// Too long, or it would spoil listings.
    #[error("{0:?} is no name for a voice: use up to {MAX_NAME_CHARS} characters, without line breaks")]
    BadName(String),
    /// Nobody is called that.
    #[error("there is no voice `{name}`; {known}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// Which names there are.
        known: String,
    },
    /// Somebody else is called that.
    #[error("there is a voice `{0}` already; choose another name, or merge the two")]
    Taken(String),
    /// A voice cannot be merged with itself.
    #[error("`{0}` is one voice; name two to merge them")]
    Same(String),
    /// The very same voiceprint was learned before.
    #[error("this was learned for `{0}` already")]
    AlreadyLearned(String),
    /// There is nothing to undo.
    #[error("what was learned from this meeting is not there any more, so there is nothing to undo")]
    NothingLearned,
    /// A later Hansard wrote the file, and this one would lose what it does not know.
    #[error("{} was written by a newer Hansard (format {version}) and is left as it is; update Hansard to use it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        version: u32,
    },
    /// What was asked for needs voices, and the file that has them is damaged.
    #[error("{} is damaged ({reason}), so no voice is known; put back a copy of it, or enrol the voices again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Voices {
    /// The voices, in the order of their names.
    pub fn list(&self) -> &[Voice] {
        &self.list
    }

    /// The voice of this name, whether in upper or lower case.
    pub fn find(&self, name: &str) -> Option<&Voice> {
        self.position(name).map(|at| &self.list[at])
    }

    /// What the voice is called that has this voiceprint, or others of the same file; `None` if it is `name` or nobody.
    pub fn other_owner(&self, name: &str, print: &Voiceprint) -> Option<&str> {
        let name = folded(name);
        let mut others = self.list.iter().filter(|voice| folded(&voice.name) != name);
        let owner = others.find(|voice| voice.prints.iter().any(|known| known.belongs_with(print)))?;
        Some(owner.name.as_str())
    }

    /// Adds voiceprints to a voice, which is new if nobody is called that. A voiceprint takes the place of one that the
    /// same model made of the same file. If the file was another voice's until now, it is so no longer.
    pub fn enrol(&mut self, name: &str, prints: Vec<Voiceprint>) -> Result<(), VoiceError> {
        let name = checked_name(name)?;
        for print in prints {
            // What other models made of the file goes with it.
            let mut prints = self.taken_from_others(name, &print);
            prints.push(print);
            self.found_or_new(name).add(prints);
        }
        Ok(())
    }

    /// Adds a voiceprint from a meeting to a voice, which is new if nobody is called that. If it was learned under
    /// another name before, that was a mistake.
    pub fn learn(&mut self, name: &str, mut print: Voiceprint) -> Result<(), VoiceError> {
        let name = checked_name(name)?;
        let last = self.last_learned(|_| true).map(|(time, ..)| time);
        if let Origin::Meeting { added_unix_ms, .. } = &mut print.origin {
            // Also where the clock was put back, the order of learning stays what it was.
            *added_unix_ms = last.map_or(*added_unix_ms, |last| (*added_unix_ms).max(last + 1));
        }
        if let Some(voice) = self.find(name)
            && voice.prints.iter().any(|known| known.is_equal_to(&print))
        {
            return Err(VoiceError::AlreadyLearned(voice.name.clone()));
        }
        self.taken_from_others(name, &print);
        self.found_or_new(name).add(vec![print]);
        Ok(())
    }

    /// Takes back what was learned from this speaker of this recording (the last of it, if there is more), whatever the
    /// voice is called by now, and returns that name and the voiceprint. A voice of which nothing is left is gone.
    pub fn undo_learning(&mut self, recording: &Path, speaker: &str) -> Result<(String, Voiceprint), VoiceError> {
        let last = self.last_learned(|origin| origin.is_speaker_of(recording, speaker));
        let (_, voice_idx, print_idx) = last.ok_or(VoiceError::NothingLearned)?;
        let voice = &mut self.list[voice_idx];
        let undone = (voice.name.clone(), voice.prints.remove(print_idx));
        if voice.prints.is_empty() {
            self.list.remove(voice_idx);
        }
        Ok(undone)
    }

    /// Gives a voice another name.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), VoiceError> {
        let to = checked_name(to)?;
        let at = self.known_position(from)?;
        if let Some(other) = self.position(to).filter(|other| *other != at) {
            return Err(VoiceError::Taken(self.list[other].name.clone()));
        }
        let voice = self.list.remove(at);
        self.found_or_new(to).prints = voice.prints;
        Ok(())
    }

    /// Gives all voiceprints of one voice to another, and removes the first.
    pub fn merge(&mut self, from: &str, into: &str) -> Result<(), VoiceError> {
        let (from_at, into_at) = (self.known_position(from)?, self.known_position(into)?);
        if from_at == into_at {
            return Err(VoiceError::Same(self.list[into_at].name.clone()));
        }
        let prints = std::mem::take(&mut self.list[from_at].prints);
        self.list[into_at].add(prints);
        self.list.remove(from_at);
        Ok(())
    }

    /// Forgets a voice.
    pub fn remove(&mut self, name: &str) -> Result<(), VoiceError> {
        let at = self.known_position(name)?;
        self.list.remove(at);
        Ok(())
    }

    fn position(&self, name: &str) -> Option<usize> {
        let name = folded(name);
        self.list.iter().position(|voice| folded(&voice.name) == name)
    }

    fn known_position(&self, name: &str) -> Result<usize, VoiceError> {
        self.position(name).ok_or_else(|| {
            let names: Vec<&str> = self.list.iter().map(|voice| voice.name.as_str()).collect();
            let known = match names.as_slice() {
                [] => "no voice is enrolled yet".to_owned(),
                names => format!("there are: {}", names.join(", ")),
            };
            VoiceError::Unknown { name: name.trim().to_owned(), known }
        })
    }

    fn found_or_new(&mut self, name: &str) -> &mut Voice {
        let at = self.position(name).unwrap_or_else(|| {
            let key = folded(name);
            let at = self.list.partition_point(|voice| folded(&voice.name) < key);
            self.list.insert(at, Voice { name: name.to_owned(), prints: Vec::new() });
            at
        });
        &mut self.list[at]
    }

    /// Takes this voiceprint, and others of the same file, from all voices but one. Those of which nothing is left are
    /// gone.
    fn taken_from_others(&mut self, name: &str, print: &Voiceprint) -> Vec<Voiceprint> {
        let name = folded(name);
        let mut taken = Vec::new();
        for voice in self.list.iter_mut().filter(|voice| folded(&voice.name) != name) {
            taken.extend(voice.prints.extract_if(.., |known| known.belongs_with(print)));
        }
        if !taken.is_empty() {
            self.list.retain(|voice| !voice.prints.is_empty());
        }
        taken
    }

    /// When something was last learned from such a meeting; the voice and its voiceprint.
    fn last_learned(&self, is_wanted: impl Fn(&Origin) -> bool) -> Option<(u64, usize, usize)> {
        let mut last: Option<(u64, usize, usize)> = None;
        for (voice_idx, voice) in self.list.iter().enumerate() {
            for (print_idx, print) in voice.prints.iter().enumerate().filter(|(_, print)| is_wanted(&print.origin)) {
                last = last.max(print.origin.learned_at().map(|time| (time, voice_idx, print_idx)));
            }
        }
        last
    }
}

/// Puts voices that were read from a file in order, or says what is wrong with them.
impl TryFrom<Vec<Voice>> for Voices {
    type Error = String;

    fn try_from(mut list: Vec<Voice>) -> Result<Self, String> {
        list.sort_by_cached_key(|voice| folded(&voice.name));
        for (n, voice) in list.iter().enumerate() {
            let is_well_named = checked_name(&voice.name).is_ok_and(|name| name == voice.name);
            let is_single = n == 0 || folded(&list[n - 1].name) != folded(&voice.name);
            if !is_well_named || !is_single {
                return Err(format!("the name {:?} is not allowed, or there twice", voice.name));
            }
            if !voice.prints.iter().all(Voiceprint::has_unit_length) {
                return Err(format!("a voiceprint of {:?} does not have length 1", voice.name));
            }
        }
        Ok(Self { list })
    }
}

impl From<Voices> for Vec<Voice> {
    fn from(voices: Voices) -> Self {
        voices.list
    }
}

impl Voice {
    /// The voiceprints that a model made.
    pub fn of_model(&self, model: &str) -> impl Iterator<Item = &Voiceprint> {
        self.prints.iter().filter(move |print| print.model == model)
    }

    fn add(&mut self, prints: Vec<Voiceprint>) {
        for print in prints {
            self.prints.retain(|known| known.model != print.model || !known.origin.is_same_file(&print.origin));
            self.prints.push(print);
        }
    }
}

impl Voiceprint {
    /// Whether both must be of one voice: they are of the same file, or from meetings and equal.
    fn belongs_with(&self, other: &Self) -> bool {
        let are_learned = self.origin.learned_at().is_some() && other.origin.learned_at().is_some();
        self.origin.is_same_file(&other.origin) || are_learned && self.is_equal_to(other)
    }

    fn is_equal_to(&self, other: &Self) -> bool {
        self.model == other.model && self.embedding == other.embedding
    }

    fn has_unit_length(&self) -> bool {
        let length = self.embedding.iter().map(|value| value * value).sum::<f32>().sqrt();
        // What is not a number is not below anything.
        (length - 1.0).abs() < MAX_LENGTH_ERROR
    }
}

impl Origin {
    /// Whether both are the same enrolled file, unchanged or not.
    pub fn is_same_file(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::EnrolledFile { path, .. }, Self::EnrolledFile { path: other, .. }) if path == other
        )
    }

    fn is_speaker_of(&self, meeting: &Path, label: &str) -> bool {
        matches!(self, Self::Meeting { recording, speaker, .. } if recording == meeting && speaker == label)
    }

    fn learned_at(&self) -> Option<u64> {
        match self {
            Self::EnrolledFile { .. } => None,
            Self::Meeting { added_unix_ms, .. } => Some(*added_unix_ms),
        }
    }
}

/// The name as it is kept: without blanks around it.
fn checked_name(name: &str) -> Result<&str, VoiceError> {
    let name = name.trim();
    if name.is_empty() {
        Err(VoiceError::NoName)
    } else if name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        Err(VoiceError::BadName(name.to_owned()))
    } else {
        Ok(name)
    }
}

/// What names are compared by.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voiceprint_belongs_to_the_voice_that_it_was_given_to_last() {
        let names = |voices: &Voices| voices.list().iter().map(|voice| voice.name.clone()).collect::<Vec<_>>();
        let mut voices = Voices::default();
        let lesson = Origin::Meeting { recording: "m.wav".into(), speaker: "S0".to_owned(), added_unix_ms: 1 };
        for name in ["Nroa", "Nora"] {
            voices.learn(name, print(lesson.clone(), "m")).expect("a name");
        }
        assert_eq!(names(&voices), ["Nora"]);

        let file = Origin::EnrolledFile { path: "/b.wav".into(), n_bytes: 3, modified_unix_ms: 5 };
        let [of_file, older] = ["m", "older"].map(|model| print(file.clone(), model));
        voices.enrol("Boo", vec![of_file.clone(), older]).expect("a name");
        assert_eq!(voices.other_owner("Bo", &of_file), Some("Boo"));
        voices.enrol("Bo", vec![of_file.clone()]).expect("a name");
        assert_eq!(names(&voices), ["Bo", "Nora"]);
        assert_eq!(voices.find("Bo").map(|voice| voice.prints.len()), Some(2), "what another model made goes with it");
        assert_eq!(voices.other_owner("bo", &of_file), None);
    }

    fn print(origin: Origin, model: &str) -> Voiceprint {
        Voiceprint { embedding: vec![1.0], origin, model: model.to_owned(), speech_secs: None, agreement: None }
    }
}
