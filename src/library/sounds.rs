//! What recordings sound like, and which of them sound like another. Fingerprints are only kept and looked up here: how
//! alike two are, whoever asks finds out and says. They are left out of exports and of what is salvaged, for the next job
//! on a recording tells them again.
//!
//! Among many recordings, those that may be like one are found by landmarks: some items of a fingerprint, hundreds for an
//! hour, by which an index leads to all recordings that have the same.

use std::io;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::Library;
use super::entry::{RecordingId, RelatedRecording, SoundFeatures};
use super::error::{LibraryError, failed};
use super::place::Place;
use super::schema::writing;

/// The form in which fingerprints are kept.
const VERSION: u8 = 1;
/// zstd's level.
const COMPRESSION: i32 = 3;
/// Recordings that share fewer landmarks have nothing to do with each other.
const MIN_SHARED: i64 = 3;
/// Recordings like another that are told at most.
const MAX_RELATED: i64 = 10;

/// A fingerprint, and by what it is looked up.
#[derive(Clone, Copy, Debug)]
pub struct KeptFingerprint<'a> {
    /// Its items in order.
    pub items: &'a [u32],
    /// Some of them, as far as they say where in the recording one is; each once.
    pub landmarks: &'a [u32],
}

/// What a fingerprint that was to be kept is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The one that was kept before.
    Already,
    /// Another one than before, or the first.
    Newly,
}

impl Library {
    /// Keeps what a recording sounds like, in numbers.
    pub fn keep_features(&mut self, id: RecordingId, features: &SoundFeatures) -> Result<(), LibraryError> {
        let keep = || -> rusqlite::Result<()> {
            if self::features(&self.connection, id.0)? == Some(*features) {
                return Ok(());
            }
            let SoundFeatures { loudness_lufs, noise_dbfs, snr_db, speech_share } = features;
            self.connection
                .prepare_cached(
                    "INSERT INTO sounds (recording, loudness_lufs, noise_dbfs, snr_db, speech_share)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (recording) DO UPDATE SET loudness_lufs = excluded.loudness_lufs,
                         noise_dbfs = excluded.noise_dbfs, snr_db = excluded.snr_db,
                         speech_share = excluded.speech_share",
                )?
                .execute(params![id.0, loudness_lufs, noise_dbfs, snr_db, speech_share])
                .map(drop)
        };
        keep().map_err(failed("keep what a recording sounds like", &self.path))
    }

    /// Keeps the fingerprint of a recording. With another one than before, it is related to no recording until somebody
    /// says so.
    pub fn keep_fingerprint(
        &mut self,
        id: RecordingId,
        fingerprint: KeptFingerprint<'_>,
    ) -> Result<Known, LibraryError> {
        let failed = || failed("keep what a recording sounds like", &self.path);
        let packed = pack(fingerprint.items).map_err(|error| LibraryError::Unkeepable(error.to_string()))?;
        let transaction = writing(&mut self.connection).map_err(failed())?;
        let keep = || -> rusqlite::Result<Known> {
            let is_known = "SELECT 1 FROM sounds WHERE recording = ?1 AND fingerprint = ?2";
            if transaction.prepare_cached(is_known)?.exists(params![id.0, packed])? {
                return Ok(Known::Already);
            }
            transaction.execute(
                "INSERT INTO sounds (recording, fingerprint) VALUES (?1, ?2)
                 ON CONFLICT (recording) DO UPDATE SET fingerprint = excluded.fingerprint",
                params![id.0, packed],
            )?;
            transaction.execute("DELETE FROM sound_landmarks WHERE recording = ?1", [id.0])?;
            transaction.execute("DELETE FROM related_recordings WHERE recording = ?1 OR other = ?1", [id.0])?;
            let mut add = transaction
                .prepare_cached("INSERT OR IGNORE INTO sound_landmarks (landmark, recording) VALUES (?1, ?2)")?;
            for landmark in fingerprint.landmarks {
                add.execute(params![landmark, id.0])?;
            }
            Ok(Known::Newly)
        };
        keep().and_then(|known| transaction.commit().map(|()| known)).map_err(failed())
    }

    /// The items of the fingerprint of a recording. One that cannot be read is as good as none.
    pub fn fingerprint(&self, id: RecordingId) -> Result<Option<Vec<u32>>, LibraryError> {
        let look = || -> rusqlite::Result<Option<Vec<u8>>> {
            const SQL: &str = "SELECT fingerprint FROM sounds WHERE recording = ?1 AND fingerprint IS NOT NULL";
            self.connection.prepare_cached(SQL)?.query_row([id.0], |row| row.get(0)).optional()
        };
        let packed = look().map_err(failed("read what a recording sounds like", &self.path))?;
        let items = packed.map(|packed| unpack(&packed)).transpose();
        Ok(items.unwrap_or_else(|reason| {
            tracing::debug!("the fingerprint of recording {} cannot be read: {reason}", id.0);
            None
        }))
    }

