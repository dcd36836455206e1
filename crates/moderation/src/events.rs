//! The events of moderation, as the catalogue lists them. What members wrote is in none of them.

jobs::declare_events! {
    read "moderation:own", admin "moderation:read";

    "moderation.case_made" Admins "a moderation case was made" {
        case_number: Integer = 17, "the case's number in the guild";
        action: Text = "timeout", "what was done";
        source: Text = "moderator", "where it came from";
        member_id (optional): Snowflake = "175928847299117063", "whom it is about; absent for a purge of everybody's messages";
    }
    "moderation.case_changed" Admins "a moderation case was changed, lifted, voided, or its time was over" {
        case_number: Integer = 17, "the case's number in the guild";
        change: Text = "expired", "what happened to it: edited, evidence, applied, failed, or how it was resolved";
    }
    "moderation.sanctioned" Member "a member was warned, timed out, kicked or banned" {
        case_number: Integer = 17, "the case's number in the guild";
        action: Text = "timeout", "what was done";
        reason: Text = "Advertising", "why";
        expires_at (optional): Time = "2026-01-31T12:00:00Z", "when it ends by itself";
    }
    "moderation.hit" Admins "a rule of automod matched" {
        rule_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the rule";
        member_id: Snowflake = "175928847299117063", "who was judged";
        dry_run: Boolean = false, "whether nothing was done because the rule is being tried";
    }
    "moderation.rules_changed" Admins "the rules of automod were changed" {
        rule_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the rule that was made, changed or deleted";
    }
    "moderation.raid_started" Admins "a guild went into raid mode" {
        raid_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the raid";
        ends_at: Time = "2026-01-31T12:00:00Z", "when it ends by itself";
        action: Text = "timeout", "what is done to who joins meanwhile";
    }
    "moderation.raid_ended" Admins "a guild's raid mode ended" {
        raid_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the raid";
        released: Integer = 0, "how many cases of it were lifted";
    }
    "moderation.appeal_filed" Admins "a member appealed a case" {
        appeal_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the appeal";
        case_number: Integer = 17, "the case's number in the guild";
    }
    "moderation.appeal_decided" Member "an appeal was decided" {
        appeal_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the appeal";
        case_number: Integer = 17, "the case's number in the guild";
        accepted: Boolean = true, "whether it was accepted";
        reason: Text = "It was a mistake.", "why";
    }
    "moderation.effect_failed" Admins "something could not be done on Discord" {
        effect_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the effect";
        kind: Text = "ban", "what was to be done";
        error: Text = "The channel is gone.", "why it could not";
        case_number (optional): Integer = 17, "the case's number in the guild, if it carries one out";
    }
}
