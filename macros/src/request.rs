//! The request in `mobilenet!`, read and checked as far as it goes without the model.

use std::path::Path;

use mnv2c::frontend::spec::Spec;
use mnv2c::objective::Feed;
use mnv2c::options::{Row, Weights};
use mnv2c::target::{TARGETS, Target};
use proc_macro2::{Ident, Span, TokenStream};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, LitStr, Result, Token, Visibility};

use crate::asked::Asked;
use crate::faults::Faults;
use crate::rows::{self, Placed};
use crate::settings::{Settings, Value, positive, semicolon, statements};

/// A network to compile.
pub(crate) struct Request {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) kind: Kind,
    pub(crate) name: Ident,
    pub(crate) model: Model,
    pub(crate) asked: Asked,
}

/// The form of a network's code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Module,
    Struct,
}

/// The source of the network.
pub(crate) enum Model {
    File(LitStr),
    /// A spec, where it stands, and where each of its rows does.
    Rows(Spec, Span, Vec<Span>),
}

/// Reads the macro's input, whose paths are relative to `root`; the error holds all errors that were found.
pub(crate) fn parse(tokens: TokenStream, root: &Path) -> Result<Request> {
    let mut statements = statements(tokens).into_iter();
    let mut faults = Faults::default();
    let head = faults.keep(Head::parse.parse2(statements.next().unwrap_or_default()));
    let (mut settings, mut rows) = (Settings::default(), Vec::new());
    for statement in statements {
        let read = |input: ParseStream<'_>| {
            if input.fork().parse().is_ok_and(|word: Ident| rows::starts(&word)) {
                rows.push(rows::row(input)?);
                Ok(())
            } else {
                settings.add(input)
            }
        };
        faults.keep(read.parse2(statement));
    }
    match head {
        Some(head) => head.request(settings, rows, root, faults),
        None => Err(faults.finish().expect_err("there is no head because of a fault")),
    }
}

/// The first statement.
struct Head {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    kind: Kind,
    name: Ident,
    /// The paper's rows and the target that a struct may name.
    generics: Option<(Spec, Target)>,
}

impl Head {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let kind = if input.peek(Token![mod]) {
            input.parse::<Token![mod]>().map(|_| Kind::Module)?
        } else if input.peek(Token![struct]) {
            input.parse::<Token![struct]>().map(|_| Kind::Struct)?
        } else {
            let start = "begin with `pub mod net;`, `pub struct Net;` or `pub struct Net<1.0, 224, X86V3>;`";
            return Err(input.error(start));
        };
        let name = input.parse()?;
        let named = kind == Kind::Struct && !input.peek(Token![;]) && !input.is_empty();
        let generics = if named { Some(generic(input)?) } else { None };
        semicolon(input)?;
        Ok(Self { attributes, visibility, kind, name, generics })
    }

    fn request(
        self,
        mut settings: Settings,
        rows: Vec<Placed>,
        root: &Path,
        mut faults: Faults,
    ) -> Result<Request> {
        let file = faults.keep(settings.take_text("model")).flatten();
        let (kind, mut asked) = (self.kind, Asked::default());
        let (why, base) = match self.generics {
            None => ("a model file has its own input, width and classes", None),
            Some((base, target)) => {
                asked.request.target = target;
                ("the struct's numbers say it", Some(base))
            }
        };
        let has_target = base.is_some();
        let takes = |row: &Row| row.name != "target" || !has_target;
        asked.take(&mut settings, takes, root, &mut faults);
        if kind == Kind::Struct {
            check_struct(&asked, self.name.span(), &mut faults);
        }
        let model = match file {
            Some(file) => {
                if base.is_some() || !rows.is_empty() {
                    let what = "a model has layers of its own; remove `model`, or the rows and the struct's numbers";
                    faults.add(Error::new(file.span(), what));
                }
                Model::File(file)
            }
            None => {
                let read = &asked.request.model;
                let has_none = read.seed.is_none() && read.weights.is_none();
                if has_none && (base.is_some() || !rows.is_empty()) {
                    let what = "a table has no weights; add `weights = \"..\";`, or `seed = 7;` to try it out";
                    faults.lacking(Error::new(self.name.span(), what));
                }
                spec(&mut settings, base, rows, self.name.span(), &mut faults)
            }
        };
        settings.refuse_rest(why, &mut faults);
        faults.finish()?;
        let Self { attributes, visibility, name, .. } = self;
        Ok(Request { attributes, visibility, kind, name, model, asked })
    }
}

