//! Where built programs are kept.

use std::path::PathBuf;

/// `$MNV2C_CACHE`, or `mnv2c` in the user's cache directory, or in the one for temporary files.
pub(super) fn root() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user = || {
        let home = || std::env::home_dir().map(|home| home.join(".cache"));
        Some(set("XDG_CACHE_HOME").or_else(home)?.join("mnv2c"))
    };
    set("MNV2C_CACHE").or_else(user).unwrap_or_else(|| std::env::temp_dir().join("mnv2c"))
}
