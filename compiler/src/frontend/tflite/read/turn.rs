//! Elements of constants in another order of their dimensions.

use bytes::Bytes;

/// Elements of `bytes` bytes each, which lie as `shape` says, in the order of `perm`.
pub(super) fn turned(data: &Bytes, bytes: usize, shape: &[usize], perm: &[usize]) -> Bytes {
    if perm.is_sorted() {
        return data.clone();
    }
    let mut strides = vec![bytes; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    let mut out = Vec::with_capacity(data.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..data.len() / bytes.max(1) {
        let at: usize = perm.iter().zip(&index).map(|(axis, i)| strides[*axis] * i).sum();
        out.extend_from_slice(&data[at..at + bytes]);
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[perm[axis]] {
                break;
            }
            index[axis] = 0;
        }
    }
    out.into()
}
