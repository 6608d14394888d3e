//! Where the layers of a family drop out.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::config::Relative;
use crate::lm::config::{Activation, LmConfig};
use crate::lm::modules::{Linear, Mode};
use crate::lm::packing::Packing;
use crate::lm::post_norm::Layer;
use crate::lm::weights::Weights;

fn config() -> LmConfig {
    LmConfig {
        family: "",
        causal: false,
        vocab: 9,
        embedding: 32,
        hidden: 32,
        layers: 1,
        heads: 2,
        intermediate: 16,
        activation: Activation::Gelu,
        head_activation: Activation::Gelu,
        positions: 9,
        position_offset: 0,
        token_types: 2,
        eps: 1e-5,
        dropout: 0.5,
        attention_dropout: 0.0,
        head_dropout: 0.0,
    }
}

/// Whether a layer drops values of what one of its halves gives. All else being 0, a half that
/// gives 1 everywhere is evened out by its LayerNorm, unless some values were dropped.
fn drops(relative: Relative, half: fn(&mut Layer) -> &mut Linear, mode: Mode) -> bool {
    let mut weights = Weights::from_tensors(BTreeMap::new()); // whatever is taken is 0
    let (config, names) = (config(), &relative.names().parts);
    let mut layer = Layer::take(&mut weights, &config, names, relative.dropout(&config), "");
    let options = (Kind::Float, Device::Cpu);
    layer.attention_norm.weight = Tensor::ones([32], options);
    layer.out_norm.weight = Tensor::ones([32], options);
    half(&mut layer).bias = Some(Tensor::ones([32], options));
    let packing = Packing::new(&Tensor::ones([2, 3], options)).unwrap();
    let (x, bias) = (
        Tensor::zeros([6, 32], options),
        Tensor::zeros([2, 1, 1, 3], options),
    );
    let out = layer.forward(&x, &packing, None, &bias, mode).unwrap();
    out.abs().max().double_value(&[]) > 0.1
}

/// modeling_distilbert.py has no dropout behind `out_lin`, modeling_albert.py none behind
/// `ffn_output`.
#[test]
fn dropout_stands_where_transformers_has_it() {
    for (relative, attended, fed) in [
        (Relative::Bert, true, true),
        (Relative::Roberta, true, true),
        (Relative::Electra, true, true),
        (Relative::DistilBert, false, true),
        (Relative::Albert, true, false),
    ] {
        let dropped = |mode| {
            (
                drops(relative, |layer| &mut layer.attention_out, mode),
                drops(relative, |layer| &mut layer.down, mode),
            )
        };
        assert_eq!(dropped(Mode::Train), (attended, fed), "{relative:?}");
        assert_eq!(dropped(Mode::Evaluate), (false, false), "{relative:?}");
    }
}
