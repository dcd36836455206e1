-- Search: vectors of what learners may see, by which it is found by meaning. By words it is found by what learning's own tables hold
-- (search_document); the index below lets a search know in which languages a guild has quests.

CREATE SCHEMA search;
COMMENT ON SCHEMA search IS 'Finding quests and paths: vectors for search by meaning, and for likeness.';

CREATE INDEX ix_quests_active_language ON learning.quests (guild_id, language) WHERE is_active;
CREATE INDEX ix_quests_updated_at ON learning.quests (guild_id, updated_at);

CREATE TABLE search.indexes (
    guild_id bigint NOT NULL,
    model text NOT NULL,
    revision bigint NOT NULL DEFAULT 0,
    checked_at timestamptz,
    CONSTRAINT pk_indexes PRIMARY KEY (guild_id, model),
    CONSTRAINT fk_indexes_guild_id_guilds FOREIGN KEY (guild_id) REFERENCES people.guilds (guild_id),
    CONSTRAINT ck_indexes_model CHECK (length(model) BETWEEN 1 AND 100),
    CONSTRAINT ck_indexes_revision CHECK (revision >= 0)
);
COMMENT ON TABLE search.indexes IS
    'A guild''s vectors of a model as a whole: nodes keep them in memory, and read what has a higher revision than they saw.';
COMMENT ON COLUMN search.indexes.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN search.indexes.model IS 'Model, with its version.';
COMMENT ON COLUMN search.indexes.revision IS
    'Raised by every writing of vectors, whose transaction holds the row: so revisions become visible in their order.';
COMMENT ON COLUMN search.indexes.checked_at IS 'When nothing was left to be embedded; what changed later may lack its vector.';

CREATE TABLE search.embeddings (
    guild_id bigint NOT NULL,
    content_type text NOT NULL,
    content_id uuid NOT NULL,
    model text NOT NULL,
    dimensions integer NOT NULL,
    embedding real[] NOT NULL,
    content_hash bytea NOT NULL,
    content_updated_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_embeddings PRIMARY KEY (guild_id, content_type, content_id, model),
    CONSTRAINT fk_embeddings_model_indexes FOREIGN KEY (guild_id, model) REFERENCES search.indexes (guild_id, model),
    CONSTRAINT ck_embeddings_content_type CHECK (content_type IN ('path', 'quest')),
    CONSTRAINT ck_embeddings_embedding CHECK (
        dimensions BETWEEN 1 AND 4096 AND cardinality(embedding) = dimensions AND array_ndims(embedding) = 1
        AND array_position(embedding, NULL) IS NULL),
    CONSTRAINT ck_embeddings_content_hash CHECK (octet_length(content_hash) = 32),
    CONSTRAINT ck_embeddings_revision CHECK (revision > 0)
);
COMMENT ON TABLE search.embeddings IS
    'Vectors for search by meaning and for likeness. Plain arrays, since pgvector may be absent: they are compared in the process.';
COMMENT ON COLUMN search.embeddings.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN search.embeddings.content_type IS 'What it is of: path or quest.';
COMMENT ON COLUMN search.embeddings.content_id IS
    'Which one; no foreign key, for it is of several kinds. A job removes those that learners see no more.';
COMMENT ON COLUMN search.embeddings.model IS
    'Model that made it, with its version: only vectors of one model compare.';
COMMENT ON COLUMN search.embeddings.dimensions IS 'Its length.';
COMMENT ON COLUMN search.embeddings.embedding IS
    'The vector, of length 1, so that a product is the cosine; all zeros where the text says nothing to the model.';
COMMENT ON COLUMN search.embeddings.content_hash IS 'SHA-256 of the text embedded.';
COMMENT ON COLUMN search.embeddings.content_updated_at IS
    'The updated_at of what it is of, when it was read: another one means that it may be out of date.';
COMMENT ON COLUMN search.embeddings.revision IS 'The revision of search.indexes by which it last changed.';
COMMENT ON COLUMN search.embeddings.created_at IS 'When the row was made.';
COMMENT ON COLUMN search.embeddings.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_embeddings_revision ON search.embeddings (guild_id, model, revision);
CREATE TRIGGER tg_embeddings_touch BEFORE UPDATE ON search.embeddings
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
