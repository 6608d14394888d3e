//! What a run takes from what all children share.

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
    pub fn wanted(device: &str) -> Self {
        match (
            device,
            device.strip_prefix("cuda:").and_then(|n| n.parse().ok()),
        ) {
            ("cpu", _) => Gpu::None,
            (_, Some(number)) => Gpu::Number(number),
            ("cuda", _) => Gpu::Number(0),
            _ => Gpu::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_ask_for_gpus() {
        assert_eq!(Gpu::wanted("cpu"), Gpu::None);
        assert_eq!(Gpu::wanted("auto"), Gpu::Any);
        assert_eq!(Gpu::wanted("cuda"), Gpu::Number(0));
        assert_eq!(Gpu::wanted("cuda:3"), Gpu::Number(3));
    }
}
