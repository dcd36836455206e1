// What pages can do better with a script. Everything but what is live works without it.
"use strict";

const policy = window.trustedTypes
  ? trustedTypes.createPolicy("questhall", { createHTML: (text) => text })
  : { createHTML: (text) => text };

const speak = (text) => {
  const place = document.getElementById("spoken");
  if (place) place.textContent = text;
};

// Times in the reader's own zone, with the zone told on hover.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const long = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
function localise(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.textContent = (time.dataset.local === "day" ? day : long).format(at);
    time.title = `${time.dateTime} · ${zone}`;
  }
}

// What is typed in UTC is told in the reader's own zone beside it.
function echo(input) {
  const at = new Date(`${input.value}Z`);
  input.nextElementSibling.textContent = Number.isNaN(at.getTime()) ? "" : `${long.format(at)}, ${zone}`;
}
for (const input of document.querySelectorAll("input[type=datetime-local]")) {
  const own = document.createElement("output");
  own.className = "help own-zone";
  own.htmlFor = input.id;
  input.after(own);
  echo(input);
  input.addEventListener("input", () => echo(input));
}

// Countdowns: by the second below an hour, else by the minute.
function span(seconds) {
  const d = Math.floor(seconds / 86400), h = Math.floor(seconds / 3600) % 24;
  const m = Math.floor(seconds / 60) % 60, s = Math.floor(seconds) % 60;
  const two = (n) => String(n).padStart(2, "0");
  if (d > 1) return `${d} days`;
  if (d === 1) return `1 day ${h} h`;
  if (h > 0) return `${h} h ${two(m)} min`;
  if (m > 0) return `${m} min ${two(s)} s`;
  return `${s} s`;
}
let reloading = false;
function count() {
  const now = Date.now();
  for (const time of document.querySelectorAll("time[data-countdown]")) {
    const left = (new Date(time.dateTime).getTime() - now) / 1000;
    if (Number.isNaN(left)) continue;
    time.textContent = left >= 0 ? `in ${span(left)}` : `${span(-left)} ago`;
    time.title = long.format(new Date(time.dateTime));
    // What a page waits for has come: show it, unless somebody is typing.
    if (left < 0 && left > -5 && time.hasAttribute("data-reload") && !reloading && !typing()) {
      reloading = true;
      setTimeout(() => location.reload(), 1500 + Math.random() * 1500);
    }
  }
  for (const wait of document.querySelectorAll("[data-wait]")) {
    const left = Math.ceil(Number(wait.dataset.wait) - (now - started) / 1000);
    wait.textContent = left > 0 ? `${left} s` : "now";
  }
}
const started = Date.now();
function typing() {
  const at = document.activeElement;
  return Boolean(at && at.matches("input:not([type=hidden]), textarea, select")) || dirty;
}

// A form is sent once: the button says that it is on its way.
let dirty = false;
document.addEventListener("input", () => { dirty = true; });
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  dirty = false;
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
});
// Back from the browser's memory a form may be sent again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-busy");
  }
});

// Copying an input.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    speak("Copied.");
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 2000);
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    speak("Selected; copy it with the keyboard.");
  }
});

