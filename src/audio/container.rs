//! Turns a file into packets of its sound track: finds out by content what the file is, chooses the track, and collects
//! what the container says about its times.
//!
//! Symphonia reads the containers, but for WAVE files with plain samples, which [`super::wave`] reads. Packets are
//! decoded one by one, when that is asked for; a name's ending is never looked at.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use symphonia::core::audio::Channels;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known as codec,
};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::{Error as SymphoniaError, Result as SymphoniaResult};
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{
    FormatId, FormatOptions, FormatReader, SeekMode, SeekTo, Track, TrackFlags, well_known as format,
};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{TimeBase, Timestamp};
use symphonia_adapter_libopus::OpusDecoder;

use super::decode::DecodeError;
use super::mp4::{Mp4, Mp4Track};
use super::sound_file::SoundFile;
use super::timeline::{Begin, Clock, TrackTimes};
use super::wave::{WaveError, WaveHeader, WaveReader};

/// Opus runs at this rate, whatever the container says.
const OPUS_RATE_HZ: u32 = 48_000;

/// What the MPEG decoder says when the number of channels or the rate changes in mid-stream. A new one can go on.
const OTHER_SPEC: &str = "mpa: invalid audio buffer signal spec for packet";

const INDEX_IS_MISSING: &str = "its index is missing, as when a recording was not finished or not fully copied";

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<OpusDecoder>();
    codecs
});

/// A recording that is open.
pub(super) struct Container {
    packets: Packets,
    mp4_tracks: Vec<Mp4Track>,
    is_unfinished: bool,
    n_bytes: u64,
    position: Arc<AtomicU64>,
    access: Access,
}

enum Packets {
    Wave(Box<WaveReader>),
    Other(Box<dyn FormatReader>),
}

/// A sound track that can be decoded.
pub(super) struct SoundTrack {
    /// Which packets belong to it.
    pub(super) id: u32,
    /// Decodes them. It trims nothing: the timeline does.
    pub(super) decoder: Box<dyn AudioDecoder>,
    /// What the container says about its times.
    pub(super) times: TrackTimes,
    /// What timestamps count; `None` where there is no clock.
    pub(super) time_base: Option<TimeBase>,
    /// How many frames at the end of packets may be padding, if a packet says so.
    pub(super) n_max_padding: u64,
    /// How long the container says that the recording is, where it really knows.
    pub(super) promised_secs: Option<f64>,
    /// How many sound tracks there were to choose from.
    pub(super) n_to_choose_from: usize,
}

impl SoundTrack {
    /// Decodes a packet into `interleaved`, and returns its rate and its number of channels. After a failure, the next
    /// packet can be decoded.
    pub(super) fn decode(&mut self, packet: &Packet, interleaved: &mut Vec<f32>) -> SymphoniaResult<(u32, usize)> {
        let mut decoded = self.run_decoder(packet, interleaved);
        if let Err(SymphoniaError::DecodeError(OTHER_SPEC)) = decoded {
            decoded = self.renew_decoder().and_then(|()| self.run_decoder(packet, interleaved));
        }
        if let Err(error) = &decoded
            && !matches!(error, SymphoniaError::DecodeError(_) | SymphoniaError::IoError(_))
        {
            self.decoder.reset();
        }
        decoded
    }

    fn run_decoder(&mut self, packet: &Packet, interleaved: &mut Vec<f32>) -> SymphoniaResult<(u32, usize)> {
        guarded(|| {
            let buffer = self.decoder.decode(packet)?;
            buffer.copy_to_vec_interleaved(interleaved);
            Ok((buffer.spec().rate(), buffer.num_planes()))
        })
    }

    /// Puts a new decoder in the place of the old one, for the same track.
    fn renew_decoder(&mut self) -> SymphoniaResult<()> {
        let parameters = self.decoder.codec_params().clone();
        self.decoder = guarded(|| make_decoder(&parameters))?;
        Ok(())
    }
}

