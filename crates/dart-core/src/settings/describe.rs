//! The method that settings describe.

use super::flat::{MethodKind, Settings};
use crate::method::{Fluency, HeadMethod, Method, PromptMethod, SentenceMethod, Shown};

impl Settings {
    /// How a text is classified.
    pub fn method(&self) -> Method {
        let (train, embeddings) = (self.train, self.embeddings);
        match self.kind {
            MethodKind::Majority => Method::Majority,
            MethodKind::Head => Method::Head(HeadMethod { train, embeddings }),
            MethodKind::Sentence => Method::Sentence(SentenceMethod {
                train,
                embeddings,
                logreg_c: self.logreg_c,
                encoder_prompt: self.encoder_prompt.clone(),
            }),
            MethodKind::Prompt => Method::Prompt(PromptMethod {
                template: self.template.rows(
                    self.template_init,
                    self.template_tokens,
                    self.prompt_encoder,
                ),
                labels: self.labels.rows(self.label_init),
                template_gradient: self.template_gradient,
                label_pieces: self.label_pieces,
                full_vocab: self.full_vocab,
                fluency: self.fluency.map(|weight| Fluency {
                    weight,
                    labels: self.fluency_labels,
                    mask: self.fluency_mask,
                    reference_bug: self.reference_bug,
                    pass: self.fluency_pass,
                    mean: self.fluency_mean,
                    weighted: self.fluency_weight,
                    softmax: self.fluency_softmax,
                    trains: self.fluency_trains,
                }),
                train,
                embeddings,
                places: self.places,
                bias_init: self.bias_init,
                share_equal_tokens: self.share_equal_tokens,
                sep_after_text: self.sep_after_text,
                demonstrations: self.demonstrations.map(|contexts| Shown {
                    contexts,
                    tokens: self.demonstration_tokens,
                    share: self.demonstration_share,
                    encoder_prompt: self.encoder_prompt.clone(),
                }),
            }),
        }
    }
}
