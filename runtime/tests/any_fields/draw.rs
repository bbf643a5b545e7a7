//! Fields of kernels, drawn: those of a kernel that makes sense, and edits that may leave none in it.

use std::ops::Range;

use mnv2c_runtime::isa::Isa;
use mnv2c_runtime::ring::{Ring, Rows};
use mnv2c_runtime::simd::window::{Slide, Window};
use mnv2c_runtime::simd::winograd::scratch_len;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::guard::Lens;

/// Bytes of a channel's bias, factor and exponent, the last of which some levels have.
const QHEAD: usize = 12;

/// Small numbers that a kernel is made of, and what becomes of its fields: a place and a number each.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    sizes: Vec<usize>,
    edits: Vec<(usize, usize)>,
}

/// A window over each channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
}

impl Filter {
    /// A square one.
    pub(crate) fn square(kernel: usize, stride: usize) -> Self {
        Self { kernel: [kernel, kernel], stride: [stride, stride], dilation: [1, 1] }
    }
}

/// Numbers of fields in the order in which they are taken.
pub(crate) struct Fields {
    all: Vec<usize>,
    at: usize,
}

/// Numbers whose products and sums overflow, or nearly.
const ABSURD: [usize; 12] = [
    usize::MAX,
    usize::MAX - 1,
    usize::MAX - 7,
    usize::MAX / 2,
    usize::MAX / 2 + 1,
    usize::MAX / 2 + 2,
    usize::MAX / 3,
    usize::MAX / 4 + 1,
    usize::MAX / 16 + 1,
    1 << 31,
    1 << 20,
    1 << 16,
];

/// Calls `check` for draws. It returns whether the kernel ran, which it must if nothing was edited.
pub(crate) fn each_draw(cases: u32, check: &dyn Fn(&Draw) -> Result<bool, &'static str>) {
    let number = prop_oneof![
        4 => 0..4_usize,
        2 => 0..100_usize,
        2 => proptest::sample::select(ABSURD.as_slice())
    ];
    let sizes = proptest::collection::vec(0..60_usize, 24);
    let edits = proptest::collection::vec((any::<usize>(), number), 0..4);
    let draws = (sizes, edits).prop_map(|(sizes, edits)| Draw { sizes, edits });
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&draws, |draw| match check(&draw) {
        Ok(false) if draw.edits.is_empty() => Err(TestCaseError::fail("it makes sense and panics")),
        Ok(_) => Ok(()),
        Err(how) => Err(TestCaseError::fail(how)),
    });
    assert!(
        outcome.is_ok(),
        "{}",
        outcome.map_or_else(|error| error.to_string(), |()| String::new())
    );
}

impl Fields {
    pub(crate) fn take<const N: usize>(&mut self) -> [usize; N] {
        self.at += N;
        self.all[self.at - N..self.at].try_into().expect("so many were taken")
    }

    pub(crate) fn ring(&mut self) -> Ring {
        let [base, kept, top, row, pixel, chunk] = self.take();
        Ring { base, kept, top, row, pixel, chunk }
    }

    /// A range of at most `most`, lest it be counted through.
    pub(crate) fn range(&mut self, most: usize) -> Range<usize> {
        let [start, len] = self.take();
        start..start.wrapping_add(len.min(most))
    }

    fn put_rings(&mut self, rows: &[Rows], lanes: usize) {
        for rows in rows {
            let Ring { base, kept, top, row, pixel, chunk } = rows.ring(lanes);
            self.all.extend([base, kept, top, row, pixel, chunk]);
        }
    }
}

impl Draw {
    /// A number below `end`.
    fn below(&self, at: usize, end: usize) -> usize {
        self.sizes[at] % end
    }

    /// The window of a kernel that takes any.
    pub(crate) fn filter(&self) -> Filter {
        let two = |at: usize, end: usize| [1 + self.below(at, end), 1 + self.below(at + 1, end)];
        Filter { kernel: two(0, 5), stride: two(2, 3), dilation: two(4, 3) }
    }

    /// Rows that `filter` reads for two rows of `width` outputs, with stored zeros before them; a ring of a few of them,
    /// sometimes.
    fn input(
        &self,
        filter: Filter,
        pad: [usize; 2],
        width: usize,
        rows: fn(usize, usize, usize) -> Rows,
        c: usize,
    ) -> Rows {
        let Filter { kernel, stride, dilation } = filter;
        let extent = |of: usize, outputs: usize| {
            (outputs - 1) * stride[of] + (kernel[of] - 1) * dilation[of] + 1
        };
        let kept = if self.below(6, 3) == 0 { 1 + self.below(7, 4) } else { extent(0, 2) + pad[0] };
        rows(kept, extent(1, width), c).padded(pad[0], pad[1], 0)
    }

