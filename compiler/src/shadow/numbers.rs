//! The numbers that lie in the memory of a program which runs on the host.
//!
//! The shadow proves that a call finds what it should; here it is also computed, by the plain loops of the oracle over
//! the rows, columns and channels that the call reads where they lie.

mod host;
mod layer;

use std::collections::BTreeMap;
use std::ops::Range;

use half::{bf16, f16};

use crate::error::{Error, Result};
use crate::interp::Array;
use crate::ir::{Dtype, Graph, Node, NodeId, Op, Tensor, Values};
use crate::pack::Blob;
use crate::plan::Plan;
use crate::schedule::{Element, Home, Intake, Place, Port, Schedule, Stage};
use crate::shadow::area::Area;

/// Bytes of memory that nothing was written to: of floats no number, of bytes the greatest.
const UNWRITTEN: u8 = 0xff;

/// The memory of a network, and what it is given.
pub(super) struct Numbers<'a> {
    graph: &'a Graph,
    blob: &'a Blob,
    arena: Vec<u8>,
    /// The caller's side of each input: its array, or the rows that it gives one by one.
    inputs: Vec<Vec<u8>>,
    outputs: Vec<Vec<u8>>,
    /// The rows of each channel that pools of a step have taken so far, by stage and first channel.
    pooled: BTreeMap<(usize, usize), Vec<Vec<f32>>>,
}

/// Operands and result of a call.
pub(super) struct Piece<'a> {
    /// The number of the stage in its step.
    pub at: usize,
    /// The stage.
    pub stage: &'a Stage,
    /// The row that slices are of, where the kernel is given slices.
    pub row: Option<usize>,
    /// Operands in memory, by their number, and the byte that each one's memory begins at.
    pub reads: Vec<(usize, Area, usize)>,
    /// The residual that lies where the result will.
    pub over: Option<Area>,
    /// The result.
    pub write: Area,
    /// The byte that the memory of the result begins at.
    pub start: usize,
}

impl Piece<'_> {
    /// The area and the start of an operand that lies in memory.
    fn read(&self, port: usize) -> Option<(&Area, usize)> {
        self.reads.iter().find(|read| read.0 == port).map(|(_, area, start)| (area, *start))
    }

    /// The byte at which the slice of an area's memory begins that the kernel is given.
    fn lies(&self, area: &Area) -> usize {
        let Some(row) = self.row else { return 0 };
        let pixels = Area { place: area.place.whole_pixels(), ..area.clone() };
        pixels.byte(row as isize, 0, 0)
    }
}

impl<'a> Numbers<'a> {
    /// Memory that holds nothing but the inputs and the bytes of the states.
    pub(super) fn new(
        graph: &'a Graph,
        schedule: &Schedule,
        plan: &Plan,
        blob: &'a Blob,
        inputs: &[Array],
        kept: &[Vec<u8>],
    ) -> Result<Self> {
        if inputs.len() != schedule.inputs.len() {
            let (wanted, found) = (schedule.inputs.len(), inputs.len());
            let what = format!("the network takes {wanted} inputs, {found} are given");
            return Err(Error::Wiring(what));
        }
        let intakes = schedule.intakes.iter().zip(&schedule.inputs).zip(inputs);
        let inputs: Vec<Vec<u8>> = intakes
            .map(|((intake, port), array)| given(*intake, port, array))
            .collect::<Result<_>>()?;
        let size = |port: &Port| port.dtype.stored_bytes();
        let outputs = schedule
            .outputs
            .iter()
            .map(|port| vec![UNWRITTEN; schedule.part_len(port) * size(port)]);
        let mut arena = vec![UNWRITTEN; plan.arena_len];
        for (intake, bytes) in schedule.intakes.iter().zip(&inputs) {
            if let Home::Arena(buffer) = intake.place.home {
                arena[plan.slots[buffer.0].offset..][..bytes.len()].copy_from_slice(bytes);
            }
        }
        for (state, bytes) in schedule.states.iter().zip(kept) {
            if let Home::Arena(buffer) = state.place.home {
                arena[plan.slots[buffer.0].offset..][..bytes.len()].copy_from_slice(bytes);
            }
        }
        let outputs = outputs.collect();
        Ok(Self { graph, blob, arena, inputs, outputs, pooled: BTreeMap::new() })
    }

    /// Bytes of the arena.
    pub(super) fn bytes(&self, range: Range<usize>) -> Vec<u8> {
        self.arena[range].to_vec()
    }

    /// Forgets what pools of the last step have taken.
    pub(super) fn enter(&mut self) {
        self.pooled.clear();
    }

