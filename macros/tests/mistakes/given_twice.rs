//! Two models.

mnv2c_macros::mobilenet! {
    mod net;
    model = "net.onnx";
    model = "other.onnx";
}

fn main() {}
