//! Learning paths: which there are, one with its quests in their order.

use access::scope::{LearningPlay, LearningRead};
use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::{Member, Visit};
use frame::{format, markdown, ui};
use kernel::Problem;
use learning::model::learner::{ChapterView, Lack, PathQuestView, PathView};

use super::{PathPath, state};

#[derive(Template)]
#[template(path = "learn/paths.html")]
pub(super) struct PathsPage {
    shell: Shell,
    paths: Vec<PathView>,
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<LearningRead>,
) -> Result<Page<PathsPage>, Problem> {
    let paths = learning::ops::paths_view(app.pool(), visit.guild_id(), visit.member).await?;
    Ok(Page(PathsPage { shell: visit.shell, paths }))
}

#[derive(Template)]
#[template(path = "learn/path.html")]
pub(super) struct PathPage {
    shell: Shell,
    path: PathView,
    form: Form,
}

impl PathPage {
    fn at(&self, rest: &str) -> String {
        self.shell.at(&format!("/learn/paths/{}{rest}", self.path.id))
    }

    fn about(&self) -> Html {
        markdown::render(&self.path.description)
    }

    /// The quests outside of chapters, then chapter by chapter.
    fn parts(&self) -> Vec<(Option<&ChapterView>, Vec<&PathQuestView>)> {
        let of = |chapter: Option<&ChapterView>| {
            let id = chapter.map(|chapter| chapter.id);
            self.path.quests.iter().filter(|quest| quest.chapter_id == id).collect::<Vec<_>>()
        };
        let chapters = self.path.chapters.iter().map(|chapter| (Some(chapter), of(Some(chapter))));
        std::iter::once((None, of(None))).chain(chapters).filter(|(_, quests)| !quests.is_empty()).collect()
    }

    /// What a quest lacks, with a link to what is missing.
    fn lack(&self, lack: &Lack) -> Option<String> {
        match (lack.quest_id, lack.path_id) {
            (Some(quest), _) => Some(self.shell.at(&format!("/learn/quests/{quest}"))),
            (None, Some(path)) => Some(self.shell.at(&format!("/learn/paths/{path}"))),
            (None, None) => None,
        }
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<LearningRead>,
    Path(path): Path<PathPath>,
) -> Result<Page<PathPage>, Problem> {
    let found = learning::ops::path_view(app.pool(), visit.guild_id(), visit.member, path.path_id).await?;
    Ok(Page(PathPage { shell: visit.shell, path: found, form: Form::new() }))
}

pub(super) async fn enrol(
    State(app): State<App>,
    member: Member<LearningPlay>,
    Path(path): Path<PathPath>,
) -> Result<Response, Problem> {
    let (pool, guild, user) = (app.pool(), member.guild_id(), member.user_id());
    match learning::ops::path_enrol(pool, guild, user, path.path_id).await.map_err(Problem::from) {
        Ok(view) => {
            app.wake().outbox();
            let to = member.shell.at(&format!("/learn/paths/{}", view.id));
            Ok(done(&app, &to, "You are enrolled. The open quests wait for you."))
        }
        Err(problem) if shown_in_form(&problem) => {
            let found = learning::ops::path_view(pool, guild, Some(user), path.path_id).await?;
            let form = Form::refused(none(), problem.clone());
            Ok(refused(&PathPage { shell: member.shell, path: found, form }, &problem))
        }
        Err(problem) => Err(problem),
    }
}
