//! A document for word processors (Office Open XML, ECMA-376: `WordprocessingML` in a zip archive): the title, who
//! talks how long, then each turn below the name of its speaker and its time; or a chapter for each speaker.
//!
//! It has the few parts that such a document needs, and nothing that depends on the day it is written or on the
//! machine. The parts are stored as they are: the archive stays readable without a decompressor, and the text of a
//! meeting is small beside its recording.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use crate::transcript::Transcript;

use super::document::{self, Paragraph};
use super::markup::{escaped, escaped_line};
use super::{ExportOptions, Info, Order, SpeakerNames, Times};

const IN_MEMORY: &str = "writing to memory does not fail, and a transcript is far below what an archive can hold";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const WORD_SPACE: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";

/// Languages of Whisper's that are written from right to left.
const RIGHT_TO_LEFT: [&str; 7] = ["ar", "fa", "he", "ps", "sd", "ur", "yi"];

pub(super) fn render(transcript: &Transcript, info: &Info<'_>, options: &ExportOptions) -> Vec<u8> {
    let page = Page { transcript, options, direction: Direction::of(transcript) };
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // Same input, same bytes: no time, no name of a system.
    let as_it_is = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .system(System::Unix);
    for (name, content) in [
        ("[Content_Types].xml", CONTENT_TYPES.to_owned()),
        ("_rels/.rels", PACKAGE_RELATIONS.to_owned()),
        ("docProps/core.xml", core_properties(transcript, info)),
        ("word/_rels/document.xml.rels", DOCUMENT_RELATIONS.to_owned()),
        ("word/styles.xml", page.styles()),
        ("word/document.xml", page.document(info)),
    ] {
        archive.start_file(name, as_it_is).expect(IN_MEMORY);
        archive.write_all(DECLARATION.as_bytes()).expect(IN_MEMORY);
        archive.write_all(content.as_bytes()).expect(IN_MEMORY);
    }
    archive.finish().expect(IN_MEMORY).into_inner()
}

/// The way of the writing, which word processors do not find out by themselves.
#[derive(Clone, Copy)]
enum Direction {
    LeftToRight,
    RightToLeft,
}

impl Direction {
    fn of(transcript: &Transcript) -> Self {
        if RIGHT_TO_LEFT.contains(&transcript.language.as_str()) { Self::RightToLeft } else { Self::LeftToRight }
    }
}

struct Page<'a> {
    transcript: &'a Transcript,
    options: &'a ExportOptions,
    direction: Direction,
}

