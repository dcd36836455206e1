// What holds of every page: axe, its width, its focus, that it stands still.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export const faults = [];
export function fault(where, what) {
  faults.push(`${where}: ${what}`);
  console.error(`FAULT ${where}: ${what}`);
}

// Errors in the console, violations of the policy, and exceptions, wherever they happen.
export function watched(page, where, allowed = () => false) {
  page.on("console", (message) => {
    if (message.type() === "error" && !allowed(message.text())) fault(where(), `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => fault(where(), `script: ${error.message}`));
}

export async function fits(page, where) {
  const wide = await page.evaluate(() => {
    const over = document.scrollingElement.scrollWidth - window.innerWidth;
    if (over <= 0) return null;
    const last = [...document.querySelectorAll("main *, header *")].filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1
      && !one.closest(".scroll, pre, .unseen"));
    return `${over} px wider than its window: ${last.slice(0, 2).map((one) => one.outerHTML.slice(0, 120)).join(" | ")}`;
  });
  if (wide) fault(where, wide);
}

// axe runs by evaluate, which the page's policy does not concern. Colours alone differ between themes: for the second one they are all
// that is looked at again.
export async function accessible(page, where, colours = false) {
  await page.evaluate(axe);
  const found = await page.evaluate(([tags, only]) => window.axe.run(document, {
    runOnly: only ? { type: "rule", values: ["color-contrast"] } : { type: "tag", values: tags },
    resultTypes: ["violations"],
  }), [RULES, colours]);
  for (const violation of found.violations) {
    const nodes = violation.nodes.slice(0, 3).map((node) => `${node.target} ${node.html.slice(0, 160)}`).join(" | ");
    fault(where, `${violation.id}: ${violation.help}: ${nodes}`);
  }
}

// Whatever can have the focus shows it, and nothing lies over it. The keyboard's own key comes first, so that the browser shows focus as
// it does to those who use one.
export async function focusable(page, where) {
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement?.className);
  if (first !== "skip") fault(where, `the first stop of the keyboard is ${first}, not the way to the content`);
  const wrong = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
    const wrong = [];
    for (const one of all) {
      if (one.disabled || !one.checkVisibility({ visibilityProperty: true })) continue;
      one.focus();
      const told = one.outerHTML.slice(0, 110);
      if (document.activeElement !== one) { wrong.push(`cannot have the focus: ${told}`); continue; }
      if (one.tabIndex < 0) wrong.push(`the keyboard does not reach it: ${told}`);
      const style = getComputedStyle(one);
      if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) wrong.push(`does not show the focus: ${told}`);
      const box = one.getBoundingClientRect();
      if (box.width === 0 || box.height === 0) { wrong.push(`is nowhere: ${told}`); continue; }
      const x = Math.min(Math.max(box.left + Math.min(box.width, 12) / 2, 0), innerWidth - 1);
      let y = box.top + Math.min(box.height, 12) / 2;
      // Of what is taller than the window a part is enough.
      if (box.height > innerHeight && box.bottom > 0) y = Math.max(y, 0);
      if (y < 0 || y >= innerHeight) { wrong.push(`is not scrolled into sight: ${told}`); continue; }
      const over = document.elementFromPoint(x, y);
      const rail = over?.closest(".rail");
      if (rail && !rail.contains(one)) wrong.push(`lies under the bar: ${told}`);
    }
    scrollTo(0, 0);
    document.activeElement.blur();
    return wrong;
  });
  for (const one of wrong.slice(0, 3)) fault(where, one);
}

// Nothing moves after it is painted.
export async function still(page, where) {
  const moved = await page.evaluate(() => new Promise((resolve) => {
    let sum = 0;
    const what = [];
    new PerformanceObserver((list) => {
      for (const shift of list.getEntries()) {
        if (shift.hadRecentInput) continue;
        sum += shift.value;
        for (const source of shift.sources) what.push(source.node?.outerHTML?.slice(0, 90) ?? source.node?.nodeName);
      }
    }).observe({ type: "layout-shift", buffered: true });
    requestAnimationFrame(() => setTimeout(() => resolve(sum > 0.001 ? `${sum.toFixed(3)}: ${what.slice(0, 3).join(" | ")}` : null), 30));
  }));
  if (moved) fault(where, `moves after it is painted, by ${moved}`);
}

// Text at twice its size, as in a browser's own setting: nothing is cut off or pushed out of the window.
export async function enlarged(page, where) {
  await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
  await fits(page, `${where}, text at 200 %`);
  const cut = await page.evaluate(() => [...document.querySelectorAll("main *, .top *")].filter((one) => {
    const style = getComputedStyle(one);
    const hides = style.overflowY === "hidden" && !one.matches(".unseen") && !one.closest("svg, .unseen");
    return hides && one.scrollHeight > one.clientHeight + 2 && one.clientHeight > 1;
  }).map((one) => one.outerHTML.slice(0, 110)));
  for (const one of cut.slice(0, 2)) fault(`${where}, text at 200 %`, `is cut off: ${one}`);
  await page.evaluate(() => { document.documentElement.style.fontSize = ""; });
}

export async function look(page, where) {
  await fits(page, where);
  await accessible(page, where);
}
