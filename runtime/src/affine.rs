//! Bytes that stand for reals, and what sums of their products become.

/// What a byte `q` stands for: `(q - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Positive and finite.
    pub scale: f32,
    /// The byte of zero.
    pub zero: u8,
}

/// Where a number of steps lands: counted from `zero`, between `lo` and `hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// The byte of zero.
    pub zero: u8,
    /// The least byte.
    pub lo: u8,
    /// The greatest byte.
    pub hi: u8,
    /// What makes steps of sums.
    pub arithmetic: Arithmetic,
}

impl Levels {
    /// All bytes around a byte of zero, of steps that floats make.
    pub const fn u8(zero: u8) -> Self {
        Self { zero, lo: 0, hi: u8::MAX, arithmetic: Arithmetic::Float }
    }

    /// All bytes around a byte of zero, of steps that integers alone make.
    pub const fn u8_fixed(zero: u8) -> Self {
        Self { arithmetic: Arithmetic::Fixed, ..Self::u8(zero) }
    }

    /// All bytes around a byte of zero, of steps that integers alone make, rounded twice.
    pub const fn u8_twice(zero: u8) -> Self {
        Self { arithmetic: Arithmetic::Twice, ..Self::u8(zero) }
    }

    /// All bytes around a byte of zero, of steps that integers alone make by factors of 31 bits, rounded once.
    pub const fn u8_once(zero: u8) -> Self {
        Self { arithmetic: Arithmetic::Once, ..Self::u8(zero) }
    }
}

/// What makes whole steps of sums and their factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Floats, each operation rounded by itself; a step and a half is the even step of both.
    Float,
    /// Integers alone: the exact product, rounded once; a step and a half is the greater step of both.
    Fixed,
    /// Integers alone, as TensorFlow Lite has them: the product rounded to its upper half, where half a step is the
    /// greater step, and then by the exponent of the factor, where it is the one away from zero.
    Twice,
    /// Integers alone, as TensorFlow Lite has them in dense layers: factors of as many bits, but the product rounded once; a
    /// step and a half is the greater step of both.
    Once,
}

/// Sums times their factors, as the reals that they stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dequantized;

/// What a sum is multiplied with: a number as it lies in four bytes of a panel of weights, and for
/// [`Arithmetic::Twice`] an exponent that lies in four others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor(pub u32, pub i32);

/// Scales of a function of two bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pair {
    /// In floats.
    Float {
        /// Of the first operand.
        a: Affine,
        /// Of the second.
        b: Affine,
        /// Steps of the result.
        scale: f32,
        /// Bytes of the result.
        levels: Levels,
    },
    /// In integers: the steps are the sum or the product of both terms, times `2^-shift`.
    Fixed {
        /// Of the first operand.
        a: Term,
        /// Of the second.
        b: Term,
        /// From 1 to 60.
        shift: u32,
        /// Bytes of the result.
        levels: Levels,
    },
    /// In integers that are rounded twice. Of a product the zeros of the operands and the last factor count alone.
    Twice {
        /// Of the first operand.
        a: Share,
        /// Of the second.
        b: Share,
        /// Steps of the result in the sum or the product.
        factor: Factor,
        /// Bytes of the result.
        levels: Levels,
    },
}

/// Scales of a product of two bytes that is rounded with its zero point, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Product {
    /// The byte of zero in the first operand.
    pub a: u8,
    /// In the second.
    pub b: u8,
    /// Steps of the result in a product of steps.
    pub factor: f32,
    /// Added to the steps before they are rounded.
    pub early: f32,
    /// Bytes of the result, counted from what is added after.
    pub levels: Levels,
}

/// An operand as an integer: `(q - zero) * factor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The byte of zero.
    pub zero: u8,
    /// At most 2^30.
    pub factor: i32,
}

/// An operand of a sum that is rounded twice: `(q - zero) * 2^20`, times the factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The byte of zero.
    pub zero: u8,
    /// For [`Arithmetic::Twice`].
    pub factor: Factor,
}

