//! Every setting, once.

/// Hands every setting to the macro `$with`: two lists, of how a text is classified (`method`) and of
/// how a run is optimised (`train`).
///
/// A line is `/// documentation`, then `name: type = default, if meaning, in limits, since n;`:
/// `meaning` is a function of [`Settings`](crate::settings::Settings) that tells whether the setting
/// decides anything beside the others, `limits` are the numbers that it may have, and `since` orders
/// what came later (0: there from the start). A later setting at its default is not written where a
/// run is identified, so that it leaves finished runs alone; a new one takes the next number.
#[macro_export]
macro_rules! settings_table {
    ($with:ident) => {
        $with! {
            method {
                /// What the template is made of: `none`, `hard`, `pseudo` or `encoded`.
                template: $crate::method::TemplateKind = $crate::method::TemplateKind::Hard,
                    if is_prompt, in ANY;
                /// What classes are mapped to: `words` or `pseudo`.
                labels: $crate::method::LabelKind = $crate::method::LabelKind::Words,
                    if is_prompt, in ANY;
                /// Number of the template's pseudo tokens; null: one for each of the manual template's.
                template_tokens: Option<usize> = None,
                    if has_free_template, in count(1.0, 1000.0);
                /// What computes an encoded template's rows: `lstm` or `mlp`.
                prompt_encoder: $crate::method::PromptEncoderKind =
                    $crate::method::PromptEncoderKind::Lstm,
                    if has_encoded_template, in ANY;
                /// How the template's pseudo tokens start: `manual`, `random` or `uniform` (the
                /// reference's).
                template_init: $crate::method::RowInit = $crate::method::RowInit::Manual,
                    if has_free_template, in ANY;
                /// How the labels' pseudo tokens start: `manual`, `random` or `uniform`.
                label_init: $crate::method::RowInit = $crate::method::RowInit::Manual,
                    if has_pseudo_labels, in ANY;
                /// What stands for a label word of several pieces: `mean` or `first`.
                label_pieces: $crate::method::LabelPieces = $crate::method::LabelPieces::Mean,
                    if is_prompt, in ANY;
                /// L_C over the whole vocabulary instead of the class rows.
                full_vocab: bool = false,
                    if is_prompt, in ANY;
                /// λ of L = L_C + λ L_F; 0 or null: no fluency constraint.
                fluency: Option<f64> = None,
                    if is_prompt, in NOT_NEGATIVE;
                /// Under which labels the masked word is predicted.
                fluency_labels: $crate::method::FluencyLabels = $crate::method::FluencyLabels::Auto,
                    if has_fluency, in ANY;
                /// Which input tokens are masked: `one`, or a rate.
                fluency_mask: $crate::method::FluencyMask = $crate::method::FluencyMask::One,
                    if has_fluency, in ANY;
                /// The reference's fluency loss, in which every label counts as a wrong one.
                reference_bug: bool = false,
                    if has_fluency, in ANY;
                /// Contexts of demonstrations over which class scores are averaged; null: no
                /// demonstrations.
                demonstrations: Option<usize> = None,
                    if is_prompt, in COUNT;
                /// Longest text of a demonstration in tokens.
                demonstration_tokens: usize = 50,
                    if has_demonstrations, in COUNT;
                /// Share of each class, the most similar to the input, from which they are drawn; 1:
                /// all.
                demonstration_share: f64 = 0.5,
                    if has_demonstrations, in SHARE;
                /// The sentence encoder: a name under models/ or of the Hugging Face hub, or a folder.
                encoder: String = "all-minilm-l6-v2".to_owned(),
                    if has_encoder, in ANY;
                /// Which prompt of the encoder's config_sentence_transformers.json stands before every text
                /// that it embeds; null: the one that the file makes its default.
                encoder_prompt: Option<String> = None,
                    if has_encoder, in ANY;
                /// C of the logistic regression, the inverse strength of its L2 penalty.
                logreg_c: f64 = 1.0,
                    if is_sentence, in POSITIVE;
                /// Which weights of the language model are trained: `none`, `lm`, `bitfit` or `prompt`.
                train: $crate::method::TrainPart = $crate::method::TrainPart::Lm,
                    if has_model, in ANY;
                /// Whether the vocabulary's rows are trained: `frozen` or `trained`.
                embeddings: $crate::method::Embeddings = $crate::method::Embeddings::Frozen,
                    if is_trained, in ANY;
            }
            train {
                /// Peak learning rate.
                learning_rate: f64 = 1e-4,
                    if is_trained, in POSITIVE, since 0;
                /// Peak learning rate of the pseudo rows; null: `learning_rate`.
                pseudo_learning_rate: Option<f64> = None,
                    if has_trained_rows, in POSITIVE, since 0;
                /// Share of the steps, the first, in which only the pseudo rows (and their encoder) are
                /// trained.
                prompt_first: f64 = 0.0,
                    if has_trained_rows, in BELOW_ONE, since 3;
                /// Examples a micro-batch.
                batch: usize = 8,
                    if is_trained, in COUNT, since 0;
                /// Micro-batches a step.
                accumulation: usize = 1,
                    if is_trained, in COUNT, since 0;
                /// Optimizer steps.
                steps: usize = 160,
                    if is_trained, in COUNT, since 0;
                /// Passes over the training examples, instead of `steps`.
                epochs: Option<usize> = None,
                    if is_trained, in COUNT, since 5;
                /// Share of the steps in which the learning rate rises linearly from 0.
                warmup: f64 = 0.05,
                    if is_trained, in BELOW_ONE, since 0;
                /// AdamW's decoupled weight decay; never on biases and LayerNorms, and on embeddings and
                /// pseudo rows only with `decay_embeddings`.
                weight_decay: f64 = 0.01,
                    if is_trained, in NOT_NEGATIVE, since 0;
                /// Weight decay on embeddings and pseudo rows too, as the reference implementation.
                decay_embeddings: bool = false,
                    if is_trained, in ANY, since 4;
                /// Largest global gradient norm.
                clip: f64 = 1.0,
                    if is_trained, in POSITIVE, since 0;
                /// Steps between evaluations on dev (the last step is always evaluated).
                eval_every: usize = 20,
                    if is_trained, in COUNT, since 0;
                /// Evaluations without improvement after which training stops, counted from the end of
                /// `prompt_first`; null: never.
                patience: Option<usize> = None,
                    if is_trained, in COUNT, since 0;
                /// Longest input in tokens.
                max_length: usize = 128,
                    if has_model, in count(5.0, 1e9), since 0;
                /// Intra-op threads of libtorch (part of a run's identity: bits depend on it).
                threads: usize = 1,
                    if has_model, in THREADS, since 0;
                /// `cpu`, `auto` or `cuda:N`.
                device: $crate::device::DeviceChoice = $crate::device::DeviceChoice::Cpu,
                    if has_model, in ANY, since 0;
                /// The number format of the computation: `float32`, `bfloat16` or `float64`.
                precision: $crate::settings::precision::Precision = $crate::settings::precision::Precision::Float32,
                    if has_model, in ANY, since 1;
                /// Whether a backward pass computes each layer again instead of keeping what it computed,
                /// to need less memory.
                recompute: bool = false,
                    if is_trained, in ANY, since 2;
            }
        }
    };
}
