//! Products of bytes by words: a tile is up to three pixels by two channels, whose six sums, inputs and weights fill the
//! core's registers.
//!
//! Four weights of each channel and four inputs of each pixel are halfwords of two registers each, and `smlad` adds two
//! products of them to a sum. Tiles of all rows of a panel are one call of a naked function, which ends in bytes: a sum
//! times its factor, rounded to the nearest integer (halves to even, as in [`Levels::byte`]), and saturated. Products that end
//! in something else leave their sums in memory.

use core::arch::naked_asm;
use core::mem::MaybeUninit;

use super::Limits;
use super::kept::Kept;
use crate::affine::Levels;
use crate::simd::dots::{End, Product};

/// Pixels whose sums are kept in memory at most: a multiple of each tile's.
const KEPT: usize = 24;
/// Pixels whose bytes are: in as much memory.
const KEPT_BYTES: usize = 4 * KEPT;
/// What stands for limits where sums are stored as they are.
const AS_THEY_ARE: *const Limits = core::ptr::without_provenance(1);

/// What a function of tiles knows, in the order in which it loads it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Frame {
    /// Of both channels.
    factors: [u32; 2],
    biases: [i32; 2],
    /// Bytes from the word behind a pixel's inputs to those of the two pixels after it.
    beside: [usize; 2],
    w: *const u8,
    w_end: *const u8,
    limits: *const Limits,
    /// Bytes from a channel of the output to the next.
    chunk: usize,
    /// Bytes from a pixel of the output to the next.
    pixel: usize,
    /// Bytes from a tile's last input to the next tile's first.
    x_step: usize,
    y: *mut u8,
    /// The end of the tiles of a row.
    y_end: *mut u8,
    /// Steps of a loop that a run begins behind, then where that is.
    entry: usize,
    rows: usize,
    /// Bytes from the end of a row's tiles to the next row.
    x_jump: usize,
    y_jump: usize,
    /// Bytes from a row of the output to the next.
    y_row: usize,
    x: *const u8,
}

/// What a function of tiles over several runs knows beside.
#[repr(C)]
struct Runs {
    /// Bytes of weights of a run's whole words.
    w_len: usize,
    /// Inputs of a run that its last word has in common with the one before it, plus four; zero if words are whole.
    tail: usize,
    /// Where runs begin.
    first: *const *const u8,
    end: *const *const u8,
    /// Bytes from the first tile to this one.
    at: usize,
}

/// Four inputs of three pixels times the weights of two channels.
macro_rules! step_3 {
    () => {
        "
        ldrd r9, r11, [r1], #8
        ldr r12, [r0], #4
        sxtb16 r8, r9
        sxtb16 r9, r9, ror #8
        sxtb16 r10, r11
        sxtb16 r11, r11, ror #8
        uxtb16 r14, r12
        uxtb16 r12, r12, ror #8
        smlad r2, r14, r8, r2
        smlad r3, r14, r10, r3
        smlad r2, r12, r9, r2
        smlad r3, r12, r11, r3
        vmov r12, s12
        ldr r12, [r0, r12]
        uxtb16 r14, r12
        uxtb16 r12, r12, ror #8
        smlad r4, r14, r8, r4
        smlad r5, r14, r10, r5
        smlad r4, r12, r9, r4
        smlad r5, r12, r11, r5
        vmov r12, s13
        ldr r12, [r0, r12]
        uxtb16 r14, r12
        uxtb16 r12, r12, ror #8
        smlad r6, r14, r8, r6
        smlad r7, r14, r10, r7
        smlad r6, r12, r9, r6
        smlad r7, r12, r11, r7
        "
    };
}

/// [`step_3`] for pixels that lie a constant apart.
macro_rules! step_3_apart {
    () => {
        "
        ldrd r9, r11, [r1], #8
        ldr r12, [r0], #4
        sxtb16 r8, r9
        sxtb16 r9, r9, ror #8
        sxtb16 r10, r11
        sxtb16 r11, r11, ror #8
        uxtb16 r14, r12
        uxtb16 r12, r12, ror #8
        smlad r2, r14, r8, r2
        smlad r3, r14, r10, r3
        smlad r2, r12, r9, r2
        smlad r3, r12, r11, r3
        ldr r12, [r0, {step} - 4]
        uxtb16 r14, r12
        uxtb16 r12, r12, ror #8
        smlad r4, r14, r8, r4
        smlad r5, r14, r10, r5
        smlad r4, r12, r9, r4
        smlad r5, r12, r11, r5
        ldr r12, [r0, 2 * {step} - 4]
        uxtb16 r14, r12
        uxtb16 r12, r12, ror #8
        smlad r6, r14, r8, r6
        smlad r7, r14, r10, r7
        smlad r6, r12, r9, r6
        smlad r7, r12, r11, r7
        "
    };
}

