"""DART's forward and backward pass by transformers, with the pseudo rows as appended vocabulary.

For `bert-tiny` and `albert-tiny` (embedding size below hidden size), `dart/<model>.safetensors`,
with V words, m = 3 template tokens, n = 3 labels, V* = V + m + n:
  template_ids [m], label_ids [n]     the words that the pseudo tokens start from
  pseudo_0, pseudo_bias_0             [m+n, D], [m+n] their rows and decoder biases at the start
  hard_ids, pseudo_ids                int64 [batch, seq], the manual and the pseudo prompt (pseudo
                                      token i has id V + i); the second example's text is empty
  attention_mask, mask_position       [batch, seq], [batch]
  zero_shot     float32 [batch, n]    the manual prompt's logits of the label words at [MASK]
  start_logits  float32 [batch, V*]   the pseudo prompt's at [MASK]; its labels' are `zero_shot`
then with other rows, as in the middle of training (lambda = 0.7):
  pseudo, pseudo_bias                 float32 [m+n, D], [m+n]
  labels, masked_position             int64 [batch]; position -1: nothing to mask
  logits                              float32 [batch, V*] at [MASK]
  fluency_logits                      float32 [batch, n, V*] at the masked position, label y's
                                      pseudo token in the slot; zeros where nothing is masked
  loss_class, loss_full, loss_fluency, loss   float32 []; loss = loss_class + lambda loss_fluency
  grad_pseudo, grad_pseudo_bias       gradients of `loss`
  grad_dense                          float32 [V*, D], before masking, for tests of the masking
`dart/<model>.json` holds lambda, the gradients' global norms (`norm_masked`: pseudo rows, their
biases and the language model without its word embeddings and decoder bias; `norm_dense`: all)
and `grad_norms`, one for each parameter of the language model.
"""

import torch
import torch.nn.functional as F
from transformers import AutoModelForMaskedLM

from common import CORE, generator, save_json, save_tensors
from make_encoders import VOCAB

LAMBDA = 0.7


def token_ids(words):
    return [VOCAB.index(w) for w in words.split()]


PROMPTS = {
    # {a} it was [MASK] .    terrible / okay / great
    "bert-tiny": dict(
        texts=[token_ids("a fun and bright movie , music ##s"), [], token_ids("so dull")],
        template=[token_ids("it was"), token_ids(".")],
        words=token_ids("terrible okay great"),
        special={k: VOCAB.index(f"[{k}]") for k in ("PAD", "CLS", "SEP", "MASK")},
        labels=[2, 1, 0], masked=[4, -1, 1]),
    # No vocabulary of its own: ids stand for words; the slot stands before the text.
    "albert-tiny": dict(
        texts=[[30, 31, 32, 33, 34, 35], [], [36, 37]],
        template=[[50], [51, 52]], words=[60, 61, 62],
        special={"PAD": 0, "CLS": 2, "SEP": 3, "MASK": 4},
        labels=[0, 2, 1], masked=[1, -1, 2]),
}


def prompt(spec, before, after):
    """Padded ids [CLS] text before [MASK] after [SEP], mask, and the slot's positions."""
    s = spec["special"]
    rows = [[s["CLS"], *t, *before, s["MASK"], *after, s["SEP"]] for t in spec["texts"]]
    length = max(map(len, rows))
    ids = torch.tensor([r + [s["PAD"]] * (length - len(r)) for r in rows])
    mask = torch.tensor([[1] * len(r) + [0] * (length - len(r)) for r in rows])
    slot = torch.tensor([1 + len(t) + len(before) for t in spec["texts"]])
    return ids, mask, slot


def enlarge(model, rows, biases):
    """Append rows to the tied word embeddings and entries to the decoder's bias."""
    old = model.get_output_embeddings().bias.detach().clone()
    size = len(old) + len(rows)
    model.resize_token_embeddings(size)
    with torch.no_grad():
        model.get_input_embeddings().weight[len(old):] = rows
        decoder = model.get_output_embeddings()
        bias = torch.nn.Parameter(torch.cat([old, biases]))
        decoder.bias = bias
        head = model.cls.predictions if hasattr(model, "cls") else model.predictions
        head.bias = bias
    assert decoder.weight is model.get_input_embeddings().weight
    assert decoder.out_features == size
    return model


def load(name):
    return AutoModelForMaskedLM.from_pretrained(CORE / name, attn_implementation="eager",
                                                torch_dtype=torch.float64).eval()


def logits_at(model, ids, mask, positions):
    out = model(input_ids=ids, attention_mask=mask).logits
    return out[torch.arange(len(ids)), positions]


