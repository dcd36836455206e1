//! Keyset pages. A list answers with its items and, where there is more, an opaque cursor that says where to go on: pages
//! stay right while rows are added, and page 10,000 costs what page 1 does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// How many items a page holds when the client does not say.
pub const DEFAULT_LIMIT: i64 = 50;
/// The most items a page may hold.
pub const MAX_LIMIT: i64 = 200;

/// As late as PostgreSQL and we agree on: where a page that falls in time begins.
pub fn far() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(365 * 1_000)
}

/// The query parameters of every list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The limit, checked.
    pub fn limit(&self) -> Result<Limit, Problem> {
        Limit::new(self.limit)
    }

    /// The position to go on from, or `None` for the first page.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        self.cursor.as_deref().map(Cursor::decode).transpose()
    }
}

/// How many items a page may hold: 1 to [`MAX_LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(i64);

impl Limit {
    /// The asked limit, or [`DEFAULT_LIMIT`].
    pub fn new(asked: Option<i64>) -> Result<Self, Problem> {
        match asked.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(Self(limit)),
            _ => Err(Problem::field("limit", format!("must be between 1 and {MAX_LIMIT}"))),
        }
    }

    /// What to ask the database for: one more than the page holds, to learn whether there is more.
    pub const fn plus_one(self) -> i64 {
        self.0 + 1
    }

    /// How many items the page holds at most.
    #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "1 to 200 by construction")]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// The position of a row in its list, as an opaque text.
pub struct Cursor;

impl Cursor {
    /// Wraps the sort key of a page's last row.
    pub fn encode<K: Serialize>(key: &K) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
    }

    /// Reads back what [`Cursor::encode`] made; anything else is the client's mistake.
    pub fn decode<K: DeserializeOwned>(text: &str) -> Result<K, Problem> {
        let foreign = || {
            Problem::field("cursor", "is not a cursor of this list; take it from `next` of the page before")
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| foreign())?;
        let key = serde_json::from_slice(&bytes).map_err(|_| foreign())?;
        // A cursor that somebody made may name a time that no row can have.
        let within = serde_json::from_slice(&bytes).is_ok_and(|value| crate::time::all_within(&value));
        if within { Ok(key) } else { Err(foreign()) }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of rows fetched with [`Limit::plus_one`]; `key` is the sort key of a row.
    pub fn new<K: Serialize>(mut rows: Vec<T>, limit: Limit, key: impl Fn(&T) -> K) -> Self {
        let more = rows.len() > limit.get();
        rows.truncate(limit.get());
        let next = if more { rows.last().map(|row| Cursor::encode(&key(row))) } else { None };
        Self { items: rows, next }
    }

    /// The same page with each item turned into another.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_says_where_to_go_on() {
        let limit = Limit::new(Some(2)).unwrap();
        let page = Page::new(vec![1, 2, 3], limit, |n| *n);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(Cursor::decode::<i32>(&page.next.unwrap()).unwrap(), 2);
    }

    #[test]
    fn the_last_page_has_no_next() {
        let page = Page::new(vec![1, 2], Limit::new(Some(2)).unwrap(), |n| *n);
        assert_eq!(page.next, None);
    }

    #[test]
    fn forged_cursors_and_limits_are_the_clients_mistake() {
        for bad in ["", "!!!", "bm90IGpzb24"] {
            assert_eq!(Cursor::decode::<i32>(bad).unwrap_err().status(), 400);
        }
        for bad in [0, -1, 201, i64::MIN] {
            assert_eq!(Limit::new(Some(bad)).unwrap_err().status(), 400);
        }
    }
}
