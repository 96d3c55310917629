//! PyTorch's own checkpoints (`pytorch_model.bin`, `.ckpt`, `.pt`) become a list of tensors and where each lies in the
//! file: a zip archive of a pickle, which tells names, types and shapes, and of one uncompressed entry of numbers for
//! each storage.
//!
//! A pickle is a program that may call any Python function. Nothing is called here: calls are noted as values, and those
//! that PyTorch uses to build tensors are recognised. candle has such a reader as well, but a hostile file makes it
//! panic, run out of stack, or double its memory with every byte; here values name each other by number, so that
//! neither depth nor repetition costs anything.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek};
use std::ops::Range;

use safetensors::Dtype;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// Key of the weights where a file holds more than them, as Lightning's do.
const WEIGHTS_KEY: &str = "state_dict";
/// The pickle of a tree of weights is some hundred bytes a tensor; this is ten times what the largest one needs.
const MAX_PICKLE_BYTES: usize = 4 << 20;

/// The names of functions are copied, and none that matters is longer.
const MAX_GLOBAL_BYTES: usize = 256;

/// A file is no checkpoint of PyTorch's, or one that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PickleError {
    /// Not the kind of archive that `torch.save` writes since version 1.6.
    #[error("it is no archive of PyTorch's: {0}")]
    NotAnArchive(#[from] zip::result::ZipError),
    /// The list of tensors is not there.
    #[error("it holds no data.pkl")]
    NoPickle,
    /// The list of tensors is there, but it does not hold together.
    #[error("its data.pkl is broken at byte {0}")]
    Broken(usize),
    /// The pickle uses something that checkpoints do not need.
    #[error("its data.pkl has an instruction {instruction:#04x} at byte {at}, which no checkpoint needs")]
    UnknownInstruction {
        /// The instruction,
        instruction: u8,
        /// and where it stands.
        at: usize,
    },
    /// There is no tensor in it.
    #[error("it holds no tensors")]
    NoTensors,
    /// A tensor is there, but its numbers are not.
    #[error("the numbers of tensor {0} are missing, cut short, compressed, or not in row order")]
    BadTensor(String),
}

/// Where a tensor lies in its file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// Bytes of the file.
    pub(super) range: Range<usize>,
}

/// Whether a file begins like an archive, which is what tells PyTorch's checkpoints from safetensors files.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// All tensors of a checkpoint in the bytes of its file, by name.
pub(super) fn tensors(bytes: &[u8]) -> Result<BTreeMap<String, Place>, PickleError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let mut entries = BTreeMap::new();
    let mut pickle = None;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index)?;
        let name = entry.name()?.into_owned();
        let Some(start) = entry.data_start().and_then(|start| usize::try_from(start).ok()) else { continue };
        let end = usize::try_from(entry.size()).ok().and_then(|size| start.checked_add(size));
        let Some(range) = end.filter(|end| *end <= bytes.len()).map(|end| start..end) else { continue };
        if entry.compression() != CompressionMethod::Stored {
            continue;
        }
        if let Some(folder) = name.strip_suffix("data.pkl") {
            pickle = Some((folder.to_owned(), range.clone()));
        }
        entries.insert(name, range);
    }
    let (folder, range) = pickle.ok_or(PickleError::NoPickle)?;
    if range.len() > MAX_PICKLE_BYTES {
        return Err(PickleError::Broken(MAX_PICKLE_BYTES));
    }
    let values = Machine::run(&bytes[range])?;
    let weights = values.weights();
    let mut places = BTreeMap::new();
    for (key, value) in weights {
        let Value::Text(name) = &values.all[*key] else { continue };
        // Counters of training steps and other values that are not tensors stand beside the weights.
        let Some(tensor) = values.tensor(*value) else { continue };
        let place = tensor.place(&folder, &entries).ok_or_else(|| PickleError::BadTensor(name.clone()))?;
        places.insert(name.clone(), place);
    }
    if places.is_empty() { Err(PickleError::NoTensors) } else { Ok(places) }
}

/// The functions and classes that the pickle of a checkpoint names: what Python would look up, and might call, to load it.
/// Only the pickle is read, not the numbers.
pub fn named_functions(file: impl Read + Seek) -> Result<Vec<String>, PickleError> {
    let mut archive = ZipArchive::new(file)?;
    let mut names = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index)?;
        if !entry.name()?.ends_with(".pkl") {
            continue;
        }
        if entry.compression() != CompressionMethod::Stored {
            return Err(PickleError::Broken(0));
        }
        let mut code = Vec::new();
        entry.take(MAX_PICKLE_BYTES as u64 + 1).read_to_end(&mut code).map_err(ZipError::from)?;
        if code.len() > MAX_PICKLE_BYTES {
            return Err(PickleError::Broken(MAX_PICKLE_BYTES));
        }
        names.extend(Machine::run(&code)?.all.into_iter().filter_map(|value| match value {
            Value::Global(name) => Some(name),
            _ => None,
        }));
    }
    Ok(names)
}

