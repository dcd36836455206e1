//! What the faces call: each operation is a transaction.

use std::collections::{BTreeMap, BTreeSet};

use access::author::{Author, Deed};
use chrono::{DateTime, Utc};
use kernel::fields;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use people::Member;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::{MemberSkill, NewSkill, Requirement, Skill, SkillEdit, SkillNode, SkillReward, SkillTree};
use super::rules::{self, Graph};
use super::{SKILL_CYCLE, store};
use crate::error::Error;
use crate::ids::SkillId;

const TABLE: &str = "community.skills";
/// Skills a guild may have: the tree is read as a whole.
const MOST: i64 = 1_000;

/// A page of the guild's skills by id; retired ones only when asked for.
pub async fn skill_list(
    pool: &PgPool,
    guild: GuildId,
    with_retired: bool,
    page: &PageQuery,
) -> Result<Page<Skill>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let skills = store::list(&mut conn, guild, None, with_retired, after, limit.plus_one()).await?;
    Ok(Page::new(skills, limit, |skill| skill.id))
}

/// A skill of the guild, also a retired one.
pub async fn skill_get(pool: &PgPool, guild: GuildId, skill: SkillId) -> Result<Skill, Error> {
    known(&mut *db::acquire(pool).await?, guild, skill).await
}

/// The guild's skills as a tree, with a member's points if one is named.
#[kernel::boxed]
pub async fn skill_tree(pool: &PgPool, guild: GuildId, member: Option<UserId>) -> Result<SkillTree, Error> {
    let mut conn = db::acquire(pool).await?;
    let skills = store::list(&mut conn, guild, None, false, None, MOST).await?;
    let points = match member {
        None => None,
        Some(user) => {
            people::member_known(&mut conn, guild, user).await?;
            let held = store::member_skills(&mut conn, guild, user, None, MOST).await?;
            let held: BTreeMap<SkillId, (i64, i32)> =
                held.into_iter().map(|one| (one.skill_id, (one.skill_points, one.level))).collect();
            Some(held)
        }
    };
    let graph: Graph<SkillId> = skills
        .iter()
        .map(|skill| (skill.id, skill.requires.iter().map(|one| one.skill_id).collect()))
        .collect();
    let depths = rules::depths(&graph);
    let level = |skill: SkillId| points.as_ref().map(|held| held.get(&skill).copied().unwrap_or_default());
    let mut nodes: Vec<SkillNode> = skills
        .into_iter()
        .map(|skill| SkillNode {
            depth: depths.get(&skill.id).copied().unwrap_or_default(),
            skill_points: level(skill.id).map(|held| held.0),
            level: level(skill.id).map(|held| held.1),
            unlocked: points.as_ref().map(|_| {
                skill
                    .requires
                    .iter()
                    .all(|one| level(one.skill_id).is_some_and(|held| held.1 >= one.min_level))
            }),
            skill,
        })
        .collect();
    nodes.sort_by(|a, b| {
        (a.depth, &a.skill.domain, &a.skill.slug).cmp(&(b.depth, &b.skill.domain, &b.skill.slug))
    });
    Ok(SkillTree { skills: nodes })
}

/// A page of a member's points, by skill.
pub async fn member_skill_list(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    page: &PageQuery,
) -> Result<Page<MemberSkill>, Problem> {
    let member = people::member_known(&mut *db::acquire(pool).await?, guild, user).await?;
    skills_of(pool, &member, page).await
}

/// The same of a member who was looked up already.
pub async fn skills_of(
    pool: &PgPool,
    member: &Member,
    page: &PageQuery,
) -> Result<Page<MemberSkill>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let (guild, user) = (member.guild_id, member.user_id);
    let mut conn = db::acquire(pool).await?;
    let skills = store::member_skills(&mut conn, guild, user, after, limit.plus_one()).await?;
    Ok(Page::new(skills, limit, |one| one.skill_id))
}

/// A page of what reward cascades brought a member, the latest first.
#[kernel::boxed]
pub async fn reward_list(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    page: &PageQuery,
) -> Result<Page<SkillReward>, Problem> {
    let member = people::member_known(&mut *db::acquire(pool).await?, guild, user).await?;
    rewards_of(pool, &member, page).await
}

/// The same of a member who was looked up already.
pub async fn rewards_of(
    pool: &PgPool,
    member: &Member,
    page: &PageQuery,
) -> Result<Page<SkillReward>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<(DateTime<Utc>, Uuid)>()?);
    let mut conn = db::acquire(pool).await?;
    let rewards = store::rewards(&mut conn, member.guild_id, member.user_id, after, limit).await?;
    Ok(Page::new(rewards, limit, |one| (one.created_at, one.id)))
}

/// A skill to be made, as it is stored; or what is wrong with it.
fn new_checked(mut new: NewSkill) -> Result<NewSkill, Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let slug = new.slug.as_bytes();
    if slug.len() > 100
        || !slug.first().is_some_and(|b| plain(*b))
        || !slug.iter().all(|b| plain(*b) || b"+#.-".contains(b))
    {
        let message = "must be 1 to 100 of a-z, 0-9, +, #, . and -, beginning with a letter or digit";
        return Err(Error::Invalid("slug", message.to_owned()));
    }
    new.name = fields::line("name", &new.name, 100)?;
    new.description = fields::text("description", &new.description, 2_000)?;
    new.domain = fields::line("domain", &new.domain, 50)?;
    fields::within("points_per_level", new.points_per_level, 1, 1_000_000)?;
    fields::within("max_level", new.max_level, 1, 1_000)?;
    check_requires(&new.requires)?;
    Ok(new)
}