/// Four inputs of two pixels times the weights of two channels.
macro_rules! step_2 {
    () => {
        "
        ldrd r9, r11, [r1], #8
        ldr r12, [r0], #4
        ldr r6, [r0, r7]
        sxtb16 r8, r9
        sxtb16 r9, r9, ror #8
        sxtb16 r10, r11
        sxtb16 r11, r11, ror #8
        uxtb16 r14, r12
        uxtb16 r12, r12, ror #8
        smlad r2, r14, r8, r2
        smlad r3, r14, r10, r3
        smlad r2, r12, r9, r2
        smlad r3, r12, r11, r3
        uxtb16 r14, r6
        uxtb16 r6, r6, ror #8
        smlad r4, r14, r8, r4
        smlad r5, r14, r10, r5
        smlad r4, r6, r9, r4
        smlad r5, r6, r11, r5
        "
    };
}

/// Four inputs of a pixel times the weights of two channels.
macro_rules! step_1 {
    () => {
        "
        ldrd r9, r11, [r1], #8
        ldr r12, [r0], #4
        sxtb16 r8, r9
        sxtb16 r9, r9, ror #8
        sxtb16 r10, r11
        sxtb16 r11, r11, ror #8
        uxtb16 r14, r12
        uxtb16 r12, r12, ror #8
        smlad r2, r14, r8, r2
        smlad r3, r14, r10, r3
        smlad r2, r12, r9, r2
        smlad r3, r12, r11, r3
        "
    };
}

/// Biases as the sums of a tile.
macro_rules! begin {
    (3) => {
        "
        vmov r2, r3, s10, s11
        mov r4, r2
        mov r5, r3
        mov r6, r2
        mov r7, r3
        "
    };
    (2) => {
        "
        vmov r2, r3, s10, s11
        mov r4, r2
        mov r5, r3
        vmov r7, s12
        "
    };
    (1) => {
        "
        vmov r2, r3, s10, s11
        "
    };
}

/// Sums as rounded steps; then what the stack holds of the output, and whether steps have limits (`8:`).
macro_rules! round {
    (3) => {
        "
        vmov s0, s1, r2, r3
        vmov s2, s3, r4, r5
        vmov s4, s5, r6, r7
        vcvt.f32.s32 s0, s0
        vcvt.f32.s32 s1, s1
        vcvt.f32.s32 s2, s2
        vcvt.f32.s32 s3, s3
        vcvt.f32.s32 s4, s4
        vcvt.f32.s32 s5, s5
        vmul.f32 s0, s0, s8
        vmul.f32 s1, s1, s9
        vmul.f32 s2, s2, s8
        vmul.f32 s3, s3, s9
        vmul.f32 s4, s4, s8
        vmul.f32 s5, s5, s9
        vcvtr.s32.f32 s0, s0
        vcvtr.s32.f32 s1, s1
        vcvtr.s32.f32 s2, s2
        vcvtr.s32.f32 s3, s3
        vcvtr.s32.f32 s4, s4
        vcvtr.s32.f32 s5, s5
        vmov r2, r3, s0, s1
        vmov r4, r5, s2, s3
        vmov r6, r7, s4, s5
        ldm sp, {{r8-r12, r14}}
        cmp r8, #0
        bne 8f
        "
    };
    (2) => {
        "
        vmov s0, s1, r2, r3
        vmov s2, s3, r4, r5
        vcvt.f32.s32 s0, s0
        vcvt.f32.s32 s1, s1
        vcvt.f32.s32 s2, s2
        vcvt.f32.s32 s3, s3
        vmul.f32 s0, s0, s8
        vmul.f32 s1, s1, s9
        vmul.f32 s2, s2, s8
        vmul.f32 s3, s3, s9
        vcvtr.s32.f32 s0, s0
        vcvtr.s32.f32 s1, s1
        vcvtr.s32.f32 s2, s2
        vcvtr.s32.f32 s3, s3
        vmov r2, r3, s0, s1
        vmov r4, r5, s2, s3
        ldm sp, {{r8-r12, r14}}
        cmp r8, #0
        bne 8f
        "
    };
    (1) => {
        "
        vmov s0, s1, r2, r3
        vcvt.f32.s32 s0, s0
        vcvt.f32.s32 s1, s1
        vmul.f32 s0, s0, s8
        vmul.f32 s1, s1, s9
        vcvtr.s32.f32 s0, s0
        vcvtr.s32.f32 s1, s1
        vmov r2, r3, s0, s1
        ldm sp, {{r8-r12, r14}}
        cmp r8, #0
        bne 8f
        "
    };
}

