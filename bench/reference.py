"""DART in PyTorch and transformers, to be timed: what people use today.

    python bench/reference.py --model DIR --train train.tsv --test test.tsv [--variant lean]

Prints one JSON object: {variant, steps, seconds_per_step, examples_per_second,
eval_examples_per_second, peak_mib, start_loss, start_accuracy, ...}. Texts are encoded before the
clock starts; the first steps are not counted. `start_*` are class loss and accuracy on the test
rows before training, the zero-shot prompt's, by which two programs show that they do the same.

Variants:
  reference  as the paper's own code works (zjunlp/DART): every input padded to 128 tokens, logits
             of the whole vocabulary at every position, pseudo tokens in place of the last words of
             the vocabulary, all embedding rows trained and decayed; a second pass for the fluency
             loss with 10 % of the text masked and one random label an example in the slot
  lean       the same losses with what a careful user of PyTorch would leave out: batches padded to
             their longest, the decoder only where a loss reads, only the pseudo rows trained

Both use transformers' attention, torch.optim.AdamW, clipping at 1, a linear schedule and the
dropout of the model's config.json. Differences from the paper's code, all in its favour or of no
cost: the random label is the pseudo token (there it never matches), no precision score and no
TensorBoard in the step, no [SEP] between text and template.
"""

import argparse
import csv
import json
import random
import resource
import time

import torch
import torch.nn.functional as F
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    get_linear_schedule_with_warmup,
    set_seed,
)

MAX_LENGTH = 128


def read_rows(path, text, label):
    """(text, label) rows of a tab-separated file with a header, read without quoting."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for column in (text, label):
        if not rows or column not in rows[0]:
            raise SystemExit(f"{path}: no column {column!r}; name it by --text or --label")
    return [(row[text], row[label]) for row in rows]


class Prompt:
    """Encodes `{text} <before> [MASK] <after>` with the pseudo tokens' ids."""

    def __init__(self, tokenizer, before, after, words, first_pseudo):
        def ids(text):
            # Byte-pair vocabularies want a word's leading space.
            return tokenizer(" " + text, add_special_tokens=False)["input_ids"] if text else []

        self.tokenizer = tokenizer
        self.before, self.after = ids(before), ids(after)
        self.words = [ids(word)[0] for word in words]
        self.sources = self.before + self.after + self.words
        self.first = first_pseudo
        self.labels = torch.arange(len(self.words)) + first_pseudo + len(self.before + self.after)

    def encode(self, text):
        """ids and flags: 0 maskable, 1 not, -1 the slot."""
        t = self.tokenizer
        pseudo = range(self.first, self.first + len(self.before) + len(self.after))
        before, after = pseudo[:len(self.before)], pseudo[len(self.before):]
        room = MAX_LENGTH - 3 - len(pseudo)
        words = t(text, add_special_tokens=False, truncation=True, max_length=room)["input_ids"]
        ids = [t.cls_token_id, *words, *before, t.mask_token_id, *after, t.sep_token_id]
        flags = [1] + [0] * len(words) + [1] * len(before) + [-1] + [1] * (len(after) + 1)
        return ids, flags

    def batch(self, rows, length=None):
        """Tensors of encoded rows, padded to `length` or to the longest."""
        length = length or max(len(ids) for ids, _, _ in rows)
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([r[0] + [pad] * (length - len(r[0])) for r in rows])
        flags = torch.tensor([r[1] + [1] * (length - len(r[1])) for r in rows])
        mask = torch.tensor([[1] * len(r[0]) + [0] * (length - len(r[0])) for r in rows])
        return ids, mask, flags, torch.tensor([r[2] for r in rows])


def fluency_input(prompt, ids, flags, labels, rate):
    """Masked ids with a random label in the slot, the masked positions, and the targets."""
    ids = ids.clone()
    drawn = torch.tensor(random.choices(range(len(prompt.labels)), k=len(ids)))
    ids[flags == -1] = prompt.labels[drawn]
    at = (torch.rand(ids.shape) < rate) & (flags == 0)
    true = ids[at]
    ids[at] = prompt.tokenizer.mask_token_id
    return ids, at, true, (drawn == labels)[:, None].expand_as(at)[at].float()


