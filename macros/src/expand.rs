//! From a request to the tokens of its module.

use std::path::Path;

use mnv2c::build::{Compiler, Module};
use mnv2c::ir::Dtype;
use mnv2c::options::Door;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Result};

use crate::request::{Kind, Model, Request};

/// The module, or the struct and the module behind it.
pub(crate) fn module(request: &Request, root: &Path) -> Result<TokenStream> {
    let module = compiler(request, root).tokens().map_err(|error| placed(request, root, &error))?;
    let tracked = module.files.iter().map(|file| tracked(file, root));
    let (attributes, visibility, name) = (&request.attributes, &request.visibility, &request.name);
    let Module { about, items, .. } = &module;
    Ok(match request.kind {
        Kind::Module => quote! {
            #(#attributes)*
            #[doc = #about]
            #[allow(dead_code, clippy::all, reason = "a network is generated, and states more than one program asks for")]
            #visibility mod #name {
                #(#tracked)*
                #items
            }
        },
        Kind::Struct => {
            let inner = format_ident!("mobilenet_{}", name.to_string().to_lowercase());
            let object = object(request, &module, &inner)?;
            quote! {
                #[allow(dead_code, clippy::all, reason = "a network is generated, and states more than one program asks for")]
                mod #inner {
                    #(#tracked)*
                    #items
                }
                #[doc = #about]
                #object
            }
        }
    })
}

/// The struct around the arena of the module `inner`.
fn object(request: &Request, module: &Module, inner: &Ident) -> Result<TokenStream> {
    let infer = infer(request, module, inner)?;
    let reset = module.keeps.then(|| {
        quote! {
            #[doc = " Forgets all calls: what is kept between them is again what it was before the first."]
            pub fn reset(&mut self) {
                self.0.reset();
            }
        }
    });
    let (attributes, visibility, name) = (&request.attributes, &request.visibility, &request.name);
    Ok(quote! {
        #(#attributes)*
        #visibility struct #name(#inner::Arena);

        #[allow(dead_code, reason = "a network states more than one program asks for")]
        impl #name {
            #[doc = " Bytes of working memory: the size of the value."]
            pub const ARENA_BYTES: usize = #inner::ARENA_BYTES;
            #[doc = " Numbers in the input."]
            pub const INPUT_LEN: usize = #inner::INPUT_LEN;
            #[doc = " Numbers in the output: one a class."]
            pub const OUTPUT_LEN: usize = #inner::OUTPUT_LEN;
            #[doc = " Multiply-adds of one inference."]
            pub const MADDS: u64 = #inner::MADDS;
            #[doc = " Trained numbers."]
            pub const PARAMS: u64 = #inner::PARAMS;

            #[doc = " All zero: a static one takes no room in the program's file."]
            pub const fn new() -> Self {
                Self(#inner::Arena::new())
            }

            #infer

            #reset
        }

        impl Default for #name {
            fn default() -> Self {
                Self::new()
            }
        }
    })
}

/// The method that asks the network for what it gives.
fn infer(request: &Request, module: &Module, inner: &Ident) -> Result<TokenStream> {
    let (&[taken], &[given]) = (module.inputs.as_slice(), module.outputs.as_slice()) else {
        let (inputs, outputs) = (module.inputs.len(), module.outputs.len());
        let what = format!(
            "a struct takes one input and gives one output, and this network has {inputs} and {outputs}; write \
             `pub mod net;`"
        );
        return Err(Error::new(request.name.span(), what));
    };
    let [number, score] = [taken, given].map(number);
    let told = module.told;
    Ok(match told {
        0 => quote! {
            #[doc = " Computes the score of each class."]
            pub fn infer(
                &mut self,
                picture: &[#number; Self::INPUT_LEN],
                scores: &mut [#score; Self::OUTPUT_LEN],
            ) {
                #inner::infer(&mut self.0, picture, scores);
            }
        },
        1 => quote! {
            #[doc = " The likeliest class, counted from 0."]
            pub fn infer(&mut self, picture: &[#number; Self::INPUT_LEN]) -> usize {
                #inner::infer(&mut self.0, picture)
            }
        },
        _ => quote! {
            #[doc = " The likeliest classes, counted from 0, each with its probability; the likeliest first."]
            pub fn infer(&mut self, picture: &[#number; Self::INPUT_LEN]) -> [(usize, f32); #told] {
                #inner::infer(&mut self.0, picture)
            }
        },
    })
}

/// The type of a port's numbers.
fn number(dtype: Dtype) -> TokenStream {
    if dtype == Dtype::U8 { quote!(u8) } else { quote!(f32) }
}

fn compiler(request: &Request, root: &Path) -> Compiler {
    let compiler = match &request.model {
        Model::File(path) => Compiler::new(root.join(path.value())),
        Model::Rows(spec, ..) => Compiler::rows(spec.clone()),
    };
    compiler.asked(request.asked.request.clone())
}

/// An item that makes the crate stale when `file` changes; what it includes is unused and not linked.
fn tracked(file: &Path, root: &Path) -> TokenStream {
    match file.strip_prefix(root) {
        Ok(below) => {
            let below = format!("/{}", below.display());
            quote!(
                const _: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), #below));
            )
        }
        Err(_) => {
            let file = file.display().to_string();
            quote!(
                const _: &[u8] = include_bytes!(#file);
            )
        }
    }
}

/// The compiler's message at the words it is about.
fn placed(request: &Request, root: &Path, error: &mnv2c::error::Error) -> Error {
    let message = Door::Macro.told(error).replace(&format!("{}/", root.display()), "");
    let span = request.asked.place(error).unwrap_or_else(|| match &request.model {
        Model::File(path) => path.span(),
        Model::Rows(_, span, rows) => row(&message, rows).unwrap_or(*span),
    });
    Error::new(span, message)
}

/// The span of the row that a message begins with.
fn row(message: &str, rows: &[Span]) -> Option<Span> {
    let (_, rest) = message.split_once("row ")?;
    let number: usize = rest.split_once(':')?.0.parse().ok()?;
    rows.get(number.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request, and the errors of its network.
    fn refused(tokens: TokenStream) -> (Request, Error) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let request = crate::request::parse(tokens, root);
        let request = request.unwrap_or_else(|error| panic!("{error}"));
        let error = module(&request, root).expect_err("it is refused");
        (request, error)
    }

    #[test]
    fn a_struct_of_two_outputs_is_refused() {
        let (_, error) = refused(quote! {
            struct Net;
            model = "tests/models/two.onnx";
        });
        let expected = "a struct takes one input and gives one output, and this network has 1 and 2; write `pub mod \
                        net;`";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_mistake_is_placed_at_the_option_that_it_mentions() {
        let (request, error) = refused(quote! {
            mod net;
            model = "tests/models/two.onnx";
            outputs = "nobody";
        });
        let told = error.to_string();
        assert!(told.starts_with("`outputs = ..`: no node makes a value \"nobody\""), "{told}");
        let about = |name| mnv2c::error::Error::Spec(mnv2c::error::mention::option(name));
        assert!(request.asked.place(&about("outputs")).is_some());
        assert!(request.asked.place(&about("feed")).is_none());
    }
}
