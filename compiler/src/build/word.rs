//! Values of options, typed or as the command line's words: `Feed::Rows` or `"rows"`.

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::ir::Arithmetic;
use crate::model_io::{Answer, Format};
use crate::objective::{Feed, Objective, Ram, Recompute, Storage};
use crate::options::Scale;
use crate::quantize::histogram::Observer;
use crate::target::Target;

/// A value of an option, or the word for one; a word that means nothing is an error when the network is compiled.
#[derive(Clone, Debug)]
pub struct Word<T>(pub(super) Result<T>);

impl<T: FromStr<Err = Error>> From<&str> for Word<T> {
    fn from(text: &str) -> Self {
        Self(text.parse())
    }
}

impl<T: FromStr<Err = Error>> From<&String> for Word<T> {
    fn from(text: &String) -> Self {
        Self(text.parse())
    }
}

macro_rules! typed {
    ($($type:ty),*) => {$(
        impl From<$type> for Word<$type> {
            fn from(value: $type) -> Self {
                Self(Ok(value))
            }
        }
    )*};
}

impl From<Arithmetic> for Word<Arithmetic> {
    /// Takes what has a word: front ends alone choose the others.
    fn from(value: Arithmetic) -> Self {
        Self(value.to_string().parse())
    }
}

typed!(Answer, Feed, Format, Objective, Observer, Ram, Recompute, Scale, Storage, Target);