impl Container {
    /// Opens a recording of `n_bytes`.
    pub(super) fn open(path: &Path, mut file: File, n_bytes: u64) -> Result<Self, DecodeError> {
        let unreadable = |source| DecodeError::unreadable(path, source);
        // What cannot be read here cannot be read by Symphonia either, which then says why.
        let is_mp4 = is_mp4(&mut file).unwrap_or(false);
        let mp4 = if is_mp4 { Mp4::read(&file).unwrap_or_default() } else { Mp4::default() };
        let header = WaveHeader::read(&file, n_bytes).map_err(|error| match error {
            WaveError::Io(source) => unreadable(source),
            WaveError::Header(reason) => DecodeError::damaged(path, reason),
        })?;
        let is_unfinished = header.as_ref().is_some_and(|header| header.is_unfinished);
        let position = Arc::new(AtomicU64::new(0));
        let n_claimed_bytes = mp4.n_claimed_bytes.max(n_bytes);
        let access = Access::Random;
        let file = WatchedFile { file, n_bytes, n_claimed_bytes, access, position: Arc::clone(&position) };
        let (packets, access) = if let Some(header) = header {
            let reader = WaveReader::new(file, &header).map_err(unreadable)?;
            (Packets::Wave(Box::new(reader)), Access::Random)
        } else {
            let (reader, access) = probe(file).map_err(|error| match error {
                SymphoniaError::IoError(source) if source.kind() != io::ErrorKind::UnexpectedEof => unreadable(source),
                _ if is_mp4 && mp4.tracks.is_empty() => DecodeError::damaged(path, INDEX_IS_MISSING),
                other => refuse_container(path, other),
            })?;
            (Packets::Other(reader), access)
        };
        Ok(Self { packets, mp4_tracks: mp4.tracks, is_unfinished, n_bytes, position, access })
    }

