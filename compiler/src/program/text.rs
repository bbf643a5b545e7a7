//! The text of a loop program, for goldens and for reading: a step's stages, then its loops and calls.
//!
//! ```text
//! step 1
//!   0 Pointwise "expand"  arena 3, 5 rows of 12x48
//!   1 Depthwise "filter"  arena 4, 1 row of 12x48
//!   let made0 = 0
//!   for row in 0..12
//!     while made0 < row + 2
//!       call 0 rows made0..made0 + 1
//! ```

use std::fmt::{self, Write};

use crate::program::{Call, Expr, Function, Lent, Offset, Program, Reach, Span, Statement};
use crate::program::{Threads, Variable, Zero};

/// The text of all steps; `stages` says what the stages of each are.
pub fn of(program: &Program, stages: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (number, (function, stages)) in program.functions.iter().zip(stages).enumerate() {
        let _ = write!(text, "step {}\n{}", number + 1, Text { function, stages });
    }
    text
}

/// A function, and what its stages are.
struct Text<'a> {
    function: &'a Function,
    stages: &'a [String],
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, stage) in self.stages.iter().enumerate() {
            writeln!(f, "  {at} {stage}")?;
        }
        statements(f, &self.function.body, 1)
    }
}

fn statements(f: &mut fmt::Formatter<'_>, body: &[Statement], depth: usize) -> fmt::Result {
    body.iter().try_for_each(|statement| one(f, statement, depth))
}

fn one(f: &mut fmt::Formatter<'_>, statement: &Statement, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    let mut line = |words: String| writeln!(f, "{indent}{words}");
    let body = match statement {
        Statement::Mark { .. } => return Ok(()),
        Statement::Let(variable, value) => return line(format!("let {variable} = {value}")),
        Statement::Set(variable, value) => return line(format!("{variable} = {value}")),
        Statement::LetRows(span) => return line(format!("let rows = {span}")),
        Statement::Call(call) => return line(call.to_string()),
        Statement::Zero { stage, what } => return line(format!("zero {stage} {what}")),
        Statement::Spread { stage } => return line(format!("spread {stage}")),
        Statement::Finish { stage } => return line(format!("finish {stage}")),
        Statement::Slide { stage, columns } => {
            return line(format!("slide {stage} by {columns} columns"));
        }
        Statement::For { variable, span, by, body } => {
            let by = if *by == 1 { String::new() } else { format!(" by {by}") };
            line(format!("for {variable} in {span}{by}"))?;
            body
        }
        Statement::While { variable, until, body } => {
            line(format!("while {variable} < {until}"))?;
            body
        }
        Statement::Threads(threads) => {
            line(threads.to_string())?;
            &threads.body
        }
        Statement::If { variable, below, then, otherwise } => {
            line(format!("if {variable} < {below}"))?;
            statements(f, then, depth + 1)?;
            writeln!(f, "{indent}else")?;
            otherwise
        }
    };
    statements(f, body, depth + 1)
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Row => "row",
            Self::Line => "line",
            Self::Made(stage) => return write!(f, "made{stage}"),
            Self::End => "end",
            Self::EndOf(stage) => return write!(f, "end{stage}"),
            Self::First => "first",
            Self::RowsStart => "rows.start",
            Self::RowsEnd => "rows.end",
            Self::Pixel => "pixel",
            Self::Panel => "panel",
            Self::Part => "part",
            Self::Band => "band",
        };
        f.write_str(name)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Variable(variable) => write!(f, "{variable}"),
            Self::Times(by, it) => write!(f, "{by} * {}", Factor(it)),
            Self::Plus(it, more) => write!(f, "{it} + {more}"),
            Self::Minus(it, less) => write!(f, "{it} - {less}"),
            Self::Over(it, by) => write!(f, "{} / {by}", Factor(it)),
            Self::Min(a, b) => write!(f, "min({a}, {b})"),
        }
    }
}

/// An expression in a product, in parentheses where it is a sum.
struct Factor<'a>(&'a Expr);

impl fmt::Display for Factor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::Plus(..) | Expr::Minus(..) => write!(f, "({})", self.0),
            it => write!(f, "{it}"),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ROWS {
            return f.write_str("rows");
        }
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl fmt::Display for Zero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edges => f.write_str("edges"),
            Self::Around => f.write_str("around"),
            Self::Row(row) => write!(f, "row {row}"),
            Self::All => f.write_str("all"),
        }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, variable, plus, len } = self;
        match (by, plus) {
            (0, plus) => write!(f, "{plus}")?,
            (by, 0) => write!(f, "{by} * {variable}")?,
            (by, plus) => write!(f, "{by} * {variable} + {plus}")?,
        }
        len.map_or(Ok(()), |len| write!(f, " ({len} elements)"))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {} rows {}", self.stage, self.rows)?;
        match self.reach {
            Reach::Rows => {}
            Reach::Slices => f.write_str(", as slices")?,
            Reach::Pixels(pixels) => write!(f, ", {pixels} pixels")?,
            Reach::Panel(panels) => write!(f, ", panel of {panels}")?,
            Reach::Vectors(vectors) => write!(f, ", panel of {vectors} vectors")?,
            Reach::PixelShare(shares) => write!(f, ", pixels of {shares} shares")?,
            Reach::ChannelShare(shares) => write!(f, ", channels of {shares} shares")?,
            Reach::Parts([bands, runs]) => {
                write!(f, ", {bands} bands by {runs} runs of panels on threads")?
            }
            Reach::FirstColumns => f.write_str(", first columns")?,
            Reach::NextColumns => f.write_str(", next columns")?,
            Reach::LastColumns => f.write_str(", last columns")?,
        }
        let offsets = [("from", self.from), ("residual", self.residual), ("into", self.into)];
        for (name, offset) in offsets {
            if let Some(offset) = offset {
                write!(f, ", {name} {offset}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.pooled { "on threads" } else { "in turn" };
        write!(f, "{} of {} {how}", self.variable, self.parts)?;
        for Lent { stage, len, ragged } in &self.lent {
            let most = if *ragged { "up to " } else { "" };
            write!(f, ", {most}{len} elements of {stage}")?;
        }
        Ok(())
    }
}
