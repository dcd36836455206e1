//! `campaign check`: runs every generator on several seeds, in the jail, and tells the author what they would want to
//! know before participants do.

use std::sync::Arc;

use sandbox::Sandbox;
use sandbox::generator::{self, Generated};
use serde::Serialize;
use utoipa::ToSchema;

use super::bundle::{Bundle, ChallengeBundle};

/// Answers of at most this many characters over all seeds are pointed out as guessable.
const GUESSABLE_LENGTH: usize = 3;

/// What running a campaign's generators showed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CheckReport {
    /// A report a challenge, in their order.
    pub challenges: Vec<ChallengeReport>,
}

impl CheckReport {
    /// Whether every generator keeps the contract.
    pub fn is_good(&self) -> bool {
        self.challenges.iter().all(|c| c.problems.is_empty())
    }
}

/// What running one generator showed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChallengeReport {
    /// The challenge's folder.
    pub slug: String,
    /// What must be mended.
    pub problems: Vec<String>,
    /// What deserves a look.
    pub warnings: Vec<String>,
    /// Smallest and largest input, in bytes.
    pub input_bytes: Option<(usize, usize)>,
    /// Longest run, in milliseconds.
    pub slowest_ms: u128,
    /// The answers of the first seed, for the author to compare.
    pub sample_results: Vec<String>,
}

/// Runs every generator on `seeds` seeds; `progress` is told of each challenge when it is done.
pub async fn check(
    sandbox: &Sandbox,
    tenant: i64,
    bundle: &Bundle,
    seeds: usize,
    mut progress: impl FnMut(&ChallengeReport),
) -> CheckReport {
    let mut challenges = Vec::with_capacity(bundle.challenges.len());
    for challenge in &bundle.challenges {
        let report = challenge_run(sandbox, tenant, challenge, seeds).await;
        progress(&report);
        challenges.push(report);
    }
    CheckReport { challenges }
}

/// Runs one generator on `seeds` seeds.
pub async fn challenge_run(
    sandbox: &Sandbox,
    tenant: i64,
    challenge: &ChallengeBundle,
    seeds: usize,
) -> ChallengeReport {
    let file_name: Arc<str> = format!("{}/generate.py", challenge.slug).into();
    let seeds: Vec<String> = (1..=seeds).map(|n| format!("check-{n}")).collect();
    let report =
        generator::check(sandbox, tenant, challenge.generation_script.as_str().into(), file_name, &seeds)
            .await;
    let made: Vec<&Generated> = report.seeds.iter().filter_map(|s| s.outcome.as_ref().ok()).collect();
    let sizes = report.seeds.iter().filter(|s| s.outcome.is_ok()).map(|s| s.input_bytes);
    let mut problems = report.problems();
    problems.extend(parts_problem(&made, challenge.parts));
    let mut warnings = report.warnings.clone();
    warnings.extend(guessable_warning(&made));
    ChallengeReport {
        slug: challenge.slug.clone(),
        problems,
        warnings,
        input_bytes: sizes.clone().min().zip(sizes.max()),
        slowest_ms: report.seeds.iter().map(|s| s.wall.as_millis()).max().unwrap_or(0),
        sample_results: made.first().map(|generated| generated.results.clone()).unwrap_or_default(),
    }
}

fn parts_problem(made: &[&Generated], parts: i32) -> Option<String> {
    let count = made.iter().map(|m| m.results.len()).find(|n| i32::try_from(*n) != Ok(parts))?;
    Some(match parts {
        1 => format!("`result` has {count} answers, but challenge.toml does not say `parts = {count}`"),
        _ => format!(
            "challenge.toml says `parts = {parts}`, so `result` must be a list of {parts} answers; it has {count}"
        ),
    })
}

/// Answers that a handful of guesses would find: short over all seeds, or few of them.
fn guessable_warning(made: &[&Generated]) -> Option<String> {
    let parts = made.iter().map(|m| m.results.len()).min().filter(|_| made.len() >= 2)?;
    for part in 0..parts {
        let answers: Vec<&str> = made.iter().map(|m| m.results[part].as_str()).collect();
        if answers.iter().all(|a| a.len() <= GUESSABLE_LENGTH) {
            return Some(format!(
                "the answers of part {} are very short ({}): a few guesses find them, and a right answer is never \
                 refused for being one of a burst; ask for something longer, or switch on `rate_limit.lockout_seconds`",
                part + 1,
                answers.iter().take(3).map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", "),
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn generated(results: &[&str]) -> Generated {
        Generated {
            input: serde_json::Value::Null,
            results: results.iter().map(|&r| r.to_owned()).collect(),
            stderr: String::new(),
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
        }
    }

    #[test]
    fn the_number_of_answers_must_be_that_of_the_parts() {
        let (one, two) = (generated(&["12345"]), generated(&["12345", "67890"]));
        assert_eq!(parts_problem(&[&one], 1), None);
        assert_eq!(parts_problem(&[&two], 2), None);
        assert!(parts_problem(&[&two, &one], 2).unwrap().contains("list of 2"));
        assert!(parts_problem(&[&two], 1).unwrap().contains("parts = 2"));
    }

    #[test]
    fn answers_that_a_few_guesses_find_are_pointed_out() {
        let (yes, no, long) = (generated(&["yes"]), generated(&["no"]), generated(&["91823"]));
        assert!(guessable_warning(&[&yes, &no]).unwrap().contains("part 1"));
        assert_eq!(guessable_warning(&[&yes, &long]), None);
    }
}
