//! Where one may go: derived from what who looks may do, so that nobody is led before a closed door.

use access::scope::{
    CampaignsRead, CampaignsWrite, CommunityPlay, CommunityRead, CommunityWrite, EconomyRead, KeysWrite,
    LearningGrade, LearningRead, LearningWrite, OperationsRead, RolesRead, Scope as _, SettingsRead,
    SquadsRead, SquadsWrite, WebhooksRead,
};
use credentials::scope::CredentialsRead;
use moderation::scopes::ModerationRead;

use crate::icon::Icon;
use crate::shell::Shell;

/// A place of the navigation.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// What it is called.
    pub label: &'static str,
    /// Where it is, within the guild.
    pub path: &'static str,
    /// Its picture.
    pub icon: Icon,
    /// What looking at it takes.
    pub scope: &'static str,
    /// Whether it is about oneself: for members only.
    pub own: bool,
}

const fn entry(label: &'static str, path: &'static str, icon: Icon, scope: &'static str, own: bool) -> Entry {
    Entry { label, path, icon, scope, own }
}

/// The navigation, group by group. A new page is a line here.
const GROUPS: &[(&str, &[Entry])] = &[
    (
        "",
        &[
            entry("Home", "", Icon::Home, CommunityRead::NAME, false),
            entry("Campaigns", "/campaigns", Icon::Flag, CampaignsRead::NAME, false),
            entry("Leaders", "/leaderboard", Icon::Podium, CommunityRead::NAME, false),
            entry("Learn", "/learn", Icon::Book, LearningRead::NAME, false),
        ],
    ),
    (
        "Guild",
        &[
            entry("Squads", "/squads", Icon::Shield, SquadsRead::NAME, false),
            entry("Board", "/board", Icon::Pin, CommunityRead::NAME, false),
            entry("Shop", "/shop", Icon::Bag, CommunityRead::NAME, false),
            entry("Achievements", "/achievements", Icon::Star, CommunityRead::NAME, false),
            entry("Seasons", "/seasons", Icon::Sun, CommunityRead::NAME, false),
            entry("Skills", "/skills", Icon::List, CommunityRead::NAME, false),
        ],
    ),
    (
        "You",
        &[
            entry("Profile", "/me", Icon::Person, CommunityRead::NAME, true),
            entry("Wallet", "/wallet", Icon::Coin, EconomyRead::NAME, true),
            entry("Credentials", "/credentials", Icon::Seal, CredentialsRead::NAME, true),
            entry("Preferences", "/preferences", Icon::Gear, CommunityPlay::NAME, true),
        ],
    ),
    (
        "Staff",
        &[
            entry("What waits", "/staff", Icon::Tools, SettingsRead::NAME, false),
            entry("Run campaigns", "/staff/campaigns", Icon::Flag, CampaignsWrite::NAME, false),
            entry("Grading", "/staff/grading", Icon::Seal, LearningGrade::NAME, false),
            entry("Author quests", "/staff/learning", Icon::Book, LearningWrite::NAME, false),
            entry("Members", "/staff/members", Icon::Person, CommunityWrite::NAME, false),
            entry("Edit squads", "/staff/squads", Icon::Shield, SquadsWrite::NAME, false),
            entry("Edit the shop", "/staff/shop", Icon::Bag, CommunityWrite::NAME, false),
            entry("Edit the board", "/staff/board", Icon::Pin, CommunityWrite::NAME, false),
            entry("Edit seasons", "/staff/seasons", Icon::Sun, CommunityWrite::NAME, false),
            entry("Settings", "/staff/settings", Icon::Gear, SettingsRead::NAME, false),
        ],
    ),
    (
        "Moderation",
        &[
            entry("Cases", "/staff/cases", Icon::List, ModerationRead::NAME, false),
            entry("Appeals", "/staff/appeals", Icon::Pin, ModerationRead::NAME, false),
            entry("Automod", "/staff/automod", Icon::Shield, ModerationRead::NAME, false),
            entry("Raids", "/staff/raids", Icon::Sun, ModerationRead::NAME, false),
        ],
    ),
    (
        "House",
        &[
            entry("Roles", "/staff/roles", Icon::Person, RolesRead::NAME, false),
            entry("API keys", "/staff/keys", Icon::Coin, KeysWrite::NAME, false),
            entry("Webhooks", "/staff/webhooks", Icon::More, WebhooksRead::NAME, false),
            entry("Timers", "/staff/timers", Icon::Sun, OperationsRead::NAME, false),
            entry("Audit log", "/staff/audit", Icon::List, OperationsRead::NAME, false),
        ],
    ),
];

/// A place, as a page shows it.
#[derive(Debug, Clone)]
pub struct Place {
    /// What it is called.
    pub label: &'static str,
    /// Its address.
    pub href: String,
    /// Its picture.
    pub icon: Icon,
    /// Whether one is there, or below it.
    pub current: bool,
}

/// Places that belong together.
#[derive(Debug, Clone)]
pub struct Group {
    /// What they are called together; nothing for the first.
    pub label: &'static str,
    /// The places.
    pub places: Vec<Place>,
}

/// Where this visitor may go.
pub(crate) fn groups(shell: &Shell) -> Vec<Group> {
    let here = shell.path.split('?').next().unwrap_or_default();
    GROUPS
        .iter()
        .map(|(label, entries)| {
            let allowed = entries
                .iter()
                .filter(|entry| shell.may(entry.scope) && (!entry.own || shell.member.is_some()));
            let places = allowed.map(|entry| {
                let href = shell.at(entry.path);
                let below = here.strip_prefix(href.as_str());
                let current = below.is_some_and(|rest| {
                    rest.is_empty() || (!matches!(entry.path, "" | "/staff") && rest.starts_with('/'))
                });
                Place { label: entry.label, href, icon: entry.icon, current }
            });
            Group { label, places: places.collect() }
        })
        .filter(|group| !group.places.is_empty())
        .collect()
}
