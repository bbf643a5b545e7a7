//! A TFLite file as plain values: tensors, operators, and what the graph takes and gives.

use std::ops::Range;

use bytes::Bytes;
use planus::Vector;

use crate::frontend::tflite::schema::{
    Read, Table, buffer, code, operator, quantization, root, subgraph, tensor,
};

/// Most tensors and operators that a file may have.
const MAX_LEN: usize = 1 << 20;
/// Most bytes that their names, shapes, scales and operands may take: tables of a file may share them, values do not.
const MOST_BYTES: usize = 1 << 28;

/// The contents of a file.
#[derive(Clone, Debug)]
pub(super) struct Model<'a> {
    /// The file.
    file: &'a Bytes,
    /// The file's description of itself; may be empty.
    pub(super) description: String,
    pub(super) tensors: Vec<Tensor>,
    /// In the order in which they run.
    pub(super) operators: Vec<Operator<'a>>,
    /// Tensors that the caller passes.
    pub(super) inputs: Vec<usize>,
    /// Tensors that the caller gets.
    pub(super) outputs: Vec<usize>,
}

/// A value of the graph.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    /// Not empty, and no other tensor has it.
    pub(super) name: String,
    /// Outermost first; an open leading dimension is 1.
    pub(super) shape: Vec<usize>,
    pub(super) kind: Kind,
    /// The numbers of a constant, little endian.
    pub(super) data: Option<Bytes>,
    /// How integers stand for reals, if they do.
    pub(super) scales: Option<Scales>,
    pub(super) is_sparse: bool,
}

/// Scales of a quantised tensor: a real is `(q - zero) * scale`.
#[derive(Clone, Debug)]
pub(super) struct Scales {
    /// One, or one for each index along `axis`.
    pub(super) scales: Vec<f32>,
    /// As many.
    pub(super) zeros: Vec<i64>,
    pub(super) axis: usize,
}

/// Element types, by the numbers that the format gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F32,
    F16,
    I32,
    U8,
    I64,
    Bool,
    I16,
    I8,
    /// Any other.
    Other(u8),
}

/// An operator of the graph.
#[derive(Clone, Debug)]
pub(super) struct Operator<'a> {
    /// The number of its kind.
    pub(super) number: i32,
    /// The name of its kind, if that is a custom one; else empty.
    pub(super) custom: String,
    pub(super) version: i32,
    /// Tensors that it reads; `None` for one that is left out.
    pub(super) inputs: Vec<Option<usize>>,
    pub(super) outputs: Vec<usize>,
    /// Tensors that hold scales of what an operator computes on its way.
    pub(super) intermediates: Vec<usize>,
    pub(super) options: Option<Table<'a>>,
}

impl Kind {
    fn of(number: u8) -> Self {
        match number {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::I32,
            3 => Self::U8,
            4 => Self::I64,
            6 => Self::Bool,
            7 => Self::I16,
            9 => Self::I8,
            other => Self::Other(other),
        }
    }

    /// Bytes of an element; 0 of a type that is not read.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::I16 => 2,
            Self::U8 | Self::Bool | Self::I8 => 1,
            Self::I64 => 8,
            Self::Other(_) => 0,
        }
    }
}

impl<'a> Model<'a> {
    /// Reads a file; its weights stay where they are.
    pub(super) fn parse(file: &'a Bytes) -> Read<Self> {
        Self::graph(file, 0)
    }

    /// Another graph of the file.
    pub(super) fn other(&self, at: usize) -> Read<Self> {
        Self::graph(self.file, at)
    }

