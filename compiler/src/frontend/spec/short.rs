//! The short spelling: `mobilenet_v2`, `mobilenet_v2:0.35`, `mobilenet_v2@96`, `mobilenet_v2:0.35@96`.

use crate::error::Result;
use crate::frontend::spec::{Spec, fault};

const NAME: &str = "mobilenet_v2";

/// True if `text` is one word that begins with the network's name and is no path.
pub(super) fn matches(text: &str) -> bool {
    let rest = text.strip_prefix(NAME);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']))
        && !text.contains(['\n', '|', '\t', '='])
}

/// The paper's network at the width and resolution that `text` names.
pub(super) fn parse(text: &str) -> Result<Spec> {
    let rest = text.strip_prefix(NAME).unwrap_or(text);
    let (width, resolution) = match rest.split_once('@') {
        Some((width, resolution)) => (width, Some(resolution)),
        None => (rest, None),
    };
    let width = match width.strip_prefix(':') {
        Some(digits) => digits.parse().or_else(|_| unreadable(text, "width", digits))?,
        None => 1.0,
    };
    let resolution = match resolution {
        Some(digits) => digits.parse().or_else(|_| unreadable(text, "resolution", digits))?,
        None => 224,
    };
    Ok(Spec::mobilenet_v2(width, resolution))
}

fn unreadable<T>(text: &str, what: &str, found: &str) -> Result<T> {
    fault(format!(
        "{what} {found:?} in {text:?} is no number; write {NAME}:1.0@224 (width, resolution)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_and_resolution_may_be_left_out() {
        let parsed = |text: &str| Spec::parse(text).map(|spec| (spec.width, spec.resolution));
        assert_eq!(parsed("mobilenet_v2"), Ok((1.0, 224)));
        assert_eq!(parsed("mobilenet_v2:0.35"), Ok((0.35, 224)));
        assert_eq!(parsed("mobilenet_v2@96"), Ok((1.0, 96)));
        assert_eq!(parsed(" mobilenet_v2:1.4@192\n"), Ok((1.4, 192)));
    }

    #[test]
    fn wrong_numbers_are_named() {
        let refusal = |text: &str| Spec::parse(text).unwrap_err().to_string();
        assert_eq!(
            refusal("mobilenet_v2:big@96"),
            "network spec: width \"big\" in \"mobilenet_v2:big@96\" is no number; \
             write mobilenet_v2:1.0@224 (width, resolution)"
        );
        assert!(refusal("mobilenet_v2:1.0@").starts_with("network spec: resolution \"\""));
        assert!(
            refusal("mobilenet_v2:NaN")
                .starts_with("network spec: width is NaN; give a number above 0")
        );
        assert!(refusal("mobilenet_v2:-1").starts_with("network spec: width is -1;"));
        assert_eq!(
            refusal("mobilenet_v2@0"),
            "network spec: resolution is 0; give a number from 1 to 8192"
        );
    }

    #[test]
    fn paths_are_not_short_specs() {
        assert!(!Spec::is_short("mobilenet_v2.onnx"));
        assert!(!Spec::is_short("mobilenet_v2-7.onnx"));
        assert!(Spec::is_short("mobilenet_v2:1.0@224"));
    }
}
