//! What to do next: quests that are recommended, each with why, and without those that one wants no more.

use access::scope::LearningPlay;
use access::{App, Path, Query};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use frame::flash::{done, see_other};
use frame::page::Page;
use frame::shell::Shell;
use frame::ui;
use frame::visit::Member;
use insight::model::{Recommendation, RecommendationReason};
use insight::ops::Likeness;
use kernel::Problem;
use learning::ids::QuestId;
use serde::Deserialize;

use super::QuestPath;

/// How many are shown.
const SHOWN: usize = 12;

/// What was put away just now.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Dismissed {
    dismissed: Option<QuestId>,
}

#[derive(Template)]
#[template(path = "learn/next.html")]
pub(super) struct NextPage {
    shell: Shell,
    recommended: Vec<Recommendation>,
    dismissed: Option<QuestId>,
}

impl NextPage {
    fn quest(&self, one: &Recommendation) -> String {
        self.shell.at(&format!("/learn/quests/{}", one.quest_id))
    }

    fn dismissal(&self, quest: &QuestId) -> String {
        self.shell.at(&format!("/learn/next/{quest}/dismissal"))
    }

    fn undo(&self, quest: &QuestId) -> String {
        format!("{}/undo", self.dismissal(quest))
    }

    /// Where a reason leads: to what one did before, or the path that it goes on with.
    fn leads(&self, reason: &RecommendationReason) -> Option<String> {
        match (reason.quest_id, reason.path_id) {
            (Some(quest), _) => Some(self.shell.at(&format!("/learn/quests/{quest}"))),
            (None, Some(path)) => Some(self.shell.at(&format!("/learn/paths/{path}"))),
            (None, None) => None,
        }
    }

    /// What one may expect of it, in percent.
    fn expected(one: &Recommendation) -> Option<String> {
        one.expected_share.map(|share| format!("{:.0} %", share * 100.0))
    }
}

pub(super) async fn show(
    State(app): State<App>,
    member: Member<LearningPlay>,
    likeness: Option<Extension<Likeness>>,
    Query(query): Query<Dismissed>,
) -> Result<Page<NextPage>, Problem> {
    let likeness = likeness.as_ref().map(|Extension(likeness)| likeness);
    let (guild, user) = (member.guild_id(), member.user_id());
    let recommended = insight::ops::recommendations(app.pool(), guild, user, SHOWN, likeness).await?;
    Ok(Page(NextPage { shell: member.shell, recommended, dismissed: query.dismissed }))
}

pub(super) async fn dismiss(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    insight::ops::dismiss(app.pool(), member.guild_id(), member.user_id(), path.quest_id).await?;
    Ok(see_other(&member.shell.at(&format!("/learn/next?dismissed={}", path.quest_id))))
}

pub(super) async fn undismiss(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    insight::ops::undismiss(app.pool(), member.guild_id(), member.user_id(), path.quest_id).await?;
    Ok(done(&app, &member.shell.at("/learn/next"), "It may be recommended again."))
}
