"""scikit-learn's metrics on random and awkward predictions.

`metrics.json`, a list of cases:
  name, classes, gold, predicted   labels are 0 .. classes-1, some may be absent from either list
  accuracy, matthews
  macro_f1          over all classes, one that is neither gold nor predicted counts 0
  macro_f1_present  over the classes that are gold or predicted (scikit-learn's default)
  f1                of class 1, for two classes only
  micro_f1_without  {negative class: micro F1 over the other classes}
`directed.json`, a list of cases over SemEval-2010 task 8's classes:
  name, labels, gold, predicted
  directed_f1   the official macro F1 with direction; scikit-learn computes it on relations without
        direction after each row of a right relation in the wrong direction has become two wrong
        ones, (relation, Other) and (Other, relation)
`calibration.json`, a list of cases:
  name, gold, probabilities [rows][classes]
  ece   expected calibration error, 15 bins of equal width over the largest probability, closed
        above: sum over bins of share * |accuracy - mean confidence| (Guo et al., ICML 2017)
"""

import warnings

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from common import CORE, save_json

warnings.filterwarnings("ignore", category=UserWarning)


def case(name, classes, gold, predicted):
    labels = list(range(classes))
    result = {
        "name": name, "classes": classes, "gold": gold, "predicted": predicted,
        "accuracy": accuracy_score(gold, predicted),
        "matthews": matthews_corrcoef(gold, predicted),
        "macro_f1": f1_score(gold, predicted, labels=labels, average="macro", zero_division=0),
        "macro_f1_present": f1_score(gold, predicted, average="macro", zero_division=0),
        "micro_f1_without": {
            str(n): f1_score(gold, predicted, labels=[c for c in labels if c != n],
                             average="micro", zero_division=0)
            for n in {0, classes - 1}},
    }
    if classes == 2:
        result["f1"] = f1_score(gold, predicted, labels=[1], average="macro", zero_division=0)
    return result


def cases():
    rng = np.random.default_rng(21)
    for classes in (2, 3, 6, 19):
        for rows, skill in ((40, 0.0), (57, 0.5), (33, 0.9)):
            gold = rng.integers(0, classes, rows)
            predicted = np.where(rng.random(rows) < skill, gold, rng.integers(0, classes, rows))
            yield case(f"random {classes} classes, skill {skill}", classes, gold, predicted)
    gold = rng.integers(0, 2, 30)
    yield case("constant 0", 2, gold, np.zeros(30, int))
    yield case("constant 1", 2, gold, np.ones(30, int))
    yield case("gold constant", 2, np.ones(12, int), rng.integers(0, 2, 12))
    yield case("both constant and equal", 2, np.ones(5, int), np.ones(5, int))
    yield case("both constant and opposite", 2, np.ones(5, int), np.zeros(5, int))
    yield case("perfect", 4, np.arange(12) % 4, np.arange(12) % 4)
    yield case("all wrong", 2, gold, 1 - gold)
    yield case("class absent from gold", 5, rng.choice([0, 1, 3], 40), rng.integers(0, 5, 40))
    yield case("class never predicted", 5, rng.integers(0, 5, 40), rng.choice([0, 1, 3], 40))
    yield case("class absent from both", 6, rng.choice([0, 2, 5], 40), rng.choice([0, 2, 5], 40))
    yield case("only the negative predicted", 4, rng.integers(0, 4, 20), np.zeros(20, int))
    yield case("nothing but the negative", 3, np.zeros(6, int), np.zeros(6, int))
    skewed = (rng.random(200) < 0.05).astype(int)
    yield case("skewed", 2, skewed, np.where(rng.random(200) < 0.1, 1 - skewed, skewed))
    yield case("one row", 2, np.array([1]), np.array([0]))


RELATIONS = ["Cause-Effect", "Component-Whole", "Content-Container", "Entity-Destination",
             "Entity-Origin", "Instrument-Agency", "Member-Collection", "Message-Topic",
             "Product-Producer"]
DIRECTED = ["Other"] + [f"{r}({d})" for r in RELATIONS for d in ("e1,e2", "e2,e1")]


def directed_f1(gold, predicted):
    relation = lambda c: 0 if c == 0 else (c + 1) // 2
    pairs = []
    for g, p in zip(gold, predicted):
        if g != p and relation(g) == relation(p):
            pairs += [(relation(g), 0), (0, relation(p))]
        else:
            pairs.append((relation(g), relation(p)))
    present = sorted({relation(g) for g in gold} - {0})
    g, p = zip(*pairs)
    return f1_score(g, p, labels=present, average="macro", zero_division=0)


def directed():
    rng = np.random.default_rng(87)
    for name, classes, rows, skill in [("chance", 19, 300, 0.0), ("good", 19, 300, 0.8),
                                       ("few rows, relations absent", 19, 12, 0.5),
                                       ("two relations", 5, 80, 0.4)]:
        gold = rng.integers(0, classes, rows)
        predicted = np.where(rng.random(rows) < skill, gold, rng.integers(0, classes, rows))
        yield name, gold, predicted
    gold = rng.integers(1, 19, 60)
    yield "all directions wrong", gold, np.where(gold % 2 == 1, gold + 1, gold - 1)
    yield "only Other predicted", gold, np.zeros(60, int)


def calibration_error(gold, probabilities, bins=15):
    confidence = probabilities.max(1)
    correct = probabilities.argmax(1) == gold
    edges = np.linspace(0, 1, bins + 1)
    error = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return error


def calibration():
    rng = np.random.default_rng(42)
    for name, rows, classes, scale in [("two classes", 90, 2, 1.0), ("six classes", 60, 6, 2.0),
                                       ("confident", 50, 3, 8.0), ("one row", 1, 2, 1.0)]:
        logits = scale * rng.standard_normal((rows, classes))
        odds = np.exp(logits - logits.max(1, keepdims=True))
        probabilities = odds / odds.sum(1, keepdims=True)
        gold = np.array([rng.choice(classes, p=p) for p in probabilities])
        yield name, gold, probabilities
    certain = np.eye(3)[rng.integers(0, 3, 20)]
    yield "certain", rng.integers(0, 3, 20), certain


def main():
    save_json(CORE / "metrics.json", list(cases()))
    save_json(CORE / "directed.json", [
        {"name": n, "labels": DIRECTED, "gold": g, "predicted": p, "directed_f1": directed_f1(g, p)}
        for n, g, p in directed()])
    save_json(CORE / "calibration.json", [
        {"name": n, "gold": g, "probabilities": p, "ece": calibration_error(g, p)}
        for n, g, p in calibration()])


if __name__ == "__main__":
    main()