    fn pad(&self, filter: Filter) -> [usize; 2] {
        [self.below(8, filter.kernel[0]), self.below(9, filter.kernel[1])]
    }

    /// Rows of outputs: pixels, or chunks of channels.
    fn output(&self, width: usize, channels: usize, lanes: usize) -> Rows {
        match self.below(10, 2) {
            0 => Rows::nhwc(2, width, channels),
            _ => Rows::chunks(2, width, channels, lanes),
        }
    }

    /// Rows, pixels and panels or vectors of a part, whole tiles of `tile`, and one number more.
    fn put_part(&self, fields: &mut Fields, tile: usize, width: usize, groups: usize) {
        let (row, first) = (self.below(11, 2), self.below(12, width - tile + 1));
        let (first, len) =
            if self.below(13, 2) == 0 { (first, tile) } else { (0, width / tile * tile) };
        let one = self.below(14, groups);
        let (panel, panels) = if self.below(15, 2) == 0 { (one, 1) } else { (0, groups) };
        fields.all.extend([row, 2 - row, first, len, panel, panels, self.below(16, 9)]);
    }

    /// The fields after edits, and the lengths of slices, which are edited too.
    fn edited(&self, mut fields: Fields, lens: [usize; 4]) -> (Fields, Lens) {
        fields.all.extend(lens);
        let count = fields.all.len();
        for (at, number) in &self.edits {
            fields.all[at % count] = *number;
        }
        let all = fields.all[count - 4..].try_into().expect("they were put there");
        (fields, Lens { all, tight: self.below(22, 4) })
    }

    /// A width of whole tiles or one more.
    fn width(&self, tile: usize) -> usize {
        [tile, tile + 1, 2 * tile][self.below(17, 3)]
    }

    /// A matrix product, for weights that lie by so many inputs.
    pub(crate) fn gemm(&self, mr: usize, nv: usize, lanes: usize, inputs: usize) -> (Fields, Lens) {
        let per_panel = |window: &Window| nv * lanes * (1 + vectors(window, inputs));
        self.product(mr, nv, lanes, true, per_panel)
    }

    /// The same of bytes.
    pub(crate) fn qgemm(&self, mr: usize, nv: usize, lanes: usize, isa: Isa) -> (Fields, Lens) {
        let per_panel =
            |window: &Window| nv * (QHEAD * lanes + vectors(window, 4) * isa.quads().len(lanes));
        self.product(mr, nv, lanes, false, per_panel)
    }

    fn product(
        &self,
        mr: usize,
        nv: usize,
        lanes: usize,
        any_planes: bool,
        per_panel: impl Fn(&Window) -> usize,
    ) -> (Fields, Lens) {
        let (width, c_in, c_out) = (self.width(mr), 1 + self.below(18, 40), 1 + self.below(19, 50));
        let filter = Filter::square(1, 1);
        let (window, x) = match self.below(20, 4) {
            0 => {
                let x = self.input(filter, [0, 0], width, Rows::nhwc, c_in);
                (Window::point(&x.ring(lanes), c_in, lanes), x)
            }
            1 => {
                let x = Rows::chunks(2, width, c_in, lanes);
                (Window::point(&x.ring(lanes), c_in, lanes), x)
            }
            form => {
                let Filter { kernel, stride, dilation } = self.filter();
                let dilation = if any_planes { dilation } else { [dilation[0], 1] };
                let filter = Filter { kernel, stride, dilation };
                let (pad, planes) = (self.pad(filter), form == 3);
                let c_in = 1 + c_in % 5;
                let rows = if planes { Rows::planes } else { Rows::nhwc };
                let x = self.input(filter, pad, width, rows, c_in);
                let slide = Slide { kernel, stride, dilation, pad };
                let window = if planes { Window::over_planes } else { Window::sliding };
                (window(slide, &x.ring(lanes), c_in), x)
            }
        };
        let panels = c_out.div_ceil(nv * lanes);
        let y = self.output(width, c_out, lanes);
        let mut fields = Fields { all: vec![width, c_out], at: 0 };
        let Window { rows, row_stride, row_step, above, before, pixel_step, .. } = window;
        fields.all.extend([rows, row_stride, row_step, above, before, pixel_step]);
        let Window { taps, tap_step, depth, depth_step, tail, .. } = window;
        fields.all.extend([taps, tap_step, depth, depth_step, tail]);
        fields.put_rings(&[x, y, y], lanes);
        self.put_part(&mut fields, mr, width, panels);
        let lens = [panels * per_panel(&window), x.len(), y.len(), y.len()];
        self.edited(fields, lens)
    }

