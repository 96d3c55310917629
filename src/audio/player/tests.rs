//! The player with a device that plays when the test pulls at it, and recordings of which every sample tells its place.

use std::f64::consts::TAU;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard};

use hound::{SampleFormat, WavSpec, WavWriter};
use tempfile::TempDir;

use super::*;
use crate::audio::microphone::Standing;

/// A sample is its place divided by this, which a 32-bit float can hold exactly.
const PLACES: f32 = 1_048_576.0;
const RATE_HZ: u32 = 16_000;

/// A table with a device on it.
#[derive(Clone)]
struct Desk(Arc<Mutex<OnDesk>>);

struct OnDesk {
    rate_hz: NonZero<u32>,
    outlet: Option<Outlet>,
    loss: Option<String>,
    opened: Vec<Option<String>>,
}

impl Desk {
    fn new(rate_hz: u32) -> Self {
        let rate_hz = NonZero::new(rate_hz).expect("not zero");
        Self(Arc::new(Mutex::new(OnDesk { rate_hz, outlet: None, loss: None, opened: Vec::new() })))
    }

    fn look(&self) -> MutexGuard<'_, OnDesk> {
        self.0.lock().expect("no test panicked")
    }
}

impl Outputs for Desk {
    fn devices(&self) -> Result<Vec<OutputDevice>, OutputError> {
        Ok(vec![OutputDevice { id: "desk".into(), name: "Desk".into(), standing: Standing::Default }])
    }

    fn open(&self, device: Option<&str>) -> Result<Box<dyn Output>, OutputError> {
        if device == Some("gone") {
            return Err(OutputError::NoDevice);
        }
        let mut desk = self.look();
        let (inlet, outlet) = ring(desk.rate_hz);
        desk.outlet = Some(outlet);
        desk.opened.push(device.map(str::to_owned));
        Ok(Box::new(OnDeskOutput { desk: self.clone(), inlet }))
    }
}

struct OnDeskOutput {
    desk: Desk,
    inlet: Inlet,
}

