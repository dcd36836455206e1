// Which pages there are: those that the API's operations name, and those that any page leads to. Each kind of them has to be visited.

import { readFile } from "node:fs/promises";

const listed = new URL("../../coverage.txt", import.meta.url);

// Patterns of pages that are looked at, from the list of operations.
export async function patterns() {
  const text = await readFile(listed, "utf8");
  const all = text.split("\n").map((line) => line.match(/: GET (\S+)$/)?.[1]).filter(Boolean);
  return [...new Set(all)];
}

const segments = (path) => path.split(/[?#]/)[0].split("/").filter(Boolean);

// Whether an address is of this kind, and by how many names that are not open.
function agrees(pattern, path) {
  const [kinds, parts] = [segments(pattern), segments(path)];
  if (kinds.length !== parts.length) return -1;
  let names = 0;
  for (const [n, kind] of kinds.entries()) {
    if (kind.startsWith("{")) continue;
    if (kind !== parts[n]) return -1;
    names += 1;
  }
  return names;
}

// The kind of an address: its pattern in the list, else itself without ids.
export function kind(known, path) {
  const best = known.map((pattern) => [agrees(pattern, path), pattern]).filter(([names]) => names >= 0).sort((a, b) => b[0] - a[0])[0];
  if (best) return best[1].replace(/\{[^}]*\}/g, "*");
  const open = (part) => /^[0-9a-f]{8}-[0-9a-f-]{27}$|^\d+$/.test(part);
  return `/${segments(path).map((part) => (open(part) ? "*" : part)).join("/")}`;
}

// Where a page leads, also to files.
export function led(page) {
  return page.evaluate(() => {
    const here = (href) => new URL(href, location.href);
    const links = [...document.querySelectorAll("a[href]")].map((one) => here(one.href));
    return [...new Set(links.filter((url) => url.origin === location.origin).map((url) => url.pathname + url.search))];
  });
}
