//! `questhall audit-log`: what administrators changed.

use access::audit::{Filter, list};
use clap::Args;
use kernel::{GuildId, Limit};

use crate::{
    args::Global,
    failure::{Code, Failure},
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Args)]
pub(crate) struct AuditLogArgs {
    /// Changes in this guild instead of those that concern the whole installation.
    #[arg(long)]
    pub(crate) guild: Option<GuildId>,
    /// Only by this actor: `user:ID`, `key:ID`, `admin:ID`, `cli` or `system`.
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Only this deed, such as `DELETE`.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only changes of this table, such as `access.settings`.
    #[arg(long, value_name = "TABLE")]
    pub(crate) target: Option<String>,
    /// How many, 1 to 200.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: i64,
}

pub(crate) async fn run(global: &Global, args: &AuditLogArgs, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    let usage = |problem: kernel::Problem| Failure::new(Code::Usage, problem.detail());
    let limit = Limit::new(Some(args.limit)).map_err(usage)?;
    let filter = Filter {
        actor: args.actor.as_deref().map(str::parse).transpose().map_err(usage)?,
        action: args.action.clone(),
        target_table: args.target.clone(),
        ..Filter::default()
    };
    setup::with_database(global, async |database| {
        let mut connection = db::acquire(database.pool()).await?;
        let page = list(&mut connection, args.guild, &filter, None, limit).await?;
        screen.answer(&page.items, |entries| {
            let rows = entries.iter().map(|entry| {
                let target = entry.target_id.as_deref().unwrap_or_default();
                [
                    entry.at.format("%Y-%m-%d %H:%M:%S").to_string(),
                    entry.actor.clone(),
                    entry.action.clone(),
                    format!("{} {target}", entry.target_table),
                ]
            });
            table(["when", "who", "what", "of"], rows)
        })
    })
    .await
}
