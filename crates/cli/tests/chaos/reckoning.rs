//! What must hold when the storm is over.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::crowd::{KINDS, Kind, Told};
use crate::town::{CHALLENGES, FEE, GUILD, HINT, Town};

/// Everything.
pub(crate) async fn all(town: &Town, told: &[Told]) {
    requests(town, told).await;
    timers(town).await;
    books(town).await;
}

/// Every campaign went its whole way, each step once; each timer was completed once.
pub(crate) async fn timers(town: &Town) {
    let paths: Vec<(String, i64)> = sqlx::query_as(
        "SELECT path, count(*) FROM (
             SELECT c.id, (SELECT string_agg(l.trigger_event || '→' || l.to_state, ' ' ORDER BY l.created_at, l.id)
                           FROM campaigns.campaign_state_log l WHERE l.campaign_id = c.id) AS path
             FROM campaigns.campaigns c WHERE c.published_at IS NOT NULL) p GROUP BY path",
    )
    .fetch_all(&town.pool)
    .await
    .unwrap();
    let whole = "CREATED→CREATED START_CAMPAIGN→RUNNING CLOSE_CAMPAIGN→CLOSED OPEN_REWARD_CLAIM→REWARD_CLAIM EXPIRE_CAMPAIGN→EXPIRED";
    assert!(!paths.is_empty() && paths.iter().all(|(path, _)| path == whole), "{paths:#?}");
    let campaigns =
        town.number("SELECT count(*) FROM campaigns.campaigns WHERE published_at IS NOT NULL").await;
    assert_eq!(town.number("SELECT count(*) FROM campaigns.campaigns WHERE status <> 'EXPIRED'").await, 0);

    // One of each kind, and all releases but the first, which the start does; the expiry looks several times.
    let ran: Vec<(String, i64)> = sqlx::query_as(
        "SELECT timer_type, count(*) FROM campaigns.campaign_timers
         WHERE status = 'COMPLETED' AND timer_type <> 'EXPIRE_CAMPAIGN' GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(&town.pool)
    .await
    .unwrap();
    let once = |kind: &str, times: i64| (kind.to_owned(), campaigns * times);
    let expected = [
        once("CLOSE_CAMPAIGN", 1),
        once("OPEN_REWARD_CLAIM", 1),
        once("RELEASE_CHALLENGE", CHALLENGES - 1),
        once("REWARD_REMINDER", 1),
        once("START_CAMPAIGN", 1),
    ];
    assert_eq!(ran, expected);
    for (what, sql) in [
        ("timers are left", "SELECT count(*) FROM campaigns.campaign_timers WHERE status NOT IN ('COMPLETED', 'CANCELLED')"),
        (
            "timers were not completed exactly once",
            "SELECT count(*) FROM campaigns.campaign_timers t WHERE (SELECT count(*) FROM campaigns.timer_executions e
                 WHERE e.timer_id = t.id AND e.status = 'COMPLETED') <> (t.status = 'COMPLETED')::int",
        ),
        ("timers failed", "SELECT count(*) FROM campaigns.timer_executions WHERE status <> 'COMPLETED'"),
        ("executions have no timer", "SELECT count(*) FROM campaigns.timer_executions e
             WHERE NOT EXISTS (SELECT FROM campaigns.campaign_timers t WHERE t.id = e.timer_id)"),
        ("challenges were not released", "SELECT count(*) FROM challenges.challenges WHERE released_at IS NULL"),
        (
            "events of the lifecycle are missing or doubled",
            "SELECT count(*) FROM campaigns.campaigns c CROSS JOIN LATERAL (
                 SELECT count(*) FILTER (WHERE event_type = 'campaign.started') AS started,
                        count(*) FILTER (WHERE event_type = 'campaign.closed') AS closed,
                        count(*) FILTER (WHERE event_type = 'campaign.rewards_open') AS opened,
                        count(*) FILTER (WHERE event_type = 'campaign.expired') AS expired,
                        count(*) FILTER (WHERE event_type = 'challenge.released') AS released
                 FROM jobs.outbox o WHERE o.payload->>'campaign_id' = c.id::text) e
             WHERE (started, closed, opened, expired, released) <> (1, 1, 1, 1, 3)",
        ),
    ] {
        assert_eq!(town.number(sql).await, 0, "{what}");
    }
}

