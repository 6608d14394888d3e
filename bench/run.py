"""Time this project against PyTorch on the same model, rows and settings.

    python bench/run.py --python .venv-goldens/bin/python --model models/minilm-mlm \\
        --data FOLDER [--threads 1] [--repetitions 5]

FOLDER holds train.tsv and test.tsv with a header, as `dart-exp data kshot` writes them. Every
repetition runs each contender once, as a process of its own, in turn, so that what slows the
machine down slows all of them; medians over the repetitions and ratios of medians are printed.
Contenders: `ours` (`dart-exp bench`), `reference` and `lean` (bench/reference.py, which says what
they do); with --contenders also `ours-bfloat16`. Raw numbers go to --json.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAME = ("--model {model} --train {train} --test {test} --text {text} --label {label} "
        "--words {words} --threads {threads} --batch {batch} --eval-rows {eval_rows} "
        "--steps {steps} --warm-up {warm_up} --learning-rate {learning_rate} "
        "--fluency {fluency} --mask-rate {mask_rate} --seed {seed} ")
OURS = "{dart_exp} bench --labels {labels} --template {our_template} " + SAME
THEIRS = ("{python} {script} --variant {contender} --template {template} "
          "--eval-batch {eval_batch} " + SAME)
MEASURES = [  # key, label, unit, better when
    ("seconds_per_step", "training step", "s", "low"),
    ("examples_per_second", "training", "examples/s", "high"),
    ("eval_examples_per_second", "evaluation", "examples/s", "high"),
    ("peak_mib", "peak memory", "MiB", "low"),
]


def processor():
    """The processor's name as Linux gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def command(contender, args):
    """The words of a contender's command."""
    values = {k: str(v) for k, v in vars(args).items()}
    values["train"], values["test"] = f"{args.data}/train.tsv", f"{args.data}/test.tsv"
    before, after = values["template"].split("|")
    values |= {"script": str(HERE / "reference.py"), "contender": contender,
               "our_template": f"{{a}} {before} [MASK] {after}"}
    template = {"ours": OURS, "ours-bfloat16": OURS + "--precision bfloat16"}.get(contender, THEIRS)
    return [word.format(**values) for word in template.split()]


def run(contender, args):
    """One measurement: the last line of the process's standard output, as JSON."""
    words = command(contender, args)
    # The number of threads is given by argument; no variable may say otherwise.
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    environment["TOKENIZERS_PARALLELISM"] = "false"
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    lines = done.stdout.strip().splitlines()
    try:
        if done.returncode != 0:
            raise ValueError(f"exit code {done.returncode}")
        return json.loads(lines[-1])
    except (ValueError, IndexError) as error:
        sys.exit(f"{shlex.join(words)}\n{error}\n{done.stderr[-2000:]}")


def report(results, contenders):
    """A table of medians, with ratios to the first contender."""
    first = contenders[0]
    print("| measure | unit | " + " | ".join(contenders) + " | "
          + " | ".join(f"{c} : {first}" for c in contenders[1:]) + " |")
    print("|---" * (2 * len(contenders) + 1) + "|")
    for key, label, unit, better in MEASURES:
        medians = {}
        cells = []
        for contender in contenders:
            values = [r[key] for r in results[contender]]
            medians[contender] = statistics.median(values)
            cells.append(f"{medians[contender]:.4g} ({min(values):.4g} - {max(values):.4g})")
        for contender in contenders[1:]:
            ratio = medians[contender] / medians[first]
            cells.append(f"{ratio if better == 'low' else 1 / ratio:.2f}")
        print(f"| {label} | {unit} | " + " | ".join(cells) + " |")
    print("\nMedian (range). Ratios above 1: the first contender is faster or smaller.")


def same_work(results):
    """Contenders that do the same in float32 have the same class loss before training."""
    losses = {c: r[0]["start_loss"] for c, r in results.items()
              if r[0].get("start_loss") and not c.endswith("bfloat16")}
    if len(losses) < 2:
        return
    spread = max(losses.values()) - min(losses.values())
    verdict = "equal" if spread < 1e-3 else "DIFFERENT: the contenders do not do the same work"
    print("Class loss on the test rows before training: "
          + ", ".join(f"{c} {v:.5f}" for c, v in losses.items()) + f" ({verdict})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, help="folder with train.tsv and test.tsv")
    parser.add_argument("--python", default=sys.executable, help="one with torch and transformers")
    parser.add_argument("--dart-exp", default="target/release/dart-exp")
    parser.add_argument("--contenders", default="ours,reference,lean")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", help="file for the raw numbers")
    for name, default in [("text", "sentence"), ("label", "label"), ("template", "It was|."),
                          ("labels", "0,1"), ("words", "terrible,great"), ("threads", 1), ("batch", 8),
                          ("eval-batch", 32), ("eval-rows", 200), ("steps", 20), ("warm-up", 3),
                          ("learning-rate", 1e-4), ("fluency", 1.0), ("mask-rate", 0.1),
                          ("seed", 13)]:
        parser.add_argument(f"--{name}", type=type(default), default=default)
    args = parser.parse_args()

    contenders = args.contenders.split(",")
    results = {c: [] for c in contenders}
    for repetition in range(args.repetitions):
        for contender in contenders:
            print(f"{repetition + 1}/{args.repetitions} {contender}", file=sys.stderr)
            results[contender].append(run(contender, args))
    if args.json:
        Path(args.json).write_text(json.dumps(
            {"processor": processor(), "settings": vars(args), "results": results}, indent=1))
    print(f"{processor()}, {os.cpu_count()} logical cores, {args.threads} thread(s), batch "
          f"{args.batch}, {args.steps} steps, {args.repetitions} repetitions\n")
    report(results, contenders)
    same_work(results)


if __name__ == "__main__":
    main()
