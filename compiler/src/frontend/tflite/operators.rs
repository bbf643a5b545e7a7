//! The operators of TFLite that are read: one row for each.

use crate::frontend::tflite::model;
use crate::frontend::tflite::read::{
    arithmetic, convolution, filter, image, moves, pool, recurrent, reduce, types, variables,
};
use crate::frontend::tflite::variables as numbers;
use crate::frontend::tflite::write::{Writer, Written};

/// An operator that is read.
#[derive(Clone, Copy)]
pub struct Operator {
    /// The format's number.
    pub number: i32,
    /// The format's name.
    pub name: &'static str,
    /// The greatest version that is read.
    pub version: i32,
    /// Its treatment of integers of 16 bits.
    pub words: Words,
    /// Operands that are looked at; what follows them may be computed by operators that are not read.
    pub(super) operands: usize,
    pub(super) write: fn(&mut Writer<'_>, &model::Operator<'_>) -> Written,
}

/// Uses of integers of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// None: they are refused.
    Refused,
    /// They are moved.
    Moved,
    /// They are computed as the reference kernels do.
    Computed,
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.number, self.name)
    }
}

/// Everything that is read, by number.
pub const OPERATORS: &[Operator] = &[
    computed(0, "ADD", 5, arithmetic::add),
    computed(1, "AVERAGE_POOL_2D", 3, pool::average),
    moved(2, "CONCATENATION", 4, moves::concatenation),
    computed(3, "CONV_2D", 8, convolution::conv),
    computed(4, "DEPTHWISE_CONV_2D", 7, convolution::depthwise),
    row(5, "DEPTH_TO_SPACE", 2, image::depth_to_space),
    computed(6, "DEQUANTIZE", 5, types::dequantize),
    row(8, "FLOOR", 1, arithmetic::floor),
    computed(9, "FULLY_CONNECTED", 12, convolution::fully_connected),
    row(14, "LOGISTIC", 2, arithmetic::logistic),
    computed(17, "MAX_POOL_2D", 3, pool::max),
    computed(18, "MUL", 5, arithmetic::mul),
    computed(19, "RELU", 3, arithmetic::relu),
    row(20, "RELU_N1_TO_1", 1, arithmetic::relu_n1_to_1),
    computed(21, "RELU6", 3, arithmetic::relu6),
    Operator { operands: 1, ..moved(22, "RESHAPE", 1, moves::reshape) },
    row(23, "RESIZE_BILINEAR", 3, image::resize_bilinear),
    row(25, "SOFTMAX", 2, arithmetic::softmax),
    row(26, "SPACE_TO_DEPTH", 2, image::space_to_depth),
    row(numbers::SVDF, "SVDF", 4, filter::svdf),
    row(28, "TANH", 2, arithmetic::tanh),
    moved(34, "PAD", 4, moves::pad),
    moved(36, "GATHER", 3, moves::gather),
    moved(39, "TRANSPOSE", 4, moves::transpose),
    row(40, "MEAN", 2, reduce::mean),
    computed(41, "SUB", 5, arithmetic::sub),
    row(42, "DIV", 2, arithmetic::div),
    Operator { operands: 1, ..moved(43, "SQUEEZE", 2, moves::reshape) },
    row(numbers::LSTM, "UNIDIRECTIONAL_SEQUENCE_LSTM", 4, recurrent::lstm),
    moved(45, "STRIDED_SLICE", 4, moves::strided_slice),
    row(47, "EXP", 1, arithmetic::exp),
    moved(49, "SPLIT", 4, moves::split),
    row(50, "LOG_SOFTMAX", 1, arithmetic::log_softmax),
    row(53, "CAST", 3, types::cast),
    row(54, "PRELU", 1, arithmetic::prelu),
    row(55, "MAXIMUM", 2, arithmetic::maximum),
    row(56, "ARG_MAX", 2, reduce::arg_max),
    row(57, "MINIMUM", 2, arithmetic::minimum),
    row(58, "LESS", 2, arithmetic::less),
    row(59, "NEG", 1, arithmetic::neg),
    moved(60, "PADV2", 2, moves::pad),
    row(61, "GREATER", 2, arithmetic::greater),
    row(62, "GREATER_EQUAL", 2, arithmetic::greater_equal),
    row(63, "LESS_EQUAL", 2, arithmetic::less_equal),
    row(64, "SELECT", 2, arithmetic::select),
    moved(65, "SLICE", 3, moves::slice),
    row(66, "SIN", 1, arithmetic::sin),
    row(67, "TRANSPOSE_CONV", 4, convolution::transpose_conv),
    moved(69, "TILE", 3, moves::tile),
    Operator { operands: 1, ..moved(70, "EXPAND_DIMS", 1, moves::reshape) },
    row(71, "EQUAL", 2, arithmetic::equal),
    row(72, "NOT_EQUAL", 2, arithmetic::not_equal),
    row(73, "LOG", 1, arithmetic::log),
    row(74, "SUM", 2, reduce::sum),
    row(75, "SQRT", 1, arithmetic::sqrt),
    row(76, "RSQRT", 2, arithmetic::rsqrt),
    row(78, "POW", 1, arithmetic::pow),
    row(79, "ARG_MIN", 2, reduce::arg_min),
    row(81, "REDUCE_PROD", 1, reduce::prod),
    row(82, "REDUCE_MAX", 2, reduce::max),
    moved(83, "PACK", 3, moves::pack),
    row(84, "LOGICAL_OR", 1, arithmetic::or),
    row(86, "LOGICAL_AND", 1, arithmetic::and),
    row(87, "LOGICAL_NOT", 1, arithmetic::not),
    moved(88, "UNPACK", 2, moves::unpack),
    row(89, "REDUCE_MIN", 2, reduce::min),
    row(92, "SQUARE", 1, arithmetic::square),
    row(97, "RESIZE_NEAREST_NEIGHBOR", 3, image::resize_nearest),
    computed(98, "LEAKY_RELU", 2, arithmetic::leaky_relu),
    row(99, "SQUARED_DIFFERENCE", 2, arithmetic::squared_difference),
    moved(100, "MIRROR_PAD", 2, moves::mirror_pad),
    row(101, "ABS", 1, arithmetic::abs),
    moved(102, "SPLIT_V", 2, moves::split_v),
    row(104, "CEIL", 1, arithmetic::ceil),
    row(108, "COS", 1, arithmetic::cos),
    row(111, "ELU", 1, arithmetic::elu),
    computed(114, "QUANTIZE", 3, types::quantize),
    row(116, "ROUND", 1, arithmetic::round),
    row(117, "HARD_SWISH", 1, arithmetic::hard_swish),
    row(123, "SELECT_V2", 1, arithmetic::select),
    row(126, "BATCH_MATMUL", 2, convolution::batch_matmul),
    row(numbers::CALL_ONCE, "CALL_ONCE", 1, variables::call_once),
    row(numbers::VAR_HANDLE, "VAR_HANDLE", 1, variables::handle),
    row(numbers::READ_VARIABLE, "READ_VARIABLE", 1, variables::read_variable),
    row(numbers::ASSIGN_VARIABLE, "ASSIGN_VARIABLE", 1, variables::assign),
    row(152, "RELU_0_TO_1", 1, arithmetic::relu_0_to_1),
];

