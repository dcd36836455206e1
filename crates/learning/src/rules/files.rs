//! Files of a quest: what its texts and resources name, what they hold, and what may be wrong with them.
//!
//! A text names a file by its relative address, `files/map.png`, as both lie in the quest's folder. A document says of each file what it
//! holds by a hash, a bundle carries the content itself: [`unpack`] makes the former of the latter.

use std::collections::{BTreeMap, BTreeSet};

use kernel::FieldError;
use kernel::files::PictureSize;
use pulldown_cmark::{Event, Options, Parser, Tag};
use sandbox::files::name_check;
use sha2::{Digest as _, Sha256};

use super::check::Findings;
use crate::model::path::{Bundle, NamedQuest};
use crate::model::quest::{QuestDocument, QuestFile};
use crate::model::quiz::Quiz;

/// The folder in which a quest's files lie, beside its texts: what their addresses begin with.
pub const FOLDER: &str = "files/";
/// The most files of a quest.
pub const MOST_FILES: usize = 20;
/// The most that they hold together, in bytes.
pub const MAX_FILES_BYTES: usize = 8 << 20;

/// Contents of files by their SHA-256, in hex.
pub type Contents = BTreeMap<String, Vec<u8>>;

/// The file that an address leads to from a quest's text; `None` where it leads elsewhere.
pub fn file_named(address: &str) -> Option<String> {
    let path = address.split(['#', '?']).next()?;
    let name = path.strip_prefix("./").unwrap_or(path).strip_prefix(FOLDER)?;
    kernel::files::decoded(name).filter(|name| !name.is_empty())
}

/// The addresses of pictures and links of a text, as they are written.
pub fn addresses(text: &str) -> Vec<String> {
    let found = Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::Image { dest_url, .. } | Tag::Link { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    });
    found.collect()
}

/// The names of the files that a text names.
pub fn named_in(text: &str) -> BTreeSet<String> {
    addresses(text).iter().filter_map(|address| file_named(address)).collect()
}

/// A file that something in a quest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What names it, by the path of its field.
    pub field: String,
    /// The file's name.
    pub file: String,
    /// The address by which it is named, as it is written.
    pub address: String,
}

/// Files that are named where everybody reads who sees the quest: what it is about, and its resources.
pub fn named_outside(quest: &QuestDocument) -> Vec<Named> {
    let mut all = Vec::new();
    of_text("description", &quest.description, &mut all);
    for (n, resource) in quest.resources.iter().enumerate() {
        of_address(&format!("resources[{n}].url"), &resource.url, &mut all);
    }
    all
}

/// Files that are named where only they read who have begun the quest: steps and assessments.
fn named_inside(quest: &QuestDocument) -> Vec<Named> {
    let mut all = Vec::new();
    for (n, step) in quest.steps.iter().enumerate() {
        of_text(&format!("steps[{n}].description"), &step.description, &mut all);
        of_quiz(&format!("steps[{n}]"), step.quiz.as_ref(), &mut all);
    }
    for (n, one) in quest.assessments.iter().enumerate() {
        of_text(&format!("assessments[{n}].description"), &one.description, &mut all);
        of_quiz(&format!("assessments[{n}]"), one.quiz.as_ref(), &mut all);
    }
    all
}

fn of_quiz(at: &str, quiz: Option<&Quiz>, all: &mut Vec<Named>) {
    for (n, question) in quiz.into_iter().flat_map(|quiz| &quiz.questions).enumerate() {
        let at = format!("{at}.quiz.questions[{n}]");
        of_text(&format!("{at}.text"), &question.text, all);
        of_text(&format!("{at}.explanation"), question.explanation.as_deref().unwrap_or_default(), all);
        for (n, choice) in question.choices.iter().enumerate() {
            of_text(&format!("{at}.choices[{n}].text"), &choice.text, all);
        }
    }
}

fn of_text(field: &str, text: &str, all: &mut Vec<Named>) {
    // Most texts name none, and need not be taken apart to know it.
    if text.contains(FOLDER) {
        for address in addresses(text) {
            of_address(field, &address, all);
        }
    }
}

fn of_address(field: &str, address: &str, all: &mut Vec<Named>) {
    if let Some(file) = file_named(address) {
        all.push(Named { field: field.to_owned(), file, address: address.to_owned() });
    }
}

/// What names a file that the quest has not.
pub fn missing(quest: &QuestDocument) -> Vec<Named> {
    let mut all = named_outside(quest);
    all.extend(named_inside(quest));
    all.retain(|named| !quest.files.contains_key(&named.file));
    all
}

/// Files that nothing in the quest names.
pub fn unused(quest: &QuestDocument) -> Vec<String> {
    if quest.files.is_empty() {
        return Vec::new();
    }
    let named: BTreeSet<String> =
        named_outside(quest).into_iter().chain(named_inside(quest)).map(|named| named.file).collect();
    quest.files.keys().filter(|name| !named.contains(*name)).cloned().collect()
}

/// Everything that is wrong with a quest's files, and with what names them.
pub(in crate::rules) fn files_check(found: &mut Findings, quest: &QuestDocument) {
    if quest.files.len() > MOST_FILES {
        found.say("files", format!("must be at most {MOST_FILES}, not {}", quest.files.len()));
    }
    let bytes: u64 = quest.files.values().map(|file| u64::from(file.bytes)).sum();
    if bytes > MAX_FILES_BYTES as u64 {
        let most = MAX_FILES_BYTES >> 20;
        found.say("files", format!("must hold at most {most} MiB together, not {bytes} bytes"));
    }
    for (name, file) in &quest.files {
        if let Err(fault) = name_check(name) {
            found.say("files", format!("has {name:?}, and its name {fault}"));
        }
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if file.sha256.len() != 64 || !file.sha256.bytes().all(is_hex) {
            found.say(format!("files.{name}.sha256"), "must be a SHA-256 in lower-case hex");
        }
        if file.picture.is_some_and(|size| !size.can_be()) {
            found.say(format!("files.{name}.picture"), "must have sides of 1 to 65535 pixels");
        }
    }
    for named in missing(quest) {
        found.say(named.field, format!("names `{}`, which is no file of the quest", named.address));
    }
}

