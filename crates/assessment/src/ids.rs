//! Ids of what is judged.

kernel::decl_uuid!(
    /// Something handed in to be judged by people.
    SubmissionId
);
kernel::decl_uuid!(
    /// That somebody is to review a submission.
    ReviewId
);
kernel::decl_uuid!(
    /// A regrade.
    RegradeId
);