/// Makes a skill. Audited.
#[kernel::boxed]
pub async fn skill_create(
    pool: &PgPool,
    guild: GuildId,
    new: NewSkill,
    author: Author<'_>,
) -> Result<Skill, Error> {
    let new = new_checked(new)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let made = add(&mut tx, guild, &new, author).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// Makes skills in the caller's transaction; tells how many. Audited.
#[kernel::boxed]
pub async fn skills_add(
    conn: &mut PgConnection,
    guild: GuildId,
    new: Vec<NewSkill>,
    author: Author<'_>,
) -> Result<usize, Error> {
    let new = new.into_iter().map(new_checked).collect::<Result<Vec<_>, _>>()?;
    for one in &new {
        add(&mut *conn, guild, one, author).await?;
    }
    Ok(new.len())
}

async fn add(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewSkill,
    author: Author<'_>,
) -> Result<Skill, Error> {
    people::guild_ensure(&mut *conn, guild, None).await?;
    if store::lock(&mut *conn, guild).await? >= MOST {
        return Err(Error::Refused(format!("a guild may have {MOST} skills")));
    }
    let id = store::insert(&mut *conn, guild, new).await?;
    build_on(&mut *conn, guild, id, &new.requires).await?;
    let made = known(&mut *conn, guild, id).await?;
    Deed::new("CREATE", TABLE, id.to_string()).after(&made).record(conn, guild, author).await?;
    Ok(made)
}

/// Changes a skill; members' levels follow its figures. Audited.
#[kernel::boxed]
pub async fn skill_update(
    pool: &PgPool,
    guild: GuildId,
    skill: SkillId,
    edit: SkillEdit,
    author: Author<'_>,
) -> Result<Skill, Error> {
    let name = edit.name.map(|name| fields::line("name", &name, 100)).transpose()?;
    let description = edit.description.map(|text| fields::text("description", &text, 2_000)).transpose()?;
    let domain = edit.domain.map(|domain| fields::line("domain", &domain, 50)).transpose()?;
    edit.points_per_level.map(|n| fields::within("points_per_level", n, 1, 1_000_000)).transpose()?;
    edit.max_level.map(|n| fields::within("max_level", n, 1, 1_000)).transpose()?;
    edit.requires.as_deref().map(check_requires).transpose()?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        store::lock(&mut tx, guild).await?;
        let before = known(&mut tx, guild, skill).await?;
        let row = Skill {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            description: description.clone().unwrap_or_else(|| before.description.clone()),
            domain: domain.clone().unwrap_or_else(|| before.domain.clone()),
            points_per_level: edit.points_per_level.unwrap_or(before.points_per_level),
            max_level: edit.max_level.unwrap_or(before.max_level),
            active: edit.active.unwrap_or(before.active),
            ..before.clone()
        };
        store::update(&mut tx, &row).await?;
        if (row.points_per_level, row.max_level) != (before.points_per_level, before.max_level) {
            store::relevel(&mut tx, &row).await?;
        }
        if let Some(requires) = &edit.requires {
            build_on(&mut tx, guild, skill, requires).await?;
        }
        let after = known(&mut tx, guild, skill).await?;
        if after != before {
            let deed = Deed::new("UPDATE", TABLE, skill.to_string()).before(&before).after(&after);
            deed.record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Retires a skill: what members have of it stays. Audited.
pub async fn skill_retire(
    pool: &PgPool,
    guild: GuildId,
    skill: SkillId,
    author: Author<'_>,
) -> Result<Skill, Error> {
    let edit = SkillEdit { active: Some(false), ..SkillEdit::default() };
    skill_update(pool, guild, skill, edit, author).await
}

/// Makes a skill build on others, unless that closes a circle. The caller holds the catalogue's lock.
async fn build_on(
    conn: &mut PgConnection,
    guild: GuildId,
    skill: SkillId,
    requires: &[Requirement],
) -> Result<(), Error> {
    let all = store::list(&mut *conn, guild, None, true, None, MOST).await?;
    for one in requires {
        let Some(other) = all.iter().find(|other| other.id == one.skill_id) else {
            let message = format!("must name skills of this guild; {} is none", one.skill_id);
            return Err(Error::Invalid("requires", message));
        };
        if one.min_level > other.max_level {
            let message = format!("must not ask for more than the highest level of {}", other.slug);
            return Err(Error::Invalid("requires", message));
        }
    }
    let mut graph = store::graph(&mut *conn, guild).await?;
    graph.insert(skill, requires.iter().map(|one| one.skill_id).collect());
    if let Some(cycle) = rules::cycle_through(&graph, skill) {
        let named = |id: &SkillId| {
            all.iter()
                .find(|other| other.id == *id)
                .map_or_else(|| id.to_string(), |other| other.slug.clone())
        };
        let way = cycle.iter().map(named).collect::<Vec<_>>().join(" → ");
        return Err(Error::Special(
            SKILL_CYCLE,
            format!("skills would build on each other in a circle: {way}"),
        ));
    }
    store::set_requires(conn, guild, skill, requires).await
}

async fn known(conn: &mut PgConnection, guild: GuildId, skill: SkillId) -> Result<Skill, Error> {
    store::list(conn, guild, Some(skill), true, None, 1).await?.pop().ok_or(Error::Unknown("skill"))
}

fn check_requires(requires: &[Requirement]) -> Result<(), Error> {
    let distinct: BTreeSet<_> = requires.iter().map(|one| one.skill_id).collect();
    if requires.len() > 20 || distinct.len() != requires.len() {
        return Err(Error::Invalid("requires", "must name at most 20 skills, each once".to_owned()));
    }
    for one in requires {
        fields::within("requires", one.min_level, 1, 1_000)?;
    }
    Ok(())
}
