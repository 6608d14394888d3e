//! Times loading and sampling for `benches/kshot.py`: `time_kshot DATA_DIR LAYOUT TASK…` prints a
//! task and the best of seven times, in milliseconds, a line.

use std::path::Path;
use std::time::Instant;

use dart_data::{Catalog, DataError, Loader, Shots, SplitRequest};

const SEEDS: [u64; 5] = [100, 13, 21, 42, 87];

fn main() -> Result<(), DataError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, layout, tasks @ ..] = arguments.as_slice() else {
        eprintln!("usage: time_kshot DATA_DIR LAYOUT TASK…");
        return Ok(());
    };
    let catalog = Catalog::embedded()?;
    for name in tasks {
        let task = catalog.task(name)?;
        let mut best = f64::INFINITY;
        for _ in 0..7 {
            let start = Instant::now();
            let mut loader = Loader::new(task);
            for seed in SEEDS {
                loader.load(
                    &SplitRequest::new(Path::new(dir), Shots::default(), seed).in_layout(layout),
                )?;
            }
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
        }
        println!("{name}\t{best}");
    }
    Ok(())
}
