//! A guild with money to spend, its campaigns, and time that passes when told. All of it by SQL, past the servers, which may
//! be dead at the moment; what fails because PostgreSQL is dead too says so, and whoever asked tries again.

use access::keys::{NewKey, key_create};
use access::{By, Origin, Scopes};
use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::http::Sender;
use crate::until;

/// The guild of all tests here.
pub(crate) const GUILD: GuildId = GuildId::new(4_711);
/// What everybody begins with.
const STARTING_BALANCE: i32 = 10_000;
/// What registering costs.
pub(crate) const FEE: i64 = 7;
/// What a hint costs.
pub(crate) const HINT: i64 = 3;
/// How many challenges every campaign has.
pub(crate) const CHALLENGES: i64 = 3;

/// A guild on some database, which may go away and come back.
#[derive(Clone)]
pub(crate) struct Town {
    pub(crate) pool: PgPool,
    key: String,
}

/// A campaign, as members need to know it.
#[derive(Debug, Clone)]
pub(crate) struct Campaign {
    pub(crate) id: Uuid,
    /// Challenges with their hints, in their order.
    pub(crate) challenges: Vec<(Uuid, Uuid)>,
}

async fn key_made(conn: &mut PgConnection, name: &str) -> String {
    let new = NewKey {
        name: name.to_owned(),
        guild: Some(GUILD),
        user: None,
        scopes: Scopes::new(["*"]),
        expires_at: None,
    };
    let (_, plain) = key_create(conn, By::Cli, &Origin::default(), &new).await.unwrap();
    plain.reveal().to_owned()
}

impl Town {
    /// Founds the guild on a migrated database, with a key for everything in it.
    pub(crate) async fn found(options: &PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(6)
            .acquire_timeout(std::time::Duration::from_secs(15))
            .connect_lazy_with(options.clone());
        let mut tx = pool.begin().await.unwrap();
        people::guild_ensure(&mut tx, GUILD, None).await.unwrap();
        sqlx::query(
            "INSERT INTO economy.bytes_configs (guild_id, starting_balance, max_transfer, cooldown_hours) VALUES ($1, $2, 1000, 0)",
        )
        .bind(GUILD.get())
        .bind(STARTING_BALANCE)
        .execute(&mut *tx)
        .await
        .unwrap();
        let key = key_made(&mut tx, "chaos").await;
        tx.commit().await.unwrap();
        Self { pool, key }
    }

    /// Another key for everything in the guild: somebody else's.
    pub(crate) async fn another_key(&self, name: &str) -> String {
        key_made(&mut self.pool.acquire().await.unwrap(), name).await
    }

    /// The same, where its database was carried to.
    pub(crate) fn moved(&self, options: &PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new().max_connections(6).connect_lazy_with(options.clone());
        Self { pool, key: self.key.clone() }
    }

    /// Somebody, as requests name them.
    pub(crate) fn sender(&self, user: i64) -> Sender {
        Sender { key: self.key.clone(), user }
    }

    /// People with these ids.
    pub(crate) async fn settle(&self, users: impl IntoIterator<Item = i64>) {
        for user in users {
            let mut conn = self.pool.acquire().await.unwrap();
            people::member_ensure(&mut conn, GUILD, UserId::new(user), None).await.unwrap();
        }
    }

    /// The campaign of this name, if there is one.
    pub(crate) async fn campaign(&self, name: &str) -> sqlx::Result<Option<Campaign>> {
        let rows: Vec<(Uuid, Uuid, Uuid)> = sqlx::query_as(
            "SELECT c.id, ch.id, h.id FROM campaigns.campaigns c
             JOIN challenges.challenges ch ON ch.campaign_id = c.id
             JOIN challenges.challenge_hints h ON h.challenge_id = ch.id
             WHERE c.guild_id = $1 AND c.name = $2 ORDER BY c.id, ch.order_position",
        )
        .bind(GUILD.get())
        .bind(name)
        .fetch_all(&self.pool)
        .await?;
        let Some((id, ..)) = rows.first() else { return Ok(None) };
        let id = *id;
        let challenges = rows.iter().filter(|row| row.0 == id).map(|row| (row.1, row.2)).collect();
        Ok(Some(Campaign { id, challenges }))
    }