    /// Whether the program that wrote it was stopped before it could say how long it is.
    pub(super) fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }

    /// What kind of file it is, and how the sound of this track is encoded, which has so many frames a second.
    pub(super) fn describe(&self, track: &SoundTrack, rate_hz: u32) -> SoundFile {
        let container = match &self.packets {
            Packets::Wave(_) => "WAVE",
            Packets::Other(reader) => reader.format_info().long_name.trim_end_matches(" Native"),
        };
        let n_channels = track.decoder.codec_params().channels.as_ref().map(Channels::count);
        SoundFile {
            n_bytes: self.n_bytes,
            container: container.to_owned(),
            codec: track.decoder.codec_info().long_name.to_owned(),
            rate_hz,
            n_channels: n_channels.filter(|n_channels| *n_channels > 0),
        }
    }

    /// How many bytes of the file are behind us.
    pub(super) fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// Whether it is one of the formats in which a recording of unknown length ends wherever the file ends.
    pub(super) fn may_end_anywhere(&self) -> bool {
        [format::FORMAT_ID_CAF, format::FORMAT_ID_AIFF].contains(&self.format())
    }

    /// Whether it is MPEG audio without a container: a format without a signature, so that any file may look like it.
    pub(super) fn is_bare_mpeg(&self) -> bool {
        [format::FORMAT_ID_MP1, format::FORMAT_ID_MP2, format::FORMAT_ID_MP3, format::FORMAT_ID_ADTS]
            .contains(&self.format())
    }

    /// Whether it can go to another place.
    pub(super) fn can_seek(&self) -> bool {
        self.access == Access::Random
    }

    /// Whether it counts frames instead of having a clock: a WAVE file.
    pub(super) fn has_plain_samples(&self) -> bool {
        matches!(self.packets, Packets::Wave(_))
    }

    /// Goes to the packet of a track that has this tick of its clock (this frame, where it has none), or to one before.
    pub(super) fn seek(&mut self, track_id: u32, tick: i64) -> SymphoniaResult<()> {
        match &mut self.packets {
            Packets::Wave(reader) => Ok(reader.seek(tick.max(0).cast_unsigned())?),
            Packets::Other(reader) => {
                let to = SeekTo::Timestamp { ts: Timestamp::new(tick), track_id };
                guarded(|| reader.seek(SeekMode::Accurate, to)).map(|_seeked| ())
            }
        }
    }

    /// The next packet of any track, `None` after the last.
    pub(super) fn next_packet(&mut self) -> SymphoniaResult<Option<Packet>> {
        match &mut self.packets {
            Packets::Wave(reader) => reader.next_packet(),
            Packets::Other(reader) => guarded(|| reader.next_packet()),
        }
    }

    /// The sound track that is marked as the default, or else the first, or else the first that can be decoded. (Matroska
    /// files may leave the mark out to say yes; Symphonia 0.6 takes that for no.)
    pub(super) fn choose_track(&self, path: &Path) -> Result<SoundTrack, DecodeError> {
        let sounds = self.tracks().iter().filter_map(|track| Some((track, track.codec_params.as_ref()?.audio()?)));
        let mut sounds: Vec<(&Track, &AudioCodecParameters)> = sounds.collect();
        sounds.sort_by_key(|(track, _)| !track.flags.contains(TrackFlags::DEFAULT));
        let n_to_choose_from = sounds.len();
        let mut refusal = None;
        for (track, parameters) in sounds {
            if parameters.max_frames_per_packet.is_some_and(|n_frames| n_frames > MAX_PACKET_FRAMES) {
                // Decoders make room for a whole packet before they have seen one.
                refusal.get_or_insert_with(|| DecodeError::damaged(path, "it states packets of an impossible length"));
                continue;
            }
            match guarded(|| make_decoder(parameters)) {
                Ok(decoder) => return Ok(self.sound_track(track, parameters, decoder, n_to_choose_from)),
                Err(error) => {
                    refusal.get_or_insert_with(|| self.refuse_track(path, track, parameters, error));
                }
            }
        }
        Err(refusal.unwrap_or_else(|| self.refuse_all_tracks(path)))
    }

    fn tracks(&self) -> &[Track] {
        match &self.packets {
            Packets::Wave(reader) => reader.tracks(),
            Packets::Other(reader) => reader.tracks(),
        }
    }

    fn format(&self) -> FormatId {
        match &self.packets {
            Packets::Wave(_) => format::FORMAT_ID_WAVE,
            Packets::Other(reader) => reader.format_info().format,
        }
    }

    fn has_video(&self) -> bool {
        self.tracks().iter().any(|track| track.codec_params.as_ref().is_some_and(CodecParameters::is_video))
    }

    fn mp4_track(&self, track: &Track) -> Option<&Mp4Track> {
        self.mp4_tracks.iter().find(|candidate| candidate.id == track.id)
    }

    fn sound_track(
        &self,
        track: &Track,
        parameters: &AudioCodecParameters,
        decoder: Box<dyn AudioDecoder>,
        n_to_choose_from: usize,
    ) -> SoundTrack {
        let times = self.times(track, parameters);
        SoundTrack {
            id: track.id,
            decoder,
            promised_secs: self.promised_secs(track, parameters, &times),
            times,
            time_base: track.time_base,
            // An Ogg page says where it ends, which is true of the last one. Others only estimate where the recording
            // ends, unless they state the padding itself.
            n_max_padding: if self.format() == format::FORMAT_ID_OGG {
                u64::MAX
            } else {
                track.padding.unwrap_or(0).into()
            },
            n_to_choose_from,
        }
    }

    fn times(&self, track: &Track, parameters: &AudioCodecParameters) -> TrackTimes {
        let clock = match self.format() {
            format::FORMAT_ID_FLAC | format::FORMAT_ID_OGG => Clock::Exact,
            _ => Clock::Rounded,
        };
        let n_secs = |n_ticks: u64| track.time_base.map(|time_base| n_ticks as f64 * f64::from(time_base));
        let mp4_track = self.mp4_track(track);
        let is_fragmented = mp4_track.is_some_and(|track| track.is_fragmented);
        let all_secs = track.duration.and_then(|duration| n_secs(duration.get()));
        let all_secs = all_secs.filter(|secs| *secs > 0.0 && !is_fragmented);
        if let Some(edit) = mp4_track.and_then(|track| track.edit) {
            // The table of packets tells the end to the frame, the edit list often to the millisecond only.
            let edited_secs = edit.duration_secs.map(|secs| edit.start_secs + secs);
            let end_secs = match (all_secs, edited_secs) {
                (Some(all), Some(edited)) if edited + edit.tick_secs < all => Some(edited),
                (Some(all), _) => Some(all),
                (None, _) => None,
            };
            return TrackTimes { begin: Begin::At(edit.start_secs), end_secs, lead_secs: edit.lead_secs, clock };
        }
        let begin = match opus_pre_skip_secs(parameters) {
            Some(secs) => Begin::AfterFirst(secs),
            None if self.has_video() => Begin::Zero,
            None => Begin::FirstOrZero,
        };
        // A Core Audio file counts its frames without run-up and padding. In an MP4 file without an edit list the last
        // packet is shorter than what the decoder makes of it.
        let end_secs = match self.format() {
            format::FORMAT_ID_CAF if track.padding.is_some() => track.num_frames.and_then(n_secs),
            format::FORMAT_ID_ISOMP4 => all_secs,
            _ => None,
        };
        TrackTimes { begin, end_secs, lead_secs: 0.0, clock }
    }

    /// `None` where the container gives an estimate only, or the length of something else.
    fn promised_secs(&self, track: &Track, parameters: &AudioCodecParameters, times: &TrackTimes) -> Option<f64> {
        let n_frame_secs = |n_frames: u64| Some(n_frames as f64 / f64::from(parameters.sample_rate?));
        let secs = match self.format() {
            format::FORMAT_ID_WAVE | format::FORMAT_ID_AIFF | format::FORMAT_ID_CAF | format::FORMAT_ID_FLAC => {
                track.num_frames.and_then(n_frame_secs)
            }
            // Without the encoder's tag, which states the run-up too, the count is guessed from the size of the file.
            format::FORMAT_ID_MP1 | format::FORMAT_ID_MP2 | format::FORMAT_ID_MP3 if track.delay.is_some() => {
                track.num_frames.and_then(n_frame_secs)
            }
            format::FORMAT_ID_ISOMP4 => times.end_secs.map(|end_secs| {
                let begin_secs = if let Begin::At(secs) = times.begin { secs } else { 0.0 };
                end_secs - begin_secs + times.lead_secs
            }),
            // Of a video the length is that of the longest track.
            format::FORMAT_ID_MKV if !self.has_video() => match &self.packets {
                Packets::Other(reader) => {
                    let info = reader.media_info();
                    info.duration.zip(info.time_base).map(|(ticks, base)| ticks.get() as f64 * f64::from(base))
                }
                Packets::Wave(_) => None,
            },
            _ => None,
        };
        secs.filter(|secs| *secs > 0.0)
    }

    fn refuse_track(
        &self,
        path: &Path,
        track: &Track,
        parameters: &AudioCodecParameters,
        error: SymphoniaError,
    ) -> DecodeError {
        let mp4_track = self.mp4_track(track);
        if mp4_track.is_some_and(Mp4Track::is_encrypted) {
            return DecodeError::Encrypted { path: path.to_path_buf() };
        }
        match error {
            SymphoniaError::Unsupported(_) => {
                let codec = codec_name(parameters).or_else(|| mp4_track.map(|track| quoted(track.codec)));
                let codec = codec.unwrap_or_else(|| "something unknown".to_owned());
                DecodeError::UnsupportedCodec { path: path.to_path_buf(), codec }
            }
            SymphoniaError::IoError(_) => DecodeError::damaged(path, "the parameters of its sound are cut off"),
            other => DecodeError::damaged(path, other.to_string()),
        }
    }

    fn refuse_all_tracks(&self, path: &Path) -> DecodeError {
        let path = path.to_path_buf();
        match self.mp4_tracks.iter().find(|track| track.is_sound()) {
            Some(track) if track.is_encrypted() => DecodeError::Encrypted { path },
            Some(track) => DecodeError::UnsupportedCodec { path, codec: quoted(track.codec) },
            None => DecodeError::NoAudioTrack { path },
        }
    }
}

