//! Dimensions that are still open: all of them in one message, with options that can be pasted.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::mention::given;
use crate::error::{Error, Result};
use crate::frontend::onnx::Options;
use crate::frontend::onnx::inputs::{Dim, shape_of, size};
use crate::proto::ValueInfoProto;

/// The size that the message proposes for rows and columns of an image, which most of those who read it have.
const PICTURE: usize = 224;

/// The fault that names every dimension without a size.
pub(super) fn check(
    inputs: &[&ValueInfoProto],
    options: &Options,
    sizes: &BTreeMap<String, usize>,
) -> Result<()> {
    let asked = inputs.iter().filter(|input| !options.input_shapes.contains_key(&input.name));
    if !asked.clone().any(|input| Open::of(input, sizes).is_some()) {
        return Ok(());
    }
    // The batch would be taken as 1, but who has to say sizes anyway can see all of them.
    let open: Vec<Open<'_>> = asked.filter_map(|input| Open::of(input, &options.dims)).collect();
    let Some(first) = open.first() else { return Ok(()) };
    let mut flags: Vec<String> = Vec::new();
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for input in &open {
        flags.extend(
            input.flags().into_iter().filter(|(name, _)| named.insert(name)).map(|it| it.1),
        );
    }
    let also = open[1..].iter().map(|open| format!("; input {:?}: {}", open.name, open.what()));
    let (also, flags) = (also.collect::<String>(), flags.join(" "));
    let what = format!("{}{also}; pass, with your sizes: {flags}", first.what());
    Err(Error::DynamicDim { input: first.name.to_owned(), what })
}

/// An input with dimensions of unknown size.
struct Open<'a> {
    name: &'a str,
    /// Every dimension: its size, or its name if it is open, which may be empty. Nothing where the file has no shape.
    dims: Option<Vec<std::result::Result<usize, &'a str>>>,
}

impl<'a> Open<'a> {
    fn of(input: &'a ValueInfoProto, sizes: &BTreeMap<String, usize>) -> Option<Self> {
        let Some(shape) = shape_of(input) else {
            return Some(Self { name: &input.name, dims: None });
        };
        let dim = |(at, dim): (usize, Option<&'a Dim>)| {
            let name = match dim {
                Some(Dim::DimParam(name)) => name.as_str(),
                Some(Dim::DimValue(_)) | None => "",
            };
            size(at, dim, sizes).ok_or(name)
        };
        let dims = shape.dim.iter().map(|dim| dim.value.as_ref()).enumerate().map(dim);
        let dims: Vec<_> = dims.collect();
        let is_open = dims.iter().any(std::result::Result::is_err);
        is_open.then_some(Self { name: &input.name, dims: Some(dims) })
    }

    /// Which dimensions are open.
    fn what(&self) -> String {
        let Some(dims) = &self.dims else { return "the file gives no shape".to_owned() };
        let open = dims.iter().enumerate().filter_map(|(at, dim)| {
            dim.err().map(|name| match name {
                "" => format!("{at} (without a name)"),
                name => format!("{at} ({name:?})"),
            })
        });
        let open: Vec<String> = open.collect();
        match open.as_slice() {
            [one] => format!("dimension {one} is open"),
            several => format!("dimensions {} are open", several.join(", ")),
        }
    }

    /// Options that give all sizes, each with what it names; the whole shape where a dimension has no name.
    fn flags(&self) -> Vec<(&'a str, String)> {
        let dims = self.dims.as_deref().unwrap_or(&[Err(""); 4]);
        let likely = |at: usize| likely(dims, at);
        if dims.contains(&Err("")) {
            let size = |(at, dim): (usize, &std::result::Result<usize, &str>)| {
                dim.unwrap_or(likely(at)).to_string()
            };
            let shape: Vec<String> = dims.iter().enumerate().map(size).collect();
            let shape = format!("{}={}", self.name, shape.join("x"));
            return vec![(self.name, given("input_shapes", shape))];
        }
        let flag = |(at, dim): (usize, &std::result::Result<usize, &'a str>)| {
            let name = dim.err()?;
            Some((name, given("dims", format!("{name}={}", likely(at)))))
        };
        dims.iter().enumerate().filter_map(flag).collect()
    }
}

/// A size for dimension `at`: of an image red, green and blue, wherever channels lie.
fn likely(dims: &[std::result::Result<usize, &str>], at: usize) -> usize {
    let channels = if matches!(dims.last(), Some(Ok(1..=4))) { 3 } else { 1 };
    match at {
        _ if dims.len() != 4 || at == 0 => 1,
        _ if at == channels => 3,
        _ => PICTURE,
    }
}
