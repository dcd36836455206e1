//! The steps: the server, its guilds, and of a guild who runs it, how it rewards, its first campaign, what the world may see.

use access::roles::Grant;
use access::scope::SettingsWrite;
use access::settings::{Registry, settings_change, settings_get};
use access::{Actor, App, Author, Global, Path, Role, roles};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use campaigns::authoring;
use campaigns::ops::Asker;
use frame::decode::Typed;
use frame::flash::{self, done};
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::hidden;
use frame::visit::{called, theme, token};
use frame::{csrf, format, sigil, ui};
use kernel::{GuildId, Limit, PageQuery, Problem, UserId};
use people::MemberEdit;
use people::heading::{GuildName, guild_names};
use people::public::PublicSettings;
use sandbox::Sandbox;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The most people with roles that are listed.
const STAFF: i64 = 50;

/// A way in which a guild may reward, by what it is called.
struct Preset {
    slug: &'static str,
    name: &'static str,
    about: &'static str,
    /// Settings of the group `rewards`.
    values: &'static [(&'static str, i64)],
}

const PRESETS: [Preset; 3] = [
    Preset {
        slug: "talk",
        name: "A talkative guild",
        about: "Messages bring what they bring by default: 15 XP, at most every 30 seconds in a channel.",
        values: &[
            ("message_xp", 15),
            ("message_cooldown_seconds", 30),
            ("quest_complete_xp", 50),
            ("thread_create_xp", 20),
        ],
    },
    Preset {
        slug: "busy",
        name: "A busy guild",
        about: "Thousands write a day: 10 XP at most every 90 seconds, so that quality tells and not quantity.",
        values: &[
            ("message_xp", 10),
            ("message_cooldown_seconds", 90),
            ("quest_complete_xp", 75),
            ("thread_create_xp", 15),
        ],
    },
    Preset {
        slug: "deeds",
        name: "Deeds before words",
        about: "Messages bring little, quests and threads bring much: for guilds that are here to learn and build.",
        values: &[
            ("message_xp", 5),
            ("message_cooldown_seconds", 60),
            ("quest_complete_xp", 150),
            ("thread_create_xp", 30),
        ],
    },
];

impl Preset {
    fn settings(&self) -> Map<String, Value> {
        self.values.iter().map(|(name, value)| (format!("rewards.{name}"), json!(value))).collect()
    }
}

/// Something that was looked at.
struct Check {
    good: bool,
    name: &'static str,
    said: &'static str,
}

#[derive(Template)]
#[template(path = "set_up/overview.html")]
pub(super) struct OverviewPage {
    theme: &'static str,
    flash: Option<String>,
    csrf: String,
    name: String,
    operator: bool,
    checks: Vec<Check>,
    guilds: Vec<GuildName>,
    form: Form,
}

impl OverviewPage {
    fn hidden(&self) -> Html {
        Html::trusted(hidden(&self.csrf))
    }

    fn sign_out(&self) -> String {
        csrf::masked(&self.csrf)
    }
}

/// What every step begins with: how the server is, and which guilds there are.
pub(super) async fn overview(
    app: &App,
    actor: &Actor,
    headers: &HeaderMap,
    form: Form,
) -> Result<OverviewPage, Problem> {
    let http = app.http();
    let checks = vec![
        Check {
            good: http.public_url.is_some(),
            name: "Its address",
            said: "`http.public_url` says how the world reaches the server; links to it are made of that.",
        },
        Check {
            good: http.discord.is_some(),
            name: "Signing in with Discord",
            said: "`auth.discord_client_id` and its secret: the operators’ guide shows where to get them. Without, nobody but you gets in.",
        },
    ];
    Ok(OverviewPage {
        theme: theme(app, headers),
        flash: flash::taken(app, headers),
        csrf: token(app, headers),
        name: called(actor),
        operator: actor.is_operator(),
        checks,
        guilds: guild_names(app.pool(), None).await?,
        form,
    })
}

/// A guild as somebody names it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGuild {
    guild_id: GuildId,
    name: String,
}

/// Makes a guild known; who does it runs it, if they are somebody of Discord.
pub(super) async fn guild(
    State(app): State<App>,
    global: Global<SettingsWrite>,
    headers: HeaderMap,
    typed: Typed,
) -> Result<Response, Problem> {
    let make = async {
        let NewGuild { guild_id, name } = typed.read()?;
        let author = Author::new(global.by(), &global.origin);
        people::heading::guild_make(app.pool(), guild_id, &name, author).await?;
        if let Some(user) = global.actor.user {
            // Who came by the link was never seen on Discord: they are somebody here, too, with a profile and a hand to grade with.
            let (by, origin) = (global.by(), &global.origin);
            people::ops::member_put(app.pool(), guild_id, user, &MemberEdit::default(), by, origin).await?;
            let mut tx = db::begin(app.pool()).await?;
            roles::grant_put(&mut tx, global.by(), &global.origin, guild_id, user, Role::Owner, None).await?;
            tx.commit().await?;
        }
        Ok::<_, Problem>(guild_id)
    };
    match make.await {
        Ok(guild) => Ok(done(&app, &format!("/set-up/guilds/{guild}"), "The guild is known.")),
        Err(problem) if shown_in_form(&problem) => {
            let form = Form::refused(typed, problem.clone());
            Ok(refused(&overview(&app, &global.actor, &headers, form).await?, &problem))
        }
        Err(problem) => Err(problem),
    }
}

