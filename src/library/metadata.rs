//! What `*_metadata.csv` files say of the recordings beside them. Which column names the files is seen from its values;
//! columns that repeat the name are hidden, and those that say the same of all recordings are told once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::scan::FoundFile;

/// Larger files were not made to describe recordings.
const MAX_BYTES: u64 = 16 << 20;
/// Columns and characters of a value that are kept.
const MAX_COLUMNS: usize = 64;
const MAX_CHARS: usize = 1000;
/// Columns that say what a recording is called, the best first.
const LABEL_COLUMNS: [&str; 4] = ["label", "title", "name", "subject"];

/// A table: its header and its rows.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Gives the recordings of one folder their labels and metadata from the CSV files in it. Returns what these say of all
/// of them alike. Of columns with the same name in several files, the first counts.
pub(super) fn describe(
    files: &mut [&mut FoundFile],
    tables: &[&Path],
    warnings: &mut Vec<String>,
) -> Vec<(String, String)> {
    let mut shared: Vec<(String, String)> = Vec::new();
    for path in tables {
        match read(path) {
            Ok(table) => {
                for (column, value) in describe_by(files, &table) {
                    if !shared.iter().any(|(known, _)| *known == column) {
                        shared.push((column, value));
                    }
                }
            }
            Err(error) => warnings.push(format!("cannot read {}: {error}; it is left out", path.display())),
        }
    }
    shared
}

fn describe_by(files: &mut [&mut FoundFile], table: &Table) -> Vec<(String, String)> {
    let by_name = files_by_name(files);
    let file_of =
        |row: &[String], column: usize| row.get(column).and_then(|name| by_name.get(&name_key(name)).copied());
    let n_named = |column: usize| table.rows.iter().filter(|row| file_of(row, column).is_some()).count();
    // The leftmost of the columns that name the most files.
    let key = (0..table.header.len()).rev().max_by_key(|column| n_named(*column));
    let Some(key) = key.filter(|key| n_named(*key) > 0) else { return Vec::new() };
    // Where a file is named twice, the first row counts.
    let mut rows: BTreeMap<usize, &[String]> = BTreeMap::new();
    for row in &table.rows {
        if let Some(file_idx) = file_of(row, key) {
            rows.entry(file_idx).or_insert(row);
        }
    }
    let value = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let repeats_the_name = |column: usize| rows.iter().all(|(idx, row)| file_of(row, column) == Some(*idx));
    let label = LABEL_COLUMNS
        .iter()
        .filter_map(|wanted| table.header.iter().position(|column| column.to_lowercase() == *wanted))
        .find(|column| !repeats_the_name(*column));
    let mut shared = Vec::new();
    for (column, name) in table.header.iter().enumerate() {
        if column == key || Some(column) == label || name.is_empty() || repeats_the_name(column) {
            continue;
        }
        let mut values = rows.values().map(|row| value(row, column));
        let first = values.next().unwrap_or_default();
        // One recording alone shares nothing with others.
        if rows.len() > 1 && values.all(|other| other == first) {
            if !first.is_empty() {
                shared.push((name.clone(), first));
            }
            continue;
        }
        for (idx, row) in &rows {
            let (known, said) = (&mut files[*idx].metadata, value(row, column));
            if !said.is_empty() && !known.iter().any(|(column, _)| column == name) {
                known.push((name.clone(), said));
            }
        }
    }
    if let Some(label) = label {
        for (idx, row) in &rows {
            let label = value(row, label);
            if files[*idx].label.is_none() && !label.is_empty() {
                files[*idx].label = Some(label);
            }
        }
    }
    shared
}

/// The files by their names with and without ending. A name without ending that two have is nobody's.
fn files_by_name(files: &[&mut FoundFile]) -> BTreeMap<String, usize> {
    let mut by_stem: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut by_name = BTreeMap::new();
    for (idx, file) in files.iter().enumerate() {
        by_name.insert(text(file.path.file_name()), idx);
        by_stem.entry(text(file.path.file_stem())).or_default().push(idx);
    }
    for (stem, indices) in by_stem {
        if let [idx] = indices.as_slice() {
            by_name.entry(stem).or_insert(*idx);
        }
    }
    by_name
}

fn text(name: Option<&std::ffi::OsStr>) -> String {
    name.map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// What a value is looked up by: the last part of a path of any system.
fn name_key(value: &str) -> String {
    value.rsplit(['/', '\\']).next().unwrap_or(value).to_lowercase()
}

fn read(path: &Path) -> io::Result<Table> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB"));
    }
    parse(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)).map_err(io::Error::other)
}

fn parse(bytes: &[u8]) -> Result<Table, csv::Error> {
    let first_line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // Spreadsheets in some languages write semicolons; others, tabs. Commas win where there are as many.
    let n_of = |delimiter: &u8| first_line.split(|byte| byte == delimiter).count();
    let delimiter = *b"\t;,".iter().max_by_key(|delimiter| n_of(delimiter)).unwrap_or(&b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(bytes);
    let mut rows = Vec::new();
    for record in reader.byte_records() {
        rows.push(record?.iter().take(MAX_COLUMNS).map(value).collect::<Vec<String>>());
    }
    let header = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
    Ok(Table { header, rows })
}

fn value(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_many_kinds_describe_recordings() {
        let check = |csv: &str, labels: [Option<&str>; 2], metadata: [&[(&str, &str)]; 2], shared: &[(&str, &str)]| {
            let mut files =
                ["/x/a.wav", "/x/B.mp3"].map(|path| FoundFile { path: path.into(), ..FoundFile::default() });
            let table = parse(csv.as_bytes()).expect("any bytes are a table");
            let mut refs: Vec<&mut FoundFile> = files.iter_mut().collect();
            let own = |pairs: &[(&str, &str)]| {
                pairs.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
            };
            assert_eq!(describe_by(&mut refs, &table), own(shared), "{csv}");
            for (n, file) in files.iter().enumerate() {
                assert_eq!((file.label.as_deref(), &file.metadata), (labels[n], &own(metadata[n])), "{csv}");
            }
        };
        let none: [&[(&str, &str)]; 2] = [&[], &[]];
        check("", [None, None], none, &[]);
        check("nothing,to\ndo,with it\n", [None, None], none, &[]);
        check("file,room\na.wav,1\nb.mp3,2\n", [None, None], [&[("room", "1")], &[("room", "2")]], &[]);
        // The name without its ending, in a path, in another column than the first; a copy of it; the same for all.
        check(
            "team,Title,where,stem,room\nred,Plan,C:\\x\\a.wav,a,1\nred,,C:\\x\\b.mp3,b,\n",
            [Some("Plan"), None],
            [&[("room", "1")], &[]],
            &[("team", "red")],
        );
        check("file;note\na;\"x; y\"\n", [None, None], [&[("note", "x; y")], &[]], &[]);
        check("label\tfile\na\ta.wav\nb\tb.mp3\n", [None, None], none, &[]);
        // Rows that are too short, too long, of other files, or there twice.
        check("file,room\na\nb.mp3,2,3\nc,4\nb,5\n", [None, None], [&[], &[("room", "2")]], &[]);
    }

    #[test]
    fn what_cannot_be_read_is_told_of() {
        let mut warnings = Vec::new();
        assert!(describe(&mut [], &[Path::new("/not/there_metadata.csv")], &mut warnings).is_empty());
        assert!(warnings.len() == 1 && warnings[0].contains("there_metadata.csv"), "{warnings:?}");
    }
}
