//! What stands in a cue becomes what was said and who said it: without tags, on one line.

use std::mem;
use std::sync::LazyLock;

use regex::Regex;

use super::subtitles::Syntax;

/// What one speaker says in a cue.
pub(super) struct Said {
    pub(super) speaker: Option<String>,
    /// Not blank.
    pub(super) text: String,
}

/// What is said in a cue of these lines: of one speaker, but where `WebVTT` gives voices to several.
pub(super) fn said(lines: &[&str], syntax: Syntax) -> Vec<Said> {
    let lines = lines.join("\n");
    let voices = match syntax {
        Syntax::SubRip => vec![(None, SUBRIP_TAGS.replace_all(&lines, tag_as_text).into_owned())],
        Syntax::WebVtt => voices(&lines),
    };
    let said = voices.into_iter().map(|(voice, text)| {
        let text = on_one_line(&text);
        match (voice, named_at_start(&text)) {
            (None, Some((name, text))) => Said { speaker: Some(name), text },
            (voice, _) => Said { speaker: voice, text },
        }
    });
    said.filter(|said| !said.text.is_empty()).collect()
}

/// A tag or a reference that is longer is text with a `<` or a `&` in it.
const MAX_TAG_BYTES: usize = 256;
const MAX_REFERENCE_BYTES: usize = 32;
/// No name is longer; what is, is something else in brackets.
const MAX_NAME_CHARS: usize = 100;

/// `SubRip` has no escapes, so only what players know as tags is one: `1 < 2 > 0` is what was said.
static SUBRIP_TAGS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)</?(?:[bius]|em|strong|font|span)(?:\s[^<>]{0,200})?>|<(br)\s?/?>|\{\\[^{}]{0,200}\}")
        .expect("a right expression")
});

/// A line break is kept as one; other tags leave nothing behind.
fn tag_as_text(tag: &regex::Captures<'_>) -> &'static str {
    if tag.get(1).is_some() { "\n" } else { "" }
}

/// The text of a `WebVTT` cue, cut where another voice begins.
fn voices(mut rest: &str) -> Vec<(Option<String>, String)> {
    let mut voices = Vec::new();
    let (mut voice, mut text) = (None, String::new());
    while let Some(at) = rest.find('<') {
        text.push_str(&unescaped(&rest[..at]));
        let inside = &rest[at + 1..];
        let Some(tag_len) = inside.bytes().take(MAX_TAG_BYTES).position(|byte| byte == b'>') else {
            text.push('<');
            rest = inside;
            continue;
        };
        let tag = &inside[..tag_len];
        rest = &inside[tag_len + 1..];
        if let Tag::Voice(next_voice) = Tag::of(tag) {
            voices.push((mem::replace(&mut voice, next_voice), mem::take(&mut text)));
        }
    }
    text.push_str(&unescaped(rest));
    voices.push((voice, text));
    voices
}

/// A tag of `WebVTT`, by what it says of who speaks.
enum Tag {
    /// From here on this voice speaks, or none that is known.
    Voice(Option<String>),
    /// Nothing.
    Other,
}

impl Tag {
    /// The tag with this between its brackets.
    fn of(inside: &str) -> Self {
        let (name, annotation) = inside.split_once([' ', '\t', '\n']).unwrap_or((inside, ""));
        if name == "v" || name.starts_with("v.") {
            Self::Voice(Some(on_one_line(&unescaped(annotation))).filter(|voice| !voice.is_empty()))
        } else if name == "/v" {
            Self::Voice(None)
        } else {
            Self::Other
        }
    }
}

/// Text with the characters that its references stand for.
fn unescaped(text: &str) -> String {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        unescaped.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name_bytes = rest.bytes().take(MAX_REFERENCE_BYTES);
        let name_len = name_bytes.take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#').count();
        let c = if rest[name_len..].starts_with(';') { referred_to(&rest[..name_len]) } else { None };
        if let Some(c) = c {
            unescaped.push(c);
            rest = &rest[name_len + 1..];
        } else {
            unescaped.push('&');
        }
    }
    unescaped + rest
}

