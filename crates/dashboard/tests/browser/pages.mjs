// Every page, by a name for its picture. A kind of page that is missing here is found by the walk (reach.mjs), and fails it.

// Of members.
export function pages(ids) {
  const campaign = `/campaigns/${ids.campaign}`;
  const challenge = `${campaign}/challenges/${ids.challenges[0].id}`;
  const quest = `/learn/quests/${ids.first}`;
  return {
    home: "", more: "/more", campaigns: "/campaigns", campaign, standings: `${campaign}/standings`, replay: `${campaign}/replay`, withdrawal: `${campaign}/withdrawal`,
    challenge, with_files: `/campaigns/${ids.archive.campaign}/challenges/${ids.archive.challenge}`, solvers: `${challenge}/solvers`, hint: ids.hint && `${challenge}/hints/${ids.hint}`,
    leaderboard: "/leaderboard", season_board: "/leaderboard?by=season", bytes: "/leaderboard?by=bytes",
    squads: "/squads", squad: `/squads/${ids.squad}`, joining: `/squads/${ids.squad}/joining`, leaving: "/squads/leaving",
    board: "/board", board_quest: `/board/${ids.quest}`, shop: "/shop", item: `/shop/${ids.item}`,
    achievements: "/achievements", achievement: `/achievements/${ids.achievement}`,
    seasons: "/seasons", season: `/seasons/${ids.season}`, skills: "/skills",
    me: "/me", member: `/members/${ids.second}`, right_to_left: `/members/${ids.third}`,
    notifications: "/notifications", wallet: "/wallet", transfer: `/wallet/transfer?to=${ids.second}`,
    credentials: "/credentials", preferences: "/preferences", sessions: "/sessions", privacy: "/privacy", erasure: "/privacy/erasure",
    activity: "/activity", levels: "/activity?kind=levels", squads_standings: `${campaign}/standings/squads`,
    skill: `/skills/${ids.skill}`, member_skills: `/members/${ids.me}/skills`, member_days: `/members/${ids.third}/days`, own_cases: "/cases",
    badges: "/credentials/badges", badge: `/credentials/badges/${ids.badge}`, verification: `//g/1/verification/${ids.credential}`,
    search: "/learn/search", found: "/learn/search?q=hour", next: "/learn/next", reviews_to_do: "/learn/reviews-to-do",
    assessments: `/learn/quests/${ids.third_hour}/assessments`, opinion: `/learn/quests/${ids.third_hour}/opinion`,
    learn: "/learn", reviews: "/learn/reviews", path: `/learn/paths/${ids.path}`, quest, giving_up: `${quest}/giving-up`, upgrade: `${quest}/upgrade`,
    locked: `/learn/quests/${ids.coding}`, work: `/learn/quests/${ids.third_hour}`,
    guilds: "//guilds", acting: "/as?to=/", not_there: "/campaigns/00000000-0000-0000-0000-000000000000",
  };
}