    /// The recordings that share most landmarks with one, at least a few, those with most first.
    pub fn sharing_landmarks(&self, id: RecordingId, limit: usize) -> Result<Vec<RecordingId>, LibraryError> {
        let look = || -> rusqlite::Result<Vec<RecordingId>> {
            let mut statement = self.connection.prepare_cached(
                "SELECT theirs.recording FROM sound_landmarks AS ours
                 CROSS JOIN sound_landmarks AS theirs
                     ON theirs.landmark = ours.landmark AND theirs.recording != ours.recording
                 WHERE ours.recording = ?1
                 GROUP BY theirs.recording HAVING count(*) >= ?2
                 ORDER BY count(*) DESC, theirs.recording LIMIT ?3",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let ids = statement.query_map([id.0, MIN_SHARED, limit], |row| row.get(0).map(RecordingId))?;
            ids.collect()
        };
        look().map_err(failed("look for recordings that sound alike", &self.path))
    }

    /// Says which recordings sound like one and how much so, 0 to 1. That holds both ways.
    pub fn relate(&mut self, id: RecordingId, others: &[(RecordingId, f64)]) -> Result<(), LibraryError> {
        let failed = || failed("keep which recordings sound alike", &self.path);
        let transaction = writing(&mut self.connection).map_err(failed())?;
        let relate = || -> rusqlite::Result<()> {
            // One that was removed meanwhile is passed over.
            let mut add = transaction.prepare_cached(
                "INSERT OR REPLACE INTO related_recordings (recording, other, similarity)
                 SELECT one.id, two.id, ?3 FROM recordings AS one, recordings AS two WHERE one.id = ?1 AND two.id = ?2",
            )?;
            for (other, similarity) in others {
                add.execute(params![id.0, other.0, similarity])?;
                add.execute(params![other.0, id.0, similarity])?;
            }
            Ok(())
        };
        relate().and_then(|()| transaction.commit()).map_err(failed())
    }
}

/// What a recording sounds like, in numbers.
pub(super) fn features(connection: &Connection, id: i64) -> rusqlite::Result<Option<SoundFeatures>> {
    const SQL: &str = "SELECT loudness_lufs, noise_dbfs, snr_db, speech_share FROM sounds
                       WHERE recording = ?1 AND speech_share IS NOT NULL";
    let features = connection.prepare_cached(SQL)?.query_row([id], |row| {
        Ok(SoundFeatures {
            loudness_lufs: row.get(0)?,
            noise_dbfs: row.get(1)?,
            snr_db: row.get(2)?,
            speech_share: row.get(3)?,
        })
    });
    features.optional()
}

/// The recordings that sound like one, the most similar first.
pub(super) fn related(connection: &Connection, id: i64) -> rusqlite::Result<Vec<RelatedRecording>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, label, folder, name, similarity FROM related_recordings JOIN recordings ON id = other
         WHERE recording = ?1 ORDER BY similarity DESC, id LIMIT ?2",
    )?;
    let related = statement.query_map([id, MAX_RELATED], |row| {
        Ok(RelatedRecording {
            id: RecordingId(row.get(0)?),
            label: row.get(1)?,
            path: Place { folder: row.get(2)?, name: row.get(3)? }.path(),
            similarity: row.get(4)?,
        })
    })?;
    related.collect()
}

/// Items as bytes: what changes from one to the next is little, and takes two thirds of the room.
fn pack(items: &[u32]) -> io::Result<Vec<u8>> {
    let before = std::iter::once(&0).chain(items);
    let changes: Vec<u8> = items.iter().zip(before).flat_map(|(item, before)| (item ^ before).to_le_bytes()).collect();
    let mut packed = vec![VERSION];
    packed.extend(zstd::stream::encode_all(changes.as_slice(), COMPRESSION)?);
    Ok(packed)
}

fn unpack(packed: &[u8]) -> Result<Vec<u32>, String> {
    let [VERSION, compressed @ ..] = packed else { return Err("it has another form".to_owned()) };
    let changes = zstd::stream::decode_all(compressed).map_err(|error| error.to_string())?;
    let (changes, []) = changes.as_chunks() else { return Err("it ends in the middle".to_owned()) };
    let mut item = 0;
    let items = changes.iter().map(|change| {
        item ^= u32::from_le_bytes(*change);
        item
    });
    Ok(items.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_come_back_from_their_bytes() {
        for items in [vec![], vec![0], vec![7, 7, 7], vec![u32::MAX, 0, 1, 0x8000_0000]] {
            let packed = pack(&items).expect("memory takes all that is written");
            assert_eq!(unpack(&packed), Ok(items));
        }
        let mut spoiled = pack(&[1, 2, 3]).expect("memory takes all that is written");
        spoiled[0] = 9;
        for bytes in [&[][..], &[VERSION][..], &b"no fingerprint"[..], &spoiled[..]] {
            assert!(unpack(bytes).is_err(), "{bytes:?}");
        }
    }
}
