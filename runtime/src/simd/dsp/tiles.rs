//! Tiles of products of bytes: up to three pixels by two channels, whose six sums, inputs and weights fill the core's
//! registers.
//!
//! Four weights of each channel and four inputs of each pixel are halfwords of two registers each, and `smlad` adds two
//! products of them to a sum. Tiles of all rows of a panel are one call of a naked function, which ends in bytes: a sum
//! times its factor, rounded to the nearest integer (halves to even), and saturated. One of several runs can leave its sums
//! in memory instead.

use core::arch::naked_asm;

use super::Limits;

/// What stands for limits where sums are stored as they are.
pub(super) const AS_THEY_ARE: *const Limits = core::ptr::without_provenance(1);

/// What a function of tiles knows, in the order in which it loads it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Frame {
    /// Of both channels.
    pub(super) factors: [u32; 2],
    pub(super) biases: [i32; 2],
    /// Bytes from the word behind a pixel's inputs to those of the two pixels after it.
    pub(super) beside: [usize; 2],
    pub(super) w: *const u8,
    pub(super) w_end: *const u8,
    pub(super) limits: *const Limits,
    /// Bytes from a channel of the output to the next.
    pub(super) chunk: usize,
    /// Bytes from a pixel of the output to the next.
    pub(super) pixel: usize,
    /// Bytes from a tile's last input to the next tile's first.
    pub(super) x_step: usize,
    pub(super) y: *mut u8,
    /// The end of the tiles of a row.
    pub(super) y_end: *mut u8,
    /// Steps of a loop that a run begins behind, then where that is.
    pub(super) entry: usize,
    pub(super) rows: usize,
    /// Bytes from the end of a row's tiles to the next row.
    pub(super) x_jump: usize,
    pub(super) y_jump: usize,
    /// Bytes from a row of the output to the next.
    pub(super) y_row: usize,
    pub(super) x: *const u8,
}

/// What a function of tiles over several runs knows beside, in the order in which it loads it.
#[repr(C)]
pub(super) struct Runs {
    /// Bytes of weights of a run's whole words.
    pub(super) w_len: usize,
    /// Inputs that a run's last word has in common with the one before it; zero if words are whole.
    pub(super) tail: usize,
    /// Where runs begin.
    pub(super) first: *const *const u8,
    /// A [`After`], then where that is.
    pub(super) after: After,
    /// Bytes from the first tile to this one.
    pub(super) at: usize,
    pub(super) next: *const *const u8,
    pub(super) end: *const *const u8,
    /// Where words begin, if they are more than a loop has.
    pub(super) begin: usize,
}

/// What follows the words of a loop.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(super) enum After {
    Run,
    Tail,
    Words,
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
                ".cpu cortex-m4",
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
                ".cpu cortex-m4",
                "push {{r3-r11, lr}}",
                "vldm r0!, {{s8-s15}}",
                "ldm r1, {{r1-r8}}",
                "push {{r1-r8}}",
                "ldm r0, {{r1-r12}}",
                "push {{r1-r12}}",
                "ldr r0, [sp, #64]",
                // where a run's words begin, at 24
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
                // what follows the last word of a loop, at 60
                "ldr r1, [sp, #60]",
                "adr.w r2, 25f",
                "cmp r1, #0",
                "beq 7f",
                "adr.w r2, 24f",
                "cmp r1, #1",
                "beq 7f",
                "adr.w r2, 23f",
                "str r12, [sp, #76]",
                "adr.w r12, 21f",
                "orr r12, r12, #1",
                "7: orr r2, r2, #1",
                "str r2, [sp, #60]",
                "str r12, [sp, #24]",
                "1:",
                begin!($pixels),
                "str r0, [sp, #64]",
                "vmov r1, s14",
                "ldr r14, [sp, #56]",
                "str r14, [sp, #68]",
                "20:", // a run
                "ldrd r12, r14, [sp, #64]",
                "ldr r0, [r14], #4",
                "str r14, [sp, #68]",
                "add r0, r0, r12",
                "ldr pc, [sp, #24]",
                "21:", // of many words
                "ldr r12, [sp, #48]",
                "add r12, r12, r1",
                "vmov s15, r12",
                "ldr pc, [sp, #76]",
                "2:",
                $step!(),
                "3:",
                $step!(),
                "4:",
                $step!(),
                "5:",
                $step!(),
                "ldr pc, [sp, #60]",
                "23:", // many words
                "vmov r12, s15",
                "cmp r1, r12",
                "bne 2b",
                "ldr r12, [sp, #52]",
                "cmp r12, #0",
                "beq 25f",
                "24:", // inputs beyond the last whole word
                "ldr r12, [sp, #52]",
                "sub r0, r0, r12",
                $step!(),
                "25:", // the next run
                "ldrd r12, r14, [sp, #68]",
                "cmp r12, r14",
                "bne 20b",
                "ldr r8, [sp]",
                "cmp r8, #1",
                "beq 7f",
                round!($pixels),
                store!($pixels),
                "26:",
                "ldr r0, [sp, #64]",
                "add r0, r0, r11",
                advance!(),
                limited!($($r)*),
                "7:",
                "ldm sp, {{r8-r12, r14}}",
                keep!($pixels),
                "b 26b",
                "9: add sp, sp, #80",
                "pop {{r3-r11, pc}}",
            )
        }
    };
}

of_windows!(windows_3, 3, step_3, "r2" "r3" "r4" "r5" "r6" "r7");
of_windows!(windows_2, 2, step_2, "r2" "r3" "r4" "r5");
of_windows!(windows_1, 1, step_1, "r2" "r3");

/// A function of tiles of points.
pub(crate) type OfPoints = unsafe extern "C" fn(*const Frame);
/// A function of tiles of windows.
pub(super) type OfWindows = unsafe extern "C" fn(*const Frame, *const Runs);

/// The function for tiles of so many pixels that lie so far apart.
#[inline(always)]
pub(crate) fn of_points(pixels: usize, step: usize) -> OfPoints {
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

/// The function for windows of tiles of so many pixels.
pub(super) fn of_windows(pixels: usize) -> OfWindows {
    match pixels {
        3 => windows_3::<true>,
        2 => windows_2::<true>,
        _ => windows_1::<true>,
    }
}
