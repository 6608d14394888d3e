//! Rotary positions (Su et al., 2021): queries and keys turned by angles that grow with the
//! position, so that their product depends on the distance.

use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// Cosines and sines of the angles at some positions, `[seq, d]` or `[batch, 1, n, d]`, where d is
/// the size of a head.
pub(super) struct Rotary {
    cos: Tensor,
    sin: Tensor,
}

impl Rotary {
    /// At the positions 0 to `seq` − 1: pair i of d / 2 turns by p · theta^(−2i / d) at position p.
    pub fn new(seq: i64, d: i64, theta: f64, kind: Kind, device: Device) -> Result<Self> {
        let half = d / 2;
        let turns: Vec<f64> = (0..d)
            .map(|i| theta.powf(-2.0 * (i % half) as f64 / d as f64))
            .collect();
        let angles: Vec<f64> = (0..seq)
            .flat_map(|p| turns.iter().map(move |turn| p as f64 * turn))
            .collect();
        let angles = Tensor::f_from_slice(&angles)?.f_view([seq, d])?;
        let place = |t: Tensor| t.f_to_kind(kind)?.f_to_device(device);
        Ok(Rotary {
            cos: place(angles.f_cos()?)?,
            sin: place(angles.f_sin()?)?,
        })
    }

    /// At the positions `read` `[batch, n]`.
    pub fn at(&self, read: &Tensor) -> Result<Self> {
        let (batch, n) = read.size2()?;
        let rows = |t: &Tensor| {
            t.f_index_select(0, &read.f_reshape([-1])?)?
                .f_view([batch, 1, n, -1])
        };
        Ok(Rotary {
            cos: rows(&self.cos)?,
            sin: rows(&self.sin)?,
        })
    }

    /// Turns `x` `[batch, heads, n, d]`: component i and i + d / 2 are a pair.
    pub fn turn(&self, x: &Tensor) -> Result<Tensor> {
        let half = x.size()[3] / 2;
        let (first, second) = (x.f_narrow(-1, 0, half)?, x.f_narrow(-1, half, half)?);
        let turned = Tensor::f_cat(&[second.f_neg()?, first], -1)?;
        Ok(x.f_mul(&self.cos)?.f_add(&turned.f_mul(&self.sin)?)?)
    }
}
