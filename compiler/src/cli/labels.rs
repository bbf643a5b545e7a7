//! Names of classes, and the likeliest of them.

use std::path::Path;

use mnv2c::error::Result;
use mnv2c::files;
use mnv2c::model_io::Answer;

/// Classes that are shown.
const SHOWN: usize = 5;

/// A class and how likely it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Guess {
    /// Its position in the output.
    pub(crate) class: usize,
    /// Its name.
    pub(crate) label: String,
    /// From 0 to 1, if the program returns it.
    pub(crate) probability: Option<f32>,
}

/// The names in a file, one a line.
pub(crate) fn read(path: &Path) -> Result<Vec<String>> {
    let text = files::read_text(path)?;
    Ok(text.lines().map(|line| line.trim().to_owned()).collect())
}

/// The likeliest classes, from a program's ranking or from its whole output; the likeliest first.
pub(crate) fn guesses(answer: Answer, told: &[f32], labels: &[String]) -> Vec<Guess> {
    let guess = |class: f32, probability| {
        let class = class as usize;
        Guess { class, label: label(labels, class), probability }
    };
    match answer {
        Answer::Raw | Answer::Softmax => top(told, labels),
        Answer::Argmax => told.iter().map(|class| guess(*class, None)).collect(),
        Answer::Top5 => told.chunks_exact(2).map(|pair| guess(pair[0], Some(pair[1]))).collect(),
    }
}

fn label(labels: &[String], class: usize) -> String {
    labels.get(class).cloned().unwrap_or_else(|| format!("class {class}"))
}

/// The likeliest classes of an output.
fn top(values: &[f32], labels: &[String]) -> Vec<Guess> {
    let probabilities = probabilities(values);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let guess = |class: usize| Guess {
        class,
        label: label(labels, class),
        probability: Some(probabilities[class]),
    };
    order.into_iter().take(SHOWN).map(guess).collect()
}

/// The values themselves if they are probabilities already, their softmax if not.
fn probabilities(values: &[f32]) -> Vec<f32> {
    let sum: f32 = values.iter().sum();
    if (sum - 1.0).abs() < 1e-3 && values.iter().all(|value| *value >= 0.0) {
        return values.to_vec();
    }
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = values.iter().map(|value| (value - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_become_probabilities_and_probabilities_stay() {
        let labels = ["cat".to_owned(), "dog".to_owned()];
        let likeliest = |values: &[f32]| top(values, &labels).swap_remove(0);
        assert_eq!(likeliest(&[0.25, 0.75]).probability, Some(0.75));
        assert_eq!(likeliest(&[0.0, 3f32.ln()]).label, "dog");
        let probability = likeliest(&[0.0, 3f32.ln()]).probability.expect("an output has it");
        assert!((probability - 0.75).abs() < 1e-6);
    }

    #[test]
    fn what_a_program_tells_is_named() {
        let labels = ["cat".to_owned(), "dog".to_owned()];
        let guess =
            |class, label: &str, probability| Guess { class, label: label.into(), probability };
        assert_eq!(guesses(Answer::Argmax, &[1.0], &labels), [guess(1, "dog", None)]);
        let likeliest = guesses(Answer::Top5, &[1.0, 0.75, 0.0, 0.25], &labels);
        assert_eq!(likeliest, [guess(1, "dog", Some(0.75)), guess(0, "cat", Some(0.25))]);
    }

    #[test]
    fn a_class_without_a_label_is_numbered() {
        assert_eq!(top(&[0.0, 9.0], &["cat".to_owned()])[0].label, "class 1");
    }
}
