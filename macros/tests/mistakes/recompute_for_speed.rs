//! Leave to compute more, where nothing is gained by it.

mnv2c_macros::mobilenet! {
    mod net;
    input 32x32x3; classes = 10; seed = 7;
    conv2d c=8 n=1 s=2;
    recompute = 1.5;
}

fn main() {}
