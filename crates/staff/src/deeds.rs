//! What is done to a campaign's life: each deed has a page that says what will happen.

use access::scope::CampaignsWrite;
use access::{App, Path};
use axum::extract::State;
use axum::response::Response;
use campaigns::model::{Campaign, Status};
use chrono::{DateTime, Utc};
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::format;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use kernel::Problem;
use serde::Deserialize;

use super::asker;
use super::campaigns::{CampaignPath, at};
use super::sheet::{Sheet, again, button, field, form, join, link, says};

/// A deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Publish,
    Start,
    Close,
    OpenRewards,
    Cancel,
    Delete,
}

impl Deed {
    const fn path(self) -> &'static str {
        match self {
            Self::Publish => "/publish",
            Self::Start => "/start",
            Self::Close => "/close",
            Self::OpenRewards => "/open-rewards",
            Self::Cancel => "/cancel",
            Self::Delete => "/delete",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Publish => "Publish",
            Self::Start => "Start now",
            Self::Close => "Close",
            Self::OpenRewards => "Open rewards",
            Self::Cancel => "Cancel the campaign",
            Self::Delete => "Delete",
        }
    }

    /// The question whether it shall be done.
    fn asked_of(self, campaign: &str) -> String {
        match self {
            Self::Publish => format!("Publish {campaign}?"),
            Self::Start => format!("Start {campaign} now?"),
            Self::Close => format!("Close {campaign}?"),
            Self::OpenRewards => format!("Open the rewards of {campaign}?"),
            Self::Cancel => format!("Cancel {campaign}?"),
            Self::Delete => format!("Delete {campaign}?"),
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Publish | Self::Start | Self::OpenRewards => "primary",
            Self::Close | Self::Cancel | Self::Delete => "grave",
        }
    }

    const fn did(self) -> &'static str {
        match self {
            Self::Publish => "It is published: members can register.",
            Self::Start => "It starts: its first challenge is released in a moment.",
            Self::Close => "It is closed: its standings are final.",
            Self::OpenRewards => "Rewards can be claimed.",
            Self::Cancel => "It is cancelled.",
            Self::Delete => "It is gone.",
        }
    }

    /// What will happen, in sentences.
    fn consequences(self, campaign: &Campaign) -> Vec<String> {
        let settings = &campaign.settings;
        let challenges = format::count(campaign.challenges, "challenge", "challenges");
        let fee = settings.entry_fee;
        match self {
            Self::Publish => vec![
                format!("Members see it and can register. It has {challenges}."),
                "Its start, its end and its releases are set as timers; publishing it again moves them."
                    .to_owned(),
                "Members' inputs are made ahead of the start.".to_owned(),
            ],
            Self::Start => vec![
                format!(
                    "It is published if it was not, starts at once, and runs for {} hours.",
                    settings.duration_hours
                ),
                format!(
                    "The first of {challenges} is released now, then one every {} minutes.",
                    settings.release_delay_minutes
                ),
                "What competitors rely on can be changed no more.".to_owned(),
            ],
            Self::Close => vec![
                "No answer is taken any more, and its standings are final. It cannot be opened again."
                    .to_owned(),
                if settings.rewards_enabled && !settings.rewards.is_empty() {
                    format!("Rewards can be claimed {} minutes later.", settings.timers.reward_delay_minutes)
                } else {
                    "There are no rewards to claim.".to_owned()
                },
            ],
            Self::OpenRewards => vec![format!(
                "Who earned a reward can claim it at once, for {} days. What is not claimed by then lapses.",
                settings.timers.claim_days
            )],
            Self::Cancel => vec![
                "What is scheduled is called off. It cannot be taken up again.".to_owned(),
                if campaign.status == Status::Created && fee > 0 {
                    format!("Everybody who paid gets their {} bytes back.", format::number(fee))
                } else if campaign.status == Status::Created {
                    "Nobody has paid for it.".to_owned()
                } else {
                    "It has started, so entry fees do not go back.".to_owned()
                },
            ],
            Self::Delete => vec![
                format!("Its {challenges}, answers and standings go. What was paid stays in the ledger."),
                "It cannot be brought back, except from a bundle that you took before.".to_owned(),
            ],
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Publication {
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    start_time: Option<DateTime<Utc>>,
}

fn sheet(shell: Shell, campaign: &Campaign, deed: Deed, values: Form) -> Sheet {
    let mut fields: Vec<Html> = Vec::new();
    if deed == Deed::Publish {
        fields.push(field(&values.time("start_time:time", "Starts").help("In UTC.")));
    }
    let says = deed.consequences(campaign).into_iter().map(says);
    let body = join([
        join(says),
        form(
            &shell,
            &at(&shell, campaign.id, deed.path()),
            fields,
            [button("yes", deed.label(), deed.class()), link(at(&shell, campaign.id, ""), "Not now")],
        ),
    ]);
    let above = format!("/staff/campaigns/{}", campaign.id);
    let title = deed.asked_of(&campaign.settings.name);
    Sheet::new(shell, title)
        .below("/staff/campaigns", "Campaigns")
        .below(&above, &campaign.settings.name)
        .of(values)
        .part("What will happen", body)
}

async fn asked(app: &App, shell: Shell, path: CampaignPath, deed: Deed) -> Result<Page<Sheet>, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let campaign = campaigns::ops::campaign_get(pool, guild, path.campaign_id, true).await?;
    let values = Form::of(&campaign.settings);
    Ok(Page(sheet(shell, &campaign, deed, values)))
}

async fn carried_out(
    app: &App,
    visit: Visit<CampaignsWrite>,
    path: CampaignPath,
    (deed, typed): (Deed, Typed),
) -> Result<Response, Problem> {
    let (pool, wake, guild, id) = (app.pool(), app.wake(), visit.guild_id(), path.campaign_id);
    let carry_out = async {
        let by = asker(&visit.guild);
        match deed {
            Deed::Publish => {
                let publication: Publication = typed.read()?;
                campaigns::ops::campaign_publish(pool, wake, guild, by, id, publication.start_time).await?;
            }
            Deed::Start => drop(campaigns::ops::campaign_start(pool, wake, guild, by, id).await?),
            Deed::Close => drop(campaigns::ops::campaign_close(pool, wake, guild, by, id).await?),
            Deed::OpenRewards => {
                drop(campaigns::ops::campaign_open_rewards(pool, wake, guild, by, id).await?);
            }
            Deed::Cancel => drop(campaigns::ops::campaign_cancel(pool, wake, guild, by, id).await?),
            Deed::Delete => campaigns::ops::campaign_delete(pool, guild, by, id).await?,
        }
        Ok::<_, Problem>(())
    };
    match carry_out.await {
        Ok(()) => {
            let to = if deed == Deed::Delete {
                visit.shell.at("/staff/campaigns")
            } else {
                at(&visit.shell, id, "")
            };
            Ok(done(app, &to, deed.did()))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            let campaign = campaigns::ops::campaign_get(pool, guild, id, true).await?;
            Ok(sheet(visit.shell, &campaign, deed, form).refused(&problem))
        }
    }
}

macro_rules! deeds {
    ($($ask:ident, $carry_out:ident: $deed:ident;)*) => {
        $(
            pub(super) async fn $ask(
                State(app): State<App>,
                visit: Visit<CampaignsWrite>,
                Path(path): Path<CampaignPath>,
            ) -> Result<Page<Sheet>, Problem> {
                asked(&app, visit.shell, path, Deed::$deed).await
            }

            pub(super) async fn $carry_out(
                State(app): State<App>,
                visit: Visit<CampaignsWrite>,
                Path(path): Path<CampaignPath>,
                typed: Typed,
            ) -> Result<Response, Problem> {
                carried_out(&app, visit, path, (Deed::$deed, typed)).await
            }
        )*
    };
}
deeds! {
    ask_publish, publish: Publish;
    ask_start, start: Start;
    ask_close, close: Close;
    ask_open_rewards, open_rewards: OpenRewards;
    ask_cancel, cancel: Cancel;
    ask_delete, delete: Delete;
}
