//! Rows without their input.

mnv2c_macros::mobilenet! {
    mod net;
    seed = 7;
    conv2d c=8 n=1 s=2;
}

fn main() {}