/// The greatest exponent of a factor whose products are rounded once.
pub(crate) const MOST_ONCE: i32 = 28;
/// Bits by which the operands of a sum that is rounded twice are moved up.
pub(crate) const SHARE_LIFT: u32 = 20;

/// Added to a float that is within 2^22 of zero and taken off again, it leaves an integer: halves go to even.
const MAGIC: f32 = 12_582_912.0;

impl Affine {
    /// The real that `q` stands for.
    #[inline(always)]
    pub const fn real(self, q: u8) -> f32 {
        (q as i32 - self.zero as i32) as f32 * self.scale
    }

    /// The nearest byte of a real.
    #[inline(always)]
    pub const fn byte(self, x: f32) -> u8 {
        self.levels().byte(x / self.scale)
    }

    /// All bytes, counted from its zero.
    #[inline(always)]
    pub const fn levels(self) -> Levels {
        Levels { zero: self.zero, lo: 0, hi: 255, arithmetic: Arithmetic::Float }
    }
}

impl Levels {
    /// The least and the greatest number of steps.
    #[inline(always)]
    pub const fn bounds(self) -> [i32; 2] {
        let zero = self.zero as i32;
        [self.lo as i32 - zero, self.hi as i32 - zero]
    }

    /// The byte of so many steps, rounded to the nearest, halves to even; NaN is the least.
    #[inline(always)]
    pub const fn byte(self, steps: f32) -> u8 {
        let [lo, hi] = self.bounds();
        let (lo, hi) = (lo as f32, hi as f32);
        let steps = if steps > lo { steps } else { lo };
        let steps = if steps < hi { steps } else { hi };
        (((steps + MAGIC) - MAGIC) as i32 + self.zero as i32) as u8
    }

    /// True if floats make its steps.
    #[inline(always)]
    pub const fn is_float(self) -> bool {
        matches!(self.arithmetic, Arithmetic::Float)
    }

    /// Words of a factor of its sums.
    #[inline(always)]
    pub const fn factors(self) -> usize {
        match self.arithmetic {
            Arithmetic::Float | Arithmetic::Fixed => 1,
            Arithmetic::Twice | Arithmetic::Once => 2,
        }
    }

    /// The byte of a sum.
    #[inline(always)]
    pub const fn of_sum(self, sum: i32, factor: Factor) -> u8 {
        match self.arithmetic {
            Arithmetic::Float => self.byte(sum as f32 * factor.real()),
            Arithmetic::Fixed => self.whole(factor.steps(sum as i64)),
            Arithmetic::Twice => self.whole(factor.scaled(sum) as i64),
            Arithmetic::Once => self.whole(factor.scaled_once(sum)),
        }
    }

    /// The byte of so many whole steps.
    #[inline(always)]
    pub const fn whole(self, steps: i64) -> u8 {
        let [lo, hi] = self.bounds();
        let steps = if steps > lo as i64 { steps } else { lo as i64 };
        let steps = if steps < hi as i64 { steps } else { hi as i64 };
        (steps as i32 + self.zero as i32) as u8
    }
}

impl Factor {
    /// For [`Arithmetic::Float`].
    #[inline(always)]
    pub const fn float(factor: f32) -> Self {
        Self(factor.to_bits(), 0)
    }

    /// For [`Arithmetic::Fixed`]: `mantissa * 2^-shift`, where `mantissa < 2^24` and `shift` is from 1 to 60. It is kept
    /// with as great a mantissa as there is, on which vectors rely.
    #[inline(always)]
    pub const fn fixed(mantissa: u32, shift: u32) -> Self {
        let (mut mantissa, mut shift) = (mantissa, shift);
        while mantissa < 1 << 23 && shift < 60 {
            (mantissa, shift) = (mantissa << 1, shift + 1);
        }
        Self(mantissa << 8 | shift, 0)
    }

