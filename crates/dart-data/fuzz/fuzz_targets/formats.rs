//! Every format on any bytes: the first byte chooses the format, the rest is the file. Entities
//! must lie in the text, at character boundaries.
#![no_main]

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use dart_data::format::read_rows;
use dart_data::layout::Read;
use libfuzzer_sys::fuzz_target;

const READS: [&str; 13] = [
    "{format: tsv, header: true, a: x, label: -1}",
    "{format: tsv, a: 1, b: 2, label: 0, ragged: true, encoding: latin-1}",
    "{format: csv, a: 1, label: 0, pandas: true}",
    "{format: csv, header: true, a: x, b: y, label: z, delimiter: \"\\t\"}",
    "{format: csv, a: 1, label: -1, ragged: true, encoding: latin-1}",
    "{format: jsonl, a: x, b: y, label: z}",
    "{format: label-text}",
    "{format: fewrel}",
    "{format: tacred}",
    "{format: token-jsonl}",
    "{format: marked-jsonl}",
    "{format: semeval-text}",
    "{format: csv, a: 1, label: 0, marked: true}",
];

static PARSED: LazyLock<Vec<Read>> = LazyLock::new(|| {
    READS
        .iter()
        .map(|read| serde_yaml::from_str(read).unwrap())
        .collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((choice, content)) = data.split_first() else {
        return;
    };
    let read = &PARSED[usize::from(*choice) % READS.len()];
    let path = std::env::temp_dir().join(format!("dart-data-fuzz-{}", std::process::id()));
    std::fs::File::create(&path)
        .unwrap()
        .write_all(content)
        .unwrap();
    let mut rows = 0;
    let _ = read_rows(&path, read, &mut |record| {
        rows += 1;
        if let Ok(record) = record {
            for mention in record.entities.iter().flat_map(|e| [&e.head, &e.tail]) {
                for span in &mention.spans {
                    assert!(record.a.get(span.clone()).is_some());
                }
            }
        }
        if rows < 1000 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
});
