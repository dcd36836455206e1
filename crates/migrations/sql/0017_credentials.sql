-- Credentials: Open Badges 3.0 for completed learning paths and for achievements, signed by a guild's own keys, with a list by which
-- anybody can see what was revoked.
--
-- Every issue and every revocation of a guild holds the lock of its row in `issuers`, so that no bit of the list is given out twice.
-- Holders are named by their id as members; when a person is erased their credentials go, and the bits, which name nobody, stay.

CREATE SCHEMA credentials;
COMMENT ON SCHEMA credentials IS 'Open Badges 3.0: badges, what was issued, issuers'' keys, what was revoked.';

CREATE TABLE credentials.issuers (
    guild_id bigint NOT NULL,
    next_status_index integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_issuers PRIMARY KEY (guild_id),
    CONSTRAINT fk_issuers_guild_id_guilds FOREIGN KEY (guild_id) REFERENCES people.guilds (guild_id),
    CONSTRAINT ck_issuers_next_status_index CHECK (next_status_index >= 0)
);
COMMENT ON TABLE credentials.issuers IS 'Guilds that issue credentials: the row is the lock under which one issues and revokes.';
COMMENT ON COLUMN credentials.issuers.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN credentials.issuers.next_status_index IS
    'First bit of the revocation lists that no credential has had; only grows, so that none is used twice.';
COMMENT ON COLUMN credentials.issuers.created_at IS 'When the row was made.';
COMMENT ON COLUMN credentials.issuers.updated_at IS 'When the row last changed; kept by trigger.';
CREATE FUNCTION credentials.refuse_reuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'bits of a revocation list are never given out again'
        USING ERRCODE = 'restrict_violation', SCHEMA = 'credentials', TABLE = 'issuers',
              CONSTRAINT = 'ck_issuers_no_reuse';
END
$$;
COMMENT ON FUNCTION credentials.refuse_reuse() IS
    'BEFORE trigger: refuses to lower next_status_index (23001, ck_issuers_no_reuse).';
CREATE TRIGGER tg_issuers_no_reuse BEFORE UPDATE ON credentials.issuers
    FOR EACH ROW WHEN (NEW.next_status_index < OLD.next_status_index) EXECUTE FUNCTION credentials.refuse_reuse();
CREATE TRIGGER tg_issuers_touch BEFORE UPDATE ON credentials.issuers
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE credentials.issuer_keys (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    algorithm text NOT NULL DEFAULT 'ES256',
    public_key bytea NOT NULL,
    private_key_sealed bytea,
    retired_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_issuer_keys PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_issuer_keys_guild_id_issuers FOREIGN KEY (guild_id) REFERENCES credentials.issuers (guild_id),
    CONSTRAINT ck_issuer_keys_algorithm CHECK (algorithm IN ('ES256', 'EdDSA')),
    CONSTRAINT ck_issuer_keys_public_key CHECK (
        octet_length(public_key) = CASE algorithm WHEN 'ES256' THEN 65 ELSE 32 END),
    CONSTRAINT ck_issuer_keys_private_key CHECK ((retired_at IS NULL) = (private_key_sealed IS NOT NULL))
);
COMMENT ON TABLE credentials.issuer_keys IS
    'Keys a guild signs its credentials with. Old ones stay without their private half, so that what they signed can be verified.';
COMMENT ON COLUMN credentials.issuer_keys.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN credentials.issuer_keys.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN credentials.issuer_keys.algorithm IS
    'JWS algorithm: ES256 (P-256), which verifiers of Open Badges 3.0 take, or EdDSA (Ed25519).';
COMMENT ON COLUMN credentials.issuer_keys.public_key IS
    'Public key: an uncompressed point of P-256 (65 bytes), or 32 bytes of Ed25519; anybody may have it.';
COMMENT ON COLUMN credentials.issuer_keys.private_key_sealed IS
    'Private key (PKCS #8), sealed with the installation''s key for secrets; destroyed when another takes its place.';
COMMENT ON COLUMN credentials.issuer_keys.retired_at IS 'When another key took its place.';
COMMENT ON COLUMN credentials.issuer_keys.created_at IS 'When it was made.';
CREATE UNIQUE INDEX uq_issuer_keys_current ON credentials.issuer_keys (guild_id) WHERE retired_at IS NULL;

