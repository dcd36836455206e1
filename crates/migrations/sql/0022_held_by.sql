-- What a node holds that is known to be dead goes to others at once, and not only when its lease ends.

ALTER TABLE discord.effects ADD COLUMN held_by uuid;
COMMENT ON COLUMN discord.effects.held_by IS 'The node that tries it until not_before; null when nobody does.';
CREATE INDEX ix_discord_effects_held_by ON discord.effects (held_by) WHERE status = 'pending' AND held_by IS NOT NULL;

ALTER TABLE moderation.effects ADD COLUMN held_by uuid;
COMMENT ON COLUMN moderation.effects.held_by IS 'The node that leased it last; null when that was none of ours.';
CREATE INDEX ix_effects_held_by ON moderation.effects (held_by) WHERE state = 'leased' AND held_by IS NOT NULL;
