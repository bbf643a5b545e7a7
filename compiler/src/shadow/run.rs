//! Runs a program over the shadow of its memory: no arithmetic, only which value lies where.

use std::collections::BTreeMap;
use std::ops::Range;

use mnv2c_runtime::ring::{Form, Rows};

use crate::error::{Error, Result};
use crate::ir::view::base;
use crate::ir::{Graph, NodeId, Op};
use crate::plan::Plan;
use crate::program::{Call, Lent, Program, Span, Statement, Threads, Variable, Zero};
use crate::schedule::{Element, Home, Kernel, Place, Schedule, Stage, Step};
use crate::shadow::access::Access;
use crate::shadow::area::Area;
use crate::shadow::cells::{Cells, Found as Lies, Tag};
use crate::shadow::versions::{Found, Parts, Versions};
use crate::target::Target;

/// What a network does in memory.
pub(super) struct Shadow<'a> {
    pub graph: &'a Graph,
    pub schedule: &'a Schedule,
    pub plan: &'a Plan,
    pub target: &'a Target,
    arena: Cells,
    outputs: BTreeMap<usize, Cells>,
    versions: Versions,
    /// The next row that is asked for of each input.
    asked: BTreeMap<usize, usize>,
}

/// A step that runs.
struct Running<'a, 'b> {
    shadow: &'b mut Shadow<'a>,
    number: usize,
    step: &'a Step,
    found: Found,
    variables: BTreeMap<Variable, usize>,
    /// The parts of memory that a thread has: elements of a part, and where it begins and ends in bytes.
    lent: BTreeMap<Home, (usize, Range<usize>)>,
    /// The rows that each pool has taken, by stage and panel.
    pooled: BTreeMap<(usize, usize), usize>,
}

impl<'a> Shadow<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        schedule: &'a Schedule,
        plan: &'a Plan,
        target: &'a Target,
    ) -> Self {
        let (arena, outputs, asked) = (Cells::default(), BTreeMap::new(), BTreeMap::new());
        let versions = Versions::default();
        Self { graph, schedule, plan, target, arena, outputs, versions, asked }
    }

    /// Runs all steps.
    pub(super) fn run(mut self, program: &Program) -> Result<()> {
        if self.plan.slots.iter().any(|slot| slot.end() > self.plan.arena_len) {
            return Err(Error::Unsound("a slot ends outside the arena".to_owned()));
        }
        let inputs: Vec<Place> = self.schedule.intakes.iter().map(|intake| intake.place).collect();
        for place in inputs {
            let version = self.versions.renew(place.home, None);
            if let Home::Arena(buffer) = place.home {
                let start = self.plan.slots[buffer.0].offset;
                let len = place.rows.width * place.height * place.rows.channels;
                let bytes = start..start + len * place.element.bytes();
                self.arena.write(bytes, Tag::Made(version), 0);
            }
        }
        let schedule = self.schedule;
        for (number, step) in schedule.steps.iter().enumerate() {
            let found = self.versions.enter(step);
            let function = program.functions.get(number).ok_or_else(|| {
                Error::Unsound(format!("step {number} has no function in the program"))
            })?;
            let mut running = Running {
                shadow: &mut self,
                number,
                step,
                found,
                variables: BTreeMap::new(),
                lent: BTreeMap::new(),
                pooled: BTreeMap::new(),
            };
            running.statements(&function.body)?;
            running.leave()?;
        }
        self.outputs_are_made()
    }

    /// Whether the caller finds all of every output.
    fn outputs_are_made(&self) -> Result<()> {
        if let Some(ranking) = &self.schedule.ranking {
            let parts = self.versions.at(ranking.scores);
            let whole = Area::image(ranking.scores);
            let start = match ranking.scores.home {
                Home::Arena(buffer) => self.plan.slots[buffer.0].offset,
                Home::Input(_) | Home::Feed(_) | Home::Output(_) | Home::Weights(_) => 0,
            };
            return self.holds(&whole, &parts, Tag::Zero(0), start).map_err(|(row, what)| {
                Error::Unsound(format!("row {row} of the scores that are ranked holds {what}"))
            });
        }
        for (at, port) in self.schedule.outputs.iter().enumerate() {
            if self.versions.at(output(at)).is_empty() {
                let name = &port.name;
                return Err(Error::Unsound(format!("no step writes output {name:?}")));
            }
        }
        Ok(())
    }

    /// Looks for a value in an area, whose memory begins at `start`: the row and what it holds where it is not there.
    fn holds(
        &self,
        area: &Area,
        parts: &Parts,
        padding: Tag,
        start: usize,
    ) -> std::result::Result<(), (isize, String)> {
        let memory = match area.place.home {
            Home::Arena(_) => &self.arena,
            Home::Output(at) => match self.outputs.get(&at) {
                Some(cells) => cells,
                None => return Err((area.rows.start, "nothing yet".to_owned())),
            },
            Home::Input(_) | Home::Feed(_) | Home::Weights(_) => return Ok(()),
        };
        for (area, version) in split(area, parts) {
            let mut fault = None;
            area.each_run(|run| {
                let bytes = run.bytes.start + start..run.bytes.end + start;
                let (tag, at) = match run.at {
                    Some(at) => (Tag::Made(version), at),
                    None => (padding, 0),
                };
                let at =
                    if run.at.is_none() && !matches!(tag, Tag::Zero(_)) { None } else { Some(at) };
                let lies = match at {
                    Some(at) => memory.read(bytes, tag, at),
                    None => memory.read_any(bytes, tag),
                };
                if let (Err(lies), None) = (lies, &fault) {
                    fault = Some((run.row, lies));
                }
            });
            if let Some((row, lies)) = fault {
                return Err((row, self.describe(lies)));
            }
        }
        if parts.is_empty() && !area.rows.is_empty() {
            return Err((area.rows.start, "nothing yet".to_owned()));
        }
        Ok(())
    }

    fn describe(&self, lies: Lies) -> String {
        match lies.tag {
            None => "nothing yet".to_owned(),
            Some(Tag::Made(version)) => match self.versions.maker(version) {
                Some(node) => {
                    format!("another part or version of {:?}", self.graph.node(node).name)
                }
                None => "an input".to_owned(),
            },
            Some(Tag::Zero(byte)) => format!("padding of {byte}"),
            Some(Tag::Border(_)) => "a border".to_owned(),
            Some(Tag::Sums(_)) => "sums that are no means yet".to_owned(),
        }
    }

    fn memory(&mut self, home: Home) -> Option<&mut Cells> {
        match home {
            Home::Arena(_) => Some(&mut self.arena),
            Home::Output(at) => Some(self.outputs.entry(at).or_default()),
            Home::Input(_) | Home::Feed(_) | Home::Weights(_) => None,
        }
    }
}

