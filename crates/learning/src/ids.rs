//! Ids of what is learnt. Learners are people ([`LearnerId`] is `people.users.auth_user_id`); faces know them by their
//! Discord id.

kernel::decl_uuid!(
    /// A learning path.
    PathId
);
kernel::decl_uuid!(
    /// A chapter of a learning path.
    ChapterId
);
kernel::decl_uuid!(
    /// A quest of the learning slice. Not one of the guild's board.
    QuestId
);
kernel::decl_uuid!(
    /// A step of a quest; the same one in all versions that have it.
    StepId
);
kernel::decl_uuid!(
    /// An assessment of a quest; the same one in all versions that have it.
    AssessmentId
);
kernel::decl_uuid!(
    /// A learner's attempt at a quest.
    AttemptId
);
kernel::decl_uuid!(
    /// A try at a step, or at an assessment, that is graded at once.
    TryId
);
kernel::decl_uuid!(
    /// Something handed in for review.
    SubmissionId
);
kernel::decl_uuid!(
    /// A person who learns: `people.users.auth_user_id`.
    LearnerId
);
