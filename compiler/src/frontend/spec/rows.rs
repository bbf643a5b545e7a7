//! From a row as written, in TOML or in a pasted table, to a [`Row`].

use crate::alike::distance;
use crate::error::Result;
use crate::frontend::spec::{Operator, Row, fault};

/// Permitted words of the operator column.
const OPERATORS: [&str; 4] = ["conv2d", "conv2d 1x1", "bottleneck", "avgpool 7x7"];

/// A row as written; `-` or nothing stands for none.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// Its place, for messages.
    pub(super) place: String,
    pub(super) operator: String,
    pub(super) t: String,
    pub(super) c: String,
    pub(super) n: String,
    pub(super) s: String,
}

/// The rows before the average pooling, and the classes if the row after it counts them.
pub(super) fn read(lines: &[Line]) -> Result<(Vec<Row>, Option<usize>)> {
    let is_pool = |line: &Line| operator_words(&line.operator).starts_with("avgpool");
    let end = lines.iter().position(is_pool).unwrap_or(lines.len());
    let rows = lines[..end].iter().map(row).collect::<Result<_>>()?;
    let classes = match &lines[(end + 1).min(lines.len())..] {
        [] => None,
        [line] => classes(line)?,
        [_, line, ..] => {
            let place = &line.place;
            return fault(format!(
                "{place}: only one row, the classifier, may follow avgpool; remove it"
            ));
        }
    };
    Ok((rows, classes))
}

/// The text of an operator column.
pub(super) fn operator_name(operator: Operator) -> &'static str {
    match operator {
        Operator::Conv3x3 => "conv2d",
        Operator::Conv1x1 => "conv2d 1x1",
        Operator::Bottleneck { .. } => "bottleneck",
    }
}

/// `text` in small letters, with `x` for every multiplication sign and single spaces.
pub(super) fn operator_words(text: &str) -> String {
    let plain =
        text.to_lowercase().replace("\\times", "x").replace('×', "x").replace(['$', '*', '`'], " ");
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").replace(" x ", "x")
}

fn row(line: &Line) -> Result<Row> {
    let operator = match operator_words(&line.operator).as_str() {
        "conv2d" | "conv2d 3x3" => Operator::Conv3x3,
        "conv2d 1x1" => Operator::Conv1x1,
        "bottleneck" => Operator::Bottleneck { t: number(line, "t", &line.t)? },
        other => return unknown(line, other),
    };
    if !matches!(operator, Operator::Bottleneck { .. }) && !is_none(&line.t) && line.t.trim() != "1"
    {
        let (place, t) = (&line.place, excerpt(&line.t));
        return fault(format!("{place}: a convolution has no expansion, but t is {t}; write -"));
    }
    Ok(Row {
        operator,
        c: number(line, "c", &line.c)?,
        n: number(line, "n", &line.n)?,
        s: number(line, "s", &line.s)?,
    })
}

fn classes(line: &Line) -> Result<Option<usize>> {
    let place = &line.place;
    if operator_words(&line.operator) != "conv2d 1x1" {
        return fault(format!("{place}: only the classifier, conv2d 1x1 - k, may follow avgpool"));
    }
    match line.c.trim_matches(['$', ' ']) {
        "k" => Ok(None),
        _ => number(line, "c", &line.c).map(Some),
    }
}

fn number(line: &Line, column: &str, cell: &str) -> Result<usize> {
    let (place, operator) = (&line.place, operator_words(&line.operator));
    let digits = excerpt(cell.trim_matches(['$', ' ']));
    match digits.parse() {
        Ok(0) => fault(format!("{place}: {column} of {operator} is 0; give 1 or more")),
        Ok(number) => Ok(number),
        Err(_) if is_none(cell) => {
            fault(format!("{place}: {operator} needs {column}; the columns are operator t c n s"))
        }
        Err(_) if digits == "k" => fault(format!(
            "{place}: k stands for the classes, in the row after avgpool; give a number"
        )),
        Err(_) => {
            fault(format!("{place}: {column} of {operator} is {digits:?}; give a whole number"))
        }
    }
}

fn is_none(cell: &str) -> bool {
    matches!(cell.trim(), "" | "-" | "–" | "—" | "−" | "$-$")
}

fn unknown<T>(line: &Line, found: &str) -> Result<T> {
    let place = &line.place;
    if found.is_empty() {
        return fault(format!(
            "{place}: the operator is missing; the columns are operator t c n s"
        ));
    }
    let known = OPERATORS.join(", ");
    let nearest =
        OPERATORS.into_iter().min_by_key(|name| distance(name, found)).unwrap_or_default();
    let found = excerpt(found);
    fault(format!(
        "{place}: operator {found:?} is unknown; did you mean {nearest:?}? Known are {known}"
    ))
}

/// The beginning of `text`, long enough for any number or name and short enough for a message.
pub(super) fn excerpt(text: &str) -> &str {
    text.char_indices().nth(60).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(operator: &str, [t, c, n, s]: [&str; 4]) -> Line {
        Line {
            place: "row 1".into(),
            operator: operator.into(),
            t: t.into(),
            c: c.into(),
            n: n.into(),
            s: s.into(),
        }
    }

    fn refusal(operator: &str, cells: [&str; 4]) -> String {
        read(&[line(operator, cells)]).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_operator_is_told_the_nearest() {
        let message = refusal("botleneck", ["6", "24", "2", "2"]);
        let known = "Known are conv2d, conv2d 1x1, bottleneck, avgpool 7x7";
        let wanted = format!(
            "network spec: row 1: operator \"botleneck\" is unknown; \
             did you mean \"bottleneck\"? {known}"
        );
        assert_eq!(message, wanted);
    }

    #[test]
    fn wrong_cells_are_named() {
        let cases = [
            ("bottleneck", ["6", "0", "1", "1"], "c of bottleneck is 0; give 1 or more"),
            (
                "bottleneck",
                ["-", "8", "1", "1"],
                "bottleneck needs t; the columns are operator t c n s",
            ),
            (
                "bottleneck",
                ["6", "8", "1", ""],
                "bottleneck needs s; the columns are operator t c n s",
            ),
            ("bottleneck", ["6", "8", "-2", "1"], "n of bottleneck is \"-2\"; give a whole number"),
            ("conv2d", ["6", "8", "1", "1"], "a convolution has no expansion, but t is 6; write -"),
            (
                "conv2d 1x1",
                ["-", "k", "1", "1"],
                "k stands for the classes, in the row after avgpool; give a number",
            ),
        ];
        for (operator, cells, wanted) in cases {
            assert_eq!(refusal(operator, cells), format!("network spec: row 1: {wanted}"));
        }
    }

    #[test]
    fn the_row_after_the_pooling_counts_the_classes() {
        let head = line("conv2d 1×1", ["-", "1280", "1", "1"]);
        let pool = line("AvgPool 7x7", ["-", "-", "1", "-"]);
        let with = |c| vec![head.clone(), pool.clone(), line("conv2d 1x1", ["-", c, "-", ""])];
        assert_eq!(read(&with("k")).map(|(rows, classes)| (rows.len(), classes)), Ok((1, None)));
        assert_eq!(
            read(&with("10")).map(|(rows, classes)| (rows.len(), classes)),
            Ok((1, Some(10)))
        );
        let twice = [with("k"), with("k")].concat();
        assert!(read(&twice).unwrap_err().to_string().ends_with("may follow avgpool; remove it"));
    }
}
