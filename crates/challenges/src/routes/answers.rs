//! Answers: submit, and look back.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{CampaignsPlay, CampaignsRead, CampaignsWrite, Scope as _};
use access::web::Provided;
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::HeaderMap;
use kernel::{ChallengeId, Page, PageQuery, Problem};
use serde::{Deserialize, Deserializer, de};
use utoipa::{IntoParams, ToSchema};

use super::{CampaignPath, ChallengePath, onlooker};
use crate::borrowed::{BorrowedAnswer, borrowed_list};
use crate::ops::Onlooker;
use crate::submissions::{PastSubmission, Submission, SubmissionWriter, Verdict, Whose, submission_list};

/// An answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// The answer: text of at most 4 KiB, or a whole number. White space around it does not count.
    #[serde(deserialize_with = "text_or_number")]
    answer: String,
    /// The part answered; left out: the first one not solved yet.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10)]
    part: Option<i32>,
}

/// Which answers to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// Only those to this challenge.
    challenge_id: Option<ChallengeId>,
    /// How many: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Solvers' programs print numbers, and send them as such.
fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct TextOrNumber;
    impl de::Visitor<'_> for TextOrNumber {
        type Value = String;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("text or a whole number")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
        fn visit_string<E: de::Error>(self, text: String) -> Result<String, E> {
            Ok(text)
        }
        fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }
        fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }
    }
    deserializer.deserialize_any(TextOrNumber)
}

/// Submit an answer
///
/// Judged at once. A wrong one counts against the campaign's limits; a right one is never refused for being one of a burst.
/// Sending a right answer again changes nothing and says so.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/submissions",
    tag = "challenges", operation_id = "submission_create",
    params(InGuildPath, ChallengePath, ActingMember, IdempotencyKey), request_body = Answer,
    responses((status = 200, body = Verdict), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn submit(
    member: AsMember<CampaignsPlay>,
    Path(path): Path<ChallengePath>,
    Provided(writer): Provided<SubmissionWriter>,
    Json(answer): Json<Answer>,
) -> Result<Json<Verdict>, Problem> {
    let submission =
        Submission::new(path.within(member.guild_id), member.user_id, answer.part, &answer.answer)?;
    Ok(Json(writer.submit(submission).await?))
}

/// List one's own answers to a challenge
///
/// Newest first; a squad's are its members'.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/challenges/{challenge_id}/submissions",
    tag = "challenges", operation_id = "submission_list_own", params(InGuildPath, ChallengePath, ActingMember, PageQuery),
    responses((status = 200, body = Page<PastSubmission>), Problems),
    security(("api_key" = ["campaigns:play"])))]
pub(super) async fn own(
    State(app): State<App>,
    member: AsMember<CampaignsPlay>,
    Path(path): Path<ChallengePath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<PastSubmission>>, Problem> {
    let within = (member.guild_id, path.campaign_id);
    let whose = Whose::Own(member.user_id);
    Ok(Json(submission_list(app.pool(), within, Some(path.challenge_id), whose, &page).await?))
}

/// List answers that belong to somebody else
///
/// Wrong for who sent them, but the right ones to another participant's input; newest first. They are looked for every minute, unless the
/// campaign says otherwise, and told to nobody but staff.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/borrowed-answers", tag = "challenges",
    operation_id = "borrowed_answer_list", params(InGuildPath, CampaignPath, PageQuery),
    responses((status = 200, body = Page<BorrowedAnswer>), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn borrowed(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<BorrowedAnswer>>, Problem> {
    if !guild.looks_as::<CampaignsWrite>() {
        return Err(Problem::forbidden(
            "A member can't see whose answers were sent; leave `Questhall-User` out.",
        ));
    }
    Ok(Json(borrowed_list(app.pool(), (guild.guild_id, path.campaign_id), &page).await?))
}

/// List all answers of a campaign
///
/// Newest first. Everybody's takes a key that sees through (`campaigns:write`); on behalf of a member they are the member's own.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/submissions", tag = "challenges",
    operation_id = "submission_list", params(InGuildPath, CampaignPath, ActingMember, Filter),
    responses((status = 200, body = Page<PastSubmission>), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn all(
    State(app): State<App>,
    guild: InGuild<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Result<Json<Page<PastSubmission>>, Problem> {
    let page = PageQuery { limit: filter.limit, cursor: filter.cursor };
    let within = (guild.guild_id, path.campaign_id);
    let whose = match onlooker(&guild, &headers, None)? {
        Onlooker { admin: true, .. } => Whose::Everybodys,
        Onlooker { user: Some(user), .. } => Whose::Own(user),
        Onlooker { .. } => {
            return Err(Problem::forbidden(format!(
                "This takes a key with the scope `{}`.",
                CampaignsWrite::NAME
            )));
        }
    };
    Ok(Json(submission_list(app.pool(), within, filter.challenge_id, whose, &page).await?))
}
