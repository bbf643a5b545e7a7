//! A method for each option, typed: each fills the request, and the first word that means nothing is kept for the end.

use std::path::Path;

use crate::build::Compiler;
use crate::build::word::Word;
use crate::error::Result;
use crate::ir::Arithmetic;
use crate::model_io::{Answer, Format};
use crate::objective::{Feed, Objective, Ram, Recompute, Storage, WinogradTiles};
use crate::options::{Request, Scale, Weights};
use crate::quantize::histogram::Observer;
use crate::target::Target;

impl Compiler {
    /// The machine: [`Target::X86_64_V3`], say, or its name as `--target` takes it; `generic` unless called.
    pub fn target(self, target: impl Into<Word<Target>>) -> Self {
        self.word("target", target, |it, target| it.target = target)
    }

    /// Threads that one inference runs on, 1 to 64; 1 unless called. More need the feature `std` of mnv2c-runtime, and
    /// `infer` takes a `Pool`.
    pub fn threads(self, count: usize) -> Self {
        self.item("threads", &count.to_string())
    }

    /// Name of the network; after its file unless called.
    pub fn name(self, name: &str) -> Self {
        self.item("name", name)
    }

    /// The size of a dimension that an ONNX file leaves open.
    pub fn dim(self, name: &str, size: usize) -> Self {
        self.item("dims", &format!("{name}={size}"))
    }

    /// The whole shape of an input of an ONNX file.
    pub fn input_shape(self, name: &str, shape: &[usize]) -> Self {
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        self.item("input_shapes", &format!("{name}={}", shape.join("x")))
    }

    /// Cuts an ONNX graph at values, by their names in it: they become its outputs, in this order, and what only later nodes
    /// need is dropped, whether it could be compiled or not.
    pub fn outputs(self, names: &[&str]) -> Self {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        self.set("outputs", |it| it.model.sizes.outputs = names)
    }

    /// Keeps an output of the model between calls, as the input of the next: neither is an argument of `infer`. It starts as
    /// zeros, and `Arena::reset` clears it.
    pub fn state(self, input: &str, output: &str) -> Self {
        let pair = (input.to_owned(), output.to_owned());
        self.set("state", |it| it.model.states.push(pair))
    }

    /// Draws the weights of a spec at random.
    pub fn seed(self, seed: u64) -> Self {
        self.set("seed", |it| it.model.seed = Some(seed))
    }

    /// Takes the weights of a spec from a safetensors file.
    pub fn weights(self, path: impl AsRef<Path>) -> Self {
        self.set("weights_file", |it| it.model.weights = Some(path.as_ref().to_owned()))
    }

    /// Leaves the weights out of the program, which passes a file's bytes to `Weights::from_bytes` when it runs.
    pub fn weights_apart(self) -> Self {
        self.set("weights", |it| it.weights = Weights::Extern)
    }

    /// Puts the runtime and the weights into the module, which then needs no other crate and no other file: take it with
    /// `include!(concat!(env!("OUT_DIR"), "/net.rs"))`.
    pub fn standalone(self) -> Self {
        self.set("standalone", |it| it.standalone = true)
    }

    /// Takes the fastest tile of each layer from a file that `mnv2c compile --tune` wrote on the machine.
    pub fn tuning(self, path: impl AsRef<Path>) -> Self {
        self.set("tuning", |it| it.tuning = Some(path.as_ref().to_owned()))
    }

    /// Takes the fastest plan whose arena has at most so many bytes: `Ram::kib(256)`, or `"256K"`, or `"300000"`.
    pub fn ram(self, limit: impl Into<Word<Ram>>) -> Self {
        self.word("ram", limit, |it, limit| it.ram = Some(limit))
    }

    /// Chooses the plan for `"speed"`, the default, or for `"ram"`, the smallest arena.
    pub fn objective(self, objective: impl Into<Word<Objective>>) -> Self {
        self.word("objective", objective, |it, objective| it.objective = objective)
    }

    /// Allows recomputation: a plan may do up to so many times the network's multiply-adds, `"1.05"` say, where that
    /// saves memory.
    pub fn recompute(self, factor: impl Into<Word<Recompute>>) -> Self {
        self.word("recompute", factor, |it, factor| it.recompute = Some(factor))
    }

    /// Sets the way of inputs into the network: in the `"caller"`'s array, the default, in the `"arena"`, or by
    /// `"rows"` that the network asks for.
    pub fn feed(self, feed: impl Into<Word<Feed>>) -> Self {
        self.word("feed", feed, |it, feed| it.feed = feed)
    }

    /// Demands a network that computes in `"f32"` or in `"int8"`; either is taken as it comes unless called. With `"f16"`
    /// or `"bf16"` it stores values and weights in half the memory, and computes in f32, or on pairs of bf16. A model of
    /// floats becomes one of `"int8"` by the pictures of [`calibration`](Self::calibration).
    pub fn dtype(self, dtype: impl Into<Word<Storage>>) -> Self {
        self.word("dtype", dtype, |it, dtype| it.dtype = Some(dtype))
    }

