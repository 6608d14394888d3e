"""Print what transformers puts at [MASK], in the form of `dart-exp fill-mask --json`.

    python scripts/goldens/check_model.py models/minilm-mlm "It was a [MASK] movie ." > theirs
    cargo run -q -p dart-exp -- fill-mask --model models/minilm-mlm --json \\
        "It was a [MASK] movie ." > ours
    python scripts/goldens/check_model.py --compare ours theirs

`[MASK]` stands for the model's own mask token. Several texts are one padded batch. `--compare`
says where two such outputs differ and exits with 1 when they do.
"""

import argparse
import json
import sys


def rows(folder, texts, top):
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, report = AutoModelForMaskedLM.from_pretrained(
        folder, torch_dtype=torch.float32, output_loading_info=True)
    model.eval()
    for what in ("missing_keys", "mismatched_keys"):
        if report[what]:
            sys.exit(f"{folder}: {what}: {report[what]}")
    if report["unexpected_keys"]:
        print(f"note: {folder}: unused tensors: {report['unexpected_keys']}", file=sys.stderr)
    texts_in = [t.replace("[MASK]", tokenizer.mask_token) for t in texts]
    batch = tokenizer(texts_in, padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(**batch).logits
    for text, ids, mask, scores in zip(texts, batch["input_ids"], batch["attention_mask"], logits):
        positions = (ids == tokenizer.mask_token_id).nonzero()[:, 0].tolist()
        if len(positions) != 1:
            sys.exit(f"{text!r} has {len(positions)} [MASK], wanted one")
        best = scores[positions[0]].softmax(-1).topk(top)
        yield {"text": text, "ids": ids[mask.bool()].tolist(), "position": positions[0],
               "top": [{"id": i, "token": tokenizer.convert_ids_to_tokens(i), "probability": p}
                       for p, i in zip(best.values.tolist(), best.indices.tolist())]}


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def differences(ours, theirs, tolerance):
    if len(ours) != len(theirs):
        yield f"{len(ours)} lines against {len(theirs)}"
    for number, (a, b) in enumerate(zip(ours, theirs), 1):
        for key in ("text", "ids", "position"):
            if a[key] != b[key]:
                yield f"line {number}: {key} {a[key]} against {b[key]}"
        if len(a["top"]) != len(b["top"]):
            yield f"line {number}: {len(a['top'])} candidates against {len(b['top'])}"
        known = {c["id"]: c for c in b["top"]}
        worst = min(c["probability"] for c in b["top"])
        for place, (c, d) in enumerate(zip(a["top"], b["top"]), 1):
            if abs(c["probability"] - d["probability"]) > tolerance:
                yield f"line {number}, place {place}: {c['probability']} for {d['probability']}"
            # Candidates of nearly the same probability may change places.
            other = known.get(c["id"])
            if other is None and c["probability"] > worst + tolerance:
                yield f"line {number}, place {place}: {c['token']} is not among the others"
            elif other and (other["token"] != c["token"]
                            or abs(c["probability"] - other["probability"]) > tolerance):
                yield f"line {number}, place {place}: {c} against {other}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--compare", action="store_true", help="compare two outputs")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of a probability")
    parser.add_argument("arguments", nargs="+", metavar="MODEL TEXT... | OURS THEIRS")
    args = parser.parse_args()
    if args.compare:
        if len(args.arguments) != 2:
            parser.error("--compare takes two files")
        ours, theirs = map(read, args.arguments)
        found = list(differences(ours, theirs, args.tolerance))
        print("\n".join(found) if found else f"equal: {len(ours)} texts")
        sys.exit(1 if found else 0)
    model, *texts = args.arguments
    if not texts:
        parser.error("no text given")
    for row in rows(model, texts, args.top):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
