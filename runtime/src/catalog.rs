//! Every kernel's tiles on every instruction set: read by the compiler, the tests and the benches.
//!
//! There is no `cfg` here: any host sees every target's tiles. The tables stand in macros, so that a test can make a
//! call of each line; a tile that is not here does not exist. A tile is listed where all it works on stays in
//! registers; [`Isa::registers`] says how many those are.

use crate::isa::{Isa, Multiplies};
use crate::simd::dots::Quads;

/// A tile of `Pointwise<MR, NV>`, `Conv<MR, NV>` and `Winograd<OUT, MR, NV>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GemmTile {
    /// The instruction set that it runs on.
    pub isa: Isa,
    /// Floats in a vector; 8 on AVX-512 are `Avx512::halves`.
    pub lanes: usize,
    /// Pixels, `MR`.
    pub pixels: usize,
    /// Vectors of output channels, `NV`.
    pub vectors: usize,
}

/// A tile of `Depthwise<K, STRIDE, T>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseTile {
    /// The instruction set that it runs on.
    pub isa: Isa,
    /// Floats in a vector.
    pub lanes: usize,
    /// Rows and columns of the window, `K`.
    pub kernel: usize,
    /// Input rows and columns from an output to the next, `STRIDE`.
    pub stride: usize,
    /// Pixels, `T`.
    pub pixels: usize,
}

/// A tile of `DepthwiseAny<T>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseAnyTile {
    /// The instruction set that it runs on.
    pub isa: Isa,
    /// Floats in a vector.
    pub lanes: usize,
    /// Pixels, `T`.
    pub pixels: usize,
}

/// Tiles of matrix kernels.
pub const GEMM: &[GemmTile] = crate::gemm_tiles!(gemm_table);
/// Tiles of products between Winograd's transforms.
pub const WINOGRAD: &[GemmTile] = crate::winograd_tiles!(gemm_table);
/// Tiles of depthwise kernels of common windows.
pub const DEPTHWISE: &[DepthwiseTile] = crate::depthwise_tiles!(depthwise_table);
/// Tiles of the depthwise kernel of any window.
pub const DEPTHWISE_ANY: &[DepthwiseAnyTile] = crate::depthwise_any_tiles!(depthwise_any_table);

/// Tiles of matrix kernels of bytes.
pub const QGEMM: &[GemmTile] = crate::qgemm_tiles!(gemm_table);
/// Tiles of depthwise kernels of bytes.
pub const QDEPTHWISE: &[DepthwiseTile] = crate::qdepthwise_tiles!(depthwise_table);
/// Tiles of the depthwise kernel of bytes of any window.
pub const QDEPTHWISE_ANY: &[DepthwiseAnyTile] = crate::qdepthwise_any_tiles!(depthwise_any_table);

impl GemmTile {
    /// Vector registers in use: sums, weights and inputs, and a product where there is no fused multiply-add.
    pub const fn registers(&self) -> usize {
        let sums = self.pixels * self.vectors;
        match self.isa.multiplies() {
            Multiplies::ByLane if self.vectors > 2 => sums + self.pixels + 2,
            Multiplies::ByLane => sums + self.pixels + self.vectors,
            Multiplies::Apart => sums + self.vectors + 2,
            Multiplies::FromMemory => sums + 1 + if self.pixels == 1 { 0 } else { self.vectors },
        }
    }

    /// Vector registers in use for bytes: sums, weights and inputs where one instruction adds to a sum; else weights
    /// from memory, a pair of inputs and a product.
    pub const fn registers_of_bytes(&self) -> usize {
        let sums = self.pixels * self.vectors;
        match self.isa.quads() {
            Quads::Lanes => sums + 4 * self.vectors + self.pixels,
            Quads::Bytes => sums + self.vectors + 1,
            Quads::Pairs => sums + 4,
        }
    }
}

impl DepthwiseTile {
    /// Vector registers in use: sums, one row of weights and a column; larger files keep all weights of 3x3.
    pub const fn registers(&self) -> usize {
        self.pixels + self.kernel + 1
    }
}

impl DepthwiseAnyTile {
    /// Vector registers in use: sums, a weight and a column.
    pub const fn registers(&self) -> usize {
        self.pixels + 2
    }
}

