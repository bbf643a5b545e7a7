//! A row that grows beyond all bounds.

mnv2c_macros::mobilenet! {
    mod net;
    input 4096x4096x3;
    seed = 7;
    conv2d c=8 n=1 s=2;
    bottleneck t=64 c=65536 n=1 s=1;
}

fn main() {}
