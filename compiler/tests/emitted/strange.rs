//! Small valid networks that strain where values lie: names of cases are what each is about.

mod chosen;

use mnv2c::ir::{
    Binary, Blend, Clamp, Conv, Gemm, Graph, NodeId, Op, Output, Pad, PadMode, Pool, PoolKind,
    Reduce, Reducer, Resample, Resize, Samples, Scale, Softmax, Taps, Tensor, Unary, Values,
};

/// Every network with its name.
pub(crate) fn networks() -> Vec<(&'static str, Graph)> {
    vec![
        ("a_value_is_added_to_itself", added_to_itself()),
        ("outputs_repeat_each_other_and_an_input", repeated_outputs()),
        ("a_reduction_over_rows_keeps_channels_innermost", reduced_rows()),
        ("channels_of_a_group_are_no_channels_of_a_picture", pooled_groups()),
        ("the_middle_of_a_volume_is_no_picture", pooled_volume()),
        ("a_constant_is_scaled_by_an_input", scaled_constant()),
        ("a_value_has_no_dimensions", no_dimensions()),
        ("padding_is_taller_than_the_window", tall_padding()),
        ("a_batch_runs_image_by_image", batch()),
        ("several_pictures_meet_no_window", pictures()),
        ("branches_are_padded_and_pooled", branches()),
        ("a_wide_block_adds_what_it_read", block(1, 1)),
        ("a_wide_block_reads_every_other_pixel", block(2, 1)),
        ("a_wide_block_reads_far_apart", block(1, 2)),
        ("a_wide_block_leaves_rows_out", block(4, 1)),
        ("a_pool_leaves_rows_out", sparse_pool()),
        ("pixels_are_taken_that_no_fraction_says", listed_pixels()),
        ("numbers_are_rounded_to_sixteen_bits", rounded()),
        ("heads_attend_to_tokens", heads()),
        ("pixels_attend_to_pixels", pixels()),
        ("stacks_are_multiplied_by_what_is_repeated", stacks()),
        ("a_result_in_chunks_is_made_where_no_row_dies", chunked()),
        ("a_constant_is_the_first_factor", constant_first()),
        ("rows_that_die_are_read_twice_at_once", read_twice()),
        ("pictures_are_sums_of_rows_around", resampled()),
        ("sums_run_along_channels_rows_and_columns", chosen::running()),
        ("one_of_two_values_is_chosen_by_a_third", chosen::one_of_two()),
        ("the_greatest_channels_are_told_and_where_they_are", chosen::ranked()),
        ("boxes_that_overlap_a_better_one_are_left_out", chosen::detected()),
        ("indices_that_are_computed_name_elements", chosen::indexed()),
    ]
}

fn added_to_itself() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let y = net.conv(x, 8, POINT);
    let wave = net.put(Op::Unary(Unary::Tanh), &[y]);
    let twice = net.put(Op::Binary(Binary::Add), &[wave, wave]);
    net.answer(&[twice])
}

/// Seven channels that a depthwise convolution wants in chunks, made row by row of a value that nobody reads again.
fn chunked() -> Graph {
    let mut net = Net::default();
    let each = |side: usize, group: usize| Conv {
        kernel: [side, side],
        pads: [side / 2; 4],
        group,
        ..POINT
    };
    let x = net.input(&[1, 4, 17, 17]);
    let wide = net.conv(x, 4, Conv { clamp: Clamp::RELU6, ..POINT });
    let w = net.numbers(&[4, 1, 3, 3]);
    let blurred = net.put(Op::Conv(Conv { clamp: Clamp::RELU6, ..each(3, 4) }), &[wide, w]);
    let thin = net.conv(blurred, 4, POINT);
    let sum = net.put(Op::Binary(Binary::Add), &[thin, x]);
    let wide = net.conv(sum, 8, Conv { clamp: Clamp::RELU6, ..POINT });
    let w = net.numbers(&[8, 1, 5, 5]);
    let first = net.put(Op::Conv(each(5, 8)), &[wide, w]);
    let kept = net.put(Op::Clamp(Clamp::RELU6), &[first]);
    let seven = net.conv(kept, 7, POINT);
    let w = net.numbers(&[7, 1, 1, 1]);
    let sparse = Conv { stride: [5, 5], dilation: [3, 1], ..each(1, 7) };
    let y = net.put(Op::Conv(sparse), &[seven, w]);
    let y = net.put(Op::Unary(Unary::Abs), &[y]);
    net.answer(&[y, first])
}

