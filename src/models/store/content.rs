//! What a file of a model may be called and may hold. Anything may come out of an archive, a folder or the network, so
//! only kinds that the networks read are let in, and nothing of them is believed before it was looked at.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use safetensors::tensor::Metadata;

use crate::files::FileError;
use crate::nn::pickle;

use super::error::{Refusal, StoreError};

/// Headers of safetensors files are some hundred bytes a tensor; this is ten times what the largest model needs. The
/// format itself allows 100 MB, which takes a gigabyte of memory to read.
const MAX_HEADER_BYTES: u64 = 16 << 20;
/// The deepest that a file may lie in folders.
const MAX_DEPTH: usize = 4;
/// The longest name of a file or folder.
const MAX_NAME_BYTES: usize = 100;
/// Names that Windows takes for devices.
const DEVICE_NAMES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// The beginnings of what checkpoints name beside tensors: what was trained, and by which tool. Nothing of it is ever
/// called here (see [`pickle`]); but the folder may be opened with Python later.
const HARMLESS: [&str; 17] = [
    "_codecs.encode",
    "argparse.Namespace",
    "collections.",
    "datetime.",
    "enum.",
    "lightning.",
    "lightning_fabric.",
    "numpy._core.multiarray.",
    "numpy.core.multiarray.",
    "numpy.dtype",
    "numpy.ndarray",
    "omegaconf.",
    "pathlib.",
    "pyannote.",
    "pytorch_lightning.",
    "torch",
    "typing.",
];
/// Plain types of Python's.
const HARMLESS_BUILTINS: [&str; 13] = [
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "object",
    "set",
    "str",
    "tuple",
];
/// Parts of PyTorch that load or run code.
const HARMFUL: [&str; 9] = [
    "torch.hub.",
    "torch.jit.",
    "torch.load",
    "torch.package.",
    "torch.serialization.load",
    "torch.utils.",
    "torch.distributed.",
    "torch._dynamo.",
    "torch._inductor.",
];

/// Kinds of files that a model is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::models) enum Kind {
    /// Weights.
    Safetensors,
    /// PyTorch's own checkpoints.
    Pickle,
    /// Arrays of numpy's.
    Arrays,
    /// Configurations and vocabularies.
    Text,
}

/// How thoroughly a file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Sizes and what stands before the weights.
    Headers,
    /// Every byte.
    Full,
}

/// The kind of a file by its name; `None` for what models do not need.
pub(in crate::models) fn kind_of(name: &str) -> Option<Kind> {
    let (stem, extension) = name.rsplit('/').next().unwrap_or(name).rsplit_once('.')?;
    match extension {
        _ if stem.is_empty() => None,
        "safetensors" => Some(Kind::Safetensors),
        "bin" | "ckpt" => Some(Kind::Pickle),
        "npz" => Some(Kind::Arrays),
        "json" | "txt" | "yaml" | "yml" | "model" => Some(Kind::Text),
        _ => None,
    }
}

/// Whether this is the path of a file of a model: relative, with `/`, and of names that every system can bear.
pub(super) fn check_name(name: &str) -> Result<Kind, Refusal> {
    let parts: Vec<&str> = name.split('/').collect();
    if parts.len() > MAX_DEPTH || !parts.iter().all(|part| is_plain(part)) {
        return Err(Refusal::UnsafeName(name.to_owned()));
    }
    kind_of(name).ok_or_else(|| Refusal::UnknownType(name.to_owned()))
}

fn is_plain(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).to_lowercase();
    let is_device = DEVICE_NAMES.contains(&stem.trim_end_matches(|c: char| c.is_ascii_digit()));
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+=@".contains(&byte);
    (1..=MAX_NAME_BYTES).contains(&part.len())
        && !part.starts_with('.')
        && !part.ends_with('.')
        && !is_device
        && part.bytes().all(is_known)
}

/// Whether a file holds what its name says: the list of tensors fits the file; a checkpoint of Python's is one of
/// weights and not a program. Of other files, and with [`Depth::Headers`] of all but safetensors, only the beginning is
/// looked at.
pub(super) fn check(path: &Path, name: &str, depth: Depth) -> Result<(), StoreError> {
    let refuse = |refusal| StoreError::Refused { path: path.to_path_buf(), refusal };
    let kind = check_name(name).map_err(refuse)?;
    let refuse = |reason: String| {
        let refusal = Refusal::Weights { name: name.to_owned(), reason };
        StoreError::Refused { path: path.to_path_buf(), refusal }
    };
    match (kind, depth) {
        (Kind::Text, _) => Ok(()),
        (Kind::Safetensors, _) => header_flaw(path)?.map_or(Ok(()), |reason| Err(refuse(reason))),
        (Kind::Pickle | Kind::Arrays, Depth::Headers) | (Kind::Arrays, Depth::Full) => {
            let mut start = [0; 4];
            let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
            match read {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                read => read.map_err(FileError::of("read", path))?,
            }
            if start == *b"PK\x03\x04" { Ok(()) } else { Err(refuse("it is no archive".to_owned())) }
        }
        (Kind::Pickle, Depth::Full) => {
            let file = File::open(path).map_err(FileError::of("read", path))?;
            let names = pickle::named_functions(file).map_err(|error| refuse(error.to_string()))?;
            match names.into_iter().find(|name| !is_harmless(name)) {
                None => Ok(()),
                Some(function) => {
                    let refusal = Refusal::Code { name: name.to_owned(), function };
                    Err(StoreError::Refused { path: path.to_path_buf(), refusal })
                }
            }
        }
    }
}

