//! What moderators did about oneself, and appeals against it.

use std::collections::HashMap;

use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::Member;
use frame::{format, ui};
use kernel::{PageQuery, Problem};
use moderation::model::{Action, AppealId, AppealStatus, Case, CaseId, OwnAppeal, Resolution, Statement};
use moderation::ops;
use moderation::scopes::ModerationOwn;
use serde::Deserialize;

/// A case in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct CasePath {
    case_number: i32,
}

/// An appeal in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct AppealPath {
    appeal_id: AppealId,
}

/// Where the list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    pub(super) cursor: Option<String>,
}

/// What was done, as whom it was done to reads it.
pub(crate) const fn what(action: Action) -> &'static str {
    match action {
        Action::Warn => "A warning",
        Action::Timeout => "A time-out",
        Action::Kick => "Removal from the server",
        Action::Ban => "A ban",
        Action::Unban => "A ban was lifted",
        Action::Untimeout => "A time-out was lifted",
        Action::Note => "A note",
        Action::Purge => "Messages were removed",
    }
}

/// Where an appeal stands.
pub(crate) fn appeal_state(status: AppealStatus) -> Html {
    match status {
        AppealStatus::Open => ui::seal("soon", "Appeal open"),
        AppealStatus::Accepted => ui::seal("done", "Appeal accepted"),
        AppealStatus::Denied => ui::seal("bad", "Appeal denied"),
        AppealStatus::Withdrawn => ui::seal("", "Appeal taken back"),
    }
}

#[derive(Template)]
#[template(path = "you/cases.html")]
pub(super) struct CasesPage {
    shell: Shell,
    cases: Vec<Case>,
    appeals: HashMap<CaseId, OwnAppeal>,
    next: Option<String>,
    /// The case whose appeal was refused.
    at: Option<i32>,
    form: Form,
}

impl CasesPage {
    fn state(case: &Case) -> Html {
        if case.voided_at.is_some() {
            return ui::seal("", "Void");
        }
        if !case.resolved {
            return ui::seal("warn", "In force");
        }
        match case.resolution {
            Some(Resolution::Expired) => ui::seal("done", "Over"),
            Some(Resolution::Lifted | Resolution::Released) => ui::seal("done", "Lifted"),
            Some(Resolution::Appealed) => ui::seal("done", "Undone on appeal"),
            _ => ui::seal("", "Past"),
        }
    }

    fn what(case: &Case) -> &'static str {
        what(case.action)
    }

    fn appeal(&self, case: &Case) -> Option<&OwnAppeal> {
        self.appeals.get(&case.id)
    }

    /// Whether an appeal may be filed, as far as one sees from here: the operation decides.
    fn may_appeal(&self, case: &Case) -> bool {
        let before = self.appeal(case).is_none_or(|last| {
            matches!(last.told.status, AppealStatus::Denied | AppealStatus::Withdrawn)
                && last.told.next_allowed_at <= self.shell.now
        });
        before && case.voided_at.is_none() && case.action.tells()
    }

    fn may_withdraw(appeal: &OwnAppeal) -> bool {
        appeal.told.status == AppealStatus::Open
    }

    /// What was written against a case and refused.
    fn written(&self, case: &Case) -> &str {
        if self.at == Some(case.case_number) { self.form.typed("statement") } else { "" }
    }

    fn withdrawal(&self, appeal: &OwnAppeal) -> String {
        self.shell.at(&format!("/cases/appeals/{}/withdraw", appeal.id))
    }

    fn filing(&self, case: &Case) -> String {
        self.shell.at(&format!("/cases/{}/appeal", case.case_number))
    }

    fn here(&self) -> String {
        self.shell.at("/cases")
    }
}

async fn page_of(
    app: &App,
    member: Member<ModerationOwn>,
    cursor: Option<String>,
    at: Option<i32>,
    form: Form,
) -> Result<CasesPage, Problem> {
    let (pool, guild, user) = (app.pool(), member.guild_id(), member.user_id());
    let page = PageQuery { limit: None, cursor };
    let found = ops::cases::case_list_own(pool, guild, user, &page).await?;
    let ids: Vec<CaseId> = found.items.iter().map(|case| case.id).collect();
    let appeals = ops::appeals_own(pool, guild, user, &ids).await?;
    let appeals = appeals.into_iter().map(|appeal| (appeal.case_id, appeal)).collect();
    Ok(CasesPage { shell: member.shell, cases: found.items, appeals, next: found.next, at, form })
}

pub(super) async fn list(
    State(app): State<App>,
    member: Member<ModerationOwn>,
    Query(query): Query<Cursor>,
) -> Result<Page<CasesPage>, Problem> {
    Ok(Page(page_of(&app, member, query.cursor, None, Form::new()).await?))
}

pub(super) async fn appeal(
    State(app): State<App>,
    member: Member<ModerationOwn>,
    Path(path): Path<CasePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let filed = async {
        let said: Statement = typed.read()?;
        Ok::<_, Problem>(ops::appeal_file(app.pool(), guild, user, path.case_number, &said.statement).await?)
    };
    match filed.await {
        Ok(_) => {
            app.wake().outbox();
            Ok(done(
                &app,
                &member.shell.at("/cases"),
                "Your appeal is with the moderators. You are told what they decide.",
            ))
        }
        Err(problem) if shown_in_form(&problem) => {
            let form = Form::refused(typed, problem.clone());
            let page = page_of(&app, member, None, Some(path.case_number), form).await?;
            Ok(refused(&page, &problem))
        }
        Err(problem) => Err(problem),
    }
}

pub(super) async fn withdraw(
    State(app): State<App>,
    member: Member<ModerationOwn>,
    Path(path): Path<AppealPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    match ops::appeal_withdraw(app.pool(), guild, user, path.appeal_id).await.map_err(Problem::from) {
        Ok(_) => Ok(done(&app, &member.shell.at("/cases"), "Your appeal is taken back.")),
        Err(problem) if shown_in_form(&problem) => {
            let form = Form::refused(none(), problem.clone());
            let page = page_of(&app, member, None, None, form).await?;
            Ok(refused(&page, &problem))
        }
        Err(problem) => Err(problem),
    }
}
