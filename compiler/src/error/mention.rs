//! Options inside of messages: mentioned by name, and written by the door that the user came in by (`--ram`,
//! `.ram(..)`, `ram = ..`) where the message is printed.
//!
//! A mention stands between two control characters, which names that are shown never hold.

use std::fmt::Display;

const OPEN: char = '\u{2}';
const CLOSE: char = '\u{3}';

/// The option `name`, as messages mention it.
pub fn option(name: &str) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// The option `name` with a value, as messages mention it.
pub fn given(name: &str, value: impl Display) -> String {
    format!("{OPEN}{name}={value}{CLOSE}")
}

/// The message with each option written by `spell` from its name and value.
pub fn spelled(text: &str, spell: impl Fn(&str, Option<&str>) -> String) -> String {
    let mut spelled = String::with_capacity(text.len());
    let mut parts = text.split(OPEN);
    spelled.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (mention, rest) = part.split_once(CLOSE).unwrap_or((part, ""));
        let (name, value) = parted(mention);
        spelled.push_str(&spell(name, value));
        spelled.push_str(rest);
    }
    spelled
}

/// Names of the options that a message mentions, in its order.
pub fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    let mentions = text.split(OPEN).skip(1);
    mentions.map(|part| parted(part.split_once(CLOSE).unwrap_or((part, "")).0).0)
}

/// The message for those who came in by no door: options by their names alone.
pub(super) fn plain(text: &str) -> String {
    spelled(text, |name, value| match value {
        Some(value) => format!("{name} {value}"),
        None => name.to_owned(),
    })
}

fn parted(mention: &str) -> (&str, Option<&str>) {
    match mention.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (mention, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_spelled_where_a_message_is_told() {
        let text = format!("no plan fits {}; allow {} more", given("ram", 7), option("recompute"));
        assert_eq!(plain(&text), "no plan fits ram 7; allow recompute more");
        let told = spelled(&text, |name, value| format!("<{name}:{}>", value.unwrap_or("-")));
        assert_eq!(told, "no plan fits <ram:7>; allow <recompute:-> more");
        assert_eq!(mentioned(&text).collect::<Vec<_>>(), ["ram", "recompute"]);
    }
}