fn is_harmless(function: &str) -> bool {
    if let Some(("builtins" | "__builtin__", builtin)) = function.split_once('.') {
        return HARMLESS_BUILTINS.contains(&builtin);
    }
    let begins = |beginning: &&str| {
        let rest = function.strip_prefix(*beginning);
        // A whole name, or whatever is in a module.
        rest.is_some_and(|rest| rest.is_empty() || beginning.ends_with('.') || rest.starts_with('.'))
    };
    HARMLESS.iter().any(begins) && !HARMFUL.iter().any(|harmful| function.starts_with(*harmful))
}

/// What is wrong with the list of tensors of a safetensors file, or its fit to the size of the file; `None` if nothing
/// is.
pub(in crate::models) fn header_flaw(path: &Path) -> Result<Option<String>, FileError> {
    let read = || -> io::Result<Option<String>> {
        let mut file = File::open(path)?;
        let n_file_bytes = file.metadata()?.len();
        let mut length = [0; size_of::<u64>()];
        let Some(n_rest) = n_file_bytes.checked_sub(length.len() as u64) else {
            return Ok(Some("it is cut short".to_owned()));
        };
        file.read_exact(&mut length)?;
        let n_header_bytes = u64::from_le_bytes(length);
        if n_header_bytes > n_rest.min(MAX_HEADER_BYTES) {
            return Ok(Some(format!("its list of tensors would have {n_header_bytes} bytes")));
        }
        let mut header = Vec::with_capacity(n_header_bytes as usize);
        file.take(n_header_bytes).read_to_end(&mut header)?;
        Ok(match serde_json::from_slice::<Metadata>(&header) {
            Err(error) => Some(format!("its list of tensors cannot be read: {error}")),
            Ok(metadata) if n_header_bytes.checked_add(metadata.data_len() as u64) == Some(n_rest) => None,
            Ok(_) => Some("its weights are cut short, or there is more than weights".to_owned()),
        })
    };
    read().map_err(FileError::of("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_of_models_are_told_from_others() {
        for (name, expected) in [
            ("config.json", Ok(Kind::Text)),
            ("originals/model-00001-of-00002.safetensors", Ok(Kind::Safetensors)),
            ("plda/plda.npz", Ok(Kind::Arrays)),
            ("embedding_model.ckpt", Ok(Kind::Pickle)),
            ("compiled.model", Ok(Kind::Text)),
            ("../config.json", Err("name")),
            ("/config.json", Err("name")),
            ("a//config.json", Err("name")),
            ("a/./config.json", Err("name")),
            (".config.json", Err("name")),
            ("C:config.json", Err("name")),
            ("a\\config.json", Err("name")),
            ("config.json\0", Err("name")),
            ("nul.json", Err("name")),
            ("com1.json", Err("name")),
            ("config.json.", Err("name")),
            ("a/b/c/d/config.json", Err("name")),
            ("", Err("name")),
            ("modèle.json", Err("name")),
            ("model.py", Err("type")),
            ("model.safetensors.part", Err("type")),
            ("model", Err("type")),
            ("pytorch_model.pkl", Err("type")),
        ] {
            match (check_name(name), expected) {
                (Ok(kind), Ok(expected)) => assert_eq!(kind, expected, "{name}"),
                (Err(refusal), Err(expected)) => assert!(refusal.to_string().contains(expected), "{name}: {refusal}"),
                (found, _) => panic!("{name}: {found:?}"),
            }
        }
    }

    #[test]
    fn functions_that_checkpoints_need_are_told_from_others() {
        for (function, expected) in [
            ("torch._utils._rebuild_tensor_v2", true),
            ("torch.FloatStorage", true),
            ("torch.torch_version.TorchVersion", true),
            ("collections.OrderedDict", true),
            ("pyannote.audio.core.task.Specifications", true),
            ("numpy.core.multiarray.scalar", true),
            ("builtins.set", true),
            ("builtins.eval", false),
            ("__builtin__.exec", false),
            ("os.system", false),
            ("posix.system", false),
            ("subprocess.Popen", false),
            ("torch.hub.load", false),
            ("torchevil.run", false),
            ("numpy.testing._private.utils.runstring", false),
            ("runpy._run_code", false),
        ] {
            assert_eq!(is_harmless(function), expected, "{function}");
        }
    }
}
