//! Bodies of tests compiled for an instruction set, and run where the machine has it.

/// A closure that runs a body with a token, compiled for the token's features as emitted code is.
macro_rules! compiled_for {
    ("", $token:expr, $simd:ident, ($($arg:ident: $type:ty),*) $body:expr) => {
        |$($arg: $type),*| {
            let $simd = $token;
            $body
        }
    };
    ($features:literal, $token:expr, $simd:ident, ($($arg:ident: $type:ty),*) $body:expr) => {
        |$($arg: $type),*| {
            #[target_feature(enable = $features)]
            fn inside($($arg: $type),*) {
                // SAFETY: the features are enabled here.
                let $simd = unsafe { $token };
                $body
            }
            // SAFETY: the machine was asked for the instruction set.
            unsafe { inside($($arg),*) }
        }
    };
}

/// Runs a body where this machine has the instruction set of a line of the catalog.
#[cfg(target_arch = "x86_64")]
macro_rules! where_present {
    (Neon $body:block) => {};
    (NeonDot $body:block) => {};
    ($isa:ident $body:block) => {
        if Isa::$isa.is_present() $body
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! where_present {
    (Avx2 $body:block) => {};
    (Avx512 $body:block) => {};
    (Avx512Vnni $body:block) => {};
    (Avx512Bf16 $body:block) => {};
    ($isa:ident $body:block) => {
        if Isa::$isa.is_present() $body
    };
}
