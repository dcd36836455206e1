//! Judging: every surface of a message once, then what is counted, then what is remembered; and of the rules that matched those that count.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use kernel::{ChannelId, MessageId};
use serde_json::{Map, Value, json};
use unicode_segmentation::UnicodeSegmentation as _;

use super::compile::{Compiled, Pipeline};
use super::links::{self, Link};
use super::markdown::{self, Shown};
use super::message::{Body, Member, Message};
use super::normal::{self, Plain};
use super::rule::{Config, Endings};
use super::state::{Burst, State, time_of};
use super::verdict::{Explanation, Hit, Step, Surface, Verdict, join_source};

/// What was seen of a message so far.
#[derive(Default)]
struct Seen {
    /// The rules that matched, each once, with why.
    found: Vec<(usize, Explanation)>,
    emoji: u32,
    capitals: u32,
    letters: u32,
    mentions: u32,
    everyone: bool,
    links: Vec<Link>,
}

impl Seen {
    fn has(&self, rule: usize) -> bool {
        self.found.iter().any(|(n, _)| *n == rule)
    }

    fn hit(&mut self, rule: usize, surface: Surface, steps: Vec<Step>, figures: Value) {
        if !self.has(rule) {
            let figures = if let Value::Object(figures) = figures { figures } else { Map::new() };
            self.found.push((rule, Explanation { surface, steps, figures }));
        }
    }
}

impl Pipeline {
    /// Judges a message; `None` where nothing matched. Bots are not judged, nor is Discord's own unfurling of links. The time of a message is its
    /// id's, so that what comes late counts for when it was written.
    pub fn judge(&self, state: &mut State, message: &Message) -> Option<Verdict> {
        if self.rules.is_empty()
            || message.author.is_bot
            || (message.is_update && message.edited_at.is_none())
        {
            return None;
        }
        let mut seen = Seen::default();
        let mut plain = Plain::default();
        self.text(&mut seen, Surface::Content, &message.body.content, true, &mut plain);
        let content =
            (self.needs.rates && !message.is_update).then(|| state.content(message, &plain.folded)).flatten();
        if let Some(title) = &message.title {
            self.text(&mut seen, Surface::Title, title, false, &mut plain);
        }
        self.body(&mut seen, &message.body, None, &mut plain);
        for body in &message.forwarded {
            self.text(&mut seen, Surface::Forwarded, &body.content, true, &mut plain);
            self.body(&mut seen, body, Some(Surface::Forwarded), &mut plain);
        }
        self.counted(&mut seen, message);
        let mut bursts = Vec::new();
        if let Some(content) = content {
            let length = message.body.content.chars().count();
            self.rates(&mut seen, state, message, content, length, &mut bursts);
        }
        if seen.found.is_empty() {
            return None;
        }
        let mut verdict = Verdict {
            channel_id: Some(message.channel_id),
            message_id: Some(message.id),
            ..Verdict::of(message.source_id(), &message.author)
        };
        let taken = self.choose(seen.found, &message.author, Some(message), &mut verdict);
        for (rule, burst) in bursts {
            if taken.contains(&rule) && !self.rules[rule].rule.rule.dry_run {
                state.forget(message.author.user_id);
                if self.rules[rule].rule.rule.delete_message {
                    verdict.also_delete.extend(burst.before.into_iter().filter(|(_, id)| *id != message.id));
                }
            }
        }
        verdict.also_delete.sort_unstable();
        verdict.also_delete.dedup();
        (!verdict.is_clean()).then_some(verdict)
    }

