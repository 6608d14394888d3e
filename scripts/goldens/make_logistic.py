"""scikit-learn's logistic regression, solved to the end, on random rows and on sentences.

`logistic.json`, a list of cases:
  name, c, classes
  x              [rows][size]; absent in the case "sentences", whose rows are `sentence` of
                 minilm/golden.safetensors
  labels         below `classes`, some may be absent
  weight, bias   [classes present][size], [classes present]; of two classes, the second's alone
  probabilities  [rows][classes present]
"""

import numpy as np
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression

from common import CORE, save_json


def case(name, c, classes, x, labels, keep_x=True):
    model = LogisticRegression(C=c, tol=1e-12, max_iter=100_000).fit(x, labels)
    result = {"name": name, "c": c, "classes": classes, "labels": labels,
              "weight": model.coef_, "bias": model.intercept_,
              "probabilities": model.predict_proba(x)}
    return {**result, "x": x} if keep_x else result


def cases():
    rng = np.random.default_rng(5)

    def rows(count, size):
        x = rng.normal(size=(count, size))
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    for classes, c in ((2, 1.0), (2, 100.0), (3, 1.0), (5, 0.1), (5, 30.0)):
        x = rows(4 * classes + 3, 7)
        labels = np.arange(len(x)) * 7 % classes
        yield case(f"{classes} classes, C {c}", c, classes, x, labels)
    yield case("three of five classes", 2.0, 5, rows(12, 4), np.array([0, 3, 4] * 4))
    yield case("two of three classes", 2.0, 3, rows(9, 4), np.array([0, 2, 2] * 3))
    # More sizes than rows, and scales apart.
    yield case("separable", 1000.0, 3, rows(8, 20) * np.logspace(-2, 1, 20), np.arange(8) % 3)
    sentences = load_file(CORE / "minilm/golden.safetensors")["sentence"].astype(np.float64)
    labels = np.array([0, 1, 1, 0])
    yield case("sentences", 10.0, 2, sentences, labels, keep_x=False)


def main():
    save_json(CORE / "logistic.json", list(cases()))


if __name__ == "__main__":
    main()
