//! The zeros that convolutions read around a value, stored with it.

use mnv2c_runtime::ring::Rows;

use crate::ir::{Conv, NodeId, Op};
use crate::schedule::place::{Lowering, is_depthwise};
use crate::schedule::{Home, Place};

impl Lowering<'_> {
    pub(super) fn wanted_rows(&self, id: NodeId, flat: Rows, height: usize) -> Rows {
        let place = Place { home: Home::Output(0), rows: flat, height };
        let readers: Vec<NodeId> =
            self.graph.readers(id).into_iter().map(|(reader, _)| reader).collect();
        let convs: Option<Vec<(&Conv, bool)>> = readers
            .iter()
            .map(|reader| match &self.graph.node(*reader).op {
                Op::Conv(conv) if self.graph.operand(*reader, 3) != Some(id) => {
                    Some((conv, is_depthwise(self.graph, *reader)))
                }
                _ => None,
            })
            .collect();
        let (Some(convs), Op::Conv(_)) = (convs, &self.graph.node(id).op) else { return flat };
        let mixed = convs.iter().any(|(_, depthwise)| *depthwise != convs[0].1);
        let grouped = matches!(&self.graph.node(id).op, Op::Conv(conv) if conv.group > 1);
        if convs.is_empty() || mixed || (grouped && !is_depthwise(self.graph, id)) {
            return flat;
        }
        let each = convs.iter().map(|(conv, depthwise)| self.rows_for(conv, *depthwise, place));
        each.reduce(spacious).unwrap_or(flat)
    }

    /// How a whole value lies best for one convolution.
    pub(super) fn rows_for(&self, conv: &Conv, depthwise: bool, place: Place) -> Rows {
        let need = padding(conv, place);
        let Rows { width, channels, .. } = place.rows;
        let kept = need.top + place.height + need.bottom;
        let rows = if depthwise {
            Rows::chunks(kept, width, channels, self.target.isa.lanes())
        } else {
            Rows::nhwc(kept, width, channels)
        };
        rows.padded(need.top, need.left, need.right)
    }
}

/// Rows with zeros enough for either.
pub(super) fn spacious(a: Rows, b: Rows) -> Rows {
    let (above, below) = (a.top.max(b.top), (a.kept - a.top).max(b.kept - b.top));
    let padded = a.padded(above, a.left.max(b.left), a.right.max(b.right));
    Rows { kept: above + below, ..padded }
}

/// Zeros that a convolution reads around an image.
pub(super) struct Padding {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) bottom: usize,
    pub(super) right: usize,
}

pub(super) fn padding(conv: &Conv, place: Place) -> Padding {
    let [top, left, _, _] = conv.pads;
    let beyond = |axis: usize, size: usize, before: usize| {
        let span = (conv.kernel[axis] - 1) * conv.dilation[axis] + 1;
        let after = conv.pads[axis + 2];
        let windows = (size + before + after - span) / conv.stride[axis];
        (windows * conv.stride[axis] + span).saturating_sub(before + size)
    };
    Padding {
        top,
        left,
        bottom: beyond(0, place.height, top),
        right: beyond(1, place.rows.width, left),
    }
}
