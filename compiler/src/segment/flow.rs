//! Through which operators rows can flow, and how a value looks as a picture.
//!
//! An operator lets rows flow if each row of its result is made of a few rows of what it reads, all of them NHWC.
//! A channel shuffle is written as a transpose of pixels, so its result is no picture by shape, but lies as one.

use crate::ir::view::base;
use crate::ir::{
    Dtype, Graph, Layout, NodeId, Op, Pool, Quant, Reduce, Reducer, Resize, Scale, Tensor, To,
};

/// Whether rows can flow through `id`: from what it reads into its result.
pub fn flows(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let made = || picture(&node.out).is_some();
    match &node.op {
        Op::Conv(_) => is_nhwc(&node.out),
        Op::Quant(quant) => flow_bytes(graph, id, quant),
        Op::Clamp(_) | Op::Unary(_) => made() && reads_rows(graph, id, 0),
        Op::Pool(pool) => made() && reads_rows(graph, id, 0) && meets_the_picture(graph, id, pool),
        Op::Binary(_) | Op::PRelu => {
            let second = reads_alike(graph, id, 1) || repeats(graph, id);
            made() && reads_alike(graph, id, 0) && second
        }
        Op::Concat(1) => {
            let mut ports = graph.operands(id).into_iter();
            made() && ports.all(|(port, _)| reads_rows(graph, id, port.0))
        }
        Op::Resize(resize) => made() && reads_rows(graph, id, 0) && grows(resize),
        Op::Transpose(_) => shuffle(graph, id).is_some(),
        Op::Input | Op::Const(_) | Op::BatchNorm(_) | Op::Gemm(_) | Op::MatMul => false,
        Op::Reduce(_) => pooling(graph, id).is_some(),
        Op::Dense(_) | Op::Softmax(_) | Op::Reshape | Op::Relayout => false,
        Op::Concat(_) | Op::Slice(_) | Op::Pad(_) | Op::Expand | Op::Identity => false,
    }
}

/// Whether rows can flow through `id`, which computes `quant`.
fn flow_bytes(graph: &Graph, id: NodeId, quant: &Quant) -> bool {
    let out = &graph.node(id).out;
    let made = picture(out).is_some();
    match quant {
        Quant::Conv(_) => is_nhwc(out),
        Quant::Mean(_) => pooling(graph, id).is_some(),
        Quant::Average(average) => {
            let windows =
                || reads_rows(graph, id, 0) && meets_the_picture(graph, id, &average.pool);
            pooling(graph, id).is_some() || (made && windows())
        }
        Quant::Add(_) | Quant::Mul(..) => {
            made && reads_alike(graph, id, 0) && reads_alike(graph, id, 1)
        }
        Quant::Table(_) | Quant::Dequantize(_) => made && reads_rows(graph, id, 0),
        // Planes become rows of pixels on the way.
        Quant::Quantize(_) => {
            let read = graph.operand(id, 0).map(|x| &graph.node(x).out.shape);
            made && read == Some(&out.shape)
        }
        Quant::Dense(_) | Quant::Softmax(_) | Quant::Unpack(_) | Quant::Flip => false,
    }
}

fn is_nhwc(tensor: &Tensor) -> bool {
    tensor.layout == Layout::Nhwc && tensor.shape.len() == 4
}

/// What `id` takes of a picture, if it makes one number of each channel: the last two of four axes are the pixels, and
/// the channels of a pixel lie side by side. Axes of the same numbers elsewhere, of groups or of volumes, are no pixels.
pub fn pooling(graph: &Graph, id: NodeId) -> Option<Reducer> {
    match &graph.node(id).op {
        Op::Reduce(Reduce { kind: kind @ (Reducer::Mean | Reducer::Max), axes }) => {
            let of_pixels = *axes == [2, 3]
                && graph.operand(id, 0).is_some_and(|x| lies_in_pixels(&graph.node(x).out));
            of_pixels.then_some(*kind)
        }
        Op::Quant(Quant::Mean(mean)) => (mean.requant.to != To::Floats).then_some(Reducer::Mean),
        Op::Quant(Quant::Average(average)) => {
            let Pool { kernel, dilation, pads, .. } = &average.pool;
            let x = &graph.node(graph.operand(id, 0)?).out;
            let whole = lies_in_pixels(x) && x.shape[2..] == *kernel;
            (whole && *dilation == [1, 1] && *pads == [0; 4]).then_some(Reducer::Mean)
        }
        _ => None,
    }
}