/// The guild whose steps these are.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct GuildPath {
    guild_id: GuildId,
}

#[derive(Template)]
#[template(path = "set_up/guild.html")]
struct GuildPage {
    theme: &'static str,
    flash: Option<String>,
    csrf: String,
    guild: GuildName,
    staff: Vec<Grant>,
    roles: Vec<(String, String)>,
    rewards: Value,
    campaigns: usize,
    scripts: bool,
    opened: PublicSettings,
    form: Form,
}

impl GuildPage {
    fn hidden(&self) -> Html {
        Html::trusted(hidden(&self.csrf))
    }

    fn at(&self, step: &str) -> String {
        format!("/set-up/guilds/{}{step}", self.guild.guild_id)
    }

    fn owned(&self) -> bool {
        self.staff.iter().any(|grant| grant.role == Role::Owner.as_str())
    }

    const fn presets() -> &'static [Preset] {
        &PRESETS
    }

    /// Whether the guild rewards as this has it.
    fn chosen(&self, preset: &Preset) -> bool {
        preset
            .values
            .iter()
            .all(|(name, value)| self.rewards.get(name).and_then(Value::as_i64) == Some(*value))
    }

    /// Whether the step is done, as a seal.
    fn state(done: bool) -> Html {
        if done { ui::seal("done", "Done") } else { ui::seal("soon", "To do") }
    }
}

async fn page(
    app: &App,
    registry: &Registry,
    scripts: bool,
    headers: &HeaderMap,
    guild: GuildId,
    form: Form,
) -> Result<GuildPage, Problem> {
    let known =
        guild_names(app.pool(), Some(&[guild])).await?.pop().ok_or_else(|| Problem::not_found("guild"))?;
    let mut conn = db::acquire(app.pool()).await?;
    let staff = roles::grant_list(&mut conn, guild, None, None, None, Limit::new(Some(STAFF))?).await?;
    let rewards = settings_get(&mut conn, registry, Some(guild), "rewards").await?;
    let opened = access::settings::settings_read::<PublicSettings>(&mut conn, Some(guild)).await?;
    drop(conn);
    let first = PageQuery { limit: Some(1), cursor: None };
    let campaigns = campaigns::ops::campaign_list(app.pool(), guild, None, true, &first).await?.items.len();
    let rewards: Map<String, Value> = rewards
        .settings
        .into_iter()
        .map(|setting| (setting.key.trim_start_matches("rewards.").to_owned(), setting.value))
        .collect();
    Ok(GuildPage {
        theme: theme(app, headers),
        flash: flash::taken(app, headers),
        csrf: token(app, headers),
        guild: known,
        staff: staff.items.into_iter().filter(|grant| grant.role != Role::Member.as_str()).collect(),
        roles: Role::ALL.iter().map(|role| (role.as_str().to_owned(), format::word(role.as_str()))).collect(),
        rewards: Value::Object(rewards),
        campaigns,
        scripts,
        opened,
        form,
    })
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    scripts: Option<Extension<Sandbox>>,
    _global: Global<SettingsWrite>,
    Path(path): Path<GuildPath>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = page(&app, &registry, scripts.is_some(), &headers, path.guild_id, Form::new()).await?;
    Ok(axum::response::IntoResponse::into_response(Page(page)))
}

/// Goes back to the guild's steps with what was done, or shows why it was not.
async fn step(
    app: &App,
    (registry, scripts, headers): (&Registry, bool, &HeaderMap),
    guild: GuildId,
    typed: Typed,
    outcome: Result<String, Problem>,
) -> Result<Response, Problem> {
    match outcome {
        Ok(said) => Ok(done(app, &format!("/set-up/guilds/{guild}"), &said)),
        Err(problem) if shown_in_form(&problem) => {
            let form = Form::refused(typed, problem.clone());
            Ok(refused(&page(app, registry, scripts, headers, guild, form).await?, &problem))
        }
        Err(problem) => Err(problem),
    }
}

