-- Insight: what comes of learning when it is counted. Figures of quests, steps and questions; difficulty and ability; what to do next;
-- what to look at again.
--
-- Everything here is derived, but ratings, dismissals and reviews. learning.attempt_events is append-only: a trigger notes each event as
-- pending, and folding takes what is pending, puts what is derived of these attempts in place, and notes which days, quests and
-- questions have to be counted anew, all in one transaction under the lock of the guild's row. So an event counts once, however late it
-- comes and whatever dies. What depends on an order (Elo, who completed what after what) keeps the order in a journal of its own.

CREATE SCHEMA insight;
COMMENT ON SCHEMA insight IS 'Analytics, difficulty and ability, recommendations, spaced reviews: derived from learning.';

CREATE TABLE insight.guilds (
    guild_id bigint NOT NULL,
    next_place bigint NOT NULL DEFAULT 1,
    folded_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_guilds_of_insight PRIMARY KEY (guild_id),
    CONSTRAINT fk_guilds_of_insight_guild_id_guilds FOREIGN KEY (guild_id) REFERENCES people.guilds (guild_id),
    CONSTRAINT ck_guilds_of_insight_next_place CHECK (next_place > 0)
);
COMMENT ON TABLE insight.guilds IS
    'A guild whose learning is counted: its row is the lock under which that happens.';
COMMENT ON COLUMN insight.guilds.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.guilds.next_place IS 'Place that the next first try takes in its journal.';
COMMENT ON COLUMN insight.guilds.folded_at IS 'When events were last folded.';
COMMENT ON COLUMN insight.guilds.created_at IS 'When the row was made.';

CREATE TABLE insight.pending (
    guild_id bigint NOT NULL,
    event_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    CONSTRAINT pk_pending PRIMARY KEY (guild_id, event_id)
);
COMMENT ON TABLE insight.pending IS
    'Events of attempts that are not folded yet. No foreign keys: what is gone when its turn comes is derived as gone.';
COMMENT ON COLUMN insight.pending.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.pending.event_id IS 'The event (learning.attempt_events).';
COMMENT ON COLUMN insight.pending.attempt_id IS 'Its attempt.';

CREATE FUNCTION insight.note_events() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO insight.pending (guild_id, event_id, attempt_id) SELECT guild_id, id, attempt_id FROM noted;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION insight.note_events() IS 'AFTER trigger of learning.attempt_events: notes what is to be folded.';
CREATE TRIGGER tg_attempt_events_noted AFTER INSERT ON learning.attempt_events
    REFERENCING NEW TABLE AS noted FOR EACH STATEMENT EXECUTE FUNCTION insight.note_events();

CREATE TABLE insight.open_days (
    guild_id bigint NOT NULL,
    day date NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_open_days PRIMARY KEY (guild_id, day)
);
COMMENT ON TABLE insight.open_days IS
    'Days whose figures have to be made, or made again.';
COMMENT ON COLUMN insight.open_days.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.open_days.day IS 'Day, UTC.';
COMMENT ON COLUMN insight.open_days.noted_at IS 'Since when.';

CREATE TABLE insight.open_quests (
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_open_quests PRIMARY KEY (guild_id, quest_id)
);
COMMENT ON TABLE insight.open_quests IS
    'Quests whose figures have to be made again.';
COMMENT ON COLUMN insight.open_quests.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.open_quests.quest_id IS 'Quest.';
COMMENT ON COLUMN insight.open_quests.noted_at IS 'Since when.';

CREATE TABLE insight.open_subjects (
    guild_id bigint NOT NULL,
    subject_id uuid NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_open_subjects PRIMARY KEY (guild_id, subject_id)
);
COMMENT ON TABLE insight.open_subjects IS
    'Steps and assessments whose questions have to be analysed again.';
COMMENT ON COLUMN insight.open_subjects.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.open_subjects.subject_id IS 'Step or assessment that is tried.';
COMMENT ON COLUMN insight.open_subjects.noted_at IS 'Since when.';

CREATE TABLE insight.version_steps (
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    version integer NOT NULL,
    place integer NOT NULL,
    step_id uuid NOT NULL,
    is_optional boolean NOT NULL,
    CONSTRAINT pk_version_steps PRIMARY KEY (guild_id, quest_id, version, place),
    CONSTRAINT fk_version_steps_version_quest_versions FOREIGN KEY (guild_id, quest_id, version)
        REFERENCES learning.quest_versions (guild_id, quest_id, version),
    CONSTRAINT ck_version_steps_place CHECK (place > 0)
);
COMMENT ON TABLE insight.version_steps IS
    'Steps of quests'' versions in their order, read off the snapshots: a version''s steps never change.';
COMMENT ON COLUMN insight.version_steps.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.version_steps.quest_id IS 'Quest.';
COMMENT ON COLUMN insight.version_steps.version IS 'Version.';
COMMENT ON COLUMN insight.version_steps.place IS 'Place of the step in it, from 1.';
COMMENT ON COLUMN insight.version_steps.step_id IS 'Step.';
COMMENT ON COLUMN insight.version_steps.is_optional IS 'Whether the version is complete without it.';

