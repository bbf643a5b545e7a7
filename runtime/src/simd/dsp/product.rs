//! Products of bytes by words: panels of two channels, of which [`tiles`](super::tiles) compute rows.
//!
//! Where the rows of a part lie one behind the other, and words and tiles make up its points, numbers of the kernel become
//! constants of the call. Whatever else there is, borders of rings, windows, residuals and other arithmetics, is one
//! function for all products.

use core::mem::MaybeUninit;

use super::Limits;
use super::kept::Kept;
use super::tiles::{AS_THEY_ARE, After, Frame, OfPoints, Runs, of_windows};
use crate::affine::Levels;
use crate::simd::dots::{End, Product};

/// Pixels whose sums are kept in memory at most: a multiple of each tile's.
const KEPT: usize = 24;
/// Pixels whose bytes are: in as much memory.
const KEPT_BYTES: usize = 4 * KEPT;
/// Runs of inputs that a window has at most.
pub(crate) const RUNS: usize = 49;

/// Panels of a product of points, and what the function of tiles knows of the first one.
pub(super) struct Panels {
    frame: Frame,
    w: *const u8,
    /// Bytes of a panel, and of its weights.
    w_lens: [usize; 2],
    /// Bytes from a panel's outputs to the next one's.
    y_step: usize,
    panels: [usize; 2],
    channels: usize,
}

impl Panels {
    /// Whole tiles of each of some rows.
    #[inline(always)]
    fn of(
        product: &Product,
        y: *mut u8,
        limits: *const Limits,
        [row, rows]: [usize; 2],
        [pixel, len]: [usize; 2],
    ) -> Self {
        let Product { tile: [mr, _], window, from, into, .. } = *product;
        let (words, step, first) = (window.depth / 4, window.pixel_step, product.panels[0]);
        let slot = row * window.row_stride + from.top - window.above;
        let y_step = 2 * into.chunk;
        let at = into.slot(row + into.top) + pixel * into.pixel + first * y_step;
        let y = y.wrapping_add(at);
        let frame = Frame {
            factors: [0; 2],
            biases: [0; 2],
            beside: [step.wrapping_sub(4), (2 * step).wrapping_sub(4)],
            w: core::ptr::null(),
            w_end: core::ptr::null(),
            limits,
            chunk: into.chunk,
            pixel: into.pixel,
            x_step: (mr * step).wrapping_sub(4 * words),
            y,
            y_end: y.wrapping_add(len * into.pixel),
            entry: words.wrapping_neg() % 4,
            rows,
            x_jump: (window.row_stride * from.row).wrapping_sub(len * step),
            y_jump: into.row.wrapping_sub(len * into.pixel),
            y_row: into.row,
            x: product.x.wrapping_add(from.slot(slot) + pixel * step - window.before),
        };
        let w = product.w.wrapping_add(first * product.panel_len);
        let w_lens = [product.panel_len, 8 * words];
        let Product { panels, channels, .. } = *product;
        Self { frame, w, w_lens, y_step, panels, channels }
    }

    /// Computes them.
    ///
    /// # Safety
    /// What they say lies inside its slices.
    #[inline(never)]
    unsafe fn run(&mut self, of_points: OfPoints) {
        let Self { frame, w, w_lens: [panel_len, w_len], y_step, panels: [first, last], channels } =
            self;
        for panel in *first..*last {
            // SAFETY: a panel begins with biases and factors; the caller's promise.
            unsafe {
                frame.biases = w.cast::<[i32; 2]>().read_unaligned();
                frame.factors = w.wrapping_add(8).cast::<[u32; 2]>().read_unaligned();
                frame.w = w.wrapping_add(16);
                frame.w_end = frame.w.wrapping_add(*w_len);
                if *channels == 2 * panel + 1 {
                    frame.chunk = 0;
                }
                of_points(frame);
            }
            *w = w.wrapping_add(*panel_len);
            frame.y = frame.y.wrapping_add(*y_step);
            frame.y_end = frame.y_end.wrapping_add(*y_step);
        }
    }
}

/// True if inputs or outputs of the rows of a part do not lie one row behind the other in a ring.
#[inline(always)]
fn goes_round(product: &Product) -> bool {
    let Product { window, from, into, rows: [first, last], .. } = *product;
    let above = first * window.row_stride + from.top - window.above;
    let more = last.saturating_sub(first).saturating_sub(1);
    let reads = more * window.row_stride + (window.rows - 1) * window.row_step;
    above % from.kept + reads >= from.kept || (first + into.top) % into.kept + more >= into.kept
}

