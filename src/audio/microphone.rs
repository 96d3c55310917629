//! Devices that sound can be recorded from, and the way of that sound into a ring: the only place that knows cpal's
//! input. What becomes of the sound, the recorder decides.
//!
//! - The device's callback copies into the ring and does nothing else. What goes wrong is told through a channel.
//! - On Linux, devices are those of PulseAudio or PipeWire where one of them runs, recorded from by [`super::pulse`], and
//!   else those of ALSA. What the machine plays is recorded from a `monitor`, which they have and ALSA has not.
//! - On Windows (WASAPI loopback) and macOS (14.6 or later, after the user allowed it) what the machine plays is
//!   recorded from the device that plays it. Neither has been tried by the project yet.
//! - Servers and drivers may not answer. Whatever asks them does so in a thread that is left to itself after a while.

use std::thread;
use std::time::Duration;

#[cfg(target_os = "linux")]
use cpal::HostId;
use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, Host, I24, Sample as _, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedBufferSize, SupportedStreamConfig, U24,
};
use crossbeam_channel::{Receiver, Sender, bounded};

use super::recorder::{Feed, Intake, SoundFormat, ring};

/// Sound that can wait to be taken out: as long as a slow disk may hold its writer up.
const RING_SECS: usize = 20;
/// How often a device gives its sound: rarely enough to need little work, often enough to lose little in a crash.
const PERIODS_PER_SEC: u32 = 10;
/// For how long a device is waited for, and for how long all of them are.
pub(super) const OPEN_PATIENCE: Duration = Duration::from_secs(5);
pub(super) const LIST_PATIENCE: Duration = Duration::from_secs(10);
/// How long cpal may wait for a server, or between two looks at a device that gives nothing.
pub(super) const CPAL_TIMEOUT: Duration = Duration::from_secs(2);
/// Notices that nobody has read yet; more of them say nothing new.
const NOTICE_CAPACITY: usize = 64;
/// Whether a device that plays can be recorded from.
const HAS_LOOPBACK: bool = cfg!(any(windows, target_os = "macos"));
/// How PulseAudio and PipeWire call the source that has what a device plays.
const MONITOR_ENDING: &str = ".monitor";

/// Why there may be none.
const SYSTEM_AUDIO_NEEDS: &str = if cfg!(target_os = "linux") {
    "that takes PulseAudio or PipeWire (with pipewire-pulse), and a device that plays"
} else {
    "there is no device that plays"
};

/// What a device gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceKind {
    /// What people say: a microphone, or anything else that is plugged in.
    Microphone,
    /// What this machine plays: the others in a call.
    SystemAudio,
}

/// Whether a device is taken when none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It is, for its kind.
    Default,
    /// It is not.
    Other,
}

/// A device that can be recorded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputDevice {
    /// Its name among all devices of this system; does not change.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it gives.
    pub kind: DeviceKind,
    /// Whether it is taken when none is named.
    pub standing: Standing,
    /// Samples a second that it gives unless it is asked for others; it is not.
    pub rate_hz: u32,
    /// Channels that it has.
    pub n_channels: u16,
}

/// Which device is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The default microphone of the system.
    Default,
    /// One by its id, its name, or a part of its name that no other has.
    Named(String),
    /// What the default device of the system plays.
    SystemAudio,
}

/// Why there is no sound from a device.
#[derive(Debug, thiserror::Error)]
pub enum MicrophoneError {
    /// There is none.
    #[error("no microphone was found; plug one in, or see in the system's sound settings why there is none")]
    NoDevice,
    /// None has this name, or more than one has it as a part of its name.
    #[error("{} device is called {name:?}; `hansard record --list-devices` shows their names: {}", .how_many, .known.join(", "))]
    NotFound {
        /// The name that was asked for.
        name: String,
        /// `no` or `more than one`.
        how_many: &'static str,
        /// The names there are.
        known: Vec<String>,
    },
    /// What the machine plays cannot be recorded.
    #[error("what this machine plays cannot be recorded here: {}", SYSTEM_AUDIO_NEEDS)]
    NoSystemAudio,
    /// The system refuses it.
    #[error(
        "{device} cannot be recorded from: {reason}; see whether another program has it and whether this one may use it"
    )]
    Refused {
        /// The device, or what was asked of the system.
        device: String,
        /// What the system said.
        reason: String,
    },
    /// It does not answer.
    #[error("{device} does not answer; unplug it and plug it in again, or restart the system's sound service")]
    Unanswered {
        /// The device, or what was asked of the system.
        device: String,
    },
}

