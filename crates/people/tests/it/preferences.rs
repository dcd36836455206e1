//! What members choose for themselves.

use kernel::UserId;
use people::testing::{BOB, House};
use serde_json::json;

#[tokio::test]
async fn a_member_chooses_what_is_announced_about_them() {
    let house = House::new(|_| people::router().split_for_parts().0).await;
    let all = json!({ "announce_level_up": true, "announce_achievements": true, "announce_awards": true });
    assert_eq!(house.ok("GET", "/preferences", None).await, all);
    let quiet = json!({ "announce_level_up": false, "announce_awards": false });
    let chosen = house.ok("PUT", "/preferences", Some(quiet.clone())).await;
    assert_eq!(
        chosen,
        json!({ "announce_level_up": false, "announce_achievements": true, "announce_awards": false })
    );
    assert_eq!(house.ok("PUT", "/preferences", Some(quiet)).await, chosen, "again changes nothing");
    assert_eq!(house.ok("GET", "/preferences", None).await, chosen);
    // Others' are theirs, in this guild and in others.
    let (status, of_bob) = house.send_as(BOB, "GET", "/preferences", None).await;
    assert_eq!((status, of_bob), (200, all));
    assert_eq!(house.count("SELECT count(*) FROM people.user_preferences").await, 1);
    let german = house.ok("PUT", "/preferences", Some(json!({ "language": "de" }))).await;
    assert_eq!((&german["language"], &german["announce_awards"]), (&json!("de"), &json!(true)));
    assert_eq!(house.ok("GET", "/preferences", None).await, german);
    for language in ["deutsch", "DE", "", "de_AT"] {
        let (status, _) = house.send("PUT", "/preferences", Some(json!({ "language": language }))).await;
        assert_eq!(status, 400, "{language}");
    }
    for bad in [json!({ "announce_nothing": true }), json!({ "announce_awards": "no" }), json!(7)] {
        let (status, _) = house.send("PUT", "/preferences", Some(bad.clone())).await;
        assert_eq!(status, 400, "{bad}");
    }
    assert_eq!(house.send_as(UserId::new(99), "PUT", "/preferences", Some(json!({}))).await.0, 404);
}
