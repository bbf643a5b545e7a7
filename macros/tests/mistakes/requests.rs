//! Options that cannot be met.

mnv2c_macros::mobilenet! {
    mod net;
    input 32x32x3; classes = 10; seed = 7;
    conv2d c=8 n=1 s=2;
    ram = 64 pages;
    objective = beauty;
    feed = spoon;
    dtype = f64;
    input_format = jpeg;
    scale = log;
    mean = "grey";
    bgr = maybe;
    output = bottom5;
}

fn main() {}
