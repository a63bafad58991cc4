//! Random numbers, and inputs made of words and noise.

/// xorshift64*: small, and the same on every machine.
pub struct Random(u64);

impl Random {
    /// A generator; any seed will do.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// An input: some of the words, sometimes damaged, sometimes with noise between them.
    pub fn input(&mut self, words: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.below(12) {
            match self.below(10) {
                0 | 1 => {
                    for _ in 0..self.below(12) {
                        bytes.push(self.next() as u8);
                    }
                }
                2 => bytes.extend(self.edge().to_le_bytes()),
                3 => bytes.extend(self.edge().to_string().bytes()),
                _ if !words.is_empty() => bytes.extend(words[self.below(words.len())].bytes()),
                _ => bytes.push(self.next() as u8),
            }
        }
        if !bytes.is_empty() && self.below(4) == 0 {
            let at = self.below(bytes.len());
            match self.below(3) {
                0 => bytes.truncate(at),
                1 => bytes[at] ^= 1 << self.below(8),
                _ => bytes.insert(at, self.next() as u8),
            }
        }
        bytes
    }

    /// A number of the kind at which code breaks.
    fn edge(&mut self) -> u64 {
        let power = 1_u64 << self.below(64);
        match self.below(4) {
            0 => power,
            1 => power - 1,
            2 => power.wrapping_neg(),
            _ => self.next(),
        }
    }
}
