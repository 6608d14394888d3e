//! Full training files: which rows may be drawn and which are the test set, without keeping the
//! texts of a large file.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::path::Path;

use crate::catalog::Task;
use crate::error::Result;
use crate::example::{Entities, Example};
use crate::format::Record;
use crate::kshot::{Draw, draw, numpy_seed};
use crate::layout::{Layout, Part};
use crate::request::SplitRequest;
use crate::rows::{each, refuse_no_row, select};
use crate::shots::Shots;
use crate::text_key::text_hash;

/// The rows of a full training file, by number only.
pub(crate) struct Pool {
    /// Rows that may be drawn, in the file's order.
    pub(crate) rows: Vec<usize>,
    /// The class of each of `rows`; `None` takes part in the shuffle only.
    pub(crate) labels: Vec<Option<usize>>,
    /// Rows left out because they cannot be read.
    pub(crate) dropped: usize,
    /// Rows left out because their text stood before.
    pub(crate) repeated: Repeated,
    /// Rows of the test set, where the file itself is parted.
    pub(crate) test: Vec<usize>,
    /// Every row with a class, where the file is small.
    kept: Option<Kept>,
}

/// Rows whose text stood before in a file that is parted by its texts, or in one's own file.
#[derive(Default)]
pub(crate) struct Repeated {
    /// With the same label.
    pub(crate) alike: usize,
    /// With another label.
    pub(crate) conflicts: usize,
    /// The line of the first of these.
    pub(crate) line: usize,
}

impl Repeated {
    fn count(&mut self, alike: bool, line: usize) {
        match alike {
            true => self.alike += 1,
            false => {
                if self.conflicts == 0 {
                    self.line = line;
                }
                self.conflicts += 1;
            }
        }
    }
}

/// Examples, small: all texts stand in one buffer.
struct Kept {
    texts: String,
    rows: Vec<KeptRow>,
}

struct KeptRow {
    row: usize,
    class: usize,
    a: Range<usize>,
    b: Option<Range<usize>>,
    entities: Option<Box<Entities>>,
}

impl Kept {
    /// With room for a file of so many bytes.
    fn for_file(length: usize) -> Self {
        Kept {
            texts: String::with_capacity(length),
            rows: Vec::with_capacity(length / 64),
        }
    }

    fn push(&mut self, record: &Record, class: usize) {
        let mut keep = |text: &str| {
            let start = self.texts.len();
            self.texts.push_str(text);
            start..self.texts.len()
        };
        let (a, b) = (keep(&record.a), record.b.as_deref().map(keep));
        self.rows.push(KeptRow {
            row: record.row,
            class,
            a,
            b,
            entities: record.entities.clone(),
        });
    }

    /// The example that stands in this row of the file.
    fn example(&self, row: usize) -> Option<Example> {
        let place = self.rows.binary_search_by_key(&row, |kept| kept.row).ok()?;
        let kept = &self.rows[place];
        Some(Example {
            row,
            text_a: self.texts[kept.a.clone()].to_owned(),
            text_b: kept.b.clone().map(|text| self.texts[text].to_owned()),
            entities: kept.entities.clone(),
            label: kept.class,
        })
    }
}

/// Smaller files are read once and kept while they are sampled; of others a second pass reads the
/// rows that are wanted.
const SMALL: u64 = 16 << 20;

/// Rows drawn from a pool, as rows of the file.
pub(crate) struct PoolDraw {
    pub(crate) train: Vec<usize>,
    pub(crate) dev: Vec<usize>,
    pub(crate) available: Vec<usize>,
}

