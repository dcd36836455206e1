//! `questhall audit-log`: what administrators changed.

use access::audit::{Filter, list};
use kernel::Limit;

use crate::{
    args::{AuditLogArgs, Global},
    failure::{Code, Failure},
    screen::{Screen, table},
    setup,
};

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
        let mut connection = database.pool().acquire().await?;
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
