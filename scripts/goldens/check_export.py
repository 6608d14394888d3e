"""Compare an exported prompt classifier with transformers on the same texts.

    cargo run -q -p dart-exp -- predict --checkpoint DIR texts.csv > predictions.csv
    python scripts/goldens/check_export.py DIR texts.csv predictions.csv

The folder is loaded by AutoModelForMaskedLM and both AutoTokenizers alone; dart.json only tells how
the prompt is put together, of which the pseudo tokens are written as text. The column `text` holds
the texts, which must be short enough not to be cut.
"""

import argparse
import csv
import json
import re
import sys
from pathlib import Path


def prompt(card, tokenizer, text):
    """The text in the template, its words replaced by the pseudo tokens where it has some."""
    pseudo = iter(card["pseudo_tokens"][:card["template_rows"]])
    parts = []
    for part in re.split(r"(\{a(?::chop)?\}|\[MASK\])", card["task"]["template"]):
        if part == "[MASK]":
            parts.append(tokenizer.mask_token)
        elif part.startswith("{a"):
            parts.append(text[:-1] if part == "{a:chop}" else text)
        elif part.strip() and card["template_rows"]:
            parts += [next(pseudo) for _ in tokenizer.tokenize(part.strip())]
        else:
            parts.append(part.strip())
    return " ".join(p for p in parts if p)


def label_ids(card, tokenizer):
    labels = card["pseudo_tokens"][card["template_rows"]:]
    if not labels:
        pieces = [tokenizer(w, add_special_tokens=False)["input_ids"] for w in card["task"]["words"]]
        if any(len(p) > 1 for p in pieces):
            sys.exit("label words of several tokens are compared nowhere but in the tests")
        return [p[0] for p in pieces]
    ids = [tokenizer.convert_tokens_to_ids(label) for label in labels]
    first = card["vocab"] + card["template_rows"]
    if ids != list(range(first, first + len(labels))):
        sys.exit(f"the pseudo labels have the ids {ids}")
    return ids


def main():
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of a probability")
    args = parser.parse_args()
    torch.set_num_threads(1)
    card = json.loads((args.checkpoint / "dart.json").read_text(encoding="utf-8"))
    tokenizer = AutoTokenizer.from_pretrained(args.checkpoint)
    slow = AutoTokenizer.from_pretrained(args.checkpoint, use_fast=False)
    model, report = AutoModelForMaskedLM.from_pretrained(
        args.checkpoint, output_loading_info=True)
    model.eval()
    if any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        sys.exit(f"transformers: {report}")
    if len(tokenizer) != model.config.vocab_size or len(slow) != model.config.vocab_size:
        sys.exit(f"{len(tokenizer)} and {len(slow)} tokens, {model.config.vocab_size} rows")
    ids = label_ids(card, tokenizer)
    names = [f"p_{label}" for label in card["task"]["labels"]]
    with open(args.texts, encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    with open(args.predictions, encoding="utf-8", newline="") as file:
        ours = [[float(row[name]) for name in names] for row in csv.DictReader(file)]
    if len(texts) != len(ours) or not texts:
        sys.exit(f"{len(texts)} texts, {len(ours)} predictions")
    worst = 0.0
    for text, probabilities in zip(texts, ours):
        batch = tokenizer(prompt(card, tokenizer, text), return_tensors="pt")
        slow_ids = slow(prompt(card, tokenizer, text))["input_ids"]
        if batch["input_ids"][0].tolist() != slow_ids:
            sys.exit(f"{text!r}: the two tokenizers differ")
        slot = (batch["input_ids"][0] == tokenizer.mask_token_id).nonzero().item()
        with torch.no_grad():
            logits = model(**batch).logits[0, slot, ids].double()
        theirs = logits.softmax(-1).tolist()
        worst = max([worst] + [abs(a - b) for a, b in zip(probabilities, theirs)])
    print(f"{len(texts)} texts, {len(ids)} classes: probabilities differ by at most {worst:.1e}")
    sys.exit(worst > args.tolerance)


if __name__ == "__main__":
    main()
