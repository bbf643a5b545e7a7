//! Values of options, typed or as the command line's words: `Feed::Rows` or `"rows"`.

use std::marker::PhantomData;

use crate::ends::{Answer, Format};
use crate::ir::Arithmetic;
use crate::objective::{Feed, Objective, Ram, Recompute, Storage};
use crate::target::Target;

/// A value of an option, or the word for one; a word that means nothing is an error when the network is compiled.
#[derive(Clone, Debug)]
pub struct Word<T> {
    pub(super) text: String,
    of: PhantomData<T>,
}

impl<T> Word<T> {
    fn new(text: String) -> Self {
        Self { text, of: PhantomData }
    }
}

impl<T> From<&str> for Word<T> {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl<T> From<&String> for Word<T> {
    fn from(text: &String) -> Self {
        Self::new(text.clone())
    }
}

macro_rules! typed {
    ($($type:ty),*) => {$(
        impl From<$type> for Word<$type> {
            fn from(value: $type) -> Self {
                Self::new(value.to_string())
            }
        }
    )*};
}

typed!(Answer, Arithmetic, Feed, Format, Objective, Ram, Recompute, Storage, Target);
