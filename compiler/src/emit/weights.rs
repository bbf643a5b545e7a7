//! The trained numbers in an emitted file: consts into a static blob, or methods of what the caller was given.

use mnv2c_runtime::blob;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};

use crate::emit::function::{Function, Source};
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
    let packs = packs(network, functions).map(|Pack { name, kind, cut }| {
        let name = method(name);
        quote! {
            #[inline(always)]
            fn #name(self) -> &'static #kind {
                self.0.#cut
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
        .map(|Pack { name, kind, cut }| quote!(pub(super) const #name: &#kind = BLOB.#cut;));
    Some(quote! {
        #[doc = " The trained numbers, each range in the order in which its kernel reads it."]
        mod weights {
            use super::#blob;

            static BLOB: Blob<#len> = Blob::of_file(#file, #hash);

            #(#packs)*
        }
    })
}

/// A run of numbers that a kernel reads.
struct Pack<'a> {
    name: &'a Ident,
    /// A slice, or an array where the function that reads it is given others too.
    kind: TokenStream,
    /// The method that cuts it out of the blob, with where it lies.
    cut: TokenStream,
}

/// Each run of numbers that a kernel reads.
fn packs<'a>(
    network: &'a Network<'_>,
    functions: &'a [Function],
) -> impl Iterator<Item = Pack<'a>> {
    let packs = functions.iter().flat_map(|function| {
        let source = function.source;
        function.packs.iter().map(move |(name, id)| (source, name, *id))
    });
    packs.map(|(source, name, id)| {
        let (number, range) = (network.blob.number(id), network.blob.range(id));
        let element = element::of_pack(network, number);
        let (kind, cut) = match source {
            Source::Parameters => {
                let (start, len) = (literal::size(range.start), literal::size(range.len()));
                (quote!([#element; #len]), quote!(array(#start)))
            }
            Source::Consts => {
                let range = literal::range(&range);
                let cut = if number == Number::F32 { quote!(f32s) } else { quote!(cut) };
                (quote!([#element]), quote!(#cut(#range)))
            }
        };
        Pack { name, kind, cut }
    })
}

/// The hash of the weights' bytes.
fn hash(network: &Network<'_>) -> Literal {
    format!("{:#018x}", network.blob.hash()).parse().expect("hex is a literal")
}

fn method(name: &Ident) -> Ident {
    names::ident(&name.to_string().to_lowercase())
}
