//! Offset assignment as a table: `id,lower,upper,size` in, the same rows with an `offset` out.
//!
//! A row is a buffer of `size` bytes that lives from `lower` to just before `upper`. Columns are found by their
//! names in the first line; others are kept as they are.

use super::{Budget, Buffer, Unfit, fit};
use std::fmt;

/// About a minute.
const BUDGET: Budget = Budget { visits: 1 << 30 };

/// Rows that a table may have: every pair of them may be a conflict.
const MOST_ROWS: usize = 4_096;

/// The reason why a table was refused or could not be solved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CsvError {
    /// The first line lacks a column.
    Column {
        /// Its name.
        name: &'static str,
    },
    /// The first line already has the column that would be written.
    HasOffset,
    /// A row has more or fewer fields than the first line.
    Fields {
        /// Line in the file, from 1.
        line: usize,
        /// Fields in it.
        found: usize,
        /// Fields in the first line.
        expected: usize,
    },
    /// A field is not a number.
    Number {
        /// Line in the file, from 1.
        line: usize,
        /// Name of the column.
        column: &'static str,
        /// The text that stands there.
        found: String,
    },
    /// A buffer that ends before it starts.
    Lifetime {
        /// Line in the file, from 1.
        line: usize,
        /// First step.
        lower: usize,
        /// One past the last step.
        upper: usize,
    },
    /// The sizes sum past what a machine can address.
    Total {
        /// Line in the file, from 1, at which they do.
        line: usize,
    },
    /// More rows than this is made for.
    TooMany,
    /// There is no plan within the capacity, or none was found.
    Unfit {
        /// Bytes of the arena asked for.
        capacity: usize,
        /// The reason.
        reason: Unfit,
    },
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column { name } => {
                write!(
                    f,
                    "line 1: no column `{name}`; the first line names id, lower, upper and size"
                )
            }
            Self::HasOffset => write!(f, "line 1: there is a column `offset` already; remove it"),
            Self::Fields { line, found, expected } => {
                write!(f, "line {line}: {found} fields; the first line has {expected}")
            }
            Self::Number { line, column, found } => {
                write!(
                    f,
                    "line {line}: {column} `{found}` is not a whole number of at most {}",
                    usize::MAX
                )
            }
            Self::Lifetime { line, lower, upper } => {
                write!(
                    f,
                    "line {line}: lower {lower} is past upper {upper}; a buffer lives from lower to upper"
                )
            }
            Self::Total { line } => {
                write!(f, "line {line}: the sizes up to here sum past {} bytes", isize::MAX)
            }
            Self::TooMany => {
                write!(f, "more than {MOST_ROWS} rows; split the table where no buffer lives on")
            }
            Self::Unfit { capacity, reason } => {
                write!(f, "capacity {capacity}: {reason}; give it more")
            }
        }
    }
}

impl std::error::Error for CsvError {}

/// The rows of a table with an offset each, all within `capacity` bytes.
///
/// # Errors
/// The table is malformed, or no plan within the capacity was found.
pub fn alloc(text: &str, capacity: usize) -> Result<String, CsvError> {
    let buffers = parse(text)?;
    let plan = fit(&buffers, &[], capacity, BUDGET);
    let plan = plan.map_err(|reason| CsvError::Unfit { capacity, reason })?;
    let offsets = plan.slots.iter().map(|slot| slot.offset.to_string());
    let column = std::iter::once("offset".to_owned()).chain(offsets);
    let lines = lines(text).map(|(_, line)| line).zip(column);
    Ok(lines.map(|(line, field)| format!("{line},{field}\n")).collect())
}

