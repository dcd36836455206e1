// The pictures of docs/tour.md, of the demo. See script/update-tour.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const [up, folder] = [JSON.parse(await readFile(process.argv[2], "utf8")), process.argv[3]];
const guild = `${up.url}/g/1`;
const campaign = `/campaigns/${up.demo_campaign}`;
const WIDE = { viewport: { width: 1200, height: 780 } };
const PHONE = { viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true };

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});

// Somebody at a browser, signed in by a link that the demo printed.
async function someone(link, options) {
  const context = await browser.newContext({ colorScheme: "light", reducedMotion: "reduce", timezoneId: "Europe/Berlin", ...options });
  context.setDefaultTimeout(30000);
  const page = await context.newPage();
  const answer = await page.goto(link);
  if (!answer.ok()) throw new Error(`${link} answers ${answer.status()}`);
  return page;
}

// What one sees of a page at first, as WebP: a quarter of a PNG. The page's own policy lets nothing be drawn, so another one draws it.
const easel = await (await browser.newContext()).newPage();
async function picture(page, name) {
  await page.evaluate(() => document.fonts.ready);
  const png = (await page.screenshot()).toString("base64");
  const webp = await easel.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", 0.82).split(",")[1];
  }, png);
  await writeFile(`${folder}/${name}.webp`, Buffer.from(webp, "base64"));
  console.log(name);
}

async function look(page, name, path, before = async () => {}) {
  const answer = await page.goto(guild + path);
  if (!answer.ok()) throw new Error(`${path} answers ${answer.status()}`);
  await before(page);
  await picture(page, name);
}

// The first of these links that the page has.
const first = (page, selector) => page.locator(selector).first().getAttribute("href");

const member = await someone(up.demo_member, WIDE);
await look(member, "home", "");
await look(member, "campaign", campaign);
// One that is over: there the lines tell something.
await member.goto(`${guild}/campaigns?status=EXPIRED`);
const over = await first(member, "main .cards h2 a");
await look(member, "standings", `${over.replace(/^\/g\/1/, "")}/standings`);
await look(member, "path", `/learn/paths/${up.demo_path}`, (page) => page.locator("main .path").first().evaluate((one) => {
  scrollTo(0, scrollY + one.getBoundingClientRect().top - 160);
}));
const quest = await first(member, 'main a[href*="/learn/quests/"]');
await look(member, "quest", quest.replace(/^\/g\/1/, ""));
await look(member, "profile", "/me");
const phone = await someone(up.demo_member, { ...PHONE, colorScheme: "dark" });
await look(phone, "phone", "");

const owner = await someone(up.demo_owner, WIDE);
await look(owner, "waits", "/staff");
await owner.goto(`${guild}/campaigns?status=CREATED`);
const coming = await first(owner, "main .cards h2 a");
await look(owner, "rehearsal", `/staff${coming.replace(/^\/g\/1/, "")}/rehearsal`);
await look(owner, "grading", "/staff/grading", async (page) => {
  await page.getByRole("main").getByRole("button", { name: "Take the next one" }).click();
  await page.getByLabel("What the learner is told").waitFor();
});
await look(owner, "automod", "/staff/automod");
await look(owner, "what-if", "/staff/what-if?message_xp=5&reaction_received_xp=20");

await browser.close();
