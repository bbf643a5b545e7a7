//! An emitted function: what others need to know of it.

use proc_macro2::{Ident, TokenStream};

use crate::schedule::PackId;

/// An emitted step.
pub(super) struct Function {
    /// The function.
    pub item: TokenStream,
    /// The arguments that `run` passes after the token.
    pub arguments: Vec<TokenStream>,
    /// Paths in the runtime that it uses.
    pub kernels: Vec<String>,
    /// The weights it reads, by the name of their const.
    pub packs: Vec<(Ident, PackId)>,
}
