//! Traces of programs: the calls that they make with their numbers. Programs of equal traces do the same.

use std::collections::BTreeMap;

use mnv2c::program::{Offset, Program, Statement, Threads, Variable, Zero};
use mnv2c::schedule::{Place, Schedule};

/// The calls of each step with their numbers, each as often as it is made, and where their operands lie.
pub(crate) type Trace = Vec<(BTreeMap<String, usize>, Vec<Place>)>;

/// The trace of a program. Calls that are made alike in another order are the same.
pub(crate) fn of(program: &Program, schedule: &Schedule) -> Trace {
    let steps = program.functions.iter().zip(&schedule.steps);
    let trace = steps.map(|(function, step)| {
        let mut run = Run { variables: BTreeMap::new(), done: BTreeMap::new(), left: 1 << 16 };
        run.statements(&function.body);
        let places = step.stages.iter().flat_map(|stage| stage.from.iter().chain([&stage.into]));
        (run.done, places.copied().collect())
    });
    trace.collect()
}

struct Run {
    variables: BTreeMap<Variable, usize>,
    done: BTreeMap<String, usize>,
    left: usize,
}

impl Run {
    fn value(&self, variable: Variable) -> usize {
        self.variables.get(&variable).copied().unwrap_or(0)
    }

    fn note(&mut self, what: String) {
        *self.done.entry(what).or_default() += 1;
    }

    fn offset(&self, offset: Option<Offset>) -> Option<(usize, Option<usize>)> {
        offset.map(|it| (it.by * self.value(it.variable) + it.plus, it.len))
    }

    fn statements(&mut self, statements: &[Statement]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &Statement) {
        let value = |expr: &mnv2c::program::Expr, run: &Self| expr.value(&|it| run.value(it));
        match statement {
            Statement::Let(variable, it) | Statement::Set(variable, it) => {
                let it = value(it, self);
                self.variables.insert(*variable, it);
            }
            Statement::LetRows(span) => {
                let (start, end) = (value(&span.start, self), value(&span.end, self));
                self.variables.insert(Variable::RowsStart, start);
                self.variables.insert(Variable::RowsEnd, end);
            }
            Statement::For { variable, span, by, body } => {
                for it in (value(&span.start, self)..value(&span.end, self)).step_by(*by) {
                    self.variables.insert(*variable, it);
                    self.statements(body);
                }
            }
            Statement::While { variable, until, body } => {
                while self.value(*variable) < value(until, self) && self.left > 0 {
                    self.left -= 1;
                    self.statements(body);
                }
            }
            Statement::If { variable, below, then, otherwise } => {
                let is_below = self.value(*variable) < *below;
                self.statements(if is_below { then } else { otherwise });
            }
            Statement::Threads(Threads { variable, parts, lent, body, .. }) => {
                for part in 0..*parts {
                    self.variables.insert(*variable, part);
                    self.note(format!("part {part} of {lent:?}"));
                    self.statements(body);
                }
            }
            Statement::Call(call) => {
                let rows = value(&call.rows.start, self)..value(&call.rows.end, self);
                let offsets = [call.from, call.residual, call.into].map(|it| self.offset(it));
                let part = [Variable::Pixel, Variable::Panel, Variable::Part, Variable::Band];
                let part = part.map(|it| self.value(it));
                self.note(format!("{} {rows:?} {:?} {offsets:?} {part:?}", call.stage, call.reach));
            }
            Statement::Zero { stage, what: Zero::Row(row) } => {
                let row = value(row, self);
                self.note(format!("zero {stage} {row}"));
            }
            Statement::Mark { .. } => {}
            other => self.note(format!("{other:?}")),
        }
    }
}
