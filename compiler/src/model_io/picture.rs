//! Pictures as cameras give them: bytes, channels innermost, maybe blue first, not yet normalised.

use std::fmt;
use std::str::FromStr;

use crate::error::mention::{given, option};
use crate::error::{Error, Result};
use crate::interp::Array;
use crate::ir::{Binary, Dtype, Graph, NodeId, Op, Slice, Tensor, Values};

/// The form of an input image, and its preprocessing: `(value - mean) / deviation`, where white is 1 or 255 before.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Its numbers and their order.
    pub format: Format,
    /// The value of white before mean and deviation; a byte's 255 is scaled to it.
    pub white: f32,
    /// Subtracted: one number, or one a channel of the model.
    pub mean: Vec<f32>,
    /// Divides each difference: one number, or one a channel of the model.
    pub deviation: Vec<f32>,
    /// True if blue comes first where the model takes red first, or the other way round.
    pub bgr: bool,
}

/// Numbers of a picture, and their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Bytes, the channels of a pixel side by side.
    BytesNhwc,
    /// Floats, plane after plane.
    FloatsNchw,
    /// Floats, the channels of a pixel side by side.
    FloatsNhwc,
}

/// The layout of an image in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Rows.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// 1 or 3.
    pub channels: usize,
    /// True if it lies plane after plane.
    pub is_planar: bool,
}

impl Form {
    /// The form of the picture that an array of this shape holds, if it holds one.
    pub fn of(shape: &[usize]) -> Option<Self> {
        let dims = if shape.len() == 4 { &shape[1..] } else { shape };
        match *dims {
            [channels @ (1 | 3), height, width] => {
                Some(Self { height, width, channels, is_planar: true })
            }
            [height, width, channels @ (1 | 3)] => {
                Some(Self { height, width, channels, is_planar: false })
            }
            _ => None,
        }
    }
}

/// Greatest mean or deviation of pictures whose white is 1; twice as much as there can be.
const MOST_OF_UNIT: f32 = 2.0;
/// Least deviation of pictures whose white is 255.
const LEAST_OF_BYTES: f32 = 1.0;

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.replace('_', "-").as_str() {
            "u8-nhwc" => Ok(Self::BytesNhwc),
            "f32-nchw" => Ok(Self::FloatsNchw),
            "f32-nhwc" => Ok(Self::FloatsNhwc),
            _ => Err(Error::Spec(format!(
                "unknown format {text:?}; use u8-nhwc, f32-nchw or f32-nhwc"
            ))),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BytesNhwc => "u8-nhwc",
            Self::FloatsNchw => "f32-nchw",
            Self::FloatsNhwc => "f32-nhwc",
        })
    }
}

impl Picture {
    /// A picture of this format with nothing to be done to its numbers, 255 being white.
    pub fn plain(format: Format) -> Self {
        Self { format, white: 255.0, mean: vec![0.0], deviation: vec![1.0], bgr: false }
    }

    /// Makes `graph` take the picture in place of its one input that is one.
    pub(super) fn fit(&self, graph: &mut Graph) -> Result<()> {
        let (id, form) = only_picture(graph)?;
        let count = graph.node(id).out.shape[0];
        let Form { height, width, channels, is_planar } = form;
        let (planes, pixels) = ([count, channels, height, width], [count, height, width, channels]);
        let [mean, deviation] = self.normalisation(channels)?;
        if self.bgr && channels != 3 {
            let bgr = option("bgr");
            let what = format!("{channels} channels have no blue to come first; leave out {bgr}");
            return Err(Error::Spec(what));
        }
        let bytes = self.format == Format::BytesNhwc;
        graph.node_mut(id).out = match self.format {
            Format::BytesNhwc => Tensor { dtype: Dtype::U8, ..Tensor::f32(pixels) },
            Format::FloatsNchw => Tensor::f32(planes),
            Format::FloatsNhwc => Tensor::f32(pixels),
        };
        let mut front = Front { name: graph.node(id).name.clone(), graph, last: id };
        if bytes {
            front.put("floats", Op::Identity, &pixels);
        }
        // A reshape meets the one of a model that turns its single channel so, a transpose the one of any other.
        let reader = front.graph.only_reader(front.last).map(|reader| &front.graph.node(reader).op);
        let turned = |perm: [usize; 4]| match reader {
            Some(Op::Reshape) if channels == 1 => Op::Reshape,
            // Any other reader, or several, get the channels moved.
            _ => Op::Transpose(perm.to_vec()),
        };
        let (to_planes, to_pixels) = (turned([0, 3, 1, 2]), turned([0, 2, 3, 1]));
        if self.format != Format::FloatsNchw {
            front.put("planes", to_planes, &planes);
        }
        if self.bgr {
            let reversed = Slice { starts: vec![0, 2, 0, 0], steps: vec![1, -1, 1, 1] };
            front.put("reversed", Op::Slice(reversed), &planes);
        }
        if bytes && self.white != 255.0 {
            front.combine("unit", Binary::Div, &vec![255.0 / self.white; channels], &planes);
        }
        if mean.iter().any(|mean| *mean != 0.0) {
            front.combine("centred", Binary::Sub, &mean, &planes);
        }
        if deviation.iter().any(|deviation| *deviation != 1.0) {
            front.combine("normalised", Binary::Div, &deviation, &planes);
        }
        if !is_planar {
            front.put("pixels", to_pixels, &pixels);
        }
        Ok(())
    }

