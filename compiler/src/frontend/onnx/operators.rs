//! The operators that are understood: what is printed to users and what the reader looks nodes up in.
//!
//! A row is all there is to know of an operator, its reader included, so the table cannot promise what is not read.

use std::fmt;

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::constant::function::function;
use crate::frontend::onnx::constant::index;
use crate::frontend::onnx::constant::logic::Comparison;
use crate::frontend::onnx::constant::slices::{self, Wanted};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::quantized::{bytes, dynamic, layers};
use crate::frontend::onnx::recurrent::Kind;
use crate::frontend::onnx::{
    arithmetic, attention, batch_norm, cast, composed, constant, control, convolution, einsum,
    gather, indexed, matrix, quantized, ranked, recurrent, reduce, repeat, reshape, resize,
    sequence, slice, space, suppression, threshold, truths, volume, words,
};
use crate::ir::{Binary, Reducer, Unary};
use crate::proto::NodeProto;

/// One operator, of the standard set or of another domain.
#[derive(Clone, Copy)]
pub struct Operator {
    /// Its name in ONNX, behind its domain if that is not the standard one.
    pub name: &'static str,
    /// The first version of the operator set that has it. Every version in [`super::OPSETS`] from there on is read.
    pub since: i64,
    /// Types that it is read with.
    pub types: Types,
    /// Attributes it may carry; any other is reported as unsupported.
    pub attributes: &'static [&'static str],
    /// Parts that are not read, or restrictions; empty if all of it is.
    pub limits: &'static str,
    read: fn(&mut Call<'_>) -> Made,
}

/// Types that an operator is read with. Floats are float and float16; constants may be double and bfloat16 too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    /// Floats.
    Floats,
    /// Floats; constants also of integers, for shape arithmetic.
    FloatsAndShapes,
    /// Floats, and integers and truth values that are exact as such.
    Numbers,
    /// Truth values.
    Truths,
    /// Constants only: the operator is gone once the model is read.
    Constants,
    /// Bytes, and the floats that they stand for.
    Bytes,
    /// Sequences of tensors: gone once the model is read.
    Sequences,
    /// Whatever the nodes inside read.
    Any,
}

impl Operator {
    /// Reads a node of this operator.
    pub(super) fn read(&self, call: &mut Call<'_>) -> Made {
        (self.read)(call)
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} since {}", self.name, self.since)
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Floats => "float, float16",
            Self::FloatsAndShapes => "float, float16; integer constants",
            Self::Numbers => "float, float16, integers, bool",
            Self::Truths => "bool",
            Self::Constants => "constants",
            Self::Bytes => "int8, uint8",
            Self::Sequences => "sequences of tensors",
            Self::Any => "any",
        })
    }
}

/// The operator of a node, if it is one that is read, in a version that has it, with known attributes only.
pub(super) fn find(node: &NodeProto, opset: i64) -> Result<&'static Operator, Fault> {
    let name = qualified(node);
    let operator = OPERATORS.iter().chain(WORDS).find(|operator| operator.name == name);
    let operator = operator.ok_or_else(|| Fault::Unsupported(unknown(node)))?;
    if opset < operator.since {
        let since = operator.since;
        return Err(Fault::Misfit(format!(
            "came with operator set {since}, but the model imports {opset}"
        )));
    }
    for attribute in &node.attribute {
        if !operator.attributes.contains(&attribute.name.as_str()) {
            return Err(Fault::Unsupported(format!("attribute {:?}", attribute.name)));
        }
        if !attribute.ref_attr_name.is_empty() {
            return Err(Fault::Unsupported(format!(
                "attribute {:?} of a function, outside of one",
                attribute.name
            )));
        }
    }
    Ok(operator)
}

