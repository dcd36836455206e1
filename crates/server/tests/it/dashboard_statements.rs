//! How many statements each page asks the database, counted as they are sent.

use std::collections::BTreeMap;
use std::sync::Mutex;

use access::Role;
use kernel::Clock;
use server::Settings;
use tracing::{Event, Instrument as _, Subscriber, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::dashboard::{self, Browser};
use crate::dashboard_staff;
use crate::guilds::Guild;
use crate::house::House;

const GUILD: i64 = 175_928_847_299_117_063;
const USER: i64 = 11;
const OWNER: i64 = 31;

/// The most that a page should ask.
const MOST: usize = 6;
/// The most that one asks, a quest's figures, and how many ask more than they should. These numbers only get smaller.
const MOST_OF_ALL: usize = 8;
const OVER: usize = 3;

/// Statements that were sent while a page was made.
static SENT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes the statements within the span of a page.
struct Noted;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Noted {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let within =
            |name| context.event_scope(event).is_some_and(|mut scope| scope.any(|span| span.name() == name));
        if event.metadata().target() == "sqlx::query" && within("page") {
            let mut summary = Summary(String::new());
            event.record(&mut summary);
            // What a connection asks once of types that it has not met, and the handful of requests that is fetched for many.
            let once = ["SELECT pg_type.oid", "SELECT granted AS"];
            if !once.iter().any(|begin| summary.0.starts_with(begin)) {
                SENT.lock().unwrap().push(summary.0);
            }
        }
    }
}

/// What a statement begins with.
struct Summary(String);

impl tracing::field::Visit for Summary {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        if field.name() == "summary" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
}

#[tokio::test]
async fn a_page_asks_few_statements() {
    let subscriber = tracing_subscriber::registry().with(Noted);
    // Each test is a process of its own.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    // A clock that stands still: what is known of who looks stays known, however long a page takes.
    let house = House::by(Settings::default(), Clock::manual(Clock::system().now())).await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let mut counted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let member = Browser::signed_in(&house, GUILD, USER, Role::Member).await;
    let owner = Browser::signed_in(&house, GUILD, OWNER, Role::Owner).await;
    for (mut browser, pages) in [(member, dashboard::pages(&guild)), (owner, dashboard_staff::pages(&guild))]
    {
        for (path, _) in pages {
            // Once before: what is asked once of who looks is known.
            browser.get(&path).await;
            SENT.lock().unwrap().clear();
            let answer = browser.get(&path).instrument(info_span!("page")).await;
            assert!(answer.status.is_success(), "{path}: {answer:?}");
            counted.insert(path, std::mem::take(&mut SENT.lock().unwrap()));
        }
    }
    let mut over: Vec<(&String, &Vec<String>)> =
        counted.iter().filter(|(_, sent)| sent.len() > MOST).collect();
    over.sort_by_key(|(_, sent)| std::cmp::Reverse(sent.len()));
    for (path, sent) in &over {
        println!("{:3} {path}\n      {}", sent.len(), sent.join("\n      "));
    }
    let [least, most] = [counted.values().map(Vec::len).min(), counted.values().map(Vec::len).max()];
    println!("{} pages; {least:?} to {most:?} statements; {} over {MOST}", counted.len(), over.len());
    assert!(least > Some(0), "no statement is counted of some page: {counted:#?}");
    assert!(most <= Some(MOST_OF_ALL), "a page asks {most:?} statements");
    assert!(over.len() <= OVER, "{} pages ask more than {MOST} statements", over.len());
}
