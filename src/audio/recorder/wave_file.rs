//! A recording on disk while it grows. At any moment it is a whole WAVE file, for the sound goes to the disk first and
//! the header, which states its length, after it; and the header is replaced by one write of 80 bytes, which neither the
//! end of the process nor that of the power divides.
//!
//! hound could keep a header right, too, but it knows no RF64 and does not tell the system to write sound before header.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::files;

use super::wave_header::{HEADER_BYTES, MAX_RIFF_BYTES, frame_bytes, header, marker_chunks, sample_bytes};
use super::{Marker, SoundFormat};

/// What a file is written to. Tests have one that runs full.
pub(super) trait Medium {
    /// Writes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Replaces the first bytes by one write.
    fn replace_head(&mut self, bytes: &[u8; HEADER_BYTES]) -> io::Result<()>;
    /// Waits until all that was written is safe.
    fn sync(&mut self) -> io::Result<()>;
    /// Bytes that it has.
    fn n_bytes(&self) -> io::Result<u64>;
    /// Makes it so long.
    fn set_len(&mut self, n_bytes: u64) -> io::Result<()>;
    /// Bytes that can still be written, where that is known.
    fn n_free_bytes(&self) -> Option<u64>;
}

/// A file on a disk.
pub(super) struct OnDisk {
    file: File,
    path: PathBuf,
}

impl OnDisk {
    /// Makes a file that was not there.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::create_new(path)?, path: path.to_path_buf() })
    }

    /// Opens one that is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        Ok(Self { file, path: path.to_path_buf() })
    }

    /// The file itself, to read.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Medium for OnDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(bytes)
    }

    fn replace_head(&mut self, bytes: &[u8; HEADER_BYTES]) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn n_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_len(&mut self, n_bytes: u64) -> io::Result<()> {
        self.file.set_len(n_bytes)
    }

    fn n_free_bytes(&self) -> Option<u64> {
        fs4::available_space(&self.path).ok()
    }
}

/// A recording that grows.
pub(super) struct WaveFile<M = OnDisk> {
    medium: M,
    format: SoundFormat,
    n_data_bytes: u64,
    /// What the header says.
    n_stated_bytes: u64,
    max_riff_bytes: u64,
    bytes: Vec<u8>,
}

impl WaveFile {
    /// Makes a file without sound yet. One of this name must not be there.
    pub(super) fn create(path: &Path, format: SoundFormat) -> io::Result<Self> {
        let file = Self::on(OnDisk::create(path)?, format, MAX_RIFF_BYTES)?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        files::sync_folder(folder)?;
        Ok(file)
    }

    /// Takes up a file whose header has been read: all that is behind the header, up to `n_data_bytes`, is sound.
    pub(super) fn resume(medium: OnDisk, format: SoundFormat, n_data_bytes: u64) -> Self {
        let max_riff_bytes = MAX_RIFF_BYTES;
        Self { medium, format, n_data_bytes, n_stated_bytes: 0, max_riff_bytes, bytes: Vec::new() }
    }
}

impl<M: Medium> WaveFile<M> {
    fn on(mut medium: M, format: SoundFormat, max_riff_bytes: u64) -> io::Result<Self> {
        medium.append(&header(format, 0, 0, max_riff_bytes))?;
        medium.sync()?;
        Ok(Self { medium, format, n_data_bytes: 0, n_stated_bytes: 0, max_riff_bytes, bytes: Vec::new() })
    }

    /// Frames that were written.
    pub(super) fn n_frames(&self) -> u64 {
        self.n_data_bytes / frame_bytes(self.format)
    }

    /// Bytes that can still be written, where that is known.
    pub(super) fn n_free_bytes(&self) -> Option<u64> {
        self.medium.n_free_bytes()
    }

    /// Writes whole frames at the end. After an error the file is cut to the whole frames that found room, and can be
    /// finished.
    pub(super) fn append(&mut self, samples: &[f32]) -> io::Result<()> {
        self.bytes.clear();
        self.bytes.extend(samples.iter().flat_map(|sample| sample_bytes(*sample)));
        match self.medium.append(&self.bytes) {
            Ok(()) => {
                self.n_data_bytes += self.bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.cut()?;
                Err(error)
            }
        }
    }

