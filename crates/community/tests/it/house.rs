//! The slice's routes and operations on a database of their own.

use access::personal::Keepers;
use axum::Extension;
use kernel::{Gold, UserId, Xp};
use lake::ingest::EventWriter;
pub(crate) use people::testing::{ADA, BOB, GUILD, House};
use progress::{Event, Grant};
use serde_json::json;

/// With the slice's routes, and those of the slices it stands on.
pub(crate) async fn house() -> House {
    House::new(|app| {
        let (router, _) = people::router()
            .merge(progress::router())
            .merge(lake::router())
            .merge(community::router())
            .split_for_parts();
        let slices = [&access::SLICE, &people::SLICE, &progress::SLICE, &lake::SLICE, &community::SLICE];
        let router = router.layer(Extension(EventWriter::start(app.pool(), app.wake(), 1)));
        router.layer(Extension(Keepers::of(&slices)))
    })
    .await
}

/// Gives a member XP and gold, as a campaign does.
pub(crate) async fn give(house: &House, user: UserId, cause: &str, xp: i64, gold: i64) {
    let grant = Grant {
        guild_id: GUILD,
        user_id: user,
        xp: Xp::new(xp),
        gold: Gold::new(gold),
        stars: 0,
        event_type: Event::CampaignReward,
        source_system: "campaigns".into(),
        source_event_id: cause.into(),
        metadata: json!({}),
    };
    let mut tx = house.pool().begin().await.unwrap();
    progress::grant(&mut tx, &[grant]).await.unwrap();
    tx.commit().await.unwrap();
}

/// What is kept is what the journals add up to.
pub(crate) async fn assert_sound(house: &House) {
    let mut conn = house.pool().acquire().await.unwrap();
    assert_eq!(progress::audit::drift(&mut conn).await.unwrap(), []);
    assert_eq!(lake::audit::drift(&mut conn).await.unwrap(), []);
}
