//! What is to be granted, and granting: a transaction for each thousand lines, so that an import never holds members up for
//! long. One that breaks off goes on where it is run again.

use std::collections::HashMap;

use access::author::{Author, Deed};
use access::settings::settings_read;
use kernel::{Gold, GuildId, UserId, Xp};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::parse::{Fault, Line};
use super::{Imported, Keep, NewImport, parse};
use crate::error::Error;
use crate::model::{Event, Grant};
use crate::rewards::RewardSettings;

/// Lines of a transaction.
const STEP: usize = 1_000;
/// Faults told one by one.
const TOLD: usize = 10_000;
/// Lines of an import.
const MOST: usize = 200_000;

/// Imports a file, or says what that would do. Audited as `IMPORT`, a step at a time.
#[kernel::boxed]
pub async fn import(
    pool: &PgPool,
    guild: GuildId,
    new: NewImport,
    author: Author<'_>,
) -> Result<Imported, Error> {
    let source = new.source.as_str();
    if !(1..=20).contains(&source.len())
        || !source.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    {
        return Err(Error::Invalid("source", "must be 1 to 20 of a-z and 0-9".to_owned()));
    }
    let (lines, mut faults) = parse(new.format, &new.data);
    if lines.len() > MOST {
        return Err(Error::Invalid("data", format!("must have at most {MOST} lines; split the file")));
    }
    let mut conn = db::acquire(pool).await?;
    let lines = valued(&mut conn, guild, lines, new.keep, &mut faults).await?;
    let bots = bots(&mut conn, guild, &lines).await?;
    drop(conn);
    let lines: Vec<(Line, i64)> = lines
        .into_iter()
        .filter(|(line, _)| {
            let bot = bots.contains(&line.user_id.get());
            if bot {
                let message = "is a bot, and bots earn nothing";
                faults.push(Fault::new(line.number, Some(&line.user_id.to_string()), message));
            }
            !bot
        })
        .collect();
    faults.sort_by_key(|fault| fault.line);
    let mut done = Imported {
        dry_run: new.dry_run,
        lines: lines.len(),
        new_members: 0,
        granted: 0,
        xp: 0,
        unchanged: 0,
        fault_count: faults.len(),
        faults: faults.into_iter().take(TOLD).collect(),
    };
    if done.fault_count > 0 && !new.skip_faults && !new.dry_run {
        return Err(Error::WrongLines(done.fault_count, done.faults));
    }
    for step in lines.chunks(STEP) {
        let part = db::retry(|| async {
            let mut tx = db::begin(pool).await?;
            let part = take(&mut tx, guild, source, step, new.dry_run).await?;
            if !new.dry_run {
                let summary = json!({
                    "source": source, "first_line": step.first().map(|(line, _)| line.number),
                    "last_line": step.last().map(|(line, _)| line.number), "granted": part.granted, "xp": part.xp,
                    "new_members": part.new_members,
                });
                Deed::new("IMPORT", "people.members", source).after(summary).record(&mut tx, guild, author).await?;
                tx.commit().await?;
            }
            Ok::<_, Error>(part)
        })
        .await?;
        done.new_members += part.new_members;
        done.granted += part.granted;
        done.unchanged += part.unchanged;
        done.xp += part.xp;
    }
    Ok(done)
}

/// What a step did, or would do.
#[derive(Default)]
struct Part {
    new_members: usize,
    granted: usize,
    unchanged: usize,
    xp: i64,
}

/// Brings each member of a step to the XP of their line, as far as this source is concerned.
async fn take(
    conn: &mut PgConnection,
    guild: GuildId,
    source: &str,
    step: &[(Line, i64)],
    dry_run: bool,
) -> Result<Part, Error> {
    // Two imports at once would both find the same XP missing.
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('community.import:' || $1::bigint, 0))::text",
        guild.get(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let ids: Vec<i64> = step.iter().map(|(line, _)| line.user_id.get()).collect();
    let known = sqlx::query_scalar!(
        "SELECT user_id FROM people.members WHERE guild_id = $1 AND user_id = ANY($2::bigint[])",
        guild.get(),
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let before: HashMap<i64, i64> = sqlx::query!(
        r#"SELECT user_id, sum(xp_delta)::bigint AS "xp!" FROM progress.activity_log
            WHERE guild_id = $1 AND event_type = 'IMPORT' AND source_system = 'import'
              AND starts_with(source_event_id, $2 || ':') AND user_id = ANY($3::bigint[])
            GROUP BY user_id"#,
        guild.get(),
        source,
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?
    .into_iter()
    .map(|row| (row.user_id, row.xp))
    .collect();
    let mut part = Part { new_members: step.len() - known.len(), ..Part::default() };
    let mut grants = Vec::new();
    for (line, xp) in step {
        let missing = xp - before.get(&line.user_id.get()).copied().unwrap_or(0);
        if missing <= 0 {
            part.unchanged += 1;
            continue;
        }
        part.granted += 1;
        part.xp += missing;
        grants.push(grant_of(guild, source, line.user_id, *xp, missing));
    }
    if !dry_run {
        let named: Vec<(UserId, Option<&str>)> =
            step.iter().map(|(line, _)| (line.user_id, line.name.as_deref())).collect();
        people::members_ensure(&mut *conn, guild, &named).await?;
        crate::grant(conn, &grants).await?;
    }
    Ok(part)
}

fn grant_of(guild: GuildId, source: &str, user: UserId, total: i64, missing: i64) -> Grant {
    Grant {
        guild_id: guild,
        user_id: user,
        xp: Xp::new(missing),
        gold: Gold::ZERO,
        stars: 0,
        event_type: Event::Import,
        source_system: "import".to_owned(),
        // The total is part of the cause: the same line never counts twice, a higher one counts for what it adds.
        source_event_id: format!("{source}:{user}:{total}"),
        metadata: json!({ "source": source, "total": total }),
    }
}

/// What each line comes to in XP; lines that do not say are faults.
async fn valued(
    conn: &mut PgConnection,
    guild: GuildId,
    lines: Vec<Line>,
    keep: Keep,
    faults: &mut Vec<Fault>,
) -> Result<Vec<(Line, i64)>, Error> {
    let curve = settings_read::<RewardSettings>(conn, Some(guild)).await?.curve();
    let mut valued = Vec::with_capacity(lines.len());
    for line in lines {
        let xp = match keep {
            Keep::Xp => line.xp.ok_or_else(|| "has no `xp`".to_owned()),
            Keep::Level => line.level.ok_or_else(|| "has no `level`".to_owned()).and_then(|level| {
                let xp = curve.xp_for_level(level).filter(|xp| *xp <= i64::from(i32::MAX));
                xp.ok_or_else(|| format!("level {level} takes more XP here than one import may bring"))
            }),
        };
        match xp {
            Ok(xp) => valued.push((line, xp)),
            Err(message) => {
                faults.push(Fault::new(line.number, Some(&line.user_id.to_string()), message));
            }
        }
    }
    Ok(valued)
}

/// Which of the lines' members are bots.
async fn bots(conn: &mut PgConnection, guild: GuildId, lines: &[(Line, i64)]) -> Result<Vec<i64>, Error> {
    let ids: Vec<i64> = lines.iter().map(|(line, _)| line.user_id.get()).collect();
    Ok(sqlx::query_scalar!(
        r#"SELECT m.user_id FROM people.members m
            WHERE m.guild_id = $1 AND m.is_bot AND m.user_id = ANY($2::bigint[])"#,
        guild.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?)
}
