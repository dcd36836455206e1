// A newcomer's walk, on a server of its own where there is nothing yet: from the link that it prints to a guild, a campaign's rewards and a
// quest's grade. By pages alone: what one needs to know is read from them. People sign in at a stand-in of Discord.

import { createServer } from "node:http";
import { fault, look, watched } from "./look.mjs";

const HALL = "420000000000000000";
const OWNER = { id: "420000000000000001", name: "Mira" };
const LEARNER = { id: "420000000000000002", name: "Tomas" };

// What the server asks Discord when somebody signs in. The browser's answer is whoever is at it.
function discord(port) {
  let here = OWNER;
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://stand-in");
    const json = (body) => response.setHeader("content-type", "application/json").end(JSON.stringify(body));
    const who = [OWNER, LEARNER].find((one) => request.headers.authorization === `Bearer of-${one.id}`);
    switch (url.pathname) {
      case "/oauth2/authorize": {
        const back = new URL(url.searchParams.get("redirect_uri"));
        back.searchParams.set("code", here.id);
        back.searchParams.set("state", url.searchParams.get("state"));
        return response.writeHead(302, { location: back.href }).end();
      }
      case "/api/v10/oauth2/token": {
        let form = "";
        request.on("data", (chunk) => { form += chunk; });
        return request.on("end", () => {
          const id = new URLSearchParams(form).get("code");
          json({ access_token: `of-${id}`, token_type: "Bearer", refresh_token: `again-${id}`, expires_in: 604800 });
        });
      }
      case "/api/v10/users/@me": return json({ id: who.id, username: who.name.toLowerCase(), global_name: who.name });
      case "/api/v10/users/@me/guilds": return json([{ id: HALL, name: "The Copper Hall", owner: who === OWNER, permissions: "0" }]);
      case `/api/v10/users/@me/guilds/${HALL}/member`: return json({ roles: [] });
      default: return response.writeHead(404).end();
    }
  });
  server.listen(port, "127.0.0.1");
  return { as: (person) => { here = person; }, close: () => server.close() };
}