CREATE TABLE insight.runs (
    guild_id bigint NOT NULL,
    attempt_id uuid NOT NULL,
    run integer NOT NULL,
    auth_user_id uuid NOT NULL,
    quest_id uuid NOT NULL,
    version integer NOT NULL,
    begun_at timestamptz NOT NULL,
    last_event_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT 'infinity',
    outcome text NOT NULL,
    active_seconds integer NOT NULL DEFAULT 0,
    place integer,
    worked_days date[] NOT NULL DEFAULT '{}',
    touched uuid[] NOT NULL DEFAULT '{}',
    done uuid[] NOT NULL DEFAULT '{}',
    skipped uuid[] NOT NULL DEFAULT '{}',
    events integer NOT NULL,
    CONSTRAINT pk_runs PRIMARY KEY (guild_id, attempt_id, run),
    CONSTRAINT fk_runs_attempt_id_user_quest_attempts FOREIGN KEY (guild_id, attempt_id)
        REFERENCES learning.user_quest_attempts (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_runs_version_quest_versions FOREIGN KEY (guild_id, quest_id, version)
        REFERENCES learning.quest_versions (guild_id, quest_id, version),
    CONSTRAINT ck_runs_outcome CHECK (
        outcome IN ('open', 'paused', 'waiting', 'completed', 'abandoned', 'idle')
        AND (ended_at < 'infinity') = (outcome IN ('completed', 'abandoned', 'idle'))),
    CONSTRAINT ck_runs_figures CHECK (run >= 0 AND active_seconds >= 0 AND events > 0 AND place > 0)
);
COMMENT ON TABLE insight.runs IS
    'Runs of attempts, from being begun to being completed or given up: a pure function of an attempt''s events and the time.';
COMMENT ON COLUMN insight.runs.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.runs.attempt_id IS 'Attempt.';
COMMENT ON COLUMN insight.runs.run IS 'Restarts before it: 0 is the first run.';
COMMENT ON COLUMN insight.runs.auth_user_id IS 'Learner.';
COMMENT ON COLUMN insight.runs.quest_id IS 'Quest.';
COMMENT ON COLUMN insight.runs.version IS 'Version it came to.';
COMMENT ON COLUMN insight.runs.begun_at IS 'First event.';
COMMENT ON COLUMN insight.runs.last_event_at IS 'Last event of the learner''s own.';
COMMENT ON COLUMN insight.runs.ended_at IS 'When it was completed or given up; infinity while it is neither.';
COMMENT ON COLUMN insight.runs.outcome IS
    'What became of it: open, paused, waiting (for a reviewer), completed, abandoned (said so), idle (14 days without an event).';
COMMENT ON COLUMN insight.runs.active_seconds IS 'Gaps between events up to completing, each of 30 minutes at most, pauses left out.';
COMMENT ON COLUMN insight.runs.place IS 'Place of the first step neither done nor skipped; null when there is none.';
COMMENT ON COLUMN insight.runs.worked_days IS 'Days, UTC, on which a step was worked on.';
COMMENT ON COLUMN insight.runs.touched IS 'Steps that were opened, tried, handed in, completed or skipped.';
COMMENT ON COLUMN insight.runs.done IS 'Steps completed.';
COMMENT ON COLUMN insight.runs.skipped IS 'Steps skipped.';
COMMENT ON COLUMN insight.runs.events IS 'Events it is derived from.';
CREATE INDEX ix_runs_version ON insight.runs (guild_id, quest_id, version);
CREATE INDEX ix_runs_ended_at ON insight.runs (guild_id, ended_at, begun_at);
CREATE INDEX ix_runs_idle ON insight.runs (guild_id, last_event_at) WHERE outcome = 'open';

CREATE FUNCTION insight.runs_of(p_guild bigint, p_attempts uuid[], p_now timestamptz) RETURNS SETOF insight.runs
    LANGUAGE sql STABLE
    AS $$
    WITH paced AS (
        SELECT e.*, e.occurred_at - lag(e.occurred_at) OVER w AS gap, lag(e.event_type) OVER w AS before,
               min(e.occurred_at) FILTER (WHERE e.event_type = 'quest_completed') OVER (PARTITION BY e.attempt_id, e.run) AS completed_at
          FROM learning.attempt_events e
         WHERE e.guild_id = p_guild AND e.attempt_id = ANY (p_attempts)
        WINDOW w AS (PARTITION BY e.attempt_id, e.run ORDER BY e.occurred_at, e.id)
    ), summed AS (
        SELECT attempt_id, run, (array_agg(auth_user_id))[1] AS auth_user_id, (array_agg(quest_id))[1] AS quest_id,
               (array_agg(version ORDER BY occurred_at DESC, id DESC))[1] AS version,
               (array_agg(event_type ORDER BY occurred_at DESC, id DESC))[1] AS last_type,
               min(occurred_at) AS begun_at,
               coalesce(max(occurred_at) FILTER (WHERE event_type <> 'graded'), max(occurred_at)) AS last_event_at,
               min(completed_at) AS completed_at,
               min(occurred_at) FILTER (WHERE event_type = 'abandoned') AS abandoned_at,
               coalesce(sum(extract(epoch FROM least(gap, interval '30 minutes')))
                        FILTER (WHERE before <> 'paused' AND (completed_at IS NULL OR occurred_at <= completed_at)), 0)::integer
                   AS active_seconds,
               coalesce(array_agg(DISTINCT (occurred_at AT TIME ZONE 'UTC')::date)
                        FILTER (WHERE event_type IN ('opened', 'tried', 'completed', 'skipped', 'submitted')), '{}') AS worked_days,
               coalesce(array_agg(DISTINCT step_id) FILTER (WHERE step_id IS NOT NULL AND event_type <> 'graded'), '{}') AS touched,
               coalesce(array_agg(DISTINCT step_id) FILTER (WHERE event_type = 'completed' AND step_id IS NOT NULL), '{}') AS done,
               coalesce(array_agg(DISTINCT step_id) FILTER (WHERE event_type = 'skipped' AND step_id IS NOT NULL), '{}') AS skipped,
               count(*)::integer AS events
          FROM paced GROUP BY attempt_id, run
    ), judged AS (
        SELECT *, CASE WHEN completed_at IS NOT NULL THEN 'completed'
                       WHEN abandoned_at IS NOT NULL THEN 'abandoned'
                       WHEN last_type = 'paused' THEN 'paused'
                       WHEN last_type = 'submitted' THEN 'waiting'
                       WHEN last_event_at + interval '14 days' <= p_now THEN 'idle'
                       ELSE 'open' END AS outcome
          FROM summed
    )
    SELECT p_guild, j.attempt_id, j.run, j.auth_user_id, j.quest_id, j.version, j.begun_at, j.last_event_at,
           CASE j.outcome WHEN 'completed' THEN j.completed_at WHEN 'abandoned' THEN j.abandoned_at
                          WHEN 'idle' THEN j.last_event_at + interval '14 days' ELSE 'infinity' END,
           j.outcome, j.active_seconds,
           (SELECT min(s.place) FROM insight.version_steps s
             WHERE s.guild_id = p_guild AND s.quest_id = j.quest_id AND s.version = j.version
               AND s.step_id <> ALL (j.done || j.skipped)),
           j.worked_days, j.touched, j.done, j.skipped, j.events
      FROM judged j
    $$;
COMMENT ON FUNCTION insight.runs_of(bigint, uuid[], timestamptz) IS
    'The runs of attempts, derived from their events as of a time. What folding writes, and what the audit holds it against.';

CREATE FUNCTION insight.reopen() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO insight.open_quests (guild_id, quest_id) SELECT DISTINCT guild_id, quest_id FROM gone ORDER BY 1, 2
    ON CONFLICT (guild_id, quest_id) DO UPDATE SET noted_at = excluded.noted_at;
    INSERT INTO insight.open_days (guild_id, day)
    SELECT DISTINCT a.guild_id, a.date_recorded FROM gone g
      JOIN insight.quest_analytics a ON a.guild_id = g.guild_id AND a.quest_id = g.quest_id
       AND a.date_recorded BETWEEN (g.begun_at AT TIME ZONE 'UTC')::date
           AND (least(g.ended_at, now()) AT TIME ZONE 'UTC')::date
     ORDER BY 1, 2
    -- An update locks the row: who counts meanwhile waits, and sees these runs gone.
    ON CONFLICT (guild_id, day) DO UPDATE SET noted_at = excluded.noted_at;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION insight.reopen() IS
    'AFTER trigger: runs that go with their learner leave the figures of their quest and of their days.';
CREATE TRIGGER tg_runs_reopen AFTER DELETE ON insight.runs
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION insight.reopen();

-- Figures -----------------------------------------------------------------------------------------------------------

CREATE TABLE insight.quest_reviews (
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    auth_user_id uuid NOT NULL,
    difficulty_rating integer,
    enjoyment_rating integer,
    comment text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_reviews PRIMARY KEY (guild_id, quest_id, auth_user_id),
    CONSTRAINT fk_quest_reviews_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT fk_quest_reviews_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT ck_quest_reviews_ratings CHECK (
        difficulty_rating BETWEEN 1 AND 5 AND enjoyment_rating BETWEEN 1 AND 5
        AND num_nonnulls(difficulty_rating, enjoyment_rating, comment) >= 1),
    CONSTRAINT ck_quest_reviews_comment CHECK (length(comment) BETWEEN 1 AND 5000)
);
COMMENT ON TABLE insight.quest_reviews IS
    'What learners thought of a quest: the source of difficulty_rating, and of what they enjoyed.';
COMMENT ON COLUMN insight.quest_reviews.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.quest_reviews.quest_id IS 'Quest.';
COMMENT ON COLUMN insight.quest_reviews.auth_user_id IS 'Learner.';
COMMENT ON COLUMN insight.quest_reviews.difficulty_rating IS 'How hard it was, 1 (easy) to 5.';
COMMENT ON COLUMN insight.quest_reviews.enjoyment_rating IS 'How they liked it, 1 to 5.';
COMMENT ON COLUMN insight.quest_reviews.comment IS 'What they said; for the author and instructors.';
COMMENT ON COLUMN insight.quest_reviews.created_at IS 'When the row was made.';
COMMENT ON COLUMN insight.quest_reviews.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_quest_reviews_auth_user_id ON insight.quest_reviews (guild_id, auth_user_id);
CREATE INDEX ix_quest_reviews_enjoyed ON insight.quest_reviews (guild_id, auth_user_id, enjoyment_rating);
CREATE TRIGGER tg_quest_reviews_touch BEFORE UPDATE ON insight.quest_reviews
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE insight.quest_analytics (
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    date_recorded date NOT NULL,
    total_attempts integer NOT NULL DEFAULT 0,
    successful_completions integer NOT NULL DEFAULT 0,
    average_completion_time_minutes numeric(10,2),
    average_attempts_to_complete numeric(5,2),
    abandonment_rate numeric(5,4),
    difficulty_rating numeric(3,2),
    engagement_score numeric(5,2),
    restarts integer NOT NULL DEFAULT 0,
    abandonments integer NOT NULL DEFAULT 0,
    open_attempts integer NOT NULL DEFAULT 0,
    engaged_attempts integer NOT NULL DEFAULT 0,
    completion_time_deviation numeric(12,4),
    median_completion_time_minutes numeric(10,2),
    median_low numeric(10,2),
    median_high numeric(10,2),
    ratings integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_analytics PRIMARY KEY (guild_id, quest_id, date_recorded),
    CONSTRAINT fk_quest_analytics_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_quest_analytics_counts CHECK (
        total_attempts >= 0 AND successful_completions >= 0 AND restarts BETWEEN 0 AND total_attempts AND abandonments >= 0
        AND engaged_attempts BETWEEN 0 AND open_attempts AND ratings >= 0),
    CONSTRAINT ck_quest_analytics_ranges CHECK (
        average_completion_time_minutes >= 0 AND average_attempts_to_complete >= 1 AND abandonment_rate BETWEEN 0 AND 1
        AND difficulty_rating BETWEEN 1 AND 5 AND engagement_score BETWEEN 0 AND 100)
);
COMMENT ON TABLE insight.quest_analytics IS
    'Figures of a quest for a day, UTC (004), derived from insight.runs; a day may be made again at any time. Null means that '
    'there was nothing to take a mean of.';
COMMENT ON COLUMN insight.quest_analytics.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.quest_analytics.quest_id IS 'Quest.';
COMMENT ON COLUMN insight.quest_analytics.date_recorded IS 'Day, UTC.';
COMMENT ON COLUMN insight.quest_analytics.total_attempts IS 'Attempts begun that day, those begun anew among them.';
COMMENT ON COLUMN insight.quest_analytics.successful_completions IS 'Attempts completed that day.';
COMMENT ON COLUMN insight.quest_analytics.average_completion_time_minutes IS
    'Mean active time of those completed that day, in minutes: gaps between the learner''s events, each of 30 minutes at most.';
COMMENT ON COLUMN insight.quest_analytics.average_attempts_to_complete IS
    'Mean over those completed that day of how often each had been begun.';
COMMENT ON COLUMN insight.quest_analytics.abandonment_rate IS
    'abandonments / (abandonments + successful_completions), 0 to 1.';
COMMENT ON COLUMN insight.quest_analytics.difficulty_rating IS
    'Mean of all learners'' difficulty ratings to the end of that day, 1 to 5.';
COMMENT ON COLUMN insight.quest_analytics.engagement_score IS
    '100 × engaged_attempts / open_attempts, 0 to 100.';
COMMENT ON COLUMN insight.quest_analytics.restarts IS 'Those of total_attempts that were begun anew.';
COMMENT ON COLUMN insight.quest_analytics.abandonments IS
    'Given up that day: by saying so, or by the fourteenth day without anything done having passed.';
COMMENT ON COLUMN insight.quest_analytics.open_attempts IS 'Attempts that were open at any time that day.';
COMMENT ON COLUMN insight.quest_analytics.engaged_attempts IS 'Those of open_attempts in which a step was worked on that day.';
COMMENT ON COLUMN insight.quest_analytics.completion_time_deviation IS
    'Standard deviation (n − 1) of the active times of those completed that day, in minutes; null for fewer than two.';
COMMENT ON COLUMN insight.quest_analytics.median_completion_time_minutes IS 'Median of the same times.';
COMMENT ON COLUMN insight.quest_analytics.median_low IS 'Lower end of its 95 % interval, an order statistic.';
COMMENT ON COLUMN insight.quest_analytics.median_high IS 'Upper end of it.';
COMMENT ON COLUMN insight.quest_analytics.ratings IS 'Ratings that difficulty_rating is the mean of.';
COMMENT ON COLUMN insight.quest_analytics.created_at IS 'When the row was made.';
COMMENT ON COLUMN insight.quest_analytics.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_quest_analytics_date_recorded ON insight.quest_analytics (guild_id, date_recorded DESC, quest_id);
CREATE TRIGGER tg_quest_analytics_touch BEFORE UPDATE ON insight.quest_analytics
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE FUNCTION insight.day_figures(p_guild bigint, p_day date)
    RETURNS TABLE (quest_id uuid, total_attempts integer, restarts integer, successful_completions integer, abandonments integer,
                   open_attempts integer, engaged_attempts integer, average_completion_time_minutes numeric,
                   completion_time_deviation numeric, median_completion_time_minutes numeric, median_low numeric,
                   median_high numeric, average_attempts_to_complete numeric, abandonment_rate numeric, engagement_score numeric,
                   ratings integer, difficulty_rating numeric)
    LANGUAGE sql STABLE
    AS $$
    WITH bounds AS MATERIALIZED (
        SELECT p_day::timestamp AT TIME ZONE 'UTC' AS begins, (p_day + 1)::timestamp AT TIME ZONE 'UTC' AS ends
    ), there AS (
        SELECT r.quest_id, r.run, r.outcome, r.active_seconds / 60.0 AS minutes, r.begun_at >= b.begins AS began,
               r.ended_at < b.ends AS ended, p_day = ANY (r.worked_days) AS worked
          FROM bounds b JOIN insight.runs r ON r.guild_id = p_guild AND r.ended_at >= b.begins AND r.begun_at < b.ends
    ), counted AS (
        SELECT t.quest_id, count(*) FILTER (WHERE began) AS total, count(*) FILTER (WHERE began AND run > 0) AS restarts,
               count(*) FILTER (WHERE ended AND outcome = 'completed') AS completed,
               count(*) FILTER (WHERE ended AND outcome <> 'completed') AS abandoned,
               count(*) AS open, count(*) FILTER (WHERE worked) AS engaged,
               avg(run + 1) FILTER (WHERE ended AND outcome = 'completed') AS attempts,
               avg(minutes) FILTER (WHERE ended AND outcome = 'completed') AS mean,
               stddev_samp(minutes) FILTER (WHERE ended AND outcome = 'completed') AS deviation,
               array_agg(minutes ORDER BY minutes) FILTER (WHERE ended AND outcome = 'completed') AS times
          FROM there t GROUP BY t.quest_id HAVING bool_or(began OR ended OR worked)
    ), rated AS (
        SELECT v.quest_id, count(v.difficulty_rating) AS ratings, avg(v.difficulty_rating) AS rating
          FROM bounds b JOIN insight.quest_reviews v ON v.guild_id = p_guild AND v.updated_at < b.ends GROUP BY v.quest_id
    )
    SELECT c.quest_id, c.total::integer, c.restarts::integer, c.completed::integer, c.abandoned::integer, c.open::integer,
           c.engaged::integer, round(c.mean, 2), round(c.deviation, 4),
           round((c.times[(c.completed + 1) / 2] + c.times[c.completed / 2 + 1]) / 2, 2),
           -- Order statistics n/2 ± 0.98 √n: 95 % for a median, by the normal approximation of the binomial.
           round(c.times[greatest(1, floor(c.completed / 2.0 - 0.98 * sqrt(c.completed)))::integer], 2),
           round(c.times[least(c.completed, ceil(c.completed / 2.0 + 0.98 * sqrt(c.completed)) + 1)::integer], 2),
           round(c.attempts, 2), round(c.abandoned::numeric / nullif(c.abandoned + c.completed, 0), 4),
           round(100.0 * c.engaged / c.open, 2), coalesce(v.ratings, 0)::integer, round(v.rating, 2)
      FROM counted c LEFT JOIN rated v ON v.quest_id = c.quest_id
    $$;
COMMENT ON FUNCTION insight.day_figures(bigint, date) IS
    'The figures of all quests of a guild for a day, from its runs. What is written, and what the audit holds it against.';

CREATE TABLE insight.version_figures (
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    version integer NOT NULL,
    attempts integer NOT NULL,
    completed integer NOT NULL,
    abandoned integer NOT NULL,
    idle integer NOT NULL,
    restarts integer NOT NULL,
    restarts_completed integer NOT NULL,
    mean_minutes double precision,
    deviation_minutes double precision,
    median_minutes double precision,
    median_low double precision,
    median_high double precision,
    first_begun_at timestamptz,
    last_begun_at timestamptz,
    CONSTRAINT pk_version_figures PRIMARY KEY (guild_id, quest_id, version),
    CONSTRAINT fk_version_figures_version_quest_versions FOREIGN KEY (guild_id, quest_id, version)
        REFERENCES learning.quest_versions (guild_id, quest_id, version)
);
COMMENT ON TABLE insight.version_figures IS
    'Figures of quests'' versions, so that one can be held beside the one before.';
COMMENT ON COLUMN insight.version_figures.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.version_figures.quest_id IS 'Quest.';
COMMENT ON COLUMN insight.version_figures.version IS 'Version.';
COMMENT ON COLUMN insight.version_figures.attempts IS 'First runs of it.';
COMMENT ON COLUMN insight.version_figures.completed IS 'Those that were completed.';
COMMENT ON COLUMN insight.version_figures.abandoned IS 'Those given up by saying so.';
COMMENT ON COLUMN insight.version_figures.idle IS 'Those given up by 14 days without an event.';
COMMENT ON COLUMN insight.version_figures.restarts IS 'Later runs of it.';
COMMENT ON COLUMN insight.version_figures.restarts_completed IS 'Those of them that were completed.';
COMMENT ON COLUMN insight.version_figures.mean_minutes IS 'Mean active time of the completed ones, first runs, in minutes.';
COMMENT ON COLUMN insight.version_figures.deviation_minutes IS 'Standard deviation (n − 1) of these times.';
COMMENT ON COLUMN insight.version_figures.median_minutes IS 'Median of these times.';
COMMENT ON COLUMN insight.version_figures.median_low IS 'Lower end of its 95 % interval.';
COMMENT ON COLUMN insight.version_figures.median_high IS 'Upper end of it.';
COMMENT ON COLUMN insight.version_figures.first_begun_at IS 'When the first of them was begun.';
COMMENT ON COLUMN insight.version_figures.last_begun_at IS 'When the last of them was begun.';

CREATE TABLE insight.step_figures (
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    version integer NOT NULL,
    place integer NOT NULL,
    step_id uuid NOT NULL,
    reached integer NOT NULL,
    done integer NOT NULL,
    skipped integer NOT NULL,
    at_risk integer NOT NULL,
    left_here integer NOT NULL,
    still_here integer NOT NULL,
    CONSTRAINT pk_step_figures PRIMARY KEY (guild_id, quest_id, version, place),
    CONSTRAINT fk_step_figures_version_quest_versions FOREIGN KEY (guild_id, quest_id, version)
        REFERENCES learning.quest_versions (guild_id, quest_id, version)
);
COMMENT ON TABLE insight.step_figures IS
    'The funnel of quests'' versions, and what survival by step is reckoned from.';
COMMENT ON COLUMN insight.step_figures.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.step_figures.quest_id IS 'Quest.';
COMMENT ON COLUMN insight.step_figures.version IS 'Version.';
COMMENT ON COLUMN insight.step_figures.place IS 'Place of the step in it, from 1.';
COMMENT ON COLUMN insight.step_figures.step_id IS 'Step.';
COMMENT ON COLUMN insight.step_figures.reached IS 'First runs in which it was touched.';
COMMENT ON COLUMN insight.step_figures.done IS 'Those in which it was completed.';
COMMENT ON COLUMN insight.step_figures.skipped IS 'Those in which it was skipped.';
COMMENT ON COLUMN insight.step_figures.at_risk IS 'First runs in which all steps before it were done or skipped.';
COMMENT ON COLUMN insight.step_figures.left_here IS 'Those of them that were given up at this step.';
COMMENT ON COLUMN insight.step_figures.still_here IS 'Those of them that stand at it and are not given up.';

CREATE TABLE insight.item_figures (
    guild_id bigint NOT NULL,
    subject_id uuid NOT NULL,
    item text NOT NULL,
    item_hash bytea NOT NULL,
    responses integer NOT NULL,
    omitted integer NOT NULL,
    facility double precision NOT NULL,
    discrimination double precision,
    efficiency double precision,
    upper_lower double precision,
    last_at timestamptz NOT NULL,
    CONSTRAINT pk_item_figures PRIMARY KEY (guild_id, subject_id, item, item_hash)
);
COMMENT ON TABLE insight.item_figures IS
    'What questions tell: first tries only.';
COMMENT ON COLUMN insight.item_figures.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.item_figures.subject_id IS 'Step or assessment.';
COMMENT ON COLUMN insight.item_figures.item IS 'Question, by its short name.';
COMMENT ON COLUMN insight.item_figures.item_hash IS 'Which wording and key of it (learning.item_responses).';
COMMENT ON COLUMN insight.item_figures.responses IS 'First tries in which it was asked.';
COMMENT ON COLUMN insight.item_figures.omitted IS 'Those in which it was left out.';
COMMENT ON COLUMN insight.item_figures.facility IS 'Mean share of its points.';
COMMENT ON COLUMN insight.item_figures.discrimination IS 'Pearson''s r of its share and that of the rest; null at zero variance.';
COMMENT ON COLUMN insight.item_figures.efficiency IS
    'Covariance of the two, by the largest that their separately sorted values allow; null where that is none.';
COMMENT ON COLUMN insight.item_figures.upper_lower IS 'Facility among the best 27 % by the rest, less that among the worst 27 %.';
COMMENT ON COLUMN insight.item_figures.last_at IS 'Last of the tries.';

CREATE TABLE insight.item_answers (
    guild_id bigint NOT NULL,
    subject_id uuid NOT NULL,
    item text NOT NULL,
    item_hash bytea NOT NULL,
    answer text NOT NULL,
    chosen integer NOT NULL,
    is_right boolean NOT NULL,
    mean_rest double precision,
    CONSTRAINT pk_item_answers PRIMARY KEY (guild_id, subject_id, item, item_hash, answer)
);
COMMENT ON TABLE insight.item_answers IS
    'Answers that two learners at least gave to a question: which wrong ones lead whom astray.';
COMMENT ON COLUMN insight.item_answers.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.item_answers.subject_id IS 'Step or assessment.';
COMMENT ON COLUMN insight.item_answers.item IS 'Question, by its short name.';
COMMENT ON COLUMN insight.item_answers.item_hash IS 'Which wording and key of it (learning.item_responses).';
COMMENT ON COLUMN insight.item_answers.answer IS 'Canonical answer as JSON; null for one left out.';
COMMENT ON COLUMN insight.item_answers.chosen IS 'First tries in which it was given.';
COMMENT ON COLUMN insight.item_answers.is_right IS 'Whether it brought all points.';
COMMENT ON COLUMN insight.item_answers.mean_rest IS 'Mean share of the rest of those who gave it.';

-- Difficulty and ability ---------------------------------------------------------------------------------------------

CREATE TABLE insight.abilities (
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    ability double precision NOT NULL,
    tries integer NOT NULL,
    CONSTRAINT pk_abilities PRIMARY KEY (guild_id, auth_user_id),
    CONSTRAINT fk_abilities_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT ck_abilities_tries CHECK (tries >= 0)
);
COMMENT ON TABLE insight.abilities IS
    'What learners can, from first tries.';
COMMENT ON COLUMN insight.abilities.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.abilities.auth_user_id IS 'Learner.';
COMMENT ON COLUMN insight.abilities.ability IS 'Elo ability on the logit scale; 0 at first.';
COMMENT ON COLUMN insight.abilities.tries IS 'First tries that it rests upon.';

CREATE TABLE insight.difficulties (
    guild_id bigint NOT NULL,
    subject_id uuid NOT NULL,
    difficulty double precision NOT NULL,
    tries integer NOT NULL,
    CONSTRAINT pk_difficulties PRIMARY KEY (guild_id, subject_id),
    CONSTRAINT ck_difficulties_tries CHECK (tries >= 0)
);
COMMENT ON TABLE insight.difficulties IS
    'How hard steps and assessments are, from first tries.';
COMMENT ON COLUMN insight.difficulties.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.difficulties.subject_id IS 'Step or assessment.';
COMMENT ON COLUMN insight.difficulties.difficulty IS 'Elo difficulty on the logit scale; 0 at first.';
COMMENT ON COLUMN insight.difficulties.tries IS 'First tries that it rests upon.';

CREATE TABLE insight.first_tries (
    guild_id bigint NOT NULL,
    place bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    share double precision NOT NULL,
    tried_at timestamptz NOT NULL,
    CONSTRAINT pk_first_tries PRIMARY KEY (guild_id, place),
    CONSTRAINT uq_first_tries_learner UNIQUE (guild_id, auth_user_id, subject_id),
    CONSTRAINT ck_first_tries_share CHECK (share BETWEEN 0 AND 1 AND place > 0)
);
COMMENT ON TABLE insight.first_tries IS
    'First tries in the order in which Elo took them: taking them again in this order gives the same figures to the last bit.';
COMMENT ON COLUMN insight.first_tries.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.first_tries.place IS 'Place in the order in which they were taken.';
COMMENT ON COLUMN insight.first_tries.auth_user_id IS 'Learner; once they are forgotten, a uuid that is nobody''s.';
COMMENT ON COLUMN insight.first_tries.subject_id IS 'Step or assessment.';
COMMENT ON COLUMN insight.first_tries.share IS 'Share of the points, 0 to 1.';
COMMENT ON COLUMN insight.first_tries.tried_at IS 'When it was graded.';

CREATE FUNCTION insight.forget_learner() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE insight.first_tries t SET auth_user_id = n.nobody
      FROM (SELECT g.guild_id, g.auth_user_id, gen_random_uuid() AS nobody FROM gone g) n
     WHERE t.guild_id = n.guild_id AND t.auth_user_id = n.auth_user_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION insight.forget_learner() IS
    'AFTER trigger of learning.learners: the first tries of who is forgotten stay, for what they tell of the steps, as nobody''s.';
CREATE TRIGGER tg_learners_forgotten AFTER DELETE ON learning.learners
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION insight.forget_learner();

-- What to do next ---------------------------------------------------------------------------------------------------

CREATE TABLE insight.completions (
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    quest_id uuid NOT NULL,
    place integer NOT NULL,
    completed_at timestamptz NOT NULL,
    CONSTRAINT pk_completions PRIMARY KEY (guild_id, auth_user_id, quest_id),
    CONSTRAINT uq_completions_place UNIQUE (guild_id, auth_user_id, place),
    CONSTRAINT fk_completions_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_completions_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_completions_place CHECK (place > 0)
);
COMMENT ON TABLE insight.completions IS
    'What learners completed, one after the other: what transitions are reckoned from.';
COMMENT ON COLUMN insight.completions.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.completions.auth_user_id IS 'Learner.';
COMMENT ON COLUMN insight.completions.quest_id IS 'Quest.';
COMMENT ON COLUMN insight.completions.place IS
    'Which of the learner''s completions it is, from 1, in the order in which they were folded.';
COMMENT ON COLUMN insight.completions.completed_at IS 'When.';
CREATE INDEX ix_completions_quest_id ON insight.completions (guild_id, quest_id, completed_at);

CREATE TABLE insight.transitions (
    guild_id bigint NOT NULL,
    from_quest_id uuid NOT NULL,
    to_quest_id uuid NOT NULL,
    weight bigint NOT NULL,
    CONSTRAINT pk_transitions PRIMARY KEY (guild_id, from_quest_id, to_quest_id),
    CONSTRAINT fk_transitions_from_quest_id_quests FOREIGN KEY (guild_id, from_quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT fk_transitions_to_quest_id_quests FOREIGN KEY (guild_id, to_quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_transitions_weight CHECK (weight >= 0)
);
COMMENT ON TABLE insight.transitions IS
    'What is completed after what.';
COMMENT ON COLUMN insight.transitions.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.transitions.from_quest_id IS 'Quest that was completed before.';
COMMENT ON COLUMN insight.transitions.to_quest_id IS 'Quest that was completed after it.';
COMMENT ON COLUMN insight.transitions.weight IS
    'Sum over learners of 2520 / gap, for gaps of 1 to 10 completions: whole numbers, so that sums are exact.';
CREATE INDEX ix_transitions_best ON insight.transitions (guild_id, from_quest_id, weight DESC, to_quest_id);
CREATE INDEX ix_transitions_to_quest_id ON insight.transitions (guild_id, to_quest_id);

CREATE TABLE insight.quest_counts (
    guild_id bigint NOT NULL,
    quest_id uuid NOT NULL,
    completions bigint NOT NULL,
    CONSTRAINT pk_quest_counts PRIMARY KEY (guild_id, quest_id),
    CONSTRAINT fk_quest_counts_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_quest_counts_completions CHECK (completions >= 0)
);
COMMENT ON TABLE insight.quest_counts IS
    'How many completed a quest.';
COMMENT ON COLUMN insight.quest_counts.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.quest_counts.quest_id IS 'Quest.';
COMMENT ON COLUMN insight.quest_counts.completions IS 'Learners who completed it.';
CREATE INDEX ix_quest_counts_completions ON insight.quest_counts (guild_id, completions DESC);

CREATE FUNCTION insight.uncount() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE insight.transitions t SET weight = t.weight - s.weight
      FROM (SELECT a.guild_id, a.quest_id AS from_quest_id, b.quest_id AS to_quest_id, sum(2520 / (b.place - a.place))::bigint AS weight
              FROM gone a JOIN gone b ON b.guild_id = a.guild_id AND b.auth_user_id = a.auth_user_id
               AND b.place BETWEEN a.place + 1 AND a.place + 10
             GROUP BY 1, 2, 3) s
     WHERE t.guild_id = s.guild_id AND t.from_quest_id = s.from_quest_id AND t.to_quest_id = s.to_quest_id;
    UPDATE insight.quest_counts c SET completions = c.completions - s.n
      FROM (SELECT guild_id, quest_id, count(*) AS n FROM gone GROUP BY 1, 2) s
     WHERE c.guild_id = s.guild_id AND c.quest_id = s.quest_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION insight.uncount() IS
    'AFTER trigger: completions go with their learner, all at once, and leave the sums that they were in.';
CREATE TRIGGER tg_completions_uncount AFTER DELETE ON insight.completions
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION insight.uncount();

CREATE TABLE insight.dismissals (
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    quest_id uuid NOT NULL,
    dismissed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_dismissals PRIMARY KEY (guild_id, auth_user_id, quest_id),
    CONSTRAINT fk_dismissals_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_dismissals_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id)
);
COMMENT ON TABLE insight.dismissals IS
    'Quests that a learner wants recommended no more.';
COMMENT ON COLUMN insight.dismissals.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.dismissals.auth_user_id IS 'Learner.';
COMMENT ON COLUMN insight.dismissals.quest_id IS 'Quest.';
COMMENT ON COLUMN insight.dismissals.dismissed_at IS 'When.';
CREATE INDEX ix_dismissals_quest_id ON insight.dismissals (guild_id, quest_id);

-- Spaced reviews ----------------------------------------------------------------------------------------------------

CREATE TABLE insight.review_settings (
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    per_day integer NOT NULL DEFAULT 10,
    told_on date,
    opted_in_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_review_settings PRIMARY KEY (guild_id, auth_user_id),
    CONSTRAINT fk_review_settings_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT ck_review_settings_per_day CHECK (per_day BETWEEN 1 AND 100)
);
COMMENT ON TABLE insight.review_settings IS
    'Learners who want to be asked again what they passed; no row, no reviews.';
COMMENT ON COLUMN insight.review_settings.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.review_settings.auth_user_id IS 'Learner.';
COMMENT ON COLUMN insight.review_settings.per_day IS 'Reviews asked for on a day at most.';
COMMENT ON COLUMN insight.review_settings.told_on IS 'Last day, UTC, on which they were told that reviews are due.';
COMMENT ON COLUMN insight.review_settings.opted_in_at IS 'When they asked for reviews.';

CREATE TABLE insight.review_cards (
    guild_id bigint NOT NULL,
    auth_user_id uuid NOT NULL,
    step_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    stability double precision,
    difficulty double precision,
    last_answer_at timestamptz,
    answers integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_review_cards PRIMARY KEY (guild_id, auth_user_id, step_id),
    CONSTRAINT fk_review_cards_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_review_cards_step_id_quest_steps FOREIGN KEY (guild_id, step_id)
        REFERENCES learning.quest_steps (guild_id, id),
    CONSTRAINT ck_review_cards_memory CHECK (
        num_nonnulls(stability, difficulty, last_answer_at) IN (0, 3) AND (answers = 0) = (stability IS NULL)
        AND stability > 0 AND difficulty BETWEEN 1 AND 10)
);
COMMENT ON TABLE insight.review_cards IS
    'What a learner is to look at again, and when: the state of FSRS-6.';
COMMENT ON COLUMN insight.review_cards.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.review_cards.auth_user_id IS 'Learner.';
COMMENT ON COLUMN insight.review_cards.step_id IS 'Step that was passed.';
COMMENT ON COLUMN insight.review_cards.due_at IS 'When it is to be looked at again.';
COMMENT ON COLUMN insight.review_cards.stability IS 'FSRS stability, in days; null before the first answer.';
COMMENT ON COLUMN insight.review_cards.difficulty IS 'FSRS difficulty, 1 to 10; null before the first answer.';
COMMENT ON COLUMN insight.review_cards.last_answer_at IS 'When it was last answered; null before the first answer.';
COMMENT ON COLUMN insight.review_cards.answers IS 'Answers so far.';
COMMENT ON COLUMN insight.review_cards.created_at IS 'When the card was made.';
CREATE INDEX ix_review_cards_due ON insight.review_cards (guild_id, auth_user_id, due_at);
CREATE INDEX ix_review_cards_step_id ON insight.review_cards (guild_id, step_id);

CREATE TABLE insight.review_answers (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    auth_user_id uuid NOT NULL,
    step_id uuid NOT NULL,
    rating text NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_review_answers PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_review_answers_card FOREIGN KEY (guild_id, auth_user_id, step_id)
        REFERENCES insight.review_cards (guild_id, auth_user_id, step_id) ON DELETE CASCADE,
    CONSTRAINT ck_review_answers_rating CHECK (rating IN ('again', 'hard', 'good', 'easy'))
);
COMMENT ON TABLE insight.review_answers IS
    'Answers to reviews, append-only: a card''s state can be derived from them again.';
COMMENT ON COLUMN insight.review_answers.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN insight.review_answers.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN insight.review_answers.auth_user_id IS 'Learner.';
COMMENT ON COLUMN insight.review_answers.step_id IS 'Step.';
COMMENT ON COLUMN insight.review_answers.rating IS 'How well it was remembered: again, hard, good or easy.';
COMMENT ON COLUMN insight.review_answers.answered_at IS 'When.';
CREATE INDEX ix_review_answers_card ON insight.review_answers (guild_id, auth_user_id, step_id);
