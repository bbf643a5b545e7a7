//! Settings that are options of the compiler's table: `ram = 256 KiB;`, `feed = rows;`, `mean = [0.5, 0.5, 0.5];`.

use std::collections::BTreeMap;
use std::path::Path;

use mnv2c::error::mention;
use mnv2c::options::{Door, Request, Row, Takes};
use proc_macro2::Span;
use syn::{Error, Result};

use crate::faults::Faults;
use crate::settings::{Setting, Settings, Value};

/// The request to the compiler, with the span of each part.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) request: Request,
    spans: BTreeMap<&'static str, Span>,
    /// Files that are named.
    paths: Vec<(String, Span)>,
}

impl Asked {
    /// Takes every option that `takes` allows out of `settings`; paths are relative to `root`.
    pub(crate) fn take(
        &mut self,
        settings: &mut Settings,
        takes: impl Fn(&Row) -> bool,
        root: &Path,
        faults: &mut Faults,
    ) {
        for setting in settings.take_rows(takes) {
            faults.keep(self.read(setting, root));
        }
    }

    fn read(&mut self, setting: Setting, root: &Path) -> Result<()> {
        let Setting { row, value } = setting;
        let span = value.span();
        for item in items(row, &value)? {
            let item = match row.takes {
                Takes::Path | Takes::Paths => {
                    let path = root.join(item).to_string_lossy().into_owned();
                    self.paths.push((path.clone(), span));
                    path
                }
                _ => item,
            };
            let read = self.request.read(row, &item);
            read.map_err(|error| Error::new(span, Door::Macro.told(&error)))?;
        }
        self.spans.insert(row.name, span);
        Ok(())
    }

    /// The span of an option.
    pub(crate) fn span(&self, name: &str) -> Option<Span> {
        self.spans.get(name).copied()
    }

    /// The compiler's message where it belongs: at the first option that it mentions of those that are given, or at the
    /// file that it names; nowhere if it is about the model.
    pub(crate) fn place(&self, error: &mnv2c::error::Error) -> Option<Span> {
        let message = error.message();
        let mentioned = mention::mentioned(&message).find_map(|name| self.span(name));
        let named = || self.paths.iter().find(|(path, _)| message.contains(path));
        mentioned.or_else(|| named().map(|(_, span)| *span))
    }
}

/// The items that a row is to read.
fn items(row: &Row, value: &Value) -> Result<Vec<String>> {
    let is_text = matches!(value, Value::Text(_));
    match (row.takes, value) {
        (Takes::Text | Takes::Path, _) if !is_text => {
            Err(Error::new(value.span(), format!("`{}` takes a text in quotes", row.key)))
        }
        (Takes::Names | Takes::Texts | Takes::Paths, Value::List(items, _))
        | (Takes::Numbers, Value::List(items, _))
        | (Takes::Pairs, Value::Pairs(items, _)) => Ok(items.clone()),
        (Takes::Names | Takes::Texts | Takes::Paths, _) if !is_text => {
            let what = format!("`{0}` takes a text in quotes, or several: [\"a\", \"b\"]", row.key);
            Err(Error::new(value.span(), what))
        }
        (Takes::Numbers, Value::Word(_) | Value::Text(_) | Value::Size(..) | Value::Pairs(..)) => {
            let what =
                format!("`{}` takes a number, or one for each channel: [0.5, 0.5, 0.5]", row.key);
            Err(Error::new(value.span(), what))
        }
        (Takes::Pairs, _) => {
            let what = format!("`{0}` takes names in braces: `{0} {{ batch = 1 }}`", row.key);
            Err(Error::new(value.span(), what))
        }
        _ => Ok(vec![value.text()]),
    }
}

#[cfg(test)]
mod tests {
    use mnv2c::options::ROWS;
    use proc_macro2::TokenStream;
    use syn::parse::Parser;

    use super::*;

    /// A statement that gives a row something.
    fn statement(row: &Row) -> String {
        let value = match row.takes {
            Takes::Switch => "= true;",
            Takes::Word => "= word;",
            Takes::Number => "= 7;",
            Takes::Text | Takes::Path => "= \"text\";",
            Takes::Numbers => "= [0.5, -1];",
            Takes::Names | Takes::Texts | Takes::Paths => "= [\"a\", \"b\"];",
            Takes::Pairs => "{ a = 1, \"b c\" = [1, 2] }",
        };
        format!("{} {value}", row.key)
    }

    #[test]
    fn every_row_of_the_table_is_a_key() {
        for row in ROWS {
            let mut settings = Settings::default();
            let tokens: TokenStream = statement(row).parse().expect("these are tokens");
            let added = (|input: syn::parse::ParseStream<'_>| settings.add(input)).parse2(tokens);
            added.unwrap_or_else(|error| panic!("{}: {error}", row.name));
            let taken = settings.take_rows(|_| true);
            let [setting] = taken.as_slice() else { panic!("{} is not taken", row.name) };
            assert_eq!(setting.row.name, row.name);
            assert!(items(row, &setting.value).is_ok_and(|items| !items.is_empty()));
        }
    }
}
