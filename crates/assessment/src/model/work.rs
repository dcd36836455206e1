//! What a learner hands in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a learner hands in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Text, Markdown: at most 100,000 characters.
    #[serde(default)]
    #[schema(max_length = 100_000)]
    pub text: String,
    /// Addresses of what lies elsewhere, https or http: at most 20.
    #[serde(default)]
    #[schema(example = json!(["https://example.org/my-work"]))]
    pub links: Vec<String>,
}
