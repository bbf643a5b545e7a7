//! The text of this crate by modules, for files that carry the runtime inside them.

/// Every module but the catalog, which only the compiler reads, and what build scripts need: a slice for each folder, of
/// paths such as `kernel/pool` and texts.
pub const FOLDERS: [&[(&str, &str)]; 11] = [
    crate::SOURCES,
    crate::blob::SOURCES,
    crate::kernel::SOURCES,
    crate::kernel::q8::SOURCES,
    crate::math::SOURCES,
    crate::ring::SOURCES,
    crate::simd::SOURCES,
    crate::simd::dots::SOURCES,
    crate::simd::dsp::SOURCES,
    crate::simd::stencil::SOURCES,
    crate::simd::winograd::SOURCES,
];

/// The text of a module.
pub fn text(path: &str) -> Option<&'static str> {
    FOLDERS.iter().copied().flatten().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::borrow::ToOwned;
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::vec;

    use super::*;

    #[test]
    fn every_file_of_the_runtime_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = BTreeSet::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().with_extension("");
                    found.insert(name.to_str().unwrap().to_owned());
                }
            }
        }
        for apart in ["catalog", "include", "listed", "sources"] {
            assert!(found.remove(apart), "{apart} is a file of the runtime");
        }
        let named = FOLDERS.iter().copied().flatten().map(|(name, _)| (*name).to_owned());
        assert_eq!(found, named.collect());
    }
}