/// Calls the macro `$each` with the table of matrix tiles: `isa lanes: pixels x vectors, ..;`.
#[macro_export]
macro_rules! gemm_tiles {
    ($each:ident) => {
        $each! {
            Dsp 1: 4 x 4, 3 x 4, 2 x 4, 1 x 4, 4 x 2, 2 x 2, 1 x 2, 1 x 1, 1 x 8;
            Scalar 4: 4 x 1, 2 x 1, 1 x 1, 4 x 2, 3 x 2, 2 x 2, 1 x 2, 3 x 3, 2 x 3, 1 x 3, 2 x 4, 1 x 4;
            Avx2 8: 6 x 2, 5 x 2, 4 x 2, 3 x 2, 2 x 2, 1 x 2,
                7 x 1, 4 x 1, 2 x 1, 1 x 1, 4 x 3, 3 x 3, 2 x 3, 1 x 3, 2 x 5, 2 x 4, 1 x 4, 1 x 8;
            Avx512 16: 14 x 2, 12 x 2, 10 x 2, 8 x 2, 7 x 2, 4 x 2, 2 x 2, 1 x 2,
                14 x 1, 7 x 1, 4 x 1, 2 x 1, 1 x 1, 9 x 3, 8 x 3, 7 x 3, 4 x 3, 2 x 3,
                6 x 4, 4 x 4, 2 x 4, 1 x 4, 5 x 5, 4 x 6, 3 x 7, 2 x 8, 1 x 8;
            Avx512 8: 14 x 2, 9 x 3, 7 x 3;
            Neon 4: 8 x 2, 7 x 2, 4 x 2, 2 x 2, 1 x 2, 14 x 1, 7 x 1, 4 x 1, 2 x 1, 1 x 1,
                7 x 3, 4 x 3, 2 x 3, 6 x 4, 5 x 4, 4 x 4, 1 x 4, 1 x 8;
        }
    };
}

/// Calls the macro `$each` with the table of tiles of `Winograd<2, MR, NV>` and `Winograd<4, MR, NV>`, each one that a product
/// has too: `isa lanes: pixels x vectors, ..;`.
#[macro_export]
macro_rules! winograd_tiles {
    ($each:ident) => {
        $each! {
            Dsp 1: 1 x 1, 1 x 4, 4 x 4;
            Scalar 4: 1 x 1, 4 x 1, 1 x 2, 2 x 2, 3 x 2, 4 x 2;
            Avx2 8: 1 x 1, 1 x 2, 2 x 2, 4 x 2, 5 x 2, 6 x 2, 4 x 3;
            Avx512 16: 1 x 1, 1 x 2, 4 x 2, 7 x 2, 8 x 2, 10 x 2, 14 x 2, 14 x 1, 7 x 3, 9 x 3, 1 x 4, 4 x 4, 4 x 6;
            Neon 4: 1 x 1, 1 x 2, 4 x 2, 7 x 2, 8 x 2, 7 x 3, 4 x 4, 6 x 4;
        }
    };
}

/// Calls the macro `$each` with the table of depthwise tiles: `isa lanes: kernel stride pixels, ..;`.
#[macro_export]
macro_rules! depthwise_tiles {
    ($each:ident) => {
        $each! {
            Dsp 1: 3 1 1, 3 1 4, 3 2 1, 3 2 4, 5 1 1, 5 1 4, 5 2 1, 5 2 4, 7 1 1, 7 1 4, 7 2 1, 7 2 4;
            Scalar 4: 3 1 1, 3 1 2, 3 1 4, 3 1 7, 3 2 1, 3 2 2, 3 2 4, 3 2 7,
                5 1 1, 5 1 4, 5 2 1, 5 2 4, 7 1 1, 7 1 4, 7 2 1, 7 2 4;
            Avx2 8: 3 1 1, 3 1 2, 3 1 4, 3 1 7, 3 2 1, 3 2 2, 3 2 4, 3 2 7,
                5 1 1, 5 1 4, 5 1 7, 5 2 1, 5 2 4, 5 2 7, 7 1 1, 7 1 4, 7 1 7, 7 2 1, 7 2 4;
            Avx512 16: 3 1 1, 3 1 2, 3 1 4, 3 1 7, 3 1 14, 3 2 1, 3 2 2, 3 2 4, 3 2 7, 3 2 14,
                5 1 1, 5 1 4, 5 1 7, 5 1 14, 5 2 1, 5 2 4, 5 2 7,
                7 1 1, 7 1 4, 7 1 7, 7 1 14, 7 2 1, 7 2 4, 7 2 7;
            Neon 4: 3 1 1, 3 1 2, 3 1 4, 3 1 7, 3 1 14, 3 2 1, 3 2 2, 3 2 4, 3 2 7,
                5 1 1, 5 1 4, 5 1 7, 5 2 1, 5 2 4, 5 2 7, 7 1 1, 7 1 4, 7 1 7, 7 2 1, 7 2 4;
        }
    };
}