// Those of staff, for who looks with their own eyes.
export function staffPages(ids) {
  const campaign = `/staff/campaigns/${ids.campaign}`;
  const challenge = `${campaign}/challenges/${ids.challenges[0].id}`;
  const quest = `/staff/learning/quests/${ids.first}`;
  const path = `/staff/learning/paths/${ids.path}`;
  return {
    set_up: "//set-up", set_up_guild: "//set-up/guilds/1",
    waits: "/staff", settings: "/staff/settings", setting: "/staff/settings/rewards",
    run_campaigns: "/staff/campaigns", new_campaign: "/staff/campaigns/new", bundle: "/staff/campaigns/import", run_campaign: campaign,
    edit_campaign: `${campaign}/edit`, import_into: `${campaign}/import`, publish: `${campaign}/publish`, start: `${campaign}/start`,
    close: `${campaign}/close`, open_rewards: `${campaign}/open-rewards`, cancel: `${campaign}/cancel`, delete: `${campaign}/delete`,
    registrations: `${campaign}/registrations`, submissions: `${campaign}/submissions`, claims: `${campaign}/claims`, history: `${campaign}/history`, rehearsal: `${campaign}/rehearsal`,
    editor: challenge, new_challenge: `${campaign}/challenges/new`, delete_challenge: `${challenge}/delete`, timers: "/staff/timers",
    grading: "/staff/grading", submission: `/staff/grading/${ids.submission}`,
    extensions: `/staff/extensions/${ids.third_hour}/${ids.assessments.peers}`, author: "/staff/learning", learning_bundle: "/staff/learning/import",
    new_quest: "/staff/learning/quests/new", author_quest: quest, quest_document: `${quest}?as=document`, retire_quest: `${quest}/retire`,
    new_path: "/staff/learning/paths/new", author_path: path, path_document: `${path}?as=document`, retire_path: `${path}/retire`,
    members: "/staff/members", members_found: "/staff/members?q=a", member_of_staff: `/staff/members/${ids.me}`,
    roles: "/staff/roles", keys: "/staff/keys", revoke_key: `/staff/keys/${ids.key}/revoke`,
    webhooks: "/staff/webhooks", webhook: `/staff/webhooks/${ids.webhook}`, delete_webhook: `/staff/webhooks/${ids.webhook}/delete`,
    cases: "/staff/cases", new_case: "/staff/cases/new", case: `/staff/cases/${ids.case}`,
    appeals: "/staff/appeals", appeal: `/staff/appeals/${ids.appeal}`, raids: "/staff/raids",
    automod: "/staff/automod", new_rule: "/staff/automod/new", rule: `/staff/automod/${ids.rule}`, audit: "/staff/audit",
    edit_squads: "/staff/squads", edit_squad: `/staff/squads/${ids.squad}`, edit_shop: "/staff/shop", edit_board: "/staff/board",
    edit_seasons: "/staff/seasons", edit_season: `/staff/seasons/${ids.season}`, end_season: `/staff/seasons/${ids.season}/end`,
    edit_item: `/staff/shop/${ids.item}`, purchases: "/staff/shop/purchases", edit_board_quest: `/staff/board/${ids.quest}`,
    edit_achievements: "/staff/achievements", edit_achievement: `/staff/achievements/${ids.achievement}`,
    take_achievement: `/staff/achievements/${ids.achievement}/revoke?user_id=${ids.second}`,
    announcements: "/staff/announcements", announcement_channels: "/staff/announcements/channels",
    categories: "/staff/categories", multipliers: "/staff/multipliers",
    earnings: "/staff/earnings?interaction_type=MESSAGE&length=600&code=true", what_if: "/staff/what-if?message_xp=5&reaction_received_xp=20", lake: "/staff/lake", lake_health: "/staff/lake/health", days: "/staff/days", journal: "/staff/journal",
    currency: "/staff/economy", currency_days: "/staff/economy/reports", currency_day: `/staff/economy/reports/${ids.day}`, ledger: "/staff/economy/ledger",
    set_up_from_discord: "/staff/discord", effects: "/staff/effects", undone: "/staff/undone", hits: "/staff/hits", moderation_figures: "/staff/statistics", escalations: "/staff/escalations",
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

// What everybody sees, without signing in.
export function publicPages(ids) {
  return {
    public_guild: "//p/1", public_leaderboard: "//p/1/leaderboard", public_campaign: `//p/1/campaigns/${ids.campaign}`,
    status: "//status", sign_in: "//sign-in", credential: `//g/1/verification/${ids.credential}`,
  };
}

// Lists of a guild in which there is nothing.
export const emptyPages = {
  home: "", campaigns: "/campaigns", leaderboard: "/leaderboard", squads: "/squads", board: "/board", shop: "/shop",
  achievements: "/achievements", seasons: "/seasons", skills: "/skills", learn: "/learn", me: "/me", wallet: "/wallet", notifications: "/notifications",
  credentials: "/credentials", badges: "/credentials/badges", activity: "/activity", next: "/learn/next", own_cases: "/cases",
  reviews_to_do: "/learn/reviews-to-do", waits: "/staff", run_campaigns: "/staff/campaigns", grading: "/staff/grading", author: "/staff/learning",
  cases: "/staff/cases", automod: "/staff/automod", webhooks: "/staff/webhooks", staff_members: "/staff/members", banks: "/staff/banks",
  figures: "/staff/figures", edit_shop: "/staff/shop", edit_squads: "/staff/squads", multipliers: "/staff/multipliers",
  hits: "/staff/hits", audit: "/staff/audit", appeals: "/staff/appeals", raids: "/staff/raids", economy: "/staff/economy",
  lake: "/staff/lake", announcements: "/staff/announcements",
};

// Answers that are files: no pages, yet something leads to each, and it answers as what is kept.
export const files = [
  "/g/*/campaigns/*/challenges/*/input", "/g/*/campaigns/*/challenges/*/input/files/*", "/g/*/campaigns/*/challenges/*/attachments/*", "/g/*/learn/quests/*/files/*", "/g/*/credentials/*/document", "/g/*/credentials/*/image",
  "/g/*/staff/campaigns/*/bundle.json", "/g/*/staff/learning/paths/*/bundle.json",
];

// Addresses that look something up and lead on; and what a link opens that only Discord sends (dashboard_members.rs looks at it).
export const passing = ["/", "/appeal/*", "/sign-in"];
