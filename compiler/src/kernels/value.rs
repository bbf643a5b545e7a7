//! Fields, arguments, consts and calls as values: what an emitted file says of a kernel, without tokens.

use std::ops::Range;

/// An item of the runtime, such as `clamp::Clamp`, or what is reached through one: `clamp::Clamp::NONE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path(pub &'static str);

/// A field's or an argument's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A count, a byte or a factor.
    Int(u64),
    /// A truth value.
    Flag(bool),
    /// A signed stride.
    Step(isize),
    /// A float.
    Float(f32),
    /// A number as an element of the result.
    Element(f32),
    /// A range of counts.
    Range(Range<usize>),
    /// An array.
    Array(Vec<Value>),
    /// A slice of an array.
    Slice(Vec<Value>),
    /// Several values in brackets.
    Tuple(Vec<Value>),
    /// An item.
    Item(Path),
    /// The value of an item applied to arguments.
    Made(Path, Vec<Value>),
    /// The value that a method of a value makes of it, with arguments.
    With(Box<Value>, &'static str, Vec<Value>),
    /// A struct or a variant with its fields.
    Struct(Path, Vec<(&'static str, Value)>),
    /// The rows of a side.
    Ring(Side),
    /// A side's shape in memory, of which its rows are.
    Lying(Side),
    /// A value, moved by what slices hold before the first side and the result.
    Shifted(Box<Value>),
    /// A side seen as one long row.
    LongRing(Side),
    /// The kernel's const, or the one of so many words behind its name.
    Const(Option<&'static str>),
    /// The token of the instruction set.
    Token,
    /// The weights.
    Weights,
    /// The first operand.
    First,
    /// The first operand from where its image begins.
    FirstImage,
    /// The second operand.
    Second,
    /// The third operand.
    Third,
    /// The memory that the kernel works in.
    Scratch,
    /// The result.
    Result,
    /// A row of the result.
    ResultRow,
    /// The rows that are made.
    Rows,
    /// The first of them.
    Row,
    /// The panel of channels that is made.
    Panel,
    /// The vectors of channels that a panel of so many is.
    VectorsOfPanel(usize),
}

/// A side of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first operand.
    First,
    /// The second operand.
    Second,
    /// The result.
    Result,
}

/// A const: the kernel's own, or one whose name has a word more.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// The word behind the kernel's name.
    pub word: Option<&'static str>,
    /// Its type.
    pub kind: Path,
    /// The const generics of the type.
    pub generics: Vec<usize>,
    /// The type of its epilogue, if that is another than for sums of floats.
    pub epilogue: Option<Path>,
    /// Its value.
    pub value: Value,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The callee.
    pub callee: Callee,
    /// The residual that the kernel adds.
    pub adding: Option<Value>,
    /// With what.
    pub arguments: Vec<Value>,
}

/// The callee of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A method of the kernel's const.
    Method(&'static str),
    /// A function of the runtime.
    Function(Path),
    /// The caller's function that gives rows.
    Feed,
    /// A method of the result.
    OfResult(&'static str),
}

impl Path {
    /// The path of an import: the type, or the module of a function.
    pub fn import(self) -> String {
        match self.type_at() {
            Some((start, len)) => self.0[..start + len].to_owned(),
            None => {
                let (module, _) = self.0.rsplit_once("::").expect("functions lie in modules");
                format!("{module}::self")
            }
        }
    }

    /// The form in which it is written where it is imported.
    pub fn written(self) -> &'static str {
        let start = self.type_at().map(|(start, _)| start);
        let module = || self.0.rsplit_once("::").and_then(|(module, _)| module.rfind("::"));
        &self.0[start.or_else(|| module().map(|at| at + 2)).unwrap_or(0)..]
    }

    /// The offset of a type's name, and its length.
    fn type_at(self) -> Option<(usize, usize)> {
        let mut start = 0;
        for word in self.0.split("::") {
            if word.starts_with(|first: char| first.is_ascii_uppercase()) {
                return Some((start, word.len()));
            }
            start += word.len() + 2;
        }
        None
    }
}

impl Value {
    /// A count.
    pub fn size(count: usize) -> Self {
        Self::Int(count as u64)
    }

    /// An array of counts.
    pub fn sizes(counts: &[usize]) -> Self {
        Self::Array(counts.iter().copied().map(Self::size).collect())
    }

    /// An item of the runtime.
    pub fn item(path: &'static str) -> Self {
        Self::Item(Path(path))
    }

    /// The value of an item applied to arguments.
    pub fn made(path: &'static str, arguments: impl Into<Vec<Self>>) -> Self {
        Self::Made(Path(path), arguments.into())
    }

    /// The value that a method makes of this one.
    pub fn with(self, method: &'static str, arguments: impl Into<Vec<Self>>) -> Self {
        Self::With(Box::new(self), method, arguments.into())
    }

    /// A struct or a variant with its fields.
    pub fn fields(path: &'static str, fields: impl Into<Vec<(&'static str, Self)>>) -> Self {
        Self::Struct(Path(path), fields.into())
    }

    /// Calls `seen` with this value and those inside of it.
    pub fn each(&self, seen: &mut impl FnMut(&Self)) {
        seen(self);
        match self {
            Self::Array(values)
            | Self::Slice(values)
            | Self::Tuple(values)
            | Self::Made(_, values) => {
                values.iter().for_each(|value| value.each(seen));
            }
            Self::With(value, _, values) => {
                value.each(seen);
                values.iter().for_each(|value| value.each(seen));
            }
            Self::Shifted(value) => value.each(seen),
            Self::Struct(_, fields) => fields.iter().for_each(|(_, value)| value.each(seen)),
            Self::Int(_) | Self::Flag(_) | Self::Step(_) | Self::Float(_) => {}
            Self::Element(_) | Self::Range(_) => {}
            Self::Item(_)
            | Self::Ring(_)
            | Self::LongRing(_)
            | Self::Lying(_)
            | Self::Const(_)
            | Self::Token => {}
            Self::Weights | Self::First | Self::FirstImage | Self::Second | Self::Third => {}
            Self::Result | Self::Scratch => {}
            Self::ResultRow | Self::Rows | Self::Row | Self::Panel | Self::VectorsOfPanel(_) => {}
        }
    }
}