/// Operators that are known by name and not read.
const NAMES: &[(i32, &str)] = &[
    (11, "L2_NORMALIZATION"),
    (12, "L2_POOL_2D"),
    (13, "LOCAL_RESPONSE_NORMALIZATION"),
    (16, "LSTM"),
    (24, "RNN"),
    (32, "CUSTOM"),
    (37, "BATCH_TO_SPACE_ND"),
    (38, "SPACE_TO_BATCH_ND"),
    (48, "TOPK_V2"),
    (77, "SHAPE"),
    (80, "FAKE_QUANT"),
    (85, "ONE_HOT"),
    (90, "FLOOR_DIV"),
    (94, "FILL"),
    (96, "RANGE"),
    (107, "GATHER_ND"),
    (118, "IF"),
    (119, "WHILE"),
    (124, "DENSIFY"),
    (128, "CUMSUM"),
    (130, "BROADCAST_TO"),
    (150, "GELU"),
];

const fn row(
    number: i32,
    name: &'static str,
    version: i32,
    write: fn(&mut Writer<'_>, &model::Operator<'_>) -> Written,
) -> Operator {
    Operator { number, name, version, operands: usize::MAX, words: Words::Refused, write }
}

/// The row of an operator that only moves elements.
const fn moved(
    number: i32,
    name: &'static str,
    version: i32,
    write: fn(&mut Writer<'_>, &model::Operator<'_>) -> Written,
) -> Operator {
    Operator { words: Words::Moved, ..row(number, name, version, write) }
}

/// The row of an operator that computes integers of 16 bits too.
const fn computed(
    number: i32,
    name: &'static str,
    version: i32,
    write: fn(&mut Writer<'_>, &model::Operator<'_>) -> Written,
) -> Operator {
    Operator { words: Words::Computed, ..row(number, name, version, write) }
}

/// The row of an operator.
pub(super) fn find(operator: &model::Operator<'_>) -> Option<&'static Operator> {
    OPERATORS.iter().find(|row| row.number == operator.number)
}

/// The format's name of an operator.
pub(super) fn name(operator: &model::Operator<'_>) -> String {
    let listed = OPERATORS.iter().map(|row| (row.number, row.name));
    let mut known = listed.chain(NAMES.iter().copied());
    match known.find(|(number, _)| *number == operator.number) {
        _ if !operator.custom.is_empty() => format!("custom operator {:?}", operator.custom),
        Some((_, name)) => name.to_owned(),
        None => format!("operator {}", operator.number),
    }
}
