//! Memory options: the objective, the owner of the input, recomputation, and the width of stored numbers.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::ir::{Dtype, Tensor};

/// The objective of the partition into segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// The least time; memory as it comes.
    #[default]
    Speed,
    /// The smallest arena, give or take a 256th part, and the least time within it.
    Ram,
    /// The least time in an arena of at most so many bytes.
    Within(usize),
}

/// The way in which inputs reach the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Feed {
    /// The caller lends an array, which the arena does not hold.
    #[default]
    Caller,
    /// The caller writes it into the arena; images as rows of pixels, channels innermost.
    Arena,
    /// The network asks for row after row of an image; it is never held whole.
    Rows,
}

/// The storage of activations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// As their type says: four bytes each, or one.
    #[default]
    F32,
    /// Floats, and weights too, in two bytes each; computed in four.
    F16,
    /// In 16 bits as bf16, the upper half of f32.
    Bf16,
    /// One byte each, four where sums are kept in memory.
    Int8,
}

/// Tiles of outputs in which dense convolutions of three by three taps are computed between Winograd's transforms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WinogradTiles {
    /// None: sums are direct.
    Off,
    /// Two by two outputs, wherever a plan for speed can.
    Two,
    /// Four by four outputs, wherever a plan for speed can.
    Four,
    /// Either, where a plan for speed gains by it.
    #[default]
    Auto,
}

impl FromStr for WinogradTiles {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "off" => Ok(Self::Off),
            "2" => Ok(Self::Two),
            "4" => Ok(Self::Four),
            "auto" => Ok(Self::Auto),
            _ => Err(Error::Spec(format!("unknown winograd {text:?}; use off, 2, 4 or auto"))),
        }
    }
}

impl fmt::Display for WinogradTiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Two => "2",
            Self::Four => "4",
            Self::Auto => "auto",
        })
    }
}

/// Memory options: everything that shapes a plan beside the network and the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The objective of the partition.
    pub objective: Objective,
    /// The way in which inputs reach the network.
    pub feed: Feed,
    /// The storage of activations.
    pub storage: Storage,
    /// The recomputation that is allowed.
    pub recompute: Recompute,
}

/// A limit of working memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ram {
    /// Bytes of the arena, at most.
    pub bytes: usize,
}

impl Ram {
    /// A limit in bytes.
    pub const fn bytes(bytes: usize) -> Self {
        Self { bytes }
    }

    /// A limit in units of 1,024 bytes.
    pub const fn kib(count: usize) -> Self {
        Self { bytes: count << 10 }
    }

    /// A limit in units of 1,048,576 bytes.
    pub const fn mib(count: usize) -> Self {
        Self { bytes: count << 20 }
    }
}

impl FromStr for Ram {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        bytes(text).map(Self::bytes)
    }
}

impl fmt::Display for Ram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes)
    }
}

/// The multiply-adds that may be recomputed to save memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recompute {
    /// Millionths of those of the network.
    pub millionths: u64,
}

impl Recompute {
    /// The least that allows `again` of `madds` to be repeated, in whole hundredths.
    pub fn allowing(again: u64, madds: u64) -> Self {
        let hundredths = (again * 100).div_ceil(madds.max(1));
        Self { millionths: hundredths * 10_000 }
    }

    /// The multiply-adds, of `madds`, that may be recomputed.
    pub fn budget(self, madds: u64) -> u64 {
        (u128::from(madds) * u128::from(self.millionths) / 1_000_000) as u64
    }
}

impl FromStr for Recompute {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let factor = text.parse::<f64>().ok().filter(|factor| (1.0..=1e3).contains(factor));
        let factor = factor.ok_or_else(|| {
            Error::Spec(format!("{text:?} is not a factor from 1 to 1000; 1.05 allows 5 % more"))
        })?;
        Ok(Self { millionths: ((factor - 1.0) * 1e6).round() as u64 })
    }
}

impl fmt::Display for Recompute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", 1.0 + self.millionths as f64 / 1e6)
    }
}

impl Storage {
    /// The type of 16 bits that floats are stored as, if they are.
    pub fn half(self) -> Option<Dtype> {
        match self {
            Self::F16 => Some(Dtype::F16),
            Self::Bf16 => Some(Dtype::Bf16),
            Self::F32 | Self::Int8 => None,
        }
    }

    /// Bytes of every activation; nothing where its own type says.
    pub fn bytes(self) -> Option<usize> {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => None,
            Self::Int8 => Some(1),
        }
    }

    /// Bytes of a value without padding.
    pub fn bytes_of(self, tensor: &Tensor) -> usize {
        tensor.len() * self.bytes().unwrap_or(tensor.dtype.stored_bytes())
    }
}

impl FromStr for Objective {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "speed" => Ok(Self::Speed),
            "ram" => Ok(Self::Ram),
            _ => Err(Error::Spec(format!("unknown objective {text:?}; use speed or ram"))),
        }
    }
}

impl FromStr for Feed {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "caller" => Ok(Self::Caller),
            "arena" => Ok(Self::Arena),
            "rows" => Ok(Self::Rows),
            _ => Err(Error::Spec(format!("unknown feed {text:?}; use caller, arena or rows"))),
        }
    }
}

impl FromStr for Storage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            "bf16" => Ok(Self::Bf16),
            "int8" => Ok(Self::Int8),
            _ => Err(Error::Spec(format!("unknown type {text:?}; use f32, f16, bf16 or int8"))),
        }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        })
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Speed => f.write_str("speed"),
            Self::Ram => f.write_str("ram"),
            Self::Within(bytes) => write!(f, "{bytes} bytes"),
        }
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caller => "caller",
            Self::Arena => "arena",
            Self::Rows => "rows",
        })
    }
}

/// Bytes from text such as `65536`, `64K`, `64KiB` or `1M`; a K is 1024.
pub fn bytes(text: &str) -> Result<usize, Error> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale: usize = match &text[digits.len()..] {
        "" | "B" => 1,
        "K" | "k" | "KB" | "KiB" => 1 << 10,
        "M" | "m" | "MB" | "MiB" => 1 << 20,
        unit => return Err(Error::Spec(format!("unknown unit {unit:?}; use K or M"))),
    };
    let count = digits.parse::<usize>().ok().and_then(|count| count.checked_mul(scale));
    count.ok_or_else(|| {
        Error::Spec(format!("{text:?} is not a number of bytes; write 65536, 64K or 1M"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_binary_units() {
        assert_eq!(bytes("65536"), Ok(65536));
        assert_eq!(bytes("64K"), Ok(65536));
        assert_eq!(bytes("64KiB"), Ok(65536));
        assert_eq!(bytes("2M"), Ok(2 << 20));
        for bad in ["", "K", "1.5K", "-1", "1G", "99999999999999999999", "99999999999999999M"] {
            assert!(bytes(bad).is_err(), "{bad:?}");
        }
    }
}
