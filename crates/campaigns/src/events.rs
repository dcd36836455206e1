//! The events of campaigns, as the catalogue lists them.

jobs::declare_events! {
    read "campaigns:read", admin "campaigns:write";

    "campaign.published" Everyone "registration opens" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        name: Text = "Advent", "the campaign's name";
        start_time (optional): Time = "2026-12-01T18:00:00Z", "when it starts";
        entry_fee: Integer = 50, "what registering costs, in bytes";
        announcement_channel_id (optional): Snowflake = "175928847299117099", "where the guild announces the campaign";
    }
    "campaign.started" Everyone "it runs" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        name: Text = "Advent", "the campaign's name";
        announcement_channel_id (optional): Snowflake = "175928847299117099", "where the guild announces the campaign";
    }
    "challenge.released" Everyone "a challenge can be solved" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        challenge_id: Uuid = "0193a6b2-8e10-7c55-8a31-5f0e9d6b7c12", "the challenge";
        order_position: Integer = 3, "its place in the campaign, from 1";
        title: Text = "Rock, paper, scissors", "its title";
        name: Text = "Advent", "the campaign's name";
        announcement_channel_id (optional): Snowflake = "175928847299117099", "where the guild announces the campaign";
    }
    "campaign.standings_frozen" Everyone "the scoreboard freezes" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        name: Text = "Advent", "the campaign's name";
        announcement_channel_id (optional): Snowflake = "175928847299117099", "where the guild announces the campaign";
    }
    "campaign.closed" Everyone "standings are final" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        name: Text = "Advent", "the campaign's name";
        announcement_channel_id (optional): Snowflake = "175928847299117099", "where the guild announces the campaign";
    }
    "campaign.rewards_open" Everyone "rewards can be claimed" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        name: Text = "Advent", "the campaign's name";
        announcement_channel_id (optional): Snowflake = "175928847299117099", "where the guild announces the campaign";
    }
    "campaign.expired" Everyone "it is over" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        name: Text = "Advent", "the campaign's name";
        announcement_channel_id (optional): Snowflake = "175928847299117099", "where the guild announces the campaign";
    }
    "campaign.cancelled" Everyone "it was called off" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        name: Text = "Advent", "the campaign's name";
        announcement_channel_id (optional): Snowflake = "175928847299117099", "where the guild announces the campaign";
    }
    "campaign.registered" Everyone "somebody joins" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        participant_id: Text = "175928847299117063", "who: a player's Discord id or a squad's id";
        participant_type: Text = "player", "player or squad";
        display_name: Text = "Ada", "who, for people";
    }
    "campaign.withdrawn" Everyone "somebody leaves" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        participant_id: Text = "175928847299117063", "who: a player's Discord id or a squad's id";
    }
    "reward.reminder" Member "the claim window ends soon" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        name: Text = "Advent", "the campaign's name";
        user_id: Snowflake = "175928847299117063", "the member";
        bytes: Integer = 100, "bytes to be claimed";
        xp: Integer = 250, "XP to be claimed";
        gold: Integer = 5, "gold to be claimed";
        claim_until (optional): Time = "2026-12-31T18:00:00Z", "until when";
    }
    "reward.claimed" Member "a reward was paid" {
        campaign_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the campaign";
        name: Text = "Advent", "the campaign's name";
        user_id: Snowflake = "175928847299117063", "the member";
        rank (optional): Integer = 1, "the participant's rank";
        bytes: Integer = 100, "bytes paid";
        xp: Integer = 250, "XP paid";
        gold: Integer = 5, "gold paid";
    }
}
