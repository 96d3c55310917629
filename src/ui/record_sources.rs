//! What is listened to when the next recording begins: a microphone, what this computer plays, or both; and the devices
//! there are. No egui in here.

use crate::engine::recording::{DeviceKind, InputDevice, RecordSource, Standing};

use super::texts::{text, text_with};

/// What is listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Hearing {
    /// A microphone.
    #[default]
    Microphone,
    /// What this computer plays.
    System,
    /// A microphone in the first channel, what this computer plays in the second.
    Both,
}

/// The choice, and what there is to choose from.
#[derive(Debug, Default)]
pub(super) struct Sources {
    hearing: Hearing,
    microphone: Option<InputDevice>,
    system: Option<InputDevice>,
    /// What is recorded in the place of all of these, for trying out.
    stand_in: Option<RecordSource>,
    devices: Vec<InputDevice>,
    /// Why the devices are not known.
    problem: Option<String>,
    request: Request,
}

/// Whether the engine is asked for the devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Request {
    /// It never was.
    #[default]
    Unasked,
    /// It has not answered yet.
    Asked,
    /// It has.
    Answered,
}

impl Sources {
    /// What is listened to.
    pub(super) fn hearing(&self) -> Hearing {
        self.hearing
    }

    /// Chooses what is listened to.
    pub(super) fn hear(&mut self, hearing: Hearing) {
        self.hearing = hearing;
    }

    /// The devices of a kind.
    pub(super) fn devices(&self, kind: DeviceKind) -> impl Iterator<Item = &InputDevice> {
        self.devices.iter().filter(move |device| device.kind == kind)
    }

    /// The device of a kind that the user chose; `None` for the default one.
    pub(super) fn chosen(&self, kind: DeviceKind) -> Option<&InputDevice> {
        match kind {
            DeviceKind::Microphone => self.microphone.as_ref(),
            DeviceKind::SystemAudio => self.system.as_ref(),
        }
    }

    /// Chooses a device of a kind, or the default one.
    pub(super) fn choose(&mut self, kind: DeviceKind, device: Option<InputDevice>) {
        match kind {
            DeviceKind::Microphone => self.microphone = device,
            DeviceKind::SystemAudio => self.system = device,
        }
    }

