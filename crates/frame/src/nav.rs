//! Where one may go: derived from what who looks may do, so that nobody is led before a closed door.

use access::scope::{
    CampaignsRead, CampaignsWrite, CommunityPlay, CommunityRead, CommunityWrite, EconomyRead, EconomyWrite,
    KeysWrite, LearningGrade, LearningPlay, LearningRead, LearningWrite, OperationsRead, RolesRead,
    Scope as _, SettingsRead, SquadsRead, SquadsWrite, WebhooksRead,
};
use credentials::scope::{CredentialsRead, CredentialsWrite};
use moderation::scopes::{ModerationOwn, ModerationRead};

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

/// Pages of staff that belong together: one place of the rail, and on each of them the ways to the others.
#[derive(Debug)]
struct Section {
    label: &'static str,
    icon: Icon,
    /// Whether it concerns the whole installation: for those who run it, or are confined to no guild.
    whole: bool,
    pages: &'static [Sub],
}

/// A page of a section.
#[derive(Debug)]
struct Sub {
    label: &'static str,
    path: &'static str,
    scope: &'static str,
}

const fn sub(label: &'static str, path: &'static str, scope: &'static str) -> Sub {
    Sub { label, path, scope }
}

const fn section(label: &'static str, icon: Icon, pages: &'static [Sub]) -> Section {
    Section { label, icon, whole: false, pages }
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
            entry("Activity", "/activity", Icon::List, CommunityRead::NAME, false),
        ],
    ),
    (
        "Learning",
        &[
            entry("Search", "/learn/search", Icon::Search, LearningRead::NAME, false),
            entry("What is next", "/learn/next", Icon::Flag, LearningPlay::NAME, true),
            entry("Spaced reviews", "/learn/reviews", Icon::Sun, LearningPlay::NAME, true),
            entry("Reviews to do", "/learn/reviews-to-do", Icon::Pin, LearningPlay::NAME, true),
            entry("Skills", "/skills", Icon::Tree, CommunityRead::NAME, false),
        ],
    ),
    (
        "You",
        &[
            entry("Notifications", "/notifications", Icon::Bell, CommunityRead::NAME, true),
            entry("Profile", "/me", Icon::Person, CommunityRead::NAME, true),
            entry("Wallet", "/wallet", Icon::Coin, EconomyRead::NAME, true),
            entry("Credentials", "/credentials", Icon::Seal, CredentialsRead::NAME, true),
            entry("Your cases", "/cases", Icon::Scales, ModerationOwn::NAME, true),
            entry("Preferences", "/preferences", Icon::Gear, CommunityPlay::NAME, true),
        ],
    ),
];