/// The lesser of a value and itself, row by row where the result grows over the value.
fn read_twice() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 1, 5, 96]);
    let pad = Pad { before: vec![0; 4], after: vec![0, 0, 1, 1], mode: PadMode::Constant(0.0) };
    let padded = net.put(Op::Pad(pad), &[x]);
    let least = net.put(Op::Binary(Binary::Min), &[padded, padded]);
    let sum = net.put(Op::Binary(Binary::Add), &[least, padded]);
    let wide = net.conv(sum, 3, Conv { stride: [1, 2], pads: [3, 0, 1, 0], ..POINT });
    let y = net.put(Op::Binary(Binary::Mul), &[wide, wide]);
    net.answer(&[y])
}

fn constant_first() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[3, 1, 7]);
    let by = net.numbers(&[3, 1, 7]);
    let scaled = net.put(Op::Binary(Binary::Mul), &[by, x]);
    let y = net.put(Op::Unary(Unary::Tanh), &[scaled]);
    net.answer(&[y])
}

fn repeated_outputs() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let y = net.conv(x, 8, POINT);
    let constant = net.numbers(&[2, 3]);
    net.answer(&[y, x, y, constant])
}

fn listed_pixels() -> Graph {
    let listed = |pixels: [usize; 6]| Scale { listed: pixels.into(), ..Scale::new(5, 0, 6) };
    let (down, across) = (listed([0, 0, 2, 1, 4, 4]), listed([5, 0, 0, 3, 3, 2]));
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let y = net.conv(x, 8, POINT);
    let resize = Resize { blend: Blend::Nearest, size: [6, 6], down, across };
    let taken = net.put(Op::Resize(resize), &[y]);
    let y = net.conv(taken, 4, POINT);
    net.answer(&[y])
}

/// Rows that grow, so that they stream, and rows that are few sums of many; a part of them is nowhere.
fn resampled() -> Graph {
    let sums = |len: usize, size: usize, reach: usize| {
        let taps = |at: usize| {
            let first = (at * len / size).saturating_sub(1);
            let weights = [-0.25, 0.5, 0.625, 0.125][..reach.min(len - first)].to_vec();
            Taps { first, weights }
        };
        Samples { len, taps: (0..size).map(taps).collect() }
    };
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let y = net.conv(x, 20, POINT);
    let larger = Resample { down: sums(5, 15, 3), across: sums(6, 7, 4), outside: 0.0 };
    let y = net.put(Op::Resample(larger), &[y]);
    let y = net.conv(y, 4, POINT);
    let mut down = sums(15, 4, 4);
    down.taps[1].weights.clear();
    let smaller = Resample { down, across: sums(7, 3, 2), outside: 0.75 };
    let few = net.put(Op::Resample(smaller), &[y]);
    net.answer(&[few, y])
}

/// Rounded after an exact operation, so that no other order of sums may round another way: where halves overflow, where
/// they are subnormal, and between.
fn rounded() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let outputs: Vec<NodeId> = [1e5, 1e-7, 1.0]
        .into_iter()
        .flat_map(|by| {
            let by = net.graph.add_const("by", [1], Values::F32(vec![by]));
            let scaled = net.put(Op::Binary(Binary::Mul), &[x, by]);
            [Unary::ToF16, Unary::ToBf16].map(|to| {
                let rounded = net.put(Op::Unary(to), &[scaled]);
                net.put(Op::Clamp(Clamp { lo: -1e6, hi: 1e6 }), &[rounded])
            })
        })
        .collect();
    net.answer(&outputs)
}

/// Attention of two heads: products of stacks of matrices, all of them computed.
pub(crate) fn heads() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 5, 8]);
    let [q, k, v] = [vec![0, 2, 1, 3], vec![0, 2, 3, 1], vec![0, 2, 1, 3]].map(|perm| {
        let w = net.numbers(&[8, 8]);
        let all = net.put(Op::MatMul, &[x, w]);
        let heads = net.shaped(Op::Reshape, &[1, 5, 2, 4], &[all]);
        net.put(Op::Transpose(perm), &[heads])
    });
    let scores = net.put(Op::MatMul, &[q, k]);
    let shares = net.put(Op::Softmax(Softmax { axis: 3, log: false }), &[scores]);
    let context = net.put(Op::MatMul, &[shares, v]);
    let tokens = net.put(Op::Transpose(vec![0, 2, 1, 3]), &[context]);
    let y = net.shaped(Op::Reshape, &[1, 5, 8], &[tokens]);
    net.answer(&[y])
}

/// A block in which each pixel of an image is a mean of all, weighted by how alike they are.
fn pixels() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 9]);
    let [q, k, v] = [4, 4, 8].map(|channels| {
        let conv = net.conv(x, channels, POINT);
        net.shaped(Op::Reshape, &[1, channels, 45], &[conv])
    });
    let q = net.put(Op::Transpose(vec![0, 2, 1]), &[q]);
    let alike = net.put(Op::MatMul, &[q, k]);
    let shares = net.put(Op::Softmax(Softmax { axis: 2, log: false }), &[alike]);
    let turned = net.put(Op::Transpose(vec![0, 2, 1]), &[shares]);
    let mean = net.put(Op::MatMul, &[v, turned]);
    let image = net.shaped(Op::Reshape, &[1, 8, 5, 9], &[mean]);
    let y = net.conv(image, 3, POINT);
    let sum = net.put(Op::Binary(Binary::Add), &[y, x]);
    net.answer(&[sum])
}

