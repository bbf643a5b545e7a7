//! Program -> `Sharing`: steps of one shape, which run one function over arrays of the arena and weights of their own.
//!
//! Two steps are of one shape if their loops and stages are equal but for where in the arena their values lie and which
//! weights of the same length they read. Every number that a kernel knows, scales and zero points too, keeps steps apart.
//! A step that computes element by element knows no number of them, so those of any length are of one shape.

mod frame;

use std::collections::BTreeMap;

use mnv2c_runtime::blob::arrays::MOST_ARRAYS;
use mnv2c_runtime::ring::Rows;

use crate::kernels::spec::Flow;
use crate::kernels::{Element, Part};
use crate::pack::{Blob, Number};
use crate::plan::Plan;
use crate::program::{Function, Program, Reach, Statement};
use crate::schedule::{Home, Place, RowWindow, Schedule, Stage, Step};
use crate::segment::RowBatch;

pub use frame::{Array, Frame, borrowed, operands};

/// Weights that a function is given, at most; beside the token, threads, the arena and where its arrays begin, so that a
/// call has no more arguments than a reader takes in.
const MOST_PACKS: usize = 3;

/// Which steps run one function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// The steps of each function that several run.
    pub groups: Vec<Group>,
    /// The memory and the weights that each step gives its function.
    pub frames: Vec<Frame>,
}

/// Steps that run one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The steps, in order; the first is the one that is printed.
    pub steps: Vec<usize>,
    /// The lengths of what the function is given.
    pub lens: Lens,
}

/// Lengths of the arrays and the weights that a function is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lens {
    /// Those of its first step.
    Known,
    /// Any, alike for all arrays of a call.
    Any,
}

impl Sharing {
    /// The steps that run the function of a step, if others do.
    pub fn group(&self, step: usize) -> Option<&Group> {
        self.groups.iter().find(|group| group.steps.contains(&step))
    }
}

/// The steps of a program that are of one shape.
pub fn share(schedule: &Schedule, plan: &Plan, program: &Program, blob: &Blob) -> Sharing {
    let frames: Vec<Frame> = schedule.steps.iter().map(|step| Frame::of(plan, step)).collect();
    let mut groups: Vec<(Shape<'_>, Vec<usize>)> = Vec::new();
    let steps = schedule.steps.iter().zip(&program.functions).zip(&frames).enumerate();
    for (at, ((step, function), frame)) in steps {
        let Some(shape) = shape(plan, blob, (step, function), frame) else { continue };
        match groups.iter_mut().find(|(other, _)| *other == shape) {
            Some((_, group)) => group.push(at),
            None => groups.push((shape, vec![at])),
        }
    }
    let groups = groups.into_iter().map(|(_, steps)| steps).filter(|steps| steps.len() > 1);
    let groups = groups.map(|steps| Group { lens: lens(blob, &frames, &steps), steps });
    Sharing { groups: groups.collect(), frames }
}

/// The lengths that a function of `steps` is given.
fn lens(blob: &Blob, frames: &[Frame], steps: &[usize]) -> Lens {
    let of = |step: usize| {
        let Frame { arrays, packs } = &frames[step];
        let arrays = arrays.iter().map(Array::len);
        arrays.chain(packs.iter().map(|id| blob.range(*id).len())).collect::<Vec<_>>()
    };
    let first = of(steps[0]);
    if steps.iter().all(|step| of(*step) == first) { Lens::Known } else { Lens::Any }
}

/// A step without where its values lie and which weights it reads.
#[derive(PartialEq)]
struct Shape<'a> {
    /// Its loops; none where one call makes all elements.
    function: Option<&'a Function>,
    batch: RowBatch,
    panels: [usize; 2],
    /// Bytes and elements' bytes of each array.
    arrays: Vec<[usize; 2]>,
    /// How many numbers of which type each of its weights are.
    packs: Vec<(usize, Number)>,
    stages: Vec<StageShape>,
}

