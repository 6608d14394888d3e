//! What a run takes from what all children share.

use dart_core::device::DeviceChoice;

/// What a child needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Bytes of memory, as estimated.
    pub memory: u64,
    /// Bytes of the machine's memory where a GPU holds the rest.
    pub beside_gpu: u64,
    /// The GPU.
    pub gpu: Gpu,
}

/// The GPU that a child needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// None: it computes on the CPU.
    None,
    /// Any one, where there are some.
    Any,
    /// This one.
    Number(usize),
}

impl Gpu {
    /// What a run's `device` asks for.
    pub fn wanted(device: DeviceChoice) -> Self {
        match device {
            DeviceChoice::Cpu => Gpu::None,
            DeviceChoice::Auto => Gpu::Any,
            DeviceChoice::Cuda(number) => Gpu::Number(usize::from(number.unwrap_or(0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_ask_for_gpus() {
        let wanted = |text: &str| Gpu::wanted(text.parse().unwrap());
        assert_eq!(wanted("cpu"), Gpu::None);
        assert_eq!(wanted("auto"), Gpu::Any);
        assert_eq!(wanted("cuda"), Gpu::Number(0));
        assert_eq!(wanted("cuda:3"), Gpu::Number(3));
    }
}