CREATE TABLE credentials.badges (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    learning_path_id uuid,
    achievement_id integer,
    name text NOT NULL,
    description text NOT NULL,
    criteria text NOT NULL,
    image bytea,
    valid_days integer,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_badges PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_badges_guild_id_name UNIQUE (guild_id, name),
    CONSTRAINT fk_badges_guild_id_guilds FOREIGN KEY (guild_id) REFERENCES people.guilds (guild_id),
    CONSTRAINT fk_badges_learning_path_id_learning_paths FOREIGN KEY (guild_id, learning_path_id)
        REFERENCES learning.learning_paths (guild_id, id),
    CONSTRAINT fk_badges_achievement_id_achievement_templates FOREIGN KEY (guild_id, achievement_id)
        REFERENCES progress.achievement_templates (guild_id, id),
    CONSTRAINT ck_badges_subject CHECK (num_nonnulls(learning_path_id, achievement_id) = 1),
    CONSTRAINT ck_badges_name CHECK (length(name) BETWEEN 1 AND 255),
    CONSTRAINT ck_badges_texts CHECK (length(description) BETWEEN 1 AND 10000 AND length(criteria) BETWEEN 1 AND 10000),
    CONSTRAINT ck_badges_image CHECK (octet_length(image) BETWEEN 57 AND 131072),
    CONSTRAINT ck_badges_valid_days CHECK (valid_days BETWEEN 1 AND 36500)
);
COMMENT ON TABLE credentials.badges IS
    'What credentials are issued for (an Open Badges Achievement): a completed path or an achievement.';
COMMENT ON COLUMN credentials.badges.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN credentials.badges.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN credentials.badges.learning_path_id IS 'Path it is earned by completing.';
COMMENT ON COLUMN credentials.badges.achievement_id IS 'Achievement (progress.achievement_templates) it goes with.';
COMMENT ON COLUMN credentials.badges.name IS 'Name on the credential.';
COMMENT ON COLUMN credentials.badges.description IS 'What its holder can do.';
COMMENT ON COLUMN credentials.badges.criteria IS 'What had to be done, Markdown.';
COMMENT ON COLUMN credentials.badges.image IS 'Picture, a PNG, into which a holder''s credential can be baked.';
COMMENT ON COLUMN credentials.badges.valid_days IS 'How long a credential is valid; null for without end.';
COMMENT ON COLUMN credentials.badges.is_active IS 'Whether it is still issued.';
COMMENT ON COLUMN credentials.badges.created_at IS 'When the row was made.';
COMMENT ON COLUMN credentials.badges.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_badges_learning_path_id ON credentials.badges (guild_id, learning_path_id)
    WHERE learning_path_id IS NOT NULL;
CREATE UNIQUE INDEX uq_badges_achievement_id ON credentials.badges (guild_id, achievement_id)
    WHERE achievement_id IS NOT NULL;
CREATE TRIGGER tg_badges_touch BEFORE UPDATE ON credentials.badges
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE credentials.statuses (
    guild_id bigint NOT NULL,
    status_index integer NOT NULL,
    credential_id uuid NOT NULL,
    is_revoked boolean NOT NULL DEFAULT false,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_statuses PRIMARY KEY (guild_id, status_index),
    CONSTRAINT uq_statuses_credential_id UNIQUE (guild_id, credential_id),
    CONSTRAINT fk_statuses_guild_id_issuers FOREIGN KEY (guild_id) REFERENCES credentials.issuers (guild_id),
    CONSTRAINT ck_statuses_status_index CHECK (status_index >= 0),
    CONSTRAINT ck_statuses_revoked CHECK (is_revoked = (revoked_at IS NOT NULL))
);
COMMENT ON TABLE credentials.statuses IS
    'Bits of the guild''s revocation lists. They name nobody and outlive the credential and the person: what was revoked stays '
    'revoked, and no index is used twice.';
COMMENT ON COLUMN credentials.statuses.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN credentials.statuses.status_index IS 'Place in the lists, from 0; each list has 131,072.';
COMMENT ON COLUMN credentials.statuses.credential_id IS
    'The credential that it stands for, a random number; no foreign key, for the credential goes with its holder.';
COMMENT ON COLUMN credentials.statuses.is_revoked IS 'The bit.';
COMMENT ON COLUMN credentials.statuses.revoked_at IS 'When it was set.';
COMMENT ON COLUMN credentials.statuses.created_at IS 'When the index was given out.';
CREATE INDEX ix_statuses_revoked ON credentials.statuses (guild_id, status_index) WHERE is_revoked;
CREATE FUNCTION credentials.refuse_unrevoking() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'a credential''s status is never taken back'
        USING ERRCODE = 'restrict_violation', SCHEMA = 'credentials', TABLE = 'statuses',
              CONSTRAINT = 'ck_statuses_final';
END
$$;
COMMENT ON FUNCTION credentials.refuse_unrevoking() IS
    'BEFORE trigger: refuses to delete a status, to move it, or to take a revocation back (23001, ck_statuses_final).';
