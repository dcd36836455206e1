//! A guild's rules, compiled once a change: all words into one automaton, all patterns into one set.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::links;
use super::normal;
use super::rule::{Config, Patterns, Rule};
use crate::error::Error;

/// What a pattern may take when compiled, in bytes.
const PATTERN_SIZE: usize = 256 << 10;
/// What all patterns of a guild may take together, and their automaton.
const SET_SIZE: usize = 8 << 20;
/// How deep groups may stand in each other.
const NESTING: u32 = 40;

/// A rule that is on, with what it is told in the form in which it is compared.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) rule: Rule,
    pub(super) config: Config,
}

/// A word of a rule, as it stands in the automaton.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    pub(super) rule: usize,
    /// Its number in the rule, from 1.
    pub(super) number: usize,
    /// Whether it must begin where a word does.
    pub(super) begins: bool,
    /// Whether it must end where a word does.
    pub(super) ends: bool,
}

/// What the rules take, so that nothing else is worked out.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Needs {
    pub(super) links: bool,
    pub(super) invites: bool,
    pub(super) emoji: bool,
    pub(super) caps: bool,
    pub(super) mentions: bool,
    pub(super) attachments: bool,
    /// Whether messages are remembered.
    pub(super) rates: bool,
    pub(super) longest_seconds: u32,
}

/// A guild's rules, ready to judge. Cheap to share.
#[derive(Debug)]
pub struct Pipeline {
    pub(super) rules: Vec<Compiled>,
    pub(super) words: Option<AhoCorasick>,
    pub(super) word_list: Vec<Word>,
    pub(super) patterns: Option<RegexSet>,
    /// Rule and number of each pattern of the set.
    pub(super) pattern_list: Vec<(usize, usize)>,
    pub(super) names: Vec<(usize, Vec<Regex>)>,
    pub(super) invites: Option<AhoCorasick>,
    pub(super) needs: Needs,
}

impl Pipeline {
    /// Compiles rules: those that are on, by priority. What is wrong with a pattern, a word or a domain is told by its place.
    pub fn compile(rules: &[Rule]) -> Result<Self, Error> {
        normal::warm();
        let mut compiled: Vec<Compiled> = rules
            .iter()
            .filter(|rule| rule.rule.is_active)
            .map(|rule| {
                Ok(Compiled {
                    rule: rule.clone(),
                    config: plain(Config::read(rule.rule.rule_type, &rule.rule.config)?)?,
                })
            })
            .collect::<Result<_, Error>>()?;
        compiled.sort_by_key(|one| (one.rule.rule.priority, one.rule.id));
        let mut needs = Needs::default();
        for one in &compiled {
            need(&mut needs, &one.config);
        }
        let (words, word_list) = words(&compiled)?;
        let (patterns, pattern_list) = patterns(&compiled)?;
        let names = compiled
            .iter()
            .enumerate()
            .filter_map(|(n, one)| match &one.config {
                Config::UsernameRegex(patterns) => Some(regexes(patterns).map(|all| (n, all))),
                _ => None,
            })
            .collect::<Result<_, _>>()?;
        let invites = if needs.invites { Some(automaton(links::INVITES)?) } else { None };
        Ok(Self { rules: compiled, words, word_list, patterns, pattern_list, names, invites, needs })
    }

    /// How many rules it has.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether a rule lets somebody through by their roles, so that these have to be known.
    pub fn exempts_roles(&self) -> bool {
        self.rules.iter().any(|one| !one.rule.rule.exempt_role_ids.is_empty())
    }

    /// Whether a rule lets something through by where it was written, so that it has to be known what a channel is in.
    pub fn exempts_channels(&self) -> bool {
        self.rules.iter().any(|one| !one.rule.rule.exempt_channel_ids.is_empty())
    }

