//! The groups of a run's parameters: their learning rates, step by step, and their weight decay.

use crate::adamw::linear_after;
use crate::lm::{Parameter, Role};
use crate::settings::{Count, DecayedEmbeddings, Schedule, TrainSettings};

/// Parameters that have a learning rate of their own, in the order of [`rates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// What is in none of the others.
    Model,
    /// The vocabulary's rows and the pseudo rows.
    Embeddings,
    /// The pseudo rows and their decoder biases, where `pseudo_learning_rate` is set.
    Pseudo,
}

impl Group {
    /// The group of a parameter.
    pub fn of(parameter: &Parameter, settings: &TrainSettings) -> Self {
        match parameter.role {
            Role::Vocabulary => Group::Embeddings,
            Role::Pseudo if settings.pseudo_learning_rate.is_some() => Group::Pseudo,
            // The decoder has one bias a row, whichever block the row stands in.
            Role::Pseudo if parameter.name == "pseudo.bias" => Group::Model,
            Role::Pseudo => Group::Embeddings,
            Role::Matrix | Role::Bias | Role::Norm | Role::Embedding => Group::Model,
        }
    }
}

/// The weight decay of a parameter.
pub(super) fn decay(parameter: &Parameter, settings: &TrainSettings) -> f64 {
    let which = settings.decay_embeddings;
    let decays = match parameter.role {
        Role::Matrix => true,
        Role::Embedding => which != DecayedEmbeddings::None && !parameter.is_bias(),
        Role::Vocabulary | Role::Pseudo => which == DecayedEmbeddings::All && !parameter.is_bias(),
        Role::Bias | Role::Norm => false,
    };
    match decays {
        true => settings.weight_decay,
        false => 0.0,
    }
}

/// The learning rate of each [`Group`] in step `step`, from 0.
pub(super) fn rates(settings: &TrainSettings, step: usize) -> [f64; 3] {
    let s = settings;
    let model = s.learning_rate * factor(s, s.schedule, step);
    let embeddings = s.learning_rate * factor(s, s.embedding_schedule.unwrap_or(s.schedule), step);
    let scaled = |peak: Option<f64>| match peak {
        Some(peak) => embeddings * (peak / s.learning_rate),
        None => embeddings,
    };
    let pseudo = scaled(s.pseudo_learning_rate);
    [model, scaled(s.embedding_learning_rate), pseudo]
}

/// The part of its peak that a learning rate of this schedule has.
fn factor(settings: &TrainSettings, schedule: Schedule, step: usize) -> f64 {
    let (steps, rise) = match settings.count {
        Count::Steps => {
            let rise = (settings.warmup * settings.steps as f64).ceil();
            (settings.steps, rise as usize)
        }
        Count::MicroBatches => {
            let micro_batches = settings.steps.saturating_mul(settings.accumulation);
            let rise = (settings.warmup * micro_batches as f64).floor();
            (micro_batches, rise as usize)
        }
    };
    match schedule {
        Schedule::Constant if step >= rise => 1.0,
        Schedule::Linear | Schedule::Constant => linear_after(step, steps, rise),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> TrainSettings {
        TrainSettings {
            learning_rate: 1.0,
            steps: 10,
            warmup: 0.25,
            ..TrainSettings::default()
        }
    }

    fn course(settings: &TrainSettings) -> Vec<[f64; 3]> {
        (0..10).map(|step| rates(settings, step)).collect()
    }

    #[test]
    fn groups_have_one_rate_unless_they_are_given_others() {
        let third = 1.0 / 3.0;
        let wanted = [0.0, third, 2.0 * third, 1.0, 6.0 / 7.0];
        for (rates, wanted) in course(&settings()).iter().zip(wanted) {
            assert!(rates.iter().all(|rate| (rate - wanted).abs() < 1e-15));
        }
    }

    #[test]
    fn embeddings_and_pseudo_rows_have_rates_and_schedules_of_their_own() {
        let mut s = settings();
        s.embedding_learning_rate = Some(4.0);
        s.embedding_schedule = Some(Schedule::Constant);
        let plain = course(&settings());
        for (step, (rates, plain)) in course(&s).into_iter().zip(&plain).enumerate() {
            let constant = plain[0].max(if step >= 3 { 1.0 } else { 0.0 });
            assert_eq!(rates, [plain[0], 4.0 * constant, constant]);
        }
        s.pseudo_learning_rate = Some(8.0);
        assert_eq!(rates(&s, 5), [plain[5][0], 4.0, 8.0]);
        s = settings();
        s.schedule = Schedule::Constant;
        assert_eq!(rates(&s, 9), [1.0; 3]);
        s.embedding_schedule = Some(Schedule::Linear);
        assert_eq!(rates(&s, 9), [1.0, 1.0 / 7.0, 1.0 / 7.0]);
    }

    /// Warm-up is rounded down and the rate ends half way.
    #[test]
    fn a_schedule_of_micro_batches_is_longer_than_the_steps() {
        let mut s = settings();
        s.count = Count::MicroBatches;
        s.accumulation = 2;
        s.warmup = 0.17; // 3.4 micro-batches
        let at = |step| rates(&s, step)[0];
        assert_eq!([at(0), at(3)], [0.0, 1.0]);
        assert_eq!(at(9), 11.0 / 17.0);
    }

    #[test]
    fn each_parameter_is_in_one_group_and_decays_as_its_role_says() {
        let mut s = settings();
        s.weight_decay = 0.5;
        let parameters = [
            ("dense.weight", Role::Matrix),
            ("dense.bias", Role::Bias),
            ("positions", Role::Embedding),
            ("words", Role::Vocabulary),
            ("pseudo.rows", Role::Pseudo),
            ("pseudo.bias", Role::Pseudo),
        ]
        .map(|(name, role)| Parameter::new(name, tch::Tensor::from(0.0), role));
        let groups = |s: &TrainSettings| parameters.each_ref().map(|p| Group::of(p, s));
        use Group::{Embeddings, Model, Pseudo};
        let wanted = [Model, Model, Model, Embeddings, Embeddings, Model];
        assert_eq!(groups(&s), wanted);
        s.pseudo_learning_rate = Some(1.0);
        let wanted = [Model, Model, Model, Embeddings, Pseudo, Pseudo];
        assert_eq!(groups(&s), wanted);
        for (which, wanted) in [
            (DecayedEmbeddings::None, [0.5, 0.0, 0.0, 0.0, 0.0, 0.0]),
            (DecayedEmbeddings::Positions, [0.5, 0.0, 0.5, 0.0, 0.0, 0.0]),
            (DecayedEmbeddings::All, [0.5, 0.0, 0.5, 0.5, 0.5, 0.0]),
        ] {
            s.decay_embeddings = which;
            assert_eq!(parameters.each_ref().map(|p| decay(p, &s)), wanted);
        }
    }
}
