//! A batch, from locks to rewards, in one transaction.
//!
//! The order of everything: the guilds' locks, so that a guild's batches come one after another on all nodes and each sees what the
//! one before left; the events' keys, which say what is new; the members, in the order of their keys; then the state of the
//! limits, which nobody else touches. A batch's events are rewarded in the order of their time, and those of one time as they came.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use jobs::outbox;
use kernel::{GuildId, UserId};
use progress::EventType;
use progress::changes::{Changes, MemberChange, Moved, SeasonChange};
use progress::rewards::Refused;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::admitted::Fresh;
use super::book::Book;
use super::config::{Configs, GuildConfig};
use super::event::{Event, Fault};
use super::limits::State;
use super::outcome::Outcome;
use super::store::{self, Frame};

/// From how many events on a batch is first taken for new altogether: that saves a tenth of an event's work, and costs an attempt where it
/// is wrong. Few events are not worth the attempt.
const MANY: usize = 256;

/// What came of a batch: an outcome for each event, in order, and whether domain events were written.
pub(super) struct Done {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) emitted: bool,
}

/// What writers remember from batch to batch.
#[derive(Default)]
pub(super) struct Memory {
    configs: Configs,
    /// Whether the last batch held events that came twice.
    repeats: AtomicBool,
}

/// How a batch finds out which of its events are new.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Admission {
    /// All are thought to be; one that is not fails the batch.
    AllNew,
    /// Each is asked about.
    Asked,
}

/// Takes a batch in a transaction of its own. An error means that nothing of it was taken, or that the connection was lost: then the
/// batch may be sent again, as what was taken counts once.
#[kernel::boxed]
pub(super) async fn commit(
    pool: &PgPool,
    memory: &Memory,
    batch: &[(GuildId, &Event)],
) -> Result<Done, crate::Error> {
    let attempt = |admission| {
        db::retry(move || async move {
            let mut tx = db::begin(pool).await?;
            let done = run(&mut tx, &memory.configs, batch, admission).await?;
            tx.commit().await?;
            Ok::<_, crate::Error>(done)
        })
    };
    let mut done = None;
    if batch.len() >= MANY && !memory.repeats.load(Ordering::Relaxed) {
        match attempt(Admission::AllNew).await {
            Err(crate::Error::Database(error)) if db::constraint(&error) == Some("pk_event_keys") => {}
            other => done = Some(other?),
        }
    }
    let done = match done {
        Some(done) => done,
        None => attempt(Admission::Asked).await?,
    };
    memory.repeats.store(done.outcomes.contains(&Outcome::Duplicate), Ordering::Relaxed);
    Ok(done)
}

async fn run(
    conn: &mut PgConnection,
    configs: &Configs,
    batch: &[(GuildId, &Event)],
    admission: Admission,
) -> Result<Done, crate::Error> {
    let guilds: Vec<GuildId> =
        batch.iter().map(|(guild, _)| *guild).collect::<BTreeSet<_>>().into_iter().collect();
    people::store::guilds_lock(conn, &guilds).await?;
    let frame = store::frame(conn, &guilds).await?;
    let mut chosen = HashMap::with_capacity(guilds.len());
    for guild in guilds {
        chosen.insert(guild, configs.get(conn, guild).await?);
    }

    let mut outcomes: Vec<Outcome> = vec![Outcome::Counted; batch.len()];
    let mut fresh = admit(conn, batch, &frame, &chosen, &mut outcomes, admission).await?;
    if fresh.is_empty() {
        return Ok(Done { outcomes, emitted: false });
    }
    // Who sends history newest first must not be paid by halves, as who left a channel before they came.
    fresh.sort_by_key(|one| one.event.timestamp);
    let state = State::read(conn, &fresh).await?;
    let mut book = Book::new(&frame, state.members);
    let mut limits = state.limits;
    let mut lake = Vec::with_capacity(fresh.len());
    for one in &fresh {
        let refused = limits.reward(one, &mut book);
        book.count(one.guild, one.event, one.category, one.season);
        lake.push(store::LakeRow {
            guild: one.guild.get(),
            event: one.event,
            refused: refused.map(Refused::as_str),
        });
    }
    limits.rewind(&mut book);
    store::lake_insert(conn, lake).await?;
    limits.write(conn).await?;
    let emitted = finish(conn, book, &chosen).await?;
    Ok(Done { outcomes, emitted })
}

