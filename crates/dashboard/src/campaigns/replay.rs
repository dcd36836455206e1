//! How a leaderboard came about, to be gone through instant by instant: as links, and with script by a slider.

use std::collections::HashMap;

use access::scope::CampaignsRead;
use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use campaigns::model::{Campaign, ScoringType};
use challenges::leaderboard::{MAX_RACERS, Race, Standing};
use chrono::{DateTime, SecondsFormat, Utc};
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::Problem;
use serde::Deserialize;

use super::standings::Rows;
use super::{CampaignPath, sees_drafts};

/// The most moments that a page lists: of more, some are left out evenly.
const MAX_TURNS: usize = 48;

/// Which instant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct At {
    at: Option<DateTime<Utc>>,
}

/// An instant at which somebody's place changed.
struct Turn {
    at: DateTime<Utc>,
    told: String,
    /// Whether it is the one that is shown.
    current: bool,
}

impl Turn {
    /// For an address: exact, or the moment would not be in it.
    fn machine(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Micros, true)
    }
}

#[derive(Template)]
#[template(path = "campaigns/replay.html")]
pub(super) struct ReplayPage {
    shell: Shell,
    campaign: Campaign,
    frozen: Option<Html>,
    shown: usize,
    at: DateTime<Utc>,
    rows: Html,
    turns: Vec<Turn>,
}

impl ReplayPage {
    fn at(&self, rest: &str) -> String {
        self.shell.at(&format!("/campaigns/{}{rest}", self.campaign.id))
    }

    fn own(&self) -> String {
        self.shell.member.map(|user| user.to_string()).unwrap_or_default()
    }

    fn is_by_points(&self) -> bool {
        self.campaign.settings.scoring_type == ScoringType::PointBased
    }
}

async fn read(
    app: &App,
    visit: &Visit<CampaignsRead>,
    path: CampaignPath,
) -> Result<(Campaign, Race), Problem> {
    let (guild, id, drafts) = (visit.guild_id(), path.campaign_id, sees_drafts(&visit.shell));
    try_join!(
        campaigns::ops::campaign_get(app.pool(), guild, id, drafts).err_into::<Problem>(),
        challenges::ops::board_replay(app.pool(), (guild, id), drafts, Some(MAX_RACERS))
            .err_into::<Problem>(),
    )
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(query): Query<At>,
) -> Result<Page<ReplayPage>, Problem> {
    let (campaign, race) = read(&app, &visit, path).await?;
    let mut turns = turns(&race);
    let at = query.at.or(turns.last().map(|turn| turn.at)).unwrap_or(visit.shell.now);
    // The one that holds at the instant, which need not be one of them.
    if let Some(turn) = turns.iter_mut().rfind(|turn| turn.at <= at) {
        turn.current = true;
    }
    let board = race.board_at(at);
    Ok(Page(ReplayPage {
        frozen: race.frozen_since.map(|since| format::time(&since)),
        shown: board.items.len(),
        rows: Rows::of(&campaign, &board).html()?,
        at,
        turns,
        campaign,
        shell: visit.shell,
    }))
}

/// The rows alone, for the slider.
pub(super) async fn rows(
    State(app): State<App>,
    visit: Visit<CampaignsRead>,
    Path(path): Path<CampaignPath>,
    Query(query): Query<At>,
) -> Result<Response, Problem> {
    let (campaign, race) = read(&app, &visit, path).await?;
    let board = race.board_at(query.at.unwrap_or(visit.shell.now));
    let html = Rows::of(&campaign, &board).html()?;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], html.to_string()).into_response())
}

/// The instants at which somebody's place changed, and who moved.
fn turns(race: &Race) -> Vec<Turn> {
    let ranks = |board: &[Standing]| -> HashMap<String, (i64, bool)> {
        board.iter().map(|row| (row.participant_id.clone(), (row.rank, row.parts_solved > 0))).collect()
    };
    let mut before: HashMap<String, (i64, bool)> = HashMap::new();
    let mut turns = Vec::new();
    for at in race.instants() {
        let board = race.board_at(at).items;
        let after = ranks(&board);
        // Whose own score changed now, not whom that pushed down; the best of them, should they be several.
        let acted = |row: &&Standing| {
            race.lines.iter().any(|line| {
                line.participant_id == row.participant_id
                    && line.moments.binary_search_by_key(&at, |moment| moment.at).is_ok()
            })
        };
        let moved = board.iter().filter(acted).find(|row| {
            let was = before.get(&row.participant_id).copied().unwrap_or((0, false));
            row.parts_solved > 0 && was != (row.rank, true)
        });
        if let Some(row) = moved {
            let place = format::ordinal(row.rank);
            let told = match before.get(&row.participant_id) {
                Some((was, true)) if *was < row.rank => format!("{} falls to {place}", row.display_name),
                Some((was, true)) if *was > row.rank => format!("{} rises to {place}", row.display_name),
                _ => format!("{} enters as {place}", row.display_name),
            };
            turns.push(Turn { at, told, current: false });
        }
        before = after;
    }
    thinned(turns)
}

/// At most [`MAX_TURNS`] of them, evenly, the last among them.
fn thinned(turns: Vec<Turn>) -> Vec<Turn> {
    let count = turns.len();
    if count <= MAX_TURNS {
        return turns;
    }
    let kept = |n: usize| (n + 1) * MAX_TURNS / count > n * MAX_TURNS / count;
    turns.into_iter().enumerate().filter(|(n, _)| kept(*n)).map(|(_, turn)| turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_moments_some_are_listed_evenly_with_the_last() {
        for count in [1, 47, 48, 49, 100, 5_000] {
            let at = |n: usize| DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(i64::try_from(n).unwrap());
            let all = (0..count).map(|n| Turn { at: at(n), told: String::new(), current: false });
            let kept = thinned(all.collect());
            assert_eq!(kept.len(), count.min(MAX_TURNS));
            assert_eq!(kept.last().unwrap().at, at(count - 1));
        }
    }
}
