//! Texts as tokens, by a `tokenizer.json` of the Hugging Face kind, as far as static models need it: byte-pair encoding with bytes to
//! fall back on (as Llama has it), and `WordPiece` (as BERT has it).

use std::collections::HashMap;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// How many characters of a text are looked at.
const MOST_CHARACTERS: usize = 8_192;
/// The longest word that is taken apart, in characters; what is longer is unknown.
const LONGEST: usize = 100;
/// What stands for the blank before a word.
const BLANK: char = '\u{2581}';

#[derive(Deserialize)]
struct File {
    model: Model,
    #[serde(default)]
    normalizer: Option<Normalizer>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Model {
    #[serde(rename = "BPE")]
    Pairs {
        vocab: HashMap<String, u32>,
        merges: Vec<Merge>,
        #[serde(default)]
        byte_fallback: bool,
        #[serde(default)]
        unk_token: Option<String>,
    },
    WordPiece {
        vocab: HashMap<String, u32>,
        unk_token: String,
        #[serde(default = "continuing")]
        continuing_subword_prefix: String,
    },
}

fn continuing() -> String {
    "##".to_owned()
}

/// As older and as newer files write it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Text(String),
    Pair([String; 2]),
}

#[derive(Deserialize)]
struct Normalizer {
    #[serde(default)]
    lowercase: Option<bool>,
    #[serde(default)]
    strip_accents: Option<bool>,
}

/// A tokenizer.
#[derive(Debug)]
pub struct Tokenizer {
    vocab: HashMap<String, u32>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Pairs { ranks: HashMap<(String, String), usize>, byte_fallback: bool, unknown: Option<u32> },
    WordPiece { unknown: u32, prefix: String, lowercase: bool, strip_accents: bool },
}

impl Tokenizer {
    /// Reads a `tokenizer.json`; what is wrong with it, otherwise.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let normalizer = file.normalizer;
        Ok(match file.model {
            Model::Pairs { vocab, merges, byte_fallback, unk_token } => {
                let mut ranks = HashMap::with_capacity(merges.len());
                for (rank, merge) in merges.into_iter().enumerate() {
                    let pair = match merge {
                        Merge::Pair([left, right]) => (left, right),
                        Merge::Text(text) => {
                            let (left, right) =
                                text.split_once(' ').ok_or_else(|| format!("`{text}` is no merge"))?;
                            (left.to_owned(), right.to_owned())
                        }
                    };
                    ranks.entry(pair).or_insert(rank);
                }
                let unknown = unk_token.and_then(|token| vocab.get(&token).copied());
                Self { vocab, kind: Kind::Pairs { ranks, byte_fallback, unknown } }
            }
            Model::WordPiece { vocab, unk_token, continuing_subword_prefix } => {
                let unknown = *vocab
                    .get(&unk_token)
                    .ok_or_else(|| format!("`{unk_token}` is not in the vocabulary"))?;
                let lowercase = normalizer.as_ref().and_then(|how| how.lowercase).unwrap_or(false);
                // Unless told otherwise, what folds case strips accents, as in BERT.
                let strip_accents = normalizer.and_then(|how| how.strip_accents).unwrap_or(lowercase);
                let prefix = continuing_subword_prefix;
                Self { vocab, kind: Kind::WordPiece { unknown, prefix, lowercase, strip_accents } }
            }
        })
    }

    /// The tokens of a text.
    pub fn tokens(&self, text: &str) -> Vec<u32> {
        let text: String = text.chars().take(MOST_CHARACTERS).collect();
        let mut tokens = Vec::new();
        match &self.kind {
            Kind::Pairs { ranks, byte_fallback, unknown } => {
                let mut seen: HashMap<&str, Vec<u32>> = HashMap::new();
                for word in text.split_whitespace() {
                    let of =
                        seen.entry(word).or_insert_with(|| self.pairs(word, ranks, *byte_fallback, *unknown));
                    tokens.extend_from_slice(of);
                }
            }
            Kind::WordPiece { unknown, prefix, lowercase, strip_accents } => {
                let mut text = text;
                if *strip_accents {
                    text = text.nfd().filter(|c| !is_combining_mark(*c)).collect();
                }
                if *lowercase {
                    text = text.to_lowercase();
                }
                for word in words(&text) {
                    self.pieces(&word, prefix, *unknown, &mut tokens);
                }
            }
        }
        tokens
    }

    /// A word by merging pairs, the one that was learnt first before all others.
    fn pairs(
        &self,
        word: &str,
        ranks: &HashMap<(String, String), usize>,
        byte_fallback: bool,
        unknown: Option<u32>,
    ) -> Vec<u32> {
        let mut parts: Vec<String> =
            std::iter::once(BLANK).chain(word.chars().take(LONGEST)).map(String::from).collect();
        loop {
            let best = parts
                .windows(2)
                .enumerate()
                .filter_map(|(at, pair)| Some((*ranks.get(&(pair[0].clone(), pair[1].clone()))?, at)))
                .min();
            let Some((_, at)) = best else { break };
            let right = parts.remove(at + 1);
            parts[at].push_str(&right);
        }
        let mut tokens = Vec::new();
        for part in parts {
            if let Some(token) = self.vocab.get(&part) {
                tokens.push(*token);
                continue;
            }
            let bytes: Option<Vec<u32>> = byte_fallback
                .then(|| {
                    part.bytes().map(|byte| self.vocab.get(&format!("<0x{byte:02X}>")).copied()).collect()
                })
                .flatten();
            match bytes {
                Some(bytes) => tokens.extend(bytes),
                None => tokens.extend(unknown),
            }
        }
        tokens
    }

    /// A word by its longest beginnings.
    fn pieces(&self, word: &str, prefix: &str, unknown: u32, tokens: &mut Vec<u32>) {
        let characters: Vec<char> = word.chars().collect();
        let before = tokens.len();
        let mut from = 0;
        while from < characters.len() && characters.len() <= LONGEST {
            let found = (from + 1..=characters.len()).rev().find_map(|to| {
                let mut piece = if from == 0 { String::new() } else { prefix.to_owned() };
                piece.extend(&characters[from..to]);
                Some((to, *self.vocab.get(&piece)?))
            });
            let Some((to, token)) = found else { break };
            tokens.push(token);
            from = to;
        }
        if from < characters.len() {
            tokens.truncate(before);
            tokens.push(unknown);
        }
    }
}