impl Running<'_, '_> {
    fn statements(&mut self, statements: &[Statement]) -> Result<()> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Let(variable, value) | Statement::Set(variable, value) => {
                let value = value.value(&|variable| self.value(variable));
                self.variables.insert(*variable, value);
            }
            Statement::LetRows(span) => {
                let rows = self.span(span);
                self.variables.insert(Variable::RowsStart, rows.start);
                self.variables.insert(Variable::RowsEnd, rows.end);
            }
            Statement::For { variable, span, by, body } => {
                for value in self.span(span).step_by(*by) {
                    self.variables.insert(*variable, value);
                    self.statements(body)?;
                }
            }
            Statement::While { variable, until, body } => {
                while self.value(*variable) < until.value(&|variable| self.value(variable)) {
                    let before = self.value(*variable);
                    self.statements(body)?;
                    if self.value(*variable) <= before {
                        return Err(self.unsound(0, "does not end"));
                    }
                }
            }
            Statement::If { variable, below, then, otherwise } => {
                let is_below = self.value(*variable) < *below;
                self.statements(if is_below { then } else { otherwise })?;
            }
            Statement::Threads(threads) => self.threads(threads)?,
            Statement::Call(call) => self.call(call)?,
            Statement::Zero { stage, what } => self.zero(*stage, what)?,
            Statement::Spread { stage } => self.spread(*stage)?,
            Statement::Slide { stage, columns } => self.slide(*stage, *columns)?,
            Statement::Finish { stage } => self.finish(*stage)?,
            Statement::Mark { .. } => {}
        }
        Ok(())
    }

    fn value(&self, variable: Variable) -> usize {
        self.variables.get(&variable).copied().unwrap_or(0)
    }

    fn span(&self, span: &Span) -> Range<usize> {
        let value = |variable| self.value(variable);
        span.start.value(&value)..span.end.value(&value)
    }

    /// One part after another, each with its own parts of memory.
    fn threads(&mut self, threads: &Threads) -> Result<()> {
        for part in 0..threads.parts {
            self.variables.insert(threads.variable, part);
            for (order, lent) in threads.lent.iter().enumerate() {
                self.lend(*lent, part, order > 0)?;
            }
            self.statements(&threads.body)?;
            for lent in &threads.lent {
                self.lent.remove(&self.step.stages[lent.stage].into.home);
            }
        }
        Ok(())
    }

    /// Gives a thread its part of a memory; of what it works in there may be fewer parts than turns.
    fn lend(&mut self, Lent { stage, len, ragged }: Lent, part: usize, own: bool) -> Result<()> {
        let place = self.step.stages[stage].into;
        let (all, element) = (self.limits(place.home), place.element.bytes());
        let parts = (all.end - all.start) / (len * element).max(1);
        let part = if own { part % parts.max(1) } else { part };
        let start = all.start + part * len * element;
        let end = start + len * element;
        let end = if ragged { end.min(all.end) } else { end };
        if start >= all.end || end > all.end {
            return Err(self.unsound(stage, "is lent memory that is not its own"));
        }
        self.lent.insert(place.home, (len, start..end));
        Ok(())
    }

    /// The bytes of a home that a call may use.
    fn limits(&self, home: Home) -> Range<usize> {
        if let Some((_, bytes)) = self.lent.get(&home) {
            return bytes.clone();
        }
        let schedule = self.shadow.schedule;
        match home {
            Home::Arena(buffer) => {
                let slot = self.shadow.plan.slots[buffer.0];
                slot.offset..slot.end()
            }
            Home::Output(at) => {
                let mut stages = self.step.stages.iter().flat_map(|stage| [stage.into]);
                let element = stages.find(|place| place.home == home).map(|it| it.element.bytes());
                let len = schedule.part_len(&schedule.outputs[at]);
                0..len * element.unwrap_or(4)
            }
            Home::Input(_) | Home::Feed(_) | Home::Weights(_) => 0..usize::MAX / 2,
        }
    }

    fn call(&mut self, call: &Call) -> Result<()> {
        let stage = &self.step.stages[call.stage];
        let rows = self.span(&call.rows);
        if stage.kernel == Kernel::Fetch {
            self.ask(call.stage, rows.clone())?;
        }
        let lent = self.lent.get(&stage.into.home).map_or(0, |(len, _)| *len);
        let (fits, reads, over, write) = {
            let value = |variable| self.value(variable);
            let lanes = self.shadow.target.isa.lanes();
            let (step, value) = (self.step, &value as &dyn Fn(Variable) -> usize);
            let access = Access { step, call, value, rows: rows.clone(), lanes, lent };
            (access.fits(), access.reads(), access.over(), access.write())
        };
        if !fits {
            return Err(self.unsound(call.stage, "makes rows or parts of rows that it is not for"));
        }
        if let Kernel::Move(_) | Kernel::Fill(_) = stage.kernel
            && !self.step.is_streamed()
        {
            return self.walk(call.stage);
        }
        for (port, area) in &reads {
            self.reads(call.stage, *port, area)?;
        }
        if let Some(area) = over {
            let (parts, padding) = (&self.found.over[call.stage], self.padding(call.stage));
            self.holds(call.stage, &area, parts, padding)?;
        }
        if let Kernel::GlobalPool(_) = stage.kernel {
            return self.pool(call, rows, &write);
        }
        self.writes(call.stage, &write, Tag::Made(self.found.made[call.stage]))
    }

    /// Takes rows of an input from the caller, who is asked for each once and in order.
    fn ask(&mut self, stage: usize, rows: Range<usize>) -> Result<()> {
        let from = self.step.stages[stage].from[0];
        let Home::Feed(at) = from.home else { return Ok(()) };
        let next = self.shadow.asked.entry(at).or_default();
        if rows.start != *next || rows.end > from.height {
            return Err(self.unsound(stage, "asks for rows out of order"));
        }
        *next = rows.end;
        Ok(())
    }

    /// Adds rows to sums, each row once.
    fn pool(&mut self, call: &Call, rows: Range<usize>, write: &Area) -> Result<()> {
        let (at, stage) = (call.stage, &self.step.stages[call.stage]);
        let taken = self.pooled.entry((at, write.part.channel)).or_default();
        if *taken != rows.start {
            return Err(self.unsound(at, "takes rows of its operand twice or not at all"));
        }
        *taken = rows.end;
        let all = call.rows == Span::below(stage.height);
        let made = self.found.made[at];
        if !stage.sums_bytes() || all {
            if rows.start > 0 {
                self.holds(at, write, &vec![(0..usize::MAX, made)], Tag::Zero(0))?;
            }
            return self.writes(at, write, Tag::Made(made));
        }
        let sums = self.sums(at, write);
        let limits = self.limits(stage.into.home);
        if sums.end > limits.end {
            return Err(self.unsound(at, "writes past its memory"));
        }
        let Some(memory) = self.shadow.memory(stage.into.home) else { return Ok(()) };
        if rows.start > 0 && memory.read(sums.clone(), Tag::Sums(made), 0).is_err() {
            return Err(self.unsound(at, "adds to sums that are not its own"));
        }
        memory.write(sums, Tag::Sums(made), 0);
        Ok(())
    }

    /// The bytes of the sums of some channels.
    fn sums(&self, at: usize, write: &Area) -> Range<usize> {
        let start = self.limits(self.step.stages[at].into.home).start + write.shift;
        start..start + write.channels.len() * self.step.stages[at].sum_len()
    }

    /// Makes means of sums.
    fn finish(&mut self, at: usize) -> Result<()> {
        let stage = &self.step.stages[at];
        let (made, write) = (self.found.made[at], Area::image(stage.into));
        let panels = self.pooled.len();
        let each = write.channels.len() * stage.sum_len() / panels.max(1);
        let start = self.limits(stage.into.home).start;
        let home = stage.into.home;
        for panel in 0..panels {
            let sums = start + panel * each..start + (panel + 1) * each;
            let Some(memory) = self.shadow.memory(home) else { continue };
            if memory.read(sums, Tag::Sums(made), 0).is_err() {
                return Err(self.unsound(at, "makes means of what are no sums"));
            }
        }
        self.writes(at, &write, Tag::Made(made))
    }

    /// Copies or fills elements of whole values.
    fn walk(&mut self, at: usize) -> Result<()> {
        let stage = &self.step.stages[at];
        if let Some(from) = stage.from.first() {
            self.reads(at, 0, &Area::image(*from))?;
        }
        let made = Tag::Made(self.found.made[at]);
        let Kernel::Move(copy) = &stage.kernel else {
            return self.writes(at, &Area::image(stage.into), made);
        };
        let (limits, element) = (self.limits(stage.into.home), stage.into.element.bytes());
        for elements in written(&copy.shape, copy.into, &copy.into_steps) {
            let bytes =
                limits.start + elements.start * element..limits.start + elements.end * element;
            if bytes.end > limits.end {
                return Err(self.unsound(at, "writes past its memory"));
            }
            let number = (elements.start * element) as u64;
            if let Some(memory) = self.shadow.memory(stage.into.home) {
                memory.write(bytes, made, number);
            }
        }
        Ok(())
    }

    /// Writes what lies around an image.
    fn zero(&mut self, at: usize, what: &Zero) -> Result<()> {
        let place = whole_pixels(self.step.stages[at].into);
        let padding = self.padding(at);
        let all = Area::stored(place);
        match what {
            Zero::All => self.writes(at, &all, padding),
            Zero::Row(row) => {
                let row = row.value(&|variable| self.value(variable)) as isize;
                self.writes(at, &all.rows(row..row + 1), padding)
            }
            Zero::Edges => {
                let (left, width) = (place.rows.left as isize, place.rows.width as isize);
                let (right, top) = (place.rows.right as isize, place.rows.top as isize);
                for columns in [-left..0, width..width + right] {
                    self.writes(at, &Area { columns, ..all.clone() }, padding)?;
                }
                self.writes(at, &all.rows(-top..0), padding)
            }
        }
    }

    /// Moves the dense pixels of an input to its padded rows.
    fn spread(&mut self, at: usize) -> Result<()> {
        let place = self.step.stages[at].from[0];
        let parts = self.found.read[at][0].clone();
        let [(_, version)] = parts.as_slice() else {
            return Err(self.unsound(at, "spreads what is no input"));
        };
        let start = self.limits(place.home).start;
        let len = place.rows.width * place.height * place.rows.channels * place.element.bytes();
        let dense = start..start + len;
        let Some(memory) = self.shadow.memory(place.home) else { return Ok(()) };
        if memory.read(dense, Tag::Made(*version), 0).is_err() {
            return Err(self.unsound(at, "spreads pixels that are not there any more"));
        }
        let padding = self.found.padding[at][0];
        self.put(at, &Area::stored(place), padding)?;
        self.put(at, &Area::image(place), Tag::Made(*version))
    }

    /// Moves a strip of columns on.
    fn slide(&mut self, at: usize, columns: usize) -> Result<()> {
        let place = self.step.stages[at].into;
        let start = self.limits(place.home).start;
        let (padding, element) = (self.padding(at), place.element.bytes());
        let (rows, ring) = (place.rows, place.rows.ring(0));
        let pixel = ring.pixel * element;
        let (by, len) = (columns * pixel, (rows.left + rows.width + rows.right) * pixel);
        let groups = match rows.form {
            Form::Chunks(lanes) => rows.channels.div_ceil(lanes),
            Form::Nhwc | Form::Planes | Form::Slice { .. } => 1,
        };
        let Some(memory) = self.shadow.memory(place.home) else { return Ok(()) };
        for (group, slot) in (0..groups).flat_map(|group| (0..rows.kept).map(move |s| (group, s))) {
            let row = start + (group * ring.chunk + slot * ring.row) * element;
            memory.slide(row..row + len, by.min(len));
            memory.write(row + len.saturating_sub(by)..row + len, padding, 0);
        }
        Ok(())
    }

    fn padding(&self, stage: usize) -> Tag {
        let of_places = &self.found.padding[stage];
        of_places[of_places.len() - 1]
    }

    /// Looks for what an operand should be.
    fn reads(&self, stage: usize, port: usize, area: &Area) -> Result<()> {
        let parts = &self.found.read[stage][port];
        let padding = self.found.padding[stage][port];
        for (_, version) in parts {
            self.is_operand(stage, *version)?;
        }
        self.holds(stage, area, parts, padding)
    }

    /// Whether the node that made a version is one that the stage's node reads, or that node itself.
    fn is_operand(&self, stage: usize, version: u32) -> Result<()> {
        let graph = self.shadow.graph;
        let node = self.step.stages[stage].node;
        let Some(maker) = self.shadow.versions.maker(version) else { return Ok(()) };
        if maker == node || is_source(graph, node, maker) {
            return Ok(());
        }
        let what = format!("finds {:?} where its operand should lie", graph.node(maker).name);
        Err(self.unsound(stage, &what))
    }

    /// Whether a value lies in an area.
    fn holds(&self, stage: usize, area: &Area, parts: &Parts, padding: Tag) -> Result<()> {
        let home = area.place.home;
        if matches!(home, Home::Input(_) | Home::Feed(_) | Home::Weights(_)) {
            return Ok(());
        }
        let start = self.limits(home).start;
        self.shadow.holds(area, parts, padding, start).map_err(|(row, what)| {
            let slot = self.name(home);
            self.unsound(stage, &format!("reads row {row} of {slot}, which holds {what}"))
        })
    }

    /// Writes an area.
    fn writes(&mut self, stage: usize, area: &Area, tag: Tag) -> Result<()> {
        self.put(stage, area, tag)
    }

    fn put(&mut self, stage: usize, area: &Area, tag: Tag) -> Result<()> {
        let home = area.place.home;
        let limits = self.limits(home);
        let (mut past, start) = (false, limits.start);
        if let Some(memory) = self.shadow.memory(home) {
            area.each_run(|run| {
                let bytes = run.bytes.start + start..run.bytes.end + start;
                past |= bytes.end > limits.end;
                memory.write(bytes, tag, run.at.unwrap_or(0));
            });
        }
        if past { Err(self.unsound(stage, "writes past its memory")) } else { Ok(()) }
    }

    /// Looks whether all that lives on is whole, and makes it one version.
    fn leave(mut self) -> Result<()> {
        for ((stage, _), rows) in self.pooled.clone() {
            if rows != self.step.stages[stage].height {
                return Err(self.unsound(stage, "takes not all rows of its operand"));
            }
        }
        let mut left: BTreeMap<Home, usize> = BTreeMap::new();
        for (at, stage) in self.step.stages.iter().enumerate() {
            left.insert(stage.into.home, at);
        }
        for (home, at) in left {
            let lives = match home {
                Home::Arena(buffer) => {
                    let live = &self.shadow.schedule.buffers[buffer.0].live;
                    if !live.contains(&self.number) {
                        return Err(self.unsound(at, "writes memory that the plan gives to others"));
                    }
                    live.end > self.number + 1
                }
                Home::Output(_) => true,
                Home::Input(_) | Home::Feed(_) | Home::Weights(_) => false,
            };
            if lives {
                self.settle(at)?;
            }
        }
        Ok(())
    }

    /// Looks whether the value that a stage leaves behind is whole.
    fn settle(&mut self, at: usize) -> Result<()> {
        let stage = &self.step.stages[at];
        let mut place = whole_pixels(stage.into);
        if self.step.bands() > 1 && at == self.step.stages.len() - 1 {
            place.rows.kept *= self.step.bands();
        }
        let (parts, padding) = (self.shadow.versions.at(place), self.padding(at));
        let area = if place.is_padded() { Area::stored(place) } else { Area::image(place) };
        self.holds(at, &area, &parts, padding)?;
        let version = self.shadow.versions.renew(place.home, Some(stage.node));
        self.put(at, &Area::image(place), Tag::Made(version))
    }

    fn name(&self, home: Home) -> String {
        let schedule = self.shadow.schedule;
        match home {
            Home::Arena(buffer) => format!("{:?}", schedule.buffers[buffer.0].name),
            Home::Output(at) => format!("output {:?}", schedule.outputs[at].name),
            Home::Input(at) | Home::Feed(at) => format!("input {:?}", schedule.inputs[at].name),
            Home::Weights(_) => "constants".to_owned(),
        }
    }

    fn unsound(&self, stage: usize, what: &str) -> Error {
        let node = self
            .step
            .stages
            .get(stage)
            .map_or("", |stage: &Stage| self.shadow.graph.node(stage.node).name.as_str());
        Error::Unsound(format!("step {}, stage {stage} ({node:?}) {what}", self.number))
    }
}

