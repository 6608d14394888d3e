"""Golden files of the k-shot sampler, made with numpy's legacy generator and pandas.

    python -m pip install numpy==1.26.4 pandas==2.1.4
    python make_kshot.py

Writes shuffle.json (permutations and single draws) and, under kshot/, small made-up training files
and the splits that LM-BFF's rule gives on them.
"""

import json
import os
import random

import numpy as np
import pandas as pd

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "kshot")
SEEDS = [100, 13, 21, 42, 87]


def shuffles():
    cases = []
    for seed in [0, 1, 13, 21, 42, 87, 100, 2**31, 2**32 - 1]:
        for n in [1, 2, 3, 5, 17, 64, 257]:
            np.random.seed(seed)
            rows = list(range(n))
            np.random.shuffle(rows)
            cases.append({"seed": seed, "n": n, "rows": rows})
    np.random.seed(42)
    rows = list(range(70_000))
    np.random.shuffle(rows)
    cases.append({"seed": 42, "n": 70_000, "head": rows[:20], "tail": rows[-20:]})
    with open(os.path.join(HERE, "shuffle.json"), "w") as file:
        json.dump(cases, file)
        file.write("\n")


def words(rng):
    pool = ["a", "film", "of", "great", "care", "é", "naïve", '"quoted', "it 's", "5,000", "N/A"]
    return " ".join(rng.choice(pool) for _ in range(rng.randint(1, 7)))


def save(name, text):
    path = os.path.join(OUT, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def groups(rows, label):
    found = {}
    for row in rows:
        found.setdefault(label(row), []).append(row)
    return found


def draw_tsv(task, header, lines, label, k, rate, dev="dev.tsv"):
    """One seed's split; `lines` is shuffled in place, with the generator as it stands."""
    np.random.shuffle(lines)
    by_label = groups(lines, label)
    train = header + [line for rows in by_label.values() for line in rows[:k]]
    held = header + [line for rows in by_label.values() for line in rows[k : k * (rate + 1)]]
    save(f"{task}/train.tsv", "".join(train))
    save(f"{task}/{dev}", "".join(held))


def read_lines(name):
    with open(os.path.join(OUT, "original", name), encoding="utf-8") as file:
        return file.readlines()


def last_field(line):
    return line.strip().split("\t")[-1]


def tsv():
    rng = random.Random(5)
    # SST-2's layout with all three kinds of line ends and an unterminated last line.
    rows = [f"{words(rng)} \t{rng.randint(0, 1)}" for _ in range(60)]
    ends = [rng.choice(["\n", "\r\n", "\r"]) for _ in rows[:-1]] + [""]
    save(
        "original/SST-2/train.tsv",
        "sentence\tlabel\r\n" + "".join(row + end for row, end in zip(rows, ends)),
    )
    save("original/SST-2/dev.tsv", "sentence\tlabel\nfine\t1\nbad , bad\t0\n")
    # MRPC's: a byte order mark, the label first.
    rows = [
        f"{rng.randint(0, 1)}\t{i}\t{i + 1}\t{words(rng)}\t{words(rng)}\n" for i in range(50)
    ]
    save("original/MRPC/train.tsv", "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n" + "".join(rows))
    save("original/MRPC/dev.tsv", "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n" + rows[0])
    # CoLA's: no header.
    rows = [f"src{i}\t{rng.randint(0, 1)}\t\t{words(rng)}\n" for i in range(50)]
    save("original/CoLA/train.tsv", "".join(rows))
    save("original/CoLA/dev.tsv", "".join(rows[:3]))
    # STS-B's: a score.
    head = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
    rows = [
        f"{i}\tg\tf\t2012\t{i}\tnone\tnone\t{words(rng)}\t{words(rng)}\t{rng.randint(0, 50) / 10:.3f}\n"
        for i in range(50)
    ]
    save("original/STS-B/train.tsv", head + "".join(rows))
    save("original/STS-B/dev.tsv", head + rows[0])
    # SNLI's: rows longer than the header.
    head = "index\tcaptionID\tpairID\ts1bp\ts2bp\ts1p\ts2p\tsentence1\tsentence2\tlabel1\tgold_label\n"
    rows = []
    for i in range(60):
        label = rng.choice(["entailment", "neutral", "contradiction"])
        more = "\tx\tx\tx\tx" if rng.random() < 0.4 else ""
        fields = f"{i}\tc\tp\tb\tb\tp\tp\t{words(rng)}\t{words(rng)}\t{label}"
        rows.append(f"{fields}{more}\t{label}\n")
    save("original/SNLI/train.tsv", head + "".join(rows))
    save("original/SNLI/dev.tsv", head + rows[0])

    mrpc = lambda line: line.split("\t")[0]
    cola = lambda line: line.split("\t")[1]
    stsb = lambda line: "0" if float(last_field(line)) < 2.5 else "1"
    for task, label in [("SST-2", last_field), ("MRPC", mrpc), ("STS-B", stsb), ("SNLI", last_field)]:
        lines = read_lines(f"{task}/train.tsv")
        for k, rate, seed in [(4, 1, s) for s in SEEDS] + [(2, 10, 13)]:
            np.random.seed(seed)
            where = "k-shot" if rate == 1 else "k-shot-10x"
            draw_tsv(f"{where}/{task}/{k}-{seed}", lines[:1], lines[1:], label, k, rate)
    lines = read_lines("CoLA/train.tsv")
    for seed in SEEDS:  # never reset
        np.random.seed(seed)
        draw_tsv(f"k-shot/CoLA/4-{seed}", [], lines, cola, 4, 1)
    np.random.seed(5)  # a seed outside the chain starts fresh
    draw_tsv("k-shot/CoLA/4-5", [], read_lines("CoLA/train.tsv"), cola, 4, 1)


def csv():
    rng = random.Random(7)
    texts = [words(rng) for _ in range(60)]
    texts[3], texts[8], texts[20], texts[33] = "NA", "", "null", 'two\nlines, "and" a comma'
    texts[41], texts[42] = " ", "nan"
    frame = pd.DataFrame([[rng.randint(0, 1), text] for text in texts])
    for name in ["train", "test"]:
        part = frame if name == "train" else frame[:12]
        path = os.path.join(OUT, "original/cr", f"{name}.csv")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        part.to_csv(path, header=False, index=False)
    for k, rate, seed in [(4, 1, s) for s in SEEDS] + [(2, 10, 13), (25, 1, 42)]:
        np.random.seed(seed)
        lines = pd.read_csv(os.path.join(OUT, "original/cr/train.csv"), header=None).values.tolist()
        test = pd.read_csv(os.path.join(OUT, "original/cr/test.csv"), header=None)
        np.random.shuffle(lines)
        by_label = groups(lines, lambda row: row[0])
        where = "k-shot" if rate == 1 else "k-shot-10x"
        folder = os.path.join(OUT, where, "cr", f"{k}-{seed}")
        os.makedirs(folder, exist_ok=True)
        train = [row for rows in by_label.values() for row in rows[:k]]
        dev = [row for rows in by_label.values() for row in rows[k : k * (rate + 1)]]
        for name, rows in [("train", train), ("dev", dev)]:
            pd.DataFrame(rows).to_csv(os.path.join(folder, f"{name}.csv"), header=False, index=False)
        test.to_csv(os.path.join(folder, "test.csv"), header=False, index=False)


if __name__ == "__main__":
    shuffles()
    tsv()
    csv()
