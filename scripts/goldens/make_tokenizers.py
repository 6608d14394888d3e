"""Small tokenizers of every kind in Hugging Face's layouts, and the ids that transformers gives.

Folders `tokenizers/<name>`, trained here on a little text of our own:
  roberta, gpt2, deberta vocab.json and merges.txt (byte-level BPE)
  albert                 spiece.model (unigram, small table of normalised characters)
  xlm-roberta            sentencepiece.bpe.model (unigram, sentencepiece's own table nmt_nfkc)
  deberta-v2             spm.model (unigram, no table)
  mpnet                  vocab.txt (word pieces)
  roberta-json, …        the same as `save_pretrained` writes it: tokenizer.json and settings
  modernbert             a tokenizer.json that only its own settings explain, as ModernBERT's
`camembert` is XLM-R's file under another model_type, so it has no file of its own.

  tokenizers/texts.json        the awkward strings; [MASK] stands for the model's own mask token
  tokenizers/<name>.jsonl      their ids, a string a line, without what stands around a text
  tokenizers/variants.jsonl    a line a variant: what is changed, and the ids where they differ
  tokenizers/frames.json       one text and two with what stands around them, and their segments
"""

import io
import json
import random
import shutil
import string
import tempfile
from pathlib import Path

import sentencepiece
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import AutoTokenizer

from common import CORE, save_json, save_jsonl
from make_encoders import PIECES, WORDS
from make_wordpiece import (
    ACCENTS,
    BASIC,
    CONTROLS,
    EMOJI,
    LONG,
    MASK,
    SCRIPTS,
    SPECIAL,
    mixtures,
)

HERE = CORE / "tokenizers"

# What byte pairs and unigram models have of their own: spaces, case, marks of theirs in the text.
OWN = [
    "great", " great", "  great", "great ", "Great", " Great", "GREAT", "movie great", "\u2581great",
    "\u2581", "\u2581\u2581 a", "a\u2581b", "\u0120great", "it's 9,5 or 9, 10", "``tex''", "'' ``",
    "I'm we'll you've he'd they're can't", "x  y   z", "a \n b", "a\n\nb", "\n a", "a\t\tb",
    " <mask>", "<mask> .", "It was <mask>.", "It was  <mask> .", "a<mask>b", "<s>", "</s>", "a </s> b",
    "<pad>", "<unk>", "a <unk> b", "<s> a </s>", "<|endoftext|>", "a<|endoftext|>b", " <|endoftext|> ",
    "\uff1cmask\uff1e", "\uff3bMASK\uff3d", "<MASK>", "<Mask>", "<0x41>", "[MASK] great", "(\u20ac5)",
    "\u00a35.50", "a-b", "good,bad", "9,", "x9,y", "\u0663,", "\u2460,", "unfairly redoing", "mmmmmmmm",
]

PEOPLE = ["The director", "An actor", "My friend", "Nobody", "She", "The city", "A person"]
ACTS = ["walked into", "opened", "wrote about", "forgot", "described", "looked for", "lost"]
OTHERS = [
    "Caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u00e0 la carte, d\u00e9j\u00e0 vu; \u00fcber Stra\u00dfe sch\u00f6n gr\u00f6\u00dfer.",
    "\u041c\u043e\u0441\u043a\u0432\u0430 \u0438 \u0433\u043e\u0440\u043e\u0434, \u0445\u043e\u0440\u043e\u0448\u0438\u0439 \u0444\u0438\u043b\u044c\u043c.",
    "\u4e2d\u6587 \u7535\u5f71 \u5f88 \u597d\u3002 \u65e5\u672c\u8a9e\u306e\u6620\u753b\u3067\u3059\u3002",
    "\u0645\u0631\u062d\u0628\u0627 \u0641\u064a\u0644\u0645. \u05e9\u05dc\u05d5\u05dd. \u0928\u092e\u0938\u094d\u0924\u0947.",
    "It's 9:30, isn't it? I'm 25% sure (or 30%) - \"maybe\" & so on; see e.g. p. 3/4 #5 @home *!*",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 [x] {y} <z> ~_^|\\+=$",
]

