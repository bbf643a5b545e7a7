//! Line breaks of statements, as rustfmt with its default widths makes them.
//!
//! Only what emitted files hold is known here: signatures, consts, lets and calls, with lists in brackets.

/// Widest line.
const LINE: usize = 100;
/// Widest arguments of a call, or elements of an array, on one line.
const LIST: usize = 60;
/// Widest chain of calls on one line.
const CHAIN: usize = 60;
/// Widest fields of a struct on one line.
const FIELDS: usize = 18;

/// The beginning of an alias of a type.
const ALIAS: &str = "pub(super) type ";

/// True if a line starts something that is laid out here.
pub(super) fn is_statement(line: &str) -> bool {
    let starts = ["pub fn ", "fn ", "const ", "pub const ", "pub(super) const ", "static ", "let "];
    let is_item = starts.iter().chain(&[ALIAS]).any(|start| line.starts_with(start));
    let is_call = line.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_block(line);
    is_item || is_call
}

/// A statement whose lines are put together, each of which is looked at once.
pub(super) struct Statement {
    pub(super) text: String,
    /// Brackets that are open.
    depth: i32,
    is_function: bool,
}

impl Statement {
    /// The statement that begins with a line.
    pub(super) fn of(line: &str) -> Self {
        Self { text: line.to_owned(), depth: depth(line), is_function: line.contains("fn ") }
    }

    /// True if `next` belongs to it: a bracket is open, or a method is called on it. The bracket that opens the body of a
    /// function is no list.
    pub(super) fn continues(&self, next: &str) -> bool {
        let body = self.is_function && self.text.ends_with('{');
        let closure = self.text.ends_with("| {");
        let alias = self.text.starts_with(ALIAS) && !self.text.ends_with(';');
        next.starts_with('.') || alias || (!closure && self.depth > i32::from(body))
    }

    /// Appends the next line.
    pub(super) fn join(&mut self, line: &str) {
        let closes = line.starts_with([')', ']', '}', '>']);
        if closes && self.text.ends_with(',') {
            self.text.pop();
        }
        let brace = self.text.ends_with('{') || line.starts_with('}');
        let tight = self.text.ends_with(['(', '[', '<']) || closes || line.starts_with('.');
        if brace || !tight {
            self.text.push(' ');
        }
        self.text.push_str(line);
        self.depth += depth(line);
        self.is_function |= line.contains("fn ");
    }
}

/// Writes a statement on as many lines as it needs.
pub(super) fn statement(text: &mut String, statement: &str, indent: usize) {
    let fits = |code: &str, indent: usize| indent + code.chars().count() <= LINE;
    let mut line = |indent: usize, code: &str| text.push_str(&format!("{:indent$}{code}\n", ""));
    if let Some((head, links)) = chain(statement) {
        line(indent, head);
        return links.iter().for_each(|link| line(indent + 4, link));
    }
    if statement.starts_with(ALIAS) {
        return alias(statement, indent).iter().for_each(|(indent, code)| line(*indent, code));
    }
    if let Some([head, file, tail]) = included(statement) {
        if fits(statement, indent) {
            return line(indent, statement);
        }
        line(indent, head);
        line(indent + 4, file);
        return line(indent, tail);
    }
    let short = statement.contains("fn ") || lists_are_short(statement);
    let value = statement.split_once(" = ").filter(|(_, value)| fits(value, indent + 4));
    let Some((open, close)) = list(statement).filter(|_| !short || !fits(statement, indent)) else {
        return line(indent, statement);
    };
    if let (Some((place, value)), true) = (value, short) {
        line(indent, &format!("{place} ="));
        return line(indent + 4, value);
    }
    line(indent, &statement[..=open]);
    for element in elements(&statement[open + 1..close]) {
        self::statement(text, &format!("{element},"), indent + 4);
    }
    text.push_str(&format!("{:indent$}{}\n", "", &statement[close..]));
}

/// The calls of a `let` or of a field that are too wide for one line, behind what they are of.
fn chain(statement: &str) -> Option<(&str, Vec<&str>)> {
    let start = match statement.strip_prefix("let ") {
        Some(_) => statement.find(" = ")? + 3,
        None => field(statement)?,
    };
    let mut depth = 0;
    let mut dots = Vec::new();
    for (at, c) in statement.char_indices().skip_while(|(at, _)| *at < start) {
        depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
        let names = statement[at + c.len_utf8()..].starts_with(|c: char| c.is_ascii_alphabetic());
        if c == '.' && depth == 0 && names {
            dots.push(at);
        }
    }
    let wide = statement[start..].trim_end_matches([';', ',']).chars().count() > CHAIN;
    let ends = dots.iter().skip(1).copied().chain([statement.len()]);
    let links = dots.iter().zip(ends).map(|(from, to)| &statement[*from..to]).collect();
    (wide && dots.len() > 1).then(|| (&statement[..dots[0]], links))
}

/// Where the value of a field begins.
fn field(statement: &str) -> Option<usize> {
    let name = statement.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let is_field = statement[name..].starts_with(": ") && statement.ends_with(',');
    is_field.then_some(name + 2)
}