    fn graph(file: &'a Bytes, at: usize) -> Read<Self> {
        let root = Table::root(file)?;
        let graphs = root.tables(root::SUBGRAPHS)?;
        let missing = || format!("it has no graph {at}");
        let graph = *graphs.get(at).ok_or_else(missing)?;
        let codes = root.tables(root::OPERATOR_CODES)?;
        let buffers = root.tables(root::BUFFERS)?;
        let (tensors, operators) =
            (graph.tables(subgraph::TENSORS)?, graph.tables(subgraph::OPERATORS)?);
        if tensors.len().max(operators.len()) > MAX_LEN {
            return Err(format!("more than {MAX_LEN} tensors or operators"));
        }
        let mut taken = 0;
        let tensors: Vec<Tensor> = tensors
            .iter()
            .map(|table| {
                let tensor = read_tensor(file, table, &buffers)?;
                let scales = tensor.scales.as_ref().map_or(0, |scales| scales.zeros.len());
                take(&mut taken, tensor.name.len() + 8 * tensor.shape.len() + 12 * scales)?;
                Ok(tensor)
            })
            .collect::<Read<_>>()?;
        let tensors = named(tensors);
        let len = tensors.len();
        let operator = |table: &Table<'a>| {
            let operator = read_operator(table, &codes, len)?;
            let operands = operator.inputs.iter().flatten().chain(&operator.outputs);
            // Nodes know what they read and make by name.
            let operands: usize = operands.map(|tensor| 16 + tensors[*tensor].name.len()).sum();
            take(&mut taken, operator.custom.len() + operands)?;
            Ok(operator)
        };
        Ok(Self {
            file,
            description: root.text(root::DESCRIPTION)?.to_owned(),
            operators: operators.iter().map(operator).collect::<Read<_>>()?,
            inputs: indices(&graph.ints(subgraph::INPUTS)?, len)?,
            outputs: indices(&graph.ints(subgraph::OUTPUTS)?, len)?,
            tensors,
        })
    }

    /// The shape of a tensor.
    pub(super) fn shape(&self, tensor: usize) -> &[usize] {
        &self.tensors[tensor].shape
    }
}

/// Counts bytes that the values of a file take.
fn take(taken: &mut usize, bytes: usize) -> Read<()> {
    *taken = taken.saturating_add(bytes);
    let fits = *taken <= MOST_BYTES;
    fits.then_some(()).ok_or_else(|| format!("its values take more than {} MiB", MOST_BYTES >> 20))
}

/// Gives every tensor a name of its own.
fn named(mut tensors: Vec<Tensor>) -> Vec<Tensor> {
    let mut seen = std::collections::BTreeSet::new();
    for (at, tensor) in tensors.iter_mut().enumerate() {
        if tensor.name.is_empty() {
            tensor.name = format!("tensor_{at}");
        }
        while !seen.insert(tensor.name.clone()) {
            tensor.name = format!("{}_{at}", tensor.name);
        }
    }
    tensors
}

fn indices(numbers: &[i32], len: usize) -> Read<Vec<usize>> {
    let index = |number: &i32| {
        let index = usize::try_from(*number).ok().filter(|index| *index < len);
        index.ok_or_else(|| format!("it names tensor {number} of {len}"))
    };
    numbers.iter().map(index).collect()
}

fn read_tensor(file: &Bytes, table: &Table<'_>, buffers: &[Table<'_>]) -> Read<Tensor> {
    let dim = |dim: i32| if dim == -1 { Ok(1) } else { usize::try_from(dim) };
    let shape = table.ints(tensor::SHAPE)?.into_iter().map(dim);
    let shape: Result<Vec<usize>, _> = shape.collect();
    let shape = shape.map_err(|_| "a tensor has a negative dimension")?;
    let at = table.get::<u32>(tensor::BUFFER)?.unwrap_or(0) as usize;
    // Buffer 0 is empty by convention.
    let data = match (at, buffers.get(at)) {
        (0, _) => None,
        (_, Some(table)) => range(file, table)?.map(|range| file.slice(range)),
        (_, None) => return Err(format!("it names buffer {at} of {}", buffers.len())),
    };
    let kind = Kind::of(table.byte(tensor::TYPE)?);
    let name = table.text(tensor::NAME)?.to_owned();
    let len = shape.iter().try_fold(1, |len: usize, dim| len.checked_mul(*dim));
    let len = len.and_then(|len| len.checked_mul(kind.bytes().max(1)));
    let len = len.ok_or_else(|| format!("tensor {name:?} has more elements than there can be"))?;
    let is_sparse = table.get::<Table<'_>>(tensor::SPARSITY)?.is_some();
    let fits = data.as_ref().is_none_or(|data| kind.bytes() == 0 || data.len() == len);
    if !fits && !is_sparse {
        return Err(format!(
            "tensor {name:?} does not have as many numbers as its shape {shape:?}"
        ));
    }
    let scales = table.get(tensor::QUANTIZATION)?.map(|table| read_scales(&table)).transpose()?;
    Ok(Tensor { name, shape, kind, data, scales: scales.flatten(), is_sparse })
}

