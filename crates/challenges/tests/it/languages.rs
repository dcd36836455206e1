//! Texts in several languages: who reads gets theirs.

use access::By;
use challenges::catalogue::{Challenge, ChallengeDraft, ChallengePatch};
use challenges::ops::{self, Onlooker};
use kernel::language::Reader;
use kernel::{ChallengeId, PageQuery, UserId};
use serde_json::json;

use crate::world::{GUILD, Rules, World};

const READER: UserId = UserId::new(1);

impl World {
    /// A challenge of two parts in English and German, released; its second German title is the text's heading.
    async fn told_twice(&self) -> ChallengeId {
        let draft: ChallengeDraft = serde_json::from_value(json!({
            "title": "Snow", "description": "How much?", "parts": 2, "part_descriptions": ["And now?"],
            "generation_script": "print(1)",
            "translations": [
                { "language": "de", "description": "# Schnee\n\nWie viel?", "part_descriptions": ["Und jetzt?"] },
                { "language": "pt-BR", "title": "Neve", "description": "Quanto?", "part_descriptions": ["E agora?"] },
            ],
        }))
        .unwrap();
        let within = (GUILD, self.campaign);
        let made = ops::challenge_create(self.pool(), &jobs::Wake::new(), within, &draft, (By::Cli, None))
            .await
            .unwrap();
        self.run(
            "UPDATE challenges.challenges SET released_at = now() - interval '1 hour' WHERE campaign_id = $1",
        )
        .await;
        made.id
    }

    async fn read(&self, id: ChallengeId, asked: Option<&str>, accepted: Option<&str>) -> Challenge {
        let who = Onlooker { admin: false, user: Some(READER), reader: Reader { asked, accepted } };
        ops::challenge_get(self.pool(), (GUILD, self.campaign, id), who).await.unwrap()
    }

    async fn prefers(&self, language: &str) {
        sqlx::raw_sql(
            "INSERT INTO people.guilds (guild_id, name) VALUES (7000, 'Guild') ON CONFLICT DO NOTHING;
             INSERT INTO people.users (id) VALUES (1) ON CONFLICT DO NOTHING;
             INSERT INTO people.members (guild_id, user_id) VALUES (7000, 1) ON CONFLICT DO NOTHING;
             INSERT INTO people.user_preferences (guild_id, user_id) VALUES (7000, 1) ON CONFLICT DO NOTHING",
        )
        .execute(self.pool())
        .await
        .unwrap();
        sqlx::query("UPDATE people.user_preferences SET language = $1 WHERE guild_id = $2 AND user_id = $3")
            .bind(language)
            .bind(GUILD.get())
            .bind(READER.get())
            .execute(self.pool())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_reader_gets_the_language_that_they_ask_for_prefer_or_accept() {
    let world = World::new(Rules::default()).await;
    let id = world.told_twice().await;
    world.players([1], &[id]).await;
    let plain = world.read(id, None, None).await;
    assert_eq!(
        (plain.language.as_str(), plain.title.as_str(), plain.description.as_str()),
        ("en", "Snow", "How much?")
    );
    assert_eq!(plain.languages, ["en", "de", "pt-BR"]);
    let german = world.read(id, None, Some("fr, de-AT;q=0.9")).await;
    assert_eq!(
        (german.language.as_str(), german.title.as_str()),
        ("de", "Schnee"),
        "the title is the text's heading"
    );
    assert!(german.part_descriptions.is_empty(), "part two is closed in every language");
    world.submit(id, 1, None, "right").await.unwrap();
    assert_eq!(world.read(id, Some("de"), None).await.part_descriptions, ["Und jetzt?"]);
    // What they chose for good goes before what their program accepts, and what is asked for before both.
    world.prefers("pt-BR").await;
    let preferred = world.read(id, None, Some("de")).await;
    assert_eq!(
        (preferred.title.as_str(), preferred.part_descriptions.as_slice()),
        ("Neve", ["E agora?".to_owned()].as_slice())
    );
    assert_eq!(world.read(id, Some("en"), Some("de")).await.language, "en");
    assert_eq!(
        world.read(id, Some("fr"), Some("de")).await.language,
        "de",
        "what is not there is passed over"
    );
    // Lists, too, challenge by challenge.
    let other = world.challenge(2, 1).await;
    let who = Onlooker { user: Some(READER), ..Onlooker::default() };
    let list =
        ops::challenge_list(world.pool(), (GUILD, world.campaign), who, &PageQuery::default()).await.unwrap();
    let told: Vec<_> = list.items.iter().map(|c| (c.id, c.language.as_str())).collect();
    assert_eq!(told, [(id, "pt-BR"), (other, "en")]);
}

#[tokio::test]
async fn authors_see_and_change_all_languages_and_members_only_what_is_open() {
    let world = World::new(Rules::default()).await;
    let id = world.told_twice().await;
    let admin = Onlooker { admin: true, user: None, reader: Reader::default() };
    let within = (GUILD, world.campaign, id);
    let all = ops::challenge_get(world.pool(), within, admin).await.unwrap();
    let authoring = all.authoring.unwrap();
    assert_eq!((all.title.as_str(), authoring.translations.len()), ("Snow", 2));
    assert_eq!(authoring.translations[1].title.as_deref(), Some("Neve"));
    // In nobody else's answer is anything of a language that is not theirs.
    let seen = serde_json::to_string(&world.read(id, Some("de"), None).await).unwrap();
    assert!(!seen.contains("Quanto") && !seen.contains("How much") && !seen.contains("Und jetzt"), "{seen}");

    let change = async |patch: serde_json::Value| {
        let patch: ChallengePatch = serde_json::from_value(patch).unwrap();
        ops::challenge_update(world.pool(), &jobs::Wake::new(), within, &patch, (By::Cli, None)).await
    };
    // A new own language, the texts of which are the other's now.
    change(json!({ "language": "fr", "translations": [{ "language": "en", "description": "How?", "part_descriptions": ["So?"] }] }))
        .await
        .unwrap();
    assert_eq!(world.read(id, None, None).await.languages, ["fr", "en"]);
    assert_eq!(world.read(id, Some("en"), None).await.description, "How?");
    for (patch, field) in [
        (json!({ "language": "french" }), "language"),
        (
            json!({ "translations": [{ "language": "fr", "description": "x", "part_descriptions": ["y"] }] }),
            "translations[0].language",
        ),
        (
            json!({ "translations": [{ "language": "de", "description": "x" }] }),
            "translations[0].part_descriptions",
        ),
        (
            json!({ "translations": [{ "language": "de", "title": "", "description": "x", "part_descriptions": ["y"] }] }),
            "translations[0].title",
        ),
        (
            json!({ "translations": vec![json!({ "language": "de", "description": "x", "part_descriptions": ["y"] }); 2] }),
            "translations[1].language",
        ),
    ] {
        let problem = kernel::Problem::from(change(patch.clone()).await.unwrap_err());
        let fields: Vec<_> = problem.errors().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, [field], "{patch}");
    }
    change(json!({ "translations": [] })).await.unwrap();
    assert_eq!(world.read(id, Some("en"), None).await.languages, ["fr"]);
}
