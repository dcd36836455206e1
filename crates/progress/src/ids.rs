//! Ids of what members compete for and earn.

kernel::decl_number!(
    /// A season of a guild.
    SeasonId
);
kernel::decl_number!(
    /// An achievement that can be earned.
    AchievementId
);