impl Output for OnDeskOutput {
    fn name(&self) -> &'static str {
        "Desk"
    }

    fn inlet(&mut self) -> &mut Inlet {
        &mut self.inlet
    }

    fn loss(&mut self) -> Option<String> {
        self.desk.look().loss.take()
    }

    fn rest(&mut self) {}

    fn wake(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

struct Bench {
    player: Player,
    desk: Desk,
    happened: Vec<Happening>,
    _folder: TempDir,
}

impl Bench {
    /// A player that has loaded a recording of one channel, and plays.
    fn playing(samples: impl Iterator<Item = f32>, rate_hz: u32, device_hz: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sound.wav");
        let spec =
            WavSpec { channels: 1, sample_rate: rate_hz, bits_per_sample: 32, sample_format: SampleFormat::Float };
        let mut writer = WavWriter::create(&path, spec).expect("a writable folder");
        for sample in samples {
            writer.write_sample(sample).expect("a writable folder");
        }
        writer.finalize().expect("a writable folder");
        let desk = Desk::new(device_hz);
        let mut player = Player::new(Box::new(desk.clone()));
        player.load(Source::open(&path).expect("a recording"));
        player.play().expect("a device");
        Self { player, desk, happened: Vec::new(), _folder: folder }
    }

    /// A recording of so many seconds, of which every sample tells its place.
    fn of_places(secs: f64) -> Self {
        let n_samples = (secs * f64::from(RATE_HZ)) as usize;
        Self::playing((0..n_samples).map(|n| (n + 1) as f32 / PLACES), RATE_HZ, RATE_HZ)
    }

    /// Lets the device play for a while.
    fn hear(&mut self, secs: f64) -> Vec<f32> {
        let rate = f64::from(self.desk.look().rate_hz.get());
        let mut heard = vec![0.0; (secs * rate).round() as usize];
        for part in heard.chunks_mut((rate / 100.0) as usize) {
            let (_, happening) = self.player.tick().expect("it can be read");
            self.happened.extend(happening);
            let mut desk = self.desk.look();
            let outlet = desk.outlet.as_mut().expect("a device that was opened");
            outlet.give(part.len(), Duration::ZERO, |n, frame| part[n] = frame[0]);
        }
        heard
    }

    /// Hears so much, and finds that the position is right after the sample that was heard last.
    fn hear_and_check(&mut self, secs: f64) -> f64 {
        let heard = self.hear(secs);
        let place = f64::from(heard.last().expect("something") * PLACES);
        let position = self.player.position().0 * f64::from(RATE_HZ);
        assert!((position - place).abs() < 1e-3, "the place is {place}, not {position}");
        position / f64::from(RATE_HZ)
    }
}

fn tone(hz: f64, rate_hz: u32, secs: f64) -> impl Iterator<Item = f32> {
    let rate = f64::from(rate_hz);
    (0..(secs * rate) as usize).map(move |n| (TAU * hz * n as f64 / rate).sin() as f32 / 2.0)
}

#[test]
fn the_position_is_that_of_the_sample_that_is_heard() {
    let mut bench = Bench::of_places(60.0);
    assert!((bench.hear_and_check(0.3) - 0.3).abs() < 1e-9);
    for to in [17.25, 3.0, 59.0, 0.0, 31.000_062_5, 31.5] {
        bench.player.seek(Seconds(to));
        assert!((bench.player.position().0 - to).abs() < 1e-4, "at once");
        let position = bench.hear_and_check(0.4);
        // The sound before the seek fades for a moment.
        assert!(position > to + 0.38 && position <= to + 0.4, "{to}: {position}");
    }
    bench.player.jump(Seconds(-5.0));
    assert!((bench.player.position().0 - 26.9).abs() < 0.02);
    bench.player.jump(Seconds(-500.0));
    assert!(bench.player.position().0.abs() < 1e-9);
}

#[test]
fn a_pause_keeps_the_place() {
    let mut bench = Bench::of_places(10.0);
    bench.hear(0.5);
    bench.player.pause();
    bench.hear(0.1);
    let at = bench.player.position().0;
    assert!((0.5..0.52).contains(&at), "it fades: {at}");
    assert!(bench.hear(3.0).iter().all(|sample| *sample == 0.0));
    assert!((bench.player.position().0 - at).abs() < 1e-9);
    bench.player.play().expect("a device");
    assert!((bench.hear_and_check(0.5) - at - 0.5).abs() < 1e-6);
}

#[test]
fn twice_the_speed_takes_half_the_time_and_keeps_the_pitch() {
    for (speed, rate_hz, device_hz) in
        [(1.0, 16_000, 48_000), (2.0, 16_000, 48_000), (0.5, 44_100, 48_000), (3.0, 48_000, 48_000)]
    {
        let mut bench = Bench::playing(tone(440.0, rate_hz, 4.0), rate_hz, device_hz);
        bench.player.set_speed(speed);
        let mut heard = Vec::new();
        while bench.happened.is_empty() {
            heard.extend(bench.hear(0.05));
        }
        let rate = f64::from(device_hz);
        let secs = heard.iter().rposition(|sample| sample.abs() > 1e-3).expect("a tone") as f64 / rate;
        assert!((secs - 4.0 / speed).abs() < 0.03, "{speed} times: {secs} s");
        let inside = &heard[(0.05 * rate) as usize..((4.0 / speed - 0.1) * rate) as usize];
        let n_crossings = inside.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count();
        let hz = n_crossings as f64 / 2.0 / (inside.len() as f64 / rate);
        assert!((hz - 440.0).abs() < 9.0, "{speed} times: {hz} Hz");
    }
}

#[test]
fn the_position_keeps_its_pace_at_other_speeds_and_rates() {
    let mut bench = Bench::playing(tone(300.0, 22_050, 30.0), 22_050, 48_000);
    bench.player.set_speed(2.0);
    bench.player.seek(Seconds(10.0));
    bench.hear(3.0);
    assert!((bench.player.position().0 - 16.0).abs() < 0.001);
    bench.player.set_speed(0.75);
    bench.hear(2.0);
    assert!((bench.player.position().0 - 17.5).abs() < 0.02);
    bench.player.set_speed(f64::NAN);
    assert!((bench.player.speed() - 1.0).abs() < 1e-9);
}

#[test]
fn a_loop_is_heard_again_and_again() {
    let mut bench = Bench::of_places(20.0);
    bench.player.set_loop(Some(TimeSpan::from_secs(5.0, 6.0)));
    bench.player.seek(Seconds(5.5));
    let heard = bench.hear(4.0);
    let outside = heard.iter().filter(|sample| **sample * PLACES > 6.0 * 16_000.0 + 1.0).count();
    assert_eq!(outside, 0);
    let n_jumps = heard.windows(2).filter(|pair| pair[0] > 0.05 && pair[1] < pair[0] / 2.0).count();
    assert_eq!(n_jumps, 0, "joints fade instead of clicking");
    let position = bench.player.position().0;
    assert!((5.48..5.52).contains(&position), "5.5 s, four rounds later: {position}");
    bench.player.set_loop(None);
    bench.hear(1.0);
    assert!((bench.player.position().0 - 6.5).abs() < 0.04);
}

#[test]
fn silence_is_left_out() {
    let mut bench = Bench::of_places(30.0);
    bench.player.play_only(Some(vec![TimeSpan::from_secs(2.0, 4.0), TimeSpan::from_secs(20.0, 21.0)]));
    let heard = bench.hear(4.0);
    assert_eq!(bench.happened, [Happening::Ended]);
    let secs: Vec<f64> = heard.iter().map(|sample| f64::from(sample * PLACES) / 16_000.0).collect();
    // Where stretches are joined they are softer, so that samples there tell no place.
    let n_between = secs.iter().filter(|secs| (4.21..19.0).contains(*secs) || **secs > 21.21).count();
    assert!(n_between < 400, "what lies between is not heard: {n_between}");
    for expected in [2.0, 3.9, 20.0, 20.9] {
        assert!(secs.iter().any(|secs| (secs - expected).abs() < 1e-3), "{expected} s is heard");
    }
    assert!((bench.player.position().0 - 30.0).abs() < 1e-6, "the end");
}

#[test]
fn at_the_end_it_stops_and_begins_again() {
    let mut bench = Bench::of_places(1.0);
    bench.hear(1.2);
    assert_eq!(bench.happened, [Happening::Ended]);
    assert!(!bench.player.is_playing());
    assert!((bench.player.position().0 - 1.0).abs() < 1e-9);
    bench.player.play().expect("a device");
    assert!((bench.hear_and_check(0.5) - 0.5).abs() < 0.001);
    bench.player.seek(Seconds(99.0));
    bench.hear(0.1);
    assert_eq!(bench.happened.len(), 2, "a place behind the end is the end");
}

#[test]
fn a_device_that_vanishes_pauses_and_the_default_one_goes_on() {
    let mut bench = Bench::of_places(20.0);
    bench.player.set_device(Some("desk".to_owned())).expect("it is there");
    bench.player.seek(Seconds(5.0));
    let before = bench.hear_and_check(0.5);
    bench.desk.look().loss = Some("it was unplugged".to_owned());
    bench.hear(0.1);
    assert!(matches!(&bench.happened[..], [Happening::DeviceLost(text)] if text.contains("Desk is gone: it was unpl")));
    assert!(!bench.player.is_playing());
    assert!((bench.player.position().0 - before).abs() < 1e-6);
    bench.player.play().expect("the default device");
    assert!((bench.hear_and_check(0.5) - before - 0.5).abs() < 0.001);
    assert_eq!(bench.desk.look().opened, [None, Some("desk".to_owned()), None]);
    assert_eq!(bench.player.set_device(Some("gone".to_owned())), Err(OutputError::NoDevice));
    assert!(bench.player.is_playing(), "the device before is kept");
}

#[test]
fn the_volume_changes_without_a_click() {
    let mut bench = Bench::playing((0..160_000).map(|_| 0.5), RATE_HZ, RATE_HZ);
    bench.hear(0.2);
    bench.player.set_volume(0.2);
    let heard = bench.hear(0.2);
    assert!((heard[3000] - 0.1).abs() < 1e-6, "{}", heard[3000]);
    assert!(heard.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.01));
}
