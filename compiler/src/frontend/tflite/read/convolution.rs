//! Convolutions, dense layers and products of matrices.
//!
//! Weights of bytes are bytes of the ONNX graph too: turned to ONNX's order here, with a scale for each channel or one.

use crate::frontend::tflite::model::{Kind, Operator, Scales};
use crate::frontend::tflite::read::hybrid::{self, is_hybrid};
use crate::frontend::tflite::read::turn::turned;
use crate::frontend::tflite::read::window::{Padding, Window};
use crate::frontend::tflite::read::{
    Fused, answer_image, byte, image_of, int, nhwc, operand, optional, result, shaped, words,
};
use crate::frontend::tflite::write::{Writer, Written, int as int_attribute, ints, number_of};

/// Fields of a convolution's options.
mod conv {
    pub(super) const PADDING: usize = 0;
    pub(super) const STRIDE_W: usize = 1;
    pub(super) const STRIDE_H: usize = 2;
    pub(super) const FUSED: usize = 3;
    pub(super) const DILATION_W: usize = 4;
    pub(super) const DILATION_H: usize = 5;
}

/// Fields of a depthwise convolution's options, where they are others.
mod depthwise {
    pub(super) const FUSED: usize = 4;
    pub(super) const DILATION_W: usize = 5;
    pub(super) const DILATION_H: usize = 6;
}

/// Weights `[m,kh,kw,c]`.
pub(in super::super) fn conv(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let fields = [conv::FUSED, conv::DILATION_H, conv::DILATION_W];
    convolve(writer, operator, fields, [0, 3, 1, 2])
}

/// Weights `[1,kh,kw,m]`.
pub(in super::super) fn depthwise(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let fields = [depthwise::FUSED, depthwise::DILATION_H, depthwise::DILATION_W];
    convolve(writer, operator, fields, [3, 0, 1, 2])
}

/// A convolution by weights that `perm` turns into `[m,c/group,kh,kw]`.
fn convolve(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    [fused, dilation_h, dilation_w]: [usize; 3],
    perm: [usize; 4],
) -> Written {
    let (x, w, options) = (operand(operator, 0)?, operand(operator, 1)?, operator.options);
    let ([_, h, width, c], [_, to_h, to_w, _]) =
        (nhwc(writer, x)?, nhwc(writer, result(operator)?)?);
    let shape = nhwc(writer, w)?;
    let [_, each, kh, kw] = perm.map(|axis| shape[axis]);
    if each == 0 || !c.is_multiple_of(each) {
        return Err(format!("weights {shape:?} for an image of {c} channels"));
    }
    let window = Window {
        kernel: [kh, kw],
        stride: [int(options, conv::STRIDE_H, 0)?, int(options, conv::STRIDE_W, 0)?],
        dilation: [int(options, dilation_h, 1)?, int(options, dilation_w, 1)?],
        padding: Padding::of(byte(options, conv::PADDING)?)?,
    };
    let mut attributes = window.attributes([h, width], [to_h, to_w])?;
    attributes.push(int_attribute("group", number_of(c / each)));
    let fused = Fused::of(options, fused)?;
    if words::is_word(writer, x) {
        let perm = [perm[0], perm[2], perm[3], perm[1]];
        return words::convolve(writer, operator, (&window, c / each), fused, perm);
    }
    let image = image_of(writer, x)?;
    let weights = weights(writer, w, &perm)?;
    let bias = optional(operator, 2).map(|bias| self::bias(writer, [x, w, bias])).transpose()?;
    if is_hybrid(writer.model.tensors[x].kind, writer.model.tensors[w].kind) {
        // A scale for each channel goes with steps between the ends, one for all with steps around zero.
        let by_channel =
            writer.model.tensors[w].scales.as_ref().is_some_and(|it| it.scales.len() > 1);
        let steps = match by_channel {
            true => hybrid::between_ends(writer, &image, &[1, 2, 3]),
            false => hybrid::around_zero(writer, &image, &[1, 2, 3]),
        };
        let sums = writer.node("Conv", &[&steps.whole, &weights], attributes);
        let made = scaled(writer, &sums, &steps.step, bias, &[1, -1, 1, 1]);
        return answer_image(writer, operator, made, fused);
    }
    let operands: Vec<&str> =
        [&image, &weights].into_iter().chain(&bias).map(String::as_str).collect();
    let made = writer.node("Conv", &operands, attributes);
    answer_image(writer, operator, made, fused)
}

