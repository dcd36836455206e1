//! Texts in parts: PostgreSQL marks what was asked for with two characters that no text keeps, and here they become parts. So nothing
//! that an author wrote can be taken for a mark, and no mark for markup.

use crate::model::Part;

/// What begins a hit, from the range of characters for private use.
pub const BEGIN: char = '\u{e000}';
/// What ends it.
pub const END: char = '\u{e001}';

/// A marked text in parts; those next to each other differ in whether they are hits.
pub fn parts(marked: &str) -> Vec<Part> {
    let mut all: Vec<Part> = Vec::new();
    let mut hit = false;
    for piece in marked.split_inclusive([BEGIN, END]) {
        let text = piece.trim_end_matches([BEGIN, END]);
        if !text.is_empty() {
            match all.last_mut() {
                Some(last) if last.hit == hit => last.text.push_str(text),
                _ => all.push(Part { text: text.to_owned(), hit }),
            }
        }
        hit = match piece.chars().last() {
            Some(BEGIN) => true,
            Some(END) => false,
            _ => hit,
        };
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_make_the_text_again_without_marks(pieces in prop::collection::vec(("[a-z<&>\"]{0,6}", any::<bool>()), 0..8)) {
            let marked: String = pieces.iter().map(|(text, hit)| if *hit { format!("{BEGIN}{text}{END}") } else { text.clone() }).collect();
            let parts = parts(&marked);
            let plain: String = parts.iter().map(|part| part.text.as_str()).collect();
            let expected: String = pieces.iter().map(|(text, _)| text.as_str()).collect();
            prop_assert_eq!(plain, expected);
            let hits: String = parts.iter().filter(|part| part.hit).map(|part| part.text.as_str()).collect();
            let marked: String = pieces.iter().filter(|(_, hit)| *hit).map(|(text, _)| text.as_str()).collect();
            prop_assert_eq!(hits, marked);
            prop_assert!(parts.windows(2).all(|pair| pair[0].hit != pair[1].hit));
            prop_assert!(parts.iter().all(|part| !part.text.is_empty()));
        }

        #[test]
        fn nothing_makes_it_panic_or_keeps_a_mark(text in any::<String>(), marks in prop::collection::vec(any::<bool>(), 0..5)) {
            let marked = marks.iter().fold(String::new(), |all, begin| all + &text + &(if *begin { BEGIN } else { END }).to_string());
            let text: String = parts(&marked).into_iter().map(|part| part.text).collect();
            prop_assert!(!text.contains([BEGIN, END]));
        }
    }
}
