//! Windows of three by three bytes over planes, two outputs at a time.
//!
//! A word of a row holds what both outputs read: halfwords of columns 0 and 2 and of columns 1 and 3, of which `smlad` takes
//! two products and `smlabb` and its kin one. The nine weights lie in five registers. Rows of a plane are one call.

use core::arch::naked_asm;

use super::Limits;
use crate::affine::Levels;
use crate::simd::dots::Planes;

/// What a function of windows knows, in the order in which it loads it.
#[repr(C)]
struct Frame {
    /// Of both outputs.
    biases: [i32; 2],
    /// Bytes from an output to the next.
    pixel: usize,
    /// The end of the outputs of a row.
    y_end: *mut u8,
    factor: u32,
    limits: *const Limits,
    /// Weights of each column, by row.
    columns: [u32; 3],
    /// Bytes from the inputs of two outputs that the first row's load ends at to those in the rows below.
    below: [usize; 2],
    x: *const u8,
    y: *mut u8,
    rows: usize,
    /// Bytes from the end of a row's inputs and outputs to the next row's.
    x_jump: usize,
    y_jump: usize,
    /// Bytes from a row of the output to the next.
    y_row: usize,
}

/// Sums of two outputs side by side, stride 1, in `r12` and `r14`.
macro_rules! sums_1 {
    () => {
        "
        ldr r9, [r0], #2
        ldr r11, [r0, r1]
        vmov r12, r14, s8, s9
        uxtb16 r10, r9
        uxtb16 r9, r9, ror #8
        smlad r12, r10, r4, r12
        smlabb r12, r9, r7, r12
        smlad r14, r9, r4, r14
        smlatb r14, r10, r7, r14
        ldr r9, [r0, r3]
        uxtb16 r10, r11
        uxtb16 r11, r11, ror #8
        smlad r12, r10, r5, r12
        smlabt r12, r11, r7, r12
        smlad r14, r11, r5, r14
        smlatt r14, r10, r7, r14
        uxtb16 r10, r9
        uxtb16 r9, r9, ror #8
        smlad r12, r10, r6, r12
        smlabt r12, r9, r8, r12
        smlad r14, r9, r6, r14
        smlatt r14, r10, r8, r14
        "
    };
}