/// Why an operator that no row names is not read, and what to do about one that some tool made up.
fn unknown(node: &NodeProto) -> String {
    let made_up = match node.domain.as_str() {
        "com.microsoft.nchwc" | "com.ms.internal.nhwc" => OPTIMISED,
        "com.microsoft" if FUSED.contains(&node.op_type.as_str()) => OPTIMISED,
        "" | "ai.onnx" if node.op_type == "SimplifiedLayerNormalization" => OPTIMISED,
        "org.pytorch.aten" | "aten" => {
            ": PyTorch's exporter knew no operator for it; export with opset 17 or later, or write it in other operators"
        }
        _ if node.op_type.ends_with("_TRT") => {
            ": only TensorRT has it; export the model without TensorRT's plugins"
        }
        _ => "",
    };
    format!("the operator is not supported{made_up}")
}

/// Where operators come from that no exporter writes.
const OPTIMISED: &str = ": onnxruntime made it when it optimised the model for itself; use the original, from before that";

/// Operators of com.microsoft that onnxruntime's optimisations make.
#[rustfmt::skip]
const FUSED: &[&str] = &[
    "BiasAdd", "BiasDropout", "BiasGelu", "BiasSoftmax", "BiasSplitGelu", "ConvTransposeWithDynamicPads",
    "DynamicQuantizeMatMul", "EmbedLayerNormalization", "FastGelu", "FusedConv", "FusedGemm", "FusedMatMul",
    "FusedMatMulActivation", "Gelu", "GemmFastGelu", "MatMulIntegerToFloat", "NhwcConv", "NhwcFusedConv",
    "NhwcMaxPool", "QLinearConv", "QuickGelu", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization",
    "TransposeMatMul",
];

/// The operator of a node, with its domain if that is not the standard one.
pub(super) fn qualified(node: &NodeProto) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

/// The table below: a name, its first version, types, attributes, limits and reader a row.
macro_rules! operators {
    ($($name:literal $since:literal $types:ident $attributes:expr, $limits:literal, $read:expr;)*) => {
        &[$(Operator {
            name: $name,
            since: $since,
            types: Types::$types,
            attributes: $attributes,
            limits: $limits,
            read: $read,
        }),*]
    };
}

