//! A machine that there is not.

mnv2c_macros::mobilenet! {
    mod net;
    model = "net.onnx";
    target = "x86-64-v9";
}

fn main() {}
