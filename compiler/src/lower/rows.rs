//! Ranges of rows: batches of them, those that a window reads, and those of zeros below an image.

use crate::program::{Call, Expr, Span, Statement, Variable};
use crate::schedule::{RowWindow, Stage};

/// The rows from `row` on, so many or up to a variable.
pub(super) fn batch(row: Variable, end: Option<Variable>, rows: usize) -> Span {
    let end = end.map_or_else(|| Expr::from(row) + rows, Expr::from);
    Span { start: row.into(), end }
}

/// The first row of the image that row `row` of a stage reads.
pub(super) fn first_read(window: RowWindow, row: &Expr) -> Expr {
    (row.clone() * window.stride).minus(window.above)
}

/// One past the last row that some rows of a stage read.
pub(super) fn read_until(window: RowWindow, rows: &Span) -> Expr {
    let RowWindow { span, stride, above, .. } = window;
    let (end, by) = match &rows.end {
        Expr::Plus(end, by) => ((**end).clone(), *by),
        end => (end.clone(), 0),
    };
    let (first, ahead, behind) = (end * stride, by * stride + span, stride + above);
    // The first windows lie wholly above the image where its padding is taller than they are.
    if ahead < behind { first.minus(behind - ahead) } else { first + (ahead - behind) }
}

/// True if a stage reads rows of zeros below another's result.
pub(super) fn reads_below(reader: &Stage, maker: &Stage) -> bool {
    let RowWindow { span, stride, above, .. } = reader.window;
    (reader.height - 1) * stride + span > maker.height + above
}

/// Asks the caller for rows, one after the other.
pub(super) fn fetch(stage: usize, rows: Span) -> Statement {
    if rows.row().is_some() {
        return Statement::Call(Call::rows(stage, rows));
    }
    let body = vec![Statement::Call(Call::rows(stage, Span::one(Variable::Line)))];
    Statement::For { variable: Variable::Line, span: rows, by: 1, body }
}
