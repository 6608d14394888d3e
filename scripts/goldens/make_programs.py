"""Ten steps of DART as the authors' two programs train it: program_runs.py says how they compare
with a program that appends its pseudo rows.

`programs/reference-2022.json` is the program of the paper's time (zjunlp/DART, January 2022):
- template tokens and label words copied onto unused places, equal template tokens onto one;
- the language model at a rate of its own with linear decay to 0, no warm-up, decayed by
  `weight_decay` but for biases and LayerNorms (positions and segments are decayed); all of E, the
  pseudo rows in it, at a constant rate without decay; all decoder biases at the language model's
  rate;
- pseudo rows get no gradient as inputs, only from the tied decoder: a template row moves only where
  a loss reads it there;
- cross-entropy over the label logits; with an extra mask rate, ⌊rate · tokens⌋ tokens of each text
  are masked in the same pass, and plain cross-entropy of them over V is added: the mean over all
  masks of the micro-batch.
`programs/reference.json` is the rewrite of December 2022:
- a row for each template token, in order from the end of the vocabulary downwards, then the labels,
  each from the first piece of its word;
- [SEP] right after the text, and what follows it is the second segment;
- one rate, warm-up, embeddings decayed (E, positions, segments); the schedule's length counts
  micro-batches, while a step moves it by one: with accumulation 2 it ends half way;
- a label drawn for each example fills the slot of a pass of its own, in which each token is masked
  with a probability; binary cross-entropy of the masked word, the mean over all masks of the
  micro-batch. As that program has it the slot is filled with the drawn label's *word* and the
  target is always 0 (`reference`, `full_vocab`); `corrected` fills it with the pseudo token, and
  the target is 1 under the true label.
Both: AdamW (0.9, 0.999, 1e-8), one clip at norm 1 over all gradients, the loss of a micro-batch
divided by `accumulation`. AdamW is PyTorch's, as dart-core's; the programs take that of
transformers 4.5, which adds ε to √v before the correction of its bias and decays after the update.
It matters for rows of E with gradients near ε; main() prints by how much.

Top-level keys: the seed, the texts with their classes, the template and label words, `inputs` (ids,
with places where the template's tokens stand; segments; slot; what can be masked), `places` (of
each template token, of each label; `rows`: in the order in which a program that appends would
number them from V on), `selection`, and one key a case with its settings (docs in program_runs.py),
  steps          for each step the rates of the language model and of E, the gradient's norm before
                 clipping, and for each micro-batch the examples, what was drawn, and the losses
  start, end     before and after: `template` [m', D] and `label` [n, D] rows, their decoder biases,
                 other rows of E by word, decoder biases by word, norms of weights
  logits         after: [examples, n], every example as it is predicted
The cases named `published` have the programs' own rates; the others have rates at which each point
above shows: main() prints how far the end is off where a point is missed. `reference-2022` puts its
rows on the six unused places there are; the order in which it takes them for the template's tokens
is a Python set's, here that of their first appearance.
"""

import json
from dataclasses import asdict, replace

import torch

from common import CORE, save_json
from make_encoders import VOCAB
from program_runs import Run, Settings, Task

SEED = 13
EXAMPLES = [
    ("so dull and bad", 0), ("okay film", 1), ("a fun bright movie and good music", 2),
    ("maybe the plot is okay", 1), ("boring plot , slow acting", 0),
    ("great music , great story", 2),
    ("it is not very good but not bad", 1), ("we love the acting and the music", 2),
    ("sad and slow", 0), ("he like the book but not the film", 1),
    ("happy , real and very very fun", 2), ("they hate this film", 0)]
TASK = Task(texts=[t for t, _ in EXAMPLES], labels=[y for _, y in EXAMPLES],
            before=[".", "it", "was"], after=["."],
            words=[["terrible"], ["okay"], ["great", "##ly"]])
WHOLE_WORDS = replace(TASK, words=[["terrible"], ["okay"], ["great"]])
TEMPLATE = "{a} . it was [MASK] ."
V = len(VOCAB)

YEAR_2022 = Settings(
    template_places=[VOCAB.index(f"[unused{i}]") for i in range(3)],
    label_places=[VOCAB.index(f"[unused{i}]") for i in range(3, 6)],
    share_equal=True, label_pieces="first", fluency_pass="same", masks="share", mask_rate=0.3,
    pseudo_input="frozen", words_rate=5e-3, words_schedule="constant", decay_words=False)