/// Number of a value.
type Id = usize;

/// What a pickle builds, as far as it concerns tensors.
#[derive(Debug)]
enum Value {
    Text(String),
    Number(i64),
    /// Lists and sets too.
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// `module.name` of a function or class.
    Global(String),
    /// A function or class applied to arguments.
    Call(Id, Id),
    /// What lies outside of the pickle: the numbers of a tensor.
    Outside(Id),
    /// Nothing that matters here.
    Other,
}

struct Values {
    all: Vec<Value>,
    root: Id,
}

/// A tensor as the pickle tells it.
struct Described<'a> {
    storage: &'a str,
    dtype: Dtype,
    first: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl Values {
    /// The names and tensors: those of the outermost dictionary, or of the weights in it.
    fn weights(&self) -> &[(Id, Id)] {
        let Value::Dict(root) = &self.all[self.root] else { return &[] };
        let nested = root.iter().find_map(|(key, value)| match (&self.all[*key], &self.all[*value]) {
            (Value::Text(key), Value::Dict(weights)) if key == WEIGHTS_KEY => Some(weights),
            _ => None,
        });
        nested.unwrap_or(root)
    }

    fn tensor(&self, id: Id) -> Option<Described<'_>> {
        let Value::Call(function, arguments) = &self.all[id] else { return None };
        let (Value::Global(function), Value::Tuple(arguments)) = (&self.all[*function], &self.all[*arguments]) else {
            return None;
        };
        match function.as_str() {
            "torch._utils._rebuild_tensor_v2" => self.described(arguments),
            // A parameter wraps a tensor, which wraps nothing.
            "torch._utils._rebuild_parameter" => {
                let Value::Call(_, arguments) = &self.all[*arguments.first()?] else { return None };
                let Value::Tuple(arguments) = &self.all[*arguments] else { return None };
                self.described(arguments)
            }
            _ => None,
        }
    }

    /// From the arguments storage, offset, shape, strides.
    fn described(&self, arguments: &[Id]) -> Option<Described<'_>> {
        let [storage, first, shape, strides, ..] = arguments else { return None };
        let (Value::Outside(storage), Value::Number(first)) = (&self.all[*storage], &self.all[*first]) else {
            return None;
        };
        // ("storage", type, key, device, number of elements)
        let Value::Tuple(storage) = &self.all[*storage] else { return None };
        let [_, kind, key, ..] = storage.as_slice() else { return None };
        let (Value::Global(kind), Value::Text(key)) = (&self.all[*kind], &self.all[*key]) else { return None };
        let dtype = match kind.strip_prefix("torch.")? {
            "FloatStorage" => Dtype::F32,
            "HalfStorage" => Dtype::F16,
            "BFloat16Storage" => Dtype::BF16,
            "DoubleStorage" => Dtype::F64,
            "LongStorage" => Dtype::I64,
            "IntStorage" => Dtype::I32,
            "ByteStorage" => Dtype::U8,
            "BoolStorage" => Dtype::BOOL,
            _ => return None,
        };
        let first = usize::try_from(*first).ok()?;
        Some(Described { storage: key, dtype, first, shape: self.sizes(*shape)?, strides: self.sizes(*strides)? })
    }

    fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        let Value::Tuple(sizes) = &self.all[id] else { return None };
        sizes
            .iter()
            .map(|size| match &self.all[*size] {
                Value::Number(size) => usize::try_from(*size).ok(),
                _ => None,
            })
            .collect()
    }
}

impl Described<'_> {
    /// `None` if the numbers are not there, one after the other.
    fn place(self, folder: &str, entries: &BTreeMap<String, Range<usize>>) -> Option<Place> {
        let entry = entries.get(&format!("{folder}data/{}", self.storage))?;
        let mut n_values = 1_usize;
        for (size, stride) in self.shape.iter().zip(&self.strides).rev() {
            if *size > 1 && *stride != n_values {
                return None;
            }
            n_values = n_values.checked_mul(*size)?;
        }
        let n_bytes = self.dtype.bitsize() / 8;
        let start = entry.start.checked_add(self.first.checked_mul(n_bytes)?)?;
        let end = start.checked_add(n_values.checked_mul(n_bytes)?)?;
        let is_whole = self.shape.len() == self.strides.len() && end <= entry.end;
        is_whole.then_some(Place { dtype: self.dtype, shape: self.shape, range: start..end })
    }
}