/// Every operator that is read, by name.
#[rustfmt::skip]
pub const OPERATORS: &[Operator] = operators! {
    "Abs" 1 FloatsAndShapes &[], "", |c| arithmetic::unary(c, Unary::Abs);
    "Acos" 7 Constants &[], "", |c| function(c, f64::acos);
    "Acosh" 9 Constants &[], "", |c| function(c, f64::acosh);
    "Add" 1 FloatsAndShapes BROADCAST, "", |c| arithmetic::binary(c, Binary::Add);
    "And" 1 Truths BROADCAST, "", |c| truths::logic(c, Binary::Min);
    "ArgMax" 1 Numbers ARG, "integers up to 2^24 at run time", |c| ranked::arg(c, Wanted::Greatest);
    "ArgMin" 1 Numbers ARG, "integers up to 2^24 at run time", |c| ranked::arg(c, Wanted::Least);
    "Asin" 7 Constants &[], "", |c| function(c, f64::asin);
    "Asinh" 9 Constants &[], "", |c| function(c, f64::asinh);
    "Atan" 7 Constants &[], "", |c| function(c, f64::atan);
    "Atanh" 9 Constants &[], "", |c| function(c, f64::atanh);
    "Attention" 23 Floats ATTENTION, "", attention::attention;
    "AveragePool" 1 Floats AVERAGE_POOL, "1-D to 3-D", volume::average_pool;
    "BatchNormalization" 1 Floats BATCH_NORM, "no running statistics as results", batch_norm::batch_norm;
    "Cast" 1 Numbers CAST, "rounds to float16 and bfloat16, but no input that only convolutions read; computes in float; at run time to bool, uint8, int8, int32, int64", cast::cast;
    "CastLike" 15 Numbers &["round_mode", "saturate"], "as Cast", cast::cast_like;
    "Ceil" 1 Floats &[], "", |c| arithmetic::unary(c, Unary::Ceil);
    "Celu" 12 Floats &["alpha"], "", composed::celu;
    "Clip" 1 FloatsAndShapes &["max", "min"], "of bytes too", arithmetic::clip;
    "Concat" 1 FloatsAndShapes &["axis"], "", slice::concat;
    "ConcatFromSequence" 11 Sequences &["axis", "new_axis"], "", sequence::concat;
    "Constant" 1 Constants CONSTANT, "numbers", constant::constant;
    "ConstantOfShape" 9 Constants &["value"], "", constant::constant_of_shape;
    "Conv" 1 Floats CONV, "1-D to 3-D; up to 1024 images deep", volume::conv;
    "ConvInteger" 10 Bytes CONV, "exact below 2^24", dynamic::conv;
    "ConvTranspose" 1 Floats CONV_TRANSPOSE, "1-D and 2-D, constant weights", space::conv_transpose;
    "Cos" 7 Constants &[], "", |c| function(c, f64::cos);
    "Cosh" 9 Constants &[], "", |c| function(c, f64::cosh);
    "CumSum" 11 FloatsAndShapes &["exclusive", "reverse"], "constant axis", slices::cum_sum;
    "DepthToSpace" 1 Floats &["blocksize", "mode"], "of bytes too", space::depth_to_space;
    "DequantizeLinear" 10 Bytes &["axis", "block_size", "output_dtype"], "constant scales, no blocks; per channel: constants", quantized::dequantize;
    "Div" 1 FloatsAndShapes BROADCAST, "", |c| arithmetic::binary(c, Binary::Div);
    "Dropout" 1 Floats DROPOUT, "inference, no mask", arithmetic::dropout;
    "DynamicQuantizeLinear" 11 Bytes &[], "", dynamic::quantize;
    "Einsum" 12 Floats &["equation"], "one or two operands; letters, each once in an operand", einsum::einsum;
    "Elu" 1 Floats &["alpha"], "", arithmetic::elu;
    "Equal" 1 Numbers BROADCAST, "integers up to 2^24 at run time", |c| truths::compare(c, Comparison::Equal);
    "Erf" 9 Floats &[], "", |c| arithmetic::unary(c, Unary::Erf);
    "Exp" 1 Floats &[], "", |c| arithmetic::unary(c, Unary::Exp);
    "Expand" 8 FloatsAndShapes &[], "constant shape", repeat::expand;
    "EyeLike" 9 Constants &["dtype", "k"], "", constant::eye_like;
    "Flatten" 1 FloatsAndShapes &["axis"], "", reshape::flatten;
    "Floor" 1 Floats &[], "", |c| arithmetic::unary(c, Unary::Floor);
    "GRU" 7 Floats GRU, "up to 1024 steps, all of them; constant sequence_lens", |c| recurrent::recurrent(c, Kind::Gru);
    "Gather" 1 Numbers &["axis"], "indices at run time outside of a dimension: the nearest element", gather::gather;
    "GatherElements" 11 Numbers &["axis"], "indices at run time outside of a dimension: the nearest element", indexed::gather_elements;
    "GatherND" 11 Numbers &["batch_dims"], "indices at run time outside of a dimension: the nearest element", indexed::gather_nd;
    "Gelu" 20 Floats &["approximate"], "", composed::gelu;
    "Gemm" 1 Floats GEMM, "", matrix::gemm;
    "GlobalAveragePool" 1 Floats &[], "", |c| convolution::global_pool(c, Reducer::Mean);
    "GlobalMaxPool" 1 Floats &[], "", |c| convolution::global_pool(c, Reducer::Max);
    "Greater" 1 Numbers BROADCAST, "integers up to 2^24 at run time", |c| truths::compare(c, Comparison::Greater);
    "GreaterOrEqual" 12 Numbers &[], "integers up to 2^24 at run time", |c| truths::compare(c, Comparison::GreaterOrEqual);
    "GroupNormalization" 18 Floats &["epsilon", "num_groups", "stash_type"], "", composed::group_norm;
    "HardSigmoid" 1 Floats &["alpha", "beta"], "", arithmetic::hard_sigmoid;
    "HardSwish" 14 Floats &[], "", |c| arithmetic::unary(c, Unary::HardSwish);
    "Hardmax" 1 Floats &["axis"], "", ranked::hardmax;
    "Identity" 1 FloatsAndShapes &[], "", arithmetic::identity;
    "If" 1 Any &["else_branch", "then_branch"], "constant condition", control::branch;
    "InstanceNormalization" 1 Floats &["epsilon"], "", composed::instance_norm;
    "IsInf" 10 Floats &["detect_negative", "detect_positive"], "", truths::is_inf;
    "IsNaN" 9 Floats &[], "", truths::is_nan;
    "LRN" 1 Floats &["alpha", "beta", "bias", "size"], "", composed::lrn;
    "LSTM" 7 Floats LSTM, "up to 1024 steps, all of them; constant sequence_lens; no input_forget", |c| recurrent::recurrent(c, Kind::Lstm);
    "LayerNormalization" 17 Floats &["axis", "epsilon", "stash_type"], "", composed::layer_norm;
    "LeakyRelu" 1 Floats &["alpha"], "", arithmetic::leaky_relu;
    "Less" 1 Numbers BROADCAST, "integers up to 2^24 at run time", |c| truths::compare(c, Comparison::Less);
    "LessOrEqual" 12 Numbers &[], "integers up to 2^24 at run time", |c| truths::compare(c, Comparison::LessOrEqual);
    "Log" 1 Floats &[], "", |c| arithmetic::unary(c, Unary::Log);
    "LogSoftmax" 1 Floats &["axis"], "", |c| arithmetic::softmax(c, true);
    "Loop" 1 Any &["body"], "constant count, at most 1024; condition always true", control::unroll;
    "LpNormalization" 1 Floats &["axis", "p"], "", composed::lp_norm;
    "LpPool" 2 Floats LP_POOL, "1-D and 2-D", convolution::lp_pool;
    "MatMul" 1 Floats &[], "", matrix::matmul;
    "MatMulInteger" 10 Bytes &[], "exact below 2^24", dynamic::matmul;
    "Max" 1 FloatsAndShapes &[], "of bytes too", |c| arithmetic::variadic(c, Binary::Max);
    "MaxPool" 1 Floats MAX_POOL, "1-D to 3-D, no indices; of padding alone the least f32, as onnxruntime", volume::max_pool;
    "Mean" 1 Floats &[], "", composed::mean;
    "MeanVarianceNormalization" 9 Floats &["axes"], "", composed::mean_variance_norm;
    "Min" 1 FloatsAndShapes &[], "of bytes too", |c| arithmetic::variadic(c, Binary::Min);
    "Mish" 18 Floats &[], "", composed::mish;
    "Mod" 10 FloatsAndShapes &["fmod"], "at run time: fmod=1 by constant powers of two", threshold::modulo;
    "Mul" 1 FloatsAndShapes BROADCAST, "", |c| arithmetic::binary(c, Binary::Mul);
    "Neg" 1 FloatsAndShapes &[], "", |c| arithmetic::unary(c, Unary::Neg);
    "NonMaxSuppression" 10 Floats &["center_point_box"], "constant counts and thresholds; as many rows as there may be, -1 behind the last box", suppression::non_max_suppression;
    "NonZero" 9 Constants &[], "", index::non_zero;
    "Not" 1 Truths &[], "", truths::not;
    "OneHot" 9 Numbers &["axis"], "constant depth", indexed::one_hot;
    "Or" 1 Truths BROADCAST, "", |c| truths::logic(c, Binary::Max);
    "PRelu" 1 Floats &[], "", arithmetic::prelu;
    "Pad" 1 Floats &["mode", "pads", "value"], "constant widths; mode=wrap in at most 256 runs", slice::pad;
    "Pow" 1 Floats BROADCAST, "constant exponents may be integers", arithmetic::pow;
    "QLinearConv" 10 Bytes CONV, "1-D and 2-D, constant weights", layers::conv;
    "QLinearMatMul" 10 Bytes &[], "constant weights", layers::matmul;
    "QuantizeLinear" 10 Bytes QUANTIZE, "constant scales, no blocks; per channel: constants", quantized::quantize;
    "RMSNormalization" 23 Floats &["axis", "epsilon", "stash_type"], "", composed::rms_norm;
    "RNN" 7 Floats RNN, "up to 1024 steps, all of them; constant sequence_lens", |c| recurrent::recurrent(c, Kind::Rnn);
    "Range" 11 Constants &["stash_type"], "", constant::range;
    "Reciprocal" 1 Floats &[], "", |c| arithmetic::unary(c, Unary::Reciprocal);
    "ReduceL1" 1 Floats REDUCE, "constant axes", composed::reduce_l1;
    "ReduceL2" 1 Floats REDUCE, "constant axes", composed::reduce_l2;
    "ReduceLogSum" 1 Floats REDUCE, "constant axes", composed::reduce_log_sum;
    "ReduceLogSumExp" 1 Floats REDUCE, "constant axes", composed::reduce_log_sum_exp;
    "ReduceMax" 1 FloatsAndShapes REDUCE, "constant axes", |c| reduce::reduce(c, Reducer::Max);
    "ReduceMean" 1 FloatsAndShapes REDUCE, "constant axes", |c| reduce::reduce(c, Reducer::Mean);
    "ReduceMin" 1 FloatsAndShapes REDUCE, "constant axes", |c| reduce::reduce(c, Reducer::Min);
    "ReduceProd" 1 FloatsAndShapes REDUCE, "constant axes", composed::reduce_prod;
    "ReduceSum" 1 FloatsAndShapes REDUCE, "constant axes", |c| reduce::reduce(c, Reducer::Sum);
    "ReduceSumSquare" 1 Floats REDUCE, "constant axes", composed::reduce_sum_square;
    "Relu" 1 Floats &[], "of bytes too", arithmetic::relu;
    "Reshape" 1 FloatsAndShapes &["allowzero"], "constant shape", reshape::reshape;
    "Resize" 10 Floats RESIZE, "up to two dimensions; nearest (pixels as onnxruntime takes them, in f32; of bytes too), linear or cubic; constant scales, sizes and regions", resize::resize;
    "Round" 11 Floats &[], "", |c| arithmetic::unary(c, Unary::Round);
    "Scatter" 9 Numbers &["axis"], "as ScatterElements", indexed::scatter_elements;
    "ScatterElements" 11 Numbers &["axis", "reduction"], "indices at run time outside of a dimension: their updates are left out; sums and products of integers below 2^24", indexed::scatter_elements;
    "ScatterND" 11 Numbers &["reduction"], "as ScatterElements", indexed::scatter_nd;
    "Selu" 1 Floats &["alpha", "gamma"], "", composed::selu;
    "SequenceAt" 11 Sequences &[], "constant position", sequence::at;
    "SequenceConstruct" 11 Sequences &[], "at most 1024", sequence::construct;
    "SequenceEmpty" 11 Sequences &["dtype"], "", sequence::empty;
    "SequenceErase" 11 Sequences &[], "constant position", sequence::erase;
    "SequenceInsert" 11 Sequences &[], "constant position", sequence::insert;
    "SequenceLength" 11 Sequences &[], "", sequence::length;
    "Shape" 1 Constants &["end", "start"], "", constant::shape;
    "Shrink" 9 Floats &["bias", "lambd"], "lambd not below 0", threshold::shrink;
    "Sigmoid" 1 Floats &[], "", |c| arithmetic::unary(c, Unary::Sigmoid);
    "Sign" 9 Floats &[], "", threshold::sign;
    "Sin" 7 Constants &[], "", |c| function(c, f64::sin);
    "Sinh" 9 Constants &[], "", |c| function(c, f64::sinh);
    "Size" 1 Constants &[], "", constant::size;
    "Slice" 1 FloatsAndShapes &["axes", "ends", "starts"], "constant ranges", slice::slice;
    "Softmax" 1 Floats &["axis"], "", |c| arithmetic::softmax(c, false);
    "Softplus" 1 Floats &[], "", composed::softplus;
    "Softsign" 1 Floats &[], "", composed::softsign;
    "SpaceToDepth" 1 Floats &["blocksize"], "of bytes too", space::space_to_depth;
    "Split" 1 FloatsAndShapes SPLIT, "constant sizes", slice::split;
    "SplitToSequence" 11 Sequences &["axis", "keepdims"], "constant sizes, at most 1024", sequence::split;
    "Sqrt" 1 Floats &[], "", |c| arithmetic::unary(c, Unary::Sqrt);
    "Squeeze" 1 FloatsAndShapes &["axes"], "constant axes", reshape::squeeze;
    "Sub" 1 FloatsAndShapes BROADCAST, "", |c| arithmetic::binary(c, Binary::Sub);
    "Sum" 1 FloatsAndShapes &[], "", |c| arithmetic::variadic(c, Binary::Add);
    "Swish" 24 Floats &["alpha"], "alpha=1", arithmetic::swish;
    "Tan" 7 Constants &[], "", |c| function(c, f64::tan);
    "Tanh" 1 Floats &[], "", |c| arithmetic::unary(c, Unary::Tanh);
    "ThresholdedRelu" 10 Floats &["alpha"], "", threshold::thresholded_relu;
    "Tile" 6 FloatsAndShapes &[], "constant counts", repeat::tile;
    "TopK" 1 Numbers TOP_K, "constant count; integers up to 2^24 at run time", ranked::top_k;
    "Transpose" 1 FloatsAndShapes &["perm"], "", reshape::transpose;
    "Trilu" 14 Constants &["upper"], "", index::trilu;
    "Unsqueeze" 1 FloatsAndShapes &["axes"], "constant axes", reshape::unsqueeze;
    "Upsample" 7 Floats &["mode", "scales"], "up to two dimensions; nearest (pixels as onnxruntime takes them, in f32; of bytes too) or linear; constant scales", resize::upsample;
    "Where" 9 Numbers &[], "integers up to 2^24 at run time", truths::select;
    "Xor" 1 Truths BROADCAST, "", |c| truths::logic(c, Binary::NotEqual);
    "com.microsoft.DequantizeLinear" 1 Bytes &["axis"], "constant scales; per channel: constants", quantized::dequantize;
    "com.microsoft.QGemm" 1 Bytes &["alpha", "transA", "transB"], "constant weights", layers::gemm;
    "com.microsoft.QLinearAdd" 1 Bytes &[], "", bytes::add;
    "com.microsoft.QLinearAveragePool" 1 Bytes Q_AVERAGE_POOL, "1-D and 2-D", bytes::average_pool;
    "com.microsoft.QLinearConcat" 1 Bytes &["axis"], "", bytes::concat;
    "com.microsoft.QLinearGlobalAveragePool" 1 Bytes &["channels_last"], "2-D", bytes::global_pool;
    "com.microsoft.QLinearLeakyRelu" 1 Bytes &["alpha"], "", bytes::leaky_relu;
    "com.microsoft.QLinearMul" 1 Bytes &[], "", bytes::mul;
    "com.microsoft.QLinearSigmoid" 1 Bytes &[], "", |c| bytes::function(c, Unary::Sigmoid);
    "com.microsoft.QLinearSoftmax" 1 Bytes &["axis", "opset"], "in floats, unless --requant fixed", bytes::softmax;
    "com.microsoft.QuantizeLinear" 1 Bytes &["axis"], "constant scales; per channel: constants", quantized::quantize;
};

