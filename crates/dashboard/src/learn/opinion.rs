//! What one thinks of a quest: its authors see means, and no names.

use access::scope::LearningPlay;
use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::visit::Member;
use futures::{TryFutureExt as _, try_join};
use insight::model::Opinion;
use kernel::Problem;
use learning::model::learner::QuestHead;

use super::QuestPath;

#[derive(Template)]
#[template(path = "learn/opinion.html")]
pub(super) struct OpinionPage {
    shell: Shell,
    quest: QuestHead,
    back: String,
    form: Form,
}

impl OpinionPage {
    /// What may be chosen, by value and name; nothing is an answer, too.
    fn scale(least: &str, most: &str) -> Vec<(String, String)> {
        let word = |n: u8| match n {
            1 => format!("1 – {least}"),
            5 => format!("5 – {most}"),
            n => n.to_string(),
        };
        std::iter::once((String::new(), "I would rather not say".to_owned()))
            .chain((1..=5).map(|n| (n.to_string(), word(n))))
            .collect()
    }
}

async fn quest_of(app: &App, member: &Member<LearningPlay>, path: QuestPath) -> Result<QuestHead, Problem> {
    let (guild, user) = (member.guild_id(), Some(member.user_id()));
    Ok(learning::ops::quest_head(app.pool(), guild, user, path.quest_id).await?)
}

pub(super) async fn show(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Page<OpinionPage>, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let (quest, said) = try_join!(
        quest_of(&app, &member, path),
        insight::ops::opinion_get(app.pool(), guild, user, path.quest_id).err_into::<Problem>()
    )?;
    let back = path.at(&member.shell);
    Ok(Page(OpinionPage { shell: member.shell, quest, back, form: Form::of(&said) }))
}

pub(super) async fn put(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<QuestPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let said = async {
        let opinion: Opinion = typed.read()?;
        Ok::<_, Problem>(insight::ops::opinion_put(app.pool(), guild, user, path.quest_id, &opinion).await?)
    };
    match said.await {
        Ok(_) => {
            Ok(done(&app, &path.at(&member.shell), "Thank you: what you think is kept, without your name."))
        }
        Err(problem) if shown_in_form(&problem) => {
            let quest = quest_of(&app, &member, path).await?;
            let back = path.at(&member.shell);
            let form = Form::refused(typed, problem.clone());
            Ok(refused(&OpinionPage { shell: member.shell, quest, back, form }, &problem))
        }
        Err(problem) => Err(problem),
    }
}
