//! Kattis problem packages: `problem.yaml`, a statement, a generator or secret cases, submissions, an output validator.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kernel::language::spelled;

use super::{ConvertError, Made, Mistake, answers, bytes, entries, extension, name, text};
use crate::authoring::convert::ConvertError::Unreadable;

const GENERATE: &str = include_str!("kattis_generate.py");
const CHECK: &str = include_str!("kattis_check.py");

/// Reads one package.
pub(super) fn read(folder: &Path, left_out: &mut Vec<Mistake>) -> Result<Made, ConvertError> {
    let package = name(&folder.canonicalize().unwrap_or_else(|_| folder.to_owned()));
    let mut left = |file: &str, why: String| left_out.push(Mistake::of(format!("{package}/{file}"), why));
    let yaml = Yaml::read(&text(&folder.join("problem.yaml"))?);
    let title = yaml.get("name").or_else(|| yaml.get("name.en")).unwrap_or(&package).to_owned();
    let mut made = Made { slug: package.clone(), ..Made::default() };
    made.settings.insert("title".to_owned(), title.clone().into());
    made.readme = statement(folder, (&title, &yaml), &mut made.files, &mut left)?;

    let accepted = submissions(folder, "accepted", &mut left);
    let Some(solution) = accepted.first() else {
        return Err(Unreadable {
            file: folder.join("submissions/accepted"),
            why: "has no solution in Python, which would say what the answers are".to_owned(),
        });
    };
    made.files.push(("files/solution.py".to_owned(), bytes(solution)?));
    solutions(folder, &accepted, &mut made.files, &mut left)?;
    inputs(folder, &mut made.files, &mut left)?;
    made.files.push(("generate.py".to_owned(), GENERATE.as_bytes().to_vec()));

    let flags = yaml.get("validator_flags").or_else(|| yaml.get("validator_flags.0")).unwrap_or_default();
    let mut rule = toml::Table::new();
    let custom = yaml.get("validation").is_some_and(|kind| kind.contains("custom"));
    let validator =
        python(&folder.join("output_validators")).or_else(|| python(&folder.join("output_validator")));
    match (custom || validator.is_some(), validator) {
        (true, Some(validator)) => {
            let quoted: Vec<String> = flags.split_whitespace().map(|flag| format!("{flag:?}")).collect();
            let best =
                yaml.get("grading.range").and_then(|range| range.split_whitespace().last()).unwrap_or("1");
            let check = CHECK
                .replace("*FLAGS]", &format!("{}]", quoted.join(", ")))
                .replace("/ BEST", &format!("/ {best}"));
            made.files.push(("check.py".to_owned(), check.into_bytes()));
            made.files.push(("files/validator.py".to_owned(), bytes(&validator)?));
        }
        (true, None) => left(
            "output_validators",
            "the validator is not in Python; answers are compared instead".to_owned(),
        ),
        (false, _) => rule = comparison(flags),
    }
    if let Some(points) = points(folder) {
        rule.insert("points".to_owned(), points.into());
    }
    if !rule.is_empty() {
        made.settings.insert("answers".to_owned(), answers(rule));
    }
    if yaml.get("type").is_some_and(|kind| kind.contains("interactive"))
        || custom && flags.contains("interactive")
    {
        left(
            "problem.yaml",
            "is interactive: participants send one answer here, so it will not work as it is".to_owned(),
        );
    }
    for (key, why) in [
        (
            "limits.time_multiplier",
            "time limits of solutions have no meaning here: participants run their own",
        ),
        ("limits", "limits have no meaning here: participants run their own programs"),
    ] {
        if yaml.get(key).is_some() {
            left("problem.yaml", format!("`{key}`: {why}"));
        }
    }
    for (key, told) in
        [("license", "licence"), ("rights_owner", "owner"), ("author", "author"), ("source", "source")]
    {
        if let Some(value) = yaml.get(key).filter(|value| !value.is_empty()) {
            let _ = writeln!(made.readme, "\n<!-- {told}: {} -->", value.replace("--", "- -"));
        }
    }
    Ok(made)
}

