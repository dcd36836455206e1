//! What a challenge's README says besides its story: the worked example, and the pictures.

use std::path::Path;

use super::mistake::Mistake;

/// A block of code, the way an example is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// What stands in it.
    pub(super) text: String,
    /// Its first line in the README, from 1.
    pub(super) line: usize,
}

/// A README, taken apart.
#[derive(Debug, Default)]
pub(super) struct Statement {
    /// Fenced and indented blocks, in their order.
    pub(super) blocks: Vec<Block>,
    /// Everything else.
    pub(super) prose: String,
}

/// Takes the fenced and the indented blocks out of a text.
pub(super) fn statement(text: &str) -> Statement {
    let mut statement = Statement::default();
    let mut fence: Option<&str> = None;
    let mut open: Option<Block> = None;
    let mut after_blank = true;
    for (number, line) in (1..).zip(text.lines()) {
        let bare = line.trim_start();
        let marks = bare.len() - bare.trim_start_matches(['`', '~']).len();
        if let Some(mark) = fence {
            if bare.starts_with(mark) && bare.trim_end().len() == marks {
                fence = None;
                statement.blocks.extend(open.take());
            } else {
                let block = open.get_or_insert(Block { text: String::new(), line: number });
                block.text += line;
                block.text.push('\n');
            }
            after_blank = true;
            continue;
        }
        if marks >= 3 && line.len() - bare.len() < 4 {
            statement.blocks.extend(open.take());
            fence = Some(&bare[..marks]);
            continue;
        }
        let indented = line.strip_prefix("    ").or_else(|| line.strip_prefix('\t'));
        match (indented, &mut open) {
            (Some(code), Some(block)) => {
                block.text += code;
                block.text.push('\n');
            }
            (Some(code), none) if after_blank && !code.trim().is_empty() => {
                *none = Some(Block { text: format!("{code}\n"), line: number });
            }
            _ => {
                statement.blocks.extend(open.take());
                statement.prose += line;
                statement.prose.push('\n');
            }
        }
        after_blank = line.trim().is_empty();
    }
    statement.blocks.extend(open);
    statement
}

impl Statement {
    /// Whether the prose names this value, as a word of its own.
    pub(super) fn names(&self, value: &str) -> bool {
        let inside = |c: char| c.is_alphanumeric() || c == '_';
        !value.is_empty()
            && self.prose.match_indices(value).any(|(at, _)| {
                let (before, after) = (&self.prose[..at], &self.prose[at + value.len()..]);
                let number_goes_on =
                    after.starts_with(['.', ',']) && after[1..].starts_with(|c: char| c.is_ascii_digit());
                !before.ends_with(inside) && !after.starts_with(inside) && !number_goes_on
            })
    }

    /// Whether as many words of the prose in a row as this value has are as good as it: a rounded number, other capitals.
    pub(super) fn names_like(&self, value: &str, is_like: impl Fn(&str) -> bool) -> bool {
        let markup = |c: char| "*_`~()[]<>\"'„“”’«».,;:!?".contains(c);
        let words: Vec<&str> = self.prose.split_whitespace().map(|word| word.trim_matches(markup)).collect();
        let length = value.split_whitespace().count();
        length > 0 && words.windows(length).any(|row| is_like(&row.join(" ")))
    }
}

/// A picture or link of a README that leads to no other place of the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link<'a> {
    /// As it is written.
    pub(super) target: &'a str,
    /// Its line, from 1.
    pub(super) line: usize,
}

impl<'a> Link<'a> {
    /// The path that it leads to, without what is asked of it.
    fn path(&self) -> &'a str {
        let path = self.target.split(['#', '?']).next().unwrap_or_default();
        path.strip_prefix("./").unwrap_or(path)
    }

    /// The name of a file beside the README that participants may have: not what is the author's own.
    pub(super) fn beside(&self) -> Option<&'a str> {
        let path = self.path();
        (!path.contains('/') && !path.is_empty() && !is_authors_own(path)).then_some(path)
    }
}