    /// Whether it has none, and nothing need be judged.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// Lists in the form in which they are compared.
fn plain(mut config: Config) -> Result<Config, Error> {
    let domains = |field: &str, list: &mut Vec<String>| {
        for (n, entry) in list.iter_mut().enumerate() {
            *entry = links::domain(entry)
                .map_err(|why| Error::At(format!("config.{field}[{n}]"), why.to_owned()))?;
        }
        Ok::<_, Error>(())
    };
    match &mut config {
        Config::Links(links) => {
            domains("allow", &mut links.allow)?;
            domains("deny", &mut links.deny)?;
        }
        Config::Invites(invites) => {
            for code in &mut invites.allow {
                let bare = code.rsplit('/').next().unwrap_or(code);
                *code = links::code_of(bare).unwrap_or_else(|| bare.to_lowercase());
            }
        }
        Config::AttachmentTypes(endings) => {
            for ending in endings.allow.iter_mut().chain(&mut endings.deny) {
                *ending = ending.trim().trim_start_matches('.').to_lowercase();
            }
        }
        _ => {}
    }
    Ok(config)
}

fn need(needs: &mut Needs, config: &Config) {
    let mut rate = |seconds: u32| {
        needs.rates = true;
        needs.longest_seconds = needs.longest_seconds.max(seconds);
    };
    match config {
        Config::MessageRate(one) | Config::DuplicateMessages(one) | Config::CrossChannelSpam(one) => {
            rate(one.seconds);
        }
        Config::SameContent(same) => rate(same.seconds),
        Config::JoinRate(joins) => needs.longest_seconds = needs.longest_seconds.max(joins.seconds),
        Config::Mentions(_) => needs.mentions = true,
        Config::Links(_) => needs.links = true,
        Config::Invites(_) => needs.invites = true,
        Config::AttachmentTypes(_) => needs.attachments = true,
        Config::EmojiSpam(_) => needs.emoji = true,
        Config::CapsSpam(_) => needs.caps = true,
        Config::Words(_)
        | Config::Regex(_)
        | Config::UsernameRegex(_)
        | Config::YoungAccount(_)
        | Config::MissingAvatar(_) => {}
    }
}

fn automaton<T: AsRef<[u8]>>(patterns: &[T]) -> Result<AhoCorasick, Error> {
    let total: usize = patterns.iter().map(|pattern| pattern.as_ref().len()).sum();
    let kind = if total <= 40_000 { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
    AhoCorasickBuilder::new()
        .match_kind(MatchKind::Standard)
        .kind(Some(kind))
        .build(patterns)
        .map_err(|error| Error::At("config.words".to_owned(), format!("are too many: {error}")))
}

fn words(rules: &[Compiled]) -> Result<(Option<AhoCorasick>, Vec<Word>), Error> {
    let (mut texts, mut list) = (Vec::new(), Vec::new());
    for (rule, one) in rules.iter().enumerate() {
        let Config::Words(words) = &one.config else { continue };
        for (n, entry) in words.words.iter().enumerate() {
            let entry = entry.trim();
            let (ends, stem) = entry.strip_suffix('*').map_or((true, entry), |stem| (false, stem));
            let (begins, stem) = stem.strip_prefix('*').map_or((true, stem), |stem| (false, stem));
            let (folded, skeleton) = normal::pattern(stem.trim());
            if folded.is_empty() {
                let message = "must have a character that can be seen".to_owned();
                return Err(Error::At(format!("config.words[{n}]"), message));
            }
            let word = Word { rule, number: n + 1, begins, ends };
            if skeleton != folded {
                texts.push(skeleton);
                list.push(word);
            }
            texts.push(folded);
            list.push(word);
        }
    }
    if texts.is_empty() {
        return Ok((None, list));
    }
    Ok((Some(automaton(&texts)?), list))
}

/// A pattern as it is compiled. Word bounds are those of ASCII, so that it stays as fast on any text.
fn written(pattern: &str, case_sensitive: bool) -> String {
    let mut text = String::with_capacity(pattern.len() + 8);
    if !case_sensitive {
        text.push_str("(?i)");
    }
    let mut in_class = 0u32;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('b') if in_class == 0 && !chars.as_str().starts_with('{') => text.push_str("(?-u:\\b)"),
                Some(next) => text.extend(['\\', next]),
                None => text.push('\\'),
            },
            '[' => {
                in_class += 1;
                text.push(c);
            }
            ']' => {
                in_class = in_class.saturating_sub(1);
                text.push(c);
            }
            _ => text.push(c),
        }
    }
    text
}

fn regexes(patterns: &Patterns) -> Result<Vec<Regex>, Error> {
    patterns
        .patterns
        .iter()
        .enumerate()
        .map(|(n, pattern)| {
            RegexBuilder::new(&written(pattern, patterns.case_sensitive))
                .size_limit(PATTERN_SIZE)
                .nest_limit(NESTING)
                .build()
                .map_err(|error| Error::At(format!("config.patterns[{n}]"), refused(&error)))
        })
        .collect()
}

/// Why a pattern is refused, in a line.
fn refused(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "is too large when compiled: repeat less".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or(&text);
            format!("is no regular expression: {}", last.trim().trim_start_matches("error: "))
        }
    }
}

/// Of each pattern its rule, and which of that rule's it is, from 1.
type Origins = Vec<(usize, usize)>;

fn patterns(rules: &[Compiled]) -> Result<(Option<RegexSet>, Origins), Error> {
    let (mut texts, mut list) = (Vec::new(), Vec::new());
    for (rule, one) in rules.iter().enumerate() {
        let Config::Regex(patterns) = &one.config else { continue };
        // One by one first, so that the one that is wrong is named.
        regexes(patterns)?;
        for (n, pattern) in patterns.patterns.iter().enumerate() {
            texts.push(written(pattern, patterns.case_sensitive));
            list.push((rule, n + 1));
        }
    }
    if texts.is_empty() {
        return Ok((None, list));
    }
    let set = RegexSetBuilder::new(&texts)
        .size_limit(SET_SIZE)
        .dfa_size_limit(SET_SIZE)
        .nest_limit(NESTING)
        .build()
        .map_err(|error| {
            Error::At("config.patterns".to_owned(), format!("of all rules together: {}", refused(&error)))
        })?;
    Ok((Some(set), list))
}
