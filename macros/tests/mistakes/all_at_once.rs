//! Several mistakes, each of which is shown.

mnv2c_macros::mobilenet! {
    mod net;
    input 32x32x3;
    classes = "ten";
    seed = 7;
    conv2d c=8 t=6;
    bottleneck c=16 n=1;
    bottleneck t=6 c=0 n=1;
    bottleneck t=6 c=16 n=5000;
    dims { batch = 0 }
}

fn main() {}
