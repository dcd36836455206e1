//! READMEs: a challenge's text, parted at its marks, in one language or several.

use std::path::Path;

use kernel::language::spelled;

use super::files::text_read;
use super::mistake::Mistake;

/// What the parts from the second are called in their marks.
const WORDS: [&str; 9] = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/// The word for a part, as its mark has it.
pub(super) fn word_of(part: usize) -> &'static str {
    part.checked_sub(2).and_then(|n| WORDS.get(n)).copied().unwrap_or("?")
}

/// The line of a README before the text of a part, from the second.
pub(super) fn mark_of(part: usize) -> String {
    format!("<!-- part {} -->", word_of(part))
}

/// The README of a language: the challenge's own, or another.
pub(super) fn file_of(language: Option<&str>) -> String {
    language.map_or_else(|| "README.md".to_owned(), |language| format!("README.{language}.md"))
}

/// The text of each part of a README, the first of all parts included.
pub(super) fn parted(file: &str, readme: &str, mistakes: &mut Vec<Mistake>) -> Vec<String> {
    let mut texts = vec![String::new()];
    for (number, line) in (1..).zip(readme.lines()) {
        let Some(said) = marked(line) else {
            if let Some(text) = texts.last_mut() {
                text.push_str(line);
                text.push('\n');
            }
            continue;
        };
        let next = texts.len() + 1;
        let mut wrong = |message: String| mistakes.push(Mistake::new(file, Some(number), message));
        match WORDS.iter().position(|word| *word == said).map(|n| n + 2).or_else(|| said.parse().ok()) {
            Some(part) if part == next && next <= WORDS.len() + 1 => texts.push(String::new()),
            Some(part) if (2..=WORDS.len() + 1).contains(&part) => {
                wrong(format!("begins part {}, but part {} is next", word_of(part), word_of(next)));
            }
            _ => wrong(format!(
                "`{}` is no part's mark: they are `{}` to `{}`",
                line.trim(),
                mark_of(2),
                mark_of(10)
            )),
        }
    }
    texts.iter().map(|text| text.trim().to_owned()).collect()
}

/// Which part a line says that it begins.
fn marked(line: &str) -> Option<String> {
    let inside = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim().to_lowercase();
    let (part, which) = inside.split_once(char::is_whitespace)?;
    (part == "part").then(|| which.trim().to_owned())
}

/// A README of these parts.
pub(super) fn joined(description: &str, parts: &[String]) -> String {
    let mut text = format!("{description}\n");
    for (part, of_part) in (2..).zip(parts) {
        text.extend(["\n", &mark_of(part), "\n\n", of_part, "\n"]);
    }
    text
}

/// The READMEs of a challenge's folder in other languages than its own, by the language's tag. Those whose names are nearly right are
/// named.
pub(super) fn translated(dir: &Path, slug: &str, mistakes: &mut Vec<Mistake>) -> Vec<(String, String)> {
    let Ok(entries) = dir.join(slug).read_dir() else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    let mut found = Vec::new();
    for name in names {
        let Some(language) = language_of(&name) else { continue };
        let (file, right) = (format!("{slug}/{name}"), file_of(Some(&language)));
        if name != right {
            mistakes
                .push(Mistake::of(file, format!("is it the text in another language? Call it `{right}`")));
        } else if let Some(text) = text_read(dir, &file, mistakes) {
            found.push((language, text));
        }
    }
    found
}

/// The language that a README's name means: `README.de.md`, and, not as it should be, `readme_DE.md`.
fn language_of(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let tag = lower.strip_suffix(".md")?.strip_prefix("readme")?.strip_prefix(['.', '_', '-'])?;
    spelled(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_part_a_text_and_joining_it_is_the_inverse() {
        let mut mistakes = Vec::new();
        let text = "One.\n\n<!-- part two -->\n\nTwo.\n<!--Part 3-->\nThree.\n";
        let texts = parted("x/README.md", text, &mut mistakes);
        assert_eq!(
            (texts.as_slice(), mistakes.len()),
            (["One.", "Two.", "Three."].map(str::to_owned).as_slice(), 0)
        );
        let whole = joined(&texts[0], &texts[1..]);
        assert!(whole.contains("\n<!-- part three -->\n\nThree.\n"));
        assert_eq!(parted("x", &whole, &mut mistakes), texts);
        let ten: Vec<String> = (1..=10).map(|n| format!("Part {n}.")).collect();
        assert_eq!(parted("x", &joined(&ten[0], &ten[1..]), &mut mistakes), ten);
        // Other comments are the author's own.
        assert_eq!(parted("x", "a\n<!-- partly done -->\n<!-- part of it -->\nb", &mut mistakes).len(), 1);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    }

    #[test]
    fn marks_that_are_out_of_order_are_named_with_their_lines() {
        let mut mistakes = Vec::new();
        parted(
            "x/README.md",
            "a\n<!-- part three -->\nb\n<!-- part two -->\nc\n<!-- part 11 -->\n",
            &mut mistakes,
        );
        let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(said[0], "x/README.md:2: begins part three, but part two is next");
        assert!(said[1].starts_with("x/README.md:6: `<!-- part 11 -->` is no part's mark"), "{said:?}");
    }

    #[test]
    fn texts_in_other_languages_are_found_by_their_names() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("01-x")).unwrap();
        for name in
            ["README.md", "README.de.md", "README.pt-BR.md", "readme_fr.md", "README.old.md", "notes.de.md"]
        {
            std::fs::write(dir.path().join("01-x").join(name), "Text.\n").unwrap();
        }
        let mut mistakes = Vec::new();
        let found = translated(dir.path(), "01-x", &mut mistakes);
        let languages: Vec<&str> = found.iter().map(|(language, _)| language.as_str()).collect();
        assert_eq!(languages, ["de", "pt-BR"]);
        let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["01-x/readme_fr.md: is it the text in another language? Call it `README.fr.md`"]);
    }
}
