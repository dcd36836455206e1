//! What the faces call: each operation is a transaction.

use std::collections::BTreeSet;

use access::author::{Author, Deed};
use access::web::Repeatable;
use kernel::fields;
use kernel::{GuildId, Limit, Page, PageQuery, Problem};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::model::{
    Announcement, AnnouncementKind, AnnouncementQuery, ChannelChoice, ChannelChoices, NewNotice,
};
use super::release;
use super::store::{self, Batch, Wanted};
use crate::error::Error;
use crate::ids::AnnouncementId;

/// A page of the guild's announcements, waiting and gone, the latest first.
pub async fn announcement_list(
    pool: &PgPool,
    guild: GuildId,
    query: AnnouncementQuery,
) -> Result<Page<Announcement>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (limit, before) = (page.limit()?, page.after()?);
    let wanted = Wanted { only: None, status: query.status, channel: query.channel_id, before };
    let mut conn = db::acquire(pool).await?;
    let all = store::list(&mut conn, guild, &wanted, limit).await?;
    Ok(Page::new(all, limit, |announcement| announcement.id))
}

/// The channels that the guild chose.
pub async fn channel_list(pool: &PgPool, guild: GuildId) -> Result<ChannelChoices, Error> {
    Ok(ChannelChoices { channels: store::channels(&mut *db::acquire(pool).await?, guild).await? })
}

/// Chooses the channel of a kind of announcements. Audited.
#[kernel::boxed]
pub async fn channel_put(
    pool: &PgPool,
    guild: GuildId,
    choice: ChannelChoice,
    author: Author<'_>,
) -> Result<ChannelChoices, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        people::guild_ensure(&mut tx, guild, None).await?;
        let before = store::channels(&mut tx, guild).await?;
        store::channel_put(&mut tx, guild, choice).await?;
        let after = store::channels(&mut tx, guild).await?;
        if after != before {
            let deed = Deed::new("UPDATE", "community.announcement_channels", choice.kind.as_str());
            deed.before(&before).after(&after).record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(ChannelChoices { channels: after })
    })
    .await
}

/// Announces an administrator's own words, when the channel's turn has come. Audited.
#[kernel::boxed]
pub async fn notice_create(
    pool: &PgPool,
    guild: GuildId,
    new: NewNotice,
    author: Author<'_>,
    repeatable: &Repeatable,
) -> Result<Announcement, Error> {
    let text = fields::text("text", &new.text, 1_500)?;
    if text.is_empty() {
        return Err(Error::Invalid("text", "must be 1 to 1500 characters".to_owned()));
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        people::guild_ensure(&mut tx, guild, None).await?;
        let batch = Batch {
            guilds: vec![guild.get()],
            kinds: vec![AnnouncementKind::Notice.as_str()],
            users: vec![None],
            channels: vec![new.channel_id.map(kernel::ChannelId::get)],
            payloads: vec![json!({ "text": text })],
            keys: vec![None],
        };
        let queued = store::insert(&mut tx, &batch).await?;
        let Some((guild, channel, id)) = queued.into_iter().next() else {
            let message = "is missing: no channel is chosen for notices, or they are switched off";
            return Err(Error::Invalid("channel_id", message.to_owned()));
        };
        release::release_all(&mut tx, BTreeSet::from([(guild, channel)])).await?;
        let made = known(&mut tx, guild, id).await?;
        let deed = Deed::new("CREATE", "community.announcements", id.to_string()).after(&made);
        deed.record(&mut tx, guild, author).await?;
        repeatable.carried_out(&mut tx).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// Takes back an announcement that waits. Audited.
#[kernel::boxed]
pub async fn announcement_cancel(
    pool: &PgPool,
    guild: GuildId,
    announcement: AnnouncementId,
    author: Author<'_>,
) -> Result<Announcement, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = known(&mut tx, guild, announcement).await?;
        if !store::cancel(&mut tx, guild, announcement).await? {
            return Err(Error::Refused("this announcement does not wait any more".to_owned()));
        }
        let after = known(&mut tx, guild, announcement).await?;
        let deed = Deed::new("DELETE", "community.announcements", announcement.to_string());
        deed.before(&before).after(&after).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

async fn known(
    conn: &mut PgConnection,
    guild: GuildId,
    announcement: AnnouncementId,
) -> Result<Announcement, Error> {
    let one = Limit::new(Some(1)).map_err(|_| Error::Unknown("announcement"))?;
    let wanted = Wanted { only: Some(announcement), ..Wanted::default() };
    store::list(conn, guild, &wanted, one).await?.pop().ok_or(Error::Unknown("announcement"))
}
