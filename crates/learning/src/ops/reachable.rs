//! Refusing a graph that nobody could walk to its end.

use kernel::FieldError;

use crate::error::Error;
use crate::graph::Graph;
use crate::rules::unlock::{Condition, Goal, reach};

/// Refuses a graph in which some quest could never be opened: each is named with the smallest set that blocks it, and the cycle.
pub(crate) fn ensure_reachable(graph: &Graph) -> Result<(), Error> {
    let conditions: Vec<Condition> = graph.quests.iter().map(|quest| quest.condition.clone()).collect();
    let chapters: Vec<Vec<usize>> = graph.chapters.iter().map(|chapter| chapter.mandatory.clone()).collect();
    let paths: Vec<Vec<usize>> = graph.paths.iter().map(|path| path.mandatory.clone()).collect();
    let found = reach(&conditions, &chapters, &paths);
    if found.faults.is_empty() {
        return Ok(());
    }
    let name = |goal: &Goal| match goal {
        Goal::Quest(at) => format!("`{}`", graph.quests[*at].slug),
        Goal::Chapter(at) => {
            let chapter = &graph.chapters[*at];
            format!("the chapter `{}/{}`", graph.paths[chapter.path].slug, chapter.slug)
        }
        Goal::Path(at) => format!("the path `{}`", graph.paths[*at].slug),
        Goal::Absent(at) => {
            format!("the {} `{}`, which is not published", graph.absent[*at].what, graph.absent[*at].slug)
        }
    };
    let faults = found.faults.iter().take(50).map(|(quest, fault)| {
        let by: Vec<String> = fault.blocked_by.iter().map(name).collect();
        let mut message = format!("could never be opened: it waits for {}", by.join(" and "));
        if !fault.cycle.is_empty() {
            let cycle: Vec<String> =
                fault.cycle.iter().map(|at| format!("`{}`", graph.quests[*at].slug)).collect();
            message = format!("{message}, in the circle {}", cycle.join(" → "));
        }
        FieldError { field: graph.quests[*quest].slug.clone(), message }
    });
    Err(Error::Unreachable(faults.collect()))
}
