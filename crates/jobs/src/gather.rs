//! Group commit: gathers requests while those before them are carried out.
//!
//! Nobody waits for others to ask: a request that finds nobody at work is carried out at once, with those that ask at the same instant, if
//! any. All that arrive meanwhile share locks, statements and a commit. For requests that may be carried out twice: whose answer is lost asks
//! again. (Answers and transfers, which may not, and events have writers of their own.)
//!
//! Groups do not wait for each other: one whose locks somebody else holds keeps none but its own waiting.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{mpsc, oneshot};

/// The most requests that are carried out together.
const MAX_BATCH: usize = 256;
/// How many may wait before requests wait to be let in.
const QUEUE: usize = 4096;
/// Groups that are carried out at once, each on a connection of its own.
const GROUPS_AT_ONCE: usize = 4;

/// What can be carried out with others of its kind.
pub trait Request: Clone + Debug + Send + Sync + 'static {
    /// Those of one group are carried out together.
    type Group: Copy + Eq + Hash + Debug + Send + Sync + 'static;
    /// Of a group, nobody is in one round twice.
    type Who: Copy + Eq + Hash + Send + Sync + 'static;
    /// What comes of it.
    type Answer: Debug + Send + 'static;
    /// Why nothing does.
    type Error: Debug + Display + From<sqlx::Error> + Send + 'static;

    /// Its group.
    fn group(&self) -> Self::Group;
    /// Who asks.
    fn who(&self) -> Self::Who;
}

/// What came of a request.
pub type Outcome<R> = Result<<R as Request>::Answer, <R as Request>::Error>;

/// What came of a round: of each request, in their order; or that it failed as a whole, and nothing was done.
pub type Round<R> = Result<Vec<Outcome<R>>, <R as Request>::Error>;

#[derive(Debug)]
struct Pending<R: Request> {
    request: R,
    reply: oneshot::Sender<Outcome<R>>,
}

/// The way in. Cheap to clone; it ends when its last clone is dropped and who waits is answered.
#[derive(Debug)]
pub struct Gather<R: Request>(mpsc::Sender<Pending<R>>);

impl<R: Request> Clone for Gather<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Request> Gather<R> {
    /// Begins to carry out: `carry_out` is given the requests of a group, of each who asks one, in the order of their arrival. Should it
    /// fail for several, it is asked for each alone, so that none costs another anything. Needs a Tokio runtime.
    pub fn start(
        carry_out: impl Fn(Arc<[R]>) -> BoxFuture<'static, Round<R>> + Send + Sync + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(carry_all_out(carry_out, receiver));
        Self(sender)
    }

    /// Has a request carried out; `None` where the process stops.
    pub async fn ask(&self, request: R) -> Option<Outcome<R>> {
        let (reply, outcome) = oneshot::channel();
        self.0.send(Pending { request, reply }).await.ok()?;
        outcome.await.ok()
    }
}

/// What waits, by group. Of a group one round is carried out at a time.
struct Waiting<R: Request> {
    by_group: HashMap<R::Group, VecDeque<Pending<R>>>,
    /// Groups of which something waits and nothing is carried out, the one that waits longest first.
    ready: VecDeque<R::Group>,
    busy: HashSet<R::Group>,
    count: usize,
}

impl<R: Request> Waiting<R> {
    fn push(&mut self, one: Pending<R>) {
        let group = one.request.group();
        let waiting = self.by_group.entry(group).or_default();
        if waiting.is_empty() && !self.busy.contains(&group) {
            self.ready.push_back(group);
        }
        waiting.push_back(one);
        self.count += 1;
    }

    /// The next round of the next group. Who asks twice waits for the round after it.
    fn round(&mut self) -> Option<(R::Group, Vec<Pending<R>>)> {
        let group = self.ready.pop_front()?;
        let waiting = self.by_group.remove(&group)?;
        let mut known: HashSet<R::Who> = HashSet::new();
        let (mut round, mut later) = (Vec::new(), VecDeque::new());
        for one in waiting {
            if round.len() < MAX_BATCH && known.insert(one.request.who()) {
                round.push(one);
            } else {
                later.push_back(one);
            }
        }
        self.count -= round.len();
        self.busy.insert(group);
        if !later.is_empty() {
            self.by_group.insert(group, later);
        }
        Some((group, round))
    }

