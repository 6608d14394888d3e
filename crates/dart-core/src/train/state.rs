//! What a fit leaves in its folder: the state to go on from, the best weights, the outcome.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tch::{Device, Tensor};

use super::report::FitOutcome;
use super::spec::RunSpec;
use crate::adamw::AdamW;
use crate::error::{CoreError, Result};
use crate::files::write_atomically;
use crate::lm::weights::{Weights, write};
use crate::lm::{Parameter, indices, restore};
use crate::rng::key;

/// The best evaluation so far.
pub(crate) struct Best {
    pub dev: f64,
    pub dev_loss: f64,
    pub step: usize,
    /// In the order of the parameters.
    pub weights: Vec<Tensor>,
}

/// What a stopped fit goes on from.
pub(crate) struct Saved {
    pub step: usize,
    pub since_best: usize,
    pub best: Option<Best>,
}

/// A fit's folder.
pub(crate) struct FitState {
    dir: PathBuf,
    /// Key of all settings, so that a state is never taken for another run's.
    identity: i64,
}

impl FitState {
    pub fn new(spec: &RunSpec, dir: &Path) -> Result<Self> {
        let settings = serde_json::to_string(&(
            spec.method,
            spec.settings,
            &spec.task.template,
            &spec.task.words,
            &spec.task.labels,
        ))
        .map_err(|e| CoreError::Encoding(e.to_string()))?;
        Ok(FitState {
            dir: dir.to_path_buf(),
            identity: key(spec.seed, &settings, &[]) as i64,
        })
    }

    fn state_path(&self) -> PathBuf {
        self.dir.join("state.safetensors")
    }

    fn best_path(&self) -> PathBuf {
        self.dir.join("best.safetensors")
    }

    fn outcome_path(&self) -> PathBuf {
        self.dir.join("fit.json")
    }

    /// The outcome of a fit that has finished here.
    pub fn outcome(&self) -> Result<Option<FitOutcome>> {
        let path = self.outcome_path();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(CoreError::io(path, e)),
        };
        let (identity, outcome): (i64, FitOutcome) =
            serde_json::from_str(&text).map_err(|e| CoreError::state(&path, e))?;
        self.check(identity, &path)?;
        Ok(Some(outcome))
    }

    fn check(&self, identity: i64, path: &Path) -> Result<()> {
        match identity == self.identity {
            true => Ok(()),
            false => Err(CoreError::state(
                path,
                "belongs to a run of other settings; remove its folder",
            )),
        }
    }

    /// Records that the fit is done and drops the state.
    pub fn finish(&self, outcome: &FitOutcome) -> Result<()> {
        let path = self.outcome_path();
        let text = serde_json::to_string(&(self.identity, outcome))
            .map_err(|e| CoreError::Encoding(e.to_string()))?;
        write_atomically(&path, text.as_bytes())?;
        match std::fs::remove_file(self.state_path()) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(CoreError::io(self.state_path(), e))
            }
            _ => Ok(()),
        }
    }

    pub fn save(
        &self,
        parameters: &[Parameter],
        optimizer: &AdamW,
        step: usize,
        since_best: usize,
        best: Option<&Best>,
    ) -> Result<()> {
        let mut tensors = BTreeMap::new();
        for (i, parameter) in parameters.iter().enumerate() {
            tensors.insert(format!("parameter.{i}"), parameter.tensor.shallow_clone());
        }
        for (i, moment) in optimizer.state().into_iter().enumerate() {
            tensors.insert(format!("moment.{i}"), moment);
        }
        let mut counters = vec![self.identity, step as i64, since_best as i64, -1];
        if let Some(best) = best {
            counters[3] = best.step as i64;
            for (i, weight) in best.weights.iter().enumerate() {
                tensors.insert(format!("best.{i}"), weight.shallow_clone());
            }
            tensors.insert(
                "best".into(),
                Tensor::f_from_slice(&[best.dev, best.dev_loss])?,
            );
        }
        tensors.insert("counters".into(), indices(&counters, Device::Cpu)?);
        write(&self.state_path(), &tensors)
    }

    /// Puts the saved state, where there is one, into parameters and optimizer.
    pub fn restore(
        &self,
        parameters: &[Parameter],
        optimizer: &mut AdamW,
    ) -> Result<Option<Saved>> {
        let path = self.state_path();
        if !path.exists() {
            return Ok(None);
        }
        let mut weights = Weights::read_file(&path)?;
        let counters = Vec::<i64>::try_from(&weights.take("counters", &[4]))?;
        self.check(counters[0], &path)?;
        let mut take = |name: &str| -> Vec<Tensor> {
            let named = |(i, p): (usize, &Parameter)| {
                weights.take(&format!("{name}.{i}"), &p.tensor.size())
            };
            parameters.iter().enumerate().map(named).collect()
        };
        let values = take("parameter");
        let best = (counters[3] >= 0).then(|| take("best"));
        let moments: Vec<Tensor> = (0..2 * parameters.len())
            .map(|i| weights.take(&format!("moment.{i}"), &parameters[i / 2].tensor.size()))
            .collect();
        let best = match best {
            None => None,
            Some(tensors) => {
                let numbers = Vec::<f64>::try_from(&weights.take("best", &[2]))?;
                let (dev, dev_loss) = (numbers[0], numbers[1]);
                Some(Best {
                    dev,
                    dev_loss,
                    step: counters[3] as usize,
                    weights: tensors,
                })
            }
        };
        weights.finish()?;
        restore(parameters, &values)?;
        let step = counters[1] as usize;
        optimizer.restore(&moments, step as u64)?;
        Ok(Some(Saved {
            step,
            since_best: counters[2] as usize,
            best,
        }))
    }

    pub fn save_best(&self, parameters: &[Parameter], best: &[Tensor]) -> Result<()> {
        let named = |(p, w): (&Parameter, &Tensor)| (p.name.clone(), w.shallow_clone());
        write(
            &self.best_path(),
            &parameters.iter().zip(best).map(named).collect(),
        )
    }

    pub fn load_best(&self, parameters: &[Parameter]) -> Result<()> {
        let mut weights = Weights::read_file(&self.best_path())?;
        let values: Vec<Tensor> = parameters
            .iter()
            .map(|p| weights.take(&p.name, &p.tensor.size()))
            .collect();
        weights.finish()?;
        restore(parameters, &values)
    }

    pub fn save_shares(&self, shares: &[f64]) -> Result<()> {
        let tensors = [("shares".to_string(), Tensor::f_from_slice(shares)?)].into();
        write(&self.best_path(), &tensors)
    }

    pub fn load_shares(&self, classes: usize) -> Result<Vec<f64>> {
        let mut weights = Weights::read_file(&self.best_path())?;
        let shares = weights.take("shares", &[classes as i64]);
        weights.finish()?;
        Ok(Vec::<f64>::try_from(&shares)?)
    }
}
