// A browser before the dashboard. See script/test-dashboard.

import { mkdir, readFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import * as flows from "./flows.mjs";
import { EMPTY, furnish, GUILD } from "./furnish.mjs";
import { accessible, enlarged, fault, faults, fits, focusable, still, watched } from "./look.mjs";
import { emptyPages, files, pages, passing, publicPages, staffPages } from "./pages.mjs";
import { kind, led, patterns } from "./reach.mjs";
import { walk } from "./walk.mjs";

const up = JSON.parse(await readFile(process.argv[2], "utf8"));
const only = process.argv[3];
const pictures = process.env.PICTURES;
await mkdir(pictures, { recursive: true });
// First visits are small: the page, its style sheet, its script.
const FIRST_LOAD = 60 * 1024;

const began = Date.now();
const step = (text) => console.log(`${((Date.now() - began) / 1000).toFixed(1)} s  ${text}`);

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

let at = "walk";
process.on("uncaughtException", async (error) => {
  console.error(`${at}: ${error.stack}`);
  const shown = browser.contexts().flatMap((one) => one.pages());
  await Promise.all(shown.map((page, n) => page.screenshot({ path: `${pictures}/failed-${n}.png`, fullPage: true }).catch(() => {})));
  process.exit(1);
});
// A server on which there is nothing yet, and the port at which it looks for Discord.
if (only === "walk") {
  await walk({ context, pictures, hall: up, port: Number(process.argv[4]), step });
  await end();
}

const ids = await furnish(up);
step("furnished");

// Signing in, once; the others take over its cookies.
at = "sign-in";
const first = await context({ viewport: { width: 1280, height: 900 } });
const page = await first.newPage();
watched(page, () => at, (text) => /status of 4(04|22|29)/.test(text));
const tools = { browser, context, page, pictures, up, home, ids };
for (const flow of [flows.signIn, flows.campaign, flows.live, flows.replay, flows.notices, flows.previews, flows.learning, flows.review, flows.program, flows.refusal]) {
  at = flow.name;
  await flow(tools);
  step(at);
}
const state = await first.storageState();
// Who looks as a member sees what members see; staff look with their own eyes.
const own = { ...state, cookies: state.cookies.filter((cookie) => cookie.name !== "questhall-as") };

const known = await patterns();
const visited = new Set();
const linked = new Map();
// Kinds of pages that are looked at nowhere though a page leads there, with an address of each: they are looked at as well.
const apart = (kind) => files.includes(kind) || passing.includes(kind) || /^\/(api|docs|assets|health|licences)\b|\.(csv|json|png|svg)$/.test(kind);
const note = (name, all, eyes) => {
  for (const to of all) {
    const one = kind(known, to);
    if (!linked.has(one)) linked.set(one, { name, to, eyes });
  }
};
function found(wanted) {
  const more = {};
  for (const [one, { to }] of linked) {
    if (visited.has(one) || apart(one) || walked.has(one) || !wanted(one)) continue;
    walked.add(one);
    more[`found-${one.replace(/[^a-z]+/g, "-").replace(/^-|-$/g, "")}`] = `/${to}`;
  }
  return more;
}
const walked = new Set();
const address = (path) => (path.startsWith("//") ? up.url + path.slice(1) : home + path);

// Opens pages one after the other, as many at once as there are processors, and does to each what is asked.
async function each(eyes, seen, all, deed) {
  const made = await context({ storageState: eyes, ...seen });
  const queue = Object.entries(all).filter(([name, path]) => path !== undefined && (!only || only === name))
    .map(([name, path], n) => [name, path, n % 2 === 0]);
  await Promise.all([0, 1].map(async () => {
    const tab = await made.newPage();
    let where = "";
    watched(tab, () => where, (text) => where.startsWith("not_there") && text.includes("404"));
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, path, turn] = next;
      where = `${name} ${seen.viewport.width} ${seen.colorScheme ?? ""}`.trim();
      const answer = await tab.goto(address(path)).catch((error) => fault(where, error.message));
      if (!answer) continue;
      if (!answer.ok() && name !== "not_there") fault(where, `answers ${answer.status()}`);
      visited.add(kind(known, new URL(tab.url()).pathname));
      await deed(tab, where, name, turn);
    }
  }));
  await made.close();
}
// Nobody looks at those of a machine that only judges.
const picture = async (tab, name) => process.env.CI ? undefined : tab.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });

// Where one is, is told by more than a colour, as people choose theirs for the whole system.
async function forced(tab, where, name) {
  await tab.emulateMedia({ forcedColors: "active" });
  const marked = await tab.evaluate(() => [...document.querySelectorAll(".rail [aria-current], .tabs [aria-current]")]
    .filter((one) => getComputedStyle(one).outlineStyle === "none" && getComputedStyle(one).textDecorationLine === "none").map((one) => one.innerText));
  if (marked.length) fault(where, `in forced colours, where one is, is told by colour alone: ${marked}`);
  if (["campaign", "standings", "quest", "preferences"].includes(name)) await picture(tab, `${name}-forced`);
  await tab.emulateMedia({ forcedColors: "none" });
}

// Every page, in two widths, and in both themes: a theme is changed under the open page, since all that differs is its colours. What does
// not depend on the width is looked at in one: the narrowest window, text at twice its size, colours of the system's choice. The colours
// of the dark are measured in one width of each page, by turns, so that both bars are among them.
const [members, staff, everybody] = [pages(ids), staffPages(ids), publicPages(ids)];
for (const width of [1280, 360]) {
  const seen = { colorScheme: "light", viewport: { width, height: width > 500 ? 900 : 740 } };
  const deed = (eyes) => async (tab, where, name, turn) => {
    await still(tab, where);
    await accessible(tab, where);
    await picture(tab, `${name}-light-${width}`);
    await fits(tab, where);
    await focusable(tab, where);
    if (width === 360) {
      await tab.setViewportSize({ width: 320, height: 640 });
      await fits(tab, `${name} 320`);
      await tab.setViewportSize(seen.viewport);
    } else {
      note(name, await led(tab), eyes);
      await forced(tab, where, name);
      await enlarged(tab, where);
    }
    await tab.emulateMedia({ colorScheme: "dark" });
    if (turn === (width === 360)) await accessible(tab, `${name} ${width} dark`, true);
    await picture(tab, `${name}-dark-${width}`);
    await tab.emulateMedia({ colorScheme: "light" });
  };
  for (const [eyes, all] of [[state, members], [own, staff], [undefined, everybody]]) {
    await each(eyes, seen, all, deed(eyes));
    // What these pages lead to beside the lists, and what that leads to.
    if (width === 1280 && !only && all !== everybody) {
      const isOurs = (one) => all === staff || !one.includes("/staff");
      for (let more = found(isOurs); Object.keys(more).length; more = found(isOurs)) {
        Object.assign(all, more);
        await each(eyes, seen, more, deed(eyes));
      }
    }
  }
  step(`${width}`);
}

if (!only) {
  for (const one of files) {
    if (!linked.has(one)) { fault(one, "no page leads to this file"); continue; }
    const { name, to, eyes } = linked.get(one);
    const made = await context({ storageState: eyes });
    const answer = await made.request.get(to, { maxRedirects: 0 });
    const how = answer.headers()["content-disposition"] ?? "";
    if (answer.status() !== 200 || !how.startsWith("attachment")) fault(to, `is a file (${name} leads there), and answers ${answer.status()} ${how}`);
    await made.close();
  }
  step("files");
}

const empty = Object.fromEntries(Object.entries(emptyPages).map(([name, path]) => [`empty-${name}`, `//g/${EMPTY}${path}`]));
const narrow = { width: 360, height: 740 };
const wide = { width: 1280, height: 740 };
await each(own, { colorScheme: "light", viewport: wide }, empty, async (tab, where, name) => {
  await fits(tab, where);
  await accessible(tab, where);
  await picture(tab, `${name}-light-1280`);
  await tab.setViewportSize(narrow);
  await tab.emulateMedia({ colorScheme: "dark" });
  await fits(tab, `${name} 360`);
  await accessible(tab, `${name} 360 dark`, true);
  await picture(tab, `${name}-dark-360`);
  await tab.setViewportSize(wide);
  await tab.emulateMedia({ colorScheme: "light" });
});
step("a guild with nothing in it");

if (!only) {
  step(`first load: ${await flows.firstLoad({ ...tools, state, most: FIRST_LOAD })}`);
  await flows.withoutScript({ ...tools, state, all: pages(ids) });
  step("without script");
  const there = new Set([...known.map((pattern) => pattern.replace(/\{[^}]*\}/g, "*")), ...linked.keys()]);
  step(`${visited.size} kinds of pages`);
  for (const one of [...there].sort()) {
    if (apart(one) || visited.has(one)) continue;
    fault(one, `is a page, and is not looked at here (pages.mjs)${linked.has(one) ? `; ${linked.get(one).name} leads there` : ""}`);
  }
}

await end();

async function end() {
  await browser.close();
  if (faults.length) {
    console.error(`\n${faults.length} faults:\n${faults.join("\n")}`);
    process.exit(1);
  }
  step(`All well. Pictures are in ${pictures}.`);
  process.exit(0);
}