/// The instructions, as Python's `pickletools` names them.
mod op {
    pub(super) const MARK: u8 = b'(';
    pub(super) const STOP: u8 = b'.';
    pub(super) const POP: u8 = b'0';
    pub(super) const POP_MARK: u8 = b'1';
    pub(super) const DUP: u8 = b'2';
    pub(super) const BINFLOAT: u8 = b'G';
    pub(super) const BININT: u8 = b'J';
    pub(super) const BININT1: u8 = b'K';
    pub(super) const BININT2: u8 = b'M';
    pub(super) const NONE: u8 = b'N';
    pub(super) const BINPERSID: u8 = b'Q';
    pub(super) const REDUCE: u8 = b'R';
    pub(super) const BINSTRING: u8 = b'T';
    pub(super) const SHORT_BINSTRING: u8 = b'U';
    pub(super) const BINUNICODE: u8 = b'X';
    pub(super) const BINBYTES: u8 = b'B';
    pub(super) const SHORT_BINBYTES: u8 = b'C';
    pub(super) const APPEND: u8 = b'a';
    pub(super) const BUILD: u8 = b'b';
    pub(super) const GLOBAL: u8 = b'c';
    pub(super) const DICT: u8 = b'd';
    pub(super) const APPENDS: u8 = b'e';
    pub(super) const BINGET: u8 = b'h';
    pub(super) const LONG_BINGET: u8 = b'j';
    pub(super) const LIST: u8 = b'l';
    pub(super) const EMPTY_LIST: u8 = b']';
    pub(super) const BINPUT: u8 = b'q';
    pub(super) const LONG_BINPUT: u8 = b'r';
    pub(super) const SETITEM: u8 = b's';
    pub(super) const TUPLE: u8 = b't';
    pub(super) const EMPTY_TUPLE: u8 = b')';
    pub(super) const SETITEMS: u8 = b'u';
    pub(super) const EMPTY_DICT: u8 = b'}';
    pub(super) const PROTO: u8 = 0x80;
    pub(super) const NEWOBJ: u8 = 0x81;
    pub(super) const TUPLE1: u8 = 0x85;
    pub(super) const TUPLE3: u8 = 0x87;
    pub(super) const NEWTRUE: u8 = 0x88;
    pub(super) const NEWFALSE: u8 = 0x89;
    pub(super) const LONG1: u8 = 0x8a;
    pub(super) const SHORT_BINUNICODE: u8 = 0x8c;
    pub(super) const BINUNICODE8: u8 = 0x8d;
    pub(super) const BINBYTES8: u8 = 0x8e;
    pub(super) const EMPTY_SET: u8 = 0x8f;
    pub(super) const ADDITEMS: u8 = 0x90;
    pub(super) const FROZENSET: u8 = 0x91;
    pub(super) const NEWOBJ_EX: u8 = 0x92;
    pub(super) const STACK_GLOBAL: u8 = 0x93;
    pub(super) const MEMOIZE: u8 = 0x94;
    pub(super) const FRAME: u8 = 0x95;
}

/// The stack machine that a pickle is a program for.
struct Machine<'a> {
    code: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at which groups begin.
    marks: Vec<usize>,
    memo: BTreeMap<u64, Id>,
}

impl<'a> Machine<'a> {
    fn run(code: &'a [u8]) -> Result<Values, PickleError> {
        let mut machine =
            Self { code, at: 0, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: BTreeMap::new() };
        while !machine.step()? {}
        let root = machine.pop()?;
        Ok(Values { all: machine.values, root })
    }

