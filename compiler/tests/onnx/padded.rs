//! Every operator that pads, between bytes of every kind of zero point, with what onnxruntime 1.32 answered on x86-64
//! without its optimisations.
//!
//! Its answers for i8 and u8 are the same but for the turned bit, so they are written down once, as u8.

use mnv2c::proto::AttributeProto;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, fixed, int, ints, raw_tensor, text};

/// Zero points, as u8.
const ZEROS: [u8; 5] = [0, 114, 128, 142, 255];

/// The input `[1,2,4,4]`.
pub(crate) const X: [u8; 32] = [
    0, 255, 130, 7, 128, 64, 201, 99, 1, 254, 17, 180, 142, 114, 90, 33, 255, 255, 0, 0, 140, 116,
    200, 56, 254, 3, 128, 127, 77, 178, 230, 25,
];

/// Weights in quarters.
const TAPS: [i8; 8] = [1, -2, 3, 2, -1, 2, 1, 3];

/// A network of bytes of type `kind`: an output for each operator and zero point.
pub(crate) fn network(kind: DataType) -> Model {
    let dims = [1, 2, 4, 4].map(fixed).to_vec();
    let mut model = Model::opset(19).input_of("x", kind, dims).scalar("s", 0.5).scalar("w_s", 0.25);
    model = model.tensor(raw_tensor("w_z", DataType::Int8, &[], vec![0]));
    let floats = TAPS.iter().flat_map(|tap| (f32::from(*tap) * 0.25).to_le_bytes()).collect();
    model = model.tensor(raw_tensor("pairs_floats", DataType::Float, &[2, 1, 2, 2], floats));
    for (name, shape) in [("conv_w", [1, 2, 2, 2]), ("pairs_w", [2, 1, 2, 2])] {
        let taps = TAPS.map(|tap| tap as u8).to_vec();
        model = model.tensor(raw_tensor(name, DataType::Int8, &shape, taps));
        let real = format!("{name}_real");
        model = model.node("DequantizeLinear", &[name, "w_s", "w_z"], &[&real], vec![]);
    }
    model =
        model.ints("frame", &[0, 0, 1, 0, 0, 0, 0, 2]).ints("corner", &[0, 0, 1, 1, 0, 0, 0, 0]);
    for (name, value) in [("zero", 0.0), ("three", 3.0), ("most", 1e4), ("least", -1e4)] {
        model = model.scalar(name, value);
    }
    for zero in ZEROS {
        let point = Point { kind, zero };
        model = point.quantised_operators(point.operators_between(model));
    }
    model
}

/// The recorded answers of [`network`], in its order, as u8.
pub(crate) fn answers() -> Vec<Vec<u8>> {
    let of_zero = |(at, zero): (usize, u8)| {
        let [three, most, least] = [[6, 120, 134, 148, 255][at], 255, 0];
        let pads = [zero, three, most, least].map(framed);
        let conv = || CONV[at].to_vec();
        let mut answers = pads.to_vec();
        answers.extend([EDGE.to_vec(), REFLECT.to_vec(), MAX.to_vec(), AVERAGE[at].to_vec()]);
        answers.extend([AVERAGE_WITH_PADS[at].to_vec(), conv(), DEPTHWISE[at].to_vec()]);
        answers.extend([TRANSPOSED[at].to_vec(), conv(), conv(), DEPTHWISE[at].to_vec()]);
        answers
    };
    ZEROS.into_iter().enumerate().flat_map(of_zero).collect()
}

/// Bytes as numbers of `kind`, in its own bits.
pub(crate) fn raw(kind: DataType, bytes: &[u8]) -> Vec<u8> {
    let turned = if kind == DataType::Int8 { 0x80 } else { 0 };
    bytes.iter().map(|q| q ^ turned).collect()
}

/// [`X`] with `byte` above it and in two columns right of it.
fn framed(byte: u8) -> Vec<u8> {
    let plane = |plane: &[u8]| {
        let rows = plane.chunks(4).flat_map(|row| [row, &[byte; 2]].concat()).collect::<Vec<u8>>();
        [vec![byte; 6], rows].concat()
    };
    X.chunks(16).flat_map(plane).collect()
}

