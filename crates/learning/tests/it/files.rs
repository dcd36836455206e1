//! Files of quests: brought along, given to whom they are for, kept for versions, gone when nothing names them.

use access::testing::House;
use axum::http::HeaderMap;
use kernel::GuildId;
use learning::model::path::Bundle;
use learning::routes::quest_file_response;
use serde_json::{Value, json};

use crate::stage::{ADA, BOB, GUILD, Stage, bundle, reading};

const PICTURE: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30'/>";
/// No text: bytes that are no UTF-8.
const PNG: &str = "iVBORw0KGgo=";

/// The small path; its first quest has files: two for everybody, one for who has begun.
fn filed(words: &str) -> Value {
    let mut bundle = bundle();
    let quest = &mut bundle["quests"][0];
    quest["files"] = json!([
        { "path": "map (2).png", "base64": PNG }, { "path": "plan.svg", "text": PICTURE }, { "path": "words.csv", "text": words },
    ]);
    let document = &mut quest["quest"];
    document["description"] = json!("![A map](files/map%20(2).png)");
    document["resources"] = json!([{ "type": "Dataset", "title": "Plan", "url": "files/plan.svg" }]);
    document["steps"][0]["description"] = json!("Count [the words](files/words.csv).");
    bundle
}

impl Stage {
    /// Status, headers and body of a file.
    async fn file(&self, path: &str, user: Option<i64>) -> (u16, HeaderMap, String) {
        let path = format!("/guilds/1/learning/{path}");
        let (parts, body) = self.house.send_text("GET", &path, user, String::new()).await;
        (parts.status.as_u16(), parts.headers, body)
    }

    /// How many contents the guild holds.
    async fn held(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM learning.file_contents WHERE guild_id = 1")
            .fetch_one(self.house.pool())
            .await
            .unwrap()
    }

    /// Every row that an import writes.
    async fn rows(&self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT f::text || f.xmin FROM learning.file_contents f UNION ALL SELECT f::text || f.xmin FROM learning.quest_version_files f
             UNION ALL SELECT v::text || v.xmin FROM learning.quest_versions v UNION ALL SELECT r::text || r.xmin FROM learning.quest_resources r
             UNION ALL SELECT a::text FROM access.admin_log a ORDER BY 1",
        )
        .fetch_all(self.house.pool())
        .await
        .unwrap()
    }

    async fn exported(&self) -> Bundle {
        let path = self.path().await;
        let exported = self.ok("GET", &format!("sources/paths/{path}/export"), None, None).await;
        serde_json::from_value(exported).unwrap()
    }
}

fn sorted(bundle: Value) -> Bundle {
    let mut read: Bundle = serde_json::from_value(bundle).unwrap();
    read.quests.sort_by(|a, b| a.slug.cmp(&b.slug));
    read
}

#[tokio::test]
async fn files_come_along_cost_nothing_unchanged_and_are_exported_as_they_came() {
    let stage = Stage::new().await;
    let mut wanted = filed("a,b\n");
    wanted["skills"] = json!({ "graphs": { "name": "Graphs", "domain": "general" } });
    stage.ok("POST", "import", None, Some(wanted.clone())).await;
    let before = stage.rows().await;
    let again = stage.ok("POST", "import", None, Some(wanted.clone())).await;
    assert_eq!((&again["unchanged"], &again["created"]), (&json!(4), &json!(0)));
    assert_eq!(stage.rows().await, before, "the same again writes nothing");
    assert_eq!(stage.exported().await, sorted(wanted.clone()));
    // A file that is in two quests is held once, and in another guild once more.
    wanted["quests"][1]["files"] = json!([{ "path": "again.csv", "text": "a,b\n" }]);
    stage.ok("POST", "import", None, Some(wanted.clone())).await;
    assert_eq!(stage.held().await, 3);
    assert_eq!(stage.exported().await, sorted(wanted.clone()));
    // By way of a folder nothing is lost either.
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("course");
    learning::authoring::write(&stage.exported().await, &dir).unwrap();
    assert_eq!(learning::authoring::read(&dir, None).unwrap(), sorted(wanted));
}

