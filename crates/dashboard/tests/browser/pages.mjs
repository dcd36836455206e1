// Every page, by a name for its picture.

export function pages(ids) {
  const campaign = `/campaigns/${ids.campaign}`;
  const challenge = `${campaign}/challenges/${ids.challenges[0].id}`;
  return {
    home: "", more: "/more", campaigns: "/campaigns", campaign, standings: `${campaign}/standings`,
    challenge, solvers: `${challenge}/solvers`,
    leaderboard: "/leaderboard", season_board: "/leaderboard?by=season", bytes: "/leaderboard?by=bytes",
    squads: "/squads", squad: `/squads/${ids.squad}`, joining: `/squads/${ids.squad}/joining`,
    board: "/board", board_quest: `/board/${ids.quest}`, shop: "/shop", item: `/shop/${ids.item}`,
    achievements: "/achievements", achievement: `/achievements/${ids.achievement}`,
    seasons: "/seasons", season: `/seasons/${ids.season}`,
    me: "/me", member: `/members/${ids.second}`, wallet: "/wallet", transfer: `/wallet/transfer?to=${ids.second}`,
    credentials: "/credentials", preferences: "/preferences", privacy: "/privacy", erasure: "/privacy/erasure",
    learn: "/learn", reviews: "/learn/reviews", skills: "/skills", sessions: "/sessions", path: `/learn/paths/${ids.path}`, quest: `/learn/quests/${ids.first}`, locked: `/learn/quests/${ids.coding}`,
    not_there: "/campaigns/00000000-0000-0000-0000-000000000000",
  };
}

// Those of staff, for who looks with their own eyes.
export function staffPages(ids) {
  const campaign = `/staff/campaigns/${ids.campaign}`;
  const challenge = `${campaign}/challenges/${ids.challenges[0].id}`;
  return {
    waits: "/staff", settings: "/staff/settings", setting: "/staff/settings/rewards",
    run_campaigns: "/staff/campaigns", new_campaign: "/staff/campaigns/new", bundle: "/staff/campaigns/import", run_campaign: campaign,
    edit_campaign: `${campaign}/edit`, close: `${campaign}/close`, registrations: `${campaign}/registrations`,
    submissions: `${campaign}/submissions`, claims: `${campaign}/claims`, history: `${campaign}/history`,
    editor: challenge, new_challenge: `${campaign}/challenges/new`, timers: "/staff/timers",
    grading: "/staff/grading", author: "/staff/learning", author_quest: `/staff/learning/quests/${ids.first}`,
    author_path: `/staff/learning/paths/${ids.path}`, members: "/staff/members", member_of_staff: `/staff/members/${ids.me}`,
    roles: "/staff/roles", keys: "/staff/keys", webhooks: "/staff/webhooks", cases: "/staff/cases", new_case: "/staff/cases/new",
    appeals: "/staff/appeals", raids: "/staff/raids", automod: "/staff/automod", new_rule: "/staff/automod/new", audit: "/staff/audit",
    edit_squads: "/staff/squads", edit_squad: `/staff/squads/${ids.squad}`, edit_shop: "/staff/shop", edit_board: "/staff/board",
    edit_seasons: "/staff/seasons", edit_season: `/staff/seasons/${ids.season}`, end_season: `/staff/seasons/${ids.season}/end`,
    edit_item: `/staff/shop/${ids.item}`, purchases: "/staff/shop/purchases", edit_board_quest: `/staff/board/${ids.quest}`,
    edit_achievements: "/staff/achievements", edit_achievement: `/staff/achievements/${ids.achievement}`,
    take_achievement: `/staff/achievements/${ids.achievement}/revoke?user_id=${ids.second}`,
    announcements: "/staff/announcements", announcement_channels: "/staff/announcements/channels",
    categories: "/staff/categories", multipliers: "/staff/multipliers",
    earnings: "/staff/earnings?interaction_type=MESSAGE&length=600&code=true", lake: "/staff/lake", lake_health: "/staff/lake/health", days: "/staff/days", journal: "/staff/journal",
    currency: "/staff/economy", currency_days: "/staff/economy/reports", ledger: "/staff/economy/ledger",
    effects: "/staff/effects", undone: "/staff/undone", hits: "/staff/hits", moderation_figures: "/staff/statistics", escalations: "/staff/escalations",
    word_rule: "/staff/automod/new?rule_type=words", join_rule: "/staff/automod/new?rule_type=join_rate", native_rules: "/staff/automod/native",
    banks: "/staff/banks", regrades: "/staff/regrades", figures: "/staff/figures", quest_figures: `/staff/figures/quests/${ids.first}`,
    edit_skills: "/staff/skills", badges: "/staff/badges", issued: "/staff/credentials", issuer_keys: "/staff/credentials/keys",
    new_member: "/staff/members/new", xp_import: "/staff/members/import", member_data: `/staff/members/${ids.me}/data`, forget: `/staff/members/${ids.me}/erasure`,
    campaign_figures: `${campaign}/figures`, inputs: `${challenge}/inputs`,
    installation: "/staff/installation", all_timers: "/staff/installation/timers", queues: "/staff/installation/queues",
    pause: "/staff/installation/queues/jobs.timers/pause", jobs: "/staff/installation/schedules", nodes: "/staff/installation/nodes",
    all_settings: "/staff/installation/settings", all_changes: "/staff/installation/audit",
  };
}
