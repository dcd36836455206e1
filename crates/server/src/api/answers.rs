//! What operations answer with that no handler has to say: the document is completed by what follows from the rest of it.

use access::openapi::{IDEMPOTENCY_KEY, OF_BODIES, OF_REPETITIONS, problem};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;

/// The type of every refusal's body.
const PROBLEM: &str = "application/problem+json";

/// Adds the refusals that come with a body or an `Idempotency-Key`, and says of every answer what it is: without a
/// description it is not valid.
pub(super) fn complete(operation: &mut Operation) {
    let repeatable = operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.name == IDEMPOTENCY_KEY,
        RefOr::Ref(_) => false,
    });
    let bodies = operation.request_body.iter().flat_map(|_| OF_BODIES);
    let repetitions = repeatable.then_some(OF_REPETITIONS).into_iter().flatten();
    let answers = &mut operation.responses.responses;
    for (status, description) in bodies.chain(repetitions) {
        answers.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(description)));
    }
    for (status, answer) in answers {
        let RefOr::T(said) = answer else { continue };
        if said.description.is_empty() {
            phrase(status, !said.content.is_empty()).clone_into(&mut said.description);
        }
        // Every refusal is a problem, whatever type was taken for granted where it was described.
        if status.starts_with(['4', '5']) && !said.content.contains_key(PROBLEM) {
            *said = problem(&said.description);
        }
    }
}

fn phrase(status: &str, has_body: bool) -> &'static str {
    match (status, has_body) {
        ("200", _) => "Done; this is what came of it.",
        ("201", _) => "Made; this is how it is now.",
        ("202", true) => "Accepted; this is what will be done.",
        ("202", false) => "Accepted; it is done in the background.",
        ("204", _) => "Done; there is nothing more to say.",
        ("303", _) => "Go on at the address in `Location`.",
        ("400", _) => "The request is not valid; `errors` names the fields.",
        ("404", _) => "There is no such thing, or none that this key may know of.",
        ("409", _) => "That cannot be done now, in the state in which the thing is.",
        ("422", _) => "What was sent is understood, but cannot be done.",
        ("503", _) => "Not now; `Retry-After` says when to try again.",
        _ => "Refused; the body says why.",
    }
}