/// Sums of whole steps as reals, and a bias that lies as `shape` says.
fn scaled(
    writer: &mut Writer<'_>,
    sums: &str,
    step: &str,
    bias: Option<String>,
    shape: &[i64],
) -> String {
    let reals = writer.node("Mul", &[sums, step], vec![]);
    let Some(bias) = bias else { return reals };
    let shape = writer.integers("shape", shape);
    let bias = writer.node("Reshape", &[&bias, &shape], vec![]);
    writer.node("Add", &[&reals, &bias], vec![])
}

/// Weights `[m,kh,kw,c]` at port 1, x at port 2, a bias at port 3; the shape of the result at port 0.
pub(in super::super) fn transpose_conv(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
) -> Written {
    let (w, x, options) = (operand(operator, 1)?, operand(operator, 2)?, operator.options);
    let ([_, h, width, _], [_, to_h, to_w, _]) =
        (nhwc(writer, x)?, nhwc(writer, result(operator)?)?);
    let [_, kh, kw, _] = nhwc(writer, w)?;
    let stride = [int(options, conv::STRIDE_H, 0)?, int(options, conv::STRIDE_W, 0)?];
    if stride.iter().any(|stride| *stride < 1) {
        return Err("has a stride below 1".into());
    }
    let same = Padding::of(byte(options, conv::PADDING)?)? == Padding::Same;
    let [rows, columns] = [(h, to_h, kh, 0), (width, to_w, kw, 1)].map(|(from, to, kernel, at)| {
        let whole =
            (number_of(from) - 1).saturating_mul(stride[at]).saturating_add(number_of(kernel));
        let cut = if same { (whole - number_of(to)).max(0) } else { 0 };
        [cut / 2, cut - cut / 2, number_of(to) - (whole - cut)]
    });
    let attributes = vec![
        ints("kernel_shape", &[number_of(kh), number_of(kw)]),
        ints("strides", &stride),
        ints("pads", &[rows[0], columns[0], rows[1], columns[1]]),
        ints("output_padding", &[rows[2], columns[2]]),
    ];
    let fused = Fused::of(options, conv::FUSED)?;
    let image = image_of(writer, x)?;
    let weights = weights(writer, w, &[3, 0, 1, 2])?;
    let bias = optional(operator, 3).map(|bias| self::bias(writer, [x, w, bias])).transpose()?;
    let operands: Vec<&str> =
        [&image, &weights].into_iter().chain(&bias).map(String::as_str).collect();
    let made = writer.node("ConvTranspose", &operands, attributes);
    answer_image(writer, operator, made, fused)
}

