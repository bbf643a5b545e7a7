//! Weights that are nowhere.

mnv2c_macros::mobilenet! {
    mod net;
    input 32x32x3;
    weights = "net.safetensors";
    conv2d c=8 n=1 s=2;
}

fn main() {}
