//! The model, and the vectors of what there is, in memory: exact products of all of a guild's, 50,000 of 256 numbers in a few
//! milliseconds.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::GuildId;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::model::Kind;
use crate::rules::tokens::Tokenizer;
use crate::rules::vectors::{Vectors, dot};

/// Vectors that are kept in memory, of all guilds; beyond it those of guilds that were not asked lately go.
const MOST_KEPT: usize = 400_000;
/// What is less like what was asked is not told.
const LEAST: f32 = 0.3;

/// Why a model cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the model in {folder} cannot be used: {file} {why}")]
pub struct LoadError {
    folder: String,
    file: &'static str,
    why: String,
}

/// Finds by meaning, where there is a model. Cheap to clone.
#[derive(Clone)]
pub struct Search(Arc<Inner>);

struct Inner {
    name: String,
    tokenizer: Tokenizer,
    vectors: Vectors,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    guilds: HashMap<GuildId, (u64, Arc<Index>)>,
    clock: u64,
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Search").field(&self.0.name).finish()
    }
}

impl Search {
    /// Loads a static model from a folder that holds its table (the one `*.safetensors`) and its `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// A file is missing, or is not as expected.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        let wrong = |file: &'static str| {
            move |why: String| LoadError { folder: folder.display().to_string(), file, why }
        };
        let mut tables: Vec<_> = std::fs::read_dir(folder)
            .map_err(|error| wrong("it")(error.to_string()))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "safetensors"))
            .collect();
        tables.sort();
        let [table] = tables.as_slice() else {
            return Err(wrong("*.safetensors")(format!("must be there once, and is {} times", tables.len())));
        };
        let bytes = std::fs::read(table).map_err(|error| wrong("*.safetensors")(error.to_string()))?;
        let text = std::fs::read_to_string(folder.join("tokenizer.json"))
            .map_err(|error| wrong("tokenizer.json")(error.to_string()))?;
        let vectors = Vectors::read(&bytes).map_err(wrong("*.safetensors"))?;
        let tokenizer = Tokenizer::read(&text).map_err(wrong("tokenizer.json"))?;
        let mut hash = Sha256::new();
        hash.update(&bytes);
        hash.update(&text);
        let version =
            hash.finalize()[..6].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let called = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let called: String =
            called.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(60).collect();
        Ok(Self(Arc::new(Inner {
            name: format!("{called}-{version}"),
            tokenizer,
            vectors,
            kept: Mutex::default(),
        })))
    }

    /// The model's name with its version: only vectors of one model compare.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The vector of a text; `None` where it says nothing to the model.
    pub fn embed(&self, text: &str) -> Option<Vec<f32>> {
        self.0.vectors.mean(&self.0.tokenizer.tokens(text))
    }

    /// The length of its vectors.
    pub fn dimensions(&self) -> usize {
        self.0.vectors.dimensions()
    }

    /// A guild's vectors as they are in memory.
    pub(crate) fn index(&self, guild: GuildId) -> Arc<Index> {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let clock = kept.clock;
        let entry = kept.guilds.entry(guild).or_default();
        entry.0 = clock;
        entry.1.clone()
    }

    /// Keeps a guild's vectors, unless newer ones are there already; lets go of the others' that were not asked for longest.
    pub(crate) fn keep(&self, guild: GuildId, index: Arc<Index>) {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let clock = kept.clock;
        let entry = kept.guilds.entry(guild).or_default();
        entry.0 = clock;
        if index.revision >= entry.1.revision {
            entry.1 = index;
        }
        while kept.guilds.len() > 1
            && kept.guilds.values().map(|(_, index)| index.ids.len()).sum::<usize>() > MOST_KEPT
        {
            let oldest = kept.guilds.iter().min_by_key(|(_, (asked, _))| *asked).map(|(guild, _)| *guild);
            let Some(oldest) = oldest.filter(|oldest| *oldest != guild) else { break };
            kept.guilds.remove(&oldest);
        }
    }
}

/// A guild's vectors.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// As of when.
    pub(crate) revision: i64,
    ids: Vec<(Kind, Uuid)>,
    places: HashMap<(Kind, Uuid), usize>,
    values: Vec<f32>,
}

impl Index {
    /// Puts a vector where one of the same was, or behind the others. Of another length than these it is left out.
    pub(crate) fn put(&mut self, of: (Kind, Uuid), vector: &[f32]) {
        let length = vector.len();
        if length == 0 || self.values.len() != self.ids.len() * length {
            return;
        }
        if let Some(at) = self.places.get(&of) {
            self.values[at * length..(at + 1) * length].copy_from_slice(vector);
            return;
        }
        self.places.insert(of, self.ids.len());
        self.ids.push(of);
        self.values.extend_from_slice(vector);
    }

    /// The vector of this, if there is one; of vectors of that length.
    pub(crate) fn vector(&self, of: (Kind, Uuid), length: usize) -> Option<&[f32]> {
        let at = *self.places.get(&of)?;
        self.values.get(at * length..(at + 1) * length)
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// What is most like a vector, the best first, with how like it is; what is little like it not at all.
    pub(crate) fn nearest(
        &self,
        vector: &[f32],
        kind: Option<Kind>,
        count: usize,
    ) -> Vec<((Kind, Uuid), f32)> {
        if vector.is_empty() {
            return Vec::new();
        }
        let mut best: Vec<((Kind, Uuid), f32)> = self
            .ids
            .iter()
            .zip(self.values.chunks_exact(vector.len()))
            .filter(|(of, _)| kind.is_none_or(|kind| of.0 == kind))
            .map(|(of, values)| (*of, dot(vector, values)))
            .filter(|(_, likeness)| *likeness >= LEAST)
            .collect();
        let order = |a: &((Kind, Uuid), f32), b: &((Kind, Uuid), f32)| {
            b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0))
        };
        if best.len() > count && count > 0 {
            best.select_nth_unstable_by(count - 1, order);
            best.truncate(count);
        }
        best.sort_by(order);
        best
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_nearest_are_those_that_a_whole_sort_finds(
            all in prop::collection::vec(prop::collection::vec(-1.0_f32..1.0, 3), 0..40), asked in prop::collection::vec(-1.0_f32..1.0, 3), count in 1_usize..10
        ) {
            let mut index = Index::default();
            for (n, vector) in all.iter().enumerate() {
                index.put((Kind::Quest, Uuid::from_u128(n as u128)), vector);
            }
            let mut plain: Vec<((Kind, Uuid), f32)> = all.iter().enumerate()
                .map(|(n, vector)| ((Kind::Quest, Uuid::from_u128(n as u128)), dot(&asked, vector)))
                .filter(|(_, likeness)| *likeness >= LEAST)
                .collect();
            plain.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            plain.truncate(count);
            prop_assert_eq!(index.nearest(&asked, None, count), plain);
            prop_assert!(index.nearest(&asked, Some(Kind::Path), count).is_empty());
        }
    }

    #[test]
    fn a_vector_that_changed_takes_the_place_of_the_old_one() {
        let mut index = Index::default();
        let of = (Kind::Path, Uuid::nil());
        index.put(of, &[1.0, 0.0]);
        index.put(of, &[0.0, 1.0]);
        index.put((Kind::Path, Uuid::max()), &[1.0]);
        assert_eq!(index.len(), 1);
        assert_eq!(index.nearest(&[0.0, 1.0], None, 5), [(of, 1.0)]);
    }
}