/// x `[..,k]` as rows, weights `[n,k]`, maybe a bias `[n]`.
pub(in super::super) fn fully_connected(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
) -> Written {
    let (x, w, options) = (operand(operator, 0)?, operand(operator, 1)?, operator.options);
    if byte(options, 1)? != 0 {
        return Err(
            "its weights are shuffled; convert it with the weights in their default order".into()
        );
    }
    let fused = Fused::of(options, 0)?;
    let &[n, k] = writer.model.shape(w) else {
        return Err(format!("weights {:?}; a matrix belongs there", writer.model.shape(w)));
    };
    let len: usize = writer.model.shape(x).iter().product();
    if k == 0 || !len.is_multiple_of(k) {
        return Err(format!("reads {:?}, which are no rows of {k}", writer.model.shape(x)));
    }
    if words::is_word(writer, x) {
        return words::dense(writer, operator, fused);
    }
    let mut rows = writer.real(x)?;
    if writer.model.shape(x) != [len / k, k] {
        rows = shaped(writer, &rows, &[len / k, k]);
    }
    let is_constant = writer.model.tensors[w].data.is_some();
    let weights = if is_constant { weights(writer, w, &[0, 1])? } else { writer.real(w)? };
    let bias = optional(operator, 2).map(|bias| self::bias(writer, [x, w, bias])).transpose()?;
    let turned = vec![int_attribute("transB", 1)];
    let made = if is_hybrid(writer.model.tensors[x].kind, writer.model.tensors[w].kind) {
        let between_ends = byte(options, 3)? != 0;
        let steps = match between_ends {
            true => hybrid::between_ends(writer, &rows, &[1]),
            false => hybrid::around_zero(writer, &rows, &[1]),
        };
        let sums = writer.node("Gemm", &[&steps.whole, &weights], turned);
        scaled(writer, &sums, &steps.step, bias, &[1, -1])
    } else {
        let operands: Vec<&str> =
            [&rows, &weights].into_iter().chain(&bias).map(String::as_str).collect();
        writer.node("Gemm", &operands, turned)
    };
    let made = fused.apply(writer, made);
    let to = result(operator)?;
    if writer.model.shape(to) == [len / k, n] {
        return writer.answer(&made, to);
    }
    let shape = writer.model.shape(to).to_vec();
    writer.reshaped(&made, &shape, to)
}

/// Products of stacks of matrices, each of which may be turned.
pub(in super::super) fn batch_matmul(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let mut operands = Vec::new();
    for port in [0, 1] {
        let tensor = operand(operator, port)?;
        let (mut x, rank) = (writer.real(tensor)?, writer.model.shape(tensor).len());
        if byte(operator.options, port)? != 0 && rank >= 2 {
            let mut perm: Vec<i64> = (0..number_of(rank)).collect();
            perm.swap(rank - 2, rank - 1);
            x = writer.node("Transpose", &[&x], vec![ints("perm", &perm)]);
        }
        operands.push(x);
    }
    let product = writer.node("MatMul", &[&operands[0], &operands[1]], vec![]);
    writer.answer(&product, result(operator)?)
}

/// The floats of constant weights in the order of `perm`, as bytes behind a DequantizeLinear if they are bytes.
fn weights(writer: &mut Writer<'_>, w: usize, perm: &[usize]) -> Written<String> {
    let it = &writer.model.tensors[w];
    let data = it.data.as_ref().ok_or("reads weights that are computed; constants belong there")?;
    if it.is_sparse {
        return Err("its weights are sparse; convert it without sparsity".into());
    }
    let turned = turned(data, it.kind.bytes(), &it.shape, perm);
    writer.copy(turned.len())?;
    let shape: Vec<usize> = perm.iter().map(|axis| it.shape[*axis]).collect();
    writer.constant_like(w, &shape, turned, perm)
}

/// The floats of a bias: of integers in units of the products of both scales.
fn bias(writer: &mut Writer<'_>, [x, w, bias]: [usize; 3]) -> Written<String> {
    let it = &writer.model.tensors[bias];
    let [from, by] = [x, w].map(|tensor| writer.model.tensors[tensor].scales.as_ref());
    match (it.kind, from, by) {
        (Kind::I32, Some(from), Some(by)) if it.data.is_some() => {
            let scales = by.scales.iter().map(|scale| from.scales[0] * scale).collect::<Vec<f32>>();
            let zeros = vec![0; scales.len()];
            writer.integers_in_units(bias, &Scales { scales, zeros, axis: 0 })
        }
        (Kind::F32 | Kind::F16, _, _) => writer.real(bias),
        (kind, _, _) => {
            Err(format!("has a bias of type {kind:?}; supported: float32, and int32 beside int8"))
        }
    }
}
