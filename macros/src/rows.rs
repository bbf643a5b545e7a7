//! Rows of Table 2 as Rust tokens: `bottleneck t=6 c=24 n=2 s=2;`, and the picture `224x224x3`.

use mnv2c::frontend::spec::{Operator, Row};
use proc_macro2::{Ident, Span};
use syn::parse::ParseStream;
use syn::{Error, LitInt, Result, Token};

use crate::settings::{Value, positive, semicolon};

/// A row and where it stands.
pub(crate) type Placed = (Row, Span);

/// True if a statement that begins with `word` is a row.
pub(crate) fn starts(word: &Ident) -> bool {
    word == "conv2d" || word == "bottleneck"
}

/// One row, checked; `n` and `s` are 1 unless given.
pub(crate) fn row(input: ParseStream<'_>) -> Result<Placed> {
    let word: Ident = input.parse()?;
    let is_block = word == "bottleneck";
    let is_point = !is_block && kernel(input)? == 1;
    let mut numbers = [None; 4];
    while !input.peek(Token![;]) {
        let key: Ident = input.parse()?;
        let names = ["t", "c", "n", "s"];
        let found = names.iter().position(|name| key == name);
        let at = found.filter(|at| *at > 0 || is_block).ok_or_else(|| {
            let known = if is_block { "t, c, n and s" } else { "c, n and s" };
            Error::new(key.span(), format!("a {word} row has {known}, no `{key}`"))
        })?;
        input.parse::<Token![=]>()?;
        let value = positive(&input.parse::<LitInt>()?)?;
        if numbers[at].replace(value).is_some() {
            return Err(Error::new(key.span(), format!("`{key}` is given twice; remove one")));
        }
    }
    semicolon(input)?;
    let missing = |name: &str| {
        Error::new(word.span(), format!("this row lacks `{name}`; write {name}=.. behind {word}"))
    };
    let [t, c, n, s] = numbers;
    let operator = match (is_block, is_point) {
        (true, _) => Operator::Bottleneck { t: t.ok_or_else(|| missing("t"))? },
        (false, true) => Operator::Conv1x1,
        (false, false) => Operator::Conv3x3,
    };
    let (c, n, s) = (c.ok_or_else(|| missing("c"))?, n.unwrap_or(1), s.unwrap_or(1));
    let row = Row { operator, c, n, s };
    row.check(&word.to_string()).map_err(|error| Error::new(word.span(), error))?;
    Ok((row, word.span()))
}

/// The side of a convolution's window: `3x3`, `1x1`, or 3 if nothing is said.
fn kernel(input: ParseStream<'_>) -> Result<usize> {
    if !input.peek(LitInt) {
        return Ok(3);
    }
    let window: LitInt = input.parse()?;
    match window.to_string().as_str() {
        "3x3" => Ok(3),
        "1x1" => Ok(1),
        _ => Err(Error::new(window.span(), "the table's convolutions are 3x3 and 1x1")),
    }
}

/// Resolution and channels of a picture: `224x224x3`.
pub(crate) fn picture(value: &Value) -> Result<(usize, usize)> {
    let text = match value {
        Value::Int(int) => int.to_string(),
        Value::Text(_) | Value::Float(_) | Value::Word(_) => String::new(),
        Value::Size(..) | Value::List(..) | Value::Pairs(..) => String::new(),
    };
    let sides: Vec<Option<usize>> = text.split('x').map(|side| side.parse().ok()).collect();
    match sides.as_slice() {
        [Some(h), Some(w), Some(c)] if h == w => Ok((*h, *c)),
        _ => Err(Error::new(value.span(), "a square picture is needed; write it as 224x224x3")),
    }
}