    /// Judges who joined; `None` where nothing matched, and where the join was told before.
    pub fn judge_join(
        &self,
        state: &mut State,
        member: &Member,
        joined_at: DateTime<Utc>,
    ) -> Option<Verdict> {
        state.remember(i64::from(self.needs.longest_seconds));
        if !state.joined(member.user_id, joined_at.timestamp_millis())
            || self.rules.is_empty()
            || member.is_bot
        {
            return None;
        }
        let mut seen = Seen::default();
        self.named(&mut seen, member);
        for (n, one) in self.rules.iter().enumerate() {
            match &one.config {
                Config::YoungAccount(age) => {
                    let hours = (joined_at - member.created_at).num_hours();
                    if hours < i64::from(age.hours) {
                        seen.hit(n, Surface::Account, vec![], json!({ "hours": hours, "limit": age.hours }));
                    }
                }
                Config::MissingAvatar(_) if !member.has_avatar => {
                    seen.hit(n, Surface::Account, vec![], json!({ "avatar": false }));
                }
                Config::JoinRate(joins) => {
                    let count = state.join_count(joined_at.timestamp_millis(), joins.seconds);
                    if count >= joins.count as usize {
                        let figures =
                            json!({ "count": count, "limit": joins.count, "seconds": joins.seconds });
                        seen.hit(n, Surface::Rate, vec![], figures);
                        if !one.rule.rule.dry_run {
                            state.forget_joins();
                        }
                    }
                }
                _ => {}
            }
        }
        self.of_account(seen, member, join_source(member.user_id, joined_at))
    }

    /// Judges the names of a member who changed one.
    pub fn judge_names(&self, member: &Member, at: DateTime<Utc>) -> Option<Verdict> {
        if self.names.is_empty() || member.is_bot {
            return None;
        }
        let mut seen = Seen::default();
        self.named(&mut seen, member);
        self.of_account(seen, member, format!("name:{}:{}", member.user_id, at.timestamp_millis()))
    }

    fn of_account(&self, seen: Seen, member: &Member, source_id: String) -> Option<Verdict> {
        let mut verdict = Verdict::of(source_id, member);
        self.choose(seen.found, member, None, &mut verdict);
        (!verdict.is_clean()).then_some(verdict)
    }

    fn named(&self, seen: &mut Seen, member: &Member) {
        let mut plain = Plain::default();
        for (rule, patterns) in &self.names {
            for name in &member.names {
                plain.make(name);
                let number = patterns.iter().position(|pattern| {
                    pattern.is_match(name) || plain.views().any(|view| pattern.is_match(view.text))
                });
                if let Some(n) = number {
                    seen.hit(
                        *rule,
                        Surface::Name,
                        normal::steps(name),
                        json!({ "pattern": n + 1, "of": patterns.len() }),
                    );
                    break;
                }
            }
        }
    }

    /// Everything of a body but its content; `of` where it belongs to something else.
    fn body(&self, seen: &mut Seen, body: &Body, of: Option<Surface>, plain: &mut Plain) {
        let is = |own: Surface| of.unwrap_or(own);
        // What Discord unfurled is judged where its link stands.
        for embed in body.embeds.iter().filter(|embed| !embed.is_unfurled) {
            for text in &embed.texts {
                self.text(seen, is(Surface::Embed), text, true, plain);
            }
            for url in &embed.urls {
                self.address(seen, is(Surface::Embed), url);
            }
        }
        for text in &body.components {
            self.text(seen, is(Surface::Component), text, true, plain);
        }
        for attachment in &body.attachments {
            self.text(seen, is(Surface::Attachment), &attachment.name, false, plain);
            if let Some(alt) = &attachment.alt {
                self.text(seen, is(Surface::Attachment), alt, false, plain);
            }
            if self.needs.attachments {
                self.attachment(
                    seen,
                    is(Surface::Attachment),
                    &attachment.name,
                    attachment.content_type.as_deref(),
                );
            }
        }
        for sticker in &body.stickers {
            self.text(seen, is(Surface::Sticker), sticker, false, plain);
        }
        if let Some(poll) = &body.poll {
            for text in std::iter::once(&poll.question).chain(&poll.answers) {
                self.text(seen, is(Surface::Poll), text, false, plain);
            }
        }
    }

    /// One text.
    fn text(&self, seen: &mut Seen, surface: Surface, source: &str, is_markdown: bool, plain: &mut Plain) {
        let shown = if is_markdown {
            markdown::shown(source)
        } else {
            Shown { text: Cow::Borrowed(source), ..Shown::default() }
        };
        let text: &str = &shown.text;
        plain.make(text);
        if self.words.is_some() {
            self.words(seen, surface, &shown, plain);
        }
        if self.patterns.is_some() {
            self.patterns(seen, surface, text, plain);
        }
        if self.needs.links || self.needs.invites {
            links::find(text, &mut seen.links);
            for link in &shown.links {
                links::read(link, &mut seen.links, 0);
            }
            if !seen.links.is_empty() {
                let links = std::mem::take(&mut seen.links);
                self.links(seen, surface, &links);
                seen.links = links;
                seen.links.clear();
            }
            if let Some(invites) = &self.invites {
                self.bare_invites(seen, surface, plain, invites);
            }
        }
        // Forwards and the rest mention nobody; what they show is counted all the same.
        if self.needs.mentions && surface == Surface::Content {
            seen.mentions += u32::try_from(shown.mentions.len()).unwrap_or(u32::MAX);
            seen.everyone |= shown.everyone;
        }
        if self.needs.emoji {
            seen.emoji += shown.emoji + emoji(&shown);
        }
        if self.needs.caps {
            let (capitals, letters) = capitals(&shown);
            seen.capitals += capitals;
            seen.letters += letters;
        }
    }

