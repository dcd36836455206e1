//! A learner's way through the path: whatever is open is done, in an order of their own, some of it wrong first.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use learning::model::quest::{QuestDocument, Step};
use learning::model::quiz::{AskedQuestion, Quiz};
use learning::rules::quiz::solve;
use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};

use super::{Class, EXAMPLE};
use crate::http::Answer;

/// A learner.
struct Learner {
    class: Arc<Class>,
    user: i64,
    rng: StdRng,
    /// Quests that were given up once; once is enough.
    given_up: BTreeSet<String>,
    tested_out: bool,
    /// Whether anything came of what was sent.
    did: AtomicBool,
}

/// What is sent with an end like these brings somebody on, where it is taken.
const ENDS: [&str; 5] = ["/completion", "/answers", "/programs", "/submissions", "/abandon"];

/// Goes on until the path is completed and nothing of it is left; tells who it was, and whether they tested out of something.
pub(super) async fn live(class: Arc<Class>, user: i64, rng: StdRng) -> (i64, bool) {
    let did = AtomicBool::new(false);
    let mut learner = Learner { class, user, rng, given_up: BTreeSet::new(), tested_out: false, did };
    let path = format!("learning/paths/{}", learner.class.path);
    // Twice at once: enrolled once.
    let enrol = format!("{path}/enrolment");
    let (one, other) =
        tokio::join!(learner.send("POST", &enrol, json!(null)), learner.send("POST", &enrol, json!(null)));
    assert_eq!((one.status, other.status), (200, 200), "{one:?} {other:?}");
    // Quests that wait for others: nothing came of them when they were last looked at.
    let mut waiting = BTreeSet::new();
    loop {
        let view = learner.ok("GET", &path, json!(null)).await;
        let quests = view["quests"].as_array().unwrap();
        let left: Vec<&Value> = quests.iter().filter(|quest| quest["state"] != "completed").collect();
        if left.is_empty() {
            assert!(view["completed_at"].is_string(), "{view}");
            assert_eq!(view["progress"]["percentage"], "100.00", "{view}");
            return (user, learner.tested_out);
        }
        if let Some(locked) = left.iter().find(|quest| quest["state"] == "locked")
            && learner.rng.random_bool(0.05)
        {
            let refused =
                learner.send("POST", &format!("learning/quests/{}/attempt", id(locked)), json!(null)).await;
            // Opened by what was graded meanwhile, it may be begun.
            assert!(refused.slug() == "quest-locked" || refused.status == 200, "{refused:?}");
        }
        let open = left.iter().filter(|quest| quest["state"] != "locked" && !waiting.contains(&id(quest)));
        let open: Vec<&&Value> = open.collect();
        let pause = if let Some(quest) = open.choose(&mut learner.rng) {
            let (slug, id) = (quest["slug"].as_str().unwrap().to_owned(), id(quest));
            learner.did.store(false, Ordering::Relaxed);
            learner.quest(&slug, &id).await;
            if !learner.did.load(Ordering::Relaxed) {
                waiting.insert(id);
            }
            1..50
        } else {
            // All that is left waits for people: the more there are, the longer.
            waiting.clear();
            let times = 1 + learner.class.learners / 20;
            100 * times..400 * times
        };
        tokio::time::sleep(Duration::from_millis(learner.rng.random_range(pause))).await;
    }
}

fn id(of: &Value) -> String {
    of["id"].as_str().unwrap().to_owned()
}

