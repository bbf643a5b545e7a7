//! The loop program: what each step of a network does, as loops, calls of kernels and zero fills.
//!
//! Everything that an emitted file decides is decided here: which rows a call makes, in which order, where in its memory
//! each part lies. Printing it takes names and tokens, no further thought, and running it over a shadow of the memory
//! proves that each call reads what it should.

pub mod text;

use std::ops::{Add, Mul};

/// The loop program of a network: a function for each step of its schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The functions, in the order of the steps.
    pub functions: Vec<Function>,
}

/// The function of a step. Stages are numbers of those of the step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Its statements.
    pub body: Vec<Statement>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Makes a variable.
    Let(Variable, Expr),
    /// Names the rows that calls over [`Span::ROWS`] make.
    LetRows(Span),
    /// Gives a variable another value.
    Set(Variable, Expr),
    /// A loop over a range.
    For {
        /// The variable that runs through it.
        variable: Variable,
        /// The range.
        span: Span,
        /// From one value to the next.
        by: usize,
        /// The body.
        body: Vec<Statement>,
    },
    /// A loop that runs while a variable is less than a number.
    While {
        /// The variable.
        variable: Variable,
        /// The number, which the loop does not change.
        until: Expr,
        /// The body.
        body: Vec<Statement>,
    },
    /// A choice by whether a variable is less than a number.
    If {
        /// The variable.
        variable: Variable,
        /// The number.
        below: usize,
        /// Statements if it is less.
        then: Vec<Statement>,
        /// Statements if it is not.
        otherwise: Vec<Statement>,
    },
    /// Parts that threads take, each with memory of its own.
    Threads(Threads),
    /// A kernel.
    Call(Call),
    /// Numbers around the image that a stage makes.
    Zero {
        /// The stage.
        stage: usize,
        /// The kind of fill.
        what: Zero,
    },
    /// Moves the dense pixels that the caller wrote to where the first operand of a stage lies, zeros around them.
    Spread {
        /// The stage.
        stage: usize,
    },
    /// Moves a strip of columns on.
    Slide {
        /// The stage that makes the strip.
        stage: usize,
        /// By how many columns.
        columns: usize,
    },
    /// Makes means of a stage's sums, when all rows are in them.
    Finish {
        /// The stage.
        stage: usize,
    },
    /// The end of what counts as a stage's time.
    Mark {
        /// The stage.
        stage: usize,
    },
}

/// Numbers around an image, zeros but for borders that a stage is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zero {
    /// Columns on both sides of all rows, and the rows above.
    Edges,
    /// Those, and all rows below the image.
    Around,
    /// A row below the image.
    Row(Expr),
    /// All of the memory.
    All,
}

/// A loop over parts of what is written, whose turns may run on a pool of threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threads {
    /// The number of the part.
    pub variable: Variable,
    /// The number of parts.
    pub parts: usize,
    /// True if threads take them; else one follows the other.
    pub pooled: bool,
    /// The memory that is lent in parts: what is written first, then what a part works in.
    pub lent: Vec<Lent>,
    /// The body for each part.
    pub body: Vec<Statement>,
}

/// Memory that is cut into equal parts, one for a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lent {
    /// The stage whose result lies in it.
    pub stage: usize,
    /// Elements of a part.
    pub len: usize,
    /// True if the last part may have fewer.
    pub ragged: bool,
}

/// A call of a stage's kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The stage.
    pub stage: usize,
    /// Rows of its result that it makes.
    pub rows: Span,
    /// The part of them that it makes.
    pub reach: Reach,
    /// The offset at which it begins to read in the memory of its first operand.
    pub from: Option<Offset>,
    /// The offset at which it begins to read in the memory of the residual.
    pub residual: Option<Offset>,
    /// The offset at which it begins to write in the memory of its result.
    pub into: Option<Offset>,
}

/// The part of its rows that a call makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All.
    Rows,
    /// All, of rows that a kernel which knows none is given as slices.
    Slices,
    /// A number of pixels from the variable `pixel` on.
    Pixels(usize),
    /// One of so many equal panels of channels, which lies in memory for one.
    Panel(usize),
    /// A number of vectors of channels: those of the panel that the variable `panel` counts, which lies in memory for
    /// all.
    Vectors(usize),
    /// One of so many equal runs of pixels of one long row.
    PixelShare(usize),
    /// One of so many panels of channels, the last maybe narrower.
    ChannelShare(usize),
    /// All, in so many bands of rows and runs of panels of weights, which threads take.
    Parts([usize; 2]),
    /// The columns before the first strip.
    FirstColumns,
    /// The columns that a strip adds.
    NextColumns,
    /// The columns that the last strip adds.
    LastColumns,
}

/// Elements of memory before those that are meant: `by * variable + plus`, and maybe how many those are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Elements for each value of the variable.
    pub by: usize,
    /// The variable.
    pub variable: Variable,
    /// Elements more.
    pub plus: usize,
    /// The length; to the end if absent.
    pub len: Option<usize>,
}