    /// For [`Arithmetic::Twice`] and [`Arithmetic::Once`]: `mantissa * 2^(exponent - 31)`, `mantissa < 2^31` and `exponent` from -31 to 30.
    #[inline(always)]
    pub const fn twice(mantissa: u32, exponent: i32) -> Self {
        Self(mantissa, exponent)
    }

    /// `x` times what was given to [`Factor::twice`], rounded once; a greater exponent counts as 28, which takes any sum
    /// beyond all bytes.
    #[inline(always)]
    pub const fn scaled_once(self, x: i32) -> i64 {
        let exponent = if self.1 < -31 { -31 } else { self.1 };
        let shift = 31 - if exponent > MOST_ONCE { MOST_ONCE } else { exponent };
        shifted(x as i64 * self.0 as i32 as i64, shift as u32)
    }

    /// `x` times what was given to [`Factor::twice`], rounded twice; what leaves 32 bits on the way is lost.
    #[inline(always)]
    pub const fn scaled(self, x: i32) -> i32 {
        let up = if self.1 > 0 { self.1 as u32 } else { 0 };
        let down = if self.1 < 0 { self.1.unsigned_abs() & 31 } else { 0 };
        let product = x.wrapping_shl(up) as i64 * self.0 as i32 as i64;
        rounded((product + (1 << 30)) >> 31, down)
    }

    /// An integer below 2^24: the factor is `mantissa * 2^-shift`.
    #[inline(always)]
    pub const fn mantissa(self) -> u32 {
        self.0 >> 8
    }

    /// From 1 to 60.
    #[inline(always)]
    pub const fn shift(self) -> u32 {
        self.0 & 0xff
    }

    /// What was given to [`Factor::float`].
    #[inline(always)]
    pub const fn real(self) -> f32 {
        f32::from_bits(self.0)
    }

    /// `x`, within 2^38 of zero, times what was given to [`Factor::fixed`].
    #[inline(always)]
    pub const fn steps(self, x: i64) -> i64 {
        shifted(x * self.mantissa() as i64, self.shift())
    }

    /// The same over `count`, at most 2^20, of a sum of so many bytes; of none, the least steps.
    #[inline(always)]
    pub const fn mean(self, sum: i32, count: usize) -> i64 {
        if count == 0 {
            return i32::MIN as i64;
        }
        // A greater shift makes less than half a step of any mean of bytes.
        let shift = if self.shift() > 40 { 40 } else { self.shift() };
        let divisor = (count as i64) << shift;
        (sum as i64 * self.mantissa() as i64 + (divisor >> 1)).div_euclid(divisor)
    }
}

impl Term {
    /// The operand `q`.
    #[inline(always)]
    pub const fn of(self, q: i32) -> i64 {
        (q - self.zero as i32) as i64 * self.factor as i64
    }
}

impl Share {
    /// The operand `q`.
    #[inline(always)]
    pub const fn of(self, q: i32) -> i32 {
        self.factor.scaled((q - self.zero as i32) << SHARE_LIFT)
    }
}

impl Pair {
    /// Bytes of the result.
    #[inline(always)]
    pub const fn levels(self) -> Levels {
        match self {
            Self::Float { levels, .. }
            | Self::Fixed { levels, .. }
            | Self::Twice { levels, .. } => levels,
        }
    }

    /// The byte of `a + b`.
    #[inline(always)]
    pub const fn add(self, x: u8, y: u8) -> u8 {
        match self {
            Self::Float { a, b, scale, levels } => levels.byte((a.real(x) + b.real(y)) / scale),
            Self::Fixed { a, b, shift, levels } => {
                levels.whole(shifted(a.of(x as i32) + b.of(y as i32), shift))
            }
            Self::Twice { a, b, factor, levels } => {
                levels.of_sum(a.of(x as i32).wrapping_add(b.of(y as i32)), factor)
            }
        }
    }

