//! A recurrent layer that is being read, and steps on the way to its results.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::Fault;
use crate::ir::{Binary, Dtype, NodeId, Op, Slice, Values};

/// A recurrent layer that is being read, named after its first result.
pub(super) struct Layer<'c, 'a> {
    /// The node.
    pub(super) call: &'c mut Call<'a>,
    /// The name of its first result.
    pub(super) name: String,
    /// Its lengths.
    pub(super) sizes: Sizes,
}

/// Lengths of a recurrent layer.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) steps: usize,
    pub(super) batch: usize,
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    pub(super) directions: usize,
}

impl Layer<'_, '_> {
    pub(super) fn name(&self, part: &str) -> String {
        format!("{}/{part}", self.name)
    }

    pub(super) fn step(
        &mut self,
        part: &str,
        op: Op,
        operands: &[NodeId],
    ) -> Result<NodeId, Fault> {
        let name = self.name(part);
        self.call.add(name, op, None, operands)
    }

    pub(super) fn pair(
        &mut self,
        part: &str,
        f: Binary,
        a: NodeId,
        b: NodeId,
    ) -> Result<NodeId, Fault> {
        self.step(part, Op::Binary(f), &[a, b])
    }

    pub(super) fn view(
        &mut self,
        part: &str,
        x: NodeId,
        shape: Vec<usize>,
    ) -> Result<NodeId, Fault> {
        let name = self.name(part);
        self.call.add(name, Op::Reshape, Some(shape), &[x])
    }

    /// `len` elements of `x` along `axis`, from `start` on.
    pub(super) fn part(
        &mut self,
        part: &str,
        x: NodeId,
        axis: usize,
        [start, len]: [usize; 2],
    ) -> Result<NodeId, Fault> {
        let mut shape = self.call.shape(x);
        if shape[axis] == len && start == 0 {
            return Ok(x);
        }
        let mut slice = Slice::whole(shape.len());
        (slice.starts[axis], shape[axis]) = (start, len);
        let name = self.name(part);
        self.call.add(name, Op::Slice(slice), Some(shape), &[x])
    }

    /// Entry `at` of the operand at `port`, without its dimension of directions.
    pub(super) fn of_direction(&mut self, port: usize, at: usize) -> Result<Option<NodeId>, Fault> {
        if self.call.given(port).is_none() {
            return Ok(None);
        }
        let x = self.call.float(port)?;
        let shape = self.call.shape(x);
        if shape.first() != Some(&self.sizes.directions) {
            let directions = self.sizes.directions;
            return Err(Fault::Misfit(format!(
                "operand {port} is {shape:?}, for {directions} directions"
            )));
        }
        let one = self.part(&format!("{port}_of_{at}"), x, 0, [at, 1])?;
        self.view(&format!("{port}_in_{at}"), one, shape[1..].to_vec()).map(Some)
    }

    /// The state of direction `at` before the first step, `[batch,hidden]`.
    pub(super) fn start(
        &mut self,
        port: usize,
        at: usize,
        by_batch: bool,
    ) -> Result<NodeId, Fault> {
        let Sizes { batch, hidden, directions, .. } = self.sizes;
        if self.call.given(port).is_none() {
            let name = self.name(&format!("zeros_{port}_{at}"));
            self.call.spend(Dtype::F32, batch * hidden)?;
            let zeros = Values::F32(vec![0.0; batch * hidden]);
            return Ok(self.call.graph.add_const(name, [batch, hidden], zeros));
        }
        let x = self.call.float(port)?;
        let axis = usize::from(by_batch);
        let mut wanted = [directions, batch, hidden];
        if by_batch {
            wanted.swap(0, 1);
        }
        if self.call.shape(x) != wanted {
            let found = self.call.shape(x);
            return Err(Fault::Misfit(format!("operand {port} is {found:?}; {wanted:?} belongs")));
        }
        let one = self.part(&format!("start_{port}_{at}"), x, axis, [at, 1])?;
        self.view(&format!("state_{port}_{at}"), one, vec![batch, hidden])
    }

    /// `x` under the name of a result, if that has one.
    pub(super) fn named(&mut self, result: usize, x: NodeId) -> Result<NodeId, Fault> {
        let name = self.call.result_name(result);
        if name.is_empty() { Ok(x) } else { self.call.add(name, Op::Identity, None, &[x]) }
    }
}