    /// Quantises a float model by images of its use, as `mnv2c quantize` does: a file, or a directory of them, .npy, or
    /// with the feature `pictures` of mnv2c .png and .jpg; may be called several times. [`mean`](Self::mean) and
    /// [`std`](Self::std) normalise pictures, not arrays.
    pub fn calibration(self, path: impl AsRef<Path>) -> Self {
        self.set("calibration", |it| it.calibration.push(path.as_ref().to_owned()))
    }

    /// The most pictures to calibrate with; 128 unless called.
    pub fn limit(self, count: usize) -> Self {
        self.item("limit", &count.to_string())
    }

    /// The derivation of ranges from observed values: `"minmax"`, the default, `"percentile"` or `"entropy"`.
    pub fn observer(self, observer: impl Into<Word<Observer>>) -> Self {
        self.word("observer", observer, |it, observer| it.quantize.observer = observer)
    }

    /// Does not scale channels between layers to like ranges when a model is quantised.
    pub fn no_equalize(self) -> Self {
        self.set("no_equalize", |it| it.quantize.equalize = false)
    }

    /// Does not correct biases for what rounding the weights adds on average.
    pub fn no_bias_correction(self) -> Self {
        self.set("no_bias_correction", |it| it.quantize.correct = false)
    }

    /// Computes layers in floats, by the names that the report of `mnv2c quantize` gives, where a model is quantised.
    pub fn keep_f32(self, layers: &[&str]) -> Self {
        let layers = layers.iter().map(|layer| (*layer).to_owned()).collect();
        self.set("keep_f32", |it| it.quantize.keep = layers)
    }

    /// Computes dense 3x3 convolutions of floats between Winograd's transforms, in tiles of `"2"` or `"4"` outputs a side, by
    /// `"auto"`, the default, where a plan for speed gains by it, or by `"off"` never.
    pub fn winograd(self, tiles: impl Into<Word<WinogradTiles>>) -> Self {
        self.word("winograd", tiles, |it, tiles| it.winograd = tiles)
    }

    /// Rounds sums of bytes by `"float"`, the default, or by `"fixed"`, integers alone, for machines without floats.
    pub fn requant(self, arithmetic: impl Into<Word<Arithmetic>>) -> Self {
        self.word("requant", arithmetic, |it, arithmetic| it.requant = arithmetic)
    }

    /// Sets the form of the input image: `"u8-nhwc"`, `"f32-nchw"` or `"f32-nhwc"`, before [`mean`](Self::mean) and
    /// [`std`](Self::std), which are folded into the network.
    pub fn input_format(self, format: impl Into<Word<Format>>) -> Self {
        self.word("input_format", format, |it, format| it.input_format = Some(format))
    }

    /// Value of white before mean and deviation: 1 for `"unit"`, the default, and 255 for `"raw"`.
    pub fn scale(self, scale: impl Into<Word<Scale>>) -> Self {
        self.word("scale", scale, |it, scale| it.scale = scale)
    }

    /// Subtracted from each value of the picture: one number, or one a channel of the model.
    pub fn mean(self, mean: &[f32]) -> Self {
        self.set("mean", |it| it.mean = mean.into())
    }

    /// Divides each difference: one number, or one a channel of the model.
    pub fn std(self, deviation: &[f32]) -> Self {
        self.set("std", |it| it.deviation = deviation.into())
    }

    /// The picture is given blue first, where the model takes red first.
    pub fn bgr(self) -> Self {
        self.set("bgr", |it| it.bgr = true)
    }

    /// Sets the output: `"raw"`, the default, probabilities (`"softmax"`), the likeliest class (`"argmax"`), or the
    /// five likeliest with their probabilities (`"top5"`).
    pub fn output(self, answer: impl Into<Word<Answer>>) -> Self {
        self.word("output", answer, |it, answer| it.output = answer)
    }

    /// Makes the module describe each of its kernels, in the const `LAYERS`.
    pub fn layers(self) -> Self {
        self.set("layers", |it| it.layers = true)
    }

    fn set(mut self, name: &'static str, edit: impl FnOnce(&mut Request)) -> Self {
        edit(&mut self.request);
        self.request.note(name);
        self
    }

    fn word<T>(
        mut self,
        name: &'static str,
        word: impl Into<Word<T>>,
        edit: impl FnOnce(&mut Request, T),
    ) -> Self {
        match word.into().0 {
            Ok(value) => self.set(name, |it| edit(it, value)),
            Err(error) => {
                self.mistake.get_or_insert(error);
                self
            }
        }
    }

