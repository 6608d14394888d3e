#!/usr/bin/env python3
"""Kills a running sweep again and again and compares what it comes to with an undisturbed run.

Usage: kill_sweep.py [--kills N] [--seed S] [--keep DIR] DART_EXP FILE.yaml [OPTIONS of run...]

The sweep is started, all its processes are killed (SIGKILL) at a random moment, and it is started
again, N times (20 by default), then left to its end. A kill that would come after the end is not
counted; a sweep that is too short for N kills starts over in a new folder, and each of these is
compared. Compared are runs.csv and runs.jsonl less time and memory, summary.csv, table.md and all
predictions; and no half-written file may be left.
"""

import argparse
import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PASSING = {"seconds", "peak_mib"}


def timeless_csv(text):
    rows = csv.DictReader(io.StringIO(text))
    return [{key: value for key, value in row.items() if key not in PASSING} for row in rows]


def timeless_json(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return [{key: value for key, value in row.items() if key not in PASSING} for row in rows]


def outcome(folder):
    """What an experiment's results folder says, by file."""
    said = {
        "runs.csv": timeless_csv((folder / "runs.csv").read_text()),
        "runs.jsonl": timeless_json((folder / "runs.jsonl").read_text()),
    }
    files = [folder / "summary.csv", folder / "table.md", *(folder / "predictions").iterdir()]
    for file in files:
        said[str(file.relative_to(folder))] = file.read_text()
    return said


def results(root):
    """The one experiment's folder below a results folder."""
    (folder,) = [path.parent for path in root.glob("*/runs.csv")]
    return folder


def start(call, root):
    # A group of its own, so that parent and children die together, as when a machine goes down.
    return subprocess.Popen(
        [*call, "--results", str(root), "--quiet"], start_new_session=True, stdout=subprocess.DEVNULL
    )


def kill(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--keep", help="work in this folder and leave it there")
    parser.add_argument("program", help="the program dart-exp")
    parser.add_argument("run", nargs=argparse.REMAINDER, help="FILE.yaml and options of run")
    args = parser.parse_args()
    if not args.run:
        parser.error("name an experiment file")
    call = [args.program, "run", *args.run]
    moments = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(args.keep or scratch).absolute()
        work.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        if start(call, work / "whole").wait() != 0:
            sys.exit("kill_sweep: the undisturbed run failed")
        took = time.monotonic() - begun
        expected = outcome(results(work / "whole"))
        print(f"undisturbed: {len(expected['runs.csv'])} runs in {took:.1f} s", flush=True)

        kills, sweep = 0, 0
        while True:
            sweep += 1
            root = work / f"killed-{sweep}"
            while True:
                process = start(call, root)
                # Most kills fall well inside the sweep, so that each sitting gets somewhere.
                wait = took * moments.uniform(0.02, 0.5) if kills < args.kills else None
                try:
                    code = process.wait(timeout=wait)
                    if code != 0:
                        sys.exit(f"kill_sweep: a sitting ended with {code}")
                    break
                except subprocess.TimeoutExpired:
                    kill(process)
                    kills += 1
                    fits = len(list(root.glob("*/runs/*/fit.json")))
                    print(f"kill {kills} after {wait:.1f} s, {fits} runs trained", flush=True)
            folder = results(root)
            found = outcome(folder)
            for name in sorted(expected.keys() | found.keys()):
                if expected.get(name) != found.get(name):
                    sys.exit(f"kill_sweep: sweep {sweep}: {name} differs from the undisturbed run's")
            parts = [path for path in folder.rglob("*") if path.name.endswith(".part")]
            if parts:
                sys.exit(f"kill_sweep: half-written files are left: {parts}")
            print(f"sweep {sweep}: equal to the undisturbed run, after {kills} kills", flush=True)
            if kills >= args.kills:
                break


if __name__ == "__main__":
    main()
