//! CSV (RFC 4180) that any spreadsheet may open: a text is never reckoned with.

/// A text as a field: quoted where it must be, and no formula to any spreadsheet.
pub fn field(text: &str) -> String {
    let guard = if is_formula(text) { "'" } else { "" };
    if guard.is_empty() && !text.contains(['"', ',', '\r', '\n']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

/// Whether some spreadsheet would reckon with the text: it begins with a formula's sign, if of full width, or after what
/// cannot be seen.
fn is_formula(text: &str) -> bool {
    if text.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    let first = text.chars().find(|c| crate::text::shows(*c));
    first.is_some_and(|c| {
        matches!(
            c,
            '=' | '+'
                | '-'
                | '@'
                | '|'
                | '%'
                | '＝'
                | '＋'
                | '－'
                | '＠'
                | '｜'
                | '％'
                | '﹦'
                | '﹢'
                | '﹣'
                | '﹫'
                | '﹪'
                | '−'
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_are_texts_to_a_spreadsheet() {
        assert_eq!(field("=HYPERLINK(\"http://x\")"), "\"'=HYPERLINK(\"\"http://x\"\")\"");
        let hidden = ["\u{feff}=1", "\u{200b}+1", " =1", "\u{a0}@x", "\u{ad}-1", "\u{202e}=1", "\u{3164}=1"];
        let wide = ["＝1", "＋1", "－1", "＠SUM(A1)", "\u{200b}＝1", "﹦1"];
        for begin in ["+1", "-1", "@SUM(A1)", "\tx", "\rx"].into_iter().chain(hidden).chain(wide) {
            assert!(field(begin).starts_with("\"'"), "{begin:?}");
        }
        assert_eq!(field("for the cake"), "for the cake");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field(""), "");
    }

    proptest! {
        #[test]
        fn a_field_is_one_field_and_never_a_formula(text in "\\PC*|[=+@\\-\",\r\n a]{0,8}") {
            let field = field(&text);
            let inner = if let Some(quoted) = field.strip_prefix('"') {
                let inner = quoted.strip_suffix('"').unwrap();
                prop_assert!(!inner.replace("\"\"", "").contains('"'));
                inner.replace("\"\"", "\"")
            } else {
                prop_assert!(!field.contains(['"', ',', '\r', '\n']));
                field.clone()
            };
            prop_assert!(!inner.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r']));
            prop_assert_eq!(inner.strip_prefix('\'').filter(|_| !text.starts_with('\'')).unwrap_or(&inner), &text);
        }
    }
}
