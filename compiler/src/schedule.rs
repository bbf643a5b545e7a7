//! Segments -> Schedule: the kernel of every stage, where each value lies, and how long it lives.
//!
//! A schedule is data: what runs, in order, over which buffers. The plan gives the buffers their offsets, `pack` lays
//! out the weights its kernels ask for, and `emit` prints it. Nothing here knows tokens or offsets.

mod bytes;
mod chain;
mod convolution;
mod elementwise;
mod handoff;
mod intake;
mod lone;
mod matmul;
mod moves;
mod padding;
mod panels;
mod parts;
mod place;
pub mod pull;
mod quant;
pub mod recompute;
mod region;
mod setting;
mod stage;
mod states;
mod step;
mod stream;
pub mod support;
mod tile;
pub mod time;
mod winograd;

pub use crate::kernels::{Element, Kernel, PackOrder, Part, Strip};
pub use setting::{Results, Setting};

use std::collections::{BTreeMap, BTreeSet};

use mnv2c_runtime::ring::{Form, Rows};

use crate::error::Result;
use crate::ir::view::base;
use crate::ir::{Affine, Dtype, NodeId, Pool};
use crate::kernels::{Operand, Site};
use crate::plan::{Buffer, BufferId, Overlap};
use crate::segment::{RowBatch, Segment};
use crate::target::Product;

/// Bytes of a sum that is kept in memory: a float, or an integer of 32 bits.
pub const SUM_BYTES: usize = 4;

/// A network, ready for a plan.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// Steps, in order of execution.
    pub steps: Vec<Step>,
    /// Buffers of the arena, with live ranges in steps.
    pub buffers: Vec<Buffer>,
    /// Pairs of buffers that may share memory row behind row.
    pub overlaps: Vec<Overlap>,
    /// The weights that kernels read, each in its kernel's order.
    pub packs: Vec<Pack>,
    /// The model's inputs, as `infer` takes them.
    pub inputs: Vec<Port>,
    /// The location of each input when the first step begins.
    pub intakes: Vec<Intake>,
    /// The model's outputs, as `infer` fills them.
    pub outputs: Vec<Port>,
    /// The ranking that the caller gets instead of the only output.
    pub ranking: Option<Ranking>,
    /// Values that lie in the arena between calls.
    pub states: Vec<Kept>,
    /// The byte of the arena that is 0 until the first call, if a state does not start as zeros.
    pub started: Option<BufferId>,
    /// Runs of the steps, on one part after another of the inputs.
    pub batch: usize,
}

/// An array that the caller lends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name in the model.
    pub name: String,
    /// Its shape in the model.
    pub shape: Vec<usize>,
    /// Floats, or bytes.
    pub dtype: Dtype,
}

/// Delivery of an input to the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intake {
    /// Its location.
    pub place: Place,
    /// True if the model takes it as planes, and the network as rows of pixels.
    pub planes: bool,
    /// Scale and zero point, where the model takes floats and the network bytes.
    pub scale: Option<Affine>,
}

/// A value that lies in the arena between calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its name, shape and element type in the model.
    pub port: Port,
    /// Its location, when a call begins and when it ends.
    pub place: Place,
    /// Its bytes before the first call.
    pub start: Vec<u8>,
}

/// The greatest entries of an output that the arena holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// The location of the output.
    pub scores: Place,
    /// Entries that the caller gets.
    pub count: usize,
}

/// One function of the emitted file: a segment.
#[derive(Clone, Debug)]
pub struct Step {
    /// The segment that it runs.
    pub segment: Segment,
    /// Its kernels; each reads the one before it. Loads of padded rows are stages too.
    pub stages: Vec<Stage>,
    /// Parts of the first value's channels, each made and read by the second stage before the next; 1 for all at once.
    pub panels: usize,
    /// Panels of the first value's channels, each made and read by the second stage before the next while rows stream;
    /// 1 for all at once.
    pub interleaved: usize,
    /// Multiply-adds.
    pub madds: u64,
    /// Recomputed ones of them.
    pub recomputed: u64,
}

/// One kernel and the memory it works on.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The operator in the graph.
    pub node: NodeId,
    /// The kernel that it runs.
    pub kernel: Kernel,
    /// Locations of its operands: the streamed one first.
    pub from: Vec<Place>,
    /// The location of its result.
    pub into: Place,
    /// The weights it reads.
    pub pack: Option<PackId>,
    /// Rows of its first operand that a row needs.
    pub window: RowWindow,
    /// Rows of its result.
    pub height: usize,
    /// The part of a row that one call makes.
    pub part: Part,
    /// Equal parts of its pixels, or panels of its channels, that threads share; 1 where the caller's does it all.
    pub shares: usize,
    /// Bands of its rows and runs of its panels of weights that threads take; one of each where the caller's does it all.
    pub parts: [usize; 2],
    /// The memory that its kernel works in, if it wants some.
    pub scratch: Option<Place>,
    /// The product that its tile was chosen for, if it is a matrix kernel whose tile timing may choose.
    pub product: Option<Product>,
}

