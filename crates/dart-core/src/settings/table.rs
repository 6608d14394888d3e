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
                /// Whether equal tokens of the template are one pseudo token.
                share_equal_tokens: bool = false,
                    if has_free_template, in ANY;
                /// How the template's pseudo tokens start: `manual`, `random` or `uniform`.
                template_init: $crate::method::RowInit = $crate::method::RowInit::Manual,
                    if has_free_template, in ANY;
                /// How the labels' pseudo tokens start: `manual`, `random` or `uniform`.
                label_init: $crate::method::RowInit = $crate::method::RowInit::Manual,
                    if has_pseudo_labels, in ANY;
                /// Whether the pseudo rows get gradients as inputs too; `false`: only where a loss reads them
                /// as outputs. A template's rows then move with a loss over the vocabulary alone
                /// (`full_vocab`, `fluency`), and a label's row learns nothing from the slot that it fills.
                template_gradient: bool = true,
                    if has_trained_template, in ANY;
                /// Which rows of the vocabulary the pseudo tokens stand in for, so that no softmax over the
                /// vocabulary has them: none (`appended`), the `unused` ones, or its `tail`.
                places: $crate::method::Places = $crate::method::Places::Appended,
                    if has_places, in ANY;
                /// What the decoder biases of pseudo tokens start from: the `source` of their rows, or
                /// the `place` that they take.
                bias_init: $crate::method::BiasInit = $crate::method::BiasInit::Source,
                    if has_pseudo, in ANY;
                /// `[SEP]` right after the first text; what stands behind it is the second segment.
                sep_after_text: bool = false,
                    if is_prompt, in ANY;
                /// What stands for a label word of several pieces: `mean` or `first`.
                label_pieces: $crate::method::LabelPieces = $crate::method::LabelPieces::Mean,
                    if is_prompt, in ANY;
                /// L_C over the whole vocabulary instead of the class rows.
                full_vocab: bool = false,
                    if is_prompt, in ANY;
                /// λ of L = L_C + λ L_F; 0 or null: no fluency constraint.
                fluency: Option<f64> = None,
                    if is_prompt, in NOT_NEGATIVE;
                /// In which pass masked words are predicted: in its `own`, with a label in the slot, or
                /// in the `same` as L_C, with [MASK] there: plain masked-token prediction.
                fluency_pass: $crate::method::FluencyPass = $crate::method::FluencyPass::Own,
                    if has_fluency, in ANY;
                /// Under which labels the masked word is predicted: `auto`, `all`, `{k: N}`, `sampled`
                /// or `true`, the true one alone.
                fluency_labels: $crate::method::FluencyLabels = $crate::method::FluencyLabels::Auto,
                    if has_own_pass, in ANY;
                /// Which input tokens are masked: `one`, each at a rate, or `{share: r}` of each text.
                fluency_mask: $crate::method::FluencyMask = $crate::method::FluencyMask::One,
                    if has_fluency, in ANY;
                /// What the losses of masked words are averaged over: each example's, then the
                /// `examples`, or all `masks` of a micro-batch.
                fluency_mean: $crate::method::FluencyMean = $crate::method::FluencyMean::Examples,
                    if has_fluency, in ANY;
                /// What λ weighs: the `sum` over labels, or each `label` as λ/n of n classes.
                fluency_weight: $crate::method::FluencyWeight = $crate::method::FluencyWeight::Sum,
                    if has_fluency, in ANY;
                /// The softmax of masked words: over `all` rows, or over `words`, without pseudo
                /// tokens.
                fluency_softmax: $crate::method::FluencySoftmax =
                    $crate::method::FluencySoftmax::All,
                    if has_fluent_pseudo, in ANY;
                /// What L_F trains: `all` that is trained, or the `prompt`, its pseudo tokens alone.
                fluency_trains: $crate::method::FluencyTrains = $crate::method::FluencyTrains::All,
                    if has_choice_of_trained, in ANY;
                /// The fluency loss of the authors' program of December 2022, in which every label counts
                /// as a wrong one.
                reference_bug: bool = false,
                    if has_own_pass, in ANY;
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
                /// Peak learning rate: of all that `embedding_learning_rate` and `pseudo_learning_rate` are
                /// not about, decoder biases among it.
                learning_rate: f64 = 1e-4,
                    if is_trained, in POSITIVE, since 0;
                /// Peak learning rate of the pseudo rows and their decoder biases; null: the rows have
                /// that of embeddings, the biases `learning_rate`.
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
                /// Share of the steps (of what `count` counts) in which the learning rates rise linearly
                /// from 0.
                warmup: f64 = 0.05,
                    if is_trained, in BELOW_ONE, since 0;
                /// AdamW's decoupled weight decay; never on biases and LayerNorms, and on embeddings and
                /// pseudo rows as `decay_embeddings` says.
                weight_decay: f64 = 0.01,
                    if is_trained, in NOT_NEGATIVE, since 0;
                /// Which embeddings have weight decay: `false` (none), `positions` (those of positions and
                /// segments) or `true` (the vocabulary's and the pseudo rows too).
                decay_embeddings: $crate::settings::schedule::DecayedEmbeddings =
                    $crate::settings::schedule::DecayedEmbeddings::None,
                    if is_trained, in ANY, since 4;
                /// Largest global gradient norm.
                clip: f64 = 1.0,
                    if is_trained, in POSITIVE, since 0;
                /// Steps between evaluations on dev (the last step is always evaluated); micro-batches
                /// with `count: micro-batches`.
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
                /// Peak learning rate of the vocabulary's rows, where they are trained, and of the pseudo
                /// rows (which `pseudo_learning_rate` may give another); null: `learning_rate`. Decoder
                /// biases have `learning_rate`.
                embedding_learning_rate: Option<f64> = None,
                    if has_trained_embeddings, in POSITIVE, since 20;
                /// How the learning rate of the vocabulary's rows and of the pseudo rows goes after its
                /// warm-up: `linear` (to 0) or `constant`; null: as `schedule` says.
                embedding_schedule: Option<$crate::settings::schedule::Schedule> = None,
                    if has_trained_embeddings, in ANY, since 21;
                /// How the learning rate goes after its warm-up: `linear` (to 0) or `constant`.
                schedule: $crate::settings::schedule::Schedule =
                    $crate::settings::schedule::Schedule::Linear,
                    if is_trained, in ANY, since 22;
                /// What `eval_every` and the schedule's length count: `steps` or `micro-batches`. A step
                /// moves the schedule by one either way, so that with `micro-batches` and an
                /// accumulation of 2 the learning rate ends at half its peak.
                count: $crate::settings::schedule::Count = $crate::settings::schedule::Count::Steps,
                    if is_trained, in ANY, since 23;
                /// Which of the evaluations with the best metric on dev is kept: that of the lowest `loss`,
                /// the `earlier` or the `later` one. A `later` one is no improvement for `patience`.
                ties: $crate::settings::schedule::Ties = $crate::settings::schedule::Ties::Loss,
                    if is_trained, in ANY, since 24;
            }
        }
    };
}
