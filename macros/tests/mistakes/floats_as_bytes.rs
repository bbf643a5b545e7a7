//! A float model where `int8` was demanded.

mnv2c_macros::mobilenet! {
    mod net;
    input 32x32x3; classes = 10; seed = 7;
    conv2d c=8 n=1 s=2;
    dtype = int8;
}

fn main() {}
