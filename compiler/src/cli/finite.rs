//! Numbers that are none: told, because what follows from them says nothing.

use mnv2c::finite;
use mnv2c::interp::Array;

/// Says on standard error how many numbers of `array`, which `what` names, are not finite, and where the first is.
pub(crate) fn warn(what: &str, array: &Array) {
    if let Some(told) = finite::told(array) {
        eprintln!("warning: {what} holds {told}");
    }
}
