//! Options of a compilation, each in one row of one table: its names, its values, its effect.
//!
//! Three doors take them: flags of the command line, methods of [`build::Compiler`](crate::build::Compiler), and keys of
//! `mobilenet!`. All fill one typed [`Request`], which is checked once and derives what the stages want; messages
//! [mention](crate::error::mention) options, and a [`Door`] spells them.

mod door;
mod fit;
mod table;
mod values;

pub use door::Door;
pub use table::{Group, ROWS, Read, Request, Row, Takes};
pub use values::{Scale, Weights};

/// The row of an option.
pub fn row(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_words_of_its_own_and_excludes_rows() {
        for word in [|row: &Row| row.name, |row: &Row| row.flag, |row: &Row| row.method] {
            let words: BTreeSet<&str> = ROWS.iter().map(word).collect();
            assert_eq!(words.len(), ROWS.len());
        }
        for row in ROWS {
            let line = row.about.split("\n\n").next().unwrap_or_default();
            assert!(!line.is_empty() && !line.ends_with('.'), "{}", row.name);
            assert!(row.excludes.iter().all(|name| super::row(name).is_some()), "{}", row.name);
            assert!(row.needs.is_empty() || super::row(row.needs).is_some(), "{}", row.name);
            assert_eq!(row.value.is_empty(), row.takes == Takes::Switch, "{}", row.name);
        }
    }
}
