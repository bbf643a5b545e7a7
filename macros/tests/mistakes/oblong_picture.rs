//! A picture that is not square.

mnv2c_macros::mobilenet! {
    mod net;
    input 224x96x3;
    seed = 7;
    conv2d c=8 n=1 s=2;
}

fn main() {}
