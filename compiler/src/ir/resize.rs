//! Resizing of pictures: where each row and column of the result lies in the operand, as exact fractions.

/// Attributes of a resize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resize {
    /// What is taken between pixels.
    pub blend: Blend,
    /// Rows and columns of the result.
    pub size: [usize; 2],
    /// Where rows lie.
    pub down: Scale,
    /// Where columns lie.
    pub across: Scale,
}

/// What is taken between pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blend {
    /// The pixel at the position, rounded down: rounding to the nearest is part of the position.
    Nearest,
    /// The two pixels around the position, each by its nearness.
    Linear,
}

/// Pixel `i` of the result lies at `(i * step + shift) / per` of the operand, or at its edge if that is outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Numerator of the distance between neighbours.
    pub step: usize,
    /// Numerator of the first position.
    pub shift: isize,
    /// Denominator.
    pub per: usize,
    /// The pixel of the operand for each of the result, where no fraction says it; empty where one does.
    pub listed: Vec<usize>,
}

impl Scale {
    /// Positions that a fraction says.
    pub fn new(step: usize, shift: isize, per: usize) -> Self {
        Self { step, shift, per, listed: Vec::new() }
    }

    /// The pixel at or before pixel `i` of the result in an operand of `len`, and the part of the way to the next.
    pub fn at(&self, i: usize, len: usize) -> (usize, f32) {
        if let Some(pixel) = self.listed.get(i) {
            return (*pixel, 0.0);
        }
        let position = ((i * self.step) as isize).saturating_add(self.shift).max(0) as usize;
        let position = position.min((len - 1) * self.per);
        (position / self.per, (position % self.per) as f32 / self.per as f32)
    }
}
