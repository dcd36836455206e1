-- The bytes economy (002): balances, the ledger they can be re-derived from, and each guild's rules.

CREATE SCHEMA economy;
COMMENT ON SCHEMA economy IS 'Bytes: balances, the ledger of transactions, rules per guild, daily report.';

CREATE TABLE economy.bytes_balances (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    balance bigint NOT NULL DEFAULT 0,
    total_received bigint NOT NULL DEFAULT 0,
    total_sent bigint NOT NULL DEFAULT 0,
    last_daily date,
    streak_count integer NOT NULL DEFAULT 0,
    last_transfer_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_bytes_balances PRIMARY KEY (guild_id, user_id),
    CONSTRAINT ck_bytes_balances_user_id CHECK (user_id >= 0),
    CONSTRAINT ck_bytes_balances_balance CHECK (balance >= 0 OR user_id = 0),
    CONSTRAINT ck_bytes_balances_totals CHECK (total_received >= 0 AND total_sent >= 0),
    CONSTRAINT ck_bytes_balances_streak_count CHECK (streak_count >= 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE economy.bytes_balances IS
    'Balances per guild (002). User 0 is the house, from which bytes come and to which they go: it alone may be '
    'below zero, and a guild''s balances, house included, always add up to zero.';
COMMENT ON COLUMN economy.bytes_balances.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN economy.bytes_balances.user_id IS 'Discord user, a snowflake; 0 is the house.';
COMMENT ON COLUMN economy.bytes_balances.balance IS 'Bytes held now.';
COMMENT ON COLUMN economy.bytes_balances.total_received IS 'Bytes ever received; role rewards go by it.';
COMMENT ON COLUMN economy.bytes_balances.total_sent IS 'Bytes ever sent or spent.';
COMMENT ON COLUMN economy.bytes_balances.last_daily IS 'UTC date of the last daily claim.';
COMMENT ON COLUMN economy.bytes_balances.streak_count IS 'Consecutive dates claimed, up to last_daily.';
COMMENT ON COLUMN economy.bytes_balances.last_transfer_at IS
    'When the member last paid another one, for the cooldown; null for never. As the ledger has it: the latest '
    'created_at of their transfers.';
COMMENT ON COLUMN economy.bytes_balances.created_at IS 'When the row was made.';
COMMENT ON COLUMN economy.bytes_balances.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_bytes_balances_guild_balance ON economy.bytes_balances (guild_id, balance DESC, user_id)
    WHERE user_id <> 0;
CREATE TRIGGER tg_bytes_balances_touch BEFORE UPDATE ON economy.bytes_balances
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE economy.bytes_transactions (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    giver_id bigint NOT NULL,
    giver_username text NOT NULL,
    receiver_id bigint NOT NULL,
    receiver_username text NOT NULL,
    amount bigint NOT NULL,
    reason text,
    kind text NOT NULL DEFAULT 'transfer',
    reference_type text,
    reference_id text,
    dedupe_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_bytes_transactions PRIMARY KEY (guild_id, id),
    CONSTRAINT ck_bytes_transactions_parties CHECK (giver_id >= 0 AND receiver_id >= 0),
    CONSTRAINT ck_bytes_transactions_not_self CHECK (giver_id <> receiver_id),
    CONSTRAINT ck_bytes_transactions_amount CHECK (amount > 0),
    CONSTRAINT ck_bytes_transactions_kind CHECK (kind IN ('transfer', 'starting', 'daily', 'fee', 'refund', 'reward',
        'squad_switch', 'award', 'purchase', 'fine')),
    CONSTRAINT ck_bytes_transactions_direction CHECK (CASE
        WHEN kind = 'transfer' THEN giver_id <> 0 AND receiver_id <> 0
        WHEN kind IN ('starting', 'daily', 'refund', 'reward', 'award') THEN giver_id = 0
        ELSE receiver_id = 0 END),
    CONSTRAINT ck_bytes_transactions_usernames
        CHECK (length(giver_username) <= 100 AND length(receiver_username) <= 100),
    CONSTRAINT ck_bytes_transactions_reason CHECK (length(reason) <= 1000),
    CONSTRAINT ck_bytes_transactions_reference
        CHECK (num_nonnulls(reference_type, reference_id) <> 1
            AND length(reference_type) <= 50 AND length(reference_id) <= 100),
    CONSTRAINT ck_bytes_transactions_dedupe_key CHECK (length(dedupe_key) BETWEEN 1 AND 200)
);
COMMENT ON TABLE economy.bytes_transactions IS
    'The ledger of bytes (002), append-only: every change of a balance is a row here. Not partitioned: balances '
    'are re-derived from all of it, so that no month can ever be dropped, while one table can hold the unique '
    'dedupe_key itself; time-ordered ids keep inserts on the right edge of the indexes.';
COMMENT ON COLUMN economy.bytes_transactions.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN economy.bytes_transactions.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN economy.bytes_transactions.giver_id IS 'Who pays, a snowflake; 0 is the house.';
COMMENT ON COLUMN economy.bytes_transactions.giver_username IS 'Giver''s name at the time, for the audit.';
COMMENT ON COLUMN economy.bytes_transactions.receiver_id IS 'Who is paid, a snowflake; 0 is the house.';
COMMENT ON COLUMN economy.bytes_transactions.receiver_username IS 'Receiver''s name at the time, for the audit.';
COMMENT ON COLUMN economy.bytes_transactions.amount IS 'Bytes moved; always whole and positive.';
COMMENT ON COLUMN economy.bytes_transactions.reason IS 'Why, in the giver''s or an administrator''s words.';
COMMENT ON COLUMN economy.bytes_transactions.kind IS
    'transfer, starting, daily, refund, reward, award (from the house), fee, squad_switch, purchase, fine (to the '
    'house).';
COMMENT ON COLUMN economy.bytes_transactions.reference_type IS 'What it was for, as in campaign, squad, shop_item.';
COMMENT ON COLUMN economy.bytes_transactions.reference_id IS 'Key of what it was for, as text.';
COMMENT ON COLUMN economy.bytes_transactions.dedupe_key IS
    'Makes one cause post once per guild, as in daily:<user>:<date>; null for transfers between people.';
COMMENT ON COLUMN economy.bytes_transactions.created_at IS 'When it was posted.';
COMMENT ON COLUMN economy.bytes_transactions.updated_at IS 'As created_at, unless a name was erased since.';
CREATE UNIQUE INDEX uq_bytes_transactions_dedupe_key ON economy.bytes_transactions (guild_id, dedupe_key)
    WHERE dedupe_key IS NOT NULL;
CREATE INDEX ix_bytes_transactions_guild_created ON economy.bytes_transactions (guild_id, created_at DESC, id DESC);
CREATE INDEX ix_bytes_transactions_giver ON economy.bytes_transactions (guild_id, giver_id, created_at DESC, id DESC);
CREATE INDEX ix_bytes_transactions_receiver
    ON economy.bytes_transactions (guild_id, receiver_id, created_at DESC, id DESC);
CREATE INDEX ix_bytes_transactions_reference ON economy.bytes_transactions (guild_id, reference_type, reference_id)
    WHERE reference_type IS NOT NULL;
CREATE TRIGGER tg_bytes_transactions_append_only BEFORE UPDATE OR DELETE ON economy.bytes_transactions
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_bytes_transactions_no_truncate BEFORE TRUNCATE ON economy.bytes_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();

CREATE TABLE economy.bytes_configs (
    guild_id bigint NOT NULL,
    starting_balance integer NOT NULL DEFAULT 100,
    daily_amount integer NOT NULL DEFAULT 10,
    max_transfer integer NOT NULL DEFAULT 1000,
    cooldown_hours integer NOT NULL DEFAULT 24,
    role_rewards jsonb NOT NULL DEFAULT '{}',
    streak_bonuses jsonb NOT NULL DEFAULT '{"8": 2, "16": 4, "32": 8, "64": 16}',
    daily_by_message boolean NOT NULL DEFAULT true,
    is_enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_bytes_configs PRIMARY KEY (guild_id),
    CONSTRAINT ck_bytes_configs_starting_balance CHECK (starting_balance >= 0),
    CONSTRAINT ck_bytes_configs_daily_amount CHECK (daily_amount >= 0),
    CONSTRAINT ck_bytes_configs_max_transfer CHECK (max_transfer >= 1),
    CONSTRAINT ck_bytes_configs_cooldown_hours CHECK (cooldown_hours BETWEEN 0 AND 8760),
    CONSTRAINT ck_bytes_configs_role_rewards CHECK (jsonb_typeof(role_rewards) = 'object'),
    CONSTRAINT ck_bytes_configs_streak_bonuses CHECK (jsonb_typeof(streak_bonuses) = 'object')
);
COMMENT ON TABLE economy.bytes_configs IS
    'Rules of each guild''s economy (002). A guild without a row has these defaults.';
COMMENT ON COLUMN economy.bytes_configs.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN economy.bytes_configs.starting_balance IS 'Bytes a new member gets, once.';
COMMENT ON COLUMN economy.bytes_configs.daily_amount IS 'Bytes of a daily claim, before the streak''s multiplier.';
COMMENT ON COLUMN economy.bytes_configs.max_transfer IS 'Largest single transfer.';
COMMENT ON COLUMN economy.bytes_configs.cooldown_hours IS 'Hours a giver waits between two transfers; 0 for none.';
COMMENT ON COLUMN economy.bytes_configs.role_rewards IS
    '{role id: bytes}: who has received that much in all gets the role.';
COMMENT ON COLUMN economy.bytes_configs.streak_bonuses IS
    '{days: multiplier}: from that many consecutive days on, the daily claim is multiplied; the greatest reached '
    'counts.';
COMMENT ON COLUMN economy.bytes_configs.daily_by_message IS 'Whether the first message of a UTC day claims too.';
COMMENT ON COLUMN economy.bytes_configs.is_enabled IS 'False when the guild does not play with bytes.';
COMMENT ON COLUMN economy.bytes_configs.created_at IS 'When the row was made.';
COMMENT ON COLUMN economy.bytes_configs.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_bytes_configs_touch BEFORE UPDATE ON economy.bytes_configs
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE economy.role_reward_grants (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    role_id bigint NOT NULL,
    threshold bigint NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_role_reward_grants PRIMARY KEY (guild_id, user_id, role_id),
    CONSTRAINT ck_role_reward_grants_threshold CHECK (threshold >= 0)
);
COMMENT ON TABLE economy.role_reward_grants IS
    'Role rewards already granted, so that crossing a threshold asks Discord for the role once.';
COMMENT ON COLUMN economy.role_reward_grants.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN economy.role_reward_grants.user_id IS 'Discord user, a snowflake.';
COMMENT ON COLUMN economy.role_reward_grants.role_id IS 'Discord role granted, a snowflake.';
COMMENT ON COLUMN economy.role_reward_grants.threshold IS 'Threshold on total_received that was crossed.';
COMMENT ON COLUMN economy.role_reward_grants.granted_at IS 'When it was crossed; the effect leaves through the outbox.';

CREATE TABLE economy.daily_reports (
    guild_id bigint NOT NULL,
    day date NOT NULL,
    transaction_count bigint NOT NULL DEFAULT 0,
    active_users bigint NOT NULL DEFAULT 0,
    issued bigint NOT NULL DEFAULT 0,
    returned bigint NOT NULL DEFAULT 0,
    transferred bigint NOT NULL DEFAULT 0,
    in_circulation bigint NOT NULL DEFAULT 0,
    holders bigint NOT NULL DEFAULT 0,
    velocity double precision NOT NULL DEFAULT 0,
    top10_share double precision NOT NULL DEFAULT 0,
    gini double precision NOT NULL DEFAULT 0,
    by_kind jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_daily_reports PRIMARY KEY (guild_id, day),
    CONSTRAINT ck_daily_reports_figures CHECK (transaction_count >= 0 AND active_users >= 0 AND issued >= 0
        AND returned >= 0 AND transferred >= 0 AND in_circulation >= 0 AND holders >= 0),
    CONSTRAINT ck_daily_reports_ratios
        CHECK (velocity >= 0 AND top10_share BETWEEN 0 AND 1 AND gini BETWEEN 0 AND 1),
    CONSTRAINT ck_daily_reports_by_kind CHECK (jsonb_typeof(by_kind) = 'object')
);
COMMENT ON TABLE economy.daily_reports IS
    'Economy report: one row per guild and UTC day, filled by a daily job that may be run again.';
COMMENT ON COLUMN economy.daily_reports.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN economy.daily_reports.day IS 'UTC day reported on.';
COMMENT ON COLUMN economy.daily_reports.transaction_count IS 'Transactions posted that day.';
COMMENT ON COLUMN economy.daily_reports.active_users IS 'People who gave or received, house not counted.';
COMMENT ON COLUMN economy.daily_reports.issued IS 'Bytes that left the house.';
COMMENT ON COLUMN economy.daily_reports.returned IS 'Bytes that came back to the house.';
COMMENT ON COLUMN economy.daily_reports.transferred IS 'Bytes moved between people.';
COMMENT ON COLUMN economy.daily_reports.in_circulation IS 'Bytes held by people at the end of the day.';
COMMENT ON COLUMN economy.daily_reports.holders IS 'People with more than nothing at the end of the day.';
COMMENT ON COLUMN economy.daily_reports.velocity IS
    'Bytes that people passed on or spent that day, per byte in circulation at its end; 0 when nothing circulates.';
COMMENT ON COLUMN economy.daily_reports.top10_share IS
    'Share, 0 to 1, of what circulates that the ten richest people hold at the end of the day.';
COMMENT ON COLUMN economy.daily_reports.gini IS
    'Gini coefficient, 0 to 1, among those who hold anything at the end of the day: 0 when all hold the same.';
COMMENT ON COLUMN economy.daily_reports.by_kind IS '{kind: bytes} of the day.';
COMMENT ON COLUMN economy.daily_reports.created_at IS 'When the row was made.';
COMMENT ON COLUMN economy.daily_reports.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_daily_reports_touch BEFORE UPDATE ON economy.daily_reports
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
