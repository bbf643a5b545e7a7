//! Winograd's transforms of one dimension, of vectors: inputs to points, and sums at points to outputs.
//!
//! Two outputs use the points 0, 1, -1 and infinity. Four use 0, 11/16, -11/16, 3/2, -3/2 and infinity: floats hold all that is
//! made of them exactly, and errors stay as small as those of direct sums, where the usual 1 and 2 lose half a digit.

use crate::simd::Simd;

/// The lesser of the points of four outputs.
const A: f32 = 11.0 / 16.0;
/// The greater.
const B: f32 = 3.0 / 2.0;

/// The `OUT + 2` inputs of `OUT` outputs, at their points.
#[inline(always)]
pub(super) fn forward<S: Simd, const OUT: usize>(simd: S, d: [S::F32; 6]) -> [S::F32; 6] {
    if OUT == 2 {
        let mut points = d;
        points[0] = simd.sub(d[0], d[2]);
        points[1] = simd.add(d[1], d[2]);
        points[2] = simd.sub(d[2], d[1]);
        points[3] = simd.sub(d[1], d[3]);
        return points;
    }
    let at = |x| simd.splat(x);
    let ends = |d: [S::F32; 3]| {
        let far = simd.mul_add(at(-(A * A + B * B)), d[1], d[2]);
        simd.mul_add(at(A * A * B * B), d[0], far)
    };
    let pair = |point: f32, other: f32| {
        let even = simd.mul_add(at(-(other * other)), d[2], d[4]);
        let odd = simd.mul_add(at(-(other * other)), d[1], d[3]);
        [simd.mul_add(at(point), odd, even), simd.mul_add(at(-point), odd, even)]
    };
    let ([a, minus_a], [b, minus_b]) = (pair(A, B), pair(B, A));
    [ends([d[0], d[2], d[4]]), a, minus_a, b, minus_b, ends([d[1], d[3], d[5]])]
}

/// `OUT` outputs of sums at `OUT + 2` points.
#[inline(always)]
pub(super) fn backward<S: Simd, const OUT: usize>(simd: S, m: [S::F32; 6]) -> [S::F32; 4] {
    let even = [simd.add(m[1], m[2]), simd.add(m[3], m[4])];
    let odd = [simd.sub(m[1], m[2]), simd.sub(m[3], m[4])];
    if OUT == 2 {
        let second = simd.sub(odd[0], m[3]);
        return [simd.add(m[0], even[0]), second, second, second];
    }
    let at = |x| simd.splat(x);
    let of = |[a, b]: [f32; 2], [x, y]: [S::F32; 2]| simd.mul_add(at(a), x, simd.mul(at(b), y));
    let first = simd.add(simd.add(m[0], even[0]), even[1]);
    let last = simd.mul_add(at(A * A * A), odd[0], simd.mul_add(at(B * B * B), odd[1], m[5]));
    [first, of([A, B], odd), of([A * A, B * B], even), last]
}