/// Saturates steps and stores them, those of the second channel first: where there is none, they lie where the first's do.
macro_rules! store {
    (3) => {
        "
        usat r2, #8, r2
        usat r3, #8, r3
        usat r4, #8, r4
        usat r5, #8, r5
        usat r6, #8, r6
        usat r7, #8, r7
        6:
        add r8, r12, r9
        strb r3, [r8]
        strb r5, [r8, r10]
        strb r7, [r8, r10, lsl #1]
        strb r2, [r12]
        strb r4, [r12, r10]
        strb r6, [r12, r10, lsl #1]
        add r12, r12, r10, lsl #1
        add r12, r12, r10
        "
    };
    (2) => {
        "
        usat r2, #8, r2
        usat r3, #8, r3
        usat r4, #8, r4
        usat r5, #8, r5
        6:
        add r8, r12, r9
        strb r3, [r8]
        strb r5, [r8, r10]
        strb r2, [r12]
        strb r4, [r12, r10]
        add r12, r12, r10, lsl #1
        "
    };
    (1) => {
        "
        usat r2, #8, r2
        usat r3, #8, r3
        6:
        strb r3, [r12, r9]
        strb r2, [r12]
        add r12, r12, r10
        "
    };
}

/// Stores the sums of a tile, pixel by pixel.
macro_rules! keep {
    (3) => {
        "
        stm r12!, {{r2-r7}}
        "
    };
    (2) => {
        "
        stm r12!, {{r2-r5}}
        "
    };
    (1) => {
        "
        stm r12!, {{r2-r3}}
        "
    };
}

/// Steps counted from zero, between limits at `r8`, of which some are not those of bytes.
macro_rules! limited {
    ($($r:literal)*) => {
        concat!(
            "
        8:
        ldr r1, [r8]
        ",
            $("qadd ", $r, ", ", $r, ", r1\n", "usat ", $r, ", #8, ", $r, "\n",)*
            "
        ldr r1, [r8, #4]
        cmp r1, #0
        beq 6b
        ldr r1, [r8, #8]
        ldr r8, [r8, #12]
        ",
            $(
                "cmp ", $r, ", r1\n", "it lt\n", "movlt ", $r, ", r1\n",
                "cmp ", $r, ", r8\n", "it gt\n", "movgt ", $r, ", r8\n",
            )*
            "
        b 6b
        "
        )
    };
}

/// The next tile of the row, or the next row. Tiles begin at `1:`.
macro_rules! advance {
    () => {
        "
        str r12, [sp, #16]
        cmp r12, r14
        bne 1b
        ldr r1, [sp, #28]
        subs r1, r1, #1
        beq 9f
        str r1, [sp, #28]
        ldr r1, [sp, #32]
        add r0, r0, r1
        ldr r1, [sp, #36]
        add r12, r12, r1
        str r12, [sp, #16]
        ldr r1, [sp, #40]
        add r14, r14, r1
        str r14, [sp, #20]
        b 1b
        "
    };
}

/// The function of a tile: a product of one run, whose words are whole, to bytes.
macro_rules! of_points {
    ($name:ident, $pixels:tt, $step:ident, $($r:literal)*) => {
        /// Tiles of rows of points; see [`Frame`].
        ///
        /// # Safety
        /// What the frame says lies inside its slices.
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name<const STEP: usize>(frame: *const Frame) {
            naked_asm!(
                ".fpu fpv4-sp-d16",
                "/* {step} */",
                "push {{r3-r11, lr}}",
                "vldm r0!, {{s8-s15}}",
                "ldm r0, {{r1-r12}}",
                "push {{r1-r12}}",
                "mov r0, r12",
                "adr.w r12, 2f",
                "cmp r7, #0",
                "beq 7f",
                "adr.w r12, 3f",
                "cmp r7, #1",
                "beq 7f",
                "adr.w r12, 4f",
                "cmp r7, #2",
                "beq 7f",
                "adr.w r12, 5f",
                "7: orr r12, r12, #1",
                "str r12, [sp, #24]",
                "1:",
                begin!($pixels),
                "vmov r1, s14",
                "ldr pc, [sp, #24]",
                "2:",
                $step!(),
                "3:",
                $step!(),
                "4:",
                $step!(),
                "5:",
                $step!(),
                "vmov r12, s15",
                "cmp r1, r12",
                "bne 2b",
                round!($pixels),
                store!($pixels),
                "add r0, r0, r11",
                advance!(),
                limited!($($r)*),
                "9: add sp, sp, #48",
                "pop {{r3-r11, pc}}",
                step = const STEP,
            )
        }
    };
}

of_points!(points_3_apart, 3, step_3_apart, "r2" "r3" "r4" "r5" "r6" "r7");
of_points!(points_3, 3, step_3, "r2" "r3" "r4" "r5" "r6" "r7");
of_points!(points_2, 2, step_2, "r2" "r3" "r4" "r5");
of_points!(points_1, 1, step_1, "r2" "r3");

/// The function of a tile: a product of several runs, to bytes or to sums.
macro_rules! of_windows {
    ($name:ident, $pixels:tt, $step:ident, $($r:literal)*) => {
        /// Tiles of rows of windows; see [`Frame`] and [`Runs`].
        ///
        /// # Safety
        /// What they say lies inside its slices.
        #[unsafe(naked)]
        unsafe extern "C" fn $name<const ARM: bool>(frame: *const Frame, runs: *const Runs) {
            naked_asm!(
                ".fpu fpv4-sp-d16",
                "push {{r3-r11, lr}}",
                "vldm r0!, {{s8-s15}}",
                "ldm r1, {{r1-r5}}",
                "push {{r1-r6}}", // at 48: length of weights, tail, first run, their end, bytes to the tile, the next run
                "ldm r0, {{r1-r12}}",
                "push {{r1-r12}}",
                "cmp r7, #0",
                "adr.w r7, 2f",
                "beq 7f",
                "adr.w r7, 3f",
                "7: orr r7, r7, #1",
                "str r7, [sp, #24]",
                "ldr r0, [sp, #64]",
                "1:",
                begin!($pixels),
                "str r0, [sp, #64]",
                "vmov r1, s14",
                "ldr r14, [sp, #56]",
                "4:",
                "ldr r0, [r14], #4",
                "str r14, [sp, #68]",
                "ldr r14, [sp, #64]",
                "ldr r12, [sp, #48]",
                "add r0, r0, r14",
                "add r12, r12, r1",
                "vmov s15, r12",
                "ldr pc, [sp, #24]",
                "2:",
                $step!(),
                "3:",
                $step!(),
                "vmov r12, s15",
                "cmp r1, r12",
                "bne 2b",
                "ldr r12, [sp, #52]",
                "cmp r12, #0",
                "beq 5f",
                "sub r0, r0, r12",
                $step!(),
                "5:",
                "ldr r14, [sp, #68]",
                "ldr r12, [sp, #60]",
                "cmp r14, r12",
                "bne 4b",
                "ldr r8, [sp]",
                "cmp r8, #1",
                "beq 7f",
                round!($pixels),
                store!($pixels),
                "4:",
                "ldr r0, [sp, #64]",
                "add r0, r0, r11",
                advance!(),
                limited!($($r)*),
                "7:",
                "ldm sp, {{r8-r12, r14}}",
                keep!($pixels),
                "b 4b",
                "9: add sp, sp, #72",
                "pop {{r3-r11, pc}}",
            )
        }
    };
}

of_windows!(windows_3, 3, step_3, "r2" "r3" "r4" "r5" "r6" "r7");
of_windows!(windows_2, 2, step_2, "r2" "r3" "r4" "r5");
of_windows!(windows_1, 1, step_1, "r2" "r3");

/// A function of tiles of points.
pub(super) type OfPoints = unsafe extern "C" fn(*const Frame);
/// A function of tiles of windows.
type OfWindows = unsafe extern "C" fn(*const Frame, *const Runs);

/// The function for tiles of so many pixels that lie so far apart.
#[inline(always)]
pub(super) fn of_points(pixels: usize, step: usize) -> OfPoints {
    macro_rules! apart {
        ($($step:literal)*) => {
            match (pixels, step) {
                $((3, $step) => points_3_apart::<$step>,)*
                (3, _) => points_3::<0>,
                (2, _) => points_2::<0>,
                _ => points_1::<0>,
            }
        };
    }
    apart!(8 16 24 32 40 48 56 64 80 96 112 128 144 160 192 224 240 256 288 320 336 384 448 480 512 576 672 768 960 1024)
}

/// Runs of inputs that a window has at most.
pub(super) const RUNS: usize = 49;

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
pub(super) unsafe fn points(product: &Product, end: &End, of_points: OfPoints) -> bool {
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
pub(super) unsafe fn product(product: &Product, end: &End, of_points: OfPoints) {
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

/// Whole tiles of each of some rows.
unsafe fn of_pixels(
    product: &Product,
    end: &End,
    of_points: OfPoints,
    [row, rows]: [usize; 2],
    [pixel, len]: [usize; 2],
) {
    let Product { tile: [mr, _], window, from, into, channels, .. } = *product;
    let mut table = [const { MaybeUninit::<*const u8>::uninit() }; RUNS];
    let mut count = 0;
    let mut first = core::ptr::null();
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
    let (words, beyond) = (window.depth / 4, window.depth % 4);
    let step = window.pixel_step;
    let (levels, adds) = match end {
        End::Bytes { levels, added, .. } => (*levels, added.is_some()),
        End::Reals { .. } => (Levels::u8(0), false),
    };
    let (limits, more) = (Limits::of(levels), levels.factors());
    let as_bytes = matches!(end, End::Bytes { levels, .. } if levels.is_float());
    let direct = as_bytes && !adds;
    let points = as_bytes && count == 1 && beyond == 0;
    let mut kept = [const { MaybeUninit::<i32>::uninit() }; 2 * KEPT];
    let at = into.slot(row + into.top) + pixel * into.pixel;
    let [chunk, pixel_step] = match () {
        () if direct => [into.chunk, into.pixel],
        () if as_bytes => [1, 2],
        () => [4, 8],
    };
    let mut frame = Frame {
        factors: [0; 2],
        biases: [0; 2],
        beside: [step.wrapping_sub(4), (2 * step).wrapping_sub(4)],
        w: core::ptr::null(),
        w_end: core::ptr::null(),
        limits: if as_bytes { limits.unless_none() } else { AS_THEY_ARE },
        chunk,
        pixel: pixel_step,
        x_step: (mr * step).wrapping_sub(if points { 4 * words } else { 0 }),
        y: core::ptr::null_mut(),
        y_end: core::ptr::null_mut(),
        entry: if points { words.wrapping_neg() % 4 } else { words % 2 },
        rows,
        x_jump: (window.row_stride * from.row).wrapping_sub(len * step),
        y_jump: into.row.wrapping_sub(len * pixel_step),
        y_row: into.row,
        x: first,
    };
    let runs = Runs {
        w_len: 8 * words,
        tail: if beyond == 0 { 0 } else { 4 - beyond },
        first: table.as_ptr().cast(),
        end: table.as_ptr().cast::<*const u8>().wrapping_add(count),
        at: 0,
    };
    let of_windows: OfWindows = match mr {
        3 => windows_3::<true>,
        2 => windows_2::<true>,
        _ => windows_1::<true>,
    };
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
        if is_single && direct {
            frame.chunk = 0;
        }
        let at = at + 2 * panel * into.chunk;
        frame.y = match end {
            End::Bytes { y, .. } if direct => y.wrapping_add(at),
            _ => kept.as_mut_ptr().cast(),
        };
        frame.y_end = frame.y.wrapping_add(len * pixel_step);
        // SAFETY: the frame says what the caller promised, or has room in `kept`; what it reads next, it has written.
        unsafe {
            if points {
                of_points(&raw const frame);
            } else {
                of_windows(&raw const frame, &raw const runs);
            }
        }
        if direct {
            continue;
        }
        let sums = kept.as_ptr().cast::<i32>();
        let kept = Kept { row, pixel, len, panel, channels: if is_single { 1 } else { 2 } };
        // SAFETY: what was kept is read, and the outputs that the caller promised are written.
        unsafe {
            match end {
                End::Bytes { y, added: Some((skip, ring, pair)), .. } if as_bytes => {
                    kept.add(sums.cast(), (*skip, ring), pair, (*y, &into));
                }
                _ => kept.finish(sums, w, end, &into),
            }
        }
    }
}
