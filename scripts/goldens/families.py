"""Tiny random models of the families beside the one encoder, and what transformers computes.

Each folder holds a model in Hugging Face layout, a `tokenizer.json`, and `golden.safetensors` with
  input_ids, attention_mask, token_type_ids   int64   [batch, seq]
  hidden_L                                    float32 [batch, seq, hidden], the last hidden states
  logits                                      float32 [batch, seq, vocab]
  loss_rows, loss_weights, loss, grad_inputs  as make_encoders.py says
  grad_bias                                   float32 [buckets, heads], of MPNet's relative bias
Expected values are computed in float64 from the stored weights. ModernBERT is newer than the
transformers that the other golden files are made with, hence a script and versions of its own
(requirements-families.txt).
"""

import json

import torch
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    DebertaConfig,
    DebertaV2Config,
    GPT2Config,
    ModernBertConfig,
    MPNetConfig,
)

from common import CORE, generator, save_json, save_tensors
from make_encoders import HEADS, LENGTHS, VOCAB, inputs, randomise

HIDDEN = 32
# The longest is max_position's last; the local windows and the exact buckets are shorter than it.
SIZE = dict(vocab_size=len(VOCAB), hidden_size=HIDDEN, num_attention_heads=HEADS,
            intermediate_size=48, num_hidden_layers=3, max_position_embeddings=18, pad_token_id=0)
# MPNet's special tokens stand round the vocabulary of BERT.
MPNET_VOCAB = ["<s>", "<pad>", "</s>", "<unk>", *VOCAB, "<mask>"]
RELATIVE = dict(relative_attention=True, position_biased_input=False, pos_att_type="c2p|p2c")


def families():
    """Name → (config, dtype on disk, keys of config.json that are left out)."""
    version_3 = DebertaV2Config(**SIZE, **RELATIVE, share_att_key=True, position_buckets=8,
                                max_relative_positions=-1, norm_rel_ebd="layer_norm",
                                type_vocab_size=0, layer_norm_eps=1e-7)
    # Version 2's largest models convolve; here with maps of their own for positions, absolute
    # positions, segments, no buckets, and the head's newer names, which transformers breaks
    # unless the decoder is said to be untied.
    largest = DebertaV2Config(**SIZE, relative_attention=True, position_biased_input=True,
                              pos_att_type=["p2c", "c2p"], share_att_key=False,
                              max_relative_positions=10, type_vocab_size=2, conv_kernel_size=3,
                              conv_act="gelu", legacy=False, tie_word_embeddings=False)
    modern = dict(cls_token_id=8, sep_token_id=9, bos_token_id=8, eos_token_id=9,
                  global_attn_every_n_layers=3, local_attention=6, reference_compile=False)
    size_4 = {**SIZE, "num_hidden_layers": 4}
    return {
        "modernbert-tiny": (ModernBertConfig(**size_4, **modern), torch.float32, ()),
        # Every bias, no bias of the decoder, one theta, a local layer at the end.
        "modernbert-biased-tiny": (
            ModernBertConfig(**SIZE, **modern, norm_bias=True, attention_bias=True, mlp_bias=True,
                             classifier_bias=True, decoder_bias=False, local_rope_theta=None,
                             global_rope_theta=1000.0, classifier_activation="relu"),
            torch.bfloat16, ()),
        "deberta-tiny": (DebertaConfig(**SIZE, **RELATIVE, type_vocab_size=2,
                                       max_relative_positions=12), torch.float32, ()),
        "deberta-v2-tiny": (largest, torch.float32, ("tie_word_embeddings",)),
        "deberta-v3-tiny": (version_3, torch.float16, ("legacy",)),
        "gpt2-tiny": (GPT2Config(vocab_size=len(VOCAB), n_embd=HIDDEN, n_head=HEADS, n_layer=3,
                                 n_inner=48, n_positions=18, pad_token_id=0, bos_token_id=9,
                                 eos_token_id=9, scale_attn_by_inverse_layer_idx=True),
                      torch.float16, ()),
        "mpnet-tiny": (MPNetConfig(**{**SIZE, "vocab_size": len(MPNET_VOCAB), "pad_token_id": 1,
                                      "max_position_embeddings": 146}, layer_norm_eps=1e-5),
                       torch.float16, ()),
    }


