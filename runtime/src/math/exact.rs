//! Functions whose result is exact or correctly rounded: square root and rounding to whole numbers.

/// The square root, correctly rounded.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    return crate::simd::cpu::sqrt(x);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return whole_number_sqrt(x);
}

/// The square root by that of a whole number, for machines whose own `core` does not offer.
#[cfg(any(test, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn whole_number_sqrt(x: f32) -> f32 {
    if x == 0.0 || x.is_nan() || x == f32::INFINITY {
        return x;
    }
    if x < 0.0 {
        return f32::NAN;
    }
    let (normal, lift) = if x < f32::MIN_POSITIVE { (x * 16_777_216.0, 24) } else { (x, 0) };
    let bits = normal.to_bits();
    let exponent = (bits >> 23) as i32 - 127 - lift;
    let mantissa = u64::from(bits & 0x7f_ffff | 0x80_0000);
    // An even exponent is left; the root then has 25 bits: one to round by, and it is never halfway.
    let root = (mantissa << (25 + (exponent & 1))).isqrt();
    let rounded = ((root + 1) >> 1) as u32;
    // The mantissa's leading bit adds the 1 that the exponent lacks.
    f32::from_bits(((((exponent >> 1) + 126) as u32) << 23) + rounded)
}

/// The nearest whole number; from halfway, the even one.
#[inline(always)]
pub fn round(x: f32) -> f32 {
    const TWO_23: f32 = 8_388_608.0; // from here on, every number is whole
    let rounded = (x.abs() + TWO_23) - TWO_23;
    if x.abs() < TWO_23 { rounded.copysign(x) } else { x }
}

/// The greatest whole number that is not above `x`.
#[inline(always)]
pub fn floor(x: f32) -> f32 {
    let near = round(x);
    (if near > x { near - 1.0 } else { near }).copysign(x)
}

/// The least whole number that is not below `x`.
#[inline(always)]
pub fn ceil(x: f32) -> f32 {
    -floor(-x)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::math::tests::samples;

    #[test]
    fn roots_are_correctly_rounded() {
        for x in samples(1013) {
            assert!(same(sqrt(x), x.sqrt()), "{x:e}");
            assert!(same(whole_number_sqrt(x), x.sqrt()), "{x:e}: {:e}", whole_number_sqrt(x));
        }
    }

    #[test]
    fn whole_numbers_are_those_of_std() {
        for x in samples(1013).chain([0.5, 1.5, 2.5, -0.5, -1.5, -0.0, 0.49999997, 8_388_607.5]) {
            assert!(same(round(x), x.round_ties_even()), "{x:e}");
            assert!(same(floor(x), x.floor()), "{x:e}");
            assert!(same(ceil(x), x.ceil()), "{x:e}");
        }
    }

    fn same(a: f32, b: f32) -> bool {
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
    }
}