/// Calls the macro `$each` with the table of tiles for any depthwise window: `isa lanes: pixels, ..;`.
#[macro_export]
macro_rules! depthwise_any_tiles {
    ($each:ident) => {
        $each! {
            Dsp 1: 1, 4;
            Scalar 4: 1, 4, 7;
            Avx2 8: 1, 4, 7;
            Avx512 16: 1, 4, 7, 14;
            Neon 4: 1, 4, 7, 14;
        }
    };
}

/// Calls the macro `$each` with the table of matrix tiles of bytes: `isa lanes: pixels x vectors, ..;`.
#[macro_export]
macro_rules! qgemm_tiles {
    ($each:ident) => {
        $each! {
            Dsp 1: 3 x 2, 2 x 2, 1 x 2;
            Scalar 4: 4 x 1, 2 x 1, 1 x 1, 4 x 2, 3 x 2, 2 x 2, 1 x 2, 2 x 3, 1 x 3, 2 x 4, 1 x 4;
            Avx2 8: 4 x 1, 2 x 1, 1 x 1, 6 x 2, 5 x 2, 4 x 2, 3 x 2, 2 x 2, 1 x 2, 4 x 3, 2 x 3, 1 x 3,
                1 x 4, 1 x 8;
            Avx512Vnni 16: 14 x 2, 12 x 2, 10 x 2, 8 x 2, 7 x 2, 4 x 2, 2 x 2, 1 x 2,
                14 x 1, 7 x 1, 4 x 1, 2 x 1, 1 x 1, 9 x 3, 8 x 3, 7 x 3, 4 x 3, 2 x 3,
                6 x 4, 4 x 4, 2 x 4, 1 x 4, 5 x 5, 4 x 6, 2 x 8, 1 x 8;
            Neon 4: 7 x 1, 4 x 1, 2 x 1, 1 x 1, 8 x 2, 7 x 2, 4 x 2, 2 x 2, 1 x 2, 4 x 3, 2 x 3, 2 x 4, 1 x 4;
            NeonDot 4: 7 x 1, 4 x 1, 2 x 1, 1 x 1, 8 x 2, 7 x 2, 4 x 2, 2 x 2, 1 x 2, 8 x 3, 7 x 3, 4 x 3, 2 x 3,
                6 x 4, 4 x 4, 2 x 4, 1 x 4, 1 x 8;
        }
    };
}

