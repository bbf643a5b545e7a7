//! Consts, calls and values of kernels, printed.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};

use crate::emit::call::operands::Operands;
use crate::emit::scope::Scope;
use crate::emit::{element, literal};
use crate::kernels::value::{Callee, Constant, Invocation, Path, Side, Value};
use crate::schedule::{Place, Stage};

/// The printer of values.
pub(super) struct Printer<'a> {
    pub scope: &'a Scope<'a>,
    pub stage: &'a Stage,
    /// The kernel's const.
    pub name: Ident,
    /// The operands of the call.
    pub operands: Operands,
}

impl<'a> Printer<'a> {
    /// A printer of what is no call.
    pub(super) fn new(scope: &'a Scope<'a>, at: usize, stage: &'a Stage) -> Self {
        Self { scope, stage, name: scope.kernel(at).clone(), operands: Operands::default() }
    }

    /// The item of a const.
    pub(super) fn constant(&self, constant: &Constant) -> TokenStream {
        let Constant { word, kind, generics, epilogue, value } = constant;
        let (name, kind, value) = (self.named(*word), path(*kind), self.value(value));
        let counts = generics.iter().map(|count| literal::size(*count).into_token_stream());
        let generics: Vec<_> = counts.chain(epilogue.map(path)).collect();
        let generics = (!generics.is_empty()).then(|| quote!(<#(#generics),*>));
        quote!(const #name: #kind #generics = #value;)
    }

    /// The statement of a call.
    pub(super) fn statement(&self, invocation: &Invocation) -> TokenStream {
        let Invocation { callee, adding, arguments } = invocation;
        if let Some(residual) = adding {
            let (name, residual) = (&self.name, self.value(residual));
            let adds = quote!(let kernel = #name.adding(#residual););
            let it =
                Self { name: format_ident!("kernel"), operands: self.operands.clone(), ..*self };
            let run = it.statement(&Invocation { adding: None, ..invocation.clone() });
            return quote!(#adds #run);
        }
        let arguments = arguments.iter().map(|argument| self.value(argument));
        let (name, Operands { x, y, .. }) = (&self.name, &self.operands);
        let callee = match callee {
            Callee::Method(method) => {
                let method = format_ident!("{method}");
                quote!(#name.#method)
            }
            Callee::Function(function) => path(*function),
            Callee::Feed => x.clone(),
            Callee::OfResult(method) => {
                let method = format_ident!("{method}");
                quote!(#y.#method)
            }
        };
        quote!(#callee(#(#arguments),*);)
    }

    /// The statement that makes all rows of a product on threads, in so many bands and runs of panels.
    pub(super) fn shared(&self, invocation: &Invocation, parts: [usize; 2]) -> TokenStream {
        let (name, Operands { w, x, scratch, y, .. }) = (&self.name, &self.operands);
        let kernel = match &invocation.adding {
            Some(residual) => {
                let residual = self.value(residual);
                quote!(#name.adding(#residual))
            }
            None => quote!(#name),
        };
        let [bands, panels] = parts.map(literal::size);
        let rows = literal::size(self.stage.height);
        let run = match self.stage.scratch {
            Some(_) => quote!(run_in(pool, isa, [#w, #x], #scratch, #y, product)),
            None => quote!(run(pool, isa, #w, #x, #y, product)),
        };
        quote! {
            let shares = Shares { rows: #rows, bands: #bands, panels: #panels };
            let product = || #kernel.product(isa);
            shares.#run;
        }
    }

    fn value(&self, value: &Value) -> TokenStream {
        let Operands { w, x, second, third, scratch, y, rows, row } = &self.operands;
        match value {
            Value::Int(number) => literal::int(*number).into_token_stream(),
            Value::Flag(holds) => quote!(#holds),
            Value::Step(step) => literal::step(*step),
            Value::Float(x) => literal::float(*x),
            Value::Element(x) => element::number(self.stage.into.element, *x),
            Value::Range(range) => literal::range(range),
            Value::Array(values) => {
                let values = self.values(values);
                quote!([#(#values),*])
            }
            Value::Slice(values) => {
                let values = self.values(values);
                quote!(&[#(#values),*])
            }
            Value::Tuple(values) => {
                let values = self.values(values);
                quote!((#(#values),*))
            }
            Value::Item(item) => path(*item),
            Value::Made(item, values) => {
                let (item, values) = (path(*item), self.values(values));
                quote!(#item(#(#values),*))
            }
            Value::With(value, method, values) => {
                let (value, method) = (self.value(value), format_ident!("{method}"));
                let values = self.values(values);
                quote!(#value.#method(#(#values),*))
            }
            Value::Struct(item, fields) => self.fields(*item, fields),
            Value::Ring(side) => self.scope.ring(self.place(*side)),
            Value::Lying(side) => self.scope.rows_of(self.place(*side)),
            Value::Shifted(value) => self.shifted(value),
            Value::LongRing(side) => self.scope.ring(self.place(*side).flattened()),
            Value::Const(word) => self.named(*word).into_token_stream(),
            Value::Token => quote!(isa),
            Value::Weights => w.clone(),
            Value::First => x.clone(),
            Value::FirstImage => self.scope.tail(self.stage.from[0]),
            Value::Second => second.clone(),
            Value::Third => third.clone(),
            Value::Scratch => scratch.clone(),
            Value::Result => y.clone(),
            Value::ResultRow => {
                let ring = self.scope.rows_of(self.stage.into);
                quote!(#ring.row_mut(#y, #row))
            }
            Value::Rows => rows.clone(),
            Value::Row => row.clone(),
            Value::Panel => quote!(panel),
            Value::VectorsOfPanel(vectors) => {
                let vectors = literal::size(*vectors);
                quote!(#vectors * panel..#vectors * (panel + 1))
            }
        }
    }

    /// A value, moved by what the slices of both sides hold before them.
    fn shifted(&self, value: &Value) -> TokenStream {
        let value = self.value(value);
        match [Side::First, Side::Result].map(|side| self.scope.shift(self.place(side))) {
            [0, 0] => value,
            shifts => {
                let [from, into] = shifts.map(literal::size);
                quote!(#value.shifted(#from, #into))
            }
        }
    }

    fn values(&self, values: &[Value]) -> Vec<TokenStream> {
        values.iter().map(|value| self.value(value)).collect()
    }

    fn fields(&self, item: Path, fields: &[(&'static str, Value)]) -> TokenStream {
        let item = path(item);
        let names = fields.iter().map(|(name, _)| format_ident!("{name}"));
        let values = fields.iter().map(|(_, value)| self.value(value));
        quote!(#item { #(#names: #values),* })
    }

    fn place(&self, side: Side) -> Place {
        match side {
            Side::First => self.stage.from[0],
            Side::Second => self.stage.from[1],
            Side::Result => self.stage.into,
        }
    }

    /// The const whose name has a word more than the kernel's.
    fn named(&self, word: Option<&str>) -> Ident {
        let name = &self.name;
        word.map_or_else(|| name.clone(), |word| format_ident!("{name}_{word}"))
    }
}

fn path(path: Path) -> TokenStream {
    path.written().parse().expect("paths are Rust")
}
