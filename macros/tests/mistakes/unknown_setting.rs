//! A setting that there is not.

mnv2c_macros::mobilenet! {
    mod net;
    modell = "net.onnx";
}

fn main() {}
