//! `questhall mod`: cases, rules of automod, appeals and raids of a guild, by the operator.

use std::path::PathBuf;

use access::{Author, By, Origin};
use clap::Subcommand;
use kernel::{PageQuery, Problem, UserId};
use moderation::automod::NewRule;
use moderation::effects::{self, Effect};
use moderation::model::{
    Action, Appeal, AppealId, Case, Decision, EffectId, Moderator, NewCase, NewRaid, RaidAction, RaidId,
    RuleId, Standing,
};
use moderation::ops::{self, cases::CaseQuery};
use sqlx::PgPool;

use super::operator::pages;
use crate::{
    args::{Global, Guild},
    failure::Failure,
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum ModCommand {
    /// Cases, the latest first.
    List {
        #[command(flatten)]
        guild: Guild,
        /// Only about this person.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
        /// Only of this action.
        #[arg(long)]
        action: Option<Action>,
        /// Only what is in force.
        #[arg(long)]
        in_force: bool,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// A case.
    Show {
        #[command(flatten)]
        guild: Guild,
        /// Its number.
        case: i32,
    },
    /// Make a case: warn, timeout, kick, ban, unban, untimeout or note.
    Make {
        #[command(flatten)]
        guild: Guild,
        /// What is done.
        action: Action,
        /// To whom.
        user: UserId,
        /// Why; the member can read it, unless it is a note.
        #[arg(long)]
        reason: String,
        /// For how many seconds.
        #[arg(long, value_name = "SECONDS")]
        duration: Option<i64>,
        /// Do not tell the member.
        #[arg(long)]
        quiet: bool,
    },
    /// Lift a case that is in force.
    Lift {
        #[command(flatten)]
        guild: Guild,
        /// Its number.
        case: i32,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Declare a case void: it counts for nothing, and what it did is undone.
    Void {
        #[command(flatten)]
        guild: Guild,
        /// Its number.
        case: i32,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Rules of automod, in their order; as JSON with `--json`.
    Rules {
        #[command(flatten)]
        guild: Guild,
    },
    /// Make a rule of automod from a file of JSON, or write one anew.
    RuleWrite {
        #[command(flatten)]
        guild: Guild,
        /// The file, `-` for standard input: see docs/moderation.md.
        file: PathBuf,
        /// The rule to write anew.
        #[arg(long, value_name = "ID")]
        rule: Option<RuleId>,
    },
    /// Delete a rule of automod; its hits and cases stay.
    RuleDelete {
        #[command(flatten)]
        guild: Guild,
        /// The rule.
        rule: RuleId,
    },
    /// Appeals, the latest first.
    Appeals {
        #[command(flatten)]
        guild: Guild,
    },
    /// Decide an appeal.
    Decide {
        #[command(flatten)]
        guild: Guild,
        /// The appeal.
        appeal: AppealId,
        /// Accept it: the case is undone. Otherwise it is denied.
        #[arg(long)]
        accept: bool,
        /// Why; the member is told.
        #[arg(long)]
        reason: String,
    },
    /// Switch raid mode on.
    Raid {
        #[command(flatten)]
        guild: Guild,
        /// What is done to who joins: timeout, kick, ban or none.
        action: RaidAction,
        /// Why.
        #[arg(long)]
        reason: String,
        /// For how many minutes.
        #[arg(long)]
        minutes: Option<i64>,
    },
    /// Switch raid mode off.
    RaidEnd {
        #[command(flatten)]
        guild: Guild,
    },
    /// Let everybody go whom a raid's measures hit.
    Release {
        #[command(flatten)]
        guild: Guild,
        /// The raid.
        raid: RaidId,
    },
    /// What could not be done on Discord, the latest first.
    Failed {
        #[command(flatten)]
        guild: Guild,
    },
    /// Try again what could not be done on Discord.
    SendAgain {
        #[command(flatten)]
        guild: Guild,
        /// The effect.
        effect: EffectId,
    },
}

pub(crate) async fn run(global: &Global, command: &ModCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    setup::with_database(global, async |database| carry_out(database.pool(), command, screen).await).await
}

async fn carry_out(pool: &PgPool, command: &ModCommand, screen: &Screen) -> Result<(), Failure> {
    let origin = Origin::default();
    let author = Author::new(By::Cli, &origin);
    let by = Moderator { id: UserId::HOUSE, tag: "Operator".to_owned() };
    match command {
        ModCommand::List { guild, user, action, in_force, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                let (limit, cursor) = (page.limit, page.cursor);
                let query = CaseQuery {
                    user_id: *user,
                    action: *action,
                    in_force: *in_force,
                    limit,
                    cursor,
                    ..CaseQuery::default()
                };
                ops::case_list(pool, guild.id, &query).await
            })
            .await?;
            screen.answer(&rows, |rows| cases(rows))
        }
        ModCommand::Show { guild, case } => {
            let case = ops::case_get(pool, guild.id, *case).await.map_err(Problem::from)?;
            screen.answer(&case, |case| cases(std::slice::from_ref(case)))
        }
        ModCommand::Make { guild, action, user, reason, duration, quiet } => {
            let new = NewCase {
                duration_seconds: *duration,
                quiet: *quiet,
                ..NewCase::about(*action, *user, reason.clone())
            };
            let made = ops::case_make(pool, guild.id, new, &by, &Standing::default(), author).await;
            screen.answer(&made.map_err(Problem::from)?, |case| cases(std::slice::from_ref(case)))
        }
        ModCommand::Lift { guild, case, reason } => {
            let case = ops::case_lift(pool, guild.id, *case, reason, &by, author).await;
            screen.answer(&case.map_err(Problem::from)?, |case| cases(std::slice::from_ref(case)))
        }
        ModCommand::Void { guild, case, reason } => {
            let case = ops::case_void(pool, guild.id, *case, reason, &by, author).await;
            screen.answer(&case.map_err(Problem::from)?, |case| cases(std::slice::from_ref(case)))
        }
        ModCommand::Appeals { guild } => {
            let rows =
                pages(200, async |page: PageQuery| ops::appeal_list(pool, guild.id, None, &page).await)
                    .await?;
            screen.answer(&rows, |rows| appeals(rows))
        }
        ModCommand::Decide { guild, appeal, accept, reason } => {
            let decision = Decision { accept: *accept, reason: reason.clone() };
            let decided = ops::appeal_decide(pool, guild.id, *appeal, &decision, &by, author).await;
            screen.answer(&decided.map_err(Problem::from)?, |appeal| appeals(std::slice::from_ref(appeal)))
        }
        ModCommand::Raid { guild, action, reason, minutes } => {
            let new = NewRaid { action: *action, reason: reason.clone(), minutes: *minutes };
            let raid =
                ops::raid_start(pool, guild.id, &new, None, &by, author).await.map_err(Problem::from)?;
            screen.answer(&raid, |raid| format!("Raid mode {} is on until {}.", raid.id, raid.ends_at))
        }
        ModCommand::RaidEnd { guild } => {
            let raid = ops::raid_end(pool, guild.id, &by, author).await.map_err(Problem::from)?;
            screen.answer(&raid, |raid| format!("Raid mode {} is off.", raid.id))
        }
        ModCommand::Release { guild, raid } => {
            let released =
                ops::raid_release(pool, guild.id, *raid, &by, author).await.map_err(Problem::from)?;
            screen.answer(&released, |released| format!("{released} cases were lifted."))
        }
        ModCommand::Failed { guild } => {
            let rows =
                pages(200, async |page: PageQuery| effects::dead_list(pool, guild.id, &page).await).await?;
            screen.answer(&rows, |rows| failed(rows))
        }
        ModCommand::SendAgain { guild, effect } => {
            effects::send_again(pool, guild.id, *effect, author).await.map_err(Problem::from)?;
            screen.answer(effect, |effect| format!("Effect {effect} is tried again."))
        }
        ModCommand::Rules { .. } | ModCommand::RuleWrite { .. } | ModCommand::RuleDelete { .. } => {
            rules(pool, command, screen, author).await
        }
    }
}

async fn rules(
    pool: &PgPool,
    command: &ModCommand,
    screen: &Screen,
    author: Author<'_>,
) -> Result<(), Failure> {
    match command {
        ModCommand::Rules { guild } => {
            let rows = ops::rules::rule_list(pool, guild.id).await.map_err(Problem::from)?;
            screen.answer(&rows, |rows| {
                let rows = rows.iter().map(|one| {
                    let state = match (one.rule.is_active, one.rule.dry_run) {
                        (false, _) => "off",
                        (true, true) => "tried",
                        (true, false) => "on",
                    };
                    [
                        one.id.to_string(),
                        one.rule.priority.to_string(),
                        one.rule.name.clone(),
                        one.rule.rule_type.to_string(),
                        one.rule.action.to_string(),
                        state.to_owned(),
                    ]
                });
                table(["id", "priority", "name", "looks at", "does", "state"], rows)
            })
        }
        ModCommand::RuleWrite { guild, file, rule } => {
            let new: NewRule = super::operator::read_file(file)?;
            let written = match rule {
                None => ops::rules::rule_create(pool, guild.id, new, author).await,
                Some(id) => ops::rules::rule_replace(pool, guild.id, *id, new, author).await,
            };
            screen.answer(&written.map_err(Problem::from)?, |rule| rule.id.to_string())
        }
        ModCommand::RuleDelete { guild, rule } => {
            ops::rules::rule_delete(pool, guild.id, *rule, author).await.map_err(Problem::from)?;
            screen.answer(rule, |rule| format!("Rule {rule} is deleted."))
        }
        _ => Ok(()),
    }
}

fn cases(cases: &[Case]) -> String {
    let rows = cases.iter().map(|case| {
        let state = match (case.resolution, case.resolved) {
            (Some(how), _) => how.to_string(),
            (None, _) => "in force".to_owned(),
        };
        [
            case.case_number.to_string(),
            case.created_at.format("%Y-%m-%d %H:%M").to_string(),
            case.action.to_string(),
            format!("{} ({})", case.user_tag, case.user_id),
            case.moderator_tag.clone(),
            case.reason.clone(),
            state,
            case.effect_error.clone().unwrap_or_else(|| case.effect_state.to_string()),
        ]
    });
    table(["case", "made", "action", "member", "by", "reason", "state", "on discord"], rows)
}

fn appeals(appeals: &[Appeal]) -> String {
    let rows = appeals.iter().map(|appeal| {
        [
            appeal.id.to_string(),
            appeal.case_number.to_string(),
            appeal.user_tag.clone(),
            appeal.status.to_string(),
            appeal.statement.clone(),
        ]
    });
    table(["id", "case", "member", "state", "statement"], rows)
}

fn failed(effects: &[Effect]) -> String {
    let rows = effects.iter().map(|effect| {
        [
            effect.id.to_string(),
            effect.kind.to_string(),
            effect.target.clone(),
            effect.case_number.map_or(String::new(), |number| number.to_string()),
            effect.error.clone().unwrap_or_default(),
        ]
    });
    table(["id", "what", "target", "case", "why"], rows)
}
