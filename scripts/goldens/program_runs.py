"""A run of DART as its authors' two programs have it, on bert-tiny, in float64 and without dropout.

Both keep template and label rows in *places* of the vocabulary, whose own rows they overwrite with
copies of the template's tokens and of the label words; the decoder biases of the places stay. So E
has V rows all the time, and every softmax over the vocabulary is over these V: the words less the
places, and the pseudo rows in them. The rows that stood in the places are gone.

A program that appends its pseudo rows instead has V + p. To be the same it must (1) leave the
places out of every such softmax, (2) start the appended decoder biases from the places' and (3)
train them as it trains the decoder's other biases. Where the loss reads the label logits alone, (2)
and (3) are enough.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from transformers import AutoModelForMaskedLM

from common import CORE
from draws import Draws, micro_batches
from make_encoders import VOCAB

CLS, SEP, MASK = (VOCAB.index(f"[{name}]") for name in ("CLS", "SEP", "MASK"))


@dataclass(frozen=True)
class Settings:
    """How a run is trained; make_programs.py says what each program has."""

    # Rows
    template_places: list  # of the template's different tokens, or of all (share_equal)
    label_places: list
    share_equal: bool  # equal tokens of the template share a row
    label_pieces: str  # of a label word of several pieces: first, mean
    bias: str = "places"  # decoder biases that pseudo rows start from: places, sources (copied)
    sep_after_a: bool = False  # [SEP] after the first text; what follows is the second segment
    # Loss
    full_vocab: bool = False  # the class loss is over the vocabulary
    fluency: float = 0.0
    masks: str = "rate"  # rate: each token by itself; share: ⌊share · tokens⌋ of each text
    mask_rate: float = 0.25
    fluency_pass: str = "own"  # own: a label in the slot; same: [MASK], with the class loss
    slot: str = "pseudo"  # what a drawn label puts into the slot: pseudo, word
    targets: str = "labels"  # whether the masked word is wanted: labels (under the true one), never
    mean: str = "masks"  # over all masks of a micro-batch, or examples (of each, then over them)
    softmax: str = "places"  # places: V rows, above; appended: with the rows that the places had
    # Gradients and steps
    pseudo_input: str = "trained"  # of pseudo rows as inputs: trained, frozen
    pseudo_output: str = "trained"  # of template rows in the tied decoder
    lm_rate: float = 1e-3
    lm_schedule: str = "linear"  # to 0, or constant
    words_rate: float = 1e-3
    words_schedule: str = "linear"
    pseudo_bias_rate: str = "lm"  # lm, words
    warmup: int = 0  # in units of the schedule
    schedule_counts: str = "steps"  # what its length counts: steps, micro (micro-batches)
    weight_decay: float = 0.1
    decay_words: bool = True
    decay_other_embeddings: bool = True  # positions and segments
    batch: int = 6
    accumulation: int = 1
    steps: int = 10
    adamw: str = "torch"


@dataclass(frozen=True)
class Task:
    """Texts with their classes, the template around [MASK], and the label words in pieces."""

    texts: list
    labels: list
    before: list
    after: list
    words: list


class Run:
    """The model with its pseudo rows in their places, and what a step does."""

    def __init__(self, task, settings, seed):
        self.task, self.s, self.seed = task, settings, seed
        self.model = AutoModelForMaskedLM.from_pretrained(
            CORE / "bert-tiny", attn_implementation="eager", torch_dtype=torch.float64).eval()
        self.words = self.model.get_input_embeddings().weight
        self.bias = self.model.get_output_embeddings().bias
        tokens = [VOCAB.index(t) for t in task.before + task.after]
        rows = list(dict.fromkeys(tokens)) if settings.share_equal else range(len(tokens))
        key = tokens if settings.share_equal else list(range(len(tokens)))
        self.template = [settings.template_places[list(rows).index(k)] for k in key]
        self.pieces = [[VOCAB.index(p) for p in word] for word in task.words]
        taken = self.pieces if settings.label_pieces == "mean" else [p[:1] for p in self.pieces]
        sources = [[t] for t in tokens] + taken
        places = self.template + settings.label_places
        self.places = sorted(set(places))
        old, old_bias = self.words.detach().clone(), self.bias.detach().clone()
        self.gone, self.gone_bias = old[self.places], old_bias[self.places]
        with torch.no_grad():
            for place, ids in zip(places, sources):
                self.words[place] = old[ids].mean(0)
                if settings.bias == "sources":
                    self.bias[place] = old_bias[ids].mean()
        self.encoded = [self.encode(i) for i in range(len(task.texts))]

    def encode(self, example):
        """Ids with the places of the template, segments, the slot and what can be masked."""
        text = [VOCAB.index(t) for t in self.task.texts[example].split()]
        end = [SEP] if self.s.sep_after_a else []
        m = len(self.task.before)
        ids = [CLS, *text, *end, *self.template[:m], MASK, *self.template[m:], SEP]
        first = 1 + len(text) + len(end)
        return {"ids": ids,
                "segments": [int(self.s.sep_after_a and i >= first) for i in range(len(ids))],
                "slot": first + m, "maskable": list(range(1, 1 + len(text)))}

    def draw(self, examples, step, micro):
        """Masked positions and a label for each example."""
        masked, labels = [], []
        for i, example in enumerate(examples):
            maskable = self.encoded[example]["maskable"]
            draws = Draws(self.seed, "fluency mask", step, micro, i)
            if self.s.masks == "share":
                count = int(len(maskable) * self.s.mask_rate)
                chosen = [maskable[j] for j in draws.choose(len(maskable), count)]
            else:
                chosen = [p for p in maskable if draws.uniform() < self.s.mask_rate]
            masked.append(chosen)
            draws = Draws(self.seed, "fluency labels", step, micro, i)
            labels.append(draws.below(len(self.task.words)))
        return masked, labels

    def hidden(self, rows):
        """Hidden states of inputs of one length each, padded."""
        length = max(len(r["ids"]) for r in rows)
        pad = [[0] * (length - len(r["ids"])) for r in rows]
        ids = torch.tensor([r["ids"] + p for r, p in zip(rows, pad)])
        segments = torch.tensor([r["segments"] + p for r, p in zip(rows, pad)])
        mask = torch.tensor([[1] * len(r["ids"]) + p for r, p in zip(rows, pad)])
        words = self.words[ids]
        if self.s.pseudo_input == "frozen":
            pseudo = torch.isin(ids, torch.tensor(self.places))[..., None]
            words = torch.where(pseudo, words.detach(), words)
        return self.model.bert(inputs_embeds=words, attention_mask=mask,
                               token_type_ids=segments).last_hidden_state

    def logits(self, hidden, rows, positions):
        """Over the rows of the softmax, at these positions."""
        head = self.model.cls.predictions.transform(hidden[rows, positions])
        words, bias = self.words, self.bias
        if self.s.pseudo_output == "frozen":
            words = words.clone()
            words[sorted(set(self.template))] = self.words[sorted(set(self.template))].detach()
        if self.s.softmax == "appended":
            words = torch.cat([words, self.gone])
            bias = torch.cat([bias, self.gone_bias])
        return head @ words.T + bias

    def class_loss(self, hidden, rows, labels):
        logits = self.logits(hidden, range(len(rows)), [r["slot"] for r in rows])
        places = torch.tensor(self.s.label_places)
        if self.s.full_vocab:
            return F.cross_entropy(logits, places[labels])
        return F.cross_entropy(logits[:, places], labels)

    def fluency_loss(self, hidden, rows, masked, wanted):
        """Binary cross-entropy of each masked word's probability; wanted: its target."""
        at = [(r, p) for r, positions in enumerate(masked) for p in positions]
        assert at, "the authors' programs give NaN where a micro-batch has no mask"
        logits = self.logits(hidden, *map(list, zip(*at)))
        words = torch.tensor([rows[r]["ids"][p] for r, p in at])
        p = logits.softmax(-1).gather(1, words[:, None])[:, 0]
        target = torch.tensor([float(wanted[r]) for r, _ in at], dtype=p.dtype)
        losses = F.binary_cross_entropy(p, target, reduction="none")
        if self.s.mean == "masks":
            return losses.mean()
        share = torch.tensor([1 / (len(masked[r]) * len(rows)) for r, _ in at])
        return (losses * share).sum()

    def losses(self, examples, step, micro):
        """The class loss and the fluency loss of a micro-batch, and what was drawn."""
        rows = [self.encoded[e] for e in examples]
        labels = torch.tensor([self.task.labels[e] for e in examples])
        if not self.s.fluency:
            return self.class_loss(self.hidden(rows), rows, labels), None, {}
        masked, drawn = self.draw(examples, step, micro)
        covered = [{**r, "ids": [MASK if p in gone else i for p, i in enumerate(r["ids"])]}
                   for r, gone in zip(rows, masked)]
        if self.s.fluency_pass == "same":
            hidden = self.hidden(covered)
            fluency = self.fluency_loss(hidden, rows, masked, [True] * len(rows))
            return self.class_loss(hidden, rows, labels), fluency, {"masked": masked}
        for row, label in zip(covered, drawn):
            fills = self.s.label_places if self.s.slot == "pseudo" else [p[0] for p in self.pieces]
            row["ids"][row["slot"]] = fills[label]
        wanted = [self.s.targets == "labels" and d == y for d, y in zip(drawn, labels.tolist())]
        fluency = self.fluency_loss(self.hidden(covered), rows, masked, wanted)
        loss = self.class_loss(self.hidden(rows), rows, labels)
        return loss, fluency, {"masked": masked, "drawn_labels": drawn}

    def optimizer(self):
        """AdamW over decayed matrices, what is never decayed, and E."""
        decayed, plain = [], []
        for name, p in self.model.named_parameters():
            other = "position_embeddings" in name or "token_type_embeddings" in name
            never = "bias" in name or "LayerNorm.weight" in name
            if p is not self.words:
                keep = never or (other and not self.s.decay_other_embeddings)
                (plain if keep else decayed).append(p)
        decay = self.s.weight_decay
        groups = [{"params": decayed, "weight_decay": decay},
                  {"params": plain, "weight_decay": 0.0},
                  {"params": [self.words], "weight_decay": decay if self.s.decay_words else 0.0}]
        if self.s.adamw == "transformers":
            from transformers.optimization import AdamW
            return AdamW(groups, lr=0.0, eps=1e-8, no_deprecation_warning=True)
        return torch.optim.AdamW(groups, lr=0.0, eps=1e-8, foreach=False)

    def rates(self, step):
        """Of the language model and of E in this step, from 0."""
        units = self.s.accumulation if self.s.schedule_counts == "micro" else 1
        total, warmup = self.s.steps * units, self.s.warmup
        linear = step / warmup if step < warmup else (total - step) / (total - warmup)

        def rate(peak, schedule):
            return peak * (linear if schedule == "linear" else 1.0)
        return (rate(self.s.lm_rate, self.s.lm_schedule),
                rate(self.s.words_rate, self.s.words_schedule))

    def train(self):
        """All steps; what each had."""
        optimizer, parameters = self.optimizer(), list(self.model.parameters())
        batches = micro_batches(self.seed, len(self.task.texts), self.s.batch)
        steps = []
        for step in range(self.s.steps):
            record = {"micro": []}
            for micro in range(self.s.accumulation):
                examples = next(batches)
                loss, fluency, drawn = self.losses(examples, step, micro)
                whole = loss if fluency is None else loss + self.s.fluency * fluency
                (whole / self.s.accumulation).backward()
                record["micro"].append({
                    "examples": examples, **drawn, "class": loss.item(),
                    "fluency": None if fluency is None else fluency.item()})
            # One norm over all gradients, E's with it.
            record["gradient_norm"] = torch.nn.utils.clip_grad_norm_(parameters, 1.0).item()
            lm, words = self.rates(step)
            for group, rate in zip(optimizer.param_groups, (lm, lm, words)):
                group["lr"] = rate
            before = self.bias[self.places].detach().clone()
            optimizer.step()
            if self.s.pseudo_bias_rate == "words" and lm > 0:
                with torch.no_grad():
                    self.bias[self.places] += (self.bias[self.places] - before) * (words / lm - 1)
            optimizer.zero_grad(set_to_none=True)
            steps.append({"learning_rate_lm": lm, "learning_rate_words": words, **record})
        return steps

    def class_logits(self):
        """[examples, classes] of every example as it is predicted."""
        with torch.no_grad():
            hidden = self.hidden(self.encoded)
            at = self.logits(hidden, range(len(self.encoded)), [r["slot"] for r in self.encoded])
            return at[:, self.s.label_places]
