//! A network from two places.

mnv2c_macros::mobilenet! {
    mod net;
    model = "net.onnx";
    conv2d c=8 n=1 s=2;
}

fn main() {}
