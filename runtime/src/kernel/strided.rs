//! Copies between tensors that lie differently: transpose, slice, broadcast, a part of a concat, the inside of a pad.
//!
//! A copy is checked once, when a `const` is evaluated; a run then only compares the lengths of two slices.

use crate::simd::Number;

/// Positions of a tensor's elements, in elements; a step may be negative (a reversed slice) or zero (a broadcast).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Steps<const N: usize> {
    /// The tensor's first element.
    start: usize,
    /// From one index to the next, for each axis.
    by: [isize; N],
}

/// A copy of every element of a tensor of `N` axes, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strided<const N: usize> {
    lens: [usize; N],
    from: Steps<N>,
    into: Steps<N>,
    from_len: usize,
    into_len: usize,
}

impl<const N: usize> Strided<N> {
    /// So many elements an axis, with these steps from one to the next in the tensor read and in the one written, both
    /// from their first element on; to be called in a `const`.
    pub const fn new(lens: [usize; N], from: [isize; N], into: [isize; N]) -> Self {
        Self::at([0, 0], lens, from, into)
    }

    /// The same from other elements on, of the tensor read and of the one written. Checks that no index leads below
    /// element 0; to be called in a `const`.
    pub const fn at(
        starts: [usize; 2],
        lens: [usize; N],
        from: [isize; N],
        into: [isize; N],
    ) -> Self {
        assert!(N > 0, "a tensor has an axis");
        let (from, into) =
            (Steps { start: starts[0], by: from }, Steps { start: starts[1], by: into });
        let (from_len, into_len) = (from.reach(&lens), into.reach(&lens));
        Self { lens, from, into, from_len, into_len }
    }

    /// Copies `x` into `y`; elements of `y` between steps are kept.
    #[inline(always)]
    pub fn run<E: Copy>(&self, x: &[E], y: &mut [E]) {
        self.run_by(x, y, |x, y| y.copy_from_slice(x), |x| x);
    }

    /// Copies `x` into `y` between different types of numbers.
    #[inline(always)]
    pub fn convert<X: Number, Y: Number>(&self, x: &[X], y: &mut [Y]) {
        let run = |x: &[X], y: &mut [Y]| convert(x, y);
        self.run_by(x, y, run, |x| Y::of(x.real()));
    }

    /// Copies runs by `run` and single elements by `one`.
    #[inline(always)]
    fn run_by<X: Copy, Y>(
        &self,
        x: &[X],
        y: &mut [Y],
        run: impl Fn(&[X], &mut [Y]),
        one: impl Fn(X) -> Y,
    ) {
        if let Some(weave) = self.weave() {
            return self.each_block(2, x.len(), y.len(), |from, into| {
                weave.run(&x[from..], &mut y[into..], &one);
            });
        }
        if let Some(turn) = self.turn() {
            return self.each_block(2, x.len(), y.len(), |from, into| {
                turn.run(&x[from..], &mut y[into..], &one);
            });
        }
        let (len, from_by, into_by) = self.innermost();
        self.each_run(x.len(), y.len(), |from, into| match (from_by, into_by) {
            (1, 1) => {
                if let (Some(x), Some(y)) = (x.get(from..from + len), y.get_mut(into..into + len)) {
                    run(x, y);
                }
            }
            _ => each_step(len, [from, into], [from_by, into_by], |[from, into]| {
                if let (Some(x), Some(y)) = (x.get(from), y.get_mut(into)) {
                    *y = one(*x);
                }
            }),
        });
    }

    /// The weave of the last two axes, if they interleave a few runs into one or split one into a few.
    #[inline(always)]
    fn weave(&self) -> Option<Weave> {
        let [a, b] = [N.checked_sub(2)?, N - 1];
        let (lens, from, into) = (&self.lens, &self.from.by, &self.into.by);
        let (runs, len, woven) = match (from[a], from[b], into[a], into[b]) {
            (1, by, step, 1) if step == lens[b] as isize && by > 0 => (lens[b], lens[a], true),
            (1, by, step, 1) if by == lens[a] as isize && step > 0 => (lens[a], lens[b], false),
            _ => return None,
        };
        let by = if woven { from[b] } else { into[a] } as usize;
        (len > 0 && runs > 1 && runs <= Weave::MOST && by >= len).then_some(Weave {
            runs,
            len,
            by,
            woven,
        })
    }

    /// The transpose of the last two axes, if they make columns rows.
    #[inline(always)]
    fn turn(&self) -> Option<Turn> {
        let [a, b] = [N.checked_sub(2)?, N - 1];
        let (from_by, into_by) = (self.from.by[b], self.into.by[a]);
        let turns = self.count() > 0
            && self.from.by[a] == 1
            && self.into.by[b] == 1
            && from_by > 1
            && into_by > 1;
        let [rows, columns] = [self.lens[a], self.lens[b]];
        let (from_by, into_by) = (from_by as usize, into_by as usize);
        (turns && from_by >= rows && into_by >= columns).then_some(Turn {
            rows,
            columns,
            from_by,
            into_by,
        })
    }

