"""Loading and sampling against pandas on the same files: prints both times and their ratio.

    python kshot.py [--binary target/release/examples/time_kshot]

Both read a training and a test file once and draw 16-shot splits for five seeds, as LM-BFF's
generator does. The files are made up: MR's and SST-2's size as CSV and TSV, and QQP's shape with 100,000
rows. Needs numpy and pandas; build the other side with
`cargo build --release -p dart-data --example time_kshot`.
"""

import argparse
import csv
import os
import random
import subprocess
import tempfile
import time

import numpy as np
import pandas as pd

SEEDS = [100, 13, 21, 42, 87]
REPETITIONS = 7  # as many as the other side
WORDS = "a film of great care that never quite finds what it is looking for in its second half".split()


def text(rng):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(5, 30)))


def make(folder):
    rng = random.Random(1)
    files = {}
    for task, kind, train, test in [
        ("mr", "csv", 8662, 2000),
        ("sst-2", "tsv", 67349, 872),
        ("qqp", "pairs", 100_000, 10_000),
    ]:
        name = {"mr": "mr", "sst-2": "SST-2", "qqp": "QQP"}[task]
        os.makedirs(f"{folder}/original/{name}")
        for split, rows in [("train", train), ("test" if kind == "csv" else "dev", test)]:
            path = f"{folder}/original/{name}/{split}.{'csv' if kind == 'csv' else 'tsv'}"
            files.setdefault(task, (kind, []))[1].append(path)
            with open(path, "w", newline="") as file:
                if kind == "csv":
                    writer = csv.writer(file, lineterminator="\n")
                    writer.writerows([rng.randint(0, 1), text(rng) + ", yes"] for _ in range(rows))
                elif kind == "tsv":
                    file.write("sentence\tlabel\n")
                    file.writelines(f"{text(rng)}\t{rng.randint(0, 1)}\n" for _ in range(rows))
                else:
                    file.write("id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n")
                    file.writelines(
                        f"{i}\t{i}\t{i}\t{text(rng)}\t{text(rng)}\t{rng.randint(0, 1)}\n"
                        for i in range(rows)
                    )
    return files


def read(kind, path):
    if kind == "csv":
        return pd.read_csv(path, header=None)
    return pd.read_csv(path, sep="\t", quoting=csv.QUOTE_NONE)


def with_pandas(kind, paths):
    train, test = (read(kind, path) for path in paths)
    for seed in SEEDS:
        np.random.seed(seed)
        rows = train.values.tolist()
        np.random.shuffle(rows)
        groups = {}
        for row in rows:
            groups.setdefault(row[0] if kind == "csv" else row[-1], []).append(row)
        drawn = [row for group in groups.values() for row in group[:16]]
        dev = [row for group in groups.values() for row in group[16:32]]
        assert drawn and dev and test.values.tolist()


def main():
    parser = argparse.ArgumentParser()
    root = os.path.join(os.path.dirname(__file__), "..", "..", "..")
    parser.add_argument("--binary", default=f"{root}/target/release/examples/time_kshot")
    binary = parser.parse_args().binary
    with tempfile.TemporaryDirectory() as folder:
        for task, (kind, paths) in make(folder).items():
            best = float("inf")
            for _ in range(REPETITIONS):
                start = time.perf_counter()
                with_pandas(kind, paths)
                best = min(best, (time.perf_counter() - start) * 1e3)
            layout = "glue" if task == "qqp" else "original"
            line = subprocess.run([binary, folder, layout, task], check=True, capture_output=True)
            ours = float(line.stdout.decode().split("\t")[1])
            print(f"{task}: pandas {best:.0f} ms, dart-data {ours:.1f} ms, {best / ours:.1f} times")


if __name__ == "__main__":
    main()
