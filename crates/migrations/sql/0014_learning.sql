-- Learning (004): paths, chapters, quests and their steps; attempts and progress; unlocking and the reward
-- cascade. What people judge, figures and recommendations, search and credentials are slices of their own, above this one.
--
-- What 004 had wrong is put right as spec.md section 1.8 says: types come before the tables that use them, quests before the
-- join table; learning_paths.subject_id exists; the chapters' index is on
-- learning_path_id; learning_path_quests has a chapter_id. Every table has a guild_id, which is part of its foreign keys:
-- no row can point into another guild. Learners are named by people.users.auth_user_id, as 004 does; when a person is
-- erased, what they did here goes with them. Authors (created_by) are soft references: their work outlives them.
--
-- An author's source is a document (`draft`); publishing writes what of it is asked for by column into quests and quest_steps, and
-- the whole of it into quest_versions, which attempts, tries, submissions, grades and grants name. What learners have touched is
-- retired, never deleted. Every write for a learner holds the lock of their row in `learners`, every publication that of the
-- guild's row in `catalogues`: so a learner's last two steps, or two authors' edges of one cycle, cannot miss each other.

CREATE SCHEMA learning;
COMMENT ON SCHEMA learning IS
    'Learning paths, quests, attempts, quizzes, progress.';

-- Types (004) -------------------------------------------------------------------------------------------------------
CREATE TYPE learning.quest_type AS ENUM ('Tutorial', 'Practice', 'Challenge', 'Project', 'Assessment', 'Exploration');
COMMENT ON TYPE learning.quest_type IS 'Kind of a quest.';
CREATE TYPE learning.difficulty_level AS ENUM ('Beginner', 'Intermediate', 'Advanced', 'Expert');
COMMENT ON TYPE learning.difficulty_level IS 'Difficulty, ascending.';
CREATE TYPE learning.step_type AS ENUM
    ('Reading', 'Video', 'Interactive', 'Coding', 'Quiz', 'Discussion', 'Submission', 'Reflection');
COMMENT ON TYPE learning.step_type IS
    'Kind of a step, which decides how it is completed: Reading, Video, Interactive, Discussion and Reflection by confirming, '
    'Quiz graded at once, Coding by a sandboxed checker, Submission by a reviewer.';
CREATE TYPE learning.resource_type AS ENUM ('Document', 'Video', 'Audio', 'Interactive', 'Link', 'Code', 'Dataset');
COMMENT ON TYPE learning.resource_type IS 'Kind of a resource.';
CREATE TYPE learning.quest_attempt_status AS ENUM ('InProgress', 'Completed', 'Abandoned', 'Paused');
COMMENT ON TYPE learning.quest_attempt_status IS 'State of an attempt.';
CREATE TYPE learning.step_completion_status AS ENUM ('NotStarted', 'InProgress', 'Completed', 'Skipped');
COMMENT ON TYPE learning.step_completion_status IS 'State of a step within an attempt; only optional steps are skipped.';
CREATE TYPE learning.path_type AS ENUM ('Course', 'Specialization', 'Bootcamp', 'Custom');
COMMENT ON TYPE learning.path_type IS 'Kind of a learning path.';
CREATE TYPE learning.path_progress_status AS ENUM ('NotStarted', 'InProgress', 'Completed', 'Paused');
COMMENT ON TYPE learning.path_progress_status IS 'State of a path or chapter.';
-- Search ------------------------------------------------------------------------------------------------------------
CREATE FUNCTION learning.search_config(p_language text) RETURNS regconfig
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE p_language
        WHEN 'arabic' THEN 'arabic'::regconfig
        WHEN 'danish' THEN 'danish'::regconfig
        WHEN 'dutch' THEN 'dutch'::regconfig
        WHEN 'english' THEN 'english'::regconfig
        WHEN 'finnish' THEN 'finnish'::regconfig
        WHEN 'french' THEN 'french'::regconfig
        WHEN 'german' THEN 'german'::regconfig
        WHEN 'greek' THEN 'greek'::regconfig
        WHEN 'hungarian' THEN 'hungarian'::regconfig
        WHEN 'italian' THEN 'italian'::regconfig
        WHEN 'norwegian' THEN 'norwegian'::regconfig
        WHEN 'portuguese' THEN 'portuguese'::regconfig
        WHEN 'romanian' THEN 'romanian'::regconfig
        WHEN 'russian' THEN 'russian'::regconfig
        WHEN 'spanish' THEN 'spanish'::regconfig
        WHEN 'swedish' THEN 'swedish'::regconfig
        WHEN 'turkish' THEN 'turkish'::regconfig
        ELSE 'simple'::regconfig END
    $$;
COMMENT ON FUNCTION learning.search_config(text) IS
    'The text search configuration of a language; simple for one that PostgreSQL has no stemmer for. Queries use it on the '
    'learner''s words, too.';

