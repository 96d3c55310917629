//! Recording straight from PulseAudio, or PipeWire in its place, by the client that cpal brings.
//!
//! cpal records from them too, but has the server keep no more than one piece of sound for it: whenever the server is
//! late to send one, the next finds no room and is thrown away without a word. Here it keeps as much as it can.

use std::ffi::CString;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use pollster::block_on;
use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{PulseError, RecordStreamParams, SampleFormat, SampleSpec};
use pulseaudio::{Client, ClientError, RecordStream};

use super::microphone::Notice;
use super::recorder::{Intake, SoundFormat, ring};

/// How often the server is asked whether the source is still there.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long it may take to answer that.
const PATIENCE: Duration = Duration::from_secs(3);
/// The most sound that comes at once: servers keep a few MB for a program, of which a piece must be a small part.
const MAX_PIECE_BYTES: u32 = 1 << 19;

/// A source that is recorded from, until this is dropped.
pub(super) struct PulseStream {
    _stream: RecordStream,
    /// When it goes, the thread that looks after the source ends.
    _watched: Sender<()>,
}

/// Starts to record from a source of the server, in so many pieces a second, into a ring with room for `ring_secs`.
///
/// # Errors
/// What the server said, in one line.
pub(super) fn record(
    source: &str,
    pieces_per_sec: u32,
    ring_secs: usize,
    notices: Sender<Notice>,
) -> Result<(PulseStream, Intake), String> {
    let name = CString::new(source).map_err(|error| error.to_string())?;
    let client = Client::from_env(c"Hansard").map_err(|error| reason(&error))?;
    let source = block_on(client.source_info_by_name(name)).map_err(|error| reason(&error))?;
    let n_channels = source.channel_map.num_channels();
    let rate_hz = source.sample_spec.sample_rate;
    let format = SoundFormat::new(rate_hz, u16::from(n_channels)).ok_or("it has no channels")?;
    let n_frame_bytes = u32::from(n_channels) * size_of::<f32>() as u32;
    let n_piece_frames = (rate_hz / pieces_per_sec).min(MAX_PIECE_BYTES / n_frame_bytes);
    let params = RecordStreamParams {
        sample_spec: SampleSpec { format: SampleFormat::Float32Le, channels: n_channels, sample_rate: rate_hz },
        channel_map: source.channel_map,
        source_index: Some(source.index),
        buffer_attr: BufferAttr {
            max_length: u32::MAX,
            fragment_size: n_piece_frames * n_frame_bytes,
            ..BufferAttr::default()
        },
        // Without the first, sound comes in the pieces that the device finds convenient, of up to two seconds. With the
        // second, a source that goes away is told to the user: the server would put another in its place in silence.
        flags: StreamFlags { adjust_latency: true, no_move: true, ..StreamFlags::default() },
        ..RecordStreamParams::default()
    };
    let (mut feed, intake) = ring(format, ring_secs);
    let copy = move |bytes: &[u8]| {
        let (samples, _) = bytes.as_chunks();
        feed.push(samples.iter().map(|sample| f32::from_le_bytes(*sample)));
    };
    let stream = block_on(client.create_record_stream(params, copy)).map_err(|error| reason(&error))?;
    let (watched, end) = bounded(0);
    let look_after = {
        let stream = stream.clone();
        move || look_after(&stream, &end, &notices)
    };
    thread::Builder::new().name("hansard-pulse".into()).spawn(look_after).map_err(|error| error.to_string())?;
    Ok((PulseStream { _stream: stream, _watched: watched }, intake))
}

/// Tells when the source is gone, which the client does not, or when the server hangs.
fn look_after(stream: &RecordStream, end: &Receiver<()>, notices: &Sender<Notice>) {
    while end.recv_timeout(LOOK_AGAIN) == Err(RecvTimeoutError::Timeout) {
        let reason = match answer(stream.timing_info(), PATIENCE) {
            Some(Ok(_)) => continue,
            Some(Err(error)) => reason(&error),
            None => "the sound server does not answer".to_owned(),
        };
        // Where nobody reads them, there is one that says the same already.
        notices.try_send(Notice::Lost(reason)).ok();
        return;
    }
}

/// What the server answers; `None` where that takes it too long.
fn answer<T>(question: impl Future<Output = T>, patience: Duration) -> Option<T> {
    let mut question = pin!(question);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let asked = Instant::now();
    loop {
        if let Poll::Ready(answer) = question.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(answer);
        }
        thread::park_timeout(patience.checked_sub(asked.elapsed())?);
    }
}

/// Wakes a thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn reason(error: &ClientError) -> String {
    match error {
        ClientError::ServerError(PulseError::NoEntity) => "it was unplugged or switched off".to_owned(),
        ClientError::ServerError(PulseError::AccessDenied | PulseError::AuthKey) => {
            "the sound server does not let this program in".to_owned()
        }
        ClientError::Disconnected | ClientError::Io(_) => "the sound server has ended".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn answers_are_waited_for_no_longer_than_so() {
        assert_eq!(answer(ready(1), Duration::ZERO), Some(1));
        assert_eq!(answer(pending::<i32>(), Duration::from_millis(1)), None);
    }
}
