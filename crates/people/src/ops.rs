//! What the faces call: each operation is a transaction.

use access::{AuditEntry, By, Origin, audit};
use kernel::fields::Wrong;
use kernel::text::Name;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use serde_json::json;
use sqlx::PgPool;

use crate::error::Error;
use crate::model::{Member, MemberEdit};
use crate::store;

/// A page of the guild's members by id, those who left included.
#[kernel::boxed]
pub async fn member_list(pool: &PgPool, guild: GuildId, query: &PageQuery) -> Result<Page<Member>, Problem> {
    let (limit, after) = (query.limit()?, query.after::<UserId>()?);
    let mut conn = db::acquire(pool).await?;
    let members = store::member_list(&mut conn, guild, after, limit).await?;
    Ok(Page::new(members, limit, |member| member.user_id))
}

/// The most members that are found by their names.
pub const MAX_FOUND: i64 = 50;

/// Members whose name begins so, those who are there first, at most [`MAX_FOUND`] of them.
pub async fn member_find(pool: &PgPool, guild: GuildId, begins: &str) -> Result<Vec<Member>, Problem> {
    let mut conn = db::acquire(pool).await?;
    Ok(store::member_find(&mut conn, guild, begins, MAX_FOUND).await?)
}

/// Makes somebody a member, if they are not or had left, and writes what the guild says of them, which no other guild believes. Repeating
/// it changes nothing; what changes something is audited.
#[kernel::boxed]
pub async fn member_put(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    edit: &MemberEdit,
    by: By<'_>,
    origin: &Origin,
) -> Result<Member, Error> {
    check(edit)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = store::member_get(&mut tx, guild, user).await?;
        let renamed = edit.name.as_deref().filter(|name| before.as_ref().is_none_or(|m| m.name != *name));
        if let Some(name) = renamed.and_then(|name| Name::new(name, 100).ok())
            && let Some(staff) = access::staff::imitated(&mut tx, guild, &name, Some(user)).await?
        {
            return Err(Wrong::new("name", format!("looks like “{staff}” and is written otherwise")).into());
        }
        store::member_ensure(&mut tx, guild, user, edit.name.as_deref()).await?;
        store::members_return(&mut tx, guild, &[user]).await?;
        if *edit != MemberEdit::default() {
            store::member_update(&mut tx, guild, user, edit).await?;
        }
        let after = store::member_known(&mut tx, guild, user).await?;
        if before.as_ref() != Some(&after) {
            let action = if before.is_some() { "UPDATE" } else { "CREATE" };
            let mut entry =
                AuditEntry::new(Some(guild), by, action, "people.members", user.to_string()).from(origin);
            entry.before = before.as_ref().map(|member| json!(member));
            entry.after = Some(json!(after));
            audit::record(&mut tx, &entry).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

fn check(edit: &MemberEdit) -> Result<(), Error> {
    if let Some(Err(fault)) = edit.name.as_deref().map(|name| kernel::text::name_check(name, 100)) {
        return Err(Wrong::new("name", fault.to_string()).into());
    }
    if let Some(hash) = &edit.avatar_hash
        && (hash.is_empty()
            || hash.len() > 100
            || !hash.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
    {
        return Err(Wrong::new("avatar_hash", "must be 1 to 100 letters, digits or underscores").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_hashes_are_checked() {
        let name = |name: &str| check(&MemberEdit { name: Some(name.into()), ..MemberEdit::default() });
        assert!(name("Ada Lovelace").is_ok());
        assert!(name(&"ä".repeat(100)).is_ok());
        for bad in ["", "  ", "a\u{0}b", "a\nb", &"x".repeat(101)] {
            assert!(matches!(name(bad), Err(Error::Field(wrong)) if wrong.field == "name"), "{bad:?}");
        }
        let hash =
            |hash: &str| check(&MemberEdit { avatar_hash: Some(hash.into()), ..MemberEdit::default() });
        assert!(hash("a_d5efa99b3eeaa7dd43acca82f5692432").is_ok());
        assert!(matches!(hash("../../x"), Err(Error::Field(wrong)) if wrong.field == "avatar_hash"));
    }
}
