//! What became of a timer that failed.

/// A timer that failed alone.
pub(super) struct Failure {
    /// Its place in the batch.
    pub(super) index: usize,
    pub(super) end: End,
}

/// What became of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It will be tried again.
    Retried,
    /// That was the last time.
    Failed,
    /// The table refused to store it: the timer is still due.
    Unstored,
}
