//! Identifiers: the one place where names become legal and unique.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span};

/// Longest identifier made of a model's name.
const MAX_LEN: usize = 48;

/// Names given out so far in one scope.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// A scope in which some names are taken already.
    pub(super) fn reserving(names: &[&str]) -> Self {
        Self { taken: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// `wanted` as a legal name, with a number behind it if it is taken.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let stem = legal(wanted);
        let mut candidates =
            std::iter::once(stem.clone()).chain((2..).map(|n| format!("{stem}_{n}")));
        let name = candidates
            .find(|name| !self.taken.contains(name))
            .expect("there are more numbers than names");
        self.taken.insert(name.clone());
        name
    }
}

/// An identifier in lower case.
pub(super) fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// An identifier in upper case, for consts.
pub(super) fn constant(name: &str) -> Ident {
    ident(&name.to_uppercase())
}

/// `name` in snake case, without what Rust does not allow in an identifier.
fn legal(name: &str) -> String {
    let mut legal = String::new();
    for c in name.chars().take(MAX_LEN) {
        match c {
            'a'..='z' | '0'..='9' => legal.push(c),
            'A'..='Z' => legal.push(c.to_ascii_lowercase()),
            _ if !legal.ends_with('_') && !legal.is_empty() => legal.push('_'),
            _ => {}
        }
    }
    let legal = legal.trim_end_matches('_');
    let starts_well = legal.starts_with(|c: char| c.is_ascii_lowercase());
    match (legal.is_empty(), starts_well && syn::parse_str::<Ident>(legal).is_ok()) {
        (true, _) => "value".to_owned(),
        (false, true) => legal.to_owned(),
        (false, false) => format!("n_{legal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_legal_and_unique() {
        let mut names = Names::reserving(&["arena"]);
        assert_eq!(names.take("features.0/Conv:0"), "features_0_conv_0");
        assert_eq!(names.take("arena"), "arena_2");
        assert_eq!(names.take("3x3"), "n_3x3");
        assert_eq!(names.take("fn"), "n_fn");
        assert_eq!(names.take("…"), "value");
        assert_eq!(names.take(""), "value_2");
    }
}
