//! A member types, the bot answers: what tests of commands read like.

use std::sync::LazyLock;
use std::time::Duration;

use access::keys::{NewKey, key_create};
use access::personal::Keepers;
use access::testing::assert_documented;
use access::{App, By, HttpSettings, Origin, Scopes};
use assessment::ReviewDesk;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::{Extension, Router};
use challenges::SubmissionWriter;
use db::testing::TestDatabase;
use discord::{Bot, DiscordSettings, Faculties};
use economy::TransferWriter;
use kernel::{GuildId, UserId};
use lake::ingest::EventWriter;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sandbox::Sandbox;
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt as _;

use crate::judge;
use crate::stand_in::{APPLICATION, StandIn, TOKEN};

pub(crate) const GUILD: GuildId = GuildId::new(1);
pub(crate) const ADA: i64 = 7;
pub(crate) const BOB: i64 = 8;

/// The house as far as the bot stands on it.
pub(crate) static SLICES: [&access::Slice; 13] = [
    &access::SLICE,
    &people::SLICE,
    &progress::SLICE,
    &lake::SLICE,
    &community::SLICE,
    &economy::SLICE,
    &squads::SLICE,
    &challenges::SLICE,
    &campaigns::SLICE,
    &learning::SLICE,
    &assessment::SLICE,
    &moderation::SLICE,
    &discord::SLICE,
];

/// The bot's own description of its commands.
static COMMANDS: LazyLock<Value> = LazyLock::new(discord::commands::describe);

/// Somebody who types.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who {
    pub(crate) id: i64,
    pub(crate) name: &'static str,
    pub(crate) locale: &'static str,
    pub(crate) permissions: u64,
}

pub(crate) const ADA_TYPES: Who = Who { id: ADA, name: "Ada", locale: "en-GB", permissions: 0 };
pub(crate) const BOB_TYPES: Who = Who { id: BOB, name: "Bob", locale: "de", permissions: 0 };
/// Runs the server.
pub(crate) const EVE_TYPES: Who = Who { id: 9, name: "Eve", locale: "en-US", permissions: 1 << 5 };

pub(crate) struct Chat {
    pub(crate) discord: StandIn,
    pub(crate) bot: Bot,
    router: Router,
    pair: Ed25519KeyPair,
    next: std::sync::atomic::AtomicI64,
    /// Last, so that the database goes after those who use it.
    pub(crate) database: TestDatabase,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) answer: Value,
    pub(crate) message: Value,
    pub(crate) files: Vec<(String, String)>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |all, byte| all + &format!("{byte:02x}"))
}

