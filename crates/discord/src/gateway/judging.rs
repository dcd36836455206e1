//! Automod on the gateway: each guild's rules, what is remembered of it, and what its events come to.
//!
//! Promises:
//! * What is written and who comes is judged in memory, once; what of it is written down is [`Verdict`]s, which hold no word of it.
//! * A change of the rules counts within a second.
//! * What was judged and could not be written down yet is kept until it is: it is not judged again, as counts have gone on.
//! * Where a rule lets somebody or some place through and Discord does not say whether this is one, nothing is done.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId, Problem, UserId};
use moderation::automod::{Act, Member, Pipeline, State, Verdict};
use moderation::ops::{pipeline, record_hits, versions};
use serde_json::Value;
use tokio::time::Instant;

use super::connection::Happened;
use super::events::id;
use super::place::Place;
use super::reading;
use super::taking::told_of;
use crate::bot::Bot;
use crate::sender::{Method, Request};

/// How often it is looked whether a guild's rules are others.
const LOOK: Duration = Duration::from_millis(500);
/// How long a question to Discord may take while events wait.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause before Discord is asked again for what it did not tell.
const AGAIN: Duration = Duration::from_secs(30);
/// Names that are remembered as told, and joins that may be told again.
const MOST: usize = 10_000;
/// What Discord tells twice of a join differs by less than this, in milliseconds.
const TWICE: i64 = 5_000;

/// What is known and remembered of a guild.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pipeline: Option<Pipeline>,
    version: Option<i64>,
    looked: Option<Instant>,
    state: State,
    place: Place,
    /// When Discord was last asked what the guild is like.
    asked: Option<Instant>,
    /// Channels of which Discord told nothing, and when.
    strange: HashMap<ChannelId, Instant>,
    /// Numbers of names that matched, by whose they are: a member who changes anything else has the same.
    names: HashMap<UserId, u64>,
    key: RandomState,
    /// When members joined, and by which event that was told.
    joins: HashMap<UserId, (i64, i64)>,
    /// How far events were judged: session and sequence.
    judged: Option<(String, i64)>,
    /// What was judged and is not written down yet.
    verdicts: Vec<Verdict>,
    /// Whether the guild was told of as a whole since the session began.
    told: bool,
    /// Since when it is out of order.
    away: Option<DateTime<Utc>>,
}

/// Compiles the rules of those guilds anew whose rules are others.
pub(super) async fn refresh<'a>(
    bot: &Bot,
    watches: impl Iterator<Item = (GuildId, &'a mut Watch)>,
) -> Result<(), Problem> {
    let now = Instant::now();
    let mut due: HashMap<GuildId, &mut Watch> =
        watches.filter(|(_, watch)| watch.looked.is_none_or(|at| now - at >= LOOK)).collect();
    if due.is_empty() {
        return Ok(());
    }
    let guilds: Vec<GuildId> = due.keys().copied().collect();
    let pool = bot.app().pool();
    for (guild, version) in versions(pool, &guilds).await? {
        let Some(watch) = due.get_mut(&guild).filter(|watch| watch.version != Some(version)) else {
            continue;
        };
        match pipeline(pool, guild).await {
            Ok(pipeline) => {
                watch.pipeline = (!pipeline.is_empty()).then_some(pipeline);
                watch.version = Some(version);
            }
            Err(error) => {
                let problem = Problem::from(error);
                if problem.status() >= 500 {
                    return Err(problem);
                }
                // They were compiled before they were stored: another version of Questhall may have taken more.
                tracing::warn!(%guild, %problem, "a guild's rules are not those that were stored");
                watch.version = Some(version);
            }
        }
    }
    for watch in due.into_values() {
        watch.looked = Some(now);
    }
    Ok(())
}

impl Watch {
    /// Until when there was proof of who is where and of what was said, as the guild is told of as a whole: until it went out of order; all along,
    /// where it was told of before; else until events were last taken `before` the session.
    pub(super) fn proof(&self, before: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.away {
            Some(away) => away,
            None if self.told => now,
            None => before.unwrap_or(now),
        }
    }

    /// A session begins: what happened before is not known.
    pub(super) fn begun(&mut self) {
        (self.told, self.away) = (false, None);
    }

    /// An event was taken.
    pub(super) fn taken(&mut self, happened: &Happened, now: DateTime<Utc>) {
        let is_away = happened.data["unavailable"] == true;
        match happened.name.as_str() {
            "GUILD_DELETE" if is_away => self.away = self.away.or(Some(now)),
            // Whoever lets the bot in again has nothing that it missed.
            "GUILD_CREATE" | "GUILD_DELETE" if !is_away => (self.told, self.away) = (true, None),
            _ => {}
        }
    }

