//! A class takes the example path through the API, all at once, while its server is killed and its connections are cut: learners who race
//! themselves, do it wrong first, give up and begin anew, test out; peers who review and decline; instructors who grade. In the end
//! everybody has completed it, everything was paid once, and the audit is clean. Everything that learners are sent is looked at for what
//! they must not see ([`scan`]).
//!
//! `QUESTHALL_CLASS_LEARNERS` asks for another number of learners than 5. The larger the class, the more grade, and the longer everybody waits between looks:
//! a thousand take some minutes with a server that is built for service, which `QUESTHALL_CHAOS_BINARY` names.

mod learner;
mod scan;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use db::testing::TestDatabase;
use learning::authoring;
use learning::model::path::Bundle;
use learning::rules::banks;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::http::{self, Answer, Sender};
use crate::process::{Server, questhall};
use crate::town::{GUILD, Town};
use crate::wires::cut;
use crate::{chance, kills, until};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/from-bytes-to-services");
/// The first learner's id.
const FIRST: i64 = 5_001;
/// So many people grade, and one more for each so many learners.
const INSTRUCTORS: u64 = 2;
const TO_ONE: u64 = 50;
/// Learners' requests that are under way at once: a class does not click in the same instant.
const AT_ONCE: usize = 48;
/// Pause before a request that got no answer is sent again; longer, the more often that was so.
const AGAIN: Duration = Duration::from_millis(100);
/// Once everything was killed and cut as often as was planned, it goes on at this pace, in seconds.
const LULL: std::ops::Range<u64> = 20..40;
/// How long nothing may get on before the test fails.
const STANDSTILL: Duration = Duration::from_mins(3);

/// What everybody shares.
struct Class {
    town: Town,
    /// How many learners there are.
    learners: u64,
    door: Semaphore,
    node: watch::Receiver<Option<SocketAddr>>,
    /// With banks filled in: the key, which learners of the test have at hand.
    bundle: Bundle,
    path: String,
    over: AtomicBool,
    answered: AtomicUsize,
    repeated: AtomicUsize,
    refused: AtomicUsize,
    internal: Mutex<Vec<String>>,
    leaks: Mutex<Vec<String>>,
}

/// Who asks: a learner, with a key by which a request that is sent again is known; or somebody with a key of their own.
#[derive(Clone, Copy)]
enum Asks<'a> {
    Learner(&'a Sender, &'a str),
    Staff(&'a str),
}

impl Class {
    /// A learner's request, sent until there is an answer; what they are sent is looked at.
    async fn learner(&self, user: i64, method: &str, path: &str, body: &Value) -> Answer {
        let (sender, key) = (self.town.sender(user), uuid::Uuid::new_v4().to_string());
        let path = format!("/api/v1/guilds/{GUILD}/{path}");
        let answer = self.insist(method, &path, body, Asks::Learner(&sender, &key)).await;
        let found = scan::leaks(&path, &answer);
        if !found.is_empty() {
            self.leaks.lock().unwrap().push(format!("{method} {path}: {}", found.join(", ")));
        }
        answer
    }

    /// An instructor's request by their key, sent until there is an answer.
    async fn staff(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.insist(method, &format!("/api/v1/guilds/{GUILD}/{path}"), body, Asks::Staff(key)).await
    }