/// Constant matrices and stacks on either side, and a product of what is computed whose factors are scaled and turned.
fn stacks() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 4, 5]);
    let (left, stack) = (net.numbers(&[6, 4]), net.numbers(&[3, 5, 7]));
    let rows = net.put(Op::MatMul, &[left, x]);
    let columns = net.put(Op::MatMul, &[x, stack]);
    let first = Reduce { kind: Reducer::Max, axes: vec![1] };
    let most = net.shaped(Op::Reduce(first), &[4, 5], &[x]);
    let gemm = Gemm { alpha: 0.5, beta: 2.0, transpose_a: true, transpose_b: false };
    let bias = net.numbers(&[5, 1]);
    let square = net.put(Op::Gemm(gemm), &[most, most, bias]);
    let repeated = net.put(Op::MatMul, &[x, square]);
    let turned = net.put(Op::Transpose(vec![1, 0]), &[most]);
    let each = net.put(Op::MatMul, &[turned, x]);
    net.answer(&[rows, columns, repeated, each])
}

fn reduced_rows() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let y = net.conv(x, 8, POINT);
    let rows = Op::Reduce(Reduce { kind: Reducer::Mean, axes: vec![2] });
    let rows = net.shaped(rows, &[1, 8, 1, 6], &[y]);
    let difference = net.put(Op::Binary(Binary::Sub), &[y, rows]);
    net.answer(&[rows, difference])
}

/// Groups of channels as pictures of their own, pooled as an attention over groups does it.
fn pooled_groups() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let y = net.conv(x, 8, POINT);
    let groups = net.shaped(Op::Reshape, &[4, 2, 5, 6], &[y]);
    let pooled = [Reducer::Mean, Reducer::Max].map(|kind| {
        let pixels = Op::Reduce(Reduce { kind, axes: vec![2, 3] });
        net.shaped(pixels, &[4, 2, 1, 1], &[groups])
    });
    let sum = net.put(Op::Binary(Binary::Add), &pooled);
    let scales = net.shaped(Op::Reshape, &[1, 8, 1, 1], &[sum]);
    let scaled = net.put(Op::Binary(Binary::Mul), &[y, scales]);
    net.answer(&[scaled])
}

fn pooled_volume() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 8, 3, 4, 5]);
    let middle = |kind| Op::Reduce(Reduce { kind, axes: vec![2, 3] });
    let mean = net.shaped(middle(Reducer::Mean), &[1, 8, 1, 1, 5], &[x]);
    let most = net.shaped(middle(Reducer::Max), &[1, 8, 5], &[x]);
    net.answer(&[mean, most])
}

fn scaled_constant() -> Graph {
    let mut net = Net::default();
    let scale = net.input(&[1]);
    let constant = net.numbers(&[1, 3, 2, 4]);
    let y = net.put(Op::Binary(Binary::Mul), &[constant, scale]);
    net.answer(&[y])
}

pub(crate) fn no_dimensions() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 2, 4]);
    let greatest = Op::Reduce(Reduce { kind: Reducer::Max, axes: vec![0, 1, 2, 3] });
    let greatest = net.shaped(greatest, &[], &[x]);
    let y = net.put(Op::Binary(Binary::Mul), &[x, greatest]);
    net.answer(&[y])
}

/// The head is streamed on every machine.
fn tall_padding() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let point = net.conv(x, 8, POINT);
    let wide = net.conv(point, 8, Conv { pads: [3, 2, 2, 1], ..POINT });
    let mean = Op::Reduce(Reduce { kind: Reducer::Mean, axes: vec![2, 3] });
    let y = net.shaped(mean, &[1, 8], &[wide]);
    net.answer(&[y])
}

fn batch() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[3, 4, 5, 6]);
    let point = net.conv(x, 8, POINT);
    let y = net.conv(point, 4, POINT);
    let sum = net.put(Op::Binary(Binary::Add), &[y, x]);
    let flat = net.shaped(Op::Reshape, &[3, 120], &[sum]);
    net.answer(&[flat, sum])
}

fn pictures() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[2, 1, 5, 6]);
    let y = net.put(Op::Clamp(Clamp::RELU), &[x]);
    let all = Reduce { kind: Reducer::Sum, axes: vec![0] };
    let sum = net.shaped(Op::Reduce(all), &[1, 5, 6], &[y]);
    net.answer(&[sum, y])
}

