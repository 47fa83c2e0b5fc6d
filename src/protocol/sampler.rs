//! Deterministic values for tests: the same seed gives the same message.

#[derive(Clone, Debug)]
pub struct Sampler {
    state: u64,
}

impl Sampler {
    pub fn new(seed: u64) -> Self {
        Sampler {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    pub fn number(&mut self) -> u64 {
        // xorshift64*: the upper bits are good enough for every use below.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    pub fn one_in<T>(
        &mut self,
        odds: u64,
        rare: impl FnOnce(&mut Self) -> T,
        usual: impl FnOnce(&mut Self) -> T,
    ) -> T {
        match self.number().is_multiple_of(odds) {
            true => rare(self),
            false => usual(self),
        }
    }

    /// How many elements an array gets: seldom none.
    pub fn count(&mut self) -> usize {
        self.one_in(8, |_| 0, |s| 1 + s.number() as usize % 3)
    }

    pub fn text(&mut self) -> String {
        let letters = ['a', 'Z', '-', '0', 'ß', '鍵', '🦀'];
        // Now and then longer than a compact length of one byte can say.
        let length = self.one_in(16, |_| 200, |s| s.number() as usize % 8);
        let letter = |_| letters[self.number() as usize % letters.len()];
        (0..length).map(letter).collect()
    }

    pub fn constant(&mut self) -> &'static [u8] {
        const BYTES: &[u8] = b"\x00\x01record bytes are not looked at here\xff";
        &BYTES[..self.number() as usize % BYTES.len()]
    }
}