#[tokio::test]
async fn a_file_is_for_who_may_see_what_names_it() {
    let stage = Stage::new().await;
    stage.ok("POST", "import", None, Some(filed("a,b\n"))).await;
    let one = stage.id("one").await;
    let at = |name: &str| format!("quests/{one}/files/{name}");
    let (status, headers, body) = stage.file(&at("plan.svg"), None).await;
    assert_eq!((status, body.as_str()), (200, PICTURE));
    for (name, value) in [
        ("content-type", "image/svg+xml"),
        ("content-disposition", "attachment; filename*=UTF-8''plan.svg"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, no-cache"),
        ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let (status, headers, _) = stage.file(&at("map%20(2).png"), Some(BOB)).await;
    assert_eq!((status, &headers["content-type"]), (200, &"image/png".parse().unwrap()));
    assert_eq!(headers["content-disposition"], "inline; filename*=UTF-8''map%20%282%29.png");

    // What the quest tells of its files leads to them.
    let view = stage.ok("GET", &format!("quests/{one}"), Some(ADA), None).await;
    let names: Vec<&str> =
        view["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["map (2).png", "plan.svg"], "a step's file is not told of before it is begun");
    // Room is kept for what says how large it is.
    assert_eq!(view["files"][1]["picture"], json!({ "width": 40, "height": 30 }));
    assert_eq!(view["files"][0].get("picture"), None, "a picture that cannot be read says nothing");
    assert_eq!(stage.file(&at("words.csv"), Some(ADA)).await.0, 404);
    let attempt = stage.ok("POST", &format!("quests/{one}/attempt"), Some(ADA), None).await;
    let words = &attempt["files"][2];
    assert_eq!(
        (&words["name"], &words["bytes"], &words["media_type"]),
        (&json!("words.csv"), &json!(4), &json!("text/csv; charset=utf-8"))
    );
    let address = words["address"].as_str().unwrap().strip_prefix("/api/v1/guilds/1/learning/").unwrap();
    assert_eq!(stage.file(address, Some(ADA)).await.2, "a,b\n");
    assert_eq!(stage.file(address, Some(BOB)).await.0, 404);
    assert_eq!(stage.file(address, None).await.0, 404);
    for (path, status) in [
        (at("..%2Fwords.csv"), 404),
        (at("none.txt"), 404),
        (at("a%00"), 400),
        (format!("{}?version=9", at("plan.svg")), 404),
    ] {
        assert_eq!(stage.file(&path, Some(ADA)).await.0, status, "{path}");
    }

    // Another guild's key does not find it, nor does this guild's there; without the scope of authors nobody sees drafts.
    let other = format!("/guilds/2/learning/{}", at("plan.svg"));
    assert_eq!(stage.house.send_text("GET", &other, None, String::new()).await.0.status, 404);
    let mut draft = filed("a,b\n");
    draft["quests"][0]["files"][1]["text"] = json!("<svg/>");
    stage.ok("POST", "import?draft=true", None, Some(draft)).await;
    assert_eq!(stage.file(&at("plan.svg"), Some(ADA)).await.2, PICTURE);
    let source = format!("sources/{}", at("plan.svg"));
    assert_eq!(stage.file(&source, None).await.2, "<svg/>");
    let Stage { house } = stage;
    let learners =
        House::within(house.database, GUILD, &["learning:read"], |_| learning::router().split_for_parts().0)
            .await;
    let asked = |path: String| {
        let learners = &learners;
        async move {
            let path = format!("/guilds/1/learning/{path}");
            learners.send_text("GET", &path, None, String::new()).await.0.status.as_u16()
        }
    };
    assert_eq!((asked(at("plan.svg")).await, asked(source).await), (200, 403));
}

#[tokio::test]
async fn who_has_the_file_is_not_sent_it_again() {
    let stage = Stage::new().await;
    stage.ok("POST", "import", None, Some(filed("a,b\n"))).await;
    let one = stage.id("one").await;
    let (_, headers, _) = stage.file(&format!("quests/{one}/files/plan.svg"), None).await;
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let pool = stage.house.pool();
    let quest = one.parse().unwrap();
    let file = learning::ops::file_find(pool, GUILD, None, (quest, None), "plan.svg").await.unwrap();
    let status = async |tags: Option<&str>, guild: GuildId| {
        let mut headers = HeaderMap::new();
        headers.extend(tags.map(|tags| (axum::http::header::IF_NONE_MATCH, tags.parse().unwrap())));
        quest_file_response(pool, guild, &headers, ("plan.svg", &file)).await.map(|it| it.status().as_u16())
    };
    assert_eq!(status(None, GUILD).await.unwrap(), 200);
    assert_eq!(status(Some("\"other\""), GUILD).await.unwrap(), 200);
    assert_eq!(status(Some(&tag), GUILD).await.unwrap(), 304);
    assert_eq!(status(Some(&format!("\"other\", W/{tag}")), GUILD).await.unwrap(), 304);
    // A hash opens nothing in another guild.
    assert_eq!(status(None, GuildId::new(2)).await.unwrap_err().status(), 404);
}

#[tokio::test]
async fn a_version_keeps_its_files_and_what_nothing_names_goes() {
    let stage = Stage::new().await;
    stage.ok("POST", "import", None, Some(filed("a,b\n"))).await;
    let one = stage.id("one").await;
    let words = format!("quests/{one}/files/words.csv");
    stage.ok("POST", &format!("quests/{one}/attempt"), Some(ADA), None).await;

    // Another picture is wording: it shows at once, and the one before is gone.
    let mut changed = filed("a,b\n");
    changed["quests"][0]["files"][1]["text"] = json!("<svg/>");
    let done = stage.ok("POST", "import", None, Some(changed.clone())).await;
    assert_eq!((&done["reworded"], &done["new_versions"]), (&json!(1), &json!(0)));
    let picture = format!("quests/{one}/files/plan.svg");
    assert_eq!(stage.file(&picture, Some(ADA)).await.2, "<svg/>");
    assert_eq!(stage.held().await, 3);

    // Other data make a version: who is in the middle keeps theirs, and is told what an upgrade changes.
    changed["quests"][0]["files"][2]["text"] = json!("c,d,e\n");
    let done = stage.ok("POST", "import", None, Some(changed.clone())).await;
    assert_eq!((&done["reworded"], &done["new_versions"]), (&json!(0), &json!(1)));
    stage.ok("POST", &format!("quests/{one}/attempt"), Some(BOB), None).await;
    let of = async |user: i64| stage.file(&words, Some(user)).await.2;
    assert_eq!((of(ADA).await, of(BOB).await), ("a,b\n".to_owned(), "c,d,e\n".to_owned()));
    assert_eq!(stage.file(&format!("{words}?version=1"), Some(BOB)).await.0, 404);
    assert_eq!(stage.held().await, 4);

    // Drafts keep theirs as well; a draft that is given up takes its files along.
    changed["quests"][0]["files"][2]["text"] = json!("draft\n");
    stage.ok("POST", "import?draft=true", None, Some(changed.clone())).await;
    assert_eq!((stage.held().await, of(BOB).await), (5, "c,d,e\n".to_owned()));
    changed["quests"][0]["files"].as_array_mut().unwrap().remove(2);
    changed["quests"][0]["quest"]["steps"][0]["description"] = json!("Count them.");
    stage.ok("POST", "import", None, Some(changed)).await;
    assert_eq!(stage.held().await, 4, "two versions have their own words still");
    assert_eq!((of(ADA).await, of(BOB).await), ("a,b\n".to_owned(), "c,d,e\n".to_owned()));
    let preview = stage.ok("GET", &format!("quests/{one}/attempt/upgrade"), Some(ADA), None).await;
    assert_eq!(preview["removed"], json!(["words.csv"]));
    stage.ok("POST", &format!("quests/{one}/attempt/upgrade"), Some(ADA), None).await;
    assert_eq!(stage.file(&words, Some(ADA)).await.0, 404);

    // A retired quest's files stay for who is in it, and are for nobody else.
    let extra = stage.id("extra").await;
    let mut last = reading("Extra", &["one"], 0);
    last["description"] = json!("[x](files/x.txt)");
    let mut more = filed("a,b\n");
    more["quests"][3] =
        json!({ "slug": "extra", "quest": last, "files": [{ "path": "x.txt", "text": "x" }] });
    stage.ok("POST", "import", None, Some(more)).await;
    stage.walk(ADA, &one).await;
    stage.ok("POST", &format!("quests/{extra}/attempt"), Some(ADA), None).await;
    stage.ok("DELETE", &format!("sources/quests/{extra}"), None, None).await;
    let file = format!("quests/{extra}/files/x.txt");
    assert_eq!((stage.file(&file, Some(ADA)).await.0, stage.file(&file, Some(BOB)).await.0), (200, 404));
    stage.assert_clean().await;
    // The audit finds a version that lost a file.
    sqlx::query("DELETE FROM learning.quest_version_files WHERE quest_id::text = $1 AND version = 1 AND name = 'words.csv'")
        .bind(&one)
        .execute(stage.house.pool())
        .await
        .unwrap();
    let drift = learning::audit::drift(&mut stage.house.pool().acquire().await.unwrap(), None).await.unwrap();
    assert_eq!(
        drift.iter().map(|one| one.what.clone()).collect::<Vec<_>>(),
        [format!("files of version 1 of quest {one}")]
    );
}

#[tokio::test]
async fn what_is_wrong_with_files_is_told_by_field_and_nothing_of_it_is_kept() {
    let stage = Stage::new().await;
    let refused = async |change: &dyn Fn(&mut Value)| {
        let mut bundle = filed("a,b\n");
        change(&mut bundle["quests"][0]);
        let (status, _, problem) = stage.refused("POST", "import", None, Some(bundle)).await;
        assert_eq!(status, 400, "{problem}");
        let first = &problem["errors"][0];
        format!("{} {}", first["field"].as_str().unwrap(), first["message"].as_str().unwrap())
    };
    assert_eq!(
        refused(&|quest| quest["files"].as_array_mut().unwrap().truncate(1)).await,
        "quests[0].quest.resources[0].url names `files/plan.svg`, which is no file of the quest"
    );
    assert_eq!(
        refused(&|quest| quest["files"][0]["path"] = json!("plan.svg")).await,
        "quests[0].files[1].path is there twice"
    );
    assert_eq!(
        refused(&|quest| quest["files"][0]["base64"] = json!("?")).await,
        "quests[0].files[0] `base64` holds something else"
    );
    assert_eq!(
        refused(&|quest| quest["files"][0]["text"] = json!("")).await,
        "quests[0].files[0] must have either `text` or `base64`"
    );
    let unsafe_name =
        refused(&|quest| quest["files"].as_array_mut().unwrap().push(json!({ "path": "../up", "text": "" })))
            .await;
    assert_eq!(unsafe_name, "quests[0].quest.files has \"../up\", and its name leads out of its folder");
    // A document may name what the guild holds, and nothing else.
    let mut unknown = reading("Unknown", &[], 0);
    unknown["files"] = json!({ "a.txt": { "sha256": "0".repeat(64), "bytes": 1 } });
    let new = json!({ "slug": "unknown", "quest": unknown });
    let (_, _, problem) = stage.refused("POST", "sources/quests", None, Some(new)).await;
    assert_eq!(problem["errors"][0]["field"], json!("quest.files.a.txt"));
    assert_eq!(stage.held().await, 0);

    stage.ok("POST", "import", None, Some(filed("a,b\n"))).await;
    let one = stage.id("one").await;
    let source = stage.ok("GET", &format!("sources/quests/{one}"), None, None).await;
    let mut quest = source["quest"].clone();
    assert_eq!(quest["files"]["words.csv"]["bytes"], json!(4));
    quest["title"] = json!("Uno");
    stage.ok("PUT", &format!("sources/quests/{one}"), None, Some(json!({ "quest": quest }))).await;
    quest["files"]["words.csv"]["sha256"] = json!("0".repeat(64));
    let put =
        stage.refused("PUT", &format!("sources/quests/{one}"), None, Some(json!({ "quest": quest }))).await;
    assert_eq!(put.2["errors"][0]["field"], json!("quest.files.words.csv"));
    stage.ok("POST", &format!("sources/quests/{one}/publication"), None, None).await;
    assert_eq!(stage.held().await, 3);
}