    /// Whether a join was told before, by another event, with no leave between.
    pub(super) fn told_before(&mut self, user: UserId, joined_at: DateTime<Utc>, sequence: i64) -> bool {
        let at = joined_at.timestamp_millis();
        if let Some((before, told_by)) = self.joins.get(&user)
            && (at - before).abs() < TWICE
        {
            return *told_by != sequence;
        }
        if self.joins.len() >= MOST {
            self.joins.retain(|_, (before, _)| at - *before < TWICE);
        }
        self.joins.insert(user, (at, sequence));
        false
    }

    /// Judges an event, unless that was done.
    pub(super) async fn judge(&mut self, bot: &Bot, guild: GuildId, happened: &Happened, now: DateTime<Utc>) {
        let (session, sequence) = (&happened.session.id, happened.session.sequence);
        if self.judged.as_ref().is_some_and(|(of, through)| of == session && *through >= sequence) {
            return;
        }
        let (name, data) = (happened.name.as_str(), &happened.data);
        self.place.happened(name, data, own(bot));
        if name == "GUILD_MEMBER_REMOVE"
            && let Some(member) = reading::person(&data["user"], &Value::Null)
        {
            self.state.left(member.user_id);
            self.joins.remove(&member.user_id);
        }
        if self.pipeline.is_some() {
            let verdict = match name {
                "MESSAGE_CREATE" | "MESSAGE_UPDATE" => {
                    self.message(bot, guild, data, name == "MESSAGE_UPDATE").await
                }
                "THREAD_CREATE" if data["newly_created"] == true => self.thread(bot, guild, data, true).await,
                "THREAD_UPDATE" => self.thread(bot, guild, data, false).await,
                "GUILD_MEMBER_ADD" => self.join(guild, data, now),
                "GUILD_MEMBER_UPDATE" => self.names(guild, data, now),
                _ => None,
            };
            self.verdicts.extend(verdict);
        }
        self.judged = Some((session.clone(), sequence));
    }

    /// Writes down what was judged, with what follows from it.
    pub(super) async fn record(&mut self, bot: &Bot, guild: GuildId) -> Result<(), Problem> {
        while let Some(verdict) = self.verdicts.first() {
            let rank = self.place.own_rank(guild, own(bot));
            told_of(record_hits(bot.app().pool(), guild, verdict, rank).await)?;
            self.verdicts.remove(0);
        }
        Ok(())
    }

    async fn message(&mut self, bot: &Bot, guild: GuildId, data: &Value, is_update: bool) -> Option<Verdict> {
        let mut message = reading::message(data, is_update)?;
        if message.author.is_bot || (is_update && message.edited_at.is_none()) {
            return None;
        }
        Box::pin(self.look_around(bot, guild)).await;
        message.parent_ids = self.parents(bot, message.channel_id).await?;
        if reading::held(&data["member"]).is_none() && self.exempts_roles() {
            message.author.role_ids = self.member(bot, guild, message.author.user_id).await?.role_ids;
        }
        self.rank(guild, &mut message.author);
        self.pipeline.as_ref()?.judge(&mut self.state, &message)
    }

    /// A thread's or a post's name. Who made it is looked up if it matches: the event says nothing of them but their id. Who renames one it does not
    /// say at all: so nobody is dealt with for that, the thread goes and those who moderate are told.
    async fn thread(&mut self, bot: &Bot, guild: GuildId, data: &Value, is_new: bool) -> Option<Verdict> {
        let maker = id(&data["owner_id"]).map(UserId::new).filter(|maker| *maker != own(bot))?;
        let author = Member { user_id: maker, ..Member::default() };
        let mut message = reading::thread(data, author)?;
        self.pipeline.as_ref()?.judge(&mut self.state, &message)?;
        Box::pin(self.look_around(bot, guild)).await;
        message.parent_ids = self.parents(bot, message.channel_id).await?;
        message.author = self.member(bot, guild, maker).await?;
        self.rank(guild, &mut message.author);
        let mut verdict = self.pipeline.as_ref()?.judge(&mut self.state, &message)?;
        if !is_new {
            for hit in verdict.hits.iter_mut().filter(|hit| hit.act.case().is_some()) {
                hit.act = Act::Alert;
            }
        }
        Some(verdict)
    }