// Live parts: when the stream says that something changed, the part is fetched anew. It names no viewer; which row is
// one's own is marked here.
function mark(part) {
  const own = part.dataset.own;
  for (const row of part.querySelectorAll("[data-participant]")) {
    row.classList.toggle("own", row.dataset.participant === own);
  }
}
let told = 0;
function compare(part, before) {
  const moves = [];
  for (const row of part.querySelectorAll("[data-participant]")) {
    const was = before.get(row.dataset.participant);
    if (was !== row.dataset.rank) {
      row.classList.add("moved");
      if (was && Number(row.dataset.rank) < Number(was)) moves.push(`${row.dataset.name} is now ${row.dataset.rank}.`);
    }
  }
  if (moves.length && Date.now() - told > 10000) {
    told = Date.now();
    speak(moves.slice(0, 3).join(" "));
  }
}
async function refresh(part) {
  const answer = await fetch(part.dataset.live, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  fill(part, await answer.text());
}
function fill(part, text) {
  const before = new Map();
  for (const row of part.querySelectorAll("[data-participant]")) before.set(row.dataset.participant, row.dataset.rank);
  part.innerHTML = policy.createHTML(text);
  localise(part);
  mark(part);
  compare(part, before);
}
function live(part) {
  mark(part);
  const state = document.getElementById("live-state");
  let first = true, waiting = false;
  const source = new EventSource(part.dataset.stream);
  source.addEventListener("leaderboard", () => {
    if (state) state.textContent = "Live";
    // The first one tells what the page shows already.
    if (first) { first = false; return; }
    if (waiting || document.hidden) { missed = true; return; }
    waiting = true;
    setTimeout(async () => {
      waiting = false;
      try { await refresh(part); } catch { /* the next change brings it */ }
    }, 200 + Math.random() * 800);
  });
  let missed = false;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && missed) { missed = false; refresh(part).catch(() => {}); }
  });
  source.addEventListener("error", () => { if (state) state.textContent = "Reconnecting…"; });
  window.addEventListener("pagehide", () => source.close());
}

// A replay: a slider goes through the moments that its links lead to.
function replay(list) {
  const links = [...list.querySelectorAll("a")], rows = document.getElementById("replay-rows");
  const place = document.getElementById("scrub"), kept = new Map();
  const make = (kind, of) => Object.assign(document.createElement(kind), of);
  const slider = make("input", { type: "range", id: "moment", min: 0, max: links.length - 1 });
  slider.value = Math.max(0, links.findIndex((link) => link.hasAttribute("aria-current")));
  const told = make("output", { htmlFor: "moment" });
  const play = make("button", { type: "button", textContent: "Play" });
  const tell = () => {
    const link = links[slider.value];
    told.textContent = `${link.previousElementSibling.textContent}, ${link.textContent}`;
    slider.setAttribute("aria-valuetext", told.textContent);
    return link;
  };
  const show = async () => {
    const link = tell();
    if (!kept.has(link)) {
      const answer = await fetch(list.dataset.replay + new URL(link.href).search, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      kept.set(link, await answer.text());
    }
    if (link !== links[slider.value]) return;
    fill(rows, kept.get(link));
    for (const one of links) one.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    document.getElementById("replay-at").textContent = link.textContent;
    history.replaceState(null, "", link.href);
  };
  let timer;
  const soon = () => { show().catch(() => {}); };
  slider.addEventListener("input", () => { tell(); clearTimeout(timer); timer = setTimeout(soon, 80); });
  const stop = () => { clearInterval(playing); playing = 0; play.textContent = "Play"; };
  let playing = 0;
  play.addEventListener("click", () => {
    if (playing) { stop(); return; }
    play.textContent = "Stop";
    if (Number(slider.value) === links.length - 1) slider.value = 0;
    playing = setInterval(() => {
      if (Number(slider.value) === links.length - 1) { stop(); return; }
      slider.stepUp();
      soon();
    }, 900);
    soon();
  });
  place.append(make("label", { htmlFor: "moment", textContent: "Moment" }), slider, told, play);
  mark(rows);
  tell();
}

// What somebody looks at for a moment, they have read.
for (const form of document.querySelectorAll("[data-seen] form")) {
  setTimeout(() => {
    if (document.hidden) return;
    const body = new URLSearchParams(new FormData(form));
    fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {});
  }, 2000);
}

// Choosing from a list shows at once what was chosen.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-go]")) event.target.form.requestSubmit();
});

localise(document);
count();
setInterval(count, 1000);
for (const part of document.querySelectorAll("[data-live]")) live(part);
for (const list of document.querySelectorAll("[data-replay]")) replay(list);
const refusal = document.getElementById("refusal");
if (refusal) refusal.focus();