export async function walk({ context, pictures, hall, port, step }) {
  const doors = discord(port);
  let at = "";
  let number = 0;
  const opened = async (who, options = {}) => {
    const made = await context({ baseURL: hall.url, viewport: { width: 1280, height: 900 }, ...options });
    const page = await made.newPage();
    watched(page, () => `walk, ${who}: ${at}`);
    return { page, close: () => made.close() };
  };
  const picture = async (page, name) => {
    at = name;
    number += 1;
    await look(page, `walk: ${name}`);
    await page.screenshot({ path: `${pictures}/walk-${String(number).padStart(2, "0")}-${name.replaceAll(" ", "-")}.png`, fullPage: true });
  };
  const press = (page, name) => page.getByRole("main").getByRole("button", { name, exact: typeof name === "string" }).first().click();
  const follow = (page, name) => page.getByRole("main").getByRole("link", { name, exact: typeof name === "string" }).first().click();
  const rail = (page, name) => page.getByRole("navigation", { name: "Guild" }).getByRole("link", { name, exact: true }).click();
  const told = (page, text) => page.getByRole("status").getByText(text).waitFor();
  // What comes about in a moment, without whoever waits for it doing anything but looking again.
  const appears = async (page, locator) => {
    for (let tries = 0; tries < 40; tries += 1) {
      if (await locator.count()) return;
      await page.waitForTimeout(250);
      await page.reload();
    }
    throw new Error(`${at}: what was waited for does not appear`);
  };

  // The link says who runs the server.
  const { page: owner, close: closeOwner } = await opened("Mira");
  await owner.goto(hall.set_up);
  await picture(owner, "the link");
  await owner.getByLabel("Your Discord user id").fill(OWNER.id);
  await press(owner, "This is me");
  await owner.waitForURL(/\/set-up$/);
  await picture(owner, "set-up");
  await owner.getByLabel("Discord id of the guild").fill(HALL);
  await owner.getByLabel("Its name").fill("The Copper Hall");
  await press(owner, "Make it known");
  await owner.waitForURL(/\/set-up\/guilds\//);
  await picture(owner, "steps of a guild");
  await owner.getByRole("radio", { name: /Deeds before words/ }).check();
  await press(owner, "Choose it");
  await told(owner, "Deeds before words");
  await press(owner, "Bring the example in");
  await told(owner, "is there as a draft");
  await owner.getByLabel(/Published campaigns/).check();
  await owner.getByLabel("The leaderboard").check();
  await press(owner, "Save");
  await told(owner, "open to the world");
  await picture(owner, "steps done");
  await follow(owner, "Go to the guild");
  await owner.waitForURL(/\/g\/\d+$/);
  await picture(owner, "home of a new guild");
  step("a guild is set up");

  // A campaign, from its draft to its start.
  await rail(owner, "Run campaigns");
  await follow(owner, "Advent of Bytes");
  await picture(owner, "a draft");
  const campaign = owner.url();
  await follow(owner, "Start now");
  await picture(owner, "before the start");
  await press(owner, "Start now");
  await told(owner, "It starts");
  await appears(owner, owner.getByText("Released", { exact: true }));
  await picture(owner, "started");

  // Somebody else signs in with Discord, on a phone, and takes part.
  doors.as(LEARNER);
  const { page: learner, close: closeLearner } = await opened("Tomas", { viewport: { width: 390, height: 800 }, isMobile: true, hasTouch: true });
  await learner.goto("/");
  await picture(learner, "sign in");
  await follow(learner, "Sign in with Discord");
  await learner.waitForURL(/\/g\/\d+$/);
  await picture(learner, "home of a newcomer");
  await rail(learner, "Campaigns");
  await follow(learner, "Advent of Bytes");
  await press(learner, "Take part");
  await told(learner, "takes part");
  await picture(learner, "taking part");
  await learner.locator(".path a").first().click();
  await learner.getByRole("heading", { name: "Begin" }).waitFor();
  await press(learner, "Begin");
  await told(learner, "You have begun");
  await picture(learner, "begun");

  // Staff find the answers that are right for him.
  await owner.goto(campaign);
  await owner.locator("tbody th a").first().click();
  await owner.getByRole("link", { name: /Inputs/ }).first().click();
  await picture(owner, "inputs");
  const answers = await owner.locator("tr", { has: owner.locator(`a[href$="/${LEARNER.id}"]`) }).first().locator("code").allInnerTexts();
  for (const answer of answers) {
    await learner.getByRole("textbox", { name: "Your answer" }).fill(answer);
    await press(learner, "Send it");
    await told(learner, "Right!");
  }
  await learner.getByText("Solved", { exact: true }).first().waitFor();
  await picture(learner, "solved");
  step("a campaign runs");

  // To its rewards.
  for (const [deed, said] of [["Close", "It is closed"], ["Open rewards", "Rewards can be claimed"]]) {
    await owner.goto(campaign);
    await follow(owner, deed);
    await picture(owner, deed.toLowerCase());
    await press(owner, deed);
    await told(owner, said);
  }
  await picture(owner, "rewards are open");
  await rail(learner, "Home");
  await appears(learner, learner.getByRole("link", { name: /Rewards of/ }));
  await picture(learner, "a reward waits");
  await follow(learner, /Rewards of/);
  await press(learner, "Claim it");
  await told(learner, "Your reward is paid");
  await picture(learner, "claimed");
  step("its rewards are paid");

  // A quest with work that staff grade, and a path that leads to it.
  await rail(owner, "Teach");
  await owner.getByRole("navigation", { name: "Teach" }).getByRole("link", { name: "Paths and quests" }).click();
  await picture(owner, "paths and quests");
  await follow(owner, "New quest");
  await picture(owner, "a new quest");
  await owner.getByLabel("Title", { exact: true }).first().fill("A letter to the hall");
  await owner.getByLabel("What it is about").fill("How to say what one **needs**.");
  const steps = owner.getByRole("group", { name: /^Step/ });
  await steps.nth(0).getByLabel("Title").fill("Read a letter");
  await steps.nth(0).getByLabel("What is to be done").fill("> Dear hall, the roof leaks.");
  await steps.nth(1).getByLabel("Title").fill("Write one");
  await steps.nth(1).getByLabel("What is to be done").fill("Half a page.");
  await steps.nth(1).getByLabel("How work is graded").fill("6 It says what is needed\n4 It is kind");
  await press(owner, "Keep as a draft");
  await told(owner, "It is a draft");
  await picture(owner, "a quest's draft");
  await press(owner, "Keep and publish");
  await told(owner, "It is published");
  await follow(owner, "Paths and quests");
  await follow(owner, "New path");
  await owner.getByLabel("Name", { exact: true }).fill("Letters");
  await owner.getByLabel("Where it leads").fill("To be heard.");
  await owner.getByLabel("Quest 1").selectOption({ label: "A letter to the hall" });
  await picture(owner, "a new path");
  await press(owner, "Keep as a draft");
  await press(owner, "Keep and publish");
  await told(owner, "It is published");
  step("a path is published");

  // He finds it, and hands in.
  await rail(learner, "Learn");
  await picture(learner, "learn");
  await follow(learner, "Letters");
  await press(learner, "Enrol");
  await told(learner, "You are enrolled");
  await follow(learner, "A letter to the hall");
  await press(learner, "Begin");
  await press(learner, /I have done it/);
  await learner.getByLabel("Your work, Markdown").fill("Dear hall,\n\nthe *gate* squeaks. Could somebody bring oil?");
  await picture(learner, "work");
  await press(learner, "Hand it in");
  await learner.getByRole("status").waitFor();
  await picture(learner, "handed in");

  // What waits leads to it; graded, he sees what he was told.
  await rail(owner, "What waits");
  await picture(owner, "what waits");
  await follow(owner, "Grade");
  await press(owner, "Take the next one");
  await picture(owner, "to be graded");
  await owner.getByLabel("It says what is needed").fill("6");
  await owner.getByLabel("It is kind").fill("3");
  await owner.getByLabel("What the learner is told").fill("Well said; the *oil* is on its way.");
  await press(owner, "Grade");
  await told(owner, "Graded: 90");
  await picture(owner, "graded");
  await learner.reload();
  await learner.getByText("is on its way").waitFor();
  if (!(await learner.getByText("best 90.00 %").count())) fault("walk", "a grade is not seen by who earned it");
  await picture(learner, "a grade");
  await rail(learner, "Home");
  await picture(learner, "home at the end");
  step("a grade is given");

  // Nobody who has no link sets anything up.
  const { page: stranger, close } = await opened("a stranger");
  await stranger.goto(new URL(`/p/${HALL}`, hall.url).href);
  await picture(stranger, "what the world sees");
  await Promise.all([close(), closeOwner(), closeLearner()]);
  doors.close();
}
