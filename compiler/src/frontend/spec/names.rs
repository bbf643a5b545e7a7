//! Names of a unit's tensors in a file of weights: in our scheme, and in torchvision's.
//!
//! | part | ours | torchvision |
//! |---|---|---|
//! | first convolution | `stem.weight`, `stem.bn.{weight,bias,running_mean,running_var}` | `features.0.0.weight`, `features.0.1.*` |
//! | block 2 | `block2.expand.*`, `block2.depthwise.*`, `block2.project.*` | `features.2.conv.{0.0,0.1,1.0,1.1,2,3}.*` |
//! | last convolution | `head.*` | `features.18.0.weight`, `features.18.1.*` |
//! | dense layer | `classifier.{weight,bias}` | `classifier.1.{weight,bias}` |

use crate::frontend::spec::layers::Part;

/// A way of naming tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Ours,
    Torchvision,
}

impl Scheme {
    /// The scheme that a file with these tensors follows.
    pub(super) fn of<'a>(mut names: impl Iterator<Item = &'a str>) -> Self {
        let torchvision = names.any(|name| name.starts_with("features."));
        if torchvision { Self::Torchvision } else { Self::Ours }
    }

    /// Weights, and the norm's scale, bias, mean and variance, of unit `unit` of `part`, the `index`-th of the network.
    pub(super) fn unit(self, index: usize, part: &Part, unit: usize) -> [String; 5] {
        let (conv, norm) = match self {
            Self::Ours => {
                let name = part.units[unit].name(part);
                (name.clone(), format!("{name}.bn"))
            }
            Self::Torchvision => torchvision(index, part.units.len(), unit),
        };
        [
            format!("{conv}.weight"),
            format!("{norm}.weight"),
            format!("{norm}.bias"),
            format!("{norm}.running_mean"),
            format!("{norm}.running_var"),
        ]
    }

    /// Weights and bias of the dense layer.
    pub(super) fn classifier(self) -> [String; 2] {
        let name = match self {
            Self::Ours => "classifier",
            Self::Torchvision => "classifier.1",
        };
        [format!("{name}.weight"), format!("{name}.bias")]
    }

    /// True if a tensor only matters to training.
    pub(super) fn ignores(name: &str) -> bool {
        name.ends_with(".num_batches_tracked")
    }
}

/// Convolution and norm of a unit; those of a block's projection are not wrapped in a module of their own.
fn torchvision(index: usize, units: usize, unit: usize) -> (String, String) {
    let part = format!("features.{index}");
    if units == 1 {
        (format!("{part}.0"), format!("{part}.1"))
    } else if unit + 1 < units {
        (format!("{part}.conv.{unit}.0"), format!("{part}.conv.{unit}.1"))
    } else {
        (format!("{part}.conv.{unit}"), format!("{part}.conv.{}", unit + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontend::spec::Spec;
    use crate::frontend::spec::layers::parts;

    #[test]
    fn both_schemes_name_the_same_units() {
        let parts = parts(&Spec::mobilenet_v2(1.0, 224));
        let names =
            |scheme: Scheme, part: usize, unit: usize| scheme.unit(part, &parts[part], unit);
        let [ours, torchvision] = [Scheme::Ours, Scheme::Torchvision];
        assert_eq!(names(ours, 0, 0)[..2], ["stem.weight", "stem.bn.weight"]);
        assert_eq!(names(torchvision, 0, 0)[..2], ["features.0.0.weight", "features.0.1.weight"]);
        assert_eq!(names(ours, 2, 0)[4], "block2.expand.bn.running_var");
        assert_eq!(names(torchvision, 2, 0)[4], "features.2.conv.0.1.running_var");
        assert_eq!(
            names(torchvision, 2, 2)[..2],
            ["features.2.conv.2.weight", "features.2.conv.3.weight"]
        );
        assert_eq!(
            names(torchvision, 1, 1)[..2],
            ["features.1.conv.1.weight", "features.1.conv.2.weight"]
        );
        assert_eq!(names(torchvision, 18, 0)[2], "features.18.1.bias");
    }
}