/// Two branches leave a choice of order; one begins with a value that no operand gives, its own padding.
fn branches() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 9, 8]);
    let stem = net.conv(x, 8, POINT);
    let (before, after) = (vec![0, 0, 1, 2], vec![0, 0, 2, 1]);
    let padded = Op::Pad(Pad { before, after, mode: PadMode::Constant(0.5) });
    let padded = net.put(padded, &[stem]);
    let window = |kind| Pool { kind, ..WINDOW };
    let largest = net.put(Op::Pool(window(PoolKind::Max)), &[padded]);
    let mean = net.put(Op::Pool(window(PoolKind::Average)), &[stem]);
    let narrow = net.conv(mean, 4, POINT);
    let [a, b] = [largest, narrow].map(|x| {
        let all = Op::Reduce(Reduce { kind: Reducer::Mean, axes: vec![2, 3] });
        let channels = net.graph.node(x).out.shape[1];
        net.shaped(all, &[1, channels], &[x])
    });
    let y = net.put(Op::Concat(1), &[a, b, a, b, a]);
    net.answer(&[y])
}

/// An inverted residual block whose wide value outgrows the nearest cache, so that its rows stream.
fn block(stride: usize, dilation: usize) -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 32, 30]);
    let from = net.conv(x, 8, POINT);
    let wide = net.conv(from, 48, Conv { clamp: Clamp::RELU6, ..POINT });
    let (w, bias) = (net.numbers(&[48, 1, 3, 3]), net.numbers(&[48]));
    let each = Conv {
        kernel: [3, 3],
        stride: [stride; 2],
        dilation: [dilation; 2],
        pads: [dilation; 4],
        group: 48,
        clamp: Clamp::RELU6,
        activation: None,
    };
    let thin = net.put(Op::Conv(each), &[wide, w, bias]);
    let y = net.conv(thin, 8, POINT);
    let y = if stride == 1 { net.put(Op::Binary(Binary::Add), &[y, from]) } else { y };
    net.answer(&[y])
}

/// A depthwise convolution below whose last window the image ends, and a pool of one row that reads but two of it.
fn sparse_pool() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 8, 17, 7]);
    let wide = net.conv(x, 48, Conv { clamp: Clamp::RELU6, ..POINT });
    let (w, bias) = (net.numbers(&[48, 1, 3, 3]), net.numbers(&[48]));
    let each = Conv { kernel: [3, 3], stride: [4, 2], pads: [1; 4], group: 48, ..POINT };
    let y = net.put(Op::Conv(each), &[wide, w, bias]);
    let thin = net.conv(y, 6, POINT);
    let pool = Pool { kernel: [2, 1], stride: [5, 2], pads: [0; 4], ..WINDOW };
    let y = net.put(Op::Pool(Pool { kind: PoolKind::Average, ..pool }), &[thin]);
    net.answer(&[y])
}

const WINDOW: Pool = Pool {
    kind: PoolKind::Max,
    kernel: [3, 2],
    stride: [2, 1],
    dilation: [1, 1],
    pads: [1, 0, 1, 1],
};

pub(crate) const POINT: Conv = Conv {
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    pads: [0; 4],
    group: 1,
    clamp: Clamp::NONE,
    activation: None,
};

#[derive(Default)]
pub(crate) struct Net {
    graph: Graph,
}

impl Net {
    pub(crate) fn input(&mut self, shape: &[usize]) -> NodeId {
        self.graph.add_input("x", Tensor::f32(shape))
    }

    pub(crate) fn numbers(&mut self, shape: &[usize]) -> NodeId {
        let len: usize = shape.iter().product();
        let values = (0..len).map(|at| (at * 7 % 11) as f32 / 11.0 - 0.4).collect();
        self.graph.add_const("c", shape, Values::F32(values))
    }

    pub(crate) fn conv(&mut self, x: NodeId, m: usize, conv: Conv) -> NodeId {
        let channels = self.graph.node(x).out.shape[1];
        let (w, bias) = (self.numbers(&[m, channels, 1, 1]), self.numbers(&[m]));
        self.put(Op::Conv(conv), &[x, w, bias])
    }

    pub(crate) fn put(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        let shape = |id: &NodeId| self.graph.node(*id).out.shape.clone();
        let shapes: Vec<Vec<usize>> = operands.iter().map(shape).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let shape = op.shape(&shapes).unwrap().unwrap();
        self.shaped(op, &shape, operands)
    }

    pub(crate) fn shaped(&mut self, op: Op, shape: &[usize], operands: &[NodeId]) -> NodeId {
        self.graph.add(op.name(), op, Tensor::f32(shape), operands)
    }

    pub(crate) fn answer(mut self, nodes: &[NodeId]) -> Graph {
        let outputs = nodes.iter().map(|node| Output { name: "y".into(), node: *node });
        self.graph.outputs.extend(outputs);
        self.graph
    }
}
