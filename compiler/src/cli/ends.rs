//! Flags for both ends of a network: how the picture is given, and what is told of the answer.

use clap::{Args, ValueEnum};
use mnv2c::ends::{Answer, Ends, Format, Picture};
use mnv2c::error::{Error, Result};

/// What the network takes and gives.
#[derive(Args, Clone)]
pub(crate) struct EndsArgs {
    /// How the network is given its picture, before --mean and --std, which are folded into it
    /// [default: as the model takes it]
    #[arg(long, value_name = "u8-nhwc|f32-nchw|f32-nhwc", value_parser = format)]
    input_format: Option<Format>,
    /// The picture is given blue first, where the model takes red first
    #[arg(long, requires = "input_format")]
    bgr: bool,
    #[command(flatten)]
    normal: NormalArgs,
    /// What the network gives: its output, probabilities, the likeliest class, or the five likeliest
    #[arg(long, value_name = "raw|softmax|argmax|top5", default_value = "raw", value_parser = answer)]
    output: Answer,
}

/// What becomes of a picture's numbers.
#[derive(Args, Clone)]
pub(crate) struct NormalArgs {
    /// What white is before mean and deviation [default: unit]
    #[arg(long, value_enum)]
    scale: Option<Scale>,
    /// Subtracted from each value: one number, or one a channel of the model [default: 0]
    #[arg(long, value_name = "M[,M,M]", value_delimiter = ',', allow_hyphen_values = true)]
    mean: Vec<f32>,
    /// Divides each difference: one number, or one a channel of the model [default: 1]
    #[arg(long = "std", value_name = "S[,S,S]", value_delimiter = ',', value_parser = deviation)]
    deviation: Vec<f32>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scale {
    /// 1
    Unit,
    /// 255
    Raw,
}

impl EndsArgs {
    /// What these flags ask of the network; a normalisation that nothing folds is refused.
    pub(crate) fn ends(&self) -> Result<Ends> {
        if self.normalises_files() {
            let what = "--scale, --mean and --std are folded into a network whose picture has a format; add \
                        --input-format u8-nhwc, or f32-nchw for floats in planes";
            return Err(Error::Spec(what.into()));
        }
        Ok(self.ends_of_program())
    }

    /// Whether a normalisation is asked for that the network does not do itself.
    pub(crate) fn normalises_files(&self) -> bool {
        self.input_format.is_none() && self.normal.is_given()
    }

    /// The same where somebody else normalises if nothing is folded.
    pub(crate) fn ends_of_program(&self) -> Ends {
        Ends { picture: self.input_format.map(|format| self.picture(format)), answer: self.output }
    }

    /// What becomes of a picture that the model itself is to take.
    pub(crate) fn normalisation(&self) -> Picture {
        self.picture(self.input_format.unwrap_or(Format::FloatsNchw))
    }

    /// What becomes of a picture that is read from a file: what the network does not do to it.
    pub(crate) fn reading(&self) -> Picture {
        let whole = self.normalisation();
        match self.input_format {
            Some(_) => Picture { mean: vec![0.0], deviation: vec![1.0], ..whole },
            None => whole,
        }
    }

    /// What the network gives.
    pub(crate) fn answer(&self) -> Answer {
        self.output
    }

    fn picture(&self, format: Format) -> Picture {
        Picture { format, bgr: self.bgr, ..self.normal.picture() }
    }
}

impl NormalArgs {
    /// What becomes of a picture in planes, red first.
    pub(crate) fn picture(&self) -> Picture {
        let white = if self.scale == Some(Scale::Raw) { 255.0 } else { 1.0 };
        let or = |given: &[f32], plain| if given.is_empty() { vec![plain] } else { given.to_vec() };
        let (mean, deviation) = (or(&self.mean, 0.0), or(&self.deviation, 1.0));
        Picture { format: Format::FloatsNchw, white, mean, deviation, bgr: false }
    }

    /// Whether any of the flags is given.
    pub(crate) fn is_given(&self) -> bool {
        self.scale.is_some() || !self.mean.is_empty() || !self.deviation.is_empty()
    }
}

fn format(text: &str) -> Result<Format> {
    text.parse()
}

fn answer(text: &str) -> Result<Answer> {
    match text.parse() {
        Err(Error::Spec(what)) if text.contains('.') => {
            Err(Error::Spec(format!("{what}; files to write are named behind -o")))
        }
        answer => answer,
    }
}

fn deviation(text: &str) -> std::result::Result<f32, String> {
    let number = text.trim().parse().ok().filter(|x: &f32| x.is_finite() && *x != 0.0);
    number.ok_or_else(|| format!("{text:?} is no number to divide by"))
}
