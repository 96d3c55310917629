//! Arrays of numbers out of numpy's `.npz` archives: zip files of `.npy` entries.
//!
//! Only what `numpy.savez` writes of floating-point arrays: uncompressed, little-endian, in the order of rows or
//! columns.

use std::fs;
use std::io::{self, Cursor, Read as _};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

/// An archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NpzError {
    /// It cannot be opened.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Not an archive of numpy's, or cut short.
    #[error("cannot read {}: {source}. It may be damaged or incomplete; install the model again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ZipError,
    },
    /// An array is not as it should be.
    #[error("{}: array {name} is missing, or not of {expected}", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// Name of the array.
        name: &'static str,
        /// What it should be.
        expected: String,
    },
}

/// An archive in memory.
pub(super) struct Npz {
    path: PathBuf,
    archive: ZipArchive<Cursor<Vec<u8>>>,
}

/// An array in the order of its rows.
struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Npz {
    pub(super) fn open(path: &Path) -> Result<Self, NpzError> {
        let bytes = fs::read(path).map_err(|source| NpzError::Unreadable { path: path.to_owned(), source })?;
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|source| NpzError::Damaged { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), archive })
    }

    /// A vector, and how long it is.
    pub(super) fn vector(&mut self, name: &'static str) -> Result<Vec<f64>, NpzError> {
        match self.array(name) {
            Some(Array { shape, values }) if shape.len() == 1 => Ok(values),
            _ => Err(self.wrong(name, "floating-point numbers in one dimension".to_owned())),
        }
    }

    /// A matrix of that many rows and columns.
    pub(super) fn matrix(&mut self, name: &'static str, shape: [usize; 2]) -> Result<Vec<f64>, NpzError> {
        match self.array(name) {
            Some(array) if array.shape == shape => Ok(array.values),
            _ => Err(self.wrong(name, format!("{} by {} floating-point numbers", shape[0], shape[1]))),
        }
    }

    /// That an array is not as it should be.
    pub(super) fn wrong(&self, name: &'static str, expected: String) -> NpzError {
        NpzError::Array { path: self.path.clone(), name, expected }
    }

    fn array(&mut self, name: &str) -> Option<Array> {
        let mut entry = self.archive.by_name(&format!("{name}.npy")).ok()?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).ok()?;
        parse(&bytes)
    }
}

/// An `.npy` file: a magic number, a version, the length of the header, the header as a literal of Python's, the
/// numbers.
fn parse(bytes: &[u8]) -> Option<Array> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let ([version, _], rest) = rest.split_first_chunk()?;
    let (header_len, rest) = if *version == 1 {
        let (length, rest) = rest.split_first_chunk()?;
        (usize::from(u16::from_le_bytes(*length)), rest)
    } else {
        let (length, rest) = rest.split_first_chunk()?;
        (u32::from_le_bytes(*length) as usize, rest)
    };
    let (header, data) = rest.split_at_checked(header_len)?;
    let header = str::from_utf8(header).ok()?;
    let entry = |key: &str| header.split_once(&format!("'{key}':")).map(|(_, value)| value.trim_start());
    let (sizes, _) = entry("shape")?.strip_prefix('(')?.split_once(')')?;
    let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape: Vec<usize> = sizes.map(|size| size.parse().ok()).collect::<Option<_>>()?;
    let n_values = shape.iter().try_fold(1_usize, |n, size| n.checked_mul(*size))?;
    let kind = entry("descr")?;
    let values: Vec<f64> = if kind.starts_with("'<f8'") {
        data.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
    } else if kind.starts_with("'<f4'") {
        data.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
    } else {
        return None;
    };
    if values.len() != n_values || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let is_in_columns = entry("fortran_order")?.starts_with("True");
    let values = match shape.as_slice() {
        [n_rows, _] if is_in_columns => {
            (0..*n_rows).flat_map(|row| values.iter().skip(row).step_by(*n_rows).copied()).collect()
        }
        _ => values,
    };
    Some(Array { shape, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, numbers: &[f32]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        bytes
    }

    #[test]
    fn arrays_are_read_in_the_order_of_their_rows() {
        let numbers = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        for (header, expected) in [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", Some((vec![2, 3], numbers.to_vec()))),
            ("{'descr': '<f4', 'fortran_order': True, 'shape': (6,), }\n", Some((vec![6], numbers.to_vec()))),
            (
                "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n",
                Some((vec![2, 3], vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0])),
            ),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }\n", None),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967297), }\n", None),
            ("{'descr': '<i4', 'fortran_order': False, 'shape': (6,), }\n", None),
            ("{'descr': '|O'", None),
        ] {
            let found = parse(&npy(header, &numbers.map(|number: f64| number as f32)));
            assert_eq!(found.map(|array| (array.shape, array.values)), expected, "{header}");
        }
        for cut_short in [&b""[..], b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff{", b"\x93NUMPY\x03\x00\xff\xff\xff\xff"] {
            assert!(parse(cut_short).is_none());
        }
    }
}
