//! Networks on emulated boards, where the emulator and the platform's core library are installed.

use std::process::Command;

use crate::place::{Place, TINY};

/// True if the emulator starts and `rustc` has the core library of `triple`; says so if not.
fn is_here(emulator: &str, triple: &str) -> bool {
    let says = |program: &str, words: &[&str]| {
        let said = Command::new(program).args(words).output().ok()?;
        said.status.success().then(|| String::from_utf8_lossy(&said.stdout).trim().to_owned())
    };
    let library = says("rustc", &["--print", "target-libdir", "--target", triple]);
    let is_here = says(emulator, &["--version"]).is_some()
        && library.is_some_and(|dir| std::path::Path::new(&dir).is_dir());
    if !is_here {
        eprintln!("skipped: {emulator} or the core library of {triple} is not here");
    }
    is_here
}

#[test]
fn an_emulated_board_answers_as_this_machine_does() {
    if !is_here("qemu-system-arm", "thumbv7em-none-eabihf") {
        return;
    }
    let place = Place::new();
    place.put("tiny.toml", TINY.as_bytes());
    let bench = "bench tiny.toml --target cortex-m4 --emulate";
    let counted = place.mnv2c(&format!("{bench} --format json")).json();
    assert_eq!(counted["exact"], true, "{counted}");
    for key in ["text_bytes", "weights_bytes", "arena_bytes", "stack_bytes", "cycles_estimated"] {
        assert!(counted[key].as_u64().is_some_and(|bytes| bytes > 0), "{key} in {counted}");
    }
    let each = counted["instructions"].as_f64().zip(counted["macs"].as_f64());
    let each = each.map(|(instructions, macs)| instructions / macs);
    assert_eq!(counted["instructions_per_mac"].as_f64(), each);
    let again = place.mnv2c(bench).well();
    assert!(again.contains("on cortex-m4") && again.contains("to the bit"), "{again}");
}

/// Channels that words and pairs do not divide, rows that tiles do not, and a residual.
const ODD: &str = r#"
name = "odd"
resolution = 22
channels = 3
width = 1.0
classes = 3
rows = [
  { operator = "conv2d",     t = "-", c = 7,  n = 1, s = 2 },
  { operator = "bottleneck", t = 1,   c = 9,  n = 1, s = 1 },
  { operator = "bottleneck", t = 3,   c = 12, n = 2, s = 2 },
]
"#;

#[test]
fn words_of_bytes_give_the_bytes_of_other_machines() {
    let place = Place::new();
    place.put("odd.toml", ODD.as_bytes());
    place.put_array("pictures.npy", &[2, 3, 22, 22], |i| (i * 37 % 101) as f32 / 50.0 - 1.0);
    for (target, triple, all) in [
        ("cortex-m4", "thumbv7em-none-eabihf", ["", "--requant fixed"].as_slice()),
        ("cortex-m33", "thumbv8m.main-none-eabihf", &["--objective ram --feed rows"]),
    ] {
        if !is_here("qemu-system-arm", triple) {
            continue;
        }
        for flags in all {
            let int8 = "--dtype int8 --calib pictures.npy";
            let bench = format!("bench odd.toml {int8} --emulate --target {target} {flags}");
            let counted = place.mnv2c(&format!("{bench} --format json")).json();
            assert_eq!(counted["exact"], true, "{target} {flags}: {counted}");
        }
    }
}

#[test]
fn a_machine_that_is_not_emulated_is_refused() {
    let place = Place::new();
    place.put("tiny.toml", TINY.as_bytes());
    let bench = |flags: &str| place.mnv2c(&format!("bench tiny.toml --emulate {flags}"));
    bench("--target generic").fails(1, &["generic is not emulated", "--target cortex-m4"]);
    bench("--target cortex-m4 --threads 2").fails(1, &["one core"]);
    bench("--target cortex-m4 --profile").fails(2, &["--profile"]);
}
