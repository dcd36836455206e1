//! The events of challenges, as the catalogue lists them.

jobs::declare_events! {
    read "campaigns:read", admin "campaigns:write";

    "challenge.solved" Everyone "a part was solved; while the scoreboard is frozen, only to who solved it, without place and points" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        challenge_id: Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the challenge";
        part: Integer = 1, "which part, from 1";
        participant_id: Text = "175928847299117063", "who: a player's Discord id or a squad's id";
        participant_type: Text = "player", "player or squad";
        display_name: Text = "Ada", "who, for people";
        solved_at: Time = "2026-12-01T18:00:03.217Z", "when the answer arrived";
        elapsed_ms: Integer = 1_320_000, "how long it took since the input was first fetched, in milliseconds";
        frozen: Boolean = false, "whether the scoreboard is frozen";
        position (optional): Integer = 3, "the how-manieth to solve it";
        first_blood (optional): Boolean = false, "whether nobody had solved it before";
        points (optional): Integer = 80, "points for it, where points are given";
    }
    "challenge.script_changed" Everyone "the author changed the generator of a released challenge" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        challenge_id: Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the challenge";
        title: Text = "Rock, paper, scissors", "its title";
        inputs_replaced: Boolean = false, "whether those who had begun get new inputs";
    }
    "challenge.hint_unlocked" Member "a hint was bought" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        challenge_id: Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the challenge";
        hint_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the hint";
        participant_id: Text = "175928847299117063", "for whom: a player's Discord id or a squad's id";
        cost_bytes: Integer = 10, "what it cost, in bytes";
        penalty: Integer = 5, "what it costs in points, or minutes where times count";
    }
    "challenge.borrowed_answer" Admins "somebody submitted the answer to another participant's input" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        challenge_id: Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the challenge";
        title: Text = "Rock, paper, scissors", "its title";
        part: Integer = 1, "which part, from 1";
        participant_id: Text = "175928847299117063", "who submitted it: a player's Discord id or a squad's id";
        participant_name: Text = "Ada", "who, for people";
        member_id: Text = "175928847299117063", "the member who sent it";
        submitted_at: Time = "2026-12-01T18:00:03.217Z", "when it arrived";
        owner_id: Text = "175928847299117064", "whose input it answers";
        owner_name: Text = "Bob", "who that is, for people";
        owner_solved_at (optional): Time = "2026-12-01T17:40:00Z", "when they solved the part, if they have";
    }
    "challenge.checker_failed" Admins "a checker failed; once a challenge and version of its checker" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        challenge_id: Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the challenge";
        slug: Text = "rock-paper-scissors", "its short name";
        title: Text = "Rock, paper, scissors", "its title";
        checker_version: Integer = 2, "the version that failed";
        error: Text = "ZeroDivisionError on line 12", "what went wrong, in the author's words";
    }
    "challenge.script_failed" Admins "a generator failed; once a challenge and version of its script" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        challenge_id: Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the challenge";
        slug: Text = "rock-paper-scissors", "its short name";
        title: Text = "Rock, paper, scissors", "its title";
        script_version: Integer = 2, "the version that failed";
        error: Text = "ZeroDivisionError on line 12", "what went wrong, in the author's words";
    }
}