impl MicrophoneError {
    fn refused(device: &str) -> impl Fn(cpal::Error) -> Self + '_ {
        move |error| Self::Refused { device: device.to_owned(), reason: one_line(&error) }
    }
}

/// Something that a device tells while it is recorded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// It lost some sound itself.
    Skipped,
    /// The system moved the recording to another device.
    Rerouted,
    /// It gives nothing any more, for this reason.
    Lost(String),
}

/// A device that is recorded from, until this is dropped.
pub(super) struct Microphone {
    name: String,
    kind: DeviceKind,
    notices: Receiver<Notice>,
    _stream: Listening,
}

/// What listens; held for as long as it shall.
enum Listening {
    Cpal {
        _stream: Stream,
    },
    #[cfg(target_os = "linux")]
    Pulse {
        _stream: super::pulse::PulseStream,
    },
}

impl Microphone {
    /// What people call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What it gives.
    pub(super) fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// What it tells.
    pub(super) fn notices(&self) -> &Receiver<Notice> {
        &self.notices
    }
}

/// All devices that can be recorded from, defaults first, then by name.
pub fn input_devices() -> Result<Vec<InputDevice>, MicrophoneError> {
    patiently("the system's sound", LIST_PATIENCE, || {
        let mut devices: Vec<InputDevice> = candidates(&host()?)?
            .iter()
            .filter_map(|candidate| {
                let config = candidate.config().ok()?;
                Some(InputDevice {
                    id: candidate.id.clone(),
                    name: candidate.name.clone(),
                    kind: candidate.kind,
                    standing: candidate.standing,
                    rate_hz: config.sample_rate(),
                    n_channels: config.channels(),
                })
            })
            .collect();
        devices.sort_by(|a, b| (a.standing, a.kind, &a.name, &a.id).cmp(&(b.standing, b.kind, &b.name, &b.id)));
        Ok(devices)
    })
}

/// Starts to record from a device.
pub(super) fn open(choice: &DeviceChoice) -> Result<(Microphone, Intake), MicrophoneError> {
    let choice = choice.clone();
    let asked_for = match &choice {
        DeviceChoice::Default => "the default microphone".to_owned(),
        DeviceChoice::Named(name) => name.clone(),
        DeviceChoice::SystemAudio => "the sound that this machine plays".to_owned(),
    };
    patiently(&asked_for, OPEN_PATIENCE, move || {
        let candidates = candidates(&host()?)?;
        candidates[choose(&candidates, &choice)?].start()
    })
}

/// Does something in a thread that may be left to itself: whoever records cannot wait for ever.
pub(super) fn patiently<T: Send + 'static>(
    device: &str,
    patience: Duration,
    work: impl FnOnce() -> Result<T, MicrophoneError> + Send + 'static,
) -> Result<T, MicrophoneError> {
    let (sender, receiver) = bounded(1);
    let run = move || {
        // Where a card is missing, ALSA writes a dozen lines on stderr. What it is asked for fails, too, which says it.
        #[cfg(target_os = "linux")]
        let _unread = alsa::Output::local_error_handler();
        // Where nobody waits any more, what came of it is dropped, and a device with it.
        sender.send(work()).ok();
    };
    let thread = thread::Builder::new().name("hansard-devices".into()).spawn(run);
    thread.map_err(|error| MicrophoneError::Refused { device: device.to_owned(), reason: error.to_string() })?;
    receiver.recv_timeout(patience).unwrap_or_else(|_| Err(MicrophoneError::Unanswered { device: device.to_owned() }))
}

/// A device of the system that may be recorded from.
struct Candidate {
    #[cfg(target_os = "linux")]
    host: HostId,
    device: Device,
    id: String,
    name: String,
    kind: DeviceKind,
    standing: Standing,
    /// Whether it plays and what it plays is recorded.
    direction: Direction,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Input,
    Loopback,
}

/// The way to the system's sound: the first that works, in the order in which cpal prefers them.
pub(super) fn host() -> Result<Host, MicrophoneError> {
    let mut hosts = cpal::available_hosts().into_iter().filter_map(|id| cpal::host_from_id(id).ok());
    hosts.next().ok_or(MicrophoneError::NoDevice)
}