REWRITE = Settings(
    template_places=[V - 1 - i for i in range(4)], label_places=[V - 5 - i for i in range(3)],
    share_equal=False, label_pieces="first", sep_after_a=True, fluency=1.0, slot="word",
    targets="never", warmup=2, schedule_counts="micro", batch=3, accumulation=2)
CASES = {
    "reference-2022": (WHOLE_WORDS, {
        "plain": YEAR_2022,
        "accumulated": replace(YEAR_2022, batch=3, accumulation=2),
        "extra_mask": replace(YEAR_2022, fluency=1.0),
        "published": replace(YEAR_2022, lm_rate=1e-5, words_rate=1e-4, fluency=1.0)}),
    "reference": (TASK, {
        "class_alone": replace(REWRITE, fluency=0.0),
        "reference": REWRITE,
        "full_vocab": replace(REWRITE, full_vocab=True),
        "corrected": replace(REWRITE, slot="pseudo", targets="labels"),
        "published": replace(REWRITE, full_vocab=True, lm_rate=3e-5, words_rate=3e-5, warmup=1,
                             weight_decay=0.01)}),
}
# What a case must notice: a setting of another value.
SPARE = [VOCAB.index(d) for d in "0"]
WRONG = {
    ("reference-2022", "plain"): {
        "pseudo rows train as inputs": dict(pseudo_input="trained"),
        "biases copied": dict(bias="sources"), "E's rate decays": dict(words_schedule="linear"),
        "LM's rate constant": dict(lm_schedule="constant"),
        "one rate": dict(words_rate=1e-3), "E decayed": dict(decay_words=True),
        "positions not decayed": dict(decay_other_embeddings=False),
        "pseudo biases at E's rate": dict(pseudo_bias_rate="words")},
    ("reference-2022", "extra_mask"): {
        "a row for each token": dict(share_equal=False,
                                     template_places=YEAR_2022.template_places + SPARE),
        "template frozen in the decoder too": dict(pseudo_output="frozen"),
        "places in the softmax": dict(softmax="appended"), "biases copied": dict(bias="sources"),
        "mean over examples": dict(mean="examples"), "each token by itself": dict(masks="rate"),
        "no clean slot": dict(fluency_pass="own", slot="pseudo")},
    ("reference", "reference"): {
        "mean over examples": dict(mean="examples"),
        "corrected": dict(slot="pseudo", targets="labels"), "biases copied": dict(bias="sources"),
        "mean of pieces": dict(label_pieces="mean"),
        "no [SEP] after the text": dict(sep_after_a=False),
        "schedule in steps": dict(schedule_counts="steps"),
        "E not decayed": dict(decay_words=False),
        "positions not decayed": dict(decay_other_embeddings=False),
        "equal tokens share a row": dict(share_equal=True)},
    ("reference", "full_vocab"): {"places in the softmax": dict(softmax="appended")},
    ("reference", "corrected"): {
        "places in the softmax": dict(softmax="appended"),
        "mean over examples": dict(mean="examples"),
        "target 1 for every label's word": dict(slot="word", targets="labels")},
}
WORDS = ["[CLS]", "[SEP]", "[MASK]", ".", "it", "film", "terrible", "great", "subjective"]
NORMS = ["bert.embeddings.position_embeddings.weight",
         "bert.embeddings.token_type_embeddings.weight",
         "bert.encoder.layer.0.attention.self.query.weight",
         "bert.encoder.layer.2.output.dense.weight",
         "bert.encoder.layer.1.output.LayerNorm.weight", "cls.predictions.transform.dense.weight"]


def state(run):
    """What a golden keeps of the weights."""
    template = list(dict.fromkeys(run.template))
    labels = run.s.label_places
    weights = dict(run.model.named_parameters())
    return {
        "template": run.words[template], "template_bias": run.bias[template],
        "label": run.words[labels], "label_bias": run.bias[labels],
        "rows": {w: run.words[VOCAB.index(w)] for w in WORDS},
        "bias": {w: run.bias[VOCAB.index(w)] for w in WORDS},
        "norms": {"words": run.words[[i for i in range(V) if i not in run.places]].norm(),
                  **{name: weights[name].norm() for name in NORMS}}}


def rounded(value):
    """Ten significant digits."""
    if isinstance(value, torch.Tensor):
        return rounded(value.tolist())
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


