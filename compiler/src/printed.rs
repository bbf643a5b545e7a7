//! Names as they are printed: on one line, without invisible characters, cut to a readable length.
//!
//! Files may call a value anything: line ends, escapes of terminals, marks that turn the direction of text, megabytes.
//! Whoever prints a name in a comment, a table or a page prints it through here; what programs read, as JSON, is exact.

use std::borrow::Cow;

/// Most letters of a name that are shown.
const MOST: usize = 120;

/// `name` as it is shown; a long one keeps its ends.
pub fn name(name: &str) -> Cow<'_, str> {
    match ends(name) {
        Some((start, end)) => Cow::Owned(format!("{}…{}", escaped(start), escaped(end))),
        None if name.contains(is_unseen) => Cow::Owned(escaped(name)),
        None => Cow::Borrowed(name),
    }
}

/// `name` in quotes, as messages have it: escaped as in Rust, a long one shortened.
pub fn quoted(name: &str) -> String {
    match ends(name) {
        None => format!("{name:?}"),
        Some((start, end)) => format!("{:?}", format!("{start}…{end}")),
    }
}

/// `[1, 3, 224, 224]` as `1x3x224x224`.
pub fn shape(dims: &[usize]) -> String {
    let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
    if dims.is_empty() { "scalar".into() } else { dims.join("x") }
}

/// Beginning and end of a name that is too long to be shown.
fn ends(name: &str) -> Option<(&str, &str)> {
    let is_long = name.len() > MOST && name.chars().nth(MOST).is_some();
    let side = (MOST - 1) / 2;
    let start = name.char_indices().nth(side)?.0;
    let end = name.char_indices().rev().nth(side - 1)?.0;
    is_long.then(|| (&name[..start], &name[end..]))
}

fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        if is_unseen(letter) {
            text.extend(letter.escape_default());
        } else {
            text.push(letter);
        }
    }
    text
}

/// Control characters, ends of lines that Unicode adds, and marks that change the direction of text.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{MOST, quoted};

    #[test]
    fn a_plain_name_is_shown_as_it_is() {
        assert_eq!(super::name("features.0/Conv:0 «ä»"), "features.0/Conv:0 «ä»");
        assert_eq!(super::name(&"n".repeat(MOST)), "n".repeat(MOST));
    }

    #[test]
    fn what_nobody_sees_is_escaped() {
        assert_eq!(super::name("a\r\nb\u{1b}[31m\0"), r"a\r\nb\u{1b}[31m\u{0}");
        assert_eq!(super::name("left\u{202e}right\u{2028}"), r"left\u{202e}right\u{2028}");
    }

    #[test]
    fn a_long_name_keeps_its_ends() {
        let name = format!("first{}last", "ä".repeat(200_000));
        let shown = super::name(&name);
        assert!(shown.starts_with("firstä") && shown.ends_with("älast"), "{shown}");
        assert!(shown.chars().count() <= MOST, "{shown}");
        assert_eq!(quoted(&name), format!("{shown:?}"));
    }
}
