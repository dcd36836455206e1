//! Programs of a folder: tried before a learner meets them. What runs beside a learner's program must compile, and a checker must have a
//! verdict on programs that print what is expected, and on programs that print nothing.

use std::sync::Arc;

use sandbox::{Job, RunError, Sandbox};
use serde::Deserialize;

use super::folder::{Finding, Folder};
use crate::model::coding::Coding;
use crate::rules::coding::{Ended, checker_input, checker_output};

/// Whose runs these are: nobody's guild.
const TENANT: i64 = 0;
/// So many programs are compiled in one run.
const AT_ONCE: usize = 100;

/// Compiles what it reads, a list of programs, and says what is wrong with each.
const COMPILE: &str = r#"
import json, sys, warnings
warnings.simplefilter("ignore")
def wrong(program):
    try:
        compile(program, "program.py", "exec", dont_inherit=True)
    except SyntaxError as error:
        return {"line": error.lineno, "message": f"{type(error).__name__}: {error.msg}"}
    except Exception as error:
        return {"line": None, "message": f"{type(error).__name__}: {error}"}
print(json.dumps([wrong(program) for program in json.load(sys.stdin)]))
"#;

/// A program of the folder.
struct Program<'f> {
    /// Its field in the bundle.
    field: String,
    code: &'f str,
    /// What it judges, if it is a checker.
    judges: Option<&'f Coding>,
}

/// Why a program does not compile.
#[derive(Debug, Deserialize)]
struct Wrong {
    line: Option<usize>,
    message: String,
}

/// Compiles every checker and what tests append, and tries the checkers. What is wrong is told by file and line.
///
/// # Errors
/// The jail is not to be had: nothing is known of the programs then.
pub async fn programs_check(sandbox: &Sandbox, folder: &Folder) -> Result<Vec<Finding>, RunError> {
    examine(sandbox, folder, &programs_of(folder)).await
}

impl Folder {
    /// Whether there is anything to compile.
    pub fn has_programs(&self) -> bool {
        !programs_of(self).is_empty()
    }
}

fn programs_of(folder: &Folder) -> Vec<Program<'_>> {
    let mut programs = Vec::new();
    for (n, named) in folder.partly().quests.iter().enumerate() {
        let of_steps = named.quest.steps.iter().enumerate();
        let of_steps = of_steps.map(|(m, step)| (format!("steps[{m}]"), step.coding.as_ref()));
        let of_assessments = named.quest.assessments.iter().enumerate();
        let of_assessments =
            of_assessments.map(|(m, one)| (format!("assessments[{m}]"), one.coding.as_ref()));
        for (place, coding) in of_steps.chain(of_assessments) {
            let Some(coding) = coding else { continue };
            let place = format!("quests[{n}].quest.{place}.coding");
            for (k, test) in coding.tests.iter().enumerate().filter(|(_, test)| !test.append.is_empty()) {
                let field = format!("{place}.tests[{k}].append");
                programs.push(Program { field, code: &test.append, judges: None });
            }
            if let Some(checker) = &coding.checker {
                programs.push(Program {
                    field: format!("{place}.checker"),
                    code: checker,
                    judges: Some(coding),
                });
            }
        }
    }
    programs
}

async fn examine(
    sandbox: &Sandbox,
    folder: &Folder,
    programs: &[Program<'_>],
) -> Result<Vec<Finding>, RunError> {
    let mut found = Vec::new();
    for some in programs.chunks(AT_ONCE) {
        let wrong = match compiled(sandbox, some).await {
            // One of them was too much for the compiler: which?
            Err(error) if error.is_authors() && some.len() > 1 => {
                let mut all = Vec::with_capacity(some.len());
                for one in some {
                    all.extend(match compiled(sandbox, std::slice::from_ref(one)).await {
                        Err(error) if error.is_authors() => {
                            vec![Some(Wrong { line: None, message: error.to_string() })]
                        }
                        other => other?,
                    });
                }
                all
            }
            Err(error) if error.is_authors() => vec![Some(Wrong { line: None, message: error.to_string() })],
            other => other?,
        };
        for (program, wrong) in some.iter().zip(wrong) {
            match (wrong, program.judges) {
                (Some(wrong), _) => {
                    let what = format!("does not compile: {}", wrong.message);
                    found.push(placed(folder, program, wrong.line, &what));
                }
                (None, Some(coding)) => found.extend(judges(sandbox, folder, program, coding).await?),
                (None, None) => {}
            }
        }
    }
    Ok(found)
}

/// What is wrong with each of these, as the compiler says.
async fn compiled(sandbox: &Sandbox, programs: &[Program<'_>]) -> Result<Vec<Option<Wrong>>, RunError> {
    let codes: Vec<&str> = programs.iter().map(|program| program.code).collect();
    let stdin = serde_json::to_vec(&codes).unwrap_or_default();
    let output = run(sandbox, COMPILE, stdin).await?;
    let read = serde_json::from_slice::<Vec<Option<Wrong>>>(&output).ok();
    read.filter(|read| read.len() == programs.len())
        .ok_or_else(|| RunError::Unavailable("the compiler's answer cannot be read".to_owned()))
}

/// What a checker comes to where programs print what is expected, and where they print nothing.
async fn judges(
    sandbox: &Sandbox,
    folder: &Folder,
    program: &Program<'_>,
    coding: &Coding,
) -> Result<Option<Finding>, RunError> {
    let printed = |expected: Option<&str>| -> Ended {
        Ok(expected.map(|text| format!("{}\n", text.trim_end_matches('\n'))).unwrap_or_default())
    };
    let nothing: Vec<Ended> = coding.tests.iter().map(|_| printed(None)).collect();
    let mut rounds = vec![(nothing, "print nothing")];
    if coding.tests.iter().any(|test| test.expected.is_some()) {
        let expected = coding.tests.iter().map(|test| printed(test.expected.as_deref())).collect();
        rounds.insert(0, (expected, "print what is expected"));
    }
    for (ended, when) in rounds {
        let (line, wrong) = match run(sandbox, program.code, checker_input(coding, &ended)).await {
            Ok(output) => match checker_output(&output, coding.tests.len()) {
                Ok(_) => continue,
                Err(wrong) => (None, wrong),
            },
            Err(error) if error.is_authors() => {
                (error.line().and_then(|line| usize::try_from(line).ok()), error.to_string())
            }
            Err(error) => return Err(error),
        };
        let what = format!("has no verdict on programs that {when}: {wrong}");
        return Ok(Some(placed(folder, program, line, &what)));
    }
    Ok(None)
}

async fn run(sandbox: &Sandbox, script: &str, stdin: Vec<u8>) -> Result<Vec<u8>, RunError> {
    let job = Job {
        script: script.into(),
        file_name: Arc::from("checker.py"),
        seed: "checker".to_owned(),
        stdin: Some(stdin),
        ..Job::default()
    };
    Ok(sandbox.run(TENANT, job).await?.stdout)
}

/// A mistake at a line of a program, in its file.
fn placed(folder: &Folder, program: &Program<'_>, line: Option<usize>, what: &str) -> Finding {
    let said = folder.finding(&program.field, &what.trim().replace('\n', "; "));
    let (file, line) = folder.place_within(&program.field, line.unwrap_or(1));
    Finding { file, line, ..said }
}
