//! From a bundle's field to the file and line in which its author wrote it.

use std::collections::BTreeMap;

use super::files::line_of;
use super::folder::Finding;
use super::places::Places;

/// The files that a bundle was read from.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Texts, and where everything stands in them, by file.
    files: BTreeMap<String, Source>,
    /// Quests in the bundle's order.
    quests: Vec<QuestSources>,
    /// Banks in the bundle's order, by short name.
    banks: Vec<String>,
}

/// A text that was read.
#[derive(Debug, Default)]
struct Source {
    text: String,
    places: Places,
    /// The line on which the text below the settings begins.
    body: usize,
}

/// The files of a quest.
#[derive(Debug)]
struct QuestSources {
    slug: String,
    /// The files of its steps, in their order.
    steps: Vec<String>,
}

impl Sources {
    /// A file of Markdown, with its settings' places if it has any, behind which its text begins on this line.
    pub(super) fn put(&mut self, file: &str, text: String, places: Places, body: usize) {
        self.files.insert(file.to_owned(), Source { text, places, body });
    }

    pub(super) fn put_quest(&mut self, slug: String, steps: Vec<String>) {
        self.quests.push(QuestSources { slug, steps });
    }

    pub(super) fn put_banks(&mut self, slugs: Vec<String>) {
        self.banks = slugs;
    }

    /// The field of the bundle for one that begins with a quest's short name: of `loops.steps[0]` `quests[3].quest.steps[0]`.
    pub(super) fn of_quest(&self, field: &str) -> Option<(String, String)> {
        let (n, rest) = self.quests.iter().enumerate().find_map(|(n, quest)| {
            let rest = field.strip_prefix(quest.slug.as_str())?;
            (rest.is_empty() || rest.starts_with('.')).then_some((n, rest))
        })?;
        Some((format!("quests[{n}].quest"), rest.to_owned()))
    }

    /// The file that a field of the bundle is written in, and its path there.
    fn file<'f>(&self, field: &'f str) -> (String, &'f str) {
        if field == "path.description" {
            return ("README.md".to_owned(), "description");
        }
        if let Some(inner) = field.strip_prefix("path.") {
            return ("path.toml".to_owned(), inner);
        }
        if let Some((quest, inner)) =
            nth(field, "quests").and_then(|(n, inner)| Some((self.quests.get(n)?, inner)))
        {
            let inner = inner.strip_prefix("quest.").unwrap_or(inner);
            let within = |file: &str| format!("quests/{}/{file}", quest.slug);
            let step = nth(inner, "steps").and_then(|(n, inner)| Some((quest.steps.get(n)?, inner)));
            return match (step, inner) {
                (Some((file, inner)), _) => (file.clone(), inner),
                (None, "description") => (within("README.md"), inner),
                (None, "files") => (within("files"), ""),
                _ => (within("quest.toml"), inner),
            };
        }
        if let Some((bank, inner)) =
            nth(field, "banks").and_then(|(n, inner)| Some((self.banks.get(n)?, inner)))
        {
            let inner = inner.strip_prefix("bank.").unwrap_or(inner);
            return (format!("banks/{bank}.toml"), if inner == "slug" { "" } else { inner });
        }
        match field.strip_prefix("skills.") {
            Some(inner) => ("skills.toml".to_owned(), inner),
            None => (".".to_owned(), field),
        }
    }

    /// What is wrong with a field of the bundle, as a mistake of the file that it is written in.
    pub(super) fn finding(&self, field: &str, message: &str) -> Finding {
        let (file, inner) = self.file(field);
        let Some(source) = self.files.get(&file) else {
            let message = if inner.is_empty() { message.to_owned() } else { format!("`{inner}` {message}") };
            return Finding { file, line: None, message };
        };
        // A file that is not there is told where it is named.
        let address =
            message.strip_prefix("names `").and_then(|rest| rest.split_once("`, which is no file of"));
        let named = address.and_then(|(address, _)| line_of(&source.text, address));
        let is_text = inner == "description" && is_markdown(&file);
        let line = named.unwrap_or_else(|| if is_text { source.body } else { source.places.line(inner) });
        let message =
            if is_text { format!("the text {message}") } else { source.places.told(inner, message) };
        Finding { file, line: Some(line), message }
    }

    /// Where a field of the bundle is written: file and line.
    pub(super) fn place(&self, field: &str) -> (String, Option<usize>) {
        let Finding { file, line, .. } = self.finding(field, "");
        (file, line)
    }

    /// The n-th line, from 1, of a text in the bundle, such as a program: file and line.
    pub(super) fn place_within(&self, field: &str, nth: usize) -> (String, Option<usize>) {
        let (file, inner) = self.file(field);
        let line = self.files.get(&file).map(|source| source.places.line_within(inner, nth));
        (file, line)
    }

    /// Whether what is said of a field may follow from a mistake that was told already.
    pub(super) fn is_mended(&self, field: &str) -> bool {
        let (file, inner) = self.file(field);
        self.files.get(&file).is_some_and(|source| source.places.is_mended(inner))
    }
}

fn is_markdown(file: &str) -> bool {
    std::path::Path::new(file).extension().is_some_and(|end| end == "md")
}

/// The place in a list, and the path behind it: of `quests[3].quest.title` 3 and `quest.title`.
fn nth<'f>(field: &'f str, list: &str) -> Option<(usize, &'f str)> {
    let (n, rest) = field.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?;
    Some((n.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_their_files() {
        let mut sources = Sources::default();
        sources.put_quest("loops".to_owned(), vec!["quests/loops/01-read.md".to_owned()]);
        sources.put_banks(vec!["syntax".to_owned()]);
        let file = |field: &str| {
            let (file, inner) = sources.file(field);
            format!("{file} {inner}")
        };
        assert_eq!(file("path.chapters[0].title"), "path.toml chapters[0].title");
        assert_eq!(file("path.description"), "README.md description");
        assert_eq!(file("quests[0].quest.title"), "quests/loops/quest.toml title");
        assert_eq!(file("quests[0].quest.description"), "quests/loops/README.md description");
        assert_eq!(
            file("quests[0].quest.steps[0].quiz.questions[1]"),
            "quests/loops/01-read.md quiz.questions[1]"
        );
        assert_eq!(file("quests[0].quest.steps[7]"), "quests/loops/quest.toml steps[7]");
        assert_eq!(file("banks[0].bank.questions[2].text"), "banks/syntax.toml questions[2].text");
        assert_eq!(file("skills.graphs.name"), "skills.toml graphs.name");
        assert_eq!(file("slug"), ". slug");
    }
}