    /// The byte of `a * b`.
    #[inline(always)]
    pub const fn mul(self, x: u8, y: u8) -> u8 {
        match self {
            Self::Float { a, b, scale, levels } => levels.byte(a.real(x) * b.real(y) / scale),
            Self::Fixed { a, b, shift, levels } => {
                levels.whole(shifted(a.of(x as i32) * b.of(y as i32), shift))
            }
            Self::Twice { a, b, factor, levels } => {
                levels.of_sum((x as i32 - a.zero as i32) * (y as i32 - b.zero as i32), factor)
            }
        }
    }
}

impl Product {
    /// The byte of `a * b`.
    #[inline(always)]
    pub const fn mul(self, x: u8, y: u8) -> u8 {
        let product = (x as i32 - self.a as i32) * (y as i32 - self.b as i32);
        self.levels.byte(product as f32 * self.factor + self.early)
    }
}

/// `x * 2^-shift`, halves up.
#[inline(always)]
pub(crate) const fn shifted(x: i64, shift: u32) -> i64 {
    (x + (1 << (shift - 1))) >> shift
}

/// The integer nearest to `x * 2^-down`, halves away from zero; `x` is of 32 bits.
#[inline(always)]
pub(crate) const fn rounded(x: i64, down: u32) -> i32 {
    let half = (1_i64 << down) >> 1;
    // A negative half is one below where halves would go up.
    let less = if half > 0 { x >> 63 } else { 0 };
    ((x + half + less) >> down) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: Levels = Levels { zero: 10, lo: 3, hi: 200, arithmetic: Arithmetic::Float };

    #[test]
    fn halves_go_to_even_and_bounds_hold() {
        let bytes = [0.5, 1.5, -0.5, -2.5, 1e30, -1e30, f32::NAN].map(|x| LEVELS.byte(x));
        assert_eq!(bytes, [10, 12, 10, 8, 200, 3, 3]);
    }

    #[test]
    fn halves_of_integers_go_up_and_bounds_hold() {
        let levels = Levels { arithmetic: Arithmetic::Fixed, ..LEVELS };
        let half = Factor::fixed(1 << 23, 24);
        let bytes = [1, 3, -1, -5, i32::MAX, i32::MIN].map(|sum| levels.of_sum(sum, half));
        assert_eq!(bytes, [11, 12, 10, 8, 200, 3]);
    }

    #[test]
    fn integers_are_rounded_up_and_then_away_from_zero() {
        let levels = Levels { arithmetic: Arithmetic::Twice, ..LEVELS };
        let half = Factor::twice(1 << 30, 0);
        let bytes = [1, 3, -1, -5, i32::MAX, i32::MIN].map(|sum| levels.of_sum(sum, half));
        assert_eq!(bytes, [11, 12, 10, 8, 200, 3]);
        let eighth = Factor::twice(1 << 30, -2);
        assert_eq!([4, -4, 3, -3, 12, -12].map(|sum| eighth.scaled(sum)), [1, -1, 1, 0, 2, -2]);
        assert_eq!([4, -4, 3, -3, 12, -12].map(|sum| eighth.scaled_once(sum)), [1, 0, 0, 0, 2, -1]);
        let four = Factor::twice(1 << 30, 3);
        assert_eq!([5, -5, 1 << 30].map(|sum| four.scaled(sum)), [20, -20, 0]);
        assert_eq!(Factor::twice(0, 0).scaled(i32::MIN), 0);
        assert_eq!(Factor::twice((1 << 31) - 1, -31).scaled(i32::MIN), -1);
    }

    #[test]
    fn means_of_integers_are_rounded_once() {
        let half = Factor::fixed(1 << 23, 24);
        let means = [(3, 1), (9, 3), (8, 3), (-9, 3), (-3, 2)].map(|(sum, n)| half.mean(sum, n));
        assert_eq!(means, [2, 2, 1, -1, -1]);
        assert_eq!(Factor::fixed(1 << 23, 60).mean(255, 1), 0);
    }
}
