//! Elements of a tensor that indices name: gathered out of it, or scattered into a copy of it.
//!
//! Indices are computed while the network runs, so none is trusted: negative ones count from the end, and of those that
//! name no element a gather takes the nearest one, while a scatter leaves their update out.

use crate::simd::Number;

/// Elements, `R` axes of them, each of which has `K` indices into a tensor and a fixed place in its other dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indexed<const R: usize, const K: usize> {
    /// Elements along each axis.
    pub shape: [usize; R],
    /// Elements of the tensor from one to the next along each axis, as far as the indices stay the same.
    pub steps: [usize; R],
    /// Numbers of the indices from one to the next along each axis.
    pub places: [usize; R],
    /// Sizes of the dimensions that the indices of an element name, which lie one behind another.
    pub sizes: [usize; K],
    /// Elements of the tensor from one index of such a dimension to the next.
    pub strides: [usize; K],
}

impl<const R: usize, const K: usize> Indexed<R, K> {
    /// `y` = the elements of `x` that `indices` name.
    #[inline(always)]
    pub fn gather<X: Number, I: Number, Y: Number>(&self, x: &[X], indices: &[I], y: &mut [Y]) {
        assert!(y.len() == self.shape.iter().product(), "the result is as long as its shape says");
        self.each(|at, place, start| {
            let offset = self.nearest(indices, place).map(|offset| start + offset);
            let element = offset.and_then(|offset| x.get(offset));
            if let (Some(x), Some(y)) = (element, y.get_mut(at)) {
                *y = Y::of(x.real());
            }
        });
    }

    /// `y` = `x` with `updates` where `indices` say, the last of those that meet.
    #[inline(always)]
    pub fn replace<X: Number, I: Number, U: Number, Y: Number>(
        &self,
        x: &[X],
        indices: &[I],
        updates: &[U],
        y: &mut [Y],
    ) {
        self.scatter(x, indices, updates, y, |_, update| update);
    }

    /// `y` = `x`, with `updates` added where `indices` say.
    #[inline(always)]
    pub fn add<X: Number, I: Number, U: Number, Y: Number>(
        &self,
        x: &[X],
        indices: &[I],
        updates: &[U],
        y: &mut [Y],
    ) {
        self.scatter(x, indices, updates, y, |y, update| y + update);
    }

    /// `y` = `x`, multiplied by `updates` where `indices` say.
    #[inline(always)]
    pub fn mul<X: Number, I: Number, U: Number, Y: Number>(
        &self,
        x: &[X],
        indices: &[I],
        updates: &[U],
        y: &mut [Y],
    ) {
        self.scatter(x, indices, updates, y, |y, update| y * update);
    }

    /// `y` = the lesser of `x` and those of `updates` that `indices` send there.
    #[inline(always)]
    pub fn min<X: Number, I: Number, U: Number, Y: Number>(
        &self,
        x: &[X],
        indices: &[I],
        updates: &[U],
        y: &mut [Y],
    ) {
        self.scatter(x, indices, updates, y, f32::min);
    }

    /// `y` = the greater of `x` and those of `updates` that `indices` send there.
    #[inline(always)]
    pub fn max<X: Number, I: Number, U: Number, Y: Number>(
        &self,
        x: &[X],
        indices: &[I],
        updates: &[U],
        y: &mut [Y],
    ) {
        self.scatter(x, indices, updates, y, f32::max);
    }

    /// `y` = `x`, changed by each update where its indices say.
    #[inline(always)]
    fn scatter<X: Number, I: Number, U: Number, Y: Number>(
        &self,
        x: &[X],
        indices: &[I],
        updates: &[U],
        y: &mut [Y],
        change: impl Fn(f32, f32) -> f32,
    ) {
        let fits = x.len() == y.len() && updates.len() == self.shape.iter().product();
        assert!(fits, "operands and result are as long as their shapes say");
        for (y, x) in y.iter_mut().zip(x) {
            *y = Y::of(x.real());
        }
        self.each(|at, place, start| {
            let offset = self.inside(indices, place).map(|offset| start + offset);
            let element = offset.and_then(|offset| y.get_mut(offset));
            if let (Some(y), Some(update)) = (element, updates.get(at)) {
                *y = Y::of(change(y.real(), update.real()));
            }
        });
    }