/// What the default validator's flags say of comparing.
fn comparison(flags: &str) -> toml::Table {
    let mut rule = toml::Table::new();
    let words: Vec<&str> = flags.split_whitespace().collect();
    let value =
        |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1)).copied();
    let both = value("float_tolerance");
    let (absolute, relative) =
        (value("float_absolute_tolerance").or(both), value("float_relative_tolerance").or(both));
    if absolute.is_some() || relative.is_some() {
        rule.insert("compare".to_owned(), "number".into());
    } else if !words.contains(&"space_change_sensitive") {
        rule.insert("compare".to_owned(), "tokens".into());
    }
    for (key, tolerance) in [("absolute", absolute), ("relative", relative)] {
        if let Some(tolerance) = tolerance {
            rule.insert(key.to_owned(), tolerance.into());
        }
    }
    if !words.contains(&"case_sensitive") {
        rule.insert("ignore_case".to_owned(), true.into());
    }
    rule
}

/// What all groups of secret cases bring together, where it is a problem with scores.
fn points(folder: &Path) -> Option<i64> {
    let of = |file: PathBuf| {
        let yaml = Yaml::read(&std::fs::read_to_string(file).ok()?);
        let points =
            yaml.get("accept_score").or_else(|| yaml.get("max_score")).or_else(|| yaml.get("range"))?;
        points.split_whitespace().last()?.parse::<f64>().ok()
    };
    let groups = entries(&folder.join("data/secret"));
    let groups: Vec<f64> = groups.into_iter().filter_map(|group| of(group.join("testdata.yaml"))).collect();
    let whole =
        of(folder.join("data/secret/testdata.yaml")).or_else(|| of(folder.join("data/testdata.yaml")));
    let sum = if groups.is_empty() { whole? } else { groups.iter().sum() };
    if !(1.0..=1_000_000.0).contains(&sum) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
    let points = sum.round() as i64;
    Some(points)
}

/// The Python scripts among the submissions of a verdict; the others are named.
fn submissions(folder: &Path, verdict: &str, left: &mut impl FnMut(&str, String)) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(&folder.join("submissions").join(verdict)) {
        if extension(&path) == "py" {
            found.push(path);
        } else {
            left(
                &format!("submissions/{verdict}/{}", name(&path)),
                "is not one Python file; only those run here".to_owned(),
            );
        }
    }
    found
}

fn solutions(
    folder: &Path,
    accepted: &[PathBuf],
    files: &mut Vec<(String, Vec<u8>)>,
    left: &mut impl FnMut(&str, String),
) -> Result<(), ConvertError> {
    for (n, path) in accepted.iter().enumerate() {
        let called = if n == 0 { "solve.py".to_owned() } else { format!("solve_{}.py", n + 1) };
        files.push((called, bytes(path)?));
    }
    for (verdict, prefix) in [("wrong_answer", "solve_wrong"), ("time_limit_exceeded", "solve_slow")] {
        for (n, path) in (1..).zip(submissions(folder, verdict, left)) {
            files.push((format!("{prefix}_{n}.py"), bytes(&path)?));
        }
    }
    for other in ["run_time_error", "partially_accepted", "rejected", "mixed"] {
        for path in entries(&folder.join("submissions").join(other)) {
            left(
                &format!("submissions/{other}/{}", name(&path)),
                "has no counterpart among solutions here".to_owned(),
            );
        }
    }
    Ok(())
}

/// A generator, or else the secret cases, of which each participant gets one.
fn inputs(
    folder: &Path,
    files: &mut Vec<(String, Vec<u8>)>,
    left: &mut impl FnMut(&str, String),
) -> Result<(), ConvertError> {
    let generator =
        ["generators", "data/generators", "generator"].iter().find_map(|at| python(&folder.join(at)));
    if let Some(generator) = generator {
        files.push(("files/generator.py".to_owned(), bytes(&generator)?));
        return Ok(());
    }
    let mut count = 0;
    let secret = folder.join("data/secret");
    for path in
        entries(&secret).into_iter().flat_map(|path| if path.is_dir() { entries(&path) } else { vec![path] })
    {
        if extension(&path) == "in" {
            count += 1;
            files.push((format!("files/cases/{count:03}.in"), bytes(&path)?));
        }
    }
    if count == 0 {
        return Err(Unreadable {
            file: secret,
            why: "holds no cases, and there is no generator in Python".to_owned(),
        });
    }
    left(
        "data/secret",
        format!(
            "there is no generator, so all participants share these {count} inputs: write one (files/generator.py prints an input)"
        ),
    );
    Ok(())
}