    /// A convolution.
    pub(crate) fn conv(&self, mr: usize, nv: usize, lanes: usize, inputs: usize) -> (Fields, Lens) {
        let planes = inputs == 1 && self.below(20, 2) == 0;
        let per_panel = |window: &Window| nv * lanes * (1 + vectors(window, inputs));
        self.convolution(mr, nv, lanes, planes, per_panel)
    }

    /// The same of bytes.
    pub(crate) fn qconv(&self, mr: usize, nv: usize, lanes: usize, isa: Isa) -> (Fields, Lens) {
        let per_panel =
            |window: &Window| nv * (QHEAD * lanes + vectors(window, 4) * isa.quads().len(lanes));
        self.convolution(mr, nv, lanes, false, per_panel)
    }

    fn convolution(
        &self,
        mr: usize,
        nv: usize,
        lanes: usize,
        planes: bool,
        per_panel: impl Fn(&Window) -> usize,
    ) -> (Fields, Lens) {
        let (width, groups) = (self.width(mr), 1 + self.below(18, 2));
        let (c_in, c_out) = (2 + self.below(19, 9), 1 + self.below(21, 30));
        let Filter { kernel, stride, dilation } = self.filter();
        let (filter, pad) = (self.filter(), self.pad(self.filter()));
        let rows = if planes { Rows::planes } else { Rows::nhwc };
        let x = self.input(filter, pad, width, rows, groups * c_in);
        let slide = Slide { kernel, stride, dilation, pad };
        let window = if planes { Window::over_planes } else { Window::sliding };
        let window = window(slide, &x.ring(lanes), c_in);
        let panels = c_out.div_ceil(nv * lanes);
        let y = match groups {
            1 => self.output(width, c_out, lanes),
            _ => Rows::nhwc(2, width, groups * c_out),
        };
        let mut fields = Fields { all: vec![width], at: 0 };
        fields.all.extend([kernel, stride, dilation, pad].concat());
        fields.all.extend([groups, groups * c_in, groups * c_out]);
        fields.put_rings(&[x, y, y], lanes);
        self.put_part(&mut fields, mr, width, panels);
        let w = groups * panels * per_panel(&window);
        self.edited(fields, [w, x.len(), y.len(), y.len()])
    }

    /// A convolution between transforms, of tiles of `out` outputs; the last field before lengths is how many numbers it works
    /// in.
    pub(crate) fn winograd(&self, [out, mr, nv]: [usize; 3], lanes: usize) -> (Fields, Lens) {
        let mut size = [1 + self.below(0, 2 * out), 1 + self.below(1, 3 * out)];
        size[1] = size[1].max(out * mr.div_ceil(size[0].div_ceil(out)));
        let [height, width] = size;
        let pad = [self.below(2, 3), self.below(3, 3)];
        let (c_in, c_out) = (1 + self.below(18, 17), 1 + self.below(19, 50));
        let kept = if self.below(6, 3) == 0 { 1 + self.below(7, 4) } else { height + 2 + pad[0] };
        let x = Rows::nhwc(kept, width + 2, c_in).padded(pad[0], pad[1], 0);
        let y = match self.below(10, 2) {
            0 => Rows::nhwc(height, width, c_out),
            _ => Rows::chunks(height, width, c_out, lanes),
        };
        let groups = 1 + self.below(20, 3);
        let mut fields = Fields { all: [size, pad, [c_in, c_out]].concat(), at: 0 };
        fields.put_rings(&[x, y, y], lanes);
        fields.all.extend([groups, self.below(16, 9)]);
        fields.all.push(scratch_len([out, mr, nv], groups, c_in, lanes));
        let w = c_out.div_ceil(nv * lanes) * nv * lanes * (1 + c_in * (out + 2) * (out + 2));
        self.edited(fields, [w, x.len(), y.len(), y.len()])
    }

    /// A 1x1 convolution, in the fields of any.
    pub(crate) fn pointwise(
        &self,
        mr: usize,
        nv: usize,
        lanes: usize,
        inputs: usize,
    ) -> (Fields, Lens) {
        let per_panel = |window: &Window| nv * lanes * (1 + vectors(window, inputs));
        self.point(mr, nv, lanes, per_panel)
    }

