// A browser before the dashboard. See script/test-dashboard.

import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { furnish, GUILD } from "./furnish.mjs";
import { pages, staffPages } from "./pages.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const up = JSON.parse(await readFile(process.argv[2], "utf8"));
const only = process.argv[3];
const pictures = process.env.PICTURES;
await mkdir(pictures, { recursive: true });

const faults = [];
const fault = (where, what) => { faults.push(`${where}: ${what}`); console.error(`FAULT ${where}: ${what}`); };
const step = (text) => console.log(`${((Date.now() - began) / 1000).toFixed(1)} s  ${text}`);
const began = Date.now();

const ids = await furnish(up);
step("furnished");
const home = `${up.url}/g/${GUILD}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});

async function context(options) {
  const made = await browser.newContext({ baseURL: up.url, ...options });
  made.setDefaultTimeout(15000);
  return made;
}
function watched(page, where, allowed = () => false) {
  page.on("console", (message) => {
    if (message.type() === "error" && !allowed(message.text())) fault(where(), `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => fault(where(), `script: ${error.message}`));
}

// Signing in, once; the others take over its cookies.
const first = await context({ viewport: { width: 1280, height: 900 } });
const page = await first.newPage();
let at = "sign-in";
process.on("uncaughtException", async (error) => {
  console.error(`${at}: ${error.stack}`);
  await page.screenshot({ path: `${pictures}/failed.png`, fullPage: true }).catch(() => {});
  process.exit(1);
});
watched(page, () => at, (text) => /status of 4(04|22|29)/.test(text));
await page.goto(`${up.url}/g/${GUILD}/wallet`);
await page.screenshot({ path: `${pictures}/sign-in.png`, fullPage: true });
await page.getByLabel("Name").fill("ada");
await page.getByLabel("Password").fill("not the password");
await page.getByRole("button", { name: "Sign in" }).click();
if (!(await page.getByRole("alert").isVisible())) fault(at, "a wrong password is not told");
if ((await page.getByLabel("Name").inputValue()) !== "ada") fault(at, "what was typed is lost");
await page.getByLabel("Password").fill("a password for tests");
await page.getByRole("button", { name: "Sign in" }).click();
await page.waitForURL(/\/as\?to=/);
await page.screenshot({ path: `${pictures}/acting.png` });
await page.getByLabel("Discord id").fill(ids.me);
await page.getByRole("button", { name: "Look as this member" }).click();
await page.waitForURL(/\/wallet$/);
step("signed in");

// The flow of a campaign.
at = "campaign";
await page.goto(`${home}/campaigns`);
await page.locator(".cards a").first().click();
await page.waitForURL(/\/campaigns\/[0-9a-f-]+$/);
await page.getByRole("button", { name: "Take part" }).click();
await page.getByRole("status").getByText("takes part").waitFor();
at = "challenge";
await page.locator(".path a").first().click();
await page.getByRole("button", { name: "Begin" }).click();
await page.getByRole("status").getByText("You have begun").waitFor();
await page.screenshot({ path: `${pictures}/begun.png`, fullPage: true });
const challenge = ids.challenges[0].id;
await page.getByRole("textbox", { name: "Your answer" }).fill("surely not");
await page.getByRole("button", { name: "Send it" }).click();
await page.getByRole("status").getByText("That is not the answer").waitFor();
const input = await ids.api("GET", `/campaigns/${ids.campaign}/challenges/${challenge}/inputs/${ids.me}`);
await page.getByRole("textbox", { name: "Your answer" }).fill(input.answers[0]);
await page.keyboard.press("Enter");
await page.getByRole("status").getByText("Right!").waitFor();
await page.screenshot({ path: `${pictures}/solved.png`, fullPage: true });
step("answered");
at = "standings";
await page.goto(`${home}/campaigns/${ids.campaign}/standings`);
await page.locator("#live-state", { hasText: "Live" }).waitFor();
if ((await page.locator("tr.own").count()) !== 1) fault(at, "one's own row is not marked");
// Somebody who has solved nothing yet solves something: the page shows it without being loaded again.
const rows = await page.locator("tbody tr").evaluateAll((all) => all.map((row) => [row.dataset.participant, row.innerText]));
const idle = (await ids.api("GET", "/members?limit=200")).items.map((member) => member.user_id).reverse()
  .find((user) => user !== ids.me && user !== ids.second);
