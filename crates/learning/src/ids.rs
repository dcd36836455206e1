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
    /// A person who learns: `people.users.auth_user_id`.
    LearnerId
);

impl AssessmentId {
    /// The id of a quest's assessment: it follows from the quest and the short name, so that every slice knows it without asking.
    pub fn of(quest: QuestId, slug: &str) -> Self {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(format!("assessment {quest}/{slug}").as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        let builder = uuid::Builder::from_bytes(bytes).with_variant(uuid::Variant::RFC4122);
        Self::new(builder.with_version(uuid::Version::Custom).into_uuid())
    }
}

/// What is tried, handed in and graded: a step of a quest, or an assessment of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A step.
    Step(StepId),
    /// An assessment of the quest.
    Assessment(AssessmentId),
}

impl Subject {
    /// The step, if it is one.
    pub const fn step(self) -> Option<StepId> {
        match self {
            Self::Step(id) => Some(id),
            Self::Assessment(_) => None,
        }
    }

    /// The assessment, if it is one.
    pub const fn assessment(self) -> Option<AssessmentId> {
        match self {
            Self::Step(_) => None,
            Self::Assessment(id) => Some(id),
        }
    }
}