    /// The same of bytes.
    pub(crate) fn qpointwise(
        &self,
        mr: usize,
        nv: usize,
        lanes: usize,
        isa: Isa,
    ) -> (Fields, Lens) {
        let per_panel =
            |window: &Window| nv * (QHEAD * lanes + vectors(window, 4) * isa.quads().len(lanes));
        self.point(mr, nv, lanes, per_panel)
    }

    fn point(
        &self,
        mr: usize,
        nv: usize,
        lanes: usize,
        per_panel: impl Fn(&Window) -> usize,
    ) -> (Fields, Lens) {
        let (width, c_in, c_out) = (self.width(mr), 1 + self.below(18, 40), 1 + self.below(19, 50));
        let x = match self.below(20, 2) {
            0 => Rows::nhwc(2, width, c_in),
            _ => Rows::chunks(2, width, c_in, lanes),
        };
        let (y, panels) = (self.output(width, c_out, lanes), c_out.div_ceil(nv * lanes));
        let w = panels * per_panel(&Window::point(&x.ring(lanes), c_in, lanes));
        let mut fields = Fields { all: vec![width, 1, 1, 1, 1, 1, 1, 0, 0, 1, c_in, c_out], at: 0 };
        fields.put_rings(&[x, y, y], lanes);
        self.put_part(&mut fields, mr, width, panels);
        self.edited(fields, [w, x.len(), y.len(), y.len()])
    }

    /// A stack of products of matrices in rows.
    pub(crate) fn matmul(&self) -> (Fields, Lens) {
        let [outer, inner] = [1 + self.below(0, 3), 1 + self.below(1, 3)];
        let [rows, depth] = [1 + self.below(2, 9), self.below(3, 9)];
        let columns = 1 + self.below(4, 20);
        let steps = |at: usize, len: usize| match self.below(at, 3) {
            0 => [0, 0],
            1 => [0, len],
            _ => [inner * len, len],
        };
        let (left, right) = (steps(5, rows * depth), steps(6, depth * columns));
        let all = [[outer, inner], left, right].concat();
        let mut fields = Fields { all, at: 0 };
        fields.all.extend([rows, depth, columns]);
        let len = |steps: [usize; 2], matrix: usize| {
            matrix + steps[0] * (outer - 1) + steps[1] * (inner - 1)
        };
        let [a, b] = [len(left, rows * depth), len(right, depth * columns)];
        self.edited(fields, [b, a, 0, outer * inner * rows * columns])
    }

    /// A depthwise convolution.
    pub(crate) fn stencil(&self, filter: Filter, t: usize, lanes: usize) -> (Fields, Lens) {
        let [rows, columns] = filter.kernel;
        self.depthwise(filter, t, lanes, lanes * (1 + rows * columns))
    }

    /// The same of bytes.
    pub(crate) fn qstencil(
        &self,
        filter: Filter,
        t: usize,
        lanes: usize,
        isa: Isa,
    ) -> (Fields, Lens) {
        let quads_len = isa.quads().len(lanes);
        let [rows, columns] = filter.kernel;
        self.depthwise(filter, t, lanes, QHEAD * lanes + rows.div_ceil(4) * columns * quads_len)
    }

    fn depthwise(
        &self,
        filter: Filter,
        t: usize,
        lanes: usize,
        per_vector: usize,
    ) -> (Fields, Lens) {
        let (width, channels) = (self.width(t), 1 + self.below(18, 24));
        let (vectors, pad) = (channels.div_ceil(lanes), self.pad(filter));
        let x = self.input(filter, pad, width, Rows::nhwc, channels);
        let y = self.output(width, channels, lanes);
        let mut fields = Fields { all: vec![width, channels], at: 0 };
        fields.all.extend([filter.kernel, filter.stride, filter.dilation, pad].concat());
        fields.put_rings(&[x, y], lanes);
        self.put_part(&mut fields, t, width, vectors);
        // The last vector is read whole.
        let x_len = x.len() + vectors * lanes - channels;
        self.edited(fields, [vectors * per_vector, x_len, 0, y.len()])
    }
}

/// Vectors of weights for the inputs of a window, so many inputs each.
fn vectors(window: &Window, inputs: usize) -> usize {
    let Window { rows, taps, depth, tail, .. } = *window;
    rows * (taps * depth.div_ceil(inputs) + tail.div_ceil(inputs))
}