def lengths(name):
    """MPNet's last bucket of distances holds those from 91 on."""
    return [140, 11, 6, 3] if name.startswith("mpnet") else LENGTHS


def kind(config):
    return AutoModelForCausalLM if config.model_type == "gpt2" else AutoModelForMaskedLM


def evaluate(model, ids, mask, segments, loss_rows=None, loss_weights=None):
    """Hidden states, logits and gradients by transformers, in the model's dtype."""
    words = model.get_input_embeddings()(ids).detach().requires_grad_()
    kwargs = {"token_type_ids": segments} if segments.any() else {}
    # GPT-2 takes positions from the mask only when it generates; pads stand at the end here.
    base = model.base_model(inputs_embeds=words, attention_mask=mask, **kwargs)
    hidden = base.last_hidden_state
    logits = model(inputs_embeds=words, attention_mask=mask, **kwargs).logits
    result = {f"hidden_{model.config.num_hidden_layers}": hidden, "logits": logits}
    if loss_rows is not None:
        picked = logits[loss_rows[:, 0], loss_rows[:, 1]]
        loss = (picked * loss_weights.to(picked.dtype)).sum()
        loss.backward()
        result |= {"loss": loss, "grad_inputs": words.grad}
        if model.config.model_type == "mpnet":
            result["grad_bias"] = model.mpnet.encoder.relative_attention_bias.weight.grad
    return {k: v.detach().float() for k, v in result.items()}


def load(name, dtype, **changes):
    config = json.loads((CORE / name / "config.json").read_text())
    changes = {"tie_word_embeddings": False, **changes} if config.get("legacy") is False else changes
    auto = AutoModelForCausalLM if config["model_type"] == "gpt2" else AutoModelForMaskedLM
    # ModernBERT's eager attention takes softmax in float32, where float64's lowest value is -inf.
    attention = "sdpa" if config["model_type"] == "modernbert" else "eager"
    return auto.from_pretrained(CORE / name, attn_implementation=attention, torch_dtype=dtype,
                                **changes).eval()


def shown(name, batch, expected):
    """Say how far wrong settings move the result; each must be far above a test's tolerance."""
    ids, mask, segments = batch
    keep = mask.bool()

    def distance(model, mask=mask):
        got = evaluate(model, ids, mask, segments)["logits"]
        return (got - expected["logits"])[keep].abs().max().item()

    rounding = distance(load(name, torch.float32))
    print(f"{name}: |logits| {expected['logits'].abs().max():.1f}, float32 off by {rounding:.1e}")
    assert rounding < 5e-5
    faults = {}
    if "mpnet" in name:
        model = load(name, torch.float64)
        bias = model.mpnet.encoder.relative_attention_bias.weight.data
        bias[[15, 31]] = bias[[31, 15]]
        faults["the last buckets exchanged"] = distance(model)
        bias.zero_()
        faults["no bias"] = distance(model)
    if "gpt2" not in name:
        faults["no mask"] = distance(load(name, torch.float64), torch.ones_like(mask))
    changes = {
        "modernbert-tiny": [{"local_attention": 8}, {"local_rope_theta": None},
                            {"global_attn_every_n_layers": 2}, {"norm_eps": 1e-2},
                            {"hidden_activation": "relu"}],
        "modernbert-biased-tiny": [{"global_rope_theta": 10000.0}, {"local_attention": 4}],
        "deberta-tiny": [{"layer_norm_eps": 1e-2}],
        "deberta-v2-tiny": [{"conv_act": "tanh"}, {"layer_norm_eps": 1e-2}],
        "deberta-v3-tiny": [{"norm_rel_ebd": "none"}, {"layer_norm_eps": 1e-2}],
        "gpt2-tiny": [{"scale_attn_by_inverse_layer_idx": False}, {"layer_norm_epsilon": 1e-2},
                      {"activation_function": "gelu"}],
        "mpnet-tiny": [{"layer_norm_eps": 1e-12}, {"hidden_act": "relu"}],
    }
    for change in changes[name]:
        faults[str(change)] = distance(load(name, torch.float64, **change))
    print("   ", ", ".join(f"{k} {v:.1e}" for k, v in faults.items()))
    assert all(v > 5e-4 for v in faults.values()), faults


