// What the demo has none of: filled in over the API, with names that are long, right-to-left, or hostile.

import { readFile } from "node:fs/promises";

export const GUILD = "1";
// One in which there is nothing.
export const EMPTY = "2";

export async function furnish(up) {
  const key = (await readFile(up.admin_key_file, "utf8")).trim();
  const call = async (method, path, body, user) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    if (user) headers["questhall-user"] = user;
    const answer = await fetch(`${up.url}/api/v1${path}`, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    const type = answer.headers.get("content-type") ?? "";
    return type.includes("json") && text ? JSON.parse(text) : text;
  };
  const api = (method, path, body, user) => call(method, `/guilds/${GUILD}${path}`, body, user);
  const members = (await api("GET", "/members?limit=200")).items.filter((member) => !member.is_bot);
  await api("PATCH", "/settings", { "public.campaigns": true, "public.leaderboards": true });
  // Somebody for whom the demo does not play.
  const me = "900000000000000001";
  await api("PUT", `/members/${me}`, { name: "Nova of the North" });
  await call("PUT", `/guilds/${EMPTY}/members/${me}`, { name: "Nova of the North" });
  const [second, third, fourth] = members.map((member) => member.user_id);
  await api("PUT", `/members/${second}`, { name: "Maximiliana-Theodora von und zu Hohenlohe-Langenburg-Schillingsfürst the Second" });
  await api("PUT", `/members/${third}`, { name: "مريم بنت عبد الله" });
  await api("PUT", `/members/${fourth}`, { name: "<script>alert(1)</script>" });
  const markdown = "# What to do\n\nMend the **gate**, see [the plan](https://example.org/plan) and not [this](javascript:alert(1)).\n\n"
    + "| tool | how many |\n|-|-:|\n| hammer | 1 |\n\n```rust\nfn main() { println!(\"a line of code that is rather long, to see whether it scrolls in its own box and not the page\"); }\n```\n\n<b>not bold</b>";
  const quest = await api("POST", "/board", { title: "Mend the gate", description: markdown, xp_reward: 250, gold_reward: 5 });
  await api("POST", "/board", { title: "Write the chronicle of last winter's siege, with all its heroes and none of its villains", description: "All of it.", xp_reward: 40 });
  await api("POST", `/board/${quest.id}/claim`, {}, second);
  const item = await api("POST", "/shop/items", { slug: "tea", name: "A pot of tea", description: "Hot, with *lemon*.", price_gold: 3, stock: 7 });
  await api("POST", "/shop/items", { slug: "banner", name: "A banner over your door", price_gold: 40, per_user_limit: 1 });
  for (const [name, rarity, value] of [["Chatterbox", "common", 10], ["Herald", "rare", 500], ["Voice of the hall", "legendary", 1000000]]) {
    await api("POST", "/achievements", {
      name, rarity, description: `Send ${value} messages.`, requirement_type: "counter_threshold",
      requirement_field: "messages_sent", requirement_value: value, xp_reward: 50,
    });
  }
  const roots = await api("POST", "/skills", { slug: "graphs", name: "Graphs", description: "Nodes, and what lies between them." });
  await api("POST", "/skills", { slug: "flows", name: "Flows", description: "How much gets through.", requires: [{ skill_id: roots.id, min_level: 2 }] });
  const later = new Date(Date.now() + 16 * 86400e3).toISOString();
  const tomorrow = new Date(Date.now() + 9 * 86400e3).toISOString();
  // The demo has one that runs.
  const season = (await api("GET", "/seasons")).items.find((one) => one.state === "active")
    ?? await api("POST", "/seasons", { name: "Season of Frost", ends_at: tomorrow });
  await api("POST", "/awards", { user_ids: members.slice(0, 30).map((member) => member.user_id), xp: 400, gold: 20, reason: "For the roof." });
  await api("POST", "/awards", { user_ids: [me, second, third], xp: 1200, gold: 30, reason: "For the bridge." });
  await api("POST", `/shop/items/${item.id}/purchases`, {}, me);
  await api("POST", "/economy/transfers", { receiver_id: second, amount: 12, reason: "For the ale <i>and</i> the song" }, me);
  const course = {
    slug: "course",
    path: { name: "Rust from the start", type: "Course", description: "From *nothing* to a program.", quests: [{ quest: "first" }, { quest: "second" }, { quest: "third" }] },
    quests: [
      { slug: "first", files: [
        { path: "words.txt", text: "let\nfn\nloop\n" },
        { path: "hour.svg", text: '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><rect width="80" height="40" fill="#888"/></svg>' },
      ], quest: {
        title: "The first hour", type: "Tutorial", difficulty: "Beginner", experience_points: 50,
        description: "What a program is.\n\n![An hour](files/hour.svg)", estimated_minutes: 45,
        resources: [{ type: "Dataset", title: "Its words", description: "To look up.", url: "files/words.txt" }],
        steps: [
          { slug: "read", type: "Reading", title: "Read the first chapter", description: markdown },
          { slug: "think", type: "Reflection", title: "What surprised you?", note_characters: 10, optional: true },
          { slug: "quiz", type: "Quiz", title: "What you know now", quiz: { cooldown_seconds: 0, questions: [
            { slug: "one", type: "single", text: "Which **one**?", choices: [{ slug: "a", text: "This", right: true }, { slug: "b", text: "That" }] },
            { slug: "many", type: "multiple", text: "Which ones?", choices: [{ slug: "a", text: "`let`", right: true }, { slug: "b", text: "`fn`", right: true }, { slug: "c", text: "perhaps" }] },
            { slug: "text", type: "text", text: "The word?", answers: ["sesame"] },
            { slug: "number", type: "number", text: "How much is six times seven?", number: "42" },
            { slug: "order", type: "ordering", text: "In order, please.", choices: [{ slug: "a", text: "dawn" }, { slug: "b", text: "noon" }, { slug: "c", text: "dusk" }] },
            { slug: "match", type: "matching", text: "What belongs together?", pairs: [{ slug: "a", left: "sun", right: "day" }, { slug: "b", left: "moon", right: "night" }] },
          ] } },
        ],
      } },
      { slug: "second", quest: {
        title: "The second hour", type: "Practice", difficulty: "Intermediate", experience_points: 80, requires: ["first"],
        steps: [{ slug: "code", type: "Coding", title: "Print it", description: "Print the number that you read.", coding: { starter: "print(input())\n", tests: [{ name: "one", stdin: "1\n", expected: "1\n" }] } }],
      } },
      { slug: "third", quest: {
        title: "The third hour", type: "Project", difficulty: "Advanced", experience_points: 120, description: "What you can do by now.",
        steps: [{ slug: "essay", type: "Submission", title: "Write of it", description: "A page or two.", submission: { rubric: [
          { slug: "sense", text: "It makes **sense**", points: 6 }, { slug: "style", text: "It is well written", points: 4 }] } }],
        assessments: [
          { slug: "peers", type: "PeerReview", title: "Looked at by others", description: "Hand in what you are proud of.", optional: true,
            review: { due_at: tomorrow, rubric_visibility: "always", peers: { required: 1, owed: 1 }, rubric: [
              { slug: "idea", text: "The **idea** carries it", points: 5 }, { slug: "craft", text: "It is made with care", points: 5 }] } },
          { slug: "exam", type: "Quiz", title: "A last question", optional: true, quiz: { cooldown_seconds: 0, questions: [
            { slug: "one", type: "single", text: "Which **one**?", choices: [{ slug: "a", text: "This", right: true }, { slug: "b", text: "That" }] }] } },
          { slug: "program", type: "AutoGraded", title: "A last program", description: "Print what you read.", optional: true,
            coding: { starter: "print(input())\n", tests: [{ name: "one", stdin: "1\n", expected: "1\n" }] } },
        ],
      } },
    ],
  };
  const learned = await api("POST", "/learning/import", course);
  const path = await api("GET", `/learning/paths/${learned.path_id}`, undefined, me);
  const [first, coding, third_hour] = path.quests.map((quest) => quest.id);
  let assessments = [];
  for (const user of [me, second, third]) {
    const attempt = await api("POST", `/learning/quests/${third_hour}/attempt`, {}, user);
    assessments = Object.fromEntries(attempt.assessments.map((one) => [one.slug, one.id]));
    if (user !== me) await api("POST", `/assessment/quests/${third_hour}/steps/${attempt.steps[0].id}/submissions`, { text: markdown, links: ["https://example.org/mine"] }, user);
    await api("POST", `/assessment/quests/${third_hour}/assessments/${assessments.peers}/submissions`, { text: `# Mine\n\n${markdown}` }, user);
  }
  const submission = (await api("GET", "/assessment/submissions")).items[0].id;
  const squads = (await api("GET", "/squads/leaderboard")).items;
  const campaign = up.demo_campaign;
  const challenges = (await api("GET", `/campaigns/${campaign}/challenges`, undefined, me)).items;
  const hints = await api("GET", `/campaigns/${campaign}/challenges/${challenges[0].id}/hints`, undefined, me);
  // Somebody who takes part, and will answer while one looks: the last of those who are furthest behind.
  const board = (await api("GET", `/campaigns/${campaign}/leaderboard?limit=200`)).items;
  const idle = board.map((row) => row.participant_id).reverse().find((user) => user !== me && ![second, third, fourth].includes(user));

  const warned = await api("POST", "/moderation/cases", {
    action: "warn", user_id: me, reason: "Shouting in the reading room, again", evidence: [{ url: "https://example.org/a" }],
  });
  await api("POST", "/moderation/cases", { action: "timeout", user_id: third, reason: "Spam <b>of</b> links", duration_seconds: 3600 });
  await api("POST", `/moderation/own-cases/${warned.case_number}/appeals`, { statement: "It was not me: I was asleep." }, me);
  const appeal = (await api("GET", "/moderation/appeals")).items[0].id;
  const rule = await api("POST", "/moderation/rules", { name: "No strange doors", rule_type: "invites", action: "alert" });
  await api("POST", "/moderation/raids", { action: "none", reason: "Many came at once." });
  const webhook = await api("POST", "/webhooks", { name: "The herald's hook", url: "https://example.org/hook" });
  const spare = await call("POST", "/keys", { name: "spare", guild_id: GUILD, scopes: ["campaigns:read"] });
  const achievement = (await api("GET", "/achievements")).items[0].id;
  await api("POST", `/achievements/${achievement}/grants`, { user_id: me, reason: "For the test" });
  const badge = await api("POST", "/credentials/badges", {
    achievement_id: achievement, name: "Voice of the guild", description: "Speaks so that others listen.", criteria: "Earn the **achievement** of that name.",
  });
  // A picture, of one colour: what is issued from now on has one.
  await api("PUT", `/credentials/badges/${badge.id}/image`, { png: "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mOYkGCAFTEMLQkAOmxIAer5pQYAAAAASUVORK5CYII=" });
  // Who has the achievement is given it soon, if nobody does it before.
  const held = async () => (await api("GET", `/credentials?user_id=${me}&badge_id=${badge.id}`)).items[0];
  const credential = await api("POST", "/credentials", { badge_id: badge.id, user_id: me }).catch(async (error) => {
    const given = await held();
    if (!given) throw error;
    return given;
  });
  await api("PUT", `/assessment/quests/${third_hour}/assessments/${assessments.peers}/extensions/${second}`, { due_at: later, reason: "Ill for a week." });
  const day = new Date().toISOString().slice(0, 10);
  await api("PUT", `/economy/reports/${day}`);
  const archive = await withFiles(api, me);
  return {
    archive, day, course, skill: roots.id, badge: badge.id, credential: credential.id, api, me, second, third, idle, quest: quest.id, item: item.id, season: season.id, campaign, challenges, hint: (hints.items ?? hints)[0]?.id,
    squad: squads[0].squad_id, path: path.id, first, coding, third_hour, assessments, submission, achievement,
    case: warned.case_number, appeal, rule: rule.id, webhook: (webhook.webhook ?? webhook).id, key: (spare.key ?? spare).id,
  };
}

// A campaign that runs, whose challenge has a file for everybody and one for each; the member has begun it.
async function withFiles(api, me) {
  const made = await api("POST", "/campaigns/import", {
    campaign: { name: "The archive", campaign_type: "player", duration_hours: 48, release_delay_minutes: 1 },
    challenges: [{
      slug: "shelf", title: "The shelf", description: "Its [plan](plan.txt) is the same for all, its note is yours.",
      attachments: [{ path: "plan.txt", text: "Third row, behind the maps.\n" }],
      generation_script: "import json\nprint(json.dumps({'input': 'see the note', 'result': 'behind the maps', 'files': {'note.txt': 'the third row'}}))\n",
    }],
  });
  const campaign = made.campaign_id ?? made.id;
  await api("POST", `/campaigns/${campaign}/start`);
  const released = async () => (await api("GET", `/campaigns/${campaign}/challenges`, undefined, me)).items[0]?.id;
  let challenge = await released();
  for (let tries = 0; !challenge && tries < 100; tries += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    challenge = await released();
  }
  await api("POST", `/campaigns/${campaign}/registrations`, {}, me);
  await api("GET", `/campaigns/${campaign}/challenges/${challenge}/input`, undefined, me);
  return { campaign, challenge };
}