CREATE TRIGGER tg_statuses_no_delete BEFORE DELETE ON credentials.statuses
    FOR EACH ROW EXECUTE FUNCTION credentials.refuse_unrevoking();
CREATE TRIGGER tg_statuses_final BEFORE UPDATE ON credentials.statuses
    FOR EACH ROW WHEN (OLD.is_revoked OR OLD.status_index <> NEW.status_index OR OLD.guild_id <> NEW.guild_id
        OR OLD.credential_id <> NEW.credential_id)
    EXECUTE FUNCTION credentials.refuse_unrevoking();

CREATE TABLE credentials.credentials (
    guild_id bigint NOT NULL,
    id uuid NOT NULL,
    badge_id uuid NOT NULL,
    user_id bigint NOT NULL,
    holder_name text NOT NULL,
    issuer_key_id uuid NOT NULL,
    jwt text NOT NULL,
    status_index integer NOT NULL,
    earned_at timestamptz NOT NULL,
    issued_at timestamptz NOT NULL,
    valid_until timestamptz,
    revoked_at timestamptz,
    revocation_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_credentials PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_credentials_status_index UNIQUE (guild_id, status_index),
    CONSTRAINT fk_credentials_status_index_statuses FOREIGN KEY (guild_id, status_index)
        REFERENCES credentials.statuses (guild_id, status_index),
    CONSTRAINT fk_credentials_badge_id_badges FOREIGN KEY (guild_id, badge_id)
        REFERENCES credentials.badges (guild_id, id),
    CONSTRAINT fk_credentials_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_credentials_issuer_key_id_issuer_keys FOREIGN KEY (guild_id, issuer_key_id)
        REFERENCES credentials.issuer_keys (guild_id, id),
    CONSTRAINT ck_credentials_holder_name CHECK (length(holder_name) BETWEEN 1 AND 100),
    CONSTRAINT ck_credentials_jwt CHECK (length(jwt) BETWEEN 1 AND 200000),
    CONSTRAINT ck_credentials_status_index CHECK (status_index >= 0),
    CONSTRAINT ck_credentials_valid_until CHECK (valid_until > issued_at),
    CONSTRAINT ck_credentials_revoked CHECK (
        (revoked_at IS NULL) = (revocation_reason IS NULL) AND length(revocation_reason) BETWEEN 1 AND 500)
);
COMMENT ON TABLE credentials.credentials IS
    'Credentials issued: signed documents that a public verifier accepts, and how they stand.';
COMMENT ON COLUMN credentials.credentials.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN credentials.credentials.id IS 'Identifier, random: it is in public addresses, and cannot be guessed.';
COMMENT ON COLUMN credentials.credentials.badge_id IS 'Badge it is for.';
COMMENT ON COLUMN credentials.credentials.user_id IS 'Holder, a snowflake.';
COMMENT ON COLUMN credentials.credentials.holder_name IS 'What the holder was called when it was issued, as the document says.';
COMMENT ON COLUMN credentials.credentials.issuer_key_id IS 'Key it is signed with.';
COMMENT ON COLUMN credentials.credentials.jwt IS 'The signed document (VC-JWT), as it is handed out.';
COMMENT ON COLUMN credentials.credentials.status_index IS 'Its bit in the guild''s revocation lists (Bitstring Status List), from 0.';
COMMENT ON COLUMN credentials.credentials.earned_at IS 'When the path was completed, or the achievement earned.';
COMMENT ON COLUMN credentials.credentials.issued_at IS 'When it was issued, to the second.';
COMMENT ON COLUMN credentials.credentials.valid_until IS 'When it ceases to be valid; null for never.';
COMMENT ON COLUMN credentials.credentials.revoked_at IS 'When it was revoked.';
COMMENT ON COLUMN credentials.credentials.revocation_reason IS 'Why. The audit log has by whom.';
COMMENT ON COLUMN credentials.credentials.created_at IS 'When the row was made.';
COMMENT ON COLUMN credentials.credentials.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_credentials_holder ON credentials.credentials (guild_id, badge_id, user_id)
    WHERE revoked_at IS NULL;
CREATE INDEX ix_credentials_badge_id ON credentials.credentials (guild_id, badge_id, user_id);
CREATE INDEX ix_credentials_user_id ON credentials.credentials (guild_id, user_id);
CREATE INDEX ix_credentials_issuer_key_id ON credentials.credentials (guild_id, issuer_key_id);
CREATE TRIGGER tg_credentials_touch BEFORE UPDATE ON credentials.credentials
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
