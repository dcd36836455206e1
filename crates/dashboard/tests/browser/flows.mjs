// What people do: sign in, take part and answer, learn, hand in, be refused.

import { writeFile } from "node:fs/promises";
import { fault, look, watched } from "./look.mjs";

// Signs in as the local administrator, and looks as a member.
export async function signIn({ page, pictures, up, home, ids }) {
  await page.goto(`${home}/wallet`);
  await look(page, "sign-in");
  await page.screenshot({ path: `${pictures}/sign-in.png`, fullPage: true });
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  if (!(await page.getByRole("alert").isVisible())) fault("sign-in", "a wrong password is not told");
  if ((await page.getByLabel("Name").inputValue()) !== "ada") fault("sign-in", "what was typed is lost");
  await page.getByLabel("Password").fill("a password for tests");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/as\?to=/);
  await page.getByLabel("Discord id").fill(ids.me);
  await page.getByRole("button", { name: "Look as this member" }).click();
  await page.waitForURL(/\/wallet$/);
}

// Takes part in a campaign, begins, answers wrongly, then rightly by the keyboard alone.
export async function campaign({ page, pictures, home, ids }) {
  await page.goto(`${home}/campaigns`);
  await page.locator(`.cards a[href$="${ids.campaign}"]`).click();
  await page.waitForURL(/\/campaigns\/[0-9a-f-]+$/);
  await page.getByRole("button", { name: "Take part" }).click();
  await page.getByRole("status").getByText("takes part").waitFor();
  await page.locator(".path a").first().click();
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("status").getByText("You have begun").waitFor();
  await look(page, "begun");
  await page.screenshot({ path: `${pictures}/begun.png`, fullPage: true });
  const challenge = ids.challenges[0].id;
  await page.getByRole("textbox", { name: "Your answer" }).fill("surely not");
  await page.getByRole("button", { name: "Send it" }).click();
  await page.getByRole("status").getByText("That is not the answer").waitFor();
  const input = await ids.api("GET", `/campaigns/${ids.campaign}/challenges/${challenge}/inputs/${ids.me}`);
  await page.getByRole("textbox", { name: "Your answer" }).fill(input.answers[0]);
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("Right!").waitFor();
  await look(page, "solved");
  await page.screenshot({ path: `${pictures}/solved.png`, fullPage: true });
}

// Somebody who has solved nothing yet solves something: the page shows it without being loaded again.
export async function live({ page, home, ids }) {
  const challenge = ids.challenges[0].id;
  await page.goto(`${home}/campaigns/${ids.campaign}/standings`);
  await page.locator("#live-state", { hasText: "Live" }).waitFor();
  // Who is far behind finds themselves above the table, not in its first rows.
  const own = page.locator(`tr[data-participant="${ids.me}"]`);
  if ((await own.count()) !== (await page.locator("tr.own").count())) fault("standings", "one's own row is not marked");
  if (!(await page.locator(".notice", { hasText: "Nova of the North" }).count())) fault("standings", "one's own rank is not told");
  const rows = () => page.locator("tbody[data-live] tr").evaluateAll((all) => all.map((row) => row.dataset.participant + row.innerText).join());
  const before = await rows();
  await ids.api("GET", `/campaigns/${ids.campaign}/challenges/${challenge}/input`, undefined, ids.idle);
  const theirs = await ids.api("GET", `/campaigns/${ids.campaign}/challenges/${challenge}/inputs/${ids.idle}`);
  for (const answer of theirs.answers) {
    await ids.api("POST", `/campaigns/${ids.campaign}/challenges/${challenge}/submissions`, { answer }, ids.idle).catch(() => {});
  }
  await page.waitForFunction((was) => [...document.querySelectorAll("tbody[data-live] tr")]
    .map((row) => row.dataset.participant + row.innerText).join() !== was, before, { timeout: 20000 })
    .catch(() => fault("standings", "a change is not shown while one looks"));
}