/// Computes a part of a product of points that whole tiles and words make up, if it is one; says if it did.
///
/// # Safety
/// What the part reads and writes lies inside its slices.
#[inline(always)]
pub(crate) unsafe fn points(product: &Product, end: &End, of_points: OfPoints) -> bool {
    let Product { tile: [mr, _], window, rows, pixels, .. } = *product;
    let End::Bytes { y, levels, added: None } = end else { return false };
    let (len, count) = (pixels[1] - pixels[0], rows[1].saturating_sub(rows[0]));
    let is_whole = len.is_multiple_of(mr) && window.depth.is_multiple_of(4);
    if window.rows * window.taps > 1 || !is_whole || !levels.is_float() || goes_round(product) {
        return false;
    }
    let limits = Limits::of(*levels);
    let some = [[rows[0], count], [pixels[0], len]];
    let mut panels = Panels::of(product, *y, limits.unless_none(), some[0], some[1]);
    if count > 0 && len > 0 {
        // SAFETY: the caller's promise.
        unsafe { panels.run(of_points) };
    }
    true
}

/// Computes a part of a product of two channels a panel, of up to three pixels a tile and `RUNS` runs a window.
///
/// # Safety
/// What the part reads and writes lies inside its slices.
#[inline(never)]
pub(crate) unsafe fn product(product: &Product, end: &End, of_points: OfPoints) {
    let [first, last] = product.rows;
    let some = match end {
        End::Bytes { added: None, levels, .. } if levels.is_float() && !goes_round(product) => {
            last - first
        }
        _ => 1,
    };
    let mut row = first;
    while row < last {
        // SAFETY: the caller's rows.
        unsafe { of_rows(product, end, of_points, row, some) };
        row += some;
    }
}

/// The pixels of some rows.
unsafe fn of_rows(product: &Product, end: &End, of_points: OfPoints, row: usize, rows: usize) {
    let Product { tile: [mr, _], pixels: [first, last], .. } = *product;
    let most = match end {
        End::Bytes { added: None, levels, .. } if levels.is_float() => usize::MAX,
        End::Bytes { levels, .. } if levels.is_float() => KEPT_BYTES,
        _ => KEPT,
    };
    let mut pixel = first;
    while pixel < last {
        let left = last - pixel;
        let (start, len) = if left < mr {
            (last - mr, mr)
        } else {
            (pixel, if left < most { left - left % mr } else { most })
        };
        // SAFETY: the caller's pixels.
        unsafe { of_pixels(product, end, of_points, [row, rows], [start, len]) };
        pixel = start + len;
    }
}

/// Runs of the windows of a pixel.
type Table = [MaybeUninit<*const u8>; RUNS];

/// Writes where the runs of the windows of a pixel begin; their count, and the first.
fn tabulate(product: &Product, [row, pixel]: [usize; 2], table: &mut Table) -> (usize, *const u8) {
    let Product { window, from, .. } = *product;
    let (mut count, mut first) = (0, core::ptr::null());
    for ky in 0..window.rows {
        let slot = row * window.row_stride + ky * window.row_step + from.top - window.above;
        let start = from.slot(slot) + pixel * window.pixel_step - window.before;
        for tap in 0..window.taps {
            let x = product.x.wrapping_add(start + tap * window.tap_step);
            if count == 0 {
                first = x;
            }
            if let Some(run) = table.get_mut(count) {
                run.write(x);
            }
            count += 1;
        }
    }
    (count, first)
}

/// The runs of windows of so many words and bytes beyond them.
fn runs(table: &Table, count: usize, words: usize, beyond: usize) -> Runs {
    Runs {
        w_len: 8 * words,
        tail: if beyond == 0 { 0 } else { 4 - beyond },
        first: table.as_ptr().cast(),
        after: match () {
            () if words > 4 => After::Words,
            () if beyond > 0 => After::Tail,
            () => After::Run,
        },
        at: 0,
        next: core::ptr::null(),
        end: table.as_ptr().cast::<*const u8>().wrapping_add(count),
        begin: 0,
    }
}

/// The form in which tiles leave their sums.
#[derive(Clone, Copy)]
struct Left {
    /// As bytes.
    as_bytes: bool,
    /// As bytes where the outputs lie.
    is_direct: bool,
    /// Of points alone, in whole words.
    are_points: bool,
}

impl Left {
    fn of(end: &End, is_point: bool) -> Self {
        let as_bytes = matches!(end, End::Bytes { levels, .. } if levels.is_float());
        let adds = matches!(end, End::Bytes { added: Some(_), .. });
        Self { as_bytes, is_direct: as_bytes && !adds, are_points: as_bytes && is_point }
    }

