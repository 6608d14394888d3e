//! numpy's legacy generator (`numpy.random.seed`, `numpy.random.shuffle`): MT19937 as in
//! Matsumoto & Nishimura (1998), with masked rejection for bounded integers.

const N: usize = 624;
const M: usize = 397;

/// The state of `numpy.random` after `numpy.random.seed(seed)`.
#[derive(Clone)]
pub struct NumpyRng {
    state: [u32; N],
    /// The words that the state gives.
    words: [u32; N],
    next: usize,
}

fn twist(high: u32, low: u32) -> u32 {
    let y = (high & 0x8000_0000) | (low & 0x7fff_ffff);
    (y >> 1) ^ if y & 1 == 1 { 0x9908_b0df } else { 0 }
}

impl NumpyRng {
    /// `numpy.random.seed(seed)`.
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let before = state[i - 1];
            state[i] = 1_812_433_253u32
                .wrapping_mul(before ^ (before >> 30))
                .wrapping_add(i as u32);
        }
        NumpyRng {
            state,
            words: [0; N],
            next: N,
        }
    }

    /// The next 32 bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.next == N {
            self.refill();
        }
        let word = self.words[self.next];
        self.next += 1;
        word
    }

    #[cold]
    fn refill(&mut self) {
        let state = &mut self.state;
        for i in 0..N - M {
            state[i] = state[i + M] ^ twist(state[i], state[i + 1]);
        }
        for i in N - M..N - 1 {
            state[i] = state[i + M - N] ^ twist(state[i], state[i + 1]);
        }
        state[N - 1] = state[M - 1] ^ twist(state[N - 1], state[0]);
        for (word, state) in self.words.iter_mut().zip(&self.state) {
            let mut y = *state;
            y ^= y >> 11;
            y ^= (y << 7) & 0x9d2c_5680;
            y ^= (y << 15) & 0xefc6_0000;
            *word = y ^ (y >> 18);
        }
        self.next = 0;
    }

    /// A draw for an integer in `0..=max`, to be rejected where it is larger.
    fn masked(&mut self, max: u64) -> u64 {
        let bits = if max <= u64::from(u32::MAX) {
            u64::from(self.next_u32())
        } else {
            (u64::from(self.next_u32()) << 32) | u64::from(self.next_u32())
        };
        bits & (u64::MAX >> max.leading_zeros())
    }

    /// `numpy.random.shuffle` of a list: from the last index down, each swapped with a uniform one of
    /// those up to it (`random_interval` in numpy's sources).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        let mut last = items.len().saturating_sub(1);
        while last > 0 {
            let drawn = self.masked(last as u64) as usize;
            // A rejected draw swaps the item with itself, cheaper than a branch that none can predict.
            let accepted = drawn <= last;
            items.swap(last, if accepted { drawn } else { last });
            last -= usize::from(accepted);
        }
    }
}
