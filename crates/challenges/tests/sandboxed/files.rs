//! Files: what scripts find and make, what participants download.

use access::By;
use access::testing::House;
use challenges::catalogue::{CampaignFiles, ChallengeFiles, files_put, files_read};
use challenges::inputs::{input_file, input_files, input_with_answers, pregenerate};
use jobs::Wake;
use kernel::{Problem, UserId};
use sandbox::{File, Sandbox};

use crate::world::{GUILD, World};

const SCRIPT: &str = "import json, os, random\nimport shared\nword = random.choice(open('files/words.txt').read().split())\n\
    open(os.path.join(os.environ['QUESTHALL_OUT'], 'note.txt'), 'w').write(shared.twice(word))\n\
    print(json.dumps({'input': word, 'result': len(word) + 10**6, 'files': {'raw.bin': {'base64': 'AAEC'}}}))";

/// A picture that says how large it is.
const PLAN: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg' width='4' height='3'/>";

fn file(path: &str, content: &[u8]) -> File {
    File { path: path.to_owned(), content: content.into() }
}

fn folder(words: &str) -> CampaignFiles {
    let mut files = CampaignFiles {
        library: vec![file("shared.py", b"def twice(x): return x + x\n")],
        ..CampaignFiles::default()
    };
    let script = vec![file("words.txt", words.as_bytes())];
    files.challenges.insert(
        "challenge-1".to_owned(),
        ChallengeFiles { script, attachments: vec![file("map.png", b"png"), file("plan.svg", PLAN)] },
    );
    files
}

impl World {
    async fn put(&self, files: &CampaignFiles) {
        let mut tx = self.pool().begin().await.unwrap();
        files_put(&mut tx, (GUILD, self.campaign), files, (By::System, None)).await.unwrap();
        tx.commit().await.unwrap();
    }
}

pub(crate) async fn with_the_input(world: World, sandbox: Sandbox) {
    let challenge = world.scripted(1, SCRIPT).await;
    world.players(1..=2, &[]).await;
    world.put(&folder("north south")).await;
    let read = files_read(&mut world.pool().acquire().await.unwrap(), GUILD, world.campaign).await.unwrap();
    assert_eq!(read, folder("north south"));
    let within = (GUILD, world.campaign, challenge);
    // Made ahead, but for nobody to see before they begin.
    assert_eq!(pregenerate(world.pool(), &Wake::new(), &sandbox, (GUILD, challenge)).await.unwrap(), 2);
    let early = input_files(world.pool(), within, UserId::new(1)).await.unwrap_err();
    assert_eq!(Problem::from(early).slug(), "input-first");
    let early = input_file(world.pool(), within, UserId::new(1), "note.txt").await.unwrap_err();
    assert_eq!(Problem::from(early).slug(), "input-first");
    let word = world.get(&sandbox, challenge, 1).await.unwrap().value.as_str().unwrap().to_owned();
    let files = input_files(world.pool(), within, UserId::new(1)).await.unwrap();
    let named: Vec<(&str, i32)> = files.iter().map(|f| (f.name.as_str(), f.bytes)).collect();
    assert_eq!(named, [("note.txt", 2 * i32::try_from(word.len()).unwrap()), ("raw.bin", 3)]);
    let note = input_file(world.pool(), within, UserId::new(1), "note.txt").await.unwrap();
    assert_eq!(note, format!("{word}{word}").into_bytes());
    let gone = input_file(world.pool(), within, UserId::new(1), "other.txt").await.unwrap_err();
    assert_eq!(Problem::from(gone).slug(), "not-found");
    let stored = input_with_answers(world.pool(), within, "1").await.unwrap();
    assert_eq!(stored.files.len(), 2);

    // Other words: who has begun keeps theirs, the other gets new ones with new files.
    world.put(&folder("abracadabra")).await;
    assert_eq!(world.get(&sandbox, challenge, 1).await.unwrap().value, word.as_str());
    assert_eq!(input_file(world.pool(), within, UserId::new(1), "note.txt").await.unwrap(), note);
    assert_eq!(world.get(&sandbox, challenge, 2).await.unwrap().value, "abracadabra");
    let other = input_file(world.pool(), within, UserId::new(2), "note.txt").await.unwrap();
    assert_eq!(other, b"abracadabraabracadabra");
    assert_eq!(
        world.count("SELECT count(*) FROM challenges.input_files f JOIN challenges.challenges c ON c.id = f.challenge_id WHERE c.campaign_id = $1").await,
        4
    );
    // The same again is no new version, and is not in the audit log.
    let versions = "SELECT sum(script_version) FROM challenges.challenges WHERE campaign_id = $1";
    let (before, logged) =
        (world.count(versions).await, "SELECT count(*) FROM access.admin_log WHERE $1::uuid IS NOT NULL");
    let entries = world.count(logged).await;
    world.put(&folder("abracadabra")).await;
    assert_eq!((world.count(versions).await, world.count(logged).await), (before, entries));
}

