-- Quest board: claims that lapse, quests that end. Shop: every guild begins with 003's coffee.

ALTER TABLE community.quests
    ADD COLUMN claim_hours integer,
    ADD COLUMN claim_expires_at timestamptz,
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN completed_by bigint,
    ADD CONSTRAINT ck_quests_claim_hours CHECK (claim_hours BETWEEN 1 AND 8760),
    ADD CONSTRAINT ck_quests_claim_expires_at CHECK (claim_expires_at IS NULL OR status = 'claimed'),
    ADD CONSTRAINT ck_quests_completed_by CHECK (completed_by IS NULL OR status = 'complete');
COMMENT ON COLUMN community.quests.claim_hours IS 'Hours after which a claim lapses; null for never.';
COMMENT ON COLUMN community.quests.claim_expires_at IS 'When the claim lapses and the quest is open again.';
COMMENT ON COLUMN community.quests.expires_at IS 'When it leaves the board unless it is done by then; null for never.';
COMMENT ON COLUMN community.quests.completed_by IS 'Administrator who accepted it as done, a snowflake.';
CREATE INDEX ix_quests_claim_expires_at ON community.quests (claim_expires_at)
    WHERE claim_expires_at IS NOT NULL;
CREATE INDEX ix_quests_expires_at ON community.quests (expires_at)
    WHERE expires_at IS NOT NULL AND active AND status <> 'complete';

INSERT INTO community.shop_items (guild_id, slug, name, description, price_gold)
SELECT guild_id, 'coffee', 'Coffee', 'A cup of coffee, handed over by whoever runs the shop.', 100
  FROM people.guilds
ON CONFLICT ON CONSTRAINT uq_shop_items_guild_id_slug DO NOTHING;

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
