//! Paths with their quests as one document: taken along, brought in.

use access::App;
use access::Path;
use access::scope::LearningWrite;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use kernel::Problem;
use learning::model::path::Bundle;
use learning::ops;

use super::campaign_form::pasted;
use super::learning::{PathPath, author, document, path_at, pretty};
use super::sheet::{Sheet, again, button, form};
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::format;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;

/// The path with its quests as a file, which importing makes the same of.
pub(super) async fn export(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<PathPath>,
) -> Result<Response, Problem> {
    let bundle = learning::authoring::bundle_export(app.pool(), visit.guild_id(), path.path_id).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"path-{}.json\"", path.path_id)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, pretty(&bundle)).into_response())
}

fn import_page(shell: Shell, values: Form) -> Sheet {
    let body = form(
        &shell,
        &shell.at("/staff/learning/import"),
        [document(&values, "bundle", "The bundle")],
        [
            button("publish", "Bring it in and publish", "primary"),
            button("draft", "Bring it in as drafts", ""),
        ],
    );
    Sheet::new(shell, "From a bundle")
        .below("/staff/learning", "Paths and quests")
        .of(values)
        .part("Bundle", body)
}

pub(super) async fn import(visit: Visit<LearningWrite>) -> Page<Sheet> {
    Page(import_page(visit.shell, Form::new()))
}

pub(super) async fn import_now(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let import = async {
        let bundle: Bundle = pasted(&typed, "bundle")?;
        let publish = typed.value("_do") == Some("publish");
        let by = author(&visit);
        let done = ops::bundle_import(app.pool(), visit.guild_id(), &bundle, publish, by).await?;
        app.wake().outbox();
        Ok::<_, Problem>(done)
    };
    match import.await {
        Ok(published) => {
            let said = format!(
                "{} made, {} with another version, {} reworded, {} as they were.",
                format::count(published.created, "quest", "quests"),
                published.new_versions,
                published.reworded,
                published.unchanged
            );
            Ok(done(&app, &path_at(&visit.shell, published.path_id, ""), &said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(import_page(visit.shell, form).refused(&problem))
        }
    }
}
