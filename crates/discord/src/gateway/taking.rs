//! Events into the database: a batch at a time, guild beside guild, each guild's in order.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use kernel::{ChannelId, GuildId, Problem, UserId};
use lake::ingest::{Event, Payload};
use moderation::model::Action;
use moderation::ops::cases::CaseQuery;
use moderation::ops::{bans_seen, case_list, member_returned, native_action, raid_joined, sanction_gone};
use progress::EventType;
use squads::roles::{ObservedRoles, observe};
use tokio::sync::mpsc;

use super::connection::Happened;
use super::events::{Means, VoiceState, changes, guild_of, joined, means};
use super::judging::{Watch, refresh};
use super::lease::Lease;
use super::missed::Missed;
use crate::bot::Bot;
use crate::native::blocked;
use crate::sender::{Method, Request};
use crate::sync::{Kind, SOON, stale};

/// Events taken at once, and how long the first of them waits for others.
const BATCH: usize = 500;
const GATHER: Duration = Duration::from_millis(50);
/// The pause before a batch is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long the gateway waits for an answer to whether somebody is banned.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes events until the queue ends.
#[kernel::boxed]
pub(super) async fn take_all(bot: &Bot, lease: &Lease, mut queue: mpsc::Receiver<Happened>) {
    let (mut last_proof, mut watches) = (None, HashMap::new());
    while let Some(batch) = gather(&mut queue).await {
        loop {
            match take(bot, lease, &batch, &mut watches, &mut last_proof).await {
                Ok(true) => break,
                // Another node goes on from what was committed.
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "events of Discord could not be taken yet");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}

/// The next events.
async fn gather(queue: &mut mpsc::Receiver<Happened>) -> Option<Vec<Happened>> {
    let first = queue.recv().await?;
    let mut batch = vec![first];
    let more = async {
        while batch.len() < BATCH {
            match queue.recv().await {
                Some(happened) => batch.push(happened),
                None => break,
            }
        }
    };
    let _ = tokio::time::timeout(GATHER, more).await;
    Some(batch)
}

/// Takes a batch, and notes how far the session's events were taken.
async fn take(
    bot: &Bot,
    lease: &Lease,
    batch: &[Happened],
    watches: &mut HashMap<GuildId, Watch>,
    last_proof: &mut Option<DateTime<Utc>>,
) -> Result<bool, Problem> {
    if batch.iter().any(|happened| happened.name == "READY") {
        *last_proof = lease.committed_at().await?;
        watches.values_mut().for_each(Watch::begun);
    }
    let now = db::now(&mut *db::acquire(bot.app().pool()).await?).await?;
    let mut guilds: BTreeMap<GuildId, (Watch, Vec<&Happened>)> = BTreeMap::new();
    for happened in batch {
        if let Some(guild) = guild_of(&happened.name, &happened.data).map(GuildId::new) {
            let of = guilds
                .entry(guild)
                .or_insert_with(|| (watches.remove(&guild).unwrap_or_default(), Vec::new()));
            of.1.push(happened);
        }
    }
    let done = of_guilds(bot, &mut guilds, now, *last_proof).await;
    // What was judged is remembered even where not all of it could be written down.
    watches.extend(guilds.into_iter().map(|(guild, (watch, _))| (guild, watch)));
    done?;
    if let Some(last) = batch.last()
        && !lease.commit(&last.session).await?
    {
        return Ok(false);
    }
    // Once what came was taken: a batch that is tried again asks Discord nothing anew.
    for happened in batch {
        let of = guild_of(&happened.name, &happened.data).map(GuildId::new);
        let Some(watch) = of.and_then(|guild| watches.get_mut(&guild)) else { continue };
        let proof = watch.proof(*last_proof, now);
        if happened.name == "GUILD_CREATE"
            && proof < now
            && let Some(missed) = Missed::of(&happened.data, proof, now)
        {
            tokio::spawn(missed.fetch(bot.clone()));
        }
        watch.taken(happened, now);
    }
    Ok(true)
}

async fn of_guilds(
    bot: &Bot,
    guilds: &mut BTreeMap<GuildId, (Watch, Vec<&Happened>)>,
    now: DateTime<Utc>,
    before: Option<DateTime<Utc>>,
) -> Result<(), Problem> {
    refresh(bot, guilds.iter_mut().map(|(guild, (watch, _))| (*guild, watch))).await?;
    let each =
        guilds.iter_mut().map(|(guild, (watch, events))| of_guild(bot, *guild, watch, events, now, before));
    try_join_all(each).await?;
    Ok(())
}

async fn of_guild(
    bot: &Bot,
    guild: GuildId,
    watch: &mut Watch,
    events: &[&Happened],
    now: DateTime<Utc>,
    before: Option<DateTime<Utc>>,
) -> Result<(), Problem> {
    for happened in events {
        watch.judge(bot, guild, happened, now).await;
    }
    // First, as a message that must go is seen until it is gone; and a flood of joins begins a raid before those who came are looked at.
    watch.record(bot, guild).await?;
    let pool = bot.app().pool();
    let (mut told, mut observed) = (Vec::new(), BTreeMap::new());
    let mut voice: Option<Voice> = None;
    let mut bans = Bans::default();
    let mut came = Vec::new();
    for happened in events {
        let sequence = happened.session.sequence;
        let came_in = joined(&happened.name, &happened.data, now);
        let again = came_in
            .as_ref()
            .is_some_and(|(joined, _)| watch.told_before(joined.user_id, joined.joined_at, sequence));
        let source = format!("gw:{}:{sequence}", happened.session.id);
        match means(&happened.name, &happened.data, now, &source) {
            // A join that Discord tells twice is one.
            Means::Lake(event) => told.extend((!again).then_some(*event)),
            Means::Voice(state) => {
                let voice = known(&mut voice, bot, guild).await?;
                told.extend(voice.moved(&state, now, &source));
            }
            Means::Guild(name, states) => {
                let mut conn = db::acquire(pool).await?;
                people::guild_ensure(&mut conn, guild, Some(&name)).await?;
                note(&mut conn, guild, true).await?;
                drop(conn);
                let voice = known(&mut voice, bot, guild).await?;
                told.extend(voice.compared(&states, now, watch.proof(before, now), &source));
            }
            Means::Left => {
                note(&mut *db::acquire(pool).await?, guild, false).await?;
                let voice = known(&mut voice, bot, guild).await?;
                told.extend(voice.compared(&[], now, now, &source));
                *watch = Watch::default();
            }
            Means::Roles(user, roles) => {
                observed.insert(user, roles);
            }
            Means::Ban(user, banned) => bans.changed(bot, guild, user, banned).await?,
            Means::Native(entry) => {
                // The bot's own are cases already.
                let own = UserId::new(bot.sender().application_id());
                told_of(native_action(pool, guild, &entry, own).await)?;
            }
            Means::Blocked(rule, user, channel) => {
                told_of(blocked(bot, guild, (rule, user, channel), &source).await?)?;
            }
            Means::Rules => stale(&mut *db::acquire(pool).await?, guild, Kind::Automod, SOON).await?,
            Means::Nothing => {}
        }
        if let Some((joined, silent_until)) = came_in {
            bans.tell(bot, guild).await?;
            returned(bot, guild, joined.user_id, silent_until).await?;
            came.push(joined);
        }
    }
    bans.tell(bot, guild).await?;
    told_of(raid_joined(pool, guild, &came).await)?;
    if !told.is_empty() {
        bot.faculties()
            .lake
            .submit(guild, told)
            .await
            .map_err(|error| Problem::internal_message(&error.to_string()))?;
    }
    if let Some(voice) = voice {
        voice.keep(bot, guild).await?;
    }
    for (user, role_ids) in observed {
        match observe(pool, guild, user, &ObservedRoles { role_ids }).await.map_err(Problem::from) {
            Err(problem) if problem.status() >= 500 => return Err(problem),
            _ => {}
        }
    }
    if let Some(within) = events.iter().filter_map(|happened| changes(&happened.name)).reduce(f64::min) {
        stale(&mut *db::acquire(pool).await?, guild, Kind::Setup, within).await?;
    }
    bot.app().wake().outbox();
    Ok(())
}

/// What moderation refuses it refuses for good; what failed is told it again.
pub(super) fn told_of<T>(done: Result<T, moderation::Error>) -> Result<(), Problem> {
    match done.map_err(Problem::from) {
        Ok(_) => Ok(()),
        Err(problem) if problem.status() >= 500 => Err(problem),
        Err(problem) => {
            tracing::warn!(%problem, "moderation refuses what happened on Discord");
            Ok(())
        }
    }
}

/// Somebody came in who was dealt with before. That they did may be told late, or once more, after they were banned: so it is Discord that
/// says whether they are.
async fn returned(
    bot: &Bot,
    guild: GuildId,
    user: UserId,
    silent_until: Option<DateTime<Utc>>,
) -> Result<(), Problem> {
    let pool = bot.app().pool();
    let query = CaseQuery { user_id: Some(user), in_force: true, limit: Some(200), ..CaseQuery::default() };
    let held: Vec<Action> =
        case_list(pool, guild, &query).await?.items.iter().map(|case| case.action).collect();
    if held.contains(&Action::Ban) {
        let path = format!("/guilds/{guild}/bans/{user}");
        let asked = bot.sender().send(&Request::new(Method::GET, path).within(PATIENCE)).await;
        if !asked.is_err_and(|error| error.code() == Some(10_026)) {
            return Ok(());
        }
    } else if !held.contains(&Action::Timeout) {
        return Ok(());
    }
    told_of(member_returned(pool, guild, user, silent_until).await)
}

/// Bans that were seen and that moderation is not told of yet: a raid's come by the hundred.
#[derive(Debug, Default)]
struct Bans(Vec<UserId>);

impl Bans {
    async fn changed(
        &mut self,
        bot: &Bot,
        guild: GuildId,
        user: UserId,
        banned: bool,
    ) -> Result<(), Problem> {
        if banned {
            self.0.push(user);
            return Ok(());
        }
        // In the order in which it happened.
        self.tell(bot, guild).await?;
        told_of(sanction_gone(bot.app().pool(), guild, Action::Ban, user).await)
    }

    async fn tell(&mut self, bot: &Bot, guild: GuildId) -> Result<(), Problem> {
        let mut seen = std::mem::take(&mut self.0);
        seen.sort_unstable();
        seen.dedup();
        if !seen.is_empty() {
            told_of(bans_seen(bot.app().pool(), guild, &seen, false).await)?;
        }
        Ok(())
    }
}

/// Notes whether the bot is in a guild.
async fn note(conn: &mut sqlx::PgConnection, guild: GuildId, present: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO discord.guilds AS g (guild_id, present) VALUES ($1, $2)
         ON CONFLICT (guild_id) DO UPDATE SET present = excluded.present, changed_at = now()
          WHERE g.present <> excluded.present",
        guild.get(),
        present,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who of a guild was in which voice channel, and what changed of it.
#[derive(Debug, Default)]
struct Voice {
    states: HashMap<UserId, ChannelId>,
    changed: BTreeMap<UserId, Option<ChannelId>>,
}

async fn known<'a>(
    voice: &'a mut Option<Voice>,
    bot: &Bot,
    guild: GuildId,
) -> Result<&'a mut Voice, Problem> {
    if voice.is_none() {
        let rows = sqlx::query!(
            r#"SELECT user_id AS "user_id: UserId", channel_id AS "channel_id: ChannelId" FROM discord.voice_states
                WHERE guild_id = $1"#,
            guild.get()
        )
        .fetch_all(&mut *db::acquire(bot.app().pool()).await?)
        .await?;
        let states = rows.into_iter().map(|row| (row.user_id, row.channel_id)).collect();
        *voice = Some(Voice { states, changed: BTreeMap::new() });
    }
    Ok(voice.get_or_insert_default())
}

impl Voice {
    /// What a new state of somebody means: they came, went, or moved; nothing where they only muted themselves.
    fn moved(&mut self, state: &VoiceState, at: DateTime<Utc>, source: &str) -> Option<Event> {
        let before = match state.channel {
            Some(channel) => self.states.insert(state.user, channel),
            None => self.states.remove(&state.user),
        };
        if before == state.channel {
            return None;
        }
        self.changed.insert(state.user, state.channel);
        let kind = match (before, state.channel) {
            (None, _) => EventType::VoiceJoin,
            (Some(_), None) => EventType::VoiceLeave,
            (Some(_), Some(_)) => EventType::VoiceMove,
        };
        let payload = Payload {
            from_channel_id: before.filter(|_| kind == EventType::VoiceMove),
            bot: state.bot,
            muted: state.muted,
            deafened: state.deafened,
            ..Payload::default()
        };
        Some(Event {
            event_type: kind,
            user_id: state.user,
            channel_id: state.channel.or(before),
            target_id: None,
            source_id: Some(format!("{source}:{}", state.user)),
            timestamp: at,
            payload,
        })
    }

    /// What was missed: who is no longer there left when last there was proof of them.
    fn compared(
        &mut self,
        states: &[VoiceState],
        now: DateTime<Utc>,
        proof: DateTime<Utc>,
        source: &str,
    ) -> Vec<Event> {
        let mut gone: Vec<UserId> = self
            .states
            .keys()
            .filter(|user| states.iter().all(|state| state.user != **user))
            .copied()
            .collect();
        gone.sort_unstable();
        let mut told = Vec::new();
        for user in gone {
            let state = VoiceState { user, channel: None, bot: false, muted: false, deafened: false };
            told.extend(self.moved(&state, proof, source));
        }
        for state in states {
            told.extend(self.moved(state, now, source));
        }
        told
    }

    async fn keep(self, bot: &Bot, guild: GuildId) -> sqlx::Result<()> {
        let (mut users, mut channels, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for (user, channel) in self.changed {
            match channel {
                Some(channel) => {
                    users.push(user.get());
                    channels.push(channel.get());
                }
                None => gone.push(user.get()),
            }
        }
        let pool = bot.app().pool();
        if !users.is_empty() {
            sqlx::query!(
                "INSERT INTO discord.voice_states (guild_id, user_id, channel_id)
                 SELECT $1, * FROM unnest($2::bigint[], $3::bigint[])
                 ON CONFLICT (guild_id, user_id) DO UPDATE SET channel_id = excluded.channel_id, updated_at = now()",
                guild.get(),
                &users,
                &channels,
            )
            .execute(&mut *db::acquire(pool).await?)
            .await?;
        }
        if !gone.is_empty() {
            sqlx::query!(
                "DELETE FROM discord.voice_states WHERE guild_id = $1 AND user_id = ANY ($2)",
                guild.get(),
                &gone
            )
            .execute(&mut *db::acquire(pool).await?)
            .await?;
        }
        Ok(())
    }
}