/// A stage without where its values lie and which weights it reads.
#[derive(PartialEq)]
struct StageShape {
    /// The kernel with its numbers as text, in which a negative zero is another number than zero.
    kernel: String,
    from: Vec<PlaceShape>,
    into: PlaceShape,
    scratch: Option<PlaceShape>,
    has_weights: bool,
    window: RowWindow,
    height: usize,
    part: Part,
    shares: usize,
}

/// A place without where it lies.
#[derive(PartialEq)]
struct PlaceShape {
    memory: Memory,
    rows: Rows,
    height: usize,
    element: Element,
}

/// Whose memory a value lies in, by the order in which a step uses it.
#[derive(PartialEq)]
enum Memory {
    /// So many bytes behind the start of an array, in the buffer of so many that the step uses.
    Array { at: usize, shift: usize, buffer: usize },
    /// The caller's array.
    Port(Home),
    /// Weights that are an operand.
    Pack(usize),
    /// One constant number, which is written out: its bits.
    Scalar(u32),
}

/// The shape of a step; none of one that asks its caller for rows, or that works on more than a call is given.
fn shape<'a>(
    plan: &Plan,
    blob: &Blob,
    (step, function): (&'a Step, &'a Function),
    frame: &Frame,
) -> Option<Shape<'a>> {
    let homes = step.homes();
    let lent = |home: &&Home| matches!(home, Home::Input(_) | Home::Output(_));
    let arguments = frame.packs.len() + homes.iter().filter(lent).count();
    let feeds = homes.iter().any(|home| matches!(home, Home::Feed(_)));
    if feeds || frame.arrays.len() > MOST_ARRAYS || arguments > MOST_PACKS {
        return None;
    }
    let lens = if takes_any_len(plan, (step, function), frame) { Lens::Any } else { Lens::Known };
    let known = |len: usize| if lens == Lens::Any { 0 } else { len };
    let mut memories = Memories { plan, blob, frame, lens, buffers: BTreeMap::new() };
    let arrays = frame.arrays.iter().map(|array| [known(array.bytes.len()), array.element]);
    let packs = frame.packs.iter().map(|id| (known(blob.range(*id).len()), blob.number(*id)));
    Some(Shape {
        function: (lens == Lens::Known).then_some(function),
        batch: step.segment.batch,
        panels: [step.panels, step.interleaved],
        arrays: arrays.collect(),
        packs: packs.collect(),
        stages: step.stages.iter().map(|stage| memories.stage(stage)).collect(),
    })
}

/// True if a step is one call of a kernel that computes element by element, of whole arrays that are as long as one
/// another: nothing in its function tells how long.
fn takes_any_len(plan: &Plan, (step, function): (&Step, &Function), frame: &Frame) -> bool {
    let [stage] = step.stages.as_slice() else { return false };
    let is_plain = |statement: &Statement| match statement {
        Statement::Call(call) => {
            let offsets = [call.from, call.residual, call.into];
            call.reach == Reach::Rows && offsets == [None; 3]
        }
        statement => matches!(statement, Statement::Mark { .. }),
    };
    let is_whole = |place: &Place| match place.home {
        Home::Arena(buffer) => {
            let slot = plan.slots[buffer.0];
            frame.arrays.iter().any(|array| array.bytes == (slot.offset..slot.end()))
        }
        Home::Weights(_) => true,
        Home::Input(_) | Home::Output(_) | Home::Feed(_) => false,
    };
    stage.kernel.flow() == Flow::Slices
        && stage.kernel.constants(&stage.site()).is_empty()
        && function.body.iter().all(is_plain)
        && stage.from.iter().chain([&stage.into]).all(is_whole)
        && frame.arrays.windows(2).all(|pair| pair[0].bytes.len() == pair[1].bytes.len())
        && frame.packs.len() < 2
}

/// A step's homes, numbered by the order in which it uses them.
struct Memories<'a> {
    plan: &'a Plan,
    blob: &'a Blob,
    frame: &'a Frame,
    lens: Lens,
    buffers: BTreeMap<Home, usize>,
}