pub(crate) async fn attachments(world: World, sandbox: Sandbox) {
    let released = world.scripted(1, SCRIPT).await;
    let secret = world.challenge_released(2, 1, None).await;
    let mut files = folder("north");
    let two = ChallengeFiles { script: Vec::new(), attachments: vec![file("secret map (2).png", b"hidden")] };
    files.challenges.insert("challenge-2".to_owned(), two);
    world.put(&files).await;
    world.players([1], &[]).await;
    world.get(&sandbox, released, 1).await.unwrap();
    let campaign = world.campaign;
    let routes = challenges::router().split_for_parts().0;
    let house = House::within(world.db, GUILD, &["campaigns:read", "campaigns:play"], |_| routes).await;
    let get = async |path: &str, member: Option<i64>| {
        let path = format!("/guilds/{GUILD}/campaigns/{campaign}/challenges/{path}");
        let (parts, body) = house.send_text("GET", &path, member, String::new()).await;
        (parts.status.as_u16(), parts.headers, body)
    };
    let (status, headers, body) = get(&format!("{released}/attachments/map.png"), None).await;
    assert_eq!((status, body.as_str()), (200, "png"));
    assert_eq!(headers["content-type"], "image/png");
    assert_eq!(headers["content-disposition"], "inline; filename*=UTF-8''map.png");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    for path in [
        format!("{secret}/attachments/secret%20map%20(2).png"),
        format!("{released}/attachments/words.txt"),
        format!("{released}/attachments/..%2Fmap.png"),
        format!("{released}/attachments/a%00"),
    ] {
        let refused = if path.ends_with("%00") { 400 } else { 404 };
        assert_eq!(get(&path, None).await.0, refused, "{path}");
    }
    let (status, headers, body) = get(&format!("{released}/input/files/note.txt"), Some(1)).await;
    assert_eq!((status, body.as_str()), (200, "northnorth"));
    assert_eq!(headers["content-disposition"], "attachment; filename*=UTF-8''note.txt");
    let (status, _, body) = get(&format!("{released}/input/files"), Some(1)).await;
    assert_eq!(status, 200);
    assert_eq!(body, "[{\"name\":\"note.txt\",\"bytes\":10},{\"name\":\"raw.bin\",\"bytes\":3}]");
    // The challenge lists what there is, and tells nobody what its script finds.
    let (_, _, body) = get(&released.to_string(), Some(1)).await;
    let shown = body;
    assert!(shown.contains("/attachments/map.png") && shown.contains("image/png"), "{shown}");
    assert!(shown.contains(r#""picture":{"width":4,"height":3}"#), "room is kept for the picture: {shown}");
    assert!(!shown.contains("words.txt") && !shown.contains("shared.py"), "{shown}");
    let other = format!("/guilds/1/campaigns/{campaign}/challenges/{released}/attachments/map.png");
    assert_eq!(house.send_text("GET", &other, None, String::new()).await.0.status, 404);
}
