//! Locations of inputs when the first step begins: with the caller, in the arena, or asked for row by row.

use mnv2c_runtime::ring::{Form, Rows};

use crate::error::Result;
use crate::ir::view::is_view;
use crate::ir::{Graph, Layout, NodeId};
use crate::objective::Feed;
use crate::schedule::place::{Lowering, dense, is_depthwise};
use crate::schedule::{Home, Intake, Place};

impl Lowering<'_> {
    /// The location of an input when the first step begins.
    pub(super) fn intake(&mut self, index: usize, id: NodeId) -> Result<Intake> {
        let seen = &self.graph.node(seen(self.graph, id)).out;
        let place = dense(Home::Input(index), seen)?;
        let planes = place.rows.form == Form::Planes && is_image(self.graph, id);
        let Rows { kept, width, channels, .. } = place.rows;
        let rows = if planes { Rows::nhwc(kept, width, channels) } else { place.rows };
        let place = match self.memory.feed {
            Feed::Caller => return Ok(Intake { place, planes: false, scale: None }),
            Feed::Arena => {
                let place = self.spread(id, Place { rows, ..place });
                let end = self.last_reads.get(&id).map_or(0, |last| last + 1);
                let home = self.add_buffer(self.graph.node(id).name.clone(), place, end);
                Place { home, ..place }
            }
            Feed::Rows => Place { home: Home::Feed(index), rows, ..place },
        };
        Ok(Intake { place, planes, scale: self.graph.scales.get(&id).copied() })
    }

    /// The location of an image that the caller writes into the arena, with the zeros that its one convolution reads.
    fn spread(&self, id: NodeId, place: Place) -> Place {
        let reader = self.graph.only_reader(id);
        let reader = reader.filter(|reader| self.graph.operand(*reader, 4).is_none());
        let conv = reader.and_then(|reader| self.graph.node(reader).op.conv());
        match (reader, conv) {
            (Some(reader), Some(conv))
                if is_image(self.graph, id) && place.rows.form == Form::Nhwc =>
            {
                let element = self.element_for(reader, place);
                Place { rows: self.rows_for(conv, false, place), element, ..place }
            }
            _ => place,
        }
    }
}

/// True if the rows of an input can be asked for one after the other: it is the image of one convolution.
pub(super) fn is_fed_by_rows(graph: &Graph, id: NodeId) -> bool {
    let seen = seen(graph, id);
    is_image(graph, seen) && graph.only_reader(seen).is_some()
}

/// An input as its one reader sees it, where that only says that its channels lie innermost.
fn seen(graph: &Graph, id: NodeId) -> NodeId {
    let views =
        |reader: &NodeId| is_view(graph, *reader) && graph.node(*reader).out.layout == Layout::Nhwc;
    graph.only_reader(id).filter(views).unwrap_or(id)
}

/// True if a value is an image, and convolutions of it its only readers.
fn is_image(graph: &Graph, id: NodeId) -> bool {
    let convolves =
        |reader: NodeId| graph.node(reader).op.conv().is_some() && !is_depthwise(graph, reader);
    graph.node(id).out.shape.len() == 4
        && !graph.is_output(id)
        && graph.readings(id).all(|(reader, port)| port.0 == 0 && convolves(reader))
}
