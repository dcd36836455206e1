//! From a batch to the checker and back into a batch.
//!
//! A lane a challenge: answers enter it in the order of their arrival, several are checked at once, and they leave it in that order.
//! A slow checker so holds up nobody but who waits for it.

use std::collections::HashMap;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use jobs::Wake;
use kernel::{ChallengeId, GuildId};
use sandbox::Sandbox;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::run::{Failure, checker_job, checker_run};
use super::{Check, Checked, store};
use crate::error::Error;
use crate::submissions::{Outcome, Settles, WayIn};

/// How many answers to one challenge are checked at once.
const AT_ONCE: usize = 8;
/// A lane in which nothing happens for so long is closed.
const IDLE: Duration = Duration::from_secs(30);
/// How often answers are looked for that a node has left behind.
const LOOK: Duration = Duration::from_secs(5);

/// An answer on its way through a checker, and who waits for its verdict.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) check: Check,
    pub(crate) reply: oneshot::Sender<Outcome>,
}

/// What every lane needs.
#[derive(Clone)]
struct Means {
    pool: PgPool,
    sandbox: Sandbox,
    wake: Wake,
    back: WayIn,
}

type Lane = mpsc::UnboundedSender<Waiting>;

/// Takes answers to their checkers until no writer is left, and takes up what other nodes left behind.
pub(crate) async fn check_all(
    pool: PgPool,
    wake: Wake,
    sandbox: Sandbox,
    back: WayIn,
    mut coming: mpsc::UnboundedReceiver<Waiting>,
) {
    let means = Means { pool, sandbox, wake, back };
    let mut lanes: HashMap<(GuildId, ChallengeId), Lane> = HashMap::new();
    let mut look = interval_at(Instant::now(), LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            next = coming.recv() => {
                let Some(waiting) = next else { return };
                enter(&means, &mut lanes, waiting);
            }
            _ = look.tick() => {
                lanes.retain(|_, lane| !lane.is_closed());
                match store::pending_claim(&means.pool).await {
                    Ok(left) => {
                        for check in left {
                            // Nobody waits for it any more; its verdict stands among the answers.
                            enter(&means, &mut lanes, Waiting { check, reply: oneshot::channel().0 });
                        }
                    }
                    Err(error) => tracing::warn!(%error, "answers left to be checked could not be looked for"),
                }
            }
        }
    }
}

fn enter(means: &Means, lanes: &mut HashMap<(GuildId, ChallengeId), Lane>, waiting: Waiting) {
    let key = (waiting.check.submission.guild_id, waiting.check.submission.challenge_id);
    let mut waiting = waiting;
    if let Some(lane) = lanes.get(&key) {
        match lane.send(waiting) {
            Ok(()) => return,
            // It has just closed.
            Err(mpsc::error::SendError(back)) => waiting = back,
        }
    }
    let (lane, waits) = mpsc::unbounded_channel();
    tokio::spawn(run_lane(means.clone(), waits));
    // The receiver is alive: it has just been made.
    if lane.send(waiting).is_ok() {
        lanes.insert(key, lane);
    }
}

async fn run_lane(means: Means, waits: mpsc::UnboundedReceiver<Waiting>) {
    let coming = stream::unfold(waits, |mut waits| async move {
        let next = if let Ok(next) = timeout(IDLE, waits.recv()).await {
            next
        } else {
            // What came in this very moment is still let through.
            waits.close();
            waits.recv().await
        };
        next.map(|waiting| (waiting, waits))
    });
    coming
        .map(|waiting| async {
            let checked = looked_at(&means, &waiting.check).await;
            (waiting, checked)
        })
        .buffered(AT_ONCE)
        .for_each(|(waiting, checked)| settle(&means, waiting, checked))
        .await;
}

/// Why an answer comes back without a verdict.
enum Stopped {
    /// The participant has no such input any more.
    NoInput,
    /// The checker failed, or could not be run.
    Failed(Box<(Option<store::Subject>, Failure)>),
    Database(sqlx::Error),
}

async fn looked_at(means: &Means, check: &Check) -> Result<super::Said, Stopped> {
    let subject = async {
        let mut conn = db::acquire(&means.pool).await?;
        store::subject_read(&mut conn, check).await
    };
    let subject = subject.await.map_err(Stopped::Database)?.ok_or(Stopped::NoInput)?;
    let limits = means.sandbox.limits();
    let job = checker_job(subject.script.clone(), &subject.slug, subject.files.clone(), limits);
    let guild = check.submission.guild_id.get();
    let asked = (&subject.input, subject.expected.as_str());
    let checked: Checked =
        checker_run(&means.sandbox, guild, &job, asked, (check.part, &check.submission.answer)).await;
    checked.map_err(|failure| Stopped::Failed(Box::new((Some(subject), failure))))
}

/// Gives the verdict to a batch, or takes the answer back.
async fn settle(means: &Means, Waiting { check, reply }: Waiting, checked: Result<super::Said, Stopped>) {
    let error = match checked {
        Ok(said) => {
            let mut submission = check.submission;
            submission.part = Some(check.part);
            submission.settles = Some(Settles { id: check.id, arrived_at: check.arrived_at, said });
            means.back.give(submission, reply).await;
            return;
        }
        Err(stopped) => stopped,
    };
    let answer = match error {
        Stopped::NoInput => Error::InputFirst,
        Stopped::Failed(failed) => {
            let (subject, failure) = *failed;
            if let (Some(words), Some(subject)) = (&failure.for_author, &subject) {
                match store::checker_failed(&means.pool, check.within(), (subject, words)).await {
                    Ok(true) => means.wake.outbox(),
                    Ok(false) => {}
                    Err(error) => tracing::warn!(%error, "that a checker failed could not be noted"),
                }
            }
            Error::CheckUnavailable
        }
        Stopped::Database(error) => {
            tracing::warn!(%error, "what a checker needs could not be read");
            Error::CheckUnavailable
        }
    };
    if let Err(error) = store::pending_release(&means.pool, &check).await {
        // It is taken up again, and judged or given up then.
        tracing::warn!(%error, "an answer that was not judged could not be taken back");
    }
    // Whoever no longer listens needs no answer.
    let _ = reply.send(Err(answer));
}
