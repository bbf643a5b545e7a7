//! The host of kernels' plain loops: reads operands from the memory of a program, and stores results there.

use std::ops::Range;

use crate::error::Result;
use crate::interp::Array;
use crate::ir::{Conv, Op, Values};
use crate::kernels::Site;
use crate::kernels::host::Host;
use crate::shadow::area::Area;
use crate::shadow::numbers::{Numbers, Piece, along, decoded, encode};

impl Numbers<'_> {
    /// Computes what a call makes.
    pub(in crate::shadow) fn call(&mut self, piece: &Piece<'_>, rows: Range<usize>) -> Result<()> {
        let site = piece.stage.site();
        piece.stage.kernel.compute(&mut Calling { numbers: self, piece, rows, site })
    }

    /// Writes what a pool makes of all rows, into the channels from the first that it took on.
    pub(in crate::shadow) fn pooled(&mut self, piece: &Piece<'_>) -> Result<()> {
        let (first, stage) = (piece.write.part.channel, piece.stage);
        let Some(channels) = self.pooled.remove(&(piece.at, first)) else { return Ok(()) };
        let calling = Calling { numbers: self, piece, rows: 0..stage.height, site: stage.site() };
        let y = stage.kernel.pooled(&calling, &channels)?;
        let channels = piece.write.channels.start..piece.write.channels.start + channels.len();
        self.write(&Area { channels, ..piece.write.clone() }, piece.start, &y);
        Ok(())
    }

    /// Takes rows into a pool of the whole image.
    fn take(&mut self, piece: &Piece<'_>) {
        let (area, start) = piece.read(0).expect("a pool reads an image");
        let values = match self.read(area, start) {
            Values::U8(bytes) => bytes.into_iter().map(f32::from).collect(),
            values => values.as_f32().unwrap_or_default().to_vec(),
        };
        let each = area.rows.len() * area.columns.len();
        let pooled = self.pooled.entry((piece.at, piece.write.part.channel)).or_default();
        pooled.resize(area.channels.len(), Vec::new());
        for (channel, values) in pooled.iter_mut().zip(values.chunks_exact(each.max(1))) {
            channel.extend(values);
        }
    }
}

/// A call, and the memory that it runs in.
struct Calling<'c, 'n, 'p> {
    numbers: &'c mut Numbers<'n>,
    piece: &'c Piece<'p>,
    rows: Range<usize>,
    site: Site,
}

impl Host for Calling<'_, '_, '_> {
    fn site(&self) -> &Site {
        &self.site
    }

    fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    fn image(&self) -> (Array, isize) {
        let (area, start) = self.piece.read(0).expect("who asks for an image reads one");
        (self.numbers.image(area, start), area.rows.start)
    }

    fn along(&self, port: usize) -> Option<Values> {
        let lies = self.piece.read(port);
        let lies = lies.map(|(area, start)| self.numbers.read_along(area, start));
        let constant = || self.numbers.packed(*self.piece.stage.from.get(port)?);
        lies.or_else(constant)
    }

    fn whole(&self, port: usize) -> Array {
        let (graph, node) = (self.numbers.graph, self.piece.stage.node);
        let id = graph.operand(node, port).expect("verified nodes have their operands");
        let values = self.along(port).expect("what lies in no memory is constant");
        Array { shape: graph.node(id).out.shape.clone(), values }
    }

    fn gather(&self, elements: &mut dyn Iterator<Item = usize>) -> Values {
        let source = self.piece.stage.from[0];
        let Some((area, start)) = self.piece.read(0) else {
            let packed = self.numbers.packed(source).expect("what lies in no memory is constant");
            return match packed {
                Values::U8(x) => Values::U8(elements.map(|at| x[at]).collect()),
                x => {
                    let x = x.as_f32().unwrap_or_default();
                    Values::F32(elements.map(|at| x[at]).collect())
                }
            };
        };
        let (from, each) = (start + self.piece.lies(area), source.element.bytes());
        let bytes = elements.map(|at| from + at * each);
        decoded(source.element, self.numbers.memory(source.home), bytes)
    }

    fn packed(&self) -> &[u8] {
        let pack = self.piece.stage.pack.expect("who asks for weights has some");
        self.numbers.blob.bytes_of(pack)
    }

    fn written(&self) -> usize {
        along(&self.piece.write, 0).len()
    }

    fn columns(&self) -> usize {
        self.piece.write.columns.len()
    }

    fn shape(&self) -> &[usize] {
        &self.numbers.graph.node(self.piece.stage.node).out.shape
    }

    fn put(&mut self, values: &Values) {
        self.numbers.write(&self.piece.write, self.piece.start, values);
    }

    fn put_along(&mut self, values: &Values) {
        self.numbers.write_along(&self.piece.write, self.piece.start, values);
    }

    fn scatter(&mut self, elements: &mut dyn Iterator<Item = usize>, values: &Values) {
        let place = self.piece.stage.into;
        let into = self.piece.start + self.piece.lies(&self.piece.write);
        let bytes = elements.map(|at| into + at * place.element.bytes());
        encode(place.element, self.numbers.memory_mut(place.home), bytes, values);
    }

    fn oracle(&self, op: Op, shape: &[usize], operands: &[(usize, Array)]) -> Result<Values> {
        self.numbers.apply(self.piece.stage, op, shape, operands)
    }

    fn convolve(&mut self, conv: &Conv) -> Result<()> {
        self.numbers.convolve(self.piece, conv)
    }

    fn keep(&mut self) {
        self.numbers.take(self.piece);
    }
}
