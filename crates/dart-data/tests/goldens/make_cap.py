"""cap.txt: the rows that a cap of 8 of 1,000 keeps with seed 500 (SplitMix64, in plain Python)."""

import os

M, GAMMA = 2**64 - 1, 0x9E3779B97F4A7C15


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M
    return z ^ (z >> 31)


def draw(seed, index):
    return mix((mix((seed + GAMMA) & M) + GAMMA * (index + 1)) & M)


rows = sorted(sorted(range(1000), key=lambda index: draw(500, index))[:8])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cap.txt"), "w") as file:
    file.write(f"{rows}\n")
