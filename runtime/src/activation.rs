//! Activations that a kernel applies to its sums before it stores them.

use crate::clamp::Clamp;
use crate::kernel::unary::Unary;

/// The last step of a convolution or dense layer; it costs what it computes and no memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Bounds, kept in registers.
    Clamp(Clamp),
    /// Any function of one number.
    Function(Unary),
}

impl Activation {
    /// Every number passes.
    pub const NONE: Self = Self::Clamp(Clamp::NONE);
    /// Negative numbers become zero.
    pub const RELU: Self = Self::Clamp(Clamp::RELU);
    /// Numbers end up in `0..=6`.
    pub const RELU6: Self = Self::Clamp(Clamp::RELU6);

    /// The result for one sum.
    #[inline(always)]
    pub fn apply(self, sum: f32) -> f32 {
        match self {
            Self::Clamp(clamp) => clamp.apply(sum),
            Self::Function(function) => function.apply(sum),
        }
    }

    /// The bounds that are left behind its function, if it has one.
    #[inline(always)]
    pub(crate) const fn clamp(self) -> Clamp {
        match self {
            Self::Clamp(clamp) => clamp,
            Self::Function(_) => Clamp::NONE,
        }
    }
}