/// The lines of an alias of a type whose first argument is a tuple, and where they begin.
fn alias(statement: &str, indent: usize) -> Vec<(usize, String)> {
    let (place, kind) = statement.split_once(" = ").expect("an alias stands for something");
    let (open, close) = outermost(statement).expect("an alias has a tuple");
    let tuple = &statement[open + 1..close];
    if tuple.chars().count() > LIST {
        let head = &statement[..open];
        let mut lines = vec![(indent, head.to_owned()), (indent + 4, "(".to_owned())];
        let arrays = elements(tuple).into_iter();
        lines.extend(arrays.map(|array| (indent + 8, format!("{array},"))));
        lines.push((indent + 4, "),".to_owned()));
        let rest = statement[close + 1..].trim_start_matches(", ").trim_end_matches(">;");
        lines.extend(elements(rest).into_iter().map(|count| (indent + 4, format!("{count},"))));
        lines.push((indent, ">;".to_owned()));
        return lines;
    }
    if indent + statement.chars().count() <= LINE {
        return vec![(indent, statement.to_owned())];
    }
    vec![(indent, format!("{place} =")), (indent + 4, kind.to_owned())]
}

/// A file that is included as an argument: its name and what stands around it. Macros get no comma behind their last
/// argument.
fn included(statement: &str) -> Option<[&str; 3]> {
    const MACRO: &str = "include_bytes!(";
    let name = statement.strip_prefix(MACRO)?.strip_suffix("),")?;
    let end = MACRO.len() + name.len();
    Some([&statement[..MACRO.len()], name, &statement[end..]])
}

/// The list to be broken: the outermost, or what is inside it where that is one array or one call.
fn list(statement: &str) -> Option<(usize, usize)> {
    let (open, close) = outermost(statement)?;
    let inner = &statement[open + 1..close];
    let only =
        outermost(inner).filter(|(_, end)| elements(inner).len() == 1 && end + 1 == inner.len());
    let nested = only.filter(|(start, _)| *start == 0 || inner.ends_with([')', '}']));
    Some(nested.map_or((open, close), |(start, end)| (open + 1 + start, open + 1 + end)))
}

fn is_block(line: &str) -> bool {
    let keywords =
        ["for ", "while ", "if ", "impl ", "mod ", "pub struct ", "unsafe ", "use ", "pub use "];
    keywords.iter().any(|keyword| line.starts_with(keyword)) || line.ends_with("| {")
}

/// Brackets that a text leaves open.
fn depth(text: &str) -> i32 {
    text.chars().map(|c| i32::from("([{".contains(c)) - i32::from(")]}".contains(c))).sum()
}

/// True if no list inside is wider than rustfmt leaves on one line; of a call with one array, only that counts.
fn lists_are_short(text: &str) -> bool {
    let Some((open, close)) = outermost(text) else { return true };
    let inner = text[open + 1..close].trim();
    let most = if text[open..].starts_with('{') { FIELDS } else { LIST };
    let elements = elements(inner);
    let array = inner.starts_with('[') && elements.len() == 1;
    (array || inner.chars().count() <= most)
        && elements.iter().all(|element| lists_are_short(element))
}

/// The first bracket after `=` (or of all, where there is none) that holds a list, and the one that closes it.
fn outermost(text: &str) -> Option<(usize, usize)> {
    let from = text.find(" = ").map_or(0, |at| at + 3);
    let open = from + text[from..].find(['(', '[', '{'])?;
    let mut depth = 0;
    for (at, c) in text[open..].char_indices() {
        depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
        if depth == 0 {
            return Some((open, open + at));
        }
    }
    None
}