    /// The picture of which `numbers`, in the shape that the model takes, were made; bytes are rounded.
    pub fn before(&self, numbers: &Array) -> Result<Array> {
        let form = Form::of(&numbers.shape);
        let (Some(form), Some(values)) = (form, numbers.values.as_f32()) else {
            let what = format!("an array of shape {:?} is no picture", numbers.shape);
            return Err(Error::Wiring(what));
        };
        let Form { height, width, channels, is_planar } = form;
        let [mean, deviation] = self.normalisation(channels)?;
        let area = height * width;
        let scale = if self.format == Format::BytesNhwc { 255.0 / self.white } else { 1.0 };
        let value = |image: usize, pixel: usize, channel: usize| {
            let c = if self.bgr { channels - 1 - channel } else { channel };
            let at = if is_planar { c * area + pixel } else { pixel * channels + c };
            (values[image * area * channels + at] * deviation[c] + mean[c]) * scale
        };
        let count = values.len() / (area * channels);
        let planar = self.format == Format::FloatsNchw;
        let order = |at: usize| {
            if planar { (at % area, at / area) } else { (at / channels, at % channels) }
        };
        let all = (0..count).flat_map(|image| (0..area * channels).map(move |at| (image, at)));
        let values: Vec<f32> = all
            .map(|(image, at)| {
                let (pixel, channel) = order(at);
                value(image, pixel, channel)
            })
            .collect();
        let shape = match planar {
            true => vec![count, channels, height, width],
            false => vec![count, height, width, channels],
        };
        match self.format {
            Format::BytesNhwc => Ok(Array { shape, values: Values::U8(rounded(&values)?) }),
            Format::FloatsNchw | Format::FloatsNhwc => Ok(Array::f32(shape, values)),
        }
    }

    /// Mean and deviation of each channel.
    pub fn normalisation(&self, channels: usize) -> Result<[Vec<f32>; 2]> {
        let each = |what: &str, values: &[f32]| match values {
            [one] => Ok(vec![*one; channels]),
            values if values.len() == channels => Ok(values.to_vec()),
            values => Err(Error::Spec(format!(
                "{} has {} numbers; give one, or one for each of {channels} channels",
                option(what),
                values.len()
            ))),
        };
        if let Some(wrong) = self.deviation.iter().find(|value| !value.is_normal()) {
            return Err(Error::Spec(format!(
                "{}: {wrong} is no number to divide by",
                option("std")
            )));
        }
        if let Some(wrong) = self.mean.iter().find(|value| !value.is_finite()) {
            return Err(Error::Spec(format!(
                "{}: {wrong} is no number to subtract",
                option("mean")
            )));
        }
        self.check_white()?;
        Ok([each("mean", &self.mean)?, each("std", &self.deviation)?])
    }
}

impl Picture {
    /// Refuses a mean and a deviation that are of numbers up to 255 where white is 1, and a deviation the other way round.
    fn check_white(&self) -> Result<()> {
        let of_bytes = |value: &&f32| value.abs() > MOST_OF_UNIT;
        let large = self.mean.iter().chain(&self.deviation).find(of_bytes);
        let small = self.deviation.iter().find(|value| value.abs() < LEAST_OF_BYTES);
        let (value, other, scale) = match (self.white == 1.0, large, small) {
            (true, Some(value), _) => (value, 255, "raw"),
            (false, _, Some(value)) => (value, 1, "unit"),
            _ => return Ok(()),
        };
        let list = |values: &[f32]| values.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
        Err(Error::Spec(format!(
            "{} and {} are of numbers from 0 to {}, but {value} is of numbers from 0 to {other}; write {} {} {}",
            option("mean"),
            option("std"),
            self.white,
            given("scale", scale),
            given("mean", list(&self.mean)),
            given("std", list(&self.deviation))
        )))
    }
}

/// Nodes that grow between an input and its readers.
struct Front<'a> {
    graph: &'a mut Graph,
    name: String,
    last: NodeId,
}