/// Whether a tensor is one picture whose pixels lie one after the other; a picture of one pixel does in any layout.
fn lies_in_pixels(tensor: &Tensor) -> bool {
    match tensor.shape.as_slice() {
        [1, _, 1, 1] => true,
        [1, _, _, _] => tensor.layout == Layout::Nhwc,
        _ => false,
    }
}

/// Whether what `id` reads at `port` lies as rows of the picture that `id` sees.
pub fn reads_rows(graph: &Graph, id: NodeId, port: usize) -> bool {
    let Some(operand) = graph.operand(id, port) else { return false };
    let seen = picture(&graph.node(operand).out);
    seen.is_some() && lying(graph, operand) == seen
}

/// The channels of each pixel of a picture, as `groups` rows of `each`, transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shuffle {
    /// Channels, height and width.
    pub picture: [usize; 3],
    /// Rows of channels.
    pub groups: usize,
    /// Channels of such a row.
    pub each: usize,
}

/// What `id` shuffles, if it does.
pub fn shuffle(graph: &Graph, id: NodeId) -> Option<Shuffle> {
    let (Op::Transpose(perm), [pixels, each, groups]) =
        (&graph.node(id).op, graph.node(id).out.shape.as_slice())
    else {
        return None;
    };
    let maker = base(graph, graph.operand(id, 0)?);
    let picture = lying(graph, maker)?;
    let [c, h, w] = picture;
    let fits = *perm == [0, 2, 1] && *pixels == h * w && groups * each == c;
    fits.then_some(Shuffle { picture, groups: *groups, each: *each })
}

/// Channels, height and width of the picture as which the memory of `id` is written; nothing if it is none.
pub fn lying(graph: &Graph, id: NodeId) -> Option<[usize; 3]> {
    let maker = base(graph, id);
    match graph.node(maker).op {
        Op::Transpose(_) => shuffle(graph, maker).map(|shuffle| shuffle.picture),
        _ => picture(&graph.node(maker).out),
    }
}

fn picture(tensor: &Tensor) -> Option<[usize; 3]> {
    match tensor.shape.as_slice() {
        [1, c, h, w] if tensor.layout == Layout::Nhwc && has_kernels(tensor) => Some([*c, *h, *w]),
        _ => None,
    }
}

fn has_kernels(tensor: &Tensor) -> bool {
    tensor.dtype.is_float() || tensor.dtype == Dtype::U8
}

/// Whether `id` reads rows of a picture like its own result at `port`.
fn reads_alike(graph: &Graph, id: NodeId, port: usize) -> bool {
    let seen = graph.operand(id, port).map(|x| &graph.node(x).out.shape);
    reads_rows(graph, id, port) && seen == Some(&graph.node(id).out.shape)
}

/// Whether the second operand is a number a channel, or one number.
fn repeats(graph: &Graph, id: NodeId) -> bool {
    let Some(second) = graph.operand(id, 1).map(|x| &graph.node(x).out) else { return false };
    let axes = second.shape.iter().rev().enumerate();
    second.len() == 1 || axes.into_iter().all(|(from_last, dim)| *dim == 1 || from_last == 2)
}

/// Whether rows are repeated or blended a whole number of times.
fn grows(resize: &Resize) -> bool {
    let Scale { step, per, ref listed, .. } = resize.down;
    step > 0 && per.is_multiple_of(step) && listed.is_empty()
}

/// Whether each window holds a row of the picture.
fn meets_the_picture(graph: &Graph, id: NodeId, pool: &Pool) -> bool {
    let [above, dilation] = [pool.pads[0], pool.dilation[0]];
    let height = graph.operand(id, 0).map_or(0, |x| graph.node(x).out.shape[2]);
    let last = (graph.node(id).out.shape[2] - 1) * pool.stride[0];
    (pool.kernel[0] - 1) * dilation >= above && last < above + height
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(shape: &[usize], layout: Layout) -> Option<Reducer> {
        let mut graph = Graph::default();
        let x = graph.add_input("x", Tensor { layout, ..Tensor::f32(shape) });
        let mean = Op::Reduce(Reduce { kind: Reducer::Mean, axes: vec![2, 3] });
        let y = graph.add("y", mean, Tensor::f32(&shape[..2]), &[x]);
        pooling(&graph, y)
    }

    #[test]
    fn a_mean_over_pixels_pools_one_picture_alone() {
        assert_eq!(mean_of(&[1, 8, 4, 5], Layout::Nhwc), Some(Reducer::Mean));
        assert_eq!(mean_of(&[1, 8, 4, 5], Layout::RowMajor), None);
        assert_eq!(mean_of(&[4, 2, 4, 5], Layout::RowMajor), None);
        assert_eq!(mean_of(&[1, 8, 3, 4, 5], Layout::RowMajor), None);
    }
}