    /// The outputs as the caller finds them.
    pub(super) fn answers(&self, schedule: &Schedule, plan: &Plan) -> Vec<Array> {
        if let Some(ranking) = &schedule.ranking {
            let Home::Arena(buffer) = ranking.scores.home else { return Vec::new() };
            let start = plan.slots[buffer.0].offset;
            let values = self.read_along(&Area::image(ranking.scores), start);
            let shape = self.graph.node(self.graph.outputs[0].node).out.shape.clone();
            return vec![Array { shape, values }];
        }
        let arrays = schedule.outputs.iter().zip(&self.outputs).map(|(port, bytes)| {
            let mut shape = port.shape.clone();
            if schedule.batch > 1 {
                shape[0] /= schedule.batch;
            }
            let values = match port.dtype {
                Dtype::U8 => Values::U8(bytes.clone()),
                Dtype::I32 => Values::I32(
                    bytes.as_chunks().0.iter().map(|x| i32::from_le_bytes(*x)).collect(),
                ),
                Dtype::I64 => Values::I64(
                    bytes.as_chunks().0.iter().map(|x| i64::from_le_bytes(*x)).collect(),
                ),
                _ => Values::F32(
                    bytes.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x)).collect(),
                ),
            };
            Array { shape, values }
        });
        arrays.collect()
    }

    fn memory(&self, home: Home) -> &[u8] {
        match home {
            Home::Arena(_) => &self.arena,
            Home::Output(at) => &self.outputs[at],
            Home::Input(at) | Home::Feed(at) => &self.inputs[at],
            Home::Weights(_) => &[],
        }
    }

    fn memory_mut(&mut self, home: Home) -> &mut [u8] {
        match home {
            Home::Arena(_) => &mut self.arena,
            Home::Output(at) => &mut self.outputs[at],
            Home::Input(at) | Home::Feed(at) => &mut self.inputs[at],
            Home::Weights(_) => &mut [],
        }
    }

    /// The numbers of an area, by channel, row and column.
    fn read(&self, area: &Area, start: usize) -> Values {
        let memory = self.memory(area.place.home);
        let bytes = area.elements().map(|byte| start + byte);
        decoded(area.place.element, memory, bytes)
    }

    /// Puts numbers into an area, by channel, row and column.
    fn write(&mut self, area: &Area, start: usize, values: &Values) {
        let memory = self.memory_mut(area.place.home);
        let bytes = area.elements().map(|byte| start + byte);
        encode(area.place.element, memory, bytes, values);
    }

    /// The numbers of an area in the order of memory.
    fn read_along(&self, area: &Area, start: usize) -> Values {
        let memory = self.memory(area.place.home);
        decoded(area.place.element, memory, along(area, start).into_iter())
    }

    /// Puts numbers into an area in the order of memory.
    fn write_along(&mut self, area: &Area, start: usize, values: &Values) {
        let memory = self.memory_mut(area.place.home);
        encode(area.place.element, memory, along(area, start).into_iter(), values);
    }

    /// The elements of a memory from a byte on, as many as there are.
    fn read_from(&self, place: Place, start: usize, len: usize) -> Values {
        let each = place.element.bytes();
        decoded(place.element, self.memory(place.home), (0..len).map(|at| start + at * each))
    }

    /// Fills an area around an image: with the border of a stage that is given one, or with zeros.
    pub(super) fn fill(&mut self, stage: &Stage, area: &Area, start: usize) {
        let zero = if let Element::U8 { zero } = area.place.element { zero } else { 0 };
        let memory = self.memory_mut(area.place.home);
        area.each_run(|run| memory[start + run.bytes.start..start + run.bytes.end].fill(zero));
        let border = stage.from.get(1).filter(|_| stage.kernel.loads());
        let Some(Home::Weights(id)) = border.map(|place| place.home) else { return };
        let each = area.rows.len() * area.columns.len();
        let border = self.blob.floats(id).into_iter();
        let values = Values::F32(border.flat_map(|x| vec![x; each]).collect());
        self.write(area, start, &values);
    }

    /// Moves the dense pixels of an image to its padded rows.
    pub(super) fn spread(&mut self, stage: &Stage, start: usize) {
        let place = stage.from[0];
        let len = place.rows.width * place.height * place.rows.channels;
        let dense = self.read_from(place, start, len);
        self.fill(stage, &Area::stored(place), start);
        self.write_along(&Area::image(place), start, &dense);
    }

    /// Moves a run of bytes `by` bytes back, and fills what that leaves with zeros of a place.
    pub(super) fn slide(&mut self, place: Place, run: Range<usize>, by: usize) {
        let memory = self.memory_mut(place.home);
        memory.copy_within(run.start + by..run.end, run.start);
        let zero = if let Element::U8 { zero } = place.element { zero } else { 0 };
        memory[run.end - by..run.end].fill(zero);
    }

    /// A constant operand of a node.
    fn constant(&self, node: NodeId, port: usize) -> Option<Array> {
        let id = self.graph.operand(node, port)?;
        let values = self.graph.constant(id)?.clone();
        Some(Array { shape: self.graph.node(id).out.shape.clone(), values })
    }

    /// A constant in the order of memory.
    fn packed(&self, place: Place) -> Option<Values> {
        let Home::Weights(id) = place.home else { return None };
        Some(match place.element {
            Element::U8 { .. } => Values::U8(self.blob.bytes_of(id).to_vec()),
            _ => Values::F32(self.blob.floats(id)),
        })
    }

    /// The result, of some shape, of an operator on operands by their ports.
    fn apply(
        &self,
        stage: &Stage,
        op: Op,
        shape: &[usize],
        operands: &[(usize, Array)],
    ) -> Result<Values> {
        let node = self.graph.node(stage.node);
        let floats = stage.into.element.bytes() > 1;
        let dtype = if floats { Dtype::F32 } else { Dtype::U8 };
        let out = Tensor { dtype, ..Tensor::f32(shape) };
        let node = Node { name: node.name.clone(), op, out };
        crate::interp::apply(self.graph, &node, operands)
    }
}

