"""What a run of dart-core draws: SplitMix64 keyed by (seed, purpose, counters), as in rng.rs.

A golden that trains for some steps takes its data order, masks and labels from here, so that a run
of the program with the same seed draws the same; the file says what was drawn all the same.
"""

BITS = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15


def _mix(value):
    z = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & BITS
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & BITS
    return z ^ (z >> 31)


class Draws:
    """The generator for `purpose` at these counters."""

    def __init__(self, seed, purpose, *counters):
        state = _mix(seed ^ 0x5851F42D4C957F2D)
        for byte in purpose.encode():
            state = _mix(state ^ byte)
        for counter in counters:
            state = _mix(((state + STEP) & BITS) ^ counter)
        self.state = state

    def bits(self):
        """64 uniform bits."""
        self.state = (self.state + STEP) & BITS
        return _mix(self.state)

    def uniform(self):
        """Uniform in [0, 1) with 53 bits."""
        return (self.bits() >> 11) / (1 << 53)

    def below(self, n):
        """Uniform below n (Lemire, 2019); 0 where n is 0."""
        if n == 0:
            return 0
        product = self.bits() * n
        while product & BITS < (1 << 64) % n:
            product = self.bits() * n
        return product >> 64

    def shuffled(self, n):
        """The numbers below n in a random order (Fisher and Yates)."""
        items = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items

    def choose(self, n, k):
        """k of the numbers below n without replacement, in ascending order."""
        items = list(range(n))
        for i in range(min(k, n)):
            j = i + self.below(n - i)
            items[i], items[j] = items[j], items[i]
        return sorted(items[:k])


def micro_batches(seed, examples, size):
    """Indices of the examples, `size` at a time, from one endless line of shuffled epochs."""
    line, epoch = [], 0
    while True:
        while len(line) < size:
            line += Draws(seed, "order", epoch).shuffled(examples)
            epoch += 1
        yield line[:size]
        line = line[size:]