/// Real packets have less than 200,000 frames.
const MAX_PACKET_FRAMES: u64 = 2_000_000;

/// Runs a piece of Symphonia. It adds and multiplies sizes as it finds them (the Core Audio reader, for one, multiplies
/// the bytes of a packet by 8 in 32 bits), so a damaged file can make it panic; that is the fault of the file.
fn guarded<T>(run: impl FnOnce() -> SymphoniaResult<T>) -> SymphoniaResult<T> {
    // Whatever the panic left half done is not used again: the reader is dropped, and a decoder is reset.
    panic::catch_unwind(AssertUnwindSafe(run))
        .unwrap_or(Err(SymphoniaError::LimitError("its content makes the decoder fail")))
}

/// Finds out what a file is and opens it.
fn probe(mut file: WatchedFile) -> SymphoniaResult<(Box<dyn FormatReader>, Access)> {
    let mut same_file = file.try_clone()?;
    let open = |file: WatchedFile| {
        let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
        let (hint, options) = (Hint::new(), FormatOptions::default());
        guarded(|| symphonia::default::get_probe().probe(&hint, stream, options, MetadataOptions::default()))
    };
    file.seek(SeekFrom::Start(0))?;
    match open(file) {
        Err(error) if is_damage(&error) => {
            // Readers first look at the end for what is optional, such as an index for seeking, and give up if the file
            // was cut off before it. Where they must not seek they read on from the beginning.
            same_file.seek(SeekFrom::Start(0))?;
            same_file.access = Access::InOrder;
            open(same_file).map(|reader| (reader, Access::InOrder)).map_err(|_second| error)
        }
        opened => opened.map(|reader| (reader, Access::Random)),
    }
}

