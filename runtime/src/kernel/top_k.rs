//! The greatest or least numbers along one axis of a tensor in their order, or where they are.

use core::cmp::Ordering;

use crate::simd::Number;

/// A tensor of `outer` blocks of `axis` rows of `inner` numbers; of the numbers of a block at the same place in their
/// rows, the first in an order are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK {
    /// Blocks.
    pub outer: usize,
    /// Numbers that are ordered.
    pub axis: usize,
    /// Distance between them; 1 for the last axis.
    pub inner: usize,
    /// Numbers that are told.
    pub count: usize,
    /// True if the least come first.
    pub least: bool,
    /// True if of equal numbers the last comes first.
    pub last: bool,
    /// True if the result holds indices along the axis and not the numbers there.
    pub places: bool,
}

impl TopK {
    /// Ranks the numbers of `x` into `y`: each is looked for behind the one before it, so no memory is needed.
    #[inline(always)]
    pub fn run<X: Number, Y: Number>(&self, x: &[X], y: &mut [Y]) {
        let (len, told) = (self.axis * self.inner, self.count * self.inner);
        let fits = x.len() == self.outer * len && y.len() == self.outer * told;
        assert!(fits, "operand and result are as long as their shapes say");
        for (x, y) in x.chunks_exact(len.max(1)).zip(y.chunks_exact_mut(told.max(1))) {
            for column in 0..self.inner {
                self.column(column, x, y);
            }
        }
    }

    /// The first numbers of one column of a block.
    #[inline(always)]
    fn column<X: Number, Y: Number>(&self, column: usize, x: &[X], y: &mut [Y]) {
        let mut before = None;
        for y in y.iter_mut().skip(column).step_by(self.inner.max(1)) {
            let mut best: Option<(f32, usize)> = None;
            let numbers = x.iter().skip(column).step_by(self.inner.max(1));
            for (place, x) in numbers.enumerate() {
                let it = (x.real(), place);
                let is_left = before.is_none_or(|before| self.order(before, it).is_lt());
                if is_left && best.is_none_or(|best| self.order(it, best).is_lt()) {
                    best = Some(it);
                }
            }
            if let Some((value, place)) = best {
                *y = Y::of(if self.places { place as f32 } else { value });
            }
            before = best;
        }
    }

    /// The order of two numbers and their places; what is no number comes before or behind all others by its sign.
    #[inline(always)]
    fn order(&self, a: (f32, usize), b: (f32, usize)) -> Ordering {
        // The zeros are equal.
        let value = (a.0 + 0.0).total_cmp(&(b.0 + 0.0));
        let value = if self.least { value.reverse() } else { value };
        let place = if self.last { a.1.cmp(&b.1) } else { b.1.cmp(&a.1) };
        value.then(place).reverse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: TopK =
        TopK { outer: 2, axis: 3, inner: 1, count: 2, least: false, last: false, places: true };

    fn of(top: TopK) -> [f32; 4] {
        let mut y = [9.0; 4];
        top.run(&[1.0, 3.0, 3.0, -0.0, 0.0, -1.0], &mut y);
        y
    }

    #[test]
    fn numbers_are_ranked_along_their_axis() {
        assert_eq!(of(TOP), [1.0, 2.0, 0.0, 1.0]);
        assert_eq!(of(TopK { last: true, ..TOP }), [2.0, 1.0, 1.0, 0.0]);
        assert_eq!(of(TopK { least: true, ..TOP }), [0.0, 1.0, 2.0, 0.0]);
        assert_eq!(of(TopK { places: false, ..TOP }), [3.0, 3.0, 0.0, 0.0]);
    }

    #[test]
    fn columns_are_ranked_apart() {
        let mut y = [9.0; 3];
        let top = TopK { outer: 1, axis: 2, inner: 3, count: 1, ..TOP };
        top.run(&[1.0, f32::NEG_INFINITY, 3.0, 2.0, f32::NEG_INFINITY, -3.0], &mut y);
        assert_eq!(y, [1.0, 0.0, 0.0]);
    }
}
