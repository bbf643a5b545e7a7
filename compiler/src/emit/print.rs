//! Tokens -> text that `rustfmt --check` accepts, an item at a time with a blank line between.
//!
//! prettyplease prints tokens; rustfmt decides by other widths when a list goes on one line, so statements are joined
//! and laid out again by `layout`. `quote!` drops comments; the one that unsafe code needs is put back.

use proc_macro2::TokenStream;

use crate::emit::layout::{self, Statement};

/// The reason why the one unsafe block of an emitted file is sound.
const SAFETY: &str = "// SAFETY: `require` returned, so this machine has every feature of `run`.";

/// The items of a private module are public to nobody.
const IDLE: &str =
    "#![allow(dead_code, reason = \"a network states more than one program asks for\")]";

/// A file: its `//!` lines and its items.
pub(super) fn file(header: &str, items: Vec<TokenStream>) -> String {
    let docs = header.lines().map(|line| format!("//! {line}").trim_end().to_owned());
    let mut text = docs.collect::<Vec<_>>().join("\n") + "\n" + IDLE + "\n";
    let mut last_was_use = false;
    for item in items {
        let file = syn::parse2(item).expect("emitted items are Rust");
        let printed = prettyplease::unparse(&file);
        let is_use = printed.starts_with("use ");
        if !(is_use && last_was_use) {
            text.push('\n');
        }
        last_was_use = is_use;
        push_statements(&mut text, &printed);
    }
    text
}

/// Copies `printed`, each statement laid out as rustfmt does.
fn push_statements(text: &mut String, printed: &str) {
    let mut lines = printed.lines().peekable();
    let mut closure: Option<Closure> = None;
    while let Some(line) = lines.next() {
        let content = line.trim_start();
        let mut indent = line.len() - content.len();
        if let Some(Closure { outer, inner }) = closure.filter(|closure| indent >= closure.outer) {
            if indent + 4 == inner && content == "}," {
                text.push_str(&format!("{:outer$}}});\n", ""));
                lines.next();
                closure = None;
                continue;
            }
            indent -= inner - outer - 4;
        }
        if content.starts_with("unsafe {") {
            text.push_str(&format!("{:indent$}{SAFETY}\n", ""));
        }
        if !layout::is_statement(content) {
            text.push_str(format!("{:indent$}{content}", "").trim_end());
            text.push('\n');
            continue;
        }
        let mut statement = Statement::of(content);
        while let Some(next) = lines.next_if(|next| statement.continues(next.trim())) {
            statement.join(next.trim());
        }
        layout::statement(text, &statement.text, indent);
        if statement.text.ends_with("| {") {
            let inner = lines.peek().map_or(0, |next| next.len() - next.trim_start().len());
            closure = Some(Closure { outer: indent, inner });
        }
    }
}

/// A closure as a call's last argument: columns at which the call and, as printed, the body begin.
#[derive(Clone, Copy)]
struct Closure {
    outer: usize,
    inner: usize,
}
