//! A guild with a campaign, its challenges and whoever takes part, made by SQL as the slices above would make it.

use challenges::CampaignKey;
use challenges::submissions::{Outcome, Submission, submit};
use chrono::TimeDelta;
use db::testing::TestDatabase;
use kernel::{CampaignId, ChallengeId, GuildId, HintId, SquadId, UserId};
use sqlx::PgPool;
use uuid::Uuid;

pub(crate) const GUILD: GuildId = GuildId::new(7_000);

/// What a campaign in these tests is like unless a test says otherwise.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) squads: bool,
    pub(crate) time_based: bool,
    pub(crate) per_5s: i32,
    pub(crate) per_5min: i32,
    pub(crate) lockout_seconds: i32,
    pub(crate) freeze_minutes: i32,
    pub(crate) early_access_minutes: i32,
    pub(crate) late_join_minutes: i32,
    pub(crate) started_minutes_ago: i32,
    pub(crate) status: &'static str,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            squads: false,
            time_based: false,
            per_5s: 1000,
            per_5min: 60_000,
            lockout_seconds: 0,
            freeze_minutes: 0,
            early_access_minutes: 0,
            late_join_minutes: 0,
            started_minutes_ago: 600,
            status: "RUNNING",
        }
    }
}

/// A database with one campaign of 24 hours; 1,000 points for the first solver, 1 less for each later one.
pub(crate) struct World {
    pub(crate) db: TestDatabase,
    pub(crate) campaign: CampaignId,
}

impl World {
    pub(crate) fn key(&self) -> CampaignKey {
        CampaignKey { guild_id: GUILD, id: self.campaign }
    }

