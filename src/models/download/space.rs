//! Whether the disk has room for a download, asked before the first byte.

use std::path::Path;

use super::error::DownloadError;

/// Kept free, for a disk that is full to the last byte is of no use to anybody.
const MARGIN_BYTES: u64 = 32_000_000;

/// Fails if `folder`, which exists, has no room for so many more bytes. A file system that does not tell is trusted.
pub(super) fn check_room(folder: &Path, n_needed: u64, repository: &str) -> Result<(), DownloadError> {
    check(folder, n_needed, free_bytes(folder), repository)
}

fn check(folder: &Path, n_needed: u64, n_free: Option<u64>, repository: &str) -> Result<(), DownloadError> {
    let n_with_margin = n_needed.saturating_add(MARGIN_BYTES);
    match n_free {
        Some(n_free) if n_needed > 0 && n_with_margin > n_free => Err(DownloadError::DiskFull {
            repository: repository.to_owned(),
            folder: folder.to_path_buf(),
            n_needed: n_with_margin,
            n_free,
        }),
        Some(_) | None => Ok(()),
    }
}

fn free_bytes(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_be_needed_is_more_than_what_is_free() {
        let folder = Path::new("/models");
        for (n_needed, n_free, expected) in [
            (16_000_000, Some(42_000_000), Some("needs 48 MB more on the disk of /models, which has 42 MB free")),
            (10_000_000, Some(42_000_000), None),
            (0, Some(0), None),
            (u64::MAX, None, None),
        ] {
            let error = check(folder, n_needed, n_free, "owner/model").err().map(|error| error.to_string());
            assert_eq!(error.is_some(), expected.is_some(), "{n_needed}: {error:?}");
            assert!(error.zip(expected).is_none_or(|(error, expected)| error.contains(expected)), "{n_needed}");
        }
    }
}
