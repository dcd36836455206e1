//! The example path, embedded in the binary so that the demo works wherever that is.

use std::fs;

use learning::authoring;
use learning::model::path::Bundle;

use super::with_temporary_folder;
use crate::failure::{Code, Failure, OrFail};

/// The folder's name, which is the path's short name.
const SLUG: &str = "from-bytes-to-services";

macro_rules! files {
    ($($file:literal)*) => {
        &[$(($file, include_str!(concat!("../../../../examples/from-bytes-to-services/", $file)))),*]
    };
}

/// Path in the folder, and text.
const FILES: &[(&str, &str)] = files! {
    "README.md"
    "banks/byte-riddles.toml"
    "banks/status-codes.toml"
    "path.toml"
    "quests/a-request-by-hand/01-try.md"
    "quests/a-request-by-hand/02-tell.md"
    "quests/a-request-by-hand/README.md"
    "quests/a-request-by-hand/quest.toml"
    "quests/a-route-table/01-route.md"
    "quests/a-route-table/README.md"
    "quests/a-route-table/quest.toml"
    "quests/a-route-table/solve-route.py"
    "quests/bits-and-bytes/01-read.md"
    "quests/bits-and-bytes/02-check.md"
    "quests/bits-and-bytes/03-think.md"
    "quests/bits-and-bytes/README.md"
    "quests/bits-and-bytes/quest.toml"
    "quests/build-a-service/01-plan.md"
    "quests/build-a-service/README.md"
    "quests/build-a-service/quest.toml"
    "quests/byte-riddles/01-riddles.md"
    "quests/byte-riddles/README.md"
    "quests/byte-riddles/quest.toml"
    "quests/design-a-service/01-read.md"
    "quests/design-a-service/README.md"
    "quests/design-a-service/quest.toml"
    "quests/read-a-header/01-read.md"
    "quests/read-a-header/README.md"
    "quests/read-a-header/quest.toml"
    "quests/read-a-header/solve-parser.py"
    "quests/show-and-tell/01-invite.md"
    "quests/show-and-tell/02-talk.md"
    "quests/show-and-tell/README.md"
    "quests/show-and-tell/quest.toml"
    "quests/standard-streams/01-read.md"
    "quests/standard-streams/02-number-lines.md"
    "quests/standard-streams/README.md"
    "quests/standard-streams/quest.toml"
    "quests/standard-streams/solve-number-lines.py"
    "quests/status-codes/01-read.md"
    "quests/status-codes/README.md"
    "quests/status-codes/quest.toml"
    "quests/sum-up-a-log/01-read.md"
    "quests/sum-up-a-log/README.md"
    "quests/sum-up-a-log/files/requests.log"
    "quests/sum-up-a-log/quest.toml"
    "quests/sum-up-a-log/solve-summary.py"
    "quests/tests-first/01-read.md"
    "quests/tests-first/02-order.md"
    "quests/tests-first/03-discuss.md"
    "quests/tests-first/README.md"
    "quests/tests-first/quest.toml"
    "quests/text-is-bytes/01-read.md"
    "quests/text-is-bytes/02-watch.md"
    "quests/text-is-bytes/03-count.md"
    "quests/text-is-bytes/README.md"
    "quests/text-is-bytes/files/utf-8.svg"
    "quests/text-is-bytes/quest.toml"
    "quests/text-is-bytes/solve-count.py"
    "quests/verbs-and-resources/01-read.md"
    "quests/verbs-and-resources/02-match.md"
    "quests/verbs-and-resources/README.md"
    "quests/verbs-and-resources/quest.toml"
    "quests/when-things-fail/01-read.md"
    "quests/when-things-fail/02-reckon.md"
    "quests/when-things-fail/03-policy.md"
    "quests/when-things-fail/README.md"
    "quests/when-things-fail/quest.toml"
    "quests/write-a-runbook/01-read.md"
    "quests/write-a-runbook/README.md"
    "quests/write-a-runbook/quest.toml"
    "skills.toml"
};

/// The example path.
pub(super) fn read() -> Result<Bundle, Failure> {
    with_temporary_folder(|folder| {
        for (path, text) in FILES {
            let file = folder.join(path);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent).or_fail(Code::Unavailable)?;
            }
            fs::write(file, text).or_fail(Code::Unavailable)?;
        }
        authoring::read(folder, Some(SLUG)).map_err(|findings| {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            Failure::new(Code::Internal, format!("the embedded path is wrong: {}", lines.join("; ")))
        })
    })
}

/// A program that solves a step or an assessment of a quest.
pub(super) fn solution(quest: &str, slug: &str) -> Option<&'static str> {
    let file = format!("quests/{quest}/solve-{slug}.py");
    FILES.iter().find(|(path, _)| *path == file).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use learning::model::assessment::AssessmentType;
    use learning::model::quest::StepType;

    use super::*;

    #[test]
    fn the_whole_example_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/from-bytes-to-services");
        assert_eq!(read().unwrap(), authoring::read(std::path::Path::new(folder), None).unwrap());
    }

    #[test]
    fn it_shows_each_kind_of_step_and_assessment_and_needs_nothing_of_a_guild() {
        let bundle = read().unwrap();
        let quests = || bundle.quests.iter().map(|named| &named.quest);
        let steps: BTreeSet<StepType> =
            quests().flat_map(|quest| quest.steps.iter().map(|step| step.step_type)).collect();
        let assessments: BTreeSet<AssessmentType> =
            quests().flat_map(|quest| quest.assessments.iter().map(|one| one.kind)).collect();
        assert_eq!(steps, StepType::ALL.into());
        assert_eq!(assessments, AssessmentType::ALL.into());
        assert!(bundle.quests.len() >= 12);
        let outlook = authoring::bundle_outlook(&bundle);
        assert_eq!(outlook, authoring::Outlook::default());
        for named in &bundle.quests {
            let of_steps =
                named.quest.steps.iter().filter(|step| step.coding.is_some()).map(|step| &step.slug);
            let coded =
                named.quest.assessments.iter().filter(|one| one.coding.is_some()).map(|one| &one.slug);
            for slug in of_steps.chain(coded) {
                assert!(solution(&named.slug, slug).is_some(), "{}/{slug}", named.slug);
            }
        }
    }
}