def numbers(value):
    """All numbers of a nested value, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [n for v in value for n in numbers(v)]
    return [value] if isinstance(value, float) else []


def case(task, settings):
    run = Run(task, settings, SEED)
    result = {"settings": {k: v for k, v in asdict(settings).items() if "places" not in k}}
    result["start"] = rounded(state(run))
    result["steps"] = rounded(run.train())
    result["end"] = rounded(state(run))
    result["logits"] = rounded(run.class_logits())
    return run, result


def distance(one, other):
    """The largest difference of the losses, and of what the end keeps."""
    def largest(a, b):
        a, b = numbers(a), numbers(b)
        return max((abs(x - y) for x, y in zip(a, b)), default=0.0)
    runs = (one, other)
    losses = [[[m["class"], m["fluency"]] for s in r["steps"] for m in s["micro"]] for r in runs]
    kept = [[r["end"][k] for k in ("label", "label_bias", "rows", "norms")] for r in runs]
    template = [r["end"]["template"] for r in runs]
    return largest(*losses), max(largest(*kept), largest(*template))


def encodings():
    """[SEP] after the first text in other templates: ids, segments, slot."""
    ids = {w: VOCAB.index(w) for w in VOCAB}
    cls, sep, mask = ids["[CLS]"], ids["[SEP]"], ids["[MASK]"]
    a, b = [ids[w] for w in "so dull".split()], [ids[w] for w in "a bad film".split()]
    colon, question, comma = V - 1, V - 1, V - 2
    pair = [cls, *a, sep, question, mask, comma, *b, sep]
    first = [cls, mask, colon, *a, sep, sep]
    return [
        {"template": "{a} ? [MASK] , {b}", "text_a": "so dull", "text_b": "a bad film", "ids": pair,
         "segments": [0] * 4 + [1] * (len(pair) - 4), "slot": 5, "maskable": [1, 2, 7, 8, 9]},
        {"template": "[MASK] : {a}", "text_a": "so dull", "text_b": None, "ids": first,
         "segments": [0] * 6 + [1], "slot": 1, "maskable": [3, 4]}]


def selection(ties):
    """Which evaluation's weights are kept, and after how many training stops, with patience 5."""
    out = []
    for scores in ([5, 6, 6, 6, 5, 4, 6, 6, 9], [5, 5, 5, 5, 5, 5, 5],
                   [3, 2, 4, 4, 1, 2, 2, 3, 3, 3], [1, 2, 3, 4, 5, 6, 7]):
        best, kept, since, done = -1, None, 0, 0
        for score in scores:
            done += 1
            better = score > best
            since = 0 if better else since + 1
            if better or (ties == "later" and score == best):
                best, kept = score, done
            if since == 5:
                break
        out.append({"dev": scores, "best": kept, "evaluations": done})
    return out


def make(name, task, cases):
    words = ["".join(pieces).replace("##", "") for pieces in task.words]
    out = {"seed": SEED, "template": TEMPLATE, "words": words, "examples": EXAMPLES}
    for key, settings in cases.items():
        run, result = case(task, settings)
        labels = settings.label_places
        rows = list(dict.fromkeys(run.template)) + labels
        out.setdefault("places", {"template": run.template, "label": labels, "rows": rows})
        out.setdefault("inputs", run.encoded)
        out[key] = result
        first, last = (result["steps"][i]["micro"][0]["class"] for i in (0, -1))
        print(f"{name} {key}: class loss {first:.3f} to {last:.3f}")
        for what, change in WRONG.get((name, key), {}).items():
            loss, kept = distance(result, case(task, replace(settings, **change))[1])
            print(f"    {what}: losses off by {loss:.1e}, rows and norms by {kept:.1e}")
            assert max(loss, kept) > 1e-3, what
        loss, kept = distance(result, case(task, replace(settings, adamw="transformers"))[1])
        print(f"    with transformers' AdamW losses are off by {loss:.1e}, rows by {kept:.1e}")
    out["selection"] = selection("later" if name == "reference-2022" else "earlier")
    if name == "reference":
        out["encodings"] = encodings()
    path = CORE / f"programs/{name}.json"
    save_json(path, out)
    assert path.stat().st_size < 200_000 and json.loads(path.read_text())


def main():
    for name, (task, cases) in CASES.items():
        make(name, task, cases)


if __name__ == "__main__":
    main()
