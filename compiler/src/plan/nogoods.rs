//! Nogoods of the searches for one capacity: states from which no plan follows.
//!
//! Of fixed size; what it forgets is only searched again. Two states of one digest could hide a plan, at odds of one in
//! 2^64 a lookup.

/// Digests of states known to fail.
pub(super) struct Nogoods(Vec<u64>);

impl Default for Nogoods {
    fn default() -> Self {
        Self(vec![0; 1 << 20])
    }
}

impl Nogoods {
    /// The place of a state in the table.
    fn place(&self, state: u64) -> usize {
        (state >> 32) as usize % self.0.len()
    }

    /// True if a state is known to fail.
    pub(super) fn contains(&self, state: u64) -> bool {
        self.0[self.place(state)] == state
    }

    /// Remembers that a state fails, and forgets another if there is no room.
    pub(super) fn insert(&mut self, state: u64) {
        let place = self.place(state);
        self.0[place] = state;
    }
}

/// A bijection that looks like chance.
pub(super) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
