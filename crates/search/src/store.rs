//! SQL. Callers own the connection and the transaction.

mod vectors;
mod words;

pub(crate) use vectors::{
    NewVector, Text, is_behind, revision, revision_next, texts_behind, vectors_put, vectors_remove,
    vectors_since,
};
pub(crate) use words::{common_words_limit, paths_by_words, paths_shown, quests_by_words, quests_shown};
