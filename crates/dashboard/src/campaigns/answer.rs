//! Beginning, the input as a file, answering.

use access::scope::CampaignsPlay;
use access::web::Provided;
use access::{App, Path};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use challenges::submissions::{Submission, SubmissionWriter, Verdict};
use frame::decode::Typed;
use frame::flash::{done, see_other};
use frame::format;
use frame::typed::none;
use frame::visit::Member;
use kernel::Problem;
use sandbox::Sandbox;
use serde::Deserialize;
use serde_json::Value;

use super::challenge::{refuse, text_of};
use super::{ChallengePath, HintPath};

/// Asks for one's input: from now on the clock runs. A form, so that nobody begins by looking, or by a browser's looking ahead.
pub(super) async fn begin(
    State(app): State<App>,
    member: Member<CampaignsPlay>,
    Path(path): Path<ChallengePath>,
    sandbox: Result<Provided<Sandbox>, Problem>,
) -> Result<Response, Problem> {
    let Provided(sandbox) = sandbox?;
    let within = (member.guild_id(), path.campaign_id, path.challenge_id);
    match challenges::inputs::input_get(app.pool(), app.wake(), &sandbox, within, member.user_id()).await {
        Ok(_) => Ok(done(&app, &path.at(&member.shell), "You have begun. Here is your input.")),
        Err(error) => refuse(&app, member.shell, path, none(), error.into()).await,
    }
}

/// The input as a file, once one has begun.
pub(super) async fn input(
    State(app): State<App>,
    member: Member<CampaignsPlay>,
    Path(path): Path<ChallengePath>,
) -> Result<Response, Problem> {
    let within = (member.guild_id(), path.campaign_id, path.challenge_id);
    let Some(input) = challenges::inputs::input_begun(app.pool(), within, member.user_id()).await? else {
        return Ok(see_other(&path.at(&member.shell)));
    };
    let (kind, extension) = match input.value {
        Value::String(_) => ("text/plain; charset=utf-8", "txt"),
        _ => ("application/json", "json"),
    };
    let name = format!("attachment; filename=\"input-{}.{extension}\"", path.challenge_id);
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, text_of(&input)).into_response())
}

/// An answer, as the form sends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    answer: String,
    #[serde(default)]
    part: Option<i32>,
}

pub(super) async fn submit(
    State(app): State<App>,
    member: Member<CampaignsPlay>,
    Path(path): Path<ChallengePath>,
    Provided(writer): Provided<SubmissionWriter>,
    typed: Typed,
) -> Result<Response, Problem> {
    let within = (member.guild_id(), path.campaign_id, path.challenge_id);
    let user = member.user_id();
    let judged = async {
        let answer: Answer = typed.read()?;
        Ok::<_, Problem>(writer.submit(Submission::new(within, user, answer.part, &answer.answer)?).await?)
    };
    match judged.await {
        Ok(verdict) => Ok(done(&app, &path.at(&member.shell), &told(&verdict))),
        Err(problem) => refuse(&app, member.shell, path, typed, problem).await,
    }
}

/// A verdict in words, with what the challenge's checker has to say of it.
fn told(verdict: &Verdict) -> String {
    match &verdict.message {
        Some(message) => format!("{} {message}", judged(verdict)),
        None => judged(verdict),
    }
}

fn judged(verdict: &Verdict) -> String {
    let part = verdict.part;
    if verdict.already_solved {
        return format!("Right, and solved before: part {part} counts once.");
    }
    if verdict.correct {
        let counted = if verdict.counted { "" } else { " As a tester's it counts nowhere." };
        let place = match (verdict.position.map(format::ordinal), verdict.points.map(format::number)) {
            (Some(place), Some(points)) => format!(" You are the {place} to solve it, for {points} points."),
            (Some(place), None) => format!(" You are the {place} to solve it."),
            (None, _) => String::new(),
        };
        let next = verdict.next_part.map(|next| format!(" Part {next} is open now.")).unwrap_or_default();
        return format!("Right! Part {part} is solved.{counted}{place}{next}");
    }
    let wait = match verdict.retry_after {
        Some(seconds) => format!("The next one is judged in {seconds} s."),
        None => format!(
            "You may send {} in the next 5 minutes.",
            format::count(verdict.left_in_5min, "more", "more")
        ),
    };
    format!("That is not the answer to part {part}. {wait}")
}

impl From<HintPath> for ChallengePath {
    fn from(path: HintPath) -> Self {
        path.challenge()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn verdict() -> Verdict {
        Verdict {
            submission_id: None,
            challenge_id: kernel::ChallengeId::new(uuid::Uuid::nil()),
            part: 1,
            correct: true,
            already_solved: false,
            counted: true,
            position: Some(2),
            points: Some(190),
            elapsed_ms: Some(5),
            message: None,
            next_part: Some(2),
            left_in_5s: 0,
            left_in_5min: 9,
            retry_after: None,
            arrived_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn verdicts_are_told_in_words() {
        let right = told(&verdict());
        assert_eq!(
            right,
            "Right! Part 1 is solved. You are the 2nd to solve it, for 190 points. Part 2 is open now."
        );
        let wrong = Verdict { correct: false, position: None, retry_after: Some(30), ..verdict() };
        assert_eq!(told(&wrong), "That is not the answer to part 1. The next one is judged in 30 s.");
        let hinted = Verdict { message: Some("Send two numbers.".to_owned()), ..wrong.clone() };
        assert!(told(&hinted).ends_with("is judged in 30 s. Send two numbers."));
        // While the scoreboard is frozen nothing of it is told.
        let frozen = Verdict { position: None, points: None, next_part: None, ..verdict() };
        assert_eq!(told(&frozen), "Right! Part 1 is solved.");
    }
}
