//! The table's options as flags: the clap argument of each row, and the requests that their values make.

use std::marker::PhantomData;
use std::sync::Once;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use mnv2c::error::Result;
use mnv2c::objective::Objective;
use mnv2c::options::{Door, Group, ROWS, Request, Row, Takes};
use mnv2c::target::Target;

use crate::cli::args::Verb;

/// The row that `--keep f32 LAYER` fills too.
const KEPT: &str = "keep_f32";

/// The options of a verb, read from the command line.
pub(crate) struct OptionArgs<V> {
    requests: Vec<Request>,
    verb: PhantomData<V>,
}

impl<V: Verb> OptionArgs<V> {
    /// The request; prints a note where a part of it changes nothing.
    pub(crate) fn request(&self) -> &Request {
        &self.requests()[0]
    }

    /// A request for every combination of what is given several times.
    pub(crate) fn requests(&self) -> &[Request] {
        static ONCE: Once = Once::new();
        let idle =
            |it: &Request| it.recompute.is_some() && it.memory().objective == Objective::Speed;
        if self.requests.iter().any(idle) {
            ONCE.call_once(|| eprintln!("note: --recompute saves memory, and the plan is chosen for speed; add --objective ram"));
        }
        &self.requests
    }

    fn rows() -> impl Iterator<Item = &'static Row> {
        ROWS.iter().filter(|row| V::takes(row))
    }
}

impl<V: Verb> Args for OptionArgs<V> {
    fn augment_args(command: Command) -> Command {
        let command = Self::rows().fold(command, |command, row| command.arg(arg::<V>(row)));
        match Self::rows().any(|row| row.name == KEPT) {
            true => command.arg(keep()),
            false => command,
        }
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<V: Verb> FromArgMatches for OptionArgs<V> {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let mut requests = vec![Request::on(Target::host())];
        for row in Self::rows() {
            let mut items = items(matches, row);
            if row.name == KEPT {
                items.extend(kept(matches)?);
            }
            requests = read(requests, row, &items, V::several(row)).map_err(|error| {
                clap::Error::raw(ErrorKind::ValueValidation, Door::CommandLine.told(&error))
            })?;
        }
        Ok(Self { requests, verb: PhantomData })
    }

    fn update_from_arg_matches(
        &mut self,
        matches: &ArgMatches,
    ) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The clap argument of a row.
fn arg<V: Verb>(row: &'static Row) -> Arg {
    let (short, long) = help::<V>(row);
    let excluded =
        row.excludes.iter().filter(|name| ROWS.iter().any(|it| it.name == **name && V::takes(it)));
    let arg = Arg::new(row.name).long(row.flag).help(short).conflicts_with_all(excluded.copied());
    let arg = arg.help_heading(row.group.heading());
    let arg = if long.is_empty() { arg } else { arg.long_help(long) };
    let arg = if row.needs.is_empty() { arg } else { arg.requires(row.needs) };
    let arg = if row.group == Group::File { arg.requires("file") } else { arg };
    if row.takes == Takes::Switch {
        return arg.action(ArgAction::SetTrue);
    }
    let arg = arg.value_name(row.value).value_parser(|text: &str| checked(row, text));
    let arg = if V::several(row) { arg.action(ArgAction::Append) } else { arg };
    match row.takes {
        Takes::Switch | Takes::Word | Takes::Number | Takes::Text | Takes::Path => arg,
        Takes::Pairs => arg.action(ArgAction::Append),
        Takes::Names => arg.action(ArgAction::Append).value_delimiter(','),
        Takes::Numbers => {
            arg.action(ArgAction::Append).value_delimiter(',').allow_hyphen_values(true)
        }
        Takes::Texts | Takes::Paths => arg.action(ArgAction::Append).num_args(1..),
    }
}

/// The help of a row, short and in full.
fn help<V: Verb>(row: &Row) -> (String, String) {
    let (line, more) = row.about.split_once("\n\n").unwrap_or((row.about, ""));
    let several = if V::several(row) { "; may be given several times" } else { "" };
    let default = match row.name {
        "target" => "host",
        _ => row.default,
    };
    let default = match default {
        "" => String::new(),
        default => format!(" [default: {default}]"),
    };
    let line = format!("{line}{several}{default}");
    let full = if more.is_empty() { String::new() } else { format!("{line}\n\n{more}") };
    (line, full)
}

/// The text of an item that the row reads, or why it does not.
fn checked(row: &Row, text: &str) -> std::result::Result<String, String> {
    match Request::default().read(row, text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => {
            let what = Door::CommandLine.told(&error);
            let is_file = row.name == "output" && text.contains('.');
            Err(if is_file { format!("{what}; files to write are named behind -o") } else { what })
        }
    }
}

/// The items that a row was given.
fn items(matches: &ArgMatches, row: &Row) -> Vec<String> {
    if row.takes == Takes::Switch {
        let given = matches.get_flag(row.name).then(|| "true".to_owned());
        return given.into_iter().collect();
    }
    matches.get_many::<String>(row.name).into_iter().flatten().cloned().collect()
}

/// The requests with what a row was given: each with all of it, or one for each item.
fn read(
    requests: Vec<Request>,
    row: &Row,
    items: &[String],
    several: bool,
) -> Result<Vec<Request>> {
    let with = |request: &Request, items: &[String]| {
        let mut request = request.clone();
        items.iter().try_for_each(|item| request.read(row, item)).map(|()| request)
    };
    if !several || items.is_empty() {
        return requests.iter().map(|request| with(request, items)).collect();
    }
    let each = requests.iter().flat_map(|request| {
        items.iter().map(move |item| with(request, std::slice::from_ref(item)))
    });
    each.collect()
}

/// `--keep f32 LAYER`, the former form of quantize's option.
fn keep() -> Arg {
    let arg = Arg::new("keep").long("keep").value_names(["f32", "LAYER"]);
    arg.num_args(2..).action(ArgAction::Append).hide(true)
}

/// The layers behind `--keep f32`.
fn kept(matches: &ArgMatches) -> std::result::Result<Vec<String>, clap::Error> {
    let words: Vec<String> =
        matches.get_many::<String>("keep").into_iter().flatten().cloned().collect();
    match words.split_first() {
        Some((kind, _)) if kind != "f32" => {
            let what = format!("layers are kept in f32, not in {kind:?}; write --keep f32 LAYER");
            Err(clap::Error::raw(ErrorKind::ValueValidation, what))
        }
        _ => Ok(words.into_iter().filter(|word| word != "f32").collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Compiles;

    #[test]
    fn compile_has_a_flag_for_every_row() {
        let command = OptionArgs::<Compiles>::augment_args(Command::new("compile"));
        let flags: Vec<&str> = command.get_arguments().filter_map(Arg::get_long).collect();
        for row in ROWS {
            assert!(flags.contains(&row.flag), "--{}", row.flag);
        }
    }
}
