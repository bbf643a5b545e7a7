//! Says nothing of a module.

mnv2c_macros::mobilenet! {
    model = "net.onnx";
}

fn main() {}
