//! Figures of a campaign, and what members got to work on.

use access::scope::CampaignsWrite;
use access::{App, Path, Query};
use axum::extract::State;
use frame::page::Page;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::{PageQuery, Problem};
use serde::Deserialize;

use super::campaigns::{CampaignPath, about, at};
use super::sheet::{Sheet, code, join, table, tabs, text};

/// What figures are of, and what they are called.
const KINDS: [(&str, &str); 5] = [
    ("ENGAGEMENT_COUNT", "Engagement"),
    ("PARTICIPANT_COUNT", "Participants"),
    ("REWARD_CLAIMED", "Rewards claimed"),
    ("TIMER_EXECUTION_TIME", "Timers, ms"),
    ("STATE_TRANSITION_TIME", "Transitions, ms"),
];

/// Which figures.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    metric_type: Option<String>,
    cursor: Option<String>,
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    let id = path.campaign_id;
    let kind = KINDS.iter().map(|kind| kind.0).find(|kind| filter.metric_type.as_deref() == Some(*kind));
    let wanted = PageQuery { limit: None, cursor: filter.cursor };
    let page = campaigns::ops::metric_list(app.pool(), visit.guild_id(), id, kind, &wanted).await?;
    let sheet = about(&app, visit.shell, id, "Figures").await?;
    let own = at(&sheet.shell, id, "/figures");
    let rows = page.items.iter().map(|metric| {
        let called = KINDS.iter().find(|kind| kind.0 == metric.metric_type).map_or("–", |kind| kind.1);
        vec![
            text(called),
            text(if metric.value.fract() == 0.0 {
                format!("{:.0}", metric.value)
            } else {
                format!("{:.1}", metric.value)
            }),
            code(&metric.attributes),
            format::time(&metric.recorded_at),
        ]
    });
    let query = kind.map(|kind| format!("metric_type={kind}")).unwrap_or_default();
    let here = if query.is_empty() { own.clone() } else { format!("{own}?{query}") };
    let mut ways = vec![(own.clone(), "All")];
    ways.extend(KINDS.iter().map(|(kind, called)| (format!("{own}?metric_type={kind}"), *called)));
    let body = join([
        tabs("Which", &here, &ways),
        table("Figures", &["What", "#Figure", "Of", "Until"], rows.collect(), "Nothing was recorded yet."),
        ui::more(&own, query, page.next.as_ref()),
    ]);
    Ok(Page(sheet.part("Minute by minute, the latest first", body)))
}
