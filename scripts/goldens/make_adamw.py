"""Twenty steps of torch.optim.AdamW as transformers' recipes use it.

Two parameter groups (weight decay 0.01 and none), a linear schedule with 4 warm-up steps of 20,
gradients given and clipped to norm 1 over all parameters. `adamw.safetensors`, all float32:
  <name>_0           the start, name = matrix [4, 6] (decayed), bias [6] and norm [5] (not decayed)
  <name>_grad        [20, ...] the gradients before clipping
  <name>_steps       [20, ...] the parameters after each step
  grad_norm          [20] the norm before clipping
  learning_rate      [20] float64, the rate that each step used
`adamw.json` holds the settings. bias has no gradient in step 7 (zeros in `bias_grad`, but the
step skips it: neither its value nor its moments move).
"""

import torch
from transformers import get_linear_schedule_with_warmup

from common import CORE, generator, save_json, save_tensors

SETTINGS = {"learning_rate": 1e-2, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01,
            "warmup_steps": 4, "steps": 20, "clip": 1.0, "skipped": {"bias": 7}}


def main():
    g = generator(7)
    shapes = {"matrix": (4, 6), "bias": (6,), "norm": (5,)}
    parameters = {n: torch.nn.Parameter(torch.randn(s, generator=g)) for n, s in shapes.items()}
    out = {f"{n}_0": p.detach().clone() for n, p in parameters.items()}
    optimizer = torch.optim.AdamW(
        [{"params": [parameters["matrix"]], "weight_decay": SETTINGS["weight_decay"]},
         {"params": [parameters["bias"], parameters["norm"]], "weight_decay": 0.0}],
        lr=SETTINGS["learning_rate"], betas=SETTINGS["betas"], eps=SETTINGS["eps"], foreach=False)
    schedule = get_linear_schedule_with_warmup(optimizer, SETTINGS["warmup_steps"],
                                               SETTINGS["steps"])
    gradients = {n: [] for n in shapes}
    after = {n: [] for n in shapes}
    norms, rates = [], []
    for step in range(SETTINGS["steps"]):
        # Sizes from far below to far above the clipping norm.
        scale = 10.0 ** (-3 + step % 5)
        optimizer.zero_grad()
        for name, p in parameters.items():
            grad = scale * torch.randn(p.shape, generator=g)
            if SETTINGS["skipped"].get(name) == step:
                gradients[name].append(torch.zeros_like(p))
                continue
            gradients[name].append(grad.clone())
            p.grad = grad
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), SETTINGS["clip"]))
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
        for name, p in parameters.items():
            after[name].append(p.detach().clone())
    for name in shapes:
        out[f"{name}_grad"] = torch.stack(gradients[name])
        out[f"{name}_steps"] = torch.stack(after[name])
    out["grad_norm"] = torch.stack(norms)
    out["learning_rate"] = torch.tensor(rates, dtype=torch.float64)
    save_tensors(CORE / "adamw.safetensors", out)
    save_json(CORE / "adamw.json", SETTINGS)


if __name__ == "__main__":
    main()
