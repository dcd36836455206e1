-- Assessment (004): what people judge: hand-ins, the instructors' queue, grades and their history, late policy, peer review, regrades.
--
-- A slice above learning. How a quest is assessed stands in its document, so in learning.quest_versions, keys and rubrics too; here is
-- what comes of it. An assessment's id follows from its quest and short name, so that both slices know it without asking. Learning is
-- told that something is passed in the transaction in which it becomes so, and knows nothing of these tables.

CREATE SCHEMA assessment;
COMMENT ON SCHEMA assessment IS 'Hand-ins judged by people, grades and their history, deadlines of single learners, peer review, regrades.';

CREATE TYPE assessment.assessment_type AS ENUM
    ('Quiz', 'Assignment', 'Project', 'PeerReview', 'AutoGraded', 'ManualReview');
COMMENT ON TYPE assessment.assessment_type IS
    'Kind of an assessment: Quiz and AutoGraded are graded at once, PeerReview by learners, the others by instructors.';

CREATE TABLE assessment.quest_assessments (
    guild_id bigint NOT NULL,
    id uuid NOT NULL,
    quest_id uuid NOT NULL,
    slug text NOT NULL,
    assessment_type assessment.assessment_type NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_assessments PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_quest_assessments_quest_id_slug UNIQUE (guild_id, quest_id, slug),
    CONSTRAINT fk_quest_assessments_quest_id_quests FOREIGN KEY (guild_id, quest_id)
        REFERENCES learning.quests (guild_id, id),
    CONSTRAINT ck_quest_assessments_slug CHECK (slug ~ '^[a-z0-9][a-z0-9._-]{0,99}$')
);
COMMENT ON TABLE assessment.quest_assessments IS
    'Assessments of quests (004) for which something was handed in. The row is the lock under which peer reviews are given out; what is '
    'asked, keys and rubrics are in learning.quest_versions.';
COMMENT ON COLUMN assessment.quest_assessments.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN assessment.quest_assessments.id IS 'Identifier, which follows from quest and short name.';
COMMENT ON COLUMN assessment.quest_assessments.quest_id IS 'Quest assessed.';
COMMENT ON COLUMN assessment.quest_assessments.slug IS 'Short name, unique in the quest: by it an assessment is the same one in the next version.';
COMMENT ON COLUMN assessment.quest_assessments.assessment_type IS 'Kind, when something was first handed in.';
COMMENT ON COLUMN assessment.quest_assessments.created_at IS 'When the row was made.';

