//! Inclusion of files that a crate's build script emitted.

/// Includes the module that `mnv2c::build::Compiler::emit` wrote under this name.
///
/// ```text
/// mnv2c_runtime::include_net!("net"); // makes the module `net`
/// ```
#[macro_export]
macro_rules! include_net {
    ($name:literal) => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/", $name, ".rs"));
    };
}
