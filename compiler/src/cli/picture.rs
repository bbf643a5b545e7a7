//! Pictures as inputs: decoded, resized with a triangle filter, normalised, laid out as the input is.

use std::path::Path;

use clap::ValueEnum;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageBuffer, Rgb};
use mnv2c::error::{Error, Result};
use mnv2c::files;
use mnv2c::interp::Array;
use mnv2c::schedule::Port;

use crate::cli::input::fault;
use crate::cli::output;

/// What becomes of a picture's numbers.
#[derive(clap::Args, Clone)]
pub(crate) struct PictureArgs {
    /// What white is before mean and deviation
    #[arg(long, value_enum, default_value_t = Scale::Unit)]
    scale: Scale,
    /// Subtracted from each value: one number, or one a channel
    #[arg(
        long,
        value_name = "M[,M,M]",
        value_delimiter = ',',
        default_value = "0",
        allow_hyphen_values = true
    )]
    mean: Vec<f32>,
    /// Divides each difference: one number, or one a channel
    #[arg(
        long = "std",
        value_name = "S[,S,S]",
        value_delimiter = ',',
        default_value = "1",
        value_parser = deviation
    )]
    deviation: Vec<f32>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scale {
    /// 1
    Unit,
    /// 255
    Raw,
}

/// How a picture lies in an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    height: usize,
    width: usize,
    channels: usize,
    is_planar: bool,
}

/// The picture in a file, as `port` takes it.
pub(crate) fn read(path: &Path, port: &Port, args: &PictureArgs) -> Result<Array> {
    let form = form(port).map_err(|what| fault(path, what))?;
    let [mean, deviation] = [("--mean", &args.mean), ("--std", &args.deviation)]
        .map(|(flag, values)| each_channel(flag, values, form.channels));
    let (mean, deviation) = (mean?, deviation?);
    let pixels = pixels(path, form)?;
    let white = if args.scale == Scale::Raw { 255.0 } else { 1.0 };
    let value = |pixel: usize, c: usize| {
        (pixels[pixel][c % pixels[pixel].len()] * white - mean[c]) / deviation[c]
    };
    let size = form.height * form.width;
    let values = if form.is_planar {
        (0..form.channels)
            .flat_map(|c| (0..size).map(move |pixel| (pixel, c)))
            .map(|(p, c)| value(p, c))
            .collect()
    } else {
        (0..size)
            .flat_map(|pixel| (0..form.channels).map(move |c| (pixel, c)))
            .map(|(p, c)| value(p, c))
            .collect()
    };
    Ok(Array::f32(port.shape.clone(), values))
}

/// Pixels from 0 to 1 in the form's size, grey ones with their brightness in every channel.
fn pixels(path: &Path, form: Form) -> Result<Vec<[f32; 3]>> {
    let decoded = image::load_from_memory(&files::read(path)?);
    let picture = decoded
        .map_err(|error| fault(path, format!("does not decode: {error}; is it a PNG or JPEG?")))?;
    let picture =
        if form.channels == 1 { DynamicImage::from(picture.to_luma16()) } else { picture };
    let mut picture: ImageBuffer<Rgb<f32>, Vec<f32>> = picture.into_rgb32f();
    let (width, height) = (form.width as u32, form.height as u32);
    if picture.dimensions() != (width, height) {
        picture = resize(&picture, width, height, FilterType::Triangle);
    }
    Ok(picture.pixels().map(|pixel| pixel.0).collect())
}

fn form(port: &Port) -> std::result::Result<Form, String> {
    let shape = port.shape.as_slice();
    let dims = match shape {
        [1, rest @ ..] if rest.len() == 3 => rest,
        rest => rest,
    };
    let (channels, height, width, is_planar) = match *dims {
        [channels @ (1 | 3), height, width] => (channels, height, width, true),
        [height, width, channels @ (1 | 3)] => (channels, height, width, false),
        _ => {
            let (name, shape) = (&port.name, output::shape(shape));
            return Err(format!(
                "is a picture, but input {name:?} takes {shape}; give an array as .npy"
            ));
        }
    };
    Ok(Form { height, width, channels, is_planar })
}

fn each_channel(flag: &str, values: &[f32], channels: usize) -> Result<Vec<f32>> {
    match values {
        [one] => Ok(vec![*one; channels]),
        values if values.len() == channels => Ok(values.to_vec()),
        values => Err(Error::Spec(format!(
            "{flag} has {} numbers; give one, or one for each of {channels} channels",
            values.len()
        ))),
    }
}

fn deviation(text: &str) -> std::result::Result<f32, String> {
    let number = text.trim().parse().ok().filter(|x: &f32| x.is_finite() && *x != 0.0);
    number.ok_or_else(|| format!("{text:?} is no number to divide by"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form_of(shape: &[usize]) -> std::result::Result<Form, String> {
        form(&Port { name: "x".into(), shape: shape.to_vec() })
    }

    #[test]
    fn the_layout_follows_from_the_shape() {
        let planar = Form { height: 8, width: 9, channels: 3, is_planar: true };
        assert_eq!(form_of(&[1, 3, 8, 9]), Ok(planar));
        assert_eq!(form_of(&[1, 8, 9, 3]), Ok(Form { is_planar: false, ..planar }));
        assert_eq!(form_of(&[8, 9, 1]), Ok(Form { channels: 1, is_planar: false, ..planar }));
        assert!(form_of(&[1, 16, 8, 9]).is_err());
        assert!(form_of(&[2, 3, 8, 9]).is_err());
    }
}
