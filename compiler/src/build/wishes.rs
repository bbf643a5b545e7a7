//! What is wished of memory, pictures and answers: the words of the command line's flags, read when they are needed.

use crate::build::Compiler;
use crate::build::word::Word;
use crate::ends::{Answer, Ends, Format, Picture};
use crate::error::{Error, Result};
use crate::ir::{Arithmetic, Graph};
use crate::objective::{self, Feed, Memory, Objective, Ram, Recompute, Storage};

/// Words, as they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    ram: Option<String>,
    objective: Option<String>,
    recompute: Option<String>,
    feed: Option<String>,
    dtype: Option<String>,
    requant: Option<String>,
    input_format: Option<String>,
    scale: Option<String>,
    mean: Vec<f32>,
    deviation: Vec<f32>,
    bgr: bool,
    output: Option<String>,
    pub(super) layers: bool,
}

impl Compiler {
    /// Takes the fastest plan whose arena has at most so many bytes: `Ram::kib(256)`, or `"256K"`, or `"300000"`.
    pub fn ram(mut self, limit: impl Into<Word<Ram>>) -> Self {
        self.wishes.ram = Some(limit.into().text);
        self
    }

    /// Chooses the plan for `"speed"`, the default, or for `"ram"`, the smallest arena.
    pub fn objective(mut self, objective: impl Into<Word<Objective>>) -> Self {
        self.wishes.objective = Some(objective.into().text);
        self
    }

    /// Lets a plan do up to so many times the network's multiply-adds, `"1.05"` say, where that saves memory.
    pub fn recompute(mut self, factor: impl Into<Word<Recompute>>) -> Self {
        self.wishes.recompute = Some(factor.into().text);
        self
    }

    /// Lets the input come from the `"caller"`'s array, the default, lie in the `"arena"`, or come by `"rows"` that the
    /// network asks for.
    pub fn feed(mut self, feed: impl Into<Word<Feed>>) -> Self {
        self.wishes.feed = Some(feed.into().text);
        self
    }

    /// Demands a network that computes in `"f32"` or in `"int8"`; either is taken as it comes unless called. With `"f16"`
    /// or `"bf16"` it stores values and weights in half the memory, and computes in f32, or on pairs of bf16.
    pub fn dtype(mut self, dtype: impl Into<Word<Storage>>) -> Self {
        self.wishes.dtype = Some(dtype.into().text);
        self
    }

    /// Rounds sums of bytes by `"float"`, the default, or by `"fixed"`, integers alone, for machines without floats.
    pub fn requant(mut self, arithmetic: impl Into<Word<Arithmetic>>) -> Self {
        self.wishes.requant = Some(arithmetic.into().text);
        self
    }

    /// Lets the picture be given as `"u8-nhwc"`, `"f32-nchw"` or `"f32-nhwc"`, before [`mean`](Self::mean) and
    /// [`std`](Self::std), which are folded into the network.
    pub fn input_format(mut self, format: impl Into<Word<Format>>) -> Self {
        self.wishes.input_format = Some(format.into().text);
        self
    }

    /// What white is before mean and deviation: 1 for `"unit"`, the default, and 255 for `"raw"`.
    pub fn scale(mut self, word: &str) -> Self {
        self.wishes.scale = Some(word.into());
        self
    }

    /// Subtracted from each value of the picture: one number, or one a channel of the model.
    pub fn mean(mut self, mean: &[f32]) -> Self {
        self.wishes.mean = mean.into();
        self
    }

    /// Divides each difference: one number, or one a channel of the model.
    pub fn std(mut self, deviation: &[f32]) -> Self {
        self.wishes.deviation = deviation.into();
        self
    }

    /// The picture is given blue first, where the model takes red first.
    pub fn bgr(mut self) -> Self {
        self.wishes.bgr = true;
        self
    }

    /// Lets the network give its output `"raw"`, the default, as probabilities (`"softmax"`), the likeliest class
    /// (`"argmax"`), or the five likeliest with their probabilities (`"top5"`).
    pub fn output(mut self, answer: impl Into<Word<Answer>>) -> Self {
        self.wishes.output = Some(answer.into().text);
        self
    }

    /// Lets the module say what each of its kernels is, as the const `LAYERS`.
    pub fn layers(mut self) -> Self {
        self.wishes.layers = true;
        self
    }
}

impl Wishes {
    pub(super) fn memory(&self) -> Result<Memory> {
        let objective = match (&self.ram, &self.objective) {
            (Some(_), Some(_)) => {
                let what =
                    "ram and objective exclude each other: ram is the fastest plan within it";
                return Err(Error::Spec(what.into()));
            }
            (Some(bytes), None) => Objective::Within(objective::bytes(bytes)?),
            (None, word) => read(word)?.unwrap_or_default(),
        };
        let storage = match self.dtype.as_deref() {
            Some("f16") => Storage::F16,
            Some("bf16") => Storage::Bf16,
            _ => Storage::default(),
        };
        let feed = read(&self.feed)?.unwrap_or_default();
        let recompute = read(&self.recompute)?.unwrap_or_default();
        if self.recompute.is_some() && objective == Objective::Speed {
            let what = "recompute saves memory, and the plan is chosen for speed; give ram, or objective ram, or leave \
                        recompute out";
            return Err(Error::Spec(what.into()));
        }
        Ok(Memory { objective, feed, storage, recompute })
    }