impl Memories<'_> {
    fn stage(&mut self, stage: &Stage) -> StageShape {
        let scalar = stage.kernel.writes_second_out();
        let from = stage.from.iter().enumerate();
        let from = from.map(|(port, place)| match place.home {
            Home::Weights(id) if scalar && port == 1 => {
                let number = self.blob.floats(id)[0];
                PlaceShape { memory: Memory::Scalar(number.to_bits()), ..self.place(place) }
            }
            Home::Weights(_)
            | Home::Arena(_)
            | Home::Input(_)
            | Home::Output(_)
            | Home::Feed(_) => self.place(place),
        });
        StageShape {
            kernel: format!("{:?}", stage.kernel),
            from: from.collect(),
            into: self.place(&stage.into),
            scratch: stage.scratch.as_ref().map(|place| self.place(place)),
            has_weights: stage.pack.is_some(),
            window: stage.window,
            height: self.known(stage.height),
            part: stage.part,
            shares: stage.shares,
        }
    }

    fn place(&mut self, place: &Place) -> PlaceShape {
        let memory = match place.home {
            Home::Arena(buffer) => {
                let next = self.buffers.len();
                let number = *self.buffers.entry(place.home).or_insert(next);
                let start = self.plan.slots[buffer.0].offset;
                let at = self.frame.array(start).expect("a frame has all arrays of its step");
                let shift = start - self.frame.arrays[at].bytes.start;
                Memory::Array { at, shift, buffer: number }
            }
            Home::Weights(id) => {
                Memory::Pack(self.frame.packs.iter().position(|pack| *pack == id).unwrap_or(0))
            }
            Home::Input(_) | Home::Output(_) | Home::Feed(_) => Memory::Port(place.home),
        };
        let rows = match self.lens {
            Lens::Known => place.rows,
            Lens::Any => Rows::nhwc(0, 0, 0),
        };
        PlaceShape { memory, rows, height: self.known(place.height), element: place.element }
    }

    /// A length, if it counts.
    fn known(&self, len: usize) -> usize {
        if self.lens == Lens::Any { 0 } else { len }
    }
}

#[cfg(test)]
mod tests {
    use crate::compile;
    use crate::ir::{Clamp, Conv, Graph, Op, Output, Tensor, Values};
    use crate::objective::Memory as Wanted;

    /// Which of a chain of convolutions, each with weights and a border of its own, run one function.
    fn groups(highest: &[f32]) -> Vec<Vec<usize>> {
        let (shape, mut graph) = (Tensor::f32([1, 8, 4, 4]), Graph::default());
        let mut x = graph.add_input("x", shape.clone());
        for (at, hi) in highest.iter().enumerate() {
            let numbers = (0..64).map(|i| (i + at) as f32 / 64.0).collect();
            let w = graph.add_const("w", [8, 8, 1, 1], Values::F32(numbers));
            let (kernel, stride, dilation, pads) = ([1, 1], [1, 1], [1, 1], [0; 4]);
            let clamp = Clamp::NONE;
            let conv = Conv { kernel, stride, dilation, pads, group: 1, clamp, activation: None };
            x = graph.add("conv", Op::Conv(conv), shape.clone(), &[x, w]);
            x = graph.add("clamp", Op::Clamp(Clamp { lo: 0.0, hi: *hi }), shape.clone(), &[x]);
        }
        graph.outputs.push(Output { name: "y".to_owned(), node: x });
        let options = crate::testing::options("x86-64-v3".parse().unwrap(), Wanted::default());
        let groups = compile(graph, &options, |_, _, _| ()).unwrap().sharing.groups;
        groups.into_iter().map(|group| group.steps).collect()
    }

    #[test]
    fn steps_that_differ_by_weights_and_slots_alone_run_one_function() {
        let found = groups(&[1.0, 6.0, 6.0, 6.0, 6.0, 1.0]);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [4], "{found:?}");
    }

    #[test]
    fn another_number_is_another_function() {
        let found = groups(&[1.0, 6.0, 5.0, 6.0, 5.0, 1.0]);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2], "{found:?}");
        assert!(groups(&[1.0, 2.0, 3.0, 4.0]).is_empty());
        assert!(groups(&[1.0, 0.0, -0.0, 1.0]).is_empty(), "zeros of two signs");
    }
}