impl Constant {
    /// The kernel's own const, of a type without generics.
    pub fn own(kind: &'static str, value: Value) -> Self {
        Self { word: None, kind: Path(kind), generics: Vec::new(), epilogue: None, value }
    }

    /// The kernel's own const, a struct with so many generics and these fields.
    pub fn of_fields(
        kind: &'static str,
        generics: impl Into<Vec<usize>>,
        fields: impl Into<Vec<(&'static str, Value)>>,
    ) -> Self {
        let value = Value::fields(kind, fields);
        Self { word: None, kind: Path(kind), generics: generics.into(), epilogue: None, value }
    }
}

impl Invocation {
    /// A call of a method of the kernel's const.
    pub fn method(name: &'static str, arguments: impl Into<Vec<Value>>) -> Self {
        Self { callee: Callee::Method(name), adding: None, arguments: arguments.into() }
    }

    /// A call of a function of the runtime.
    pub fn function(path: &'static str, arguments: impl Into<Vec<Value>>) -> Self {
        Self { callee: Callee::Function(Path(path)), adding: None, arguments: arguments.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &'static str, import: &str, written: &str) {
        assert_eq!((Path(path).import().as_str(), Path(path).written()), (import, written));
    }

    #[test]
    fn a_path_is_imported_up_to_its_type_or_its_module() {
        check("clamp::Clamp", "clamp::Clamp", "Clamp");
        check("kernel::pool::Divisor::Inside", "kernel::pool::Divisor", "Divisor::Inside");
        check("kernel::unary::unary_assign", "kernel::unary::self", "unary::unary_assign");
    }
}
