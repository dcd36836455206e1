//! An author's checker amid kills: an answer that waits for it is judged afterwards, once, as of when it arrived.

use chrono::{DateTime, Utc};
use db::testing::Folder;
use serde_json::json;
use uuid::Uuid;

use crate::jail::{Example, fetch};
use crate::{http, reckoning, until};

/// An answer that was judged.
type Row = (Uuid, String, DateTime<Utc>, bool, i32, Option<i32>, Option<String>);

const CAMPAIGN: &str = "name = \"Slow\"\ncampaign_type = \"player\"\nscoring_type = \"point_based\"\nstarting_points = 100\n\
                        points_decrease_step = 1\nduration_hours = 48\n";
const GENERATE: &str =
    "import json, random\nn = random.randint(1, 10**9)\nprint(json.dumps({'input': str(n), 'result': n}))\n";
/// Slow enough that a server can be killed under it.
const CHECK: &str = "import json, sys, time\nasked = json.load(sys.stdin)\ntime.sleep(2)\n\
                     print(json.dumps({'correct': asked['answer'] == asked['result'], 'share': 0.5, 'message': 'Looked at.'}))\n";

fn folder() -> Folder {
    let folder = Folder::new();
    let challenge = folder.path().join("01-slow");
    std::fs::create_dir(&challenge).unwrap();
    std::fs::write(folder.path().join("campaign.toml"), CAMPAIGN).unwrap();
    for (file, text) in [
        ("challenge.toml", "title = \"Slow\"\n"),
        ("README.md", "Say the number.\n"),
        ("generate.py", GENERATE),
        ("check.py", CHECK),
    ] {
        std::fs::write(challenge.join(file), text).unwrap();
    }
    folder
}

