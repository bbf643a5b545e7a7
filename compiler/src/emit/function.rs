//! An emitted function: what others need to know of it.

use proc_macro2::{Ident, TokenStream};

use crate::schedule::PackId;

/// A function as one step runs it.
pub(super) struct Function {
    /// The function, where it is not one that a step before runs too.
    pub item: Option<TokenStream>,
    /// Its name.
    pub name: Ident,
    /// The arguments that `run` passes after the token.
    pub arguments: Vec<TokenStream>,
    /// Paths in the runtime that it uses.
    pub kernels: Vec<String>,
    /// The weights it reads, by the name of their const.
    pub packs: Vec<(Ident, PackId)>,
    /// Where it finds them.
    pub source: Source,
}

/// Where a body finds its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// They are consts of the file, or what the caller of `infer` was given.
    Consts,
    /// The function is given arrays.
    Parameters,
}
