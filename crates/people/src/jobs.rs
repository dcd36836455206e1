//! What runs by the clock.

use ::jobs::schedule::Schedule;

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    vec![Schedule::new("people.announce_roles", "* * * * *", |connection| {
        Box::pin(crate::roles::announce_again(connection))
    })]
}
