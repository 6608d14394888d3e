//! The relative-position bias: a value a head for each bucket of distances, as T5 has it (Raffel et
//! al., 2020), both directions apart.

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::lm::config::LmConfig;
use crate::lm::modules::{in_kind, to};
use crate::lm::params::{Parameter, Role, indices};
use crate::lm::weights::Weights;

/// Half of them for keys before the query, half for those behind it.
pub(super) const BUCKETS: i64 = 32;
/// From this distance on all keys share the last bucket of their direction.
const FARTHEST: f32 = 128.0;
const NAME: &str = "encoder.relative_attention_bias.weight";

pub(super) struct RelativeBias {
    /// `[buckets, heads]`
    table: Tensor,
}

impl RelativeBias {
    pub fn take(w: &mut Weights, c: &LmConfig, prefix: &str) -> Self {
        RelativeBias {
            table: w.take(&format!("{prefix}{NAME}"), &[BUCKETS, c.heads]),
        }
    }

    /// What is added to the scores of `seq` queries and as many keys, `[heads, seq, seq]`.
    pub fn forward(&self, seq: i64, kind: Kind) -> Result<Tensor> {
        let rows: Vec<i64> = (1 - seq..seq).map(bucket).collect();
        let rows = indices(&rows, self.table.device())?;
        let table = in_kind(&self.table, kind)?;
        let by_distance = table.f_tr()?.f_index_select(1, &rows)?; // [heads, 2 seq - 1]
        // Window s begins at the distance of key 0 from query seq - 1 - s.
        Ok(by_distance.f_unfold(1, seq, 1)?.f_flip([1])?)
    }

    pub fn list(&self, prefix: &str, into: &mut Vec<Parameter>) {
        let table = self.table.shallow_clone();
        into.push(Parameter::new(
            format!("{prefix}{NAME}"),
            table,
            Role::Embedding,
        ));
    }

    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        to(&mut self.table, device, kind)
    }
}

/// The bucket of the key that stands `distance` behind the query. Each of the nearest distances has
/// its own, the others share logarithmically wider ones; in float32, whose rounding decides at their
/// borders.
fn bucket(distance: i64) -> i64 {
    let half = BUCKETS / 2;
    let exact = half / 2;
    let direction = if distance > 0 { half } else { 0 };
    let distance = distance.abs();
    if distance < exact {
        return direction + distance;
    }
    let share = (distance as f32 / exact as f32).ln() / (FARTHEST / exact as f32).ln();
    let wide = exact + (share * (half - exact) as f32) as i64;
    direction + wide.min(half - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Golden {
        from: i64,
        buckets: Vec<i64>,
    }

    /// Against transformers' own function (tests/goldens/mpnet-buckets.json).
    #[test]
    fn buckets_of_distances_equal_transformers() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/goldens/mpnet-buckets.json"
        );
        let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let found: Vec<i64> = (golden.from..=-golden.from).map(bucket).collect();
        assert_eq!(found, golden.buckets);
    }

    #[test]
    fn a_score_gets_the_value_of_its_distance() {
        let options = (Kind::Int64, Device::Cpu);
        let table = Tensor::arange(BUCKETS * 2, options).view([BUCKETS, 2]);
        let bias = RelativeBias {
            table: table.to_kind(Kind::Float),
        };
        let found = bias.forward(20, Kind::Float).unwrap();
        assert_eq!(found.size(), [2, 20, 20]);
        for (head, query, key) in [(0, 0, 0), (1, 3, 4), (0, 4, 3), (1, 0, 19), (0, 19, 0)] {
            let wanted = 2 * bucket(key - query) + head;
            assert_eq!(found.double_value(&[head, query, key]), wanted as f64);
        }
    }
}