    /// Which kinds of devices there is a choice of.
    pub(super) fn choices(&self) -> &'static [DeviceKind] {
        match self.hearing {
            Hearing::Microphone | Hearing::Both => &[DeviceKind::Microphone],
            Hearing::System => &[DeviceKind::SystemAudio],
        }
    }

    /// What a choice says: the device, or the one that the system would take.
    pub(super) fn chosen_text(&self, kind: DeviceKind) -> String {
        match self.chosen(kind) {
            Some(device) if self.is_there(device) => device.name.clone(),
            Some(device) => text_with("record-device-missing", &[("device", device.name.as_str().into())]),
            None => self.default_text(kind),
        }
    }

    /// What the entry for the default device says.
    pub(super) fn default_text(&self, kind: DeviceKind) -> String {
        match self.devices(kind).find(|device| device.standing == Standing::Default) {
            Some(device) => text_with("record-default-named", &[("device", device.name.as_str().into())]),
            None => text("record-default"),
        }
    }

    /// What is to be known about the choice: that a device is missing, or that none is known.
    pub(super) fn hint(&self) -> Option<String> {
        if let Some(problem) = &self.problem {
            return Some(problem.clone());
        }
        if self.request != Request::Answered {
            return None;
        }
        let has = |kind: DeviceKind| self.devices(kind).next().is_some();
        match self.hearing {
            Hearing::Microphone | Hearing::Both if !has(DeviceKind::Microphone) => Some(text("record-no-microphone")),
            Hearing::System | Hearing::Both if !has(DeviceKind::SystemAudio) => Some(text("record-no-system-audio")),
            Hearing::Microphone | Hearing::System | Hearing::Both => None,
        }
    }

    /// What the recorder is to listen to.
    pub(super) fn source(&self) -> RecordSource {
        let id = |device: &Option<InputDevice>| device.as_ref().map(|device| device.id.clone());
        match (&self.stand_in, self.hearing, &self.system) {
            (Some(stand_in), ..) => stand_in.clone(),
            (None, Hearing::Microphone, _) => RecordSource::Device(id(&self.microphone)),
            (None, Hearing::System, None) => RecordSource::System,
            (None, Hearing::System, chosen @ Some(_)) => RecordSource::Device(id(chosen)),
            (None, Hearing::Both, _) => RecordSource::Both(id(&self.microphone)),
        }
    }

    /// Records something else in the place of a device.
    pub(super) fn set_stand_in(&mut self, stand_in: Option<RecordSource>) {
        self.stand_in = stand_in;
    }

    /// Whether the engine is to be asked for the devices, which it was not since its last answer.
    pub(super) fn ask(&mut self) -> bool {
        let is_wanted = self.request != Request::Asked && self.stand_in.is_none();
        if is_wanted {
            self.request = Request::Asked;
        }
        is_wanted
    }

    /// Takes in the answer.
    pub(super) fn take(&mut self, devices: Result<Vec<InputDevice>, String>) {
        self.request = Request::Answered;
        match devices {
            Ok(devices) => (self.devices, self.problem) = (devices, None),
            Err(problem) => (self.devices, self.problem) = (Vec::new(), Some(problem)),
        }
    }

    /// No answer will come any more.
    pub(super) fn give_up(&mut self) {
        self.request = Request::Asked;
    }

    fn is_there(&self, device: &InputDevice) -> bool {
        self.devices.iter().any(|other| other.id == device.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_what_the_recorder_hears() {
        let (usb, monitor) = (device("usb", DeviceKind::Microphone), device("speakers", DeviceKind::SystemAudio));
        for (hearing, microphone, system, expected) in [
            (Hearing::Microphone, None, None, RecordSource::Device(None)),
            (Hearing::Microphone, Some(&usb), Some(&monitor), RecordSource::Device(Some("id of usb".to_owned()))),
            (Hearing::System, Some(&usb), None, RecordSource::System),
            (Hearing::System, None, Some(&monitor), RecordSource::Device(Some("id of speakers".to_owned()))),
            (Hearing::Both, None, None, RecordSource::Both(None)),
            (Hearing::Both, Some(&usb), Some(&monitor), RecordSource::Both(Some("id of usb".to_owned()))),
        ] {
            let mut sources = Sources::default();
            sources.hear(hearing);
            sources.choose(DeviceKind::Microphone, microphone.cloned());
            sources.choose(DeviceKind::SystemAudio, system.cloned());
            assert_eq!(sources.source(), expected, "{hearing:?}");
        }
    }

    #[test]
    fn devices_come_and_go() {
        let usb = device("usb", DeviceKind::Microphone);
        let built_in = InputDevice { standing: Standing::Default, ..device("built-in", DeviceKind::Microphone) };
        let mut sources = Sources::default();
        assert_eq!((sources.ask(), sources.ask()), (true, false), "one question at a time");
        assert_eq!(sources.hint(), None, "nothing is known yet");
        sources.take(Ok(vec![built_in.clone(), usb.clone()]));
        assert_eq!(sources.chosen_text(DeviceKind::Microphone), "Default: built-in");
        sources.choose(DeviceKind::Microphone, Some(usb));
        assert_eq!(sources.chosen_text(DeviceKind::Microphone), "usb");
        assert!(sources.ask());
        sources.take(Ok(vec![built_in]));
        assert_eq!(sources.chosen_text(DeviceKind::Microphone), "usb (not there)");
        for (hearing, has_hint) in [(Hearing::Microphone, false), (Hearing::System, true), (Hearing::Both, true)] {
            sources.hear(hearing);
            assert_eq!(sources.hint().is_some(), has_hint, "{hearing:?}");
        }
        sources.take(Err("the server does not answer".to_owned()));
        assert_eq!(sources.hint().as_deref(), Some("the server does not answer"));
    }

    fn device(name: &str, kind: DeviceKind) -> InputDevice {
        InputDevice {
            id: format!("id of {name}"),
            name: name.to_owned(),
            kind,
            standing: Standing::Other,
            rate_hz: 48_000,
            n_channels: 2,
        }
    }
}
