//! The tree of commands.

use super::choose::What;
use super::kinds::{Command, Opt, Seen, Takes, leaf, one_of, optional, required, text};
use super::{
    appeals, automod, bytes, campaign, community, hand_in, learn, member, moderate, peers, setting_up,
    squads, staff,
};

const SQUAD: Opt = one_of("squad", What::Squad, "Which squad", "Welches Squad");
const CAMPAIGN: Opt = one_of("campaign", What::Campaign, "Which campaign", "Welche Kampagne");
const CHALLENGE: Opt = one_of("challenge", What::Challenge, "Which challenge", "Welche Aufgabe");
const MEMBER: Opt = required("member", Takes::Member, "Which member", "Welches Mitglied");
const SOMEBODY: Opt =
    optional("member", Takes::Member, "Which member; you if left out", "Welches Mitglied; sonst du");
const REASON: Opt = required("reason", Takes::Text, "Why", "Warum");
const PATH: Opt = one_of("path", What::Path, "Which path", "Welcher Pfad");
const LEARNT: Opt = one_of("quest", What::Quest, "Which quest", "Welche Quest");

/// All commands, those of members first.
pub(crate) static TREE: &[Command] = &[
    Command {
        name: "bytes",
        name_de: "bytes",
        about: text("Bytes: yours, and paying others", "Bytes: deine, und andere bezahlen"),
        seen: Seen::All,
        leaves: &[
            leaf!(
                "balance",
                "How many bytes somebody has",
                "Wie viele Bytes jemand hat",
                bytes::balance,
                [SOMEBODY],
                private
            ),
            leaf!(
                "send",
                "Pay another member",
                "Ein anderes Mitglied bezahlen",
                bytes::send,
                [
                    MEMBER,
                    required("amount", Takes::Number(1, 1_000_000_000), "How many bytes", "Wie viele Bytes"),
                    optional("reason", Takes::Text, "What for", "Wofür"),
                ]
            ),
            leaf!("daily", "Claim today's bytes", "Die Bytes von heute holen", bytes::daily, []),
            leaf!("leaderboard", "Who has most bytes", "Wer die meisten Bytes hat", bytes::leaderboard, []),
            leaf!("history", "Your last payments", "Deine letzten Zahlungen", bytes::history, [], private),
        ],
    },
    Command {
        name: "squads",
        name_de: "squads",
        about: text("Teams of this server", "Die Teams dieses Servers"),
        seen: Seen::All,
        leaves: &[
            leaf!("list", "Which squads there are", "Welche Squads es gibt", squads::list, []),
            leaf!(
                "info",
                "A squad's members and standing",
                "Mitglieder und Stand eines Squads",
                squads::info,
                [SQUAD]
            ),
            leaf!(
                "join",
                "Join a squad, or move to it",
                "Einem Squad beitreten oder dorthin wechseln",
                squads::join,
                [SQUAD],
                private
            ),
            leaf!("leave", "Leave your squad", "Dein Squad verlassen", squads::leave, [], private),
        ],
    },
    Command {
        name: "campaign",
        name_de: "kampagne",
        about: text("Campaigns and their challenges", "Kampagnen und ihre Aufgaben"),
        seen: Seen::All,
        leaves: &[
            leaf!("list", "Which campaigns there are", "Welche Kampagnen es gibt", campaign::list, []),
            leaf!(
                "register",
                "Take part in a campaign",
                "An einer Kampagne teilnehmen",
                campaign::register,
                [CAMPAIGN],
                private
            ),
            leaf!(
                "challenge",
                "Read a challenge",
                "Eine Aufgabe lesen",
                campaign::challenge,
                [CAMPAIGN, CHALLENGE],
                private
            ),
            leaf!(
                "input",
                "Get your input as a file",
                "Deine Eingabe als Datei holen",
                campaign::input,
                [CAMPAIGN, CHALLENGE],
                private
            ),
            leaf!(
                "submit",
                "Hand in an answer",
                "Eine Antwort abgeben",
                campaign::submit,
                [
                    CAMPAIGN,
                    CHALLENGE,
                    optional(
                        "part",
                        Takes::Number(1, 2),
                        "Which part; the one that is open if left out",
                        "Welcher Teil; sonst der offene"
                    ),
                ],
                private
            ),
            leaf!(
                "hint",
                "Read a hint, or buy the next one",
                "Einen Tipp lesen oder den nächsten kaufen",
                campaign::hint,
                [CAMPAIGN, CHALLENGE],
                private
            ),
            leaf!("scoreboard", "Who leads", "Wer führt", campaign::scoreboard, [CAMPAIGN]),
            leaf!("live", "Post a scoreboard here that edits itself", "Hier einen Stand posten, der sich selbst ändert", campaign::live, [CAMPAIGN], private; "community:write"),
            leaf!(
                "claim",
                "Claim your reward",
                "Deine Belohnung holen",
                campaign::claim,
                [CAMPAIGN],
                private
            ),
        ],
    },
    Command {
        name: "learn",
        name_de: "lernen",
        about: text("Learning paths and quests", "Lernpfade und Quests"),
        seen: Seen::All,
        leaves: &[
            leaf!(
                "browse",
                "Which paths there are, and how far you are",
                "Welche Pfade es gibt und wie weit du bist",
                learn::browse,
                [],
                private
            ),
            leaf!("path", "What a path holds", "Was ein Pfad enthält", learn::path, [PATH], private),
            leaf!("start", "Begin a quest", "Eine Quest beginnen", learn::start, [LEARNT], private),
            leaf!(
                "continue",
                "Go on with a quest",
                "Mit einer Quest weitermachen",
                learn::go_on,
                [LEARNT],
                private
            ),
            leaf!(
                "submit",
                "Hand something in for a quest",
                "Etwas für eine Quest abgeben",
                hand_in::submit,
                [LEARNT],
                private
            ),
            leaf!(
                "review",
                "Review another learner's work",
                "Die Arbeit von jemand anderem bewerten",
                peers::review,
                [Opt {
                    required: false,
                    ..one_of(
                        "quest",
                        What::Quest,
                        "Which quest; one where you owe a review if left out",
                        "Welche Quest; sonst eine, in der du eine Bewertung schuldest"
                    )
                }],
                private
            ),
        ],
    },
    Command {
        name: "profile",
        name_de: "profil",
        about: text("Level, XP and rank of a member", "Level, XP und Rang eines Mitglieds"),
        seen: Seen::All,
        leaves: &[leaf!(
            "",
            "Level, XP and rank of a member",
            "Level, XP und Rang eines Mitglieds",
            member::profile,
            [SOMEBODY]
        )],
    },
    Command {
        name: "leaderboard",
        name_de: "bestenliste",
        about: text("Who has most XP", "Wer die meisten XP hat"),
        seen: Seen::All,
        leaves: &[leaf!("", "Who has most XP", "Wer die meisten XP hat", member::leaderboard, [])],
    },
    Command {
        name: "achievements",
        name_de: "erfolge",
        about: text(
            "What you have achieved, and how far you are",
            "Was du erreicht hast und wie weit du bist",
        ),
        seen: Seen::All,
        leaves: &[leaf!(
            "",
            "What you have achieved, and how far you are",
            "Was du erreicht hast und wie weit du bist",
            member::achievements,
            [],
            private
        )],
    },
    Command {
        name: "board",
        name_de: "brett",
        about: text("The quest board", "Das Questbrett"),
        seen: Seen::All,
        leaves: &[
            leaf!("list", "Which quests are open", "Welche Quests offen sind", community::board_list, []),
            leaf!(
                "claim",
                "Take a quest on",
                "Eine Quest übernehmen",
                community::board_claim,
                [one_of("quest", What::BoardQuest, "Which quest", "Welche Quest")],
                private
            ),
            leaf!(
                "release",
                "Give a quest back",
                "Eine Quest zurückgeben",
                community::board_release,
                [one_of("quest", What::BoardQuest, "Which quest", "Welche Quest")],
                private
            ),
        ],
    },
    Command {
        name: "shop",
        name_de: "laden",
        about: text("What gold buys", "Was es für Gold gibt"),
        seen: Seen::All,
        leaves: &[
            leaf!("list", "What there is to buy", "Was es zu kaufen gibt", community::shop_list, []),
            leaf!(
                "buy",
                "Buy something",
                "Etwas kaufen",
                community::shop_buy,
                [one_of("item", What::Item, "What", "Was")],
                private
            ),
        ],
    },
    Command {
        name: "preferences",
        name_de: "einstellungen",
        about: text("What is announced about you", "Was über dich angesagt wird"),
        seen: Seen::All,
        leaves: &[leaf!(
            "",
            "What is announced about you",
            "Was über dich angesagt wird",
            member::preferences,
            [
                optional(
                    "levels",
                    Takes::YesNo,
                    "Whether your levels are announced",
                    "Ob deine Level angesagt werden"
                ),
                optional(
                    "achievements",
                    Takes::YesNo,
                    "Whether your achievements are announced",
                    "Ob deine Erfolge angesagt werden"
                ),
                optional(
                    "awards",
                    Takes::YesNo,
                    "Whether your awards are announced",
                    "Ob deine Auszeichnungen angesagt werden"
                ),
            ],
            private
        )],
    },
    Command {
        name: "link-github",
        name_de: "github-konto",
        about: text("Say which GitHub account is yours", "Sagen, welches GitHub-Konto deins ist"),
        seen: Seen::All,
        leaves: &[leaf!(
            "",
            "Say which GitHub account is yours",
            "Sagen, welches GitHub-Konto deins ist",
            member::link_github,
            [optional("name", Takes::Text, "Its name; none if left out", "Sein Name; sonst keins")],
            private
        )],
    },
    Command {
        name: "appeal",
        name_de: "einspruch",
        about: text("Appeal a case about you", "Einen Fall über dich anfechten"),
        seen: Seen::All,
        leaves: &[leaf!(
            "",
            "Appeal a case about you",
            "Einen Fall über dich anfechten",
            appeals::appeal,
            [required("case", Takes::Number(1, 2_147_483_647), "Its number", "Seine Nummer")],
            private
        )],
    },
    Command {
        name: "privacy",
        name_de: "datenschutz",
        about: text("What is kept of you here", "Was hier über dich gespeichert ist"),
        seen: Seen::All,
        leaves: &[
            leaf!(
                "export",
                "Get a copy of all that is kept of you",
                "Eine Kopie von allem über dich holen",
                member::export,
                [],
                private
            ),
            leaf!(
                "erase",
                "Have all of it forgotten",
                "Alles davon vergessen lassen",
                member::erase,
                [],
                private
            ),
        ],
    },
    Command {
        name: "award",
        name_de: "auszeichnen",
        about: text("Give a member something", "Einem Mitglied etwas geben"),
        seen: Seen::Managers,
        leaves: &[
            leaf!("xp", "Give a member XP", "Einem Mitglied XP geben", staff::award_xp, [
                MEMBER, required("amount", Takes::Number(1, 1_000_000), "How much", "Wie viel"), REASON,
            ]; "community:write"),
            leaf!("gold", "Give a member gold", "Einem Mitglied Gold geben", staff::award_gold, [
                MEMBER, required("amount", Takes::Number(1, 1_000_000), "How much", "Wie viel"), REASON,
            ]; "community:write"),
            leaf!("bytes", "Give a member bytes", "Einem Mitglied Bytes geben", staff::award_bytes, [
                MEMBER, required("amount", Takes::Number(1, 1_000_000), "How many", "Wie viele"), REASON,
            ]; "economy:write"),
        ],
    },
    Command {
        name: "grant",
        name_de: "verleihen",
        about: text("Grant a member an achievement", "Einem Mitglied einen Erfolg verleihen"),
        seen: Seen::Managers,
        leaves: &[
            leaf!("", "Grant a member an achievement", "Einem Mitglied einen Erfolg verleihen", staff::grant, [
            MEMBER,
            one_of("achievement", What::Achievement, "Which achievement", "Welcher Erfolg"),
            optional("reason", Takes::Text, "Why", "Warum"),
        ]; "community:write"),
        ],
    },
    Command {
        name: "season",
        name_de: "saison",
        about: text("Seasons", "Saisons"),
        seen: Seen::Managers,
        leaves: &[
            leaf!("list", "Which seasons there are", "Welche Saisons es gibt", staff::season_list, [], private; "community:write"),
            leaf!("start", "Begin a season now", "Jetzt eine Saison beginnen", staff::season_start, [
                required("name", Takes::Text, "What it is called", "Wie sie heißt"),
                required("days", Takes::Number(1, 365), "How many days it lasts", "Wie viele Tage sie dauert"),
            ]; "community:write"),
            leaf!("end", "End the season that runs", "Die laufende Saison beenden", staff::season_end, []; "community:write"),
        ],
    },
    Command {
        name: "announce",
        name_de: "ansagen",
        about: text("Announce something", "Etwas ansagen"),
        seen: Seen::Managers,
        leaves: &[leaf!("", "Announce something", "Etwas ansagen", staff::announce, [
            required("text", Takes::Text, "What to say", "Was gesagt wird"),
            optional("channel", Takes::Channel, "Where; the channel for notices if left out", "Wo; sonst der Kanal für Hinweise"),
        ], private; "community:write")],
    },
    Command {
        name: "warn",
        name_de: "verwarnen",
        about: text("Warn a member", "Ein Mitglied verwarnen"),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("", "Warn a member", "Ein Mitglied verwarnen", moderate::warn, [MEMBER, REASON], private; "moderation:write"),
        ],
    },
    Command {
        name: "timeout",
        name_de: "auszeit",
        about: text(
            "Keep a member from speaking for a while",
            "Ein Mitglied eine Weile nicht schreiben lassen",
        ),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("set", "Keep a member from speaking", "Ein Mitglied nicht schreiben lassen", moderate::timeout, [
                MEMBER,
                required("minutes", Takes::Number(1, 40_320), "For how many minutes", "Für wie viele Minuten"),
                REASON,
            ], private; "moderation:write"),
            leaf!("lift", "Let a member speak again", "Ein Mitglied wieder schreiben lassen", moderate::untimeout, [MEMBER, REASON], private; "moderation:write"),
        ],
    },
    Command {
        name: "kick",
        name_de: "entfernen",
        about: text("Put a member out", "Ein Mitglied entfernen"),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("", "Put a member out", "Ein Mitglied entfernen", moderate::kick, [MEMBER, REASON], private; "moderation:write"),
        ],
    },
    Command {
        name: "ban",
        name_de: "bannen",
        about: text("Ban a person", "Jemanden bannen"),
        seen: Seen::Moderators,
        leaves: &[leaf!("", "Ban a person", "Jemanden bannen", moderate::ban, [
            MEMBER,
            REASON,
            optional("days", Takes::Number(1, 3_650), "For how many days; for good if left out", "Für wie viele Tage; sonst für immer"),
            optional("delete-hours", Takes::Number(0, 168), "Of how many hours messages go too", "Wie viele Stunden Nachrichten mit verschwinden"),
        ], private; "moderation:write")],
    },
    Command {
        name: "unban",
        name_de: "entbannen",
        about: text("Let a person come in again", "Jemanden wieder hereinlassen"),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("", "Let a person come in again", "Jemanden wieder hereinlassen", moderate::unban, [MEMBER, REASON], private; "moderation:write"),
        ],
    },
    Command {
        name: "note",
        name_de: "notiz",
        about: text("Note something about a member", "Etwas zu einem Mitglied notieren"),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("", "Note something that moderators see", "Etwas notieren, das Moderatoren sehen", moderate::note, [MEMBER, REASON], private; "moderation:write"),
        ],
    },
    Command {
        name: "case",
        name_de: "fall",
        about: text("Look at a case, or mend its reason", "Einen Fall ansehen oder seinen Grund ändern"),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("", "Look at a case, or mend its reason", "Einen Fall ansehen oder seinen Grund ändern", moderate::case, [
            required("number", Takes::Number(1, 2_147_483_647), "Its number", "Seine Nummer"),
            optional("reason", Takes::Text, "The reason that it is to have", "Der Grund, den er haben soll"),
        ], private; "moderation:read"),
        ],
    },
    Command {
        name: "history",
        name_de: "vorgeschichte",
        about: text("A member's cases", "Die Fälle eines Mitglieds"),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("", "A member's cases", "Die Fälle eines Mitglieds", moderate::history, [MEMBER], private; "moderation:read"),
        ],
    },
    Command {
        name: "purge",
        name_de: "leeren",
        about: text("Delete the newest messages here", "Die neuesten Nachrichten hier löschen"),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("", "Delete the newest messages here", "Die neuesten Nachrichten hier löschen", automod::purge, [
            required("count", Takes::Number(1, 1_000), "How many at most", "Wie viele höchstens"),
            REASON,
            optional("member", Takes::Member, "Only those of this member", "Nur die dieses Mitglieds"),
        ], private; "moderation:write"),
        ],
    },
    Command {
        name: "automod",
        name_de: "automod",
        about: text("Rules by which messages are judged", "Regeln, nach denen Nachrichten beurteilt werden"),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("rules", "Which rules there are", "Welche Regeln es gibt", automod::rules, [], private; "moderation:read"),
            leaf!("hits", "What was hit, and why", "Was getroffen wurde und warum", automod::hits, [
                optional("member", Takes::Member, "Only of this member", "Nur von diesem Mitglied"),
                Opt { required: false, ..one_of("rule", What::Rule, "Only of this rule", "Nur von dieser Regel") },
            ], private; "moderation:read"),
            leaf!("switch", "Switch a rule on or off, or try it", "Eine Regel an- oder ausschalten oder erproben", automod::switch, [
                one_of("rule", What::Rule, "Which rule", "Welche Regel"),
                one_of("state", What::RuleState, "How it is to be", "Wie sie sein soll"),
            ], private; "moderation:rules"),
            leaf!("native", "Have Discord's own AutoMod block what it can of these rules, or no more", "Discords AutoMod sperren lassen, was er von diesen Regeln kann, oder nicht mehr", automod::native, [
                required("on", Takes::YesNo, "Whether it does", "Ob er das tut"),
            ], private; "moderation:rules"),
        ],
    },
    Command {
        name: "raid",
        name_de: "raid",
        about: text("Raid mode", "Raid-Modus"),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("status", "Whether raid mode is on", "Ob der Raid-Modus an ist", automod::raid_status, [], private; "moderation:read"),
            leaf!("start", "Stop invites, and deal with who joins", "Einladungen sperren und mit Neuen verfahren", automod::raid_begin, [
                REASON,
                Opt { required: false, ..one_of("action", What::RaidAction, "What is done to who joins; nothing if left out", "Was mit Neuen geschieht; sonst nichts") },
                optional("minutes", Takes::Number(1, 1_440), "For how many minutes", "Für wie viele Minuten"),
            ], private; "moderation:write"),
            leaf!("stop", "End raid mode", "Den Raid-Modus beenden", automod::raid_stop, [], private; "moderation:write"),
            leaf!("release", "Let everybody go whom the last raid hit", "Alle freilassen, die der letzte Raid traf", automod::raid_let_go, [], private; "moderation:write"),
        ],
    },
    Command {
        name: "appeals",
        name_de: "anfechtungen",
        about: text("Appeals against cases", "Einsprüche gegen Fälle"),
        seen: Seen::Moderators,
        leaves: &[
            leaf!("list", "Which appeals are open", "Welche Einsprüche offen sind", appeals::list, [], private; "moderation:read"),
            leaf!("accept", "Accept an appeal: its case is undone", "Einem Einspruch stattgeben: der Fall ist aufgehoben", appeals::accept, [
                one_of("appeal", What::Appeal, "Which appeal", "Welcher Einspruch"), REASON,
            ], private; "moderation:write"),
            leaf!("deny", "Deny an appeal: its case stands", "Einen Einspruch ablehnen: der Fall bleibt", appeals::deny, [
                one_of("appeal", What::Appeal, "Which appeal", "Welcher Einspruch"), REASON,
            ], private; "moderation:write"),
        ],
    },
    Command {
        name: "review",
        name_de: "bewerten",
        about: text("Judge what was handed in", "Bewerten, was abgegeben wurde"),
        seen: Seen::Managers,
        leaves: &[
            leaf!("", "Judge what waits longest", "Bewerten, was am längsten wartet", hand_in::review, [], private; "learning:grade"),
        ],
    },
    Command {
        name: "setup",
        name_de: "einrichten",
        about: text("Set this server up", "Diesen Server einrichten"),
        seen: Seen::Managers,
        leaves: &[
            leaf!("", "Take over categories and roles, choose where to announce, see what is missing", "Kategorien und Rollen übernehmen, wählen, wo angesagt wird, und sehen, was fehlt", setting_up::setup, [
            optional("channel", Takes::Channel, "Where to announce everything; here if left out", "Wo alles angesagt wird; sonst hier"),
        ], private; "roles:write"),
        ],
    },
];
