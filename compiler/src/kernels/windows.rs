//! Common parts of kernels of windows: fields, and the order of a product's weights in panels.

use mnv2c_runtime::ring::Form;

use crate::ir::Conv;
use crate::kernels::site::{Element, Operand};
use crate::kernels::value::Value;
use crate::kernels::weights::{PackOrder, Vectors};

/// The fields of any window.
pub(super) fn window(conv: &Conv) -> [(&'static str, Value); 4] {
    [
        ("kernel", Value::sizes(&conv.kernel)),
        ("stride", Value::sizes(&conv.stride)),
        ("dilation", Value::sizes(&conv.dilation)),
        pad(conv),
    ]
}

/// The field of the zeros above and left of an image.
pub(super) fn pad(conv: &Conv) -> (&'static str, Value) {
    ("pad", Value::sizes(&conv.pads[..2]))
}

/// The order of a product's weights in panels of `columns`, where `run` inputs of a window lie side by side.
pub(super) fn panels(from: &Operand, columns: usize, run: usize, vectors: Vectors) -> PackOrder {
    let planes = from.rows.form == Form::Planes;
    match from.element {
        Element::U8 { .. } => PackOrder::QPanels { columns, run },
        Element::Bf16 if vectors.pairs && !planes => PackOrder::Pairs { columns, run },
        // No window reads integers.
        _ => PackOrder::Panels { columns, planes },
    }
}

/// Inputs of a convolution that its kernel finds side by side.
pub(super) fn run(conv: &Conv, from: &Operand, lanes: usize) -> usize {
    let channels = from.rows.channels / conv.group;
    let columns = from.rows.left + from.rows.width + from.rows.right;
    let apart = matches!(from.rows.form, Form::Chunks(_)) && from.rows.kept * columns > 1;
    match () {
        () if apart && channels > lanes => lanes,
        () if conv.dilation[1] * from.rows.ring(0).pixel == channels => conv.kernel[1] * channels,
        () => channels,
    }
}
