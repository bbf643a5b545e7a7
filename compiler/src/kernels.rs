//! The kernels: each a value with its numbers, in a file that says everything that the compiler knows of it.
//!
//! That is its path in the runtime, the fields of its const, its call, the order of its weights, how its cost is
//! counted, what a call reads, its plain loops and what it is called ([`Spec`]). Nothing here knows graphs, the plan or
//! tokens: fields and arguments are [`value::Value`]s, which `emit` prints, and the memory that plain loops read is a
//! [`host::Host`].

mod border;
mod bytes;
mod conv;
mod depthwise;
mod elementwise;
pub mod epilogue;
mod fetch;
mod global_pool;
pub mod host;
mod load;
mod look_up;
mod matmul;
mod pointwise;
mod pool;
mod resample;
mod resize;
mod scales;
pub mod site;
mod softmax;
pub mod spec;
mod strided;
pub mod value;
mod weights;
mod whole;
mod widen;
mod windows;
mod winograd;
mod words;

pub use border::{Dequantize, Quantize};
pub use bytes::{QBinary, QFunction, Table};
pub use conv::Conv;
pub use depthwise::Depthwise;
pub use elementwise::{Binary, Clamp, PRelu, Unary};
pub use epilogue::Epilogue;
pub use fetch::Fetch;
pub use global_pool::{GlobalPool, Means};
pub use load::Load;
pub use look_up::LookUp;
pub use matmul::MatMul;
pub use pointwise::Pointwise;
pub use pool::{Pool, QAverage};
pub use resample::Resample;
pub use resize::Resize;
pub use site::{Broadcast, Element, Operand, Part, Site, Skip, Strip};
pub use softmax::{QSoftmax, Softmax};
pub use spec::Spec;
pub use strided::{Fill, Move, Reduce};
pub use weights::{PackOrder, Vectors};
pub use whole::Whole;
pub use widen::Widen;
pub use winograd::Winograd;

/// Declares the kernels: a line for each.
macro_rules! kernels {
    ($($(#[$about:meta])* $name:ident,)*) => {
        /// A kernel with all its numbers.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Kernel {
            $($(#[$about])* $name($name),)*
        }

        impl std::ops::Deref for Kernel {
            type Target = dyn Spec;

            fn deref(&self) -> &Self::Target {
                match self {
                    $(Self::$name(kernel) => kernel,)*
                }
            }
        }

        $(impl From<$name> for Kernel {
            fn from(kernel: $name) -> Self {
                Self::$name(kernel)
            }
        })*
    };
}

kernels! {
    /// Copies rows into padded rows, maybe of another form.
    Load,
    /// Bytes as floats, maybe in padded rows.
    Widen,
    /// Looks bytes of an image up, each in the table of its channel, maybe in padded rows.
    LookUp,
    /// Asks the caller for rows, of floats or of bytes, and looks up what has tables.
    Fetch,
    /// 1x1 convolution or dense layer.
    Pointwise,
    /// Any other convolution but a depthwise one.
    Conv,
    /// Dense convolution of three by three taps between transforms.
    Winograd,
    /// Depthwise convolution.
    Depthwise,
    /// Largest or mean element of windows.
    Pool,
    /// Pixels between those of an image.
    Resize,
    /// Rows and columns that are weighted sums of a few of the operand's.
    Resample,
    /// One number a channel from all pixels, row after row.
    GlobalPool,
    /// Bounds of each element.
    Clamp,
    /// A function of each element.
    Unary,
    /// A function of two elements.
    Binary,
    /// `x < 0 ? slope * x : x`.
    PRelu,
    /// Runs of numbers that sum to one.
    Softmax,
    /// Operators over whole operands, such as running sums or a ranking.
    Whole,
    /// Products of two matrices that lie in rows, neither of which is packed.
    MatMul,
    /// One value everywhere.
    Fill,
    /// The nearest byte of each real.
    Quantize,
    /// The real of each byte.
    Dequantize,
    /// A function of two bytes.
    QBinary,
    /// Mean bytes of windows.
    QAverage,
    /// Quantised softmax.
    QSoftmax,
    /// Any function of a byte.
    Table,
    /// Elements moved to other places: `len` elements an axis, with strides on both sides.
    Move,
    /// Reduction over some of the axes.
    Reduce,
}
