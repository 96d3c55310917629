//! What a recording is as a file, before anything of it is decoded. Only the container can tell.

/// A recording as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundFile {
    /// Its size.
    pub n_bytes: u64,
    /// What kind of file it is: `Ogg`, `Matroska / WebM`.
    pub container: String,
    /// What its sound is encoded as: `Vorbis`, `MPEG Audio Layer 3`.
    pub codec: String,
    /// Frames a second.
    pub rate_hz: u32,
    /// Channels, where the container says how many.
    pub n_channels: Option<usize>,
}
