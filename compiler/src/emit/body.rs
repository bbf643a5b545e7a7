//! The statements of a step's function, as the loop program says them.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};

use crate::emit::scope::Scope;
use crate::emit::{call, element, input, literal, probe};
use crate::program::{Expr, Function, Span, Statement, Threads, Variable, Zero};
use crate::schedule::{Element, Place, Step};

/// The body of the function of `step`.
pub(super) fn body(scope: &Scope<'_>, step: &Step, function: &Function) -> TokenStream {
    Body { scope, step }.statements(&function.body)
}

struct Body<'a> {
    scope: &'a Scope<'a>,
    step: &'a Step,
}

impl Body<'_> {
    fn statements(&self, statements: &[Statement]) -> TokenStream {
        statements.iter().map(|statement| self.statement(statement)).collect()
    }

    fn statement(&self, statement: &Statement) -> TokenStream {
        let stages = &self.step.stages;
        match statement {
            Statement::Let(variable, value) => {
                let (name, value) = (self.scope.name_of(*variable), self.scope.expr(value));
                match variable {
                    Variable::Made(_) => quote!(let mut #name = #value;),
                    _ => quote!(let #name = #value;),
                }
            }
            Statement::LetRows(span) => {
                let rows = self.scope.span(span);
                quote!(let rows = #rows;)
            }
            Statement::Set(variable, value) => self.set(*variable, value),
            Statement::For { variable, span, by, body } => {
                let (name, body) = (self.scope.name_of(*variable), self.statements(body));
                let all = self.scope.span(span);
                if *by == 1 {
                    return quote!(for #name in #all { #body });
                }
                let by = literal::size(*by);
                quote!(for #name in (#all).step_by(#by) { #body })
            }
            Statement::While { variable, until, body } => {
                let (name, until) = (self.scope.name_of(*variable), self.scope.expr(until));
                let body = self.statements(body);
                quote!(while #name < #until { #body })
            }
            Statement::If { variable, below, then, otherwise } => {
                let (name, below) = (self.scope.name_of(*variable), literal::size(*below));
                let then = self.statements(then);
                let otherwise = (!otherwise.is_empty()).then(|| {
                    let otherwise = self.statements(otherwise);
                    quote!(else { #otherwise })
                });
                quote!(if #name < #below { #then } #otherwise)
            }
            Statement::Threads(threads) => self.threads(threads),
            Statement::Call(it) => call::run(self.scope, it, &stages[it.stage]),
            Statement::Zero { stage, what } => self.zero(*stage, what),
            Statement::Spread { stage } => self.spread(stages[*stage].from[0]),
            Statement::Slide { stage, columns } => self.slide(stages[*stage].into, *columns),
            Statement::Finish { stage } => call::finish(self.scope, *stage, &stages[*stage]),
            Statement::Mark { stage } => {
                probe::mark(self.scope.network, self.step, *stage, self.scope.source)
            }
        }
    }

    /// Another value of a variable.
    fn set(&self, variable: Variable, value: &Expr) -> TokenStream {
        let name = self.scope.name_of(variable);
        match value {
            Expr::Plus(it, more) if **it == Expr::from(variable) => {
                let more = literal::size(*more);
                quote!(#name += #more;)
            }
            value => {
                let value = self.scope.expr(value);
                quote!(#name = #value;)
            }
        }
    }

    /// A loop over parts of what is written, which threads take or not.
    fn threads(&self, threads: &Threads) -> TokenStream {
        let part = self.scope.name_of(threads.variable);
        let body = self.statements(&threads.body);
        let chunks = threads.lent.iter().map(|lent| {
            let name = self.scope.variable(self.step.stages[lent.stage].into);
            let len = literal::size(lent.len);
            let cut = if lent.ragged { "chunks_mut" } else { "chunks_exact_mut" };
            let cut = format_ident!("{cut}");
            (quote!(#name.#cut(#len)), name)
        });
        let mut chunks = chunks.collect::<Vec<_>>().into_iter();
        let (results, y) = chunks.next().expect("threads write something");
        if !threads.pooled {
            return quote!(for #y in #results { #body });
        }
        let scratch = chunks.reduce(|(all, names), (chunk, name)| {
            (quote!(#all.zip(#chunk)), quote!((#names, #name)))
        });
        let Some((scratch, names)) = scratch else {
            return quote!(pool.each(#results, |#part, #y| { #body }););
        };
        let (parts, own) = match threads.variable {
            Variable::Band => (format_ident!("bands"), format_ident!("rings")),
            _ => (format_ident!("panels"), format_ident!("scratch")),
        };
        quote! {
            let #parts = #results;
            let #own = #scratch;
            pool.each_with(#parts, #own, |#part, #y, #names| { #body });
        }
    }

    /// The fill of the padding around the image that a stage makes.
    fn zero(&self, at: usize, what: &Zero) -> TokenStream {
        let stage = &self.step.stages[at];
        let place = stage.into.whole_pixels();
        let (rows, y) = (self.scope.rows_of(place), self.scope.slice(place));
        let border = input::border(self.scope, stage);
        let byte = match place.element {
            Element::U8 { zero } => Some(literal::size(zero.into())),
            Element::F32 | Element::I32 | Element::I64 | Element::F16 | Element::Bf16 => None,
        };
        let (verb, value) = match (border, &byte) {
            (Some(border), _) => ("border", Some(border)),
            (None, Some(zero)) => ("fill", Some(zero.into_token_stream())),
            (None, None) => ("clear", None),
        };
        let value = value.into_iter();
        match what {
            Zero::All => {
                let zero = byte.map(ToTokens::into_token_stream);
                let zero = zero.unwrap_or_else(|| element::number(place.element, 0.0));
                quote!(#y.fill(#zero);)
            }
            Zero::Edges => {
                let method = format_ident!("{verb}_edges");
                quote!(#rows.#method(#y #(, #value)*);)
            }
            Zero::Around => {
                let (method, height) =
                    (format_ident!("{verb}_around"), literal::size(place.height));
                quote!(#rows.#method(#y, #height #(, #value)*);)
            }
            Zero::Row(row) => {
                let (method, row) = (format_ident!("{verb}_row"), self.scope.expr(row));
                quote!(#rows.#method(#y, #row #(, #value)*);)
            }
        }
    }

    /// Dense pixels of an input, moved to where its rows lie, with zeros around them.
    fn spread(&self, place: Place) -> TokenStream {
        let (rows, x) = (literal::rows(place.rows), self.scope.slice(place));
        let height = literal::size(place.height);
        match place.element {
            Element::F32 | Element::I32 | Element::I64 | Element::F16 | Element::Bf16 => {
                quote!(#rows.spread(#x, #height);)
            }
            Element::U8 { zero } => {
                let zero = literal::size(zero.into());
                quote!(#rows.spread_in(#x, #height, #zero);)
            }
        }
    }

    /// A strip of columns, moved on.
    fn slide(&self, place: Place, columns: usize) -> TokenStream {
        let (rows, y) = (self.scope.rows_of(place), self.scope.variable(place));
        let columns = literal::size(columns);
        match place.element {
            Element::F32 | Element::I32 | Element::I64 | Element::F16 | Element::Bf16 => {
                quote!(#rows.slide(#y, #columns);)
            }
            Element::U8 { zero } => {
                let zero = literal::size(zero.into());
                quote!(#rows.slide_in(#y, #columns, #zero);)
            }
        }
    }
}

impl Scope<'_> {
    /// A range of rows or pixels.
    pub(super) fn span(&self, span: &Span) -> TokenStream {
        if *span == Span::ROWS {
            return quote!(rows.clone());
        }
        let (start, end) = (self.expr(&span.start), self.expr(&span.end));
        quote!(#start..#end)
    }

    /// A number that is known when the program runs.
    pub(super) fn expr(&self, expr: &Expr) -> TokenStream {
        match expr {
            Expr::Number(number) => literal::size(*number).into_token_stream(),
            Expr::Variable(variable) => self.name_of(*variable),
            Expr::Times(by, it) => {
                let (by, it) = (literal::size(*by), self.factor(it));
                quote!(#by * #it)
            }
            Expr::Plus(it, more) => {
                let (it, more) = (self.expr(it), literal::size(*more));
                quote!(#it + #more)
            }
            // A method of integers alone would need to know which integer a row is.
            Expr::Minus(it, less) => {
                let (it, less) = (self.factor(it), literal::size(*less));
                quote!(#it.max(#less) - #less)
            }
            Expr::Over(it, by) => {
                let (it, by) = (self.factor(it), literal::size(*by));
                quote!(#it / #by)
            }
            Expr::Min(a, b) => {
                let (a, b) = (self.factor(a), self.expr(b));
                quote!(#a.min(#b))
            }
        }
    }

    /// A number, in brackets if it is a sum or a product.
    fn factor(&self, expr: &Expr) -> TokenStream {
        let it = self.expr(expr);
        match expr {
            Expr::Number(_) | Expr::Variable(_) | Expr::Min(..) => it,
            Expr::Times(..) | Expr::Plus(..) | Expr::Minus(..) | Expr::Over(..) => quote!((#it)),
        }
    }
}
