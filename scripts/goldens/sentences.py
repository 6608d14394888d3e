"""Tiny sentence encoders in sentence-transformers' layouts, and the embeddings that it computes.

Each folder `sentences/<name>` holds what stands beside the transformer: `modules.json`, the modules'
folders, prompts and settings. The transformer is another golden model's: `cases.json` says which
(`model`), whose tokenizer goes with it (`tokenizer`), and of which prompts there are embeddings
(null: none named). `embeddings.safetensors` has them, float64 [texts, size], by the prompts' names;
`texts.json` has the texts. Some folders are written as older versions wrote them, the others by
`save`.

Judged by sentence-transformers, in versions of its own (requirements-families.txt).
"""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer, models

from common import CORE, generator, save_json

HERE = CORE / "sentences"
TOKENIZER = ["tokenizer.json", "vocab.txt", "tokenizer_config.json"]
TEXTS = [
    "a fun and bright movie", "so dull", "", "great", "It was a Terrible BOOK .", "  very   good  ",
    "the plot of the film was boring and slow but the music was great and i like the story , too",
    "unhappy xyzzy ? !", "\u0130s it good", "no [MASK] or <mask> here", "a", "a b c d e f g h i j k",
]


def module(i, name, path):
    return {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}


def pooling(size, *modes, **more):
    keys = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens"]
    return {"word_embedding_dimension": size,
            **{f"pooling_mode_{key}": key in modes for key in keys}, **more}


def dense(folder, seed, size, out, bias, activation):
    """A dense layer as older versions wrote it."""
    g = generator(seed)
    tensors = {"linear.weight": torch.randn(out, size, generator=g) * 0.3}
    if bias:
        tensors["linear.bias"] = torch.randn(out, generator=g) * 0.3
    folder.mkdir()
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    save_json(folder / "config.json", {"in_features": size, "out_features": out, "bias": bias,
                                       "activation_function": activation})


def older(folder, steps, prompts, **settings):
    """A folder as versions 2 to 5 wrote it; `steps` are the modules behind the transformer."""
    names = ["Transformer", *steps]
    paths = ["", *(f"{i + 1}_{name}" for i, name in enumerate(steps))]
    listed = [module(i, name, path) for i, (name, path) in enumerate(zip(names, paths))]
    save_json(folder / "modules.json", listed)
    save_json(folder / "sentence_bert_config.json", settings)
    save_json(folder / "config_sentence_transformers.json", prompts)


def mpnet(folder):
    """As all-mpnet-base-v2."""
    older(folder, ["Pooling", "Normalize"],
          {"__version__": {"sentence_transformers": "2.0.0", "transformers": "4.6.1"}},
          max_seq_length=12, do_lower_case=False)
    save_json(folder / "1_Pooling/config.json", pooling(32, "mean_tokens"))


def labse(folder):
    """As LaBSE: the first token through a dense layer."""
    older(folder, ["Pooling", "Dense", "Normalize"], {}, max_seq_length=16, do_lower_case=False)
    save_json(folder / "1_Pooling/config.json", pooling(48, "cls_token"))
    dense(folder / "2_Dense", 11, 48, 24, True, "torch.nn.modules.activation.Tanh")


def several(folder):
    """All poolings beside each other, which leave a prompt out; a length of its own."""
    older(folder, ["Pooling", "Dense"],
          {"prompts": {"query": "who is it : ", "passage": None}, "default_prompt_name": None},
          max_seq_length=None, do_lower_case=False)
    save_json(folder / "1_Pooling/config.json",
              pooling(48, "cls_token", "mean_tokens", "max_tokens", include_prompt=False))
    dense(folder / "2_Dense", 12, 144, 20, False, "torch.nn.modules.linear.Identity")


def cased(folder):
    """Lower-cased for a tokenizer that does not, but for tokens that are written out."""
    older(folder, ["Pooling", "Normalize"], {}, max_seq_length=18, do_lower_case=True)
    save_json(folder / "1_Pooling/config.json", pooling(32, "mean_tokens"))
    save_json(folder / "tokenizer_config.json",
              {"tokenizer_class": "BertTokenizer", "do_lower_case": False})


