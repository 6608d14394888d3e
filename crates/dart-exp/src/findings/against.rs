//! Our scores beside published ones.

use crate::experiment::published::Figure;
use crate::findings::cells::Cell;
use crate::findings::stats::{self, Sample};
use crate::plan::outline::Outline;

/// The figures of an experiment's tasks and K.
pub fn known<'a>(outline: &Outline<'a>) -> impl Iterator<Item = &'a Figure> + use<'a> {
    let experiment = outline.experiment;
    experiment.published.iter().filter(|figure| {
        experiment.ks.contains(&figure.k)
            && experiment.tasks.iter().any(|task| task.name == figure.task)
    })
}

/// A score of ours beside a published one of the same method, task and K.
#[derive(Clone, Debug)]
pub struct Against<'a> {
    /// What was published.
    pub figure: &'a Figure,
    /// Index of the task.
    pub task: usize,
    /// Index of our method.
    pub method: usize,
    /// Our model.
    pub model: String,
    /// Our mean in percent.
    pub ours: f64,
    /// Whether the two differ by more than their seeds make them.
    pub noise: Noise,
}

/// Whether two means differ by more than their seeds make them; half widths in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// They lie within this of each other.
    Inside(f64),
    /// They do not.
    Outside(f64),
    /// Cannot be told: no standard deviation, or not of how many seeds, was published.
    NotPublished,
    /// Cannot be told: ours is of fewer than two seeds.
    TooFewSeeds,
}

/// Every score of ours that a published one stands beside.
pub fn against<'a>(outline: &Outline<'a>, cells: &[Cell]) -> Vec<Against<'a>> {
    let experiment = outline.experiment;
    let mut all = Vec::new();
    for figure in known(outline) {
        for cell in cells {
            let (task, named) = (
                &experiment.tasks[cell.place().task],
                &experiment.methods[cell.place().method].named,
            );
            let names = [&named.name, &named.title];
            let same = task.name == figure.task
                && cell.place().k == figure.k
                && names.iter().any(|n| n.eq_ignore_ascii_case(&figure.method))
                && task.metric.to_string().eq_ignore_ascii_case(&figure.metric);
            let Some(sample) = cell.scores.as_ref().filter(|_| same) else {
                continue;
            };
            all.push(Against {
                figure,
                task: cell.place().task,
                method: cell.place().method,
                model: cell.place().model.clone(),
                ours: 100.0 * sample.mean,
                noise: noise(sample, figure),
            });
        }
    }
    all
}

fn noise(ours: &Sample, figure: &Figure) -> Noise {
    let Some(theirs) = figure.sd.zip(figure.seeds) else {
        return Noise::NotPublished;
    };
    let Some(sd) = ours.sd else {
        return Noise::TooFewSeeds;
    };
    match stats::welch_half_width((100.0 * sd, ours.count), theirs) {
        Some(half) if (100.0 * ours.mean - figure.mean).abs() <= half => Noise::Inside(half),
        Some(half) => Noise::Outside(half),
        None => Noise::NotPublished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::published::read;

    fn figure(sd: &str, seeds: &str) -> Figure {
        let text = format!(
            "method,task,model,k,metric,mean,sd,seeds,source\nDART,sst-2,m,16,accuracy,93.5,{sd},{seeds},x\n"
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path()).unwrap().remove(0)
    }

    #[test]
    fn noise_is_welch_s_interval() {
        // By scipy: half width 1.1156 (tests/goldens/stats.json, the first of `welch`).
        let spread = |mean: f64| {
            // Five values whose sample standard deviation is 0.9 points.
            let values = [-0.9, -0.9, 0.0, 0.9, 0.9].map(|d| (mean + d) / 100.0);
            let sample = stats::describe(&values).unwrap();
            assert!(
                (100.0 * sample.sd.unwrap() - 0.9).abs() < 1e-9,
                "{sample:?}"
            );
            sample
        };
        let published = figure("0.5", "5");
        let Noise::Inside(half) = noise(&spread(92.9), &published) else {
            panic!("92.9 is inside");
        };
        assert!((half - 1.1156276997727956).abs() < 1e-9);
        assert!(matches!(
            noise(&spread(92.3), &published),
            Noise::Outside(_)
        ));
        assert_eq!(noise(&spread(93.5), &figure("", "5")), Noise::NotPublished);
        assert_eq!(
            noise(&spread(93.5), &figure("0.5", "")),
            Noise::NotPublished
        );
        let one = stats::describe(&[0.9]).unwrap();
        assert_eq!(noise(&one, &published), Noise::TooFewSeeds);
    }
}