/// The buffers of a table, in its order.
///
/// # Errors
/// The table is malformed; the error names the line.
pub fn parse(text: &str) -> Result<Vec<Buffer>, CsvError> {
    let mut lines = lines(text);
    let names: Vec<&str> =
        lines.next().map_or("", |(_, line)| line).split(',').map(str::trim).collect();
    let column =
        |name| names.iter().position(|&found| found == name).ok_or(CsvError::Column { name });
    let (id, lower, upper, size) =
        (column("id")?, column("lower")?, column("upper")?, column("size")?);
    if names.contains(&"offset") {
        return Err(CsvError::HasOffset);
    }
    let mut buffers = Vec::new();
    let mut total: usize = 0;
    for (line, row) in lines {
        let fields: Vec<&str> = row.split(',').map(str::trim).collect();
        if fields.len() != names.len() {
            return Err(CsvError::Fields { line, found: fields.len(), expected: names.len() });
        }
        let number = |at: usize, column| {
            let found = fields[at];
            found.parse::<usize>().map_err(|_| CsvError::Number {
                line,
                column,
                found: found.to_owned(),
            })
        };
        let (lower, upper, len) =
            (number(lower, "lower")?, number(upper, "upper")?, number(size, "size")?);
        if lower > upper {
            return Err(CsvError::Lifetime { line, lower, upper });
        }
        total = total
            .checked_add(len)
            .filter(|&total| isize::try_from(total).is_ok())
            .ok_or(CsvError::Total { line })?;
        if buffers.len() == MOST_ROWS {
            return Err(CsvError::TooMany);
        }
        buffers.push(Buffer { name: fields[id].to_owned(), len, align: 1, live: lower..upper });
    }
    Ok(buffers)
}

/// The lines that say something, counted from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        alloc(text, 100).expect_err("the table is bad").to_string()
    }

    #[test]
    fn rows_come_back_with_an_offset() {
        let table = "id,lower,upper,size\na,0,2,10\nb,2,3,10\n";
        assert_eq!(
            alloc(table, 10).as_deref(),
            Ok("id,lower,upper,size,offset\na,0,2,10,0\nb,2,3,10,0\n")
        );
    }

    #[test]
    fn columns_are_found_by_name_and_others_kept() {
        let table = "size, note,upper,id,lower\r\n8,x,2,a,1\r\n\r\n";
        let buffer = Buffer { name: "a".to_owned(), len: 8, align: 1, live: 1..2 };
        assert_eq!(parse(table), Ok(vec![buffer]));
        assert_eq!(
            alloc(table, 8).as_deref(),
            Ok("size, note,upper,id,lower,offset\n8,x,2,a,1,0\n")
        );
    }

    #[test]
    fn header_must_name_the_columns() {
        let expected = "line 1: no column `upper`; the first line names id, lower, upper and size";
        assert_eq!(refusal("id,lower,end,size\n"), expected);
        assert!(refusal("").contains("no column `id`"));
        assert!(refusal("id,lower,upper,size,offset\n").contains("a column `offset` already"));
    }

    #[test]
    fn bad_rows_are_named_by_their_line() {
        let row = |row: &str| refusal(&format!("id,lower,upper,size\n\n{row}\n"));
        assert_eq!(row("a,0,1"), "line 3: 3 fields; the first line has 4");
        assert!(row("a,0,1,-5").starts_with("line 3: size `-5` is not a whole number"));
        assert!(row("a,x,1,5").starts_with("line 3: lower `x` is not a whole number"));
        assert_eq!(
            row("a,2,1,5"),
            "line 3: lower 2 is past upper 1; a buffer lives from lower to upper"
        );
        assert!(row(&format!("a,0,1,{}", usize::MAX)).starts_with("line 3: the sizes up to here"));
    }

    #[test]
    fn too_many_rows_are_refused() {
        let table = format!("id,lower,upper,size\n{}", "a,0,1,1\n".repeat(MOST_ROWS + 1));
        assert!(refusal(&table).starts_with("more than 4096 rows"));
    }

    #[test]
    fn capacity_below_the_load_says_the_load() {
        let table = "id,lower,upper,size\na,0,2,60\nb,1,3,60\n";
        assert_eq!(
            refusal(table),
            "capacity 100: no plan fits; the load is 120 bytes; give it more"
        );
    }
}