def saved(folder, case, modules, longest, **settings):
    """As the newest version saves it, which keeps the length with the tokenizer."""
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch) / "base"
        compose(base, case, None)
        # Not all of these models take segments, which BERT's tokenizer gives.
        config = json.loads((base / "tokenizer_config.json").read_text())
        config["model_input_names"] = ["input_ids", "attention_mask"]
        (base / "tokenizer_config.json").write_text(json.dumps(config))
        transformer = models.Transformer(str(base), max_seq_length=longest)
        SentenceTransformer(modules=[transformer, *modules], **settings).save(
            scratch, create_model_card=False)
        wanted = ["modules.json", "sentence_bert_config.json", "config_sentence_transformers.json",
                  "tokenizer_config.json"]
        for path in [*(Path(scratch) / name for name in wanted), *Path(scratch).glob("[0-9]_*")]:
            if path.is_dir():
                shutil.copytree(path, folder / path.name)
            else:
                shutil.copy(path, folder / path.name)
    # What varies by machine.
    path = folder / "config_sentence_transformers.json"
    config = json.loads(path.read_text())
    del config["__version__"]["pytorch"]
    path.write_text(json.dumps(config, indent=2) + "\n")
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)


def modern(folder):
    """A default prompt, which does not count."""
    steps = [models.Pooling(32, pooling_mode="mean", include_prompt=False), models.Normalize()]
    saved(folder, CASES["modernbert"], steps, 17, default_prompt_name="query",
          prompts={"query": "is it so good : ", "document": ""})


def deberta(folder):
    """The largest values, not normalised; a prompt that counts."""
    torch.manual_seed(5)
    layer = models.Dense(32, 16, activation_function=torch.nn.GELU())
    saved(folder, CASES["deberta"], [models.Pooling(32, pooling_mode="max"), layer], 14,
          prompts={"query": "who is it : "})


# Name → what makes the folder, model, tokenizer, prompts.
CASES = {
    "mpnet": (mpnet, "mpnet-tiny", "mpnet-tiny", [None]),
    "bert-dense": (labse, "bert-tiny", "bert-tiny", [None]),
    "bert-several": (several, "bert-tiny", "bert-tiny", [None, "query", "passage"]),
    "deberta-cased": (cased, "deberta-v2-tiny", "bert-tiny", [None]),
    "modernbert": (modern, "modernbert-tiny", "bert-tiny", [None, "query", "document"]),
    "deberta": (deberta, "deberta-v3-tiny", "bert-tiny", [None, "query"]),
}


def compose(into, case, name):
    """The whole encoder: transformer, tokenizer and what stands beside them."""
    _, model, tokenizer, _ = case
    into.mkdir()
    sources = [(model, ["config.json", "model.safetensors"]), (tokenizer, TOKENIZER)]
    for folder, files in sources:
        for file in files:
            if (CORE / folder / file).exists():
                shutil.copy(CORE / folder / file, into / file)
    if name:
        shutil.copytree(HERE / name, into, dirs_exist_ok=True)


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    for name, case in CASES.items():
        make, _, _, prompts = case
        (HERE / name).mkdir(parents=True)
        make(HERE / name)
        with tempfile.TemporaryDirectory() as scratch:
            compose(Path(scratch) / "encoder", case, name)
            encoder = SentenceTransformer(str(Path(scratch) / "encoder"), device="cpu").double()
            found = {str(prompt): torch.from_numpy(encoder.encode(TEXTS, prompt_name=prompt))
                     for prompt in prompts}
        assert all(e.dtype == torch.float64 for e in found.values())
        spread = min(torch.pdist(e).min().item() for e in found.values())
        sizes = ", ".join(f"{k} {tuple(e.shape)}" for k, e in found.items())
        print(f"{name}: at most {encoder.max_seq_length} tokens; {sizes}; nearest {spread:.1e}")
        save_file(found, str(HERE / name / "embeddings.safetensors"))
        (HERE / name / "embeddings.safetensors").chmod(0o644)
    save_json(HERE / "texts.json", TEXTS)
    save_json(HERE / "cases.json", {
        name: {"model": model, "tokenizer": tokenizer, "prompts": prompts}
        for name, (_, model, tokenizer, prompts) in CASES.items()})


if __name__ == "__main__":
    main()
