//! The events of assessment, as the catalogue lists them.

jobs::declare_events! {
    read "learning:read", admin "learning:grade";

    "assessment.submitted" Admins "a learner handed something in" {
        submission_id: Uuid = "0193a6b2-9e10-7c55-8a31-5f0e9d6b7c12", "what was handed in";
        user_id: Snowflake = "175928847299117063", "the learner";
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        assessment_id (optional): Uuid = "6a1f0c2d-7c00-8d2a-9d0a-3f1f0c2d4e5f", "the assessment; null for a step";
        step_id (optional): Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the step; null for an assessment";
    }
    "assessment.graded" Member "what a learner handed in was graded, or its grade changed" {
        user_id: Snowflake = "175928847299117063", "the learner";
        submission_id: Uuid = "0193a6b2-9e10-7c55-8a31-5f0e9d6b7c12", "what was handed in";
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        assessment_id (optional): Uuid = "6a1f0c2d-7c00-8d2a-9d0a-3f1f0c2d4e5f", "the assessment; null for a step";
        step_id (optional): Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the step; null for an assessment";
        passed: Boolean = true, "whether it passes";
    }
    "assessment.extended" Member "a learner was given a deadline of their own" {
        user_id: Snowflake = "175928847299117063", "the learner";
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        assessment_id: Uuid = "6a1f0c2d-7c00-8d2a-9d0a-3f1f0c2d4e5f", "the assessment";
        due_at: Time = "2026-12-01T18:00:00Z", "their deadline; the later of this and the assessment's own holds";
    }
    "assessment.review_wanted" Member "there is something to review for a learner who owes reviews" {
        user_id: Snowflake = "175928847299117063", "the learner who owes";
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        assessment_id: Uuid = "6a1f0c2d-7c00-8d2a-9d0a-3f1f0c2d4e5f", "the assessment";
    }
    "assessment.review_assigned" Member "a learner was given a review to write" {
        user_id: Snowflake = "175928847299117063", "the learner who reviews";
        review_id: Uuid = "0193a6b2-9e10-7c55-8a31-5f0e9d6b7c12", "the review";
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        assessment_id: Uuid = "6a1f0c2d-7c00-8d2a-9d0a-3f1f0c2d4e5f", "the assessment";
    }
    "assessment.escalated" Admins "what peers were to review falls to those who grade" {
        submission_id: Uuid = "0193a6b2-9e10-7c55-8a31-5f0e9d6b7c12", "what was handed in";
        user_id: Snowflake = "175928847299117063", "the learner";
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        assessment_id (optional): Uuid = "6a1f0c2d-7c00-8d2a-9d0a-3f1f0c2d4e5f", "the assessment";
        step_id (optional): Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "null";
    }
    "assessment.waiting_too_long" Admins "what fell to those who grade still waits: the owner should know" {
        submission_id: Uuid = "0193a6b2-9e10-7c55-8a31-5f0e9d6b7c12", "what was handed in";
        user_id: Snowflake = "175928847299117063", "the learner";
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        assessment_id (optional): Uuid = "6a1f0c2d-7c00-8d2a-9d0a-3f1f0c2d4e5f", "the assessment";
        step_id (optional): Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "null";
    }
}
