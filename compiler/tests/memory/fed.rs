//! Small networks about how inputs come in: names of cases are what each is about.

use mnv2c::ir::{Binary, Clamp, Conv, Graph, Op, Reduce, Reducer, Unary};

use crate::strange::{Net, POINT};

/// Every network with its name. An image that is the only input may be fed by rows too.
pub(crate) fn networks() -> Vec<(&'static str, Graph)> {
    vec![
        ("the_first_step_is_a_block", first_block()),
        ("the_first_step_is_a_head", first_head()),
        ("windows_of_a_chain_lie_in_the_padding", padding_alone(&[])),
        ("windows_of_a_region_lie_in_the_padding", padding_alone(&[Clamp::RELU, Clamp::RELU6])),
        ("an_input_is_read_by_nobody", unread_input()),
        ("inputs_are_read_late_and_given_back", late_inputs()),
    ]
}

/// Its wide value goes by panels on every machine.
fn first_block() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 8, 8]);
    let wide = net.conv(x, 48, Conv { clamp: Clamp::RELU6, ..POINT });
    let (w, bias) = (net.numbers(&[48, 1, 3, 3]), net.numbers(&[48]));
    let each = Conv { kernel: [3, 3], pads: [1; 4], group: 48, clamp: Clamp::RELU6, ..POINT };
    let thin = net.put(Op::Conv(each), &[wide, w, bias]);
    let y = net.conv(thin, 17, POINT);
    net.answer(&[y])
}

fn first_head() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 8, 8]);
    let wide = net.conv(x, 96, Conv { clamp: Clamp::RELU6, ..POINT });
    let mean = Op::Reduce(Reduce { kind: Reducer::Mean, axes: vec![2, 3] });
    let y = net.shaped(mean, &[1, 96], &[wide]);
    net.answer(&[y])
}

/// The only windows of the last convolution lie above the image; branches before it make the step a region.
fn padding_alone(branches: &[Clamp]) -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 11, 7]);
    let stem = net.conv(x, 4, POINT);
    let parts: Vec<_> = branches.iter().map(|clamp| net.put(Op::Clamp(*clamp), &[stem])).collect();
    let joined = if parts.is_empty() { stem } else { net.put(Op::Concat(1), &parts) };
    let y = net.conv(joined, 4, Conv { stride: [16, 1], pads: [3, 0, 0, 0], ..POINT });
    net.answer(&[y])
}

fn unread_input() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 1, 4, 6]);
    net.input(&[4, 8, 8, 2]);
    let y = net.conv(x, 2, POINT);
    let bent = net.put(Op::Unary(Unary::Tanh), &[y]);
    let y = net.conv(bent, 3, POINT);
    net.answer(&[y])
}

fn late_inputs() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 4, 6]);
    let [late, given] = [net.input(&[1, 8, 4, 6]), net.input(&[2, 5])];
    let y = net.conv(x, 32, POINT);
    let bent = net.put(Op::Unary(Unary::Tanh), &[y]);
    let y = net.conv(bent, 8, POINT);
    let sum = net.put(Op::Binary(Binary::Add), &[y, late]);
    net.answer(&[given, sum, late, x])
}