    /// Executes one instruction; true at the end.
    fn step(&mut self) -> Result<bool, PickleError> {
        let at = self.at;
        let instruction = self.take(1)?[0];
        match instruction {
            op::STOP => return Ok(true),
            op::PROTO => drop(self.take(1)?),
            op::FRAME => drop(self.take(8)?),
            op::MARK => self.marks.push(self.stack.len()),
            op::POP_MARK => drop(self.group()?),
            op::DUP => {
                let top = self.top()?;
                self.stack.push(top);
            }
            op::BINPUT => self.remember(1)?,
            op::LONG_BINPUT => self.remember(4)?,
            op::MEMOIZE => {
                let top = self.top()?;
                self.memo.insert(self.memo.len() as u64, top);
            }
            op::BINGET => self.recall(1)?,
            op::LONG_BINGET => self.recall(4)?,
            op::GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Global(format!("{module}.{name}")));
            }
            op::STACK_GLOBAL => {
                let names = self.pop_last(2)?;
                let [Value::Text(module), Value::Text(name)] = [&self.values[names[0]], &self.values[names[1]]] else {
                    return Err(PickleError::Broken(at));
                };
                if module.len() + name.len() > MAX_GLOBAL_BYTES {
                    return Err(PickleError::Broken(at));
                }
                let global = format!("{module}.{name}");
                self.push(Value::Global(global));
            }
            op::REDUCE | op::NEWOBJ => {
                let parts = self.pop_last(2)?;
                self.call(parts[0], parts[1]);
            }
            op::NEWOBJ_EX => {
                let parts = self.pop_last(3)?;
                self.call(parts[0], parts[1]);
            }
            // The state of an object goes with it: weights keep nothing there.
            op::BUILD | op::POP => drop(self.pop()?),
            op::BINPERSID => {
                let id = self.pop()?;
                self.push(Value::Outside(id));
            }
            _ => {
                let is_known = self.literal(instruction)? || self.collection(instruction)?;
                return if is_known { Ok(false) } else { Err(PickleError::UnknownInstruction { instruction, at }) };
            }
        }
        Ok(false)
    }

    /// Executes an instruction that pushes a value which stands in the code, if it is one.
    fn literal(&mut self, instruction: u8) -> Result<bool, PickleError> {
        let value = match instruction {
            op::NONE | op::NEWTRUE | op::NEWFALSE => Value::Other,
            op::BINFLOAT => {
                self.take(8)?;
                Value::Other
            }
            op::BININT1 => Value::Number(self.unsigned(1)? as i64),
            op::BININT2 => Value::Number(self.unsigned(2)? as i64),
            op::BININT => Value::Number(i64::from(self.unsigned(4)? as i32)),
            op::LONG1 => self.long()?,
            op::SHORT_BINUNICODE => self.text(1)?,
            op::BINUNICODE => self.text(4)?,
            op::BINUNICODE8 => self.text(8)?,
            op::SHORT_BINSTRING | op::SHORT_BINBYTES => self.bytes(1)?,
            op::BINSTRING | op::BINBYTES => self.bytes(4)?,
            op::BINBYTES8 => self.bytes(8)?,
            _ => return Ok(false),
        };
        self.push(value);
        Ok(true)
    }

    /// Executes an instruction that makes or fills a collection, if it is one.
    fn collection(&mut self, instruction: u8) -> Result<bool, PickleError> {
        match instruction {
            op::EMPTY_TUPLE | op::EMPTY_LIST | op::EMPTY_SET => self.push(Value::Tuple(Vec::new())),
            op::EMPTY_DICT => self.push(Value::Dict(Vec::new())),
            op::TUPLE | op::LIST | op::FROZENSET => {
                let items = self.group()?;
                self.push(Value::Tuple(items));
            }
            op::TUPLE1..=op::TUPLE3 => {
                let items = self.pop_last(usize::from(instruction - op::TUPLE1) + 1)?;
                self.push(Value::Tuple(items));
            }
            op::APPEND => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            op::APPENDS | op::ADDITEMS => {
                let items = self.group()?;
                self.append(&items)?;
            }
            op::DICT => {
                let items = self.group()?;
                self.push(Value::Dict(Vec::new()));
                self.set_items(&items)?;
            }
            op::SETITEM => {
                let items = self.pop_last(2)?;
                self.set_items(&items)?;
            }
            op::SETITEMS => {
                let items = self.group()?;
                self.set_items(&items)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn remember(&mut self, n_bytes_of_key: usize) -> Result<(), PickleError> {
        let (key, top) = (self.unsigned(n_bytes_of_key)?, self.top()?);
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, n_bytes_of_key: usize) -> Result<(), PickleError> {
        let key = self.unsigned(n_bytes_of_key)?;
        self.stack.push(*self.memo.get(&key).ok_or(PickleError::Broken(self.at))?);
        Ok(())
    }

    fn text(&mut self, n_bytes_of_count: usize) -> Result<Value, PickleError> {
        let text = std::str::from_utf8(self.counted(n_bytes_of_count)?).ok();
        Ok(Value::Text(text.ok_or(PickleError::Broken(self.at))?.to_owned()))
    }

    fn bytes(&mut self, n_bytes_of_count: usize) -> Result<Value, PickleError> {
        self.counted(n_bytes_of_count)?;
        Ok(Value::Other)
    }

    /// An object by its function and arguments. Dictionaries with an order of their own are dictionaries.
    fn call(&mut self, function: Id, arguments: Id) {
        let is_dict = matches!(&self.values[function], Value::Global(name)
            if name == "collections.OrderedDict" || name == "collections.defaultdict");
        self.push(if is_dict { Value::Dict(Vec::new()) } else { Value::Call(function, arguments) });
    }

    /// A number of up to 255 bytes, of which those that fit eight matter.
    fn long(&mut self) -> Result<Value, PickleError> {
        let bytes = self.counted(1)?;
        if bytes.len() > size_of::<i64>() {
            return Ok(Value::Other);
        }
        let is_negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
        let mut extended = [if is_negative { 0xff } else { 0 }; size_of::<i64>()];
        extended[..bytes.len()].copy_from_slice(bytes);
        Ok(Value::Number(i64::from_le_bytes(extended)))
    }

    fn append(&mut self, items: &[Id]) -> Result<(), PickleError> {
        let top = self.top()?;
        // Other objects may take items too; what they do with them does not matter.
        if let Value::Tuple(list) = &mut self.values[top] {
            list.extend_from_slice(items);
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), PickleError> {
        let (pairs, []) = items.as_chunks::<2>() else { return Err(PickleError::Broken(self.at)) };
        let top = self.top()?;
        if let Value::Dict(dict) = &mut self.values[top] {
            dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        }
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn top(&self) -> Result<Id, PickleError> {
        self.stack.last().copied().ok_or(PickleError::Broken(self.at))
    }

    fn pop(&mut self) -> Result<Id, PickleError> {
        self.stack.pop().ok_or(PickleError::Broken(self.at))
    }

    fn pop_last(&mut self, n: usize) -> Result<Vec<Id>, PickleError> {
        let first = self.stack.len().checked_sub(n).ok_or(PickleError::Broken(self.at))?;
        Ok(self.stack.split_off(first))
    }

    /// What was pushed since the last mark.
    fn group(&mut self) -> Result<Vec<Id>, PickleError> {
        let first = self.marks.pop().filter(|first| *first <= self.stack.len());
        Ok(self.stack.split_off(first.ok_or(PickleError::Broken(self.at))?))
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], PickleError> {
        let bytes = self.at.checked_add(n).and_then(|end| self.code.get(self.at..end));
        let bytes = bytes.ok_or(PickleError::Broken(self.at))?;
        self.at += n;
        Ok(bytes)
    }

    fn unsigned(&mut self, n_bytes: usize) -> Result<u64, PickleError> {
        Ok(self.take(n_bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Bytes after their number.
    fn counted(&mut self, n_bytes_of_count: usize) -> Result<&'a [u8], PickleError> {
        let n = self.unsigned(n_bytes_of_count)?;
        self.take(usize::try_from(n).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Result<String, PickleError> {
        let rest = &self.code[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(PickleError::Broken(self.at))?;
        let line = self.take(end + 1)?;
        Ok(String::from_utf8_lossy(&line[..end]).trim_end_matches('\r').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_programs_end_with_an_error() {
        for (code, expected) in [
            (&b""[..], "broken"),
            (b"\x80\x02", "broken"),
            (b".", "broken"),
            (b"\x80\x02h\x05.", "broken"),
            (b"\x80\x02}K\x01s.", "broken"),
            (b"\x80\x02t.", "broken"),
            (b"\x80\x02X\xff\xff\xff\xff.", "broken"),
            (b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "broken"),
            (b"\x80\x02cos\nsystem", "broken"),
            (&[b"X\x00\x01\x00\x00".as_slice(), &[b'a'; 256], b"q\x00h\x00\x93."].concat(), "broken"),
            (b"\x80\x02\xf5.", "instruction 0xf5"),
        ] {
            let error = Machine::run(code).err().expect("no value").to_string();
            assert!(error.contains(expected), "{code:?}: {error}");
        }
    }

    #[test]
    fn depth_and_repetition_cost_nothing() {
        // Tuples within tuples a million deep, and pairs of pairs of pairs, which would be 2^40 values if copied.
        let deep = [b")".to_vec(), b"\x85".repeat(1_000_000), b".".to_vec()].concat();
        let repeated = [b")".to_vec(), b"2\x86".repeat(40), b".".to_vec()].concat();
        for (code, n_values) in [(deep, 1_000_001), (repeated, 41)] {
            assert_eq!(Machine::run(&code).expect("a value").all.len(), n_values);
        }
    }

    #[test]
    fn calls_are_noted_and_not_made() {
        let values = Machine::run(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00exit\x85R.").expect("a value");
        assert!(matches!(values.all[values.root], Value::Call(..)));
        assert!(values.tensor(values.root).is_none());
    }
}
