-- When a member last gave to another stands beside their balance, so that a transfer's cooldown needs no search in the
-- ledger. Whoever gave before is filled in here: one row a giver, and none in a guild that never paid.

ALTER TABLE economy.bytes_balances ADD COLUMN last_transfer_at timestamptz;
COMMENT ON COLUMN economy.bytes_balances.last_transfer_at IS
    'When the member last paid another one, for the cooldown; null for never. As the ledger has it: the latest '
    'created_at of their transfers.';

UPDATE economy.bytes_balances b SET last_transfer_at = t.at
  FROM (SELECT guild_id, giver_id, max(created_at) AS at FROM economy.bytes_transactions
         WHERE kind = 'transfer' GROUP BY guild_id, giver_id) t
 WHERE b.guild_id = t.guild_id AND b.user_id = t.giver_id;

-- Nothing reads by it: claims look their members up by key.
DROP INDEX economy.ix_bytes_balances_last_daily;