await ids.api("GET", `/campaigns/${ids.campaign}/challenges/${challenge}/input`, undefined, idle);
const theirs = await ids.api("GET", `/campaigns/${ids.campaign}/challenges/${challenge}/inputs/${idle}`);
for (const answer of theirs.answers) {
  await ids.api("POST", `/campaigns/${ids.campaign}/challenges/${challenge}/submissions`, { answer }, idle).catch(() => {});
}
const before = JSON.stringify(rows);
await page.waitForFunction((was) => JSON.stringify([...document.querySelectorAll("tbody tr")]
  .map((row) => [row.dataset.participant, row.innerText])) !== was, before, { timeout: 20000 })
  .catch(() => fault(at, "a change is not shown while one looks"));
step("live");

// Learning: enrol, begin, read, answer a quiz.
at = "learning";
await page.goto(`${home}/learn/paths/${ids.path}`);
await page.getByRole("button", { name: "Enrol" }).click();
await page.getByRole("status").waitFor();
await page.goto(`${home}/learn/quests/${ids.first}`);
await page.getByRole("button", { name: "Begin" }).click();
await page.getByRole("button", { name: /I have done it.*Read/ }).click();
await page.getByRole("status").waitFor();
await page.getByRole("button", { name: "To the questions" }).click();
await page.getByRole("heading", { name: "Questions" }).waitFor();
await page.screenshot({ path: `${pictures}/quiz.png`, fullPage: true });
await look("quiz");
await page.getByRole("radio").first().check();
await page.getByRole("button", { name: "Hand it in" }).click();
await page.getByRole("heading", { name: "Not passed yet" }).waitFor();
step("learnt");

// A refusal is beside its field, and has the focus.
at = "refusal";
await page.goto(`${home}/wallet/transfer`);
await page.getByLabel("To whom").fill("nobody");
await page.getByLabel("How many bytes").fill("5");
await page.getByRole("button", { name: "Pay" }).click();
await page.getByRole("alert").waitFor();
if ((await page.evaluate(() => document.activeElement?.id)) !== "refusal") fault(at, "the refusal does not have the focus");
await page.screenshot({ path: `${pictures}/refusal.png`, fullPage: true });
await look("refusal");
const state = await first.storageState();
// Who looks as a member sees what members see; staff look with their own eyes.
const own = { ...state, cookies: state.cookies.filter((cookie) => cookie.name !== "questhall-as") };

async function look(name, of = page) {
  const wide = await of.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
  if (wide > 0) fault(name, `${wide} px wider than its window`);
  await of.evaluate(axe);
  const found = await of.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  for (const violation of found.violations) {
    const nodes = violation.nodes.slice(0, 2).map((node) => `${node.target} ${node.html.slice(0, 160)}`).join(" | ");
    fault(name, `${violation.id}: ${violation.help}: ${nodes}`);
  }
}

// Every page, in both themes and two widths. axe runs by evaluate, which the page's policy does not concern.
for (const theme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    const seen = { colorScheme: theme, viewport: { width, height: width > 500 ? 900 : 740 } };
    for (const [eyes, all] of [[state, pages(ids)], [own, staffPages(ids)]]) {
      const made = await context({ storageState: eyes, ...seen });
      const tab = await made.newPage();
      let where = "";
      watched(tab, () => where, (text) => where.startsWith("not_there") && text.includes("404"));
      for (const [name, path] of Object.entries(all)) {
        if (only && only !== name) continue;
        where = `${name} ${theme} ${width}`;
        const answer = await tab.goto(home + path);
        if (!answer.ok() && name !== "not_there") fault(where, `answers ${answer.status()}`);
        await look(where, tab);
        await tab.screenshot({ path: `${pictures}/${name}-${theme}-${width}.png`, fullPage: true });
      }
      await made.close();
    }
    step(`${theme} ${width}`);
  }
}

// Without script: reading, and forms.
const plain = await context({ storageState: state, javaScriptEnabled: false });
const quiet = await plain.newPage();
await quiet.goto(`${home}/preferences`);
await quiet.getByLabel("That you reached a level").uncheck();
await quiet.getByRole("button", { name: "Keep" }).click();
await quiet.getByText("Your preferences are kept.").waitFor();
if (await quiet.getByLabel("That you reached a level").isChecked()) fault("without script", "a form is not kept");
await quiet.goto(`${home}/campaigns/${ids.campaign}/standings`);
if ((await quiet.locator("tbody tr").count()) === 0) fault("without script", "no standings");
await quiet.getByRole("button", { name: "Sign out" }).click();
await quiet.waitForURL(/\/sign-in$/);
step("without script");

await browser.close();
if (faults.length) {
  console.error(`\n${faults.length} faults:\n${faults.join("\n")}`);
  process.exit(1);
}
console.log(`All well. Pictures are in ${pictures}.`);
