//! Tasks with `generate(user, target_dir)`, as the generators of Ugra's CTFs have it.

use std::path::{Path, PathBuf};

use super::{ConvertError, Made, Mistake, bytes, entries, extension, name, text};

const GENERATE: &str = include_str!("ugra_generate.py");

/// The script of a task's folder that has the function.
pub(super) fn generator(folder: &Path) -> Option<PathBuf> {
    let mut scripts: Vec<PathBuf> =
        entries(folder).into_iter().filter(|path| extension(path) == "py").collect();
    scripts.sort_by_key(|path| !name(path).starts_with("gen"));
    scripts.into_iter().find(|path| {
        let source = std::fs::read_to_string(path).unwrap_or_default();
        source.lines().any(|line| line.starts_with("def generate("))
    })
}

/// Reads one task.
pub(super) fn read(folder: &Path, left_out: &mut Vec<Mistake>) -> Result<Made, ConvertError> {
    let task = name(&folder.canonicalize().unwrap_or_else(|_| folder.to_owned()));
    let mut left = |file: &str, why: &str| left_out.push(Mistake::of(format!("{task}/{file}"), why));
    let mut made = Made { slug: task.clone(), ..Made::default() };
    let Some(script) = generator(folder) else { return Err(ConvertError::Unknown(folder.to_owned())) };
    let source = text(&script)?;
    let arguments = source.lines().find_map(|line| line.strip_prefix("def generate(")).unwrap_or_default();
    if !arguments.contains(',') {
        left(
            &name(&script),
            "`generate` takes other arguments than (user, target_dir): mend files/task_generator.py",
        );
    }
    for gone in ["subprocess", "socket", "requests", "docker"] {
        if source.lines().any(|line| {
            line.trim_start().starts_with(&format!("import {gone}"))
                || line.starts_with(&format!("from {gone}"))
        }) {
            left(&name(&script), &format!("uses `{gone}`, which scripts cannot do here"));
        }
    }
    made.files.push(("generate.py".to_owned(), GENERATE.as_bytes().to_vec()));
    made.files.push(("files/task_generator.py".to_owned(), source.into_bytes()));
    let mut title = task.clone();
    for path in entries(folder) {
        let file = name(&path);
        if path == script || file.starts_with('.') {
            continue;
        }
        match file.to_lowercase().as_str() {
            "readme.md" | "task.md" | "description.md" => made.readme = text(&path)?,
            "name" | "title" | "name.txt" => text(&path)?.trim().clone_into(&mut title),
            _ if path.is_dir() && matches!(file.as_str(), "static" | "attachments" | "public") => {
                for inner in entries(&path).iter().filter(|inner| inner.is_file()) {
                    made.files.push((format!("attachments/{}", name(inner)), bytes(inner)?));
                }
            }
            _ if path.is_dir() && matches!(file.as_str(), "private" | "data" | "templates" | "files") => {
                for inner in entries(&path).iter().filter(|inner| inner.is_file()) {
                    made.files.push((format!("files/{file}/{}", name(inner)), bytes(inner)?));
                }
                left(&file, "lies in files/ now: mend the paths in files/task_generator.py");
            }
            _ if extension(&path) == "py" => made.files.push((format!("files/{file}"), bytes(&path)?)),
            "writeup.md" => left(&file, "write-ups are yours alone, and not carried over"),
            _ => left(&file, "is not carried over: services and deployments do not run here"),
        }
    }
    if made.readme.trim().is_empty() {
        left("README.md", "there is no text; a placeholder stands in its place");
        made.readme = format!("# {title}\n\nFind the flag.\n");
    }
    made.settings.insert("title".to_owned(), title.into());
    Ok(made)
}
