//! A guild's ledger as CSV, read a chunk at a time: however long it is, no more than a chunk is in memory, and no
//! transaction is held open while a slow client reads.

use chrono::{DateTime, Utc};
use futures::Stream;
use kernel::csv::field;
use kernel::{Bytes, GuildId, UserId};
use sqlx::PgPool;
use uuid::Uuid;

use crate::model::{Kind, Transaction};
use crate::store::Position;

/// Rows of a chunk.
const CHUNK: i64 = 1_000;

/// The first line.
pub const HEADER: &str = "id,created_at,kind,amount,giver_id,giver_name,receiver_id,receiver_name,reason,reference_type,reference_id\r\n";

/// Which transactions to export.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only those that this member gave or received.
    pub user: Option<UserId>,
    /// Only those of this kind.
    pub kind: Option<Kind>,
    /// Only those from then on.
    pub from: Option<DateTime<Utc>>,
    /// Only those before then.
    pub until: Option<DateTime<Utc>>,
}

/// Chunks of lines, the oldest transactions first; what is posted after the beginning is not in it. RFC 4180, with a header
/// line; a text that a spreadsheet would take for a formula begins with an apostrophe.
pub fn csv(pool: PgPool, guild: GuildId, filter: Filter) -> impl Stream<Item = sqlx::Result<String>> + Send {
    enum Next {
        Header,
        After(Option<Position>, DateTime<Utc>),
        Nothing,
    }
    futures::stream::try_unfold(Next::Header, move |next| {
        let pool = pool.clone();
        async move {
            let (after, until) = match next {
                Next::Header => {
                    let mut conn = db::acquire(&pool).await?;
                    let now = db::now(&mut conn).await?;
                    let until = filter.until.map_or(now, |until| until.max(DateTime::UNIX_EPOCH).min(now));
                    return Ok(Some((HEADER.to_owned(), Next::After(None, until))));
                }
                Next::After(after, until) => (after, until),
                Next::Nothing => return Ok(None),
            };
            let rows = chunk(&pool, guild, &filter, after, until).await?;
            let Some(last) = rows.last() else { return Ok(None) };
            let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == CHUNK);
            let next =
                if full { Next::After(Some((last.created_at, last.id)), until) } else { Next::Nothing };
            Ok(Some((rows.iter().map(line).collect::<String>(), next)))
        }
    })
}

async fn chunk(
    pool: &PgPool,
    guild: GuildId,
    filter: &Filter,
    after: Option<Position>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Transaction>> {
    let (at, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
    // A member's own rows come from either side's index; a guild's from its own.
    sqlx::query_as!(
        Transaction,
        r#"SELECT id, giver_id AS "giver_id: UserId", giver_username AS giver_name,
                  receiver_id AS "receiver_id: UserId", receiver_username AS receiver_name, amount AS "amount: Bytes",
                  kind AS "kind: Kind", reason, reference_type, reference_id, created_at
             FROM economy.bytes_transactions
            WHERE guild_id = $1 AND (created_at, id) > ($2, $3) AND created_at < $4
              AND ($5::timestamptz IS NULL OR created_at >= $5) AND ($6::text IS NULL OR kind = $6)
              AND ($7::bigint IS NULL OR giver_id = $7 OR receiver_id = $7)
            ORDER BY created_at, id LIMIT $8"#,
        guild.get(),
        at,
        id,
        until,
        filter.from.map(|from| from.max(DateTime::UNIX_EPOCH).min(until)),
        filter.kind.map(Kind::as_str),
        filter.user.map(UserId::get),
        CHUNK,
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await
}

fn line(transaction: &Transaction) -> String {
    let Transaction {
        id,
        giver_id,
        giver_name,
        receiver_id,
        receiver_name,
        amount,
        kind,
        reason,
        reference_type,
        reference_id,
        created_at,
    } = transaction;
    let text = |text: &Option<String>| field(text.as_deref().unwrap_or_default());
    format!(
        "{id},{},{kind},{amount},{giver_id},{},{receiver_id},{},{},{},{}\r\n",
        created_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        field(giver_name),
        field(receiver_name),
        text(reason),
        text(reference_type),
        text(reference_id),
    )
}