    fn done(&mut self, group: R::Group) {
        self.busy.remove(&group);
        if self.by_group.contains_key(&group) {
            self.ready.push_back(group);
        }
    }
}

async fn carry_all_out<R: Request>(
    carry_out: impl Fn(Arc<[R]>) -> BoxFuture<'static, Round<R>> + Send + Sync + 'static,
    mut coming: mpsc::Receiver<Pending<R>>,
) {
    let mut waiting =
        Waiting { by_group: HashMap::new(), ready: VecDeque::new(), busy: HashSet::new(), count: 0 };
    let mut gathered = Vec::with_capacity(MAX_BATCH);
    let mut running = FuturesUnordered::new();
    let mut is_open = true;
    loop {
        if running.is_empty() && is_open {
            // Whoever asks at this very instant goes along.
            tokio::task::yield_now().await;
            while waiting.count < QUEUE
                && let Ok(one) = coming.try_recv()
            {
                waiting.push(one);
            }
        }
        while running.len() < GROUPS_AT_ONCE {
            let Some((group, round)) = waiting.round() else { break };
            running.push(carry_round_out(&carry_out, round).map(move |()| group));
        }
        tokio::select! {
            came = coming.recv_many(&mut gathered, MAX_BATCH), if is_open && waiting.count < QUEUE => {
                is_open = came > 0;
                gathered.drain(..).for_each(|one| waiting.push(one));
            }
            Some(group) = running.next() => waiting.done(group),
            else => return,
        }
    }
}

