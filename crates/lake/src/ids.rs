//! Ids of what multiplies rewards.

kernel::decl_number!(
    /// A group of channels.
    CategoryId
);
kernel::decl_number!(
    /// An event that multiplies rewards for a while.
    MultiplierEventId
);