impl Learner {
    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let answer = self.class.learner(self.user, method, path, &body).await;
        let written = path.starts_with("assessment/reviews/") && !path.ends_with("/decline");
        if answer.status < 300 && (written || ENDS.iter().any(|end| path.ends_with(end))) {
            self.did.store(true, Ordering::Relaxed);
        }
        answer
    }

    async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer.body
    }

    /// Does of a quest what can be done now.
    async fn quest(&mut self, slug: &str, quest: &str) {
        let class = Arc::clone(&self.class);
        let document = &class.bundle.quests.iter().find(|named| named.slug == slug).unwrap().quest;
        self.ok("GET", &format!("learning/quests/{quest}"), json!(null)).await;
        let base = format!("learning/quests/{quest}/attempt");
        let mut attempt = self.ok("POST", &base, json!(null)).await;
        if self.rng.random_bool(0.1) {
            self.put_aside(&base).await;
        }
        if self.rng.random_bool(0.1)
            && attempt["completed_at"].is_null()
            && self.given_up.insert(quest.to_owned())
        {
            let gone = self.send("POST", &format!("{base}/abandon"), json!(null)).await;
            // What people graded meanwhile may have completed it.
            assert!(gone.status == 200 || gone.slug() == "attempt-state", "{gone:?}");
            attempt = self.ok("POST", &base, json!(null)).await;
        }
        if let Some(shortcut) = document.assessments.iter().find(|one| one.test_out)
            && self.rng.random_bool(0.3)
        {
            let all = attempt["assessments"].as_array().unwrap();
            let one = all.iter().find(|one| one["slug"] == shortcut.slug.as_str()).unwrap();
            if one["passed"] == false {
                let place = format!("assessment/quests/{quest}/assessments/{}", id(one));
                self.quiz(&place, shortcut.quiz.as_ref().unwrap(), false).await;
                self.tested_out = true;
            }
            return;
        }
        let steps = attempt["steps"].as_array().unwrap().clone();
        for view in steps.iter().filter(|view| view["status"] != "Completed") {
            let step = document.step(view["slug"].as_str().unwrap()).unwrap();
            self.step(slug, quest, &id(view), step).await;
        }
        self.assessments(slug, quest, document).await;
    }

    /// Pauses, tries to go on without resuming, and resumes.
    async fn put_aside(&self, base: &str) {
        let paused = self.send("POST", &format!("{base}/pause"), json!(null)).await;
        if paused.status == 200 {
            let resumed = self.send("POST", &format!("{base}/resume"), json!(null)).await;
            assert!(resumed.status == 200 || resumed.slug() == "attempt-state", "{resumed:?}");
        }
    }

    async fn step(&mut self, slug: &str, quest: &str, id: &str, step: &Step) {
        let place = format!("learning/quests/{quest}/attempt/steps/{id}");
        if let Some(quiz) = &step.quiz {
            let wrong = self.rng.random_bool(0.3);
            return self.quiz(&place, quiz, wrong).await;
        }
        if step.coding.is_some() {
            return self.program(&place, slug, &step.slug).await;
        }
        if step.submission.is_some() {
            return self.hand_in(&format!("assessment/quests/{quest}/steps/{id}/submissions")).await;
        }
        let place = format!("{place}/completion");
        if step.elsewhere.is_some() {
            // An optional one here; what completes it, learners cannot say.
            let refused = self.send("POST", &place, json!({})).await;
            return assert_eq!(refused.slug(), "attempt-state", "{refused:?}");
        }
        if step.note_characters > 0 {
            let short = self.send("POST", &place, json!({ "note": "Yes." })).await;
            assert!(short.status == 400 || short.slug() == "attempt-state", "{short:?}");
        }
        let note = json!({ "note": "I have read it, tried it, and told the others what I saw and what surprised me." });
        // Twice at once, as with a double click: one completion, one payment.
        let (one, other) =
            tokio::join!(self.send("POST", &place, note.clone()), self.send("POST", &place, note.clone()));
        assert!((one.status, other.status) == (200, 200), "{one:?} {other:?}");
    }

    /// Tries until it is passed; with `wrong`, first leaves out what it can.
    async fn quiz(&mut self, place: &str, quiz: &Quiz, mut wrong: bool) {
        loop {
            let begun = self.send("POST", &format!("{place}/tries"), json!(null)).await;
            if begun.slug() == "attempt-state" {
                return;
            }
            assert_eq!(begun.status, 200, "{begun:?}");
            let asked = asked(&begun.body["questions"]);
            let mut answers = solve(quiz, &asked).unwrap_or_else(|| panic!("cannot be answered: {asked:?}"));
            if wrong {
                answers.truncate(1);
                let mut foreign = serde_json::to_value(&answers).unwrap();
                foreign[0]["question"] = json!("0000000000000000");
                let refused =
                    self.send("POST", &format!("{place}/answers"), json!({ "answers": foreign })).await;
                assert!(refused.status == 400, "{refused:?}");
            }
            let answers = serde_json::to_value(&answers).unwrap();
            let done = self.send("POST", &format!("{place}/answers"), json!({ "answers": answers })).await;
            if done.slug() == "attempt-state" {
                return;
            }
            assert_eq!(done.status, 200, "{done:?}");
            if done.body["passed"] == true {
                return;
            }
            assert!(wrong, "right answers pass: {done:?}");
            wrong = false;
        }
    }

    async fn program(&mut self, place: &str, quest: &str, slug: &str) {
        let place = format!("{place}/programs");
        if self.rng.random_bool(0.2) {
            let told = self.send("POST", &place, json!({ "code": "print('CANARY')" })).await;
            assert!(told.body["passed"] == false || told.slug() == "attempt-state", "{told:?}");
        }
        let file = format!("{EXAMPLE}/quests/{quest}/solve-{slug}.py");
        let code = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let told = self.send("POST", &place, json!({ "code": code })).await;
        assert!(told.body["passed"] == true || told.slug() == "attempt-state", "{told:?}");
    }

    async fn hand_in(&self, place: &str) {
        let work = json!({ "text": "Here is what I made of it: a page, and some figures.", "links": ["https://example.com/mine"] });
        let told = self.send("POST", place, work).await;
        // It waits already, or was accepted meanwhile.
        let waits = matches!(told.slug(), "attempt-state" | "submission-state");
        assert!(told.status == 201 || waits, "{told:?}");
    }

    async fn assessments(&mut self, slug: &str, quest: &str, document: &QuestDocument) {
        let base = format!("assessment/quests/{quest}/assessments");
        let all = self.ok("GET", &base, json!(null)).await;
        for view in all.as_array().unwrap() {
            let one =
                document.assessments.iter().find(|one| one.slug == view["slug"].as_str().unwrap()).unwrap();
            let place = format!("{base}/{}", id(view));
            let peers = one.review.as_ref().is_some_and(|review| review.peers.is_some());
            let handed_in = view["submissions"].as_array().is_some_and(|own| !own.is_empty());
            if peers && handed_in {
                self.review(&place).await;
            }
            if one.test_out || view["passed"] == true {
                continue;
            }
            if let Some(quiz) = &one.quiz {
                let wrong = self.rng.random_bool(0.3);
                self.quiz(&place, quiz, wrong).await;
            } else if one.coding.is_some() {
                self.program(&place, slug, &one.slug).await;
            } else {
                self.hand_in(&format!("{place}/submissions")).await;
            }
        }
    }

    /// Asks for something to review, and writes it, or leaves it to others.
    async fn review(&mut self, place: &str) {
        let given = self.ok("POST", &format!("{place}/reviews"), json!(null)).await;
        let Some(review) = given["review"]["id"].as_str() else { return };
        if self.rng.random_bool(0.1) {
            let declined =
                self.send("POST", &format!("assessment/reviews/{review}/decline"), json!(null)).await;
            assert!(declined.status < 300 || declined.status == 409, "{declined:?}");
            return;
        }
        let rubric = given["review"]["rubric"].as_array().unwrap();
        let scores: serde_json::Map<String, Value> = rubric
            .iter()
            .map(|criterion| {
                let points = criterion["points"].as_i64().unwrap();
                (criterion["slug"].as_str().unwrap().to_owned(), json!(points - self.rng.random_range(0..=1)))
            })
            .collect();
        let written = json!({ "scores": scores, "feedback": "Clear, and I would build it so. What happens when the store is slow?" });
        let told = self.send("POST", &format!("assessment/reviews/{review}"), written).await;
        // Its time may be over, or what it is about was graded meanwhile.
        assert!(told.status < 300 || told.status == 409, "{told:?}");
    }
}

/// What was asked, read back from what was sent.
fn asked(questions: &Value) -> Vec<AskedQuestion> {
    serde_json::from_value(questions.clone()).unwrap()
}
