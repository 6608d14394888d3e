//! Which training examples may be shown with an input: of each class, those most similar to it by a
//! sentence encoder (Gao et al., 2021, section 6.2).

use std::path::Path;

use dart_data::Example;
use tch::{Device, Kind, Tensor};

use super::encoder::SentenceEncoder;
use super::layout::Layout;
use crate::error::{CoreError, Result};
use crate::lm::LanguageModel;
use crate::prompt::{Encoded, InputEncoder};
use crate::tokenizer::Tokenizer;

/// Examples whose similarities to the training examples stand in memory at a time.
const ROWS: usize = 1024;

/// Most candidates of all training examples together: 4 GB.
const MOST_CANDIDATES: f64 = 5e8;

/// The longest text in tokens, where the encoder's folder does not say it.
const LONGEST: usize = 256;

/// A sentence encoder and what it makes of the training examples.
struct Embedded {
    sentences: SentenceEncoder,
    tokenizer: Tokenizer,
    encoder: InputEncoder,
    /// `[train, H]`.
    train: Tensor,
}

impl Embedded {
    fn embed(&self, examples: &[Example]) -> Result<Tensor> {
        let encoded: Vec<Encoded> = examples
            .iter()
            .map(|e| self.encoder.encode(e, &self.tokenizer))
            .collect::<Result<_>>()?;
        self.sentences
            .directions(&self.sentences.embed_all(&encoded)?)
    }
}

/// Chooses the training examples that may be shown with an input.
pub struct Similar {
    train: Vec<Example>,
    classes: usize,
    share: f64,
    embedded: Option<Embedded>,
}

impl Similar {
    /// Of each of `classes`, the most similar `share` of `train` (rounded down, one at least) by
    /// the sentence encoder in `encoder`, its `prompt` before each text; all of them where `share` is
    /// 1.
    ///
    /// # Errors
    /// The encoder does not load, or the candidates of so many examples would not fit into memory.
    pub fn new(
        train: &[Example],
        classes: usize,
        share: f64,
        encoder: &Path,
        prompt: Option<&str>,
        device: Device,
    ) -> Result<Self> {
        let candidates = (train.len() as f64).powi(2) * share;
        if candidates > MOST_CANDIDATES {
            return Err(CoreError::Setting(format!(
                "demonstrations chosen for each of {} training examples would be {candidates:.1e} \
                 candidates, more than {MOST_CANDIDATES:.0e}; train on fewer (k) or lower \
                 demonstration_share",
                train.len()
            )));
        }
        let embedded = match share < 1.0 {
            false => None,
            true => {
                let layout = Layout::read(encoder, prompt)?;
                let tokenizer = layout.tokenizer(Tokenizer::load(encoder)?)?;
                let mut lm = LanguageModel::load_encoder(encoder)?;
                lm.to(device, Kind::Float)?;
                let longest = layout.max_length().unwrap_or(LONGEST);
                let mut embedded = Embedded {
                    encoder: layout.inputs(longest.min(lm.config.max_length())),
                    sentences: SentenceEncoder::new(lm, &tokenizer, &layout)?,
                    tokenizer,
                    train: Tensor::new(),
                };
                embedded.train = embedded.embed(train)?;
                Some(embedded)
            }
        };
        Ok(Similar {
            train: train.to_vec(),
            classes,
            share,
            embedded,
        })
    }

    /// Candidates `[classes][..]` of each example: indices of training examples, most similar
    /// first, never the example itself.
    ///
    /// # Errors
    /// libtorch's.
    pub fn candidates(&self, examples: &[Example]) -> Result<Vec<Vec<Vec<usize>>>> {
        let mut all = Vec::with_capacity(examples.len());
        for examples in examples.chunks(ROWS) {
            let similarity = match &self.embedded {
                Some(embedded) => {
                    let products = embedded
                        .embed(examples)?
                        .f_matmul(&embedded.train.f_tr()?)?; // [examples, train]
                    Some(products.f_to_device(Device::Cpu)?)
                }
                None => None,
            };
            for (row, example) in examples.iter().enumerate() {
                let scores = match &similarity {
                    Some(matrix) => Vec::<f64>::try_from(&matrix.f_get(row as i64)?)?,
                    None => vec![0.0; self.train.len()],
                };
                all.push(
                    (0..self.classes)
                        .map(|y| self.of_class(y, example, &scores))
                        .collect(),
                );
            }
        }
        Ok(all)
    }

    fn of_class(&self, class: usize, example: &Example, scores: &[f64]) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.train.len())
            .filter(|&i| self.train[i].label == class && self.train[i] != *example)
            .collect();
        found.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        let keep = (found.len() as f64 * self.share) as usize;
        found.truncate(keep.max(1));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_examples_than_memory_has_room_for_are_refused() {
        let example = Example {
            row: 0,
            text_a: String::new(),
            text_b: None,
            label: 0,
            entities: None,
        };
        let chosen_of = |rows| {
            let train = vec![example.clone(); rows];
            Similar::new(&train, 1, 1.0, Path::new(""), None, Device::Cpu)
        };
        let error = chosen_of(30_000).err().unwrap().to_string();
        assert!(error.contains("30000 training examples"), "{error}");
        assert!(chosen_of(20_000).is_ok());
    }
}
