//! Windows of convolutions and pools: attributes over one or two dimensions, and padding resolved to numbers.
//!
//! One-dimensional windows become windows of one row, as the IR has images only.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::Fault;
use crate::ir::NodeId;

/// Most rows or columns of padding on a side: networks that are used have hundreds at most, and each costs planning.
const MAX_PAD: usize = 1 << 16;

/// Which dimensions of a file's windows the rows and columns of an image are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plane {
    /// Columns are the one dimension of a signal.
    Signal,
    /// Rows and columns of an image.
    Image,
    /// Rows are the depth of a volume; columns have no window.
    Depth,
    /// Rows and columns of each image of a volume.
    Face,
}

impl Plane {
    /// The plane of what has `rank` dimensions that windows slide along: 1 or 2.
    pub(super) fn of(rank: usize) -> Self {
        if rank == 1 { Self::Signal } else { Self::Image }
    }

    /// Dimensions that the file's lists are about.
    fn rank(self) -> usize {
        match self {
            Self::Signal => 1,
            Self::Image => 2,
            Self::Depth | Self::Face => 3,
        }
    }

    /// The entries of rows and columns in a list of one entry a dimension.
    fn picked<T: Copy>(self, list: &[T], none: T) -> Option<[T; 2]> {
        match (self, list) {
            (Self::Signal, &[across]) => Some([none, across]),
            (Self::Image, &[down, across]) | (Self::Face, &[_, down, across]) => {
                Some([down, across])
            }
            (Self::Depth, &[depth, _, _]) => Some([depth, none]),
            _ => None,
        }
    }
}

/// A window over rows and columns.
pub(super) struct Window {
    /// Rows and columns.
    pub(super) kernel: [usize; 2],
    /// Steps down and across.
    pub(super) stride: [usize; 2],
    /// Distance between taps.
    pub(super) dilation: [usize; 2],
    /// Above, left, below and right.
    pub(super) pads: [usize; 4],
}

impl Window {
    /// The window of a node over images of `size`, as its attributes say; `rank` is 1 or 2.
    pub(super) fn read(
        call: &Call<'_>,
        rank: usize,
        size: [usize; 2],
        kernel: [usize; 2],
    ) -> Result<Self, Fault> {
        Self::within(call, Plane::of(rank), size, kernel)
    }

    /// The window of a node in one plane of its input.
    pub(super) fn within(
        call: &Call<'_>,
        plane: Plane,
        size: [usize; 2],
        kernel: [usize; 2],
    ) -> Result<Self, Fault> {
        let stride = picked(call, "strides", plane)?.unwrap_or([1, 1]);
        let dilation = picked(call, "dilations", plane)?.unwrap_or([1, 1]);
        if kernel.into_iter().chain(stride).chain(dilation).any(|n| n == 0) {
            return Err(Fault::Misfit(format!(
                "a {kernel:?} window of stride {stride:?} and dilation {dilation:?}"
            )));
        }
        let mut window = Self { kernel, stride, dilation, pads: [0; 4] };
        window.pads = match call.text("auto_pad", "NOTSET")?.as_str() {
            "NOTSET" => pads_within(call, plane)?,
            "VALID" => [0; 4],
            "SAME_UPPER" => window.same_pads(size, |both| both / 2)?,
            "SAME_LOWER" => window.same_pads(size, |both| both.div_ceil(2))?,
            other => return Err(Fault::Misfit(format!("auto_pad {other:?} is unknown"))),
        };
        if window.pads.iter().any(|pad| *pad > MAX_PAD) {
            let (pads, dilation) = (window.pads, window.dilation);
            return Err(Fault::Unsupported(format!(
                "pads {pads:?} of a window with dilation {dilation:?}; up to {MAX_PAD} on a side are read"
            )));
        }
        Ok(window)
    }

    /// Pads with which there are as many windows as strides fit into the image.
    fn same_pads(&self, size: [usize; 2], before: fn(usize) -> usize) -> Result<[usize; 4], Fault> {
        let mut pads = [0; 4];
        for i in 0..2 {
            let covered = (size[i].div_ceil(self.stride[i]).max(1) - 1) * self.stride[i];
            let reach = self.span(i)?.saturating_add(covered);
            if reach + 1 < size[i] {
                return Err(self.skips_pixels(size[i] - reach));
            }
            let both = reach.saturating_sub(size[i]);
            pads[i] = before(both);
            pads[i + 2] = both - pads[i];
        }
        Ok(pads)
    }

    /// Windows so far apart that the image is wider than all of them: what onnxruntime makes of that differs from operator
    /// to operator (negative padding before, none, or an error), and TensorFlow pads nothing.
    fn skips_pixels(&self, left: usize) -> Fault {
        let (kernel, stride) = (self.kernel, self.stride);
        Fault::Unsupported(format!(
            "auto_pad=SAME of a {kernel:?} window of stride {stride:?} that leaves {left} pixels out, where runtimes \
             disagree on the first window; export explicit pads"
        ))
    }

