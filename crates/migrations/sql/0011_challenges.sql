-- Challenges: what is asked, the inputs made for each participant, what was answered (seed 000).

CREATE SCHEMA challenges;
COMMENT ON SCHEMA challenges IS 'Challenges of campaigns: generated inputs, submissions, rate limits, hints.';

CREATE TABLE challenges.challenges (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    campaign_id uuid NOT NULL,
    order_position integer NOT NULL,
    slug text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    part_descriptions text[] NOT NULL DEFAULT '{}',
    language text NOT NULL DEFAULT 'en',
    parts integer NOT NULL DEFAULT 1,
    generation_script text NOT NULL,
    script_updated_at timestamptz NOT NULL DEFAULT now(),
    script_version integer NOT NULL DEFAULT 1,
    script_error text,
    script_failed_version integer,
    script_failed_at timestamptz,
    categories jsonb NOT NULL DEFAULT '[]',
    difficulty_level integer,
    closes_after_minutes integer,
    answer_rules jsonb,
    files_digest text,
    checker_script text,
    checker_version integer NOT NULL DEFAULT 1,
    checker_failed_version integer,
    checker_error text,
    released_at timestamptz,
    closes_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_challenges PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_challenges_campaign_id_campaigns FOREIGN KEY (guild_id, campaign_id)
        REFERENCES campaigns.campaigns (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_challenges_campaign_order UNIQUE (guild_id, campaign_id, order_position) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT uq_challenges_campaign_slug UNIQUE (guild_id, campaign_id, slug),
    CONSTRAINT ck_challenges_slug CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    CONSTRAINT ck_challenges_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
    CONSTRAINT ck_challenges_description_length CHECK (char_length(description) <= 100000),
    CONSTRAINT ck_challenges_part_descriptions CHECK (cardinality(part_descriptions) <= 9),
    CONSTRAINT ck_challenges_language CHECK (language ~ '^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$'),
    CONSTRAINT ck_challenges_script_length CHECK (octet_length(generation_script) BETWEEN 1 AND 262144),
    CONSTRAINT ck_challenges_checker_length CHECK (octet_length(checker_script) BETWEEN 1 AND 262144),
    CONSTRAINT ck_challenges_order_positive CHECK (order_position > 0),
    CONSTRAINT ck_challenges_difficulty_range CHECK (difficulty_level BETWEEN 1 AND 10),
    CONSTRAINT ck_challenges_parts CHECK (parts BETWEEN 1 AND 10),
    CONSTRAINT ck_challenges_closes_after CHECK (closes_after_minutes BETWEEN 1 AND 5256000),
    CONSTRAINT ck_challenges_categories CHECK (jsonb_typeof(categories) = 'array'),
    CONSTRAINT ck_challenges_answer_rules CHECK (jsonb_typeof(answer_rules) = 'array' AND jsonb_array_length(answer_rules) BETWEEN 1 AND 10)
);
CREATE STATISTICS challenges.st_challenges (dependencies) ON guild_id, campaign_id FROM challenges.challenges;
COMMENT ON TABLE challenges.challenges IS 'A challenge: a text, and a script that makes an input and its answers for each participant.';
COMMENT ON COLUMN challenges.challenges.id IS 'Time-ordered id.';
COMMENT ON COLUMN challenges.challenges.campaign_id IS 'The campaign it belongs to.';
COMMENT ON COLUMN challenges.challenges.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.challenges.order_position IS 'Place in the campaign, from 1; decides when it is released.';
COMMENT ON COLUMN challenges.challenges.slug IS 'Folder name on import and export; part of what inputs are seeded with, so it outlives a re-import.';
COMMENT ON COLUMN challenges.challenges.title IS 'Title, 1 to 200 characters.';
COMMENT ON COLUMN challenges.challenges.description IS 'Markdown; of part one where there are several.';
COMMENT ON COLUMN challenges.challenges.part_descriptions IS 'Markdown of each part from the second, shown once the part before it is solved.';
COMMENT ON COLUMN challenges.challenges.language IS 'The language of title and texts, as a tag: de, pt-BR. Others are in challenge_translations.';
COMMENT ON COLUMN challenges.challenges.parts IS 'How many answers it has: 1 to 10.';
COMMENT ON COLUMN challenges.challenges.generation_script IS 'The Python script that makes inputs; for admins only.';
COMMENT ON COLUMN challenges.challenges.script_updated_at IS 'When the script last changed.';
COMMENT ON COLUMN challenges.challenges.script_version IS 'Counts changes of the script; a cached input knows the version that made it.';
COMMENT ON COLUMN challenges.challenges.script_error IS 'How the script last failed, in words for its author; null while it has not.';
COMMENT ON COLUMN challenges.challenges.script_failed_version IS 'The version that failed: admins are told once for each.';
COMMENT ON COLUMN challenges.challenges.script_failed_at IS 'When it first failed in that version.';
COMMENT ON COLUMN challenges.challenges.categories IS 'Tags for admins, a JSON array of texts; never shown to participants.';
COMMENT ON COLUMN challenges.challenges.difficulty_level IS '1 to 10, for admins; never shown to participants.';
COMMENT ON COLUMN challenges.challenges.closes_after_minutes IS 'Takes no answers this many minutes after its release; null stays open to the end.';
COMMENT ON COLUMN challenges.challenges.answer_rules IS 'How answers are compared and what parts bring, a JSON array: one object for all parts or one each; null compares exactly, for the campaign''s points.';
COMMENT ON COLUMN challenges.challenges.files_digest IS 'SHA-256 over the files that its script finds, its own and the campaign''s, in hex; null where there are none.';
COMMENT ON COLUMN challenges.challenges.checker_script IS 'The Python script that says whether an answer is right; null where answers are compared.';
COMMENT ON COLUMN challenges.challenges.checker_version IS 'Counts changes of the checker.';
COMMENT ON COLUMN challenges.challenges.checker_failed_version IS 'The version of the checker that failed: admins are told once for each.';
COMMENT ON COLUMN challenges.challenges.checker_error IS 'How the checker last failed, in words for its author; null while it has not.';
COMMENT ON COLUMN challenges.challenges.released_at IS 'When it was released; null while it is secret.';
COMMENT ON COLUMN challenges.challenges.closes_at IS 'released_at + closes_after_minutes.';
COMMENT ON COLUMN challenges.challenges.created_at IS 'When the row was made.';
COMMENT ON COLUMN challenges.challenges.updated_at IS 'When the row last changed.';
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON challenges.challenges
    FOR EACH ROW WHEN (OLD.updated_at = NEW.updated_at AND OLD.* IS DISTINCT FROM NEW.*)
    EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE challenges.challenge_translations (
    guild_id bigint NOT NULL,
    challenge_id uuid NOT NULL,
    language text NOT NULL,
    title text,
    description text NOT NULL,
    part_descriptions text[] NOT NULL DEFAULT '{}',
    CONSTRAINT pk_challenge_translations PRIMARY KEY (guild_id, challenge_id, language),
    CONSTRAINT fk_challenge_translations_challenge_id_challenges FOREIGN KEY (guild_id, challenge_id)
        REFERENCES challenges.challenges (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_challenge_translations_language CHECK (language ~ '^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$'),
    CONSTRAINT ck_challenge_translations_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
    CONSTRAINT ck_challenge_translations_description_length CHECK (char_length(description) <= 100000),
    CONSTRAINT ck_challenge_translations_part_descriptions CHECK (cardinality(part_descriptions) <= 9)
);
COMMENT ON TABLE challenges.challenge_translations IS 'The texts of a challenge in further languages; readers whose language is not here get the challenge''s own.';
COMMENT ON COLUMN challenges.challenge_translations.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.challenge_translations.challenge_id IS 'The challenge.';
COMMENT ON COLUMN challenges.challenge_translations.language IS 'The language, as a tag: de, pt-BR.';
COMMENT ON COLUMN challenges.challenge_translations.title IS 'Title, 1 to 200 characters; null where it is the challenge''s own.';
COMMENT ON COLUMN challenges.challenge_translations.description IS 'Markdown, as in challenges.';
COMMENT ON COLUMN challenges.challenge_translations.part_descriptions IS 'Markdown of each part from the second, as in challenges.';

CREATE TABLE challenges.challenge_files (
    guild_id bigint NOT NULL,
    challenge_id uuid NOT NULL,
    kind text NOT NULL,
    path text NOT NULL,
    content bytea NOT NULL,
    width integer,
    height integer,
    CONSTRAINT pk_challenge_files PRIMARY KEY (guild_id, challenge_id, kind, path),
    CONSTRAINT fk_challenge_files_challenge_id_challenges FOREIGN KEY (guild_id, challenge_id)
        REFERENCES challenges.challenges (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_challenge_files_kind CHECK (kind IN ('script', 'attachment')),
    CONSTRAINT ck_challenge_files_path CHECK (octet_length(path) BETWEEN 1 AND 200),
    CONSTRAINT ck_challenge_files_content CHECK (octet_length(content) <= 8388608),
    CONSTRAINT ck_challenge_files_size CHECK (num_nulls(width, height) IN (0, 2) AND width BETWEEN 1 AND 65535 AND height BETWEEN 1 AND 65535)
);
ALTER TABLE challenges.challenge_files ALTER COLUMN content SET COMPRESSION lz4;
COMMENT ON TABLE challenges.challenge_files IS 'An author''s files of a challenge: those that its script finds beside it, and those that participants download.';
COMMENT ON COLUMN challenges.challenge_files.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.challenge_files.challenge_id IS 'The challenge.';
COMMENT ON COLUMN challenges.challenge_files.kind IS 'script: beside the script, for nobody else; attachment: for participants once the challenge is released.';
COMMENT ON COLUMN challenges.challenge_files.path IS 'Its path under files/, or an attachment''s name.';
COMMENT ON COLUMN challenges.challenge_files.content IS 'What it holds.';
COMMENT ON COLUMN challenges.challenge_files.width IS 'How wide it is shown in pixels, if it is a picture that says so: what pages keep free.';
COMMENT ON COLUMN challenges.challenge_files.height IS 'How high it is shown in pixels.';

CREATE TABLE challenges.campaign_library (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    path text NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT pk_campaign_library PRIMARY KEY (guild_id, campaign_id, path),
    CONSTRAINT fk_campaign_library_campaign_id_campaigns FOREIGN KEY (guild_id, campaign_id)
        REFERENCES campaigns.campaigns (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_campaign_library_path CHECK (octet_length(path) BETWEEN 1 AND 200),
    CONSTRAINT ck_campaign_library_content CHECK (octet_length(content) <= 8388608)
);
ALTER TABLE challenges.campaign_library ALTER COLUMN content SET COMPRESSION lz4;
COMMENT ON TABLE challenges.campaign_library IS 'Files that all scripts of a campaign share: what they import.';
COMMENT ON COLUMN challenges.campaign_library.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.campaign_library.campaign_id IS 'The campaign.';
COMMENT ON COLUMN challenges.campaign_library.path IS 'Its path under lib/.';
COMMENT ON COLUMN challenges.campaign_library.content IS 'What it holds.';

CREATE TABLE challenges.challenge_parts (
    guild_id bigint NOT NULL,
    challenge_id uuid NOT NULL,
    part integer NOT NULL,
    solve_count integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_challenge_parts PRIMARY KEY (guild_id, challenge_id, part),
    CONSTRAINT fk_challenge_parts_challenge_id_challenges FOREIGN KEY (guild_id, challenge_id)
        REFERENCES challenges.challenges (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_challenge_parts_part CHECK (part BETWEEN 1 AND 10),
    CONSTRAINT ck_challenge_parts_solve_count CHECK (solve_count >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE challenges.challenge_parts IS 'How often each part was solved: the row whose lock makes positions exact.';
COMMENT ON COLUMN challenges.challenge_parts.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.challenge_parts.challenge_id IS 'The challenge.';
COMMENT ON COLUMN challenges.challenge_parts.part IS '1 to 10.';
COMMENT ON COLUMN challenges.challenge_parts.solve_count IS 'Solvers so far; the next one''s position is one more.';

CREATE TABLE challenges.challenge_hints (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    challenge_id uuid NOT NULL,
    position integer NOT NULL,
    part integer NOT NULL DEFAULT 1,
    body text NOT NULL,
    cost_bytes bigint NOT NULL DEFAULT 0,
    penalty bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_challenge_hints PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_challenge_hints_challenge_id_challenges FOREIGN KEY (guild_id, challenge_id)
        REFERENCES challenges.challenges (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_challenge_hints_position UNIQUE (guild_id, challenge_id, position),
    CONSTRAINT ck_challenge_hints_body_length CHECK (char_length(body) BETWEEN 1 AND 10000),
    CONSTRAINT ck_challenge_hints_part CHECK (part BETWEEN 1 AND 10),
    CONSTRAINT ck_challenge_hints_costs CHECK (cost_bytes BETWEEN 0 AND 1000000000 AND penalty BETWEEN 0 AND 1000000000)
);
COMMENT ON TABLE challenges.challenge_hints IS 'Hints of a challenge, unlocked at a cost.';
COMMENT ON COLUMN challenges.challenge_hints.id IS 'Time-ordered id.';
COMMENT ON COLUMN challenges.challenge_hints.challenge_id IS 'The challenge.';
COMMENT ON COLUMN challenges.challenge_hints.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.challenge_hints.position IS 'Order among the challenge''s hints, from 1.';
COMMENT ON COLUMN challenges.challenge_hints.part IS 'The part it helps with; hints of a later part open with it.';
COMMENT ON COLUMN challenges.challenge_hints.body IS 'Markdown, at most 10,000 characters; shown once unlocked.';
COMMENT ON COLUMN challenges.challenge_hints.cost_bytes IS 'Bytes paid by who unlocks it.';
COMMENT ON COLUMN challenges.challenge_hints.penalty IS 'Points (point_based) or seconds (time_based) off the participant''s score.';

CREATE TABLE challenges.hint_unlocks (
    guild_id bigint NOT NULL,
    hint_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    participant_id text NOT NULL,
    unlocked_by bigint NOT NULL,
    cost_bytes bigint NOT NULL,
    penalty bigint NOT NULL,
    unlocked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_hint_unlocks PRIMARY KEY (guild_id, hint_id, participant_id),
    CONSTRAINT fk_hint_unlocks_hint_id_challenge_hints FOREIGN KEY (guild_id, hint_id)
        REFERENCES challenges.challenge_hints (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_hint_unlocks_participant FOREIGN KEY (guild_id, campaign_id, participant_id)
        REFERENCES campaigns.campaign_participants (guild_id, campaign_id, participant_id) ON DELETE CASCADE
);
CREATE INDEX ix_hint_unlocks_participant ON challenges.hint_unlocks (campaign_id, participant_id);
COMMENT ON TABLE challenges.hint_unlocks IS 'Who unlocked which hint, at what cost at that time; once per participant.';
COMMENT ON COLUMN challenges.hint_unlocks.hint_id IS 'The hint.';
COMMENT ON COLUMN challenges.hint_unlocks.campaign_id IS 'Its campaign.';
COMMENT ON COLUMN challenges.hint_unlocks.participant_id IS 'The participant.';
COMMENT ON COLUMN challenges.hint_unlocks.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.hint_unlocks.unlocked_by IS 'The member who unlocked it, and paid.';
COMMENT ON COLUMN challenges.hint_unlocks.cost_bytes IS 'Bytes paid.';
COMMENT ON COLUMN challenges.hint_unlocks.penalty IS 'Penalty taken.';
COMMENT ON COLUMN challenges.hint_unlocks.unlocked_at IS 'When.';

CREATE TABLE challenges.generated_input_cache (
    guild_id bigint NOT NULL,
    challenge_id uuid NOT NULL,
    participant_id text NOT NULL,
    participant_type text NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    campaign_id uuid NOT NULL,
    input_json jsonb NOT NULL,
    expected_results text[] NOT NULL,
    script_version integer NOT NULL,
    is_valid boolean NOT NULL DEFAULT true,
    generation_timestamp timestamptz NOT NULL DEFAULT now(),
    first_request_timestamp timestamptz,
    CONSTRAINT pk_generated_input_cache PRIMARY KEY (guild_id, challenge_id, participant_id, participant_type),
    CONSTRAINT fk_generated_input_cache_challenge_id_challenges FOREIGN KEY (guild_id, challenge_id)
        REFERENCES challenges.challenges (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_generated_input_cache_participant_type CHECK (participant_type IN ('player', 'squad')),
    CONSTRAINT ck_generated_input_cache_expected_results CHECK (cardinality(expected_results) BETWEEN 1 AND 10)
) WITH (fillfactor = 85);
ALTER TABLE challenges.generated_input_cache ALTER COLUMN input_json SET COMPRESSION lz4;
COMMENT ON TABLE challenges.generated_input_cache IS 'The input made for each participant, with its answers, which leave the server for nobody but admins.';
COMMENT ON COLUMN challenges.generated_input_cache.id IS 'Time-ordered id (000), in the order of making; the key is the participant.';
COMMENT ON COLUMN challenges.generated_input_cache.challenge_id IS 'The challenge.';
COMMENT ON COLUMN challenges.generated_input_cache.campaign_id IS 'Its campaign.';
COMMENT ON COLUMN challenges.generated_input_cache.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.generated_input_cache.participant_id IS 'The participant it was made for.';
COMMENT ON COLUMN challenges.generated_input_cache.participant_type IS 'player or squad.';
COMMENT ON COLUMN challenges.generated_input_cache.input_json IS 'The input: a JSON string for text, or any JSON.';
COMMENT ON COLUMN challenges.generated_input_cache.expected_results IS 'The answers, one for each part; several right ones to a part are parted by U+001F.';
COMMENT ON COLUMN challenges.generated_input_cache.script_version IS 'The version of the script that made it.';
COMMENT ON COLUMN challenges.generated_input_cache.is_valid IS 'False once the script changed before the participant saw the input: it is then made anew.';
COMMENT ON COLUMN challenges.generated_input_cache.generation_timestamp IS 'When it was made.';
COMMENT ON COLUMN challenges.generated_input_cache.first_request_timestamp IS 'When the participant first asked for it: time_based scoring counts from here.';

CREATE TABLE challenges.input_files (
    guild_id bigint NOT NULL,
    challenge_id uuid NOT NULL,
    participant_id text NOT NULL,
    participant_type text NOT NULL,
    name text NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT pk_input_files PRIMARY KEY (guild_id, challenge_id, participant_id, participant_type, name),
    CONSTRAINT fk_input_files_generated_input_cache FOREIGN KEY (guild_id, challenge_id, participant_id, participant_type)
        REFERENCES challenges.generated_input_cache (guild_id, challenge_id, participant_id, participant_type) ON DELETE CASCADE,
    CONSTRAINT ck_input_files_name CHECK (octet_length(name) BETWEEN 1 AND 200),
    CONSTRAINT ck_input_files_content CHECK (octet_length(content) <= 4194304)
);
ALTER TABLE challenges.input_files ALTER COLUMN content SET COMPRESSION lz4;
COMMENT ON TABLE challenges.input_files IS 'Files that a script made for a participant, beside the input.';
COMMENT ON COLUMN challenges.input_files.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.input_files.challenge_id IS 'The challenge.';
COMMENT ON COLUMN challenges.input_files.participant_id IS 'The participant it was made for.';
COMMENT ON COLUMN challenges.input_files.participant_type IS 'player or squad.';
COMMENT ON COLUMN challenges.input_files.name IS 'Its name.';
COMMENT ON COLUMN challenges.input_files.content IS 'What it holds.';

CREATE TABLE challenges.challenge_submissions (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    challenge_id uuid NOT NULL,
    participant_id text NOT NULL,
    participant_type text NOT NULL,
    user_id bigint NOT NULL,
    part integer NOT NULL,
    submitted_result text NOT NULL,
    is_correct boolean NOT NULL,
    points_awarded integer NOT NULL DEFAULT 0,
    solve_position integer,
    elapsed_ms bigint,
    submission_timestamp timestamptz NOT NULL DEFAULT now(),
    share_percent integer,
    checker_message text,
    CONSTRAINT pk_challenge_submissions PRIMARY KEY (guild_id, campaign_id, id),
    CONSTRAINT fk_challenge_submissions_challenge_id_challenges FOREIGN KEY (guild_id, challenge_id)
        REFERENCES challenges.challenges (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_challenge_submissions_participant FOREIGN KEY (guild_id, campaign_id, participant_id)
        REFERENCES campaigns.campaign_participants (guild_id, campaign_id, participant_id) ON DELETE CASCADE,
    CONSTRAINT ck_challenge_submissions_participant_type CHECK (participant_type IN ('player', 'squad')),
    CONSTRAINT ck_challenge_submissions_points_non_negative CHECK (points_awarded >= 0),
    CONSTRAINT ck_challenge_submissions_part CHECK (part BETWEEN 1 AND 10),
    CONSTRAINT ck_challenge_submissions_result_length CHECK (octet_length(submitted_result) <= 4096),
    CONSTRAINT ck_challenge_submissions_checker CHECK (share_percent BETWEEN 1 AND 99 AND (is_correct OR share_percent IS NULL)
        AND char_length(checker_message) <= 500),
    CONSTRAINT ck_challenge_submissions_correct CHECK (
        is_correct = (solve_position IS NOT NULL) AND is_correct = (elapsed_ms IS NOT NULL)
        AND (is_correct OR points_awarded = 0) AND elapsed_ms >= 0)
);
CREATE INDEX ix_challenge_submissions_participant ON challenges.challenge_submissions (campaign_id, participant_id, id);
CREATE INDEX ix_challenge_submissions_challenge_id ON challenges.challenge_submissions (challenge_id, id);
-- The participant before the part: all that somebody has solved of a challenge is one range.
CREATE UNIQUE INDEX uq_challenge_submissions_solved ON challenges.challenge_submissions (guild_id, challenge_id, participant_id, part)
    WHERE is_correct;
-- `solve_position > 0` is always so. It is there to keep this index out of the plans that ask whether a participant has
-- solved a part: with old statistics it looks as good as the one above, and then reads every solver.
CREATE UNIQUE INDEX uq_challenge_submissions_position ON challenges.challenge_submissions (guild_id, challenge_id, part, solve_position)
    WHERE is_correct AND solve_position > 0;
CREATE INDEX ix_challenge_submissions_timestamp ON challenges.challenge_submissions USING brin (submission_timestamp);
CREATE STATISTICS challenges.st_challenge_submissions (dependencies) ON guild_id, campaign_id, challenge_id
    FROM challenges.challenge_submissions;
COMMENT ON TABLE challenges.challenge_submissions IS 'Every judged answer: the journal from which all scores can be re-derived.';
COMMENT ON COLUMN challenges.challenge_submissions.id IS 'Time-ordered id.';
COMMENT ON COLUMN challenges.challenge_submissions.challenge_id IS 'The challenge.';
COMMENT ON COLUMN challenges.challenge_submissions.campaign_id IS 'Its campaign.';
COMMENT ON COLUMN challenges.challenge_submissions.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.challenge_submissions.participant_id IS 'The participant it counts for.';
COMMENT ON COLUMN challenges.challenge_submissions.participant_type IS 'player or squad.';
COMMENT ON COLUMN challenges.challenge_submissions.user_id IS 'The member who submitted it.';
COMMENT ON COLUMN challenges.challenge_submissions.part IS 'The part answered.';
COMMENT ON COLUMN challenges.challenge_submissions.submitted_result IS 'The answer as judged (trimmed), at most 4 KiB.';
COMMENT ON COLUMN challenges.challenge_submissions.is_correct IS 'Whether it was right.';
COMMENT ON COLUMN challenges.challenge_submissions.points_awarded IS 'max(0, starting_points - (solve_position-1) x points_decrease_step) for a right one in point_based campaigns, else 0.';
COMMENT ON COLUMN challenges.challenge_submissions.solve_position IS 'The k-th solver of this part, from 1; null when wrong.';
COMMENT ON COLUMN challenges.challenge_submissions.elapsed_ms IS 'Milliseconds since the participant''s first request of the input; null when wrong.';
COMMENT ON COLUMN challenges.challenge_submissions.submission_timestamp IS 'When it arrived, by the database''s clock.';
COMMENT ON COLUMN challenges.challenge_submissions.share_percent IS 'What share of the points a checker gave a right answer; null for all of them.';
COMMENT ON COLUMN challenges.challenge_submissions.checker_message IS 'What a checker told the participant.';

CREATE TABLE challenges.pending_checks (
    guild_id bigint NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    challenge_id uuid NOT NULL,
    participant_id text NOT NULL,
    participant_type text NOT NULL,
    user_id bigint NOT NULL,
    part integer NOT NULL,
    answer text NOT NULL,
    arrived_at timestamptz NOT NULL,
    claimed_until timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_pending_checks PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_pending_checks_challenge_id_challenges FOREIGN KEY (guild_id, challenge_id)
        REFERENCES challenges.challenges (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_pending_checks_participant FOREIGN KEY (guild_id, campaign_id, participant_id)
        REFERENCES campaigns.campaign_participants (guild_id, campaign_id, participant_id) ON DELETE CASCADE,
    CONSTRAINT ck_pending_checks_participant_type CHECK (participant_type IN ('player', 'squad')),
    CONSTRAINT ck_pending_checks_part CHECK (part BETWEEN 1 AND 10),
    CONSTRAINT ck_pending_checks_answer_length CHECK (octet_length(answer) <= 4096)
);
CREATE INDEX ix_pending_checks_participant ON challenges.pending_checks (guild_id, campaign_id, participant_id);
CREATE INDEX ix_pending_checks_challenge ON challenges.pending_checks (guild_id, challenge_id);
CREATE INDEX ix_pending_checks_claimed_until ON challenges.pending_checks (claimed_until);
COMMENT ON TABLE challenges.pending_checks IS 'Answers that wait for their checker: kept, so that a kill loses none. A row is taken out by who gives the verdict.';
COMMENT ON COLUMN challenges.pending_checks.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.pending_checks.id IS 'The id that the answer will be recorded under.';
COMMENT ON COLUMN challenges.pending_checks.campaign_id IS 'Its campaign.';
COMMENT ON COLUMN challenges.pending_checks.challenge_id IS 'The challenge.';
COMMENT ON COLUMN challenges.pending_checks.participant_id IS 'The participant it counts for.';
COMMENT ON COLUMN challenges.pending_checks.participant_type IS 'player or squad.';
COMMENT ON COLUMN challenges.pending_checks.user_id IS 'The member who submitted it.';
COMMENT ON COLUMN challenges.pending_checks.part IS 'The part answered.';
COMMENT ON COLUMN challenges.pending_checks.answer IS 'The answer (trimmed), at most 4 KiB.';
COMMENT ON COLUMN challenges.pending_checks.arrived_at IS 'When it arrived, by the database''s clock: as of then it is judged.';
COMMENT ON COLUMN challenges.pending_checks.claimed_until IS 'Until then a node has it to itself; after that another one takes it up.';
COMMENT ON COLUMN challenges.pending_checks.attempts IS 'How often it was taken up after its first node had not come back to it.';

CREATE TABLE challenges.borrowed_answers (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    submission_id uuid NOT NULL,
    challenge_id uuid NOT NULL,
    part integer NOT NULL,
    participant_id text NOT NULL,
    participant_type text NOT NULL,
    user_id bigint NOT NULL,
    submitted_at timestamptz NOT NULL,
    owner_id text NOT NULL,
    owner_solved_at timestamptz,
    found_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_borrowed_answers PRIMARY KEY (guild_id, campaign_id, submission_id),
    CONSTRAINT fk_borrowed_answers_submission FOREIGN KEY (guild_id, campaign_id, submission_id)
        REFERENCES challenges.challenge_submissions (guild_id, campaign_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_borrowed_answers_participant_type CHECK (participant_type IN ('player', 'squad')),
    CONSTRAINT ck_borrowed_answers_part CHECK (part BETWEEN 1 AND 10)
);
COMMENT ON TABLE challenges.borrowed_answers IS 'Wrong answers that are the right ones to somebody else''s input, for staff.';
COMMENT ON COLUMN challenges.borrowed_answers.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.borrowed_answers.campaign_id IS 'The campaign.';
COMMENT ON COLUMN challenges.borrowed_answers.submission_id IS 'The answer.';
COMMENT ON COLUMN challenges.borrowed_answers.challenge_id IS 'The challenge.';
COMMENT ON COLUMN challenges.borrowed_answers.part IS 'The part answered.';
COMMENT ON COLUMN challenges.borrowed_answers.participant_id IS 'Who submitted it: a player''s snowflake or a squad''s uuid.';
COMMENT ON COLUMN challenges.borrowed_answers.participant_type IS 'player or squad.';
COMMENT ON COLUMN challenges.borrowed_answers.user_id IS 'The member who submitted it.';
COMMENT ON COLUMN challenges.borrowed_answers.submitted_at IS 'When it arrived.';
COMMENT ON COLUMN challenges.borrowed_answers.owner_id IS 'The participant whose input it answers.';
COMMENT ON COLUMN challenges.borrowed_answers.owner_solved_at IS 'When that one solved the part; null where they had not.';
COMMENT ON COLUMN challenges.borrowed_answers.found_at IS 'When it was found.';

CREATE TABLE challenges.borrowed_looks (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    submission_id uuid NOT NULL,
    looked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_borrowed_looks PRIMARY KEY (guild_id, campaign_id, submission_id),
    CONSTRAINT fk_borrowed_looks_submission FOREIGN KEY (guild_id, campaign_id, submission_id)
        REFERENCES challenges.challenge_submissions (guild_id, campaign_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_borrowed_looks_looked_at ON challenges.borrowed_looks USING brin (looked_at);
COMMENT ON TABLE challenges.borrowed_looks IS 'Wrong answers of the last minutes that were held against the other inputs, so that each is once. (They are not written in the order of their times, so a time up to which one has looked would miss some.)';
COMMENT ON COLUMN challenges.borrowed_looks.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.borrowed_looks.campaign_id IS 'The campaign.';
COMMENT ON COLUMN challenges.borrowed_looks.submission_id IS 'The answer.';
COMMENT ON COLUMN challenges.borrowed_looks.looked_at IS 'When it was looked at.';

CREATE TABLE challenges.submission_rate_limits (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    participant_id text NOT NULL,
    submission_timestamp timestamptz NOT NULL DEFAULT now(),
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    participant_type text NOT NULL,
    CONSTRAINT pk_submission_rate_limits PRIMARY KEY (guild_id, campaign_id, participant_id, submission_timestamp, id),
    CONSTRAINT ck_submission_rate_limits_participant_type CHECK (participant_type IN ('player', 'squad'))
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX ix_submission_rate_limits_timestamp ON challenges.submission_rate_limits USING brin (submission_timestamp);
COMMENT ON TABLE challenges.submission_rate_limits IS 'Answers that counted against the sliding windows; rows older than the longest window are cleaned up.';
COMMENT ON COLUMN challenges.submission_rate_limits.id IS 'Running number (000 had a uuid; rows live minutes).';
COMMENT ON COLUMN challenges.submission_rate_limits.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN challenges.submission_rate_limits.campaign_id IS 'The campaign: each has windows of its own.';
COMMENT ON COLUMN challenges.submission_rate_limits.participant_id IS 'The participant.';
COMMENT ON COLUMN challenges.submission_rate_limits.participant_type IS 'player or squad.';
COMMENT ON COLUMN challenges.submission_rate_limits.submission_timestamp IS 'When the answer arrived.';

-- Each release schedules the next; a challenge added to a running campaign, or a release that a re-ordering moved, takes
-- the chain up again. Late ones are due now: the timers' trigger refuses the past.
CREATE FUNCTION campaigns.schedule_next_releases(guild_ids bigint[], campaign_ids uuid[]) RETURNS integer LANGUAGE sql AS $$
    WITH next AS (
        SELECT DISTINCT ON (ch.guild_id, ch.campaign_id) ch.guild_id, ch.campaign_id, ch.order_position,
               c.start_time + (ch.order_position - 1) * c.release_delay_minutes * interval '1 minute' AS due
        FROM unnest(guild_ids, campaign_ids) AS asked (guild_id, campaign_id)
        JOIN campaigns.campaigns c ON c.guild_id = asked.guild_id AND c.id = asked.campaign_id AND c.status = 'RUNNING'
        JOIN challenges.challenges ch ON ch.guild_id = c.guild_id AND ch.campaign_id = c.id AND ch.released_at IS NULL
        ORDER BY ch.guild_id, ch.campaign_id, ch.order_position
    ), scheduled AS (
        INSERT INTO campaigns.campaign_timers (guild_id, campaign_id, timer_type, scheduled_at, payload)
        SELECT guild_id, campaign_id, 'RELEASE_CHALLENGE', greatest(due, now()),
               jsonb_build_object('order_position', order_position, 'nominal_at', due)
        FROM next ORDER BY guild_id, campaign_id
        ON CONFLICT (guild_id, campaign_id, timer_type) WHERE status IN ('PENDING', 'RUNNING')
        DO UPDATE SET scheduled_at = excluded.scheduled_at, payload = excluded.payload
        RETURNING 1
    )
    SELECT count(*)::integer FROM scheduled
$$;
COMMENT ON FUNCTION campaigns.schedule_next_releases(bigint[], uuid[]) IS 'Schedules (or moves) the release of the next unreleased challenge of each running campaign; answers how many.';

CREATE FUNCTION challenges.keep_release_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM campaigns.schedule_next_releases(array_agg(guild_id), array_agg(campaign_id))
    FROM (SELECT DISTINCT guild_id, campaign_id FROM new_rows) AS added;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION challenges.keep_release_chain() IS 'A challenge added to a running campaign is released in its turn, through whichever face it came.';
CREATE TRIGGER keep_release_chain AFTER INSERT ON challenges.challenges
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION challenges.keep_release_chain();
