//! How an exported file refers to the recording: by its path from there, and that as a URL. Nothing is looked up on
//! disk but the current folder.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf, absolute};

use url::Url;

/// The path of a recording as seen from `folder`, for [`super::Info::audio`]: files of both can be moved together. The
/// whole path where no way leads from one to the other, as between two drives.
pub fn path_from(folder: &Path, recording: &Path) -> PathBuf {
    let whole = |path: &Path| absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let (folder, recording) = (whole(folder), whole(recording));
    let from: Vec<Component<'_>> = folder.components().collect();
    let to: Vec<Component<'_>> = recording.components().collect();
    let n_shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let (left, entered) = (&from[n_shared..], &to[n_shared..]);
    if n_shared == 0 || left.contains(&Component::ParentDir) {
        return recording;
    }
    left.iter().map(|_| Component::ParentDir).chain(entered.iter().copied()).collect()
}

/// The path as a URL, relative where the path is. It has no characters that Markdown or HTML would take for their own.
pub(super) fn url_of(path: &Path) -> String {
    if path.is_absolute()
        && let Ok(url) = Url::from_file_path(path)
    {
        return String::from(url).replace('(', "%28").replace(')', "%29");
    }
    let names: Vec<String> = path.components().map(|component| percent_encoded(component.as_os_str())).collect();
    names.join("/")
}

fn percent_encoded(name: &OsStr) -> String {
    let mut encoded = String::new();
    for byte in name.as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes all that is written");
        }
    }
    encoded
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_referred_to_from_where_the_file_lies() {
        for (folder, recording, expected) in [
            ("/m", "/m/talk.mp3", "talk.mp3"),
            ("/m/minutes", "/m/talk.mp3", "../talk.mp3"),
            ("/m/./a/b", "/m/c/talk 1.mp3", "../../c/talk%201.mp3"),
            ("/m", "/m/a:b (ü)#?.mp3", "a%3Ab%20%28%C3%BC%29%23%3F.mp3"),
            ("/", "/talk.mp3", "talk.mp3"),
            ("minutes", "talk.mp3", "../talk.mp3"),
            ("/m/a/..", "/m/(x).mp3", "file:///m/%28x%29.mp3"),
        ] {
            assert_eq!(url_of(&path_from(Path::new(folder), Path::new(recording))), expected);
        }
    }
}