impl Page<'_> {
    fn document(&self, info: &Info<'_>) -> String {
        let mut blocks = vec![
            paragraph("Title", &[self.run("", info.title)]),
            paragraph("Subtitle", &[self.run("", &document::facts(self.transcript))]),
        ];
        match (self.options.order, self.options.speaker_names) {
            (Order::Speaker, SpeakerNames::Shown) => blocks.extend(self.chapters()),
            (Order::Time, SpeakerNames::Shown) => {
                blocks.extend(self.talk_times());
                blocks.extend(self.in_order_of_time());
            }
            (Order::Time | Order::Speaker, SpeakerNames::Hidden) => blocks.extend(self.in_order_of_time()),
        }
        if self.transcript.segments.iter().all(|segment| segment.text.trim().is_empty()) {
            blocks.push(paragraph("Normal", &[self.run("", document::NO_SPEECH)]));
        }
        let page = "<w:sectPr><w:pgSz w:w=\"11906\" w:h=\"16838\"/><w:pgMar w:top=\"1417\" w:right=\"1417\" \
                    w:bottom=\"1134\" w:left=\"1417\" w:header=\"708\" w:footer=\"708\" w:gutter=\"0\"/></w:sectPr>";
        format!("<w:document xmlns:w=\"{WORD_SPACE}\"><w:body>\n{}{page}</w:body></w:document>\n", blocks.concat())
    }

    fn talk_times(&self) -> Vec<String> {
        let line = |(label, talk): (&str, String)| {
            let name = self.transcript.name_of(label);
            paragraph("Normal", &[self.run(BOLD, name), self.run("", ": "), self.run("", &talk)])
        };
        let lines: Vec<String> = document::talk_lines(self.transcript).into_iter().map(line).collect();
        if lines.is_empty() {
            return lines;
        }
        let heading = |text| paragraph("Heading1", &[self.run("", text)]);
        [heading("Speakers")].into_iter().chain(lines).chain([heading("Transcript")]).collect()
    }

    fn in_order_of_time(&self) -> Vec<String> {
        let paragraphs = document::paragraphs(self.transcript);
        paragraphs.iter().map(|paragraph| self.turn(paragraph, self.options.speaker_names)).collect()
    }

    fn chapters(&self) -> Vec<String> {
        let mut blocks = Vec::new();
        for chapter in document::chapters(self.transcript) {
            blocks.push(paragraph("Heading1", &[self.run("", chapter.heading)]));
            if let Some(talk) = &chapter.talk {
                blocks.push(paragraph("Normal", &[self.run("", &format!("Talk time: {talk}"))]));
            }
            blocks.extend(chapter.paragraphs.iter().map(|paragraph| self.turn(paragraph, SpeakerNames::Hidden)));
        }
        blocks
    }

    /// A line that says who speaks and when, and what is said below it.
    fn turn(&self, turn: &Paragraph<'_>, speaker_names: SpeakerNames) -> String {
        let name = match speaker_names {
            SpeakerNames::Shown => turn.speaker.map(|label| self.run(BOLD, self.transcript.name_of(label))),
            SpeakerNames::Hidden => None,
        };
        let time = match self.options.times {
            Times::Usual | Times::Shown | Times::Linked => Some(self.run(TIME, &turn.start.to_string())),
            Times::Hidden => None,
        };
        let between = name.as_ref().and(time.as_ref()).map(|_| self.run("", " "));
        let who: Vec<String> = name.into_iter().chain(between).chain(time).collect();
        let said = paragraph("Normal", &[self.run("", &turn.text())]);
        if who.is_empty() { said } else { paragraph("Turn", &who) + &said }
    }

    /// A stretch of text of one look.
    fn run(&self, properties: &str, text: &str) -> String {
        let direction = match self.direction {
            Direction::LeftToRight => "",
            Direction::RightToLeft => "<w:rtl/>",
        };
        let text = escaped(text);
        let properties = match (properties, direction) {
            ("", "") => String::new(),
            (properties, direction) => format!("<w:rPr>{properties}{direction}</w:rPr>"),
        };
        format!("<w:r>{properties}<w:t xml:space=\"preserve\">{text}</w:t></w:r>")
    }

    fn styles(&self) -> String {
        let direction = match self.direction {
            Direction::LeftToRight => "",
            Direction::RightToLeft => "<w:bidi/>",
        };
        let language = escaped_line(&self.transcript.language);
        let language = match (language.as_str(), self.direction) {
            ("", _) => String::new(),
            (language, Direction::LeftToRight) => format!("<w:lang w:val=\"{language}\" w:eastAsia=\"{language}\"/>"),
            (language, Direction::RightToLeft) => format!("<w:lang w:bidi=\"{language}\"/>"),
        };
        let defaults = format!(
            "<w:docDefaults><w:rPrDefault><w:rPr><w:sz w:val=\"22\"/><w:szCs w:val=\"22\"/>{language}</w:rPr>\
             </w:rPrDefault></w:docDefaults>\n"
        );
        let normal = format!(
            "<w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\"><w:name w:val=\"Normal\"/><w:qFormat/>\
             <w:pPr>{direction}<w:spacing w:after=\"120\" w:line=\"276\" w:lineRule=\"auto\"/></w:pPr></w:style>\n"
        );
        format!("<w:styles xmlns:w=\"{WORD_SPACE}\">\n{defaults}{normal}{NAMED_STYLES}</w:styles>\n")
    }
}