/// The files of a challenge's folder that nobody but its author sees.
fn is_authors_own(name: &str) -> bool {
    let name = name.to_lowercase();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    matches!(extension, Some("py" | "toml" | "md")) || name.starts_with('.')
}

/// The pictures and links that lead to files.
pub(super) fn links(readme: &str) -> Vec<Link<'_>> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(readme.lines()) {
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            fenced = !fenced;
        }
        if fenced || line.starts_with("    ") {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            let Some(target) = rest.split([')', ' ']).next().map(|t| t.trim_matches(['<', '>'])) else {
                continue;
            };
            let elsewhere = target.is_empty() || target.starts_with(['#', '/']) || target.contains(':');
            if !elsewhere {
                found.push(Link { target, line: number });
            }
        }
    }
    found
}

/// Pictures and links of a README that lead to a file: those that are not there, and those that nobody will see.
pub(super) fn links_check(dir: &Path, (slug, name): (&str, &str), readme: &str) -> Vec<Mistake> {
    let file = format!("{slug}/{name}");
    let folder = dir.join(slug);
    let wrong = |link: &Link<'_>| {
        let (target, path) = (link.target, link.path());
        let attached = path.strip_prefix("attachments/").unwrap_or(path);
        if path.split('/').any(|step| step == "..") {
            return Some(format!(
                "`{target}` leads out of the challenge's folder; put the file into attachments/"
            ));
        }
        if folder.join("attachments").join(attached).is_file() {
            return None;
        }
        if !folder.join(path).is_file() {
            return Some(format!("`{target}` leads to no file of the challenge's folder"));
        }
        if link.beside().is_none() {
            return Some(format!(
                "`{target}` is not for participants, so they will not see it; what they are to have lies in attachments/"
            ));
        }
        None
    };
    let named = |link: Link<'_>| Some(Mistake::new(&file, Some(link.line), wrong(&link)?));
    links(readme).into_iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_their_lines() {
        let text = "# Sums\n\nYour input:\n\n    17\n    4\n\nmore\n\n```text\na\n  b\n```\nIn all 30 flakes,\n  not 4.5.\n";
        let found = statement(text);
        let blocks: Vec<_> = found.blocks.iter().map(|b| (b.line, b.text.as_str())).collect();
        assert_eq!(blocks, [(5, "17\n4\n"), (11, "a\n  b\n")]);
        assert!(found.names("30") && !found.names("17") && !found.names("3") && !found.names("4"));
        assert!(found.names("4.5"));
        assert!(statement("The answer is **`748`**.").names("748"));
        let like =
            |text: &str, value: &str, as_good: &str| statement(text).names_like(value, |it| it == as_good);
        assert!(like("Some **3.14**, as a rule.", "3.14159", "3.14"));
        assert!(like("It says (Hello, *World*)!", "hello world", "Hello World") && !like("one", "", ""));
        // A list's second line is no code.
        assert_eq!(statement("- one\n    goes on\n").blocks, []);
    }

    #[test]
    fn links_that_lead_nowhere_are_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("01-x")).unwrap();
        std::fs::write(dir.path().join("01-x/map.png"), "png").unwrap();
        std::fs::create_dir(dir.path().join("01-x/attachments")).unwrap();
        std::fs::write(dir.path().join("01-x/attachments/plan.png"), "png").unwrap();
        std::fs::write(dir.path().join("01-x/solve.py"), "x").unwrap();
        let readme = "[a](https://example.org/x) [b](#part) ![plan](plan.png) ![plan](attachments/plan.png)\n\n\
                      ![map](map.png)\n![gone](gone.png \"title\")\n\
                      [out](../02-y/README.md)\n```\n![no](picture.png)\n```\n[sol](solve.py)\n";
        let said: Vec<String> =
            links_check(dir.path(), ("01-x", "README.md"), readme).iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 3, "{said:#?}");
        assert!(said[0].starts_with("01-x/README.md:4: `gone.png` leads to no file"));
        assert!(said[1].starts_with("01-x/README.md:5: `../02-y/README.md` leads out"));
        assert!(said[2].starts_with("01-x/README.md:9: `solve.py` is not for participants"));
    }
}