/// Words and marks of punctuation, as BERT takes texts apart; characters of Chinese each by themselves.
fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        let alone = (!c.is_alphanumeric() && !c.is_whitespace() && !is_combining_mark(c)) || is_ideograph(c);
        if c.is_whitespace() || c.is_control() || alone {
            if !word.is_empty() {
                all.push(std::mem::take(&mut word));
            }
            if alone && !c.is_control() {
                all.push(c.to_string());
            }
        } else {
            word.push(c);
        }
    }
    if !word.is_empty() {
        all.push(word);
    }
    all
}

const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn pairs() -> Tokenizer {
        let mut vocab = serde_json::Map::new();
        for (n, token) in ["<unk>", "\u{2581}", "l", "o", "p", "s", "lo", "\u{2581}lo", "op", "\u{2581}loops"]
            .iter()
            .enumerate()
        {
            vocab.insert((*token).to_owned(), json!(n));
        }
        for byte in 0..=255_u32 {
            vocab.insert(format!("<0x{byte:02X}>"), json!(100 + byte));
        }
        let file = json!({ "model": { "type": "BPE", "vocab": vocab, "byte_fallback": true, "unk_token": "<unk>",
            "merges": ["l o", ["\u{2581}", "lo"], "o p"] }, "normalizer": null });
        Tokenizer::read(&file.to_string()).unwrap()
    }

    fn word_piece() -> Tokenizer {
        let file = json!({ "model": { "type": "WordPiece", "unk_token": "[UNK]", "vocab":
            { "[UNK]": 0, "loop": 1, "##s": 2, "cafe": 3, "!": 4, "中": 5 } },
            "normalizer": { "type": "BertNormalizer", "lowercase": true } });
        Tokenizer::read(&file.to_string()).unwrap()
    }

    #[test]
    fn pairs_are_merged_in_the_order_in_which_they_were_learnt() {
        assert_eq!(pairs().tokens("loops"), [7, 8, 5]);
        assert_eq!(pairs().tokens("  loops\n lo "), [7, 8, 5, 7]);
        assert_eq!(pairs().tokens("é"), [1, 100 + 0xc3, 100 + 0xa9]);
    }

    #[test]
    fn pieces_are_the_longest_that_there_are() {
        assert_eq!(word_piece().tokens("Loops! Café xyz 中"), [1, 2, 4, 3, 0, 5]);
    }

    #[test]
    fn what_is_no_tokenizer_is_told() {
        assert!(Tokenizer::read("{}").is_err());
        assert!(
            Tokenizer::read(r#"{"model":{"type":"Unigram","vocab":[]}}"#).unwrap_err().contains("Unigram")
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            pairs().tokens(&text);
            word_piece().tokens(&text);
        }
    }
}