# A table of normalised characters as sentencepiece takes it: source and target code points.
RULES = {
    "\uff01": "!", "\uff08": "(", "\uff09": ")", "\uff0c": ",", "\uff0e": ".", "\uff1f": "?",
    "\u3000": " ", "\u00a0": " ", "\t": " ", "\n": " ", "\ufb01": "fi", "\ufb02": "fl",
    "\u2026": "...", "\u00bd": "1\u20442", "\u2122": "TM", "\u212b": "\u00c5", "\u200b": "", "\ufeff": "",
    "\x01": "", "\u2019": "'", "\u2103": "\u00b0C", "e\u0301": "\u00e9", "\uff21": "A", "\u3002": ".",
    "\u30cf\u309a": "\u30d1",
}


def corpus():
    """Sentences in the words of the smoke tests, so that their words become single tokens."""
    rng = random.Random(13)
    lines = []
    for i in range(1500):
        a, b = rng.choice(WORDS), rng.choice(WORDS)
        lines.append(f"The {rng.choice(['movie', 'book', 'film'])} {i % 10} was {a} , the plot {b} .")
        lines.append(f"It was {a} . This is {b} ? No , maybe {a} : Yes !")
        lines.append(f"{rng.choice(PEOPLE)} {rng.choice(ACTS)} the {a} {b} and was not {a}ly {b}ing.")
    return lines + OTHERS * 8


def write(folder, name, text):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def byte_pairs():
    """RoBERTa's, GPT-2's and DeBERTa's: the same pairs, the special tokens where each has them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=700, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    for name, order in [
        ("roberta", ["<s>", "<pad>", "</s>", "<unk>", *pieces, "<mask>"]),
        ("gpt2", [*pieces, "<|endoftext|>"]),
        ("deberta", ["[PAD]", "[CLS]", "[SEP]", "[UNK]", *pieces, "[MASK]"]),
    ]:
        vocabulary = {token: i for i, token in enumerate(order)}
        write(HERE / name, "vocab.json", json.dumps(vocabulary) + "\n")
        write(HERE / name, "merges.txt", "#version: 0.2\n" + "\n".join(merges) + "\n")
        write(HERE / name, "config.json", json.dumps({"model_type": name}) + "\n")
    return pieces, merges


def unigram(name, file, **settings):
    """A sentencepiece model; with `rules`, a table of normalised characters of our own."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=model, model_type="unigram",
        character_coverage=1.0, num_threads=1, minloglevel=2, hard_vocab_limit=False, **settings)
    (HERE / name).mkdir(parents=True, exist_ok=True)
    (HERE / name / file).write_bytes(model.getvalue())
    write(HERE / name, "config.json", json.dumps({"model_type": name}) + "\n")


def unigrams():
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as rules:
        for source, target in RULES.items():
            codes = [" ".join(f"{ord(c):X}" for c in text) for text in (source, target)]
            rules.write("\t".join(codes) + "\n")
        rules.flush()
        # ALBERT's own special and user-defined pieces.
        unigram("albert", "spiece.model", vocab_size=500, normalization_rule_tsv=rules.name,
                pad_id=0, unk_id=1, bos_id=-1, eos_id=-1,
                control_symbols=["[CLS]", "[SEP]", "[MASK]"],
                user_defined_symbols=["(", ")", '"', "-", ".", "\u2013", "\u00a3", "\u20ac"])
    unigram("xlm-roberta", "sentencepiece.bpe.model", vocab_size=600,
            normalization_rule_name="nmt_nfkc", unk_id=0, bos_id=1, eos_id=2)
    unigram("deberta-v2", "spm.model", vocab_size=600, normalization_rule_name="identity",
            pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]",
            eos_piece="[SEP]", unk_piece="[UNK]")
    settings = {"do_lower_case": False, "vocab_type": "spm"}
    write(HERE / "deberta-v2", "tokenizer_config.json", json.dumps(settings) + "\n")