    pub(super) fn ends(&self) -> Result<Ends> {
        let answer = read::<Answer>(&self.output)?.unwrap_or_default();
        let white = match self.scale.as_deref() {
            None | Some("unit") => 1.0,
            Some("raw") => 255.0,
            Some(word) => {
                return Err(Error::Spec(format!("no scale is {word:?}; unit and raw are")));
            }
        };
        let Some(format) = read::<Format>(&self.input_format)? else {
            let lone = self.bgr
                || self.scale.is_some()
                || !self.mean.is_empty()
                || !self.deviation.is_empty();
            if lone {
                let what = "scale, mean, std and bgr say what is folded into a network whose picture has a format; \
                            give input_format, such as u8-nhwc";
                return Err(Error::Spec(what.into()));
            }
            return Ok(Ends { picture: None, answer });
        };
        let plain = Picture::plain(format);
        let or = |given: &Vec<f32>, plain| if given.is_empty() { plain } else { given.clone() };
        let (mean, deviation) = (or(&self.mean, plain.mean), or(&self.deviation, plain.deviation));
        let picture = Picture { format, white, mean, deviation, bgr: self.bgr };
        Ok(Ends { picture: Some(picture), answer })
    }

    /// What sums of bytes become bytes by.
    pub(super) fn arithmetic(&self) -> Result<Arithmetic> {
        Ok(read(&self.requant)?.unwrap_or_default())
    }

    /// Refuses a graph that computes in another type than was demanded.
    pub(super) fn check_dtype(&self, graph: &Graph) -> Result<()> {
        let quantised = graph.is_quantised();
        if graph.arithmetic == Arithmetic::Fixed && !quantised {
            let what = "requant fixed says how bytes are rounded, but the model computes in floats; leave it out, or \
                        quantise the model first with `mnv2c quantize`";
            return Err(Error::Spec(what.into()));
        }
        match self.dtype.as_deref() {
            Some("int8") if !quantised => Err(Error::Spec(
                "dtype is int8, but the model computes in floats; quantise it first with `mnv2c quantize`, and compile \
                 what that writes"
                    .into(),
            )),
            Some(word @ ("f32" | "f16" | "bf16")) if quantised => Err(Error::Spec(format!(
                "dtype is {word}, but the model computes on bytes; compile the model it was made of"
            ))),
            None | Some("int8" | "f32" | "f16" | "bf16") => Ok(()),
            Some(word) => {
                Err(Error::Spec(format!("no dtype is {word:?}; f32, f16, bf16 and int8 are")))
            }
        }
    }
}

fn read<T: std::str::FromStr<Err = Error>>(word: &Option<String>) -> Result<Option<T>> {
    word.as_deref().map(str::parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontend::spec::Spec;
    use crate::target::Target;

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
        let [typed, words] = [typed, words].map(|it| (it.target, it.wishes));
        assert_eq!(typed.1.memory(), words.1.memory());
        assert_eq!(typed.1.ends(), words.1.ends());
        assert_eq!(typed.1.arithmetic(), words.1.arithmetic());
        assert_eq!(typed.0, words.0);
        let threads = |count| compiler().threads(count).compile().expect("it fits").target.threads;
        assert_eq!([1, 2].map(threads), [1, 2]);
        let none = compiler().threads(0).compile().expect_err("nobody runs").to_string();
        assert!(none.contains("threads takes 1 to 64"), "{none}");
    }

    #[test]
    fn the_wishes_are_those_of_the_command_line() {
        let wishes = compiler()
            .input_format("u8_nhwc")
            .mean(&[0.5])
            .std(&[0.25, 0.5, 0.25])
            .bgr()
            .output("top5")
            .wishes;
        let ends = wishes.ends().expect("they make sense");
        let (mean, deviation) = (vec![0.5], vec![0.25, 0.5, 0.25]);
        let format = Format::BytesNhwc;
        let picture = Picture { format, white: 1.0, mean, deviation, bgr: true };
        assert_eq!(ends, Ends { picture: Some(picture), answer: Answer::Top5 });
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |compiler: Compiler, part: &str| {
            let error = compiler.compile().expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        };
        refused(compiler().ram("2 pages"), "pages");
        refused(compiler().ram("64K").objective("ram"), "exclude each other");
        refused(compiler().objective("beauty"), "speed and ram");
        refused(compiler().recompute("0.5"), "from 1 to 1000");
        refused(compiler().recompute("1.5"), "chosen for speed; give ram");
        refused(compiler().requant("fixed"), "the model computes in floats; leave it out");
        refused(compiler().feed("spoon"), "caller, arena and rows");
        refused(compiler().dtype("int8"), "mnv2c quantize");
        refused(compiler().dtype("f64"), "f32, f16, bf16 and int8");
        refused(compiler().requant("double"), "float and fixed");
        refused(compiler().mean(&[0.5]), "give input_format");
        refused(compiler().input_format("jpeg"), "u8-nhwc");
        refused(compiler().input_format("u8-nhwc").scale("log"), "unit and raw");
        refused(compiler().output("bottom5"), "top5");
    }
}
