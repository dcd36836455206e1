-- Who runs the installation, told by the command line, and links that sign somebody in without a password.

CREATE TABLE access.operators (
    user_id bigint NOT NULL,
    added_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_operators PRIMARY KEY (user_id),
    CONSTRAINT ck_operators_user_id CHECK (user_id > 0),
    CONSTRAINT ck_operators_added_by CHECK (length(added_by) BETWEEN 1 AND 100)
);
COMMENT ON TABLE access.operators IS
    'People who may do what concerns the whole installation when they are signed in with Discord. Only whoever has the machine names them.';
COMMENT ON COLUMN access.operators.user_id IS 'Discord user, a snowflake.';
COMMENT ON COLUMN access.operators.added_by IS 'Who named them, as journals write it: cli, or system for who set the installation up.';
COMMENT ON COLUMN access.operators.created_at IS 'Since when.';

CREATE TABLE access.sign_in_links (
    token_hash text NOT NULL,
    purpose text NOT NULL,
    user_id bigint,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_sign_in_links PRIMARY KEY (token_hash),
    CONSTRAINT ck_sign_in_links_token_hash CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_sign_in_links_purpose CHECK (purpose IN ('set_up', 'demo')),
    CONSTRAINT ck_sign_in_links_user_id CHECK ((purpose = 'demo') = (user_id IS NOT NULL)),
    CONSTRAINT ck_sign_in_links_expires_at CHECK (expires_at > created_at)
);
COMMENT ON TABLE access.sign_in_links IS
    'Links that the command line prints: one to set an installation up, which works once, and on a developer''s machine those that look '
    'around in the demo. Only the hash is kept; a link that was used, or has expired, is gone.';
COMMENT ON COLUMN access.sign_in_links.token_hash IS 'SHA-256 of the link''s secret, 64 lower-case hexadecimal digits.';
COMMENT ON COLUMN access.sign_in_links.purpose IS 'set_up: who opens it says who they are and becomes an operator; demo: signs in a member of the demo.';
COMMENT ON COLUMN access.sign_in_links.user_id IS 'Whom a link of the demo signs in, a snowflake; null for set_up.';
COMMENT ON COLUMN access.sign_in_links.expires_at IS 'From when it is refused.';
COMMENT ON COLUMN access.sign_in_links.created_at IS 'When it was printed.';
CREATE INDEX ix_sign_in_links_expires_at ON access.sign_in_links (expires_at);
