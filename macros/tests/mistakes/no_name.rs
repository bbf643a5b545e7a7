//! A network without the name of a module.

mnv2c_macros::mobilenet! {
    model = "net.onnx";
}

fn main() {}
