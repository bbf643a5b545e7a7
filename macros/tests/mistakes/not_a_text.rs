//! A path without quotes.

mnv2c_macros::mobilenet! {
    mod net;
    model = net;
}

fn main() {}
