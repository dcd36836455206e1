//! Durable work: timers that fire exactly once, periodic jobs with one leader, running nodes, and the outbox through
//! which every domain event leaves its transaction. Knows no domain.
//!
//! What it promises:
//! * a timer's effect in the database, its completion and its events commit together, so that whatever process dies at
//!   whatever instant, the effect happens exactly once ([`engine`]);
//! * effects outside the database happen at least once, fenced by a token ([`timers::Lease`]);
//! * one node at a time runs a periodic job, and a run missed while nothing was up is made up once ([`schedule`]);
//! * a reader of the outbox sees every committed event, in one order that never changes, and can resume from any
//!   position ([`outbox`]);
//! * the database's clock alone decides what is due; the machine's monotonic clock only sleeps.
//!
//! | module | holds |
//! |---|---|
//! | [`table`] | [`TimerTable`]: what a table of timers must be able to do |
//! | [`engine`] | [`Engine`]: drains a table, with back-off, bisection and caution after a crash |
//! | [`wake`] | [`Wake`]: wake-ups within the process and between nodes |
//! | [`node`] | [`Node`]: this process among the others: heartbeat, drain, shutdown, deaths of others |
//! | [`queues`] | pausing and resuming a queue on every node |
//! | [`timers`] | `jobs.timers`: one-off work of any slice |
//! | [`schedule`] | periodic jobs |
//! | [`outbox`] | events: writing, following, resuming |
//! | [`gather`] | group commit of requests that come at one instant |

pub mod engine;
pub mod gather;
pub mod node;
pub mod outbox;
pub mod queues;
pub mod schedule;
pub mod table;
pub mod timers;
pub mod wake;

pub mod events;

pub use engine::{Engine, EngineSettings};
pub use node::{Node, NodeHandle};
pub use table::{Floor, Run, TimerError, TimerTable};
pub use wake::Wake;