/// The first Python script of a folder or of those in it.
fn python(folder: &Path) -> Option<PathBuf> {
    let all = entries(folder);
    let here = all.iter().find(|path| extension(path) == "py");
    here.cloned().or_else(|| all.iter().filter(|path| path.is_dir()).find_map(|path| python(path)))
}

/// The statement as Markdown, with the samples, and its pictures; further languages go among the files.
fn statement(
    folder: &Path,
    (title, yaml): (&str, &Yaml),
    files: &mut Vec<(String, Vec<u8>)>,
    left: &mut impl FnMut(&str, String),
) -> Result<String, ConvertError> {
    let samples = samples(folder)?;
    let readme = |title: &str, told: &str| format!("# {title}\n\n{}\n{samples}", told.trim());
    let mut told: Option<String> = None;
    let mut languages: Vec<String> = Vec::new();
    for at in ["statement", "problem_statement"] {
        for path in entries(&folder.join(at)) {
            let file = name(&path);
            match extension(&path) {
                kind @ ("md" | "tex") => {
                    let source = text(&path)?;
                    let markdown = if kind == "md" { source.clone() } else { markdown_of(&source) };
                    let language = language_of(&file);
                    let is_own = language.as_deref().is_none_or(|language| language == "en");
                    if is_own && told.is_none() {
                        told = Some(markdown);
                    } else if let Some(language) = language.filter(|l| !is_own && !languages.contains(l)) {
                        let named = yaml.get(&format!("name.{language}")).or_else(|| problem_name(&source));
                        let text = readme(named.unwrap_or(title), &markdown);
                        files.push((format!("README.{language}.md"), text.into_bytes()));
                        languages.push(language);
                    } else {
                        left(
                            &format!("{at}/{file}"),
                            "is one statement more in the same language, or in none".to_owned(),
                        );
                        continue;
                    }
                    if kind == "tex" {
                        left(
                            &format!("{at}/{file}"),
                            "LaTeX was made Markdown roughly: read it over".to_owned(),
                        );
                    }
                }
                "png" | "jpg" | "jpeg" | "gif" | "svg" | "webp" => {
                    files.push((format!("attachments/{file}"), bytes(&path)?));
                }
                _ => left(&format!("{at}/{file}"), "is neither a statement nor a picture".to_owned()),
            }
        }
    }
    Ok(readme(title, &told.unwrap_or_default()))
}

/// The samples as they stand below a statement.
fn samples(folder: &Path) -> Result<String, ConvertError> {
    let mut told = String::new();
    let samples = entries(&folder.join("data/sample"));
    for (n, path) in (1..).zip(samples.iter().filter(|path| extension(path) == "in")) {
        let block = |text: &str| {
            text.lines().fold(String::new(), |mut block, line| {
                let _ = writeln!(block, "    {line}");
                block
            })
        };
        let _ = write!(told, "\nExample {n}:\n\n{}", block(&text(path)?));
        let answer = path.with_extension("ans");
        if answer.is_file() {
            let answer = text(&answer)?;
            let answer = answer.trim();
            if answer.contains('\n') {
                let _ = write!(told, "\nIts answer:\n\n{}", block(answer));
            } else {
                let _ = writeln!(told, "\nIts answer is `{answer}`.");
            }
        }
    }
    Ok(told)
}

/// The language that a statement's name says: `problem.sv.tex`. Without one it is the problem's own.
fn language_of(file: &str) -> Option<String> {
    let mut parts = file.split('.').skip(1);
    let (language, _) = (parts.next()?, parts.next()?);
    spelled(language)
}

/// What a statement in LaTeX calls the problem.
fn problem_name(tex: &str) -> Option<&str> {
    tex.split_once("\\problemname{")?.1.split_once('}').map(|(name, _)| name.trim())
}

