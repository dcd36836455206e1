//! The events of learning, as the catalogue lists them. Those of the reward cascade are declared where they are consumed,
//! in the community's skills.

jobs::declare_events! {
    read "learning:read", admin "learning:grade";

    "learning.enrolled" Member "a learner enrolled in a path" {
        user_id: Snowflake = "175928847299117063", "the learner";
        path_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the path";
        name: Text = "Rust from the start", "its name";
    }
    "learning.attempt_begun" Member "a learner began a quest" {
        user_id: Snowflake = "175928847299117063", "the learner";
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        title: Text = "Loops", "its title";
        version: Integer = 1, "the version begun";
        again: Boolean = false, "whether it was abandoned before";
    }
    "learning.step_completed" Member "a learner completed a step" {
        user_id: Snowflake = "175928847299117063", "the learner";
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        step_id: Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the step";
        done: Integer = 2, "parts of the quest that count and are done";
        total: Integer = 3, "parts of the quest that count";
    }
    "learning.quest_completed" Member "a learner completed a quest" {
        user_id: Snowflake = "175928847299117063", "the learner";
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        title: Text = "Loops", "its title";
    }
    "learning.chapter_completed" Member "a learner completed a chapter of a path" {
        user_id: Snowflake = "175928847299117063", "the learner";
        path_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the path";
        chapter_id: Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the chapter";
        title: Text = "Basics", "its title";
    }
    "learning.path_completed" Member "a learner completed a path" {
        user_id: Snowflake = "175928847299117063", "the learner";
        path_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the path";
        name: Text = "Rust from the start", "its name";
    }
    "learning.path_progress" Member "a learner got further in a path" {
        user_id: Snowflake = "175928847299117063", "the learner";
        path_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the path";
        done: Integer = 3, "mandatory quests completed";
        total: Integer = 12, "mandatory quests";
    }
    "learning.quest_published" Everyone "a quest was published, or its wording or grading changed" {
        quest_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the quest";
        title: Text = "Loops", "its title";
        version: Integer = 1, "the version that is begun now";
    }
    "learning.path_published" Everyone "a path was published" {
        path_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the path";
        name: Text = "Rust from the start", "its name";
    }
}
