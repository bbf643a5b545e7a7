//! The table as the paper prints it, pasted: columns Input, Operator, t, c, n, s between tabs, pipes or spaces.
//!
//! A header line, if there is one, orders the columns; without one they stand as in the paper, with or without Input.
//! The first row's Input gives the resolution and the channels of the image.

use crate::error::Result;
use crate::frontend::spec::rows::{self, Line, operator_words};
use crate::frontend::spec::{Spec, fault};

const COLUMNS: [&str; 6] = ["input", "operator", "t", "c", "n", "s"];

/// The remedy when `text` is none of the three.
const FORMS: &str = "write mobilenet_v2:1.0@224, a TOML spec, or the paper's Table 2";

/// The spec in a pasted table; width 1 and 1000 classes unless the table says another number of them.
pub(super) fn parse(text: &str) -> Result<Spec> {
    let word = text.trim();
    if !word.is_empty() && !word.contains([' ', '\t', '\n', '|']) {
        let word = rows::excerpt(word);
        return fault(format!("{word:?} is none; {FORMS}"));
    }
    let mut columns = None;
    let (mut lines, mut inputs) = (Vec::new(), Vec::new());
    for (number, text) in (1..).zip(text.lines()).filter(|(_, text)| !is_decoration(text)) {
        let cells = cells(text);
        if let Some(header) = header(&cells) {
            columns = Some(header);
            (lines, inputs) = (Vec::new(), Vec::new());
            continue;
        }
        let place = format!("line {number}");
        let (input, line) = line(place, &cells, columns.as_deref())?;
        inputs.push(input);
        lines.push(line);
    }
    if lines.is_empty() {
        return fault(format!("no rows found; {FORMS}"));
    }
    let (rows, classes) = rows::read(&lines)?;
    let (resolution, channels_in) = input(&lines[0].place, &inputs[0])?;
    let paper = Spec::mobilenet_v2(1.0, resolution);
    let classes = classes.unwrap_or(paper.classes);
    Ok(Spec { channels_in, classes, rows, ..paper })
}

/// Blank lines, captions, comments, and the rules under a markdown header.
fn is_decoration(text: &str) -> bool {
    let text = text.trim();
    let is_rule = text.chars().all(|c| "|-:+= \t".contains(c));
    is_rule || text.starts_with('#') || text.to_lowercase().starts_with("table ")
}

fn cells(text: &str) -> Vec<String> {
    let trimmed =
        |cells: std::str::Split<'_, char>| cells.map(|cell| cell.trim().to_owned()).collect();
    let text = text.trim_end_matches(['\r', '\n']);
    if text.contains('|') {
        let inside = text.trim();
        let inside = inside.strip_prefix('|').unwrap_or(inside);
        return trimmed(inside.strip_suffix('|').unwrap_or(inside).split('|'));
    }
    if text.contains('\t') {
        return trimmed(text.split('\t'));
    }
    spaced(text)
}

/// Cells between spaces: the operator is found by its name, since it and Input hold spaces themselves.
fn spaced(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_operator = |word: &&str| {
        ["conv", "bott", "avgp", "pool"].iter().any(|start| word.to_lowercase().starts_with(start))
    };
    let Some(at) = words.iter().position(is_operator) else {
        return words.into_iter().map(str::to_owned).collect();
    };
    let is_kernel = |word: &&str| {
        operator_words(word)
            .split_once('x')
            .is_some_and(|(a, b)| a == b && a.parse::<usize>().is_ok())
    };
    let end = at + 1 + usize::from(words.get(at + 1).is_some_and(is_kernel));
    let mut cells = vec![words[at..end].join(" ")];
    if at > 0 {
        cells.insert(0, words[..at].join(" "));
    }
    cells.extend(words[end..].iter().map(|word| (*word).to_owned()));
    cells
}

/// The column that each cell of a header names.
fn header(cells: &[String]) -> Option<Vec<usize>> {
    let names = cells.iter().map(|cell| operator_words(cell));
    let columns: Vec<usize> = names
        .map(|name| COLUMNS.iter().position(|c| *c == name).unwrap_or(COLUMNS.len()))
        .collect();
    columns.contains(&1).then_some(columns)
}

/// The Input cell and the row.
fn line(place: String, cells: &[String], columns: Option<&[usize]>) -> Result<(String, Line)> {
    let in_order: Vec<usize> = (usize::from(!starts_with_input(cells))..COLUMNS.len()).collect();
    let columns = columns.unwrap_or(&in_order);
    if cells.len() > columns.len() {
        let (found, wanted) = (cells.len(), columns.len());
        return fault(format!(
            "{place}: {found} cells in {wanted} columns; \
             the columns are Input, Operator, t, c, n, s"
        ));
    }
    let cell = |column: usize| {
        let at = columns.iter().position(|c| *c == column);
        at.and_then(|at| cells.get(at)).cloned().unwrap_or_default()
    };
    let [operator, t, c, n, s] = [1, 2, 3, 4, 5].map(cell);
    Ok((cell(0), Line { place, operator, t, c, n, s }))
}

