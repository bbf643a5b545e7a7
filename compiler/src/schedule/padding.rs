//! The zeros that convolutions read around a value, stored with it.

use mnv2c_runtime::ring::Rows;

use crate::ir::{Conv, Layout, NodeId, Op, Quant};
use crate::schedule::place::{Lowering, is_depthwise};
use crate::schedule::{Element, Place, Results};

impl Lowering<'_> {
    /// The best location of the result of `id` for its readers, dense at `flat`.
    pub(super) fn wanted(&self, id: NodeId, flat: Place) -> Place {
        if self.setting.results == Results::Dense {
            return flat;
        }
        let readers: Vec<NodeId> =
            self.graph.readers(id).into_iter().map(|(reader, _)| reader).collect();
        let convs: Option<Vec<(&Conv, bool)>> = readers
            .iter()
            .map(|reader| {
                let conv = self.graph.node(*reader).op.conv();
                let conv = conv.filter(|_| self.graph.operand(*reader, 3) != Some(id))?;
                Some((conv, is_depthwise(self.graph, *reader)))
            })
            .collect();
        let (Some(convs), true) = (convs, self.makes_rows(id)) else { return flat };
        let Some(first) = readers.first() else { return flat };
        let element = self.element_for(*first, flat);
        let mixed = convs.iter().any(|(_, depthwise)| *depthwise != convs[0].1)
            || readers.iter().any(|reader| self.element_for(*reader, flat) != element);
        if mixed {
            return flat;
        }
        let each = convs.iter().map(|(conv, depthwise)| self.rows_for(conv, *depthwise, flat));
        let rows = each.reduce(spacious);
        Place { rows: rows.unwrap_or(flat.rows), element, ..flat }
    }

    /// True if the kernel of `id` writes rows of any form.
    fn makes_rows(&self, id: NodeId) -> bool {
        match &self.graph.node(id).op {
            Op::Quant(Quant::Quantize(_)) => self.graph.node(id).out.layout == Layout::Nhwc,
            op => op.conv().is_some_and(|own| own.group == 1 || is_depthwise(self.graph, id)),
        }
    }

    /// The element type at `place` for `reader`, with the padding value that the reader needs.
    pub(super) fn element_for(&self, reader: NodeId, place: Place) -> Element {
        match &self.graph.node(reader).op {
            Op::Quant(Quant::Conv(conv)) => Element::U8 { zero: conv.x_zero },
            Op::Conv(_) if place.element.bytes() == 1 => Element::F32,
            // Other readers take numbers as they lie.
            _ => place.element,
        }
    }

    /// The best rows of a whole value for one convolution.
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

impl Padding {
    /// True if nothing is read around the image.
    pub(super) fn is_none(&self) -> bool {
        [self.top, self.left, self.bottom, self.right] == [0; 4]
    }
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
