//! Scopes: what a key may do, as a short list that people can read. A handler names the scope it needs in the type of
//! its extractor ([`crate::InGuild`], [`crate::AsMember`], [`crate::Global`]), so that none can forget to ask.
//!
//! Those that several slices take are declared here; a slice with scopes of its own declares them by [`decl_scopes!`](crate::decl_scopes).
//! Each has a line in the API guide.

use std::sync::{Arc, LazyLock};

use kernel::Problem;

use crate::Role;

/// A scope as a type, for extractors to name.
pub trait Scope: Send + Sync + 'static {
    /// The scope as it is written in a key: `resource:deed`.
    const NAME: &'static str;
}

/// Name and meaning of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// As written in a key.
    pub name: &'static str,
    /// What it permits, as a sentence.
    pub permits: &'static str,
    /// The roles that hold it, besides owners and admins.
    pub held_by: &'static [Role],
}

/// Permits everything, whatever the scope is called.
pub const EVERYTHING: &str = "*";

/// Declares scopes: a constant with all of them for the slice to list, then each with the roles that hold it besides owners and admins,
/// who hold all.
///
/// ```
/// access::decl_scopes! {
///     /// What keys may be permitted about kettles.
///     SCOPES;
///     KettlesRead = "kettles:read", [Member], "See kettles.";
///     KettlesWrite = "kettles:write", [], "Boil them.";
/// }
/// ```
#[macro_export]
macro_rules! decl_scopes {
    ($(#[$meta:meta])* $all:ident; $($marker:ident = $name:literal, [$($role:ident),*], $permits:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $permits)]
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $marker {}

            impl $crate::scope::Scope for $marker {
                const NAME: &'static str = $name;
            }
        )*

        $(#[$meta])*
        pub const $all: &[$crate::scope::Description] = &[
            $($crate::scope::Description {
                name: $name,
                permits: $permits,
                held_by: &[$($crate::Role::$role),*],
            },)*
        ];

        $crate::scope::submit! { $crate::scope::Declared($all) }
    };
}

/// The scopes that a slice declares.
#[doc(hidden)]
#[derive(Debug)]
pub struct Declared(pub &'static [Description]);

inventory::collect!(Declared);

#[doc(hidden)]
pub use inventory::submit;

/// Every scope that has a name, by name: for documents, for checking what a new key asks for, and for error messages.
pub fn named() -> &'static [Description] {
    static ALL: LazyLock<Vec<Description>> = LazyLock::new(|| {
        let mut all: Vec<Description> =
            inventory::iter::<Declared>.into_iter().flat_map(|declared| declared.0.iter().copied()).collect();
        all.sort_unstable_by_key(|scope| scope.name);
        all
    });
    &ALL
}

decl_scopes! {
    /// Of campaigns and their challenges.
    CAMPAIGNS;
    CampaignsRead = "campaigns:read", [Member],
        "See published campaigns, released challenges, leaderboards and their events.";
    CampaignsPlay = "campaigns:play", [Member],
        "Act as a member: register, get inputs, submit answers, buy hints, claim rewards.";
    CampaignsWrite = "campaigns:write", [Author],
        "Author and run campaigns: create, edit, publish, cancel, import; see drafts, scripts and answers.";
}
decl_scopes! {
    /// Of the economy.
    ECONOMY;
    EconomyRead = "economy:read", [Member], "See balances, transactions and the currency's settings.";
    EconomyPlay = "economy:play", [Member], "Act as a member: pay bytes to another.";
    EconomyWrite = "economy:write", [], "Move, award and take bytes; change the currency's settings.";
}
decl_scopes! {
    /// Of squads.
    SQUADS;
    SquadsRead = "squads:read", [Member], "See squads and who belongs to them.";
    SquadsPlay = "squads:play", [Member], "Act as a member: join, change and leave squads.";
    SquadsWrite = "squads:write", [Moderator], "Create, change and remove squads; move members between them.";
}
decl_scopes! {
    /// Of members, what they earn, and what a guild does together.
    COMMUNITY;
    CommunityRead = "community:read", [Member], "See members, their standing and the guild.";
    CommunityPlay = "community:play", [Member], "Act as a member: take on quests of the board, buy in the shop.";
    CommunityWrite = "community:write", [Moderator], "Add and change members and the guild.";
}
decl_scopes! {
    /// Of the lake.
    LAKE;
    CommunityIngest = "community:ingest", [], "Hand over what happened on Discord: the bot's scope.";
}
decl_scopes! {
    /// Of learning.
    LEARNING;
    LearningRead = "learning:read", [Member], "See paths and quests, and how oneself stands.";
    LearningPlay = "learning:play", [Member], "Act as a member: enrol, work on quests, hand in, review.";
    LearningWrite = "learning:write", [Author],
        "Author paths and quests: make, change, publish, retire, import; see drafts and keys.";
    LearningGrade = "learning:grade", [Instructor],
        "See what learners handed in and how they stand; grade, extend deadlines.";
}
decl_scopes! {
    /// Of webhooks.
    WEBHOOKS;
    WebhooksRead = "webhooks:read", [], "See webhooks and their deliveries, never their secrets.";
    WebhooksWrite = "webhooks:write", [],
        "Make, change and remove webhooks, which get what the key may see; replay what they missed.";
}
decl_scopes! {
    /// Of who may do what, and of running the installation.
    ACCESS;
    OperationsRead = "operations:read", [], "See timers, schedules, figures, and the audit log.";
    OperationsWrite = "operations:write", [], "Re-run failed timers; pause and resume work.";
    KeysWrite = "keys:write", [], "List, create, rotate and revoke API keys.";
    RolesRead = "roles:read", [], "See who has which role in the guild.";
    RolesWrite = "roles:write", [], "Grant and take away roles; say which Discord roles confer them.";
    SettingsRead = "settings:read", [Moderator, Author, Instructor], "See the settings of the guild.";
    SettingsWrite = "settings:write", [], "Change the settings of the guild.";
}

/// The scopes of a key. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Arc<[String]>);

impl Scopes {
    /// Scopes as stored. Names this version does not know are kept and permit nothing.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// Scopes as somebody asks for them: each must be known, and there must be one; repetitions are dropped.
    pub fn parse(names: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, Problem> {
        let mut kept: Vec<String> = Vec::new();
        for (index, name) in names.into_iter().map(Into::into).enumerate() {
            if name != EVERYTHING && !named().iter().any(|scope| scope.name == name) {
                let known: Vec<&str> = named().iter().map(|scope| scope.name).chain([EVERYTHING]).collect();
                let known = known.join(", ");
                return Err(Problem::field(format!("scopes[{index}]"), format!("must be one of {known}")));
            }
            if !kept.contains(&name) {
                kept.push(name);
            }
        }
        if kept.is_empty() {
            return Err(Problem::field("scopes", "must name at least one scope"));
        }
        Ok(Self(kept.into()))
    }

    /// Whether these permit what needs `scope`.
    pub fn permit(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held == scope || held == EVERYTHING)
    }

    /// Whether these permit all that `others` permit: nobody hands on more than they hold.
    pub fn cover(&self, others: &Self) -> bool {
        others.0.iter().all(|scope| self.permit(scope))
    }

    /// The names, as stored.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_permits_what_no_other_scope_does() {
        assert!(Scopes::new(["*"]).permit("made:up"));
        assert!(Scopes::new(["keys:write"]).permit(KeysWrite::NAME));
        assert!(!Scopes::new(["keys:write"]).permit(CampaignsRead::NAME));
        assert!(!Scopes::default().permit(CampaignsRead::NAME));
    }

    #[test]
    fn nobody_hands_on_more_than_they_hold() {
        let some = Scopes::new(["keys:write", "squads:read"]);
        assert!(some.cover(&Scopes::new(["squads:read"])));
        assert!(!some.cover(&Scopes::new(["squads:write"])));
        assert!(!some.cover(&Scopes::new(["*"])));
        assert!(Scopes::new(["*"]).cover(&some));
    }

    #[test]
    fn scopes_nobody_knows_are_refused_by_position() {
        let problem = Scopes::parse(["keys:write", "key:write"]).unwrap_err();
        assert_eq!(problem.errors()[0].field, "scopes[1]");
        assert_eq!(Scopes::parse(Vec::<String>::new()).unwrap_err().errors()[0].field, "scopes");
        assert_eq!(Scopes::parse(["squads:read", "squads:read"]).unwrap().names(), ["squads:read"]);
    }
}