/// Sums of two outputs side by side, stride 2, in `r12` and `r14`.
macro_rules! sums_2 {
    () => {
        "
        ldr r9, [r0], #4
        ldrb r11, [r0]
        vmov r12, r14, s8, s9
        uxtb16 r10, r9
        uxtb16 r9, r9, ror #8
        smlad r12, r10, r4, r12
        smlabb r12, r9, r7, r12
        smlatb r14, r10, r4, r14
        smlatb r14, r9, r7, r14
        smlabt r14, r11, r4, r14
        add r11, r0, r1
        ldr r9, [r11]
        ldrb r11, [r11, #4]
        uxtb16 r10, r9
        uxtb16 r9, r9, ror #8
        smlad r12, r10, r5, r12
        smlabt r12, r9, r7, r12
        smlatb r14, r10, r5, r14
        smlatt r14, r9, r7, r14
        smlabt r14, r11, r5, r14
        add r11, r0, r3
        ldr r9, [r11]
        ldrb r11, [r11, #4]
        uxtb16 r10, r9
        uxtb16 r9, r9, ror #8
        smlad r12, r10, r6, r12
        smlabt r12, r9, r8, r12
        smlatb r14, r10, r6, r14
        smlatt r14, r9, r8, r14
        smlabt r14, r11, r6, r14
        "
    };
}

/// Sums as rounded steps.
macro_rules! round {
    () => {
        "
        vmov s0, s1, r12, r14
        vcvt.f32.s32 s0, s0
        vcvt.f32.s32 s1, s1
        vmul.f32 s0, s0, s12
        vmul.f32 s1, s1, s12
        vcvtr.s32.f32 s0, s0
        vcvtr.s32.f32 s1, s1
        vmov r12, r14, s0, s1
        "
    };
}

/// Bytes of both outputs, and where the next ones lie.
macro_rules! store {
    () => {
        "
        vmov r9, r10, s10, s11
        strb r12, [r2]
        strb r14, [r2, r9]
        add r2, r2, r9, lsl #1
        cmp r2, r10
        "
    };
}

/// The next row, after which loops begin at the label.
macro_rules! advance {
    ($again:literal) => {
        concat!(
            "
        ldr r9, [sp]
        subs r9, r9, #1
        beq 9f
        str r9, [sp]
        ldr r9, [sp, #12]
        add r10, r10, r9
        vmov s11, r10
        ldr r9, [sp, #4]
        add r0, r0, r9
        ldr r9, [sp, #8]
        add r2, r2, r9
        b ",
            $again,
            "\n"
        )
    };
}

macro_rules! of_planes {
    ($name:ident, $sums:ident) => {
        /// Windows of the rows of a plane; see [`Frame`].
        ///
        /// # Safety
        /// What the frame says lies inside its slices.
        #[unsafe(naked)]
        unsafe extern "C" fn $name<const ARM: bool>(frame: *const Frame) {
            naked_asm!(
                ".cpu cortex-m4",
                "push {{r4-r11, lr}}",
                "vldm r0!, {{s8-s13}}",
                "ldm r0!, {{r4-r6}}",
                "sxtb16 r7, r4",          // rows 0 and 2 of column 0
                "sxtb16 r8, r4, ror #8",  // row 1 of it
                "sxtb16 r9, r6",          // rows 0 and 2 of column 2
                "sxtb16 r10, r6, ror #8", // row 1 of it
                "sxtb16 r11, r5",         // rows 0 and 2 of column 1
                "sxtb16 r12, r5, ror #8", // row 1 of it
                "pkhbt r4, r7, r9, lsl #16",
                "pkhbt r5, r8, r10, lsl #16",
                "pkhtb r6, r9, r7, asr #16",
                "pkhbt r7, r11, r12, lsl #16",
                "mov r8, r11",
                "ldm r0, {{r1, r3, r9-r12, r14}}", // below, x, y, rows, jumps
                "ldr r2, [r0, #28]",
                "push {{r2}}",
                "push {{r11, r12, r14}}",
                "mov r0, r9",
                "mov r2, r10",
                "vmov r9, s13",
                "cmp r9, #0",
                "bne 3f",
                "2:",
                $sums!(),
                round!(),
                "usat r12, #8, r12",
                "usat r14, #8, r14",
                store!(),
                "bne 2b",
                advance!("2b"),
                "3:",
                $sums!(),
                round!(),
                "vmov r11, s13",
                "ldrd r9, r10, [r11]",
                "qadd r12, r12, r9",
                "qadd r14, r14, r9",
                "usat r12, #8, r12",
                "usat r14, #8, r14",
                "cmp r10, #0",
                "beq 4f",
                "ldrd r9, r10, [r11, #8]",
                "cmp r12, r9",
                "it lt",
                "movlt r12, r9",
                "cmp r12, r10",
                "it gt",
                "movgt r12, r10",
                "cmp r14, r9",
                "it lt",
                "movlt r14, r9",
                "cmp r14, r10",
                "it gt",
                "movgt r14, r10",
                "4:",
                store!(),
                "bne 3b",
                advance!("3b"),
                "9: add sp, sp, #16",
                "pop {{r4-r11, pc}}",
            )
        }
    };
}

of_planes!(rows_1, sums_1);
of_planes!(rows_2, sums_2);

/// Some rows of planes, of which the frame says where the first one lies.
struct Channels {
    frame: Frame,
    w: *const u8,
    /// Bytes from a channel to the next, of weights, inputs and outputs.
    steps: [usize; 3],
    count: usize,
}

impl Channels {
    #[inline(always)]
    fn of(
        planes: &Planes,
        limits: *const Limits,
        y: *mut u8,
        [row, rows]: [usize; 2],
        [pixel, len]: [usize; 2],
    ) -> Self {
        let Planes { from, into, stride, pad, panel_len, channels: [first, last], .. } = *planes;
        let slot = |ky: usize| from.slot(row * stride + ky + from.top - pad[0]);
        let below = |ky: usize| slot(ky).wrapping_sub(slot(0) + 2 * stride);
        let x = slot(0) + pixel * stride - pad[1] + first * from.chunk;
        let y_at = into.slot(row + into.top) + pixel * into.pixel + first * into.chunk;
        let y = y.wrapping_add(y_at);
        let frame = Frame {
            biases: [0; 2],
            pixel: into.pixel,
            y_end: y.wrapping_add(len * into.pixel),
            factor: 0,
            limits,
            columns: [0; 3],
            below: [below(1), below(2)],
            x: planes.x.wrapping_add(x),
            y,
            rows,
            x_jump: (stride * from.row).wrapping_sub(len * stride),
            y_jump: into.row.wrapping_sub(len * into.pixel),
            y_row: into.row,
        };
        let w = planes.w.wrapping_add(first * panel_len);
        let steps = [panel_len, from.chunk, into.chunk];
        Self { frame, w, steps, count: last - first }
    }

    /// Computes them.
    ///
    /// # Safety
    /// What they say lies inside its slices.
    #[inline(never)]
    unsafe fn run(&mut self, of_planes: OfPlanes) {
        let Self { frame, w, steps: [panel_len, from, into], count } = self;
        for _ in 0..*count {
            // SAFETY: a panel is a bias, a factor and three words of weights; the caller's promise.
            unsafe {
                let [bias, factor, columns @ ..] = w.cast::<[u32; 5]>().read_unaligned();
                frame.biases = [bias.cast_signed(); 2];
                (frame.factor, frame.columns) = (factor, columns);
                of_planes(frame);
            }
            *w = w.wrapping_add(*panel_len);
            frame.x = frame.x.wrapping_add(*from);
            frame.y = frame.y.wrapping_add(*into);
            frame.y_end = frame.y_end.wrapping_add(*into);
        }
    }
}

/// A function of windows.
type OfPlanes = unsafe extern "C" fn(*const Frame);

/// Computes a part of a depthwise convolution.
///
/// # Safety
/// What the part reads and writes lies inside its slices.
#[inline(always)]
pub(crate) unsafe fn stencil(planes: &Planes, levels: Levels, y: *mut u8) {
    let Planes { from, into, stride, pad, rows: [first, last], .. } = *planes;
    let above = first * stride + from.top - pad[0];
    let more = last.saturating_sub(first).saturating_sub(1);
    let goes_round = above % from.kept + more * stride + 2 >= from.kept
        || (first + into.top) % into.kept + more >= into.kept;
    // SAFETY: the caller's promise.
    unsafe {
        if goes_round {
            each_row(planes, levels, y);
        } else if first < last {
            of_rows(planes, levels, y, [first, last - first]);
        }
    }
}

/// One row after the other.
#[inline(never)]
unsafe fn each_row(planes: &Planes, levels: Levels, y: *mut u8) {
    for row in planes.rows[0]..planes.rows[1] {
        // SAFETY: the caller's promise.
        unsafe { of_rows(planes, levels, y, [row, 1]) };
    }
}

/// Some rows that lie one behind the other.
#[inline(always)]
unsafe fn of_rows(planes: &Planes, levels: Levels, y: *mut u8, rows: [usize; 2]) {
    let [start, end] = planes.pixels;
    let (even, limits) = ((end - start) & !1, Limits::of(levels));
    let of_planes = if planes.stride == 1 { rows_1::<true> } else { rows_2::<true> };
    let limits = limits.unless_none();
    // SAFETY: the caller's rows and pixels.
    unsafe {
        Channels::of(planes, limits, y, rows, [start, even]).run(of_planes);
        if even < end - start {
            Channels::of(planes, limits, y, rows, [end - 2, 2]).run(of_planes);
        }
    }
}
