//! IEEE binary16, a storage format for numbers where half the memory is worth more than their last digits.
//!
//! Nothing is computed in it. A number is widened exactly and rounded to nearest, ties to even, as the instructions of
//! x86-64 and aarch64 do it, bit for bit; here it is written in integers and one sum, for machines without them.

/// A 16-bit float, by its bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Half(pub u16);

/// The bits of an infinite `f32`; those of NaN are more.
const INFINITE: u32 = 0x7f80_0000;
/// The bit of a quiet NaN, which may be computed with.
const QUIET: u32 = 0x0040_0000;
/// The bits of 2 to the power -14, the least normal number.
const LEAST: u32 = 113 << 23;

impl Half {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// The greatest finite number, 65504.
    pub const MAX: Self = Self(0x7bff);

    /// This number in 32 bits; a NaN comes back quiet.
    #[inline(always)]
    pub const fn real(self) -> f32 {
        let (sign, bits) = ((self.0 as u32 & 0x8000) << 16, (self.0 as u32 & 0x7fff) << 13);
        let exponent = bits & (0x1f << 23);
        let magnitude = if exponent == 0x1f << 23 {
            let quiet = if bits == exponent { 0 } else { QUIET };
            bits | INFINITE | quiet
        } else if exponent == 0 {
            // A subnormal, behind the leading digit that it lacks.
            (f32::from_bits(bits + LEAST) - f32::from_bits(LEAST)).to_bits()
        } else {
            bits + (112 << 23)
        };
        f32::from_bits(sign | magnitude)
    }

    /// The nearest number, of two the even one; infinite from 65520 on.
    #[inline(always)]
    pub const fn of(x: f32) -> Self {
        /// Its last digit is that of a subnormal half.
        const HALF: f32 = 0.5;
        let (sign, bits) = ((x.to_bits() >> 16) & 0x8000, x.to_bits() & 0x7fff_ffff);
        let magnitude = if bits > INFINITE {
            0x7e00 | ((bits >> 13) & 0x3ff)
        } else if bits >= 143 << 23 {
            0x7c00
        } else if bits < LEAST {
            (f32::from_bits(bits) + HALF).to_bits() - HALF.to_bits()
        } else {
            let odd = (bits >> 13) & 1;
            (bits - (112 << 23) + 0xfff + odd) >> 13
        };
        Self((sign | magnitude) as u16)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// A number by its definition: sign, exponent and digits.
    fn definition(bits: u16) -> f64 {
        let (exponent, digits) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
        let magnitude = match exponent {
            0 => digits * 2_f64.powi(-24),
            31 if digits == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            _ => (1024.0 + digits) * 2_f64.powi(exponent - 25),
        };
        if bits >> 15 == 1 { -magnitude } else { magnitude }
    }

    #[test]
    fn every_half_is_what_its_bits_say_and_comes_back() {
        for bits in 0..=u16::MAX {
            let (half, x) = (Half(bits), definition(bits));
            if x.is_nan() {
                assert!(half.real().is_nan());
                assert_eq!(Half::of(half.real()).0, bits | 0x200, "the rest of a NaN is kept");
            } else {
                assert_eq!(f64::from(half.real()).to_bits(), x.to_bits(), "{bits:#x}");
                assert_eq!(Half::of(half.real()), half);
            }
        }
    }

    #[test]
    fn what_lies_between_goes_to_the_nearer_and_ties_to_the_even() {
        for bits in 0..0x7c00_u16 {
            let (low, high) = (Half(bits), Half(bits + 1));
            // Beyond the greatest number stands the one that would follow it.
            let above = if bits == Half::MAX.0 { 65536.0 } else { high.real() };
            let middle = low.real() + (above - low.real()) / 2.0;
            let even = if bits % 2 == 0 { low } else { high };
            for (x, rounded) in
                [(middle.next_down(), low), (middle, even), (middle.next_up(), high)]
            {
                assert_eq!(Half::of(x), rounded, "{x:e}");
                assert_eq!(Half::of(-x).0, rounded.0 | 0x8000, "{:e}", -x);
            }
        }
    }

    #[test]
    fn the_ends_are_zero_and_infinity() {
        let of = |x: f32| Half::of(x).0;
        assert_eq!([of(0.0), of(-0.0), of(f32::MIN_POSITIVE), of(-1e-45)], [0, 0x8000, 0, 0x8000]);
        assert_eq!([of(65519.99), of(65520.0), of(f32::MAX)], [0x7bff, 0x7c00, 0x7c00]);
        assert_eq!([of(f32::INFINITY), of(f32::NEG_INFINITY)], [0x7c00, 0xfc00]);
        assert_eq!(of(f32::NAN) & 0x7e00, 0x7e00);
        // A signalling NaN of a single last digit is still one.
        assert_eq!(of(f32::from_bits(INFINITE + 1)), 0x7e00);
    }
}
