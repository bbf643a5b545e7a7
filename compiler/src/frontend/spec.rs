//! Networks given as rows of the MobileNetV2 paper's Table 2, with weights from a file or from a seed.
//!
//! Three spellings: `mobilenet_v2:0.35@96` (width, then resolution), a TOML file, or the table as the paper prints it.
//! The table leaves some things open, which follow the paper's reference implementation: channels are multiples of 8,
//! the last convolution is not shrunk, every convolution is normalised, all but the projections end in ReLU6, and
//! padding is TensorFlow's SAME. Weights under torchvision's names bring torchvision's padding (1 on each side) and epsilon.
//!
//! A spec describes features; average pooling over what remains and a dense layer of `classes` always follow.

mod build;
mod layers;
mod names;
mod rows;
mod short;
mod table;
mod toml;
mod weights;

use crate::error::{Error, Result};
use crate::ir::Graph;
pub use weights::Weights;

/// A network by the numbers of its Table 2.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The name of the network.
    pub name: String,
    /// Rows and columns of the square input, in pixels.
    pub resolution: usize,
    /// Channels of the input.
    pub channels_in: usize,
    /// Factor of every channel count; 1 is the paper's primary network.
    pub width: f64,
    /// Classes of the last layer.
    pub classes: usize,
    /// The table's lines before its average pooling.
    pub rows: Vec<Row>,
}

/// One line of the table: a sequence of `n` layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The operator of each layer.
    pub operator: Operator,
    /// Channels that each makes, before the width multiplier.
    pub c: usize,
    /// Layers.
    pub n: usize,
    /// Stride of the first; the others have 1.
    pub s: usize,
}

/// The operator of a line's layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `conv2d`: a 3x3 convolution.
    Conv3x3,
    /// `conv2d 1x1`.
    Conv1x1,
    /// `bottleneck`: an inverted residual block.
    Bottleneck {
        /// Expansion: the block is `t` times as wide inside as its input.
        t: usize,
    },
}

/// The graph that an exporter would write for `spec`: convolutions without bias, batch norms and clamps, unfused.
pub fn graph(spec: &Spec, weights: Weights<'_>) -> Result<Graph> {
    spec.check()?;
    build::graph(spec, weights)
}

impl Spec {
    /// The spec in `text`, in any of the three spellings.
    pub fn parse(text: &str) -> Result<Self> {
        let spec = if Self::is_short(text) {
            short::parse(text.trim())?
        } else if text.contains('=') {
            toml::parse(text)?
        } else {
            table::parse(text)?
        };
        spec.check()?;
        Ok(spec)
    }

    /// True if `text` has the look of `mobilenet_v2:1.0@224`, so that a command line can tell it from a path.
    pub fn is_short(text: &str) -> bool {
        short::matches(text.trim())
    }

    /// The paper's Table 2 for a width multiplier and a resolution in pixels, with 1000 classes.
    pub fn mobilenet_v2(width: f64, resolution: usize) -> Self {
        let row = |operator, c, n, s| Row { operator, c, n, s };
        let block = |t, c, n, s| row(Operator::Bottleneck { t }, c, n, s);
        Self {
            name: "mobilenet_v2".into(),
            resolution,
            channels_in: 3,
            width,
            classes: 1000,
            rows: vec![
                row(Operator::Conv3x3, 32, 1, 2),
                block(1, 16, 1, 1),
                block(6, 24, 2, 2),
                block(6, 32, 3, 2),
                block(6, 64, 4, 2),
                block(6, 96, 3, 1),
                block(6, 160, 3, 2),
                block(6, 320, 1, 1),
                row(Operator::Conv1x1, 1280, 1, 1),
            ],
        }
    }

    /// The spec as TOML, which [`Spec::parse`] reads back unchanged.
    pub fn to_toml(&self) -> String {
        toml::write(self)
    }

    /// Refuses numbers that make no network, or one beyond all use; each message names the row.
    fn check(&self) -> Result<()> {
        within("resolution", self.resolution, 8192)?;
        within("channels", self.channels_in, 4096)?;
        within("classes", self.classes, 1 << 20)?;
        if !(self.width > 0.0 && self.width <= 16.0) {
            let width = self.width;
            return fault(format!(
                "width is {width}; give a number above 0 and up to 16, such as 1.0 or 0.35"
            ));
        }
        if self.rows.is_empty() {
            return fault("the table has no rows; begin with: conv2d - 32 1 2".into());
        }
        for (i, row) in self.rows.iter().enumerate() {
            row.check(&format!("row {}", i + 1))?;
        }
        layers::check_size(self)
    }
}

impl Row {
    /// Refuses numbers that make no layer; `place` begins the message.
    pub fn check(&self, place: &str) -> Result<()> {
        if let Operator::Bottleneck { t } = self.operator {
            within(&format!("{place}: t"), t, 64)?;
        }
        within(&format!("{place}: c"), self.c, 1 << 16)?;
        within(&format!("{place}: n"), self.n, 1000)?;
        within(&format!("{place}: s"), self.s, 16)
    }
}

fn within(what: &str, number: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&number) {
        return Ok(());
    }
    fault(format!("{what} is {number}; give a number from 1 to {most}"))
}

fn fault<T>(what: String) -> Result<T> {
    Err(Error::Spec(format!("network spec: {what}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn operator() -> impl Strategy<Value = Operator> {
        prop_oneof![
            Just(Operator::Conv3x3),
            Just(Operator::Conv1x1),
            (1usize..8).prop_map(|t| Operator::Bottleneck { t }),
        ]
    }

    fn row() -> impl Strategy<Value = Row> {
        (operator(), 1usize..200, 1usize..5, 1usize..4).prop_map(|(operator, c, n, s)| Row {
            operator,
            c,
            n,
            s,
        })
    }

    fn spec() -> impl Strategy<Value = Spec> {
        let rows = prop::collection::vec(row(), 1..8);
        (".{0,8}", 1usize..500, 1usize..9, 0.05..2.0, 1usize..2000, rows).prop_map(
            |(name, resolution, channels_in, width, classes, rows)| Spec {
                name,
                resolution,
                channels_in,
                width,
                classes,
                rows,
            },
        )
    }

    /// Text of words that specs are made of, which gets further than noise does.
    fn almost_a_spec() -> impl Strategy<Value = String> {
        let words = [
            r"mobilenet_v2|rows = \[|\]|\{|\}|operator|conv2d|1x1|bottleneck|avgpool|[tcns] =",
            r"224\^2 x 3|k|-|\||\t|\n|:|@|=|,|\x22| |[0-9]{1,25}|1e9",
        ];
        let words = prop::string::string_regex(&words.join("|")).expect("the pattern is fixed");
        prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn every_spec_survives_being_written_as_toml(spec in spec()) {
            prop_assert_eq!(Spec::parse(&spec.to_toml()), Ok(spec));
        }

        #[test]
        fn no_text_makes_the_parser_panic(noise: String, words in almost_a_spec()) {
            let _ = Spec::parse(&noise);
            let _ = Spec::parse(&words);
        }

        #[test]
        fn every_small_spec_makes_a_lawful_graph(spec in spec()) {
            let spec = Spec { resolution: spec.resolution % 40 + 1, width: 0.1, ..spec };
            let graph = graph(&spec, Weights::Random { seed: 0 }).expect("checked specs fit");
            prop_assert_eq!(crate::ir::verify::verify(&graph), vec![]);
        }
    }
}