/// All of them, the default microphone first.
fn candidates(host: &Host) -> Result<Vec<Candidate>, MicrophoneError> {
    let id = |device: &Device| device.id().ok().map(|id| id.id().to_owned());
    let default_in = host.default_input_device();
    let default_in_id = default_in.as_ref().and_then(id);
    let default_out_id = host.default_output_device().as_ref().and_then(id);
    let default_monitor = default_out_id.as_ref().map(|id| format!("{id}{MONITOR_ENDING}"));
    let mut found: Vec<Candidate> = Vec::new();
    let inputs = host.input_devices().map_err(MicrophoneError::refused("the system's sound"))?;
    // The default of ALSA is in no list.
    for device in default_in.into_iter().chain(inputs) {
        let Some(id) = id(&device).filter(|id| is_for_people(id)) else { continue };
        if found.iter().any(|candidate| candidate.id == id) {
            continue;
        }
        let is_monitor = id.ends_with(MONITOR_ENDING);
        let kind = if is_monitor { DeviceKind::SystemAudio } else { DeviceKind::Microphone };
        let is_default = [default_in_id.as_ref(), default_monitor.as_ref()].contains(&Some(&id));
        let standing = if is_default { Standing::Default } else { Standing::Other };
        let (name, direction) = (name_of(&device, &id), Direction::Input);
        found.push(Candidate {
            #[cfg(target_os = "linux")]
            host: host.id(),
            device,
            id,
            name,
            kind,
            standing,
            direction,
        });
    }
    if HAS_LOOPBACK {
        let outputs = host.output_devices().map_err(MicrophoneError::refused("the system's sound"))?;
        for device in outputs {
            let Some(id) = id(&device) else { continue };
            if found.iter().any(|candidate| candidate.id == id) {
                continue;
            }
            let (kind, direction) = (DeviceKind::SystemAudio, Direction::Loopback);
            let standing = if default_out_id.as_ref() == Some(&id) { Standing::Default } else { Standing::Other };
            let name = name_of(&device, &id);
            found.push(Candidate {
                #[cfg(target_os = "linux")]
                host: host.id(),
                device,
                id,
                name,
                kind,
                standing,
                direction,
            });
        }
    }
    Ok(found)
}

/// ALSA lists each card under a dozen names: left out are those that only work for one program at a time or for sound
/// of one kind, for which there is another that converts, and those that give nothing.
pub(super) fn is_for_people(id: &str) -> bool {
    const LEFT_OUT: [&str; 13] = [
        "hw",
        "dsnoop",
        "dmix",
        "front",
        "rear",
        "center_lfe",
        "side",
        "surround",
        "iec958",
        "hdmi",
        "null",
        "lavrate",
        "samplerate",
    ];
    let kind = id.split(':').next().unwrap_or(id);
    let kind = if kind.starts_with("surround") { "surround" } else { kind };
    !LEFT_OUT.contains(&kind)
}

pub(super) fn name_of(device: &Device, id: &str) -> String {
    device.description().map_or_else(|_| id.to_owned(), |description| description.name().to_owned())
}

/// The place of the device that is meant.
fn choose(candidates: &[Candidate], choice: &DeviceChoice) -> Result<usize, MicrophoneError> {
    let default_of = |kind: DeviceKind| {
        let of_kind = || (0..candidates.len()).filter(move |idx| candidates[*idx].kind == kind);
        of_kind().find(|idx| candidates[*idx].standing == Standing::Default).or_else(|| of_kind().next())
    };
    match choice {
        // It is the first there is. Where it is a monitor, somebody wants it to be.
        DeviceChoice::Default => (0..candidates.len())
            .find(|idx| {
                candidates[*idx].standing == Standing::Default && candidates[*idx].direction == Direction::Input
            })
            .or_else(|| default_of(DeviceKind::Microphone))
            .ok_or(MicrophoneError::NoDevice),
        DeviceChoice::SystemAudio => default_of(DeviceKind::SystemAudio).ok_or(MicrophoneError::NoSystemAudio),
        DeviceChoice::Named(name) => {
            let names: Vec<(&str, &str)> =
                candidates.iter().map(|candidate| (candidate.id.as_str(), candidate.name.as_str())).collect();
            named(&names, name)
        }
    }
}

