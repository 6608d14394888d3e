"""Where the golden files live and how they are written."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "crates/dart-core/tests/goldens"
EXP = ROOT / "crates/dart-exp/tests/goldens"

# One thread, so that sums are taken in the same order on every machine.
torch.set_num_threads(1)


def generator(seed):
    """A torch generator of its own, so that no script depends on global state."""
    return torch.Generator().manual_seed(seed)


def save_tensors(path, tensors):
    """Write tensors as safetensors; floating values that are expectations go in as given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # transformers refuses files without this metadata; clones untie shared memory.
    tensors = {k: v.detach().clone().contiguous() for k, v in tensors.items()}
    save_file(tensors, str(path), metadata={"format": "pt"})
    path.chmod(0o644)


def plain(value):
    """Turn numpy and torch values into what the json module writes."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (np.ndarray, torch.Tensor)):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    return value


def save_json(path, value):
    """Write a JSON document, one top-level entry a line, to keep diffs readable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    value = plain(value)
    items = value.items() if isinstance(value, dict) else value
    if isinstance(value, dict):
        lines = [f"  {json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in items]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
    else:
        text = "[\n" + ",\n".join("  " + json.dumps(v, allow_nan=False) for v in items) + "\n]\n"
    path.write_text(text, encoding="utf-8")


def save_jsonl(path, rows):
    """Write JSON lines, ASCII only, so that no editor changes an awkward character."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(plain(r)) + "\n" for r in rows), encoding="utf-8")