/// Rows `(r * stride + at) / per - above ..`, if `shared` is `(per, at)`, of `span` rows are what row `r` of a stage reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowWindow {
    /// Rows read.
    pub span: usize,
    /// Rows from one window to the next.
    pub stride: usize,
    /// Rows of the first window above the image.
    pub above: usize,
    /// Rows of the stage that share a window, and which of them the first is.
    pub shared: (usize, usize),
}

/// The location of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The memory that it lies in.
    pub home: Home,
    /// Its rows in memory.
    pub rows: Rows,
    /// Rows of the image.
    pub height: usize,
    /// Its element type.
    pub element: Element,
}

/// Memories in which values lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Home {
    /// The caller's array: a model input.
    Input(usize),
    /// No memory: the caller is asked for row after row of a model input.
    Feed(usize),
    /// The caller's array: a model output.
    Output(usize),
    /// The arena.
    Arena(BufferId),
    /// Constant numbers.
    Weights(PackId),
}

/// Names a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackId(pub usize);

/// Weights in the order a kernel reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    /// The node whose weights these are.
    pub node: NodeId,
    /// Their order.
    pub order: PackOrder,
}

/// Chooses kernels and memory for `segments`, in the order given, of a graph that [`support`] lets through.
pub fn lower(setting: &Setting<'_>, segments: &[Segment]) -> Result<Schedule> {
    let graph = setting.graph;
    let last_reads = place::last_reads(graph, segments);
    let mut lowering = place::Lowering::new(setting, last_reads);
    lowering.take_states(segments)?;
    lowering.take_inputs()?;
    for segment in segments {
        lowering.step(segment)?;
    }
    if graph.top_k > 0 {
        lowering.rank_output()?;
    } else {
        lowering.repeat_outputs()?;
    }
    lowering.keep_states()?;
    Ok(lowering.finish())
}

/// The schedule of a few segments alone, their operands made by nobody and without the model's inputs and outputs. A
/// value that is read behind the position `last` lives on.
pub fn lower_alone(setting: &Setting<'_>, segments: &[Segment], last: usize) -> Result<Schedule> {
    let graph = setting.graph;
    let made: BTreeSet<NodeId> =
        segments.iter().flat_map(|segment| segment.stages.iter().copied()).collect();
    let mut reads: BTreeMap<NodeId, usize> = BTreeMap::new();
    for (step, segment) in segments.iter().enumerate() {
        for (_, operand) in segment.stages.iter().flat_map(|id| graph.operands(*id)) {
            let operand = base(graph, operand);
            let lives_on = setting.is_read_behind(operand, last);
            let end = if lives_on { segments.len() } else { step };
            reads.insert(operand, end);
        }
    }
    let outside: Vec<NodeId> = reads.keys().copied().filter(|id| !made.contains(id)).collect();
    let mut lowering = place::Lowering::new(setting, reads);
    lowering.take_states(segments)?;
    outside.into_iter().try_for_each(|id| lowering.place_operand(id))?;
    segments.iter().try_for_each(|segment| lowering.step(segment))?;
    Ok(lowering.finish())
}

impl Schedule {
    /// True if the caller gives an input row by row.
    pub fn asks_for_rows(&self) -> bool {
        self.intakes.iter().any(|intake| matches!(intake.place.home, Home::Feed(_)))
    }

    /// Buffers in use by step: the caller writes inputs before the first and gets a ranking after the last; states are in
    /// use from call to call.
    pub fn uses(&self) -> Vec<(usize, BufferId)> {
        let inputs = self.intakes.iter().map(|intake| (0, intake.place.home));
        let steps = self.steps.iter().enumerate();
        let steps =
            steps.flat_map(|(at, step)| step.homes().into_iter().map(move |home| (at, home)));
        let kept = self.states.iter().map(|kept| kept.place.home);
        let kept = kept
            .chain(self.started.map(Home::Arena))
            .flat_map(|home| [0, self.steps.len()].map(|at| (at, home)));
        let ranking = self.ranking.iter().map(|ranking| (self.steps.len(), ranking.scores.home));
        let uses = inputs.chain(steps).chain(kept).chain(ranking);
        uses.filter_map(|(at, home)| if let Home::Arena(id) = home { Some((at, id)) } else { None })
            .collect()
    }

    /// Bytes that are kept between calls.
    pub fn state_bytes(&self) -> usize {
        self.states.iter().map(|kept| kept.start.len()).sum()
    }

