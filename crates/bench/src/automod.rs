//! Automod: a committed mix of messages judged by fifty rules on one core, beside what it takes to look at each byte once.

use std::time::Instant;

use anyhow::{Result, anyhow};
use chrono::DateTime;
use kernel::{ChannelId, MessageId, UserId};
use moderation::automod::{Act, Body, Member, Message, NewRule, Pipeline, Rule, RuleType, State};
use moderation::model::RuleId;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::figure::{Figure, Target, Unit};
use crate::progress;

const SECTION: &str = "automod";
/// The mix is always the same.
const SEED: u64 = 15;

pub(crate) fn measure(quick: bool) -> Result<Vec<Figure>> {
    let _spinner = progress::spinner("judging messages");
    let messages = mix(if quick { 2_000 } else { 400_000 });
    let pipeline = Pipeline::compile(&rules()).map_err(|error| anyhow!("{error}"))?;
    // What is loaded on first use is not the rules' work.
    let mut state = State::new();
    for message in messages.iter().take(2_000) {
        pipeline.judge(&mut state, message);
    }
    let mut state = State::new();
    let mut hits = 0;
    let started = Instant::now();
    for message in &messages {
        hits += usize::from(pipeline.judge(&mut state, message).is_some());
    }
    let rate = count(messages.len()) / started.elapsed().as_secs_f64();
    let mut state = State::new();
    let mut times: Vec<f64> = messages
        .iter()
        .map(|message| {
            let started = Instant::now();
            pipeline.judge(&mut state, message);
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    let p999 = times[(times.len() * 999 / 1_000).min(times.len() - 1)];
    let worst = worst(&pipeline);
    let bytes = Instant::now();
    let letters: usize = messages
        .iter()
        .map(|message| message.body.content.bytes().filter(u8::is_ascii_alphabetic).count())
        .sum();
    let plain = count(messages.len()) / bytes.elapsed().as_secs_f64();
    let share = count(hits) * 100.0 / count(messages.len());
    Ok(vec![
        Figure::new(SECTION, "messages, 50 rules, one core", rate, Unit::PerSecond)
            .target(Target::AtLeast(200_000.0))
            .limit(plain, format!("counting their {letters} letters")),
        Figure::new(SECTION, "one message, p99.9", p999, Unit::Microseconds).target(Target::AtMost(100.0)),
        Figure::new(SECTION, "the worst message of 4,000 characters", worst, Unit::Milliseconds)
            .target(Target::AtMost(2.0)),
        Figure::new(SECTION, "messages that were hit", share, Unit::Percent),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "as many messages as fit into memory")]
fn count(n: usize) -> f64 {
    n as f64
}

/// The slowest of several hostile messages, each the best of five, in milliseconds.
fn worst(pipeline: &Pipeline) -> f64 {
    let hostile = [
        "а\u{301}".repeat(2_000),
        "\u{200B}b".repeat(2_000),
        "𝐛𝐚𝐝".repeat(1_333),
        "[".repeat(4_000),
        "[](".repeat(1_333),
        "<".repeat(4_000),
        "*_~|`".repeat(800),
        "https://a.b/?u=https%3A%2F%2F".repeat(137),
        "discord.gg/%72".repeat(285),
        "😀".repeat(4_000),
        "scam0 ".repeat(666),
        "aA1".repeat(1_333),
    ];
    hostile
        .iter()
        .map(|content| {
            let message = message(1, 7, 50, content.clone());
            (0..5)
                .map(|_| {
                    let mut state = State::new();
                    let started = Instant::now();
                    pipeline.judge(&mut state, &message);
                    started.elapsed().as_secs_f64() * 1e3
                })
                .fold(f64::INFINITY, f64::min)
        })
        .fold(0.0, f64::max)
}

fn message(n: i64, user: i64, channel: i64, content: String) -> Message {
    let author = Member { user_id: UserId::new(user), ..Member::default() };
    // A message each 20 ms: 50 a second in one guild.
    let id = ((300_000_000_000 + n * 20) << 22) + 1;
    let mut message = Message::new(MessageId::new(id), ChannelId::new(channel), author);
    message.body = Body { content, ..Body::default() };
    message
}

/// 80 % short ASCII, 15 % code, 5 % hostile Unicode; every hundredth message hides a banned word.
fn mix(count: usize) -> Vec<Message> {
    const WORDS: [&str; 24] = [
        "the",
        "build",
        "is",
        "green",
        "again",
        "thanks",
        "for",
        "your",
        "help",
        "with",
        "that",
        "query",
        "I",
        "will",
        "try",
        "tomorrow",
        "does",
        "anyone",
        "know",
        "how",
        "to",
        "fix",
        "this",
        "Lifetimes",
    ];
    const CODE: [&str; 5] = [
        "```rust\nfn main() { let v: Vec<u8> = (0..10).map(|n| n * 2).collect(); println!(\"{v:?}\"); }\n```",
        "use `Iterator::filter_map` instead of `.filter().map()`",
        "```sql\nSELECT count(*) FROM t WHERE a[1] = 'x' AND NOT b;\n```",
        "see [the docs](https://doc.rust-lang.org/std/) for `Option<T>`",
        "```\nerror[E0308]: mismatched types\n --> src/main.rs:4:18\n```",
    ];
    const HOSTILE: [char; 12] =
        ['а', 'о', 'е', '\u{200B}', '\u{AD}', '𝐛', 'ｂ', '\u{337}', '😀', '\u{E0062}', 'я', '\u{301}'];
    let mut rng = StdRng::seed_from_u64(SEED);
    (0..count)
        .map(|n| {
            let content = match rng.random_range(0..100) {
                0..80 => {
                    let words = rng.random_range(3..15);
                    (0..words).map(|_| WORDS[rng.random_range(0..WORDS.len())]).collect::<Vec<_>>().join(" ")
                }
                80..95 => format!("{} {n}", CODE[rng.random_range(0..CODE.len())]),
                _ => (0..rng.random_range(20..120))
                    .map(|_| match rng.random_range(0..3) {
                        0 => HOSTILE[rng.random_range(0..HOSTILE.len())],
                        1 => ' ',
                        _ => char::from(rng.random_range(b'a'..=b'z')),
                    })
                    .collect(),
            };
            let content =
                if n % 100 == 99 { format!("{content} sc\u{200B}am{}wоrd7", n / 100 % 30) } else { content };
            let (user, channel) = (rng.random_range(1..5_000), rng.random_range(50..110));
            message(i64::try_from(n).unwrap_or(0), user, channel, content)
        })
        .collect()
}

/// Fifty rules as a large guild has them: 30 lists of words, 10 of patterns, one of each other kind.
fn rules() -> Vec<Rule> {
    let mut all: Vec<(RuleType, Value)> = Vec::new();
    for list in 0..30 {
        let words: Vec<String> = (0..20).map(|word| format!("scam{list}word{word}")).collect();
        all.push((RuleType::Words, json!({ "words": words })));
    }
    for pattern in 0..10 {
        all.push((RuleType::Regex, json!({ "patterns": [format!("free\\W*(nitro|gift){pattern}\\b"), format!("(?:buy|sell){pattern}\\s+\\d+")] })));
    }
    all.extend([
        (RuleType::Links, json!({ "deny": ["evil.com", "bad.org"] })),
        (RuleType::Invites, json!({})),
        (RuleType::Mentions, json!({ "count": 8 })),
        (RuleType::EmojiSpam, json!({ "count": 30 })),
        (RuleType::CapsSpam, json!({ "percent": 80, "min_letters": 30 })),
        (RuleType::AttachmentTypes, json!({ "deny": ["exe"] })),
        (RuleType::MessageRate, json!({ "count": 10, "seconds": 5 })),
        (RuleType::DuplicateMessages, json!({ "count": 5, "seconds": 30 })),
        (RuleType::CrossChannelSpam, json!({ "count": 4, "seconds": 30 })),
        (RuleType::SameContent, json!({ "accounts": 8, "seconds": 30, "min_length": 60 })),
    ]);
    all.into_iter()
        .zip(1u128..)
        .map(|((rule_type, config), n)| Rule {
            id: RuleId::new(Uuid::from_u128(n)),
            rule: NewRule {
                name: format!("rule {n}"),
                rule_type,
                config,
                action: Act::Delete,
                duration_seconds: None,
                delete_message: true,
                reason: None,
                alert_channel_id: None,
                exempt_role_ids: vec![],
                exempt_channel_ids: vec![],
                continue_matching: false,
                dry_run: false,
                is_active: true,
                priority: 0,
            },
            created_by: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        })
        .collect()
}
