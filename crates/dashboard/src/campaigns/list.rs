//! The campaigns of a guild.

use access::scope::CampaignsRead;
use access::{App, Query};
use askama::Template;
use axum::extract::State;
use campaigns::model::{Campaign, CampaignType, Status};
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, markdown, ui};
use kernel::{PageQuery, Problem};
use serde::Deserialize;

use super::sees_drafts;

/// How many are shown at once.
const SHOWN: i64 = 24;

/// Which to show.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    status: Option<Status>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "campaigns/list.html")]
pub(super) struct ListPage {
    shell: Shell,
    status: Option<Status>,
    campaigns: Vec<Campaign>,
    next: Option<String>,
}

impl ListPage {
    const FILTERS: [(&'static str, &'static str); 5] = [
        ("", "All"),
        ("RUNNING", "Running"),
        ("CREATED", "Coming"),
        ("REWARD_CLAIM", "Rewards open"),
        ("EXPIRED", "Over"),
    ];

    fn is_chosen(&self, word: &str) -> bool {
        self.status.map_or("", Status::as_str) == word
    }

    fn query(&self) -> String {
        self.status.map(|status| format!("status={}", status.as_str())).unwrap_or_default()
    }

    fn about(campaign: &Campaign) -> String {
        campaign.settings.description.as_deref().map(|text| markdown::excerpt(text, 140)).unwrap_or_default()
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CampaignsRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<ListPage>, Problem> {
    let page = PageQuery { limit: Some(SHOWN), cursor: filter.cursor };
    let drafts = sees_drafts(&visit.shell);
    let found =
        campaigns::ops::campaign_list(app.pool(), visit.guild_id(), filter.status, drafts, &page).await?;
    Ok(Page(ListPage { shell: visit.shell, status: filter.status, campaigns: found.items, next: found.next }))
}
