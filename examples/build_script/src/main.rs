//! Reads one digit with a network that `build.rs` compiled; what it emitted can be read in the target directory.

use std::sync::Mutex;

mnv2c_runtime::include_net!("digits");

/// Static and zero: it takes no room in the program's file, and none on the stack.
static ARENA: Mutex<digits::Arena> = Mutex::new(digits::Arena::new());

/// A seven, drawn with a pen two pixels wide.
const PICTURE: [&str; 10] = [
    "########", "########", "      ##", "      ##", "     ## ", "     ## ", "    ##  ", "    ##  ",
    "   ##   ", "   ##   ",
];

fn main() {
    let mut image = [0.0; digits::INPUT_LEN];
    for (row, line) in PICTURE.iter().enumerate() {
        for (column, _) in line.bytes().enumerate().filter(|(_, ink)| *ink == b'#') {
            for y in 6 + 2 * row..8 + 2 * row {
                image[32 * y + 8 + 2 * column..][..2].fill(1.0);
            }
        }
    }
    let mut probabilities = [0.0; digits::OUTPUT_LEN];
    let mut arena = ARENA.lock().expect("nobody panicked with it");
    digits::infer(&mut arena, &image, &mut probabilities);
    let all = probabilities.iter().enumerate();
    let (digit, sure) = all.max_by(|a, b| a.1.total_cmp(b.1)).expect("there are ten digits");
    println!("{digit}, {:.1} % sure; {} bytes of arena", sure * 100.0, digits::ARENA_BYTES);
}