/// What staff do, section by section. A new page of staff is a line here.
const SECTIONS: &[Section] = &[
    section("What waits", Icon::Tools, &[sub("What waits", "/staff", SettingsRead::NAME)]),
    section(
        "Run campaigns",
        Icon::Flag,
        &[
            sub("Campaigns", "/staff/campaigns", CampaignsWrite::NAME),
            sub("Timers", "/staff/timers", OperationsRead::NAME),
        ],
    ),
    section(
        "Teach",
        Icon::Book,
        &[
            sub("Grading", "/staff/grading", LearningGrade::NAME),
            sub("Paths and quests", "/staff/learning", LearningWrite::NAME),
            sub("Question banks", "/staff/banks", LearningWrite::NAME),
            sub("Figures", "/staff/figures", LearningGrade::NAME),
            sub("Regrades", "/staff/regrades", LearningGrade::NAME),
            sub("Skills", "/staff/skills", CommunityWrite::NAME),
            sub("Badges", "/staff/badges", CredentialsWrite::NAME),
            sub("Credentials", "/staff/credentials", CredentialsWrite::NAME),
        ],
    ),
    section(
        "People",
        Icon::Person,
        &[
            sub("Members", "/staff/members", CommunityWrite::NAME),
            sub("Roles", "/staff/roles", RolesRead::NAME),
        ],
    ),
    section(
        "Community",
        Icon::Star,
        &[
            sub("Announcements", "/staff/announcements", CommunityWrite::NAME),
            sub("Achievements", "/staff/achievements", CommunityWrite::NAME),
            sub("Squads", "/staff/squads", SquadsWrite::NAME),
            sub("Shop", "/staff/shop", CommunityWrite::NAME),
            sub("Board", "/staff/board", CommunityWrite::NAME),
            sub("Seasons", "/staff/seasons", CommunityWrite::NAME),
        ],
    ),
    section(
        "Rewards",
        Icon::Coin,
        &[
            sub("The currency", "/staff/economy", EconomyWrite::NAME),
            sub("Categories", "/staff/categories", CommunityWrite::NAME),
            sub("Multipliers", "/staff/multipliers", CommunityWrite::NAME),
            sub("What would it earn?", "/staff/earnings", CommunityWrite::NAME),
            sub("What if?", "/staff/what-if", CommunityWrite::NAME),
            sub("Journal", "/staff/journal", CommunityWrite::NAME),
            sub("What happened", "/staff/lake", CommunityWrite::NAME),
            sub("Day by day", "/staff/days", CommunityWrite::NAME),
            sub("The lake", "/staff/lake/health", CommunityWrite::NAME),
        ],
    ),
    section(
        "Moderate",
        Icon::Shield,
        &[
            sub("Cases", "/staff/cases", ModerationRead::NAME),
            sub("Appeals", "/staff/appeals", ModerationRead::NAME),
            sub("Automod", "/staff/automod", ModerationRead::NAME),
            sub("Hits", "/staff/hits", ModerationRead::NAME),
            sub("Escalation", "/staff/escalations", ModerationRead::NAME),
            sub("Raids", "/staff/raids", ModerationRead::NAME),
            sub("Figures", "/staff/statistics", ModerationRead::NAME),
            sub("Not done", "/staff/undone", ModerationRead::NAME),
        ],
    ),
    section(
        "House",
        Icon::Gear,
        &[
            sub("Settings", "/staff/settings", SettingsRead::NAME),
            sub("API keys", "/staff/keys", KeysWrite::NAME),
            sub("Webhooks", "/staff/webhooks", WebhooksRead::NAME),
            sub("Set up from Discord", "/staff/discord", RolesRead::NAME),
            sub("On Discord", "/staff/effects", CommunityWrite::NAME),
            sub("Audit log", "/staff/audit", OperationsRead::NAME),
        ],
    ),
    Section {
        label: "Installation",
        icon: Icon::Tools,
        whole: true,
        pages: &[
            sub("How it fares", "/staff/installation", OperationsRead::NAME),
            sub("Timers", "/staff/installation/timers", OperationsRead::NAME),
            sub("Queues", "/staff/installation/queues", OperationsRead::NAME),
            sub("Periodic jobs", "/staff/installation/schedules", OperationsRead::NAME),
            sub("Nodes", "/staff/installation/nodes", OperationsRead::NAME),
            sub("Settings", "/staff/installation/settings", SettingsRead::NAME),
            sub("Audit log", "/staff/installation/audit", OperationsRead::NAME),
        ],
    },
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

/// How much of `path` leads to `here`: nothing where one is elsewhere.
fn leads(shell: &Shell, path: &str) -> Option<usize> {
    let here = shell.path.split('?').next().unwrap_or_default();
    let rest = here.strip_prefix(shell.at(path).as_str())?;
    let below = !matches!(path, "" | "/staff") && rest.starts_with('/');
    (rest.is_empty() || below).then_some(path.len())
}

impl Section {
    /// The pages that this visitor may look at; the one that leads nearest to here is the one they are on.
    fn places(&self, shell: &Shell) -> Vec<Place> {
        if self.whole && shell.actor.guild.is_some() && !shell.actor.is_operator() {
            return Vec::new();
        }
        let allowed: Vec<&Sub> = self.pages.iter().filter(|page| shell.may(page.scope)).collect();
        let nearest = allowed.iter().filter_map(|page| leads(shell, page.path)).max();
        let place = |page: &&Sub| Place {
            label: page.label,
            href: shell.at(page.path),
            icon: self.icon,
            current: nearest.is_some() && leads(shell, page.path) == nearest,
        };
        allowed.iter().map(place).collect()
    }
}

/// The section that one is in, where it has more than one page.
pub fn section_here(shell: &Shell) -> Option<Group> {
    SECTIONS.iter().find_map(|section| {
        let places = section.places(shell);
        let here = places.len() > 1 && places.iter().any(|place| place.current);
        here.then_some(Group { label: section.label, places })
    })
}

/// Where this visitor may go.
pub fn groups(shell: &Shell) -> Vec<Group> {
    // Of the places that one is at or below, the nearest: "Search" below "Learn" is not both.
    let nearest = GROUPS
        .iter()
        .flat_map(|(_, entries)| entries.iter())
        .filter_map(|entry| leads(shell, entry.path))
        .max();
    let mut groups: Vec<Group> = GROUPS
        .iter()
        .map(|(label, entries)| {
            let allowed = entries
                .iter()
                .filter(|entry| shell.may(entry.scope) && (!entry.own || shell.member.is_some()));
            let places = allowed.map(|entry| Place {
                label: entry.label,
                href: shell.at(entry.path),
                icon: entry.icon,
                current: nearest.is_some() && leads(shell, entry.path) == nearest,
            });
            Group { label, places: places.collect() }
        })
        .collect();
    let sections = SECTIONS.iter().filter_map(|section| {
        let places = section.places(shell);
        let first = places.first()?.href.clone();
        let current = places.iter().any(|place| place.current);
        Some(Place { label: section.label, href: first, icon: section.icon, current })
    });
    // Whoever has work to do here finds it without scrolling.
    groups.insert(1, Group { label: "Staff", places: sections.collect() });
    groups.retain(|group| !group.places.is_empty());
    groups
}