/// An import over HTTP refuses what `campaign check` refuses: also a checker that is wrong, and releases after the end.
async fn imports_are_checked(example: &mut Example) {
    let at = example.server.ready().await;
    let key = example.town.sender(1).key;
    let refused = async |hours: i32, challenges: &[(&str, Option<&str>)]| {
        let challenges = challenges.iter().map(|(slug, checker)| {
            json!({ "slug": slug, "title": "X", "description": "x", "generation_script": GENERATE, "checker_script": checker })
        });
        let bundle = json!({
            "campaign": { "name": "Y", "campaign_type": "player", "duration_hours": hours },
            "challenges": challenges.collect::<Vec<_>>(),
        });
        let path = format!("/api/v1/guilds/{}/campaigns/import", crate::town::GUILD);
        let answer = http::ask(at, "POST", &path, &key, &bundle).await.unwrap();
        let first = &answer.body["errors"][0];
        (answer.status, first["field"].as_str().unwrap_or_default().to_owned(), first["message"].to_string())
    };
    let (status, field, message) = refused(24, &[("01-a", Some("print('false')"))]).await;
    assert_eq!((status, field.as_str()), (400, "challenges[0].checker_script"), "{message}");
    assert!(message.contains("takes generate.py's own answer for wrong"), "{message}");
    let (status, field, message) = refused(24, &[("01-a", None), ("02-b", None)]).await;
    assert_eq!((status, field.as_str()), (400, "campaign"), "{message}");
    assert!(message.contains("would be released 24 hours after it"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_outlives_the_server_that_checks_it() {
    let folder = folder();
    let mut example = Example::begin(folder.path().to_str().unwrap()).await;
    imports_are_checked(&mut example).await;
    let challenge = example.challenges[0];
    let mut answers = Vec::new();
    for user in [1, 2] {
        let (path, sender) = (example.input_path(challenge), example.town.sender(user));
        let input = fetch(&example.server.address(), &path, &sender).await.text;
        answers.push((user, if user == 1 { input } else { "nonsense".to_owned() }));
    }

    // Both wait for the checker when the server dies under it.
    let at = example.server.ready().await;
    let mut waiting = tokio::task::JoinSet::new();
    for (user, answer) in answers {
        let (path, sender) =
            (format!("{}/challenges/{challenge}/submissions", example.base), example.town.sender(user));
        waiting.spawn(async move {
            http::post(at, &path, &sender, &format!("slow-{user}"), &json!({ "answer": answer })).await
        });
    }
    let kept = "SELECT count(*) FROM challenges.pending_checks";
    until("both are kept", async || (example.town.number(kept).await == 2).then_some(())).await;
    example.server.kill();
    while let Some(ended) = waiting.join_next().await {
        assert!(ended.unwrap().is_err(), "nobody got an answer");
    }
    let arrived: Vec<(Uuid, String, DateTime<Utc>)> = sqlx::query_as(
        "SELECT id, participant_id, arrived_at FROM challenges.pending_checks ORDER BY participant_id",
    )
    .fetch_all(&example.town.pool)
    .await
    .unwrap();
    assert_eq!(arrived.len(), 2);
    let recorded = "SELECT count(*) FROM challenges.challenge_submissions";
    assert_eq!(example.town.number(recorded).await, 0);

    // The challenge closes in the meantime: what arrived before counts all the same.
    sqlx::query(
        "UPDATE challenges.challenges SET closes_at = (SELECT max(arrived_at) FROM challenges.pending_checks) + interval '1 ms'",
    )
    .execute(&example.town.pool)
    .await
    .unwrap();

    // The lease of the dead runs out, the next server takes both up, and dies under the checker, too.
    let lapse = "UPDATE challenges.pending_checks SET claimed_until = now() - interval '1 second'";
    sqlx::query(lapse).execute(&example.town.pool).await.unwrap();
    // Not waited for until it is ready: by then both might be judged.
    example.server.start();
    let taken = "SELECT count(*) FROM challenges.pending_checks WHERE attempts = 1";
    until("both are taken up", async || (example.town.number(taken).await == 2).then_some(())).await;
    example.server.kill();
    assert_eq!(example.town.number(recorded).await, 0);
    sqlx::query(lapse).execute(&example.town.pool).await.unwrap();
    example.server.up().await;
    until("both are judged", async || (example.town.number(recorded).await == 2).then_some(())).await;

    let judged: Vec<Row> = sqlx::query_as(
        "SELECT id, participant_id, submission_timestamp, is_correct, points_awarded, share_percent, checker_message
           FROM challenges.challenge_submissions ORDER BY participant_id",
    )
    .fetch_all(&example.town.pool)
    .await
    .unwrap();
    for ((id, participant, at), row) in arrived.iter().zip(&judged) {
        assert_eq!((&row.0, &row.1, &row.2), (id, participant, at), "under its id, as of when it arrived");
        assert_eq!(row.6.as_deref(), Some("Looked at."));
    }
    assert_eq!((judged[0].3, judged[0].4, judged[0].5), (true, 50, Some(50)));
    assert_eq!((judged[1].3, judged[1].4, judged[1].5), (false, 0, None));
    assert_eq!(example.town.number(kept).await, 0, "none waits any more");
    let windows = "SELECT count(*) FROM challenges.submission_rate_limits";
    assert_eq!(example.town.number(windows).await, 2, "each has cost one try");
    let solved = "SELECT count(*) FROM jobs.outbox WHERE event_type = 'challenge.solved'";
    assert_eq!(example.town.number(solved).await, 1, "told once");
    // Whoever comes now comes too late.
    let late =
        example.post(3, &format!("challenges/{challenge}/submissions"), &json!({ "answer": "1" })).await;
    assert_eq!((late.status, late.slug()), (409, "challenge-closed"));

    let Example { mut server, town, _database, .. } = example;
    reckoning::books(&town).await;
    town.pool.close().await;
    server.stop().await;
    server.nothing_left().await;
    assert_eq!(server.faults(), Vec::<String>::new());
}
