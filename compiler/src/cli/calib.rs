//! Pictures to calibrate with: files, directories of files, and arrays that hold several.

use std::path::{Path, PathBuf};

use mnv2c::ends::Picture;
use mnv2c::error::{Error, Result};
use mnv2c::interp::Array;
use mnv2c::ir::{Graph, Values};
use mnv2c::schedule::Port;

use crate::cli::input;
use crate::cli::picture::fault;
use crate::cli::{finite, output};

/// Where pictures are.
#[derive(clap::Args, Clone)]
pub(crate) struct CalibArgs {
    /// Pictures of the model's use, or directories of them: .png, .jpg, or .npy of one input or of several
    #[arg(long, value_name = "DIR|FILE", num_args = 1..)]
    calib: Vec<PathBuf>,
    /// Most pictures to use [default: 128]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// Pictures that are used where no flag says how many.
const LIMIT: usize = 128;

impl CalibArgs {
    /// The flags that are given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let flags = [("--calib", !self.calib.is_empty()), ("--limit", self.limit.is_some())];
        flags.into_iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }

    /// Looks for a picture among the files, to be normalised; arrays are taken as they are.
    pub(crate) fn has_pictures(&self) -> Result<bool> {
        Ok(self.files()?.iter().any(|path| input::is_picture(path)))
    }

    /// The pictures as the model's one input takes them, in the order of their names.
    pub(crate) fn images(&self, graph: &Graph, picture: &Picture) -> Result<Vec<Array>> {
        let Some(id) = graph.inputs.first() else { return Ok(Vec::new()) };
        let node = graph.node(*id);
        let port =
            Port { name: node.name.clone(), shape: node.out.shape.clone(), dtype: node.out.dtype };
        let mut images = Vec::new();
        let files = self.files()?;
        let limit = self.limit.map_or(LIMIT, |limit| limit as usize);
        for path in &files {
            if images.len() < limit {
                images.extend(arrays(path, &port, picture)?);
            }
        }
        if images.is_empty() {
            return Err(self.nothing());
        }
        if images.len() > limit {
            let count = images.len();
            images.truncate(limit);
            eprintln!("note: {limit} of {count} pictures are used; --limit takes more");
        }
        Ok(images)
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for path in &self.calib {
            if !path.is_dir() {
                files.push(path.clone());
                continue;
            }
            let unreadable =
                |error: std::io::Error| fault(path, format!("cannot be listed: {error}"));
            let entries = std::fs::read_dir(path).map_err(unreadable)?;
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            let mut paths: Vec<PathBuf> =
                paths.collect::<std::io::Result<_>>().map_err(unreadable)?;
            paths.retain(|path| input::is_array(path) || input::is_picture(path));
            paths.sort();
            files.append(&mut paths);
        }
        if files.is_empty() { Err(self.nothing()) } else { Ok(files) }
    }

    fn nothing(&self) -> Error {
        if self.calib.is_empty() {
            let what =
                "there is no picture to calibrate with; pass --calib DIR, or --calib and files";
            return Error::Spec(what.into());
        }
        let places: Vec<String> =
            self.calib.iter().map(|path| path.display().to_string()).collect();
        Error::Wiring(format!(
            "{}: there is no picture to calibrate with; put .png, .jpg or .npy files there",
            places.join(", ")
        ))
    }
}

/// The inputs in one file: one, or the parts of an array that holds several along its first dimension.
fn arrays(path: &Path, port: &Port, picture: &Picture) -> Result<Vec<Array>> {
    if !input::is_array(path) {
        return input::read(path, port, picture).map(|image| vec![image]);
    }
    let array = input::array(path)?;
    finite::warn(&path.display().to_string(), &array);
    let Values::F32(floats) = &array.values else {
        let dtype = array.values.dtype();
        return Err(fault(
            path,
            format!("holds {dtype}; the model takes f32, so scale and save it as f32"),
        ));
    };
    let each = match port.shape.as_slice() {
        [1, rest @ ..] => rest,
        whole => whole,
    };
    let several = array.shape.split_first().is_some_and(|(_, rest)| rest == each);
    if array.shape == port.shape || several {
        let len: usize = port.shape.iter().product();
        let part = |part: &[f32]| Array::f32(port.shape.clone(), part.to_vec());
        return Ok(floats.chunks_exact(len.max(1)).map(part).collect());
    }
    let (found, takes) = (output::shape(&array.shape), output::shape(&port.shape));
    let remedy = match input::transposed(&array.shape, &port.shape) {
        Some(call) => format!("write {call}"),
        None => "give one of these, or several along the first dimension".into(),
    };
    let what = format!("has shape {found}, input {:?} takes {takes}; {remedy}", port.name);
    Err(fault(path, what))
}
