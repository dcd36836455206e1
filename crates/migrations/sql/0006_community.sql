-- What a guild offers its members (003): the quest board, the shop, announcements, skills (004's user service).

CREATE SCHEMA community;
COMMENT ON SCHEMA community IS 'Quest board, skills, announcements, shop.';

-- Quest board ---------------------------------------------------------------------------------------------------------

CREATE TABLE community.quests (
    guild_id bigint NOT NULL,
    id integer GENERATED ALWAYS AS IDENTITY,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    xp_reward integer NOT NULL DEFAULT 50,
    gold_reward integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'open',
    github_issue_url text,
    active boolean NOT NULL DEFAULT true,
    claimed_by bigint,
    claimed_at timestamptz,
    claim_hours integer,
    claim_expires_at timestamptz,
    expires_at timestamptz,
    completed_at timestamptz,
    completed_by bigint,
    created_by bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quests PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_quests_claimed_by_members FOREIGN KEY (guild_id, claimed_by)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT ck_quests_title CHECK (length(title) BETWEEN 1 AND 200),
    CONSTRAINT ck_quests_rewards CHECK (xp_reward >= 0 AND gold_reward >= 0),
    CONSTRAINT ck_quests_status CHECK (status IN ('open', 'claimed', 'complete')),
    CONSTRAINT ck_quests_claim CHECK ((status = 'open') = (claimed_by IS NULL)),
    CONSTRAINT ck_quests_claim_hours CHECK (claim_hours BETWEEN 1 AND 8760),
    CONSTRAINT ck_quests_claim_expires_at CHECK (claim_expires_at IS NULL OR status = 'claimed'),
    CONSTRAINT ck_quests_completed_by CHECK (completed_by IS NULL OR status = 'complete'),
    CONSTRAINT ck_quests_completed_at CHECK ((status = 'complete') = (completed_at IS NOT NULL)),
    CONSTRAINT ck_quests_github_issue_url CHECK (length(github_issue_url) <= 500)
);
COMMENT ON TABLE community.quests IS
    'The guild''s quest board (003): tasks that a member claims and completes. Not the quests of the learning '
    'schema.';
COMMENT ON COLUMN community.quests.id IS 'Number of the quest.';
COMMENT ON COLUMN community.quests.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.quests.title IS 'Title.';
COMMENT ON COLUMN community.quests.description IS 'What is to be done, in Markdown.';
COMMENT ON COLUMN community.quests.xp_reward IS 'XP for completing it.';
COMMENT ON COLUMN community.quests.gold_reward IS 'Gold for completing it.';
COMMENT ON COLUMN community.quests.status IS 'open, claimed or complete.';
COMMENT ON COLUMN community.quests.github_issue_url IS 'GitHub issue it is about.';
COMMENT ON COLUMN community.quests.active IS 'False once taken off the board.';
COMMENT ON COLUMN community.quests.claimed_by IS 'Member who took it on, a snowflake.';
COMMENT ON COLUMN community.quests.claimed_at IS 'When they did.';
COMMENT ON COLUMN community.quests.claim_hours IS 'Hours after which a claim lapses; null for never.';
COMMENT ON COLUMN community.quests.claim_expires_at IS 'When the claim lapses and the quest is open again.';
COMMENT ON COLUMN community.quests.expires_at IS 'When it leaves the board unless it is done by then; null for never.';
COMMENT ON COLUMN community.quests.completed_at IS 'When it was accepted as done.';
COMMENT ON COLUMN community.quests.completed_by IS 'Administrator who accepted it as done, a snowflake.';
COMMENT ON COLUMN community.quests.created_by IS 'Who posted it, a snowflake.';
COMMENT ON COLUMN community.quests.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.quests.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_quests_status ON community.quests (guild_id, status, id DESC) WHERE active;
CREATE INDEX ix_quests_claimed_by ON community.quests (guild_id, claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX ix_quests_claim_expires_at ON community.quests (claim_expires_at)
    WHERE claim_expires_at IS NOT NULL;
CREATE INDEX ix_quests_expires_at ON community.quests (expires_at)
    WHERE expires_at IS NOT NULL AND active AND status <> 'complete';
CREATE TRIGGER tg_quests_touch BEFORE UPDATE ON community.quests
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Announcements -------------------------------------------------------------------------------------------------------

CREATE TABLE community.announcements (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    channel_id bigint NOT NULL,
    kind text NOT NULL,
    user_id bigint,
    payload jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'pending',
    dedupe_key text,
    not_before timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    sent_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_announcements PRIMARY KEY (guild_id, id),
    CONSTRAINT ck_announcements_kind
        CHECK (kind IN ('level_up', 'achievement', 'award', 'season', 'quest', 'campaign', 'notice')),
    CONSTRAINT ck_announcements_status CHECK (status IN ('pending', 'sent', 'suppressed', 'failed')),
    CONSTRAINT ck_announcements_sent_at CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT ck_announcements_attempts CHECK (attempts >= 0),
    CONSTRAINT ck_announcements_dedupe_key CHECK (length(dedupe_key) BETWEEN 1 AND 200)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE community.announcements IS
    'Announcements waiting for their channel''s turn (three a minute), and those of late, by which the throttle '
    'counts.';
COMMENT ON COLUMN community.announcements.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN community.announcements.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.announcements.channel_id IS 'Discord channel to post in, a snowflake.';
COMMENT ON COLUMN community.announcements.kind IS 'level_up, achievement, award, season, quest, campaign or notice.';
COMMENT ON COLUMN community.announcements.user_id IS 'Whom it is about, whose preferences count; null for nobody.';
COMMENT ON COLUMN community.announcements.payload IS 'What the text is made of.';
COMMENT ON COLUMN community.announcements.status IS 'pending, sent, suppressed (by preference) or failed.';
COMMENT ON COLUMN community.announcements.dedupe_key IS 'Makes one cause announce once per guild.';
COMMENT ON COLUMN community.announcements.not_before IS 'When it may go out at the earliest.';
COMMENT ON COLUMN community.announcements.attempts IS 'How often it was tried.';
COMMENT ON COLUMN community.announcements.last_error IS 'Why the last try failed.';
COMMENT ON COLUMN community.announcements.sent_at IS 'When it went out.';
COMMENT ON COLUMN community.announcements.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.announcements.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_announcements_dedupe_key ON community.announcements (guild_id, dedupe_key)
    WHERE dedupe_key IS NOT NULL;
CREATE INDEX ix_announcements_due ON community.announcements (not_before, id) WHERE status = 'pending';
CREATE INDEX ix_announcements_channel_sent ON community.announcements (guild_id, channel_id, sent_at)
    WHERE status = 'sent';
CREATE INDEX ix_announcements_channel_pending ON community.announcements (guild_id, channel_id, id)
    WHERE status = 'pending';
CREATE INDEX ix_announcements_updated_at ON community.announcements (updated_at) WHERE status <> 'pending';
CREATE TRIGGER tg_announcements_touch BEFORE UPDATE ON community.announcements
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE community.announcement_channels (
    guild_id bigint NOT NULL,
    kind text NOT NULL,
    channel_id bigint NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_announcement_channels PRIMARY KEY (guild_id, kind),
    CONSTRAINT fk_announcement_channels_guild_id_guilds FOREIGN KEY (guild_id) REFERENCES people.guilds (guild_id),
    CONSTRAINT ck_announcement_channels_kind
        CHECK (kind IN ('level_up', 'achievement', 'award', 'season', 'quest', 'campaign', 'notice'))
);
COMMENT ON TABLE community.announcement_channels IS
    'The channel in which a kind of thing is announced. A kind without a row is not announced.';
COMMENT ON COLUMN community.announcement_channels.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.announcement_channels.kind IS 'As in announcements.';
COMMENT ON COLUMN community.announcement_channels.channel_id IS 'Discord channel, a snowflake.';
COMMENT ON COLUMN community.announcement_channels.enabled IS 'False while nothing of this kind is announced.';
COMMENT ON COLUMN community.announcement_channels.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.announcement_channels.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_announcement_channels_touch BEFORE UPDATE ON community.announcement_channels
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Shop ----------------------------------------------------------------------------------------------------------------

CREATE TABLE community.shop_items (
    guild_id bigint NOT NULL,
    id integer GENERATED ALWAYS AS IDENTITY,
    slug text NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    price_gold bigint NOT NULL,
    kind text NOT NULL DEFAULT 'custom',
    role_id bigint,
    stock integer,
    per_user_limit integer,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_shop_items PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_shop_items_guild_id_slug UNIQUE (guild_id, slug),
    CONSTRAINT ck_shop_items_slug CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,49}$'),
    CONSTRAINT ck_shop_items_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_shop_items_price_gold CHECK (price_gold >= 0),
    CONSTRAINT ck_shop_items_kind CHECK (kind IN ('custom', 'role', 'badge')),
    CONSTRAINT ck_shop_items_role_id CHECK ((kind = 'role') = (role_id IS NOT NULL)),
    CONSTRAINT ck_shop_items_stock CHECK (stock >= 0),
    CONSTRAINT ck_shop_items_per_user_limit CHECK (per_user_limit > 0)
);
COMMENT ON TABLE community.shop_items IS 'What gold buys in a guild; 003''s coffee is the first entry.';
COMMENT ON COLUMN community.shop_items.id IS 'Number of the item.';
COMMENT ON COLUMN community.shop_items.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.shop_items.slug IS 'Short name, unique in the guild, as in coffee.';
COMMENT ON COLUMN community.shop_items.name IS 'Name shown.';
COMMENT ON COLUMN community.shop_items.description IS 'What one gets.';
COMMENT ON COLUMN community.shop_items.price_gold IS 'Price of one, in gold.';
COMMENT ON COLUMN community.shop_items.kind IS 'custom (handed over by people), role (a Discord role) or badge.';
COMMENT ON COLUMN community.shop_items.role_id IS 'Discord role conferred, a snowflake, for kind role.';
COMMENT ON COLUMN community.shop_items.stock IS 'How many are left; null for no limit.';
COMMENT ON COLUMN community.shop_items.per_user_limit IS 'How many one member may buy; null for no limit.';
COMMENT ON COLUMN community.shop_items.active IS 'False once taken off the shelf.';
COMMENT ON COLUMN community.shop_items.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.shop_items.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_shop_items_touch BEFORE UPDATE ON community.shop_items
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE community.shop_purchases (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    user_id bigint NOT NULL,
    item_id integer NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    price_gold bigint NOT NULL,
    status text NOT NULL DEFAULT 'paid',
    settled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_shop_purchases PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_shop_purchases_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_shop_purchases_item_id_shop_items FOREIGN KEY (guild_id, item_id)
        REFERENCES community.shop_items (guild_id, id),
    CONSTRAINT ck_shop_purchases_quantity CHECK (quantity > 0),
    CONSTRAINT ck_shop_purchases_price_gold CHECK (price_gold >= 0),
    CONSTRAINT ck_shop_purchases_status CHECK (status IN ('paid', 'fulfilled', 'refunded')),
    CONSTRAINT ck_shop_purchases_settled_at CHECK ((status = 'paid') = (settled_at IS NULL))
);
COMMENT ON TABLE community.shop_purchases IS
    'Purchases in the shop. The gold itself is journalled in activity_log (PURCHASE, REFUND).';
COMMENT ON COLUMN community.shop_purchases.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN community.shop_purchases.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.shop_purchases.user_id IS 'Buyer, a snowflake.';
COMMENT ON COLUMN community.shop_purchases.item_id IS 'Item bought.';
COMMENT ON COLUMN community.shop_purchases.quantity IS 'How many.';
COMMENT ON COLUMN community.shop_purchases.price_gold IS 'Gold paid for all of them.';
COMMENT ON COLUMN community.shop_purchases.status IS 'paid, fulfilled or refunded.';
COMMENT ON COLUMN community.shop_purchases.settled_at IS 'When it was handed over or refunded.';
COMMENT ON COLUMN community.shop_purchases.created_at IS 'When it was bought.';
COMMENT ON COLUMN community.shop_purchases.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_shop_purchases_user_id ON community.shop_purchases (guild_id, user_id, created_at DESC, id DESC);
CREATE INDEX ix_shop_purchases_item_id ON community.shop_purchases (guild_id, item_id, user_id);
CREATE INDEX ix_shop_purchases_paid ON community.shop_purchases (guild_id, created_at) WHERE status = 'paid';
CREATE TRIGGER tg_shop_purchases_touch BEFORE UPDATE ON community.shop_purchases
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE FUNCTION community.stock_coffee() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO community.shop_items (guild_id, slug, name, description, price_gold)
    VALUES (NEW.guild_id, 'coffee', 'Coffee', 'A cup of coffee, handed over by whoever runs the shop.', 100)
    ON CONFLICT ON CONSTRAINT uq_shop_items_guild_id_slug DO NOTHING;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION community.stock_coffee() IS 'Puts 003''s coffee on the shelf of a new guild; it may be taken off.';
CREATE TRIGGER tg_guilds_stock_coffee AFTER INSERT ON people.guilds
    FOR EACH ROW EXECUTE FUNCTION community.stock_coffee();

-- Skills and the reward cascade's ledger ------------------------------------------------------------------------------

CREATE TABLE community.skills (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    slug text NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    domain text NOT NULL DEFAULT 'general',
    points_per_level integer NOT NULL DEFAULT 100,
    max_level integer NOT NULL DEFAULT 10,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_skills PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_skills_guild_id_slug UNIQUE (guild_id, slug),
    CONSTRAINT ck_skills_slug CHECK (slug ~ '^[a-z0-9][a-z0-9+#.-]{0,99}$'),
    CONSTRAINT ck_skills_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_skills_domain CHECK (length(domain) BETWEEN 1 AND 50),
    CONSTRAINT ck_skills_levels CHECK (points_per_level > 0 AND max_level > 0)
);
COMMENT ON TABLE community.skills IS 'Skill catalogue: what skill_tags of learning quests refer to.';
COMMENT ON COLUMN community.skills.id IS 'Identifier.';
COMMENT ON COLUMN community.skills.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.skills.slug IS 'Tag, unique in the guild, as in graph-search.';
COMMENT ON COLUMN community.skills.name IS 'Name shown.';
COMMENT ON COLUMN community.skills.description IS 'What it is to have it.';
COMMENT ON COLUMN community.skills.domain IS 'Branch of the tree it grows on.';
COMMENT ON COLUMN community.skills.points_per_level IS 'Skill points a level takes.';
COMMENT ON COLUMN community.skills.max_level IS 'Highest level.';
COMMENT ON COLUMN community.skills.active IS 'False once retired.';
COMMENT ON COLUMN community.skills.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.skills.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_skills_touch BEFORE UPDATE ON community.skills
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE community.skill_dependencies (
    guild_id bigint NOT NULL,
    skill_id uuid NOT NULL,
    requires_skill_id uuid NOT NULL,
    min_level integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_skill_dependencies PRIMARY KEY (guild_id, skill_id, requires_skill_id),
    CONSTRAINT fk_skill_dependencies_skill_id_skills FOREIGN KEY (guild_id, skill_id)
        REFERENCES community.skills (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_skill_dependencies_requires_skill_id_skills FOREIGN KEY (guild_id, requires_skill_id)
        REFERENCES community.skills (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_skill_dependencies_not_self CHECK (skill_id <> requires_skill_id),
    CONSTRAINT ck_skill_dependencies_min_level CHECK (min_level > 0)
);
COMMENT ON TABLE community.skill_dependencies IS
    'Which skill builds on which; cycles are refused by the program, naming the cycle.';
COMMENT ON COLUMN community.skill_dependencies.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.skill_dependencies.skill_id IS 'Skill that builds on the other.';
COMMENT ON COLUMN community.skill_dependencies.requires_skill_id IS 'Skill it builds on.';
COMMENT ON COLUMN community.skill_dependencies.min_level IS 'Level of the other that is needed.';
COMMENT ON COLUMN community.skill_dependencies.created_at IS 'When the row was made.';
CREATE INDEX ix_skill_dependencies_requires_skill_id ON community.skill_dependencies (guild_id, requires_skill_id);

CREATE TABLE community.user_skills (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    skill_id uuid NOT NULL,
    skill_points bigint NOT NULL DEFAULT 0,
    level integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_skills PRIMARY KEY (guild_id, user_id, skill_id),
    CONSTRAINT fk_user_skills_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_user_skills_skill_id_skills FOREIGN KEY (guild_id, skill_id)
        REFERENCES community.skills (guild_id, id),
    CONSTRAINT ck_user_skills_figures CHECK (skill_points >= 0 AND level >= 0)
) WITH (fillfactor = 85);
COMMENT ON TABLE community.user_skills IS 'Skill points of members; re-derived from user_skill_rewards.';
COMMENT ON COLUMN community.user_skills.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.user_skills.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN community.user_skills.skill_id IS 'Skill.';
COMMENT ON COLUMN community.user_skills.skill_points IS 'Points earned.';
COMMENT ON COLUMN community.user_skills.level IS 'Level those points reach.';
COMMENT ON COLUMN community.user_skills.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.user_skills.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_user_skills_skill_id ON community.user_skills (guild_id, skill_id, skill_points DESC, user_id);
CREATE TRIGGER tg_user_skills_touch BEFORE UPDATE ON community.user_skills
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE community.user_skill_rewards (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    user_id bigint NOT NULL,
    correlation_id uuid NOT NULL,
    ordinal integer NOT NULL,
    event_type text NOT NULL,
    skill_id uuid,
    xp integer NOT NULL DEFAULT 0,
    skill_points integer NOT NULL DEFAULT 0,
    source_type text NOT NULL,
    source_id uuid NOT NULL,
    unlocked_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_skill_rewards PRIMARY KEY (guild_id, correlation_id, ordinal),
    CONSTRAINT fk_user_skill_rewards_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_user_skill_rewards_skill_id_skills FOREIGN KEY (guild_id, skill_id)
        REFERENCES community.skills (guild_id, id),
    CONSTRAINT ck_user_skill_rewards_ordinal CHECK (ordinal >= 1),
    CONSTRAINT ck_user_skill_rewards_event CHECK (CASE event_type
        WHEN 'XPGranted' THEN skill_id IS NULL AND skill_points = 0 AND unlocked_id IS NULL
        WHEN 'SkillPointsGranted' THEN skill_id IS NOT NULL AND xp = 0 AND unlocked_id IS NULL
        WHEN 'ChallengeUnlocked' THEN unlocked_id IS NOT NULL AND xp = 0 AND skill_points = 0
        ELSE false END),
    CONSTRAINT ck_user_skill_rewards_source_type CHECK (source_type IN ('step', 'quest', 'chapter', 'path', 'rule'))
);
COMMENT ON TABLE community.user_skill_rewards IS
    'Ledger of the reward cascade, append-only: each event of a cascade (XPGranted, SkillPointsGranted, '
    'ChallengeUnlocked) lands here once, in order, under the cascade''s correlation id.';
COMMENT ON COLUMN community.user_skill_rewards.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN community.user_skill_rewards.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.user_skill_rewards.user_id IS 'Who was rewarded, a snowflake.';
COMMENT ON COLUMN community.user_skill_rewards.correlation_id IS 'The completion all events of the cascade come from.';
COMMENT ON COLUMN community.user_skill_rewards.ordinal IS 'Place of the event within the cascade, from 1.';
COMMENT ON COLUMN community.user_skill_rewards.event_type IS 'XPGranted, SkillPointsGranted or ChallengeUnlocked.';
COMMENT ON COLUMN community.user_skill_rewards.skill_id IS 'Skill, for SkillPointsGranted.';
COMMENT ON COLUMN community.user_skill_rewards.xp IS 'XP granted, for XPGranted.';
COMMENT ON COLUMN community.user_skill_rewards.skill_points IS 'Points granted, for SkillPointsGranted.';
COMMENT ON COLUMN community.user_skill_rewards.source_type IS 'What was completed: step, quest, chapter or path; rule, where what was earned opened a quest.';
COMMENT ON COLUMN community.user_skill_rewards.source_id IS 'Which one.';
COMMENT ON COLUMN community.user_skill_rewards.unlocked_id IS 'What was unlocked, for ChallengeUnlocked.';
COMMENT ON COLUMN community.user_skill_rewards.created_at IS 'When it was written.';
CREATE INDEX ix_user_skill_rewards_user_id
    ON community.user_skill_rewards (guild_id, user_id, created_at DESC, id DESC);
CREATE INDEX ix_user_skill_rewards_skill_id ON community.user_skill_rewards (guild_id, skill_id)
    WHERE skill_id IS NOT NULL;
CREATE TRIGGER tg_user_skill_rewards_append_only BEFORE UPDATE OR DELETE ON community.user_skill_rewards
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_user_skill_rewards_no_truncate BEFORE TRUNCATE ON community.user_skill_rewards
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();

CREATE FUNCTION community.skill_level(p_points bigint, p_points_per_level integer, p_max_level integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT least(p_max_level::bigint, p_points / p_points_per_level)::integer
    $$;
COMMENT ON FUNCTION community.skill_level(bigint, integer, integer) IS
    'The level that so many skill points reach: one for each points_per_level, up to max_level.';
