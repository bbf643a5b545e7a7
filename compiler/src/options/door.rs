//! Doors (command line, build script, macro), and the form of an option in each.

use crate::error::{Error, mention};
use crate::options::table::{ROWS, Row, Takes};

/// The interface through which options are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Flags: `--ram 64K`.
    CommandLine,
    /// Methods of a build script's compiler: `.ram("64K")`.
    Builder,
    /// Keys of `mobilenet!`: `ram = 64K`.
    Macro,
}

impl Door {
    /// The option as this door has it, with a value or with none.
    pub fn spelled(self, row: &Row, value: Option<&str>) -> String {
        match (self, value) {
            (Self::CommandLine, None) => format!("--{}", row.flag),
            (Self::CommandLine, Some(_)) if row.takes == Takes::Switch => format!("--{}", row.flag),
            (Self::CommandLine, Some(value)) => format!("--{} {}", row.flag, for_shell(value)),
            (Self::Builder, _) if row.takes == Takes::Switch => format!("`.{}()`", row.method),
            (Self::Builder, _) if row.method.ends_with(')') => format!("`.{}`", row.method),
            (Self::Builder, None) => format!("`.{}(..)`", row.method),
            (Self::Builder, Some(value)) => format!("`.{}({})`", row.method, argument(row, value)),
            (Self::Macro, _) if row.takes == Takes::Switch => format!("`{} = true`", row.key),
            (Self::Macro, value) if row.takes == Takes::Pairs => {
                format!("`{} {{ {} }}`", row.key, value.map_or("..".to_owned(), entry))
            }
            (Self::Macro, None) => format!("`{} = ..`", row.key),
            (Self::Macro, Some(value)) => format!("`{} = {}`", row.key, literal(row, value)),
        }
    }

    /// A message with its options as this door has them.
    pub fn tell(self, message: &str) -> String {
        mention::spelled(message, |name, value| {
            let row = ROWS.iter().find(|row| row.name == name);
            row.map_or_else(|| name.to_owned(), |row| self.spelled(row, value))
        })
    }

    /// The message of an error in the words of this door.
    pub fn told(self, error: &Error) -> String {
        self.tell(&error.message())
    }
}

/// The value as an argument in Rust.
fn argument(row: &Row, value: &str) -> String {
    let plain = value.parse::<f64>().is_ok();
    match row.takes {
        Takes::Number if plain => value.to_owned(),
        Takes::Numbers => format!("&[{}]", value.replace(',', ", ")),
        Takes::Names | Takes::Texts => {
            let texts: Vec<String> = value.split(',').map(|text| format!("{text:?}")).collect();
            format!("&[{}]", texts.join(", "))
        }
        Takes::Pairs => match value.rsplit_once('=') {
            Some((name, shape)) if shape.contains('x') => {
                format!("{name:?}, &[{}]", shape.replace('x', ", "))
            }
            Some((name, size)) => format!("{name:?}, {size}"),
            None => format!("{value:?}"),
        },
        Takes::Switch | Takes::Word | Takes::Number => format!("{value:?}"),
        Takes::Text | Takes::Path | Takes::Paths => format!("{value:?}"),
    }
}

/// The value as `mobilenet!` takes it.
fn literal(row: &Row, value: &str) -> String {
    let is_word = value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match row.takes {
        Takes::Word if is_word => value.replace('-', "_"),
        Takes::Number => value.to_owned(),
        Takes::Numbers => format!("[{}]", value.replace(',', ", ")),
        Takes::Names | Takes::Texts | Takes::Paths if value.contains(',') => {
            let texts: Vec<String> = value.split(',').map(|text| format!("{text:?}")).collect();
            format!("[{}]", texts.join(", "))
        }
        Takes::Switch | Takes::Word | Takes::Text | Takes::Path => format!("{value:?}"),
        Takes::Names | Takes::Texts | Takes::Paths | Takes::Pairs => format!("{value:?}"),
    }
}

/// `image=1x3x8x8` as an entry in braces.
fn entry(pair: &str) -> String {
    let Some((name, size)) = pair.rsplit_once('=') else { return pair.to_owned() };
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let name = if is_word { name.to_owned() } else { format!("{name:?}") };
    match size.contains('x') {
        true => format!("{name} = [{}]", size.replace('x', ", ")),
        false => format!("{name} = {size}"),
    }
}

/// A word as a shell takes it: in quotes, if it holds what a shell would not leave alone.
fn for_shell(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-=.,:/@%+".contains(letter);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::mention::{given, option};

    #[test]
    fn each_door_is_told_in_its_own_words() {
        let told = |mention: &str| {
            [Door::CommandLine, Door::Builder, Door::Macro].map(|door| door.tell(mention))
        };
        assert_eq!(told(&option("ram")), ["--ram", "`.ram(..)`", "`ram = ..`"]);
        assert_eq!(told(&given("ram", 1792)), ["--ram 1792", "`.ram(1792)`", "`ram = 1792`"]);
        assert_eq!(told(&option("bgr")), ["--bgr", "`.bgr()`", "`bgr = true`"]);
        let format = given("input_format", "u8-nhwc");
        let words =
            ["--input-format u8-nhwc", "`.input_format(\"u8-nhwc\")`", "`input_format = u8_nhwc`"];
        assert_eq!(told(&format), words);
        let dim = given("dims", "floor(h/2)=224");
        let words = [
            "--dim 'floor(h/2)=224'",
            "`.dim(\"floor(h/2)\", 224)`",
            "`dims { \"floor(h/2)\" = 224 }`",
        ];
        assert_eq!(told(&dim), words);
        let shape = given("input_shapes", "x=1x3");
        let words = [
            "--input-shape x=1x3",
            "`.input_shape(\"x\", &[1, 3])`",
            "`input_shapes { x = [1, 3] }`",
        ];
        assert_eq!(told(&shape), words);
        let outputs = given("outputs", "a,b");
        let words = ["--outputs a,b", "`.outputs(&[\"a\", \"b\"])`", "`outputs = [\"a\", \"b\"]`"];
        assert_eq!(told(&outputs), words);
        assert_eq!(told("plain"), ["plain"; 3]);
    }

    #[test]
    fn a_word_survives_a_shell() {
        assert_eq!(for_shell("batch_size=1"), "batch_size=1");
        assert_eq!(for_shell("floor(h/2)=1"), "'floor(h/2)=1'");
        assert_eq!(for_shell("it's=1"), r"'it'\''s=1'");
    }
}
