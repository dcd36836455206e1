//! Automod by its table of cases: what has gone wrong elsewhere, and more of each kind.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ChannelId, MessageId, RoleId, UserId};
use moderation::automod::{
    Act, Attachment, Body, Embed, Member, Message, NewRule, Pipeline, Poll, Rule, RuleType, State, Step,
    Surface, Verdict,
};
use moderation::model::RuleId;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn rule(n: u128, rule_type: RuleType, config: Value) -> Rule {
    Rule {
        id: RuleId::new(Uuid::from_u128(n)),
        rule: NewRule {
            name: format!("rule {n}"),
            rule_type,
            config,
            action: if rule_type.is_of_accounts() { Act::Alert } else { Act::Delete },
            duration_seconds: None,
            delete_message: true,
            reason: None,
            alert_channel_id: None,
            exempt_role_ids: vec![],
            exempt_channel_ids: vec![],
            continue_matching: false,
            dry_run: false,
            is_active: true,
            priority: i32::try_from(n).unwrap(),
        },
        created_by: None,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn one(rule_type: RuleType, config: Value) -> Pipeline {
    Pipeline::compile(&[rule(1, rule_type, config)]).unwrap()
}

fn words(words: &[&str]) -> Pipeline {
    one(RuleType::Words, json!({ "words": words }))
}

/// The `n`-th message, so many milliseconds after the first.
fn at(n: i64, ms: i64, user: i64, channel: i64, content: &str) -> Message {
    let author = Member { user_id: UserId::new(user), ..Member::default() };
    let id = ((300_000_000_000 + ms) << 22) + n;
    let mut message = Message::new(MessageId::new(id), ChannelId::new(channel), author);
    content.clone_into(&mut message.body.content);
    message
}

fn says(content: &str) -> Message {
    at(1, 0, 7, 50, content)
}

fn judge(pipeline: &Pipeline, message: &Message) -> Option<Verdict> {
    pipeline.judge(&mut State::new(), message)
}

fn hits(pipeline: &Pipeline, content: &str) -> bool {
    judge(pipeline, &says(content)).is_some()
}

#[test]
fn a_word_is_known_however_it_is_disguised() {
    let pipeline = words(&["badword"]);
    for disguised in [
        "badword",
        "a BadWord!",
        "bad\u{200B}word",
        "b\u{200D}a\u{2060}d\u{FEFF}word",
        "ba\u{E0061}\u{E0062}dword",
        "bad\u{AD}word",
        "bad\u{34F}word",
        "bаdword",
        "bаdwоrd",
        "𝐛𝐚𝐝𝐰𝐨𝐫𝐝",
        "𝓫𝓪𝓭𝔀𝓸𝓻𝓭",
        "ｂａｄｗｏｒｄ",
        "ⓑⓐⓓⓦⓞⓡⓓ",
        "b̷a̷d̷w̷o̷r̷d̷",
        "badw[o](<https://e.com>)rd",
        "||badword||",
        "b||ad||word",
        "bad**wo**rd",
        "*bad*word",
        "bad\\word".replace("\\w", "\\\u{200B}w").as_str(),
        "~~bad~~word",
        "`badword`",
        "```\nbadword\n```",
        "> badword",
        "# badword",
        "_badword_",
        "🇧🇦🇩🇼🇴🇷🇩",
    ] {
        // A backslash before a letter is shown, and so parts the word.
        let expected = !disguised.contains("bad\\");
        assert_eq!(hits(&pipeline, disguised), expected, "{disguised}");
    }
}

#[test]
fn what_only_looks_like_a_word_is_none() {
    let pipeline = words(&["badword", "ass", "cop"]);
    for innocent in [
        "badwords",
        "abadword",
        "an asset and a class",
        "ass\u{200B}et",
        "👨\u{200D}👩\u{200D}👧\u{200D}👦",
        "Это сор из избы, и больше ничего",
        "Привет, как дела? Всё хорошо, спасибо",
        "Καλημέρα σε όλους, τι κάνετε",
        "bad word",
        "snake_case_badword_x".replace("badword", "badwordy").as_str(),
        "日本語のテキストです",
        "مرحبا بالعالم",
    ] {
        assert!(!hits(&pipeline, innocent), "{innocent}");
    }
    assert!(hits(&words(&["сор"]), "Это сор из избы"), "a Russian word is known as such");
    assert!(hits(&words(&["сука"]), "cукa"), "and in Latin disguise");
}

#[test]
fn stars_open_the_ends_of_words() {
    assert!(hits(&words(&["bad*"]), "badly") && !hits(&words(&["bad*"]), "abad"));
    assert!(hits(&words(&["*bad"]), "abad") && !hits(&words(&["*bad"]), "badly"));
    assert!(hits(&words(&["*bad*"]), "abadly") && hits(&words(&["two words"]), "TWO words"));
}

#[test]
fn explanations_tell_where_and_how_and_nothing_of_the_content() {
    let verdict = judge(&words(&["x", "badword"]), &says("so b\u{200B}аd**word** it is")).unwrap();
    let explanation = &verdict.hits[0].explanation;
    assert_eq!(explanation.surface, Surface::Content);
    assert!(
        [Step::Markdown, Step::Invisible, Step::Confusable]
            .iter()
            .all(|step| explanation.steps.contains(step)),
        "{explanation:?}"
    );
    assert_eq!(explanation.figures["pattern"], json!(2));
    let told = serde_json::to_string(explanation).unwrap();
    assert!(!told.contains("word\"") && !told.contains("it is"), "{told}");
}

#[test]
fn every_surface_is_judged() {
    let pipeline = words(&["badword"]);
    let bad = || "a badword".to_owned();
    let with = |body: Body| Message { body, ..says("") };
    let surfaces = [
        (
            Surface::Embed,
            with(Body { embeds: vec![Embed { texts: vec![bad()], ..Embed::default() }], ..Body::default() }),
        ),
        (Surface::Component, with(Body { components: vec![bad()], ..Body::default() })),
        (
            Surface::Attachment,
            with(Body {
                attachments: vec![Attachment { name: "badword.png".into(), ..Attachment::default() }],
                ..Body::default()
            }),
        ),
        (
            Surface::Attachment,
            with(Body {
                attachments: vec![Attachment {
                    name: "a.png".into(),
                    alt: Some(bad()),
                    ..Attachment::default()
                }],
                ..Body::default()
            }),
        ),
        (Surface::Sticker, with(Body { stickers: vec![bad()], ..Body::default() })),
        (
            Surface::Poll,
            with(Body { poll: Some(Poll { question: "?".into(), answers: vec![bad()] }), ..Body::default() }),
        ),
        (Surface::Title, Message { title: Some(bad()), ..says("fine") }),
        (
            Surface::Forwarded,
            Message { forwarded: vec![Body { content: bad(), ..Body::default() }], ..says("") },
        ),
        (
            Surface::Forwarded,
            Message {
                forwarded: vec![Body {
                    poll: Some(Poll { question: bad(), answers: vec![] }),
                    ..Body::default()
                }],
                ..says("")
            },
        ),
    ];
    for (surface, message) in surfaces {
        let verdict = judge(&pipeline, &message).unwrap_or_else(|| panic!("{surface} is not judged"));
        assert_eq!(verdict.hits[0].explanation.surface, surface);
        assert!(verdict.deletes(), "the post goes too");
    }
}

#[test]
fn edits_are_judged_and_unfurling_is_not() {
    let pipeline = words(&["badword"]);
    let edited = Message { is_update: true, edited_at: DateTime::from_timestamp(5, 0), ..says("badword") };
    assert_eq!(judge(&pipeline, &edited).unwrap().source_id, format!("message:{}:5000", edited.id));
    assert!(judge(&pipeline, &Message { edited_at: None, ..edited }).is_none());
    let embed = Embed { texts: vec!["badword".into()], urls: vec![], is_unfurled: true };
    let unfurled = Message {
        body: Body { content: "https://e.com".into(), embeds: vec![embed], ..Body::default() },
        ..says("")
    };
    assert!(judge(&pipeline, &unfurled).is_none());
    let bot = Message { author: Member { is_bot: true, ..Member::default() }, ..says("badword") };
    assert!(judge(&pipeline, &bot).is_none());
}

#[test]
fn every_link_is_judged_by_where_it_leads() {
    let denied = one(RuleType::Links, json!({ "deny": ["evil.com"] }));
    for content in [
        "https://evil.com",
        "https://good.com then https://evil.com/x",
        "https://sub.EVIL.com",
        "https://good.com@evil.com",
        "https://%65vil.com",
        "https://evil。com",
        "[fine](https://evil.com)",
        "<https://evil.com>",
        "https://good.com/?u=https%3A%2F%2Fevil.com",
        "see:https:\\\\evil.com",
    ] {
        assert!(hits(&denied, content), "{content}");
    }
    for content in [
        "https://notevil.com",
        "https://evil.com.good.org",
        "evil, com",
        "Count[TSource](IEnumerable<TSource>)",
        "`Count[TSource](IEnumerable…)`",
        "main.rs",
    ] {
        assert!(!hits(&denied, content), "{content}");
    }
    let redirected = judge(&denied, &says("https://bit.ly/abc")).unwrap();
    assert_eq!(redirected.hits[0].explanation.figures["why"], json!("unknown destination"));
    let allowed = one(RuleType::Links, json!({ "allow": ["good.com"], "redirectors": true }));
    assert!(!hits(&allowed, "https://docs.good.com") && hits(&allowed, "https://good.com https://other.com"));
    assert!(hits(&allowed, "https://bit.ly/x"));
    let named = one(RuleType::Links, json!({ "allow": ["good.com", "bit.ly"] }));
    assert!(!hits(&named, "https://bit.ly/x"), "allowed by name");
    let none = one(RuleType::Links, json!({}));
    assert!(hits(&none, "http://e.com") && !hits(&none, "no link"));
    let embed = Embed { urls: vec!["https://evil.com".into()], ..Embed::default() };
    assert!(
        judge(&denied, &Message { body: Body { embeds: vec![embed], ..Body::default() }, ..says("") })
            .is_some()
    );
}

#[test]
fn invites_are_known_however_they_are_written() {
    let pipeline = one(RuleType::Invites, json!({ "allow": ["https://discord.gg/home"] }));
    for content in [
        "discord.gg/rust",
        "https://discord.gg/rust",
        "discord.gg/%72%75%73%74",
        "DISCORD。GG/rust",
        "ptb.discord.com/invite/rust",
        "https://canary.discord.com/invite/rust",
        "discord.gg/rust.",
        "discordapp.com/invite/rust",
        "d\u{200B}iscord.gg/rust",
        "`discord.gg/rust`",
        "dіscord.gg/rust",
        "[x](https://discord.gg/rust)",
        "discord.gg/home discord.gg/rust",
        "ｄｉｓｃｏｒｄ．ｇｇ／rust",
    ] {
        assert!(hits(&pipeline, content), "{content}");
    }
    for content in [
        "discord.gg/home",
        "DISCORD.GG/HOME",
        "notdiscord.gg/rust",
        "discord.com/channels/1/2",
        "I like discord.gg",
        "discord.gg/",
    ] {
        assert!(!hits(&pipeline, content), "{content}");
    }
}

#[test]
fn emoji_capitals_and_mentions_are_counted_outside_of_code() {
    let emoji = one(RuleType::EmojiSpam, json!({ "count": 3 }));
    assert!(hits(&emoji, "😀😀😀") && hits(&emoji, "<:a:1><a:b:2> 🎉") && hits(&emoji, "1️⃣2️⃣3️⃣"));
    for fine in [
        "👨\u{200D}👩\u{200D}👧\u{200D}👦 👍🏽",
        "`😀😀😀😀`",
        "```\n😀😀😀😀\n```",
        "© ® ™ text",
        "日本語 — „quotes“",
    ] {
        assert!(!hits(&emoji, fine), "{fine}");
    }
    let caps = one(RuleType::CapsSpam, json!({ "percent": 70, "min_letters": 10 }));
    assert!(hits(&caps, "LISTEN TO ME NOW") && hits(&caps, "СЛУШАЙ МЕНЯ ВНИМАТЕЛЬНО"));
    assert!(
        !hits(&caps, "OK")
            && !hits(&caps, "Listen to me now")
            && !hits(&caps, "`SELECT COUNT FROM TABLE` see this one")
    );
    let mentions = one(RuleType::Mentions, json!({ "count": 3 }));
    assert!(hits(&mentions, "<@1> <@2> <@&3>") && hits(&mentions, "@everyone hi"));
    assert!(
        !hits(&mentions, "<@1> <@1> <@!1>")
            && !hits(&mentions, "`<@1> <@2> <@3> @everyone`")
            && !hits(&mentions, "\\<@1")
    );
}

#[test]
fn files_are_known_by_their_endings() {
    let pipeline = one(RuleType::AttachmentTypes, json!({ "deny": [".exe", "SCR"] }));
    let file = |name: &str, content_type: Option<&str>| {
        let attachment =
            Attachment { name: name.into(), alt: None, content_type: content_type.map(Into::into) };
        judge(
            &pipeline,
            &Message { body: Body { attachments: vec![attachment], ..Body::default() }, ..says("") },
        )
        .is_some()
    };
    assert!(
        file("a.exe", None)
            && file("photo.png.EXE", None)
            && file("a.exe.", None)
            && file("a.e\u{200B}xe", None)
            && file("a.scr", None)
    );
    assert!(!file("exe.txt", None) && !file("exe", None));
}

#[test]
fn the_same_forwarded_to_three_channels_is_spam() {
    let pipeline = one(RuleType::CrossChannelSpam, json!({ "count": 3, "seconds": 30 }));
    let mut state = State::new();
    let mut forward = |n: i64, channel: i64, content: &str| {
        let body = Body { content: content.into(), ..Body::default() };
        pipeline.judge(&mut state, &Message { forwarded: vec![body], ..at(n, n * 1_000, 7, channel, "") })
    };
    assert!(
        forward(1, 50, "buy").is_none()
            && forward(2, 51, "buy").is_none()
            && forward(3, 52, "other").is_none()
    );
    let verdict = forward(4, 53, "buy").unwrap();
    assert_eq!(verdict.also_delete.len(), 2, "those before go too");
    assert!(forward(5, 54, "buy").is_none(), "it counts anew");
}

#[test]
fn floods_are_counted_by_when_they_were_written_and_each_message_once() {
    let rate = one(RuleType::MessageRate, json!({ "count": 3, "seconds": 5 }));
    let mut state = State::new();
    for n in 1..=2 {
        assert!(rate.judge(&mut state, &at(n, n, 7, 50, &format!("m{n}"))).is_none());
        assert!(rate.judge(&mut state, &at(n, n, 7, 50, &format!("m{n}"))).is_none(), "told twice");
    }
    assert!(rate.judge(&mut state, &at(3, 3, 8, 50, "by another")).is_none());
    assert!(rate.judge(&mut state, &at(4, 6_000, 7, 50, "much later")).is_none());
    let again = one(RuleType::DuplicateMessages, json!({ "count": 3, "seconds": 60 }));
    let mut state = State::new();
    let said = ["Buy now", "buy\u{200B} NOW", "else", "BUY now"];
    let verdicts: Vec<bool> = (1i64..)
        .zip(said)
        .map(|(n, text)| again.judge(&mut state, &at(n, n * 1_000, 7, 50, text)).is_some())
        .collect();
    assert_eq!(verdicts, [false, false, false, true]);
}

#[test]
fn the_same_by_many_accounts_is_known_and_greetings_are_not() {
    let pipeline = one(RuleType::SameContent, json!({ "accounts": 3, "seconds": 60 }));
    let mut state = State::new();
    for user in 1..=9 {
        assert!(pipeline.judge(&mut state, &at(user, user, user, 50, "hello")).is_none(), "many say hello");
    }
    let text = "free nitro for everybody who clicks here";
    let verdicts: Vec<bool> = (1..=3)
        .map(|user| pipeline.judge(&mut state, &at(20 + user, user, user, 50 + user, text)).is_some())
        .collect();
    assert_eq!(verdicts, [false, false, true]);
}

#[test]
fn who_joins_is_judged_once_a_join() {
    let rules = [
        rule(1, RuleType::YoungAccount, json!({ "hours": 24 })),
        rule(2, RuleType::UsernameRegex, json!({ "patterns": ["free.?nitro"] })),
        rule(3, RuleType::MissingAvatar, json!({})),
    ];
    let pipeline = Pipeline::compile(&rules).unwrap();
    let now: DateTime<Utc> = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let old = Member { user_id: UserId::new(5), created_at: now - TimeDelta::days(900), ..Member::default() };
    let mut state = State::new();
    assert!(pipeline.judge_join(&mut state, &old, now).is_none());
    let young =
        Member { user_id: UserId::new(6), created_at: now - TimeDelta::hours(23), ..Member::default() };
    assert!(pipeline.judge_join(&mut state, &young, now).is_some());
    assert!(
        pipeline.judge_join(&mut state, &young, now + TimeDelta::milliseconds(400)).is_none(),
        "told twice"
    );
    state.left(young.user_id);
    assert!(pipeline.judge_join(&mut state, &young, now + TimeDelta::minutes(5)).is_some(), "came back");
    let named = Member { names: vec!["FRЕЕ\u{200B}_NITRO".into()], ..old.clone() };
    assert!(pipeline.judge_names(&named, now).is_some());
    let bare = Member { user_id: UserId::new(8), has_avatar: false, ..old };
    assert!(pipeline.judge_join(&mut state, &bare, now).is_some());
}

#[test]
fn order_exemptions_and_trials_decide_what_counts() {
    let mut first = rule(1, RuleType::Words, json!({ "words": ["badword"] }));
    let second = rule(2, RuleType::CapsSpam, json!({ "percent": 1, "min_letters": 1 }));
    let count = |rules: &[Rule], message: &Message| {
        judge(&Pipeline::compile(rules).unwrap(), message).map_or(0, |verdict| verdict.hits.len())
    };
    let message = says("BADWORD");
    assert_eq!(count(&[first.clone(), second.clone()], &message), 1, "the first wins");
    first.rule.continue_matching = true;
    assert_eq!(count(&[first.clone(), second.clone()], &message), 2);
    first.rule.continue_matching = false;
    first.rule.dry_run = true;
    let verdict = judge(&Pipeline::compile(&[first.clone(), second.clone()]).unwrap(), &message).unwrap();
    assert_eq!((verdict.hits.len(), verdict.deletes()), (2, true), "what is tried stands in nobody's way");
    assert!(!judge(&Pipeline::compile(&[first.clone()]).unwrap(), &message).unwrap().deletes());
    first.rule.exempt_role_ids = vec![RoleId::new(3)];
    first.rule.exempt_channel_ids = vec![ChannelId::new(900)];
    let mut staff = message.clone();
    staff.author.role_ids = vec![RoleId::new(3)];
    let mut thread = message.clone();
    thread.parent_ids = vec![ChannelId::new(60), ChannelId::new(900)];
    assert_eq!(count(&[first.clone()], &staff), 0);
    assert_eq!(count(&[first.clone()], &thread), 0, "a thread in a category that is exempt");
    first.rule.is_active = false;
    assert_eq!(count(&[first], &message), 0);
}

#[test]
fn patterns_that_are_slow_elsewhere_are_not_here() {
    let patterns = [
        "(a+)+$",
        "(a|aa)+b",
        "(.*a){12}",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(x+x+)+y",
        "\\b\\w+\\b.*\\bend\\b",
    ];
    let pipeline = one(RuleType::Regex, json!({ "patterns": patterns }));
    let started = std::time::Instant::now();
    for text in [
        "a".repeat(4_000),
        format!("{}!", "a".repeat(3_999)),
        "x".repeat(4_000),
        "é ".repeat(2_000),
        "аa\u{301}".repeat(1_300),
    ] {
        let _ = hits(&pipeline, &text);
    }
    // Many times what they take, also on a busy machine; what tries every way would not be done in a day.
    assert!(started.elapsed().as_secs() < 180, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn whatever_is_put_into_a_word_that_is_not_drawn_it_is_known(hidden in proptest::collection::vec((0usize..7, proptest::sample::select(vec!['\u{200B}', '\u{AD}', '\u{200D}', '\u{2060}', '\u{FEFF}', '\u{E0041}', '\u{34F}'])), 0..8)) {
        let mut text: Vec<char> = "badword".chars().collect();
        for (place, c) in hidden {
            text.insert(place.min(text.len() - 1), c);
        }
        let text: String = text.into_iter().collect();
        prop_assert!(hits(&words(&["badword"]), &text), "{text:?}");
    }

    #[test]
    fn any_message_can_be_judged(content in "\\PC{0,200}", title in proptest::option::of("\\PC{0,30}")) {
        let rules: Vec<Rule> = [
            (RuleType::Words, json!({ "words": ["bad*", "*word*", "сор"] })),
            (RuleType::Regex, json!({ "patterns": ["\\bx+\\b", "[а-я]{30}"] })),
            (RuleType::Links, json!({ "deny": ["evil.com"] })),
            (RuleType::Invites, json!({})),
            (RuleType::EmojiSpam, json!({ "count": 5 })),
            (RuleType::CapsSpam, json!({ "percent": 70 })),
            (RuleType::Mentions, json!({ "count": 5 })),
            (RuleType::DuplicateMessages, json!({ "count": 3, "seconds": 10 })),
        ].into_iter().zip(1u128..).map(|((kind, config), n)| rule(n, kind, config)).collect();
        let pipeline = Pipeline::compile(&rules).unwrap();
        let message = Message { title, ..says(&content) };
        let once = judge(&pipeline, &message);
        prop_assert_eq!(judge(&pipeline, &message), once);
    }
}
