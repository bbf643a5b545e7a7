//! Readers of operators on 16-bit integers, which files of TFLite are written with and no exporter of ONNX knows.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::ir::quant::tflite::Twice;
use crate::ir::quant::words::{Span, WordAverage, WordConv, WordLstm, WordScale, Words};
use crate::ir::{NodeId, Op};

/// The domain of these operators.
pub(in crate::frontend) const DOMAIN: &str = "mnv2c";

/// A convolution.
pub(super) fn conv(call: &mut Call<'_>) -> Made {
    let conv = WordConv {
        into: sizes(call, "into")?,
        stride: sizes(call, "strides")?,
        dilation: sizes(call, "dilations")?,
        pads: sizes(call, "pads")?,
        group: usize::try_from(call.int("group", 1)?).unwrap_or(0),
        bytes: if call.int("wide", 0)? == 0 { 1 } else { 2 },
        twice: call.int("twice", 0)? != 0,
        zeros: numbers(call, "zeros")?,
        span: span(call)?,
    };
    emit(call, Words::Conv(conv), 3)
}

/// A sum.
pub(super) fn add(call: &mut Call<'_>) -> Made {
    let [a, b, whole] = factors(call)?;
    let span = span(call)?;
    emit(call, Words::Add([a, b, whole], span), 2)
}

/// A difference.
pub(super) fn sub(call: &mut Call<'_>) -> Made {
    let [a, b, whole] = factors(call)?;
    let span = span(call)?;
    emit(call, Words::Sub([a, b, whole], span), 2)
}

/// Steps of a sequence through cells.
pub(super) fn lstm(call: &mut Call<'_>) -> Made {
    let ([hidden], [fraction, zero, most]) = (factors(call)?, numbers(call, "cell")?);
    let fraction = usize::try_from(fraction).unwrap_or(usize::MAX);
    emit(call, Words::Lstm(WordLstm { fraction, hidden, zero, most }), 3)
}

/// Shares of the rows of bytes.
pub(super) fn softmax(call: &mut Call<'_>) -> Made {
    emit(call, Words::Softmax, 2)
}

/// A product.
pub(super) fn mul(call: &mut Call<'_>) -> Made {
    let ([factor], span) = (factors(call)?, span(call)?);
    emit(call, Words::Mul(factor, span), 2)
}

/// A function of each integer.
pub(super) fn scale(call: &mut Call<'_>) -> Made {
    let ([up, down], zeros, span) = (factors(call)?, numbers(call, "zeros")?, span(call)?);
    emit(call, Words::Scale(WordScale { up, down, zeros, span }), 1)
}

/// Means of windows.
pub(super) fn average(call: &mut Call<'_>) -> Made {
    let average = WordAverage {
        into: sizes(call, "into")?,
        kernel: sizes(call, "kernel_shape")?,
        stride: sizes(call, "strides")?,
        pads: sizes(call, "pads")?,
        span: span(call)?,
    };
    emit(call, Words::Average(average), 1)
}

/// The nearest integers.
pub(super) fn quantize(call: &mut Call<'_>) -> Made {
    let scale = call.real("scale", 1.0)?;
    emit(call, Words::Quantize(scale), 1)
}

fn emit(call: &mut Call<'_>, words: Words, operands: usize) -> Made {
    let operands: Vec<NodeId> =
        (0..operands).map(|port| call.any(port)).collect::<Result<_, _>>()?;
    call.emit(Op::Words(words), &operands)
}

/// Whole numbers of an attribute.
fn numbers<const N: usize>(call: &Call<'_>, name: &str) -> Result<[i32; N], Fault> {
    let list = call.ints(name)?.unwrap_or_default();
    let list: Vec<i32> = list.into_iter().filter_map(|x| i32::try_from(x).ok()).collect();
    list.try_into().map_err(|_| Fault::Misfit(format!("attribute {name:?} has not {N} numbers")))
}

/// Sizes, none of them greater than an image may have.
fn sizes(call: &Call<'_>, name: &str) -> Result<[usize; 2], Fault> {
    let sizes = numbers::<2>(call, name)?.map(|size| usize::try_from(size).ok());
    match sizes {
        [Some(rows), Some(columns)] => Ok([rows, columns]),
        _ => Err(Fault::Misfit(format!("attribute {name:?} holds a negative size"))),
    }
}

fn span(call: &Call<'_>) -> Result<Span, Fault> {
    let [lo, hi] = numbers(call, "span")?;
    Ok(Span { lo, hi })
}

/// Factors, a mantissa and an exponent each.
fn factors<const N: usize>(call: &Call<'_>) -> Result<[Twice; N], Fault> {
    let list = call.ints("factors")?.unwrap_or_default();
    let factor = |pair: &[i64; 2]| {
        let mantissa = u32::try_from(pair[0]).ok().filter(|mantissa| *mantissa < 1 << 31)?;
        let exponent = i32::try_from(pair[1]).ok().filter(|it| (-31..=30).contains(it))?;
        Some(Twice { mantissa, exponent })
    };
    let found: Option<Vec<Twice>> = list.as_chunks().0.iter().map(factor).collect();
    let found = found.and_then(|found| found.try_into().ok());
    found.ok_or_else(|| Fault::Misfit(format!("has not {N} factors")))
}