// Goes through the standings instant by instant, by the keyboard.
export async function replay({ page, home, ids }) {
  await page.goto(`${home}/campaigns/${ids.campaign}/replay`);
  const rows = () => page.locator("#replay-rows").innerText();
  const last = await rows();
  await page.getByRole("slider", { name: "Moment" }).focus();
  await page.keyboard.press("Home");
  await page.waitForFunction((was) => document.getElementById("replay-rows").innerText !== was, last)
    .catch(() => fault("replay", "the slider shows nothing else"));
  if (!page.url().includes("?at=")) fault("replay", "the address does not say which instant is shown");
  const told = await page.locator("#scrub output").innerText();
  if (!/enters as/.test(told)) fault("replay", `the slider does not tell what happened: ${told}`);
  const first = await rows();
  await page.reload();
  if ((await rows()) !== first) fault("replay", "loaded anew, another instant is shown");
  if ((await page.getByRole("slider", { name: "Moment" }).inputValue()) !== "0") fault("replay", "the slider does not stand where the page is");
}

// What happened is counted by the bell, until it was looked at.
export async function notices({ page, home }) {
  await page.goto(home);
  const bell = page.locator(".bell");
  const counted = async () => parseInt((await bell.innerText()).match(/(\d+)\+? new/)?.[1] ?? "0", 10);
  const before = await counted();
  if (!before) fault("notifications", "nothing is counted");
  const seen = page.waitForResponse((answer) => answer.url().endsWith("/notifications/seen"));
  await bell.click();
  await page.getByRole("heading", { name: "Notifications" }).waitFor();
  await look(page, "notifications, new");
  await seen;
  await page.goto(home);
  if ((await counted()) >= before) fault("notifications", `what was looked at is counted still: ${before}`);
}

// Links to what a guild has opened have a picture.
export async function previews({ page, pictures, up, ids }) {
  for (const [name, path] of Object.entries({
    guild: "/p/1", leaderboard: "/p/1/leaderboard", campaign: `/p/1/campaigns/${ids.campaign}`, credential: `/g/1/verification/${ids.credential}`,
  })) {
    const text = await (await page.request.get(up.url + path)).text();
    const image = text.match(/property="og:image" content="([^"]+)"/)?.[1];
    if (image !== `${up.url}${path}/preview.png`) fault(path, `its picture is said to be at ${image}`);
    const answer = await page.request.get(`${up.url}${path}/preview.png`);
    const png = await answer.body();
    if (!answer.ok() || png.readUInt32BE(16) !== 1200 || png.readUInt32BE(20) !== 630) fault(path, `has no picture: ${answer.status()}`);
    await writeFile(`${pictures}/preview-${name}.png`, png);
  }
}

// Enrols, begins, reads, answers a quiz.
export async function learning({ page, pictures, home, ids }) {
  await page.goto(`${home}/learn/paths/${ids.path}`);
  await page.getByRole("button", { name: "Enrol" }).click();
  await page.getByRole("status").waitFor();
  await page.goto(`${home}/learn/quests/${ids.first}`);
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("button", { name: /I have done it.*Read/ }).click();
  await page.getByRole("status").waitFor();
  await page.getByRole("button", { name: "To the questions" }).click();
  await page.getByRole("heading", { name: "Questions" }).waitFor();
  await look(page, "quiz");
  await page.screenshot({ path: `${pictures}/quiz.png`, fullPage: true });
  await page.getByRole("radio").first().check();
  await page.getByRole("button", { name: "Hand it in" }).click();
  await page.getByRole("heading", { name: "Not passed yet" }).waitFor();
  await look(page, "quiz result");
  await page.screenshot({ path: `${pictures}/quiz-result.png`, fullPage: true });
  // Its author adds a step: whoever is at it may go on with the new version.
  ids.course.quests[0].quest.steps.push({ slug: "on", type: "Reading", title: "Read on", description: "The next chapter." });
  await ids.api("POST", "/learning/import", ids.course);
}

