//! What keys and roles may be permitted about moderation.

access::decl_scopes! {
    /// Of moderation.
    SCOPES;
    ModerationOwn = "moderation:own", [Member], "See the cases about oneself, and appeal them.";
    ModerationRead = "moderation:read", [Moderator], "See cases, hits, appeals, rules, raids, and what failed on Discord.";
    ModerationWrite = "moderation:write", [Moderator],
        "Make, change and lift cases; decide appeals; switch raid mode; send again what failed.";
    ModerationRules = "moderation:rules", [], "Make and change rules of automod and the escalation of warnings.";
}