def fluency_loss(logits, true, targets):
    """Binary cross entropy of the softmax probabilities of the masked tokens."""
    if len(true) == 0:
        return torch.zeros(())
    probability = logits.softmax(-1).gather(1, true[:, None])[:, 0]
    return F.binary_cross_entropy(probability, targets)


class Reference:
    """The whole vocabulary everywhere, everything trained."""

    length = MAX_LENGTH

    def __init__(self, model, tokenizer, template, words):
        self.model = model
        count = len(Prompt(tokenizer, *template, words, 0).sources)
        weight = model.get_input_embeddings().weight
        self.prompt = Prompt(tokenizer, *template, words, len(weight) - count)
        bias = model.get_output_embeddings().bias
        with torch.no_grad():
            weight[-count:] = weight[self.prompt.sources].clone()
            bias[-count:] = bias[self.prompt.sources].clone()

    def parameters(self):
        groups = {True: [], False: []}
        for name, p in self.model.named_parameters():
            groups["bias" in name or "norm" in name.lower()].append(p)
        return groups[False], groups[True]

    def logits(self, ids, mask):
        return self.model(input_ids=ids, attention_mask=mask).logits

    def class_logits(self, ids, mask, flags):
        return self.logits(ids, mask)[flags == -1][:, self.prompt.labels]

    def vocabulary_logits(self, ids, mask, at):
        return self.logits(ids, mask)[at]


class Lean:
    """Frozen embeddings with pseudo rows beside them, the decoder where a loss reads."""

    length = None

    def __init__(self, model, tokenizer, template, words):
        self.model = model
        self.weight = model.get_input_embeddings().weight
        self.bias = model.get_output_embeddings().bias
        self.prompt = Prompt(tokenizer, *template, words, len(self.weight))
        self.rows = torch.nn.Parameter(self.weight[self.prompt.sources].detach().clone())
        self.row_bias = torch.nn.Parameter(self.bias[self.prompt.sources].detach().clone())
        self.weight.requires_grad_(False)
        self.bias.requires_grad_(False)
        if hasattr(model, "cls"):
            self.transform = model.cls.predictions.transform
        elif hasattr(model, "lm_head"):
            head = model.lm_head
            self.transform = lambda x: head.layer_norm(F.gelu(head.dense(x)))
        else:
            raise SystemExit(f"no lean variant for {type(model).__name__}")

    def parameters(self):
        decayed, others = [], [self.rows, self.row_bias]
        for name, p in self.model.named_parameters():
            if p.requires_grad:
                (others if "bias" in name or "norm" in name.lower() else decayed).append(p)
        return decayed, others

    def hidden(self, ids, mask, at):
        words = len(self.weight)
        looked_up = F.embedding(ids.clamp(max=words - 1), self.weight)
        pseudo = F.embedding((ids - words).clamp(min=0), self.rows)
        inputs = torch.where((ids >= words)[..., None], pseudo, looked_up)
        out = self.model.base_model(inputs_embeds=inputs, attention_mask=mask).last_hidden_state
        return self.transform(out[at])

    def class_logits(self, ids, mask, flags):
        n = len(self.prompt.labels)
        return F.linear(self.hidden(ids, mask, flags == -1), self.rows[-n:], self.row_bias[-n:])

    def vocabulary_logits(self, ids, mask, at):
        hidden = self.hidden(ids, mask, at)
        return torch.cat([F.linear(hidden, self.weight, self.bias),
                          F.linear(hidden, self.rows, self.row_bias)], -1)