/// What a document says of a file of this name that holds this.
pub fn file_of(name: &str, content: &[u8]) -> QuestFile {
    let bytes = u32::try_from(content.len()).unwrap_or(u32::MAX);
    QuestFile { sha256: hex(&Sha256::digest(content)), bytes, picture: PictureSize::of(name, content) }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A String takes whatever is written.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A bundle whose documents say what their files hold, and those contents; `None` if it carries none.
///
/// # Errors
/// Files that cannot be read, or are there twice, by field.
pub fn unpack(bundle: &Bundle) -> Result<Option<(Bundle, Contents)>, Vec<FieldError>> {
    if bundle.quests.iter().all(|named| named.files.is_empty()) {
        return Ok(None);
    }
    let (mut contents, mut wrong) = (Contents::new(), Vec::new());
    let mut quests = Vec::with_capacity(bundle.quests.len());
    for (n, named) in bundle.quests.iter().enumerate() {
        let mut quest = named.quest.clone();
        let mut seen = BTreeSet::new();
        for (m, carried) in named.files.iter().enumerate() {
            let mut say = |field: &str, message: &str| {
                let field = format!("quests[{n}].files[{m}]{field}");
                wrong.push(FieldError { field, message: message.to_owned() });
            };
            if !seen.insert(&carried.path) {
                say(".path", "is there twice");
            }
            match carried.content() {
                Ok(content) => {
                    let file = file_of(&carried.path, &content);
                    contents.insert(file.sha256.clone(), content);
                    quest.files.insert(carried.path.clone(), file);
                }
                Err(why) => say("", why),
            }
        }
        quests.push(NamedQuest { slug: named.slug.clone(), quest, files: Vec::new() });
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let Bundle { slug, path, banks, skills, quests: _ } = bundle;
    let whole = Bundle {
        slug: slug.clone(),
        path: path.clone(),
        quests,
        banks: banks.clone(),
        skills: skills.clone(),
    };
    Ok(Some((whole, contents)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quest() -> QuestDocument {
        let file = |text: &str| file_of("text.txt", text.as_bytes());
        serde_json::from_value(json!({
            "title": "Maps", "type": "Tutorial", "difficulty": "Beginner",
            "description": "![a](files/map.png)\n\n`![code](files/code.png)` and [the web](https://example.org/files/x)\n\n\
                            | a |\n|-|\n| [in a table](./files/t.csv#row=2) |\n",
            "resources": [{ "type": "Dataset", "title": "Words", "url": "files/words%20(2).txt" },
                          { "type": "Link", "title": "Elsewhere", "url": "https://example.org/files/words.txt" }],
            "steps": [{ "slug": "q", "type": "Quiz", "title": "Q", "quiz": { "questions": [
                { "slug": "q", "type": "single", "text": "![p](files/plan.svg)", "explanation": "[w](files/why.txt)", "choices": [
                    { "slug": "a", "text": "![a](files/a.png)", "right": true }, { "slug": "b", "text": "none" }] }] } }],
            "assessments": [{ "slug": "x", "type": "Project", "title": "X", "description": "[d](files/deep/e.txt)", "review": {} }],
            "files": { "map.png": file("map"), "t.csv": file("t"), "words (2).txt": file("w"), "plan.svg": file("p"), "old.txt": file("o") },
        }))
        .unwrap()
    }

    #[test]
    fn what_is_named_and_not_there_is_found_where_it_is_named() {
        let said: Vec<String> =
            missing(&quest()).into_iter().map(|named| format!("{} {}", named.field, named.file)).collect();
        assert_eq!(
            said,
            [
                "steps[0].quiz.questions[0].explanation why.txt",
                "steps[0].quiz.questions[0].choices[0].text a.png",
                "assessments[0].description deep/e.txt",
            ]
        );
        assert_eq!(unused(&quest()), ["old.txt"]);
        let outside: Vec<String> = named_outside(&quest()).into_iter().map(|named| named.file).collect();
        assert_eq!(outside, ["map.png", "t.csv", "words (2).txt"]);
    }

    #[test]
    fn names_number_and_size_are_bounded() {
        let said = |quest: &QuestDocument| {
            let mut found = Findings::default();
            files_check(&mut found, quest);
            found.done().into_iter().map(|one| format!("{} {}", one.field, one.message)).collect::<Vec<_>>()
        };
        let mut quest = quest();
        quest.steps.clear();
        quest.assessments.clear();
        assert_eq!(said(&quest), [""; 0]);
        let sized = |bytes: u32| QuestFile { bytes, ..file_of("x", b"") };
        quest.files.insert("map.png".to_owned(), sized(8 << 20));
        assert_eq!(said(&quest), ["files must hold at most 8 MiB together, not 8388612 bytes"]);
        quest.files.insert("map.png".to_owned(), QuestFile { sha256: "A".repeat(64), ..file_of("x", b"") });
        quest.files.insert("../up".to_owned(), sized(0));
        assert_eq!(
            said(&quest),
            [
                "files has \"../up\", and its name leads out of its folder",
                "files.map.png.sha256 must be a SHA-256 in lower-case hex"
            ]
        );
        quest.files = (0..21).map(|n| (n.to_string(), sized(0))).collect();
        quest.description.clear();
        quest.resources.clear();
        assert_eq!(said(&quest), ["files must be at most 20, not 21"]);
    }
}