/// Says which events are new; the others get their outcomes.
async fn admit<'a>(
    conn: &mut PgConnection,
    batch: &[(GuildId, &'a Event)],
    frame: &Frame,
    chosen: &HashMap<GuildId, GuildConfig>,
    outcomes: &mut [Outcome],
    admission: Admission,
) -> Result<Vec<Fresh<'a>>, crate::Error> {
    let mut seen: HashSet<(GuildId, &str)> = HashSet::with_capacity(batch.len());
    let mut asked: Vec<(usize, Fresh<'a>)> = Vec::with_capacity(batch.len());
    for (n, (guild, event)) in batch.iter().enumerate() {
        let Some(config) = chosen.get(guild) else { continue };
        if config.lake.switched_off.contains(&event.event_type) {
            outcomes[n] = Outcome::SwitchedOff;
        } else if let Some(fault) = wrong_time(event.timestamp, frame, config) {
            outcomes[n] = Outcome::Refused(fault);
        } else if !seen.insert((*guild, event.source())) {
            outcomes[n] = Outcome::Duplicate;
        } else {
            let category = config.category(event.channel_id);
            let season = frame.season_at(*guild, event.timestamp);
            asked.push((n, Fresh { guild: *guild, event, config: config.clone(), season, category }));
        }
    }
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<(i64, &str, DateTime<Utc>)> =
        asked.iter().map(|(_, one)| (one.guild.get(), one.event.source(), one.event.timestamp)).collect();
    let known: HashSet<usize> = match admission {
        Admission::AllNew => {
            store::keys_insert_new(conn, &keys).await?;
            HashSet::new()
        }
        Admission::Asked => store::keys_insert(conn, &keys).await?.into_iter().collect(),
    };
    let mut fresh = Vec::with_capacity(asked.len());
    for (at, (n, one)) in asked.into_iter().enumerate() {
        if known.contains(&at) {
            outcomes[n] = Outcome::Duplicate;
        } else {
            fresh.push(one);
        }
    }
    Ok(fresh)
}

fn wrong_time(at: DateTime<Utc>, frame: &Frame, config: &GuildConfig) -> Option<Fault> {
    if at > frame.now + TimeDelta::minutes(i64::from(config.lake.ahead_minutes)) {
        return Some(Fault::new(
            "timestamp",
            format!("lies in the future: here it is {}", frame.now.to_rfc3339()),
        ));
    }
    // A day more than the partition: what the event brings about may lie a little before it.
    let oldest = (frame.now - TimeDelta::days(i64::from(config.lake.retention_days)))
        .max(frame.oldest + TimeDelta::days(1));
    (at < oldest).then(|| {
        Fault::new("timestamp", format!("is too old: events are taken back to {}", oldest.to_rfc3339()))
    })
}

/// Writes counters, members, levels, days, journal and seasons, and what others want to know of it. Answers whether domain events were written.
async fn finish(
    conn: &mut PgConnection,
    mut book: Book<'_>,
    chosen: &HashMap<GuildId, GuildConfig>,
) -> Result<bool, crate::Error> {
    let curious = chosen.values().any(|config| config.achievements);
    let counted = store::counters_add(conn, book.counters(), curious).await?;

    // Levels: found from the XP before and after, paid once in a lifetime.
    let risen = book.levels(chosen);
    let paid = if risen.is_empty() { Vec::new() } else { store::levels_insert(conn, &risen).await? };
    let mut events = Vec::new();
    let mut reached: BTreeMap<(i64, i64), (i32, i64)> = BTreeMap::new();
    for (guild, user, level) in paid {
        let gold = chosen.get(&GuildId::new(guild)).map_or(0, |config| config.rewards.level_up_gold);
        book.pay_level((guild, user), level, gold);
        let entry = reached.entry((guild, user)).or_insert((level, 0));
        entry.0 = entry.0.max(level);
        entry.1 += i64::from(gold);
    }
    for ((guild, user), (level, gold)) in reached {
        let user = UserId::new(user);
        let xp = book.member((guild, user.get())).map_or(0, |member| member.xp);
        let mut payload = json!({ "user_id": user, "level": level, "xp": xp, "gold": gold });
        if book.is_old(guild) {
            payload["retroactive"] = true.into();
        }
        events.push(outbox::Event {
            guild_id: GuildId::new(guild),
            event_type: "member.levelled_up",
            subject: format!("members/{user}"),
            correlation_id: None,
            user_id: None,
            payload,
        });
    }

    let members = book.member_rows();
    if !members.guilds.is_empty() {
        store::members_write(conn, &members).await?;
    }
    let days = book.days();
    if !days.is_empty() {
        store::days_add(conn, &days).await?;
    }
    let journal = std::mem::take(&mut book.journal);
    if !journal.is_empty() {
        store::journal_insert(conn, journal).await?;
    }
    let seasons = book.season_rows();
    let totals =
        if seasons.is_empty() { Vec::new() } else { store::seasons_add(conn, &seasons, curious).await? };
    let elsewhere = book.stars_elsewhere();
    if !elsewhere.is_empty() {
        store::lifetime_stars_write(conn, &elsewhere).await?;
    }

    events.extend(first_messages(&book, &counted));
    let mut emitted = !events.is_empty();
    outbox::emit(conn, &events).await?;
    for (guild, _) in chosen.iter().filter(|(_, config)| config.achievements) {
        let changes = changes(*guild, &book, &counted, &totals);
        if !changes.members.is_empty() {
            emitted |= progress::achievements::evaluate_batch(&mut *conn, &changes, book.is_old(guild.get()))
                .await?
                > 0;
        }
    }
    Ok(emitted)
}

/// Who wrote their first message of a day: one event a guild and day. The daily bytes are claimed by it.
fn first_messages(book: &Book<'_>, counted: &[store::Counted]) -> Vec<outbox::Event> {
    let mut first: BTreeMap<(i64, &str), Vec<UserId>> = BTreeMap::new();
    for row in counted {
        let Some(day) = row.period.strip_prefix("day:") else { continue };
        if row.count == book.messages_of_day(row.guild_id, row.user_id, day)
            && !book.is_bot((row.guild_id, row.user_id))
        {
            first.entry((row.guild_id, day)).or_default().push(UserId::new(row.user_id));
        }
    }
    first
        .into_iter()
        .map(|((guild, day), mut users)| {
            users.sort_unstable();
            outbox::Event {
                guild_id: GuildId::new(guild),
                event_type: "member.first_messages",
                subject: format!("days/{day}"),
                correlation_id: None,
                // For administrators only.
                user_id: Some(UserId::HOUSE),
                payload: json!({ "day": day, "user_ids": users }),
            }
        })
        .collect()
}

/// What changed in a guild, by member.
fn changes(
    guild: GuildId,
    book: &Book<'_>,
    counted: &[store::Counted],
    totals: &[store::SeasonTotals],
) -> Changes {
    let mut members: BTreeMap<i64, MemberChange> = BTreeMap::new();
    for ((of, user), before, after) in book.members() {
        if of != guild.get() || before.is_bot {
            continue;
        }
        let moved = |before, after| Moved { before, after };
        let change = MemberChange {
            user_id: UserId::new(user),
            xp: moved(before.xp, after.xp),
            stars: moved(before.stars, after.stars),
            level: moved(i64::from(before.level), i64::from(after.level)),
            counters: Vec::new(),
            seasons: Vec::new(),
        };
        members.insert(user, change);
    }
    for row in counted.iter().filter(|row| row.guild_id == guild.get() && row.period == "lifetime") {
        let Ok(kind) = row.event_type.parse::<EventType>() else { continue };
        if let Some(member) = members.get_mut(&row.user_id) {
            let added = book.added(row.guild_id, row.user_id, kind);
            member.counters.push((kind, Moved { before: row.count - added, after: row.count }));
        }
    }
    for row in totals.iter().filter(|row| row.guild_id == guild.get()) {
        let Some(member) = members.get_mut(&row.user_id) else { continue };
        let by = book.season_delta((row.guild_id, row.user_id, row.season_id));
        let moved = |after: i64, by: i64| Moved { before: after - by, after };
        member.seasons.push(SeasonChange {
            season_id: row.season_id,
            xp: moved(row.season_xp, by.xp),
            stars: moved(row.season_stars, by.stars),
            messages_sent: moved(row.messages_sent.into(), by.messages_sent.into()),
            reactions_given: moved(row.reactions_given.into(), by.reactions_given.into()),
            reactions_received: moved(row.reactions_received.into(), by.reactions_received.into()),
            threads_created: moved(row.threads_created.into(), by.threads_created.into()),
            voice_minutes: moved(row.voice_minutes.into(), by.voice_minutes.into()),
        });
    }
    Changes {
        guild_id: guild,
        season_id: book.active_season(guild.get()),
        members: members
            .into_values()
            .filter(|member| {
                member.xp.by() != 0
                    || member.stars.by() != 0
                    || !member.counters.is_empty()
                    || !member.seasons.is_empty()
            })
            .collect(),
    }
}