/// The place of the device with this id or name, given all ids and names.
pub(super) fn named(devices: &[(&str, &str)], wanted: &str) -> Result<usize, MicrophoneError> {
    let exact = devices.iter().position(|(id, name)| *id == wanted || *name == wanted);
    if let Some(idx) = exact {
        return Ok(idx);
    }
    let part = wanted.to_lowercase();
    let is_like = |idx: &usize| !part.is_empty() && devices[*idx].1.to_lowercase().contains(&part);
    let like: Vec<usize> = (0..devices.len()).filter(is_like).collect();
    match like.as_slice() {
        [idx] => Ok(*idx),
        several => Err(MicrophoneError::NotFound {
            name: wanted.to_owned(),
            how_many: if several.is_empty() { "no" } else { "more than one" },
            known: devices.iter().map(|(_, name)| (*name).to_owned()).collect(),
        }),
    }
}

impl Candidate {
    fn config(&self) -> Result<SupportedStreamConfig, cpal::Error> {
        match self.direction {
            Direction::Input => self.device.default_input_config(),
            Direction::Loopback => self.device.default_output_config(),
        }
    }

    fn start(&self) -> Result<(Microphone, Intake), MicrophoneError> {
        let (notice_sink, notices) = bounded(NOTICE_CAPACITY);
        let (stream, intake) = self.listen(notice_sink)?;
        Ok((Microphone { name: self.name.clone(), kind: self.kind, notices, _stream: stream }, intake))
    }

    fn listen(&self, notices: Sender<Notice>) -> Result<(Listening, Intake), MicrophoneError> {
        #[cfg(target_os = "linux")]
        if self.host == HostId::PulseAudio {
            let (stream, intake) = super::pulse::record(&self.id, PERIODS_PER_SEC, RING_SECS, notices)
                .map_err(|reason| MicrophoneError::Refused { device: self.name.clone(), reason })?;
            return Ok((Listening::Pulse { _stream: stream }, intake));
        }
        let refused = MicrophoneError::refused(&self.name);
        let supported = self.config().map_err(|error| match error.kind() {
            // ALSA has a default even where there is no card.
            ErrorKind::DeviceNotAvailable if self.standing == Standing::Default => MicrophoneError::NoDevice,
            _ => refused(error),
        })?;
        let format = SoundFormat::new(supported.sample_rate(), supported.channels()).ok_or_else(|| {
            MicrophoneError::Refused { device: self.name.clone(), reason: "it has no channels".to_owned() }
        })?;
        let attempt = |buffer_size| {
            let (feed, intake) = ring(format, RING_SECS);
            let config = StreamConfig { buffer_size, ..supported.config() };
            let stream = build(&self.device, config, supported.sample_format(), feed, notices.clone())?;
            Ok::<_, cpal::Error>((stream, intake))
        };
        let (stream, intake) = match attempt(period(&supported)) {
            // What a device says of its periods is not always true.
            Err(error) if error.kind() == ErrorKind::UnsupportedConfig => attempt(BufferSize::Default),
            attempted => attempted,
        }
        .map_err(&refused)?;
        stream.play().map_err(&refused)?;
        Ok((Listening::Cpal { _stream: stream }, intake))
    }
}

/// ALSA's plugins sometimes give a few samples at a time if they are not asked for more.
fn period(supported: &SupportedStreamConfig) -> BufferSize {
    match supported.buffer_size() {
        SupportedBufferSize::Range { min, max } if min <= max => {
            BufferSize::Fixed((supported.sample_rate() / PERIODS_PER_SEC).clamp((*min).max(1), (*max).max(1)))
        }
        SupportedBufferSize::Range { .. } | SupportedBufferSize::Unknown => BufferSize::Default,
    }
}