def train(variant, rows, args):
    """Seconds of the counted steps, and the last loss."""
    variant.model.train()
    decayed, others = variant.parameters()
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
        lr=args.learning_rate)
    total = args.warm_up + args.steps
    schedule = get_linear_schedule_with_warmup(optimizer, int(0.05 * total), total)
    order, loss = [], None
    for step in range(total):
        if step == args.warm_up:
            start = time.perf_counter()
        if len(order) < args.batch:
            order += random.sample(range(len(rows)), len(rows))
        chosen, order = order[:args.batch], order[args.batch:]
        ids, mask, flags, labels = variant.prompt.batch([rows[i] for i in chosen], variant.length)
        loss = F.cross_entropy(variant.class_logits(ids, mask, flags), labels)
        if args.fluency > 0:
            masked, at, true, targets = fluency_input(variant.prompt, ids, flags, labels,
                                                      args.mask_rate)
            logits = variant.vocabulary_logits(masked, mask, at)
            loss = loss + args.fluency * fluency_loss(logits, true, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decayed + others, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return time.perf_counter() - start, loss.item()


def evaluate(variant, rows, batch):
    """Seconds, class loss and accuracy over the rows."""
    variant.model.eval()
    if variant.length is None:
        rows = sorted(rows, key=lambda r: len(r[0]))
    loss, right = 0.0, 0
    start = time.perf_counter()
    with torch.no_grad():
        for i in range(0, len(rows), batch):
            ids, mask, flags, labels = variant.prompt.batch(rows[i:i + batch], variant.length)
            logits = variant.class_logits(ids, mask, flags)
            loss += F.cross_entropy(logits, labels, reduction="sum").item()
            right += (logits.argmax(-1) == labels).sum().item()
    return time.perf_counter() - start, loss / len(rows), right / len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of a masked language model")
    parser.add_argument("--train", required=True, help="TSV with a header")
    parser.add_argument("--test", required=True, help="TSV with a header")
    parser.add_argument("--text", default="sentence", help="column")
    parser.add_argument("--label", default="label", help="column; classes in sorted order")
    parser.add_argument("--template", default="It was|.", help="before and after the slot, by |")
    parser.add_argument("--words", default="terrible,great", help="a label word for each class")
    parser.add_argument("--variant", choices=["reference", "lean"], default="reference")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--eval-batch", type=int, default=32)
    parser.add_argument("--eval-rows", type=int, default=200)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm-up", type=int, default=3, help="steps before the clock starts")
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--fluency", type=float, default=1.0, help="weight; 0: no second pass")
    parser.add_argument("--mask-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=13)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.set_num_interop_threads(1)
    set_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    # float32 whatever the file's type: the optimizer's updates would vanish in float16.
    model = AutoModelForMaskedLM.from_pretrained(args.model, torch_dtype=torch.float32)
    words = args.words.split(",")
    make = Reference if args.variant == "reference" else Lean
    variant = make(model, tokenizer, args.template.split("|"), words)

    train_rows = read_rows(args.train, args.text, args.label)
    test_rows = read_rows(args.test, args.text, args.label)[:args.eval_rows]
    classes = sorted({label for _, label in train_rows})
    if len(classes) != len(words):
        raise SystemExit(f"{len(words)} label words for classes {classes}")
    train_rows, test_rows = ([(*variant.prompt.encode(t), classes.index(c)) for t, c in rows]
                             for rows in (train_rows, test_rows))

    eval_seconds, start_loss, start_accuracy = evaluate(variant, test_rows, args.eval_batch)
    seconds, last_loss = train(variant, train_rows, args)
    print(json.dumps({
        "variant": args.variant, "threads": args.threads, "batch": args.batch,
        "steps": args.steps, "seconds_per_step": seconds / args.steps,
        "examples_per_second": args.steps * args.batch / seconds,
        "eval_examples_per_second": len(test_rows) / eval_seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "start_loss": start_loss, "start_accuracy": start_accuracy, "last_loss": last_loss,
        "torch": torch.__version__}))


if __name__ == "__main__":
    main()
