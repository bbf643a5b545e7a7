//! Gathering of elements of any type by their offsets.

use crate::ir::Values;

/// The elements at `from`.
pub(super) fn gather(values: &Values, from: impl Iterator<Item = usize>) -> Values {
    gather_or(values, from.map(Some), 0.0)
}

/// The elements at `from`, and `filler` where there is none.
pub(super) fn gather_or(
    values: &Values,
    from: impl Iterator<Item = Option<usize>>,
    filler: f32,
) -> Values {
    match values {
        Values::F32(v) => Values::F32(from.map(|i| i.map_or(filler, |i| v[i])).collect()),
        Values::I8(v) => Values::I8(from.map(|i| i.map_or(filler as i8, |i| v[i])).collect()),
        Values::U8(v) => Values::U8(from.map(|i| i.map_or(filler as u8, |i| v[i])).collect()),
        Values::I32(v) => Values::I32(from.map(|i| i.map_or(filler as i32, |i| v[i])).collect()),
        Values::I64(v) => Values::I64(from.map(|i| i.map_or(filler as i64, |i| v[i])).collect()),
    }
}
