//! Quantised functions of one or two operands, element by element.

use crate::affine::{Pair, Product};
use crate::simd::dots::Dots;
use crate::simd::requant;

/// The bytes of the sums of reals.
#[inline(always)]
pub fn add<S: Dots>(simd: S, pair: Pair, a: &[u8], b: &[u8], y: &mut [u8]) {
    let operands = a.chunks(S::LANES).zip(b.chunks(S::LANES));
    for ((a, b), y) in operands.zip(y.chunks_mut(S::LANES)) {
        simd.store_bytes(y, requant::add(simd, pair, simd.bytes(a), simd.bytes(b)));
    }
}

/// The bytes of the sums of reals, over the first operand.
#[inline(always)]
pub fn add_assign<S: Dots>(simd: S, pair: Pair, y: &mut [u8], b: &[u8]) {
    for (y, b) in y.chunks_mut(S::LANES).zip(b.chunks(S::LANES)) {
        simd.store_bytes(y, requant::add(simd, pair, simd.bytes(y), simd.bytes(b)));
    }
}

/// The bytes of the products of reals.
#[inline(always)]
pub fn mul<S: Dots>(simd: S, pair: Pair, a: &[u8], b: &[u8], y: &mut [u8]) {
    let operands = a.chunks(S::LANES).zip(b.chunks(S::LANES));
    for ((a, b), y) in operands.zip(y.chunks_mut(S::LANES)) {
        simd.store_bytes(y, requant::mul(simd, pair, simd.bytes(a), simd.bytes(b)));
    }
}

/// The bytes of the products of reals, over the first operand.
#[inline(always)]
pub fn mul_assign<S: Dots>(simd: S, pair: Pair, y: &mut [u8], b: &[u8]) {
    for (y, b) in y.chunks_mut(S::LANES).zip(b.chunks(S::LANES)) {
        simd.store_bytes(y, requant::mul(simd, pair, simd.bytes(y), simd.bytes(b)));
    }
}

/// The bytes of products that are rounded with their zero point.
#[inline(always)]
pub fn product<S: Dots>(simd: S, by: Product, a: &[u8], b: &[u8], y: &mut [u8]) {
    let operands = a.chunks(S::LANES).zip(b.chunks(S::LANES));
    for ((a, b), y) in operands.zip(y.chunks_mut(S::LANES)) {
        simd.store_bytes(y, requant::product(simd, by, simd.bytes(a), simd.bytes(b)));
    }
}

/// The bytes of products that are rounded with their zero point, over the first operand.
#[inline(always)]
pub fn product_assign<S: Dots>(simd: S, by: Product, y: &mut [u8], b: &[u8]) {
    for (y, b) in y.chunks_mut(S::LANES).zip(b.chunks(S::LANES)) {
        simd.store_bytes(y, requant::product(simd, by, simd.bytes(y), simd.bytes(b)));
    }
}

/// `table[x]` for each byte; panics where the table has less than 256.
#[inline(always)]
pub fn table(table: &[u8], x: &[u8], y: &mut [u8]) {
    let table = &table[..256];
    for (x, y) in x.iter().zip(y) {
        *y = table[usize::from(*x)];
    }
}

/// `table[x]` for each byte, in place; panics where the table has less than 256.
#[inline(always)]
pub fn table_assign(table: &[u8], y: &mut [u8]) {
    let table = &table[..256];
    for y in y {
        *y = table[usize::from(*y)];
    }
}
