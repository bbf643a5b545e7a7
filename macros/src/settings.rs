//! The statements of `mobilenet!` between its first and its rows: `key = value;`, `key value;` and `dims { .. }`.
//!
//! Each statement is read by itself, so that one mistake hides no other. What a key takes is asked by its reader.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, LitFloat, LitInt, LitStr, Result, Token};

use crate::faults::Faults;

/// Every key, as messages list them.
const KEYS: &[&str] = &[
    "model",
    "target",
    "threads",
    "name",
    "weights",
    "seed",
    "input",
    "width",
    "classes",
    "ram",
    "objective",
    "recompute",
    "feed",
    "dtype",
    "requant",
    "input_format",
    "scale",
    "mean",
    "std",
    "bgr",
    "output",
    "layers",
];

/// Settings by key, until their readers take them.
#[derive(Default)]
pub(crate) struct Settings {
    by_key: BTreeMap<String, (Ident, Value)>,
    /// Sizes of open dimensions.
    pub(crate) dims: Vec<(String, usize)>,
}

/// What stands right of a key.
#[derive(Clone)]
pub(crate) enum Value {
    Text(LitStr),
    Int(LitInt),
    Float(LitFloat),
    Word(Ident),
    /// A number and its unit.
    Size(LitInt, Ident),
    /// Numbers in brackets.
    List(Vec<f32>, Span),
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
            list(input)
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
    /// Where it stands.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Text(text) => text.span(),
            Self::Int(int) => int.span(),
            Self::Float(float) => float.span(),
            Self::Word(word) => word.span(),
            Self::Size(_, unit) => unit.span(),
            Self::List(_, span) => *span,
        }
    }
}

impl Value {
    /// What a text, a number or a word says.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.value(),
            Self::Int(int) => int.to_string(),
            Self::Float(float) => float.to_string(),
            Self::Word(word) => word.to_string(),
            Self::Size(int, unit) => format!("{int}{unit}"),
            Self::List(..) => "[..]".into(),
        }
    }
}

/// Numbers in brackets.
fn list(input: ParseStream<'_>) -> Result<Value> {
    let inside;
    let span = syn::bracketed!(inside in input).span.join();
    let mut numbers = Vec::new();
    while !inside.is_empty() {
        let minus = inside.parse::<Option<Token![-]>>()?.is_some();
        let number: f32 = if inside.peek(LitInt) {
            inside.parse::<LitInt>()?.base10_parse()?
        } else {
            inside.parse::<LitFloat>()?.base10_parse()?
        };
        numbers.push(if minus { -number } else { number });
        if !inside.is_empty() {
            inside.parse::<Token![,]>()?;
        }
    }
    Ok(Value::List(numbers, span))
}

impl Settings {
    /// Adds one statement, whose last token is its semicolon unless it is `dims`.
    pub(crate) fn add(&mut self, input: ParseStream<'_>) -> Result<()> {
        let key: Ident = input.parse()?;
        let word = key.to_string();
        if word == "dims" {
            return self.add_dims(input);
        }
        if !KEYS.contains(&word.as_str()) {
            return Err(Error::new(key.span(), unknown(&word)));
        }
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
        }
        let value = input.parse()?;
        semicolon(input)?;
        if self.by_key.contains_key(&word) {
            return Err(Error::new(key.span(), format!("`{word}` is given twice; remove one")));
        }
        self.by_key.insert(word, (key, value));
        Ok(())
    }

    fn add_dims(&mut self, input: ParseStream<'_>) -> Result<()> {
        let inside;
        syn::braced!(inside in input);
        while !inside.is_empty() {
            let name = if inside.peek(LitStr) {
                inside.parse::<LitStr>()?.value()
            } else {
                inside.parse::<Ident>()?.to_string()
            };
            inside.parse::<Token![=]>()?;
            let size: LitInt = inside.parse()?;
            self.dims.push((name, positive(&size)?));
            if !inside.is_empty() {
                inside.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    /// What `key` was given.
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

    /// Notes what nobody took: it has no place here, and `why`.
    pub(crate) fn refuse_rest(&self, why: &str, faults: &mut Faults) {
        for (key, _) in self.by_key.values() {
            let what = format!("`{key}` has no place here: {why}; remove it");
            faults.add(Error::new(key.span(), what));
        }
    }
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

/// Cuts statements apart: each ends with a semicolon, or with braces if it is `dims`.
pub(crate) fn statements(tokens: TokenStream) -> Vec<TokenStream> {
    let mut statements = Vec::new();
    let mut open: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let ends = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(_) => {
                matches!(open.as_slice(), [TokenTree::Ident(word)] if word == "dims")
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

fn unknown(word: &str) -> String {
    let known = KEYS.join("`, `");
    format!(
        "unknown setting `{word}`; there are `{known}`, `dims {{ .. }}`, and the rows `conv2d` and `bottleneck`"
    )
}
