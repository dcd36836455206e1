//! The events of this crate, as the catalogue lists them.

use crate::outbox::EventType;

/// What is told of timers.
pub const OF_TIMERS: &[EventType] = EVENTS;

// A failed timer's error is for who can mend it.
crate::declare_events! {
    read "campaigns:write", admin "campaigns:write";

    "timer.failed" Admins "a timer is out of retries and needs an administrator" {
        error: Text = "the database was away", "what went wrong";
        campaign_id (optional): Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign, for a campaign's timer";
        timer_id (optional): Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the timer, for a campaign's timer";
        timer_type (optional): Text = "START_CAMPAIGN", "what it was to do, for a campaign's timer";
        queue (optional): Text = "jobs.timers", "the queue, for others";
        kind (optional): Text = "challenges.pregenerate", "what it was to do, for others";
    }
}
