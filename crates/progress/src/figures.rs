//! The figures that are kept beside the journal of rewards, and audited.

use std::fmt;

use crate::drift;
use crate::ids::SeasonId;

kernel::decl_words! {
    /// What a member holds.
    pub enum Holding {
        /// XP in all.
        Xp = "xp",
        /// The level that these make.
        Level = "level",
        /// Gold.
        Gold = "gold",
        /// Stars of all seasons.
        Stars = "stars",
    }
}

kernel::decl_words! {
    /// What a member did in a season.
    pub enum Tally {
        /// Stars of a lifetime, in the season that runs.
        LifetimeStars = "lifetime_stars",
        /// XP earned.
        Xp = "season_xp",
        /// Stars earned.
        Stars = "season_stars",
        /// Messages written.
        Messages = "messages_sent",
        /// Reactions given to others.
        ReactionsGiven = "reactions_given",
        /// Reactions got from others.
        ReactionsReceived = "reactions_received",
        /// Threads begun.
        Threads = "threads_created",
    }
}

/// A figure of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Of what they hold.
    Held(Holding),
    /// Of what they did in a season.
    Season(SeasonId, Tally),
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(holding) => holding.fmt(f),
            Self::Season(season, tally) => write!(f, "season {season} {tally}"),
        }
    }
}

/// A figure that is not what the journal says.
pub type Drift = drift::Drift<Figure>;