def modernbert(pieces, merges):
    """Byte pairs with NFC, spaces in the vocabulary, and BERT's special tokens behind it."""
    vocabulary = {token: i for i, token in enumerate(["|||IP|||", *pieces])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary,
                                     merges=[tuple(m.split(" ")) for m in merges]))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["|||IP|||", "<|endoftext|>"])
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(4, 1, -1)])
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    tokenizer.add_special_tokens(special + [AddedToken("[MASK]", lstrip=True, normalized=False)])
    tokenizer.add_tokens([AddedToken(f"[unused{i}]", normalized=True) for i in range(3)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(t, tokenizer.token_to_id(t)) for t in ("[CLS]", "[SEP]")])
    folder = HERE / "modernbert"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    added = {str(t["id"]): {k: v for k, v in t.items() if k != "id"}
             for t in json.loads(tokenizer.to_str())["added_tokens"]}
    save_json(folder / "tokenizer_config.json", {
        "added_tokens_decoder": added, "cls_token": "[CLS]", "mask_token": "[MASK]",
        "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]",
        "tokenizer_class": "PreTrainedTokenizerFast"})


def mpnet():
    """BERT's word pieces behind MPNet's special tokens, its mask last."""
    seen = "".join(OTHERS).lower() + string.punctuation + string.digits + string.ascii_letters
    letters = sorted(set(seen) - set(string.whitespace))
    order = ["<s>", "<pad>", "</s>", "<unk>", "[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]",
             "[MASK]", *letters, *["##" + letter for letter in letters], *WORDS, *PIECES, "<mask>"]
    write(HERE / "mpnet", "vocab.txt", "\n".join(dict.fromkeys(order)) + "\n")
    write(HERE / "mpnet", "config.json", json.dumps({"model_type": "mpnet"}) + "\n")


def load(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder, clean_up_tokenization_spaces=False)
    assert tokenizer.is_fast, folder
    return tokenizer


def ids_of(tokenizer, texts):
    mask = tokenizer.mask_token or "[MASK]"
    return [tokenizer(t.replace("[MASK]", mask), add_special_tokens=False)["input_ids"]
            for t in texts]


def frame(tokenizer):
    a, b = "The movie was great", "it was bad"
    result = {"a": a, "b": b}
    for name, given in [("one", (a,)), ("two", (a, b))]:
        encoded = tokenizer(*given, return_token_type_ids=True)
        result[name] = encoded["input_ids"]
        result[name + "_segments"] = encoded["token_type_ids"]
    return result


