//! The trained numbers in an emitted file: consts into a static blob, or methods of what the caller was given.

use mnv2c_runtime::blob;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};

use crate::emit::function::Function;
use crate::emit::{Carrier, Network, literal};
use crate::emit::{element, names};
use crate::pack::Number;

/// Paths in the runtime that the weights need beside `Blob`.
pub(super) fn imports(network: &Network<'_>) -> &'static [&'static str] {
    match network.carrier {
        Carrier::File | Carrier::Literal => &[],
        Carrier::Extern => &["blob::BlobError"],
    }
}

/// The parameter and the argument in front of the arena, each with its comma, if the caller holds the weights.
pub(super) fn parameter(network: &Network<'_>) -> (TokenStream, TokenStream) {
    match network.carrier {
        Carrier::File | Carrier::Literal => (quote!(), quote!()),
        Carrier::Extern => (quote!(weights: Weights,), quote!(weights,)),
    }
}

/// The numbers called `name`.
pub(super) fn expression(network: &Network<'_>, name: &Ident) -> TokenStream {
    match network.carrier {
        Carrier::File | Carrier::Literal => quote!(weights::#name),
        Carrier::Extern => {
            let name = method(name);
            quote!(weights.#name())
        }
    }
}

/// The type that holds weights which come from without.
pub(super) fn object(network: &Network<'_>, functions: &[Function]) -> Vec<TokenStream> {
    if network.carrier != Carrier::Extern {
        return Vec::new();
    }
    let len = literal::size(network.blob.bytes_len());
    let file_bytes = literal::size(blob::HEADER_BYTES + network.blob.bytes_len());
    let hash = hash(network);
    let packs = packs(network, functions).map(|(name, range, element)| {
        let name = method(name);
        let (element, cut) = element;
        quote! {
            #[inline(always)]
            fn #name(self) -> &'static [#element] {
                self.0.#cut(#range)
            }
        }
    });
    vec![
        quote!(#[doc = " Bytes of the file of weights."] pub const WEIGHTS_BYTES: usize = #file_bytes;),
        quote! {
            #[doc = " The trained numbers, which lie apart from the program."]
            #[derive(Clone, Copy)]
            pub struct Weights(&'static Blob<#len>);
        },
        quote! {
            impl Weights {
                const HASH: u64 = #hash;

                #[doc = " The weights in the bytes of their file, which start at a multiple of 64."]
                pub fn from_bytes(file: &'static [u8]) -> Result<Self, BlobError> {
                    Blob::from_file(file, Self::HASH).map(Self)
                }

                #(#packs)*
            }
        },
    ]
}

/// The module of consts for weights that are part of the program.
pub(super) fn item(network: &Network<'_>, functions: &[Function]) -> Option<TokenStream> {
    let file = match network.carrier {
        Carrier::File => {
            let file = &network.facts.blob_name;
            quote!(include_bytes!(#file))
        }
        Carrier::Literal => Literal::byte_string(&network.blob.file()).into_token_stream(),
        Carrier::Extern => return None,
    };
    let (len, hash) = (literal::size(network.blob.bytes_len()), hash(network));
    let types = element::of_weights(network);
    let blob = if types.is_empty() { quote!(Blob) } else { quote!({Blob, #(#types),*}) };
    let packs = packs(network, functions)
        .map(|(name, range, (element, cut))| {
            quote!(pub(super) const #name: &[#element] = BLOB.#cut(#range);)
        });
    Some(quote! {
        #[doc = " The trained numbers, each range in the order in which its kernel reads it."]
        mod weights {
            use super::#blob;

            static BLOB: Blob<#len> = Blob::of_file(#file, #hash);

            #(#packs)*
        }
    })
}

/// The name and the range of each run of numbers that a kernel reads, their type, and the method that cuts them.
fn packs<'a>(
    network: &'a Network<'_>,
    functions: &'a [Function],
) -> impl Iterator<Item = (&'a Ident, TokenStream, (TokenStream, TokenStream))> {
    let packs = functions.iter().flat_map(|function| &function.packs);
    packs.map(|(name, id)| {
        let number = network.blob.number(*id);
        let cut = if number == Number::F32 { quote!(f32s) } else { quote!(cut) };
        let kind = (element::of_pack(network, number), cut);
        (name, literal::range(&network.blob.range(*id)), kind)
    })
}

/// The hash of the weights' bytes.
fn hash(network: &Network<'_>) -> Literal {
    format!("{:#018x}", network.blob.hash()).parse().expect("hex is a literal")
}

fn method(name: &Ident) -> Ident {
    names::ident(&name.to_string().to_lowercase())
}