async fn carry_round_out<R: Request>(
    carry_out: &(impl Fn(Arc<[R]>) -> BoxFuture<'static, Round<R>> + Sync),
    round: Vec<Pending<R>>,
) {
    let requests: Arc<[R]> = round.iter().map(|one| one.request.clone()).collect();
    match attempt(carry_out, requests).await {
        Ok(outcomes) => {
            for (one, outcome) in round.into_iter().zip(outcomes) {
                // Whoever no longer listens has asked for it all the same.
                let _ = one.reply.send(outcome);
            }
        }
        Err(error) if round.len() == 1 => {
            if let Some(one) = round.into_iter().next() {
                let _ = one.reply.send(Err(error));
            }
        }
        Err(error) => {
            tracing::warn!(%error, requests = round.len(), "requests failed together; carrying them out one by one");
            for one in round {
                let alone = attempt(carry_out, [one.request].into()).await;
                if let Some(outcome) = alone.map(|mut all| all.pop()).transpose() {
                    let _ = one.reply.send(outcome.and_then(|outcome| outcome));
                }
            }
        }
    }
}

/// A panic would end the gathering and with it every later request's hope; it fails this round instead.
async fn attempt<R: Request>(
    carry_out: &(impl Fn(Arc<[R]>) -> BoxFuture<'static, Round<R>> + Sync),
    requests: Arc<[R]>,
) -> Round<R> {
    let round = AssertUnwindSafe(carry_out(requests)).catch_unwind().await;
    round.unwrap_or_else(|_| {
        Err(sqlx::Error::Protocol("requests that were carried out together panicked".into()).into())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::join_all;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Add {
        to: u8,
        who: u32,
        fails: bool,
    }

    impl Request for Add {
        type Group = u8;
        type Who = u32;
        type Answer = usize;
        type Error = sqlx::Error;

        fn group(&self) -> u8 {
            self.to
        }

        fn who(&self) -> u32 {
            self.who
        }
    }

    type Seen = Arc<Mutex<Vec<Vec<Add>>>>;

    /// Answers with how many were carried out together; fails as a whole where one says so, panics at 13.
    fn gather() -> (Gather<Add>, Seen) {
        let seen = Seen::default();
        let of = Arc::clone(&seen);
        let gather = Gather::start(move |requests: Arc<[Add]>| {
            of.lock().unwrap().push(requests.to_vec());
            Box::pin(async move {
                // So that others arrive meanwhile.
                tokio::task::yield_now().await;
                assert!(requests.iter().all(|one| one.who != 13), "thirteen");
                if requests.iter().any(|one| one.fails) {
                    return Err(sqlx::Error::RowNotFound);
                }
                Ok(requests.iter().map(|_| Ok(requests.len())).collect())
            })
        });
        (gather, seen)
    }

    fn add(to: u8, who: u32) -> Add {
        Add { to, who, fails: false }
    }

    #[tokio::test]
    async fn what_comes_at_once_is_carried_out_together_but_nobody_twice() {
        let (gather, seen) = gather();
        let all = [add(1, 1), add(1, 2), add(2, 1), add(1, 1), add(1, 3)];
        let answers = join_all(all.map(|one| gather.ask(one))).await;
        assert!(answers.iter().all(|one| matches!(one, Some(Ok(_)))), "{answers:?}");
        let seen = seen.lock().unwrap();
        assert_eq!(seen.iter().map(Vec::len).sum::<usize>(), 5);
        for round in seen.iter() {
            assert!(round.iter().all(|one| one.to == round[0].to), "one group a round: {round:?}");
            let who: HashSet<u32> = round.iter().map(|one| one.who).collect();
            assert_eq!(who.len(), round.len(), "nobody twice: {round:?}");
        }
        assert!(seen.iter().any(|round| round.len() >= 2), "some were together: {seen:?}");
    }

    #[tokio::test]
    async fn who_asks_at_the_same_instant_goes_along() {
        let (gather, seen) = gather();
        // The second is still to be begun when the first has asked.
        let other = gather.clone();
        let both = async {
            let second = tokio::spawn(async move { other.ask(add(1, 2)).await });
            second.await.unwrap()
        };
        let (first, second) = tokio::join!(gather.ask(add(1, 1)), both);
        assert!(matches!((first, second), (Some(Ok(2)), Some(Ok(2)))));
        assert_eq!(seen.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_group_that_is_held_up_keeps_no_other_waiting() {
        let free = Arc::new(tokio::sync::Notify::new());
        let of = Arc::clone(&free);
        let gather = Gather::start(move |requests: Arc<[Add]>| {
            let free = Arc::clone(&of);
            Box::pin(async move {
                if requests[0].to == 9 {
                    free.notified().await;
                }
                Ok(requests.iter().map(|_| Ok(requests.len())).collect())
            })
        });
        let held: Vec<_> = (0..3)
            .map(|who| {
                let gather = gather.clone();
                tokio::spawn(async move { gather.ask(add(9, who)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        for who in 0..10 {
            assert!(matches!(gather.ask(add(1, who)).await, Some(Ok(1))), "another group goes on");
        }
        assert!(held.iter().all(|one| !one.is_finished()));
        // A round of one at first, of those who came meanwhile then.
        free.notify_one();
        while !held.iter().any(tokio::task::JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
        free.notify_one();
        for one in held {
            assert!(matches!(one.await.unwrap(), Some(Ok(_))));
        }
    }

    #[tokio::test]
    async fn a_failure_and_a_panic_cost_nobody_else() {
        let (gather, _) = gather();
        let all = [add(1, 1), Add { fails: true, ..add(1, 2) }, add(1, 13), add(1, 3)];
        let answers = join_all(all.map(|one| gather.ask(one))).await;
        let well: Vec<bool> = answers.iter().map(|one| matches!(one, Some(Ok(1 | 2)))).collect();
        assert_eq!(well, [true, false, false, true], "{answers:?}");
        assert!(matches!(gather.ask(add(1, 1)).await, Some(Ok(1))), "it goes on");
    }
}
