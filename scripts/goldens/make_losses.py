"""DART's two losses (Zhang et al., ICLR 2022, equations 5 to 7) on given logits.

`losses.json` (torch, float64):
  class     {logits [batch][n], labels [batch], loss, grad}: mean cross entropy over n label logits
  full      {logits [batch][v], label_ids [n], labels, loss, grad}: over the whole vocabulary
  fluency   {logits [batch][n][masks][v], masked [batch][masks] (the true token's id), masks
             [batch] (how many count; 0 = nothing could be masked), labels [batch], loss,
             per_example [batch], grad}: binary cross entropy of the softmax probability of the
             masked token, target 1 under the true label, 0 under the others; sum over labels,
             mean over an example's masks, mean over the batch
  fluency_k the same logits; wrong [batch][N], the wrong labels used, weighted (n-1)/N
`losses_extreme.json` (mpmath, 60 digits, rounded to float64), a list of
  {name, logits [v], x, target, loss, grad [v], log_odds}: one probability's binary cross entropy;
  log_odds = logits[x] - logsumexp of the others. All logits are exact in float32.
"""

import mpmath
import torch
import torch.nn.functional as F

from common import CORE, generator, save_json


def class_losses(g):
    batch, n, v = 5, 3, 17
    labels = torch.tensor([2, 0, 1, 1, 0])
    logits = (3 * torch.randn(batch, n, generator=g, dtype=torch.float64)).requires_grad_()
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    result = {"class": {"logits": logits.detach(), "labels": labels, "loss": loss.detach(),
                        "grad": logits.grad}}
    label_ids = torch.tensor([14, 3, 16])
    logits = (3 * torch.randn(batch, v, generator=g, dtype=torch.float64)).requires_grad_()
    loss = F.cross_entropy(logits, label_ids[labels])
    loss.backward()
    result["full"] = {"logits": logits.detach(), "label_ids": label_ids, "labels": labels,
                      "loss": loss.detach(), "grad": logits.grad}
    return result


def fluency_loss(logits, masked, masks, labels, weights):
    """Per example; `weights` [batch, n] says how much a label's term counts."""
    p = logits.softmax(-1)
    batch, n = p.shape[:2]
    per_example = []
    for b in range(batch):
        total = logits.new_zeros(())
        for y in range(n):
            if weights[b, y] == 0 or masks[b] == 0:
                continue
            at = torch.stack([p[b, y, i, masked[b, i]] for i in range(masks[b])])
            target = torch.full_like(at, float(y == labels[b]))
            total = total + weights[b, y] * F.binary_cross_entropy(at, target)
        per_example.append(total)
    return torch.stack(per_example)


def fluency_losses(g):
    batch, n, most, v = 4, 3, 2, 9
    labels = torch.tensor([1, 0, 2, 2])
    masks = torch.tensor([2, 1, 0, 2])
    masked = torch.randint(0, v, (batch, most), generator=g)
    wrong = torch.tensor([[0], [2], [0], [1]])
    logits = 3 * torch.randn(batch, n, most, v, generator=g, dtype=torch.float64)
    sampled = F.one_hot(labels, n).double()
    sampled.scatter_(1, wrong, (n - 1) / wrong.shape[1])
    result = {}
    for name, weights in [("fluency", torch.ones(batch, n).double()), ("fluency_k", sampled)]:
        z = logits.clone().requires_grad_()
        per_example = fluency_loss(z, masked, masks, labels, weights)
        per_example.mean().backward()
        result[name] = {"logits": logits, "masked": masked, "masks": masks, "labels": labels,
                        "per_example": per_example.detach(), "loss": per_example.mean().detach(),
                        "grad": z.grad}
        if name == "fluency_k":
            result[name]["wrong"] = wrong
    return result


def extremes():
    """(name, logits, x): from even odds to where the probability or its complement underflows."""
    yield "even", [0.0, 0.0], 0
    yield "uniform", [0.5] * 5, 3
    yield "all equal and large", [1000.0] * 4, 1
    yield "all equal and low", [-1000.0] * 4, 1
    for size in (1.0, 10.0, 17.0, 40.0, 88.0, 104.0, 200.0, 745.0, 2000.0, 60000.0):
        rest = [0.25, -0.5, 0.125]
        yield f"p near 1, {size}", [size] + rest, 0
        yield f"p near 0, {size}", rest + [-size], 3
        yield f"p near 0 beside one large, {size}", [0.0, size, -1.5, 0.75], 2
    yield "two large tie", [300.0, 300.0, 0.0, 1.0], 0
    yield "two large tie, x low", [300.0, 300.0, 0.0, 1.0], 2
    yield "tiny beside huge", [2.0 ** -20, -30000.0, 30000.0], 0


def extreme(name, logits, x, target):
    # mpmath's exponents are unbounded, and no term below is a difference, so 60 digits do.
    with mpmath.workdps(60):
        e = [mpmath.exp(mpmath.mpf(v) - max(logits)) for v in logits]
        others = mpmath.fsum(v for i, v in enumerate(e) if i != x)
        total = others + e[x]
        if target:
            loss = mpmath.log1p(others / e[x])
            grad = [-others / total if i == x else v / total for i, v in enumerate(e)]
        else:
            loss = mpmath.log1p(e[x] / others)
            grad = [e[x] / total if i == x else -e[x] / total * v / others
                    for i, v in enumerate(e)]
        odds = mpmath.log(e[x] / others)
        return {"name": name, "logits": logits, "x": x, "target": target, "loss": float(loss),
                "grad": [float(v) for v in grad], "log_odds": float(odds)}


def check_gradient(case):
    """mpmath's own derivative agrees with the formula."""
    with mpmath.workdps(60):
        z = [mpmath.mpf(v) for v in case["logits"]]
        for i, expected in enumerate(case["grad"]):
            def f(t, i=i):
                e = [mpmath.exp(v + (t if j == i else 0)) for j, v in enumerate(z)]
                own, rest = e[case["x"]], mpmath.fsum(e) - e[case["x"]]
                return mpmath.log1p(rest / own) if case["target"] else mpmath.log1p(own / rest)
            got = mpmath.diff(f, 0)
            assert abs(got - expected) <= 1e-12 * abs(expected) + 1e-20, (case, got, expected)


def main():
    g = generator(3)
    save_json(CORE / "losses.json", {**class_losses(g), **fluency_losses(g)})
    cases = [extreme(name, logits, x, target)
             for name, logits, x in extremes() for target in (1, 0)]
    for case in cases:
        if max(map(abs, case["logits"])) <= 40:
            check_gradient(case)
    save_json(CORE / "losses_extreme.json", cases)


if __name__ == "__main__":
    main()
