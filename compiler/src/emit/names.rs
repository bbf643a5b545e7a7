//! Identifiers: the one place where names become legal and unique.

use std::collections::BTreeMap;
use std::rc::Rc;

use proc_macro2::{Ident, Span};

/// Longest identifier made of a model's name.
const MAX_LEN: usize = 48;
/// The first number that stands behind a name.
const FIRST: usize = 2;

/// Names given out so far in one scope.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Each with the least number that may be free behind it.
    taken: BTreeMap<String, usize>,
    /// The scope around this one, whose names are taken too.
    around: Option<Rc<Names>>,
}

impl Names {
    /// A scope in which some names are taken already.
    pub(super) fn reserving(names: &[&str]) -> Self {
        let taken = names.iter().map(|name| ((*name).to_owned(), FIRST)).collect();
        Self { taken, around: None }
    }

    /// A scope within another.
    pub(super) fn within(around: &Rc<Self>) -> Self {
        Self { taken: BTreeMap::new(), around: Some(around.clone()) }
    }

    /// `wanted` as a legal name, with a number behind it if it is taken.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let stem = legal(wanted);
        let Some(least) = self.least(&stem) else {
            self.taken.insert(stem.clone(), FIRST);
            return stem;
        };
        let mut numbered = (least..).map(|number| (number, format!("{stem}_{number}")));
        let (number, name) = numbered
            .find(|(_, name)| self.least(name).is_none())
            .expect("there are more numbers than names");
        self.taken.insert(stem, number + 1);
        self.taken.insert(name.clone(), FIRST);
        name
    }

    /// The least number that may be free behind a name that is taken.
    fn least(&self, name: &str) -> Option<usize> {
        let around = || self.around.as_ref().and_then(|around| around.least(name));
        self.taken.get(name).copied().or_else(around)
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

/// The beginning of a name, if it is too long: up to the end of a word, if that is not short.
fn whole_words(name: &str) -> &str {
    let Some((end, _)) = name.char_indices().nth(MAX_LEN) else { return name };
    let inside = name[end..].starts_with(char::is_alphanumeric);
    let word =
        name[..end].rfind(|c: char| !c.is_alphanumeric()).filter(|at| inside && *at > end / 2);
    &name[..word.unwrap_or(end)]
}

/// `name` in snake case, without what Rust does not allow in an identifier.
fn legal(name: &str) -> String {
    let mut legal = String::new();
    for c in whole_words(name).chars() {
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
        let long = "a_name_that_goes_on_and_on/until_some_word_is_cut_in_two";
        assert_eq!(names.take(long), "a_name_that_goes_on_and_on_until_some_word_is");
        assert_eq!(names.take("…"), "value");
        assert_eq!(names.take(""), "value_2");
    }

    #[test]
    fn numbers_that_a_name_brings_along_are_passed_over() {
        let mut names = Names::default();
        let taken = ["x_3", "x", "x", "x", "x_3"].map(|name| names.take(name));
        assert_eq!(taken, ["x_3", "x", "x_2", "x_4", "x_3_2"]);
        let mut inner = Names::within(&Rc::new(names));
        assert_eq!(["x", "x", "y", "y"].map(|name| inner.take(name)), ["x_5", "x_6", "y", "y_2"]);
    }
}
