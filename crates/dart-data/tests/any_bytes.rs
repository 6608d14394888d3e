//! No bytes make a reader panic: valid files of every format with bytes changed, cut out and
//! doubled. The fuzz targets under `fuzz/` go deeper.

#![allow(clippy::unwrap_used)] // in helpers of the tests

use std::ops::ControlFlow;

use dart_data::format::read_rows;
use dart_data::layout::Read;
use proptest::prelude::*;

/// How each format is read, and a valid file of it.
const FILES: [(&str, &str); 11] = [
    (
        "{format: tsv, header: true, a: x, label: -1}",
        "x\ty\nsome \"text\t1\r\nmore\t0\n",
    ),
    (
        "{format: tsv, a: 1, label: 0, ragged: true, encoding: latin-1}",
        "a\tb\tc\nd\te\n",
    ),
    (
        "{format: csv, a: 1, label: 0, pandas: true}",
        "1,\"a, \"\"b\"\"\n\"\n0,NA\n0,é\n",
    ),
    (
        "{format: csv, header: true, a: x, label: z, encoding: latin-1}",
        "x,z\n\"é\",1\nb,2\n",
    ),
    (
        "{format: jsonl, a: x, label: z}",
        "{\"x\": \"é\\u00e9\", \"z\": 1}\n{\"x\": null, \"z\": true}\n",
    ),
    ("{format: label-text}", "0 some text\n1 é\n2\n"),
    (
        "{format: fewrel}",
        "{\"P1\": [{\"tokens\": [\"é\", \"b\"], \"h\": [\"é\", \"Q1\", [[0]]], \"t\": [\"b\", \"Q2\", [[1]]]}]}",
    ),
    (
        "{format: tacred}",
        "[{\"relation\": \"r\", \"token\": [\"é\", \"b\"], \"subj_start\": 0, \"subj_end\": 0, \
         \"obj_start\": 1, \"obj_end\": 1}]",
    ),
    (
        "{format: token-jsonl}",
        "{\"text\": \"é b\", \"h\": {\"pos\": [0, 1]}, \"t\": {\"pos\": [[2, 3]]}, \"relation\": \"r\"}\n",
    ),
    (
        "{format: semeval-text}",
        "1\t\"The <e1>é</e1> of <e2>it</e2>.\"\nOther\nComment:\n\n2\t\"<e2>a</e2> <e1>b</e1>\"\nR(e1,e2)\n",
    ),
    (
        "{format: csv, a: 1, label: 0, marked: true}",
        "R,\"The <e1>é</e1> of <e2>it</e2>.\"\nS,<e2>a</e2> <e1>b</e1>\n",
    ),
];

fn read_all(read: &str, content: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, content).unwrap();
    let read: Read = serde_yaml::from_str(read).unwrap();
    let _ = read_rows(&path, &read, &mut |record| {
        match record {
            Ok(record) => {
                for mention in record.entities.iter().flat_map(|e| [&e.head, &e.tail]) {
                    assert!(
                        mention
                            .spans
                            .iter()
                            .all(|s| record.a.get(s.clone()).is_some())
                    );
                }
            }
            Err(error) => assert!(error.to_string().contains("; "), "no remedy: {error}"),
        }
        ControlFlow::Continue(())
    });
}

proptest! {
    #[test]
    fn changed_files_never_panic(
        file in 0..FILES.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, any::<u8>()), 0..6),
    ) {
        let (read, content) = FILES[file];
        let mut bytes = content.as_bytes().to_vec();
        for (place, kind, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, byte),
                _ => {
                    let tail = bytes[at..].to_vec();
                    bytes.extend(tail);
                }
            }
        }
        read_all(read, &bytes);
    }

    #[test]
    fn any_bytes_never_panic(file in 0..FILES.len(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(FILES[file].0, &bytes);
    }
}
