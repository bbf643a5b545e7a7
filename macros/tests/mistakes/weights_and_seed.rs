//! Weights from two places.

mnv2c_macros::mobilenet! {
    mod net;
    input 32x32x3;
    weights = "net.safetensors";
    seed = 7;
    conv2d c=8 n=1 s=2;
}

fn main() {}
