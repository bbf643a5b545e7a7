//! Runs a program over the shadow of its memory: without arithmetic, it tracks the values that lie in it.

mod calls;
mod fills;
mod memory;

use std::collections::BTreeMap;
use std::ops::Range;

use mnv2c_runtime::ring::Rows;

use crate::error::{Error, Result};
use crate::interp::Array;
use crate::ir::view::base;
use crate::ir::{Graph, NodeId};
use crate::plan::Plan;
use crate::program::{Lent, Program, Span, Statement, Threads, Variable};
use crate::schedule::{Element, Home, Kept, Place, Schedule, Stage, Step};
use crate::shadow::area::Area;
use crate::shadow::cells::{Cells, Tag};
use crate::shadow::numbers::Numbers;
use crate::shadow::versions::{Found, Versions};
use crate::target::Target;

/// A run of a network's program over a shadow of its memory.
pub(super) struct Shadow<'a> {
    graph: &'a Graph,
    schedule: &'a Schedule,
    plan: &'a Plan,
    target: &'a Target,
    arena: Cells,
    outputs: BTreeMap<usize, Cells>,
    versions: Versions,
    /// The next row that is asked for of each input.
    asked: BTreeMap<usize, usize>,
    /// Numbers in memory, if they are computed too.
    numbers: Option<Numbers<'a>>,
}

/// Numbers that a run leaves behind.
#[derive(Default)]
pub(super) struct Answer {
    /// For the caller.
    pub outputs: Vec<Array>,
    /// The bytes of each state, for the next run.
    pub kept: Vec<Vec<u8>>,
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
        Self { graph, schedule, plan, target, arena, outputs, versions, asked, numbers: None }
    }

    /// This run, computing numbers.
    pub(super) fn with(self, numbers: Numbers<'a>) -> Self {
        Self { numbers: Some(numbers), ..self }
    }

    /// Runs all steps; the answers, where numbers are computed.
    pub(super) fn run(mut self, program: &Program) -> Result<Answer> {
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
        for (kept, state) in schedule.states.iter().zip(&self.graph.states) {
            let version = self.versions.renew(kept.place.home, Some(state.input));
            self.arena.write(self.state_bytes(kept), Tag::Made(version), 0);
        }
        for (number, step) in schedule.steps.iter().enumerate() {
            let found = self.versions.enter(step);
            let function = program.functions.get(number).ok_or_else(|| {
                Error::Unsound(format!("step {number} has no function in the program"))
            })?;
            self.numbers.iter_mut().for_each(Numbers::enter);
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
        self.outputs_are_made()?;
        self.states_are_kept()?;
        let kept = schedule.states.iter().map(|kept| self.state_bytes(kept)).collect::<Vec<_>>();
        let answers = |numbers: Numbers<'_>| Answer {
            outputs: numbers.answers(schedule, self.plan),
            kept: kept.into_iter().map(|bytes| numbers.bytes(bytes)).collect(),
        };
        Ok(self.numbers.map_or_else(Answer::default, answers))
    }

    /// The bytes of the arena in which a state lies.
    fn state_bytes(&self, kept: &Kept) -> Range<usize> {
        let Home::Arena(buffer) = kept.place.home else { return 0..0 };
        let start = self.plan.slots[buffer.0].offset;
        start..start + kept.start.len()
    }

    /// Checks that the memory of each state holds all of its next value.
    fn states_are_kept(&self) -> Result<()> {
        let graph = self.graph;
        let each = self.schedule.states.iter().zip(&graph.states).zip(graph.outputs.kept());
        for ((kept, state), next) in each {
            let parts = self.versions.at(kept.place);
            let is_next = |maker: NodeId| maker == next.node || maker == base(graph, next.node);
            let maker = |(_, version): &(Range<usize>, u32)| self.versions.maker(*version);
            let start = self.state_bytes(kept).start;
            let name = &kept.port.name;
            if !parts.iter().filter_map(maker).any(is_next) {
                let what = format!("state {name:?} ends as {:?} of another value", state.input);
                return Err(Error::Unsound(what));
            }
            let whole = Area::image(kept.place);
            self.holds(&whole, &parts, Tag::Zero(0), start).map_err(|(row, what)| {
                Error::Unsound(format!("row {row} of state {name:?} holds {what} in the end"))
            })?;
        }
        Ok(())
    }

    /// Checks that the caller finds all of every output.
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

    /// Looks whether all that lives on is whole, and makes it one version.
    fn leave(mut self) -> Result<()> {
        for (at, stage) in self.step.stages.iter().enumerate() {
            let mut taken = self.pooled.iter().filter(|((pool, _), _)| *pool == at).peekable();
            let idle = stage.kernel.pools_all() && taken.peek().is_none();
            if idle || taken.any(|(_, rows)| *rows != stage.height) {
                return Err(self.unsound(at, "takes not all rows of its operand"));
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
                self.check_whole(at)?;
            }
        }
        Ok(())
    }

    /// Checks that the value that a stage leaves behind is whole.
    fn check_whole(&mut self, at: usize) -> Result<()> {
        let stage = &self.step.stages[at];
        let mut place = stage.into.whole_pixels();
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

/// An output of the caller, whatever its shape.
fn output(at: usize) -> Place {
    let rows = Rows::nhwc(1, 1, 1);
    let element = Element::F32;
    Place { home: Home::Output(at), rows, height: 1, element }
}
