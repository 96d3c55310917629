//! A field for typing a path, where a file dialog is missing or the keyboard is quicker. It looks at no disk: whether
//! the path is any good, the engine says.

use std::env;
use std::path::PathBuf;

use eframe::egui::{Align2, Button, Key, Label, RichText, TextEdit, Ui, Vec2, vec2};

use super::action::{Action, Purpose};
use super::texts::text;
use super::theme;

const BUTTON_SIZE: Vec2 = vec2(72.0, 32.0);

/// The field and what it is for.
#[derive(Debug)]
pub(super) struct PathBar {
    purpose: Purpose,
    text: String,
    /// Id of a line that says why it is there.
    why: Option<&'static str>,
    focus: Focus,
}

/// Whether the field still has to be given the keyboard focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Wanted,
    Given,
}

impl PathBar {
    /// A field with this text in it; `why` is the id of a line that says why it is there.
    pub(super) fn new(purpose: Purpose, text: String, why: Option<&'static str>) -> Self {
        Self { purpose, text, why, focus: Focus::Wanted }
    }

    /// What the path is for.
    pub(super) fn into_purpose(self) -> Purpose {
        self.purpose
    }

    /// Shows the field.
    pub(super) fn ui(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let (label, accept) = match self.purpose {
            Purpose::Open => ("path-recording", "path-recording-accept"),
            Purpose::Watch(_) => ("path-watched", "path-watched-accept"),
            Purpose::CacheFolder => ("path-cache", "path-cache-accept"),
            Purpose::ImportModels => ("path-models", "path-models-accept"),
            Purpose::Export { .. } | Purpose::ExportModels(_) => ("path-new-file", "path-new-file-accept"),
        };
        let is_typed = !self.text.trim().is_empty();
        let mut is_accepted = false;
        ui.horizontal(|ui| {
            let label = ui.label(text(label));
            let buttons_width = 2.0 * (BUTTON_SIZE.x + ui.spacing().item_spacing.x);
            let field = TextEdit::singleline(&mut self.text)
                .desired_width((ui.available_width() - buttons_width).max(0.0))
                .min_size(vec2(0.0, BUTTON_SIZE.y))
                .align(Align2::LEFT_CENTER);
            let field = ui.add(field).labelled_by(label.id);
            if self.focus == Focus::Wanted {
                field.request_focus();
                self.focus = Focus::Given;
            }
            is_accepted = ui.add_enabled(is_typed, Button::new(text(accept)).min_size(BUTTON_SIZE)).clicked();
            is_accepted |= field.lost_focus() && is_typed && ui.input(|input| input.key_pressed(Key::Enter));
            let is_escaped = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape));
            if ui.add(Button::new(text("path-close")).min_size(BUTTON_SIZE)).clicked() || is_escaped {
                actions.push(Action::ClosePathBar);
            }
        });
        if let Some(why) = self.why {
            ui.add(Label::new(RichText::new(text(why)).small().color(theme::palette(ui).weak)).wrap());
        }
        if is_accepted {
            actions.push(Action::AcceptPath(typed_path(self.text.trim(), env::home_dir())));
        }
    }
}

/// What a typed path means: `~/` is the home folder, as in a shell.
pub(super) fn typed_path(text: &str, home: Option<PathBuf>) -> PathBuf {
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        (Some(_), None) | (None, _) => PathBuf::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tilde_is_the_home_folder() {
        for (text, home, expected) in [
            ("~/a b.wav", Some("/home/ana"), "/home/ana/a b.wav"),
            ("~/a.wav", None, "~/a.wav"),
            ("/tmp/~/a.wav", Some("/home/ana"), "/tmp/~/a.wav"),
            ("~ana/a.wav", Some("/home/ana"), "~ana/a.wav"),
        ] {
            assert_eq!(typed_path(text, home.map(PathBuf::from)), PathBuf::from(expected));
        }
    }
}