    fn join(&mut self, guild: GuildId, data: &Value, now: DateTime<Utc>) -> Option<Verdict> {
        let mut member = reading::person(&data["user"], data)?;
        self.rank(guild, &mut member);
        let joined_at = reading::joined_at(data, now);
        self.pipeline.as_ref()?.judge_join(&mut self.state, &member, joined_at)
    }

    fn names(&mut self, guild: GuildId, data: &Value, now: DateTime<Utc>) -> Option<Verdict> {
        let mut member = reading::person(&data["user"], data)?;
        self.rank(guild, &mut member);
        let verdict = self.pipeline.as_ref()?.judge_names(&member, now)?;
        if self.names.len() >= MOST {
            self.names.clear();
        }
        let number = self.key.hash_one(&member.names);
        (self.names.insert(member.user_id, number) != Some(number)).then_some(verdict)
    }

    fn rank(&self, guild: GuildId, member: &mut Member) {
        member.rank = self.place.rank(guild, member.user_id, &member.role_ids);
    }

    fn exempts_roles(&self) -> bool {
        self.pipeline.as_ref().is_some_and(Pipeline::exempts_roles)
    }

    /// What a channel is in, as far as a rule asks for it. `None` where one does and Discord does not say.
    async fn parents(&mut self, bot: &Bot, channel: ChannelId) -> Option<Vec<ChannelId>> {
        if !self.pipeline.as_ref().is_some_and(Pipeline::exempts_channels) {
            return Some(Vec::new());
        }
        if let Some(parents) = self.place.parents(channel) {
            return Some(parents);
        }
        // One that was seen by nobody, as a thread that was put away long ago.
        if self.strange.get(&channel).is_some_and(|at| at.elapsed() < AGAIN) {
            return None;
        }
        if let Some(known) = ask(bot, format!("/channels/{channel}")).await {
            self.place.channel(&known);
        }
        let parents = self.place.parents(channel);
        if parents.is_none() {
            tracing::warn!(%channel, "Discord does not say what a channel is in: what is written there is not judged");
            self.strange.retain(|_, at| at.elapsed() < AGAIN);
            self.strange.insert(channel, Instant::now());
        }
        parents
    }

    /// Who somebody is; who left has no roles. `None` where Discord does not say.
    async fn member(&self, bot: &Bot, guild: GuildId, user: UserId) -> Option<Member> {
        let path = format!("/guilds/{guild}/members/{user}");
        match bot.sender().send(&Request::new(Method::GET, path).within(PATIENCE)).await {
            Ok(answer) => reading::person(&answer.body["user"], &answer.body),
            Err(error) if error.code() == Some(10_007) => Some(Member { user_id: user, ..Member::default() }),
            Err(error) => {
                tracing::warn!(%error, "Discord does not say who a member is: nothing is done about what they wrote");
                None
            }
        }
    }

    /// Asks what the guild is like, where no event told since this process followed it: a session that was gone on with tells nothing anew.
    async fn look_around(&mut self, bot: &Bot, guild: GuildId) {
        if self.place.is_known() || self.asked.is_some_and(|at| at.elapsed() < AGAIN) {
            return;
        }
        self.asked = Some(Instant::now());
        let (is, channels, bot_is) = futures::join!(
            ask(bot, format!("/guilds/{guild}")),
            ask(bot, format!("/guilds/{guild}/channels")),
            ask(bot, format!("/guilds/{guild}/members/{}", own(bot))),
        );
        if let (Some(is), Some(channels), Some(bot_is)) = (is, channels, bot_is) {
            self.place.asked(&is, &channels, &bot_is);
        }
    }
}

/// The bot itself: its account bears the application's id.
fn own(bot: &Bot) -> UserId {
    UserId::new(bot.sender().application_id())
}

async fn ask(bot: &Bot, path: String) -> Option<Value> {
    bot.sender().send(&Request::new(Method::GET, path).within(PATIENCE)).await.ok().map(|answer| answer.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_that_is_told_twice_is_one_and_one_that_is_taken_again_is_itself() {
        let mut watch = Watch::default();
        let at = |ms: i64| DateTime::from_timestamp_millis(1_800_000_000_000 + ms).unwrap();
        let ada = UserId::new(7);
        assert!(!watch.told_before(ada, at(0), 5));
        assert!(!watch.told_before(ada, at(0), 5), "a batch that is tried again");
        assert!(watch.told_before(ada, at(400), 6));
        assert!(!watch.told_before(ada, at(60_000), 9), "they left and came back");
        for n in 0..MOST + 5 {
            watch.told_before(UserId::new(1_000 + i64::try_from(n).unwrap()), at(120_000), 10);
        }
        assert!(!watch.joins.contains_key(&ada));
    }
}
