//! Coding steps as authors write them, and what learners are told of a run.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A program to write, and the tests that judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Coding {
    /// What the learner begins with, Python.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub starter: String,
    /// The tests, at least one. All must be passed.
    pub tests: Vec<CodeTest>,
    /// Python that judges what the program printed, where comparing texts will not do: it reads
    /// `{"tests": [{"name", "stdin", "expected", "output"}]}` and prints `{"passed": [true, …]}`, perhaps with `"feedback": ["…", …]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checker: Option<String>,
    /// How often it may be tried; absent for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub max_tries: Option<u32>,
}

/// A test of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeTest {
    /// What it is called; learners see the names of visible ones.
    pub name: String,
    /// What the program reads.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stdin: String,
    /// Python that runs after the learner's, such as `print(add(2, 3))`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub append: String,
    /// What the program is to print; white space at the ends of lines and of the whole does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Whether learners are told nothing of it but how many such they passed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// A program that a learner hands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeAnswer {
    /// The program, Python, at most 64 KiB.
    #[schema(max_length = 65_536)]
    pub code: String,
}

/// What a learner is told of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeFeedback {
    /// The visible tests.
    pub tests: Vec<CodeTestResult>,
    /// Hidden tests passed.
    pub hidden_passed: u32,
    /// Hidden tests there are.
    pub hidden_total: u32,
}

/// How a visible test went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeTestResult {
    /// The test.
    pub name: String,
    /// Whether it is passed.
    pub passed: bool,
    /// What the program read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stdin: String,
    /// What it should have printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What it printed, the first 4,000 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// Why it ended badly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the author's checker says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
}