/// Whether a node is `maker` or reads it: itself, a view of it, or it as a part of a concatenation.
fn is_source(graph: &Graph, node: NodeId, maker: NodeId) -> bool {
    let mut operands = graph.operands(node).into_iter().map(|(_, x)| base(graph, x));
    base(graph, node) == maker
        || operands.any(|x| {
            let joins = matches!(graph.node(x).op, Op::Concat(_));
            x == maker || (joins && is_source(graph, x, maker))
        })
}

/// An area by the versions of its channels.
fn split(area: &Area, parts: &Parts) -> Vec<(Area, u32)> {
    if let [(_, version)] = parts.as_slice() {
        return vec![(area.clone(), *version)];
    }
    let first = match area.place.rows.form {
        Form::Slice { first, .. } => first,
        _ => 0,
    } + area.part.channel;
    let cut = parts.iter().map(|(range, version)| {
        let start = range.start.saturating_sub(first).max(area.channels.start);
        let end = range.end.saturating_sub(first).min(area.channels.end);
        (Area { channels: start..end.max(start), ..area.clone() }, *version)
    });
    cut.filter(|(area, _)| !area.channels.is_empty()).collect()
}

/// The place of the whole pixels of whose channels some lie at `place`.
fn whole_pixels(place: Place) -> Place {
    let rows = match place.rows.form {
        Form::Slice { of, .. } => {
            let form = Form::Nhwc;
            Rows { form, channels: of, ..place.rows }
        }
        _ => place.rows,
    };
    Place { rows, ..place }
}

/// The elements that a walk writes, as ranges.
fn written(shape: &[usize], start: usize, steps: &[isize]) -> Vec<Range<usize>> {
    let mut starts = vec![start as isize];
    let mut len = 1;
    for (count, step) in shape.iter().zip(steps).rev() {
        if *step == len as isize && starts.len() == 1 {
            len *= count;
            continue;
        }
        let more = starts.iter().flat_map(|at| (0..*count).map(move |i| at + i as isize * step));
        starts = more.collect();
    }
    starts.into_iter().map(|at| at.max(0) as usize..at.max(0) as usize + len).collect()
}

/// An output of the caller, whatever its shape.
fn output(at: usize) -> Place {
    let rows = Rows::nhwc(1, 1, 1);
    let element = Element::F32;
    Place { home: Home::Output(at), rows, height: 1, element }
}
