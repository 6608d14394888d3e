"""P-Tuning's prompt encoder written out: the LSTM's equations, then linear, ReLU, linear.

`prompt_encoder.json`, one entry a kind (`lstm`, `mlp`):
  free     [m][size], the free vectors
  weights  {name: values}, PyTorch's names; gates stand in the order input, forget, cell, output
  rows     [m][size], the template's rows
"""

import numpy as np

from common import CORE, save_json

SIZE, M, LAYERS = 6, 5, 2


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def one_way(xs, w_ih, w_hh, b_ih, b_hh):
    half = w_hh.shape[1]
    h = c = np.zeros(half)
    outputs = []
    for x in xs:
        i, f, g, o = np.split(w_ih @ x + b_ih + w_hh @ h + b_hh, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return outputs


def lstm(xs, w):
    for layer in range(LAYERS):
        parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        there = one_way(xs, *[w[f"lstm.{p}_l{layer}"] for p in parts])
        back = one_way(xs[::-1], *[w[f"lstm.{p}_l{layer}_reverse"] for p in parts])[::-1]
        xs = [np.concatenate(pair) for pair in zip(there, back)]
    return xs


def mlp(xs, w):
    hidden = [np.maximum(w["mlp.0.weight"] @ x + w["mlp.0.bias"], 0) for x in xs]
    return [w["mlp.2.weight"] @ x + w["mlp.2.bias"] for x in hidden]


def weights(rng, kind):
    half = SIZE // 2
    shapes = {}
    for layer in range(LAYERS if kind == "lstm" else 0):
        for way in ("", "_reverse"):
            shapes |= {f"lstm.weight_ih_l{layer}{way}": (4 * half, SIZE),
                       f"lstm.weight_hh_l{layer}{way}": (4 * half, half),
                       f"lstm.bias_ih_l{layer}{way}": (4 * half,),
                       f"lstm.bias_hh_l{layer}{way}": (4 * half,)}
    for layer in (0, 2):
        shapes |= {f"mlp.{layer}.weight": (SIZE, SIZE), f"mlp.{layer}.bias": (SIZE,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def main():
    rng = np.random.default_rng(3)
    result = {}
    for kind in ("lstm", "mlp"):
        free, w = rng.normal(size=(M, SIZE)), weights(rng, kind)
        xs = lstm(list(free), w) if kind == "lstm" else list(free)
        result[kind] = {"free": free, "weights": {f"prompt_encoder.{k}": v for k, v in w.items()},
                        "rows": np.stack(mlp(xs, w))}
    save_json(CORE / "prompt_encoder.json", result)


if __name__ == "__main__":
    main()