    /// Elements of the part of `port` that one run of the steps works on: all, but for a batch.
    pub fn part_len(&self, port: &Port) -> usize {
        port.shape.iter().product::<usize>() / self.batch
    }
}

impl Step {
    /// The arrays that it reads and writes.
    pub fn homes(&self) -> BTreeSet<Home> {
        let places = self.stages.iter().flat_map(Stage::places);
        places.map(|place| place.home).collect()
    }

    /// Bands of rows of the result that threads make; 1 where one thread makes them all.
    pub fn bands(&self) -> usize {
        if let RowBatch::Bands(bands) = self.segment.batch { bands } else { 1 }
    }

    /// True if rows flow through it one at a time.
    pub fn is_streamed(&self) -> bool {
        self.segment.batch != RowBatch::Whole
    }
}

impl Stage {
    /// A stage of whole rows, each made of the same row.
    pub(crate) fn new(
        node: NodeId,
        kernel: impl Into<Kernel>,
        from: Vec<Place>,
        into: Place,
    ) -> Self {
        let (kernel, window, height) = (kernel.into(), RowWindow::SAME, into.height);
        let (pack, part, shares, parts, product) = (None, Part::Row, 1, [1, 1], None);
        let scratch = None;
        Self {
            node,
            kernel,
            from,
            into,
            pack,
            window,
            height,
            part,
            shares,
            parts,
            scratch,
            product,
        }
    }

    /// The locations of its operands, its result and the memory that its kernel works in.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.from.iter().chain([&self.into]).chain(&self.scratch)
    }

    /// The site of its kernel: element types and layouts of its operands and result.
    pub fn site(&self) -> Site {
        Site {
            from: self.from.iter().map(Place::operand).collect(),
            into: self.into.operand(),
            over: self.from.first().is_some_and(|place| place.home == self.into.home),
            part: self.part,
            shares: self.shares,
        }
    }

    /// True if its operand is bytes.
    pub fn reads_bytes(&self) -> bool {
        self.from.first().is_some_and(|place| place.element.bytes() == 1)
    }

    /// True if it sums up bytes of rows, of which the last call makes means.
    pub fn sums_bytes(&self) -> bool {
        self.kernel.pools_all() && self.reads_bytes()
    }

    /// Elements that a sum of a pooled value takes.
    pub fn sum_len(&self) -> usize {
        if self.reads_bytes() { SUM_BYTES } else { 1 }
    }
}

impl RowWindow {
    /// Row `r` reads row `r` alone.
    pub const SAME: Self = Self { span: 1, stride: 1, above: 0, shared: (1, 0) };

    /// The rows of which a row of a pooled image is made.
    pub(crate) fn of_pool(pool: &Pool) -> Self {
        let span = (pool.kernel[0] - 1) * pool.dilation[0] + 1;
        Self { span, stride: pool.stride[0], above: pool.pads[0], ..Self::SAME }
    }
}

impl Place {
    /// Its form in memory, whatever memory it is.
    pub fn operand(&self) -> Operand {
        Operand { rows: self.rows, height: self.height, element: self.element }
    }

    /// This memory as one row of all its pixels.
    pub(crate) fn flattened(self) -> Self {
        let pixels = self.rows.width * self.height;
        let rows = match self.rows.form {
            Form::Chunks(lanes) => Rows::chunks(1, pixels, self.rows.channels, lanes),
            _ => Rows::nhwc(1, pixels, self.rows.channels),
        };
        Self { rows, height: 1, ..self }
    }

    /// The whole pixels of which this place may have some channels only.
    pub(crate) fn whole_pixels(self) -> Self {
        let rows = match self.rows.form {
            Form::Slice { of, .. } => Rows { form: Form::Nhwc, channels: of, ..self.rows },
            Form::Nhwc | Form::Chunks(_) | Form::Planes => self.rows,
        };
        Self { rows, ..self }
    }

    /// True if rows or columns are stored around the image.
    pub fn is_padded(&self) -> bool {
        let Rows { kept, top, left, right, .. } = self.rows;
        kept > self.height || [top, left, right] != [0; 3]
    }

    /// True if pixels follow one another without a gap, channels or vectors of them innermost.
    pub fn is_dense(&self) -> bool {
        let Rows { form, kept, top, left, right, .. } = self.rows;
        matches!(form, Form::Nhwc | Form::Chunks(_))
            && kept == self.height
            && [top, left, right] == [0; 3]
    }

    /// True if pixels follow one another without a gap, channels innermost.
    pub fn is_dense_nhwc(&self) -> bool {
        let Rows { form, kept, top, left, right, .. } = self.rows;
        form == Form::Nhwc && kept == self.height && [top, left, right] == [0; 3]
    }
}