/// A zero point of bytes of a type.
#[derive(Clone, Copy)]
struct Point {
    kind: DataType,
    zero: u8,
}

impl Point {
    /// A name that belongs to this zero point.
    fn name(self, part: &str) -> String {
        format!("{part}_{}", self.zero)
    }

    /// Operators on the reals of x, each quantised.
    fn operators_between(self, mut model: Model) -> Model {
        let point = raw_tensor(&self.name("z"), self.kind, &[], raw(self.kind, &[self.zero]));
        model = model.tensor(point);
        model = self.scaled(model, "DequantizeLinear", "x", &self.name("real"));
        let window = |more: Vec<AttributeProto>| {
            let window = [
                ("kernel_shape", [2, 2].as_slice()),
                ("strides", &[2, 2]),
                ("pads", &[1, 1, 0, 0]),
            ];
            let window = window.map(|(name, values)| ints(name, values));
            [window.to_vec(), more].concat()
        };
        let mode = |name: &str| vec![text("mode", name)];
        let operators: [(&str, &[&str], Vec<AttributeProto>); 12] = [
            ("Pad", &["frame", "zero"], vec![]),
            ("Pad", &["frame", "three"], vec![]),
            ("Pad", &["frame", "most"], vec![]),
            ("Pad", &["frame", "least"], vec![]),
            ("Pad", &["frame"], mode("edge")),
            ("Pad", &["frame"], mode("reflect")),
            ("MaxPool", &[], window(vec![])),
            ("AveragePool", &[], window(vec![])),
            ("AveragePool", &[], window(vec![int("count_include_pad", 1)])),
            ("Conv", &["conv_w_real"], window(vec![])),
            ("Conv", &["pairs_w_real"], window(vec![int("group", 2)])),
            ("ConvTranspose", &["pairs_floats"], window(vec![])),
        ];
        for (at, (op, operands, attributes)) in operators.into_iter().enumerate() {
            let (real, made) = (self.name("real"), self.name(&format!("made{at}")));
            model = model.node(op, &[&[real.as_str()], operands].concat(), &[&made], attributes);
            model = self.answered(model, &made, &format!("y{at}"));
        }
        model
    }

    /// A padded value that is quantised before its convolution, and convolutions of bytes.
    fn quantised_operators(self, mut model: Model) -> Model {
        let [real, padded, bytes, again] =
            ["real", "padded", "bytes", "again"].map(|part| self.name(part));
        model = model.node("Pad", &[&real, "corner", "zero"], &[&padded], vec![]);
        model = self.scaled(model, "QuantizeLinear", &padded, &bytes);
        model = self.scaled(model, "DequantizeLinear", &bytes, &again);
        let strides = ints("strides", &[2, 2]);
        let made = self.name("of_padded");
        model = model.node("Conv", &[&again, "conv_w_real"], &[&made], vec![strides.clone()]);
        model = self.answered(model, &made, "p");
        for (weights, group) in [("conv_w", 1), ("pairs_w", 2)] {
            let (z, y) = (self.name("z"), self.name(&format!("q{group}")));
            let operands = ["x", "s", &z, weights, "w_s", "w_z", "s", &z];
            let attributes =
                vec![strides.clone(), ints("pads", &[1, 1, 0, 0]), int("group", group)];
            model =
                model.node("QLinearConv", &operands, &[&y], attributes).output_of(&y, self.kind);
        }
        model
    }

    /// `made`, quantised, as an output.
    fn answered(self, model: Model, made: &str, part: &str) -> Model {
        let y = self.name(part);
        self.scaled(model, "QuantizeLinear", made, &y).output_of(&y, self.kind)
    }

    fn scaled(self, model: Model, op: &str, from: &str, to: &str) -> Model {
        model.node(op, &[from, "s", &self.name("z")], &[to], vec![])
    }
}