fn referred_to(name: &str) -> Option<char> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "lrm" => Some('\u{200e}'),
        "rlm" => Some('\u{200f}'),
        _ => match name.strip_prefix("#x").or(name.strip_prefix("#X")) {
            Some(digits) => number(digits, 16),
            None => number(name.strip_prefix('#')?, 10),
        },
    }
}

/// The name and the rest of a text that begins with `[name]: `.
fn named_at_start(text: &str) -> Option<(String, String)> {
    let (name, said) = text.strip_prefix('[')?.split_once("]:")?;
    let (name, is_apart) = (name.trim(), said.is_empty() || said.starts_with(char::is_whitespace));
    let is_name = !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS;
    (is_name && is_apart).then(|| (name.to_owned(), said.trim().to_owned()))
}

/// The lines of a cue as one, for where they break is a matter of the screen.
fn on_one_line(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for line in text.split('\n').map(str::trim).filter(|line| !line.is_empty()) {
        let is_apart = |c: Option<char>| c.is_some_and(|c| !is_written_without_blanks(c));
        if is_apart(joined.chars().next_back()) || (!joined.is_empty() && is_apart(line.chars().next())) {
            joined.push(' ');
        }
        joined.push_str(line);
    }
    joined
}

/// Han, kana and their punctuation.
fn is_written_without_blanks(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected as `speaker|text`, `-` for nobody.
    fn check(syntax: Syntax, lines: &str, expected: &[&str]) {
        let lines: Vec<&str> = lines.split('\n').collect();
        let shown = |said: &Said| format!("{}|{}", said.speaker.as_deref().unwrap_or("-"), said.text);
        assert_eq!(said(&lines, syntax).iter().map(shown).collect::<Vec<_>>(), expected, "{lines:?}");
    }

    #[test]
    fn subrip_loses_its_tags_and_nothing_else() {
        for (lines, expected) in [
            ("Good\nmorning.", &["-|Good morning."][..]),
            ("<i>Good</i> <FONT color=\"#fff\">morn</FONT>ing<br/>Ana", &["-|Good morning Ana"]),
            ("{\\an8}{\\i1}Up here{\\i0}", &["-|Up here"]),
            ("1 < 2 > 0 & <unk> &lt; {x} R&D", &["-|1 < 2 > 0 & <unk> &lt; {x} R&D"]),
            ("[SPEAKER_00]: Yes.", &["SPEAKER_00|Yes."]),
            ("<b>[Ana Li]:</b> Yes: [no]: 3", &["Ana Li|Yes: [no]: 3"]),
            ("[door slams]", &["-|[door slams]"]),
            ("[x]:y", &["-|[x]:y"]),
            ("[]: y", &["-|[]: y"]),
            ("[Ana]:", &[]),
            ("<i> </i>\n", &[]),
            ("会議を\n始めます", &["-|会議を始めます"]),
            ("会議 A\n始めます", &["-|会議 A 始めます"]),
        ] {
            check(Syntax::SubRip, lines, expected);
        }
    }

    #[test]
    fn webvtt_has_voices_and_references() {
        for (lines, expected) in [
            ("<v Ana Li>Yes, <i>now</i>.", &["Ana Li|Yes, now."][..]),
            ("<v.loud A&amp;B>Yes.</v> So\n<v Bo>No.", &["A&B|Yes.", "-|So", "Bo|No."]),
            ("<v>Yes.", &["-|Yes."]),
            ("[Ana]: Yes.", &["Ana|Yes."]),
            ("<c.yellow>one</c><00:00:01.500> two", &["-|one two"]),
            ("1 &lt; 2 &amp;lt; &#233;&#xe9;&nosuch; &", &["-|1 < 2 &lt; éé&nosuch; &"]),
            ("1 < 2", &["-|1 < 2"]),
            ("&#0; &#xd800; &#99999999999;", &["-|\u{0} &#xd800; &#99999999999;"]),
        ] {
            check(Syntax::WebVtt, lines, expected);
        }
    }
}
