//! The stage on which tests act: a guild, its campaigns, members who solve, and time that passes when told.

use std::time::{Duration, Instant};

use campaigns::model::{Campaign, CampaignSettings, Status};
use campaigns::ops::{self, Asker};
use campaigns::timers::CampaignTimers;
use challenges::submissions::{self, Submission};
use db::testing::TestDatabase;
use jobs::{Run, TimerTable as _, Wake};
use kernel::{CampaignId, ChallengeId, GuildId, UserId};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// The guild of most tests.
pub(crate) const GUILD: GuildId = GuildId::new(1001);
/// Who runs the timers.
pub(crate) const NODE: Uuid = Uuid::from_u128(7);

pub(crate) struct Stage {
    db: TestDatabase,
    pub(crate) wake: Wake,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self { db: TestDatabase::new().await, wake: Wake::new() }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.db.pool()
    }

    /// A draft with so many one-part challenges, its settings patched.
    pub(crate) async fn draft(&self, challenges: usize, patch: Value) -> Campaign {
        let challenges: Vec<Value> = (1..=challenges)
            .map(|n| {
                json!({ "slug": format!("c{n}"), "title": format!("Challenge {n}"), "description": "Solve it.",
                        "generation_script": "print('{}')" })
            })
            .collect();
        self.import(&json!({ "campaign": settings(patch), "challenges": challenges })).await
    }

    pub(crate) async fn import(&self, bundle: &Value) -> Campaign {
        let bundle = serde_json::from_value(bundle.clone()).unwrap();
        campaigns::authoring::bundle_import(self.pool(), &self.wake, GUILD, Asker::CLI, &bundle, None)
            .await
            .unwrap()
    }

    /// A campaign that starts in an hour.
    pub(crate) async fn published(&self, challenges: usize, patch: Value) -> Campaign {
        let draft = self.draft(challenges, patch).await;
        let start =
            db::now(&mut self.pool().acquire().await.unwrap()).await.unwrap() + chrono::TimeDelta::hours(1);
        ops::campaign_publish(self.pool(), &self.wake, GUILD, Asker::CLI, draft.id, Some(start))
            .await
            .unwrap()
    }

    /// A campaign that has just started.
    pub(crate) async fn running(&self, challenges: usize, patch: Value) -> Campaign {
        let campaign = self.published(challenges, patch).await;
        self.pass(campaign.id, Duration::from_hours(1)).await;
        self.run_due().await;
        self.get(campaign.id).await
    }

    pub(crate) async fn get(&self, id: CampaignId) -> Campaign {
        ops::campaign_get(self.pool(), GUILD, id, true).await.unwrap()
    }

    pub(crate) async fn status(&self, id: CampaignId) -> Status {
        self.get(id).await.status
    }

    pub(crate) async fn join(&self, squad: Uuid, users: &[i64]) {
        for user in users {
            let user = UserId::new(*user);
            people::member_ensure(&mut self.pool().acquire().await.unwrap(), GUILD, user, None)
                .await
                .unwrap();
            squads::ops::squad_join(self.pool(), GUILD, user, kernel::SquadId::new(squad)).await.unwrap();
        }
    }

    pub(crate) async fn register(&self, id: CampaignId, user: i64) {
        ops::register(self.pool(), &self.wake, GUILD, id, UserId::new(user)).await.unwrap();
    }

    /// Lets time pass for a campaign: all its times, past and to come, move back by that much.
    pub(crate) async fn pass(&self, id: CampaignId, by: Duration) {
        let mut tx = self.pool().begin().await.unwrap();
        for sql in [
            "UPDATE campaigns.campaigns SET start_time = start_time - $2, published_at = published_at - $2,
                 started_at = started_at - $2, closed_at = closed_at - $2, reward_claim_at = reward_claim_at - $2,
                 frozen_at = frozen_at - $2 WHERE id = $1",
            "UPDATE campaigns.campaign_timers SET scheduled_at = scheduled_at - $2 WHERE campaign_id = $1 AND status = 'PENDING'",
            "UPDATE challenges.challenges SET released_at = released_at - $2, closes_at = closes_at - $2 WHERE campaign_id = $1",
            "UPDATE challenges.generated_input_cache SET first_request_timestamp = first_request_timestamp - $2 WHERE campaign_id = $1",
            "UPDATE challenges.submission_rate_limits SET submission_timestamp = submission_timestamp - $2 WHERE campaign_id = $1",
            "UPDATE challenges.challenge_submissions SET submission_timestamp = submission_timestamp - $2 WHERE campaign_id = $1",
            "UPDATE campaigns.campaign_participants SET last_correct_at = last_correct_at - $2 WHERE campaign_id = $1",
        ] {
            sqlx::query(sql).bind(id.get()).bind(by).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Runs what is due until nothing is, as the engine does; answers how many timers ran.
    pub(crate) async fn run_due(&self) -> usize {
        let mut ran = 0;
        loop {
            let mut tx = self.pool().begin().await.unwrap();
            let batch = CampaignTimers.claim(&mut tx, None, 500).await.unwrap();
            if batch.is_empty() {
                return ran;
            }
            let run = Run { node_id: NODE, started: Instant::now() };
            CampaignTimers.execute(&mut tx, &run, &batch).await.unwrap();
            tx.commit().await.unwrap();
            ran += batch.len();
        }
    }

    pub(crate) async fn challenge(&self, id: CampaignId, position: i32) -> ChallengeId {
        let id = sqlx::query_scalar(
            "SELECT id FROM challenges.challenges WHERE campaign_id = $1 AND order_position = $2",
        )
        .bind(id.get())
        .bind(position)
        .fetch_one(self.pool())
        .await
        .unwrap();
        ChallengeId::new(id)
    }

    pub(crate) async fn released(&self, id: CampaignId) -> Vec<i32> {
        sqlx::query_scalar(
            "SELECT order_position FROM challenges.challenges WHERE campaign_id = $1 AND released_at IS NOT NULL ORDER BY 1",
        )
        .bind(id.get())
        .fetch_all(self.pool())
        .await
        .unwrap()
    }

    /// Gives the participant an input whose answer is `right`, as if they had asked for it a minute ago, and answers it.
    pub(crate) async fn solve(&self, id: CampaignId, position: i32, user: i64, participant: &str) {
        let challenge = self.challenge(id, position).await;
        sqlx::query(
            "INSERT INTO challenges.generated_input_cache (challenge_id, campaign_id, guild_id, participant_id, participant_type,
                 input_json, expected_results, script_version, first_request_timestamp)
             SELECT $1, $2, c.guild_id, $3, c.campaign_type, '\"in\"', '{right}', 1, now() - interval '1 minute'
             FROM campaigns.campaigns c WHERE c.id = $2",
        )
        .bind(challenge.get())
        .bind(id.get())
        .bind(participant)
        .execute(self.pool())
        .await
        .unwrap();
        let answer = Submission::new((GUILD, id, challenge), UserId::new(user), None, "right").unwrap();
        let verdict = submissions::submit(self.pool(), answer).await.unwrap();
        assert!(verdict.correct && !verdict.already_solved);
    }

    /// Timers by type: PENDING ones with the hours until they are due.
    pub(crate) async fn pending(&self, id: CampaignId) -> Vec<(String, i64)> {
        sqlx::query_as(
            "SELECT timer_type, round(extract(epoch FROM scheduled_at - now()) / 3600)::bigint FROM campaigns.campaign_timers
             WHERE campaign_id = $1 AND status = 'PENDING' ORDER BY scheduled_at, timer_type",
        )
        .bind(id.get())
        .fetch_all(self.pool())
        .await
        .unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str, id: CampaignId) -> i64 {
        sqlx::query_scalar(sql).bind(id.get()).fetch_one(self.pool()).await.unwrap()
    }

    pub(crate) async fn balance(&self, user: i64) -> i64 {
        sqlx::query_scalar("SELECT coalesce((SELECT balance FROM economy.bytes_balances WHERE guild_id = $1 AND user_id = $2), 0)")
            .bind(GUILD.get())
            .bind(user)
            .fetch_one(self.pool())
            .await
            .unwrap()
    }

    /// Nothing that is kept beside a journal disagrees with it.
    pub(crate) async fn audit_clean(&self) {
        let mut conn = self.pool().acquire().await.unwrap();
        let drift = campaigns::audit::drift(&mut conn, None).await.unwrap();
        assert!(drift.is_empty(), "{drift:#?}");
        let drift = economy::audit::drift(&mut conn, None).await.unwrap();
        assert!(drift.is_empty(), "{drift:#?}");
        let drift = progress::audit::drift(&mut conn).await.unwrap();
        assert!(drift.is_empty(), "{drift:#?}");
    }
}

/// Settings of a ten-hour player campaign, patched.
pub(crate) fn settings(patch: Value) -> CampaignSettings {
    let mut settings = json!({
        "name": "Test", "campaign_type": "player", "scoring_type": "point_based", "starting_points": 100,
        "points_decrease_step": 10, "duration_hours": 10, "release_delay_minutes": 60,
    });
    let Value::Object(patch) = patch else { panic!("a patch is an object") };
    settings.as_object_mut().unwrap().extend(patch);
    serde_json::from_value(settings).unwrap()
}