/// Operators on 16-bit integers, and cells of LSTM that are bounded, which only graphs that are written here have.
#[rustfmt::skip]
const WORDS: &[Operator] = operators! {
    "mnv2c.LSTM" 1 Floats &["cell_clip", "direction", "hidden_size"], "", |c| recurrent::recurrent(c, Kind::Lstm);
    "mnv2c.WordAdd" 1 Floats &["factors", "span"], "", words::add;
    "mnv2c.WordAverage" 1 Floats &["into", "kernel_shape", "pads", "span", "strides"], "", words::average;
    "mnv2c.WordConv" 1 Floats &["dilations", "group", "into", "pads", "span", "strides", "twice", "wide", "zeros"], "", words::conv;
    "mnv2c.WordLstm" 1 Floats &["cell", "factors"], "", words::lstm;
    "mnv2c.WordMul" 1 Floats &["factors", "span"], "", words::mul;
    "mnv2c.WordQuantize" 1 Floats &["scale"], "", words::quantize;
    "mnv2c.WordScale" 1 Floats &["factors", "span", "zeros"], "", words::scale;
    "mnv2c.WordSoftmax" 1 Floats &[], "", words::softmax;
    "mnv2c.WordSub" 1 Floats &["factors", "span"], "", words::sub;
};

const ARG: &[&str] = &["axis", "keepdims", "select_last_index"];
const AVERAGE_POOL: &[&str] =
    &["auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"];
