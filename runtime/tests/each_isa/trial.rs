//! What each kernel is asked to do with one image: rows, parts of rows, residuals; and whether it did no more.

use crate::value::{Filter, Value, check};
use mnv2c_runtime::part::Part;
use mnv2c_runtime::simd::residual::Residual;
use std::ops::Range;

/// One convolution of one image.
pub(crate) struct Trial<'a> {
    pub(crate) filter: &'a Filter,
    pub(crate) x: Value,
    pub(crate) y: Value,
}

impl Trial<'_> {
    /// Row by row with each kind of residual, all rows at once, panel by panel, and some pixels at a time.
    pub(crate) fn gemm(
        &self,
        mr: usize,
        panel: usize,
        run: impl Fn(&[f32], &mut [f32], Residual<'_>, Part),
    ) {
        let (width, per_group) = (self.y.width, self.filter.c_out / self.filter.groups);
        let panels = 0..per_group.div_ceil(panel);
        let part = |rows| Part { rows, pixels: 0..width, panels: panels.clone() };
        self.each_row(|x, y, rows| run(x, y, Residual::None, part(rows)));
        self.each_residual(width.is_multiple_of(mr), |x, y, skip, rows| {
            run(x, y, skip, part(rows))
        });
        for pixels in [0..mr, width - mr..width] {
            self.row_1(pixels.clone(), 0..self.filter.c_out, |x, y| {
                run(x, y, Residual::None, Part { pixels: pixels.clone(), ..part(1..2) });
            });
        }
        if self.filter.groups > 1 {
            return;
        }
        for p in panels.clone() {
            self.row_1(0..width, p * panel..per_group.min((p + 1) * panel), |x, y| {
                run(x, y, Residual::None, Part { panels: p..p + 1, ..part(1..2) });
            });
        }
    }

    /// Row by row, all rows at once, vector by vector, and some pixels at a time.
    pub(crate) fn depthwise(&self, t: usize, lanes: usize, run: impl Fn(&[f32], &mut [f32], Part)) {
        let (width, c_out) = (self.y.width, self.filter.c_out);
        let vectors = 0..c_out.div_ceil(lanes);
        let part = |rows| Part { rows, pixels: 0..width, panels: vectors.clone() };
        self.each_row(|x, y, rows| run(x, y, part(rows)));
        for pixels in [0..t, width - t..width] {
            self.row_1(pixels.clone(), 0..c_out, |x, y| {
                run(x, y, Part { pixels: pixels.clone(), ..part(1..2) });
            });
        }
        for v in vectors.clone() {
            self.row_1(0..width, v * lanes..c_out.min((v + 1) * lanes), |x, y| {
                run(x, y, Part { panels: v..v + 1, ..part(1..2) });
            });
        }
    }

    /// Runs row by row and, where all are stored, over all rows.
    fn each_row(&self, run: impl Fn(&[f32], &mut [f32], Range<usize>)) {
        let Trial { filter, x, y } = self;
        let all = [0..y.height, 0..y.width, 0..filter.c_out];
        for row in 0..y.height {
            let [_, pixels, channels] = all.clone();
            let ranges = [row..row + 1, pixels, channels];
            self.plain(&x.memory(filter.rows(row)), ranges, |x, y| run(x, y, row..row + 1));
        }
        if x.ring.kept >= x.all().count() && y.ring.kept >= y.height {
            self.plain(&x.memory(x.all()), all, |x, y| run(x, y, 0..self.y.height));
        }
    }

    /// Runs row by row with a residual from elsewhere and, if asked, from the output itself.
    fn each_residual(
        &self,
        in_place: bool,
        run: impl Fn(&[f32], &mut [f32], Residual<'_>, Range<usize>),
    ) {
        let Trial { filter, x, y } = self;
        for row in 0..y.height {
            let memory = x.memory(filter.rows(row));
            let skip = y.memory([row as isize].into_iter());
            let ranges = [row..row + 1, 0..y.width, 0..filter.c_out];
            let sum = |r: usize, p: usize, c: usize| {
                filter.answer(x, y.at(r as isize, p as isize, c), r, p, c)
            };
            let before = vec![f32::NAN; skip.len()];
            let mut after = before.clone();
            run(&memory, &mut after, Residual::Of(&skip, y.ring), row..row + 1);
            check(y, [&before, &after], ranges.clone(), sum);
            if in_place {
                let mut after = skip.clone();
                run(&memory, &mut after, Residual::InPlace, row..row + 1);
                check(y, [&skip, &after], ranges, sum);
            }
        }
    }

    /// Runs a part of row 1.
    fn row_1(
        &self,
        pixels: Range<usize>,
        channels: Range<usize>,
        run: impl Fn(&[f32], &mut [f32]),
    ) {
        self.plain(&self.x.memory(self.filter.rows(1)), [1..2, pixels, channels], run);
    }

    /// Runs without a residual, and checks a part of the output.
    fn plain(&self, x: &[f32], ranges: [Range<usize>; 3], run: impl Fn(&[f32], &mut [f32])) {
        let before = self.y.memory([].into_iter());
        let mut after = before.clone();
        run(x, &mut after);
        let answer = |row, pixel, c| self.filter.answer(&self.x, 0.0, row, pixel, c);
        check(&self.y, [&before, &after], ranges, answer);
    }
}
