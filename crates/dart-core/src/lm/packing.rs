//! Packed batches: everything but attention runs on the real tokens alone, `[tokens, H]`, so that
//! pads cost next to nothing.

use tch::{Kind, Tensor};

use crate::error::Result;

/// Where the tokens of a padded batch are.
pub(super) struct Packing {
    /// Flat positions of the tokens in `[batch × seq]`; `None` where there is no pad.
    tokens: Option<Tensor>,
    /// `[batch, 1]` int64: the first packed row of each example.
    offsets: Tensor,
    batch: i64,
    seq: i64,
}

impl Packing {
    /// From `keep` `[batch, seq]`, 1 at tokens and 0 at pads, which stand at the end.
    pub fn new(keep: &Tensor) -> Result<Self> {
        let (batch, seq) = keep.size2()?;
        let lengths = keep.f_to_kind(Kind::Int64)?.f_sum_dim_intlist(
            Some([1i64].as_slice()),
            true,
            Kind::Int64,
        )?; // [batch, 1]
        let offsets = lengths.f_cumsum(0, Kind::Int64)?.f_sub(&lengths)?;
        let tokens = keep.f_reshape([-1])?.f_nonzero()?.f_squeeze_dim(1)?;
        let tokens = (tokens.size()[0] < batch * seq).then_some(tokens);
        Ok(Packing {
            tokens,
            offsets,
            batch,
            seq,
        })
    }

    /// The same; it shares storage.
    pub fn share(&self) -> Self {
        Packing {
            tokens: self.tokens.as_ref().map(Tensor::shallow_clone),
            offsets: self.offsets.shallow_clone(),
            ..*self
        }
    }

    /// `[batch, seq, H] → [tokens, H]`
    pub fn pack(&self, x: &Tensor) -> Result<Tensor> {
        let flat = x.f_reshape([self.batch * self.seq, -1])?;
        match &self.tokens {
            Some(tokens) => Ok(flat.f_index_select(0, tokens)?),
            None => Ok(flat),
        }
    }

    /// `[tokens, H] → [batch, seq, H]`, zeros at pads.
    pub fn pad(&self, x: &Tensor) -> Result<Tensor> {
        let hidden = x.size2()?.1;
        let flat = match &self.tokens {
            Some(tokens) => {
                let empty =
                    Tensor::f_zeros([self.batch * self.seq, hidden], (x.kind(), x.device()))?;
                empty.f_index_copy(0, tokens, x)?
            }
            None => x.shallow_clone(),
        };
        Ok(flat.f_view([self.batch, self.seq, hidden])?)
    }

    /// `[batch, r, H]` from `[batch × r, H]`, the rows of the positions `read` `[batch, r]`;
    /// without `read`, [`Packing::pad`].
    pub fn unpack(&self, x: &Tensor, read: Option<&Tensor>) -> Result<Tensor> {
        match read {
            None => self.pad(x),
            Some(read) => {
                let (batch, r) = read.size2()?;
                Ok(x.f_view([batch, r, -1])?)
            }
        }
    }

    /// Rows of `x` `[tokens, H]` at the positions `read` `[batch, r]`: `[batch × r, H]`.
    pub fn gather(&self, x: &Tensor, read: &Tensor) -> Result<Tensor> {
        let rows = read.f_add(&self.offsets)?.f_view([-1])?;
        Ok(x.f_index_select(0, &rows)?)
    }
}
