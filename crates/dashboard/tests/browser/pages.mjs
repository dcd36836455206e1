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