/// Calls the macro `$each` with the table of depthwise tiles of bytes: `isa lanes: kernel stride pixels, ..;`.
#[macro_export]
macro_rules! qdepthwise_tiles {
    ($each:ident) => {
        $each! {
            Dsp 1: 3 1 1, 3 1 2, 3 2 1, 3 2 2, 5 1 1, 5 2 1, 7 1 1, 7 2 1;
            Scalar 4: 3 1 1, 3 1 2, 3 1 4, 3 2 1, 3 2 2, 3 2 4, 5 1 1, 5 1 4, 5 2 1, 5 2 4, 7 1 1, 7 1 4, 7 2 1, 7 2 4;
            Avx2 8: 3 1 1, 3 1 2, 3 1 4, 3 1 7, 3 2 1, 3 2 2, 3 2 4,
                5 1 1, 5 1 4, 5 2 1, 5 2 4, 7 1 1, 7 1 4, 7 2 1, 7 2 4;
            Avx512Vnni 16: 3 1 1, 3 1 2, 3 1 4, 3 1 7, 3 2 1, 3 2 2, 3 2 4,
                5 1 1, 5 1 4, 5 1 7, 5 2 1, 5 2 4, 7 1 1, 7 1 4, 7 1 7, 7 2 1, 7 2 4;
            Neon 4: 3 1 1, 3 1 2, 3 1 4, 3 1 7, 3 2 1, 3 2 2, 3 2 4,
                5 1 1, 5 1 4, 5 2 1, 5 2 4, 7 1 1, 7 1 4, 7 2 1, 7 2 4;
            NeonDot 4: 3 1 1, 3 1 2, 3 1 4, 3 1 7, 3 2 1, 3 2 2, 3 2 4,
                5 1 1, 5 1 4, 5 2 1, 5 2 4, 7 1 1, 7 1 4, 7 2 1, 7 2 4;
        }
    };
}

/// Calls the macro `$each` with the table of tiles for any depthwise window of bytes: `isa lanes: pixels, ..;`.
#[macro_export]
macro_rules! qdepthwise_any_tiles {
    ($each:ident) => {
        $each! {
            Dsp 1: 1;
            Scalar 4: 1, 4;
            Avx2 8: 1, 4;
            Avx512Vnni 16: 1, 4, 7;
            Neon 4: 1, 4, 7;
            NeonDot 4: 1, 4, 7;
        }
    };
}

macro_rules! gemm_table {
    ($($isa:ident $lanes:literal: $($mr:literal x $nv:literal),*;)*) => {
        &[$($(GemmTile { isa: Isa::$isa, lanes: $lanes, pixels: $mr, vectors: $nv },)*)*]
    };
}
use gemm_table;

macro_rules! depthwise_table {
    ($($isa:ident $lanes:literal: $($k:literal $stride:literal $t:literal),*;)*) => {
        &[$($(DepthwiseTile {
            isa: Isa::$isa,
            lanes: $lanes,
            kernel: $k,
            stride: $stride,
            pixels: $t,
        },)*)*]
    };
}
use depthwise_table;

macro_rules! depthwise_any_table {
    ($($isa:ident $lanes:literal: $($t:literal),*;)*) => {
        &[$($(DepthwiseAnyTile { isa: Isa::$isa, lanes: $lanes, pixels: $t },)*)*]
    };
}
use depthwise_any_table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_fits_its_registers() {
        for tile in GEMM {
            assert!(tile.registers() <= tile.isa.registers(), "{tile:?}");
        }
        for tile in WINOGRAD {
            assert!(GEMM.contains(tile), "{tile:?}");
        }
        for tile in DEPTHWISE {
            assert!(tile.registers() <= tile.isa.registers(), "{tile:?}");
        }
        for tile in DEPTHWISE_ANY {
            assert!(tile.registers() <= tile.isa.registers(), "{tile:?}");
        }
        for tile in QGEMM {
            assert!(tile.registers_of_bytes() <= tile.isa.registers(), "{tile:?}");
        }
    }

    #[test]
    fn every_isa_has_a_tile_for_a_single_pixel() {
        for isa in Isa::ALL.into_iter().filter(|isa| isa.of_bytes() == *isa) {
            assert!(QGEMM.iter().any(|t| t.isa == isa && t.pixels == 1));
            assert!(QDEPTHWISE_ANY.iter().any(|t| t.isa == isa && t.pixels == 1));
        }
        for isa in Isa::ALL.into_iter().filter(|isa| isa.of_floats() == *isa) {
            assert!(GEMM.iter().any(|t| t.isa == isa && t.pixels == 1));
            for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2), (7, 1), (7, 2)] {
                let found = DEPTHWISE
                    .iter()
                    .any(|t| (t.isa, t.kernel, t.stride, t.pixels) == (isa, kernel, stride, 1));
                assert!(found, "{isa:?} {kernel} {stride}");
            }
            assert!(DEPTHWISE_ANY.iter().any(|t| t.isa == isa && t.pixels == 1));
        }
    }
}