    pub(crate) async fn new(rules: Rules) -> Self {
        let db = TestDatabase::new().await;
        let campaign = sqlx::query_scalar!(
            r#"INSERT INTO campaigns.campaigns (guild_id, name, campaign_type, scoring_type, starting_points, points_decrease_step,
                   duration_hours, release_delay_minutes, start_time, published_at, started_at, status, secret, limit_per_5s,
                   limit_per_5min, lockout_seconds, freeze_minutes, early_access_minutes, late_join_minutes)
               VALUES ($1, 'Test', $2, $3, 1000, 1, 24, 60, now() - make_interval(mins => $4), now(), now(), $5,
                   decode(repeat('5a', 32), 'hex'), $6, $7, $8, $9, $10, $11)
               RETURNING id AS "id: CampaignId""#,
            GUILD.get(),
            if rules.squads { "squad" } else { "player" },
            if rules.time_based { "time_based" } else { "point_based" },
            rules.started_minutes_ago,
            rules.status,
            rules.per_5s,
            rules.per_5min,
            rules.lockout_seconds,
            rules.freeze_minutes,
            rules.early_access_minutes,
            rules.late_join_minutes,
        )
        .fetch_one(db.pool())
        .await
        .unwrap();
        Self { db, campaign }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.db.pool()
    }

    /// A challenge at this place, released an hour ago unless told otherwise; its answers are `right`, `right2` and so on.
    pub(crate) async fn challenge(&self, place: i32, parts: i32) -> ChallengeId {
        self.challenge_released(place, parts, Some(-60)).await
    }

    pub(crate) async fn challenge_released(
        &self,
        place: i32,
        parts: i32,
        minutes: Option<i32>,
    ) -> ChallengeId {
        let slug = format!("challenge-{place}");
        let texts: Vec<String> = (2..=parts).map(|part| format!("The question of part {part}.")).collect();
        let id = sqlx::query_scalar!(
            r#"INSERT INTO challenges.challenges (campaign_id, guild_id, order_position, slug, title, description,
                   part_descriptions, parts, generation_script, released_at)
               VALUES ($1, $2, $3, $4, $4, 'The question.', $5, $6, 'print(1)', now() + make_interval(mins => $7))
               RETURNING id AS "id: ChallengeId""#,
            self.campaign.get(),
            GUILD.get(),
            place,
            slug,
            &texts,
            parts,
            minutes,
        )
        .fetch_one(self.pool())
        .await
        .unwrap();
        for part in 1..=parts {
            sqlx::query!(
                "INSERT INTO challenges.challenge_parts (guild_id, challenge_id, part) VALUES ($1, $2, $3)",
                GUILD.get(),
                id.get(),
                part
            )
            .execute(self.pool())
            .await
            .unwrap();
        }
        id
    }

    /// Registers players and gives each an input, requested half an hour ago, for each of these challenges.
    pub(crate) async fn players(&self, users: impl IntoIterator<Item = i64>, challenges: &[ChallengeId]) {
        for user in users {
            self.register(&user.to_string(), "player", user).await;
            for challenge in challenges {
                self.input(*challenge, &user.to_string(), "player", 30).await;
            }
        }
    }

    pub(crate) async fn register(&self, participant: &str, kind: &str, by: i64) {
        sqlx::query!(
            "INSERT INTO campaigns.campaign_participants (campaign_id, participant_id, participant_type, guild_id, display_name, registered_by)
             VALUES ($1, $2, $3, $4, 'P ' || $2, $5)",
            self.campaign.get(),
            participant,
            kind,
            GUILD.get(),
            by
        )
        .execute(self.pool())
        .await
        .unwrap();
    }

    pub(crate) async fn input(
        &self,
        challenge: ChallengeId,
        participant: &str,
        kind: &str,
        minutes_ago: i32,
    ) {
        sqlx::query!(
            "INSERT INTO challenges.generated_input_cache (challenge_id, campaign_id, guild_id, participant_id, participant_type,
                 input_json, expected_results, script_version, first_request_timestamp)
             VALUES ($1, $2, $3, $4, $5, '\"input\"', '{right,right2,right3,right4,right5,right6,right7,right8,right9,right10}', 1, now() - make_interval(mins => $6))",
            challenge.get(),
            self.campaign.get(),
            GUILD.get(),
            participant,
            kind,
            minutes_ago
        )
        .execute(self.pool())
        .await
        .unwrap();
    }

    pub(crate) fn answer(
        &self,
        challenge: ChallengeId,
        user: i64,
        part: Option<i32>,
        answer: &str,
    ) -> Submission {
        Submission::new((GUILD, self.campaign, challenge), UserId::new(user), part, answer).unwrap()
    }

    /// Submits an answer in a transaction of its own.
    pub(crate) async fn submit(
        &self,
        challenge: ChallengeId,
        user: i64,
        part: Option<i32>,
        answer: &str,
    ) -> Outcome {
        submit(self.pool(), self.answer(challenge, user, part, answer)).await
    }

    pub(crate) async fn squad(&self, name: &str) -> SquadId {
        sqlx::query_scalar!(
            r#"INSERT INTO squads.squads (guild_id, name) VALUES ($1, $2) RETURNING id AS "id: SquadId""#,
            GUILD.get(),
            name
        )
        .fetch_one(self.pool())
        .await
        .unwrap()
    }

    pub(crate) async fn join(&self, squad: SquadId, user: i64, minutes_ago: i32) {
        sqlx::query!(
            "INSERT INTO squads.squad_memberships (guild_id, user_id, squad_id, joined_at)
             VALUES ($1, $2, $3, now() - make_interval(mins => $4))",
            GUILD.get(),
            user,
            squad.get(),
            minutes_ago
        )
        .execute(self.pool())
        .await
        .unwrap();
    }

    pub(crate) async fn on_roster(&self, squad: SquadId, user: i64) {
        sqlx::query!(
            "INSERT INTO campaigns.campaign_squad_rosters (campaign_id, user_id, squad_id, guild_id) VALUES ($1, $2, $3, $4)",
            self.campaign.get(),
            user,
            squad.get(),
            GUILD.get()
        )
        .execute(self.pool())
        .await
        .unwrap();
    }

    pub(crate) async fn tester(&self, user: i64) {
        sqlx::query!(
            "INSERT INTO campaigns.campaign_testers (campaign_id, user_id, guild_id) VALUES ($1, $2, $3)",
            self.campaign.get(),
            user,
            GUILD.get()
        )
        .execute(self.pool())
        .await
        .unwrap();
    }

    /// A statement of the test's own, for what the slices above would do.
    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::query(sql).bind(self.campaign.get()).execute(self.pool()).await.unwrap();
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).bind(self.campaign.get()).fetch_one(self.pool()).await.unwrap()
    }

    pub(crate) async fn recorded(&self) -> i64 {
        self.count("SELECT count(*) FROM challenges.challenge_submissions WHERE campaign_id = $1").await
    }

    pub(crate) async fn hint(
        &self,
        challenge: ChallengeId,
        position: i32,
        cost: i64,
        penalty: i64,
    ) -> HintId {
        sqlx::query_scalar!(
            r#"INSERT INTO challenges.challenge_hints (challenge_id, guild_id, position, body, cost_bytes, penalty)
               VALUES ($1, $2, $3, 'Look closer.', $4, $5) RETURNING id AS "id: HintId""#,
            challenge.get(),
            GUILD.get(),
            position,
            cost,
            penalty
        )
        .fetch_one(self.pool())
        .await
        .unwrap()
    }

    pub(crate) async fn hint_of_part(&self, challenge: ChallengeId, position: i32, part: i32) -> HintId {
        let id = self.hint(challenge, position, 0, 0).await;
        sqlx::query!("UPDATE challenges.challenge_hints SET part = $2 WHERE id = $1", id.get(), part)
            .execute(self.pool())
            .await
            .unwrap();
        id
    }

    /// Moves everything recorded so far into the past, as if so much time had gone by.
    pub(crate) async fn let_pass(&self, time: TimeDelta) {
        let id = self.campaign.get();
        let seconds = time.as_seconds_f64();
        for sql in [
            "UPDATE challenges.submission_rate_limits SET submission_timestamp = submission_timestamp - make_interval(secs => $2) WHERE campaign_id = $1",
            "UPDATE campaigns.campaign_participants SET locked_until = locked_until - make_interval(secs => $2) WHERE campaign_id = $1",
        ] {
            sqlx::query(sql).bind(id).bind(seconds).execute(self.pool()).await.unwrap();
        }
    }
}

/// The slug of the problem that an outcome would be answered with; `ok` for a verdict.
pub(crate) fn slug(outcome: Outcome) -> String {
    match outcome {
        Ok(_) => "ok".into(),
        Err(error) => kernel::Problem::from(error).slug().to_owned(),
    }
}

pub(crate) fn some_uuid() -> Uuid {
    Uuid::from_u128(0x0193_a6b2_7c00_7d2a_9d0a_3f1f_0c2d_4e5f)
}