    /// Has all sound on the disk, then states its length.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        if self.n_stated_bytes != self.n_data_bytes {
            self.medium.sync()?;
            self.state(0)?;
            self.n_stated_bytes = self.n_data_bytes;
        }
        Ok(())
    }

    /// Ends the file. Where there is no room for the markers, it is whole without them, and the error says so.
    pub(super) fn finish(&mut self, markers: &[Marker]) -> io::Result<()> {
        self.commit()?;
        let behind = marker_chunks(markers);
        let written = self.medium.append(&behind).and_then(|()| self.medium.sync());
        match written {
            Ok(()) => self.state(behind.len() as u64)?,
            Err(error) => {
                self.medium.set_len(HEADER_BYTES as u64 + self.n_data_bytes)?;
                self.medium.sync()?;
                return Err(error);
            }
        }
        self.medium.sync()
    }

    /// Writes the header for the sound there is and so many bytes behind it.
    fn state(&mut self, n_bytes_behind: u64) -> io::Result<()> {
        self.medium.replace_head(&header(self.format, self.n_data_bytes, n_bytes_behind, self.max_riff_bytes))
    }

    /// Takes in how much was written before it failed.
    fn cut(&mut self) -> io::Result<()> {
        let n_found = self.medium.n_bytes()?.saturating_sub(HEADER_BYTES as u64);
        self.n_data_bytes = n_found - n_found % frame_bytes(self.format);
        self.medium.set_len(HEADER_BYTES as u64 + self.n_data_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::wave::WaveHeader;

    /// A disk in memory that has room for so many bytes, and notes the order of what is done.
    struct Small {
        bytes: Vec<u8>,
        n_room: usize,
        steps: String,
    }

    impl Small {
        fn new(n_room: usize) -> Self {
            Self { bytes: Vec::new(), n_room, steps: String::new() }
        }
    }

    impl Medium for Small {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            let n_fitting = bytes.len().min(self.n_room - self.bytes.len());
            self.bytes.extend_from_slice(&bytes[..n_fitting]);
            self.steps.push('a');
            if n_fitting < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }

        fn replace_head(&mut self, bytes: &[u8; HEADER_BYTES]) -> io::Result<()> {
            self.bytes[..HEADER_BYTES].copy_from_slice(bytes);
            self.steps.push('h');
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            self.steps.push('s');
            Ok(())
        }

        fn n_bytes(&self) -> io::Result<u64> {
            Ok(self.bytes.len() as u64)
        }

        fn set_len(&mut self, n_bytes: u64) -> io::Result<()> {
            self.bytes.truncate(n_bytes as usize);
            Ok(())
        }

        fn n_free_bytes(&self) -> Option<u64> {
            Some((self.n_room - self.bytes.len()) as u64)
        }
    }

    fn stereo() -> SoundFormat {
        SoundFormat::new(8000, 2).expect("not zero")
    }

    /// Bytes of samples that the header states; the reader must not find fewer.
    fn n_stated(bytes: &[u8]) -> u64 {
        let header = WaveHeader::read(io::Cursor::new(bytes), bytes.len() as u64);
        assert!(header.expect("a header").is_some(), "plain samples");
        let head: [u8; HEADER_BYTES] = bytes[..HEADER_BYTES].try_into().expect("80 bytes");
        let (format, n_bytes) = super::super::wave_header::parse(&head).expect("a header of ours");
        assert_eq!(format, stereo());
        assert!(HEADER_BYTES as u64 + n_bytes <= bytes.len() as u64, "{n_bytes} of {}", bytes.len());
        n_bytes
    }

    #[test]
    fn sound_is_safe_before_the_header_states_it() {
        let mut file = WaveFile::on(Small::new(1 << 20), stereo(), MAX_RIFF_BYTES).expect("room");
        file.append(&[0.5; 20]).expect("room");
        assert_eq!(n_stated(&file.medium.bytes), 0);
        file.commit().expect("room");
        assert_eq!(n_stated(&file.medium.bytes), 40);
        file.commit().expect("nothing to do");
        file.append(&[0.5; 2]).expect("room");
        file.finish(&[Marker { at_frame: 3, label: "x".to_owned() }]).expect("room");
        assert_eq!(n_stated(&file.medium.bytes), 44);
        assert_eq!(file.medium.steps, "as ash ash ashs".replace(' ', ""));
        let n_riff = u32::from_le_bytes(file.medium.bytes[4..8].try_into().expect("4 bytes"));
        assert_eq!(n_riff as usize + 8, file.medium.bytes.len(), "the markers belong to the file");
    }

    #[test]
    fn a_full_disk_leaves_all_whole_frames() {
        for n_room in [80, 81, 83, 84, 120, 123, 1000] {
            let mut file = WaveFile::on(Small::new(n_room), stereo(), MAX_RIFF_BYTES).expect("room for the header");
            let failed = (0..100).find_map(|_| file.append(&[0.25; 10]).err());
            assert_eq!(failed.map(|error| error.kind()), Some(io::ErrorKind::StorageFull), "{n_room}");
            let n_whole = (n_room - HEADER_BYTES) / 4 * 4;
            assert_eq!(file.n_frames(), n_whole as u64 / 4);
            // The markers find no room either.
            let marker = Marker { at_frame: 0, label: String::new() };
            assert!(file.finish(&[marker]).is_err(), "{n_room}");
            assert_eq!(n_stated(&file.medium.bytes), n_whole as u64, "{n_room}");
            assert_eq!(file.medium.bytes.len(), HEADER_BYTES + n_whole);
        }
    }

    #[test]
    fn beyond_the_limit_of_short_lengths_it_becomes_rf64() {
        let mut file = WaveFile::on(Small::new(1 << 20), stereo(), 200).expect("room");
        for (n_samples, expected) in [(20, b"RIFF"), (40, b"RIFF"), (2, b"RF64"), (1000, b"RF64")] {
            file.append(&vec![0.5; n_samples]).expect("room");
            file.commit().expect("room");
            assert_eq!(&file.medium.bytes[..4], expected);
            assert_eq!(n_stated(&file.medium.bytes), file.medium.bytes.len() as u64 - 80);
        }
        file.finish(&[]).expect("room");
        let file = &file.medium.bytes;
        let riff_bytes = u64::from_le_bytes(file[20..28].try_into().expect("8 bytes"));
        assert_eq!(riff_bytes + 8, file.len() as u64);
    }
}
