//! Specs as TOML: what `mnv2c spec` prints and people edit.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::frontend::spec::rows::{self, Line, operator_name};
use crate::frontend::spec::{Operator, Row, Spec, fault};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    resolution: Option<usize>,
    channels: Option<usize>,
    width: Option<f64>,
    classes: Option<usize>,
    rows: Option<Vec<FileRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRow {
    operator: String,
    t: Option<Cell>,
    c: Option<Cell>,
    n: Option<Cell>,
    s: Option<Cell>,
}

/// A number, or the table's `-` and `k`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a whole number, \"-\" or \"k\"")]
enum Cell {
    Number(i64),
    Word(String),
}

/// The spec in a TOML file; what it leaves out is as in the paper.
pub(super) fn parse(text: &str) -> Result<Spec> {
    let file: File = ::toml::from_str(text)
        .map_err(|error| Error::Spec(format!("network spec: {}", error.to_string().trim_end())))?;
    let paper = Spec::mobilenet_v2(1.0, 224);
    let (rows, classes) = match file.rows {
        Some(rows) => rows::read(&rows.into_iter().enumerate().map(line).collect::<Vec<_>>())?,
        None => (paper.rows, None),
    };
    if let (Some(row), Some(key)) = (classes, file.classes)
        && row != key
    {
        return fault(format!("classes is {key}, the last row says {row}; write c = \"k\" there"));
    }
    Ok(Spec {
        name: file.name.unwrap_or(paper.name),
        resolution: file.resolution.unwrap_or(paper.resolution),
        channels_in: file.channels.unwrap_or(paper.channels_in),
        width: file.width.unwrap_or(paper.width),
        classes: classes.or(file.classes).unwrap_or(paper.classes),
        rows,
    })
}

/// `spec` as TOML, with the table's rows in columns.
pub(super) fn write(spec: &Spec) -> String {
    let name = ::toml::Value::String(spec.name.clone());
    let mut lines = vec![
        format!("name = {name}"),
        format!("resolution = {} # pixels, rows and columns", spec.resolution),
        format!("channels = {} # of the input", spec.channels_in),
        format!("width = {:?} # factor of every channel count", spec.width),
        format!("classes = {}\n", spec.classes),
        "# t: expansion, c: channels, n: layers, s: stride of the first".into(),
        "rows = [".into(),
    ];
    lines.extend(spec.rows.iter().map(write_row));
    lines.push("]\n".into());
    lines.join("\n")
}

fn write_row(row: &Row) -> String {
    let t = match row.operator {
        Operator::Bottleneck { t } => t.to_string(),
        Operator::Conv3x3 | Operator::Conv1x1 => "\"-\"".into(),
    };
    let operator = format!("\"{}\",", operator_name(row.operator));
    let (t, c, n) = (format!("{t},"), format!("{},", row.c), format!("{},", row.n));
    let s = row.s;
    format!("  {{ operator = {operator:<13} t = {t:<4} c = {c:<5} n = {n:<2} s = {s} }},")
}

fn line((index, row): (usize, FileRow)) -> Line {
    let cell = |cell: Option<Cell>| match cell {
        None => String::new(),
        Some(Cell::Number(number)) => number.to_string(),
        Some(Cell::Word(word)) => word,
    };
    Line {
        place: format!("row {}", index + 1),
        operator: row.operator,
        t: cell(row.t),
        c: cell(row.c),
        n: cell(row.n),
        s: cell(row.s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for spec in [Spec::mobilenet_v2(1.0, 224), Spec::mobilenet_v2(0.35, 96)] {
            let named = Spec { name: "a \"b\"\n".into(), ..spec };
            assert_eq!(Spec::parse(&named.to_toml()), Ok(named));
        }
    }

    #[test]
    fn the_rows_stand_in_columns() {
        let text = Spec::mobilenet_v2(1.0, 224).to_toml();
        let rows: Vec<&str> = text.lines().filter(|line| line.contains("operator")).collect();
        assert_eq!(rows[0], "  { operator = \"conv2d\",     t = \"-\", c = 32,   n = 1, s = 2 },");
        assert_eq!(rows[8], "  { operator = \"conv2d 1x1\", t = \"-\", c = 1280, n = 1, s = 1 },");
    }

    #[test]
    fn what_is_left_out_is_as_in_the_paper() {
        let spec = Spec::parse("width = 0.5\nclasses = 10").unwrap();
        assert_eq!(spec, Spec { classes: 10, ..Spec::mobilenet_v2(0.5, 224) });
    }

    #[test]
    fn wrong_entries_are_named() {
        let refusal = |text: &str| Spec::parse(text).unwrap_err().to_string();
        assert!(refusal("resolution = 224\nwidht = 1.0").contains("unknown field `widht`"));
        let row = refusal(
            "rows = [{ operator = \"conv2d\", c = 8, n = 1, s = 1 },
                     { operator = \"bottleneck\", t = 6, c = -8, n = 1, s = 1 }]",
        );
        assert_eq!(row, "network spec: row 2: c of bottleneck is \"-8\"; give a whole number");
        let rows = "{ operator = \"avgpool\" }, { operator = \"conv2d 1x1\", c = 5 }";
        let twice = refusal(&format!("classes = 10\nrows = [{rows}]"));
        assert!(twice.ends_with("classes is 10, the last row says 5; write c = \"k\" there"));
        assert!(
            refusal("rows = []").ends_with("the table has no rows; begin with: conv2d - 32 1 2")
        );
        assert!(refusal("resolution = -1").contains("resolution = -1"));
        assert!(
            refusal("resolution = 100000")
                .contains("resolution is 100000; give a number from 1 to 8192")
        );
    }
}