/// The bytes at which the elements of an area begin, in the order of memory.
fn along(area: &Area, start: usize) -> Vec<usize> {
    let (mut bytes, each) = (Vec::new(), area.place.element.bytes());
    area.each_run(|run| bytes.extend(run.bytes.step_by(each).map(|byte| start + byte)));
    bytes
}

fn decoded(element: Element, memory: &[u8], bytes: impl Iterator<Item = usize>) -> Values {
    let two = |at: usize| [memory[at], memory[at + 1]];
    let four = |at: usize| [memory[at], memory[at + 1], memory[at + 2], memory[at + 3]];
    match element {
        Element::U8 { .. } => Values::U8(bytes.map(|at| memory[at]).collect()),
        Element::F16 => Values::F32(bytes.map(|at| f16::from_le_bytes(two(at)).to_f32()).collect()),
        Element::Bf16 => {
            Values::F32(bytes.map(|at| bf16::from_le_bytes(two(at)).to_f32()).collect())
        }
        Element::I32 => Values::I32(bytes.map(|at| i32::from_le_bytes(four(at))).collect()),
        Element::I64 => {
            let low = |at: usize| u64::from(u32::from_le_bytes(four(at)));
            let both = |at: usize| low(at) | low(at + 4) << 32;
            Values::I64(bytes.map(|at| both(at).cast_signed()).collect())
        }
        Element::F32 => Values::F32(bytes.map(|at| f32::from_le_bytes(four(at))).collect()),
    }
}

fn encode(
    element: Element,
    memory: &mut [u8],
    bytes: impl Iterator<Item = usize>,
    values: &Values,
) {
    match (element, values) {
        (Element::U8 { .. }, Values::U8(values)) => {
            bytes.zip(values).for_each(|(at, value)| memory[at] = *value);
        }
        (Element::F16, Values::F32(values)) => {
            let half = |x: &f32| f16::from_f32(*x).to_le_bytes();
            bytes.zip(values).for_each(|(at, x)| memory[at..at + 2].copy_from_slice(&half(x)));
        }
        (Element::Bf16, Values::F32(values)) => {
            let half = |x: &f32| bf16::from_f32(*x).to_le_bytes();
            bytes.zip(values).for_each(|(at, x)| memory[at..at + 2].copy_from_slice(&half(x)));
        }
        (Element::F32, Values::F32(values)) => {
            bytes
                .zip(values)
                .for_each(|(at, x)| memory[at..at + 4].copy_from_slice(&x.to_le_bytes()));
        }
        (Element::I32, Values::I32(values)) => {
            let pairs = bytes.zip(values);
            pairs.for_each(|(at, x)| memory[at..at + 4].copy_from_slice(&x.to_le_bytes()));
        }
        (Element::I64, Values::I64(values)) => {
            let pairs = bytes.zip(values);
            pairs.for_each(|(at, x)| memory[at..at + 8].copy_from_slice(&x.to_le_bytes()));
        }
        (element, values) => unreachable!("{} where {element:?} lies", values.dtype()),
    }
}

/// An input as the network takes it: planes as rows of pixels, floats as bytes, where it says so.
fn given(intake: Intake, port: &Port, array: &Array) -> Result<Vec<u8>> {
    let (place, len) = (intake.place, array.values.len());
    let wanted = place.rows.width * place.height * place.rows.channels;
    if len != wanted {
        let (name, shape) = (&port.name, &array.shape);
        let what = format!("input {name:?} takes {wanted} numbers, an array of {shape:?} is given");
        return Err(Error::Wiring(what));
    }
    let pixel = |at: usize| match intake.planes {
        true => {
            at % place.rows.channels * (place.height * place.rows.width) + at / place.rows.channels
        }
        false => at,
    };
    let values = match (&array.values, intake.scale) {
        (Values::F32(x), Some(scale)) => {
            Values::U8((0..len).map(|at| scale.quantize(x[pixel(at)])).collect())
        }
        (Values::F32(x), None) => Values::F32((0..len).map(|at| x[pixel(at)]).collect()),
        (Values::U8(x), _) => Values::U8((0..len).map(|at| x[pixel(at)]).collect()),
        (other, _) => {
            let what = format!("input {:?} takes {}, not {}", port.name, port.dtype, other.dtype());
            return Err(Error::Wiring(what));
        }
    };
    let each = place.element.bytes();
    let mut bytes = vec![0; len * each];
    encode(place.element, &mut bytes, (0..len).map(|at| at * each), &values);
    Ok(bytes)
}