impl Chat {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut DiscordSettings)) -> Self {
        Self::made(change, None).await
    }

    /// With settings of its own, and what runs scripts.
    pub(crate) async fn made(change: impl FnOnce(&mut DiscordSettings), sandbox: Option<Sandbox>) -> Self {
        let database = TestDatabase::new().await;
        let discord = StandIn::start().await;
        let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        let key = hex(pair.public_key().as_ref());
        let mut settings = DiscordSettings {
            application_id: Some(APPLICATION.to_string()),
            public_key: Some(key),
            token: Some(TOKEN.to_owned()),
            api_url: discord.url.clone(),
            // What is not about promises is answered at once, however busy the machine is.
            promise: Duration::from_mins(1),
            ..DiscordSettings::default()
        };
        change(&mut settings);
        let (pool, wake) = (database.pool().clone(), jobs::Wake::new());
        let app = App::new(pool.clone(), wake.clone(), HttpSettings::default());
        let faculties = Faculties {
            keepers: Keepers::of(&SLICES),
            submissions: SubmissionWriter::start(&pool, &wake, 1, None),
            transfers: TransferWriter::start(&pool, &wake, 1),
            steps: learning::StepDesk::start(&pool, &wake),
            reviews: ReviewDesk::start(&pool, &wake),
            lake: EventWriter::start(&pool, &wake, 1),
            sandbox,
        };
        let bot = Bot::new(app.clone(), settings, faculties).unwrap().unwrap();
        let (routes, _) = (discord::SLICE.router)().split_for_parts();
        let router = routes.layer(Extension(Some(bot.clone()))).with_state(app);
        Self { discord, bot, router, pair, next: std::sync::atomic::AtomicI64::new(1), database }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    fn id(&self) -> i64 {
        2_000_000_000_000_000_000 + self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    /// An interaction as Discord sends it.
    pub(crate) fn interaction(&self, who: Who, kind: u8, data: &Value) -> Value {
        let user = json!({
            "id": who.id.to_string(), "username": who.name.to_lowercase(), "global_name": who.name, "avatar": null,
            "discriminator": "0", "public_flags": 0,
        });
        json!({
            "id": self.id().to_string(), "application_id": APPLICATION.to_string(), "type": kind, "token": format!("tok{}", self.id()),
            "version": 1, "guild_id": "1", "channel_id": "50", "locale": who.locale, "guild_locale": "en-US", "data": data,
            "member": {
                "user": user, "nick": null, "roles": [], "permissions": who.permissions.to_string(),
                "joined_at": "2026-01-01T00:00:00+00:00", "deaf": false, "mute": false, "flags": 0,
            },
        })
    }

    /// Now, as Discord writes it into the head.
    pub(crate) async fn now(&self) -> i64 {
        let sql = "SELECT floor(extract(epoch FROM now()))::bigint";
        sqlx::query_scalar(sql).fetch_one(self.pool()).await.unwrap()
    }

    /// Posts an interaction, signed for this time, and tells status and body.
    pub(crate) async fn post_at(&self, body: &str, timestamp: &str, signature: Option<&str>) -> (u16, Value) {
        let signed = self.pair.sign(format!("{timestamp}{body}").as_bytes());
        let signed = hex(signed.as_ref());
        let request = Request::post("/discord/interactions")
            .header("content-type", "application/json")
            .header("x-signature-ed25519", signature.unwrap_or(&signed))
            .header("x-signature-timestamp", timestamp)
            .body(Body::from(body.to_owned()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub(crate) async fn post(&self, interaction: &Value) -> (u16, Value) {
        let now = self.now().await.to_string();
        self.post_at(&interaction.to_string(), &now, None).await
    }

    /// What the bot answers at last: at once, or as it promised.
    pub(crate) async fn hears(&self, interaction: &Value) -> Heard {
        let (status, answer) = self.post(interaction).await;
        assert_eq!(status, 200, "{answer}");
        let token = interaction["token"].as_str().unwrap();
        judge::request("POST", "/interactions/1/token/callback", Some(&answer)).unwrap();
        if !matches!(answer["type"].as_u64(), Some(5 | 6)) {
            return Heard { message: answer["data"].clone(), answer, files: Vec::new() };
        }
        let path = format!("/webhooks/{APPLICATION}/{token}/messages/@original");
        for _ in 0..6_000 {
            if let Some(seen) = self.discord.seen(&path).pop() {
                return Heard { answer, message: seen.body.unwrap(), files: seen.files };
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the bot broke its promise");
    }

    /// Somebody types a command: `/bytes send member:8 amount:5 reason:"for tea"`.
    pub(crate) async fn types(&self, who: Who, line: &str) -> Heard {
        let data = self.typed(line);
        self.hears(&self.interaction(who, 2, &data)).await
    }

    /// What Discord offers for the option that is typed last.
    pub(crate) async fn offered(&self, who: Who, line: &str) -> Vec<String> {
        let mut data = self.typed(line);
        let command = &mut data["options"][0];
        let options = if command["type"] == 1 { &mut command["options"] } else { &mut data["options"] };
        options.as_array_mut().unwrap().last_mut().unwrap()["focused"] = json!(true);
        let heard = self.hears(&self.interaction(who, 4, &data)).await;
        let choices = heard.message["choices"].as_array().unwrap().clone();
        choices.iter().map(|choice| choice["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Somebody presses the button of this label.
    pub(crate) async fn presses(&self, who: Who, heard: &Heard, label: &str) -> Heard {
        self.hears(&self.interaction(
            who,
            3,
            &json!({ "custom_id": heard.button(label), "component_type": 2 }),
        ))
        .await
    }

    /// Somebody fills in the form: field by field, a text or the labels of what is chosen.
    pub(crate) async fn fills(&self, who: Who, heard: &Heard, values: &[(&str, &str)]) -> Heard {
        self.hears(&self.interaction(who, 5, &heard.filled(values))).await
    }
}

impl Heard {
    /// The data of this form, filled in.
    pub(crate) fn filled(&self, values: &[(&str, &str)]) -> Value {
        let heard = self;
        assert_eq!(heard.answer["type"], 9, "that is no form: {}", heard.answer);
        let fields: Vec<Value> = heard.message["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|label| {
                let field = &label["component"];
                let id = field["custom_id"].as_str().unwrap();
                let (_, value) =
                    values.iter().find(|(name, _)| *name == id || label["label"] == *name).unwrap();
                let filled = if field["type"] == 3 {
                    let options = field["options"].as_array().unwrap();
                    let chosen: Vec<Value> = options
                        .iter()
                        .filter(|option| value.split('|').any(|wanted| option["label"] == wanted))
                        .map(|option| option["value"].clone())
                        .collect();
                    json!({ "type": 3, "custom_id": id, "values": chosen })
                } else {
                    json!({ "type": 4, "custom_id": id, "value": value })
                };
                json!({ "type": 18, "component": filled })
            })
            .collect();
        json!({ "custom_id": heard.message["custom_id"], "components": fields })
    }
}

impl Chat {
    /// The data of a typed command, by the bot's own description.
    pub(crate) fn typed(&self, line: &str) -> Value {
        let mut words = words(line.strip_prefix('/').unwrap()).into_iter();
        let name = words.next().unwrap();
        let command = COMMANDS.as_array().unwrap().iter().find(|command| command["name"] == name.as_str());
        let command = command.unwrap_or_else(|| panic!("there is no /{name}"));
        let mut words: Vec<String> = words.collect();
        let sub = command["options"].as_array().unwrap().iter().find(|option| {
            option["type"] == 1 && words.first().is_some_and(|word| option["name"] == word.as_str())
        });
        let known = sub.map_or(&command["options"], |sub| &sub["options"]);
        if sub.is_some() {
            words.remove(0);
        }
        let (mut users, mut members) = (serde_json::Map::new(), serde_json::Map::new());
        let given: Vec<Value> = words
            .iter()
            .map(|word| {
                let (name, value) = word.split_once(':').unwrap();
                let option = known.as_array().unwrap().iter().find(|option| option["name"] == name);
                let option = option.unwrap_or_else(|| panic!("{line} takes no {name}"));
                let kind = option["type"].as_u64().unwrap();
                let value = match kind {
                    4 => json!(value.parse::<i64>().unwrap()),
                    5 => json!(value == "yes"),
                    _ => json!(value),
                };
                if kind == 6 {
                    let id = value.as_str().unwrap();
                    let number: i64 = id.parse().unwrap();
                    let known = usize::try_from(number - 7).ok().and_then(|n| ["Ada", "Bob", "Eve"].get(n));
                    let name = known.map_or_else(|| format!("Member {id}"), |name| (*name).to_owned());
                    if let Some(roles) = self.discord.with(|known| known.members.get(&(1, number)).cloned()) {
                        let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
                        members.insert(id.to_owned(), json!({ "roles": roles, "permissions": "0" }));
                    }
                    users.insert(id.to_owned(), json!({ "id": id, "username": name, "global_name": name }));
                }
                json!({ "name": name, "type": kind, "value": value })
            })
            .collect();
        let options = match sub {
            Some(sub) => json!([{ "name": sub["name"], "type": 1, "options": given }]),
            None => json!(given),
        };
        json!({ "id": "1", "name": name, "type": 1, "options": options, "resolved": { "users": users, "members": members } })
    }

    /// What the API answers to whoever has a key of this scope: status and body.
    pub(crate) async fn asks(
        &self,
        scope: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let new = NewKey {
            name: "test".to_owned(),
            guild: Some(GUILD),
            user: None,
            scopes: Scopes::new([scope]),
            expires_at: None,
        };
        let mut conn = db::acquire(self.pool()).await.unwrap();
        let (_, key) = key_create(&mut conn, By::Cli, &Origin::default(), &new).await.unwrap();
        drop(conn);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", key.reveal()))
            .header("content-type", "application/json")
            .body(Body::from(body.map(|body| body.to_string()).unwrap_or_default()))
            .unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        assert_documented(method, path, parts.status.as_u16(), &parts.headers, &bytes);
        (parts.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Runs SQL that sets the stage.
    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(self.pool()).await.unwrap();
    }

    pub(crate) async fn known(&self) {
        let members = [(UserId::new(ADA), Some("Ada")), (UserId::new(BOB), Some("Bob"))];
        people::members_ensure(&mut self.pool().acquire().await.unwrap(), GUILD, &members).await.unwrap();
    }
}

/// Words of a line; what stands in quotation marks is one.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words
}

impl Heard {
    /// The bot answers this, exactly.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert_eq!(self.message["content"], text);
        self
    }

    /// Only who asked sees it.
    #[track_caller]
    pub(crate) fn privately(&self) -> &Self {
        let flags = self.answer["data"]["flags"].as_u64().unwrap_or(0);
        assert_eq!(flags, 64, "{}", self.answer);
        self
    }

    /// All see it.
    #[track_caller]
    pub(crate) fn openly(&self) -> &Self {
        assert!(self.answer["data"]["flags"].is_null(), "{}", self.answer);
        self
    }

    #[track_caller]
    pub(crate) fn button(&self, label: &str) -> String {
        let rows = self.message["components"].as_array().unwrap();
        let mut buttons = rows.iter().flat_map(|row| row["components"].as_array().unwrap());
        let button = buttons.find(|button| button["label"] == label);
        button.unwrap_or_else(|| panic!("there is no button {label}: {}", self.message))["custom_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}