def write_tokenizer(folder):
    """bert-tiny's vocabulary as a tokenizer.json."""
    mpnet = folder.name.startswith("mpnet")
    ids = {word: i for i, word in enumerate(MPNET_VOCAB if mpnet else VOCAB)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if mpnet:
        tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "[UNK]"])
        tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
        tokenizer.post_processor = processors.RobertaProcessing(
            ("</s>", ids["</s>"]), ("<s>", ids["<s>"]), add_prefix_space=False)
        save_json(folder / "tokenizer_config.json", {"tokenizer_class": "MPNetTokenizer"})
    else:
        tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    if folder.name.startswith("gpt2"):  # its own class would expect <|endoftext|>
        save_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer"})


def make(name, config, dtype, left_out, seed):
    """One family: the folder, its batch and its expectations."""
    model = kind(config).from_config(config, attn_implementation="eager")
    randomise(model, small=name.startswith("mpnet"), seed=seed)
    with torch.no_grad():
        for part, p in model.named_parameters():
            if ".ln_" in part and part.endswith("weight"):  # LayerNorms by GPT-2's names
                p.add_(1.0)
    folder = CORE / name
    model.to(dtype).save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    (folder / "generation_config.json").unlink(missing_ok=True)
    written = json.loads((folder / "config.json").read_text())
    for key in ("_name_or_path", "architectures", "torch_dtype", *left_out):
        written.pop(key, None)
    (folder / "config.json").write_text(json.dumps(written, indent=2) + "\n")
    write_tokenizer(folder)

    model = load(name, torch.float64)
    batch = inputs(model.config, seed + 1, lengths(name))
    if config.model_type == "gpt2":
        batch = (*batch[:2], torch.zeros_like(batch[2]))
    g = generator(seed + 2)
    loss_rows = torch.tensor([[0, max(lengths(name)) - 1], [0, 3], [1, 5], [3, 1]])
    loss_weights = torch.randn(len(loss_rows), config.vocab_size, generator=g)
    expected = evaluate(model, *batch, loss_rows, loss_weights)
    ids, mask, segments = batch
    save_tensors(folder / "golden.safetensors", {
        "input_ids": ids, "attention_mask": mask, "token_type_ids": segments,
        "loss_rows": loss_rows, "loss_weights": loss_weights, **expected})
    shown(name, batch, expected)


def buckets():
    """Rows of the relative embeddings, from transformers' own function."""
    from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position
    cases = {}
    for size, longest, seq in [(256, 512, 600), (8, 18, 40), (32, 128, 200)]:
        distances = torch.arange(1 - seq, seq)
        found = make_log_bucket_position(distances, size, longest).long() + size
        cases[f"{size}-{longest}"] = found.clamp(0, 2 * size - 1)
    save_json(CORE / "deberta-buckets.json", cases)


def mpnet_buckets():
    """The bucket of each distance from -200 to 200, from transformers' own function."""
    from transformers.models.mpnet.modeling_mpnet import MPNetEncoder
    found = MPNetEncoder.relative_position_bucket(torch.arange(-200, 201))
    save_json(CORE / "mpnet-buckets.json", {"from": -200, "buckets": found})


def main():
    for seed, (name, (config, dtype, left_out)) in enumerate(families().items()):
        make(name, config, dtype, left_out, 1000 + 100 * seed)
    buckets()
    mpnet_buckets()


if __name__ == "__main__":
    main()
