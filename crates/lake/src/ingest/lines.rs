//! Events as lines of JSON (NDJSON), from a file or a request: split as they come, taken a chunk at a time, acknowledged with
//! what became of each chunk. However long the stream, no more of it is held than a few chunks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::{Event, Fault, MAX_EVENT_BYTES};
use super::outcome::{IngestError, Outcome};
use super::writer::Feed;

/// The events of a chunk.
pub const CHUNK: usize = 1_000;

/// Splits bytes into lines, and lines into events.
#[derive(Debug, Default)]
pub struct Lines {
    held: Vec<u8>,
    at: usize,
    number: u64,
    /// A line too long to be held is being passed over.
    passing: bool,
}

/// A line: its number, from 1, and its event or what is wrong with it.
pub type Line = (u64, Result<Event, Fault>);

impl Lines {
    /// Takes more bytes. Take the lines out before pushing more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.at);
        self.at = 0;
        self.held.extend_from_slice(bytes);
    }

    /// The next whole line that is not blank.
    pub fn next_line(&mut self) -> Option<Line> {
        loop {
            let rest = &self.held[self.at..];
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                if rest.len() > MAX_EVENT_BYTES && !self.passing {
                    self.passing = true;
                    self.at = self.held.len();
                    return Some((self.number + 1, Err(too_long())));
                }
                if self.passing {
                    self.at = self.held.len();
                }
                return None;
            };
            let line = self.at..self.at + end;
            self.at += end + 1;
            self.number += 1;
            if std::mem::take(&mut self.passing) {
                continue;
            }
            if let Some(event) = parse(self.number, &self.held[line]) {
                return Some((self.number, event));
            }
        }
    }

    /// The last line, where it does not end with a newline.
    pub fn last(&mut self) -> Option<Line> {
        let rest = self.held.split_off(self.at);
        self.held.clear();
        self.at = 0;
        if rest.is_empty() || std::mem::take(&mut self.passing) {
            return None;
        }
        self.number += 1;
        parse(self.number, &rest).map(|event| (self.number, event))
    }

    /// Lines seen so far.
    pub fn number(&self) -> u64 {
        self.number
    }
}

fn too_long() -> Fault {
    Fault::new("", format!("is too large: {MAX_EVENT_BYTES} bytes are allowed"))
}

/// `None` for a blank line.
fn parse(number: u64, line: &[u8]) -> Option<Result<Event, Fault>> {
    // What some editors and shells write before the first character of a file.
    let line = line.strip_prefix("\u{feff}".as_bytes()).filter(|_| number == 1).unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    Some(match std::str::from_utf8(line) {
        Ok(text) => Event::parse(text),
        Err(_) => Err(Fault::new("", "is not UTF-8")),
    })
}

/// An event that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedEvent {
    /// Its line, from 1; in a JSON batch its place, from 0.
    pub index: u64,
    /// The field that is wrong; empty where the fault is of no field.
    pub field: String,
    /// What is wrong, as a sentence that follows the field's name.
    pub message: String,
}

/// What became of some events. All that is counted here is durable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IngestReceipt)]
pub struct Receipt {
    /// Events that came.
    pub events: u64,
    /// New ones: in the lake, counted and rewarded.
    pub counted: u64,
    /// Those that were in the lake already.
    pub duplicates: u64,
    /// Those of types that the guild does not take.
    pub switched_off: u64,
    /// Those that cannot be taken; send them again only when mended.
    pub refused: Vec<RefusedEvent>,
}

impl Receipt {
    /// Notes what became of an event.
    pub fn note(&mut self, index: u64, outcome: Outcome) {
        self.events += 1;
        match outcome {
            Outcome::Counted => self.counted += 1,
            Outcome::Duplicate => self.duplicates += 1,
            Outcome::SwitchedOff => self.switched_off += 1,
            Outcome::Refused(fault) => {
                self.refused.push(RefusedEvent { index, field: fault.field, message: fault.message });
            }
        }
    }
}

/// Has these events taken, and tells what became of them; what is wrong already is refused. With `wait` it waits while too many others
/// do, else it answers [`IngestError::Busy`].
pub async fn take(feed: &Feed, lines: Vec<Line>, wait: bool) -> Result<Receipt, IngestError> {
    let mut receipt = Receipt::default();
    let mut events = Vec::with_capacity(lines.len());
    let mut numbers = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        match line {
            Ok(event) => {
                events.push(event);
                numbers.push(number);
            }
            Err(fault) => receipt.note(number, Outcome::Refused(fault)),
        }
    }
    let outcomes = if wait { feed.submit(events).await? } else { feed.offer(events).await? };
    for (number, outcome) in numbers.into_iter().zip(outcomes) {
        receipt.note(number, outcome);
    }
    receipt.refused.sort_by_key(|refused| refused.index);
    Ok(receipt)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(parts: &[&[u8]]) -> Vec<(u64, bool)> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for part in parts {
            lines.push(part);
            seen.extend(
                std::iter::from_fn(|| lines.next_line()).map(|(number, event)| (number, event.is_ok())),
            );
        }
        seen.extend(lines.last().map(|(number, event)| (number, event.is_ok())));
        seen
    }

    const GOOD: &str = r#"{"event_type":"member_join","user_id":"7","timestamp":"2026-11-21T10:00:00Z"}"#;

    #[test]
    fn lines_keep_their_numbers_whatever_is_between() {
        let text = format!("{GOOD}\n\n  \r\nnonsense\n{GOOD}\r\n{}\n{GOOD}", "x".repeat(20_000));
        let all = [(1, true), (4, false), (5, true), (6, false), (7, true)];
        assert_eq!(numbers(&[text.as_bytes()]), all);
        assert_eq!(numbers(&[b"\xff\xfe\n"]), [(1, false)]);
        assert_eq!(numbers(&[b""]), []);
        let marked = format!("\u{feff}{GOOD}\r\n\u{feff}{GOOD}\r\n");
        assert_eq!(numbers(&[marked.as_bytes()]), [(1, true), (2, false)]);
        assert_eq!(numbers(&["\u{feff}".as_bytes(), GOOD.as_bytes()]), [(1, true)]);
        // serde would read an event from a list, too, and its payload from an empty one.
        let listed = r#"["member_join","7",null,null,null,"2026-11-21T10:00:00Z"]"#;
        let empty = GOOD.replace('}', r#","payload":[]}"#);
        let text = format!("[]\n{GOOD}\n{listed}\n{empty}\n[{GOOD}]\n");
        assert_eq!(numbers(&[text.as_bytes()]), [(1, false), (2, true), (3, false), (4, false), (5, false)]);
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_makes_no_difference(size in 1usize..9_000) {
            let text = format!("{GOOD}\n{}\n{GOOD}\n", "x".repeat(20_000));
            let parts: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(numbers(&parts), [(1, true), (2, false), (3, true)]);
        }
    }
}
