//! What a user wrote in `mobilenet!`, read and checked as far as it goes without the model.

use mnv2c::frontend::spec::Spec;
use mnv2c::target::{TARGETS, Target};
use proc_macro2::{Ident, Span, TokenStream};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, LitStr, Result, Token, Visibility};

use crate::faults::Faults;
use crate::rows::{self, Placed};
use crate::settings::{Settings, Value, positive, semicolon, statements};
use crate::wishes::{Kind, Wishes};

/// A network to compile.
pub(crate) struct Request {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) kind: Kind,
    pub(crate) name: Ident,
    pub(crate) model: Model,
    pub(crate) target: String,
    pub(crate) title: Option<String>,
    pub(crate) dims: Vec<(String, usize)>,
    pub(crate) weights: Weights,
    pub(crate) wishes: Wishes,
}

/// Where the network comes from.
pub(crate) enum Model {
    File(LitStr),
    /// A spec, where it stands, and where each of its rows does.
    Rows(Spec, Span, Vec<Span>),
}

/// Where weights come from, and where they stay.
pub(crate) enum Weights {
    InTheModel,
    /// In the model too, but the program is given them when it runs.
    Apart,
    File(LitStr),
    Seed(u64),
}

/// Reads the macro's input; the error holds all mistakes that were found.
pub(crate) fn parse(tokens: TokenStream) -> Result<Request> {
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
        Some(head) => head.request(settings, rows, faults),
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
    generics: Option<(Spec, String)>,
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
        mut faults: Faults,
    ) -> Result<Request> {
        let file = faults.keep(settings.take_text("model")).flatten();
        let title = faults.keep(settings.take_text("name")).flatten();
        let weights = faults.keep(weights(&mut settings));
        let kind = self.kind;
        let (why, base, target) = match self.generics {
            None => {
                let why = "a model file has its own input, width and classes";
                (why, None, faults.keep(target(&mut settings)).unwrap_or_default())
            }
            Some((base, target)) => ("the struct's numbers say it", Some(base), target),
        };
        if let (Kind::Struct, Some(Weights::Apart)) = (kind, &weights) {
            let what = "a struct has its weights in it; write `pub mod net;` to pass them";
            faults.add(Error::new(self.name.span(), what));
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
                let has_none = matches!(weights, Some(Weights::InTheModel | Weights::Apart));
                if has_none && (base.is_some() || !rows.is_empty()) {
                    let what = "a table has no weights; add `weights = \"..\";`, or `seed = 7;` to try it out";
                    faults.add(Error::new(self.name.span(), what));
                }
                spec(&mut settings, base, rows, self.name.span(), &mut faults)
            }
        };
        let wishes = Wishes::take(&mut settings, kind, &mut faults);
        settings.refuse_rest(why, &mut faults);
        faults.finish()?;
        Ok(Request {
            attributes: self.attributes,
            visibility: self.visibility,
            kind,
            name: self.name,
            model,
            target,
            title: title.map(|title| title.value()),
            dims: settings.dims,
            weights: weights.unwrap_or(Weights::InTheModel),
            wishes,
        })
    }
}

/// `<1.0, 224, X86V3>`: the paper's network at a width and a size, and a target.
fn generic(input: ParseStream<'_>) -> Result<(Spec, String)> {
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

fn weights(settings: &mut Settings) -> Result<Weights> {
    let seed = match settings.take("seed") {
        None => None,
        Some(Value::Int(seed)) => Some((seed.base10_parse()?, seed.span())),
        Some(other) => return Err(Error::new(other.span(), "`seed` takes a whole number")),
    };
    match (settings.take("weights"), seed) {
        (None, None) => Ok(Weights::InTheModel),
        (None, Some((seed, _))) => Ok(Weights::Seed(seed)),
        (Some(_), Some((_, span))) => {
            Err(Error::new(span, "`weights` and `seed` exclude each other; remove one"))
        }
        (Some(Value::Text(path)), None) => Ok(Weights::File(path)),
        (Some(Value::Word(word)), None) if word == "embed" => Ok(Weights::InTheModel),
        (Some(Value::Word(word)), None) if word == "extern" => Ok(Weights::Apart),
        (Some(other), None) => Err(Error::new(
            other.span(),
            "`weights` takes `embed`, `extern`, or the path of a safetensors file for a table",
        )),
    }
}

fn width(value: &Value) -> Result<f64> {
    let width = match value {
        Value::Float(width) => width.base10_parse()?,
        Value::Int(width) => width.base10_parse()?,
        Value::Text(_) | Value::Word(_) | Value::Size(..) | Value::List(..) => f64::NAN,
    };
    if width > 0.0 && width <= 16.0 {
        return Ok(width);
    }
    let what = "a width is a number above 0 and up to 16, such as 1.0 or 0.35";
    Err(Error::new(value.span(), what))
}

fn target(settings: &mut Settings) -> Result<String> {
    let Some(text) = settings.take_text("target")? else {
        return Ok("generic".into());
    };
    let target: Target = text.value().parse().map_err(|error| Error::new(text.span(), error))?;
    Ok(target.name.into())
}

/// The target that an identifier names: `X86V3` is x86-64-v3.
fn target_called(word: &Ident) -> Result<String> {
    let camel = |target: &Target| target.name.replace("x86-64", "x86").replace(['-', '.'], "");
    let wanted = word.to_string().to_lowercase();
    let found = TARGETS.iter().find(|target| camel(target) == wanted);
    let found = found.ok_or_else(|| {
        let known: Vec<String> = TARGETS.iter().map(|target| capital(&camel(target))).collect();
        Error::new(word.span(), format!("unknown target `{word}`; use {}", known.join(", ")))
    })?;
    Ok(found.name.into())
}

/// As Rust writes types: `X86v3` is accepted as `X86V3` is.
fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}
