//! Parsing of option values, and the values that no stage has a type for.

use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The value of white in an image before mean and deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// 1.
    Unit,
    /// 255.
    Raw,
}

/// The source of a program's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// In itself.
    Embed,
    /// In the bytes that it passes to `Weights::from_bytes`.
    Extern,
}

impl FromStr for Scale {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "unit" => Ok(Self::Unit),
            "raw" => Ok(Self::Raw),
            _ => Err(spec(format!("unknown scale {text:?}; use unit or raw"))),
        }
    }
}

impl FromStr for Weights {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "embed" => Ok(Self::Embed),
            "extern" => Ok(Self::Extern),
            _ => Err(spec(format!("unknown place of weights {text:?}; use embed or extern"))),
        }
    }
}

pub(super) fn set<T: FromStr<Err = Error>>(field: &mut T, text: &str) -> Result<()> {
    text.parse().map(|value| *field = value)
}

pub(super) fn some<T: FromStr<Err = Error>>(field: &mut Option<T>, text: &str) -> Result<()> {
    text.parse().map(|value| *field = Some(value))
}

pub(super) fn path(field: &mut Option<PathBuf>, text: &str) -> Result<()> {
    *field = Some(text.into());
    Ok(())
}

pub(super) fn truth(text: &str) -> Result<bool> {
    text.parse().map_err(|_| spec("expected true or false".to_owned()))
}

pub(super) fn pair(text: &str) -> Result<(&str, &str)> {
    let pair = text.rsplit_once('=').filter(|(name, _)| !name.is_empty());
    pair.ok_or_else(|| {
        spec("there is no NAME= in front; write batch=1 or image=1x3x224x224".to_owned())
    })
}

/// An input and an output of the model.
pub(super) fn named(text: &str) -> Result<(&str, &str)> {
    let pair =
        text.split_once('=').filter(|(input, output)| !input.is_empty() && !output.is_empty());
    pair.ok_or_else(|| spec(format!("{text:?} names no input and output; write h0=hn")))
}

pub(super) fn positive(text: &str) -> Result<usize> {
    let size = text.trim().parse().ok().filter(|size| *size > 0);
    size.ok_or_else(|| spec(format!("{text:?} is not a size; give a number from 1")))
}

pub(super) fn spec(what: String) -> Error {
    Error::Spec(what)
}