    /// Widens the pads below and right until rounding down gives as many windows as rounding up.
    ///
    /// A window that would see nothing but that padding is left out. Returns whether any pad grew.
    pub(super) fn round_up(&mut self, size: [usize; 2]) -> Result<bool, Fault> {
        let before = self.pads;
        for i in 0..2 {
            let padded = size[i].saturating_add(self.pads[i]).saturating_add(self.pads[i + 2]);
            let span = self.span(i)?;
            let room = padded.checked_sub(span).ok_or_else(|| self.too_wide(size))?;
            let mut steps = room.div_ceil(self.stride[i]);
            if steps.saturating_mul(self.stride[i]) >= size[i].saturating_add(self.pads[i]) {
                steps -= 1;
            }
            let needed = steps.saturating_mul(self.stride[i]).saturating_add(span);
            self.pads[i + 2] += needed.saturating_sub(padded);
        }
        Ok(self.pads != before)
    }

    /// Faults of pads as wide as the window: some window would then hold no element.
    pub(super) fn check_pads(&self) -> Result<(), Fault> {
        for i in 0..2 {
            let span = self.span(i)?;
            if self.pads[i] >= span || self.pads[i + 2] >= span.saturating_add(self.stride[i]) {
                let (kernel, pads) = (self.kernel, self.pads);
                return Err(Fault::Misfit(format!(
                    "pads {pads:?} are as wide as the {kernel:?} window"
                )));
            }
        }
        Ok(())
    }

    fn too_wide(&self, size: [usize; 2]) -> Fault {
        let (kernel, pads) = (self.kernel, self.pads);
        Fault::Misfit(format!("a {kernel:?} window with pads {pads:?} does not fit {size:?}"))
    }

    /// Elements from the first tap to the last along dimension `i`.
    fn span(&self, i: usize) -> Result<usize, Fault> {
        let gaps = (self.kernel[i] - 1).checked_mul(self.dilation[i]);
        let span =
            gaps.and_then(|gaps| gaps.checked_add(1)).filter(|span| *span <= i32::MAX as usize);
        span.ok_or_else(|| {
            Fault::Misfit(format!("a window of {:?} spaced by {:?}", self.kernel, self.dilation))
        })
    }
}

/// A pair of sizes from a list attribute; `None` if it is left out. One dimension gets a first entry of 1.
pub(super) fn pair(call: &Call<'_>, name: &str, rank: usize) -> Result<Option<[usize; 2]>, Fault> {
    picked(call, name, Plane::of(rank))
}

/// The sizes of a plane from a list attribute; `None` if it is left out. A dimension without a window has 1.
pub(super) fn picked(
    call: &Call<'_>,
    name: &str,
    plane: Plane,
) -> Result<Option<[usize; 2]>, Fault> {
    let Some(ints) = call.ints(name)? else {
        return Ok(None);
    };
    match plane.picked(&sizes(name, &ints)?, 1) {
        Some(pair) => Ok(Some(pair)),
        None => Err(Fault::Misfit(format!("{name} {ints:?} for {} dimensions", plane.rank()))),
    }
}

/// Pads above, left, below and right from a list attribute; none if it is left out.
pub(super) fn explicit_pads(call: &Call<'_>, rank: usize) -> Result<[usize; 4], Fault> {
    pads_within(call, Plane::of(rank))
}

/// Pads of a plane from a list attribute; none if it is left out.
fn pads_within(call: &Call<'_>, plane: Plane) -> Result<[usize; 4], Fault> {
    let Some(ints) = call.ints("pads")? else {
        return Ok([0; 4]);
    };
    let pads = sizes("pads", &ints)?;
    let (before, after) = pads.split_at(pads.len() / 2);
    match (plane.picked(before, 0), plane.picked(after, 0)) {
        (Some([top, left]), Some([bottom, right])) => Ok([top, left, bottom, right]),
        _ => Err(Fault::Misfit(format!("pads {ints:?} for {} dimensions", plane.rank()))),
    }
}

fn sizes(name: &str, ints: &[i64]) -> Result<Vec<usize>, Fault> {
    let size = |int: &i64| usize::try_from(*int).ok().filter(|size| *size <= i32::MAX as usize);
    let sizes: Option<Vec<usize>> = ints.iter().map(size).collect();
    sizes.ok_or_else(|| Fault::Misfit(format!("{name} {ints:?} are not all sizes")))
}

/// An image that windows slide over: rank 4, whatever the file has.
pub(super) struct Picture {
    /// The value, of rank 4.
    pub(super) id: NodeId,
    /// Dimensions that windows slide along in the file: 1 or 2.
    pub(super) rank: usize,
    /// Rows and columns.
    pub(super) size: [usize; 2],
}

impl Picture {
    /// The operand at port 0 as an image; a signal `[n, c, w]` becomes one of a single row.
    pub(super) fn read(call: &mut Call<'_>) -> Result<Self, Fault> {
        let x = call.float(0)?;
        Self::of(call, x)
    }

    /// `x` as an image, likewise.
    pub(super) fn of(call: &mut Call<'_>, x: NodeId) -> Result<Self, Fault> {
        match call.shape(x).as_slice() {
            &[_, _, h, w] => Ok(Self { id: x, rank: 2, size: [h, w] }),
            &[n, c, w] => {
                Ok(Self { id: call.view("picture", x, vec![n, c, 1, w])?, rank: 1, size: [1, w] })
            }
            shape => Err(Fault::Unsupported(format!(
                "an input of rank {}; supported: {}",
                shape.len(),
                ranks(&call.node.op_type)
            ))),
        }
    }
}

/// Ranks of the input that an operator is read with, for messages.
fn ranks(op: &str) -> &'static str {
    if matches!(op, "AveragePool" | "Conv" | "MaxPool") { "3, 4 and 5" } else { "3 and 4" }
}
