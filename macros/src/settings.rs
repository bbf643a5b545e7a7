//! The statements of `mobilenet!` between its first and its rows: `key = value;`, `key value;` and `key { .. }`.
//!
//! Each statement is read by itself, so that one mistake hides no other. What a key takes is asked by its reader.

use std::collections::BTreeMap;

use mnv2c::options::{ROWS, Row, Takes};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, LitFloat, LitInt, LitStr, Result, Token};

use crate::faults::Faults;

/// Keys that say which network it is; every other is of the compiler's table.
const KEYS: [&str; 4] = ["model", "input", "width", "classes"];

/// Settings by key, until their readers take them.
#[derive(Default)]
pub(crate) struct Settings {
    by_key: BTreeMap<String, (Ident, Value)>,
}

/// An option of the compiler's table, and what it was given.
pub(crate) struct Setting {
    pub(crate) row: &'static Row,
    pub(crate) value: Value,
}

/// The value to the right of a key.
#[derive(Clone)]
pub(crate) enum Value {
    Text(LitStr),
    Int(LitInt),
    Float(LitFloat),
    Word(Ident),
    /// A number and its unit.
    Size(LitInt, Ident),
    /// Numbers or texts in brackets.
    List(Vec<String>, Span),
    /// Names with sizes, in braces: each as `name=size`.
    Pairs(Vec<String>, Span),
}

impl Parse for Value {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            input.parse().map(Self::Text)
        } else if input.peek(LitFloat) {
            input.parse().map(Self::Float)
        } else if input.peek(LitInt) && input.peek2(syn::Ident) {
            Ok(Self::Size(input.parse()?, input.parse()?))
        } else if input.peek(LitInt) {
            input.parse().map(Self::Int)
        } else if input.peek(syn::token::Bracket) {
            let (items, span) = list(input)?;
            Ok(Self::List(items, span))
        } else if input.peek(syn::token::Brace) {
            pairs(input)
        } else if input.peek(syn::LitBool) || input.peek(Token![extern]) {
            input.call(Ident::parse_any).map(Self::Word)
        } else if input.peek(syn::Ident) {
            input.parse().map(Self::Word)
        } else {
            Err(input.error("expected a text in quotes, a number or a word"))
        }
    }
}

impl Value {
    /// Its span.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Text(text) => text.span(),
            Self::Int(int) => int.span(),
            Self::Float(float) => float.span(),
            Self::Word(word) => word.span(),
            Self::Size(_, unit) => unit.span(),
            Self::List(_, span) | Self::Pairs(_, span) => *span,
        }
    }
}

impl Value {
    /// The content of a text, a number or a word.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.value(),
            Self::Int(int) => int.to_string(),
            Self::Float(float) => float.to_string(),
            Self::Word(word) => word.to_string(),
            Self::Size(int, unit) => format!("{int}{unit}"),
            Self::List(items, _) | Self::Pairs(items, _) => items.join(","),
        }
    }
}

/// Numbers or texts in brackets.
fn list(input: ParseStream<'_>) -> Result<(Vec<String>, Span)> {
    let inside;
    let span = syn::bracketed!(inside in input).span.join();
    let mut items = Vec::new();
    while !inside.is_empty() {
        items.push(item(&inside)?);
        if !inside.is_empty() {
            inside.parse::<Token![,]>()?;
        }
    }
    Ok((items, span))
}

fn item(input: ParseStream<'_>) -> Result<String> {
    if input.peek(LitStr) {
        return input.parse().map(|text: LitStr| text.value());
    }
    let sign = if input.parse::<Option<Token![-]>>()?.is_some() { "-" } else { "" };
    let digits = if input.peek(LitInt) {
        input.parse::<LitInt>()?.base10_digits().to_owned()
    } else {
        input.parse::<LitFloat>()?.base10_digits().to_owned()
    };
    Ok(format!("{sign}{digits}"))
}

/// Names with sizes, shapes or other names, in braces: `{ batch = 1, image = [1, 3, 224, 224], h0 = hn }`.
fn pairs(input: ParseStream<'_>) -> Result<Value> {
    let inside;
    let span = syn::braced!(inside in input).span.join();
    let mut pairs = Vec::new();
    while !inside.is_empty() {
        let name = if inside.peek(LitStr) {
            inside.parse::<LitStr>()?.value()
        } else {
            inside.parse::<Ident>()?.to_string()
        };
        inside.parse::<Token![=]>()?;
        let size = if inside.peek(syn::token::Bracket) {
            list(&inside)?.0.join("x")
        } else if inside.peek(LitStr) {
            inside.parse::<LitStr>()?.value()
        } else if inside.peek(syn::Ident) {
            inside.parse::<Ident>()?.to_string()
        } else {
            positive(&inside.parse()?)?.to_string()
        };
        pairs.push(format!("{name}={size}"));
        if !inside.is_empty() {
            inside.parse::<Token![,]>()?;
        }
    }
    Ok(Value::Pairs(pairs, span))
}

