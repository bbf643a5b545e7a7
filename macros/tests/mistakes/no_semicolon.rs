//! Two settings in one statement.

mnv2c_macros::mobilenet! {
    mod net;
    model = "net.onnx"
    target = "armv8";
}

fn main() {}
