//! The integers and truth values that floats carry, where the caller takes them.

use crate::simd::Number;

/// An integer that a caller takes.
pub trait Integer: Copy {
    /// The integer that `x` carries: cut to the type, and 0 of what is no number.
    fn of(x: f32) -> Self;
}

/// Integers that a cast makes.
macro_rules! cast {
    ($($integer:ty)*) => {
        $(impl Integer for $integer {
            #[inline(always)]
            fn of(x: f32) -> Self {
                x as $integer
            }
        })*
    };
}

cast!(u8 i32 i64);

/// `y` = the integers that `x` carries.
#[inline(always)]
pub fn integers<X: Number, Y: Integer>(x: &[X], y: &mut [Y]) {
    assert!(x.len() == y.len(), "operand and result are equally long");
    for (y, x) in y.iter_mut().zip(x) {
        *y = Y::of(x.real());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_the_integers_that_they_carry() {
        let x = [-3.0, 0.0, 1.0, 16_777_216.0];
        let (mut long, mut short, mut truths) = ([0_i64; 4], [0_i32; 4], [0_u8; 2]);
        integers(&x, &mut long);
        integers(&x, &mut short);
        integers(&x[1..3], &mut truths);
        assert_eq!((long, short), ([-3, 0, 1, 1 << 24], [-3, 0, 1, 1 << 24]));
        assert_eq!(truths, [0, 1]);
    }
}
