//! What there is to choose from, by name: for who types, and for what was typed.

use community::board::model::{BoardQuery, BoardStatus};
use kernel::{Page, PageQuery, Problem};
use moderation::model::{AppealStatus, RaidAction};
use moderation::ops::rules::RuleState;

use super::call::Call;
use super::{automod, campaign};

/// Names looked through: what lies beyond is found by its id alone.
const MOST: usize = 5_000;

/// What an option names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Squad,
    Campaign,
    /// Of the campaign that was named before.
    Challenge,
    BoardQuest,
    Item,
    Achievement,
    Path,
    Quest,
    /// Of automod.
    Rule,
    RuleState,
    RaidAction,
    /// One that is open.
    Appeal,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Choice {
    #[expect(clippy::needless_pass_by_value, reason = "ids are small, and read better so")]
    pub(crate) fn new(id: impl ToString, name: impl Into<String>) -> Self {
        Self { id: id.to_string(), name: name.into() }
    }
}

/// All pages of a list, as far as anybody looks through it.
pub(crate) async fn all<T, F>(page: impl Fn(PageQuery) -> F) -> Result<Vec<T>, Problem>
where
    F: Future<Output = Result<Page<T>, Problem>>,
{
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let next = page(PageQuery { limit: Some(200), cursor }).await?;
        items.extend(next.items);
        cursor = next.next;
        if cursor.is_none() || items.len() >= MOST {
            return Ok(items);
        }
    }
}

/// What there is of a kind.
pub(crate) async fn choices(call: &Call, what: What) -> Result<Vec<Choice>, Problem> {
    let (pool, guild) = (call.pool(), call.guild);
    Ok(match what {
        What::Squad => {
            let squads =
                all(|page| async move { squads::ops::squad_list(pool, guild, false, &page).await }).await?;
            squads.into_iter().map(|squad| Choice::new(squad.id, squad.name)).collect()
        }
        What::Campaign => {
            let campaigns = campaign::campaigns(call).await?;
            campaigns.into_iter().map(|campaign| Choice::new(campaign.id, campaign.settings.name)).collect()
        }
        What::Challenge => {
            let Ok(campaign) = Box::pin(campaign::named(call)).await else { return Ok(Vec::new()) };
            campaign::offered(call, campaign.id).await?
        }
        What::BoardQuest => {
            let quests = board(call, None).await?;
            quests.into_iter().map(|quest| Choice::new(quest.id, quest.title)).collect()
        }
        What::Item => {
            let list = |page| async move { community::shop::ops::item_list(pool, guild, false, &page).await };
            all(list).await?.into_iter().map(|item| Choice::new(item.id, item.name)).collect()
        }
        What::Achievement => {
            let list = |page| async move {
                progress::achievements::ops::achievement_list(pool, guild, false, &page).await
            };
            all(list).await?.into_iter().map(|one| Choice::new(one.id, one.name)).collect()
        }
        What::Path => {
            let paths = learning::ops::paths_view(pool, guild, Some(call.user)).await?;
            paths.into_iter().map(|path| Choice::new(path.id, path.name)).collect()
        }
        What::Quest => {
            let list = |page| async move { learning::ops::quest_list(pool, guild, &page).await };
            let quests = all(list).await?;
            let open =
                quests.into_iter().filter(|quest| quest.version.is_some() && quest.retired_at.is_none());
            open.map(|quest| Choice::new(quest.id, quest.title)).collect()
        }
        What::Rule => {
            let rules = moderation::ops::rules::rule_list(pool, guild).await?;
            rules.into_iter().map(|rule| Choice::new(rule.id, rule.rule.name)).collect()
        }
        What::RuleState => {
            let all = RuleState::ALL.iter();
            all.map(|state| Choice::new(state, automod::state_word(call.lang, *state))).collect()
        }
        What::RaidAction => {
            RaidAction::ALL.iter().map(|action| Choice::new(action, action.as_str())).collect()
        }
        What::Appeal => {
            let list = |page| async move {
                moderation::ops::appeal_list(pool, guild, Some(AppealStatus::Open), &page).await
            };
            let name = |number: i32, who: &str| format!("{number} ({who})");
            all(list)
                .await?
                .into_iter()
                .map(|one| Choice::new(one.id, name(one.case_number, &one.user_tag)))
                .collect()
        }
    })
}

/// Quests of the board that stand there, or all that are not done.
pub(crate) async fn board(
    call: &Call,
    status: Option<BoardStatus>,
) -> Result<Vec<community::board::BoardQuest>, Problem> {
    let (pool, guild) = (call.pool(), call.guild);
    let list = |page: PageQuery| async move {
        let query = BoardQuery { status, claimed_by: None, limit: page.limit, cursor: page.cursor };
        community::board::ops::quest_list(pool, guild, query).await
    };
    let quests = all(list).await?;
    Ok(quests.into_iter().filter(|quest| quest.active && quest.status != BoardStatus::Complete).collect())
}

/// The id of what was typed: chosen, or by its name whatever its case. What was chosen from what is offered is an id, as a rule: then nothing is
/// looked through, and the operation says whether there is one.
pub(crate) async fn chosen(call: &Call, option: &str, what: What, noun: &str) -> Result<String, Problem> {
    let typed = call.must(option)?.trim();
    if is_id(typed) {
        return Ok(typed.to_owned());
    }
    named(&choices(call, what).await?, typed).ok_or_else(|| Problem::not_found(noun))
}

/// Whether this can be nothing but an id: one that is a number may be a name as well.
pub(super) fn is_id(typed: &str) -> bool {
    typed.len() == 36 && typed.parse::<uuid::Uuid>().is_ok()
}

/// The id of what has this id, or this name.
pub(super) fn named(found: &[Choice], typed: &str) -> Option<String> {
    let by_id = found.iter().find(|choice| choice.id == typed);
    let by_name = || found.iter().find(|choice| choice.name.to_lowercase() == typed.to_lowercase());
    by_id.or_else(by_name).map(|choice| choice.id.clone())
}

/// The same, as the type that operations take.
pub(crate) async fn id<T: std::str::FromStr>(
    call: &Call,
    option: &str,
    what: What,
    noun: &str,
) -> Result<T, Problem> {
    chosen(call, option, what, noun).await?.parse().map_err(|_| Problem::not_found(noun))
}
