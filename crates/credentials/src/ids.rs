//! Ids of badges and of what is issued for them.

kernel::decl_uuid!(
    /// A badge: what credentials are issued for.
    BadgeId
);
kernel::decl_uuid!(
    /// A credential that was issued.
    CredentialId
);
kernel::decl_uuid!(
    /// A key that a guild signs with, or signed with.
    IssuerKeyId
);