    fn words(&self, seen: &mut Seen, surface: Surface, shown: &Shown<'_>, plain: &Plain) {
        let Some(automaton) = &self.words else { return };
        let text: &str = &shown.text;
        for view in plain.views() {
            for found in automaton.find_overlapping_iter(view.text) {
                let word = self.word_list[found.pattern().as_usize()];
                if seen.has(word.rule)
                    || (word.begins && !view.begins_word(found.start(), text))
                    || (word.ends && !view.ends_word(found.end(), text))
                {
                    continue;
                }
                let mut steps =
                    if matches!(shown.text, Cow::Owned(_)) { vec![Step::Markdown] } else { Vec::new() };
                let piece = text.get(view.origin(found.start(), found.end(), text)).unwrap_or("");
                steps.extend(normal::steps(piece));
                let Config::Words(words) = &self.rules[word.rule].config else { continue };
                seen.hit(
                    word.rule,
                    surface,
                    steps,
                    json!({ "pattern": word.number, "of": words.words.len() }),
                );
            }
        }
    }

    fn patterns(&self, seen: &mut Seen, surface: Surface, text: &str, plain: &Plain) {
        let Some(set) = &self.patterns else { return };
        let mut matched = |form: &str, steps: &dyn Fn() -> Vec<Step>| {
            if !set.is_match(form) {
                return;
            }
            for n in set.matches(form) {
                let (rule, number) = self.pattern_list[n];
                let Config::Regex(patterns) = &self.rules[rule].config else { continue };
                seen.hit(rule, surface, steps(), json!({ "pattern": number, "of": patterns.patterns.len() }));
            }
        };
        matched(text, &Vec::new);
        if !text.is_ascii() {
            for view in plain.views() {
                matched(view.text, &|| normal::steps(text));
            }
        }
    }

    fn address(&self, seen: &mut Seen, surface: Surface, address: &str) {
        if self.needs.links || self.needs.invites {
            let mut found = Vec::new();
            links::read(address, &mut found, 0);
            self.links(seen, surface, &found);
        }
    }

    /// Every link, whether or not one that is allowed came before.
    fn links(&self, seen: &mut Seen, surface: Surface, found: &[Link]) {
        for (rule, one) in self.rules.iter().enumerate() {
            match &one.config {
                Config::Links(list) => {
                    let denied = found.iter().enumerate().find_map(|(n, link)| {
                        let why = if !list.deny.is_empty() && link.is_of(&list.deny) {
                            "denied"
                        } else if link.is_of(&list.allow) {
                            return None;
                        } else if list.redirectors && link.is_redirector() {
                            "unknown destination"
                        } else if !list.allow.is_empty() || list.deny.is_empty() {
                            "not allowed"
                        } else {
                            return None;
                        };
                        Some((n + 1, why))
                    });
                    if let Some((number, why)) = denied {
                        seen.hit(
                            rule,
                            surface,
                            vec![Step::Decoded],
                            json!({ "link": number, "of": found.len(), "why": why }),
                        );
                    }
                }
                Config::Invites(list) => {
                    let foreign = found
                        .iter()
                        .filter_map(|link| link.invite.as_ref())
                        .any(|code| !list.allow.contains(code));
                    if foreign {
                        seen.hit(rule, surface, vec![Step::Decoded], json!({ "links": found.len() }));
                    }
                }
                _ => {}
            }
        }
    }

