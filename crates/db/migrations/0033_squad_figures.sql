-- Squads' figures of guilds that are too large to add them up for every look at the leaderboard.

CREATE TABLE squads.squad_figures (
    guild_id bigint NOT NULL,
    squad_id uuid NOT NULL,
    member_count bigint NOT NULL,
    xp bigint NOT NULL,
    bytes bigint NOT NULL,
    wins bigint NOT NULL,
    rank_by_xp bigint NOT NULL,
    rank_by_bytes bigint NOT NULL,
    rank_by_wins bigint NOT NULL,
    CONSTRAINT pk_squad_figures PRIMARY KEY (guild_id, squad_id),
    CONSTRAINT fk_squad_figures_squad_id_squads FOREIGN KEY (guild_id, squad_id)
        REFERENCES squads.squads (guild_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE squads.squad_figures IS
    'What active squads of large guilds have, and their ranks, as of squad_figure_rounds.computed_at: added up anew when '
    'somebody looks and it is too old. Small guilds have no rows; theirs are added up at every look.';
COMMENT ON COLUMN squads.squad_figures.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN squads.squad_figures.squad_id IS 'The squad.';
COMMENT ON COLUMN squads.squad_figures.member_count IS 'Its members.';
COMMENT ON COLUMN squads.squad_figures.xp IS 'XP of its members in all.';
COMMENT ON COLUMN squads.squad_figures.bytes IS 'Bytes that its members hold in all.';
COMMENT ON COLUMN squads.squad_figures.wins IS 'Squad campaigns it won.';
COMMENT ON COLUMN squads.squad_figures.rank_by_xp IS 'Its rank in the guild by XP; ties share one.';
COMMENT ON COLUMN squads.squad_figures.rank_by_bytes IS 'Its rank in the guild by bytes; ties share one.';
COMMENT ON COLUMN squads.squad_figures.rank_by_wins IS 'Its rank in the guild by wins; ties share one.';
CREATE INDEX ix_squad_figures_xp ON squads.squad_figures (guild_id, xp DESC, squad_id);
CREATE INDEX ix_squad_figures_bytes ON squads.squad_figures (guild_id, bytes DESC, squad_id);
CREATE INDEX ix_squad_figures_wins ON squads.squad_figures (guild_id, wins DESC, squad_id);

CREATE TABLE squads.squad_figure_rounds (
    guild_id bigint NOT NULL,
    computed_at timestamptz NOT NULL,
    CONSTRAINT pk_squad_figure_rounds PRIMARY KEY (guild_id)
);
COMMENT ON TABLE squads.squad_figure_rounds IS 'When squad_figures of a guild were last added up.';
COMMENT ON COLUMN squads.squad_figure_rounds.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN squads.squad_figure_rounds.computed_at IS 'As of when the guild''s squad_figures are.';