/// Every request had its effect once or not at all, as its sender was told.
pub(crate) async fn requests(town: &Town, told: &[Told]) {
    let transfers = counts(
        town,
        "SELECT reason, count(*) FROM economy.bytes_transactions WHERE kind = 'transfer' GROUP BY 1",
    )
    .await;
    let wrong = counts(
        town,
        "SELECT replace(submitted_result, 'wrong ', ''), count(*) FROM challenges.challenge_submissions WHERE NOT is_correct GROUP BY 1",
    )
    .await;
    let imports = counts(town, "SELECT name, count(*) FROM campaigns.campaigns GROUP BY 1").await;
    let fees = counts(
        town,
        "SELECT p.campaign_id || '/' || p.participant_id, (SELECT count(*) FROM economy.bytes_transactions t
             WHERE t.guild_id = p.guild_id AND t.reference_type = 'campaign' AND t.reference_id = p.campaign_id::text
               AND t.kind = 'fee' AND t.giver_id = p.registered_by)
         FROM campaigns.campaign_participants p",
    )
    .await;
    let solved = counts(
        town,
        "SELECT challenge_id || '/' || participant_id, count(*) FROM challenges.challenge_submissions WHERE is_correct GROUP BY 1",
    )
    .await;
    let hints = counts(
        town,
        "SELECT u.hint_id || '/' || u.participant_id, (SELECT count(*) FROM economy.bytes_transactions t
             WHERE t.guild_id = u.guild_id AND t.reference_type = 'hint' AND t.reference_id = u.hint_id::text AND t.giver_id = u.unlocked_by)
         FROM challenges.hint_unlocks u",
    )
    .await;
    let claims = counts(
        town,
        "SELECT r.campaign_id || '/' || r.user_id, (SELECT count(*) FROM economy.bytes_transactions t
             WHERE t.guild_id = r.guild_id AND t.kind = 'reward' AND t.reference_id = r.campaign_id::text AND t.receiver_id = r.user_id)
         FROM campaigns.reward_claims r WHERE r.claimed_at IS NOT NULL",
    )
    .await;
    for told in told {
        let (deed, status) = (&told.deed, told.answer.status);
        // An answer that was lost with its node: the repetition is told that the deed was done.
        let done = status < 300 || told.answer.slug() == "answer-not-kept";
        let with = |id: Uuid| format!("{id}/{}", deed.user);
        match deed.kind {
            // These carry their request's own mark, so that each can be counted.
            Kind::Transfer => exactly(told, &transfers, &deed.token, i64::from(done)),
            Kind::Import => exactly(told, &imports, &deed.token, i64::from(done)),
            Kind::Wrong => exactly(told, &wrong, &deed.token, i64::from(done)),
            // These have their effect once, whoever asks how often.
            Kind::Register if done => exactly(told, &fees, &with(deed.campaign), 1),
            Kind::Right if done => exactly(told, &solved, &with(deed.thing), 1),
            Kind::Hint if done => exactly(told, &hints, &with(deed.thing), 1),
            Kind::Claim if done => exactly(told, &claims, &with(deed.campaign), 1),
            _ => {}
        }
    }
    // And nothing is there that nobody asked for.
    for (what, counted) in [("fee", fees), ("solve", solved), ("hint", hints), ("claim", claims)] {
        let off: Vec<_> = counted.iter().filter(|(_, times)| **times != 1).collect();
        assert!(off.is_empty(), "{what} not exactly once: {off:?}");
    }
    for (kind, counted) in [(Kind::Transfer, transfers), (Kind::Import, imports), (Kind::Wrong, wrong)] {
        let asked = told.iter().filter(|told| told.deed.kind == kind).map(|told| told.deed.token.as_str());
        let asked: std::collections::HashSet<&str> = asked.collect();
        assert!(counted.keys().all(|token| asked.contains(token.as_str())), "{kind:?} that nobody asked for");
    }
    positions(town, told).await;
}

