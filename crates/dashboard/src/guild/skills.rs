//! The guild's skills, each after those that it stands upon.

use access::App;
use access::scope::CommunityRead;
use askama::Template;
use axum::extract::State;
use community::skills::SkillNode;
use frame::page::{Page, optional};
use frame::shell::Shell;
use frame::ui;
use frame::visit::Visit;
use futures::FutureExt as _;
use kernel::Problem;

#[derive(Template)]
#[template(path = "guild/skills.html")]
pub(super) struct SkillsPage {
    shell: Shell,
    skills: Vec<SkillNode>,
}

impl SkillsPage {
    /// The skills of a depth together: what stands on nothing first.
    fn rows(&self) -> Vec<Vec<&SkillNode>> {
        let deepest = self.skills.iter().map(|node| node.depth).max().unwrap_or_default();
        let row = |depth: usize| self.skills.iter().filter(|node| node.depth == depth).collect::<Vec<_>>();
        (0..=deepest).map(row).filter(|row| !row.is_empty()).collect()
    }

    /// What a skill stands upon, in words.
    fn requires(&self, node: &SkillNode) -> String {
        let named = node.skill.requires.iter().filter_map(|required| {
            let skill = self.skills.iter().find(|node| node.skill.id == required.skill_id)?;
            Some(format!("{} at level {}", skill.skill.name, required.min_level))
        });
        named.collect::<Vec<_>>().join(", ")
    }
}

pub(super) async fn tree(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
) -> Result<Page<SkillsPage>, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    // Who is known to the guild by a role alone has no skills, and sees the tree all the same.
    let own = match visit.member {
        Some(user) => community::skills::ops::skill_tree(pool, guild, Some(user)).map(optional).await?,
        None => None,
    };
    let tree = match own {
        Some(tree) => tree,
        None => community::skills::ops::skill_tree(pool, guild, None).await?,
    };
    Ok(Page(SkillsPage { shell: visit.shell, skills: tree.skills }))
}