    /// Invites that are no links, as people write them.
    fn bare_invites(
        &self,
        seen: &mut Seen,
        surface: Surface,
        plain: &Plain,
        invites: &aho_corasick::AhoCorasick,
    ) {
        for view in plain.views() {
            if !view.text.contains('/') {
                continue;
            }
            for found in invites.find_overlapping_iter(view.text) {
                let before = view.text[..found.start()].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '-') {
                    continue;
                }
                let Some(code) = links::code_of(&view.text[found.end()..]) else { continue };
                for (rule, one) in self.rules.iter().enumerate() {
                    if let Config::Invites(list) = &one.config
                        && !list.allow.contains(&code)
                    {
                        seen.hit(rule, surface, vec![Step::Decoded], json!({ "links": 1 }));
                    }
                }
            }
        }
    }

    fn attachment(&self, seen: &mut Seen, surface: Surface, name: &str, content_type: Option<&str>) {
        let ending = ending(name, content_type);
        for (rule, one) in self.rules.iter().enumerate() {
            let Config::AttachmentTypes(list) = &one.config else { continue };
            if is_refused(list, &ending) {
                let why = if list.deny.contains(&ending) { "denied" } else { "not allowed" };
                seen.hit(rule, surface, vec![], json!({ "why": why }));
            }
        }
    }

    /// What is counted over all of a message.
    fn counted(&self, seen: &mut Seen, message: &Message) {
        if !(self.needs.mentions || self.needs.emoji || self.needs.caps) {
            return;
        }
        let surface = if message.body.content.is_empty() { Surface::Forwarded } else { Surface::Content };
        for (rule, one) in self.rules.iter().enumerate() {
            match &one.config {
                Config::Mentions(mentions)
                    if seen.mentions >= mentions.count || (mentions.everyone && seen.everyone) =>
                {
                    let figures =
                        json!({ "count": seen.mentions, "limit": mentions.count, "everyone": seen.everyone });
                    seen.hit(rule, Surface::Content, vec![], figures);
                }
                Config::EmojiSpam(most) if seen.emoji >= most.count => {
                    seen.hit(rule, surface, vec![], json!({ "count": seen.emoji, "limit": most.count }));
                }
                Config::CapsSpam(caps)
                    if seen.letters >= caps.min_letters
                        && seen.capitals * 100 >= caps.percent * seen.letters =>
                {
                    let percent = seen.capitals * 100 / seen.letters;
                    seen.hit(
                        rule,
                        surface,
                        vec![],
                        json!({ "percent": percent, "limit": caps.percent, "letters": seen.letters }),
                    );
                }
                _ => {}
            }
        }
    }

    /// What is remembered from one message to the next.
    fn rates(
        &self,
        seen: &mut Seen,
        state: &mut State,
        message: &Message,
        content: u64,
        length: usize,
        bursts: &mut Vec<(usize, Burst)>,
    ) {
        state.remember(i64::from(self.needs.longest_seconds));
        let at = time_of(message.id).timestamp_millis();
        let user = message.author.user_id;
        state.saw(message, at, content);
        for (rule, one) in self.rules.iter().enumerate() {
            let (burst, limit, seconds) = match &one.config {
                Config::MessageRate(rate) => (state.rate(user, at, *rate), rate.count, rate.seconds),
                Config::DuplicateMessages(rate) => {
                    (state.duplicates(user, at, content, *rate), rate.count, rate.seconds)
                }
                Config::CrossChannelSpam(rate) => {
                    (state.channels(user, at, content, *rate), rate.count, rate.seconds)
                }
                Config::SameContent(same) => {
                    let long = length >= same.min_length as usize || length == 0;
                    if !long {
                        continue;
                    }
                    (state.accounts(at, content, same.seconds), same.accounts, same.seconds)
                }
                _ => continue,
            };
            if burst.count >= limit as usize {
                seen.hit(
                    rule,
                    Surface::Rate,
                    vec![],
                    json!({ "count": burst.count, "limit": limit, "seconds": seconds }),
                );
                bursts.push((rule, burst));
            }
        }
    }

    /// Of the rules that matched those that count, in their order: none that exempts the member or the place, and none after the first in earnest
    /// that does not let others go on.
    fn choose(
        &self,
        mut found: Vec<(usize, Explanation)>,
        member: &Member,
        message: Option<&Message>,
        verdict: &mut Verdict,
    ) -> Vec<usize> {
        found.sort_unstable_by_key(|(rule, _)| *rule);
        let mut taken = Vec::new();
        for (n, explanation) in found {
            let one = &self.rules[n];
            if is_exempt(one, member, message) {
                continue;
            }
            taken.push(n);
            verdict.hits.push(hit(one, explanation));
            if !one.rule.rule.dry_run && !one.rule.rule.continue_matching {
                break;
            }
        }
        taken
    }
}

