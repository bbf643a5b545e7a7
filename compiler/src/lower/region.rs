//! Rows through stages that are no chain: the rows of each piece, pulled by the piece behind it.
//!
//! A stage that must be ahead of the row that is made has a loop and a counter of its own; the others just make the row.

use std::collections::BTreeSet;

use crate::lower::{Lowering, padding, rows};
use crate::program::{Call, Expr, Reach, Span, Statement, Variable};
use crate::schedule::Home;
use crate::schedule::pull::{Group, Need, Piece, pieces};

impl Lowering<'_> {
    /// A loop over the rows of the result, in which each stage makes what they need.
    pub(super) fn region(&self) -> Vec<Statement> {
        let pieces = pieces(self.stages());
        let last = pieces.len() - 1;
        let counted = pieces.iter().enumerate().flat_map(|(at, piece)| {
            let result = (at < last).then(|| piece.last());
            piece.groups.iter().filter(|group| !piece.is_direct(group)).chain(result)
        });
        let mut body: Vec<Statement> =
            counted.map(|group| Statement::Let(made(group), 0.into())).collect();
        let height = pieces[last].last().height;
        let turn = self.piece(&pieces, last, Variable::Row);
        let (variable, span) = (Variable::Row, Span::below(height));
        body.push(Statement::For { variable, span, by: 1, body: turn });
        body.extend(self.finish());
        body
    }

    /// Row `row` of a piece, and first what it needs.
    fn piece(&self, pieces: &[Piece], at: usize, row: Variable) -> Vec<Statement> {
        let piece = &pieces[at];
        let mut body = Vec::new();
        if let Some(before) = at.checked_sub(1) {
            let result = pieces[before].last();
            let turn = self.piece(pieces, before, made(result));
            body.push(self.until(result, piece, piece.pulls, turn, row));
        }
        for group in &piece.groups {
            if piece.is_direct(group) {
                body.extend(self.group(group, row));
            } else {
                let turn = self.group(group, made(group));
                body.push(self.until(group, piece, group.need, turn, row));
            }
        }
        body
    }

    /// A loop that makes rows of a group as far as row `row` of `piece` needs them.
    fn until(
        &self,
        group: &Group,
        piece: &Piece,
        need: Need,
        turn: Vec<Statement>,
        row: Variable,
    ) -> Statement {
        let (variable, below) = (made(group), group.height);
        let most = need.at(piece.last().height - 1);
        let mut body = match group.limit > below {
            true => {
                let otherwise = self.below(group);
                vec![Statement::If { variable, below, then: turn, otherwise }]
            }
            false => turn,
        };
        body.push(Statement::Set(variable, Expr::from(variable) + 1));
        Statement::While { variable, until: wanted(need, group.limit, most, row), body }
    }

    /// Zeros in the rows below the image.
    fn below(&self, group: &Group) -> Vec<Statement> {
        let mut seen: BTreeSet<Home> = BTreeSet::new();
        let mut last_of_each: Vec<usize> = group
            .stages
            .clone()
            .rev()
            .filter(|at| seen.insert(self.stages()[*at].into.home))
            .collect();
        last_of_each.sort_by_key(|at| self.stages()[*at].into.home);
        let row = Expr::from(made(group));
        last_of_each.into_iter().map(|at| padding::below(at, row.clone())).collect()
    }

    /// Row `row` of stage after stage.
    fn group(&self, group: &Group, row: Variable) -> Vec<Statement> {
        let mut body = Vec::new();
        for stage in group.stages.clone() {
            if self.stages()[stage].kernel.takes_slices() {
                let call = Call { reach: Reach::Slices, ..Call::rows(stage, Span::one(row)) };
                body.extend([Statement::Call(call), Statement::Mark { stage }]);
            } else {
                body.extend(self.call(stage, rows::batch(row, None, 1)));
            }
        }
        body
    }
}

/// The counter of a group's rows.
fn made(group: &Group) -> Variable {
    Variable::Made(group.stages.end - 1)
}

/// One past the last row that must be there before row `row`.
fn wanted(need: Need, limit: usize, most: usize, row: Variable) -> Expr {
    if need.scale == 0 {
        return limit.into();
    }
    let shift = need.shift.unsigned_abs();
    let scaled = Expr::from(row) * need.scale;
    let rows = if need.shift < 0 { scaled.minus(shift) } else { scaled + shift };
    let rows = rows.over(need.per);
    if most > limit { rows.at_most(limit) } else { rows }
}
