"""Every number of tables that are made of given rows, by numpy and scipy.

Each folder of `tests/end_to_end/fixtures/statistics` has an `experiment.yaml` and the `runs.csv` of
its finished runs; this writes `expected.json` beside them:
  summary      one entry a (task, method, model, k): split, seeds, mean, sd (sample; null for one
               value), median, low and high (t interval; null below three values), dev_mean, trials,
               test_rows (not known where test is scored)
  lines        one entry a row of the table, published figures last, in percent: name, scores [{mean,
               sd, low, high} or null by task], average (null unless every task has a score)
  comparisons  the first method less each other: difference, g, wins, losses, ties, units, p (all
               sign patterns), p_holm, and by task difference, low, high (null below three seeds, or
               at several K or of several models)
  published    [{method, task, theirs, sd, ours, difference, half_width, inside}], half_width and
               inside null where no sd was published
  tried        [{method, settings, dev, runs}] of a search
"""

import csv
import json
from pathlib import Path

import numpy as np
from scipy import stats

from common import ROOT, plain
from make_stats import effect, holm, sample, welch

FIXTURES = ROOT / "tests/end_to_end/fixtures/statistics"

TITLES = {"majority": "Majority", "fine-tuning": "Fine-tuning", "lm-bff": "LM-BFF (manual prompt)",
          "dart": "DART"}
# What the experiment files say, in their order; `texts` are the tasks of the same texts.
CASES = {
    "two-tasks": {
        "tasks": {"movies": "Movies", "news": "News"}, "texts": [["movies"], ["news"]],
        "methods": ["fine-tuning", "lm-bff", "dart"], "models": ["tiny"], "ks": [16],
        "published": [("dart", "movies", 70.5, 2.0, 5), ("dart", "news", 93.5, 0.5, 5),
                      ("lm-bff", "movies", 71.0, None, None)]},
    "shared-texts": {
        "tasks": {"movies": "Movies", "products": "Products", "mr": "MR", "news": "News"},
        "texts": [["movies", "mr"], ["products"], ["news"]],
        "methods": ["majority", "fine-tuning", "lm-bff", "dart"], "models": ["tiny"], "ks": [16]},
    "shots-and-models": {
        "tasks": {"movies": "Movies", "news": "News"}, "texts": [["movies"], ["news"]],
        "methods": ["majority", "fine-tuning", "dart"], "models": ["small", "tiny"], "ks": [4, 16]},
    "search": {
        "tasks": {"movies": "Movies", "news": "News"}, "texts": [["movies"], ["news"]],
        "methods": ["lm-bff", "dart"], "models": ["tiny"], "ks": [16],
        "searched": ("dart", "learning_rate")},
}
# As the file of published figures names them.
PUBLISHED = {"dart": "DART", "lm-bff": "lm-bff"}
FIRST = "dart"


def models_of(method, case):
    return ["none"] if method == "majority" else case["models"]


def read(path):
    """The rows, their numbers as numbers."""
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["k"], row["seed"], row["dev"] = int(row["k"]), int(row["seed"]), float(row["dev"])
        row["test"] = float(row["test"]) if row["test"] else None
    return rows


def chosen(rows):
    """The runs that scored test; where none did, the best of each seed's trials on dev."""
    if any(row["test"] is not None for row in rows):
        return [row | {"score": row["test"]} for row in rows if row["test"] is not None]
    best = {}
    for row in rows:
        key = tuple(row[name] for name in ("task", "method", "model", "k", "seed"))
        if key not in best or row["dev"] > best[key]["dev"]:
            best[key] = row
    return [row | {"score": row["dev"]} for row in best.values()]


def described(scores):
    found = sample(scores)
    return {name: found[name] for name in ("mean", "sd", "median", "low", "high")}


def where(rows, **facts):
    return [row for row in rows if all(row[name] == value for name, value in facts.items())]


def percent(value):
    return None if value is None else 100 * value


def summaries(case, rows, best):
    cells = [(t, m, model, k) for t in case["tasks"] for m in case["methods"]
             for model in models_of(m, case) for k in case["ks"]]
    out = []
    for task, method, model, k in cells:
        here = where(best, task=task, method=method, model=model, k=k)
        scores = [row["score"] for row in here]
        trials = 2 if case.get("searched", [None])[0] == method else 1
        split = "test" if any(row["test"] is not None for row in rows) else "dev"
        entry = {"task": task, "method": method, "model": model, "k": k, "split": split,
                 "task_title": case["tasks"][task], "title": TITLES[method], "seeds": len(scores)}
        entry |= described(scores) if scores else {}
        entry |= {"dev_mean": np.mean([row["dev"] for row in here]) if here else None,
                  "trials": trials, "test_rows": 0 if split == "dev" else None}
        out.append(entry)
    return out


def lines(case, summary):
    out = []
    for method in case["methods"]:
        for model in models_of(method, case):
            for k in case["ks"]:
                name = TITLES[method]
                if len(case["models"]) > 1 and method != "majority":
                    name += f", {model}"
                if len(case["ks"]) > 1:
                    name += f", K={k}"
                cells = where(summary, method=method, model=model, k=k)
                scores = [{key: percent(cell[key]) for key in ("mean", "sd", "low", "high")}
                          if cell["seeds"] else None for cell in cells]
                whole = all(score is not None for score in scores)
                average = np.mean([score["mean"] for score in scores]) if whole else None
                out.append({"name": name, "scores": scores, "average": average})
    for name, task, mean, sd, _ in case.get("published", []):
        title = f"{PUBLISHED[name]} as published, roberta-large"
        if not out or out[-1]["name"] != title:
            out.append({"name": title, "scores": [None] * len(case["tasks"]), "average": None})
        at = list(case["tasks"]).index(task)
        out[-1]["scores"][at] = {"mean": mean, "sd": sd, "low": None, "high": None}
    return out


