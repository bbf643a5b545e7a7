//! The dimensions of a tensor that are resized, as rows and columns of images.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::ir::{NodeId, Op};

/// Which dimensions are rows and columns.
pub(super) struct Pictures {
    /// The dimensions of the tensor, those that are resized last.
    perm: Vec<usize>,
    /// Images, channels, and rows and columns of the tensor.
    shape: [usize; 4],
    /// The dimensions of the rows, if there are some, and of the columns.
    pub(super) resized: Vec<usize>,
}

impl Pictures {
    /// A tensor of `shape` as images, of which `changed` dimensions are resized.
    pub(super) fn of(shape: &[usize], changed: &[usize]) -> Result<Self, Fault> {
        let rank = shape.len();
        // Both dimensions of what is an image in either order, so that it lies as it does when one of them stays.
        let usual = [(rank >= 4).then(|| [rank - 2, rank - 1]), (rank == 4).then_some([1, 2])];
        let holds = |pair: &[usize; 2]| changed.iter().all(|axis| pair.contains(axis));
        let resized = match usual.into_iter().flatten().find(holds) {
            Some(pair) => pair.to_vec(),
            None => changed.to_vec(),
        };
        let Some(([h, w], kept)) = split(shape, &resized) else {
            let count = changed.len();
            return Err(Fault::Unsupported(format!("{count} dimensions resized; supported: 2")));
        };
        let len = |axes: &[usize]| axes.iter().map(|axis| shape[*axis]).product();
        let images = usize::from(kept.len() > 1);
        let shape = [len(&kept[..images]), len(&kept[images..]), h, w];
        Ok(Self { perm: [kept, resized.clone()].concat(), shape, resized })
    }

    /// The images that `x` is, `[n,c,h,w]`.
    pub(super) fn take(&self, call: &mut Call<'_>, mut x: NodeId) -> Result<NodeId, Fault> {
        if !self.perm.is_sorted() {
            x = call.step("pixels", Op::Transpose(self.perm.clone()), &[x])?;
        }
        match call.shape(x) == self.shape {
            true => Ok(x),
            false => call.view("picture", x, self.shape.to_vec()),
        }
    }

    /// Adds what resizes images, as the node's result, whose dimensions are `sizes` where they were before.
    pub(super) fn give(&self, call: &mut Call<'_>, op: Op, x: NodeId, sizes: &[usize]) -> Made {
        let shape: Vec<usize> = self.perm.iter().map(|axis| sizes[*axis]).collect();
        let is_picture = shape.len() == 4 && shape[..2] == self.shape[..2];
        let is_moved = !self.perm.is_sorted();
        if is_picture && !is_moved {
            return call.emit(op, &[x]);
        }
        let mut y = call.step("windows", op, &[x])?;
        if !is_moved {
            return call.emit_as(Op::Reshape, shape, &[y]);
        }
        if !is_picture {
            y = call.view("view", y, shape)?;
        }
        let mut back = vec![0; self.perm.len()];
        self.perm.iter().enumerate().for_each(|(at, axis)| back[*axis] = at);
        call.emit(Op::Transpose(back), &[y])
    }
}

/// Rows and columns, and the other dimensions; `None` if there are more than two to be those.
fn split(shape: &[usize], resized: &[usize]) -> Option<([usize; 2], Vec<usize>)> {
    let size = match *resized {
        [across] => [1, shape[across]],
        [down, across] => [shape[down], shape[across]],
        _ => return None,
    };
    Some((size, (0..shape.len()).filter(|axis| !resized.contains(axis)).collect()))
}