impl Pool {
    /// Reads the labels (and parts the file), keeping no text.
    pub(crate) fn scan(task: &Task, layout: &Layout, file: &Path) -> Result<Pool> {
        let length = std::fs::metadata(file).map_or(u64::MAX, |meta| meta.len());
        let mut pool = Pool {
            rows: Vec::new(),
            labels: Vec::new(),
            dropped: 0,
            repeated: Repeated::default(),
            test: Vec::new(),
            kept: (length <= SMALL).then(|| Kept::for_file(length as usize)),
        };
        let part = layout.part.unwrap_or(Part {
            first: None,
            hash: None,
        });
        let mut seen: HashMap<[u8; 16], usize> = HashMap::new();
        let mut counts = vec![0; task.labels.len()];
        let dropped = each(task, layout, file, |record, class| {
            let mut to_test = false;
            if part.hash.is_some() || layout.own {
                let Some(class) = class else {
                    return;
                };
                let (hash, bucket) = text_hash(&record.a, record.b.as_deref());
                // One sentence may hold several pairs of entities: they stay on one side.
                if record.entities.is_none() {
                    match seen.entry(hash) {
                        Entry::Vacant(place) => {
                            place.insert(class);
                        }
                        Entry::Occupied(first) => {
                            pool.repeated.count(*first.get() == class, record.line);
                            return;
                        }
                    }
                }
                to_test = part.hash.is_some_and(|percent| bucket < percent);
            }
            if let (Some(first), Some(class)) = (part.first, class) {
                to_test = counts[class] < first;
                counts[class] += 1;
            }
            if let (Some(kept), Some(class)) = (&mut pool.kept, class) {
                kept.push(record, class);
            }
            if to_test {
                pool.test.push(record.row);
            } else {
                pool.rows.push(record.row);
                pool.labels.push(class);
            }
        })?;
        pool.dropped = dropped;
        refuse_no_row(layout, file, pool.rows.is_empty() && pool.test.is_empty())?;
        Ok(pool)
    }

    /// Rows of each class that may be drawn.
    pub(crate) fn per_label(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for class in self.labels.iter().flatten() {
            counts[*class] += 1;
        }
        counts
    }

    /// The given rows, in the order given.
    pub(crate) fn examples(
        &self,
        task: &Task,
        layout: &Layout,
        file: &Path,
        rows: &[usize],
    ) -> Result<Vec<Example>> {
        let Some(kept) = &self.kept else {
            return select(task, layout, file, rows);
        };
        Ok(rows.iter().filter_map(|row| kept.example(*row)).collect())
    }

    /// Draws from the pool.
    pub(crate) fn draw(
        &self,
        task: &Task,
        layout: &Layout,
        request: &SplitRequest,
        file: &Path,
    ) -> Result<PoolDraw> {
        let how = Draw {
            k: request.k,
            dev_factor: request.dev_factor,
            seed: numpy_seed(request.seed, file)?,
            chain: &layout.chain,
        };
        let mut drawn = draw(&self.labels, task.labels.len(), &how);
        if request.k == Shots::Full && (layout.dev.is_none() || layout.dev == layout.test) {
            // Without an official dev set, dev is the shuffle's first tenth.
            let tenth = drawn.train.len() / 10;
            drawn.dev = drawn.train.drain(..tenth).collect();
        }
        let rows = |drawn: Vec<usize>| drawn.into_iter().map(|index| self.rows[index]).collect();
        Ok(PoolDraw {
            train: rows(drawn.train),
            dev: rows(drawn.dev),
            available: drawn.available,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    /// Files too large to be kept give the same rows as small ones.
    #[test]
    fn rows_read_in_a_second_pass_are_those_kept() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::embedded().unwrap();
        let rows: Vec<usize> = vec![40, 0, 7, 99, 8, 41];
        for (task, layout, line, header) in [
            (
                "qnli",
                "glue",
                "i\tquestion N\tsentence\tentailment\r\n",
                "index\tquestion\tsentence\tlabel\n",
            ),
            ("cola", "glue", "src\t1\t\ttext N\n", ""),
            ("mr", "original", "1,\"text, N\"\n", ""),
            ("trec", "sentence", "3 caf\u{e9} N\n", ""),
        ] {
            let task = catalog.task(task).unwrap();
            let layout = task
                .layouts
                .iter()
                .find(|known| known.name == layout)
                .unwrap();
            let lines: String = (0..100)
                .map(|i| line.replace('N', &i.to_string()))
                .collect();
            let file = dir.path().join(&task.name);
            std::fs::write(&file, format!("{header}{lines}")).unwrap();
            let pool = Pool::scan(task, layout, &file).unwrap();
            let kept = pool.examples(task, layout, &file, &rows).unwrap();
            assert_eq!(kept.iter().map(|e| e.row).collect::<Vec<_>>(), rows);
            assert!(kept[0].text_a.ends_with("40"), "{kept:?}");
            assert_eq!(
                select(task, layout, &file, &rows).unwrap(),
                kept,
                "{}",
                task.name
            );
        }
    }
}
