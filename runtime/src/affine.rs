//! Bytes that stand for reals, and what sums of their products become.

/// What a byte `q` stands for: `(q - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Positive and finite.
    pub scale: f32,
    /// The byte of zero.
    pub zero: u8,
}

/// Where a real number of steps lands: its nearest integer, halves to even, counted from `zero`, between `lo` and `hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// The byte of zero.
    pub zero: u8,
    /// The least byte.
    pub lo: u8,
    /// The greatest byte.
    pub hi: u8,
}

/// Scales of a function of two bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Of the first operand.
    pub a: Affine,
    /// Of the second.
    pub b: Affine,
    /// Steps of the result.
    pub scale: f32,
    /// Bytes of the result.
    pub levels: Levels,
}

/// Added to a float that is within 2^22 of zero and taken off again, it leaves an integer: halves go to even.
const MAGIC: f32 = 12_582_912.0;

impl Affine {
    /// The real that `q` stands for.
    #[inline(always)]
    pub const fn real(self, q: u8) -> f32 {
        (q as i32 - self.zero as i32) as f32 * self.scale
    }

    /// All bytes, counted from its zero.
    #[inline(always)]
    pub const fn levels(self) -> Levels {
        Levels { zero: self.zero, lo: 0, hi: 255 }
    }
}

impl Levels {
    /// The least and the greatest number of steps.
    #[inline(always)]
    pub const fn bounds(self) -> [f32; 2] {
        let zero = self.zero as i32;
        [(self.lo as i32 - zero) as f32, (self.hi as i32 - zero) as f32]
    }

    /// The byte of so many steps; NaN is the least.
    #[inline(always)]
    pub const fn byte(self, steps: f32) -> u8 {
        let [lo, hi] = self.bounds();
        let steps = if steps > lo { steps } else { lo };
        let steps = if steps < hi { steps } else { hi };
        (((steps + MAGIC) - MAGIC) as i32 + self.zero as i32) as u8
    }
}

impl Pair {
    /// The byte of `a + b`.
    #[inline(always)]
    pub const fn add(self, a: u8, b: u8) -> u8 {
        self.levels.byte((self.a.real(a) + self.b.real(b)) / self.scale)
    }

    /// The byte of `a * b`.
    #[inline(always)]
    pub const fn mul(self, a: u8, b: u8) -> u8 {
        self.levels.byte(self.a.real(a) * self.b.real(b) / self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_even_and_bounds_hold() {
        let levels = Levels { zero: 10, lo: 3, hi: 200 };
        let bytes = [0.5, 1.5, -0.5, -2.5, 1e30, -1e30, f32::NAN].map(|x| levels.byte(x));
        assert_eq!(bytes, [10, 12, 10, 8, 200, 3, 3]);
    }
}