    /// Calls `seen` with the number of each element, where its indices begin, and its place in the other dimensions.
    #[inline(always)]
    fn each(&self, mut seen: impl FnMut(usize, usize, usize)) {
        let len: usize = self.shape.iter().product();
        for at in 0..len {
            let (mut rest, mut place, mut start) = (at, 0, 0);
            for axis in (0..R).rev() {
                let index = rest % self.shape[axis];
                rest /= self.shape[axis];
                place += index * self.places[axis];
                start += index * self.steps[axis];
            }
            seen(at, place, start);
        }
    }

    /// The offset of the element that is nearest to the indices at `place`.
    #[inline(always)]
    fn nearest<I: Number>(&self, indices: &[I], place: usize) -> Option<usize> {
        self.offset(indices, place, |index, size| Some(index.clamp(0, size - 1)))
    }

    /// The offset of the element that the indices at `place` name, if there is one.
    #[inline(always)]
    fn inside<I: Number>(&self, indices: &[I], place: usize) -> Option<usize> {
        self.offset(indices, place, |index, size| (0..size).contains(&index).then_some(index))
    }

    #[inline(always)]
    fn offset<I: Number>(
        &self,
        indices: &[I],
        place: usize,
        within: impl Fn(i64, i64) -> Option<i64>,
    ) -> Option<usize> {
        let mut offset = 0;
        for named in 0..K {
            let (index, size) = (indices.get(place + named)?.real() as i64, self.sizes[named]);
            let from_front = if index < 0 { index.saturating_add(size as i64) } else { index };
            offset += within(from_front, size as i64)? as usize * self.strides[named];
        }
        Some(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number of each row of three rows of two.
    const EACH_ROW: Indexed<2, 1> =
        Indexed { shape: [3, 1], steps: [2, 0], places: [1, 1], sizes: [2], strides: [1] };
    const X: [f32; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];

    #[test]
    fn indices_are_taken_from_the_end_and_kept_inside() {
        let of = |indices: [f32; 3]| {
            let mut y = [9.0; 3];
            EACH_ROW.gather(&X, &indices, &mut y);
            y
        };
        assert_eq!(of([0.0, 1.0, -1.0]), [0.0, 3.0, 5.0]);
        assert_eq!(of([-3.0, 2.0, f32::NAN]), [0.0, 3.0, 4.0]);
        assert_eq!(of([f32::NEG_INFINITY, f32::INFINITY, -2.0]), [0.0, 3.0, 4.0]);
    }

    #[test]
    fn updates_that_name_no_element_are_left_out() {
        let mut y = [9.0; 6];
        EACH_ROW.add(&X, &[-1.0, 2.0, -3.0], &[10.0, 20.0, 30.0], &mut y);
        assert_eq!(y, [0.0, 11.0, 2.0, 3.0, 4.0, 5.0]);
    }

    type Run = fn(&Indexed<2, 2>, &[f32], &[f32], &[f32], &mut [f32]);

    #[test]
    fn of_updates_that_meet_the_last_stays() {
        let all: Indexed<2, 2> = Indexed {
            shape: [3, 1],
            steps: [0, 0],
            places: [2, 0],
            sizes: [3, 2],
            strides: [2, 1],
        };
        let (indices, updates) = ([0.0, 1.0, -1.0, 0.0, 0.0, 1.0], [7.0, 8.0, -9.0]);
        let of = |run: Run| {
            let mut y = [9.0; 6];
            run(&all, &X, &indices, &updates, &mut y);
            y
        };
        assert_eq!(of(Indexed::replace), [0.0, -9.0, 2.0, 3.0, 8.0, 5.0]);
        assert_eq!(of(Indexed::add), [0.0, -1.0, 2.0, 3.0, 12.0, 5.0]);
        assert_eq!(of(Indexed::mul), [0.0, -63.0, 2.0, 3.0, 32.0, 5.0]);
        assert_eq!(of(Indexed::min), [0.0, -9.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(of(Indexed::max), [0.0, 7.0, 2.0, 3.0, 8.0, 5.0]);
    }
}
