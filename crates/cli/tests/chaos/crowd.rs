//! Members who act, an author who publishes, and what they were told. Whoever gets no answer asks again with the same
//! `Idempotency-Key` until there is one, and does other things meanwhile.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::http::{self, Answer};
use crate::town::{Campaign, GUILD, Town, bundle};
use crate::until;

/// How many campaigns are kept going.
const ALIVE: i64 = 5;
/// How many people write them: each waits for an answer at a time.
const AUTHORS: usize = 3;
/// How many unanswered requests somebody has at most before waiting for answers.
const WAITING: usize = 5;
/// Pause before an unanswered request is sent again.
const AGAIN: Duration = Duration::from_millis(250);
/// How many answers there are for each time that time passes, so that members keep up with it on slow machines too.
const PACE: usize = 10;
/// The first member's id.
const FIRST: i64 = 1_001;

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Import,
    Publish,
    Register,
    Wrong,
    Right,
    Hint,
    Claim,
    Transfer,
}

/// Every kind.
pub(crate) const KINDS: [Kind; 8] = [
    Kind::Import,
    Kind::Publish,
    Kind::Register,
    Kind::Wrong,
    Kind::Right,
    Kind::Hint,
    Kind::Claim,
    Kind::Transfer,
];

/// A request, the same however often it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    pub(crate) kind: Kind,
    pub(crate) user: i64,
    /// Its `Idempotency-Key`, which is also somewhere in what it leaves in the database, if it leaves anything.
    pub(crate) token: String,
    pub(crate) campaign: Uuid,
    /// The challenge or hint; else nil.
    pub(crate) thing: Uuid,
    path: String,
    body: Value,
}

/// How a request ended.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) deed: Deed,
    pub(crate) answer: Answer,
    /// How often it was sent.
    pub(crate) tries: u32,
}

/// Everybody, acting.
pub(crate) struct Crowd {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

struct Shared {
    town: Town,
    nodes: Vec<watch::Receiver<Option<SocketAddr>>>,
    campaigns: RwLock<Vec<Campaign>>,
    told: Mutex<Vec<Told>>,
    answered: AtomicUsize,
    /// 500s: each a fault of ours, whatever died.
    internal: Mutex<Vec<String>>,
    over: AtomicBool,
    members: i64,
}

impl Crowd {
    /// So many members, an author, and time that passes for the campaigns; `quietly` tells nobody when it does.
    pub(crate) async fn gather(
        town: &Town,
        nodes: Vec<watch::Receiver<Option<SocketAddr>>>,
        members: i64,
        quietly: bool,
        rng: &mut StdRng,
    ) -> Self {
        town.settle(FIRST..FIRST + members).await;
        let shared = Arc::new(Shared {
            town: town.clone(),
            nodes,
            campaigns: RwLock::default(),
            told: Mutex::default(),
            answered: AtomicUsize::new(0),
            internal: Mutex::default(),
            over: AtomicBool::new(false),
            members,
        });
        let mut tasks = JoinSet::new();
        for user in FIRST..FIRST + members {
            let rng = StdRng::from_rng(rng);
            tasks.spawn(Arc::clone(&shared).play(user, rng));
        }
        for _ in 0..AUTHORS {
            tasks.spawn(Arc::clone(&shared).write(StdRng::from_rng(rng)));
        }
        tasks.spawn(Arc::clone(&shared).pass_time(quietly));
        Self { shared, tasks }
    }

    /// Requests answered so far.
    pub(crate) fn answered(&self) -> usize {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Waits until each kind of deed was done at least once, without which a test would show little.
    pub(crate) async fn each_kind_succeeded(&self) {
        until("each kind of deed succeeds", async || {
            let told = self.shared.told.lock().unwrap();
            let done = |kind| told.iter().any(|told| told.deed.kind == kind && told.answer.status < 300);
            KINDS.into_iter().all(done).then_some(())
        })
        .await;
    }

    /// Answers with status 500 so far.
    pub(crate) fn internal_errors(&self) -> Vec<String> {
        self.shared.internal.lock().unwrap().clone()
    }

    /// No new deeds from here on; returns when each that was begun has its answer.
    pub(crate) async fn disperse(mut self) -> Vec<Told> {
        self.shared.over.store(true, Ordering::Relaxed);
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                ended.unwrap();
            }
        };
        tokio::time::timeout(crate::PATIENCE, all).await.expect("every request gets an answer in the end");
        std::mem::take(&mut *self.shared.told.lock().unwrap())
    }
}

impl Shared {
    /// A member's day.
    async fn play(self: Arc<Self>, user: i64, mut rng: StdRng) {
        let mut waiting: VecDeque<(Deed, u32, Instant)> = VecDeque::new();
        let mut asked: HashSet<Uuid> = HashSet::new();
        loop {
            let over = self.over.load(Ordering::Relaxed);
            if over && waiting.is_empty() {
                return;
            }
            let again = over || waiting.len() >= WAITING || rng.random_bool(0.3);
            let due = waiting.iter().position(|(.., at)| *at <= Instant::now()).filter(|_| again);
            let (deed, tries) = match due.and_then(|n| waiting.remove(n)) {
                Some((deed, tries, _)) => (deed, tries),
                None if over || waiting.len() >= WAITING => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
                None => {
                    let Some(deed) = self.idea(user, &mut asked, &mut rng) else {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    };
                    (deed, 0)
                }
            };
            match self.try_once(&deed, &mut rng).await {
                Some(answer) => self.conclude(deed, answer, tries + 1).await,
                None => waiting.push_back((deed, tries + 1, Instant::now() + AGAIN)),
            }
        }
    }