impl Settings {
    /// Adds one statement, whose last token is its semicolon unless it ends in braces.
    pub(crate) fn add(&mut self, input: ParseStream<'_>) -> Result<()> {
        let key: Ident = input.parse()?;
        let word = key.to_string();
        if !KEYS.contains(&word.as_str()) && ROWS.iter().all(|row| row.key != word) {
            return Err(Error::new(key.span(), unknown(&word)));
        }
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
        }
        let value = input.parse()?;
        if !matches!(value, Value::Pairs(..)) || input.peek(Token![;]) {
            semicolon(input)?;
        }
        if self.by_key.contains_key(&word) {
            return Err(Error::new(key.span(), format!("`{word}` is given twice; remove one")));
        }
        self.by_key.insert(word, (key, value));
        Ok(())
    }

    /// Every option of the compiler's table that was given and that `takes` allows, in the order of the table.
    pub(crate) fn take_rows(&mut self, takes: impl Fn(&Row) -> bool) -> Vec<Setting> {
        let mut settings = Vec::new();
        for row in ROWS.iter().filter(|row| takes(row)) {
            let is_meant = |(_, value): &(Ident, Value)| {
                meant(row.key, value).is_some_and(|meant| meant.name == row.name)
            };
            if self.by_key.get(row.key).is_some_and(is_meant) {
                let value = self.take(row.key);
                settings.extend(value.map(|value| Setting { row, value }));
            }
        }
        settings
    }

    /// The value that `key` was given.
    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.by_key.remove(key).map(|(_, value)| value)
    }

    /// The text that `key` was given.
    pub(crate) fn take_text(&mut self, key: &str) -> Result<Option<LitStr>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => {
                let what = format!("`{key}` takes a text in quotes");
                Err(Error::new(other.span(), what))
            }
        }
    }

    /// The number from 1 that `key` was given.
    pub(crate) fn take_count(&mut self, key: &str) -> Result<Option<usize>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Int(int)) => positive(&int).map(Some),
            Some(other) => Err(Error::new(other.span(), format!("`{key}` takes a whole number"))),
        }
    }

    /// Reports keys that were not taken: they have no place here, and `why`.
    pub(crate) fn refuse_rest(&self, why: &str, faults: &mut Faults) {
        for (key, _) in self.by_key.values() {
            let what = format!("`{key}` has no place here: {why}; remove it");
            faults.add(Error::new(key.span(), what));
        }
    }
}

/// The row that a key means; of two with one key that which takes a path is meant by a text in quotes.
fn meant(key: &str, value: &Value) -> Option<&'static Row> {
    let rows = || ROWS.iter().filter(|row| row.key == key);
    let is_text = matches!(value, Value::Text(_));
    rows().find(|row| (row.takes == Takes::Path) == is_text).or_else(|| rows().next())
}

/// A count, which is not 0.
pub(crate) fn positive(int: &LitInt) -> Result<usize> {
    let value: usize = int.base10_parse()?;
    if value == 0 {
        return Err(Error::new(int.span(), "this is a count; give a number from 1"));
    }
    Ok(value)
}

/// The end of a statement.
pub(crate) fn semicolon(input: ParseStream<'_>) -> Result<()> {
    input.parse::<Token![;]>().map(|_| ())
}

/// Cuts statements apart: each ends with a semicolon, or with braces that stand behind a key.
pub(crate) fn statements(tokens: TokenStream) -> Vec<TokenStream> {
    let mut statements = Vec::new();
    let mut open: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let ends = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(_) => {
                matches!(open.as_slice(), [TokenTree::Ident(word)] if is_braced(word))
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        };
        open.push(token);
        if ends {
            statements.push(open.drain(..).collect());
        }
    }
    if !open.is_empty() {
        statements.push(open.into_iter().collect());
    }
    statements
}

/// True if a key takes names in braces.
fn is_braced(word: &Ident) -> bool {
    ROWS.iter().any(|row| row.takes == Takes::Pairs && word == row.key)
}

fn unknown(word: &str) -> String {
    let mut known: Vec<&str> = KEYS.into_iter().chain(ROWS.iter().map(|row| row.key)).collect();
    known.sort_unstable();
    known.dedup();
    let known = known.join("`, `");
    format!("unknown setting `{word}`; there are `{known}`, and the rows `conv2d` and `bottleneck`")
}
