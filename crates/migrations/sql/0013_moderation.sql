-- Moderation (002): numbered cases with their edits and evidence, appeals, automod rules and what they hit, escalation of
-- warnings. People are named by snowflake and by the tag they had, without foreign keys: one may ban who was never a
-- member, and a case outlives the account. Message content is judged in memory and stored nowhere.

CREATE SCHEMA moderation;
COMMENT ON SCHEMA moderation IS
    'Cases, appeals, automod rules and hits, escalation of warnings, and what is to be done on Discord.';

-- Cases -------------------------------------------------------------------------------------------------------------

CREATE TABLE moderation.case_counters (
    guild_id bigint NOT NULL,
    last_case_number integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_case_counters PRIMARY KEY (guild_id),
    CONSTRAINT ck_case_counters_guild_id CHECK (guild_id > 0),
    CONSTRAINT ck_case_counters_last_case_number CHECK (last_case_number >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE moderation.case_counters IS
    'The number last given to a case of a guild. Its row lock makes the numbers gapless and unique under '
    'concurrency.';
COMMENT ON COLUMN moderation.case_counters.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.case_counters.last_case_number IS 'Number of the guild''s latest case.';
CREATE FUNCTION moderation.next_case_number(p_guild_id bigint) RETURNS integer
    LANGUAGE sql VOLATILE
    AS $$
    INSERT INTO moderation.case_counters AS c (guild_id, last_case_number) VALUES (p_guild_id, 1)
        ON CONFLICT (guild_id) DO UPDATE SET last_case_number = c.last_case_number + 1
    RETURNING last_case_number
    $$;
COMMENT ON FUNCTION moderation.next_case_number(bigint) IS
    'Takes the guild''s next case number. Others of the guild wait until the transaction ends; if it rolls back, the '
    'number is free again.';

CREATE TABLE moderation.automod_rules (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    name text NOT NULL,
    rule_type text NOT NULL,
    config jsonb NOT NULL DEFAULT '{}',
    action text NOT NULL,
    duration_seconds integer,
    delete_message boolean NOT NULL DEFAULT true,
    reason text,
    alert_channel_id bigint,
    exempt_role_ids bigint[] NOT NULL DEFAULT '{}',
    exempt_channel_ids bigint[] NOT NULL DEFAULT '{}',
    continue_matching boolean NOT NULL DEFAULT false,
    dry_run boolean NOT NULL DEFAULT false,
    is_active boolean NOT NULL DEFAULT true,
    priority integer NOT NULL DEFAULT 0,
    deleted_at timestamptz,
    created_by bigint,
    updated_by bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_automod_rules PRIMARY KEY (guild_id, id),
    CONSTRAINT ck_automod_rules_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_automod_rules_rule_type CHECK (rule_type IN (
        'message_rate', 'duplicate_messages', 'cross_channel_spam', 'mentions', 'links', 'invites', 'words', 'regex',
        'attachment_types', 'emoji_spam', 'caps_spam', 'same_content', 'username_regex', 'young_account', 'missing_avatar',
        'join_rate')),
    CONSTRAINT ck_automod_rules_config CHECK (
        jsonb_typeof(config) = 'object' AND octet_length(config::text) <= 262144),
    CONSTRAINT ck_automod_rules_action CHECK (action IN ('delete', 'warn', 'timeout', 'kick', 'ban', 'alert')),
    CONSTRAINT ck_automod_rules_duration CHECK (CASE action
        WHEN 'timeout' THEN duration_seconds IS NOT NULL AND duration_seconds BETWEEN 1 AND 2419200
        WHEN 'ban' THEN duration_seconds IS NULL OR duration_seconds > 0
        ELSE duration_seconds IS NULL END),
    CONSTRAINT ck_automod_rules_account_action CHECK (
        action <> 'delete' OR rule_type NOT IN ('username_regex', 'young_account', 'missing_avatar', 'join_rate')),
    CONSTRAINT ck_automod_rules_reason CHECK (length(reason) BETWEEN 1 AND 500),
    CONSTRAINT ck_automod_rules_exemptions CHECK (
        cardinality(exempt_role_ids) <= 250 AND cardinality(exempt_channel_ids) <= 500
        AND array_position(exempt_role_ids, NULL) IS NULL AND array_position(exempt_channel_ids, NULL) IS NULL),
    CONSTRAINT ck_automod_rules_deleted CHECK (deleted_at IS NULL OR NOT is_active)
);
COMMENT ON TABLE moderation.automod_rules IS
    'Automod rules of a guild (002), tried by priority, the lowest number first. The first match wins unless the '
    'rule lets others go on.';
COMMENT ON COLUMN moderation.automod_rules.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN moderation.automod_rules.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.automod_rules.name IS
    'Name for moderators, unique among the guild''s rules whatever its case.';
COMMENT ON COLUMN moderation.automod_rules.rule_type IS
    'What it looks at: message_rate, duplicate_messages, cross_channel_spam, mentions, links, invites, words, '
    'regex, attachment_types, emoji_spam, caps_spam, same_content (by many accounts), username_regex, young_account, '
    'missing_avatar or join_rate.';
COMMENT ON COLUMN moderation.automod_rules.config IS
    'Thresholds and lists of that type, checked by the program before they are stored: count and seconds; allow and '
    'deny; words; patterns (linear-time syntax); extensions; percent; hours.';
COMMENT ON COLUMN moderation.automod_rules.action IS
    'What is done on a match: delete, warn, timeout, kick, ban or alert.';
COMMENT ON COLUMN moderation.automod_rules.duration_seconds IS
    'How long a timeout (at most 28 days, Discord''s limit) or a ban lasts; null for a ban without end.';
COMMENT ON COLUMN moderation.automod_rules.delete_message IS
    'Whether the message goes too, whatever the action; delete implies it. Without meaning for rules about '
    'accounts.';
COMMENT ON COLUMN moderation.automod_rules.reason IS
    'Reason written into the case and shown to the member; null for one made from the rule''s name.';
COMMENT ON COLUMN moderation.automod_rules.alert_channel_id IS
    'Channel that is told of a match, a snowflake; null for the guild''s usual one.';
COMMENT ON COLUMN moderation.automod_rules.exempt_role_ids IS
    'Members with any of these roles are never judged by it, snowflakes.';
COMMENT ON COLUMN moderation.automod_rules.exempt_channel_ids IS
    'Messages in these channels, their threads, or channels of these categories are never judged by it, snowflakes.';
COMMENT ON COLUMN moderation.automod_rules.continue_matching IS 'Whether rules after it are tried although it matched.';
COMMENT ON COLUMN moderation.automod_rules.dry_run IS 'Whether a match is only recorded and nothing is done.';
COMMENT ON COLUMN moderation.automod_rules.is_active IS 'Whether it is tried at all.';
COMMENT ON COLUMN moderation.automod_rules.priority IS 'Place in the order, low numbers first; ties go by id.';
COMMENT ON COLUMN moderation.automod_rules.deleted_at IS
    'When it was deleted; the row stays for the hits and cases that name it.';
COMMENT ON COLUMN moderation.automod_rules.created_by IS
    'Who made it, a snowflake; null where a key without a person did.';
COMMENT ON COLUMN moderation.automod_rules.updated_by IS 'Who changed it last, a snowflake.';
COMMENT ON COLUMN moderation.automod_rules.created_at IS 'When the row was made.';
COMMENT ON COLUMN moderation.automod_rules.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_automod_rules_guild_name ON moderation.automod_rules (guild_id, lower(name))
    WHERE deleted_at IS NULL;
CREATE INDEX ix_automod_rule_guild_active ON moderation.automod_rules (guild_id, is_active, priority, id);
CREATE TRIGGER tg_automod_rules_touch BEFORE UPDATE ON moderation.automod_rules
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE moderation.warning_escalations (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    warnings integer NOT NULL,
    within_days integer NOT NULL,
    action text NOT NULL,
    duration_seconds integer,
    reason text,
    is_active boolean NOT NULL DEFAULT true,
    deleted_at timestamptz,
    created_by bigint,
    updated_by bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_warning_escalations PRIMARY KEY (guild_id, id),
    CONSTRAINT ck_warning_escalations_warnings CHECK (warnings BETWEEN 1 AND 100),
    CONSTRAINT ck_warning_escalations_within_days CHECK (within_days BETWEEN 1 AND 3650),
    CONSTRAINT ck_warning_escalations_action CHECK (action IN ('timeout', 'kick', 'ban', 'alert')),
    CONSTRAINT ck_warning_escalations_duration CHECK (CASE action
        WHEN 'timeout' THEN duration_seconds IS NOT NULL AND duration_seconds BETWEEN 1 AND 2419200
        WHEN 'ban' THEN duration_seconds IS NULL OR duration_seconds > 0
        ELSE duration_seconds IS NULL END),
    CONSTRAINT ck_warning_escalations_reason CHECK (length(reason) BETWEEN 1 AND 500),
    CONSTRAINT ck_warning_escalations_deleted CHECK (deleted_at IS NULL OR NOT is_active)
);
COMMENT ON TABLE moderation.warning_escalations IS
    'Escalation rules: so many warnings in so many days bring an action. Where several apply, the one with the most '
    'warnings does.';
COMMENT ON COLUMN moderation.warning_escalations.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN moderation.warning_escalations.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.warning_escalations.warnings IS
    'Standing warnings it takes; voided ones and expired ones don''t count.';
COMMENT ON COLUMN moderation.warning_escalations.within_days IS
    'Days, back from the latest warning, that they must fall into.';
COMMENT ON COLUMN moderation.warning_escalations.action IS 'What follows: timeout, kick, ban or alert.';
COMMENT ON COLUMN moderation.warning_escalations.duration_seconds IS
    'How long a timeout (at most 28 days) or a ban lasts; null for a ban without end.';
COMMENT ON COLUMN moderation.warning_escalations.reason IS
    'Reason written into the case; null for one made from the rule.';
COMMENT ON COLUMN moderation.warning_escalations.is_active IS 'Whether it is applied.';
COMMENT ON COLUMN moderation.warning_escalations.deleted_at IS
    'When it was deleted; the row stays for the cases that name it.';
COMMENT ON COLUMN moderation.warning_escalations.created_by IS 'Who made it, a snowflake.';
COMMENT ON COLUMN moderation.warning_escalations.updated_by IS 'Who changed it last, a snowflake.';
COMMENT ON COLUMN moderation.warning_escalations.created_at IS 'When the row was made.';
COMMENT ON COLUMN moderation.warning_escalations.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_warning_escalations_threshold ON moderation.warning_escalations (guild_id, warnings, within_days)
    WHERE deleted_at IS NULL;
CREATE TRIGGER tg_warning_escalations_touch BEFORE UPDATE ON moderation.warning_escalations
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE moderation.raids (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    reason text NOT NULL,
    action text NOT NULL,
    started_by bigint NOT NULL,
    started_by_tag text NOT NULL,
    rule_id uuid,
    started_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by bigint,
    released_at timestamptz,
    released_by bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_raids PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_raids_rule_id_automod_rules FOREIGN KEY (guild_id, rule_id)
        REFERENCES moderation.automod_rules (guild_id, id),
    CONSTRAINT ck_raids_reason CHECK (length(reason) BETWEEN 1 AND 500),
    CONSTRAINT ck_raids_action CHECK (action IN ('timeout', 'kick', 'ban', 'none')),
    CONSTRAINT ck_raids_started_by CHECK (started_by >= 0 AND length(started_by_tag) <= 100),
    CONSTRAINT ck_raids_ends_at CHECK (ends_at > started_at),
    CONSTRAINT ck_raids_ended CHECK (ended_by IS NULL OR ended_at IS NOT NULL),
    CONSTRAINT ck_raids_released CHECK (
        (released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL OR ended_at IS NOT NULL))
);
COMMENT ON TABLE moderation.raids IS
    'Times in which a guild was in raid mode: who joins is dealt with at once. Timed, and undone for everybody by one command.';
COMMENT ON COLUMN moderation.raids.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.raids.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN moderation.raids.reason IS 'Why, for moderators and for those whom it hits.';
COMMENT ON COLUMN moderation.raids.action IS 'What is done to who joins meanwhile: timeout, kick, ban or none.';
COMMENT ON COLUMN moderation.raids.started_by IS 'Who began it, a snowflake; 0 for a rule about joins.';
COMMENT ON COLUMN moderation.raids.started_by_tag IS 'That one''s name at the time.';
COMMENT ON COLUMN moderation.raids.rule_id IS 'Rule that began it, if any.';
COMMENT ON COLUMN moderation.raids.started_at IS 'When it began.';
COMMENT ON COLUMN moderation.raids.ends_at IS 'When it ends by itself, through a timer.';
COMMENT ON COLUMN moderation.raids.ended_at IS 'When it ended; null while it lasts.';
COMMENT ON COLUMN moderation.raids.ended_by IS 'Who ended it early, a snowflake; null for the timer.';
COMMENT ON COLUMN moderation.raids.released_at IS 'When everybody whom it hit was let go.';
COMMENT ON COLUMN moderation.raids.released_by IS 'Who did that, a snowflake; 0 for the operator.';
COMMENT ON COLUMN moderation.raids.created_at IS 'When the row was made.';
COMMENT ON COLUMN moderation.raids.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_raids_running ON moderation.raids (guild_id) WHERE ended_at IS NULL;
COMMENT ON INDEX moderation.uq_raids_running IS 'A guild is in raid mode once, whoever begins it at the same time.';
CREATE INDEX ix_raids_started_at ON moderation.raids (guild_id, started_at DESC);
CREATE INDEX ix_raids_rule_id ON moderation.raids (guild_id, rule_id) WHERE rule_id IS NOT NULL;
CREATE TRIGGER tg_raids_touch BEFORE UPDATE ON moderation.raids
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE moderation.moderation_cases (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    case_number integer NOT NULL,
    user_id bigint NOT NULL,
    user_tag text NOT NULL,
    moderator_id bigint NOT NULL,
    moderator_tag text NOT NULL,
    action text NOT NULL,
    messages_purged integer,
    reason text NOT NULL,
    expires_at timestamptz,
    resolved boolean NOT NULL DEFAULT false,
    resolved_at timestamptz,
    resolution text,
    resolved_by_case_id uuid,
    source text NOT NULL DEFAULT 'moderator',
    automod_rule_id uuid,
    escalation_id uuid,
    parent_case_id uuid,
    raid_id uuid,
    channel_id bigint,
    message_id bigint,
    source_key text,
    effect_state text NOT NULL DEFAULT 'none',
    effect_error text,
    member_notified boolean,
    voided_at timestamptz,
    voided_by bigint,
    void_reason text,
    updated_by bigint,
    updated_by_tag text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_moderation_cases PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_moderation_cases_guild_id_case_number UNIQUE (guild_id, case_number),
    CONSTRAINT fk_moderation_cases_automod_rule_id_automod_rules FOREIGN KEY (guild_id, automod_rule_id)
        REFERENCES moderation.automod_rules (guild_id, id),
    CONSTRAINT fk_moderation_cases_escalation_id_warning_escalations FOREIGN KEY (guild_id, escalation_id)
        REFERENCES moderation.warning_escalations (guild_id, id),
    CONSTRAINT fk_moderation_cases_parent_case_id_moderation_cases FOREIGN KEY (guild_id, parent_case_id)
        REFERENCES moderation.moderation_cases (guild_id, id),
    CONSTRAINT fk_moderation_cases_resolved_by_case_id_moderation_cases FOREIGN KEY (guild_id, resolved_by_case_id)
        REFERENCES moderation.moderation_cases (guild_id, id),
    CONSTRAINT ck_moderation_cases_case_number CHECK (case_number > 0),
    CONSTRAINT fk_moderation_cases_raid_id_raids FOREIGN KEY (guild_id, raid_id) REFERENCES moderation.raids (guild_id, id),
    CONSTRAINT ck_moderation_cases_people CHECK (
        moderator_id >= 0 AND (user_id > 0 OR (user_id = 0 AND action = 'purge'))),
    CONSTRAINT ck_moderation_cases_tags CHECK (
        length(user_tag) <= 100 AND length(moderator_tag) <= 100 AND length(updated_by_tag) <= 100),
    CONSTRAINT ck_moderation_cases_action CHECK (
        action IN ('warn', 'timeout', 'kick', 'ban', 'unban', 'untimeout', 'note', 'purge')),
    CONSTRAINT ck_moderation_cases_purge CHECK (
        CASE WHEN action = 'purge' THEN channel_id IS NOT NULL AND (messages_purged IS NULL OR messages_purged >= 0)
             ELSE messages_purged IS NULL END),
    CONSTRAINT ck_moderation_cases_reason CHECK (length(reason) BETWEEN 1 AND 500),
    CONSTRAINT ck_moderation_cases_expires_at CHECK (
        expires_at IS NULL OR (action IN ('warn', 'timeout', 'ban') AND expires_at > created_at)),
    CONSTRAINT ck_moderation_cases_timeout CHECK (action <> 'timeout' OR expires_at IS NOT NULL),
    CONSTRAINT ck_moderation_cases_instant CHECK (action IN ('warn', 'timeout', 'ban') OR resolved),
    CONSTRAINT ck_moderation_cases_resolved CHECK (
        resolved = (resolved_at IS NOT NULL) AND resolved = (resolution IS NOT NULL)),
    CONSTRAINT ck_moderation_cases_resolution CHECK (
        resolution IN ('expired', 'lifted', 'appealed', 'superseded', 'voided', 'instant', 'failed', 'released')),
    CONSTRAINT ck_moderation_cases_source CHECK (
        source IN ('moderator', 'automod', 'escalation', 'expiry', 'appeal', 'discord', 'raid', 'import')),
    CONSTRAINT ck_moderation_cases_escalation CHECK ((source = 'escalation') = (escalation_id IS NOT NULL)),
    CONSTRAINT ck_moderation_cases_parent CHECK (parent_case_id <> id AND resolved_by_case_id <> id),
    CONSTRAINT ck_moderation_cases_effect_state CHECK (effect_state IN ('none', 'pending', 'applied', 'failed')),
    CONSTRAINT ck_moderation_cases_effect_error CHECK (length(effect_error) <= 1000),
    CONSTRAINT ck_moderation_cases_source_key CHECK (length(source_key) BETWEEN 1 AND 128),
    CONSTRAINT ck_moderation_cases_voided CHECK (
        (voided_at IS NULL) = (voided_by IS NULL) AND (voided_at IS NULL OR resolved)
        AND (void_reason IS NULL OR (voided_at IS NOT NULL AND length(void_reason) BETWEEN 1 AND 500)))
);
COMMENT ON TABLE moderation.moderation_cases IS
    'Every moderation action (002), numbered per guild. A case is never deleted: it is voided, and its edits are '
    'kept.';
COMMENT ON COLUMN moderation.moderation_cases.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN moderation.moderation_cases.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.moderation_cases.case_number IS
    'Number within the guild, from 1 without gaps; given on insert when left out.';
COMMENT ON COLUMN moderation.moderation_cases.user_id IS
    'Whom it is about, a snowflake; 0 for a purge of everybody''s messages.';
COMMENT ON COLUMN moderation.moderation_cases.user_tag IS 'Their name at the time.';
COMMENT ON COLUMN moderation.moderation_cases.moderator_id IS
    'Who did it, a snowflake; 0 for Questhall itself: automod, escalation, expiry, the operator.';
COMMENT ON COLUMN moderation.moderation_cases.moderator_tag IS 'That one''s name at the time.';
COMMENT ON COLUMN moderation.moderation_cases.action IS
    'warn, timeout, kick, ban, unban, untimeout, note or purge.';
COMMENT ON COLUMN moderation.moderation_cases.messages_purged IS
    'How many messages a purge removed; null until Discord has told, and for every other action.';
COMMENT ON COLUMN moderation.moderation_cases.reason IS 'Why, shown to the member except for notes.';
COMMENT ON COLUMN moderation.moderation_cases.expires_at IS
    'When a timeout, ban or warning ends by itself; null for one without end.';
COMMENT ON COLUMN moderation.moderation_cases.resolved IS
    'Whether nothing of it is in force any more; cases that are over at once (kick, unban, untimeout, note, purge) '
    'are born resolved.';
COMMENT ON COLUMN moderation.moderation_cases.resolved_at IS 'When it ceased to be in force.';
COMMENT ON COLUMN moderation.moderation_cases.resolution IS
    'How: expired, lifted (by a moderator), appealed, superseded (by a newer case of the kind), voided, failed (Discord '
    'refused it, so it never was in force), released (with all of a raid), or instant.';
COMMENT ON COLUMN moderation.moderation_cases.resolved_by_case_id IS
    'The case that ended it: the unban of a ban, the newer timeout of an older one.';
COMMENT ON COLUMN moderation.moderation_cases.source IS
    'Where it came from: moderator, automod, escalation, expiry, appeal, discord (done there by hand and seen in '
    'its audit log), raid (released with all of it) or import.';
COMMENT ON COLUMN moderation.moderation_cases.automod_rule_id IS 'Rule that matched, for automod.';
COMMENT ON COLUMN moderation.moderation_cases.escalation_id IS 'Escalation rule that applied, for escalation.';
COMMENT ON COLUMN moderation.moderation_cases.parent_case_id IS
    'Case it follows from: the last warning before an escalation, the ban that an unban lifts.';
COMMENT ON COLUMN moderation.moderation_cases.raid_id IS 'Raid in whose time it was made, so that one command ends it.';
COMMENT ON COLUMN moderation.moderation_cases.channel_id IS 'Channel it happened in, a snowflake.';
COMMENT ON COLUMN moderation.moderation_cases.message_id IS
    'Message it is about, a snowflake; its content is not kept.';
COMMENT ON COLUMN moderation.moderation_cases.source_key IS
    'What makes it count once, such as a Discord audit log entry or an automod hit; null for cases made by hand.';
COMMENT ON COLUMN moderation.moderation_cases.effect_state IS
    'Whether Discord has it yet: none (nothing to do there), pending, applied or failed.';
COMMENT ON COLUMN moderation.moderation_cases.effect_error IS 'Why Discord refused it, for moderators.';
COMMENT ON COLUMN moderation.moderation_cases.member_notified IS
    'Whether the member could be told by direct message; null if that was not tried.';
COMMENT ON COLUMN moderation.moderation_cases.voided_at IS 'When it was declared void; it counts for nothing then.';
COMMENT ON COLUMN moderation.moderation_cases.voided_by IS 'Who did that, a snowflake.';
COMMENT ON COLUMN moderation.moderation_cases.void_reason IS 'Why.';
COMMENT ON COLUMN moderation.moderation_cases.updated_by IS 'Who changed it last, a snowflake; copied into the edits.';
COMMENT ON COLUMN moderation.moderation_cases.updated_by_tag IS 'That one''s name at the time.';
COMMENT ON COLUMN moderation.moderation_cases.created_at IS 'When the row was made.';
COMMENT ON COLUMN moderation.moderation_cases.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_moderation_case_guild_created ON moderation.moderation_cases (guild_id, created_at DESC, id DESC);
CREATE INDEX ix_moderation_case_user ON moderation.moderation_cases (guild_id, user_id, case_number DESC);
CREATE INDEX ix_moderation_case_moderator ON moderation.moderation_cases (guild_id, moderator_id, case_number DESC);
CREATE INDEX ix_moderation_case_resolved ON moderation.moderation_cases (expires_at)
    WHERE NOT resolved AND expires_at IS NOT NULL;
CREATE INDEX ix_moderation_cases_warnings ON moderation.moderation_cases (guild_id, user_id, created_at DESC)
    WHERE action = 'warn' AND NOT resolved;
CREATE UNIQUE INDEX uq_moderation_cases_in_force ON moderation.moderation_cases (guild_id, user_id, action)
    WHERE NOT resolved AND action IN ('timeout', 'ban');
CREATE UNIQUE INDEX uq_moderation_cases_source_key ON moderation.moderation_cases (guild_id, source, source_key)
    WHERE source_key IS NOT NULL;
CREATE UNIQUE INDEX uq_moderation_cases_escalated ON moderation.moderation_cases (guild_id, parent_case_id)
    WHERE source = 'escalation';
CREATE INDEX ix_moderation_cases_effect_state ON moderation.moderation_cases (guild_id, effect_state, created_at)
    WHERE effect_state IN ('pending', 'failed');
CREATE INDEX ix_moderation_cases_automod_rule_id ON moderation.moderation_cases (guild_id, automod_rule_id)
    WHERE automod_rule_id IS NOT NULL;
CREATE INDEX ix_moderation_cases_escalation_id ON moderation.moderation_cases (guild_id, escalation_id)
    WHERE escalation_id IS NOT NULL;
CREATE INDEX ix_moderation_cases_parent_case_id ON moderation.moderation_cases (guild_id, parent_case_id)
    WHERE parent_case_id IS NOT NULL;
CREATE INDEX ix_moderation_cases_resolved_by_case_id ON moderation.moderation_cases (guild_id, resolved_by_case_id)
    WHERE resolved_by_case_id IS NOT NULL;
CREATE INDEX ix_moderation_cases_raid_id ON moderation.moderation_cases (guild_id, raid_id) WHERE raid_id IS NOT NULL;
CREATE TRIGGER tg_moderation_cases_touch BEFORE UPDATE ON moderation.moderation_cases
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
COMMENT ON INDEX moderation.uq_moderation_cases_in_force IS
    'At most one ban and one timeout of a person is in force. A newer one supersedes the older in the same '
    'transaction, so that an old expiry, which ends only its own unresolved case, never lifts a newer one.';
COMMENT ON INDEX moderation.uq_moderation_cases_escalated IS 'A warning escalates once, whichever nodes see it.';
COMMENT ON INDEX moderation.ix_moderation_case_resolved IS
    'What is due: the expiry jobs set, and the timers safety net.';
CREATE FUNCTION moderation.number_case() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.case_number := moderation.next_case_number(NEW.guild_id);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION moderation.number_case() IS
    'BEFORE INSERT row trigger: numbers a case that brings no number of its own.';
CREATE TRIGGER tg_moderation_cases_number BEFORE INSERT ON moderation.moderation_cases
    FOR EACH ROW WHEN (NEW.case_number IS NULL) EXECUTE FUNCTION moderation.number_case();

CREATE TABLE moderation.moderation_case_edits (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    case_id uuid NOT NULL,
    field text NOT NULL,
    old_value text,
    new_value text,
    edited_by bigint,
    edited_by_tag text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_moderation_case_edits PRIMARY KEY (guild_id, case_id, id),
    CONSTRAINT fk_moderation_case_edits_case_id_moderation_cases FOREIGN KEY (guild_id, case_id)
        REFERENCES moderation.moderation_cases (guild_id, id),
    CONSTRAINT ck_moderation_case_edits_field CHECK (
        field IN ('reason', 'expires_at', 'resolution', 'voided', 'evidence')),
    CONSTRAINT ck_moderation_case_edits_change CHECK (old_value IS DISTINCT FROM new_value),
    CONSTRAINT ck_moderation_case_edits_edited_by_tag CHECK (length(edited_by_tag) <= 100)
);
COMMENT ON TABLE moderation.moderation_case_edits IS
    'What was changed in a case after it was made, append-only; written by trigger, so that no face can forget it.';
COMMENT ON COLUMN moderation.moderation_case_edits.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN moderation.moderation_case_edits.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.moderation_case_edits.case_id IS 'Case that was changed.';
COMMENT ON COLUMN moderation.moderation_case_edits.field IS
    'What was changed: reason, expires_at, resolution, voided or evidence.';
COMMENT ON COLUMN moderation.moderation_case_edits.old_value IS 'What it was; null for nothing.';
COMMENT ON COLUMN moderation.moderation_case_edits.new_value IS 'What it became; null for nothing.';
COMMENT ON COLUMN moderation.moderation_case_edits.edited_by IS
    'Who changed it, a snowflake; null for Questhall itself.';
COMMENT ON COLUMN moderation.moderation_case_edits.edited_by_tag IS 'That one''s name at the time.';
COMMENT ON COLUMN moderation.moderation_case_edits.created_at IS 'When.';
CREATE TRIGGER tg_moderation_case_edits_append_only BEFORE UPDATE OR DELETE ON moderation.moderation_case_edits
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_moderation_case_edits_no_truncate BEFORE TRUNCATE ON moderation.moderation_case_edits
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();
CREATE FUNCTION moderation.log_case_edit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- Who is forgotten must not be kept as what was there before.
    IF current_setting('questhall.allow_erasure', true) = 'on' THEN
        RETURN NULL;
    END IF;
    INSERT INTO moderation.moderation_case_edits (guild_id, case_id, field, old_value, new_value, edited_by, edited_by_tag)
    SELECT NEW.guild_id, NEW.id, e.field, e.old_value, e.new_value, NEW.updated_by, NEW.updated_by_tag
      FROM (VALUES
            ('reason', OLD.reason, NEW.reason),
            ('expires_at', to_char(OLD.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                           to_char(NEW.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
            ('resolution', OLD.resolution, NEW.resolution),
            ('voided', CASE WHEN OLD.voided_at IS NOT NULL THEN coalesce(OLD.void_reason, 'void') END,
                       CASE WHEN NEW.voided_at IS NOT NULL THEN coalesce(NEW.void_reason, 'void') END)
           ) AS e (field, old_value, new_value)
     WHERE e.old_value IS DISTINCT FROM e.new_value;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION moderation.log_case_edit() IS
    'AFTER UPDATE row trigger: writes an edit for each of reason, expiry, resolution and voiding that changed.';
CREATE TRIGGER tg_moderation_cases_log_edit AFTER UPDATE OF reason, expires_at, resolution, voided_at, void_reason
    ON moderation.moderation_cases FOR EACH ROW EXECUTE FUNCTION moderation.log_case_edit();

-- Whom a case is about, what was done and when do not change: another case says otherwise.
CREATE FUNCTION moderation.refuse_case_rewrite() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'case % of guild %: number, person, action, source and date cannot be changed',
        OLD.case_number, OLD.guild_id
        USING ERRCODE = 'restrict_violation', SCHEMA = 'moderation', TABLE = 'moderation_cases',
              CONSTRAINT = 'ck_moderation_cases_immutable';
END
$$;
COMMENT ON FUNCTION moderation.refuse_case_rewrite() IS
    'Refuses (23001, constraint ck_moderation_cases_immutable) what would make a case say something else.';
CREATE TRIGGER tg_moderation_cases_immutable BEFORE UPDATE ON moderation.moderation_cases
    FOR EACH ROW WHEN ((OLD.guild_id, OLD.case_number, OLD.user_id, OLD.action, OLD.source, OLD.created_at)
                       IS DISTINCT FROM (NEW.guild_id, NEW.case_number, NEW.user_id, NEW.action, NEW.source, NEW.created_at))
    EXECUTE FUNCTION moderation.refuse_case_rewrite();
CREATE TRIGGER tg_moderation_cases_no_delete BEFORE DELETE ON moderation.moderation_cases
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();

CREATE TABLE moderation.case_evidence (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    case_id uuid NOT NULL,
    url text NOT NULL,
    note text,
    added_by bigint NOT NULL,
    added_by_tag text NOT NULL,
    removed_at timestamptz,
    removed_by bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_case_evidence PRIMARY KEY (guild_id, case_id, id),
    CONSTRAINT fk_case_evidence_case_id_moderation_cases FOREIGN KEY (guild_id, case_id)
        REFERENCES moderation.moderation_cases (guild_id, id),
    CONSTRAINT ck_case_evidence_url CHECK (url ~ '^https?://[^[:space:]]+$' AND length(url) <= 2000),
    CONSTRAINT ck_case_evidence_note CHECK (length(note) <= 500),
    CONSTRAINT ck_case_evidence_added_by_tag CHECK (length(added_by_tag) <= 100),
    CONSTRAINT ck_case_evidence_removed CHECK ((removed_at IS NULL) = (removed_by IS NULL))
);
COMMENT ON TABLE moderation.case_evidence IS 'Links to evidence for a case. A link taken back stays, marked so.';
COMMENT ON COLUMN moderation.case_evidence.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN moderation.case_evidence.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.case_evidence.case_id IS 'Case it belongs to.';
COMMENT ON COLUMN moderation.case_evidence.url IS 'Where it is, http or https.';
COMMENT ON COLUMN moderation.case_evidence.note IS 'What it shows.';
COMMENT ON COLUMN moderation.case_evidence.added_by IS 'Who added it, a snowflake.';
COMMENT ON COLUMN moderation.case_evidence.added_by_tag IS 'That one''s name at the time.';
COMMENT ON COLUMN moderation.case_evidence.removed_at IS 'When it was taken back.';
COMMENT ON COLUMN moderation.case_evidence.removed_by IS 'Who took it back, a snowflake.';
COMMENT ON COLUMN moderation.case_evidence.created_at IS 'When the row was made.';
COMMENT ON COLUMN moderation.case_evidence.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_case_evidence_touch BEFORE UPDATE ON moderation.case_evidence
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
CREATE FUNCTION moderation.log_evidence_edit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO moderation.moderation_case_edits (guild_id, case_id, field, new_value, edited_by, edited_by_tag)
        VALUES (NEW.guild_id, NEW.case_id, 'evidence', NEW.url, NEW.added_by, NEW.added_by_tag);
    ELSIF OLD.removed_at IS NULL AND NEW.removed_at IS NOT NULL THEN
        INSERT INTO moderation.moderation_case_edits (guild_id, case_id, field, old_value, edited_by)
        VALUES (NEW.guild_id, NEW.case_id, 'evidence', NEW.url, NEW.removed_by);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION moderation.log_evidence_edit() IS
    'AFTER row trigger: writes added and taken-back evidence into the edits of its case.';
CREATE TRIGGER tg_case_evidence_log_edit AFTER INSERT OR UPDATE OF removed_at ON moderation.case_evidence
    FOR EACH ROW EXECUTE FUNCTION moderation.log_evidence_edit();

-- Appeals -----------------------------------------------------------------------------------------------------------

CREATE TABLE moderation.appeals (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    case_id uuid NOT NULL,
    user_id bigint NOT NULL,
    user_tag text NOT NULL,
    statement text NOT NULL,
    status text NOT NULL DEFAULT 'open',
    decided_by bigint,
    decided_by_tag text,
    decision_reason text,
    decided_at timestamptz,
    next_allowed_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_appeals PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_appeals_case_id_moderation_cases FOREIGN KEY (guild_id, case_id)
        REFERENCES moderation.moderation_cases (guild_id, id),
    CONSTRAINT ck_appeals_status CHECK (status IN ('open', 'accepted', 'denied', 'withdrawn')),
    CONSTRAINT ck_appeals_statement CHECK (length(statement) BETWEEN 1 AND 2000),
    CONSTRAINT ck_appeals_tags CHECK (length(user_tag) <= 100 AND length(decided_by_tag) <= 100),
    CONSTRAINT ck_appeals_decided CHECK (
        (status = 'open') = (decided_at IS NULL)
        AND (status NOT IN ('accepted', 'denied') OR (decided_by IS NOT NULL AND decision_reason IS NOT NULL))),
    CONSTRAINT ck_appeals_decision_reason CHECK (length(decision_reason) BETWEEN 1 AND 500),
    CONSTRAINT ck_appeals_impartial CHECK (decided_by <> user_id),
    CONSTRAINT ck_appeals_next_allowed_at CHECK (next_allowed_at >= created_at)
);
COMMENT ON TABLE moderation.appeals IS
    'Appeals of members against cases: open, then accepted, denied or withdrawn, with a reason.';
COMMENT ON COLUMN moderation.appeals.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN moderation.appeals.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.appeals.case_id IS 'Case appealed.';
COMMENT ON COLUMN moderation.appeals.user_id IS 'Who appeals: the one the case is about, a snowflake.';
COMMENT ON COLUMN moderation.appeals.user_tag IS 'Their name at the time.';
COMMENT ON COLUMN moderation.appeals.statement IS 'What they say.';
COMMENT ON COLUMN moderation.appeals.status IS 'open, accepted, denied or withdrawn.';
COMMENT ON COLUMN moderation.appeals.decided_by IS 'Who decided, a snowflake.';
COMMENT ON COLUMN moderation.appeals.decided_by_tag IS 'That one''s name at the time.';
COMMENT ON COLUMN moderation.appeals.decision_reason IS 'Why; told to the member.';
COMMENT ON COLUMN moderation.appeals.decided_at IS 'When it was decided or withdrawn.';
COMMENT ON COLUMN moderation.appeals.next_allowed_at IS
    'Before this, no further appeal against the same case: the filing plus the guild''s cooldown at that time.';
COMMENT ON COLUMN moderation.appeals.created_at IS 'When the row was made.';
COMMENT ON COLUMN moderation.appeals.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_appeals_open ON moderation.appeals (guild_id, case_id) WHERE status = 'open';
CREATE INDEX ix_appeals_case_id ON moderation.appeals (guild_id, case_id, created_at DESC);
CREATE INDEX ix_appeals_user_id ON moderation.appeals (guild_id, user_id, created_at DESC);
CREATE INDEX ix_appeals_status ON moderation.appeals (guild_id, status, created_at);
CREATE TRIGGER tg_appeals_touch BEFORE UPDATE ON moderation.appeals
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
-- The case's row lock makes "once per cooldown" hold when two requests race.
CREATE FUNCTION moderation.check_appeal() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    case_user bigint;
    allowed_at timestamptz;
BEGIN
    SELECT c.user_id INTO case_user FROM moderation.moderation_cases c
     WHERE c.guild_id = NEW.guild_id AND c.id = NEW.case_id FOR NO KEY UPDATE;
    IF case_user <> NEW.user_id THEN
        RAISE EXCEPTION 'only the member a case is about may appeal it'
            USING ERRCODE = 'check_violation', SCHEMA = 'moderation', TABLE = 'appeals', CONSTRAINT = 'ck_appeals_own_case';
    END IF;
    SELECT max(a.next_allowed_at) INTO allowed_at FROM moderation.appeals a
     WHERE a.guild_id = NEW.guild_id AND a.case_id = NEW.case_id;
    IF allowed_at > NEW.created_at THEN
        RAISE EXCEPTION 'the next appeal against this case is possible at %', allowed_at
            USING ERRCODE = 'check_violation', SCHEMA = 'moderation', TABLE = 'appeals', CONSTRAINT = 'ck_appeals_cooldown',
                  DETAIL = to_char(allowed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION moderation.check_appeal() IS
    'BEFORE INSERT row trigger: only of one''s own case (ck_appeals_own_case), and once per cooldown (ck_appeals_cooldown, '
    'with the next possible time as DETAIL).';
CREATE TRIGGER tg_appeals_check BEFORE INSERT ON moderation.appeals
    FOR EACH ROW EXECUTE FUNCTION moderation.check_appeal();

-- Automod hits ------------------------------------------------------------------------------------------------------

CREATE TABLE moderation.automod_hits (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    rule_id uuid NOT NULL,
    user_id bigint NOT NULL,
    channel_id bigint,
    source_id text NOT NULL,
    action text NOT NULL,
    dry_run boolean NOT NULL,
    case_id uuid,
    details jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_automod_hits PRIMARY KEY (guild_id, created_at, id),
    CONSTRAINT uq_automod_hits_source UNIQUE (guild_id, rule_id, source_id, dry_run),
    CONSTRAINT fk_automod_hits_rule_id_automod_rules FOREIGN KEY (guild_id, rule_id)
        REFERENCES moderation.automod_rules (guild_id, id),
    CONSTRAINT fk_automod_hits_case_id_moderation_cases FOREIGN KEY (guild_id, case_id)
        REFERENCES moderation.moderation_cases (guild_id, id),
    CONSTRAINT ck_automod_hits_action CHECK (action IN ('delete', 'warn', 'timeout', 'kick', 'ban', 'alert')),
    CONSTRAINT ck_automod_hits_source_id CHECK (length(source_id) BETWEEN 1 AND 128),
    CONSTRAINT ck_automod_hits_dry_run CHECK (NOT dry_run OR case_id IS NULL),
    CONSTRAINT ck_automod_hits_details CHECK (
        jsonb_typeof(details) = 'object' AND octet_length(details::text) <= 4096)
);
COMMENT ON TABLE moderation.automod_hits IS
    'Matches of automod rules, dry runs included; kept for the guild''s retention time. What was written is not in '
    'here.';
COMMENT ON COLUMN moderation.automod_hits.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN moderation.automod_hits.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.automod_hits.rule_id IS 'Rule that matched.';
COMMENT ON COLUMN moderation.automod_hits.user_id IS 'Who was judged, a snowflake.';
COMMENT ON COLUMN moderation.automod_hits.channel_id IS
    'Channel of the message, a snowflake; null for rules about accounts.';
COMMENT ON COLUMN moderation.automod_hits.source_id IS
    'What was judged: message:<id>:<when it was edited, in milliseconds, or 0>, or join:<user id>:<time of joining in '
    'milliseconds>, or native:<id> for what Discord''s own AutoMod did. A rule hits it once, however often it arrives; '
    'once more in earnest after a dry run. Joins that Discord tells twice differ by some 400 ms: two of a member with no '
    'leave between are one.';
COMMENT ON COLUMN moderation.automod_hits.action IS 'What the rule said to do at that time.';
COMMENT ON COLUMN moderation.automod_hits.dry_run IS 'Whether nothing was done because the rule was being tried.';
COMMENT ON COLUMN moderation.automod_hits.case_id IS 'Case that came of it, if any.';
COMMENT ON COLUMN moderation.automod_hits.details IS
    'Figures that explain the match, such as a count and its limit, or the number of the pattern; never content.';
COMMENT ON COLUMN moderation.automod_hits.created_at IS 'When it matched.';
CREATE INDEX ix_automod_hits_user_id ON moderation.automod_hits (guild_id, user_id, created_at DESC);
CREATE INDEX ix_automod_hits_case_id ON moderation.automod_hits (guild_id, case_id) WHERE case_id IS NOT NULL;
CREATE INDEX ix_automod_hits_retention ON moderation.automod_hits USING brin (created_at);

-- What is remembered of each rung -----------------------------------------------------------------------------------

CREATE TABLE moderation.escalation_firings (
    guild_id bigint NOT NULL,
    escalation_id uuid NOT NULL,
    warning_case_id uuid NOT NULL,
    user_id bigint NOT NULL,
    case_id uuid,
    fired_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_escalation_firings PRIMARY KEY (guild_id, escalation_id, warning_case_id),
    CONSTRAINT fk_escalation_firings_escalation_id_warning_escalations FOREIGN KEY (guild_id, escalation_id)
        REFERENCES moderation.warning_escalations (guild_id, id),
    CONSTRAINT fk_escalation_firings_warning_case_id_moderation_cases FOREIGN KEY (guild_id, warning_case_id)
        REFERENCES moderation.moderation_cases (guild_id, id),
    CONSTRAINT fk_escalation_firings_case_id_moderation_cases FOREIGN KEY (guild_id, case_id)
        REFERENCES moderation.moderation_cases (guild_id, id)
);
COMMENT ON TABLE moderation.escalation_firings IS
    'When a rung of the escalation fired for a member: each rung once while the warnings that reached it still count.';
COMMENT ON COLUMN moderation.escalation_firings.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.escalation_firings.escalation_id IS 'Rung that fired.';
COMMENT ON COLUMN moderation.escalation_firings.warning_case_id IS 'Warning that reached it.';
COMMENT ON COLUMN moderation.escalation_firings.user_id IS 'Who was warned, a snowflake.';
COMMENT ON COLUMN moderation.escalation_firings.case_id IS 'Case that followed; null for an alert.';
COMMENT ON COLUMN moderation.escalation_firings.fired_at IS 'When.';
CREATE INDEX ix_escalation_firings_user_id ON moderation.escalation_firings (guild_id, user_id, fired_at DESC);
CREATE INDEX ix_escalation_firings_warning_case_id ON moderation.escalation_firings (guild_id, warning_case_id);
CREATE INDEX ix_escalation_firings_case_id ON moderation.escalation_firings (guild_id, case_id) WHERE case_id IS NOT NULL;

-- Links of appeals, and what staff say among themselves -------------------------------------------------------------

CREATE TABLE moderation.appeal_links (
    guild_id bigint NOT NULL,
    token_sha256 bytea NOT NULL,
    case_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_appeal_links PRIMARY KEY (guild_id, token_sha256),
    CONSTRAINT fk_appeal_links_case_id_moderation_cases FOREIGN KEY (guild_id, case_id)
        REFERENCES moderation.moderation_cases (guild_id, id),
    CONSTRAINT ck_appeal_links_token_sha256 CHECK (octet_length(token_sha256) = 32)
);
COMMENT ON TABLE moderation.appeal_links IS
    'Links by which whom a case is about may appeal it on the web. Only the hash of the token is kept.';
COMMENT ON COLUMN moderation.appeal_links.guild_id IS 'Discord guild (the tenant), a snowflake; it stands in the link.';
COMMENT ON COLUMN moderation.appeal_links.token_sha256 IS 'SHA-256 of the token of 256 random bits.';
COMMENT ON COLUMN moderation.appeal_links.case_id IS 'Case that it appeals.';
COMMENT ON COLUMN moderation.appeal_links.expires_at IS 'After this it opens nothing.';
COMMENT ON COLUMN moderation.appeal_links.created_at IS 'When the row was made.';
CREATE INDEX ix_appeal_links_case_id ON moderation.appeal_links (guild_id, case_id);
CREATE INDEX ix_appeal_links_expires_at ON moderation.appeal_links (expires_at);

CREATE TABLE moderation.appeal_notes (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    appeal_id uuid NOT NULL,
    author_id bigint NOT NULL,
    author_tag text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_appeal_notes PRIMARY KEY (guild_id, appeal_id, id),
    CONSTRAINT fk_appeal_notes_appeal_id_appeals FOREIGN KEY (guild_id, appeal_id)
        REFERENCES moderation.appeals (guild_id, id),
    CONSTRAINT ck_appeal_notes_author CHECK (author_id >= 0 AND length(author_tag) <= 100),
    CONSTRAINT ck_appeal_notes_body CHECK (length(body) BETWEEN 1 AND 2000)
);
COMMENT ON TABLE moderation.appeal_notes IS 'What staff say of an appeal among themselves, in order; members never see it.';
COMMENT ON COLUMN moderation.appeal_notes.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.appeal_notes.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN moderation.appeal_notes.appeal_id IS 'Appeal that it is about.';
COMMENT ON COLUMN moderation.appeal_notes.author_id IS 'Who says it, a snowflake; 0 for the operator.';
COMMENT ON COLUMN moderation.appeal_notes.author_tag IS 'That one''s name at the time.';
COMMENT ON COLUMN moderation.appeal_notes.body IS 'What they say.';
COMMENT ON COLUMN moderation.appeal_notes.created_at IS 'When.';

-- What is to be done on Discord -------------------------------------------------------------------------------------

CREATE TABLE moderation.effects (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    place bigint GENERATED ALWAYS AS IDENTITY,
    target text NOT NULL,
    kind text NOT NULL,
    case_id uuid,
    payload jsonb NOT NULL DEFAULT '{}',
    idempotency_key text NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    fencing_token bigint NOT NULL DEFAULT 0,
    error_code integer,
    error text,
    result jsonb,
    settled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_effects PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_effects_idempotency_key UNIQUE (guild_id, idempotency_key),
    CONSTRAINT fk_effects_case_id_moderation_cases FOREIGN KEY (guild_id, case_id)
        REFERENCES moderation.moderation_cases (guild_id, id),
    CONSTRAINT ck_effects_kind CHECK (kind IN (
        'ban', 'unban', 'timeout', 'untimeout', 'kick', 'bulk_ban', 'delete_message', 'purge', 'direct_message', 'alert',
        'incident_actions')),
    CONSTRAINT ck_effects_target CHECK (target ~ '^(user|channel|guild):[0-9]{1,19}$'),
    CONSTRAINT ck_effects_state CHECK (state IN ('pending', 'leased', 'applied', 'dead')),
    CONSTRAINT ck_effects_settled CHECK ((state IN ('applied', 'dead')) = (settled_at IS NOT NULL)),
    CONSTRAINT ck_effects_attempts CHECK (attempts BETWEEN 0 AND max_attempts AND max_attempts BETWEEN 1 AND 100),
    CONSTRAINT ck_effects_idempotency_key CHECK (length(idempotency_key) BETWEEN 1 AND 64),
    CONSTRAINT ck_effects_payload CHECK (jsonb_typeof(payload) = 'object' AND octet_length(payload::text) <= 16384),
    CONSTRAINT ck_effects_error CHECK (length(error) <= 1000)
) WITH (fillfactor = 80);
COMMENT ON TABLE moderation.effects IS
    'What is to be done on Discord, in order for each target, leased to who does it. What failed for good is dead, with a '
    'reason that an administrator understands, and can be sent again. What members wrote is not in here.';
COMMENT ON COLUMN moderation.effects.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.effects.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN moderation.effects.place IS 'Its place in the order of a target.';
COMMENT ON COLUMN moderation.effects.target IS
    'On whom or what it acts, such as user:175928847299117063: effects of one target are done one after another.';
COMMENT ON COLUMN moderation.effects.kind IS
    'What is done: ban, unban, timeout, untimeout, kick, bulk_ban, delete_message, purge, direct_message, alert or '
    'incident_actions.';
COMMENT ON COLUMN moderation.effects.case_id IS 'Case that it carries out, or tells of.';
COMMENT ON COLUMN moderation.effects.payload IS 'Ids, times and reasons, by kind: see docs/moderation.md.';
COMMENT ON COLUMN moderation.effects.idempotency_key IS
    'What makes it happen once: a message''s nonce, and unique in the guild.';
COMMENT ON COLUMN moderation.effects.state IS 'pending, leased, applied or dead.';
COMMENT ON COLUMN moderation.effects.attempts IS 'How often it was begun.';
COMMENT ON COLUMN moderation.effects.max_attempts IS 'So often it may be begun.';
COMMENT ON COLUMN moderation.effects.due_at IS
    'When it may be begun; while it is leased, when the lease ends and others may take it over.';
COMMENT ON COLUMN moderation.effects.fencing_token IS 'Grows with every lease: who holds an older one settles nothing.';
COMMENT ON COLUMN moderation.effects.error_code IS 'Discord''s code of the last refusal, if it gave one.';
COMMENT ON COLUMN moderation.effects.error IS 'Why it last failed, in words for an administrator.';
COMMENT ON COLUMN moderation.effects.result IS 'What came of it: figures and ids, such as how many messages went.';
COMMENT ON COLUMN moderation.effects.settled_at IS 'When it was applied, or given up.';
COMMENT ON COLUMN moderation.effects.created_at IS 'When the row was made.';
COMMENT ON COLUMN moderation.effects.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_effects_due ON moderation.effects (due_at, place) WHERE state IN ('pending', 'leased');
CREATE INDEX ix_effects_target ON moderation.effects (guild_id, target, place) WHERE state IN ('pending', 'leased');
CREATE INDEX ix_effects_case_id ON moderation.effects (guild_id, case_id) WHERE case_id IS NOT NULL;
CREATE INDEX ix_effects_dead ON moderation.effects (guild_id, id) WHERE state = 'dead';
CREATE INDEX ix_effects_settled_at ON moderation.effects USING brin (settled_at);
CREATE TRIGGER tg_effects_touch BEFORE UPDATE ON moderation.effects
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- What Discord is seen to have --------------------------------------------------------------------------------------

CREATE TABLE moderation.observed_sanctions (
    guild_id bigint NOT NULL,
    kind text NOT NULL,
    user_id bigint NOT NULL,
    until timestamptz,
    seen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_observed_sanctions PRIMARY KEY (guild_id, kind, user_id),
    CONSTRAINT ck_observed_sanctions_kind CHECK (kind IN ('ban', 'timeout')),
    CONSTRAINT ck_observed_sanctions_user_id CHECK (user_id > 0)
);
COMMENT ON TABLE moderation.observed_sanctions IS
    'Bans and time-outs that Discord was seen to have, for the audit that holds cases against them.';
COMMENT ON COLUMN moderation.observed_sanctions.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.observed_sanctions.kind IS 'ban or timeout.';
COMMENT ON COLUMN moderation.observed_sanctions.user_id IS 'Who is banned or timed out, a snowflake.';
COMMENT ON COLUMN moderation.observed_sanctions.until IS 'When a time-out ends; null for a ban.';
COMMENT ON COLUMN moderation.observed_sanctions.seen_at IS 'When it was seen last.';

CREATE TABLE moderation.observations (
    guild_id bigint NOT NULL,
    kind text NOT NULL,
    complete_at timestamptz NOT NULL,
    CONSTRAINT pk_observations PRIMARY KEY (guild_id, kind),
    CONSTRAINT ck_observations_kind CHECK (kind IN ('ban', 'timeout'))
);
COMMENT ON TABLE moderation.observations IS
    'When all bans, or all time-outs, of a guild were seen: cases older than that must be among them.';
COMMENT ON COLUMN moderation.observations.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN moderation.observations.kind IS 'ban or timeout.';
COMMENT ON COLUMN moderation.observations.complete_at IS 'When.';