    fn item(mut self, name: &str, item: &str) -> Self {
        let row = crate::options::row(name).expect("methods are named after rows");
        let read: Result<()> = self.request.read(row, item);
        if let Err(error) = read {
            self.mistake.get_or_insert(error);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::frontend::spec::Spec;
    use crate::model_io::{ModelIo, Picture};
    use crate::options::{Door, ROWS};

    fn compiler() -> Compiler {
        Compiler::rows(Spec::mobilenet_v2(0.1, 32)).seed(7)
    }

    #[test]
    fn a_limit_and_a_feed_shape_the_plan() {
        let arena = |compiler: Compiler| compiler.compile().expect("it fits").plan.arena_len;
        let (plain, least) = (arena(compiler()), arena(compiler().objective("ram")));
        let fed = compiler().ram(&format!("{least}")).feed("rows");
        let again = arena(compiler().objective("ram").feed("rows").recompute("1.2"));
        assert!(again < arena(compiler().objective("ram").feed("rows")));
        assert!(least < plain && arena(compiler().ram("1M")) == plain && arena(fed) <= least);
        for half in ["f16", "bf16"] {
            let halves = arena(compiler().dtype(half));
            assert!(halves * 2 <= plain + plain / 8, "{halves} of {plain}");
        }
        let refusal = compiler().ram("1K").compile().expect_err("it is small").to_string();
        assert!(refusal.contains("no plan fits 1024 bytes"), "{refusal}");
    }

    #[test]
    fn typed_values_are_the_words_for_them() {
        let typed = compiler()
            .ram(Ram::kib(64))
            .feed(Feed::Rows)
            .dtype(Storage::F16)
            .output(Answer::Top5)
            .input_format(Format::BytesNhwc)
            .requant(Arithmetic::Fixed)
            .target(Target::X86_64_V3);
        let words = compiler().ram("64K").feed("rows").dtype("f16").output("top5");
        let words = words.input_format("u8-nhwc").requant("fixed").target("x86-64-v3");
        assert_eq!(typed.request, words.request);
        let threads = |count| compiler().threads(count).compile().expect("it fits").target.threads;
        assert_eq!([1, 2].map(threads), [1, 2]);
        let none = compiler().threads(0).compile().expect_err("nobody runs").to_string();
        assert!(none.contains("give one from 1 to 64"), "{none}");
    }

    #[test]
    fn ends_are_those_of_the_command_line() {
        let request = compiler()
            .input_format("u8_nhwc")
            .mean(&[0.5])
            .std(&[0.25, 0.5, 0.25])
            .bgr()
            .output("top5")
            .request;
        let (mean, deviation) = (vec![0.5], vec![0.25, 0.5, 0.25]);
        let format = Format::BytesNhwc;
        let picture = Picture { format, white: 1.0, mean, deviation, bgr: true };
        assert_eq!(request.model_io(), ModelIo { picture: Some(picture), answer: Answer::Top5 });
    }

    #[test]
    fn every_row_of_the_table_has_a_method() {
        let all =
            compiler().target("host").threads(1).name("net").dim("n", 1).input_shape("x", &[1]);
        let all = all
            .state("h0", "hn")
            .outputs(&["y"])
            .weights("w")
            .weights_apart()
            .standalone()
            .tuning("t.json");
        let all = all.ram("1K").objective("ram").recompute("1.5").feed("rows").dtype("int8");
        let all = all.calibration("photos").limit(7).observer("entropy").keep_f32(&["stem"]);
        let all = all.no_equalize().no_bias_correction().requant("fixed").input_format("u8-nhwc");
        let all = all
            .winograd("off")
            .scale("raw")
            .mean(&[1.0])
            .std(&[2.0])
            .bgr()
            .output("argmax")
            .layers();
        assert_eq!(all.mistake, None);
        let given: BTreeSet<&str> =
            ROWS.iter().map(|row| row.name).filter(|name| all.request.is_given(name)).collect();
        assert_eq!(given, ROWS.iter().map(|row| row.name).collect());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |compiler: Compiler, part: &str| {
            let error = Door::Builder.told(&compiler.compile().expect_err(part));
            assert!(error.contains(part), "{error}");
        };
        refused(compiler().ram("2 pages"), "pages");
        refused(compiler().ram("64K").objective("ram"), "`.objective(..)` and `.ram(..)` exclude");
        refused(compiler().objective("beauty"), "use speed or ram");
        refused(compiler().recompute("0.5"), "from 1 to 1000");
        refused(compiler().recompute("1.5"), "chosen for speed; add `.objective(\"ram\")`");
        refused(compiler().requant("fixed"), "the model computes in floats; leave it out");
        refused(compiler().feed("spoon"), "unknown feed \"spoon\"; use caller, arena or rows");
        refused(compiler().dtype("int8"), "pass `.calibration(\"DIR\")`");
        refused(compiler().dtype("f64"), "use f32, f16, bf16 or int8");
        refused(compiler().requant("double"), "use float or fixed");
        refused(compiler().mean(&[0.5]), "add `.input_format(\"u8-nhwc\")`");
        refused(compiler().input_format("jpeg"), "u8-nhwc");
        refused(compiler().input_format("u8-nhwc").scale("log"), "use unit or raw");
        refused(compiler().output("bottom5"), "top5");
        refused(
            compiler().keep_f32(&["stem"]),
            "`.keep_f32(..)` quantises; pass `.dtype(\"int8\")`",
        );
        refused(
            compiler().standalone().weights_apart(),
            "`.standalone()` and `.weights_apart()` excl",
        );
        refused(
            compiler().weights("w.safetensors"),
            "`.weights(..)` and `.seed(..)` exclude each other",
        );
        refused(compiler().outputs(&["y"]), "`.outputs(..)`");
    }
}