CREATE FUNCTION learning.search_document(p_language text, p_title text, p_tags text[], p_body text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT setweight(to_tsvector(learning.search_config(p_language), coalesce(p_title, '')), 'A')
        || setweight(to_tsvector('simple'::regconfig, array_to_string(coalesce(p_tags, '{}'), ' ')), 'B')
        || setweight(to_tsvector(learning.search_config(p_language), left(coalesce(p_body, ''), 200000)), 'C')
    $$;
COMMENT ON FUNCTION learning.search_document(text, text, text[], text) IS
    'What full-text search looks at: title (weight A), tags unstemmed (B), text (C; its first 200,000 characters).';

-- Guilds and learners -----------------------------------------------------------------------------------------------

CREATE TABLE learning.catalogues (
    guild_id bigint NOT NULL,
    revision uuid NOT NULL DEFAULT gen_random_uuid(),
    shuffle_secret bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_catalogues PRIMARY KEY (guild_id),
    CONSTRAINT fk_catalogues_guild_id_guilds FOREIGN KEY (guild_id) REFERENCES people.guilds (guild_id),
    CONSTRAINT ck_catalogues_shuffle_secret CHECK (octet_length(shuffle_secret) = 32)
);
COMMENT ON TABLE learning.catalogues IS
    'What a guild offers, as a whole: its row is the lock under which quests and paths are published.';
COMMENT ON COLUMN learning.catalogues.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.catalogues.revision IS
    'Another one after each publication or retirement: nodes keep what unlocks what in memory under it.';
COMMENT ON COLUMN learning.catalogues.shuffle_secret IS
    'Key of the HMAC from which learners'' shuffles, draws and parameters come. Never sent.';
COMMENT ON COLUMN learning.catalogues.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.catalogues.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_catalogues_touch BEFORE UPDATE ON learning.catalogues
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.learners (
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    user_id bigint NOT NULL,
    rules_checked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_learners PRIMARY KEY (guild_id, auth_user_id),
    CONSTRAINT uq_learners_guild_id_user_id UNIQUE (guild_id, user_id),
    CONSTRAINT fk_learners_auth_user_id_users FOREIGN KEY (auth_user_id)
        REFERENCES people.users (auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_learners_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id) ON DELETE CASCADE
) WITH (fillfactor = 85);
COMMENT ON TABLE learning.learners IS
    'Members who have begun to learn. The row is the lock under which anything of theirs changes, and what goes when they are erased.';
COMMENT ON COLUMN learning.learners.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.learners.auth_user_id IS 'Learner, people.users.auth_user_id.';
COMMENT ON COLUMN learning.learners.user_id IS 'The same person as a member, a snowflake.';
COMMENT ON COLUMN learning.learners.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.learners.updated_at IS 'When the row last changed; kept by trigger.';
COMMENT ON COLUMN learning.learners.rules_checked_at IS
    'When it was last looked at what has opened by what they earned; what came to them later has them looked at again.';
CREATE INDEX ix_learners_auth_user_id ON learning.learners (auth_user_id);
CREATE TRIGGER tg_learners_touch BEFORE UPDATE ON learning.learners
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Paths, chapters, quests -------------------------------------------------------------------------------------------

CREATE TABLE learning.subjects (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_subjects PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_subjects_guild_id_slug UNIQUE (guild_id, slug),
    CONSTRAINT ck_subjects_slug CHECK (slug ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    CONSTRAINT ck_subjects_name CHECK (length(name) BETWEEN 1 AND 255),
    CONSTRAINT ck_subjects_description CHECK (length(description) <= 10000)
);
COMMENT ON TABLE learning.subjects IS
    'Subjects that paths and quests are filed under. 004 leaves them to a user service, which Questhall has not.';
COMMENT ON COLUMN learning.subjects.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.subjects.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.subjects.slug IS 'Short name, unique in the guild.';
COMMENT ON COLUMN learning.subjects.name IS 'Name shown.';
COMMENT ON COLUMN learning.subjects.description IS 'What it is about.';
COMMENT ON COLUMN learning.subjects.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.subjects.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_subjects_touch BEFORE UPDATE ON learning.subjects
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.learning_paths (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    language text NOT NULL DEFAULT 'english',
    timezone text NOT NULL DEFAULT 'UTC',
    path_type learning.path_type NOT NULL,
    subject_id uuid,
    curriculum_version_id uuid,
    estimated_total_duration_hours integer,
    total_experience_points integer NOT NULL DEFAULT 0,
    experience_points_reward integer NOT NULL DEFAULT 0,
    unlock_criteria jsonb,
    is_published boolean NOT NULL DEFAULT FALSE,
    published_at timestamptz,
    archived_at timestamptz,
    membership_epoch integer NOT NULL DEFAULT 0,
    document jsonb,
    draft jsonb,
    draft_revision integer NOT NULL DEFAULT 1,
    source_hash bytea,
    source_id text,
    created_by uuid,
    search_document tsvector NOT NULL GENERATED ALWAYS AS (
        learning.search_document(language, name, NULL, description)) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_learning_paths PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_learning_paths_guild_id_slug UNIQUE (guild_id, slug),
    CONSTRAINT fk_learning_paths_subject_id_subjects FOREIGN KEY (guild_id, subject_id)
        REFERENCES learning.subjects (guild_id, id) ON DELETE SET NULL (subject_id),
    CONSTRAINT ck_learning_paths_slug CHECK (slug ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    CONSTRAINT ck_learning_paths_name CHECK (length(name) BETWEEN 1 AND 255),
    CONSTRAINT ck_learning_paths_description CHECK (length(description) <= 100000),
    CONSTRAINT ck_learning_paths_language CHECK (language IN (
        'simple', 'arabic', 'danish', 'dutch', 'english', 'finnish', 'french', 'german', 'greek', 'hungarian',
        'italian', 'norwegian', 'portuguese', 'romanian', 'russian', 'spanish', 'swedish', 'turkish')),
    CONSTRAINT ck_learning_paths_estimated_total_duration_hours CHECK (estimated_total_duration_hours > 0),
    CONSTRAINT ck_learning_paths_experience CHECK (
        total_experience_points >= 0 AND experience_points_reward BETWEEN 0 AND 1000000),
    CONSTRAINT ck_learning_paths_unlock_criteria CHECK (jsonb_typeof(unlock_criteria) = 'object'),
    CONSTRAINT ck_learning_paths_published CHECK (NOT is_published OR published_at IS NOT NULL),
    CONSTRAINT ck_learning_paths_timezone CHECK (timezone ~ '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$' AND length(timezone) <= 64),
    CONSTRAINT ck_learning_paths_documents CHECK (
        jsonb_typeof(draft) = 'object' AND octet_length(draft::text) <= 4194304 AND jsonb_typeof(document) = 'object'
        AND num_nonnulls(draft, document) > 0 AND (published_at IS NULL OR document IS NOT NULL)),
    CONSTRAINT ck_learning_paths_counters CHECK (membership_epoch >= 0 AND draft_revision > 0),
    CONSTRAINT ck_learning_paths_source_id CHECK (length(source_id) BETWEEN 1 AND 200),
    CONSTRAINT ck_learning_paths_source_hash CHECK (octet_length(source_hash) = 32)
);
COMMENT ON TABLE learning.learning_paths IS
    'Learning paths (004), also called quest lines: an entire journey, made of chapters and quests.';
COMMENT ON COLUMN learning.learning_paths.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.learning_paths.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.learning_paths.slug IS
    'Short name, unique in the guild; the folder''s name on import and export.';
COMMENT ON COLUMN learning.learning_paths.name IS 'Name shown.';
COMMENT ON COLUMN learning.learning_paths.description IS 'What is learnt, Markdown.';
COMMENT ON COLUMN learning.learning_paths.language IS 'Language it is written in, for search.';
COMMENT ON COLUMN learning.learning_paths.timezone IS 'IANA zone in which the dates of its chapters are read.';
COMMENT ON COLUMN learning.learning_paths.path_type IS 'Kind.';
COMMENT ON COLUMN learning.learning_paths.subject_id IS 'Subject it is filed under.';
COMMENT ON COLUMN learning.learning_paths.curriculum_version_id IS
    'Curriculum it follows, in a system outside; not interpreted.';
COMMENT ON COLUMN learning.learning_paths.estimated_total_duration_hours IS 'Author''s estimate for the whole.';
COMMENT ON COLUMN learning.learning_paths.total_experience_points IS
    'XP that completing all of it brings: its quests, their steps, its chapters and the path''s own; kept by the '
    'program, re-derivable.';
COMMENT ON COLUMN learning.learning_paths.experience_points_reward IS
    'XP for completing the path, on top of its parts.';
COMMENT ON COLUMN learning.learning_paths.unlock_criteria IS
    'Rule (see learning_path_quests) for the path as a whole; null is open to all.';
COMMENT ON COLUMN learning.learning_paths.is_published IS 'Whether learners see it.';
COMMENT ON COLUMN learning.learning_paths.published_at IS 'When it was first published.';
COMMENT ON COLUMN learning.learning_paths.archived_at IS 'When it was retired: who is in it may finish, nobody begins.';
COMMENT ON COLUMN learning.learning_paths.membership_epoch IS
    'Raised when its chapters or quests change; progress that was worked out for an earlier one is worked out anew.';
COMMENT ON COLUMN learning.learning_paths.document IS 'The path document that was published last; null before the first publication.';
COMMENT ON COLUMN learning.learning_paths.draft IS
    'What the author is writing (a path document), not yet published; null when the published one is the newest.';
COMMENT ON COLUMN learning.learning_paths.draft_revision IS
    'Raised by every change of the author''s, so that of two authors at once the later is told.';
COMMENT ON COLUMN learning.learning_paths.source_id IS 'Its identity where it was imported from, such as a track''s slug.';
COMMENT ON COLUMN learning.learning_paths.source_hash IS
    'SHA-256 of the folder it was imported from, so that an unchanged one is skipped.';
COMMENT ON COLUMN learning.learning_paths.created_by IS 'Author, an auth_user_id; a soft reference, null for the command line.';
COMMENT ON COLUMN learning.learning_paths.search_document IS 'What search looks at.';
COMMENT ON COLUMN learning.learning_paths.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.learning_paths.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_learning_paths_path_type ON learning.learning_paths (guild_id, path_type);
CREATE INDEX ix_learning_paths_subject_id ON learning.learning_paths (guild_id, subject_id);
CREATE UNIQUE INDEX uq_learning_paths_source_id ON learning.learning_paths (guild_id, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX ix_learning_paths_is_published ON learning.learning_paths (guild_id, is_published, name);
CREATE INDEX ix_learning_paths_search_document ON learning.learning_paths USING gin (search_document);
CREATE TRIGGER tg_learning_paths_touch
    BEFORE UPDATE OF slug, name, description, language, path_type, subject_id, curriculum_version_id,
        estimated_total_duration_hours, total_experience_points, experience_points_reward, unlock_criteria,
        is_published, published_at, archived_at, timezone, membership_epoch, document, draft, draft_revision, source_id, source_hash,
        created_by
    ON learning.learning_paths
    FOR EACH ROW EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.quest_chapters (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    learning_path_id uuid NOT NULL,
    slug text NOT NULL,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    sequence integer NOT NULL,
    status learning.path_progress_status NOT NULL DEFAULT 'NotStarted',
    start_date date,
    end_date date,
    experience_points_reward integer NOT NULL DEFAULT 0,
    unlock_criteria jsonb,
    retired_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_chapters PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_quest_chapters_learning_path_id_id UNIQUE (guild_id, learning_path_id, id),
    CONSTRAINT uq_quest_chapters_learning_path_id_slug UNIQUE (guild_id, learning_path_id, slug),
    CONSTRAINT fk_quest_chapters_learning_path_id_learning_paths FOREIGN KEY (guild_id, learning_path_id)
        REFERENCES learning.learning_paths (guild_id, id),
    CONSTRAINT ck_quest_chapters_slug CHECK (slug ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    CONSTRAINT ck_quest_chapters_title CHECK (length(title) BETWEEN 1 AND 255),
    CONSTRAINT ck_quest_chapters_description CHECK (length(description) <= 100000),
    CONSTRAINT ck_quest_chapters_sequence CHECK (sequence > 0),
    CONSTRAINT ck_quest_chapters_dates CHECK (end_date >= start_date),
    CONSTRAINT ck_quest_chapters_experience CHECK (experience_points_reward BETWEEN 0 AND 1000000),
    CONSTRAINT ck_quest_chapters_unlock_criteria CHECK (jsonb_typeof(unlock_criteria) = 'object')
);
COMMENT ON TABLE learning.quest_chapters IS 'Chapters of a learning path (004): quests that belong together.';
COMMENT ON COLUMN learning.quest_chapters.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.quest_chapters.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.quest_chapters.learning_path_id IS 'Path it is a chapter of.';
COMMENT ON COLUMN learning.quest_chapters.slug IS 'Short name, unique in the path: by it a chapter is the same one in the next publication.';
COMMENT ON COLUMN learning.quest_chapters.title IS 'Title.';
COMMENT ON COLUMN learning.quest_chapters.description IS 'What it is about, Markdown.';
COMMENT ON COLUMN learning.quest_chapters.sequence IS 'Place in the path, from 1; of a retired one, its last.';
COMMENT ON COLUMN learning.quest_chapters.status IS
    'State of the chapter itself by its dates, the same for everybody; a learner''s progress is in '
    'user_chapter_progress.';
COMMENT ON COLUMN learning.quest_chapters.start_date IS 'First day it is open, in the path''s zone; null for from the beginning.';
COMMENT ON COLUMN learning.quest_chapters.end_date IS 'Last day it is open, in the path''s zone: it ends as the next one begins; null for to the end.';
COMMENT ON COLUMN learning.quest_chapters.experience_points_reward IS
    'XP for completing the chapter, on top of its quests.';
COMMENT ON COLUMN learning.quest_chapters.unlock_criteria IS
    'Rule (see learning_path_quests) for the chapter as a whole; null is open to all.';
COMMENT ON COLUMN learning.quest_chapters.retired_at IS 'When it was taken out of the path; what learners did in it stays.';
COMMENT ON COLUMN learning.quest_chapters.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.quest_chapters.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_quest_chapters_learning_path_id_sequence
    ON learning.quest_chapters (guild_id, learning_path_id, sequence) WHERE retired_at IS NULL;
CREATE TRIGGER tg_quest_chapters_touch BEFORE UPDATE ON learning.quest_chapters
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.quests (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    slug text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    language text NOT NULL DEFAULT 'english',
    quest_type learning.quest_type NOT NULL,
    difficulty_level learning.difficulty_level NOT NULL,
    estimated_duration_minutes integer,
    experience_points_reward integer NOT NULL DEFAULT 0,
    skill_tags text[] NOT NULL DEFAULT '{}',
    subject_id uuid,
    unlock_criteria jsonb,
    is_active boolean NOT NULL DEFAULT FALSE,
    current_version integer,
    published_at timestamptz,
    retired_at timestamptz,
    draft jsonb,
    draft_revision integer NOT NULL DEFAULT 1,
    source_hash bytea,
    source_id text,
    created_by uuid,
    search_document tsvector NOT NULL GENERATED ALWAYS AS (
        learning.search_document(language, title, skill_tags, description)) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quests PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_quests_guild_id_slug UNIQUE (guild_id, slug),
    CONSTRAINT fk_quests_subject_id_subjects FOREIGN KEY (guild_id, subject_id)
        REFERENCES learning.subjects (guild_id, id) ON DELETE SET NULL (subject_id),
    CONSTRAINT ck_quests_slug CHECK (slug ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    CONSTRAINT ck_quests_title CHECK (length(title) BETWEEN 1 AND 255),
    CONSTRAINT ck_quests_description CHECK (length(description) <= 100000),
    CONSTRAINT ck_quests_language CHECK (language IN (
        'simple', 'arabic', 'danish', 'dutch', 'english', 'finnish', 'french', 'german', 'greek', 'hungarian',
        'italian', 'norwegian', 'portuguese', 'romanian', 'russian', 'spanish', 'swedish', 'turkish')),
    CONSTRAINT ck_quests_estimated_duration_minutes CHECK (estimated_duration_minutes > 0),
    CONSTRAINT ck_quests_experience CHECK (experience_points_reward BETWEEN 0 AND 1000000),
    CONSTRAINT ck_quests_skill_tags CHECK (cardinality(skill_tags) <= 50 AND array_position(skill_tags, NULL) IS NULL),
    CONSTRAINT ck_quests_unlock_criteria CHECK (jsonb_typeof(unlock_criteria) = 'object'),
    CONSTRAINT ck_quests_published CHECK (
        (current_version IS NULL) = (published_at IS NULL) AND (NOT is_active OR current_version IS NOT NULL)
        AND (NOT is_active OR retired_at IS NULL) AND current_version > 0),
    CONSTRAINT ck_quests_draft CHECK (jsonb_typeof(draft) = 'object' AND octet_length(draft::text) <= 4194304),
    CONSTRAINT ck_quests_draft_revision CHECK (draft_revision > 0),
    CONSTRAINT ck_quests_source_id CHECK (length(source_id) BETWEEN 1 AND 200),
    CONSTRAINT ck_quests_source_hash CHECK (octet_length(source_hash) = 32)
);
COMMENT ON TABLE learning.quests IS 'Learning quests (004). The guild''s quest board of 003 is community.quests.';
COMMENT ON COLUMN learning.quests.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.quests.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.quests.slug IS 'Short name, unique in the guild; the folder''s name on import and export.';
COMMENT ON COLUMN learning.quests.title IS 'Title.';
COMMENT ON COLUMN learning.quests.description IS 'What it is about, Markdown.';
COMMENT ON COLUMN learning.quests.language IS 'Language it is written in, for search.';
COMMENT ON COLUMN learning.quests.quest_type IS 'Kind.';
COMMENT ON COLUMN learning.quests.difficulty_level IS 'Difficulty.';
COMMENT ON COLUMN learning.quests.estimated_duration_minutes IS 'Author''s estimate.';
COMMENT ON COLUMN learning.quests.experience_points_reward IS 'XP for completing the quest, on top of its steps.';
COMMENT ON COLUMN learning.quests.skill_tags IS
    'Slugs of the guild''s skills (community.skills) it teaches; quest_skills has the points.';
COMMENT ON COLUMN learning.quests.subject_id IS 'Subject it is filed under.';
COMMENT ON COLUMN learning.quests.unlock_criteria IS
    'Rule (see learning_path_quests) that holds in every path and outside of paths; null is open to all.';
COMMENT ON COLUMN learning.quests.is_active IS 'Whether learners see it: published and not retired.';
COMMENT ON COLUMN learning.quests.current_version IS 'Version that is begun now (quest_versions); null before the first publication.';
COMMENT ON COLUMN learning.quests.published_at IS 'When it was first published.';
COMMENT ON COLUMN learning.quests.retired_at IS 'When it was retired: who is in it may finish, nobody begins.';
COMMENT ON COLUMN learning.quests.draft IS
    'What the author is writing (a quest document), not yet published; null when the published one is the newest.';
COMMENT ON COLUMN learning.quests.draft_revision IS
    'Raised by every change of the author''s, so that of two authors at once the later is told.';
COMMENT ON COLUMN learning.quests.source_id IS 'Its identity where it was imported from, such as a uuid.';
COMMENT ON COLUMN learning.quests.source_hash IS
    'SHA-256 of the folder it was imported from, so that an unchanged one is skipped.';
COMMENT ON COLUMN learning.quests.created_by IS 'Author, an auth_user_id; a soft reference, null for the command line.';
COMMENT ON COLUMN learning.quests.search_document IS 'What search looks at.';
COMMENT ON COLUMN learning.quests.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.quests.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_quests_quest_type ON learning.quests (guild_id, quest_type);
CREATE INDEX ix_quests_difficulty_level ON learning.quests (guild_id, difficulty_level);
CREATE INDEX ix_quests_subject_id ON learning.quests (guild_id, subject_id);
CREATE UNIQUE INDEX uq_quests_source_id ON learning.quests (guild_id, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX ix_quests_is_active ON learning.quests (guild_id, is_active, title);
CREATE INDEX ix_quests_skill_tags ON learning.quests USING gin (skill_tags);
CREATE INDEX ix_quests_search_document ON learning.quests USING gin (search_document);
CREATE TRIGGER tg_quests_touch
    BEFORE UPDATE OF slug, title, description, language, quest_type, difficulty_level, estimated_duration_minutes,
        experience_points_reward, skill_tags, subject_id, unlock_criteria, is_active, current_version, published_at, retired_at,
        draft, draft_revision, source_id, source_hash, created_by
    ON learning.quests
    FOR EACH ROW EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.quest_versions (
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    version integer NOT NULL,
    snapshot jsonb NOT NULL,
    hash bytea NOT NULL,
    published_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_versions PRIMARY KEY (guild_id, quest_id, version),
    CONSTRAINT fk_quest_versions_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_quest_versions_version CHECK (version > 0),
    CONSTRAINT ck_quest_versions_snapshot CHECK (jsonb_typeof(snapshot) = 'object'),
    CONSTRAINT ck_quest_versions_hash CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE learning.quest_versions IS
    'Published versions of quests. Title and wording change the snapshot at once; whatever is graded makes another version, so that '
    'who is in the middle keeps theirs and what was graded can be graded again.';
COMMENT ON COLUMN learning.quest_versions.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.quest_versions.quest_id IS 'Quest.';
COMMENT ON COLUMN learning.quest_versions.version IS 'Version, from 1 without gaps.';
COMMENT ON COLUMN learning.quest_versions.snapshot IS
    'The whole quest document, keys, checkers and rubrics too, with the ids of its steps. Never sent to learners as it is.';
COMMENT ON COLUMN learning.quest_versions.hash IS
    'SHA-256 of what of the snapshot is graded, in canonical JSON: the same hash means that a change is cosmetic.';
COMMENT ON COLUMN learning.quest_versions.published_by IS 'Who published it, an auth_user_id; a soft reference, null for the command line.';
COMMENT ON COLUMN learning.quest_versions.created_at IS 'When it was published.';
COMMENT ON COLUMN learning.quest_versions.updated_at IS 'When its wording last changed; kept by trigger.';
CREATE INDEX ix_quest_versions_elsewhere ON learning.quest_versions (guild_id, quest_id, version)
    WHERE jsonb_path_exists(snapshot, '$.quest.steps[*].elsewhere');
CREATE TRIGGER tg_quest_versions_touch BEFORE UPDATE ON learning.quest_versions
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.file_contents (
    guild_id bigint NOT NULL,
    sha256 bytea NOT NULL,
    content bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_file_contents PRIMARY KEY (guild_id, sha256),
    CONSTRAINT fk_file_contents_guild_id_guilds FOREIGN KEY (guild_id) REFERENCES people.guilds (guild_id),
    CONSTRAINT ck_file_contents_sha256 CHECK (sha256 = sha256(content)),
    CONSTRAINT ck_file_contents_content CHECK (octet_length(content) <= 8388608)
);
ALTER TABLE learning.file_contents ALTER COLUMN content SET COMPRESSION lz4;
COMMENT ON TABLE learning.file_contents IS
    'What files of quests hold, once a guild however many versions and drafts name it. Never changed; removed when nothing names it.';
COMMENT ON COLUMN learning.file_contents.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.file_contents.sha256 IS 'SHA-256 of the content, by which documents name it.';
COMMENT ON COLUMN learning.file_contents.content IS 'What the file holds.';
COMMENT ON COLUMN learning.file_contents.created_at IS 'When the row was made.';

CREATE TABLE learning.quest_version_files (
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT pk_quest_version_files PRIMARY KEY (guild_id, quest_id, version, name),
    CONSTRAINT fk_quest_version_files_version_quest_versions FOREIGN KEY (guild_id, quest_id, version)
        REFERENCES learning.quest_versions (guild_id, quest_id, version),
    CONSTRAINT fk_quest_version_files_sha256_file_contents FOREIGN KEY (guild_id, sha256)
        REFERENCES learning.file_contents (guild_id, sha256),
    CONSTRAINT ck_quest_version_files_name CHECK (octet_length(name) BETWEEN 1 AND 200)
);
COMMENT ON TABLE learning.quest_version_files IS
    'Files of published versions, as their snapshots name them: while a version is there, what its files hold is there.';
COMMENT ON COLUMN learning.quest_version_files.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.quest_version_files.quest_id IS 'Quest.';
COMMENT ON COLUMN learning.quest_version_files.version IS 'Its version.';
COMMENT ON COLUMN learning.quest_version_files.name IS 'Name of the file, which texts name as files/NAME.';
COMMENT ON COLUMN learning.quest_version_files.sha256 IS 'What it holds.';
CREATE INDEX ix_quest_version_files_sha256 ON learning.quest_version_files (guild_id, sha256);

CREATE TABLE learning.quest_skills (
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    skill_id uuid NOT NULL,
    skill_points integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_skills PRIMARY KEY (guild_id, quest_id, skill_id),
    CONSTRAINT fk_quest_skills_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT fk_quest_skills_skill_id_skills FOREIGN KEY (guild_id, skill_id)
        REFERENCES community.skills (guild_id, id),
    CONSTRAINT ck_quest_skills_skill_points CHECK (skill_points BETWEEN 1 AND 1000000)
);
COMMENT ON TABLE learning.quest_skills IS 'Skill points that completing a quest brings (SkillPointsGranted).';
COMMENT ON COLUMN learning.quest_skills.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.quest_skills.quest_id IS 'Quest.';
COMMENT ON COLUMN learning.quest_skills.skill_id IS 'Skill of the guild''s catalogue.';
COMMENT ON COLUMN learning.quest_skills.skill_points IS 'Points granted.';
COMMENT ON COLUMN learning.quest_skills.created_at IS 'When the row was made.';
CREATE INDEX ix_quest_skills_skill_id ON learning.quest_skills (guild_id, skill_id);

CREATE TABLE learning.learning_path_quests (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    learning_path_id uuid NOT NULL,
    chapter_id uuid,
    quest_id uuid NOT NULL,
    difficulty_level learning.difficulty_level NOT NULL,
    sequence_order integer NOT NULL,
    is_mandatory boolean NOT NULL DEFAULT TRUE,
    unlock_criteria jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_learning_path_quests PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_learning_path_quests_learning_path_id_quest_id UNIQUE (guild_id, learning_path_id, quest_id),
    CONSTRAINT uq_learning_path_quests_learning_path_id_sequence_order UNIQUE (guild_id, learning_path_id, sequence_order)
        DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT fk_learning_path_quests_learning_path_id_learning_paths FOREIGN KEY (guild_id, learning_path_id)
        REFERENCES learning.learning_paths (guild_id, id),
    CONSTRAINT fk_learning_path_quests_chapter_id_quest_chapters FOREIGN KEY (guild_id, learning_path_id, chapter_id)
        REFERENCES learning.quest_chapters (guild_id, learning_path_id, id),
    CONSTRAINT fk_learning_path_quests_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_learning_path_quests_sequence_order CHECK (sequence_order > 0),
    CONSTRAINT ck_learning_path_quests_unlock_criteria CHECK (
        jsonb_typeof(unlock_criteria) = 'object' AND octet_length(unlock_criteria::text) <= 16384)
);
COMMENT ON TABLE learning.learning_path_quests IS 'Which quests belong to a path, in which chapter and order (004).';
COMMENT ON COLUMN learning.learning_path_quests.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.learning_path_quests.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.learning_path_quests.learning_path_id IS 'Path.';
COMMENT ON COLUMN learning.learning_path_quests.chapter_id IS
    'Chapter of that path; null for a quest outside of its chapters.';
COMMENT ON COLUMN learning.learning_path_quests.quest_id IS 'Quest.';
COMMENT ON COLUMN learning.learning_path_quests.difficulty_level IS
    'Difficulty within this path, which may differ from the quest''s own.';
COMMENT ON COLUMN learning.learning_path_quests.sequence_order IS 'Place in the path, from 1.';
COMMENT ON COLUMN learning.learning_path_quests.is_mandatory IS 'Whether the path is complete only with it.';
COMMENT ON COLUMN learning.learning_path_quests.unlock_criteria IS
    'Rule that opens it here; null is open to all. Grammar: an object with exactly one key. {"all": [rules]}, '
    '{"any": [rules]}, {"not": rule}, {"quest": slug}, {"quests": {"of": [slugs], "at_least": n}}, {"chapter": {"path": slug, '
    '"chapter": slug}}, {"path": slug}, {"xp": n}, {"level": n}, {"skill": {"slug": text, "points": n}}, {"achievement": id}, '
    '{"after": date}. No "not" over quests, chapters or paths. At most 6 deep, 100 rules in all.';
COMMENT ON COLUMN learning.learning_path_quests.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.learning_path_quests.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_learning_path_quests_chapter_id
    ON learning.learning_path_quests (guild_id, learning_path_id, chapter_id, sequence_order);
CREATE INDEX ix_learning_path_quests_quest_id ON learning.learning_path_quests (guild_id, quest_id);
CREATE TRIGGER tg_learning_path_quests_touch BEFORE UPDATE ON learning.learning_path_quests
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.quest_prerequisites (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    prerequisite_quest_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_prerequisites PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_quest_prerequisites_quest_id_prerequisite_quest_id
        UNIQUE (guild_id, quest_id, prerequisite_quest_id),
    CONSTRAINT fk_quest_prerequisites_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT fk_quest_prerequisites_prerequisite_quest_id_quests FOREIGN KEY (guild_id, prerequisite_quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_quest_prerequisites_not_itself CHECK (quest_id <> prerequisite_quest_id)
);
COMMENT ON TABLE learning.quest_prerequisites IS
    'Which quests must be completed before a published quest can be begun (004): a graph without cycles, which publication checks '
    'under the catalogue''s lock together with the edges that rules make.';
COMMENT ON COLUMN learning.quest_prerequisites.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.quest_prerequisites.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.quest_prerequisites.quest_id IS 'Quest that waits.';
COMMENT ON COLUMN learning.quest_prerequisites.prerequisite_quest_id IS 'Quest that must be completed first.';
COMMENT ON COLUMN learning.quest_prerequisites.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.quest_prerequisites.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_quest_prerequisites_prereq_id ON learning.quest_prerequisites (guild_id, prerequisite_quest_id);
CREATE TRIGGER tg_quest_prerequisites_touch BEFORE UPDATE ON learning.quest_prerequisites
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
CREATE TABLE learning.quest_steps (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    slug text NOT NULL,
    step_number integer NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    step_type learning.step_type NOT NULL,
    content jsonb,
    validation_criteria jsonb,
    checker_script text,
    experience_points integer NOT NULL DEFAULT 0,
    is_optional boolean NOT NULL DEFAULT FALSE,
    retired_at timestamptz,
    search_document tsvector NOT NULL GENERATED ALWAYS AS (
        learning.search_document('simple', title, NULL, description)) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_steps PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_quest_steps_quest_id_id UNIQUE (guild_id, quest_id, id),
    CONSTRAINT uq_quest_steps_quest_id_slug UNIQUE (guild_id, quest_id, slug),
    CONSTRAINT fk_quest_steps_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_quest_steps_slug CHECK (slug ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    CONSTRAINT ck_quest_steps_step_number CHECK (step_number > 0),
    CONSTRAINT ck_quest_steps_title CHECK (length(title) BETWEEN 1 AND 255),
    CONSTRAINT ck_quest_steps_description CHECK (length(description) <= 100000),
    CONSTRAINT ck_quest_steps_experience_points CHECK (experience_points BETWEEN 0 AND 1000000),
    CONSTRAINT ck_quest_steps_content CHECK (jsonb_typeof(content) = 'object'),
    CONSTRAINT ck_quest_steps_validation_criteria CHECK (jsonb_typeof(validation_criteria) = 'object'),
    CONSTRAINT ck_quest_steps_checker_script CHECK (
        checker_script IS NULL OR (step_type = 'Coding' AND octet_length(checker_script) BETWEEN 1 AND 262144))
);
COMMENT ON TABLE learning.quest_steps IS
    'Steps of a quest (004). Learners are sent title, description and content; what judges them never leaves the '
    'server.';
COMMENT ON COLUMN learning.quest_steps.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.quest_steps.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.quest_steps.quest_id IS 'Quest it is a step of.';
COMMENT ON COLUMN learning.quest_steps.slug IS 'Short name, unique in the quest: by it a step is the same one in the next version.';
COMMENT ON COLUMN learning.quest_steps.step_number IS 'Place in the quest, from 1; of a retired one, its last.';
COMMENT ON COLUMN learning.quest_steps.title IS 'Title.';
COMMENT ON COLUMN learning.quest_steps.description IS 'What is to be done, Markdown.';
COMMENT ON COLUMN learning.quest_steps.step_type IS 'Kind, which decides how it is completed.';
COMMENT ON COLUMN learning.quest_steps.content IS
    'What learners are shown, by type: a text, a video''s address, a quiz''s questions without answers, starting '
    'code.';
COMMENT ON COLUMN learning.quest_steps.validation_criteria IS
    'What completes it, by type: a quiz''s answers and pass mark, a checker''s settings, a reviewer''s rubric, the '
    'least length of a note. Never sent to learners.';
COMMENT ON COLUMN learning.quest_steps.checker_script IS
    'Python that judges a Coding step, run in the same jail as generators. Never sent to learners.';
COMMENT ON COLUMN learning.quest_steps.experience_points IS 'XP for completing it.';
COMMENT ON COLUMN learning.quest_steps.is_optional IS 'Whether it may be skipped; optional steps are not counted in the percentage.';
COMMENT ON COLUMN learning.quest_steps.retired_at IS 'When a version came without it; who has the version before still works at it.';
COMMENT ON COLUMN learning.quest_steps.search_document IS
    'What search looks at; unstemmed, for a step doesn''t know its quest''s language.';
COMMENT ON COLUMN learning.quest_steps.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.quest_steps.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_quest_steps_quest_id_step_number
    ON learning.quest_steps (guild_id, quest_id, step_number) WHERE retired_at IS NULL;
CREATE INDEX ix_quest_steps_step_type ON learning.quest_steps (guild_id, step_type);
CREATE INDEX ix_quest_steps_search_document ON learning.quest_steps USING gin (search_document);
CREATE TRIGGER tg_quest_steps_touch
    BEFORE UPDATE OF quest_id, step_number, title, description, step_type, content, validation_criteria, checker_script,
        experience_points, is_optional, slug, retired_at
    ON learning.quest_steps
    FOR EACH ROW EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.quest_resources (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    resource_type learning.resource_type NOT NULL,
    title text NOT NULL,
    description text,
    url text,
    file_path text,
    metadata jsonb NOT NULL DEFAULT '{}',
    display_order integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_resources PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_quest_resources_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_quest_resources_title CHECK (length(title) BETWEEN 1 AND 255),
    CONSTRAINT ck_quest_resources_description CHECK (length(description) <= 10000),
    CONSTRAINT ck_quest_resources_url CHECK (url ~ '^https?://[^[:space:]]+$' AND length(url) <= 2000),
    CONSTRAINT ck_quest_resources_file_path CHECK (
        length(file_path) BETWEEN 1 AND 500 AND file_path !~ '^/' AND file_path !~ '(^|/)[.][.](/|$)' AND file_path !~ '\\'),
    CONSTRAINT ck_quest_resources_place CHECK (num_nonnulls(url, file_path) >= 1),
    CONSTRAINT ck_quest_resources_metadata CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE learning.quest_resources IS 'Documents, videos, links and files that go with a quest (004).';
COMMENT ON COLUMN learning.quest_resources.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.quest_resources.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.quest_resources.quest_id IS 'Quest it goes with.';
COMMENT ON COLUMN learning.quest_resources.resource_type IS 'Kind.';
COMMENT ON COLUMN learning.quest_resources.title IS 'Title.';
COMMENT ON COLUMN learning.quest_resources.description IS 'What it is good for.';
COMMENT ON COLUMN learning.quest_resources.url IS 'Where it is, http or https.';
COMMENT ON COLUMN learning.quest_resources.file_path IS 'File of the quest''s folder, as files/NAME; what it holds stands in its version.';
COMMENT ON COLUMN learning.quest_resources.metadata IS 'Extras, such as a length or a licence.';
COMMENT ON COLUMN learning.quest_resources.display_order IS 'Place among the quest''s resources; ties go by id.';
COMMENT ON COLUMN learning.quest_resources.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.quest_resources.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_quest_resources_quest_id ON learning.quest_resources (guild_id, quest_id, display_order, id);
CREATE TRIGGER tg_quest_resources_touch BEFORE UPDATE ON learning.quest_resources
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Attempts and progress ---------------------------------------------------------------------------------------------

CREATE TABLE learning.user_quest_attempts (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    quest_id uuid NOT NULL,
    version integer NOT NULL,
    status learning.quest_attempt_status NOT NULL DEFAULT 'InProgress',
    started_at timestamptz NOT NULL DEFAULT now(),
    paused_at timestamptz,
    completed_at timestamptz,
    abandoned_at timestamptz,
    paused_seconds bigint NOT NULL DEFAULT 0,
    restarts integer NOT NULL DEFAULT 0,
    last_activity_at timestamptz NOT NULL DEFAULT now(),
    total_experience_earned integer NOT NULL DEFAULT 0,
    done_count integer NOT NULL DEFAULT 0,
    total_count integer NOT NULL,
    completion_percentage numeric(5,2) NOT NULL GENERATED ALWAYS AS (div(done_count::numeric * 10000, total_count) / 100) STORED,
    current_step_id uuid,
    notes text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_quest_attempts PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_user_quest_attempts_auth_user_id_quest_id UNIQUE (guild_id, auth_user_id, quest_id),
    CONSTRAINT uq_user_quest_attempts_owner UNIQUE (guild_id, id, auth_user_id),
    CONSTRAINT fk_user_quest_attempts_version_quest_versions FOREIGN KEY (guild_id, quest_id, version)
        REFERENCES learning.quest_versions (guild_id, quest_id, version),
    CONSTRAINT fk_user_quest_attempts_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_user_quest_attempts_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT fk_user_quest_attempts_current_step_id_quest_steps FOREIGN KEY (guild_id, quest_id, current_step_id)
        REFERENCES learning.quest_steps (guild_id, quest_id, id),
    CONSTRAINT ck_user_quest_attempts_paused_at CHECK ((status = 'Paused') = (paused_at IS NOT NULL)),
    CONSTRAINT ck_user_quest_attempts_completed_at CHECK ((status = 'Completed') = (completed_at IS NOT NULL)),
    CONSTRAINT ck_user_quest_attempts_abandoned_at CHECK ((status = 'Abandoned') = (abandoned_at IS NOT NULL)),
    CONSTRAINT ck_user_quest_attempts_completion_percentage CHECK (
        total_count > 0 AND done_count BETWEEN 0 AND total_count AND (status <> 'Completed' OR done_count = total_count)),
    CONSTRAINT ck_user_quest_attempts_figures CHECK (
        paused_seconds >= 0 AND restarts >= 0 AND total_experience_earned >= 0),
    CONSTRAINT ck_user_quest_attempts_notes CHECK (length(notes) <= 20000)
) WITH (fillfactor = 85);
COMMENT ON TABLE learning.user_quest_attempts IS
    'The attempt of a learner at a quest (004): one row, begun anew if abandoned and taken up again.';
COMMENT ON COLUMN learning.user_quest_attempts.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.user_quest_attempts.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.user_quest_attempts.auth_user_id IS 'Learner.';
COMMENT ON COLUMN learning.user_quest_attempts.quest_id IS 'Quest.';
COMMENT ON COLUMN learning.user_quest_attempts.version IS 'Version it is of; another only by upgrading or beginning anew.';
COMMENT ON COLUMN learning.user_quest_attempts.status IS 'State.';
COMMENT ON COLUMN learning.user_quest_attempts.started_at IS 'When it was begun, or begun anew.';
COMMENT ON COLUMN learning.user_quest_attempts.paused_at IS 'When it was paused; null unless paused.';
COMMENT ON COLUMN learning.user_quest_attempts.completed_at IS 'When it was completed; null unless completed.';
COMMENT ON COLUMN learning.user_quest_attempts.abandoned_at IS 'When it was abandoned; null unless abandoned.';
COMMENT ON COLUMN learning.user_quest_attempts.paused_seconds IS
    'Pauses that are over, in seconds: active time is the time since started_at less these.';
COMMENT ON COLUMN learning.user_quest_attempts.restarts IS 'How often it was abandoned and begun anew.';
COMMENT ON COLUMN learning.user_quest_attempts.last_activity_at IS 'When the learner last did something in it.';
COMMENT ON COLUMN learning.user_quest_attempts.total_experience_earned IS
    'XP earned in it so far; re-derivable from reward_grants.';
COMMENT ON COLUMN learning.user_quest_attempts.done_count IS 'Counted parts that are done: mandatory steps completed, required assessments passed.';
COMMENT ON COLUMN learning.user_quest_attempts.total_count IS 'Counted parts of its version; never none.';
COMMENT ON COLUMN learning.user_quest_attempts.completion_percentage IS
    '100 × done / total, rounded down to 0.01, so that 100.00 means done.';
COMMENT ON COLUMN learning.user_quest_attempts.current_step_id IS 'Step the learner is at.';
COMMENT ON COLUMN learning.user_quest_attempts.notes IS 'Learner''s own notes.';
COMMENT ON COLUMN learning.user_quest_attempts.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.user_quest_attempts.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_user_quest_attempts_version ON learning.user_quest_attempts (guild_id, quest_id, version);
CREATE INDEX ix_user_quest_attempts_quest_id ON learning.user_quest_attempts (guild_id, quest_id, status);
CREATE INDEX ix_user_quest_attempts_status ON learning.user_quest_attempts (guild_id, status, last_activity_at);
CREATE INDEX ix_user_quest_attempts_current_step_id
    ON learning.user_quest_attempts (guild_id, quest_id, current_step_id) WHERE current_step_id IS NOT NULL;
CREATE TRIGGER tg_user_quest_attempts_touch BEFORE UPDATE ON learning.user_quest_attempts
    FOR EACH ROW EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.user_quest_step_progress (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    attempt_id uuid NOT NULL,
    step_id uuid NOT NULL,
    status learning.step_completion_status NOT NULL DEFAULT 'NotStarted',
    started_at timestamptz,
    completed_at timestamptz,
    submission_data jsonb,
    score numeric(5,2),
    feedback text,
    experience_earned integer NOT NULL DEFAULT 0,
    attempts_count integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_quest_step_progress PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_user_quest_step_progress_attempt_id_step_id UNIQUE (guild_id, attempt_id, step_id),
    CONSTRAINT fk_user_quest_step_progress_attempt_id_user_quest_attempts FOREIGN KEY (guild_id, attempt_id)
        REFERENCES learning.user_quest_attempts (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_user_quest_step_progress_step_id_quest_steps FOREIGN KEY (guild_id, step_id)
        REFERENCES learning.quest_steps (guild_id, id),
    CONSTRAINT ck_user_quest_step_progress_completed_at CHECK (
        (status IN ('Completed', 'Skipped')) = (completed_at IS NOT NULL)),
    CONSTRAINT ck_user_quest_step_progress_figures CHECK (
        score BETWEEN 0 AND 100 AND experience_earned >= 0 AND attempts_count >= 0),
    CONSTRAINT ck_user_quest_step_progress_submission_data CHECK (octet_length(submission_data::text) <= 1048576),
    CONSTRAINT ck_user_quest_step_progress_feedback CHECK (length(feedback) <= 20000)
) WITH (fillfactor = 85);
COMMENT ON TABLE learning.user_quest_step_progress IS 'Progress of an attempt in each step (004).';
COMMENT ON COLUMN learning.user_quest_step_progress.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.user_quest_step_progress.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.user_quest_step_progress.attempt_id IS 'Attempt.';
COMMENT ON COLUMN learning.user_quest_step_progress.step_id IS 'Step.';
COMMENT ON COLUMN learning.user_quest_step_progress.status IS 'State.';
COMMENT ON COLUMN learning.user_quest_step_progress.started_at IS 'When it was first opened.';
COMMENT ON COLUMN learning.user_quest_step_progress.completed_at IS 'When it was completed or skipped.';
COMMENT ON COLUMN learning.user_quest_step_progress.submission_data IS
    'What the learner handed in last: a note, quiz answers, code.';
COMMENT ON COLUMN learning.user_quest_step_progress.score IS 'Share achieved in percent, where the type has one.';
COMMENT ON COLUMN learning.user_quest_step_progress.feedback IS 'What the learner is told about it.';
COMMENT ON COLUMN learning.user_quest_step_progress.experience_earned IS 'XP earned by it.';
COMMENT ON COLUMN learning.user_quest_step_progress.attempts_count IS 'Tries used since the attempt was last begun anew.';
COMMENT ON COLUMN learning.user_quest_step_progress.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.user_quest_step_progress.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_user_quest_step_progress_step_id ON learning.user_quest_step_progress (guild_id, step_id, status);
CREATE TRIGGER tg_user_quest_step_progress_touch BEFORE UPDATE ON learning.user_quest_step_progress
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.user_assessment_progress (
    guild_id bigint NOT NULL,
    attempt_id uuid NOT NULL,
    assessment_id uuid NOT NULL,
    slug text NOT NULL,
    best_grade numeric(5,2) NOT NULL,
    passed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_assessment_progress PRIMARY KEY (guild_id, attempt_id, assessment_id),
    CONSTRAINT fk_user_assessment_progress_attempt_id_user_quest_attempts FOREIGN KEY (guild_id, attempt_id)
        REFERENCES learning.user_quest_attempts (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_user_assessment_progress_slug CHECK (slug ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    CONSTRAINT ck_user_assessment_progress_best_grade CHECK (best_grade BETWEEN 0 AND 100)
) WITH (fillfactor = 85);
COMMENT ON TABLE learning.user_assessment_progress IS
    'How an attempt stands with each assessment of its quest that was graded. What was passed stays passed, also when the attempt is '
    'begun anew: tries are not given back either.';
COMMENT ON COLUMN learning.user_assessment_progress.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.user_assessment_progress.attempt_id IS 'Attempt.';
COMMENT ON COLUMN learning.user_assessment_progress.assessment_id IS
    'Assessment, by the id that follows from quest and short name; no foreign key, for their table is a slice above.';
COMMENT ON COLUMN learning.user_assessment_progress.slug IS 'Short name of the assessment in the quest.';
COMMENT ON COLUMN learning.user_assessment_progress.best_grade IS 'Best grade in percent, after penalties.';
COMMENT ON COLUMN learning.user_assessment_progress.passed_at IS 'When it was first passed; null before.';
COMMENT ON COLUMN learning.user_assessment_progress.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.user_assessment_progress.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_user_assessment_progress_touch BEFORE UPDATE ON learning.user_assessment_progress
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.user_learning_path_progress (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    learning_path_id uuid NOT NULL,
    status learning.path_progress_status NOT NULL DEFAULT 'NotStarted',
    started_at timestamptz,
    paused_at timestamptz,
    completed_at timestamptz,
    current_quest_id uuid,
    completed_quests_count integer NOT NULL DEFAULT 0,
    total_quests_count integer NOT NULL DEFAULT 0,
    completion_percentage numeric(5,2) NOT NULL GENERATED ALWAYS AS (
        coalesce(div(completed_quests_count::numeric * 10000, nullif(total_quests_count, 0)) / 100, 0)) STORED,
    membership_epoch integer NOT NULL DEFAULT 0,
    total_experience_earned integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_learning_path_progress PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_user_learning_path_progress_auth_user_id_learning_path_id
        UNIQUE (guild_id, auth_user_id, learning_path_id),
    CONSTRAINT fk_user_learning_path_progress_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_user_learning_path_progress_learning_path_id_learning_paths FOREIGN KEY (guild_id, learning_path_id)
        REFERENCES learning.learning_paths (guild_id, id),
    CONSTRAINT fk_user_learning_path_progress_current_quest_id_quests FOREIGN KEY (guild_id, current_quest_id)
        REFERENCES learning.quests (guild_id, id) ON DELETE SET NULL (current_quest_id),
    CONSTRAINT ck_user_learning_path_progress_paused_at CHECK ((status = 'Paused') = (paused_at IS NOT NULL)),
    CONSTRAINT ck_user_learning_path_progress_completed_at CHECK ((status = 'Completed') = (completed_at IS NOT NULL)),
    CONSTRAINT ck_user_learning_path_progress_started_at CHECK (status = 'NotStarted' OR started_at IS NOT NULL),
    CONSTRAINT ck_user_learning_path_progress_figures CHECK (
        completed_quests_count BETWEEN 0 AND total_quests_count AND membership_epoch >= 0
        AND total_experience_earned >= 0)
) WITH (fillfactor = 85);
COMMENT ON TABLE learning.user_learning_path_progress IS 'Progress of a learner through a path (004); made by enrolling.';
COMMENT ON COLUMN learning.user_learning_path_progress.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.user_learning_path_progress.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.user_learning_path_progress.auth_user_id IS 'Learner.';
COMMENT ON COLUMN learning.user_learning_path_progress.learning_path_id IS 'Path.';
COMMENT ON COLUMN learning.user_learning_path_progress.status IS 'State.';
COMMENT ON COLUMN learning.user_learning_path_progress.started_at IS 'When the learner enrolled, or first began one of its quests.';
COMMENT ON COLUMN learning.user_learning_path_progress.paused_at IS 'When it was paused; null unless paused.';
COMMENT ON COLUMN learning.user_learning_path_progress.completed_at IS 'When its last mandatory quest was completed.';
COMMENT ON COLUMN learning.user_learning_path_progress.current_quest_id IS 'Quest the learner is at.';
COMMENT ON COLUMN learning.user_learning_path_progress.completed_quests_count IS 'Mandatory quests completed.';
COMMENT ON COLUMN learning.user_learning_path_progress.total_quests_count IS 'Mandatory quests there are.';
COMMENT ON COLUMN learning.user_learning_path_progress.completion_percentage IS
    '100 × completed / total mandatory quests, rounded down to 0.01.';
COMMENT ON COLUMN learning.user_learning_path_progress.membership_epoch IS 'learning_paths.membership_epoch that it was worked out for.';
COMMENT ON COLUMN learning.user_learning_path_progress.total_experience_earned IS
    'XP earned in it; re-derivable from reward_grants.';
COMMENT ON COLUMN learning.user_learning_path_progress.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.user_learning_path_progress.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_user_learning_path_progress_learning_path_id
    ON learning.user_learning_path_progress (guild_id, learning_path_id, status);
CREATE INDEX ix_user_learning_path_progress_current_quest_id
    ON learning.user_learning_path_progress (guild_id, current_quest_id) WHERE current_quest_id IS NOT NULL;
CREATE TRIGGER tg_user_learning_path_progress_touch BEFORE UPDATE ON learning.user_learning_path_progress
    FOR EACH ROW EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.user_chapter_progress (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    chapter_id uuid NOT NULL,
    status learning.path_progress_status NOT NULL DEFAULT 'NotStarted',
    started_at timestamptz,
    completed_at timestamptz,
    completed_quests_count integer NOT NULL DEFAULT 0,
    total_quests_count integer NOT NULL DEFAULT 0,
    completion_percentage numeric(5,2) NOT NULL GENERATED ALWAYS AS (
        coalesce(div(completed_quests_count::numeric * 10000, nullif(total_quests_count, 0)) / 100, 0)) STORED,
    membership_epoch integer NOT NULL DEFAULT 0,
    total_experience_earned integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_chapter_progress PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_user_chapter_progress_auth_user_id_chapter_id UNIQUE (guild_id, auth_user_id, chapter_id),
    CONSTRAINT fk_user_chapter_progress_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_user_chapter_progress_chapter_id_quest_chapters FOREIGN KEY (guild_id, chapter_id)
        REFERENCES learning.quest_chapters (guild_id, id),
    CONSTRAINT ck_user_chapter_progress_completed_at CHECK ((status = 'Completed') = (completed_at IS NOT NULL)),
    CONSTRAINT ck_user_chapter_progress_started_at CHECK (status = 'NotStarted' OR started_at IS NOT NULL),
    CONSTRAINT ck_user_chapter_progress_figures CHECK (
        completed_quests_count BETWEEN 0 AND total_quests_count AND membership_epoch >= 0
        AND total_experience_earned >= 0)
) WITH (fillfactor = 85);
COMMENT ON TABLE learning.user_chapter_progress IS 'Progress of a learner through a chapter.';
COMMENT ON COLUMN learning.user_chapter_progress.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.user_chapter_progress.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.user_chapter_progress.auth_user_id IS 'Learner.';
COMMENT ON COLUMN learning.user_chapter_progress.chapter_id IS 'Chapter.';
COMMENT ON COLUMN learning.user_chapter_progress.status IS 'State.';
COMMENT ON COLUMN learning.user_chapter_progress.started_at IS 'When the first of its quests was begun.';
COMMENT ON COLUMN learning.user_chapter_progress.completed_at IS 'When its last mandatory quest was completed.';
COMMENT ON COLUMN learning.user_chapter_progress.completed_quests_count IS 'Mandatory quests completed.';
COMMENT ON COLUMN learning.user_chapter_progress.total_quests_count IS 'Mandatory quests there are.';
COMMENT ON COLUMN learning.user_chapter_progress.completion_percentage IS
    '100 × completed / total mandatory quests, rounded down to 0.01.';
COMMENT ON COLUMN learning.user_chapter_progress.membership_epoch IS 'learning_paths.membership_epoch that it was worked out for.';
COMMENT ON COLUMN learning.user_chapter_progress.total_experience_earned IS
    'XP earned in it; re-derivable from reward_grants.';
COMMENT ON COLUMN learning.user_chapter_progress.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.user_chapter_progress.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_user_chapter_progress_chapter_id ON learning.user_chapter_progress (guild_id, chapter_id, status);
CREATE TRIGGER tg_user_chapter_progress_touch BEFORE UPDATE ON learning.user_chapter_progress
    FOR EACH ROW EXECUTE FUNCTION questhall.touch_updated_at();

-- What learners did, append-only: analytics can be derived from it again -----------------------------------------------

CREATE TABLE learning.attempt_events (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    attempt_id uuid NOT NULL,
    auth_user_id uuid NOT NULL,
    quest_id uuid NOT NULL,
    version integer NOT NULL,
    run integer NOT NULL,
    event_type text NOT NULL,
    step_id uuid,
    details jsonb NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_attempt_events PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_attempt_events_attempt_id_user_quest_attempts FOREIGN KEY (guild_id, attempt_id, auth_user_id)
        REFERENCES learning.user_quest_attempts (guild_id, id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT ck_attempt_events_event_type CHECK (event_type IN (
        'begun', 'opened', 'tried', 'completed', 'skipped', 'submitted', 'graded', 'quest_completed', 'paused', 'resumed', 'abandoned',
        'restarted', 'upgraded')),
    CONSTRAINT ck_attempt_events_run CHECK (run >= 0 AND version > 0),
    CONSTRAINT ck_attempt_events_details CHECK (jsonb_typeof(details) = 'object')
);
COMMENT ON TABLE learning.attempt_events IS
    'What happened in attempts, append-only. A restart overwrites the attempt''s times; here they stay.';
COMMENT ON COLUMN learning.attempt_events.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.attempt_events.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.attempt_events.attempt_id IS 'Attempt.';
COMMENT ON COLUMN learning.attempt_events.auth_user_id IS 'Learner, the attempt''s.';
COMMENT ON COLUMN learning.attempt_events.quest_id IS 'Quest, the attempt''s.';
COMMENT ON COLUMN learning.attempt_events.version IS 'Version the attempt was of at that time.';
COMMENT ON COLUMN learning.attempt_events.run IS 'Restarts of the attempt before it.';
COMMENT ON COLUMN learning.attempt_events.event_type IS
    'begun, opened (a step), tried, completed or skipped (a step), submitted, graded, quest_completed, paused, resumed, abandoned, '
    'restarted or upgraded.';
COMMENT ON COLUMN learning.attempt_events.step_id IS 'Step, where it is about one.';
COMMENT ON COLUMN learning.attempt_events.details IS 'What else there is to it: a try''s number and score, the version before an upgrade.';
COMMENT ON COLUMN learning.attempt_events.occurred_at IS 'When.';
CREATE INDEX ix_attempt_events_attempt_id ON learning.attempt_events (guild_id, attempt_id, auth_user_id);
CREATE INDEX ix_attempt_events_quest_id ON learning.attempt_events (guild_id, quest_id, occurred_at);
CREATE TRIGGER tg_attempt_events_append_only BEFORE UPDATE OR DELETE ON learning.attempt_events
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_attempt_events_no_truncate BEFORE TRUNCATE ON learning.attempt_events
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();

CREATE TABLE learning.item_tries (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    attempt_id uuid NOT NULL,
    auth_user_id uuid NOT NULL,
    version integer NOT NULL,
    run integer NOT NULL,
    step_id uuid,
    assessment_id uuid,
    try_number integer NOT NULL,
    status text NOT NULL DEFAULT 'open',
    started_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz,
    finished_at timestamptz,
    score numeric(9,4),
    max_score numeric(9,4),
    is_passed boolean,
    answer jsonb,
    feedback jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_item_tries PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_item_tries_attempt_id_user_quest_attempts FOREIGN KEY (guild_id, attempt_id, auth_user_id)
        REFERENCES learning.user_quest_attempts (guild_id, id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_item_tries_step_id_quest_steps FOREIGN KEY (guild_id, step_id)
        REFERENCES learning.quest_steps (guild_id, id),
    CONSTRAINT ck_item_tries_subject CHECK (num_nonnulls(step_id, assessment_id) = 1),
    CONSTRAINT ck_item_tries_numbers CHECK (try_number > 0 AND run >= 0 AND version > 0),
    CONSTRAINT ck_item_tries_status CHECK (status IN ('open', 'graded', 'expired')),
    CONSTRAINT ck_item_tries_finished CHECK (
        (status = 'open') = (finished_at IS NULL) AND (status = 'graded') = (is_passed IS NOT NULL)
        AND (status = 'graded') = (score IS NOT NULL)),
    CONSTRAINT ck_item_tries_score CHECK (score BETWEEN 0 AND max_score),
    CONSTRAINT ck_item_tries_answer CHECK (octet_length(answer::text) <= 1048576 AND octet_length(feedback::text) <= 1048576)
);
COMMENT ON TABLE learning.item_tries IS
    'Tries at a Quiz or Coding step, or at an assessment graded at once. A failure of ours leaves none.';
COMMENT ON COLUMN learning.item_tries.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.item_tries.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.item_tries.attempt_id IS 'Attempt.';
COMMENT ON COLUMN learning.item_tries.auth_user_id IS 'Learner, the attempt''s.';
COMMENT ON COLUMN learning.item_tries.version IS 'Version whose questions and key it is of.';
COMMENT ON COLUMN learning.item_tries.run IS 'Restarts of the attempt before it.';
COMMENT ON COLUMN learning.item_tries.step_id IS 'Step tried; null for an assessment.';
COMMENT ON COLUMN learning.item_tries.assessment_id IS
    'Assessment tried, by the id that follows from quest and short name (no foreign key: their table is a slice above); null for a step.';
COMMENT ON COLUMN learning.item_tries.try_number IS 'Which try it is, from 1; beginning the attempt anew gives no new ones.';
COMMENT ON COLUMN learning.item_tries.status IS 'open (begun, not handed in), graded, or expired (not handed in in time).';
COMMENT ON COLUMN learning.item_tries.started_at IS 'When it was begun.';
COMMENT ON COLUMN learning.item_tries.due_at IS 'When it must be handed in; null for any time.';
COMMENT ON COLUMN learning.item_tries.finished_at IS 'When it was handed in, or expired.';
COMMENT ON COLUMN learning.item_tries.score IS 'Points reached.';
COMMENT ON COLUMN learning.item_tries.max_score IS 'Points there were.';
COMMENT ON COLUMN learning.item_tries.is_passed IS 'Whether that passes.';
COMMENT ON COLUMN learning.item_tries.answer IS 'Code handed in; a quiz''s answers are in item_responses.';
COMMENT ON COLUMN learning.item_tries.feedback IS 'What the learner may be told: visible tests, never hidden ones.';
COMMENT ON COLUMN learning.item_tries.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.item_tries.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_item_tries_step_try ON learning.item_tries (guild_id, attempt_id, run, step_id, try_number)
    WHERE step_id IS NOT NULL;
CREATE UNIQUE INDEX uq_item_tries_step_open ON learning.item_tries (guild_id, attempt_id, step_id)
    WHERE step_id IS NOT NULL AND status = 'open';
CREATE UNIQUE INDEX uq_item_tries_assessment_try ON learning.item_tries (guild_id, attempt_id, run, assessment_id, try_number)
    WHERE assessment_id IS NOT NULL;
CREATE UNIQUE INDEX uq_item_tries_assessment_open ON learning.item_tries (guild_id, attempt_id, assessment_id)
    WHERE assessment_id IS NOT NULL AND status = 'open';
CREATE INDEX ix_item_tries_attempt_id ON learning.item_tries (guild_id, attempt_id, auth_user_id);
CREATE INDEX ix_item_tries_step_id ON learning.item_tries (guild_id, step_id, id) WHERE step_id IS NOT NULL;
CREATE INDEX ix_item_tries_assessment_id ON learning.item_tries (guild_id, assessment_id, id) WHERE assessment_id IS NOT NULL;
CREATE TRIGGER tg_item_tries_touch BEFORE UPDATE ON learning.item_tries
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE learning.item_responses (
    guild_id bigint NOT NULL,
    try_id uuid NOT NULL,
    item text NOT NULL,
    item_hash bytea NOT NULL,
    place integer NOT NULL,
    parameters jsonb NOT NULL DEFAULT '{}',
    answer jsonb,
    score numeric(9,4) NOT NULL,
    max_score numeric(9,4) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_item_responses PRIMARY KEY (guild_id, try_id, item),
    CONSTRAINT fk_item_responses_try_id_item_tries FOREIGN KEY (guild_id, try_id)
        REFERENCES learning.item_tries (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_item_responses_item CHECK (length(item) BETWEEN 1 AND 201),
    CONSTRAINT ck_item_responses_item_hash CHECK (octet_length(item_hash) = 32),
    CONSTRAINT ck_item_responses_place CHECK (place > 0),
    CONSTRAINT ck_item_responses_parameters CHECK (jsonb_typeof(parameters) = 'object'),
    CONSTRAINT ck_item_responses_score CHECK (max_score > 0 AND score BETWEEN 0 AND max_score)
);
COMMENT ON TABLE learning.item_responses IS
    'Answers to the questions of a try. Stored by canonical ids, so that they can be graded again by another key.';
COMMENT ON COLUMN learning.item_responses.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.item_responses.try_id IS 'Try.';
COMMENT ON COLUMN learning.item_responses.item IS 'Question, by its short name in the quest''s version.';
COMMENT ON COLUMN learning.item_responses.item_hash IS 'SHA-256 of the question with its key: which wording and key was graded.';
COMMENT ON COLUMN learning.item_responses.place IS 'Place at which the learner saw it, from 1.';
COMMENT ON COLUMN learning.item_responses.parameters IS 'Values that were put into its text.';
COMMENT ON COLUMN learning.item_responses.answer IS 'Canonical answer; null when it was omitted.';
COMMENT ON COLUMN learning.item_responses.score IS 'Points reached.';
COMMENT ON COLUMN learning.item_responses.max_score IS 'Points there were.';
COMMENT ON COLUMN learning.item_responses.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.item_responses.updated_at IS 'When a regrade last changed its score; kept by trigger.';
CREATE INDEX ix_item_responses_bank ON learning.item_responses (guild_id, split_part(item, '/', 1)) WHERE item LIKE '%/%';
CREATE TRIGGER tg_item_responses_touch BEFORE UPDATE ON learning.item_responses
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Unlocking and the reward cascade ----------------------------------------------------------------------------------

CREATE TABLE learning.quest_unlocks (
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    quest_id uuid NOT NULL,
    correlation_id uuid NOT NULL,
    reason jsonb NOT NULL DEFAULT '{}',
    granted_by uuid,
    unlocked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_unlocks PRIMARY KEY (guild_id, auth_user_id, quest_id),
    CONSTRAINT fk_quest_unlocks_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_quest_unlocks_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_quest_unlocks_reason CHECK (jsonb_typeof(reason) = 'object')
);
COMMENT ON TABLE learning.quest_unlocks IS
    'Quests that a learner has unlocked, each once (ChallengeUnlocked). What was open from the beginning has no '
    'row.';
COMMENT ON COLUMN learning.quest_unlocks.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.quest_unlocks.auth_user_id IS 'Learner.';
COMMENT ON COLUMN learning.quest_unlocks.quest_id IS 'Quest unlocked.';
COMMENT ON COLUMN learning.quest_unlocks.correlation_id IS
    'Cascade it belongs to: the completion, or a run of the job that looks at dates, XP and levels.';
COMMENT ON COLUMN learning.quest_unlocks.reason IS 'Which parts of the rule were met, for the learner to read.';
COMMENT ON COLUMN learning.quest_unlocks.granted_by IS
    'Instructor who unlocked it by hand, an auth_user_id; null when the rule did.';
COMMENT ON COLUMN learning.quest_unlocks.unlocked_at IS 'When.';
CREATE INDEX ix_quest_unlocks_quest_id ON learning.quest_unlocks (guild_id, quest_id);

CREATE TABLE learning.reward_grants (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    source_type text NOT NULL,
    source_id uuid NOT NULL,
    correlation_id uuid NOT NULL,
    attempt_id uuid,
    quest_version integer,
    experience_points integer NOT NULL DEFAULT 0,
    skill_points jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_reward_grants PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_reward_grants_source UNIQUE (guild_id, auth_user_id, source_type, source_id),
    CONSTRAINT ck_reward_grants_source_type CHECK (source_type IN ('step', 'quest', 'chapter', 'path')),
    CONSTRAINT ck_reward_grants_experience_points CHECK (experience_points >= 0),
    CONSTRAINT ck_reward_grants_skill_points CHECK (jsonb_typeof(skill_points) = 'object')
);
COMMENT ON TABLE learning.reward_grants IS
    'What was rewarded, append-only: each completion of a step, quest, chapter or path once, whatever is repeated, '
    'reopened or run twice. Its cascade goes out through the outbox in the same transaction; community keeps the '
    'ledgers (user_skill_rewards, activity_log).';
COMMENT ON COLUMN learning.reward_grants.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN learning.reward_grants.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.reward_grants.auth_user_id IS 'Learner.';
COMMENT ON COLUMN learning.reward_grants.source_type IS 'What was completed: step, quest, chapter or path.';
COMMENT ON COLUMN learning.reward_grants.source_id IS 'Which one; no foreign key, for the grant outlives it.';
COMMENT ON COLUMN learning.reward_grants.correlation_id IS 'Shared by all events of the cascade.';
COMMENT ON COLUMN learning.reward_grants.attempt_id IS 'Attempt it came from, for steps and quests.';
COMMENT ON COLUMN learning.reward_grants.quest_version IS 'Version of the quest, for steps and quests.';
COMMENT ON COLUMN learning.reward_grants.experience_points IS 'XP granted.';
COMMENT ON COLUMN learning.reward_grants.skill_points IS 'Skill points granted, by skill slug.';
COMMENT ON COLUMN learning.reward_grants.created_at IS 'When.';
CREATE INDEX ix_reward_grants_correlation_id ON learning.reward_grants (guild_id, correlation_id);
CREATE INDEX ix_reward_grants_source ON learning.reward_grants (guild_id, source_type, source_id, created_at);
CREATE TRIGGER tg_reward_grants_append_only BEFORE UPDATE OR DELETE ON learning.reward_grants
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_reward_grants_no_truncate BEFORE TRUNCATE ON learning.reward_grants
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();

-- Questions to draw from --------------------------------------------------------------------------------------------------------

CREATE TABLE learning.question_banks (
    guild_id bigint NOT NULL,
    slug text NOT NULL,
    title text NOT NULL,
    questions jsonb NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    retired_at timestamptz,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_question_banks PRIMARY KEY (guild_id, slug),
    CONSTRAINT ck_question_banks_slug CHECK (slug ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    CONSTRAINT ck_question_banks_title CHECK (length(title) BETWEEN 1 AND 255),
    CONSTRAINT ck_question_banks_questions CHECK (
        jsonb_typeof(questions) = 'array' AND octet_length(questions::text) <= 4194304),
    CONSTRAINT ck_question_banks_revision CHECK (revision > 0)
);
COMMENT ON TABLE learning.question_banks IS
    'Questions that quizzes draw from. Publishing a quest copies them into its version, so that a bank may change meanwhile.';
COMMENT ON COLUMN learning.question_banks.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN learning.question_banks.slug IS 'Short name, unique in the guild.';
COMMENT ON COLUMN learning.question_banks.title IS 'Title.';
COMMENT ON COLUMN learning.question_banks.questions IS 'The questions with their keys. Never sent to learners.';
COMMENT ON COLUMN learning.question_banks.revision IS 'Raised by every change, so that of two authors at once the later is told.';
COMMENT ON COLUMN learning.question_banks.retired_at IS 'When it was retired.';
COMMENT ON COLUMN learning.question_banks.created_by IS 'Author, an auth_user_id; a soft reference, null for the command line.';
COMMENT ON COLUMN learning.question_banks.created_at IS 'When the row was made.';
COMMENT ON COLUMN learning.question_banks.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_question_banks_touch BEFORE UPDATE ON learning.question_banks
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- What happens elsewhere ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION learning.has_happened(p_guild bigint, p_user bigint, p_what jsonb, p_since timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT CASE
        WHEN p_what->'challenge' IS NOT NULL THEN EXISTS (
            SELECT FROM challenges.challenges c
             WHERE c.guild_id = p_guild AND c.slug = p_what->>'challenge'
               AND c.parts = (SELECT count(DISTINCT s.part) FROM challenges.challenge_submissions s
                               WHERE s.guild_id = p_guild AND s.challenge_id = c.id AND s.is_correct
                                 AND (s.participant_id = p_user::text
                                      OR s.participant_id IN (SELECT r.squad_id::text FROM campaigns.campaign_squad_rosters r
                                                               WHERE r.guild_id = p_guild AND r.campaign_id = c.campaign_id
                                                                 AND r.user_id = p_user))))
        WHEN p_what->'achievement' IS NOT NULL THEN EXISTS (
            SELECT FROM progress.user_achievements a
             WHERE a.guild_id = p_guild AND a.user_id = p_user AND a.achievement_id = (p_what->>'achievement')::int
               AND a.revoked_at IS NULL)
        WHEN p_what->'board_quests' IS NOT NULL THEN (p_what->>'board_quests')::int <= (
            SELECT count(*) FROM community.quests q
             WHERE q.guild_id = p_guild AND q.claimed_by = p_user AND q.status = 'complete' AND q.completed_at >= p_since)
        WHEN p_what->'threads' IS NOT NULL THEN (p_what->>'threads')::int <= (
            SELECT count(*) FROM lake.event_lake e
             WHERE e.guild_id = p_guild AND e.user_id = p_user AND e.event_type = 'thread_create' AND e."timestamp" >= p_since)
        WHEN p_what->'voice_minutes' IS NOT NULL THEN (p_what->>'voice_minutes')::int <= 10 * (
            SELECT count(*) FROM progress.activity_log l
             WHERE l.guild_id = p_guild AND l.user_id = p_user AND l.event_type = 'VOICE_TICK' AND l.xp_delta > 0
               AND l."timestamp" >= p_since)
        ELSE false END
    $$;
COMMENT ON FUNCTION learning.has_happened(bigint, bigint, jsonb, timestamptz) IS
    'Whether what completes a step elsewhere has happened to a member: a challenge solved or an achievement earned, whenever that was; quests of '
    'the board, threads and minutes of talk (a tick is ten) since a time.';
