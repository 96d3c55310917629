//! Where models compute: what the user asked for, and what this machine has of it. Each device is opened once and shared.
//! Nothing is loaded here.

use std::collections::{BTreeMap, BTreeSet};

use crate::nn::ComputeType;
use crate::nn::whisper::{Accelerator, AcceleratorError, Backend, Precision};

/// What the user wants models to compute on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComputeDevice {
    /// A graphics card, if the program was built for one and it is there; else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A graphics card of NVIDIA's.
    Cuda,
    /// The graphics processor of a Mac.
    Metal,
}

/// Where a model computes, and how exactly.
#[derive(Clone, Debug)]
pub enum Placement {
    /// On the processor, by our own kernels.
    Cpu(ComputeType),
    /// On a device, by candle.
    Accelerator(Accelerator),
}

impl Placement {
    /// The end of the cache key of a model that is there. What is usual on a device is not said: 8 bits on the processor,
    /// 16 on a graphics card.
    pub fn key_suffix(&self) -> String {
        match self {
            Self::Cpu(ComputeType::Int8) => "_cpu".to_owned(),
            Self::Cpu(ComputeType::F32) => "-f32_cpu".to_owned(),
            Self::Accelerator(accelerator) => {
                let precision = match accelerator.precision() {
                    Precision::F16 => "",
                    Precision::Bf16 => "-bf16",
                    Precision::F32 => "-f32",
                };
                let backend = match accelerator.backend() {
                    Backend::Cuda => "cuda",
                    Backend::Metal => "metal",
                    Backend::Processor => "candle",
                };
                format!("{precision}_{backend}")
            }
        }
    }
}

/// The devices that were opened so far.
#[derive(Default)]
pub struct Devices {
    open: BTreeMap<(Backend, Precision), Accelerator>,
    missed: BTreeSet<Backend>,
}

impl Devices {
    /// Where a model shall compute. If what was asked for is not there, that is the processor, and the first time a
    /// warning says why. Graphics cards have no 8-bit arithmetic here: the faster of their types has 16 bits.
    pub fn place(&mut self, wanted: ComputeDevice, compute_type: ComputeType) -> (Placement, Option<String>) {
        let precision = match compute_type {
            ComputeType::F32 => Precision::F32,
            ComputeType::Int8 => Precision::F16,
        };
        let candidates: &[Backend] = match wanted {
            ComputeDevice::Auto => &[Backend::Cuda, Backend::Metal],
            ComputeDevice::Cpu => &[],
            ComputeDevice::Cuda => &[Backend::Cuda],
            ComputeDevice::Metal => &[Backend::Metal],
        };
        let mut warning = None;
        for backend in candidates {
            match self.open(*backend, precision) {
                Ok(accelerator) => return (Placement::Accelerator(accelerator), None),
                Err(reason) if wanted == ComputeDevice::Auto => tracing::debug!("{reason}"),
                Err(reason) => {
                    let is_news = self.missed.insert(*backend);
                    warning = is_news.then(|| format!("The processor does the work of the graphics card: {reason}."));
                }
            }
        }
        (Placement::Cpu(compute_type), warning)
    }

    fn open(&mut self, backend: Backend, precision: Precision) -> Result<Accelerator, AcceleratorError> {
        if let Some(accelerator) = self.open.get(&(backend, precision)) {
            return Ok(accelerator.clone());
        }
        let accelerator = Accelerator::open(backend, precision)?;
        self.open.insert((backend, precision), accelerator.clone());
        Ok(accelerator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_replaced_by_the_processor_with_one_warning() {
        for (wanted, backend, feature) in
            [(ComputeDevice::Cuda, Backend::Cuda, "cuda"), (ComputeDevice::Metal, Backend::Metal, "metal")]
        {
            let mut devices = Devices::default();
            let is_there = Accelerator::open(backend, Precision::F16).is_ok();
            for round in 0..2 {
                let (placement, warning) = devices.place(wanted, ComputeType::Int8);
                let expected = if is_there { format!("_{feature}") } else { "_cpu".to_owned() };
                assert_eq!(placement.key_suffix(), expected);
                assert_eq!(warning.is_some(), !is_there && round == 0, "{wanted:?}, round {round}: {warning:?}");
                let names_it = |warning: &String| warning.to_lowercase().contains(feature);
                assert!(warning.as_ref().is_none_or(names_it), "{warning:?}");
            }
            assert_eq!(devices.place(ComputeDevice::Auto, ComputeType::F32).1, None, "nobody asked for a card");
            let (placement, warning) = devices.place(ComputeDevice::Cpu, ComputeType::F32);
            assert_eq!((placement.key_suffix().as_str(), warning), ("-f32_cpu", None));
        }
    }
}