/// LaTeX as contest statements use it, roughly: sections, emphasis, lists, code, pictures. Formulas stay as they are.
fn markdown_of(tex: &str) -> String {
    let mut text = String::new();
    for line in tex.lines() {
        let line = line
            .split_once('%')
            .filter(|(before, _)| !before.ends_with('\\'))
            .map_or(line, |(before, _)| before);
        let bare = line.trim();
        if ["\\problemname", "\\begin{", "\\end{", "\\centering", "\\illustration"]
            .iter()
            .any(|begin| bare.starts_with(begin))
            && !bare.contains("\\includegraphics")
        {
            if bare.starts_with("\\illustration") {
                let mut given = bare.split(['{', '}']).skip(1).step_by(2);
                if let (Some(_), Some(file)) = (given.next(), given.next()) {
                    let _ = writeln!(text, "![{}]({file})", given.next().unwrap_or("illustration"));
                }
            }
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    for (command, before, after) in [
        ("section*", "## ", ""),
        ("section", "## ", ""),
        ("subsection*", "### ", ""),
        ("subsection", "### ", ""),
        ("textbf", "**", "**"),
        ("emph", "*", "*"),
        ("textit", "*", "*"),
        ("texttt", "`", "`"),
        ("verb", "`", "`"),
    ] {
        text = commands(&text, command, before, after);
    }
    let text = graphics(&text);
    text.replace("\\item", "-")
        .replace("\\%", "%")
        .replace("\\&", "&")
        .replace("\\_", "_")
        .replace("``", "\"")
        .replace("''", "\"")
}

/// `\command{text}` as `before` text `after`.
fn commands(text: &str, command: &str, before: &str, after: &str) -> String {
    let begin = format!("\\{command}{{");
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&begin) {
        let inner = &rest[at + begin.len()..];
        let Some(end) = closing(inner) else { break };
        out.push_str(&rest[..at]);
        out.push_str(before);
        out.push_str(&inner[..end]);
        out.push_str(after);
        rest = &inner[end + 1..];
    }
    out + rest
}

fn closing(inner: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn graphics(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if let Some((before, rest)) = line.split_once("\\includegraphics") {
            let file =
                rest.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(file, _)| file);
            let _ = writeln!(out, "{before}![picture]({})", file.rsplit('/').next().unwrap_or(file));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// The scalars of a YAML file of a package, by `key` or `key.inner`; lists as `key.0`. Their files hold no more than that.
#[derive(Debug, Default)]
struct Yaml(Vec<(String, String)>);

impl Yaml {
    fn read(text: &str) -> Self {
        let mut found = Vec::new();
        let mut outer = String::new();
        let mut items = 0;
        for line in text.lines() {
            let bare = line.split(" #").next().unwrap_or_default().trim_end();
            if bare.trim().is_empty() || bare.trim_start().starts_with('#') || bare == "---" {
                continue;
            }
            let plain = |value: &str| value.trim().trim_matches(['"', '\'']).to_owned();
            let indented = bare.starts_with([' ', '\t', '-']);
            if let Some(item) = bare.trim_start().strip_prefix("- ") {
                found.push((format!("{outer}.{items}"), plain(item)));
                items += 1;
            } else if let Some((key, value)) = bare.trim_start().split_once(':') {
                let key = plain(key);
                let path = if indented { format!("{outer}.{key}") } else { key.clone() };
                if !indented {
                    outer = key;
                    items = 0;
                }
                found.push((path, plain(value)));
            }
        }
        Self(found)
    }

    fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.iter().find(|(known, _)| known == key)?.1.as_str();
        (!value.is_empty() || key.contains('.')).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_latex_and_flags_are_read() {
        let yaml = Yaml::read(
            "name: \"A+B\" # title\nlimits:\n    memory: 512\nkeywords:\n  - sum\nvalidation: custom\n",
        );
        assert_eq!(
            (yaml.get("name"), yaml.get("limits.memory"), yaml.get("keywords.0")),
            (Some("A+B"), Some("512"), Some("sum"))
        );
        assert_eq!(yaml.get("limits"), None);
        let text = markdown_of(
            "\\problemname{X}\nAdd \\textbf{two \\emph{small}} numbers. % secret\n\\section*{Input}\n\\begin{itemize}\n\\item one\n\\end{itemize}\n\
             \\includegraphics[width=3cm]{img/map.png}\n50\\% of $n$\n",
        );
        assert_eq!(text, "Add **two *small*** numbers. \n## Input\n- one\n![picture](map.png)\n50% of $n$\n");
        let rule = |flags: &str| comparison(flags).to_string();
        assert_eq!(rule(""), "compare = \"tokens\"\nignore_case = true\n");
        assert_eq!(
            rule("float_tolerance 1e-6 case_sensitive"),
            "absolute = \"1e-6\"\ncompare = \"number\"\nrelative = \"1e-6\"\n"
        );
        assert_eq!(rule("space_change_sensitive case_sensitive"), "");
    }
}