/// The elements of a list, split at commas outside all brackets.
fn elements(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
        if c == ',' && depth == 0 {
            parts.push(list[start..at].trim());
            start = at + 1;
        }
    }
    parts.push(list[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str) {
        let mut text = String::new();
        statement(&mut text, before, 4);
        assert_eq!(text, after);
    }

    #[test]
    fn short_calls_stay_on_one_line() {
        check("POOL.run(0..7, x, y);", "    POOL.run(0..7, x, y);\n");
    }

    #[test]
    fn wide_arguments_go_one_a_line() {
        check(
            "PROJECT.run(isa, weights::BLOCK_10_PROJECT, thin, x, (row..row + 1, 2 * panel..2 * (panel + 1)));",
            "    PROJECT.run(\n        isa,\n        weights::BLOCK_10_PROJECT,\n        thin,\n        x,\n        \
             (row..row + 1, 2 * panel..2 * (panel + 1)),\n    );\n",
        );
    }

    #[test]
    fn a_call_in_a_call_keeps_its_brackets_beside_it() {
        let short =
            "let kernel = PROJECT.adding(QResidual::Of(wide, WIDE.ring(8), PROJECT_1_SUM));";
        check(short, &format!("    {short}\n"));
        check(
            "let kernel = PROJECT.adding(Residual::Of(&x[1_024 * part..], Rows::nhwc(1, 256, 8).ring(8)));",
            "    let kernel = PROJECT.adding(Residual::Of(\n        &x[1_024 * part..],\n        \
             Rows::nhwc(1, 256, 8).ring(8),\n    ));\n",
        );
    }

    #[test]
    fn a_value_that_fits_below_goes_there() {
        check(
            "const SLOTS: Slots<f32, 4, ARENA_BYTES> = Slots::new([0..3_888, 3_888..4_656, 4_992..5_248, 16_944..17_456]);",
            "    const SLOTS: Slots<f32, 4, ARENA_BYTES> =\n        \
             Slots::new([0..3_888, 3_888..4_656, 4_992..5_248, 16_944..17_456]);\n",
        );
    }

    #[test]
    fn the_brackets_of_one_array_do_not_count() {
        check(
            "const SLOTS: Slots<f32, 4, ARENA_BYTES> = Slots::new([0..28_224, 28_224..35_424, 62_720..70_560, 112_896..131_712]);",
            "    const SLOTS: Slots<f32, 4, ARENA_BYTES> =\n        \
             Slots::new([0..28_224, 28_224..35_424, 62_720..70_560, 112_896..131_712]);\n",
        );
    }

    #[test]
    fn one_wide_array_keeps_its_brackets_beside_the_call() {
        check(
            "let x = Slots::new([1_000_000..2_000_000, 2_000_000..3_000_000, 3_000_000..4_000_000]);",
            "    let x = Slots::new([\n        1_000_000..2_000_000,\n        2_000_000..3_000_000,\n        \
             3_000_000..4_000_000,\n    ]);\n",
        );
    }

    #[test]
    fn wide_chains_go_one_call_a_line() {
        check(
            "let rings = wide.chunks_exact_mut(32_544).zip(thin.chunks_exact_mut(5_376));",
            "    let rings = wide\n        .chunks_exact_mut(32_544)\n        \
             .zip(thin.chunks_exact_mut(5_376));\n",
        );
        let short = "let rings = x.chunks_exact_mut(32_544).zip(y.chunks_exact_mut(5));";
        check(short, &format!("    {short}\n"));
        check(
            "down: Window::over(1_024, 10).strided(10).dilated(10).padded(10, 10),",
            "    down: Window::over(1_024, 10)\n        .strided(10)\n        .dilated(10)\n        \
             .padded(10, 10),\n",
        );
        let short = "down: Window::over(112, 3).strided(2).dilated(2).padded(1, 1),";
        check(short, &format!("    {short}\n"));
    }

    #[test]
    fn structs_of_a_few_columns_stay_on_one_line() {
        check("let x = Clamp { lo: 0.0, hi: 6.0 };", "    let x = Clamp { lo: 0.0, hi: 6.0 };\n");
        check(
            "let x = Pool { width: 7, height: 7 };",
            "    let x = Pool {\n        width: 7,\n        height: 7,\n    };\n",
        );
    }

    #[test]
    fn a_file_of_a_long_name_gets_a_line_for_itself() {
        let include = |name: &str| {
            format!("static BLOB: Blob<448> = Blob::of_file(include_bytes!(\"{name}\"), 0x01);")
        };
        let [short, middle, long, longest] = [27, 34, 73, 74].map(|len| "x".repeat(len));
        check(&include(&short), &format!("    {}\n", include(&short)));
        check(
            &include(&middle),
            &format!(
                "    static BLOB: Blob<448> =\n        Blob::of_file(include_bytes!(\"{middle}\"), 0x01);\n"
            ),
        );
        check(
            &include(&long),
            &format!(
                "    static BLOB: Blob<448> = Blob::of_file(\n        include_bytes!(\"{long}\"),\n        0x01,\n    );\n"
            ),
        );
        check(
            &include(&longest),
            &format!(
                "    static BLOB: Blob<448> = Blob::of_file(\n        include_bytes!(\n            \"{longest}\"\n        ),\n        0x01,\n    );\n"
            ),
        );
    }

    #[test]
    fn aliases_of_tuples_go_on_as_few_lines_as_hold_them() {
        let alias = |name: &str, count: usize| {
            let arrays = vec!["[f32; 96_000]"; count].join(", ");
            format!("pub(super) type {name} = Arrays<({arrays}), {count}, BYTES>;")
        };
        let short = alias("X", 2);
        check(&short, &format!("    {short}\n"));
        let long = alias(&"X".repeat(40), 2);
        check(&long, &format!("    {}\n", long.replace("= ", "=\n        ")));
        let wide = alias("X", 5);
        let rows = "            [f32; 96_000],\n".repeat(5);
        check(
            &wide,
            &format!(
                "    pub(super) type X = Arrays<\n        (\n{rows}        ),\n        5,\n        BYTES,\n    >;\n"
            ),
        );
    }

    #[test]
    fn types_before_the_value_are_left_alone() {
        check(
            "const SHAPE: [usize; 4] = [1, 3, 224, 224];",
            "    const SHAPE: [usize; 4] = [1, 3, 224, 224];\n",
        );
    }
}
