//! What something would earn by what is configured now, and why something earned what it did.

use ::lake::browse::{self, Explained};
use ::lake::categories::Interaction;
use ::lake::trial::{self, Trial, Tried};
use access::scope::CommunityWrite;
use access::{App, Query};
use axum::extract::State;
use frame::form::Form;
use frame::format;
use frame::html::Html;
use frame::page::{Page, optional};
use frame::shell::Shell;
use frame::visit::Visit;
use futures::try_join;
use kernel::{ChannelId, Problem};
use progress::rewards::{Explanation, Figures};
use serde::{Deserialize, Serialize};

use super::categories::called;
use super::kinds;
use super::lake::{filled, instant};
use super::names::Names;
use super::sheet::{Sheet, asking, code, factor, facts, field, group, join, says, table, text};

/// What is asked for, by the address.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Asked {
    interaction_type: Option<Interaction>,
    channel_id: String,
    at: String,
    length: String,
    emoji: String,
    code: bool,
    link: bool,
    attachment: bool,
    /// An event that happened.
    source_id: String,
}

impl Asked {
    /// The event that did not happen.
    fn trial(&self) -> Result<Option<Trial>, Problem> {
        let Some(interaction) = self.interaction_type else { return Ok(None) };
        let channel_id = filled::<ChannelId>("channel_id", &self.channel_id, "must be a channel's id")?;
        let at = instant("at", &self.at)?;
        let count = |name, text: &str| filled::<u32>(name, text, "must be a whole number");
        let figures = Figures {
            length: count("length", &self.length)?.unwrap_or(0),
            code: self.code,
            link: self.link,
            attachment: self.attachment,
            emoji: count("emoji", &self.emoji)?.unwrap_or(0),
        };
        Ok(Some(Trial { interaction, channel_id, at, figures }))
    }
}

/// The steps from a base to a reward.
fn steps(label: &str, steps: &[Explanation]) -> Html {
    let rows = steps.iter().map(|step| {
        let reason = match &step.name {
            Some(name) => format!("{} ({name})", step.reason),
            None => step.reason.to_owned(),
        };
        vec![
            text(reason),
            step.xp.map(factor).unwrap_or_default(),
            step.stars.map(factor).unwrap_or_default(),
        ]
    });
    table(label, &["Why", "#XP", "#Stars"], rows.collect(), "Nothing changes the base.")
}

/// `15 XP and 1 star`.
fn amounts(xp: i32, stars: i32) -> String {
    format!("{} XP and {}", format::number(xp), format::count(stars, "star", "stars"))
}

fn would_earn(tried: &Tried) -> Html {
    if let Some(why) = tried.refused {
        return join([says("Nothing."), says(why)]);
    }
    let (reward, factors) = (&tried.reward, &tried.factors);
    join([
        facts([
            ("It would earn", text(amounts(reward.xp, reward.stars))),
            ("Before any factor", text(amounts(reward.base_xp, reward.base_stars))),
            (
                "Category and events",
                join([text("XP"), factor(factors.xp), text("stars"), factor(factors.stars)]),
            ),
        ]),
        steps("How it comes about", &tried.steps),
    ])
}

fn did_earn(shell: &Shell, names: &Names, explained: &Explained) -> Html {
    let event = &explained.event;
    let known = facts([
        ("What", text(kinds::on_discord(&event.event_type))),
        ("Who", names.member(shell, &event.user_id)),
        ("Where", event.channel_id.map(code).unwrap_or_default()),
        ("When", format::time(&event.timestamp)),
    ]);
    let rewards = explained.rewards.iter().enumerate().map(|(n, reward)| {
        join([
            facts([
                ("Earned", text(amounts(reward.xp, reward.stars))),
                ("By", names.member(shell, &reward.user_id)),
                ("For", text(kinds::in_journal(&reward.event_type))),
                ("Before any factor", text(amounts(reward.base_xp, reward.base_stars))),
            ]),
            steps(&format!("Steps of reward {}", n + 1), &reward.steps),
        ])
    });
    join([known, join(rewards), explained.refused.map(says).unwrap_or_default()])
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(asked): Query<Asked>,
) -> Result<Page<Sheet>, Problem> {
    let (pool, guild, shell) = (app.pool(), visit.guild_id(), visit.shell);
    let trial = asked.trial()?;
    let source = asked.source_id.trim();
    let (tried, explained) = try_join!(
        async {
            let Some(trial) = trial else { return Ok(None) };
            trial::earn(pool, guild, &trial).await.map(Some).map_err(Problem::from)
        },
        async {
            if source.is_empty() {
                return Ok(None);
            }
            optional(browse::explain(pool, guild, source).await).map(Some)
        }
    )?;
    let values = Form::of(&asked);
    let path = shell.at("/staff/earnings");
    let kinds = Interaction::ALL.map(|one| (one.as_str().to_owned(), called(one).to_owned()));
    let would = asking(
        &path,
        [
            field(&values.choice("interaction_type", "What", &kinds)),
            field(
                &values
                    .line("channel_id", "Channel")
                    .exact()
                    .help("Its id; outside of all categories unless told."),
            ),
            field(&values.time("at", "When").help("In UTC; now unless told.")),
            group(
                "Where it is a message",
                [
                    field(&values.number("length", "Characters").between(0, 4_000)),
                    field(&values.number("emoji", "Emoji").between(0, 4_000)),
                    field(&values.pick("code", "true", "It has a code block")),
                    field(&values.pick("link", "true", "It has a link")),
                    field(&values.pick("attachment", "true", "Something is attached")),
                ],
            ),
        ],
        "What would it earn?",
    );
    let did = asking(
        &path,
        [field(
            &values
                .line("source_id", "Event")
                .exact()
                .required()
                .help("Its source id, as the lake lists it."),
        )],
        "Why did it earn that?",
    );
    let answer = tried.as_ref().map(would_earn);
    let users = explained.iter().flatten().flat_map(|explained| {
        std::iter::once(explained.event.user_id).chain(explained.rewards.iter().map(|reward| reward.user_id))
    });
    let names = Names::of(&app, shell.guild_id, users).await?;
    let why = explained.map(|found| match found {
        Some(explained) => did_earn(&shell, &names, &explained),
        None => says("No such event is known here."),
    });
    let mut sheet = Sheet::new(shell, "What would it earn?");
    if let Some(answer) = answer {
        sheet = sheet.part("The answer", answer);
    }
    if let Some(why) = why {
        sheet = sheet.part("Why it earned that", why);
    }
    Ok(Page(sheet.part("Something that might happen", would).part("Something that happened", did)))
}
