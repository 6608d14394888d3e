"""Tiny random masked language models and what transformers computes with them.

Each folder holds a model in Hugging Face layout and `golden.safetensors`:
  input_ids, attention_mask, token_type_ids   int64   [batch, seq]
  hidden_0 .. hidden_L                        float32 [batch, seq, hidden], 0 = into layer 1
  logits                                      float32 [batch, seq, vocab]
  loss_rows                                   int64   [n, 2] (row, position) that the loss reads
  loss_weights                                float32 [n, vocab]
  loss                                        float32 []     sum(weights * logits at loss_rows)
  grad_inputs                                 float32 [batch, seq, embedding], of the looked-up rows
  grad_embeddings                             float32 [vocab, embedding], input and decoder together
  grad_decoder_bias                           float32 [vocab]
Expected values are computed in float64 from the stored weights. transformers' embedding of the
pad token gets no gradient from the input side (`padding_idx`). Values at padded positions are
those of attending queries; nothing reads them.
"""

import json

import torch
from safetensors.torch import load_file
from transformers import (
    AlbertConfig,
    AutoConfig,
    AutoModelForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    ElectraConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from common import CORE, generator, save_json, save_tensors

WORDS = """it was is this the a an of and movie film book plot acting great terrible good bad okay
real boring fun yes no maybe not very so too but i we they she he you what who where when how many
city person number description entity human location subjective objective correct incorrect sad
happy dull bright slow fast story music love hate like""".split()
PIECES = ["##s", "##ed", "##ing", "##ly", "##er", "##un", "un", "re"]
VOCAB = (
    ["[PAD]"] + [f"[unused{i}]" for i in range(6)] + ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    + list(".,!?:;'\"-()") + list("0123456789") + [chr(c) for c in range(97, 123)]
    + WORDS + PIECES
)
VOCAB = list(dict.fromkeys(VOCAB))  # "a" and "i" are words and letters

HEADS = 4
SMALL = ["embeddings.word", "embeddings.position", "embeddings.token_type", "lm_head.dense",
         "layer.1.attention.output.LayerNorm", "layer.1.attention.LayerNorm",
         "layer.1.output.dense"]
LENGTHS = [18, 11, 6, 3, 1]  # the longest is max_position's last; the shortest a single token


def families():
    """Name → (config, dtype on disk)."""
    size = dict(num_hidden_layers=3, hidden_size=48, num_attention_heads=HEADS,
                intermediate_size=96, max_position_embeddings=18)
    distil = dict(n_layers=3, dim=48, n_heads=HEADS, hidden_dim=96, max_position_embeddings=18)
    return {
        "bert-tiny": (BertConfig(vocab_size=len(VOCAB), layer_norm_eps=1e-12, **size),
                      torch.float32),
        "roberta-tiny": (RobertaConfig(vocab_size=90, layer_norm_eps=1e-5, type_vocab_size=1,
                                       pad_token_id=1, bos_token_id=0, eos_token_id=2,
                                       **{**size, "max_position_embeddings": 20}),
                         torch.float16),
        "distilbert-tiny": (DistilBertConfig(vocab_size=90, **distil), torch.bfloat16),
        "electra-tiny": (ElectraConfig(vocab_size=90, embedding_size=24, **size), torch.float32),
        "albert-tiny": (AlbertConfig(vocab_size=90, embedding_size=24, pad_token_id=0,
                                     **{**size, "num_hidden_layers": 3}), torch.float32),
        "xlm-roberta-tiny": (XLMRobertaConfig(vocab_size=90, layer_norm_eps=1e-5,
                                              type_vocab_size=1, pad_token_id=1, bos_token_id=0,
                                              eos_token_id=2,
                                              **{**size, "max_position_embeddings": 20}),
                             torch.float16),
    }


def randomise(model, small, seed):
    """Random values large enough that a wrong term shows.

    `small` shrinks what goes into some LayerNorms (the embeddings', the second layer's last, the
    head's), so that variances come close to their eps and the eps itself shows in the results.
    """
    g = generator(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            norm = "norm" in name.lower()
            p.normal_(0.0, 0.3, generator=g)
            if norm and name.endswith("weight"):
                p.add_(1.0)
            if small and any(part in name for part in SMALL):
                p.mul_(0.02)
            if small and "lm_head.layer_norm" in name:
                p.mul_(50.0)


def inputs(config, seed, lengths=LENGTHS):
    """A padded batch with both segments where the model has two."""
    g = generator(seed)
    pad = config.pad_token_id
    shape = (len(lengths), max(lengths))
    lengths = torch.tensor(lengths)[:, None]
    mask = (torch.arange(shape[1])[None] < lengths).long()
    ids = torch.randint(2, config.vocab_size, shape, generator=g)
    ids = torch.where(mask == 1, ids, torch.full(shape, pad))
    segments = (torch.arange(shape[1])[None] >= lengths // 2).long() * mask
    if getattr(config, "type_vocab_size", 1) == 1:
        segments = torch.zeros_like(segments)
    return ids, mask, segments


def evaluate(model, ids, mask, segments, loss_rows=None, loss_weights=None):
    """Hidden states, logits and gradients by transformers, in the model's dtype."""
    model.zero_grad()
    looked_up = []

    def keep(_module, _inputs, output):
        output.retain_grad()
        looked_up.append(output)

    hook = model.get_input_embeddings().register_forward_hook(keep)
    kwargs = {} if model.config.model_type == "distilbert" else {"token_type_ids": segments}
    out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True, **kwargs)
    hook.remove()
    result = {f"hidden_{i}": h for i, h in enumerate(out.hidden_states)}
    result["logits"] = out.logits
    if loss_rows is not None:
        picked = out.logits[loss_rows[:, 0], loss_rows[:, 1]]
        loss = (picked * loss_weights.to(picked.dtype)).sum()
        loss.backward()
        result["loss"] = loss
        result["grad_inputs"] = looked_up[0].grad
        result["grad_embeddings"] = model.get_input_embeddings().weight.grad
        result["grad_decoder_bias"] = model.get_output_embeddings().bias.grad
    return {k: v.detach().float() for k, v in result.items()}


def shown(name, model, batch, expected):
    """Say how far wrong settings move the result; each must be far above a test's tolerance."""
    ids, mask, segments = batch
    config = model.config

    def distance(**changes):
        got = evaluate(changes.get("model", model), ids, changes.get("mask", mask),
                       changes.get("segments", segments))["logits"]
        keep = mask.bool()
        return (got - expected["logits"])[keep].abs().max().item()

    reloaded = AutoModelForMaskedLM.from_pretrained(CORE / name, attn_implementation="eager",
                                                    torch_dtype=torch.float32).eval()
    rounding = distance(model=reloaded)
    print(f"{name}: |logits| {expected['logits'].abs().max():.1f}, float32 off by {rounding:.1e}")
    assert rounding < 5e-5
    faults = {"no mask": distance(mask=torch.ones_like(mask))}
    if segments.any():
        faults["no segments"] = distance(segments=torch.zeros_like(segments))
    for key, wrong in [("layer_norm_eps", 1e-12), ("hidden_act", "relu"), ("hidden_act", "gelu"),
                       ("hidden_act", "gelu_new"), ("activation", "gelu_new")]:
        if key in config.to_dict() and getattr(config, key) != wrong:
            other = AutoConfig.from_pretrained(CORE / name, **{key: wrong})
            changed = AutoModelForMaskedLM.from_pretrained(
                CORE / name, config=other, attn_implementation="eager",
                torch_dtype=torch.float64).eval()
            faults[f"{key}={wrong}"] = distance(model=changed)
    print("   ", ", ".join(f"{k} {v:.1e}" for k, v in faults.items()))
    assert all(v > 5e-4 for v in faults.values()), faults


def save_model(model, folder, **kwargs):
    """`save_pretrained` without what varies by machine."""
    model.save_pretrained(folder, **kwargs)
    (folder / "generation_config.json").unlink(missing_ok=True)
    config = json.loads((folder / "config.json").read_text())
    config.pop("_name_or_path", None)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    if config["model_type"] == "albert":
        # As published ALBERTs have it: transformers 4.44 saves the decoder's bias under one name
        # only, and on loading replaces that by the freshly initialised other.
        tensors = load_file(folder / "model.safetensors")
        tensors["predictions.decoder.bias"] = tensors["predictions.bias"]
        save_tensors(folder / "model.safetensors", tensors)


def make(name, config, dtype, seed):
    """One family: the folder, its batch and its expectations."""
    config.architectures = None
    model = AutoModelForMaskedLM.from_config(config, attn_implementation="eager")
    randomise(model, small="roberta" in name, seed=seed)
    model = model.to(dtype)
    folder = CORE / name
    save_model(model, folder)

    model = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager",
                                                 torch_dtype=torch.float64).eval()
    batch = inputs(model.config, seed + 1)
    g = generator(seed + 2)
    loss_rows = torch.tensor([[0, 17], [0, 3], [1, 5], [3, 1]])
    loss_weights = torch.randn(len(loss_rows), config.vocab_size, generator=g)
    expected = evaluate(model, *batch, loss_rows, loss_weights)
    if name == "bert-tiny":
        every = {k: p.grad.float() for k, p in model.named_parameters() if p.grad is not None}
        save_tensors(folder / "gradients.safetensors", every)
        norm = torch.sqrt(sum(p.grad.pow(2).sum() for p in model.parameters()
                              if p.grad is not None))
        save_json(folder / "gradients.json", {"norm_of_all": norm})
    ids, mask, segments = batch
    save_tensors(folder / "golden.safetensors", {
        "input_ids": ids, "attention_mask": mask, "token_type_ids": segments,
        "loss_rows": loss_rows, "loss_weights": loss_weights, **expected})
    shown(name, model, batch, expected)


def write_vocab(folder):
    """bert-tiny's own vocabulary, for tests that go from text to logits."""
    (folder / "vocab.txt").write_text("".join(w + "\n" for w in VOCAB), encoding="utf-8")
    save_json(folder / "tokenizer_config.json",
              {"tokenizer_class": "BertTokenizer", "do_lower_case": True})


def bert_variants():
    """bert-tiny's weights in other disguises; `bert-tiny/golden.safetensors` judges them too."""
    source = load_file(CORE / "bert-tiny/model.safetensors")
    config = json.loads((CORE / "bert-tiny/config.json").read_text())

    # Checkpoints from before 2019: gamma and beta, the pre-training heads, a decoder of its own,
    # a position buffer; and a config without the keys that came later.
    old = {k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias",
                                                                    "LayerNorm.beta"): v
           for k, v in source.items()}
    g = generator(5)
    hidden = config["hidden_size"]
    old["bert.embeddings.position_ids"] = torch.arange(config["max_position_embeddings"])[None]
    old["bert.pooler.dense.weight"] = torch.randn(hidden, hidden, generator=g)
    old["bert.pooler.dense.bias"] = torch.randn(hidden, generator=g)
    old["cls.seq_relationship.weight"] = torch.randn(2, hidden, generator=g)
    old["cls.seq_relationship.bias"] = torch.randn(2, generator=g)
    old["cls.predictions.decoder.weight"] = source["bert.embeddings.word_embeddings.weight"]
    save_tensors(CORE / "bert-tiny-old/model.safetensors", old)
    keys = ["attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size",
            "initializer_range", "intermediate_size", "max_position_embeddings",
            "num_attention_heads", "num_hidden_layers", "type_vocab_size", "vocab_size"]
    save_json(CORE / "bert-tiny-old/config.json", {k: config[k] for k in keys})

    model = AutoModelForMaskedLM.from_pretrained(CORE / "bert-tiny")
    save_model(model, CORE / "bert-tiny-sharded", max_shard_size="150KB")
    golden = load_file(CORE / "bert-tiny/golden.safetensors")
    for name in ["bert-tiny-old", "bert-tiny-sharded"]:
        model = BertForMaskedLM.from_pretrained(CORE / name, attn_implementation="eager").eval()
        got = evaluate(model, golden["input_ids"], golden["attention_mask"],
                       golden["token_type_ids"])["logits"]
        off = (got - golden["logits"])[golden["attention_mask"].bool()].abs().max()
        print(f"{name}: off by {off:.1e}")
        assert off < 1e-4


def main():
    for seed, (name, (config, dtype)) in enumerate(families().items()):
        make(name, config, dtype, 100 * (seed + 1))
    write_vocab(CORE / "bert-tiny")
    bert_variants()


if __name__ == "__main__":
    main()