    /// An author's: new campaigns while there are too few.
    async fn write(self: Arc<Self>, mut rng: StdRng) {
        while !self.over.load(Ordering::Relaxed) {
            if self.town.alive().await.unwrap_or(ALIVE) >= ALIVE {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            let token = token(&mut rng);
            let path = format!("/api/v1/guilds/{GUILD}/campaigns/import?unchecked=true");
            let import = Deed {
                kind: Kind::Import,
                user: FIRST,
                campaign: Uuid::nil(),
                thing: Uuid::nil(),
                path,
                body: bundle(&token),
                token: token.clone(),
            };
            self.insist(import, &mut rng).await;
            let campaign = loop {
                match self.town.campaign(&token).await {
                    Ok(found) => break found.expect("what was imported is there"),
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            };
            while !self.publish(campaign.id, &mut rng).await {}
            self.campaigns.write().unwrap().push(campaign);
        }
    }

    /// False when it took so long to be heard that the start had passed.
    async fn publish(&self, campaign: Uuid, rng: &mut StdRng) -> bool {
        let deed = Deed {
            kind: Kind::Publish,
            user: FIRST,
            token: token(rng),
            campaign,
            thing: Uuid::nil(),
            path: format!("/api/v1/guilds/{GUILD}/campaigns/{campaign}/publish"),
            body: json!({ "start_time": self.soon(rng).await }),
        };
        self.insist(deed, rng).await.status != 400
    }

    /// Within a second from now, by the database's clock.
    async fn soon(&self, rng: &mut StdRng) -> DateTime<Utc> {
        let milliseconds = rng.random_range(0..1_000);
        loop {
            match self.town.now().await {
                Ok(now) => return now + TimeDelta::milliseconds(milliseconds),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn pass_time(self: Arc<Self>, quietly: bool) {
        while !self.over.load(Ordering::Relaxed) {
            // An error is PostgreSQL being dead, or a deadlock lost: no time has passed then.
            let _ = self.town.pass(quietly).await;
            let enough = self.answered.load(Ordering::Relaxed) + PACE;
            while self.answered.load(Ordering::Relaxed) < enough && !self.over.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    async fn insist(&self, deed: Deed, rng: &mut StdRng) -> Answer {
        let mut tries = 1;
        loop {
            if let Some(answer) = self.try_once(&deed, rng).await {
                self.conclude(deed, answer.clone(), tries).await;
                return answer;
            }
            tries += 1;
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// An answer that settles the matter, or none.
    async fn try_once(&self, deed: &Deed, rng: &mut StdRng) -> Option<Answer> {
        let nodes: Vec<SocketAddr> = self.nodes.iter().filter_map(|node| *node.borrow()).collect();
        let at = *nodes.choose(rng)?;
        let answer =
            http::post(at, &deed.path, &self.town.sender(deed.user), &deed.token, &deed.body).await.ok()?;
        if answer.status == 500 {
            self.internal.lock().unwrap().push(format!("{:?} {}", deed.kind, answer.body));
        }
        let undecided = answer.status >= 500 || answer.slug() == "idempotency-key-in-use";
        (!undecided).then_some(answer)
    }

    async fn conclude(&self, deed: Deed, answer: Answer, tries: u32) {
        if deed.kind == Kind::Register && answer.status < 300 {
            while self.town.inputs(deed.campaign, deed.user).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        self.told.lock().unwrap().push(Told { deed, answer, tries });
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// What to do next, sensible or not. Who meets a campaign for the first time mostly registers.
    fn idea(&self, user: i64, asked: &mut HashSet<Uuid>, rng: &mut StdRng) -> Option<Deed> {
        let campaign = {
            let all = self.campaigns.read().unwrap();
            all[all.len().saturating_sub(usize::try_from(ALIVE).unwrap() + 2)..].choose(rng)?.clone()
        };
        let (challenge, hint) = *campaign.challenges.choose(rng)?;
        let token = token(rng);
        let base = format!("/api/v1/guilds/{GUILD}/campaigns/{}", campaign.id);
        let of_challenge = format!("{base}/challenges/{challenge}");
        let meets = rng.random_bool(0.8) && asked.insert(campaign.id);
        let choice = if meets { 0 } else { rng.random_range(0..100) };
        let (kind, thing, path, body) = match choice {
            0..5 => (Kind::Register, Uuid::nil(), format!("{base}/registrations"), Value::Null),
            5..30 => {
                let body = json!({ "answer": format!("wrong {token}") });
                (Kind::Wrong, challenge, format!("{of_challenge}/submissions"), body)
            }
            30..55 => {
                (Kind::Right, challenge, format!("{of_challenge}/submissions"), json!({ "answer": "right" }))
            }
            55..65 => (Kind::Hint, hint, format!("{of_challenge}/hints/{hint}/unlock"), Value::Null),
            65..80 => (Kind::Claim, Uuid::nil(), format!("{base}/claims"), Value::Null),
            _ => {
                let others = self.members - 1;
                let receiver = FIRST + (user - FIRST + rng.random_range(1..=others)) % self.members;
                let body = json!({ "receiver_id": receiver.to_string(), "amount": rng.random_range(1..=9), "reason": token });
                (Kind::Transfer, Uuid::nil(), format!("/api/v1/guilds/{GUILD}/economy/transfers"), body)
            }
        };
        Some(Deed { kind, user, token, campaign: campaign.id, thing, path, body })
    }
}

fn token(rng: &mut StdRng) -> String {
    format!("{:032x}", rng.random::<u128>())
}
