//! A struct that cannot be passed its weights.

mnv2c_macros::mobilenet! {
    struct Net;
    model = "tests/models/two.onnx";
    weights = extern;
}

fn main() {}
