//! Text of modules, held by the module that they are in.

/// Holds the text of the modules of one folder: the folder as part of a module's path, as it is reached from the file,
/// and the names.
macro_rules! listed {
    ($path:literal, $folder:literal: $($name:literal)*) => {
        pub(crate) const SOURCES: &[(&str, &str)] =
            &[$((concat!($path, $name), include_str!(concat!($folder, $name, ".rs")))),*];
    };
}

pub(crate) use listed;