CREATE TABLE assessment.quest_submissions (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    attempt_id uuid NOT NULL,
    auth_user_id uuid NOT NULL,
    quest_id uuid NOT NULL,
    version integer NOT NULL,
    run integer NOT NULL DEFAULT 0,
    assessment_id uuid,
    step_id uuid,
    submission_data jsonb NOT NULL,
    status text NOT NULL DEFAULT 'submitted',
    received_at timestamptz NOT NULL DEFAULT now(),
    late_seconds integer NOT NULL DEFAULT 0,
    scores jsonb,
    reviews_counted integer NOT NULL DEFAULT 0,
    raw_grade numeric(5,2),
    claimed_by uuid,
    claim_expires_at timestamptz,
    graded_at timestamptz,
    graded_by uuid,
    grading_method text,
    grade numeric(5,2),
    max_grade numeric(5,2) NOT NULL,
    feedback text,
    is_passed boolean,
    attempt_number integer NOT NULL DEFAULT 1,
    review_due_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quest_submissions PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_quest_submissions_author UNIQUE (guild_id, id, auth_user_id),
    CONSTRAINT fk_quest_submissions_attempt_id_user_quest_attempts FOREIGN KEY (guild_id, attempt_id, auth_user_id)
        REFERENCES learning.user_quest_attempts (guild_id, id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_quest_submissions_assessment_id_quest_assessments FOREIGN KEY (guild_id, assessment_id)
        REFERENCES assessment.quest_assessments (guild_id, id),
    CONSTRAINT fk_quest_submissions_step_id_quest_steps FOREIGN KEY (guild_id, step_id)
        REFERENCES learning.quest_steps (guild_id, id),
    CONSTRAINT fk_quest_submissions_version_quest_versions FOREIGN KEY (guild_id, quest_id, version)
        REFERENCES learning.quest_versions (guild_id, quest_id, version),
    CONSTRAINT ck_quest_submissions_claim CHECK (
        (claimed_by IS NULL) = (claim_expires_at IS NULL) AND claimed_by <> auth_user_id),
    CONSTRAINT ck_quest_submissions_scores CHECK (jsonb_typeof(scores) = 'object' AND reviews_counted >= 0),
    CONSTRAINT ck_quest_submissions_late CHECK (late_seconds >= 0 AND run >= 0 AND raw_grade BETWEEN 0 AND max_grade),
    CONSTRAINT ck_quest_submissions_subject CHECK (num_nonnulls(assessment_id, step_id) = 1),
    CONSTRAINT ck_quest_submissions_status CHECK (
        status IN ('submitted', 'in_review', 'escalated', 'graded', 'withdrawn')),
    CONSTRAINT ck_quest_submissions_graded CHECK (
        (status = 'graded') = (graded_at IS NOT NULL) AND (status = 'graded') = (grade IS NOT NULL)
        AND (status = 'graded') = (is_passed IS NOT NULL) AND (status = 'graded') = (grading_method IS NOT NULL)),
    CONSTRAINT ck_quest_submissions_grading_method CHECK (grading_method IN ('auto', 'peer', 'instructor')),
    CONSTRAINT ck_quest_submissions_grade CHECK (max_grade > 0 AND grade BETWEEN 0 AND max_grade),
    CONSTRAINT ck_quest_submissions_attempt_number CHECK (attempt_number > 0),
    CONSTRAINT ck_quest_submissions_not_graded_by_self CHECK (graded_by <> auth_user_id),
    CONSTRAINT ck_quest_submissions_submission_data CHECK (octet_length(submission_data::text) <= 1048576),
    CONSTRAINT ck_quest_submissions_feedback CHECK (length(feedback) <= 20000)
);
COMMENT ON TABLE assessment.quest_submissions IS
    'What learners handed in (004), for an assessment or for a Submission step. One row per hand-in; the earlier '
    'ones stay.';
COMMENT ON COLUMN assessment.quest_submissions.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN assessment.quest_submissions.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN assessment.quest_submissions.attempt_id IS 'Attempt it belongs to.';
COMMENT ON COLUMN assessment.quest_submissions.auth_user_id IS 'Learner, the attempt''s.';
COMMENT ON COLUMN assessment.quest_submissions.quest_id IS 'Quest, the attempt''s.';
COMMENT ON COLUMN assessment.quest_submissions.version IS 'Version whose rubric and key it is judged by.';
COMMENT ON COLUMN assessment.quest_submissions.run IS 'Restarts of the attempt before it.';
COMMENT ON COLUMN assessment.quest_submissions.received_at IS 'When the server received it, which decides whether it is late.';
COMMENT ON COLUMN assessment.quest_submissions.late_seconds IS 'Seconds after the learner''s own deadline; 0 in time, and within the grace.';
COMMENT ON COLUMN assessment.quest_submissions.scores IS
    'What it was graded by: half points by criterion, so that medians of two are whole. Null without a rubric.';
COMMENT ON COLUMN assessment.quest_submissions.reviews_counted IS 'Reviews of peers whose median it is; 0 where an instructor graded.';
COMMENT ON COLUMN assessment.quest_submissions.raw_grade IS 'Grade before the penalty for being late.';
COMMENT ON COLUMN assessment.quest_submissions.claimed_by IS 'Reviewer who is at it: an auth_user_id, or the id of a key that is nobody''s; a lease.';
COMMENT ON COLUMN assessment.quest_submissions.claim_expires_at IS 'When the lease ends and another may take it.';
COMMENT ON COLUMN assessment.quest_submissions.assessment_id IS 'Assessment it is for; null for a step.';
COMMENT ON COLUMN assessment.quest_submissions.step_id IS 'Submission step it is for; null for an assessment.';
COMMENT ON COLUMN assessment.quest_submissions.submission_data IS 'What was handed in: answers, text, links, code.';
COMMENT ON COLUMN assessment.quest_submissions.status IS
    'submitted, in_review (somebody has it), escalated (left to the instructors), graded, or withdrawn.';
COMMENT ON COLUMN assessment.quest_submissions.graded_at IS 'When it was graded.';
COMMENT ON COLUMN assessment.quest_submissions.graded_by IS
    'Who graded it: an auth_user_id, or the id of a key that is nobody''s; null for the program and for peers.';
COMMENT ON COLUMN assessment.quest_submissions.grading_method IS 'How: auto, peer (median of the reviews) or instructor.';
COMMENT ON COLUMN assessment.quest_submissions.grade IS 'Grade after the penalty for being late, 0 to max_grade.';
COMMENT ON COLUMN assessment.quest_submissions.max_grade IS 'Best possible grade at that time.';
COMMENT ON COLUMN assessment.quest_submissions.feedback IS 'What the learner is told.';
COMMENT ON COLUMN assessment.quest_submissions.is_passed IS 'Whether it passes.';
COMMENT ON COLUMN assessment.quest_submissions.attempt_number IS 'Which hand-in it is, from 1.';
COMMENT ON COLUMN assessment.quest_submissions.review_due_at IS
    'When it falls to the instructors if nobody has reviewed it.';
COMMENT ON COLUMN assessment.quest_submissions.created_at IS 'When the row was made.';
COMMENT ON COLUMN assessment.quest_submissions.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_quest_submissions_assessment_attempt_number
    ON assessment.quest_submissions (guild_id, attempt_id, assessment_id, attempt_number) WHERE assessment_id IS NOT NULL;
CREATE UNIQUE INDEX uq_quest_submissions_step_attempt_number
    ON assessment.quest_submissions (guild_id, attempt_id, step_id, attempt_number) WHERE step_id IS NOT NULL;
CREATE UNIQUE INDEX uq_quest_submissions_assessment_open ON assessment.quest_submissions (guild_id, attempt_id, assessment_id)
    WHERE assessment_id IS NOT NULL AND status IN ('submitted', 'in_review', 'escalated');
CREATE UNIQUE INDEX uq_quest_submissions_step_open ON assessment.quest_submissions (guild_id, attempt_id, step_id)
    WHERE step_id IS NOT NULL AND status IN ('submitted', 'in_review', 'escalated');
CREATE INDEX ix_quest_submissions_attempt_id ON assessment.quest_submissions (guild_id, attempt_id, auth_user_id);
CREATE INDEX ix_quest_submissions_version ON assessment.quest_submissions (guild_id, quest_id, version);
CREATE INDEX ix_quest_submissions_assessment_id ON assessment.quest_submissions (guild_id, assessment_id, created_at);
CREATE INDEX ix_quest_submissions_step_id ON assessment.quest_submissions (guild_id, step_id) WHERE step_id IS NOT NULL;
CREATE INDEX ix_quest_submissions_auth_user_id ON assessment.quest_submissions (guild_id, auth_user_id);
CREATE INDEX ix_quest_submissions_queue ON assessment.quest_submissions (guild_id, status, created_at)
    WHERE status IN ('submitted', 'in_review', 'escalated');
CREATE INDEX ix_quest_submissions_review_due_at ON assessment.quest_submissions (review_due_at)
    WHERE status IN ('submitted', 'in_review');
CREATE TRIGGER tg_quest_submissions_touch BEFORE UPDATE ON assessment.quest_submissions
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE assessment.grade_history (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    auth_user_id uuid NOT NULL,
    quest_id uuid NOT NULL,
    version integer NOT NULL,
    submission_id uuid,
    try_id uuid,
    changed_by uuid,
    cause text NOT NULL,
    old_grade numeric(9,4),
    new_grade numeric(9,4) NOT NULL,
    old_is_passed boolean,
    new_is_passed boolean NOT NULL,
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_grade_history PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_grade_history_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT ck_grade_history_subject CHECK (num_nonnulls(submission_id, try_id) = 1),
    CONSTRAINT ck_grade_history_cause CHECK (cause IN ('auto', 'peer', 'instructor', 'override', 'regrade')),
    CONSTRAINT ck_grade_history_reason CHECK (
        length(reason) BETWEEN 1 AND 2000 AND (cause NOT IN ('override') OR reason IS NOT NULL)),
    CONSTRAINT ck_grade_history_grades CHECK (old_grade >= 0 AND new_grade >= 0 AND version > 0)
);
COMMENT ON TABLE assessment.grade_history IS 'Every grade and every change of one, append-only.';
COMMENT ON COLUMN assessment.grade_history.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN assessment.grade_history.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN assessment.grade_history.auth_user_id IS 'Learner.';
COMMENT ON COLUMN assessment.grade_history.quest_id IS 'Quest.';
COMMENT ON COLUMN assessment.grade_history.version IS 'Version whose key or rubric it was graded by.';
COMMENT ON COLUMN assessment.grade_history.submission_id IS 'Submission graded; no foreign key, for the history outlives it.';
COMMENT ON COLUMN assessment.grade_history.try_id IS 'Try graded; no foreign key either.';
COMMENT ON COLUMN assessment.grade_history.changed_by IS 'Who: an auth_user_id, or the id of a key that is nobody''s; null for the program and for peers.';
COMMENT ON COLUMN assessment.grade_history.cause IS 'auto, peer, instructor, override (of a published grade) or regrade.';
COMMENT ON COLUMN assessment.grade_history.old_grade IS 'Grade before; null for the first.';
COMMENT ON COLUMN assessment.grade_history.new_grade IS 'Grade after.';
COMMENT ON COLUMN assessment.grade_history.old_is_passed IS 'Whether it passed before.';
COMMENT ON COLUMN assessment.grade_history.new_is_passed IS 'Whether it passes now.';
COMMENT ON COLUMN assessment.grade_history.reason IS 'Why, in the words of who did it.';
COMMENT ON COLUMN assessment.grade_history.created_at IS 'When.';
CREATE INDEX ix_grade_history_auth_user_id ON assessment.grade_history (guild_id, auth_user_id);
CREATE INDEX ix_grade_history_submission_id ON assessment.grade_history (guild_id, submission_id) WHERE submission_id IS NOT NULL;
CREATE INDEX ix_grade_history_try_id ON assessment.grade_history (guild_id, try_id) WHERE try_id IS NOT NULL;
CREATE TRIGGER tg_grade_history_append_only BEFORE UPDATE OR DELETE ON assessment.grade_history
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_grade_history_no_truncate BEFORE TRUNCATE ON assessment.grade_history
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();

CREATE TABLE assessment.deadline_extensions (
    guild_id bigint NOT NULL,
    assessment_id uuid NOT NULL,
    auth_user_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    reason text,
    granted_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_deadline_extensions PRIMARY KEY (guild_id, assessment_id, auth_user_id),
    CONSTRAINT fk_deadline_extensions_assessment_id_quest_assessments FOREIGN KEY (guild_id, assessment_id)
        REFERENCES assessment.quest_assessments (guild_id, id),
    CONSTRAINT fk_deadline_extensions_auth_user_id_learners FOREIGN KEY (guild_id, auth_user_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT ck_deadline_extensions_reason CHECK (length(reason) BETWEEN 1 AND 500)
);
COMMENT ON TABLE assessment.deadline_extensions IS
    'Deadlines of single learners; the later of this and the assessment''s own holds.';
COMMENT ON COLUMN assessment.deadline_extensions.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN assessment.deadline_extensions.assessment_id IS 'Assessment.';
COMMENT ON COLUMN assessment.deadline_extensions.auth_user_id IS 'Learner.';
COMMENT ON COLUMN assessment.deadline_extensions.due_at IS 'Their deadline.';
COMMENT ON COLUMN assessment.deadline_extensions.reason IS 'Why; for instructors.';
COMMENT ON COLUMN assessment.deadline_extensions.granted_by IS 'Instructor, an auth_user_id; a soft reference, null for the command line.';
COMMENT ON COLUMN assessment.deadline_extensions.created_at IS 'When the row was made.';
COMMENT ON COLUMN assessment.deadline_extensions.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_deadline_extensions_auth_user_id ON assessment.deadline_extensions (guild_id, auth_user_id);
CREATE TRIGGER tg_deadline_extensions_touch BEFORE UPDATE ON assessment.deadline_extensions
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE assessment.review_debts (
    guild_id bigint NOT NULL,
    assessment_id uuid NOT NULL,
    reviewer_id uuid NOT NULL,
    owed integer NOT NULL DEFAULT 0,
    written integer NOT NULL DEFAULT 0,
    forgiven integer NOT NULL DEFAULT 0,
    forgiven_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_review_debts PRIMARY KEY (guild_id, assessment_id, reviewer_id),
    CONSTRAINT fk_review_debts_assessment_id_quest_assessments FOREIGN KEY (guild_id, assessment_id)
        REFERENCES assessment.quest_assessments (guild_id, id),
    CONSTRAINT fk_review_debts_reviewer_id_learners FOREIGN KEY (guild_id, reviewer_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT ck_review_debts_figures CHECK (
        owed >= 0 AND written >= 0 AND forgiven BETWEEN 0 AND owed AND (forgiven > 0) = (forgiven_at IS NOT NULL))
);
COMMENT ON TABLE assessment.review_debts IS
    'Reviews that learners owe each other in a PeerReview; they hold back the own feedback, never grade, unlock or reward.';
COMMENT ON COLUMN assessment.review_debts.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN assessment.review_debts.assessment_id IS 'Assessment.';
COMMENT ON COLUMN assessment.review_debts.reviewer_id IS 'Who owes, an auth_user_id.';
COMMENT ON COLUMN assessment.review_debts.owed IS 'Reviews that handing in brought upon them.';
COMMENT ON COLUMN assessment.review_debts.written IS 'Reviews written.';
COMMENT ON COLUMN assessment.review_debts.forgiven IS 'Reviews forgiven, because there was nothing left to review.';
COMMENT ON COLUMN assessment.review_debts.forgiven_at IS 'When they were last forgiven some.';
COMMENT ON COLUMN assessment.review_debts.created_at IS 'When the row was made.';
COMMENT ON COLUMN assessment.review_debts.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_review_debts_reviewer_id ON assessment.review_debts (guild_id, reviewer_id);
CREATE TRIGGER tg_review_debts_touch BEFORE UPDATE ON assessment.review_debts
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE assessment.peer_review_assignments (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    submission_id uuid NOT NULL,
    author_id uuid NOT NULL,
    reviewer_id uuid NOT NULL,
    reviewer_role text NOT NULL DEFAULT 'peer',
    status text NOT NULL DEFAULT 'assigned',
    due_at timestamptz NOT NULL,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_peer_review_assignments PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_peer_review_assignments_submission_id_reviewer_id UNIQUE (guild_id, submission_id, reviewer_id),
    CONSTRAINT fk_peer_review_assignments_submission_id_quest_submissions FOREIGN KEY (guild_id, submission_id, author_id)
        REFERENCES assessment.quest_submissions (guild_id, id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT fk_peer_review_assignments_reviewer_id_learners FOREIGN KEY (guild_id, reviewer_id)
        REFERENCES learning.learners (guild_id, auth_user_id) ON DELETE CASCADE,
    CONSTRAINT ck_peer_review_assignments_not_own CHECK (reviewer_id <> author_id),
    CONSTRAINT ck_peer_review_assignments_reviewer_role CHECK (reviewer_role IN ('peer', 'instructor')),
    CONSTRAINT ck_peer_review_assignments_status CHECK (
        status IN ('assigned', 'completed', 'expired', 'declined', 'cancelled')),
    CONSTRAINT ck_peer_review_assignments_completed_at CHECK ((status = 'completed') = (completed_at IS NOT NULL))
) WITH (fillfactor = 85);
COMMENT ON TABLE assessment.peer_review_assignments IS
    'Who is to review which submission. Assigned to whoever owes reviews and has the fewest open ones, oldest '
    'submission first; what is not written in time is taken back and given to another, at last to an instructor.';
COMMENT ON COLUMN assessment.peer_review_assignments.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN assessment.peer_review_assignments.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN assessment.peer_review_assignments.submission_id IS 'Submission to review.';
COMMENT ON COLUMN assessment.peer_review_assignments.author_id IS
    'Who handed it in, an auth_user_id; here so that a constraint can forbid reviewing one''s own.';
COMMENT ON COLUMN assessment.peer_review_assignments.reviewer_id IS 'Who reviews it, an auth_user_id.';
COMMENT ON COLUMN assessment.peer_review_assignments.reviewer_role IS 'peer or instructor.';
COMMENT ON COLUMN assessment.peer_review_assignments.status IS
    'assigned, completed, expired (not written in time), declined, or cancelled (no longer needed).';
COMMENT ON COLUMN assessment.peer_review_assignments.due_at IS 'When it is taken back.';
COMMENT ON COLUMN assessment.peer_review_assignments.completed_at IS 'When the review was written.';
COMMENT ON COLUMN assessment.peer_review_assignments.created_at IS 'When the row was made.';
COMMENT ON COLUMN assessment.peer_review_assignments.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_peer_review_assignments_submission_id
    ON assessment.peer_review_assignments (guild_id, submission_id, author_id);
CREATE INDEX ix_peer_review_assignments_reviewer_id ON assessment.peer_review_assignments (guild_id, reviewer_id);
CREATE INDEX ix_peer_review_assignments_open ON assessment.peer_review_assignments (guild_id, reviewer_id, due_at)
    WHERE status = 'assigned';
CREATE INDEX ix_peer_review_assignments_due_at ON assessment.peer_review_assignments (due_at) WHERE status = 'assigned';
CREATE TRIGGER tg_peer_review_assignments_touch BEFORE UPDATE ON assessment.peer_review_assignments
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE assessment.submission_reviews (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    assignment_id uuid NOT NULL,
    scores jsonb NOT NULL DEFAULT '{}',
    score numeric(5,2) NOT NULL,
    feedback text NOT NULL,
    hidden_at timestamptz,
    hidden_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_submission_reviews PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_submission_reviews_assignment_id UNIQUE (guild_id, assignment_id),
    CONSTRAINT fk_submission_reviews_assignment_id_peer_review_assignments FOREIGN KEY (guild_id, assignment_id)
        REFERENCES assessment.peer_review_assignments (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_submission_reviews_scores CHECK (jsonb_typeof(scores) = 'object'),
    CONSTRAINT ck_submission_reviews_score CHECK (score >= 0),
    CONSTRAINT ck_submission_reviews_feedback CHECK (length(feedback) BETWEEN 1 AND 20000),
    CONSTRAINT ck_submission_reviews_hidden CHECK ((hidden_at IS NULL) = (hidden_by IS NULL))
);
COMMENT ON TABLE assessment.submission_reviews IS
    'Reviews of submissions, by peers or instructors: one for each assignment that was carried out.';
COMMENT ON COLUMN assessment.submission_reviews.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN assessment.submission_reviews.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN assessment.submission_reviews.assignment_id IS 'Assignment carried out.';
COMMENT ON COLUMN assessment.submission_reviews.scores IS 'Score for each criterion of the rubric.';
COMMENT ON COLUMN assessment.submission_reviews.score IS 'Grade it comes to, 0 to the submission''s max_grade.';
COMMENT ON COLUMN assessment.submission_reviews.feedback IS 'What the author is told.';
COMMENT ON COLUMN assessment.submission_reviews.hidden_at IS
    'When an instructor struck it out; it no longer counts for the median.';
COMMENT ON COLUMN assessment.submission_reviews.hidden_by IS 'Who did that, an auth_user_id.';
COMMENT ON COLUMN assessment.submission_reviews.created_at IS 'When the row was made.';
COMMENT ON COLUMN assessment.submission_reviews.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_submission_reviews_touch BEFORE UPDATE ON assessment.submission_reviews
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Regrades ----------------------------------------------------------------------------------------------------------

CREATE TABLE assessment.regrades (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    quest_id uuid NOT NULL,
    step_id uuid,
    assessment_id uuid,
    key_version integer NOT NULL,
    lowers boolean NOT NULL DEFAULT false,
    dry boolean NOT NULL DEFAULT false,
    differences jsonb NOT NULL DEFAULT '[]',
    status text NOT NULL DEFAULT 'running',
    after_try uuid,
    looked_at integer NOT NULL DEFAULT 0,
    changed integer NOT NULL DEFAULT 0,
    passed integer NOT NULL DEFAULT 0,
    reason text NOT NULL,
    requested_by uuid,
    finished_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_regrades PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_regrades_key_version_quest_versions FOREIGN KEY (guild_id, quest_id, key_version)
        REFERENCES learning.quest_versions (guild_id, quest_id, version),
    CONSTRAINT ck_regrades_subject CHECK (num_nonnulls(assessment_id, step_id) = 1),
    CONSTRAINT ck_regrades_status CHECK (status IN ('running', 'done') AND (status = 'done') = (finished_at IS NOT NULL)),
    CONSTRAINT ck_regrades_differences CHECK (jsonb_typeof(differences) = 'array' AND octet_length(differences::text) <= 262144),
    CONSTRAINT ck_regrades_reason CHECK (length(reason) BETWEEN 1 AND 2000),
    CONSTRAINT ck_regrades_figures CHECK (looked_at >= 0 AND changed BETWEEN 0 AND looked_at AND passed BETWEEN 0 AND changed)
);
COMMENT ON TABLE assessment.regrades IS
    'Regrades of tries by another key: bounded batches, each a transaction that moves after_try, so that a kill loses and repeats nothing.';
COMMENT ON COLUMN assessment.regrades.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN assessment.regrades.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN assessment.regrades.quest_id IS 'Quest.';
COMMENT ON COLUMN assessment.regrades.step_id IS 'Quiz or Coding step whose tries are graded again; null for an assessment.';
COMMENT ON COLUMN assessment.regrades.assessment_id IS 'Assessment whose tries are graded again; null for a step.';
COMMENT ON COLUMN assessment.regrades.key_version IS 'Version of the quest whose key counts.';
COMMENT ON COLUMN assessment.regrades.lowers IS 'Whether tries that come to less are lowered, too. What was passed stays passed all the same.';
COMMENT ON COLUMN assessment.regrades.dry IS 'Whether it only tells what would change.';
COMMENT ON COLUMN assessment.regrades.differences IS 'The first 200 tries that changed, or would.';
COMMENT ON COLUMN assessment.regrades.status IS 'running or done.';
COMMENT ON COLUMN assessment.regrades.after_try IS 'The last try that was looked at; null before the first.';
COMMENT ON COLUMN assessment.regrades.looked_at IS 'Tries looked at so far.';
COMMENT ON COLUMN assessment.regrades.changed IS 'Tries whose score changed.';
COMMENT ON COLUMN assessment.regrades.passed IS 'Tries that pass now and did not before.';
COMMENT ON COLUMN assessment.regrades.reason IS 'Why, in the words of who asked for it.';
COMMENT ON COLUMN assessment.regrades.requested_by IS 'Who asked for it: an auth_user_id, or the id of a key that is nobody''s.';
COMMENT ON COLUMN assessment.regrades.finished_at IS 'When it was done.';
COMMENT ON COLUMN assessment.regrades.created_at IS 'When it was asked for.';
COMMENT ON COLUMN assessment.regrades.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_regrades_key_version ON assessment.regrades (guild_id, quest_id, key_version);
CREATE TRIGGER tg_regrades_touch BEFORE UPDATE ON assessment.regrades
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
