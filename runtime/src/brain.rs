//! bfloat16: the upper half of an `f32`, as wide in range and with eight digits, which some machines multiply in pairs.
//!
//! A number is widened exactly and rounded to nearest, ties to even, as the instructions of x86-64 do it, bit for bit: to
//! them a subnormal number is zero, so it is here. NaN stays NaN.

/// A 16-bit float with the exponent of an `f32`, by its bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Brain(pub u16);

/// The bits of an infinite `f32`; those of NaN are more.
const INFINITE: u32 = 0x7f80_0000;
/// The bits of the least normal `f32`.
const LEAST: u32 = 0x0080_0000;

impl Brain {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// The greatest finite number, 255 times 2 to the power 120.
    pub const MAX: Self = Self(0x7f7f);

    /// This number in 32 bits.
    #[inline(always)]
    pub const fn real(self) -> f32 {
        f32::from_bits((self.0 as u32) << 16)
    }

    /// The nearest number, of two the even one; zero, of its sign, for a subnormal one.
    #[inline(always)]
    pub const fn of(x: f32) -> Self {
        let (bits, magnitude) = (x.to_bits(), x.to_bits() & 0x7fff_ffff);
        let rounded = if magnitude > INFINITE {
            bits | 0x0040_0000
        } else if magnitude < LEAST {
            bits & 0x8000_0000
        } else {
            let odd = (bits >> 16) & 1;
            bits + 0x7fff + odd
        };
        Self((rounded >> 16) as u16)
    }
}

/// Weights of a product for two inputs that lie side by side, the first one's lower; or, by its bits, the `f32` that a sum
/// begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Pair(pub u32);

impl Pair {
    /// The weights of two inputs.
    #[inline(always)]
    pub const fn of(first: Brain, second: Brain) -> Self {
        Self(first.0 as u32 | (second.0 as u32) << 16)
    }

    /// The initial value of a sum.
    #[inline(always)]
    pub const fn bias(x: f32) -> Self {
        Self(x.to_bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_but_what_is_subnormal() {
        for bits in 0..=u16::MAX {
            let (brain, x) = (Brain(bits), Brain(bits).real());
            let kept = match () {
                () if x.is_nan() => Brain(bits | 0x40),
                () if x.is_subnormal() => Brain(bits & 0x8000),
                () => brain,
            };
            assert_eq!(Brain::of(x), kept, "{bits:#x}");
        }
    }

    #[test]
    fn what_lies_between_goes_to_the_nearer_and_ties_to_the_even() {
        for bits in 0x80..=Brain::MAX.0 {
            let (low, high) = (Brain(bits), Brain(bits + 1));
            let middle = f32::from_bits(u32::from(bits) << 16 | 0x8000);
            let even = if bits % 2 == 0 { low } else { high };
            for (x, rounded) in
                [(middle.next_down(), low), (middle, even), (middle.next_up(), high)]
            {
                assert_eq!(Brain::of(x), rounded, "{x:e}");
                assert_eq!(Brain::of(-x).0, rounded.0 | 0x8000, "{:e}", -x);
            }
        }
    }

    #[test]
    fn the_ends_are_zero_and_infinity() {
        let of = |x: f32| Brain::of(x).0;
        assert_eq!([of(0.0), of(-0.0), of(1e-45), of(-1e-38)], [0, 0x8000, 0, 0x8000]);
        assert_eq!([of(f32::MIN_POSITIVE), of(f32::MAX)], [0x80, 0x7f80]);
        assert_eq!([of(f32::INFINITY), of(f32::NEG_INFINITY)], [0x7f80, 0xff80]);
        // A signalling NaN of a single last digit is still one.
        assert_eq!(of(f32::from_bits(INFINITE + 1)), 0x7fc0);
    }
}