    /// Elements of all axes together.
    pub(crate) fn count(&self) -> usize {
        self.lens.iter().product()
    }

    /// Length of the last axis, and the steps along it.
    #[inline(always)]
    pub(crate) fn innermost(&self) -> (usize, isize, isize) {
        (self.lens[N - 1], self.from.by[N - 1], self.into.by[N - 1])
    }

    /// Calls `f` with the offsets where each run along the last axis starts.
    ///
    /// Every offset of every run lies within the lengths, which are compared here: a `get` by it always succeeds.
    #[inline(always)]
    pub(crate) fn each_run(&self, x_len: usize, y_len: usize, f: impl FnMut(usize, usize)) {
        self.each_block(1, x_len, y_len, f);
    }

    /// Calls `f` with the offsets where each block of the last `inner` axes starts.
    #[inline(always)]
    fn each_block(
        &self,
        inner: usize,
        x_len: usize,
        y_len: usize,
        mut f: impl FnMut(usize, usize),
    ) {
        assert!(
            self.from_len <= x_len && self.into_len <= y_len,
            "both tensors lie in their slices"
        );
        let blocks: usize = self.lens[..N - inner].iter().product();
        let (mut from, mut into) = (self.from.start, self.into.start);
        let mut index = [0; N];
        for _ in 0..blocks {
            f(from, into);
            for axis in (0..N - inner).rev() {
                from = from.wrapping_add_signed(self.from.by[axis]);
                into = into.wrapping_add_signed(self.into.by[axis]);
                index[axis] += 1;
                if index[axis] < self.lens[axis] {
                    break;
                }
                let back = self.lens[axis] as isize;
                from = from.wrapping_add_signed(-back * self.from.by[axis]);
                into = into.wrapping_add_signed(-back * self.into.by[axis]);
                index[axis] = 0;
            }
        }
    }
}

/// A few runs woven into one, element by element, or one taken apart: a shuffle of channels, pixels from planes.
#[derive(Clone, Copy)]
struct Weave {
    /// Runs, at most [`Weave::MOST`].
    runs: usize,
    /// Elements of each.
    len: usize,
    /// From one run to the next.
    by: usize,
    /// True if the one run is written.
    woven: bool,
}

impl Weave {
    /// More are not unrolled.
    const MOST: usize = 8;

    #[inline(always)]
    fn run<X: Copy, Y>(&self, x: &[X], y: &mut [Y], one: impl Fn(X) -> Y) {
        let Self { runs, len, by, woven } = *self;
        let (apart, together) = ((runs - 1) * by + len, runs * len);
        if woven {
            let x = &x[..apart];
            for (at, y) in y[..together].chunks_exact_mut(runs).enumerate() {
                (0..runs).for_each(|run| y[run] = one(x[run * by + at]));
            }
        } else {
            let y = &mut y[..apart];
            for (at, x) in x[..together].chunks_exact(runs).enumerate() {
                (0..runs).for_each(|run| y[run * by + at] = one(x[run]));
            }
        }
    }
}

/// A matrix whose columns lie one after the other, written so that its rows do.
#[derive(Clone, Copy)]
struct Turn {
    rows: usize,
    columns: usize,
    /// From one column to the next.
    from_by: usize,
    /// From one row to the next.
    into_by: usize,
}

impl Turn {
    /// Numbers that are taken together, along the side whose lines lie further apart, so that lines are used whole.
    const SOME: usize = 16;

    #[inline(always)]
    fn run<X: Copy, Y>(&self, x: &[X], y: &mut [Y], one: impl Fn(X) -> Y) {
        let Self { rows, columns, from_by, into_by } = *self;
        let x = &x[..(columns - 1) * from_by + rows];
        let y = &mut y[..(rows - 1) * into_by + columns];
        if from_by < into_by {
            for first in (0..columns).step_by(Self::SOME) {
                let some = Self::SOME.min(columns - first);
                for row in 0..rows {
                    for (column, y) in y[row * into_by + first..][..some].iter_mut().enumerate() {
                        *y = one(x[(first + column) * from_by + row]);
                    }
                }
            }
        } else {
            for first in (0..rows).step_by(Self::SOME) {
                let some = Self::SOME.min(rows - first);
                for column in 0..columns {
                    for (row, x) in x[column * from_by + first..][..some].iter().enumerate() {
                        y[(first + row) * into_by + column] = one(*x);
                    }
                }
            }
        }
    }
}

/// Numbers one after the other, stored otherwise.
#[inline(always)]
pub(crate) fn convert<X: Number, Y: Number>(x: &[X], y: &mut [Y]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y = Y::of(x.real()));
}

/// Calls `f` with the two offsets at each of `len` steps.
#[inline(always)]
pub(crate) fn each_step(
    len: usize,
    starts: [usize; 2],
    by: [isize; 2],
    mut f: impl FnMut([usize; 2]),
) {
    let [mut from, mut into] = starts;
    for _ in 0..len {
        f([from, into]);
        from = from.wrapping_add_signed(by[0]);
        into = into.wrapping_add_signed(by[1]);
    }
}