fn is_damage(error: &SymphoniaError) -> bool {
    match error {
        SymphoniaError::IoError(source) => source.kind() == io::ErrorKind::UnexpectedEof,
        // The Matroska reader finds its own structure unsupported where a cut file leaves it open.
        SymphoniaError::DecodeError(_) | SymphoniaError::Unsupported(_) => true,
        _ => false,
    }
}

/// A file that tells how far it has been read, also while a reader of Symphonia owns it.
struct WatchedFile {
    file: File,
    n_bytes: u64,
    /// Where a reader finds itself after seeking to the end. Symphonia skips the sound of an MP4 file that ends beyond
    /// the end of the file; thus it reads what is there, up to the end.
    n_claimed_bytes: u64,
    access: Access,
    position: Arc<AtomicU64>,
}

/// How a reader may move in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Random,
    InOrder,
}

impl WatchedFile {
    /// The same file; it is read at the same place.
    fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { file: self.file.try_clone()?, position: Arc::clone(&self.position), ..*self })
    }
}

impl Read for WatchedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.file.read(buffer)?;
        self.position.fetch_add(n_read as u64, Ordering::Relaxed);
        Ok(n_read)
    }
}

impl Seek for WatchedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::End(distance) => SeekFrom::Start(self.n_claimed_bytes.saturating_add_signed(distance)),
            other => other,
        };
        let position = self.file.seek(to)?;
        self.position.store(position, Ordering::Relaxed);
        Ok(position)
    }
}

impl MediaSource for WatchedFile {
    fn is_seekable(&self) -> bool {
        self.access == Access::Random
    }