/// 404 for a guild that there is not: nothing is made known by a step.
async fn known(app: &App, guild: GuildId) -> Result<(), Problem> {
    match people::heading::heading(app.pool(), guild, None, &[]).await? {
        Some(_) => Ok(()),
        None => Err(Problem::not_found("guild")),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStaff {
    user_id: UserId,
    role: Role,
}

/// Says who runs the guild.
pub(super) async fn staff(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    scripts: Option<Extension<Sandbox>>,
    global: Global<SettingsWrite>,
    Path(GuildPath { guild_id }): Path<GuildPath>,
    headers: HeaderMap,
    typed: Typed,
) -> Result<Response, Problem> {
    let grant = async {
        known(&app, guild_id).await?;
        let NewStaff { user_id, role } = typed.read()?;
        let mut tx = db::begin(app.pool()).await?;
        roles::grant_put(&mut tx, global.by(), &global.origin, guild_id, user_id, role, None).await?;
        tx.commit().await?;
        Ok(format!("They are {} now.", format::word(role.as_str()).to_lowercase()))
    };
    let outcome = grant.await;
    step(&app, (&registry, scripts.is_some(), &headers), guild_id, typed, outcome).await
}

/// Chooses how the guild rewards.
pub(super) async fn preset(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    scripts: Option<Extension<Sandbox>>,
    global: Global<SettingsWrite>,
    Path(GuildPath { guild_id }): Path<GuildPath>,
    headers: HeaderMap,
    typed: Typed,
) -> Result<Response, Problem> {
    let change = async {
        known(&app, guild_id).await?;
        let chosen = PRESETS.iter().find(|preset| typed.value("preset") == Some(preset.slug));
        let chosen =
            chosen.ok_or_else(|| Problem::field("preset", "must be one of those that are offered"))?;
        let mut tx = db::begin(app.pool()).await?;
        let (by, origin) = (global.by(), &global.origin);
        settings_change(&mut tx, &registry, by, origin, Some(guild_id), &chosen.settings()).await?;
        tx.commit().await?;
        Ok(format!("{}: every figure can be changed under “Settings”.", chosen.name))
    };
    let outcome = change.await;
    step(&app, (&registry, scripts.is_some(), &headers), guild_id, typed, outcome).await
}

/// Brings the example campaign in, as a draft.
pub(super) async fn campaign(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    scripts: Option<Extension<Sandbox>>,
    global: Global<SettingsWrite>,
    Path(GuildPath { guild_id }): Path<GuildPath>,
    headers: HeaderMap,
    typed: Typed,
) -> Result<Response, Problem> {
    let import = async {
        known(&app, guild_id).await?;
        let bundle = tokio::task::spawn_blocking(authoring::example)
            .await
            .map_err(|error| Problem::internal(&error))?
            .map_err(|error| Problem::internal(&error))?;
        let asker = Asker { by: global.by(), origin: Some(&global.origin) };
        let made = authoring::bundle_import(app.pool(), app.wake(), guild_id, asker, &bundle, None).await?;
        Ok(format!(
            "“{}” is there as a draft: look at it under “Campaigns” of the staff, then publish it.",
            made.settings.name
        ))
    };
    let outcome = import.await;
    step(&app, (&registry, scripts.is_some(), &headers), guild_id, typed, outcome).await
}

/// Opens what the world may see, or closes it.
pub(super) async fn public(
    State(app): State<App>,
    Extension(registry): Extension<Registry>,
    scripts: Option<Extension<Sandbox>>,
    global: Global<SettingsWrite>,
    Path(GuildPath { guild_id }): Path<GuildPath>,
    headers: HeaderMap,
    typed: Typed,
) -> Result<Response, Problem> {
    let change = async {
        known(&app, guild_id).await?;
        let wanted: PublicSettings = typed.read()?;
        let values = Map::from_iter([
            ("public.campaigns".to_owned(), json!(wanted.campaigns)),
            ("public.leaderboards".to_owned(), json!(wanted.leaderboards)),
        ]);
        let mut tx = db::begin(app.pool()).await?;
        settings_change(&mut tx, &registry, global.by(), &global.origin, Some(guild_id), &values).await?;
        tx.commit().await?;
        Ok(if wanted == PublicSettings::default() {
            "Nothing is open to the world.".to_owned()
        } else {
            format!("It is open to the world at /p/{guild_id}.")
        })
    };
    let outcome = change.await;
    step(&app, (&registry, scripts.is_some(), &headers), guild_id, typed, outcome).await
}

#[cfg(test)]
mod tests {
    use access::settings::Described;
    use progress::rewards::RewardSettings;

    use super::*;

    #[test]
    fn presets_are_settings_that_there_are() {
        let group = Described::of::<RewardSettings>();
        for preset in &PRESETS {
            for (name, value) in preset.values {
                let field = group.field(name).unwrap_or_else(|| panic!("{name}"));
                field.check(&json!(value)).unwrap();
            }
        }
    }
}
