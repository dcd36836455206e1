-- Who may do what, and what was done: API keys, sign-in, roles, settings, the audit log, idempotency keys.

CREATE SCHEMA access;
COMMENT ON SCHEMA access IS 'API keys, sessions, roles, settings, audit log, idempotency keys, HTTP rate limits.';

-- Keys and sign-in ----------------------------------------------------------------------------------------------------

CREATE TABLE access.api_keys (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    key_hash text NOT NULL,
    previous_hash text,
    previous_until timestamptz,
    prefix text NOT NULL,
    name text NOT NULL,
    guild_id bigint,
    user_id bigint,
    scopes text[] NOT NULL DEFAULT '{}',
    expires_at timestamptz,
    last_used timestamptz,
    is_active boolean NOT NULL DEFAULT true,
    revoked_at timestamptz,
    revoked_by text,
    created_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT uq_api_keys_key_hash UNIQUE (key_hash),
    CONSTRAINT uq_api_keys_previous_hash UNIQUE (previous_hash),
    CONSTRAINT ck_api_keys_key_hash CHECK (key_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_api_keys_previous_hash CHECK (previous_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_api_keys_previous CHECK ((previous_hash IS NULL) = (previous_until IS NULL)),
    CONSTRAINT ck_api_keys_prefix CHECK (length(prefix) BETWEEN 3 AND 16),
    CONSTRAINT ck_api_keys_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_api_keys_scopes CHECK (cardinality(scopes) <= 64 AND array_position(scopes, NULL) IS NULL),
    CONSTRAINT ck_api_keys_member_has_guild CHECK (user_id IS NULL OR guild_id IS NOT NULL),
    CONSTRAINT ck_api_keys_expires_at CHECK (expires_at > created_at),
    CONSTRAINT ck_api_keys_revoked_inactive CHECK (revoked_at IS NULL OR NOT is_active)
) WITH (fillfactor = 80);
COMMENT ON TABLE access.api_keys IS
    'API keys (002). Only the SHA-256 of a key is stored; the key itself is shown once. The unique constraint on '
    'key_hash is the lookup index, so that the document''s ix_api_key_hash would only repeat it.';
COMMENT ON COLUMN access.api_keys.id IS 'Identifier; may be shown, unlike the key.';
COMMENT ON COLUMN access.api_keys.key_hash IS 'SHA-256 of the whole key, 64 lower-case hexadecimal digits.';
COMMENT ON COLUMN access.api_keys.previous_hash IS
    'SHA-256 of the secret before the last rotation, where it stays good for a while; null where it was refused at once.';
COMMENT ON COLUMN access.api_keys.previous_until IS 'Until when the secret before the last rotation is good.';
COMMENT ON COLUMN access.api_keys.prefix IS
    'First characters of the key (qh_ and a few more), by which people recognise it.';
COMMENT ON COLUMN access.api_keys.name IS 'What the key is for, in its owner''s words.';
COMMENT ON COLUMN access.api_keys.guild_id IS 'Guild the key is confined to; null for a key that serves every guild.';
COMMENT ON COLUMN access.api_keys.user_id IS 'Member the key acts as; null for a key that acts as itself.';
COMMENT ON COLUMN access.api_keys.scopes IS 'What the key may do; empty means nothing.';
COMMENT ON COLUMN access.api_keys.expires_at IS 'From when the key is refused; null for never.';
COMMENT ON COLUMN access.api_keys.last_used IS 'When the key was last seen, to the minute; does not touch updated_at.';
COMMENT ON COLUMN access.api_keys.is_active IS 'False once revoked or switched off.';
COMMENT ON COLUMN access.api_keys.revoked_at IS 'When it was revoked; a revoked key stays refused.';
COMMENT ON COLUMN access.api_keys.revoked_by IS 'Actor that revoked it, as written in the audit log.';
COMMENT ON COLUMN access.api_keys.created_by IS
    'Actor that made it, as written in the audit log; null for the first key.';
COMMENT ON COLUMN access.api_keys.created_at IS 'When the row was made.';
COMMENT ON COLUMN access.api_keys.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_api_keys_guild_id ON access.api_keys (guild_id, created_at DESC, id DESC);
CREATE INDEX ix_api_keys_is_active ON access.api_keys (is_active, expires_at);
CREATE TRIGGER tg_api_keys_touch BEFORE UPDATE
    OF name, prefix, scopes, guild_id, user_id, expires_at, is_active, revoked_at, revoked_by, key_hash
    ON access.api_keys
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE access.admin_users (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    username text NOT NULL,
    password_hash text,
    user_id bigint,
    is_active boolean NOT NULL DEFAULT true,
    last_login_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_admin_users PRIMARY KEY (id),
    CONSTRAINT uq_admin_users_username UNIQUE (username),
    CONSTRAINT ck_admin_users_username CHECK (length(username) BETWEEN 1 AND 50 AND username = lower(btrim(username)))
);
COMMENT ON TABLE access.admin_users IS
    'Administrators with a local sign-in (002): for development and for machines without Discord.';
COMMENT ON COLUMN access.admin_users.id IS 'Identifier.';
COMMENT ON COLUMN access.admin_users.username IS 'Sign-in name, lower case.';
COMMENT ON COLUMN access.admin_users.password_hash IS
    'Argon2id hash in PHC form; null where only a one-time link may sign in.';
COMMENT ON COLUMN access.admin_users.user_id IS 'Discord user this administrator is, when known.';
COMMENT ON COLUMN access.admin_users.is_active IS 'False when the account may not sign in.';
COMMENT ON COLUMN access.admin_users.last_login_at IS 'When they last signed in.';
COMMENT ON COLUMN access.admin_users.created_at IS 'When the row was made.';
COMMENT ON COLUMN access.admin_users.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_admin_users_touch BEFORE UPDATE ON access.admin_users
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE access.sessions (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    token_hash text NOT NULL,
    admin_user_id uuid,
    user_id bigint,
    csrf_hash text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    ip_address text,
    user_agent text,
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT uq_sessions_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_sessions_admin_user_id_admin_users FOREIGN KEY (admin_user_id)
        REFERENCES access.admin_users (id) ON DELETE CASCADE,
    CONSTRAINT ck_sessions_token_hash CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_sessions_one_person CHECK (num_nonnulls(admin_user_id, user_id) <= 1),
    CONSTRAINT ck_sessions_data CHECK (jsonb_typeof(data) = 'object'),
    CONSTRAINT ck_sessions_ip_address CHECK (length(ip_address) <= 45),
    CONSTRAINT ck_sessions_user_agent CHECK (length(user_agent) <= 300),
    CONSTRAINT ck_sessions_expires_at CHECK (expires_at > created_at)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE access.sessions IS 'Dashboard sessions. The cookie holds a random token, this table its hash.';
COMMENT ON COLUMN access.sessions.id IS 'Identifier; safe to show in a list of sessions.';
COMMENT ON COLUMN access.sessions.token_hash IS 'SHA-256 of the cookie''s token, 64 lower-case hexadecimal digits.';
COMMENT ON COLUMN access.sessions.admin_user_id IS 'Local administrator signed in, if one.';
COMMENT ON COLUMN access.sessions.user_id IS
    'Discord user signed in, if one; neither is set for a visitor who has not signed in yet.';
COMMENT ON COLUMN access.sessions.csrf_hash IS 'SHA-256 of the token that every form of this session must carry.';
COMMENT ON COLUMN access.sessions.data IS 'What the pages remember: chosen guild, flash messages; no secrets.';
COMMENT ON COLUMN access.sessions.ip_address IS 'Address of the last request, for the list of sessions.';
COMMENT ON COLUMN access.sessions.user_agent IS 'Browser, as it names itself, cut to 300 characters.';
COMMENT ON COLUMN access.sessions.last_seen_at IS 'When the session was last used, to the minute.';
COMMENT ON COLUMN access.sessions.expires_at IS 'From when it is refused.';
COMMENT ON COLUMN access.sessions.revoked_at IS 'When it was signed out, here or by an administrator.';
COMMENT ON COLUMN access.sessions.created_at IS 'When the row was made.';
COMMENT ON COLUMN access.sessions.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_sessions_admin_user_id ON access.sessions (admin_user_id) WHERE admin_user_id IS NOT NULL;
-- A list of somebody's sessions, newest first, and the end of them all.
CREATE INDEX ix_sessions_user_id_created_at ON access.sessions (user_id, created_at DESC, id DESC)
    WHERE user_id IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX ix_sessions_admin_user_id_created_at ON access.sessions (admin_user_id, created_at DESC, id DESC)
    WHERE admin_user_id IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX ix_sessions_expires_at ON access.sessions (expires_at);
-- Using a session writes last_seen_at once a minute: no change worth a new updated_at.
CREATE TRIGGER tg_sessions_touch BEFORE UPDATE OF token_hash, csrf_hash, data, expires_at, revoked_at
    ON access.sessions
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE access.oauth_states (
    state_hash text NOT NULL,
    provider text NOT NULL DEFAULT 'discord',
    browser_hash text NOT NULL,
    pkce_verifier text NOT NULL,
    nonce text,
    redirect_to text NOT NULL DEFAULT '/',
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_oauth_states PRIMARY KEY (state_hash),
    CONSTRAINT ck_oauth_states_state_hash CHECK (state_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_oauth_states_provider CHECK (provider IN ('discord', 'oidc')),
    CONSTRAINT ck_oauth_states_redirect_to CHECK (redirect_to ~ '^/([^/\\]|$)' AND length(redirect_to) <= 2000)
);
COMMENT ON TABLE access.oauth_states IS
    'Sign-ins begun with an OAuth provider and not yet returned; each is used once and lives minutes.';
COMMENT ON COLUMN access.oauth_states.state_hash IS 'SHA-256 of the state parameter, 64 lower-case hexadecimal digits.';
COMMENT ON COLUMN access.oauth_states.provider IS 'Who is asked to vouch.';
COMMENT ON COLUMN access.oauth_states.browser_hash IS
    'SHA-256 of a cookie, so that only the browser that began may finish.';
COMMENT ON COLUMN access.oauth_states.pkce_verifier IS 'PKCE code verifier (RFC 7636) sent back with the code.';
COMMENT ON COLUMN access.oauth_states.nonce IS 'OpenID Connect nonce, where the provider speaks it.';
COMMENT ON COLUMN access.oauth_states.redirect_to IS 'Path of ours to return to.';
COMMENT ON COLUMN access.oauth_states.expires_at IS 'From when the answer is refused.';
COMMENT ON COLUMN access.oauth_states.created_at IS 'When the row was made.';
CREATE INDEX ix_oauth_states_expires_at ON access.oauth_states (expires_at);

CREATE TABLE access.discord_leaves (
    user_id bigint NOT NULL,
    sealed bytea NOT NULL,
    access_until timestamptz NOT NULL,
    read_at timestamptz NOT NULL DEFAULT now(),
    tried_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_discord_leaves PRIMARY KEY (user_id),
    CONSTRAINT ck_discord_leaves_sealed CHECK (length(sealed) BETWEEN 33 AND 4096)
) WITH (fillfactor = 80);
COMMENT ON TABLE access.discord_leaves IS
    'Leave to ask Discord about who is signed in by it. Without a row, or with one that was last read too long ago, roles '
    'that follow Discord count as that of a plain member.';
COMMENT ON COLUMN access.discord_leaves.user_id IS 'Discord user, a snowflake.';
COMMENT ON COLUMN access.discord_leaves.sealed IS
    'Access and refresh token, sealed by the key of the installation: it is not in the database.';
COMMENT ON COLUMN access.discord_leaves.access_until IS 'Until when the access token is good; then it is renewed.';
COMMENT ON COLUMN access.discord_leaves.read_at IS 'When Discord last told which roles the person has.';
COMMENT ON COLUMN access.discord_leaves.tried_at IS
    'When somebody last began to ask; nobody else does for a moment after.';
COMMENT ON COLUMN access.discord_leaves.created_at IS 'When the row was made.';
COMMENT ON COLUMN access.discord_leaves.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_discord_leaves_touch BEFORE UPDATE ON access.discord_leaves
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE access.vault_checks (
    singleton boolean NOT NULL DEFAULT true,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_vault_checks PRIMARY KEY (singleton),
    CONSTRAINT ck_vault_checks_singleton CHECK (singleton),
    CONSTRAINT ck_vault_checks_sealed CHECK (length(sealed) BETWEEN 33 AND 512)
);
CREATE TRIGGER tg_vault_checks_touch BEFORE UPDATE ON access.vault_checks
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
COMMENT ON TABLE access.vault_checks IS
    'One row: whether a node has the key that seals the secrets of this database. It is written by the first node that '
    'starts, sealed anew when the key is rotated, and replaced only by an operator who has lost the key.';
COMMENT ON COLUMN access.vault_checks.singleton IS 'Always true: there is one row at most.';
COMMENT ON COLUMN access.vault_checks.sealed IS 'A known text, sealed: who opens it has the key.';
COMMENT ON COLUMN access.vault_checks.created_at IS 'When the first node noted its key.';
COMMENT ON COLUMN access.vault_checks.updated_at IS 'When it was last sealed by another key.';

-- Roles ---------------------------------------------------------------------------------------------------------------

CREATE TABLE access.role_grants (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    role text NOT NULL,
    source text NOT NULL DEFAULT 'manual',
    granted_by bigint,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_role_grants PRIMARY KEY (guild_id, user_id, role),
    CONSTRAINT ck_role_grants_role
        CHECK (role IN ('owner', 'admin', 'moderator', 'author', 'instructor', 'member')),
    CONSTRAINT ck_role_grants_source CHECK (source IN ('manual', 'discord'))
);
COMMENT ON TABLE access.role_grants IS 'Roles of people within a guild. A member without a row is a plain member.';
COMMENT ON COLUMN access.role_grants.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN access.role_grants.user_id IS 'Discord user who holds the role.';
COMMENT ON COLUMN access.role_grants.role IS 'owner, admin, moderator, author, instructor or member.';
COMMENT ON COLUMN access.role_grants.source IS
    'manual, or discord when it follows Discord''s permissions and is re-read.';
COMMENT ON COLUMN access.role_grants.granted_by IS 'Discord user who granted it; null when a program did.';
COMMENT ON COLUMN access.role_grants.expires_at IS 'From when it no longer counts; null for never.';
COMMENT ON COLUMN access.role_grants.created_at IS 'When the row was made.';
COMMENT ON COLUMN access.role_grants.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_role_grants_role ON access.role_grants (guild_id, role, user_id);
CREATE INDEX ix_role_grants_user_id ON access.role_grants (user_id);
CREATE TRIGGER tg_role_grants_touch BEFORE UPDATE ON access.role_grants
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE access.role_mappings (
    guild_id bigint NOT NULL,
    discord_role_id bigint NOT NULL,
    role text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_role_mappings PRIMARY KEY (guild_id, discord_role_id, role),
    CONSTRAINT ck_role_mappings_role CHECK (role IN ('admin', 'moderator', 'author', 'instructor', 'member'))
);
COMMENT ON TABLE access.role_mappings IS 'Discord roles that confer a Questhall role on whoever has them.';
COMMENT ON COLUMN access.role_mappings.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN access.role_mappings.discord_role_id IS 'Discord role, a snowflake.';
COMMENT ON COLUMN access.role_mappings.role IS 'Questhall role it confers.';
COMMENT ON COLUMN access.role_mappings.created_at IS 'When the row was made.';

-- Settings ------------------------------------------------------------------------------------------------------------

CREATE TABLE access.settings (
    guild_id bigint NOT NULL DEFAULT 0,
    key text NOT NULL,
    value_json jsonb NOT NULL,
    category text NOT NULL,
    description text NOT NULL DEFAULT '',
    updated_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_settings PRIMARY KEY (guild_id, key),
    CONSTRAINT ck_settings_guild_id CHECK (guild_id >= 0),
    CONSTRAINT ck_settings_key CHECK (length(key) BETWEEN 1 AND 100),
    CONSTRAINT ck_settings_category CHECK (length(category) BETWEEN 1 AND 50)
);
COMMENT ON TABLE access.settings IS
    'Settings (003), per guild and for the whole installation. A guild''s row beats the row of guild 0, which '
    'beats the default in the program; only values that differ from the default need a row.';
COMMENT ON COLUMN access.settings.guild_id IS 'Guild the value is for; 0 for the whole installation.';
COMMENT ON COLUMN access.settings.key IS 'Name of the setting, as in economy.level_base.';
COMMENT ON COLUMN access.settings.value_json IS 'Value; its type is checked by the program that knows the key.';
COMMENT ON COLUMN access.settings.category IS 'Group it is shown in: economy, anti_gaming, quality, display and so on.';
COMMENT ON COLUMN access.settings.description IS 'What it does, for people.';
COMMENT ON COLUMN access.settings.updated_by IS 'Actor that set it, as written in the audit log.';
COMMENT ON COLUMN access.settings.created_at IS 'When the row was made.';
COMMENT ON COLUMN access.settings.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_settings_category ON access.settings (guild_id, category, key);
CREATE TRIGGER tg_settings_touch BEFORE UPDATE ON access.settings
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Settings change a few times a day, so that NOTIFY's lock at commit does not matter here, and no face can forget it.
CREATE FUNCTION access.notify_setting() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM pg_notify('questhall_settings', OLD.guild_id || ':' || OLD.key);
    ELSE
        PERFORM pg_notify('questhall_settings', NEW.guild_id || ':' || NEW.key);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION access.notify_setting() IS
    'Tells every node on channel questhall_settings which setting changed, as <guild_id>:<key>.';
CREATE TRIGGER tg_settings_notify AFTER INSERT OR UPDATE OR DELETE ON access.settings
    FOR EACH ROW EXECUTE FUNCTION access.notify_setting();

-- Audit log -----------------------------------------------------------------------------------------------------------

CREATE TABLE access.admin_log (
    guild_id bigint NOT NULL DEFAULT 0,
    id integer GENERATED ALWAYS AS IDENTITY,
    actor_kind text NOT NULL DEFAULT 'user',
    actor_id bigint,
    api_key_id uuid,
    admin_user_id uuid,
    action_type text NOT NULL,
    target_table text NOT NULL,
    target_id text,
    before_snapshot jsonb,
    after_snapshot jsonb,
    ip_address text,
    request_id text,
    reason text,
    "timestamp" timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_admin_log PRIMARY KEY (guild_id, id),
    CONSTRAINT ck_admin_log_actor_kind CHECK (actor_kind IN ('user', 'api_key', 'admin_user', 'cli', 'system')),
    CONSTRAINT ck_admin_log_actor CHECK (CASE actor_kind WHEN 'user' THEN actor_id IS NOT NULL
        WHEN 'api_key' THEN api_key_id IS NOT NULL WHEN 'admin_user' THEN admin_user_id IS NOT NULL ELSE true END),
    CONSTRAINT ck_admin_log_action_type CHECK (action_type ~ '^[A-Z][A-Z_]{1,49}$'),
    CONSTRAINT ck_admin_log_target_table CHECK (length(target_table) BETWEEN 1 AND 50),
    CONSTRAINT ck_admin_log_target_id CHECK (length(target_id) <= 100),
    CONSTRAINT ck_admin_log_ip_address CHECK (length(ip_address) <= 45)
);
COMMENT ON TABLE access.admin_log IS
    'Append-only audit trail (003): every change by an administrator, from any face. Not partitioned: it is small '
    '(people write it), kept for ever, and searched by target over all time.';
COMMENT ON COLUMN access.admin_log.id IS 'Number of the entry.';
COMMENT ON COLUMN access.admin_log.guild_id IS 'Guild that was changed; 0 for the whole installation.';
COMMENT ON COLUMN access.admin_log.actor_kind IS
    'Which of the three ids below acts: user, api_key, admin_user; else cli or system.';
COMMENT ON COLUMN access.admin_log.actor_id IS 'Administrator''s Discord snowflake, when a person on Discord acted.';
COMMENT ON COLUMN access.admin_log.api_key_id IS
    'API key that acted or carried the person''s request; not a foreign key, as the log outlives keys.';
COMMENT ON COLUMN access.admin_log.admin_user_id IS 'Local administrator who acted.';
COMMENT ON COLUMN access.admin_log.action_type IS
    'What was done: CREATE, UPDATE, DELETE, SEASON_ROLL, MANUAL_AWARD, MANUAL_REVOKE, IMPORT and others in the '
    'same form, such as PUBLISH, CANCEL, START, CLOSE, RETRY, REVOKE, REPAIR, ERASE.';
COMMENT ON COLUMN access.admin_log.target_table IS 'Table changed, with its schema.';
COMMENT ON COLUMN access.admin_log.target_id IS 'Key of the row changed, as text.';
COMMENT ON COLUMN access.admin_log.before_snapshot IS 'Row before, without secrets; null for a creation.';
COMMENT ON COLUMN access.admin_log.after_snapshot IS 'Row after, without secrets; null for a deletion.';
COMMENT ON COLUMN access.admin_log.ip_address IS 'Address the request came from.';
COMMENT ON COLUMN access.admin_log.request_id IS 'Request id, as in the response and the log.';
COMMENT ON COLUMN access.admin_log.reason IS 'Why, in the actor''s words.';
COMMENT ON COLUMN access.admin_log."timestamp" IS 'When it was done.';
CREATE INDEX ix_admin_log_actor_time ON access.admin_log (guild_id, actor_id, "timestamp");
CREATE INDEX ix_admin_log_target ON access.admin_log (guild_id, target_table, target_id, "timestamp");
CREATE TRIGGER tg_admin_log_append_only BEFORE UPDATE OR DELETE ON access.admin_log
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_admin_log_no_truncate BEFORE TRUNCATE ON access.admin_log
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();

-- Requests ------------------------------------------------------------------------------------------------------------

CREATE TABLE access.idempotency_keys (
    actor text NOT NULL,
    key text NOT NULL,
    guild_id bigint,
    request_hash text NOT NULL,
    state text NOT NULL DEFAULT 'in_progress',
    status_code smallint,
    response_headers jsonb,
    response_body bytea,
    carried_out boolean NOT NULL DEFAULT false,
    locked_until timestamptz NOT NULL DEFAULT now() + interval '1 minute',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '24 hours',
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, key),
    CONSTRAINT ck_idempotency_keys_actor CHECK (length(actor) BETWEEN 1 AND 100),
    CONSTRAINT ck_idempotency_keys_key CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT ck_idempotency_keys_request_hash CHECK (request_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_idempotency_keys_state CHECK (state IN ('in_progress', 'done')),
    CONSTRAINT ck_idempotency_keys_status_code CHECK (status_code BETWEEN 100 AND 599),
    CONSTRAINT ck_idempotency_keys_done CHECK (state <> 'done' OR status_code IS NOT NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE access.idempotency_keys IS
    'What was answered to a POST that carried an Idempotency-Key, so that a repetition gets the same answer.';
COMMENT ON COLUMN access.idempotency_keys.actor IS
    'Who sent it (API key or session), so that keys of strangers never meet.';
COMMENT ON COLUMN access.idempotency_keys.key IS 'The Idempotency-Key header.';
COMMENT ON COLUMN access.idempotency_keys.guild_id IS 'Guild the request was about, when it was about one.';
COMMENT ON COLUMN access.idempotency_keys.request_hash IS
    'SHA-256 of method, path and body: another request under the same key is refused.';
COMMENT ON COLUMN access.idempotency_keys.state IS 'in_progress while the first request runs, then done.';
COMMENT ON COLUMN access.idempotency_keys.status_code IS 'HTTP status that was answered.';
COMMENT ON COLUMN access.idempotency_keys.response_headers IS 'Headers worth repeating: content type, location.';
COMMENT ON COLUMN access.idempotency_keys.response_body IS 'Body that was answered.';
COMMENT ON COLUMN access.idempotency_keys.carried_out IS
    'Set in the transaction of the request''s effect: whatever became of the answer, the request must not run again.';
COMMENT ON COLUMN access.idempotency_keys.locked_until IS
    'Until when an unfinished request keeps others out; after it the node that ran it is taken for dead.';
COMMENT ON COLUMN access.idempotency_keys.created_at IS 'When the row was made.';
COMMENT ON COLUMN access.idempotency_keys.updated_at IS 'When the row last changed; kept by trigger.';
COMMENT ON COLUMN access.idempotency_keys.expires_at IS 'When the row may be removed.';
CREATE INDEX ix_idempotency_keys_expires_at ON access.idempotency_keys (expires_at);
CREATE TRIGGER tg_idempotency_keys_touch BEFORE UPDATE ON access.idempotency_keys
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE UNLOGGED TABLE access.rate_limits (
    subject text NOT NULL,
    bucket text NOT NULL,
    tat timestamptz NOT NULL,
    CONSTRAINT pk_rate_limits PRIMARY KEY (subject, bucket),
    CONSTRAINT ck_rate_limits_subject CHECK (length(subject) BETWEEN 1 AND 100),
    CONSTRAINT ck_rate_limits_bucket CHECK (length(bucket) BETWEEN 1 AND 50)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE access.rate_limits IS
    'HTTP rate limits shared by all nodes, as theoretical arrival times (GCRA). Nodes take requests from it by the handful. '
    'Unlogged: it is lost in a crash, and then everyone starts with a full allowance. Limits of the game keep their own, '
    'logged tables.';
COMMENT ON COLUMN access.rate_limits.subject IS 'Who is limited: an API key, a session, an address.';
COMMENT ON COLUMN access.rate_limits.bucket IS 'Which limit: a route family.';
COMMENT ON COLUMN access.rate_limits.tat IS 'Theoretical arrival time: when the allowance would be full again.';

CREATE FUNCTION access.rate_limit_take(
    p_subject text, p_bucket text, p_emission interval, p_burst integer, p_wanted integer,
    OUT granted integer, OUT remaining integer, OUT retry_after interval, OUT full_after interval
)
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_tat timestamptz;
    v_used interval;
BEGIN
    INSERT INTO access.rate_limits (subject, bucket, tat) VALUES (p_subject, p_bucket, v_now)
    ON CONFLICT (subject, bucket) DO NOTHING;
    SELECT tat INTO v_tat FROM access.rate_limits
    WHERE subject = p_subject AND bucket = p_bucket
    FOR NO KEY UPDATE;
    -- Waiting for the row may have taken a while; and a clean-up may have removed it meanwhile.
    v_now := clock_timestamp();
    v_tat := greatest(coalesce(v_tat, v_now), v_now);
    v_used := v_tat - v_now;
    remaining := greatest(
        floor(extract(epoch FROM p_emission * p_burst - v_used) / extract(epoch FROM p_emission))::integer, 0);
    granted := least(p_wanted, remaining);
    IF granted > 0 THEN
        v_tat := v_tat + p_emission * granted;
        UPDATE access.rate_limits SET tat = v_tat WHERE subject = p_subject AND bucket = p_bucket;
        remaining := remaining - granted;
    END IF;
    full_after := v_tat - v_now;
    retry_after := greatest(full_after - p_emission * (p_burst - 1), interval '0');
END
$$;
COMMENT ON FUNCTION access.rate_limit_take(text, text, interval, integer, integer) IS
    'Takes up to p_wanted requests from a shared allowance (GCRA): one more every p_emission, p_burst at most. Answers how '
    'many were granted, how many remain, when the next may be taken, and when the allowance is full again.';
