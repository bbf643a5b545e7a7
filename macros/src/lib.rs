//! `mobilenet!`: a network compiled into your crate, from a model or from the rows of the paper's Table 2.
#![forbid(unsafe_code)]

mod asked;
mod expand;
mod faults;
mod request;
mod rows;
mod settings;

use std::path::PathBuf;

use proc_macro::TokenStream;

/// Compiles a network into a module.
///
/// # A model
/// ```
/// use std::sync::Mutex;
///
/// mnv2c_macros::mobilenet! {
///     /// Tells ten digits apart.
///     pub mod net;
///     model = "../examples/digits/digits.onnx"; // relative to the directory of Cargo.toml
///     target = "generic";                       // or another that `mnv2c targets` lists
/// }
///
/// static ARENA: Mutex<net::Arena> = Mutex::new(net::Arena::new());
///
/// let mut probabilities = [0.0; net::OUTPUT_LEN];
/// net::infer(&mut ARENA.lock().unwrap(), &[0.5; net::INPUT_LEN], &mut probabilities);
/// ```
/// `net` then has `infer`, `Arena`, and consts such as `ARENA_BYTES`, `INPUT_LEN` and `MADDS`. The crate needs
/// `mnv2c-runtime` beside this one. `dims { batch = 1 }` gives sizes that a file leaves open. A change of the model, of
/// files its weights lie in or of a spec rebuilds the crate.
///
/// # Rows of Table 2
/// ```
/// mnv2c_macros::mobilenet! {
///     /// A little network with random weights.
///     pub mod net;
///     input 32x32x3; width 0.5; classes 10; seed = 7; // or weights = "w.safetensors";
///     conv2d c=16 n=1 s=2;
///     bottleneck t=1 c=16 n=1 s=1;
///     bottleneck t=6 c=24 n=2 s=2;
///     conv2d 1x1 c=64 n=1 s=1;
/// }
///
/// let mut arena = Box::new(net::Arena::new());
/// let mut scores = [0.0; net::OUTPUT_LEN];
/// net::infer(&mut arena, &[0.5; net::INPUT_LEN], &mut scores);
/// assert!(scores.iter().all(|score| score.is_finite()));
/// ```
/// # The paper's rows at a width, a size and a target
/// ```
/// mnv2c_macros::mobilenet! { pub struct Net<0.1, 32, Generic>; classes 10; seed = 7; }
///
/// let mut net = Box::new(Net::new());
/// let mut scores = [0.0; Net::OUTPUT_LEN];
/// net.infer(&[0.5; Net::INPUT_LEN], &mut scores);
/// ```
/// `struct Net;` takes a model or rows as a module does, if the network has one input and one output:
/// ```
/// mnv2c_macros::mobilenet! { struct Digits; model = "../examples/digits/digits.onnx"; }
///
/// let mut probabilities = [0.0; Digits::OUTPUT_LEN];
/// Digits::new().infer(&[0.5; Digits::INPUT_LEN], &mut probabilities);
/// ```
/// Other settings: `name = "..";` for what its documentation calls the network; `weights = embed;`, the default for a
/// model: they travel in the program's read-only data, where it reads them in place; `weights = extern;`: the program
/// passes the bytes of the file that `mnv2c compile --weights extern` writes to `net::Weights::from_bytes`.
///
/// # Pictures as cameras give them, and answers as programs use them
/// ```
/// mnv2c_macros::mobilenet! {
///     pub mod net;
///     input 32x32x3; width 0.5; classes 10; seed = 7;
///     conv2d c=16 n=1 s=2;
///     bottleneck t=6 c=24 n=2 s=2;
///     input_format = u8_nhwc;          // a camera's bytes; mean and deviation are folded into the network
///     mean = [0.485, 0.456, 0.406];    // of values from 0 to 1; with `scale = raw;`, from 0 to 255
///     std = [0.229, 0.224, 0.225];
///     bgr = true;                      // blue comes first
///     output = top5;                   // or raw, softmax, argmax
///     ram = 64 KiB;                    // the fastest plan within it; or `objective = ram;` for the smallest
///     feed = rows;                     // the network asks for row after row; or caller, arena
/// }
///
/// let mut arena = Box::new(net::Arena::new());
/// let best = net::infer_rows(&mut arena, |row, bytes| bytes.fill(row as u8));
/// let (class, probability) = best[0];
/// assert!(class < 10 && probability > 0.1);
/// ```
/// Every option of the command line is a key, by its name with underscores:
///
/// `layers = true;` adds `net::LAYERS`: name, kernel, shape, multiply-adds and weights of whatever runs.
/// `dtype = int8;` demands a quantised network; a float model is quantised on the way by
/// `calibration = "pictures";` (files or directories of .npy, or with the feature `pictures` of .png and .jpg), with `limit`,
/// `observer`, `no_equalize`, `no_bias_correction` and `keep_f32 = ["layer"];`, or by `mnv2c quantize` first.
/// `outputs = ["boxes", "scores"];` cuts an ONNX graph at these values; what only later nodes need is dropped, whether it could
/// be compiled or not. `input_shapes { image = [1, 3, 224, 224] }` gives inputs whole shapes.
/// `standalone = true;` puts the runtime into the module, and the crate needs no `mnv2c-runtime`.
/// `tuning = "tiles.json";` takes the tiles that `mnv2c compile --tune` timed on the machine.
/// `dtype = f16;` lets floats and weights lie in memory as halves, computed in `f32`; so does `bf16`, pairs of which some
/// machines multiply faster.
/// `recompute = 1.05;` lets a plan do so many times the multiply-adds where that saves memory.
/// `threads = 2;` shares one inference among threads of a `Pool` that `infer` takes (feature `std` of mnv2c-runtime).
/// `winograd = off;`, `2`, `4` or `auto` says in which tiles dense 3x3 convolutions of floats save products.
/// `requant = fixed;` rounds sums of bytes without floats, for machines that have none.
///
/// # Debug builds
/// Kernels are compiled where the network is, so a debug build of that crate runs them unoptimised (in 64 KiB of stack, as
/// any build). To have the network alone optimised, give it a crate of its own, `eyes` say, and put this into the
/// `Cargo.toml` of the workspace:
/// ```toml
/// [profile.dev.package.eyes]
/// opt-level = 3
///
/// [profile.dev.package.mnv2c-runtime]
/// debug-assertions = false # with them kernels loop, to save stack where nothing is optimised
/// ```
/// The crate is then compiled again only when the model changes.
#[proc_macro]
pub fn mobilenet(input: TokenStream) -> TokenStream {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let request = request::parse(input.into(), &root);
    let tokens = request.and_then(|request| expand::module(&request, &root));
    tokens.unwrap_or_else(|errors| errors.to_compile_error()).into()
}
