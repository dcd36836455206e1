//! A skill: what it is to have it, what it stands upon and what stands on it. And what somebody has of all of them.

use access::scope::CommunityRead;
use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use community::ids::SkillId;
use community::skills::model::{MemberSkill, SkillReward};
use community::skills::{Skill, SkillNode, ops};
use frame::html::Html;
use frame::page::{Page, optional};
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, markdown, ui};
use futures::{FutureExt as _, TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem, UserId};
use progress::Profile;
use serde::Deserialize;

use super::Cursor;

/// How many skills of a member are shown.
const SHOWN: i64 = 200;

/// A skill in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SkillPath {
    skill_id: SkillId,
}

#[derive(Template)]
#[template(path = "guild/skill.html")]
pub(super) struct SkillPage {
    shell: Shell,
    skill: Skill,
    tree: Vec<SkillNode>,
}

impl SkillPage {
    /// How far who looks is.
    fn own(&self) -> Option<&SkillNode> {
        self.tree.iter().find(|node| node.skill.id == self.skill.id)
    }

    /// What it stands upon, with the level that is needed.
    fn requires(&self) -> Vec<(&SkillNode, i32)> {
        let found = self.skill.requires.iter().filter_map(|required| {
            let node = self.tree.iter().find(|node| node.skill.id == required.skill_id)?;
            Some((node, required.min_level))
        });
        found.collect()
    }

    /// What stands on it.
    fn carries(&self) -> Vec<&SkillNode> {
        let stands = |node: &&SkillNode| node.skill.requires.iter().any(|one| one.skill_id == self.skill.id);
        self.tree.iter().filter(stands).collect()
    }

    fn at(&self, node: &SkillNode) -> String {
        self.shell.at(&format!("/skills/{}", node.skill.id))
    }

    fn about(&self) -> Html {
        markdown::render(&self.skill.description)
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Path(path): Path<SkillPath>,
) -> Result<Page<SkillPage>, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    // Who is known to the guild by a role alone has no skills.
    let own = async {
        match visit.member {
            Some(user) => ops::skill_tree(pool, guild, Some(user)).map(optional).await,
            None => Ok(None),
        }
    };
    let (skill, own) = try_join!(ops::skill_get(pool, guild, path.skill_id).err_into::<Problem>(), own)?;
    let tree = match own {
        Some(tree) => tree,
        None => ops::skill_tree(pool, guild, None).await?,
    };
    Ok(Page(SkillPage { shell: visit.shell, skill, tree: tree.skills }))
}

/// A member in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct MemberPath {
    user_id: UserId,
}

#[derive(Template)]
#[template(path = "guild/member_skills.html")]
pub(super) struct MemberSkillsPage {
    shell: Shell,
    profile: Profile,
    skills: Vec<MemberSkill>,
    rewards: Vec<SkillReward>,
    next: Option<String>,
}

impl MemberSkillsPage {
    fn here(&self) -> String {
        self.shell.at(&format!("/members/{}/skills", self.profile.member.user_id))
    }

    fn skill(&self, id: &SkillId) -> String {
        self.shell.at(&format!("/skills/{id}"))
    }

    /// What a line of the ledger says, and where it leads.
    fn brought(&self, reward: &SkillReward) -> String {
        let named =
            |id: &SkillId| self.skills.iter().find(|one| one.skill_id == *id).map(|one| one.name.as_str());
        match (&reward.skill_id, reward.event_type.as_str()) {
            (Some(skill), _) => {
                format!(
                    "{} in {}",
                    format::count(reward.skill_points, "point", "points"),
                    named(skill).unwrap_or("a skill")
                )
            }
            (None, "ChallengeUnlocked") => "a quest opened".to_owned(),
            (None, _) => format!("{} XP", format::number(reward.xp)),
        }
    }

    fn from(&self, reward: &SkillReward) -> Option<String> {
        match reward.source_type.as_str() {
            "quest" => Some(self.shell.at(&format!("/learn/quests/{}", reward.source_id))),
            "path" => Some(self.shell.at(&format!("/learn/paths/{}", reward.source_id))),
            _ => None,
        }
    }
}

pub(super) async fn of_member(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Path(path): Path<MemberPath>,
    Query(query): Query<Cursor>,
) -> Result<Page<MemberSkillsPage>, Problem> {
    let (pool, guild, user) = (app.pool(), visit.guild_id(), path.user_id);
    let all = PageQuery { limit: Some(SHOWN), cursor: None };
    let page = PageQuery { limit: None, cursor: query.cursor };
    let profile = progress::profile::member_profile_known(pool, app.settings(), guild, user).await?;
    let member = &profile.member;
    let (skills, rewards) =
        try_join!(ops::skills_of(pool, member, &all), ops::rewards_of(pool, member, &page))?;
    Ok(Page(MemberSkillsPage {
        shell: visit.shell,
        profile,
        skills: skills.items,
        rewards: rewards.items,
        next: rewards.next,
    }))
}
