//! Whether the disk has room for a download, asked before the first byte.

use std::path::Path;

use super::error::DownloadError;

/// Kept free, for a disk that is full to the last byte is of no use to anybody.
const MARGIN_BYTES: u64 = 32_000_000;

/// Fails if `folder`, which exists, has no room for so many more bytes. A file system that does not tell is trusted.
pub(super) fn check_room(folder: &Path, n_needed: u64, repository: &str) -> Result<(), DownloadError> {
    match free_bytes(folder) {
        Some(n_free) if n_needed > 0 && n_needed.saturating_add(MARGIN_BYTES) > n_free => {
            Err(DownloadError::DiskFull {
                repository: repository.to_owned(),
                folder: folder.to_path_buf(),
                n_needed,
                n_free,
            })
        }
        _ => Ok(()),
    }
}

fn free_bytes(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok()
}