def make(name, spec, seed):
    g = generator(seed)
    base = load(name)
    words = base.get_input_embeddings().weight.detach().clone()
    biases = base.get_output_embeddings().bias.detach().clone()
    v = len(words)
    before, after = spec["template"]
    sources = torch.tensor(before + after + spec["words"])
    m, n = len(before) + len(after), len(spec["words"])

    ids, mask, slot = prompt(spec, before, after)
    zero_shot = logits_at(base, ids, mask, slot)[:, spec["words"]]
    pseudo_before = list(range(v, v + len(before)))
    pseudo_after = list(range(v + len(before), v + m))
    pseudo_ids, _, _ = prompt(spec, pseudo_before, pseudo_after)
    model = enlarge(load(name), words[sources], biases[sources])
    start = logits_at(model, pseudo_ids, mask, slot)
    assert (start[:, v + m:] - zero_shot).abs().max() < 1e-12
    assert (start[:, :v] - logits_at(base, ids, mask, slot)).abs().max() < 1e-12

    # Rows as training might leave them; stored as float32, so computed from float32.
    rows = (words[sources] + 0.2 * torch.randn(m + n, words.shape[1], generator=g)).float()
    row_biases = (biases[sources] + 0.2 * torch.randn(m + n, generator=g)).float()
    model = enlarge(load(name), rows.double(), row_biases.double())
    labels, masked = torch.tensor(spec["labels"]), torch.tensor(spec["masked"])
    at_slot = logits_at(model, pseudo_ids, mask, slot)
    loss_class = F.cross_entropy(at_slot[:, v + m:], labels)
    loss_full = F.cross_entropy(at_slot, v + m + labels)
    fluency_logits = torch.zeros(len(ids), n, v + m + n, dtype=torch.float64)
    per_example = []
    for b in range(len(ids)):
        total = at_slot.new_zeros(())
        for y in range(n) if masked[b] >= 0 else []:
            row = pseudo_ids[b:b + 1].clone()
            true_token = row[0, masked[b]].item()
            row[0, masked[b]] = spec["special"]["MASK"]
            row[0, slot[b]] = v + m + y
            z = logits_at(model, row, mask[b:b + 1], masked[b:b + 1])[0]
            fluency_logits[b, y] = z.detach()
            p = z.softmax(-1)[true_token]
            total = total + F.binary_cross_entropy(p, torch.full_like(p, float(y == labels[b])))
        per_example.append(total)
    loss_fluency = torch.stack(per_example).mean()
    loss = loss_class + LAMBDA * loss_fluency
    loss.backward()

    dense = model.get_input_embeddings().weight.grad
    dense_bias = model.get_output_embeddings().bias.grad
    tied = {id(model.get_input_embeddings().weight), id(model.get_output_embeddings().bias)}
    others = {k: p.grad for k, p in model.named_parameters()
              if p.grad is not None and id(p) not in tied}

    def norm(tensors):
        return torch.sqrt(sum(t.pow(2).sum() for t in tensors))

    save_tensors(CORE / f"dart/{name}.safetensors", {
        "template_ids": sources[:m], "label_ids": sources[m:],
        "pseudo_0": words[sources].float(), "pseudo_bias_0": biases[sources].float(),
        "hard_ids": ids, "pseudo_ids": pseudo_ids, "attention_mask": mask, "mask_position": slot,
        "zero_shot": zero_shot.float(), "start_logits": start.float(),
        "pseudo": rows, "pseudo_bias": row_biases, "labels": labels, "masked_position": masked,
        "logits": at_slot.float(), "fluency_logits": fluency_logits.float(),
        "loss_class": loss_class.float(), "loss_full": loss_full.float(),
        "loss_fluency": loss_fluency.float(), "loss": loss.float(),
        "grad_pseudo": dense[v:].float(), "grad_pseudo_bias": dense_bias[v:].float(),
        "grad_dense": dense.float()})
    save_json(CORE / f"dart/{name}.json", {
        "lambda": LAMBDA,
        "norm_masked": norm([*others.values(), dense[v:], dense_bias[v:]]),
        "norm_dense": norm([*others.values(), dense, dense_bias]),
        "grad_norms": {k: norm([t]) for k, t in others.items()}})
    print(f"{name}: class {loss_class:.3f}, full {loss_full:.3f}, fluency {loss_fluency:.3f}")


def main():
    for seed, (name, spec) in enumerate(PROMPTS.items()):
        make(name, spec, 31 + seed)


if __name__ == "__main__":
    main()
