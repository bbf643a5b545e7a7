//! A struct that cannot ask for rows.

mnv2c_macros::mobilenet! {
    struct Net<0.1, 32, Generic>;
    classes = 10; seed = 7;
    feed = rows;
}

fn main() {}
