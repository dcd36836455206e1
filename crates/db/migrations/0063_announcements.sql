-- Where a guild's announcements go, by kind.

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
CREATE INDEX ix_announcements_channel_pending ON community.announcements (guild_id, channel_id, id)
    WHERE status = 'pending';
CREATE INDEX ix_announcements_guild_id ON community.announcements (guild_id, id DESC);
CREATE INDEX ix_announcements_updated_at ON community.announcements (updated_at) WHERE status <> 'pending';
