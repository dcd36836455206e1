//! The one order in which locks are taken by whatever acts on a campaign. Who holds something of this list waits for
//! nothing that stands above it, so nobody ever waits in a circle:
//!
//! 1. campaigns, in the order of their keys;
//! 2. their timers;
//! 3. challenges, hints and inputs;
//! 4. claims, then guilds, people and members, in the order of their keys;
//! 5. participants, parts, the histogram;
//! 6. balances, which the ledger orders by itself;
//! 7. the journal, the outbox and the audit log, where rows are only added.
//!
//! A campaign's row is locked in four strengths:
//!
//! | who | lock | waits for |
//! |---|---|---|
//! | registrations, claims, hints, answers: what relies on the state | `FOR SHARE` | transitions, admins |
//! | an engine that claims timers | `FOR KEY SHARE`, before the timer | nobody: it skips what admins hold |
//! | a transition of claimed timers | `FOR NO KEY UPDATE` | those with `FOR SHARE` |
//! | admins and authors, who go on to timers or challenges | `FOR UPDATE` | everybody |
//!
//! The second is why an engine that has a timer and waits for its campaign is never in an admin's way: while it has the
//! timer, no admin has the campaign.

use challenges::CampaignKey;
use chrono::{DateTime, Utc};
use kernel::{CampaignId, GuildId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{CampaignType, Status, TimerSettings};
use crate::rules::{self, Moments};

/// A campaign whose row is locked, with what the transitions need to know.
#[derive(Debug, Clone)]
pub struct Locked {
    /// The campaign.
    pub id: Uuid,
    /// Its guild.
    pub guild_id: i64,
    /// Where it is in its life.
    pub status: Status,
    /// When it is to start.
    pub start_time: Option<DateTime<Utc>>,
    /// When it is to end.
    pub end_time: Option<DateTime<Utc>>,
    /// When it closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// When claims opened.
    pub reward_claim_at: Option<DateTime<Utc>>,
    /// Whether it was published.
    pub published: bool,
    /// Whether squads compete.
    pub campaign_type: CampaignType,
    /// Whether it has challenges at all.
    pub has_challenges: bool,
    /// Whether anybody registered.
    pub has_participants: bool,
    /// The delays of its timers.
    pub timers: TimerSettings,
}

impl Locked {
    /// Its key.
    pub fn key(&self) -> CampaignKey {
        CampaignKey { guild_id: GuildId::new(self.guild_id), id: CampaignId::new(self.id) }
    }

    /// When it expires as it stands now.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        let moments = Moments {
            status: self.status,
            start_time: self.start_time,
            end_time: self.end_time,
            closed_at: self.closed_at,
            reward_claim_at: self.reward_claim_at,
        };
        rules::expires_at(&moments, &self.timers)
    }
}

/// Takes an admin's lock of a campaign; answers its status, or `None` where the guild has no such campaign.
pub(crate) async fn campaign_lock(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
) -> Result<Option<Status>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT status AS "status: Status" FROM campaigns.campaigns WHERE guild_id = $1 AND id = $2 FOR UPDATE"#,
        guild_id.get(),
        id.get()
    )
    .fetch_optional(conn)
    .await
}

/// Locks campaigns for their transition, in the order of their keys, and reads their state.
pub async fn campaigns_lock(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
) -> Result<Vec<Locked>, sqlx::Error> {
    let (guilds, ids) = CampaignKey::columns(keys);
    let rows = sqlx::query!(
        r#"SELECT c.id, c.guild_id, c.status AS "status: Status", c.start_time, c.end_time, c.closed_at, c.reward_claim_at,
                  c.published_at IS NOT NULL AS "published!", c.campaign_type AS "campaign_type: CampaignType",
                  c.reward_delay_minutes, c.claim_days, c.reminder_hours, c.expire_unstarted_minutes,
                  c.expire_unclosed_minutes, c.expire_closed_hours
           FROM campaigns.campaigns c
           WHERE (c.guild_id, c.id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
           ORDER BY c.guild_id, c.id FOR NO KEY UPDATE OF c"#,
        &guilds,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    // A statement of its own: what others committed while this one waited for the lock is not in that one's snapshot.
    let belongings = sqlx::query!(
        r#"SELECT c.id,
                  EXISTS (SELECT 1 FROM challenges.challenges ch
                          WHERE ch.guild_id = c.guild_id AND ch.campaign_id = c.id) AS "challenges!",
                  EXISTS (SELECT 1 FROM campaigns.campaign_participants p
                          WHERE p.guild_id = c.guild_id AND p.campaign_id = c.id) AS "participants!"
           FROM campaigns.campaigns c
           WHERE (c.guild_id, c.id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
           ORDER BY c.guild_id, c.id"#,
        &guilds,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .zip(belongings)
        .map(|(r, has)| Locked {
            id: r.id,
            guild_id: r.guild_id,
            status: r.status,
            start_time: r.start_time,
            end_time: r.end_time,
            closed_at: r.closed_at,
            reward_claim_at: r.reward_claim_at,
            published: r.published,
            campaign_type: r.campaign_type,
            has_challenges: has.challenges,
            has_participants: has.participants,
            timers: TimerSettings {
                reward_delay_minutes: r.reward_delay_minutes,
                claim_days: r.claim_days,
                reminder_hours: r.reminder_hours,
                expire_unstarted_minutes: r.expire_unstarted_minutes,
                expire_unclosed_minutes: r.expire_unclosed_minutes,
                expire_closed_hours: r.expire_closed_hours,
            },
        })
        .collect())
}
