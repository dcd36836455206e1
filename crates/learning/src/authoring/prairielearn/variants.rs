//! What a question's program says: its `server.py` runs in the sandbox, `generate(data)` once for each variant, by a seed of its own.

use sandbox::{File, Job, RunError, Sandbox};
use serde::Deserialize;

use super::template::Given;

/// How many variants of a question are made; each learner draws one.
pub(super) const VARIANTS: u32 = 10;
/// The last line that is printed begins with it; before it a program may print what it likes.
const MARK: &str = "questhall-variant:";
/// Whose queue in the sandbox an import waits in: nobody's who runs a guild.
const TENANT: i64 = 0;
/// What is run behind the program. A function that does nothing is as good as none. Numbers go as they are written, so that none is
/// rounded on the way.
const HARNESS: &str = r#"


def _questhall_variant(seed, mark):
    import json

    scope = globals()

    def acts(name):
        function = scope.get(name)
        code = getattr(function, "__code__", None)
        return callable(function) if code is None else code.co_code != (lambda data: None).__code__.co_code

    def plain(value, deep=0):
        if deep > 20:
            raise ValueError("generate gives values that lie too deeply in each other")
        if value is None:
            return {"kind": "nothing"}
        if isinstance(value, bool):
            return {"kind": "truth", "is": value}
        if isinstance(value, (int, float)):
            if value != value or value in (float("inf"), float("-inf")):
                raise ValueError("generate gives a number that is none")
            return {"kind": "number", "is": str(value)}
        if isinstance(value, str):
            return {"kind": "text", "is": str(value)}
        if isinstance(value, (list, tuple)):
            return {"kind": "list", "is": [plain(one, deep + 1) for one in value]}
        if isinstance(value, dict):
            return {"kind": "table", "is": {str(name): plain(one, deep + 1) for name, one in value.items()}}
        if hasattr(value, "tolist"):
            return plain(value.tolist(), deep + 1)
        raise TypeError("generate gives a " + type(value).__name__ + ", which is neither text nor number")

    data = {
        "params": {},
        "correct_answers": {},
        "variant_seed": seed,
        "options": {},
        "answers_names": {},
    }
    own = [name for name in ("prepare", "render", "parse", "grade", "file") if acts(name)]
    generates = acts("generate")
    if generates and not own:
        returned = scope["generate"](data)
        data = returned if isinstance(returned, dict) else data
    values = {name: data[name] for name in ("params", "correct_answers", "variant_seed")}
    print("\n" + mark + json.dumps({"own": own, "generates": generates, "values": plain(values)}))


"#;

/// What programs import for the types of their arguments: PrairieLearn's own module, as far as it computes nothing, and a package that
/// is as good as always there.
const MODULES: [(&str, &str); 2] = [
    (
        "lib/prairielearn.py",
        r#"QuestionData = dict


def to_json(value, **_):
    if value is None or isinstance(value, (bool, int, float, str, list, tuple, dict)):
        return value
    raise TypeError("prairielearn.to_json takes no " + type(value).__name__ + " here")


def __getattr__(name):
    raise AttributeError("prairielearn." + name + " is not here")
"#,
    ),
    ("lib/typing_extensions.py", "from typing import *\n"),
];

/// What a run of a program gave.
#[derive(Debug, Deserialize)]
struct Said {
    /// Functions of its own by which it takes part in more than generating.
    own: Vec<String>,
    generates: bool,
    values: Given,
}

/// Why a program gives nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// It is the program's doing: it would not give anything another time either.
    Program(String),
    /// It is ours.
    Sandbox(String),
}

/// Whether there is more in a program than comments.
pub(super) fn is_empty(program: &str) -> bool {
    program.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// What a program gives for as many seeds as variants are made; once for all where it generates nothing.
pub(super) async fn variants(sandbox: &Sandbox, file: &str, program: &str) -> Result<Vec<Given>, Failed> {
    let mut all = Vec::new();
    for seed in 1..=VARIANTS {
        let said = run(sandbox, file, program, seed, false).await?;
        if let Some(own) = said.own.first() {
            return Err(Failed::Program(format!("has a `{own}` of its own (server.py)")));
        }
        if !said.generates {
            return Ok(vec![said.values]);
        }
        // What comes of chance or of the clock would be another question at each import.
        if run(sandbox, file, program, seed, true).await?.values != said.values {
            return Err(Failed::Program(
                "generates another variant each time it is given the same seed".to_owned(),
            ));
        }
        all.push(said.values);
    }
    Ok(all)
}

async fn run(sandbox: &Sandbox, file: &str, program: &str, seed: u32, again: bool) -> Result<Said, Failed> {
    let script = format!("{program}{HARNESS}_questhall_variant({seed}, {MARK:?})\n");
    let job = Job {
        script: script.into(),
        file_name: file.into(),
        seed: seed.to_string(),
        hash_seed_variant: again,
        files: MODULES
            .iter()
            .map(|(path, content)| File { path: (*path).to_owned(), content: content.as_bytes().into() })
            .collect(),
        ..Job::default()
    };
    let output = sandbox.run(TENANT, job).await.map_err(|error| failed(&error))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let last = stdout.lines().rev().find_map(|line| line.strip_prefix(MARK));
    last.and_then(|line| serde_json::from_str(line).ok())
        .ok_or_else(|| Failed::Program("gives nothing that can be read (server.py)".to_owned()))
}

fn failed(error: &RunError) -> Failed {
    let told = error.to_string();
    if !error.is_authors() {
        return Failed::Sandbox(told);
    }
    let told: String = told.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
    Failed::Program(format!("is not generated (server.py): {told}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_program() {
        assert!(is_empty("# Nothing yet.\n\n  # nor here\n") && !is_empty("# x\nimport random\n"));
    }
}
