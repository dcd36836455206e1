//! The quest board: tasks of a guild that a member claims and completes, such as a GitHub issue.
//!
//! Promises: a quest is claimed by one member at a time and paid once, however many ask at once (by a conditional update and
//! the journal's key); a claim that lapses opens the quest again within a minute.
//!
//! Map: [`model`] the types · [`ops`] transactions the faces call · [`lapse`] what lapses · `store` SQL · [`routes`] the
//! HTTP face. Not the quests of the learning slice.

pub mod lapse;
pub mod model;
pub mod ops;
pub mod routes;

mod store;

pub use model::{BoardQuest, BoardQuestEdit, BoardStatus, NewBoardQuest};

::jobs::declare_events! {
    read "community:read", admin "community:write";

    "board.quest_posted" Everyone "a quest was put on the board" {
        quest_id: Integer = 5, "the quest";
        title: Text = "Fix the login page", "its title";
        xp: Integer = 50, "XP for it";
        gold: Integer = 10, "gold for it";
        github_issue_url (optional): Text = "https://github.com/acme/site/issues/7", "the issue it is about";
    }
    "board.quest_claimed" Everyone "a member took a quest on" {
        quest_id: Integer = 5, "the quest";
        title: Text = "Fix the login page", "its title";
        user_id: Snowflake = "175928847299117063", "the member";
    }
    "board.quest_released" Everyone "a claim was given up, taken away, or lapsed" {
        quest_id: Integer = 5, "the quest";
        title: Text = "Fix the login page", "its title";
        user_id: Snowflake = "175928847299117063", "the member";
        lapsed: Boolean = false, "whether its time was over";
    }
    "board.quest_completed" Everyone "a quest was accepted as done, and paid" {
        quest_id: Integer = 5, "the quest";
        title: Text = "Fix the login page", "its title";
        user_id: Snowflake = "175928847299117063", "the member";
        xp: Integer = 50, "XP paid";
        gold: Integer = 10, "gold paid";
        stars: Integer = 5, "stars paid";
    }
}
