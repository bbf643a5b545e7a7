//! A path that leads nowhere.

mnv2c_macros::mobilenet! {
    mod net;
    model = "models/net.onnx";
}

fn main() {}
