//! The range that a kernel's last step keeps its results in: ReLU, ReLU6, Clip, or no bound at all.

/// Bounds of a result, in the result's own unit; an infinite bound costs nothing once it is a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamp {
    /// The least result.
    pub lo: f32,
    /// The greatest result.
    pub hi: f32,
}

impl Clamp {
    /// Every number passes.
    pub const NONE: Self = Self { lo: f32::NEG_INFINITY, hi: f32::INFINITY };
    /// Negative numbers become zero.
    pub const RELU: Self = Self { lo: 0.0, hi: f32::INFINITY };
    /// Numbers end up in `0..=6`.
    pub const RELU6: Self = Self { lo: 0.0, hi: 6.0 };

    /// The number in the range that is nearest to `x`; NaN stays NaN.
    ///
    /// Two comparisons rather than `f32::max`: they are one instruction each on x86, and fold away at infinity.
    #[inline(always)]
    pub const fn apply(self, x: f32) -> f32 {
        let raised = if x < self.lo { self.lo } else { x };
        if raised > self.hi { self.hi } else { raised }
    }
}

#[cfg(test)]
mod tests {
    use super::Clamp;

    #[test]
    fn numbers_outside_move_to_the_nearer_bound() {
        let clamped = [-3.0, 0.5, 9.0].map(|x| Clamp::RELU6.apply(x));
        assert_eq!(clamped, [0.0, 0.5, 6.0]);
        assert_eq!(Clamp::RELU.apply(9.0), 9.0);
    }

    #[test]
    fn no_clamp_keeps_every_bit() {
        for x in [f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE, f32::INFINITY, f32::NAN] {
            assert_eq!(Clamp::NONE.apply(x).to_bits(), x.to_bits());
        }
    }

    #[test]
    fn nan_is_not_hidden() {
        assert!(Clamp::RELU6.apply(f32::NAN).is_nan());
    }
}