const Q_AVERAGE_POOL: &[&str] = &[
    "auto_pad",
    "ceil_mode",
    "channels_last",
    "count_include_pad",
    "dilations",
    "kernel_shape",
    "pads",
    "strides",
];
const QUANTIZE: &[&str] = &["axis", "block_size", "output_dtype", "saturate"];
const RNN: &[&str] = &[
    "activation_alpha",
    "activation_beta",
    "activations",
    "clip",
    "direction",
    "hidden_size",
    "layout",
];
const GRU: &[&str] = &[
    "activation_alpha",
    "activation_beta",
    "activations",
    "clip",
    "direction",
    "hidden_size",
    "layout",
    "linear_before_reset",
];
const LSTM: &[&str] = &[
    "activation_alpha",
    "activation_beta",
    "activations",
    "clip",
    "direction",
    "hidden_size",
    "input_forget",
    "layout",
];
const ATTENTION: &[&str] = &[
    "is_causal",
    "kv_num_heads",
    "q_num_heads",
    "qk_matmul_output_mode",
    "scale",
    "softcap",
    "softmax_precision",
];
const BATCH_NORM: &[&str] = &["epsilon", "is_test", "momentum", "spatial", "training_mode"];
const BROADCAST: &[&str] = &["axis", "broadcast"];
const CAST: &[&str] = &["round_mode", "saturate", "to"];
const CONSTANT: &[&str] =
    &["sparse_value", "value", "value_float", "value_floats", "value_int", "value_ints"];
const CONV: &[&str] = &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"];
const CONV_TRANSPOSE: &[&str] = &[
    "auto_pad",
    "dilations",
    "group",
    "kernel_shape",
    "output_padding",
    "output_shape",
    "pads",
    "strides",
];
const DROPOUT: &[&str] = &["is_test", "ratio", "seed"];
const GEMM: &[&str] = &["alpha", "beta", "broadcast", "transA", "transB"];
const LP_POOL: &[&str] =
    &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "p", "pads", "strides"];
const MAX_POOL: &[&str] =
    &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"];
const RESIZE: &[&str] = &[
    "antialias",
    "axes",
    "coordinate_transformation_mode",
    "cubic_coeff_a",
    "exclude_outside",
    "extrapolation_value",
    "keep_aspect_ratio_policy",
    "mode",
    "nearest_mode",
];
const REDUCE: &[&str] = &["axes", "keepdims", "noop_with_empty_axes"];
const SPLIT: &[&str] = &["axis", "num_outputs", "split"];
const TOP_K: &[&str] = &["axis", "k", "largest", "sorted"];
