"""Ids that transformers' BERT tokenizers give awkward strings, with MiniLM's uncased vocabulary.

One JSON object a line:
  text       the string
  ids        without [CLS] and [SEP] added; special tokens written in the text are recognised
  plain      the same with special tokens in the text read as ordinary text
  slow_ids   only where the Python tokenizer's `ids` differ from those of the Rust-backed one
             (the Python one has no `plain`: it always keeps a special token between spaces)
`wordpiece.jsonl` is of all kinds; `wordpiece_mask.jsonl` has [MASK] in every text, as templates
do. `wordpiece_settings.jsonl` has a line for each of SETTINGS: what tokenizer.json's normalizer and
tokenizer_config.json say, and the ids of texts. Needs `models/all-minilm-l6-v2`, which setup fetches.
"""

import argparse
import json
import random
import tempfile
from pathlib import Path

from transformers import AutoTokenizer, BertTokenizer, BertTokenizerFast

from common import CORE, ROOT, save_jsonl

BASIC = [
    "", " ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2003 \u2009", "a", "A", ".", "...",
    "!?", "it was great .", "It Was GREAT.", "  leading and trailing  ", "two  spaces", "tab\there",
    "new\nline", "carriage\rreturn", "crlf\r\nend", "vertical\x0btab", "form\x0cfeed",
    "next\u0085line", "line\u2028separator", "paragraph\u2029separator", "unaffable", "UNAFFABLE",
    "antidisestablishmentarianism", "don't", "Don\u2019t", "it's its' 'its'", "o'clock", "rock'n'roll",
    "state-of-the-art", "e-mail", "well\u2014known", "a\u2013b", "a\u2212b", "a_b", "snake_case_name",
    "CamelCaseName", "U.S.A.", "Mr. Smith", "e.g., i.e.", "and/or", "50%", "$5.99", "\u20ac20", "\u00a35",
    "\u00a5100", "#hashtag", "@user", "1,000,000", "3.14159", "1e-5", "0x1F", "2021-01-31", "12:30",
    "1st 2nd 3rd 4th", "\u00bd cup", "\u00b2 \u00b3", "x\u00b2", "\u2460\u2461", "\u2167", "http://example.com/a?b=c&d=e#f",
    "https://www.example.org/~user/index.html", "user.name+tag@example.co.uk", "C:\\Users\\name",
    "\\", "\\\\", "\\n", "a\\tb", '"quoted"', "\u201ccurly\u201d \u2018single\u2019", "\u00abguillemets\u00bb", "\u201elow\u201c",
    "`backtick`", "``tex''", "(parenthesis)", "[bracket]", "{brace}", "<angle>", "<br /><br />",
    "&amp; &lt;", "-lrb- -rrb-", "*emphasis*", "~tilde~", "^caret^", "|pipe|", "a|b", "a=b", "a+b=c",
    "== !=", "->", "=>", ":-)", ":(", "<3", "\u00a9 \u00ae \u2122", "\u00a7 \u00b6 \u2020 \u2021", "\u2022 bullet", "\u00b7 middle",
    "\u2026", "wait\u2026what", "\u00bfqu\u00e9?", "\u00a1hola!",
]

ACCENTS = [
    "caf\u00e9", "cafe\u0301", "CAF\u00c9", "na\u00efve", "r\u00e9sum\u00e9", "\u00c5ngstr\u00f6m", "A\u030angstro\u0308m", "\u00e5\u00e4\u00f6 \u00c5\u00c4\u00d6",
    "stra\u00dfe", "STRASSE", "STRA\u1e9eE", "\u00f8re", "\u00c6ther \u00e6", "\u0153uvre", "\u0141\u00f3d\u017a", "\u0111\u1ed3ng", "Vi\u1ec7t Nam",
    "Vie\u0323\u0302t", "\u0130stanbul", "\u0131\u015f\u0131k", "I\u0307", "\u00f1and\u00fa", "\u0159eka", "\u010cesk\u00fd", "\u0219\u021b", "\u0175\u0177", "\u01c5",
    "\ufb01ne \ufb02ow", "\ufb03", "\u2126 \u212b \u212a", "\u017fo", "\u0345", "\u0301", "a\u0301\u0302\u0303\u0304", "e\u0301e\u0301", "\u0301abc",
    " \u0301 ", "\u1e69", "s\u0323\u0307", "\u01d6", "\u1f80", "\u0391\u03b8\u03ae\u03bd\u03b1", "\u03a3\u0391\u03a3", "\u03c3\u03ac\u03c2", "\u1fbc",
    "\u041c\u043e\u0441\u043a\u0432\u0430", "\u0439 \u0438\u0306", "\u0401\u043b\u043a\u0430", "\u0407\u0436\u0430\u043a", "\u0531\u0580\u0574\u0565\u0576", "\u10d7\u10d1\u10d8\u10da\u10d8\u10e1\u10d8",
    "\u1e9e", "\uff21\uff22\uff23", "\uff11\uff12\uff13", "\uff0c\uff0e\uff01", "\uff76\uff9e", "\u00aa \u00ba",
]

