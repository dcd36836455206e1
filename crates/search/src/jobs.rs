//! What brings vectors up to date.

use ::jobs::schedule::{JobError, Schedule};
use access::Means;
use serde_json::json;

use crate::engine::Search;
use crate::ops;

/// The periodic jobs of this slice, for the server to run. Without a model it has nothing to do.
pub(crate) fn schedules(means: &Means) -> Vec<Schedule> {
    let (pool, search) = (means.app().pool().clone(), means.get::<Search>().cloned());
    vec![Schedule::new("search.embed", "* * * * *", move |_| {
        let (pool, search) = (pool.clone(), search.clone());
        Box::pin(async move {
            let Some(search) = search else { return Ok(json!({ "model": null })) };
            // Batches in transactions of their own: the schedule's own would hold their locks.
            let embedded =
                ops::refill(&pool, &search).await.map_err(|error| JobError::Failed(error.to_string()))?;
            Ok(json!({ "model": search.name(), "embedded": embedded }))
        })
    })]
}