    /// Asks until there is an answer; for a learner, with the same key of idempotency each time.
    async fn insist(&self, method: &str, path: &str, body: &Value, who: Asks<'_>) -> Answer {
        let mut node = self.node.clone();
        for tries in 1.. {
            let at = *node.wait_for(Option::is_some).await.expect("the server is started again");
            let at = at.expect("it was waited for");
            let answer = match who {
                Asks::Learner(sender, key) => {
                    let _turn = self.door.acquire().await.expect("the door is never closed");
                    if method == "GET" {
                        http::get(at, path, Some(sender)).await.ok()
                    } else {
                        http::post(at, path, sender, key, body).await.ok()
                    }
                }
                Asks::Staff(key) => http::ask(at, method, path, key, body).await.ok(),
            };
            if let Some(answer) = answer {
                if answer.status == 500 {
                    self.internal.lock().unwrap().push(answer.text.clone());
                }
                let undecided =
                    answer.status >= 500 || answer.status == 429 || answer.slug() == "idempotency-key-in-use";
                if !undecided {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    self.repeated.fetch_add(usize::from(tries > 1), Ordering::Relaxed);
                    self.refused.fetch_add(usize::from(answer.status >= 400), Ordering::Relaxed);
                    return answer;
                }
            }
            tokio::time::sleep(AGAIN * tries.min(10)).await;
        }
        unreachable!("it is asked for ever")
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// How many people grade.
    fn instructors(&self) -> u64 {
        INSTRUCTORS + self.learners / TO_ONE
    }

    /// Somebody grades whatever waits: some of it fails first, and has to be handed in again.
    async fn grade(self: Arc<Self>, key: String, mut rng: StdRng) {
        while !self.is_over() {
            let next = self.staff(&key, "POST", "assessment/claims", &Value::Null).await;
            let one = &next.body["submission"];
            let Some(id) = one["id"].as_str() else {
                let pause = self.instructors() * 100;
                tokio::time::sleep(Duration::from_millis(rng.random_range(pause / 2..pause * 3 / 2))).await;
                continue;
            };
            let good = one["attempt_number"].as_i64() > Some(1) || rng.random_bool(0.7);
            let rubric = one["rubric"].as_array().cloned().unwrap_or_default();
            let scores: serde_json::Map<String, Value> = rubric
                .iter()
                .map(|criterion| {
                    let points = criterion["points"].as_i64().unwrap();
                    (criterion["slug"].as_str().unwrap().to_owned(), json!(if good { points } else { 0 }))
                })
                .collect();
            let judgement = if scores.is_empty() {
                json!({ "passed": good, "feedback": "Thank you." })
            } else {
                json!({ "scores": scores, "feedback": "Thank you." })
            };
            let path = format!("assessment/submissions/{id}/judgement");
            let judged = self.staff(&key, "POST", &path, &judgement).await;
            // Sent again after an answer was lost, it is graded already.
            assert!(judged.status == 200 || judged.status == 409, "{judged:?}");
        }
    }

    /// Publishes the path again, with other words now and then: nobody is disturbed.
    async fn edit(self: Arc<Self>, mut rng: StdRng, bundle: Bundle) {
        let (mut edition, key) = (0, self.town.sender(0).key);
        while !self.is_over() {
            let pause = rng.random_range(500..3_000) * (1 + self.learners / 100);
            let until = Instant::now() + Duration::from_millis(pause);
            while Instant::now() < until && !self.is_over() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            edition += 1;
            let mut edited = bundle.clone();
            let nth = rng.random_range(0..edited.quests.len());
            let description = &mut edited.quests[nth].quest.description;
            *description = format!("{description}\n\nEdition {edition}.");
            let body = serde_json::to_value(&edited).unwrap();
            let done = self.staff(&key, "POST", "learning/import", &body).await;
            assert_eq!((done.status, &done.body["new_versions"]), (200, &json!(0)), "{done:?}");
        }
    }

    /// Lets the time pass that peers have, for those whose reviewers have gone home.
    async fn pass_time(&self) {
        let _ = sqlx::query(
            "WITH due AS (UPDATE assessment.quest_submissions SET review_due_at = now() - interval '1 second'
                           WHERE review_due_at > now() AND created_at < now() - make_interval(secs => 20 + $1 / 10.0)
                             AND status IN ('submitted', 'in_review') RETURNING id)
             UPDATE jobs.timers t SET scheduled_at = now() FROM due
              WHERE t.kind = 'assessment.review_due' AND t.status = 'PENDING' AND t.payload->>'submission_id' = due.id::text",
        )
        .bind(i64::try_from(self.learners).unwrap())
        .execute(&self.town.pool)
        .await;
    }
}

/// The example, with what leaks marked so that it is found wherever it turns up, and without waiting between tries.
fn marked() -> Bundle {
    let mut bundle = authoring::read(std::path::Path::new(EXAMPLE), None)
        .unwrap_or_else(|findings| panic!("{findings:#?}"));
    for named in &mut bundle.quests {
        let quest = &mut named.quest;
        let of_steps = quest.steps.iter_mut().filter_map(|step| step.quiz.as_mut());
        for quiz in of_steps.chain(quest.assessments.iter_mut().filter_map(|one| one.quiz.as_mut())) {
            quiz.cooldown_seconds = 0;
            quiz.questions.iter_mut().for_each(scan::mark_question);
        }
        let of_steps = quest.steps.iter_mut().filter_map(|step| step.coding.as_mut());
        let coded = quest.assessments.iter_mut().filter_map(|one| one.coding.as_mut());
        of_steps.chain(coded).for_each(scan::mark_program);
        let rubrics = quest.steps.iter_mut().filter_map(|step| Some(&mut step.submission.as_mut()?.rubric));
        rubrics.for_each(|rubric| scan::mark_rubric(rubric, scan::NEVER));
        for one in &mut quest.assessments {
            if let Some(review) = &mut one.review {
                scan::mark_rubric(&mut review.rubric, scan::mark_of(review.rubric_visibility));
            }
        }
    }
    bundle.banks.iter_mut().flat_map(|named| &mut named.bank.questions).for_each(scan::mark_question);
    bundle
}