impl<const N: usize> Steps<N> {
    /// The length of a slice that just holds every element.
    const fn reach(&self, lens: &[usize; N]) -> usize {
        let (mut least, mut most) = (self.start as isize, self.start as isize);
        let mut axis = 0;
        while axis < N {
            if lens[axis] == 0 {
                return 0;
            }
            let span = (lens[axis] as isize - 1) * self.by[axis];
            if span < 0 {
                least += span;
            } else {
                most += span;
            }
            axis += 1;
        }
        assert!(least >= 0, "no index leads below element 0");
        most as usize + 1
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    const TWO_BY_THREE: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

    #[test]
    fn a_transpose_swaps_steps() {
        let copy = Strided::new([3, 2], [1, 3], [2, 1]);
        let mut y = [0.0; 6];
        copy.run(&TWO_BY_THREE, &mut y);
        assert_eq!(y, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }

    #[test]
    fn a_slice_may_run_backwards() {
        let copy = Strided::at([5, 0], [2, 2], [-3, -2], [2, 1]);
        let mut y = [0.0; 4];
        copy.run(&TWO_BY_THREE, &mut y);
        assert_eq!(y, [6.0, 4.0, 3.0, 1.0]);
    }

    #[test]
    fn a_part_of_a_concat_leaves_the_rest() {
        let copy = Strided::at([0, 1], [2, 3], [3, 1], [4, 1]);
        let mut y = [0.0; 8];
        copy.run(&TWO_BY_THREE, &mut y);
        assert_eq!(y, [0.0, 1.0, 2.0, 3.0, 0.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn a_zero_step_broadcasts() {
        let copy = Strided::at([1, 0], [2, 1, 3], [0, 0, 0], [3, 3, 1]);
        let mut y = [0.0; 6];
        copy.run(&TWO_BY_THREE, &mut y);
        assert_eq!(y, [2.0; 6]);
    }

    #[test]
    fn a_shuffle_of_channels_is_undone_by_its_inverse() {
        // Two pixels of ten channels in five groups, the second pixel one element behind.
        let x: [f32; 21] = core::array::from_fn(|at| at as f32);
        let apart = [11, 1, 2];
        let woven = [11, 5, 1];
        let [mut y, mut again] = [[-1.0; 21]; 2];
        Strided::new([2, 2, 5], apart, woven).run(&x, &mut y);
        assert_eq!(y[..11], [0.0, 2.0, 4.0, 6.0, 8.0, 1.0, 3.0, 5.0, 7.0, 9.0, -1.0]);
        assert_eq!(y[11..], [11.0, 13.0, 15.0, 17.0, 19.0, 12.0, 14.0, 16.0, 18.0, 20.0]);
        let [apart, woven] = [[11, 2, 1], [11, 1, 5]];
        Strided::new([2, 5, 2], woven, apart).run(&y, &mut again);
        assert_eq!(again[..10], x[..10]);
        assert_eq!(again[11..], x[11..]);
    }

    #[test]
    fn columns_become_rows_block_by_block() {
        // Nineteen rows of eleven columns, with a gap behind each row and each column, and the other way round.
        for [rows, columns] in [[19, 11], [11, 19]] {
            let (from_by, into_by) = (rows + 1, columns + 1);
            let x: [u16; 240] = core::array::from_fn(|at| at as u16);
            let mut y = [u16::MAX; 240];
            let from = [1, from_by as isize];
            let into = [into_by as isize, 1];
            Strided::new([rows, columns], from, into).run(&x, &mut y);
            for (at, y) in y.into_iter().enumerate() {
                let (row, column) = (at / into_by, at % into_by);
                let found = row < rows && column < columns;
                assert_eq!(y, if found { (column * from_by + row) as u16 } else { u16::MAX });
            }
        }
    }

    #[test]
    fn six_axes_meet_every_index_once() {
        let lens = [2, 1, 3, 2, 2, 2];
        let from = [1, 1, 2, 6, 12, 24];
        let into = [24, 24, 8, 4, 2, 1];
        let x: [f32; 48] = core::array::from_fn(|at| at as f32);
        let [mut y, mut again] = [[-1.0; 48]; 2];
        Strided::new(lens, from, into).run(&x, &mut y);
        Strided::new(lens, into, from).run(&y, &mut again);
        assert_eq!(again, x);
        assert_eq!(y[..5], [0.0, 24.0, 12.0, 36.0, 6.0]);
    }

    #[test]
    fn nothing_is_copied_from_an_empty_tensor() {
        let copy = Strided::new([0, 3], [3, 1], [3, 1]);
        copy.run::<f32>(&[], &mut []);
    }

    #[test]
    fn an_index_below_zero_is_refused() {
        let below = || Strided::at([1, 0], [3], [-1], [1]);
        assert!(std::panic::catch_unwind(below).is_err());
    }
}
