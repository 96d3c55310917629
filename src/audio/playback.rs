//! Devices that sound can be heard from: the only place that knows cpal's output. What is played, the player decides.
//!
//! - The device's callback takes frames from the ring and does nothing else. What goes wrong is told through a channel.
//! - Devices are named, looked for and waited for as those are that sound is recorded from (`audio/microphone.rs`).

use std::num::NonZero;
use std::time::Duration;

use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, Host, I24, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedBufferSize, SupportedStreamConfig, U24,
};
use crossbeam_channel::{Receiver, Sender, bounded};

use super::microphone::{
    CPAL_TIMEOUT, LIST_PATIENCE, OPEN_PATIENCE, Standing, host, is_for_people, name_of, named, one_line, patiently,
};
use super::player::{Inlet, Outlet, Output, OutputDevice, OutputError, Outputs, ring};

/// How often a device takes sound: a pause is heard within that time.
const PERIODS_PER_SEC: u32 = 25;
/// Reasons of a loss; the first one says it.
const LOSS_CAPACITY: usize = 4;

/// The devices of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemOutputs;

impl Outputs for SystemOutputs {
    fn devices(&self) -> Result<Vec<OutputDevice>, OutputError> {
        patiently("the system's sound", LIST_PATIENCE, || Ok(listed()))?
    }

    fn open(&self, device: Option<&str>) -> Result<Box<dyn Output>, OutputError> {
        let asked_for = device.unwrap_or("the default device").to_owned();
        let device = device.map(str::to_owned);
        patiently(&asked_for, OPEN_PATIENCE, move || Ok(opened(device.as_deref())))?
    }
}

fn listed() -> Result<Vec<OutputDevice>, OutputError> {
    let mut devices: Vec<OutputDevice> = candidates(&host()?)?.into_iter().map(|(_, device)| device).collect();
    devices.sort_by(|a, b| (a.standing, &a.name, &a.id).cmp(&(b.standing, &b.name, &b.id)));
    Ok(devices)
}

fn opened(wanted: Option<&str>) -> Result<Box<dyn Output>, OutputError> {
    let candidates = candidates(&host()?)?;
    let idx = match wanted {
        None => 0,
        Some(wanted) => {
            let names: Vec<(&str, &str)> =
                candidates.iter().map(|(_, device)| (device.id.as_str(), device.name.as_str())).collect();
            named(&names, wanted)?
        }
    };
    let (device, OutputDevice { name, .. }) = candidates.into_iter().nth(idx).ok_or(OutputError::NoDevice)?;
    Ok(Box::new(Speaker::start(&device, name)?))
}

/// All devices that play, the default one first.
fn candidates(host: &Host) -> Result<Vec<(Device, OutputDevice)>, OutputError> {
    let id = |device: &Device| device.id().ok().map(|id| id.id().to_owned());
    let default = host.default_output_device();
    let default_id = default.as_ref().and_then(id);
    let mut found: Vec<(Device, OutputDevice)> = Vec::new();
    let outputs = host.output_devices().map_err(refused("the system's sound"))?;
    // The default of ALSA is in no list.
    for device in default.into_iter().chain(outputs) {
        let Some(id) = id(&device).filter(|id| is_for_people(id)) else { continue };
        if found.iter().any(|(_, known)| known.id == id) {
            continue;
        }
        let standing = if default_id.as_ref() == Some(&id) { Standing::Default } else { Standing::Other };
        let name = name_of(&device, &id);
        found.push((device, OutputDevice { id, name, standing }));
    }
    Ok(found)
}

fn refused(device: &str) -> impl Fn(cpal::Error) -> OutputError + '_ {
    move |error| OutputError::Refused { device: device.to_owned(), reason: one_line(&error) }
}

/// A device that plays, until this is dropped.
struct Speaker {
    name: String,
    inlet: Inlet,
    losses: Receiver<String>,
    stream: Stream,
}

impl Speaker {
    fn start(device: &Device, name: String) -> Result<Self, OutputError> {
        let supported = device.default_output_config().map_err(refused(&name))?;
        let no_sound = || OutputError::Refused { device: name.clone(), reason: "it has no channels".to_owned() };
        let rate_hz = NonZero::new(supported.sample_rate()).ok_or_else(no_sound)?;
        let n_channels = NonZero::new(usize::from(supported.channels())).ok_or_else(no_sound)?;
        let (loss_sink, losses) = bounded(LOSS_CAPACITY);
        let attempt = |buffer_size| {
            let (inlet, outlet) = ring(rate_hz);
            let config = StreamConfig { buffer_size, ..supported.config() };
            let line = Line { outlet, n_channels, rate_hz, losses: loss_sink.clone() };
            let stream = build(device, config, supported.sample_format(), line)?;
            Ok::<_, cpal::Error>((stream, inlet))
        };
        let (stream, inlet) = match attempt(period(&supported)) {
            // What a device says of its periods is not always true.
            Err(error) if error.kind() == ErrorKind::UnsupportedConfig => attempt(BufferSize::Default),
            attempted => attempted,
        }
        .map_err(refused(&name))?;
        stream.play().map_err(refused(&name))?;
        Ok(Self { name, inlet, losses, stream })
    }
}

