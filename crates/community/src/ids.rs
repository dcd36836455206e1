//! Ids of what a guild does together.

kernel::decl_number!(
    /// A quest on a guild's board. Not one of the learning slice's.
    BoardQuestId
);
kernel::decl_number!(
    /// Something that a guild's shop sells.
    ShopItemId
);
kernel::decl_uuid!(
    /// A purchase in a guild's shop.
    PurchaseId
);
kernel::decl_uuid!(
    /// An announcement, waiting or sent.
    AnnouncementId
);
kernel::decl_uuid!(
    /// A skill of a guild's catalogue.
    SkillId
);