def saved(name):
    """What `save_pretrained` writes, less the vocabulary files: `<name>-json`."""
    folder = HERE / f"{name}-json"
    with tempfile.TemporaryDirectory() as scratch:
        load(HERE / name).save_pretrained(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for file in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]:
            shutil.copy(Path(scratch) / file, folder / file)
    # Without the spaces that make it three times as long.
    path = folder / "tokenizer.json"
    text = json.dumps(json.loads(path.read_text(encoding="utf-8")), separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")
    return folder


# The folder that is changed, and the files written over its own.
MASK_IN_MAP = {"special_tokens_map.json": {
    "mask_token": {"content": "<mask>", "lstrip": False, "normalized": False, "rstrip": True,
                   "single_word": False}}}
ADDED = {"added_tokens.json": {"movieness": 705, "[new]": 706},
         "special_tokens_map.json": {"additional_special_tokens": ["[new]"]}}
VARIANTS = [
    ("roberta", {"tokenizer_config.json": {"add_prefix_space": True}}),
    ("roberta-json", {"tokenizer_config.json": {"add_prefix_space": True,
                                                "tokenizer_class": "RobertaTokenizer"}}),
    ("roberta", MASK_IN_MAP),
    ("roberta", ADDED),
    ("roberta-json", {"tokenizer_config.json": {"tokenizer_class": "RobertaTokenizer"}}),
    ("deberta", {"tokenizer_config.json": {"do_lower_case": False, "vocab_type": "gpt2"}}),
    ("deberta", {"tokenizer_config.json": {"tokenizer_class": "DebertaTokenizer",
                                           "add_prefix_space": True}}),
    ("deberta-json", {"tokenizer_config.json": {"tokenizer_class": "DebertaTokenizerFast"}}),
    ("albert", {"tokenizer_config.json": {"do_lower_case": False, "keep_accents": True}}),
    ("albert-json", {"tokenizer_config.json": {"tokenizer_class": "AlbertTokenizerFast"}}),
    ("deberta-v2", {"tokenizer_config.json": {"do_lower_case": True, "split_by_punct": True}}),
    ("albert", {"tokenizer_config.json": {"mask_token": {
        "__type": "AddedToken", "content": "[MASK]", "lstrip": False, "normalized": False}}}),
    ("xlm-roberta", {"config.json": {"model_type": "camembert"}}),
    ("xlm-roberta", {"tokenizer_config.json": {"tokenizer_class": "XLMRobertaTokenizer"},
                     "config.json": {"model_type": "bert"}}),
    ("mpnet", {"tokenizer_config.json": {"tokenizer_class": "MPNetTokenizer",
                                         "do_lower_case": False}}),
    ("mpnet", {"tokenizer_config.json": {"tokenizer_class": "MPNetTokenizer", "unk_token": "[UNK]",
                                         "tokenize_chinese_chars": False, "strip_accents": False}}),
    ("mpnet", {"special_tokens_map.json": {"mask_token": "<mask>", "cls_token": "<s>",
                                           "unk_token": "[UNK]"}}),
    ("mpnet-json", {"tokenizer_config.json": {"tokenizer_class": "MPNetTokenizerFast",
                                              "tokenize_chinese_chars": False}}),
    ("mpnet-json", {"tokenizer_config.json": {"tokenizer_class": "MPNetTokenizer",
                                              "do_lower_case": False}}),
]


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    modernbert(*byte_pairs())
    unigrams()
    mpnet()
    texts = list(dict.fromkeys(
        OWN + BASIC + ACCENTS + SCRIPTS + EMOJI + CONTROLS + LONG + SPECIAL + MASK + mixtures(60)
        + ["movieness [new] a[new] movienesses"]))
    save_json(HERE / "texts.json", texts)
    frames, ids = {}, {}
    for name in ["roberta", "gpt2", "deberta", "albert", "xlm-roberta", "deberta-v2", "modernbert",
                 "mpnet"]:
        tokenizer = load(HERE / name)
        ids[name] = ids_of(tokenizer, texts)
        frames[name] = frame(tokenizer)
        save_jsonl(HERE / f"{name}.jsonl", ids[name])
        slow = AutoTokenizer.from_pretrained(HERE / name, use_fast=False)
        differ = "no slow one" if slow.is_fast else sum(
            a != b for a, b in zip(ids[name], ids_of(slow, texts)))
        print(f"{name}: {len(tokenizer)} tokens, differing from Python's on {differ} strings")
    variants = []
    for name in ["roberta", "deberta", "albert", "mpnet"]:
        folder = saved(name)
        frames[folder.name] = frame(load(folder))
        ids[folder.name] = ids[name]
    for name, files in [("roberta-json", {}), ("deberta-json", {}), ("albert-json", {}),
                        ("mpnet-json", {}), *VARIANTS]:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "model"
            shutil.copytree(HERE / name, folder)
            for file, value in files.items():
                write(folder, file, json.dumps(value))
            tokenizer = load(folder)
            got = ids_of(tokenizer, texts)
            differ = {str(i): a for i, (a, b) in enumerate(zip(got, ids[name])) if a != b}
            variants.append({"of": name, "files": files, "size": len(tokenizer),
                             "frame": frame(tokenizer), "differ": differ})
            print(f"{name} with {files}: {len(differ)} strings differ")
    save_json(HERE / "frames.json", frames)
    save_jsonl(HERE / "variants.jsonl", variants)


if __name__ == "__main__":
    main()