SCRIPTS = [
    "\u4e2d\u6587", "\u4e2d\u6587abc\u6587", "abc\u4e2ddef", "\u5317\u4eac 2008", "\u65e5\u672c\u8a9e\u306e\u30c6\u30b9\u30c8", "\u3072\u3089\u304c\u306a", "\u30ab\u30bf\u30ab\u30ca", "\u304c \u304b\u3099",
    "\u30d1 \u30cf\u309a", "\ud55c\uad6d\uc5b4", "\u1112\u1161\u11ab", "\uac00\u1100\u1161", "\u3007", "\u3400", "\u9fff", "\U00020000", "\U0002a6df", "\U0002b740",
    "\uf900", "\U0002f800", "\u3001\u3002\u300c\u300d", "\u3042\u3001\u3044\u3002", "\u0645\u0631\u062d\u0628\u0627", "\u0645\u064e\u0631\u0652\u062d\u064e\u0628\u064b\u0627", "\u0633\u0644\u0627\u0645 world",
    "\u0661\u0662\u0663", "\u06f4\u06f5\u06f6", "\u060c \u061f", "\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u05d0\u05be\u05d1", "\u200fabc\u200e", "\u202eabc\u202c",
    "\u2067abc\u2069", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0964", "\u09ac\u09be\u0982\u09b2\u09be", "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd", "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", "\u0e01\u0e33",
    "\u1219\u129d\u1273", "\u13a3\u13b3\u13a9", "\uab70\uab71", "\u1e00\ua640", "\U00010400", "\U00010428", "\U0001d4d0\U0001d4d1", "\u2102 \u210d",
    "\u2124\u2260\u221e", "\u2200x\u2208A", "a\u2192b", "\u25a0 \u25cf", "\u2713", "\u2550\u2551",
]

EMOJI = [
    "\U0001f600", "great\U0001f600movie", "\U0001f600 \U0001f602", "\U0001f44d\U0001f3fd", "\u2764\ufe0f", "\u2764", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\U0001f1eb\U0001f1f7", "1\ufe0f\u20e3", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "\u2603", "\u263a\ufe0e", "ok\U0001f44c!", "\U0001f600\U0001f600\U0001f600",
    "\U0001f92f so good", "\u00a9\ufe0f",
]

CONTROLS = [
    "\x00", "a\x00b", "\x00\x00", "\x01", "a\x07b", "a\x08b", "\x1b[0m", "a\x7fb", "a\x80b", "a\x9fb", "\ufeff",
    "\ufeffabc", "a\ufeffb", "a\u200bb", "a\u200cb", "a\u200db", "a\u2060b", "soft\u00adhyphen", "\u00ad", "\ufffd", "a\ufffdb",
    "\ufffc", "\ufff9a\ufffab\ufffb", "\ue000", "a\ue000b", "\U000f0000", "\U0010fffd", "\u0378", "\ufdd0", "\ufffe", "\uffff", "a\uffffb",
    "\U0001ffff", "\u180e", "a\u180eb", "\u115f", "\u3164", "\u034f", "a\u034fb", "\u061c", "\U000e0001", "\u1680", "a\u1680b",
    "\u205f", "a\u202fb", "a\u2007b", "a\x1cb", "a\x1db", "a\x1eb", "a\x1fb", "\x1c", "\x1f ",
]

LONG = [
    "a" * 99, "a" * 100, "a" * 101, "a" * 250, "good " + "b" * 101 + " movie", "x" * 100 + ".",
    "\u00e9" * 100, "\u00e9" * 101, "e\u0301" * 100, "e\u0301" * 101, "\U0001f600" * 100, "\U0001f600" * 101,
    "\u0130" * 51, "\u4e2d" * 120, "." * 120, "abc" * 34, "antidis" * 15, "1" * 100, "1" * 101, "a" * 60 + "-" + "b" * 60,
    "\u01c5" * 100, "\u1e9e" * 60, "a\u200b" * 60, "z" * 99 + "\u0301",
]

SPECIAL = [
    "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[cls]", "[mask]", "[Mask]", "[ MASK ]", "[MASK", "MASK]",
    "the [CLS] token", "a[SEP]b", "[CLS][SEP]", "a [UNK] word", "[unused0]", "[unused1] a", "[UNUSED1]",
    "##ing", "# #ing", "a ##b", "##", "[PAD] [PAD]", "\uff3bCLS\uff3d", "<mask>", "</s>", "[CLS ]", "[[CLS]]",
    "[SEP].", "\"[SEP]\"", "[SE\u0301P]", "[SEP]\u0301",
]

