//! The structs of the runtime that compute on integers of 16 bits, and their fields.

use crate::ir::quant::tflite::Twice;
use crate::ir::quant::words::{Span, WordAverage, WordConv, WordLstm, WordScale, Words};
use crate::kernels::value::{Constant, Invocation, Value};

/// The const of an operator, for operands of these shapes and a result of that one.
pub(super) fn constant(words: &Words, operands: &[Vec<usize>], result: &[usize]) -> Constant {
    let of = |path, fields: Vec<(&'static str, Value)>| Constant::of_fields(path, [], fields);
    match words {
        Words::Conv(conv) => of("kernel::words::Conv", convolution(conv, operands, result)),
        Words::Softmax => {
            let axis = operands[0].last().copied().unwrap_or(1);
            of("kernel::q8::softmax::SoftmaxWords", vec![("axis", Value::size(axis))])
        }
        Words::Lstm(lstm) => of("kernel::lstm::Lstm", cells(lstm, operands)),
        Words::Add([a, b, whole], span) | Words::Sub([a, b, whole], span) => {
            let of_operands = Value::Array(vec![factor(*a), factor(*b)]);
            let fields =
                vec![("of", of_operands), ("whole", factor(*whole)), ("range", range(*span))];
            of("kernel::words::Pair", fields)
        }
        Words::Mul(by, span) => {
            let none = Twice { mantissa: 0, exponent: 0 };
            let of_operands = Value::Array(vec![factor(none), factor(none)]);
            let fields = vec![("of", of_operands), ("whole", factor(*by)), ("range", range(*span))];
            of("kernel::words::Pair", fields)
        }
        Words::Scale(WordScale { up, down, zeros, span }) => {
            let [from, into] = zeros.map(|zero| Value::Step(zero as isize));
            let fields = vec![
                ("up", factor(*up)),
                ("down", factor(*down)),
                ("from_zero", from),
                ("into_zero", into),
                ("range", range(*span)),
            ];
            of("kernel::words::Scale", fields)
        }
        Words::Average(average) => of("kernel::words::Average", averaging(average, operands)),
        Words::Quantize(scale) => {
            of("kernel::words::Quantize", vec![("scale", Value::Float(*scale))])
        }
    }
}

/// The call of an operator.
pub(super) fn call(words: &Words) -> Invocation {
    match words {
        Words::Conv(_) | Words::Lstm(_) => {
            Invocation::method("run", [Value::First, Value::Second, Value::Third, Value::Result])
        }
        Words::Add(..) => Invocation::method("add", [Value::First, Value::Second, Value::Result]),
        Words::Softmax => Invocation::method("run", [Value::First, Value::Second, Value::Result]),
        Words::Sub(..) => Invocation::method("sub", [Value::First, Value::Second, Value::Result]),
        Words::Mul(..) => Invocation::method("mul", [Value::First, Value::Second, Value::Result]),
        Words::Scale(_) | Words::Average(_) | Words::Quantize(_) => {
            Invocation::method("run", [Value::First, Value::Result])
        }
    }
}

fn convolution(
    conv: &WordConv,
    operands: &[Vec<usize>],
    result: &[usize],
) -> Vec<(&'static str, Value)> {
    vec![
        ("from", Value::sizes(&operands[0][1..])),
        ("into", Value::sizes(&result[1..])),
        ("kernel", Value::sizes(&operands[1][1..3])),
        ("stride", Value::sizes(&conv.stride)),
        ("dilation", Value::sizes(&conv.dilation)),
        ("pads", Value::sizes(&conv.pads)),
        ("groups", Value::size(conv.group)),
        ("bytes", Value::size(conv.bytes)),
        ("twice", Value::Flag(conv.twice)),
        ("from_zero", Value::Step(conv.zeros[0] as isize)),
        ("into_zero", Value::Step(conv.zeros[1] as isize)),
        ("range", range(conv.span)),
    ]
}

fn cells(lstm: &WordLstm, operands: &[Vec<usize>]) -> Vec<(&'static str, Value)> {
    vec![
        ("inputs", Value::size(operands[0][1])),
        ("cells", Value::size(operands[1][0] / 2)),
        ("fraction", Value::size(lstm.fraction)),
        ("hidden", factor(lstm.hidden)),
        ("zero", Value::Step(lstm.zero as isize)),
        ("most", Value::Step(lstm.most as isize)),
    ]
}

fn averaging(average: &WordAverage, operands: &[Vec<usize>]) -> Vec<(&'static str, Value)> {
    vec![
        ("from", Value::sizes(&operands[0][1..])),
        ("into", Value::sizes(&average.into)),
        ("kernel", Value::sizes(&average.kernel)),
        ("stride", Value::sizes(&average.stride)),
        ("pads", Value::sizes(&average.pads)),
        ("range", range(average.span)),
    ]
}

fn factor(factor: Twice) -> Value {
    let mantissa = ("mantissa", Value::Int(factor.mantissa.into()));
    let exponent = ("exponent", Value::Step(factor.exponent as isize));
    Value::fields("kernel::words::Factor", [mantissa, exponent])
}

fn range(span: Span) -> Value {
    let bounds = [("lo", span.lo), ("hi", span.hi)];
    Value::fields(
        "kernel::words::Range",
        bounds.map(|(name, bound)| (name, Value::Step(bound as isize))),
    )
}