    /// Gives the participant an input for every challenge, asked for a minute ago; the answer is `right`.
    pub(crate) async fn inputs(&self, campaign: Uuid, user: i64) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO challenges.generated_input_cache (challenge_id, campaign_id, guild_id, participant_id, participant_type,
                 input_json, expected_results, script_version, first_request_timestamp)
             SELECT ch.id, ch.campaign_id, ch.guild_id, $2::text, 'player', '\"in\"', '{right}', 1, now() - interval '1 minute'
             FROM challenges.challenges ch WHERE ch.campaign_id = $1
             ON CONFLICT DO NOTHING",
        )
        .bind(campaign)
        .bind(user.to_string())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The database's time.
    pub(crate) async fn now(&self) -> sqlx::Result<DateTime<Utc>> {
        db::now(&mut *self.pool.acquire().await?).await
    }

    /// How many campaigns are not over.
    pub(crate) async fn alive(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT count(*) FROM campaigns.campaigns WHERE status <> 'EXPIRED'")
            .fetch_one(&self.pool)
            .await
    }

    /// Lets time pass for one campaign whose next timer is still to come, just so much that it is due. With `quietly`,
    /// nobody is told. Answers whether there was such a campaign.
    pub(crate) async fn pass(&self, quietly: bool) -> sqlx::Result<bool> {
        let mut tx = self.pool.begin().await?;
        // Timers before their campaign, in the order of the engine's locks. A campaign that is being worked on is left alone.
        let next: Option<(Uuid, DateTime<Utc>)> = sqlx::query_as(
            "SELECT campaign_id, min(scheduled_at) FROM campaigns.campaign_timers WHERE status = 'PENDING'
             GROUP BY campaign_id HAVING min(scheduled_at) > now() ORDER BY random() LIMIT 1",
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some((campaign, at)) = next else { return Ok(false) };
        let locked: Vec<DateTime<Utc>> = sqlx::query_scalar(
            "SELECT scheduled_at FROM campaigns.campaign_timers WHERE campaign_id = $1 AND status = 'PENDING'
             ORDER BY id FOR UPDATE SKIP LOCKED",
        )
        .bind(campaign)
        .fetch_all(&mut *tx)
        .await?;
        if locked.iter().min() != Some(&at) {
            return Ok(true);
        }
        for statement in [
            "UPDATE campaigns.campaign_timers SET scheduled_at = scheduled_at - ($2 - now()) WHERE campaign_id = $1 AND status = 'PENDING'",
            "UPDATE campaigns.campaigns SET start_time = start_time - ($2 - now()), published_at = published_at - ($2 - now()),
                 started_at = started_at - ($2 - now()), closed_at = closed_at - ($2 - now()),
                 reward_claim_at = reward_claim_at - ($2 - now()), frozen_at = frozen_at - ($2 - now()) WHERE id = $1",
            "UPDATE campaigns.campaign_participants SET last_correct_at = last_correct_at - ($2 - now()) WHERE campaign_id = $1",
            "UPDATE challenges.challenges SET released_at = released_at - ($2 - now()) WHERE campaign_id = $1",
            "UPDATE challenges.generated_input_cache SET first_request_timestamp = first_request_timestamp - ($2 - now()) WHERE campaign_id = $1",
            "UPDATE challenges.challenge_submissions SET submission_timestamp = submission_timestamp - ($2 - now()) WHERE campaign_id = $1",
            "UPDATE challenges.submission_rate_limits SET submission_timestamp = submission_timestamp - ($2 - now()) WHERE campaign_id = $1",
        ] {
            sqlx::query(statement).bind(campaign).bind(at).execute(&mut *tx).await?;
        }
        if !quietly {
            let wake = "SELECT pg_notify($1, $2)";
            sqlx::query(wake)
                .bind(jobs::wake::CHANNEL)
                .bind(campaigns::timers::QUEUE)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Lets time pass until every campaign has come to its end.
    pub(crate) async fn live_out(&self) {
        until("all campaigns come to their end", async || {
            if self.alive().await.ok()? == 0 {
                return Some(());
            }
            let _ = self.pass(false).await;
            None
        })
        .await;
    }

    /// A figure from the database.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

/// A campaign of an hour with three challenges a minute apart, each with a hint.
pub(crate) fn bundle(name: &str) -> Value {
    let challenges: Vec<Value> = (1..=CHALLENGES)
        .map(|n| {
            json!({ "slug": format!("c{n}"), "title": format!("Challenge {n}"), "description": "Solve it.",
                    "generation_script": "print('{\"input\": 1, \"result\": 1}')",
                    "hints": [{ "text": "Look closer.", "cost_bytes": HINT, "penalty": 2 }] })
        })
        .collect();
    json!({
        "campaign": {
            "name": name, "campaign_type": "player", "scoring_type": "point_based", "starting_points": 100,
            "points_decrease_step": 3, "duration_hours": 1, "release_delay_minutes": 1, "entry_fee": FEE,
            "rate_limit": { "per_5s": 1000, "per_5min": 60000 },
            "rewards": [{ "from": 1, "to": 3, "bytes": 50, "xp": 20, "gold": 2 },
                        { "participation": true, "bytes": 5, "xp": 3, "gold": 1 }],
        },
        "challenges": challenges,
    })
}