    /// Bytes from a channel to the next, and from a pixel to the next.
    fn steps(self, product: &Product) -> [usize; 2] {
        match self {
            Self { is_direct: true, .. } => [product.into.chunk, product.into.pixel],
            Self { as_bytes: true, .. } => [1, 2],
            Self { .. } => [4, 8],
        }
    }

    /// The frame of so many rows of so many pixels, of which the first one reads from `x`.
    fn frame(
        self,
        product: &Product,
        limits: &Limits,
        [rows, len]: [usize; 2],
        x: *const u8,
    ) -> Frame {
        let Product { tile: [mr, _], window, from, into, .. } = *product;
        let (words, step, [chunk, pixel]) =
            (window.depth / 4, window.pixel_step, self.steps(product));
        Frame {
            factors: [0; 2],
            biases: [0; 2],
            beside: [step.wrapping_sub(4), (2 * step).wrapping_sub(4)],
            w: core::ptr::null(),
            w_end: core::ptr::null(),
            limits: if self.as_bytes { limits.unless_none() } else { AS_THEY_ARE },
            chunk,
            pixel,
            x_step: (mr * step).wrapping_sub(if self.are_points { 4 * words } else { 0 }),
            y: core::ptr::null_mut(),
            y_end: core::ptr::null_mut(),
            entry: words.wrapping_neg() % 4,
            rows,
            x_jump: (window.row_stride * from.row).wrapping_sub(len * step),
            y_jump: into.row.wrapping_sub(len * pixel),
            y_row: into.row,
            x,
        }
    }
}

/// Whole tiles of each of some rows.
unsafe fn of_pixels(
    product: &Product,
    end: &End,
    of_points: OfPoints,
    [row, rows]: [usize; 2],
    [pixel, len]: [usize; 2],
) {
    let Product { tile: [mr, _], window, into, channels, .. } = *product;
    let mut table = [const { MaybeUninit::uninit() }; RUNS];
    let (count, first) = tabulate(product, [row, pixel], &mut table);
    let (words, beyond) = (window.depth / 4, window.depth % 4);
    let levels = match end {
        End::Bytes { levels, .. } => *levels,
        End::Reals { .. } => Levels::u8(0),
    };
    let (limits, more) = (Limits::of(levels), levels.factors());
    let left = Left::of(end, count == 1 && beyond == 0);
    let mut kept = [const { MaybeUninit::<i32>::uninit() }; 2 * KEPT];
    let at = into.slot(row + into.top) + pixel * into.pixel;
    let mut frame = left.frame(product, &limits, [rows, len], first);
    let runs = runs(&table, count, words, beyond);
    let of_windows = of_windows(mr);
    for panel in product.panels[0]..product.panels[1] {
        let w = product.w.wrapping_add(panel * product.panel_len);
        // SAFETY: a panel begins with biases and factors, of which words are read.
        unsafe {
            frame.biases = w.cast::<[i32; 2]>().read_unaligned();
            frame.factors = w.wrapping_add(8).cast::<[u32; 2]>().read_unaligned();
        }
        frame.w = w.wrapping_add(8 + 8 * more);
        frame.w_end = frame.w.wrapping_add(8 * words);
        let is_single = channels == 2 * panel + 1;
        if is_single && left.is_direct {
            frame.chunk = 0;
        }
        frame.y = match end {
            End::Bytes { y, .. } if left.is_direct => y.wrapping_add(at + 2 * panel * into.chunk),
            _ => kept.as_mut_ptr().cast(),
        };
        frame.y_end = frame.y.wrapping_add(len * frame.pixel);
        // SAFETY: the frame says what the caller promised, or has room in `kept`; what it reads next, it has written.
        unsafe {
            if left.are_points {
                of_points(&raw const frame);
            } else {
                of_windows(&raw const frame, &raw const runs);
            }
        }
        if !left.is_direct {
            let sums = kept.as_ptr().cast::<i32>();
            let kept = Kept { row, pixel, len, panel, channels: if is_single { 1 } else { 2 } };
            // SAFETY: what was kept is read, and the outputs that the caller promised are written.
            unsafe { finish(kept, product, [sums.cast(), w], (end, left)) };
        }
    }
}

/// Makes outputs of the sums and the panel that `memory` points to.
unsafe fn finish(kept: Kept, product: &Product, memory: [*const u8; 2], (end, left): (&End, Left)) {
    let ([sums, w], into) = (memory, &product.into);
    // SAFETY: the caller's sums, panel and outputs.
    unsafe {
        match end {
            End::Bytes { y, added: Some((skip, ring, pair)), .. } if left.as_bytes => {
                kept.add(sums, (*skip, ring), pair, (*y, into));
            }
            _ => kept.finish(sums.cast(), w, end, into),
        }
    }
}
