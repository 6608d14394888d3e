//! Where BERT and its relatives keep their tensors: the names that Hugging Face's checkpoints use.

use crate::lm::post_norm::LayerNames;

/// Names of a family's tensors. Modules are named without `.weight` and `.bias`; `{}` stands for
/// the layer's number.
pub(super) struct Names {
    /// What stands before the encoder's names in a checkpoint with a masked-LM head.
    pub prefix: &'static str,
    /// Module that maps D to H, where the family has one.
    pub project: &'static str,
    /// What stands before the names of a layer.
    pub layer: &'static str,
    pub parts: LayerNames,
    pub head_dense: &'static str,
    pub head_norm: &'static str,
    /// The decoder's bias `[V]`.
    pub head_bias: &'static str,
    /// Tensors that repeat tied ones or serve other heads: read past without a word.
    pub ignored: &'static [&'static str],
}

pub(super) const WORDS: &str = "embeddings.word_embeddings.weight";
pub(super) const POSITIONS: &str = "embeddings.position_embeddings.weight";
pub(super) const TOKEN_TYPES: &str = "embeddings.token_type_embeddings.weight";
pub(super) const EMBEDDING_NORM: &str = "embeddings.LayerNorm";

const BASE: Names = Names {
    prefix: "bert.",
    project: "",
    layer: "encoder.layer.{}.",
    parts: LayerNames {
        query: "attention.self.query",
        key: "attention.self.key",
        value: "attention.self.value",
        attention_out: "attention.output.dense",
        attention_norm: "attention.output.LayerNorm",
        up: "intermediate.dense",
        down: "output.dense",
        out_norm: "output.LayerNorm",
    },
    head_dense: "cls.predictions.transform.dense",
    head_norm: "cls.predictions.transform.LayerNorm",
    head_bias: "cls.predictions.bias",
    ignored: &[
        "embeddings.position_ids",
        "pooler.",
        "cls.seq_relationship.",
        "cls.predictions.decoder.",
    ],
};

pub(super) static BERT: Names = BASE;

pub(super) static ROBERTA: Names = Names {
    prefix: "roberta.",
    head_dense: "lm_head.dense",
    head_norm: "lm_head.layer_norm",
    head_bias: "lm_head.bias",
    ignored: &["embeddings.position_ids", "pooler.", "lm_head.decoder."],
    ..BASE
};

pub(super) static DISTILBERT: Names = Names {
    prefix: "distilbert.",
    project: "",
    layer: "transformer.layer.{}.",
    parts: LayerNames {
        query: "attention.q_lin",
        key: "attention.k_lin",
        value: "attention.v_lin",
        attention_out: "attention.out_lin",
        attention_norm: "sa_layer_norm",
        up: "ffn.lin1",
        down: "ffn.lin2",
        out_norm: "output_layer_norm",
    },
    head_dense: "vocab_transform",
    head_norm: "vocab_layer_norm",
    head_bias: "vocab_projector.bias",
    ignored: &["vocab_projector.weight"],
};

pub(super) static ELECTRA: Names = Names {
    prefix: "electra.",
    project: "embeddings_project",
    head_dense: "generator_predictions.dense",
    head_norm: "generator_predictions.LayerNorm",
    head_bias: "generator_lm_head.bias",
    ignored: &["embeddings.position_ids", "generator_lm_head.weight"],
    ..BASE
};

pub(super) static ALBERT: Names = Names {
    prefix: "albert.",
    project: "encoder.embedding_hidden_mapping_in",
    layer: "encoder.albert_layer_groups.0.albert_layers.0.",
    parts: LayerNames {
        query: "attention.query",
        key: "attention.key",
        value: "attention.value",
        attention_out: "attention.dense",
        attention_norm: "attention.LayerNorm",
        up: "ffn",
        down: "ffn_output",
        out_norm: "full_layer_layer_norm",
    },
    head_dense: "predictions.dense",
    head_norm: "predictions.LayerNorm",
    head_bias: "predictions.bias",
    ignored: &[
        "embeddings.position_ids",
        "pooler.",
        "sop_classifier.",
        "predictions.decoder.",
    ],
};