    fn byte_len(&self) -> Option<u64> {
        // A reader that knows where the file ends refuses elements that claim to reach beyond it.
        (self.access == Access::Random).then_some(self.n_bytes)
    }
}

fn is_mp4(file: &mut File) -> io::Result<bool> {
    let mut head = [0; 8];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut head)?;
    Ok(head.ends_with(b"ftyp"))
}

fn refuse_container(path: &Path, error: SymphoniaError) -> DecodeError {
    match error {
        SymphoniaError::Unsupported(reason) if reason.contains("no suitable format reader") => {
            DecodeError::NotAudio { path: path.to_path_buf() }
        }
        SymphoniaError::IoError(_) => DecodeError::damaged(path, "it is cut off too early to be read"),
        other => DecodeError::damaged(path, other.to_string()),
    }
}

fn make_decoder(parameters: &AudioCodecParameters) -> SymphoniaResult<Box<dyn AudioDecoder>> {
    // This makes the Vorbis decoder swallow its first packet, which yields nothing that was recorded. Nothing else is
    // trimmed, since the packets that we hand over ask for no trimming.
    let options = AudioDecoderOptions::default();
    if parameters.codec != codec::CODEC_ID_OPUS {
        return CODECS.make_audio_decoder(parameters, &options);
    }
    // The adapter would drop the run-up too, but from the first packet only, be it longer or not.
    let mut parameters = parameters.clone();
    if let Some(n_channels) = opus_header(&parameters).and_then(|header| header.get(9)).copied() {
        parameters.channels = Some(Channels::Discrete(u16::from(n_channels)));
    }
    parameters.sample_rate = Some(OPUS_RATE_HZ);
    parameters.extra_data = None;
    CODECS.make_audio_decoder(&parameters, &options)
}

/// The identification header of an Opus track (RFC 7845, section 5.1).
fn opus_header(parameters: &AudioCodecParameters) -> Option<&[u8]> {
    let header = parameters.extra_data.as_deref()?;
    (parameters.codec == codec::CODEC_ID_OPUS && header.starts_with(b"OpusHead")).then_some(header)
}

/// How much of what an Opus decoder puts out first is run-up.
fn opus_pre_skip_secs(parameters: &AudioCodecParameters) -> Option<f64> {
    let bytes = opus_header(parameters)?.get(10..12)?.first_chunk()?;
    Some(f64::from(u16::from_le_bytes(*bytes)) / f64::from(OPUS_RATE_HZ))
}

/// What people call it, if it is something that there are recordings of.
fn codec_name(parameters: &AudioCodecParameters) -> Option<String> {
    const NAMES: [(AudioCodecId, &str); 14] = [
        (codec::CODEC_ID_AAC, "AAC of a kind other than LC in one or two channels (HE-AAC, surround)"),
        (codec::CODEC_ID_AC3, "Dolby Digital (AC-3)"),
        (codec::CODEC_ID_EAC3, "Dolby Digital Plus (E-AC-3)"),
        (codec::CODEC_ID_AC4, "Dolby AC-4"),
        (codec::CODEC_ID_TRUEHD, "Dolby TrueHD"),
        (codec::CODEC_ID_DCA, "DTS"),
        (codec::CODEC_ID_WMA, "Windows Media Audio"),
        (codec::CODEC_ID_OPUS, "Opus with more than two channels"),
        (codec::CODEC_ID_SPEEX, "Speex"),
        (codec::CODEC_ID_MUSEPACK, "Musepack"),
        (codec::CODEC_ID_WAVPACK, "WavPack"),
        (codec::CODEC_ID_MONKEYS_AUDIO, "Monkey's Audio"),
        (codec::CODEC_ID_TTA, "True Audio"),
        (codec::CODEC_ID_ADPCM_G726, "G.726"),
    ];
    NAMES.iter().find(|(id, _)| *id == parameters.codec).map(|(_, name)| (*name).to_owned())
}

fn quoted(codec: [u8; 4]) -> String {
    format!("\"{}\"", codec.escape_ascii())
}