const BOLD: &str = "<w:b/><w:bCs/>";
const TIME: &str = "<w:rStyle w:val=\"Time\"/>";

fn paragraph(style: &str, runs: &[String]) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>{}</w:p>\n", runs.concat())
}

fn core_properties(transcript: &Transcript, info: &Info<'_>) -> String {
    let (title, language) = (escaped_line(info.title), escaped_line(&transcript.language));
    let language = if language.is_empty() { language } else { format!("<dc:language>{language}</dc:language>") };
    format!(
        "<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{title}</dc:title>{language}</cp:coreProperties>\n"
    )
}

const CONTENT_TYPES: &str = concat!(
    "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\n",
    "<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\n",
    "<Default Extension=\"xml\" ContentType=\"application/xml\"/>\n",
    "<Override PartName=\"/docProps/core.xml\" ",
    "ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/>\n",
    "<Override PartName=\"/word/document.xml\" ",
    "ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/>\n",
    "<Override PartName=\"/word/styles.xml\" ",
    "ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml\"/>\n",
    "</Types>\n",
);

const PACKAGE_RELATIONS: &str = concat!(
    "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\n",
    "<Relationship Id=\"rId1\" ",
    "Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" ",
    "Target=\"word/document.xml\"/>\n",
    "<Relationship Id=\"rId2\" ",
    "Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" ",
    "Target=\"docProps/core.xml\"/>\n",
    "</Relationships>\n",
);

const DOCUMENT_RELATIONS: &str = concat!(
    "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\n",
    "<Relationship Id=\"rId1\" ",
    "Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/>\n",
    "</Relationships>\n",
);

/// All but `Normal`, which depends on the way of the writing. A turn's first line stays on the page of what is said.
const NAMED_STYLES: &str = concat!(
    "<w:style w:type=\"paragraph\" w:styleId=\"Title\"><w:name w:val=\"Title\"/><w:basedOn w:val=\"Normal\"/>",
    "<w:next w:val=\"Normal\"/><w:qFormat/><w:pPr><w:keepNext/><w:spacing w:after=\"60\"/></w:pPr>",
    "<w:rPr><w:sz w:val=\"40\"/><w:szCs w:val=\"40\"/></w:rPr></w:style>\n",
    "<w:style w:type=\"paragraph\" w:styleId=\"Subtitle\"><w:name w:val=\"Subtitle\"/><w:basedOn w:val=\"Normal\"/>",
    "<w:next w:val=\"Normal\"/><w:qFormat/><w:rPr><w:color w:val=\"575E67\"/></w:rPr></w:style>\n",
    "<w:style w:type=\"paragraph\" w:styleId=\"Heading1\"><w:name w:val=\"heading 1\"/><w:basedOn w:val=\"Normal\"/>",
    "<w:next w:val=\"Normal\"/><w:qFormat/><w:pPr><w:keepNext/><w:spacing w:before=\"360\" w:after=\"120\"/>",
    "<w:outlineLvl w:val=\"0\"/></w:pPr><w:rPr><w:b/><w:bCs/><w:sz w:val=\"28\"/><w:szCs w:val=\"28\"/></w:rPr>",
    "</w:style>\n",
    "<w:style w:type=\"paragraph\" w:customStyle=\"1\" w:styleId=\"Turn\"><w:name w:val=\"Turn\"/>",
    "<w:basedOn w:val=\"Normal\"/><w:next w:val=\"Normal\"/><w:qFormat/><w:pPr><w:keepNext/>",
    "<w:spacing w:before=\"200\" w:after=\"0\"/></w:pPr></w:style>\n",
    "<w:style w:type=\"character\" w:customStyle=\"1\" w:styleId=\"Time\"><w:name w:val=\"Time\"/>",
    "<w:rPr><w:color w:val=\"575E67\"/><w:sz w:val=\"20\"/><w:szCs w:val=\"20\"/></w:rPr></w:style>\n",
);