/// Kills the server and cuts its connections while there are learners; answers how often each, and who tested out.
async fn storm(
    class: &Class,
    server: &mut Server,
    students: &mut JoinSet<(i64, bool)>,
    rng: &mut StdRng,
) -> (usize, usize, Vec<i64>) {
    let began = Instant::now();
    let (planned, mut deaths, mut cuts) = (kills(6), 0, 0);
    let (mut moved, mut seen, mut calm) = (Instant::now(), 0, Instant::now());
    let mut tested_out = Vec::new();
    while let Some(ended) = tokio::select! {
        ended = students.join_next() => ended.map(Some),
        () = tokio::time::sleep(Duration::from_millis(rng.random_range(500..3_000))) => Some(None),
    } {
        if let Some(ended) = ended {
            let (user, shortcut) = ended.unwrap();
            tested_out.extend(shortcut.then_some(user));
            if students.len().is_multiple_of(100) {
                println!("  {} learners are left after {:.0?}", students.len(), began.elapsed());
            }
            continue;
        }
        let answered = class.answered.load(Ordering::Relaxed);
        if answered > seen {
            (moved, seen) = (Instant::now(), answered);
        }
        assert!(moved.elapsed() < STANDSTILL, "{} learners are stuck", students.len());
        let storms = deaths < planned || cuts < planned;
        if storms || calm < Instant::now() {
            calm = Instant::now() + Duration::from_secs(rng.random_range(LULL));
            if deaths < planned || deaths <= cuts {
                deaths += 1;
                server.kill();
                server.up().await;
            } else {
                cuts += 1;
                cut(&class.town).await;
            }
        }
        class.pass_time().await;
    }
    (deaths, cuts, tested_out)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_completes_the_example_path_whatever_dies() {
    let began = Instant::now();
    let mut rng = chance("a_class_completes");
    let learners = std::env::var("QUESTHALL_CLASS_LEARNERS").ok();
    let learners: i64 =
        learners.map_or(5, |number| number.parse().expect("QUESTHALL_CLASS_LEARNERS is a number"));
    let database = TestDatabase::new().await;
    let url = database.url();
    let mut server = Server::new(&["--database-url".to_owned(), url.clone()]);
    server.up().await;
    let town = Town::found(database.options()).await;
    town.settle(FIRST..FIRST + learners).await;
    let written = marked();
    let mut bundle = written.clone();
    let drawn = bundle.banks.iter().map(|named| (named.slug.clone(), named.bank.questions.clone())).collect();
    bundle.quests.iter_mut().for_each(|named| banks::fill(&mut named.quest, &drawn));
    let mut class = Class {
        town: town.clone(),
        learners: learners.try_into().unwrap(),
        door: Semaphore::new(AT_ONCE),
        node: server.address(),
        bundle,
        path: String::new(),
        over: AtomicBool::new(false),
        answered: AtomicUsize::new(0),
        repeated: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        internal: Mutex::default(),
        leaks: Mutex::default(),
    };
    let body = serde_json::to_value(&written).unwrap();
    let imported = class.staff(&town.sender(0).key, "POST", "learning/import", &body).await;
    assert_eq!(imported.status, 200, "{imported:?}");
    class.path = imported.body["path_id"].as_str().unwrap().to_owned();
    let class = Arc::new(class);

    let mut staff = JoinSet::new();
    for n in 0..class.instructors() {
        // Each by a key of their own: what somebody has claimed they are given first, as often as they ask.
        let key = town.another_key(&format!("instructor {n}")).await;
        staff.spawn(Arc::clone(&class).grade(key, StdRng::from_rng(&mut rng)));
    }
    staff.spawn(Arc::clone(&class).edit(StdRng::from_rng(&mut rng), written));
    let mut students = JoinSet::new();
    for user in FIRST..FIRST + learners {
        students.spawn(learner::live(Arc::clone(&class), user, StdRng::from_rng(&mut rng)));
    }
    let (deaths, cuts, tested_out) = storm(&class, &mut server, &mut students, &mut rng).await;
    let taught = began.elapsed();
    class.over.store(true, Ordering::Relaxed);
    while let Some(ended) = staff.join_next().await {
        ended.unwrap();
    }
    println!(
        "  {learners} learners in {taught:?}: {deaths} deaths, {cuts} times all connections cut, {} answers, {} of them after asking again, \
         {} refusals, {} tested out",
        class.answered.load(Ordering::Relaxed),
        class.repeated.load(Ordering::Relaxed),
        class.refused.load(Ordering::Relaxed),
        tested_out.len()
    );
    let leaks = std::mem::take(&mut *class.leaks.lock().unwrap());
    assert!(leaks.is_empty(), "{} leaks, such as {:#?}", leaks.len(), &leaks[..leaks.len().min(5)]);
    let internal = std::mem::take(&mut *class.internal.lock().unwrap());
    assert!(internal.is_empty(), "{} answers 500, such as {:?}", internal.len(), internal.first());
    reckon(&class, learners, &tested_out).await;
    town.pool.close().await;
    server.stop().await;
    server.nothing_left().await;
    let audit = ["audit".to_owned(), "--database-url".to_owned(), url];
    let audit = questhall(&audit).stdout(std::process::Stdio::inherit()).status().unwrap();
    assert!(audit.success(), "questhall audit: {audit}");
    assert_eq!(server.faults(), Vec::<String>::new());
    println!("  {:?} in all", began.elapsed());
}

/// Everybody has completed the path once, was paid for it once, and nothing that was told says what it must not.
async fn reckon(class: &Class, learners: i64, tested_out: &[i64]) {
    let town = &class.town;
    let completed = "SELECT count(*) FROM learning.user_learning_path_progress WHERE status = 'Completed' AND completion_percentage = 100";
    assert_eq!(town.number(completed).await, learners);
    let told = "SELECT count(*) FROM jobs.outbox WHERE event_type = 'learning.path_completed'";
    assert_eq!(town.number(told).await, learners);
    // What the path brings: its parts are worth the same to everybody who did not test out.
    let path = &class.bundle.path;
    let whole: i32 = path.experience_points
        + path.chapters.iter().map(|chapter| chapter.experience_points).sum::<i32>()
        + class
            .bundle
            .quests
            .iter()
            .map(|named| {
                let quest = &named.quest;
                quest.experience_points + quest.steps.iter().map(|step| step.experience_points).sum::<i32>()
            })
            .sum::<i32>();
    until("everything is paid", async || {
        let behind = "SELECT count(*) FROM people.members m WHERE m.guild_id = 4711 AND m.user_id >= 5001 AND m.xp <> (
            SELECT coalesce(sum(g.experience_points), 0) FROM learning.reward_grants g
              JOIN learning.learners l ON l.guild_id = g.guild_id AND l.auth_user_id = g.auth_user_id
             WHERE l.guild_id = m.guild_id AND l.user_id = m.user_id)";
        (town.number(behind).await == 0).then_some(())
    })
    .await;
    let paid: Vec<(i64, i64)> =
        sqlx::query_as("SELECT user_id, xp FROM people.members WHERE guild_id = 4711 AND user_id >= 5001")
            .fetch_all(&town.pool)
            .await
            .unwrap();
    for (user, xp) in paid {
        let same = xp == i64::from(whole);
        assert!(same || tested_out.contains(&user), "{user} has {xp} XP, and all there is is worth {whole}");
        assert!(xp <= i64::from(whole), "{user} was paid twice");
    }
    let unlocks = "SELECT count(*) FROM learning.quest_unlocks";
    let told = "SELECT count(*) FROM jobs.outbox WHERE event_type = 'learning.challenge_unlocked'";
    assert_eq!(town.number(unlocks).await, town.number(told).await);
    let leaked = "SELECT count(*) FROM jobs.outbox WHERE payload::text LIKE '%CANARY%'";
    assert_eq!(town.number(leaked).await, 0, "events go to learners, too");
}