/// Notes what a struct cannot do and a module can.
fn check_struct(asked: &Asked, name: Span, faults: &mut Faults) {
    let request = &asked.request;
    let mut refuse = |option: &str, what: &str| {
        faults.add(Error::new(asked.span(option).unwrap_or(name), what));
    };
    if request.weights == Weights::Extern {
        refuse("weights", "a struct has its weights in it; write `pub mod net;` to pass them");
    }
    if request.feed != Feed::Caller {
        refuse(
            "feed",
            "a struct takes the whole picture; write `pub mod net;` to feed it otherwise",
        );
    }
    if request.threads > 1 {
        refuse("threads", "a struct runs on one thread; write `pub mod net;` for several");
    }
}

/// `<1.0, 224, X86V3>`: the paper's network at a width and a size, and a target.
fn generic(input: ParseStream<'_>) -> Result<(Spec, Target)> {
    input.parse::<Token![<]>()?;
    let width = width(&input.parse()?)?;
    input.parse::<Token![,]>()?;
    let size = positive(&input.parse()?)?;
    input.parse::<Token![,]>()?;
    let word: Ident = input.parse()?;
    input.parse::<Token![>]>()?;
    Ok((Spec::mobilenet_v2(width, size), target_called(&word)?))
}

/// The spec that rows, or the paper's rows in `base`, and settings make.
fn spec(
    settings: &mut Settings,
    base: Option<Spec>,
    rows: Vec<Placed>,
    name: Span,
    faults: &mut Faults,
) -> Model {
    let is_paper = base.is_some();
    let mut spec = base.unwrap_or_else(|| Spec::mobilenet_v2(1.0, 224));
    let mut span = name;
    if !is_paper {
        if let Some(value) = settings.take("input") {
            span = value.span();
            let picture = faults.keep(rows::picture(&value));
            (spec.resolution, spec.channels_in) = picture.unwrap_or((1, 1));
        } else if !rows.is_empty() {
            faults.add(Error::new(name, "the rows lack a picture; add `input 224x224x3;`"));
        } else {
            let what = "there is no network; add `model = \"..\";`, or `input 224x224x3;` and rows";
            faults.lacking(Error::new(name, what));
        }
        if let Some(value) = settings.take("width") {
            spec.width = faults.keep(width(&value)).unwrap_or(1.0);
        }
    }
    if let Some(classes) = faults.keep(settings.take_count("classes")).flatten() {
        spec.classes = classes;
    }
    let spans = rows.iter().map(|(_, span)| *span).collect();
    if !rows.is_empty() {
        spec.rows = rows.into_iter().map(|(row, _)| row).collect();
    }
    Model::Rows(spec, span, spans)
}

fn width(value: &Value) -> Result<f64> {
    let width = match value {
        Value::Float(width) => width.base10_parse()?,
        Value::Int(width) => width.base10_parse()?,
        Value::Text(_) | Value::Word(_) | Value::Size(..) => f64::NAN,
        Value::List(..) | Value::Pairs(..) => f64::NAN,
    };
    if width > 0.0 && width <= 16.0 {
        return Ok(width);
    }
    let what = "a width is a number above 0 and up to 16, such as 1.0 or 0.35";
    Err(Error::new(value.span(), what))
}

/// The target that an identifier names: `X86V3` is x86-64-v3.
fn target_called(word: &Ident) -> Result<Target> {
    let camel = |target: &Target| target.name.replace("x86-64", "x86").replace(['-', '.'], "");
    let wanted = word.to_string().to_lowercase();
    let found = TARGETS.iter().find(|target| camel(target) == wanted);
    let found = found.ok_or_else(|| {
        let known: Vec<String> = TARGETS.iter().map(|target| capital(&camel(target))).collect();
        Error::new(word.span(), format!("unknown target `{word}`; use {}", known.join(", ")))
    })?;
    Ok(*found)
}

/// As Rust writes types: `X86v3` is accepted as `X86V3` is.
fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}
