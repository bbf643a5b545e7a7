//! A width of nothing.

mnv2c_macros::mobilenet! {
    struct Net<0.0, 224, X86V3>;
    seed = 7;
}

fn main() {}