const EDGE: [u8; 60] = [
    0, 255, 130, 7, 7, 7, 0, 255, 130, 7, 7, 7, 128, 64, 201, 99, 99, 99, 1, 254, 17, 180, 180,
    180, 142, 114, 90, 33, 33, 33, 255, 255, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 140, 116, 200, 56,
    56, 56, 254, 3, 128, 127, 127, 127, 77, 178, 230, 25, 25, 25,
];
const REFLECT: [u8; 60] = [
    128, 64, 201, 99, 201, 64, 0, 255, 130, 7, 130, 255, 128, 64, 201, 99, 201, 64, 1, 254, 17,
    180, 17, 254, 142, 114, 90, 33, 90, 114, 140, 116, 200, 56, 200, 116, 255, 255, 0, 0, 0, 255,
    140, 116, 200, 56, 200, 116, 254, 3, 128, 127, 128, 3, 77, 178, 230, 25, 230, 178,
];
const MAX: [u8; 8] = [0, 255, 128, 254, 255, 255, 254, 200];
const AVERAGE: [[u8; 8]; 5] = [
    [0, 192, 64, 134, 255, 128, 197, 112],
    [0, 192, 64, 134, 255, 128, 197, 112],
    [0, 192, 64, 134, 255, 128, 197, 112],
    [0, 192, 64, 134, 255, 128, 197, 112],
    [0, 193, 65, 134, 255, 127, 197, 112],
];
const AVERAGE_WITH_PADS: [[u8; 8]; 5] = [
    [0, 96, 32, 134, 64, 64, 98, 112],
    [86, 153, 89, 134, 149, 121, 156, 112],
    [96, 160, 96, 134, 160, 128, 162, 112],
    [106, 167, 103, 134, 170, 135, 170, 112],
    [191, 224, 160, 134, 255, 191, 226, 112],
];
const CONV: [[u8; 4]; 5] = [
    [191, 255, 197, 255],
    [163, 178, 168, 140],
    [159, 160, 165, 122],
    [156, 142, 162, 105],
    [127, 1, 133, 0],
];
const DEPTHWISE: [[u8; 8]; 5] = [
    [0, 255, 0, 114, 191, 64, 255, 168],
    [57, 228, 50, 114, 220, 64, 232, 139],
    [64, 224, 64, 114, 223, 64, 228, 136],
    [71, 221, 78, 114, 227, 64, 225, 132],
    [127, 193, 191, 115, 255, 64, 197, 104],
];
const TRANSPOSED: [[u8; 49]; 5] = [
    [
        191, 255, 255, 98, 65, 5, 4, 6, 0, 26, 0, 0, 11, 0, 169, 77, 119, 201, 250, 88, 92, 126,
        63, 0, 0, 56, 13, 0, 191, 191, 129, 45, 104, 167, 185, 0, 0, 32, 0, 70, 2, 0, 129, 130,
        190, 125, 218, 31, 35,
    ],
    [
        163, 255, 255, 98, 36, 5, 0, 120, 101, 140, 114, 114, 125, 92, 140, 77, 90, 201, 222, 88,
        63, 240, 177, 0, 86, 170, 127, 88, 162, 191, 101, 45, 76, 167, 157, 82, 98, 146, 79, 184,
        116, 110, 100, 130, 162, 125, 189, 31, 7,
    ],
    [
        159, 255, 255, 98, 33, 5, 0, 134, 115, 154, 128, 128, 139, 106, 137, 77, 87, 201, 218, 88,
        60, 254, 191, 2, 100, 184, 141, 102, 159, 191, 97, 45, 72, 167, 153, 96, 112, 160, 93, 198,
        130, 124, 97, 130, 158, 125, 186, 31, 3,
    ],
    [
        156, 255, 255, 98, 30, 5, 0, 148, 129, 168, 142, 142, 153, 120, 134, 77, 84, 201, 215, 88,
        56, 255, 205, 16, 114, 198, 155, 116, 156, 191, 94, 45, 69, 167, 150, 110, 126, 174, 107,
        212, 144, 138, 93, 130, 155, 125, 182, 31, 0,
    ],
    [
        127, 255, 255, 97, 1, 5, 0, 255, 242, 255, 255, 255, 255, 233, 105, 77, 55, 201, 187, 88,
        28, 255, 255, 129, 227, 255, 255, 229, 127, 191, 65, 45, 41, 167, 121, 223, 239, 255, 220,
        255, 255, 251, 65, 130, 127, 125, 154, 31, 0,
    ],
];
