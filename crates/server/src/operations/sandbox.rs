//! What this process's sandbox has done and is doing.

use access::scope::OperationsRead;
use access::{Global, Json, Problems};
use axum::Extension;
use kernel::Problem;
use serde::Serialize;
use utoipa::ToSchema;

/// This process's sandbox, if it has one.
#[derive(Clone)]
pub(crate) struct ScriptRunner(pub(crate) Option<sandbox::Sandbox>);

/// The sandbox of the process that answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SandboxState {
    /// Whether this process runs scripts.
    enabled: bool,
    /// How strong the jail is: namespaces, landlock, seccomp or unjailed.
    #[schema(value_type = Option<String>, example = "namespaces")]
    jail: Option<sandbox::Rung>,
    /// The interpreter's version.
    #[schema(example = "3.11.2")]
    python: Option<String>,
    /// Whether scripts can import numpy.
    numpy: bool,
    /// Runs that ended well since the start.
    succeeded: u64,
    /// Runs that ended with an error of the script's making.
    failed: u64,
    /// Runs that could not be done, through no fault of the script.
    unavailable: u64,
    /// Runs whose caller went away.
    cancelled: u64,
    /// Workers started again after they died.
    restarts: u64,
    /// Runs waiting now.
    queued: usize,
    /// Runs going on now.
    running: usize,
    /// Workers that are up.
    workers: usize,
}

/// See the sandbox of the process that answers
#[utoipa::path(get, path = "/operations/sandbox", tag = "operations", operation_id = "operations_sandbox_show",
    responses((status = 200, body = SandboxState), Problems), security(("api_key" = ["operations:read"])))]
pub(super) async fn show(
    Extension(ScriptRunner(sandbox)): Extension<ScriptRunner>,
    _guard: Global<OperationsRead>,
) -> Result<Json<SandboxState>, Problem> {
    let stats = sandbox.as_ref().map(sandbox::Sandbox::stats).unwrap_or_default();
    Ok(Json(SandboxState {
        enabled: sandbox.is_some(),
        jail: sandbox.as_ref().map(sandbox::Sandbox::rung),
        python: sandbox.as_ref().map(|sandbox| sandbox.python().1.map(|part| part.to_string()).join(".")),
        numpy: sandbox.as_ref().is_some_and(sandbox::Sandbox::has_numpy),
        succeeded: stats.succeeded,
        failed: stats.failed,
        unavailable: stats.unavailable,
        cancelled: stats.cancelled,
        restarts: stats.restarts,
        queued: stats.queued,
        running: stats.running,
        workers: stats.workers,
    }))
}