/// A variable of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// The row of the result.
    Row,
    /// A row inside a call or a fill.
    Line,
    /// The rows made so far by a stage.
    Made(usize),
    /// One past the last row of a batch of the result.
    End,
    /// One past the last row of a batch of what a stage makes for others.
    EndOf(usize),
    /// The first row of a band.
    First,
    /// The first row of [`Span::ROWS`].
    RowsStart,
    /// One past the last row of [`Span::ROWS`].
    RowsEnd,
    /// The first pixel of those that pass from one stage to the next.
    Pixel,
    /// The panel of channels.
    Panel,
    /// The part of a row that a thread takes.
    Part,
    /// The band of rows that a thread makes.
    Band,
}

/// A number that is known when the program runs, computed without sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A constant.
    Number(usize),
    /// A variable.
    Variable(Variable),
    /// A multiple.
    Times(usize, Box<Expr>),
    /// A sum.
    Plus(Box<Expr>, usize),
    /// A difference, 0 where it would be less.
    Minus(Box<Expr>, usize),
    /// A quotient, rounded down.
    Over(Box<Expr>, usize),
    /// The less of two.
    Min(Box<Expr>, Box<Expr>),
}

/// A range of rows or pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub start: Expr,
    /// One past the last.
    pub end: Expr,
}

impl Span {
    /// The rows that the last [`Statement::LetRows`] names.
    pub const ROWS: Self =
        Self { start: Expr::Variable(Variable::RowsStart), end: Expr::Variable(Variable::RowsEnd) };

    /// The rows `0..end`.
    pub fn below(end: usize) -> Self {
        Self { start: Expr::Number(0), end: Expr::Number(end) }
    }

    /// The row that a variable holds.
    pub fn one(row: Variable) -> Self {
        Self { start: row.into(), end: Expr::from(row) + 1 }
    }

    /// The variable whose row is all of the range.
    pub fn row(&self) -> Option<Variable> {
        match self.start {
            Expr::Variable(row) if *self == Self::one(row) => Some(row),
            _ => None,
        }
    }
}

impl Function {
    /// True if some of it runs on a pool of threads.
    pub fn is_pooled(&self) -> bool {
        fn pooled(statements: &[Statement]) -> bool {
            statements.iter().any(|statement| match statement {
                Statement::Threads(threads) => threads.pooled || pooled(&threads.body),
                Statement::Call(call) => matches!(call.reach, Reach::Parts(_)),
                Statement::For { body, .. } | Statement::While { body, .. } => pooled(body),
                Statement::If { then, otherwise, .. } => pooled(then) || pooled(otherwise),
                _ => false,
            })
        }
        pooled(&self.body)
    }
}

impl Offset {
    /// `by` elements for each value of a variable.
    pub fn each(by: usize, variable: Variable) -> Self {
        Self { by, variable, plus: 0, len: None }
    }
}

impl Call {
    /// A call that makes all of some rows.
    pub fn rows(stage: usize, rows: Span) -> Self {
        Self { stage, rows, reach: Reach::Rows, from: None, residual: None, into: None }
    }
}

impl Expr {
    /// The value, where `value` gives that of each variable.
    pub fn value(&self, value: &impl Fn(Variable) -> usize) -> usize {
        match self {
            Self::Number(number) => *number,
            Self::Variable(variable) => value(*variable),
            Self::Times(by, it) => by * it.value(value),
            Self::Plus(it, more) => it.value(value) + more,
            Self::Minus(it, less) => it.value(value).saturating_sub(*less),
            Self::Over(it, by) => it.value(value) / by,
            Self::Min(a, b) => a.value(value).min(b.value(value)),
        }
    }

    /// The difference, 0 where it would be less.
    pub fn minus(self, less: usize) -> Self {
        match less {
            0 => self,
            less => Self::Minus(Box::new(self), less),
        }
    }

    /// The quotient, rounded down.
    pub fn over(self, by: usize) -> Self {
        match by {
            1 => self,
            by => Self::Over(Box::new(self), by),
        }
    }

    /// This, but no more than `most`.
    pub fn at_most(self, most: impl Into<Self>) -> Self {
        Self::Min(Box::new(self), Box::new(most.into()))
    }
}

impl Add<usize> for Expr {
    type Output = Self;

    fn add(self, more: usize) -> Self {
        match more {
            0 => self,
            more => Self::Plus(Box::new(self), more),
        }
    }
}

impl Mul<usize> for Expr {
    type Output = Self;

    fn mul(self, by: usize) -> Self {
        match by {
            1 => self,
            by => Self::Times(by, Box::new(self)),
        }
    }
}

impl From<Variable> for Expr {
    fn from(variable: Variable) -> Self {
        Self::Variable(variable)
    }
}

impl From<usize> for Expr {
    fn from(number: usize) -> Self {
        Self::Number(number)
    }
}