def pairs(case, best, task, other):
    """(seed, difference) of every two runs of one task, K and seed; of one model, where both have
    one of the experiment's."""
    found = []
    for a in where(best, task=task, method=FIRST):
        for b in where(best, task=task, method=other, k=a["k"], seed=a["seed"]):
            if "none" in (a["model"], b["model"]) or a["model"] == b["model"]:
                found.append((a["seed"], a["score"] - b["score"]))
    return found


def sign_flips(tasks):
    """Two-sided p of the mean over tasks of the mean differences over all patterns of signs."""
    flat = np.concatenate(tasks)
    weights = np.concatenate([np.full(len(task), 1 / len(task) / len(tasks)) for task in tasks])
    test = stats.permutation_test(
        (flat,), lambda d, axis: np.sum(d * weights, axis=axis), permutation_type="samples",
        n_resamples=np.inf, vectorized=True)
    return test.pvalue


def on_task(case, best, task, other):
    """The mean of the paired differences, and its interval where they are of one population."""
    differences = [d for _, d in pairs(case, best, task, other)]
    found = sample(differences)
    one = len(case["ks"]) == 1 and len(case["models"]) == 1
    return {"task": case["tasks"][task], "difference": found["mean"],
            "low": found["low"] if one else None, "high": found["high"] if one else None}


def comparisons(case, best):
    out = []
    for other in [method for method in case["methods"] if method != FIRST]:
        tasks = []
        for texts in case["texts"]:
            of_seed = {}
            for task in texts:
                for seed, difference in pairs(case, best, task, other):
                    of_seed.setdefault(seed, []).append(difference)
            if of_seed:
                tasks.append(np.array([np.mean(of_seed[seed]) for seed in sorted(of_seed)]))
        by_task = [on_task(case, best, t, other) for t in case["tasks"]
                   if pairs(case, best, t, other)]
        # Even but for rounding is even.
        sign = np.sign(np.round([on["difference"] for on in by_task], 12))
        out.append({
            "name": TITLES[other], "difference": np.mean([np.mean(task) for task in tasks]),
            "g": effect(tasks)["g"], "wins": int(sum(sign > 0)), "losses": int(sum(sign < 0)),
            "ties": int(sum(sign == 0)), "units": sum(len(task) for task in tasks),
            "p": sign_flips(tasks), "tasks": by_task})
    for entry, p in zip(out, holm([entry["p"] for entry in out])["adjusted"]):
        entry["p_holm"] = p
    return out


def published(case, summary):
    out = []
    for method, task, theirs, sd, seeds in case.get("published", []):
        (cell,) = where(summary, method=method, task=task)
        ours = percent(cell["mean"])
        noise = {"half_width": None, "inside": None}
        if sd is not None:
            noise = welch(ours, percent(cell["sd"]), cell["seeds"], theirs, sd, seeds)
        out.append({"method": TITLES[method], "task": case["tasks"][task], "theirs": theirs,
                    "sd": sd, "ours": ours, "difference": ours - theirs,
                    "half_width": noise["half_width"], "inside": noise["inside"]})
    return out


def tried(case, rows):
    if "searched" not in case:
        return []
    method, setting = case["searched"]
    values = list(dict.fromkeys(row[setting] for row in where(rows, method=method)))
    out = []
    for value in values:
        devs = [row["dev"] for row in where(rows, method=method, **{setting: value})]
        out.append({"method": TITLES[method], "settings": f"{setting} {value}",
                    "dev": percent(np.mean(devs)), "runs": len(devs)})
    return out


def telling(name, found):
    """The rows must be ones by which a mistake in any of the statistics is seen."""
    p = [entry["p"] for entry in found["comparisons"]]
    adjusted = [entry["p_holm"] for entry in found["comparisons"]]
    if name == "shared-texts":
        assert p != sorted(p) and p != sorted(p, reverse=True), p
        factors = sorted(round(b / a, 6) for a, b in zip(p, adjusted))
        # One is raised to the one before it, or the factors would be 1, 2 and 3.
        assert factors != [1, 2, 3] and max(factors) == 3 and max(adjusted) < 1, factors
        assert any(entry["ties"] for entry in found["comparisons"])
        assert {cell["seeds"] for cell in found["summary"]} == {1, 2, 3}
    if name == "two-tasks":
        signs = {np.sign(entry["difference"]) for entry in found["comparisons"]}
        assert signs == {1, -1}, signs
        assert {entry["inside"] for entry in found["published"]} == {True, False, None}


def main():
    for name, case in CASES.items():
        rows = read(FIXTURES / name / "runs.csv")
        best = chosen(rows)
        summary = summaries(case, rows, best)
        found = {"summary": summary, "lines": lines(case, summary),
                 "comparisons": comparisons(case, best), "published": published(case, summary),
                 "tried": tried(case, rows)}
        telling(name, found)
        text = json.dumps(plain(found), indent=1, allow_nan=False)
        Path(FIXTURES / name / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