fn starts_with_input(cells: &[String]) -> bool {
    let digit = |cell: &String| {
        cell.trim_start_matches(['$', ' ']).starts_with(|c: char| c.is_ascii_digit())
    };
    cells.first().is_some_and(digit)
}

/// Resolution and channels from `224^2 x 3` or `224 x 224 x 3`, with or without LaTeX around it. Copied from a page, the
/// exponent loses its place, so 2242 is read as 224^2 too.
fn input(place: &str, cell: &str) -> Result<(usize, usize)> {
    if cell.is_empty() {
        return Ok((224, 3));
    }
    let plain = operator_words(cell).replace(['{', '}'], "").replace('²', "^2");
    let parts: Vec<&str> = plain.split(['x', ' ']).filter(|part| !part.is_empty()).collect();
    let number = |part: &str| part.parse::<usize>().ok();
    let found = match parts.as_slice() {
        [h, w, c] if h == w => number(h).zip(number(c)),
        [square, c] => match square.strip_suffix("^2") {
            Some(side) => number(side).zip(number(c)),
            None => number(square).map(lost_exponent).zip(number(c)),
        },
        _ => None,
    };
    match found {
        Some(found) => Ok(found),
        None => fault(format!(
            "{place}: input {:?} is no square picture; write it as 224^2 x 3",
            rows::excerpt(cell)
        )),
    }
}

fn lost_exponent(number: usize) -> usize {
    if number > 900 && number % 10 == 2 { number / 10 } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: &str = "Input\tOperator\tt\tc\tn\ts
$224^{2} \\times 3$\tconv2d\t-\t32\t1\t2
$112^{2} \\times 32$\tbottleneck\t1\t16\t1\t1
$112^{2} \\times 16$\tbottleneck\t6\t24\t2\t2
$56^2 \\times 24$\tbottleneck\t6\t32\t3\t2
$28^{2} \\times 32$\tbottleneck\t6\t64\t4\t2
$14^{2} \\times 64$\tbottleneck\t6\t96\t3\t1
$14^{2} \\times 96$\tbottleneck\t6\t160\t3\t2
$7^{2} \\times 160$\tbottleneck\t6\t320\t1\t1
$7^{2} \\times 320$\tconv2d 1x1\t-\t1280\t1\t1
$7^2 \\times 1280$\tavgpool 7x7\t-\t-\t1\t-
$1\\times1\\times1280$\tconv2d 1x1\t-\tk\t-\t

Table 2: MobileNetV2: Each line describes a sequence of 1 or more identical (modulo stride) layers.
";

    #[test]
    fn the_papers_table_is_the_papers_network() {
        assert_eq!(Spec::parse(PAPER), Ok(Spec::mobilenet_v2(1.0, 224)));
    }

    #[test]
    fn pipes_and_spaces_separate_as_tabs_do() {
        let rule = "|---|:-:|--|--|--|--|\n";
        let piped: String = PAPER
            .lines()
            .filter(|line| line.contains('\t'))
            .map(|line| format!("| {} |\n", line.replace('\t', " | ")))
            .collect();
        let (header, rows) = piped.split_once('\n').unwrap_or_default();
        assert_eq!(
            Spec::parse(&format!("{header}\n{rule}{rows}")),
            Ok(Spec::mobilenet_v2(1.0, 224))
        );
        let spaced = PAPER.replace('\t', " ").replace("^{2}", "2").replace("^2", "2");
        assert_eq!(Spec::parse(&spaced), Ok(Spec::mobilenet_v2(1.0, 224)));
    }

    #[test]
    fn a_table_without_header_or_input_is_the_short_form_of_rows() {
        let spec = Spec::parse(
            "conv2d - 16 1 2\nbottleneck 6 24 2 2\navgpool 7x7 - - 1 -\nconv2d 1x1 - 10 - -",
        )
        .unwrap();
        assert_eq!((spec.rows.len(), spec.classes, spec.resolution), (2, 10, 224));
    }

    #[test]
    fn wrong_lines_are_named_by_their_number() {
        let refusal = |text: &str| Spec::parse(text).unwrap_err().to_string();
        let swapped = PAPER
            .replace("56^2 \\times 24$\tbottleneck\t6\t32", "56^2 \\times 24$\tbottleneck\t6\t");
        assert_eq!(
            refusal(&swapped),
            "network spec: line 5: bottleneck needs c; the columns are operator t c n s"
        );
        assert!(refusal("| 1 | 2 | 3 | 4 | 5 | 6 | 7 |").contains("line 1: 7 cells in 6 columns"));
        assert!(
            refusal("224x192x3\tconv2d\t-\t32\t1\t2")
                .contains("line 1: input \"224x192x3\" is no square picture")
        );
        assert!(
            refusal("mobilenetv2@96").contains("\"mobilenetv2@96\" is none; write mobilenet_v2:")
        );
        assert!(refusal("").contains("no rows found; write mobilenet_v2:1.0@224"));
    }
}