impl Front<'_> {
    fn put(&mut self, word: &str, op: Op, shape: &[usize]) {
        let name = format!("{}.{word}", self.name);
        self.last = self.graph.insert_after(self.last, name, op, Tensor::f32(shape));
    }

    /// Combines each channel with a number.
    fn combine(&mut self, word: &str, function: Binary, numbers: &[f32], shape: &[usize]) {
        self.put(word, Op::Binary(function), shape);
        let name = format!("{}.{word}.by", self.name);
        let numbers =
            self.graph.add_const(name, [numbers.len(), 1, 1], Values::F32(numbers.to_vec()));
        self.graph.connect(numbers, self.last, crate::ir::Port(1));
    }
}

fn only_picture(graph: &Graph) -> Result<(NodeId, Form)> {
    let form = |id: &NodeId| {
        let out = &graph.node(*id).out;
        let is_picture = out.shape.len() == 4 && out.dtype == Dtype::F32;
        Some((*id, Form::of(&out.shape).filter(|_| is_picture)?))
    };
    let pictures: Vec<(NodeId, Form)> = graph.inputs.iter().filter_map(form).collect();
    match pictures.as_slice() {
        [one] => Ok(*one),
        several => {
            let takes: Vec<String> =
                graph.inputs.iter().map(|id| graph.node(*id).out.to_string()).collect();
            Err(Error::Wiring(format!(
                "{} is of the model's picture, but {} of its inputs are pictures of 1 or 3 channels ({}); leave it out",
                option("input_format"),
                several.len(),
                takes.join(", ")
            )))
        }
    }
}

/// Values that are whole numbers from 0 to 255, but for what rounding explains.
fn rounded(values: &[f32]) -> Result<Vec<u8>> {
    let byte = |value: &f32| {
        let byte = value.round();
        let fits = (0.0..=255.0).contains(&byte) && (value - byte).abs() < 0.02;
        fits.then_some(byte as u8).ok_or_else(|| {
            Error::Wiring(format!(
                "the recorded input has a value that would be byte {value} with this scale, mean and std, so it was \
                 not made of bytes with them"
            ))
        })
    };
    values.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interp;
    use crate::ir::{Output, verify};
    use crate::testing::random_inputs;

    fn echo(shape: &[usize]) -> Graph {
        let mut graph = Graph::default();
        let x = graph.add_input("x", Tensor::f32(shape));
        let y = graph.add("y", Op::Clamp(crate::ir::Clamp::NONE), Tensor::f32(shape), &[x]);
        graph.outputs.push(Output { name: "y".into(), node: y });
        graph
    }

    #[test]
    fn what_was_a_picture_becomes_what_the_model_takes() {
        for format in [Format::BytesNhwc, Format::FloatsNchw, Format::FloatsNhwc] {
            for (shape, white, bgr) in [
                ([1, 3, 2, 5], 1.0, true),
                ([1, 2, 5, 3], 255.0, false),
                ([2, 1, 2, 5], 1.0, false),
            ] {
                let (mean, deviation) = (vec![0.4 * white], vec![0.2 * white]);
                let picture = Picture { format, white, mean, deviation, bgr };
                let mut graph = echo(&shape);
                picture.fit(&mut graph).expect("it takes a picture");
                assert_eq!(verify::verify(&graph), []);
                let given = random_inputs(&graph, 3).swap_remove(0);
                let taken = interp::run(&graph, std::slice::from_ref(&given)).expect("it is sound");
                assert_eq!(taken[0].shape, shape);
                let again = picture.before(&taken[0]).expect("it was a picture");
                match (&given.values, &again.values) {
                    (Values::F32(a), Values::F32(b)) => {
                        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4 * white));
                    }
                    (a, b) => assert_eq!(a, b),
                }
            }
        }
    }

    #[test]
    fn a_byte_is_scaled_shifted_and_divided() {
        let picture = Picture {
            mean: vec![100.0],
            deviation: vec![50.0],
            ..Picture::plain(Format::BytesNhwc)
        };
        let mut graph = echo(&[1, 1, 1, 3]);
        picture.fit(&mut graph).expect("it takes a picture");
        let bytes = Array { shape: vec![1, 1, 3, 1], values: Values::U8(vec![0, 100, 200]) };
        let answer = interp::run(&graph, &[bytes]).expect("it is sound");
        assert_eq!(answer[0], Array::f32([1, 1, 1, 3], vec![-2.0, 0.0, 2.0]));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refusal = |shape: &[usize], change: fn(&mut Picture)| {
            let mut picture = Picture::plain(Format::BytesNhwc);
            change(&mut picture);
            picture.fit(&mut echo(shape)).expect_err("it is refused").to_string()
        };
        assert!(refusal(&[1, 7], |_| ()).contains("0 of its inputs are pictures"));
        assert!(refusal(&[1, 1, 4, 4], |it| it.bgr = true).contains("no blue"));
        assert!(refusal(&[1, 3, 4, 4], |it| it.mean = vec![1.0; 2]).contains("mean has 2 numbers"));
        assert!(refusal(&[1, 3, 4, 4], |it| it.deviation = vec![0.0]).contains("to divide by"));
    }
}