MASK = [
    "[MASK]", " [MASK] ", "It was [MASK] .", "It was [MASK].", "It was[MASK].", "[MASK] : Who was he ?",
    "[MASK]: who", "a [MASK] b", "a[MASK]b", "[MASK][MASK]", "[MASK] [MASK]", "[MASK]\n", "\t[MASK]\t",
    "\u00a0[MASK]\u00a0", "([MASK])", "\"[MASK]\"", "?[MASK],", "really ? [MASK] , yes", "[[MASK]]", "[MASK]]",
    "[MASK]ing", "un[MASK]", "##[MASK]", "[MASK]##s", "[MASK]'s", "it's[MASK]'s", "caf\u00e9[MASK]caf\u00e9",
    "\u4e2d[MASK]\u6587", "\U0001f600[MASK]\U0001f600", "\u0301[MASK]\u0301", "e[MASK]\u0301", "\x00[MASK]\x00", "a\u200b[MASK]\u200bb",
    "[MASK] [mask] [MASK]", "[ MASK ] [MASK]", "[MASK" + "[MASK]", "[MASK]MASK]", "a" * 101 + "[MASK]", "[MASK]" + "a" * 101,
    "a" * 60 + "[MASK]" + "a" * 60, "[MASK]...", "...[MASK]", "5[MASK]5", "\u202e[MASK]\u202c", "\\[MASK]\\", "[MASK]\ufe0f",
    "\ufeff[MASK]", "x [MASK]  y", "x  [MASK] y", "THE [MASK] END",
]


def mixtures(count):
    """Random strings over the awkward characters above, from a fixed seed."""
    rng = random.Random(13)
    characters = sorted(set("".join(BASIC + ACCENTS + SCRIPTS + EMOJI + CONTROLS)))
    words = ["good", "The", "movie", "unaffable", " ", "  ", ".", ","]
    texts = []
    for _ in range(count):
        length = rng.randint(3, 14)
        texts.append("".join(rng.choice(characters if rng.random() < 0.6 else words)
                             for _ in range(length)))
    return texts


# Texts whose ids tell case, accents and Chinese characters apart.
TELLING = ["Good good", "CAF\u00c9 caf\u00e9 cafe", "\u4e2d\u6587 movie\u4e2d", "[MASK] It"]
SPECIALS = {f"{role}_token": f"[{role.upper()}]" for role in ["unk", "sep", "pad", "cls", "mask"]}
SETTINGS = [
    ({"lowercase": False}, {"tokenizer_class": "BertTokenizer"}),
    ({"lowercase": False}, {}),
    ({"lowercase": False}, {"tokenizer_class": "BertTokenizerFast", "do_lower_case": False}),
    ({}, {"tokenizer_class": "ElectraTokenizerFast", "do_lower_case": False}),
    ({"strip_accents": False}, {"tokenizer_class": "BertTokenizer", "strip_accents": None}),
    ({"strip_accents": False}, {"tokenizer_class": "BertTokenizer", "strip_accents": False}),
    ({"handle_chinese_chars": False}, {"tokenizer_class": "DistilBertTokenizer"}),
    ({"handle_chinese_chars": False}, {"tokenize_chinese_chars": False}),
    ({"lowercase": False, "strip_accents": True},
     {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": True}),
]


def settings(model):
    """A line for each of SETTINGS."""
    whole = json.loads((Path(model) / "tokenizer.json").read_text(encoding="utf-8"))
    for normalizer, config in SETTINGS:
        with tempfile.TemporaryDirectory() as folder:
            changed = {**whole, "normalizer": {**whole["normalizer"], **normalizer}}
            for name, value in [("tokenizer.json", changed), ("config.json", {"model_type": "bert"}),
                                ("tokenizer_config.json", {**SPECIALS, **config})]:
                (Path(folder) / name).write_text(json.dumps(value), encoding="utf-8")
            tokenizer = AutoTokenizer.from_pretrained(folder, clean_up_tokenization_spaces=False)
            ids = [tokenizer(t, add_special_tokens=False)["input_ids"] for t in TELLING]
        yield {"normalizer": normalizer, "config": {**SPECIALS, **config},
               "ids": dict(zip(TELLING, ids))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=ROOT / "models/all-minilm-l6-v2")
    args = parser.parse_args()
    slow = BertTokenizer.from_pretrained(args.model, clean_up_tokenization_spaces=True)
    fast = BertTokenizerFast.from_pretrained(args.model, clean_up_tokenization_spaces=True)

    def row(text):
        def ids(tokenizer, split):
            return tokenizer(text, add_special_tokens=False, split_special_tokens=split)["input_ids"]

        result = {"text": text, "ids": ids(fast, False), "plain": ids(fast, True)}
        if ids(slow, False) != result["ids"]:
            result["slow_ids"] = ids(slow, False)
        return result

    for name, texts in [
        ("wordpiece", BASIC + ACCENTS + SCRIPTS + EMOJI + CONTROLS + LONG + SPECIAL + mixtures(60)),
        ("wordpiece_mask", MASK),
    ]:
        rows = [row(t) for t in dict.fromkeys(texts)]
        save_jsonl(CORE / f"{name}.jsonl", rows)
        differ = [r["text"] for r in rows if "slow_ids" in r]
        print(f"{name}: {len(rows)} strings, slow and fast differ on {len(differ)}")
    save_jsonl(CORE / "wordpiece_settings.jsonl", settings(args.model))


if __name__ == "__main__":
    main()