fn build(
    device: &Device,
    config: StreamConfig,
    sample_format: SampleFormat,
    feed: Feed,
    notices: Sender<Notice>,
) -> Result<Stream, cpal::Error> {
    match sample_format {
        SampleFormat::I8 => build_for::<i8>(device, config, feed, notices),
        SampleFormat::I16 => build_for::<i16>(device, config, feed, notices),
        SampleFormat::I24 => build_for::<I24>(device, config, feed, notices),
        SampleFormat::I32 => build_for::<i32>(device, config, feed, notices),
        SampleFormat::I64 => build_for::<i64>(device, config, feed, notices),
        SampleFormat::U8 => build_for::<u8>(device, config, feed, notices),
        SampleFormat::U16 => build_for::<u16>(device, config, feed, notices),
        SampleFormat::U24 => build_for::<U24>(device, config, feed, notices),
        SampleFormat::U32 => build_for::<u32>(device, config, feed, notices),
        SampleFormat::U64 => build_for::<u64>(device, config, feed, notices),
        SampleFormat::F32 => build_for::<f32>(device, config, feed, notices),
        SampleFormat::F64 => build_for::<f64>(device, config, feed, notices),
        other => {
            let message = format!("its samples are of a kind that Hansard does not know ({other})");
            Err(cpal::Error::with_message(ErrorKind::UnsupportedOperation, message))
        }
    }
}

fn build_for<T>(
    device: &Device,
    config: StreamConfig,
    mut feed: Feed,
    notices: Sender<Notice>,
) -> Result<Stream, cpal::Error>
where
    T: SizedSample + 'static,
    f32: FromSample<T>,
{
    let copy = move |samples: &[T], _: &cpal::InputCallbackInfo| {
        feed.push(samples.iter().map(|sample| f32::from_sample(*sample)));
    };
    let tell = move |error: cpal::Error| {
        // Where nobody reads them, there is one that says the same already.
        if let Some(notice) = notice_of(&error) {
            notices.try_send(notice).ok();
        }
    };
    device.build_input_stream(config, copy, tell, Some(CPAL_TIMEOUT))
}

/// What an error means for a recording: a device that tells of anything but a small mishap is opened anew.
fn notice_of(error: &cpal::Error) -> Option<Notice> {
    match error.kind() {
        ErrorKind::Xrun => Some(Notice::Skipped),
        ErrorKind::DeviceChanged => Some(Notice::Rerouted),
        ErrorKind::RealtimeDenied => None,
        ErrorKind::DeviceNotAvailable => Some(Notice::Lost("it was unplugged or switched off".to_owned())),
        _ => Some(Notice::Lost(one_line(error))),
    }
}

pub(super) fn one_line(error: &cpal::Error) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_found_by_id_name_or_a_part_of_it() {
        let devices = [
            ("alsa_input.usb", "USB Microphone"),
            ("alsa_input.pci", "Built-in Microphone"),
            ("sink.monitor", "Monitor of Speakers"),
            ("usb", "Headset"),
        ];
        for (wanted, expected) in [
            ("alsa_input.pci", Ok(1)),
            ("USB Microphone", Ok(0)),
            ("usb", Ok(3)),
            ("built-in", Ok(1)),
            ("SPEAKERS", Ok(2)),
            ("microphone", Err("more than one device")),
            ("webcam", Err("no device")),
            ("", Err("no device")),
        ] {
            match (named(&devices, wanted), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{wanted}"),
                (Err(error), Err(expected)) => assert!(error.to_string().starts_with(expected), "{wanted}: {error}"),
                (found, expected) => panic!("{wanted}: {found:?} instead of {expected:?}"),
            }
        }
    }

    #[test]
    fn names_of_alsa_that_nobody_wants_are_left_out() {
        for (id, is_shown) in [
            ("default", true),
            ("pulse", true),
            ("plughw:CARD=0,DEV=0", true),
            ("sysdefault:CARD=PCH", true),
            ("alsa_input.pci-0000_00_1f.3.analog-stereo", true),
            ("hw:CARD=0,DEV=0", false),
            ("surround51:CARD=PCH,DEV=0", false),
            ("null", false),
        ] {
            assert_eq!(is_for_people(id), is_shown, "{id}");
        }
    }

    #[test]
    fn an_error_is_a_mishap_or_a_loss() {
        for (kind, expected) in [
            (ErrorKind::Xrun, "Some(Skipped)"),
            (ErrorKind::RealtimeDenied, "None"),
            (ErrorKind::DeviceChanged, "Some(Rerouted)"),
            (ErrorKind::DeviceNotAvailable, "Some(Lost(\"it was unplugged or switched off\"))"),
        ] {
            assert_eq!(format!("{:?}", notice_of(&cpal::Error::new(kind))), expected);
        }
        let other = notice_of(&cpal::Error::with_message(ErrorKind::BackendError, "I/O\nerror."));
        assert_eq!(other, Some(Notice::Lost("I/O error".to_owned())));
    }
}
