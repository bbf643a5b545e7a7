//! Names no model and no rows.

mnv2c_macros::mobilenet! {
    mod net;
    target = "armv8";
}

fn main() {}