impl Output for Speaker {
    fn name(&self) -> &str {
        &self.name
    }

    fn inlet(&mut self) -> &mut Inlet {
        &mut self.inlet
    }

    fn loss(&mut self) -> Option<String> {
        self.losses.try_recv().ok()
    }

    fn rest(&mut self) {
        // A device that cannot pause plays silence.
        self.stream.pause().ok();
    }

    fn wake(&mut self) -> Result<(), OutputError> {
        self.stream.play().map_err(refused(&self.name))
    }
}

fn period(supported: &SupportedStreamConfig) -> BufferSize {
    match supported.buffer_size() {
        SupportedBufferSize::Range { min, max } if min <= max => {
            BufferSize::Fixed((supported.sample_rate() / PERIODS_PER_SEC).clamp((*min).max(1), (*max).max(1)))
        }
        SupportedBufferSize::Range { .. } | SupportedBufferSize::Unknown => BufferSize::Default,
    }
}

/// What the device's thread holds.
struct Line {
    outlet: Outlet,
    n_channels: NonZero<usize>,
    rate_hz: NonZero<u32>,
    losses: Sender<String>,
}

fn build(
    device: &Device,
    config: StreamConfig,
    sample_format: SampleFormat,
    line: Line,
) -> Result<Stream, cpal::Error> {
    match sample_format {
        SampleFormat::I8 => build_for::<i8>(device, config, line),
        SampleFormat::I16 => build_for::<i16>(device, config, line),
        SampleFormat::I24 => build_for::<I24>(device, config, line),
        SampleFormat::I32 => build_for::<i32>(device, config, line),
        SampleFormat::I64 => build_for::<i64>(device, config, line),
        SampleFormat::U8 => build_for::<u8>(device, config, line),
        SampleFormat::U16 => build_for::<u16>(device, config, line),
        SampleFormat::U24 => build_for::<U24>(device, config, line),
        SampleFormat::U32 => build_for::<u32>(device, config, line),
        SampleFormat::U64 => build_for::<u64>(device, config, line),
        SampleFormat::F32 => build_for::<f32>(device, config, line),
        SampleFormat::F64 => build_for::<f64>(device, config, line),
        other => {
            let message = format!("its samples are of a kind that Hansard does not know ({other})");
            Err(cpal::Error::with_message(ErrorKind::UnsupportedOperation, message))
        }
    }
}

fn build_for<T>(device: &Device, config: StreamConfig, line: Line) -> Result<Stream, cpal::Error>
where
    T: SizedSample + FromSample<f32> + 'static,
{
    let Line { mut outlet, n_channels, rate_hz, losses } = line;
    let play = move |samples: &mut [T], info: &cpal::OutputCallbackInfo| {
        let n_frames = samples.len() / n_channels;
        let at = info.timestamp();
        let buffer = Duration::from_secs_f64(n_frames as f64 / f64::from(rate_hz.get()));
        let until_heard = at.playback.duration_since(at.callback) + buffer;
        outlet.give(n_frames, until_heard, |n, [left, right]| {
            let frame = &mut samples[n * n_channels.get()..][..n_channels.get()];
            for (channel, sample) in frame.iter_mut().enumerate() {
                let heard = match channel {
                    0 if n_channels.get() == 1 => f32::midpoint(left, right),
                    0 => left,
                    1 => right,
                    // Channels for more than two ears.
                    _ => 0.0,
                };
                // Devices of whole numbers overflow beyond this.
                *sample = T::from_sample(heard.clamp(-1.0, 1.0));
            }
        });
    };
    let tell = move |error: cpal::Error| {
        if let Some(reason) = loss_of(&error) {
            // Where there is no room, a loss is told already.
            losses.try_send(reason).ok();
        }
    };
    device.build_output_stream(config, play, tell, Some(CPAL_TIMEOUT))
}

/// What an error means for listening: a device that tells of anything but a small mishap is lost.
fn loss_of(error: &cpal::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => None,
        ErrorKind::DeviceNotAvailable => Some("it was unplugged or switched off".to_owned()),
        _ => Some(one_line(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_mishap_or_a_loss() {
        for (kind, expected) in [
            (ErrorKind::Xrun, None),
            (ErrorKind::RealtimeDenied, None),
            (ErrorKind::DeviceChanged, None),
            (ErrorKind::DeviceNotAvailable, Some("it was unplugged or switched off")),
        ] {
            assert_eq!(loss_of(&cpal::Error::new(kind)).as_deref(), expected, "{kind:?}");
        }
    }
}
