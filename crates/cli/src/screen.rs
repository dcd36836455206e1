//! What people and programs see. Answers go to standard output, everything else to standard error; so `questhall … |
//! jq` and `$(questhall key create …)` work, whatever else is told.

use std::{
    borrow::Cow,
    fmt::{Display, Write as _},
    io::{self, Write},
};

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::failure::{Code, Failure};

/// How to speak.
#[derive(Debug)]
pub(crate) struct Screen {
    json: bool,
}

impl Screen {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The answer: `value` for programs, else `people`'s text.
    pub(crate) fn answer<T: Serialize + ?Sized>(
        &self,
        value: &T,
        people: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            let text = serde_json::to_string_pretty(value)
                .map_err(|error| Failure::new(Code::Internal, format!("the answer is no JSON: {error}")))?;
            self.print(&text)
        } else {
            self.print(&people(value))
        }
    }

    /// Writes to standard output, with a line's end.
    #[expect(clippy::unused_self, reason = "whoever prints has a screen")]
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let text = quiet(text.trim_end_matches('\n'));
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            // `questhall … | head` has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::new(Code::Unavailable, format!("cannot write the answer: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// Tells something on standard error: a line for people, or a JSON object a line for programs.
    pub(crate) fn note(&self, text: &str) {
        let text = if self.json { serde_json::json!({ "note": text }).to_string() } else { text.to_owned() };
        // A closed standard error hears nothing.
        let _ = writeln!(io::stderr().lock(), "{}", quiet(&text));
    }

    /// Tells why the command ends, likewise.
    pub(crate) fn error(&self, failure: &Failure) {
        let text = if self.json { failure.json() } else { format!("questhall: {failure}") };
        let _ = writeln!(io::stderr().lock(), "{}", quiet(&text));
    }

    /// A bar for work of `length` steps; shown on a terminal only.
    #[expect(clippy::unused_self, reason = "whoever shows has a screen")]
    pub(crate) fn bar(&self, length: usize, what: &'static str) -> ProgressBar {
        let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX)).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {prefix}") {
            bar.set_style(style.progress_chars("█▓░"));
        }
        bar
    }
}

/// So many of a thing: `1 migration`, `2 migrations`.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, thing: &str) -> String {
    if count == N::from(1) { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// A table with these headings, as wide as it needs to be.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    wide_table(&headings, rows.into_iter().map(Vec::from))
}

/// [`table`] with as many columns as there are headings.
pub(crate) fn wide_table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    // Columns are padded on both sides; the first one begins at the margin.
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The text with what a terminal would take for orders written out, as JSON does: names come from Discord, and texts from
/// databases that were filled before such were refused.
fn quiet(text: &str) -> Cow<'_, str> {
    if kernel::text::control(text).is_none() {
        return Cow::Borrowed(text);
    }
    let orders = |c: char| kernel::text::control(c.encode_utf8(&mut [0; 4])).is_some();
    let mut quiet = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if orders(c) {
            // Writing to a String cannot fail.
            let _ = write!(quiet, "\\u{:04x}", u32::from(c));
        } else {
            quiet.push(c);
        }
    }
    Cow::Owned(quiet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_plain_columns() {
        let text =
            table(["id", "name"], [["1".to_owned(), "One".to_owned()], ["22".to_owned(), "Two".to_owned()]]);
        assert_eq!(text, "ID  NAME\n1   One\n22  Two");
    }

    #[test]
    fn nobodys_name_gives_a_terminal_orders() {
        assert_eq!(quiet("Ada\tL.\n"), "Ada\tL.\n");
        assert_eq!(quiet("a\u{1b}[2Jb\u{9b}1mc\u{7f}"), "a\\u001b[2Jb\\u009b1mc\\u007f");
    }
}
