//! The loops of a product of two matrices that lie in rows without gaps, as values do that are computed: a tile of sums
//! in registers, of a few rows and a few vectors of columns.
//!
//! Where tiles do not divide rows or columns, the last one overlaps the one before it.

use super::number::Number;
use super::registers::zeros;
use super::vector::Simd;

/// Rows of a tile.
const ROWS: usize = 4;
/// Vectors of a tile.
const VECTORS: usize = 2;

/// The matrices of one product, of which the result has no other element than those of its rows.
pub(crate) struct Matrices<'a, A, B, Y> {
    pub(crate) a: &'a [A],
    pub(crate) b: &'a [B],
    pub(crate) y: &'a mut [Y],
    /// Columns of `a`, which are rows of `b`.
    pub(crate) depth: usize,
    /// Columns of `b` and `y`; at least one.
    pub(crate) columns: usize,
}

impl<A: Number, B: Number, Y: Number> Matrices<'_, A, B, Y> {
    /// `y = a * b`.
    #[inline(always)]
    pub(crate) fn multiply<S: Simd>(&mut self, simd: S) {
        let (columns, wide) = (self.columns, VECTORS * S::LANES);
        let mut column = 0;
        while column < columns {
            if columns - column >= wide {
                self.panel::<S, VECTORS>(simd, column);
                column += wide;
            } else {
                self.panel::<S, 1>(simd, column.min(columns.saturating_sub(S::LANES)));
                column += S::LANES;
            }
        }
    }

    /// All rows of the `NV` vectors from `column`.
    #[inline(always)]
    fn panel<S: Simd, const NV: usize>(&mut self, simd: S, column: usize) {
        let rows = self.y.len() / self.columns;
        if rows < ROWS {
            (0..rows).for_each(|row| self.tile::<S, 1, NV>(simd, row, column));
            return;
        }
        for row in (0..rows).step_by(ROWS) {
            self.tile::<S, ROWS, NV>(simd, row.min(rows - ROWS), column);
        }
    }

    /// The tile of `MR` rows from `row`.
    #[inline(always)]
    fn tile<S: Simd, const MR: usize, const NV: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
    ) {
        let Self { a, b, depth, columns, .. } = *self;
        let a = &a[row * depth..][..MR * depth];
        // SAFETY: these are vectors.
        let mut sums = unsafe { zeros::<[[S::F32; NV]; MR]>() };
        for (k, b) in (0..depth).zip(b[..depth * columns].chunks_exact(columns)) {
            let b = &b[column..];
            // SAFETY: as above.
            let mut vectors = unsafe { zeros::<[S::F32; NV]>() };
            unroll!(j in NV, { vectors[j] = B::load_head(simd, &b[j * S::LANES..]); });
            unroll!(r in MR, {
                let x = simd.splat(a[r * depth + k].real());
                unroll!(j in NV, { sums[r][j] = simd.mul_add(x, vectors[j], sums[r][j]); });
            });
        }
        unroll!(r in MR, {
            let y = &mut self.y[(row + r) * columns..][..columns][column..];
            unroll!(j in NV, { Y::store_head(simd, &mut y[j * S::LANES..], sums[r][j]); });
        });
    }
}
