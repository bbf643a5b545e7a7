//! An unknown target, as an identifier.

mnv2c_macros::mobilenet! {
    struct Net<1.0, 224, X86V9>;
    seed = 7;
}

fn main() {}
