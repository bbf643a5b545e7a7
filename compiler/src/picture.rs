//! Pictures as inputs: decoded, turned as their cameras were held, resized with a triangle filter, normalised unless the
//! network does, laid out as the input is.

mod whole;

use std::io::Cursor;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files;
use crate::interp::Array;
use crate::ir::{Dtype, Values};
use crate::model_io::{Form, Picture};
use crate::printed;
use crate::schedule::Port;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageBuffer, ImageDecoder, ImageReader, ImageResult, Rgb};

/// The picture in a file, as `port` takes it.
pub(crate) fn read(path: &Path, port: &Port, picture: &Picture) -> Result<Array> {
    let form = form(port).map_err(|what| Error::in_file(path, what))?;
    let [mean, deviation] = picture.normalisation(form.channels)?;
    let pixels = pixels(path, form)?;
    let value =
        |pixel: usize, c: usize| (given(&pixels[pixel], c, picture) - mean[c]) / deviation[c];
    let (area, channels) = (form.height * form.width, form.channels);
    let order = |at: usize| {
        if form.is_planar { (at % area, at / area) } else { (at / channels, at % channels) }
    };
    let values = (0..area * channels).map(order).map(|(pixel, c)| value(pixel, c));
    if port.dtype == Dtype::U8 {
        let bytes = values.map(|value| (value * 255.0 / picture.white).round() as u8).collect();
        return Ok(Array { shape: port.shape.clone(), values: Values::U8(bytes) });
    }
    Ok(Array::f32(port.shape.clone(), values.collect()))
}

/// Channel `c` of a pixel as the network is given it, 0 to white.
fn given(pixel: &[f32; 3], c: usize, picture: &Picture) -> f32 {
    pixel[if picture.bgr { 2 - c } else { c }] * picture.white
}

/// Pixels from 0 to 1 in the form's size, grey ones with their brightness in every channel.
fn pixels(path: &Path, form: Form) -> Result<Vec<[f32; 3]>> {
    let file = files::read(path)?;
    if let Some(what) = whole::fault(&file) {
        return Err(Error::in_file(path, format!("{what}; copy or save the picture again")));
    }
    let picture = decoded(&file).map_err(|error| {
        Error::in_file(path, format!("does not decode: {error}; is it a PNG or JPEG?"))
    })?;
    let picture =
        if form.channels == 1 { DynamicImage::from(picture.to_luma16()) } else { picture };
    let mut picture: ImageBuffer<Rgb<f32>, Vec<f32>> = picture.into_rgb32f();
    let (width, height) = (form.width as u32, form.height as u32);
    if picture.dimensions() != (width, height) {
        picture = resize(&picture, width, height, FilterType::Triangle);
    }
    Ok(picture.pixels().map(|pixel| pixel.0).collect())
}

/// The picture in the bytes of a file, upright.
fn decoded(file: &[u8]) -> ImageResult<DynamicImage> {
    let mut decoder = ImageReader::new(Cursor::new(file)).with_guessed_format()?.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn form(port: &Port) -> std::result::Result<Form, String> {
    let shape = port.shape.as_slice();
    let one = shape.len() != 4 || shape[0] == 1;
    Form::of(shape).filter(|_| one).ok_or_else(|| {
        let (name, shape) = (&port.name, printed::shape(shape));
        format!("is a picture, but input {name:?} takes {shape}; give an array as .npy")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form_of(shape: &[usize]) -> std::result::Result<Form, String> {
        form(&Port { name: "x".into(), shape: shape.to_vec(), dtype: Dtype::F32 })
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
