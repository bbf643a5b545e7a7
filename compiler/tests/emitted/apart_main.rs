//! One network with its weights inside, once more with the weights passed to it.

mod given;
mod held;

use mnv2c_runtime::blob::{Blob, BlobError};

static FILE: Blob<{ given::WEIGHTS_BYTES }> = Blob::new(*include_bytes!("given.bin"));
static WRONG: Blob<{ given::WEIGHTS_BYTES }> = Blob::new({
    let mut bytes = *FILE.bytes();
    bytes[1000] ^= 1;
    bytes
});

fn main() {
    let weights = given::Weights::from_bytes(FILE.bytes()).unwrap();
    let refused = |bytes| given::Weights::from_bytes(bytes).err().unwrap();
    assert!(matches!(refused(WRONG.bytes()), BlobError::Hash { .. }));
    assert!(matches!(refused(&FILE.bytes()[..640]), BlobError::Length { .. }));
    assert!(matches!(refused(&FILE.bytes()[64..]), BlobError::Header));

    let image = std::array::from_fn(|at| (at % 7) as f32 / 7.0);
    let (mut a, mut b) = ([0.0; given::OUTPUT_LEN], [1.0; held::OUTPUT_LEN]);
    given::infer(weights, &mut Box::new(given::Arena::new()), &image, &mut a);
    held::infer(&mut Box::new(held::Arena::new()), &image, &mut b);
    assert_eq!(a, b);
    println!("alike");
}