// Writes a review of somebody's work, refused first for having too many points.
export async function review({ page, pictures, home, ids }) {
  await page.goto(`${home}/learn/reviews-to-do`);
  await page.getByRole("button", { name: "Review somebody's work" }).click();
  await page.getByRole("heading", { name: "What was handed in" }).waitFor();
  await look(page, "peer review");
  await page.screenshot({ path: `${pictures}/peer-review.png`, fullPage: true });
  for (const points of await page.getByLabel("Points").all()) await points.fill("4");
  await page.getByLabel("A word to the author").fill("The **gate** could be higher.");
  await page.getByRole("button", { name: "Hand the review in" }).click();
  await page.getByRole("status").getByText("Thank you").waitFor();
}

// Runs a program that is wrong, then one that is right.
export async function program({ page, pictures, home, ids }) {
  await page.goto(`${home}/learn/quests/${ids.third_hour}/assessments`);
  const code = page.getByLabel("Your program, Python");
  await code.fill("print(int(input()) + 1)\n");
  await page.getByRole("button", { name: "Run it" }).click();
  await page.getByRole("heading", { name: "Not all tests passed" }).waitFor();
  await look(page, "program");
  await page.screenshot({ path: `${pictures}/program.png`, fullPage: true });
  if (!(await page.getByLabel("Your program").inputValue()).includes("+ 1")) fault("program", "the program is lost");
  await page.getByLabel("Your program").fill("print(input())\n");
  await page.getByRole("button", { name: "Run it again" }).click();
  await page.getByRole("heading", { name: "All tests passed" }).waitFor();
}

// A refusal is beside its field, and has the focus.
export async function refusal({ page, pictures, home }) {
  await page.goto(`${home}/wallet/transfer`);
  await page.getByLabel("To whom").fill("nobody");
  await page.getByLabel("How many bytes").fill("5");
  await page.getByRole("button", { name: "Pay" }).click();
  await page.getByRole("alert").waitFor();
  if ((await page.evaluate(() => document.activeElement?.id)) !== "refusal") fault("refusal", "the refusal does not have the focus");
  await look(page, "refusal");
  await page.screenshot({ path: `${pictures}/refusal.png`, fullPage: true });
}

// Without script: reading, and forms.
export async function withoutScript({ context, state, home, ids, all }) {
  const plain = await context({ storageState: state, javaScriptEnabled: false });
  const quiet = await plain.newPage();
  for (const [name, path] of Object.entries(all)) {
    const answer = await plain.request.get(path.startsWith("//") ? path.slice(1) : home + path);
    if (!answer.ok() && name !== "not_there") fault(`${name} without script`, `answers ${answer.status()}`);
    const text = await answer.text();
    if (/\s(hidden|aria-busy)[\s>=]/.test(text.replace(/type="hidden"|aria-hidden="true"/g, ""))) fault(`${name} without script`, "holds something that waits for a script");
  }
  await quiet.goto(`${home}/preferences`);
  await quiet.getByLabel("That you reached a level").uncheck();
  await quiet.getByRole("button", { name: "Keep" }).click();
  await quiet.getByText("Your preferences are kept.").waitFor();
  if (await quiet.getByLabel("That you reached a level").isChecked()) fault("without script", "a form is not kept");
  await quiet.goto(`${home}/campaigns/${ids.campaign}/standings`);
  if ((await quiet.locator("tbody tr").count()) === 0) fault("without script", "no standings");
  await quiet.getByRole("button", { name: "Sign out" }).click();
  await quiet.waitForURL(/\/sign-in$/);
  await plain.close();
}

// A first visit: how much comes over the wire, compressed as browsers ask for it.
export async function firstLoad({ context, state, home, most }) {
  const fresh = await context({ storageState: state });
  const tab = await fresh.newPage();
  watched(tab, () => "first load");
  let sum = 0;
  const parts = [];
  tab.on("requestfinished", async (request) => {
    const sizes = await request.sizes();
    sum += sizes.responseBodySize;
    parts.push(`${new URL(request.url()).pathname.split("/").pop() || "page"} ${sizes.responseBodySize}`);
  });
  await tab.goto(home, { waitUntil: "networkidle" });
  await tab.waitForTimeout(100);
  if (sum > most || sum < 2000) fault("first load", `${sum} bytes, of at most ${most}: ${parts.join(", ")}`);
  await fresh.close();
  return `${sum} bytes: ${parts.join(", ")}`;
}
