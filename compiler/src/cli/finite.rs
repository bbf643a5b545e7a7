//! Warnings of numbers that are not finite, since results computed from them mean nothing.

use mnv2c::finite;
use mnv2c::interp::Array;

/// Warns on standard error of numbers of `array`, named by `what`, that are not finite: their count and the first.
pub(crate) fn warn(what: &str, array: &Array) {
    if let Some(told) = finite::told(array) {
        eprintln!("warning: {what} holds {told}");
    }
}
