//! A resumable stream of one guild's events: first what was missed, then what happens.

use std::{collections::VecDeque, sync::Arc};

use kernel::GuildId;

use super::{Filter, Live, Position, Stored, Subscription, Tail, TailError, Topic, read_after, topics::root};

/// Events read from the table at once while catching up.
const BATCH: i64 = 200;

/// One reader's stream: every event of the guild after a position that the filter lets through, in order, none twice, none
/// left out, however slow the reader is. What server-sent events are made of.
#[derive(Debug)]
pub struct Feed {
    tail: Tail,
    subscription: Subscription,
    guild: GuildId,
    filter: Filter,
    position: Position,
    /// Read from the table, not yet given out.
    backlog: VecDeque<Stored>,
    /// Whether the table may hold more that the subscription will not bring.
    behind: bool,
}

/// Why a feed ended.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The node stops; the reader may resume elsewhere.
    #[error("the node is stopping")]
    Stopped,
    /// The database could not be read; the reader may resume.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Feed {
    /// A feed from `after` on, or from now on without one.
    pub async fn open(
        tail: &Tail,
        guild: GuildId,
        filter: Filter,
        after: Option<Position>,
    ) -> Result<Self, FeedError> {
        // Subscribed before the position is taken: what comes between is seen twice and dropped, never missed.
        let subscription = tail.follow(topic(guild, &filter));
        let position = match after {
            Some(position) => position,
            None => tail.position().await.map_err(|_| FeedError::Stopped)?,
        };
        Ok(Self {
            tail: tail.clone(),
            subscription,
            guild,
            filter,
            position,
            backlog: VecDeque::new(),
            behind: after.is_some(),
        })
    }

    /// The next event. Safe to drop and call again.
    pub async fn next(&mut self) -> Result<Arc<Live>, FeedError> {
        loop {
            if let Some(event) = self.backlog.pop_front() {
                self.position = event.position;
                return Ok(Arc::new(Live::new(event)));
            }
            if self.behind {
                // Boxed, because most readers are idle most of the time: they need not hold room for a query.
                Box::pin(self.catch_up()).await?;
                continue;
            }
            match self.subscription.next().await {
                Ok(event)
                    if event.position > self.position
                        && event.guild_id == self.guild
                        && self.filter.matches(&event) =>
                {
                    self.position = event.position;
                    return Ok(event);
                }
                Ok(_) => {}
                Err(TailError::Lagged(_)) => {
                    // Anew, so that nothing old is read twice from the channel's remainder.
                    self.subscription = self.tail.follow(topic(self.guild, &self.filter));
                    self.behind = true;
                }
                Err(TailError::Stopped) => return Err(FeedError::Stopped),
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), FeedError> {
        let mut connection = db::acquire(self.tail.pool()).await?;
        let batch = read_after(&mut connection, self.guild, self.position, &self.filter, BATCH).await?;
        self.behind = batch.len() as u64 == BATCH.unsigned_abs();
        self.backlog = batch.into();
        Ok(())
    }

    /// After the last event given out.
    pub fn position(&self) -> Position {
        self.position
    }
}

/// The narrowest topic that holds all that the filter lets through.
fn topic(guild: GuildId, filter: &Filter) -> Topic {
    match (filter.concerning, filter.subject.as_deref()) {
        (Some(member), _) => Topic::Member(guild, member),
        (None, Some(subject)) if root(subject).is_some() => {
            Topic::Subject(guild, root(subject).unwrap_or_default().to_owned())
        }
        _ => Topic::Guild(guild),
    }
}