fn is_exempt(one: &Compiled, member: &Member, message: Option<&Message>) -> bool {
    let rule = &one.rule.rule;
    if rule.exempt_role_ids.iter().any(|role| member.role_ids.contains(role)) {
        return true;
    }
    let exempt = |channel: &ChannelId| rule.exempt_channel_ids.contains(channel);
    message.is_some_and(|message| exempt(&message.channel_id) || message.parent_ids.iter().any(exempt))
}

fn hit(one: &Compiled, explanation: Explanation) -> Hit {
    let rule = &one.rule.rule;
    let raid = match &one.config {
        Config::JoinRate(joins) => joins.raid.map(|action| (action, joins.raid_minutes.map(i64::from))),
        _ => None,
    };
    Hit {
        rule_id: one.rule.id,
        rule: rule.name.clone(),
        act: rule.action,
        duration_seconds: rule.duration_seconds,
        delete_message: (rule.delete_message || rule.action == super::Act::Delete)
            && !rule.rule_type.is_of_accounts(),
        reason: rule.reason.clone().unwrap_or_else(|| format!("Automod: {}", rule.name)),
        alert_channel_id: rule.alert_channel_id,
        dry_run: rule.dry_run,
        raid,
        explanation,
    }
}

/// A file's ending, in small letters, without what is not drawn; by its type where its name has none.
fn ending(name: &str, content_type: Option<&str>) -> String {
    let name: String = name.chars().filter(|c| !normal::is_invisible(*c)).collect();
    let name = name.trim_end_matches(['.', ' ']);
    match name.rsplit_once('.') {
        Some((_, ending)) => ending.to_lowercase(),
        None => content_type
            .and_then(|kind| kind.split(';').next())
            .and_then(|kind| kind.rsplit('/').next())
            .unwrap_or("")
            .to_lowercase(),
    }
}

fn is_refused(list: &Endings, ending: &String) -> bool {
    list.deny.contains(ending) || (!list.allow.is_empty() && !list.allow.contains(ending))
}

/// Emoji of Unicode outside of code: each as it is drawn, however many characters it is made of.
fn emoji(shown: &Shown<'_>) -> u32 {
    let text: &str = &shown.text;
    if text.is_ascii() {
        return 0;
    }
    let mut count = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        if !cluster.is_ascii() && is_emoji(cluster) && !shown.code.iter().any(|range| range.contains(&at)) {
            count += 1;
        }
    }
    count
}

fn is_emoji(cluster: &str) -> bool {
    let first = cluster.chars().next().map_or(0, u32::from);
    matches!(first, 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x231A..=0x23FF | 0x2B00..=0x2BFF)
        || cluster.contains('\u{20E3}')
        || (cluster.contains('\u{FE0F}') && first >= 0xA9)
}

/// Capitals and letters outside of code.
fn capitals(shown: &Shown<'_>) -> (u32, u32) {
    let text: &str = &shown.text;
    let mut from = 0;
    let (mut capitals, mut letters) = (0, 0);
    let mut count = |piece: &str| {
        if piece.is_ascii() {
            for b in piece.bytes() {
                capitals += u32::from(b.is_ascii_uppercase());
                letters += u32::from(b.is_ascii_alphabetic());
            }
        } else {
            for c in piece.chars() {
                let (up, down) = (c.is_uppercase(), c.is_lowercase());
                capitals += u32::from(up);
                letters += u32::from(up || down);
            }
        }
    };
    for range in &shown.code {
        count(&text[from..range.start]);
        from = range.end;
    }
    count(&text[from..]);
    (capitals, letters)
}

/// Messages that a verdict deletes, its own first.
pub(crate) fn deletions(verdict: &Verdict) -> Vec<(ChannelId, MessageId)> {
    if !verdict.deletes() {
        return Vec::new();
    }
    let own = verdict.channel_id.zip(verdict.message_id);
    own.into_iter().chain(verdict.also_delete.iter().copied()).collect()
}
