//! A table has shapes alone.

mnv2c_macros::mobilenet! {
    mod net;
    input 32x32x3;
    conv2d c=8 n=1 s=2;
}

fn main() {}
