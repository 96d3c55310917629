//! Writing safetensors files whose tensors are too large, or not there yet, to be handed over all at once: the header
//! first, then the caller writes the values in the same order.

use std::io::{self, Write};

use safetensors::Dtype;
use serde_json::{Map, Value, json};

/// Where the first tensor begins, and with it those whose sizes are multiples of this: at the start of a cache line, from
/// which kernels read a mapped file best.
const ALIGNMENT: usize = 64;

/// A tensor to come.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) dtype: Dtype,
    pub(super) shape: &'a [usize],
}

/// Writes what stands before the values.
pub(super) fn write_header<'a>(
    file: &mut impl Write,
    (key, value): (&str, &str),
    entries: impl Iterator<Item = Entry<'a>>,
) -> io::Result<()> {
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({ key: value }));
    let mut n_bytes = 0;
    for Entry { name, dtype, shape } in entries {
        let start = n_bytes;
        n_bytes += shape.iter().product::<usize>() * dtype.bitsize() / 8;
        header.insert(name.to_owned(), json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, n_bytes] }));
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    // Blanks at its end are allowed.
    let length = size_of::<u64>();
    header.resize((length + header.len()).next_multiple_of(ALIGNMENT) - length, b' ');
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)
}