/// The place and the points that solvers were told are those in the books.
async fn positions(town: &Town, told: &[Told]) {
    let rows: Vec<(String, i32, i32)> = sqlx::query_as(
        "SELECT challenge_id || '/' || participant_id, solve_position, points_awarded
         FROM challenges.challenge_submissions WHERE is_correct",
    )
    .fetch_all(&town.pool)
    .await
    .unwrap();
    let booked: HashMap<String, (i32, i32)> =
        rows.into_iter().map(|(key, place, points)| (key, (place, points))).collect();
    for told in told.iter().filter(|told| told.deed.kind == Kind::Right && told.answer.status < 300) {
        let (place, points) = booked[&format!("{}/{}", told.deed.thing, told.deed.user)];
        let body = &told.answer.body;
        assert_eq!(
            (body["position"].as_i64(), body["points"].as_i64()),
            (Some(place.into()), Some(points.into())),
            "{told:?}"
        );
    }
}

fn exactly(told: &Told, counted: &HashMap<String, i64>, key: &str, times: i64) {
    assert_eq!(counted.get(key).copied().unwrap_or(0), times, "in the database, after {told:#?}");
}

async fn counts(town: &Town, sql: &'static str) -> HashMap<String, i64> {
    let rows: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(&town.pool).await.unwrap();
    rows.into_iter().collect()
}

/// Every slice's audit is clean, and the money adds up.
pub(crate) async fn books(town: &Town) {
    let mut conn = town.pool.acquire().await.unwrap();
    let drift = campaigns::audit::drift(&mut conn, None).await.unwrap();
    assert!(drift.is_empty(), "{drift:#?}");
    let drift = economy::audit::drift(&mut conn, None).await.unwrap();
    assert!(drift.is_empty(), "{drift:#?}");
    let drift = lake::audit::drift(&mut conn).await.unwrap();
    assert!(drift.is_empty(), "{drift:#?}");
    let drift = progress::audit::drift(&mut conn).await.unwrap();
    assert!(drift.is_empty(), "{drift:#?}");
    let drift = squads::audit::drift(&mut conn, None).await.unwrap();
    assert!(drift.is_empty(), "{drift:#?}");
    drop(conn);
    let drift = challenges::audit::audit(&town.pool, None).await.unwrap();
    assert!(drift.is_empty(), "{drift:#?}");
    assert_eq!(town.number("SELECT coalesce(sum(balance), 0)::bigint FROM economy.bytes_balances").await, 0);
    let fees = "SELECT count(*) FROM economy.bytes_transactions WHERE kind = 'fee' AND amount <> $1";
    let odd: i64 = sqlx::query_scalar(fees).bind(FEE).fetch_one(&town.pool).await.unwrap();
    assert_eq!(odd, 0);
    let hints = "SELECT count(*) FROM economy.bytes_transactions WHERE kind = 'purchase' AND amount <> $1 AND guild_id = $2";
    let odd: i64 =
        sqlx::query_scalar(hints).bind(HINT).bind(GUILD.get()).fetch_one(&town.pool).await.unwrap();
    assert_eq!(odd, 0);
}

/// How many of each kind had which answer; fails when a kind never succeeded, for then nothing was shown.
pub(crate) fn tell(told: &[Told]) {
    let mut table: BTreeMap<(Kind, u16, String), usize> = BTreeMap::new();
    for told in told {
        let key = (told.deed.kind, told.answer.status, told.answer.slug().to_owned());
        *table.entry(key).or_default() += 1;
    }
    for ((kind, status, slug), count) in &table {
        println!("  {count:6} {kind:?} {status} {slug}");
    }
    let repeated = told.iter().filter(|told| told.tries > 1).count();
    println!("  {} requests, {repeated} of them sent more than once", told.len());
    for kind in KINDS {
        let successes: usize =
            table.iter().filter(|((k, status, _), _)| *k == kind && *status < 300).map(|(_, n)| n).sum();
        assert!(successes > 0, "no {kind:?} succeeded");
    }
}