/// Where the numbers of a buffer lie in the file; nothing for an empty one.
fn range(file: &Bytes, table: &Table<'_>) -> Read<Option<Range<usize>>> {
    let number = |field| Ok::<u64, String>(table.get::<u64>(field)?.unwrap_or(0));
    let (offset, size) = (number(buffer::OFFSET)?, number(buffer::SIZE)?);
    if offset > 1 {
        let range = usize::try_from(offset).ok().zip(offset.checked_add(size));
        let range = range.and_then(|(from, to)| Some(from..usize::try_from(to).ok()?));
        let range = range.filter(|range| range.end <= file.len());
        return range.map(Some).ok_or_else(|| "a buffer lies beyond the end".into());
    }
    let data: Option<&[u8]> = table.get(buffer::DATA)?;
    let inside = |data: &[u8]| {
        let from = data.as_ptr() as usize - file.as_ptr() as usize;
        from..from + data.len()
    };
    Ok(data.filter(|data| !data.is_empty()).map(inside))
}

fn read_scales(table: &Table<'_>) -> Read<Option<Scales>> {
    let scales: Option<Vector<'_, f32>> = table.get(quantization::SCALE)?;
    let zeros: Option<Vector<'_, i64>> = table.get(quantization::ZERO_POINT)?;
    let scales: Vec<f32> = scales.map(|list| list.iter().collect()).unwrap_or_default();
    let mut zeros: Vec<i64> = zeros.map(|list| list.iter().collect()).unwrap_or_default();
    if scales.is_empty() {
        return Ok(None);
    }
    if zeros.len() != scales.len() {
        if zeros.iter().any(|zero| *zero != zeros[0]) {
            return Err("a tensor has not as many zero points as scales".into());
        }
        zeros = vec![zeros.first().copied().unwrap_or(0); scales.len()];
    }
    let axis = table.int(quantization::DIMENSION, 0)?;
    let axis = usize::try_from(axis).map_err(|_| "scales lie along a negative dimension")?;
    Ok(Some(Scales { scales, zeros, axis }))
}

fn read_operator<'a>(table: &Table<'a>, codes: &[Table<'a>], len: usize) -> Read<Operator<'a>> {
    let at = table.get::<u32>(operator::CODE)?.unwrap_or(0) as usize;
    let code = codes.get(at).ok_or_else(|| format!("it names operator {at} of {}", codes.len()))?;
    // Files from before there were 127 operators have the first number alone.
    let number = code.int(code::BUILTIN, 0)?.max(code.byte(code::EARLY)?.into());
    let given = |number: i32| match number {
        -1 => Ok(None),
        number => Ok(Some(indices(&[number], len)?[0])),
    };
    Ok(Operator {
        number,
        custom: code.text(code::CUSTOM)?.to_owned(),
        version: code.int(code::VERSION, 1)?,
        inputs: table.ints(operator::INPUTS)?.into_iter().map(given).collect::<Read<_>>()?,
        outputs: indices(&table.ints(operator::OUTPUTS)?, len)?,
        intermediates: indices(&table.ints(operator::INTERMEDIATES)?, len)?,
        options: table.get(operator::OPTIONS)?,
    })
}
