"""What transformers' BERT computes with the packaged MiniLM encoder's real weights.

`minilm/golden.safetensors`:
  input_ids, attention_mask, token_type_ids  int64   [4, seq], padded
  hidden_first_8   float32 [4, seq, 8], the first 8 dimensions of the last layer
  hidden_0_first_8 the same after the embeddings, before the first layer
  sentence         float32 [4, 384], mean over unpadded tokens, L2-normalised
`minilm/sentences.json` holds the texts. Needs `models/all-minilm-l6-v2/`, which setup fetches.
"""

import argparse

import torch
from transformers import BertModel, BertTokenizer

from common import CORE, ROOT, save_json, save_tensors

SENTENCES = [
    "It was a [MASK] movie .",
    "A gripping, beautifully photographed film whose last half hour I will not soon forget - "
    "and whose first, alas, I already have.",
    "No .",
    "Caf\u00e9 staff were \u201cunhelpful\u201d at 7:45 p.m., according to 3,708 reviewers ...",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=ROOT / "models/all-minilm-l6-v2")
    args = parser.parse_args()
    tokenizer = BertTokenizer.from_pretrained(args.model)
    model = BertModel.from_pretrained(args.model, attn_implementation="eager",
                                      torch_dtype=torch.float64).eval()
    batch = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    # Nothing in a sentence encoder's use has a second segment; one row has it here all the same.
    batch["token_type_ids"][1, 12:] = 1
    with torch.no_grad():
        out = model(**batch, output_hidden_states=True)
    last = out.last_hidden_state
    mask = batch["attention_mask"][..., None].to(last.dtype)
    sentence = torch.nn.functional.normalize((last * mask).sum(1) / mask.sum(1), dim=-1)
    save_tensors(CORE / "minilm/golden.safetensors", {
        **batch, "hidden_first_8": last[..., :8].float(),
        "hidden_0_first_8": out.hidden_states[0][..., :8].float(), "sentence": sentence.float()})
    save_json(CORE / "minilm/sentences.json", SENTENCES)


if __name__ == "__main__":
    main()
