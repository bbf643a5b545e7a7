//! Stages of a segment that is no chain: branches that meet, sums, activations and pooling between convolutions.
//!
//! Places are given from the result backwards, so that an activation may overwrite what it reads, and the operands of a
//! concatenation are written where they belong. Stages follow in order, with the loads and copies they need.

use std::collections::BTreeMap;

use mnv2c_runtime::ring::{Form, Rows};

use crate::error::Result;
use crate::ir::view::base;
use crate::ir::{Conv, NodeId, Op, Quant};
use crate::kernels::Move;
use crate::plan::Overlap;
use crate::schedule::padding::spacious;
use crate::schedule::place::{Lowering, dense, is_depthwise};
use crate::schedule::{Home, Place, Stage, pull, stage};
use crate::segment::Segment;
use crate::segment::flow::{Shuffle, shuffle};

/// Who reads each value inside a segment, and at which port.
type Readers = BTreeMap<NodeId, Vec<(NodeId, usize)>>;

impl Lowering<'_> {
    /// The stages of a segment of several branches.
    pub(super) fn region(&mut self, segment: &Segment) -> Result<Vec<Stage>> {
        let readers = self.readers_inside(segment);
        for id in segment.stages.iter().rev() {
            let place = match readers.get(id) {
                Some(readers) => self.place_inside(*id, readers)?,
                None => self.as_picture(*id, |lowering| lowering.place_result(*id))?,
            };
            self.inner.insert(*id, place);
        }
        let mut stages = Vec::new();
        for id in &segment.stages {
            self.put(*id, &mut stages)?;
        }
        self.shrink_region_rings(&mut stages);
        Ok(stages)
    }

    fn readers_inside(&self, segment: &Segment) -> Readers {
        let mut readers = Readers::new();
        for id in &segment.stages {
            for (port, operand) in self.graph.operands(*id) {
                let maker = base(self.graph, operand);
                if segment.stages.contains(&maker) {
                    readers.entry(maker).or_default().push((*id, port.0));
                }
            }
        }
        readers
    }

    /// The location of a value inside; its readers have their places.
    fn place_inside(&mut self, id: NodeId, readers: &[(NodeId, usize)]) -> Result<Place> {
        if let [(reader, port)] = readers {
            let result = self.inner[reader];
            let graph = self.graph;
            match graph.node(*reader).op {
                Op::Concat(_) if writes_slices(&graph.node(id).op) => {
                    let (first, channels) = self.channels_of(*reader, *port);
                    return Ok(Place { rows: result.rows.slice(first, channels), ..result });
                }
                Op::Clamp(_) | Op::Unary(_) | Op::Binary(_) | Op::PRelu
                    if *port == 0 && result.rows.form == Form::Nhwc =>
                {
                    return Ok(result);
                }
                Op::Quant(Quant::Add(_) | Quant::Mul(..) | Quant::Table(_))
                    if *port == 0 && result.rows.form == Form::Nhwc =>
                {
                    return Ok(result);
                }
                // Other readers do not work in place.
                _ => {}
            }
        }
        let node = self.graph.node(id);
        let flat = self.as_picture(id, |_| dense(Home::Output(0), &node.out))?;
        let place = self.ring_for(id, readers, flat);
        Ok(self.scratch(&node.name, place))
    }

    /// The place of a value, whose rows are those of its image.
    fn as_picture(
        &mut self,
        id: NodeId,
        place: impl FnOnce(&mut Self) -> Result<Place>,
    ) -> Result<Place> {
        let place = place(self)?;
        Ok(match shuffle(self.graph, id) {
            Some(Shuffle { picture: [c, h, w], .. }) => {
                Place { rows: Rows::nhwc(h, w, c), height: h, ..place }
            }
            None => place,
        })
    }

    /// The best rows of a value inside for the convolutions that read them. Those of bytes lie without padding where
    /// the convolutions differ in their padding value.
    fn ring_for(&self, id: NodeId, readers: &[(NodeId, usize)], flat: Place) -> Place {
        let graph = self.graph;
        let of_picture =
            || readers.iter().filter(|(_, port)| *port == 0).map(|(reader, _)| *reader);
        let windows: Vec<(&Conv, bool)> = of_picture()
            .filter_map(|reader| {
                let conv = graph.node(reader).op.conv()?;
                Some((conv, is_depthwise(graph, reader)))
            })
            .collect();
        let convolves = |reader: &NodeId| graph.node(*reader).op.conv().is_some();
        let mut elements =
            of_picture().filter(convolves).map(|reader| self.element_for(reader, flat));
        let element = elements.next().unwrap_or(flat.element);
        if elements.any(|other| other != element) {
            return flat;
        }
        let all_depthwise =
            windows.len() == readers.len() && windows.iter().all(|(_, depthwise)| *depthwise);
        let chunks = all_depthwise && writes_chunks(&graph.node(id).op, is_depthwise(graph, id));
        let whole_vectors = flat.rows.channels.is_multiple_of(self.target.isa.lanes());
        let windows =
            windows.into_iter().filter(|(_, depthwise)| chunks || !depthwise || whole_vectors);
        let each = windows.map(|(conv, _)| self.rows_for(conv, chunks, flat));
        let rows = each.reduce(spacious).unwrap_or(flat.rows);
        Place { rows, element, ..flat }
    }

    /// The first of a concatenation's channels that it takes from `port`, and how many.
    fn channels_of(&self, concat: NodeId, port: usize) -> (usize, usize) {
        let operands = self.graph.operands(concat);
        let channels = |at: usize| self.graph.node(operands[at].1).out.shape[1];
        ((0..port).map(channels).sum(), channels(port))
    }

    /// Adds the stages of one operator.
    fn put(&mut self, id: NodeId, stages: &mut Vec<Stage>) -> Result<()> {
        let (graph, into) = (self.graph, self.inner[&id]);
        if let Op::Concat(_) = graph.node(id).op {
            for (port, operand) in graph.operands(id) {
                let (first, channels) = self.channels_of(id, port.0);
                let rows = into.rows.slice(first, channels);
                let from = self.value(operand)?;
                if from.home != into.home {
                    stages.push(stage::load(self, id, from, Place { rows, ..into }));
                }
            }
            return Ok(());
        }
        if let Some(shuffle) = shuffle(graph, id) {
            let picture = graph.operand(id, 0).map(|pixels| base(graph, pixels));
            let from = self.value(picture.expect("a shuffle reads a picture"))?;
            stages.push(Stage::new(id, shuffled_row(shuffle), vec![from], into));
            return Ok(());
        }
        let from = self.operand(id, 0)?;
        let load = self.load_for(id, from);
        let from = load.as_ref().map_or(from, |load| load.into);
        stages.extend(load);
        stages.push(stage::lower(self, id, from, into)?);
        Ok(())
    }

    /// Cuts rings down to the rows that are ever alive at once, and lets the result grow where an operand dies.
    fn shrink_region_rings(&mut self, stages: &mut [Stage]) {
        let pull::Held { kept, leads } = pull::simulate(stages);
        let result = stages[stages.len() - 1].into.home;
        for (home, kept) in kept.into_iter().filter(|(home, _)| *home != result) {
            let Home::Arena(buffer) = home else { continue };
            let mut places =
                stages.iter_mut().flat_map(|it| it.from.iter_mut().chain([&mut it.into]));
            let mine = places.by_ref().filter(|place| place.home == home);
            let mut ring = None;
            for place in mine {
                place.rows.kept = kept;
                ring = Some(*place);
            }
            self.schedule.buffers[buffer.0].len = ring.map_or(0, |place| self.bytes(place));
        }
        let element = self.element_bytes(stages[stages.len() - 1].into);
        let overlaps = leads
            .into_iter()
            .filter_map(|(home, lead)| self.grows_over(stages, home, lead * element));
        let most = overlaps.max_by_key(|overlap| self.schedule.buffers[overlap.dying.0].len);
        self.schedule.overlaps.extend(most);
    }

    /// Leave for the result to lie over an operand from outside, row behind row.
    fn grows_over(&self, stages: &[Stage], home: Home, ahead: usize) -> Option<Overlap> {
        let last = stages.last()?;
        let (Home::Arena(dying), Home::Arena(growing)) = (home, last.into.home) else {
            return None;
        };
        let dies = self.schedule.buffers[dying.0].live.end == self.now() + 1;
        let grows = self.schedule.buffers[growing.0].live.start == self.now();
        let reads = |stage: &Stage| stage.from.iter().any(|place| place.home == home);
        let apart = !stages.iter().any(|stage| stage.into.home == last.into.home && reads(stage));
        let mut places = stages.iter().flat_map(|stage| &stage.from);
        let element = last.into.element.bytes();
        let in_rows = places.all(|place| {
            let alike = place.rows.form == Form::Nhwc && place.element.bytes() == element;
            place.home != home || alike
        });
        let sums = last.kernel.pools_all() && self.element_bytes(last.into) != 4;
        let dense = last.into.whole_pixels().is_dense_nhwc();
        (dies && grows && apart && in_rows && dense && !sums).then_some(Overlap {
            dying,
            growing,
            ahead,
        })
    }
}

/// The channels of one row, shuffled.
fn shuffled_row(shuffle: Shuffle) -> Move {
    let Shuffle { picture: [c, _, w], groups, each } = shuffle;
    let steps = |steps: [usize; 3]| steps.map(|step| step as isize).to_vec();
    Move {
        shape: vec![w, each, groups],
        from: 0,
        from_steps: steps([c, 1, each]),
        into: 0,
        into_steps: steps([c, groups, 1]),
    }
}

/// True if a kernel can write some of the channels of each pixel.
fn writes_slices(op: &Op) -> bool {
    op.conv().is_some()
        || matches!(
            op,
            Op::Pool(_)
                | Op::Resize(_)
                | Op::Resample(_)
                | Op::Concat(_)
                | Op::Quant(Quant::Average(_))
        )
}

/// True if a kernel can write channels in chunks.
fn writes_chunks(op: &Op, depthwise: bool) -> bool {
    op.conv().is_some_and(|conv| conv.group == 1 || depthwise)
}
