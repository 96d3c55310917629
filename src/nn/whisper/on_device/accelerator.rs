//! The devices that candle computes on: graphics cards, if the program was built for them and this machine has one, and
//! the processor. It opens them and says why it cannot; whether to do without is for others to decide.

use std::fmt;
use std::panic::catch_unwind;

use candle_core::{DType, Device, Tensor};

/// What candle computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// A graphics card of NVIDIA's; needs the cargo feature `cuda`.
    Cuda,
    /// The graphics processor of a Mac; needs the cargo feature `metal`.
    Metal,
    /// The processor, which is everywhere, so that the tests can show what runs on graphics cards to be right. Our own
    /// kernels are faster.
    Processor,
}

/// The numbers that weights and hidden states are kept in. Softmax, and the sums within products, have 32 bits always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// 16 bits, of which 5 are the exponent: as openai-whisper computes on graphics cards.
    F16,
    /// 16 bits, of which 8 are the exponent: coarser. Not on the processor, nor on NVIDIA's cards from before 2020.
    Bf16,
    /// 32 bits: equal to the reference implementations.
    F32,
}

/// A device that computes, and how exactly it does.
#[derive(Clone, Debug)]
pub struct Accelerator {
    backend: Backend,
    precision: Precision,
    device: Device,
}

/// There is no such device.
#[derive(Debug, thiserror::Error)]
pub enum AcceleratorError {
    /// The program was built without it.
    #[error(
        "this Hansard was built without {backend}; to have it, build with `cargo build --release --features {feature}`",
        feature = .backend.feature()
    )]
    NotBuiltIn {
        /// What was asked for.
        backend: Backend,
    },
    /// This machine does not have it, or it is out of order.
    #[error("{backend} does not work on this machine ({source}); {advice}", advice = .backend.advice())]
    NotThere {
        /// What was asked for.
        backend: Backend,
        /// What it said.
        #[source]
        source: candle_core::Error,
    },
}

/// The device gave up on something that it was to compute.
#[derive(Debug, thiserror::Error)]
#[error(
    "the graphics card gave up: {0}. If its memory was full, fewer chunks at a time or a smaller model may fit; \
     the processor needs none of it"
)]
pub struct DeviceError(#[from] candle_core::Error);

impl Accelerator {
    /// Opens the first device of its kind and makes sure that it computes.
    pub fn open(backend: Backend, precision: Precision) -> Result<Self, AcceleratorError> {
        if !backend.is_built_in() {
            return Err(AcceleratorError::NotBuiltIn { backend });
        }
        let open = move || -> candle_core::Result<Device> {
            let device = backend.open()?;
            // A program that was built for other cards fails at its first kernel.
            let one = Tensor::ones((1, 1), precision.dtype(), &device)?;
            one.matmul(&one)?.gelu_erf()?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            Ok(device)
        };
        // candle panics where Metal has no device.
        let opened = catch_unwind(open).unwrap_or_else(|_| Err(candle_core::Error::Msg("there is no device".into())));
        let device = opened.map_err(|source| AcceleratorError::NotThere { backend, source })?;
        Ok(Self { backend, precision, device })
    }

    /// What it computes with.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// How exactly it does.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Values as a tensor on the device.
    pub(super) fn tensor(&self, values: Vec<f32>, shape: &[usize]) -> candle_core::Result<Tensor> {
        Tensor::from_vec(values, shape, &self.device)?.to_dtype(self.precision.dtype())
    }
}

impl Backend {
    fn is_built_in(self) -> bool {
        match self {
            Self::Cuda => candle_core::utils::cuda_is_available(),
            Self::Metal => candle_core::utils::metal_is_available(),
            Self::Processor => true,
        }
    }

    fn open(self) -> candle_core::Result<Device> {
        match self {
            // candle's usual device has a queue for each thread, and nothing would wait for what another one has begun.
            Self::Cuda => Device::new_cuda_with_stream(0),
            Self::Metal => Device::new_metal(0),
            Self::Processor => Ok(Device::Cpu),
        }
    }

    /// The cargo feature that builds it in.
    fn feature(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Metal => "metal",
            Self::Processor => "default",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Cuda => "check that `nvidia-smi` lists a card, and build Hansard on this machine",
            Self::Metal => "check that the system information of this Mac lists Metal support",
            Self::Processor => "please report this",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cuda => "CUDA",
            Self::Metal => "Metal",
            Self::Processor => "candle's processor backend",
        })
    }
}

impl Precision {
    fn dtype(self) -> DType {
        match self {
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
            Self::F32 => DType::F32,
        }
    }
}
