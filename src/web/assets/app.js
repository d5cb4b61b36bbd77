import { Charts } from "/charts.js";
import { button, element, numberText, table } from "/tables.js";

const byId = (id) => document.getElementById(id);
const views = { now: "Now", attacks: "Attacks", sources: "Sources", bans: "Bans", lists: "Lists", settings: "Settings", events: "Events" };
let role = null, stream = null, charts = null, last = null, events = [];

// ---- talking to the daemon

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const reply = await fetch(path, options);
  const value = await reply.json().catch(() => ({}));
  if (reply.status === 401) showLogin();
  if (!reply.ok) throw new Error(value.error?.message ?? `the daemon answered ${reply.status}`);
  return value;
}

let noticeTimer = 0;
function notice(text) {
  byId("notice").textContent = text;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { byId("notice").textContent = ""; }, 8000);
}

async function order(verb, body) {
  try {
    const reply = await ask(`/v1/${verb}`, body);
    notice(reply.results?.map((each) => `${each.address}: ${each.message || "done"}`).join("\n") ?? reply.message ?? "done");
    await show();
  } catch (error) {
    notice(error.message);
  }
}

// ---- log-in

function showLogin() {
  stream?.close();
  stream = null;
  role = null;
  for (const id of ["nav", "logout", ...Object.keys(views)]) byId(id).hidden = true;
  byId("headline").textContent = "";
  byId("login").hidden = false;
  byId("token").focus();
}

async function begin() {
  role = (await ask("/session")).role;
  byId("login").hidden = true;
  byId("nav").hidden = byId("logout").hidden = false;
  charts ??= new Charts(byId("traffic"), byId("classes"));
  document.body.classList.toggle("read-only", role !== "change");
  for (const form of document.querySelectorAll("form.change")) form.hidden = role !== "change";
  stream?.close();
  stream = new EventSource("/stream");
  stream.addEventListener("history", (event) => charts.reset(JSON.parse(event.data)));
  stream.addEventListener("snapshot", (event) => take(JSON.parse(event.data)));
  stream.addEventListener("error", () => {
    byId("headline").textContent = "no connection to the daemon; trying again";
    ask("/session").catch(() => {});  // or the session is over
  });
  await show();
}

byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("login-error").textContent = "";
  try {
    await ask("/login", { token: byId("token").value.trim() });
    byId("token").value = "";
    await begin();
  } catch (error) {
    byId("login-error").textContent = error.message;
  }
});
byId("logout").addEventListener("click", async () => {
  await ask("/logout", {}).catch(() => {});
  showLogin();
});

// ---- what the stream brings

function headline(status) {
  const now = status.now;
  const rates = `${numberText(now.in_pps)}/s in, ${numberText(now.dropped_pps)}/s dropped, ${numberText(now.challenged_pps)}/s challenged`;
  if (status.attack) return [`Attack ${status.attack.id}, ${status.attack.trend}: ${rates}`, "bad"];
  if (!status.healthy) return [`${status.problems.length} problem(s): ${rates}`, "bad"];
  return [`${status.mode}, no attack: ${rates}`, "good"];
}

function setText(node, text, kind) {
  if (node.textContent !== text) node.textContent = text;
  node.className = kind ?? "";
}

let spoken = 0;
function take(snapshot) {
  last = snapshot;
  charts.add(snapshot.point);
  const status = snapshot.status;
  if (status) {
    const [text, kind] = headline(status);
    // A screen reader is not told of every figure.
    const state = kind + (status.attack?.id ?? "");
    if (state !== byId("headline").dataset.state || Date.now() - spoken > 10000) {
      setText(byId("headline"), text, kind);
      byId("headline").dataset.state = state;
      spoken = Date.now();
    }
    if (!byId("now").hidden) drawNow(status);
  }
  if (snapshot.heavy && !byId("sources").hidden) drawSources(snapshot.heavy);
  if (snapshot.events?.length) {
    const known = events.at(-1)?.id ?? 0;
    events = [...events, ...snapshot.events.filter((each) => each.id > known)].slice(-500);
    if (!byId("events").hidden) drawEvents();
  }
}

function drawNow(status) {
  byId("problems").replaceChildren(...status.problems.map((text) => element("li", { class: "bad" }, text)));
  const point = charts.points.at(-1) ?? {};
  const figures = [["in", numberText(point.in) + "/s"], ["passed", numberText(point.passed) + "/s"], ["dropped", numberText(point.dropped) + "/s"],
    ["challenged", numberText(point.challenged) + "/s"], ["mode", status.mode], ["bans", numberText(status.counts.bans)],
    ["interfaces", status.interfaces.map((each) => `${each.name} ${each.attachment}`).join(", ")]];
  byId("figures").replaceChildren(...figures.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  const attack = status.attack;
  byId("attack").replaceChildren(...(attack ? [
    element("h3", {}, `Attack ${attack.id}`),
    element("p", {}, `since ${attack.since}, ${attack.trend}, ${numberText(attack.pps)}/s, peak ${numberText(attack.peak_pps)}/s`),
    table("Vectors", [["class", (row) => row.class], ["to", (row) => row.dest_ip ? `${row.dest_ip} port ${row.dest_port}` : "all"],
      ["per second", (row) => row.pps, true], ["what is done", (row) => row.done], ["sources", (row) => row.sources, true],
      ["heaviest", (row) => row.heaviest ? `${row.heaviest} (${Math.round(100 * row.heaviest_share)} %)` : ""]], attack.vectors)] : []));
}

const may = (...buttons) => (role === "change" ? buttons : [""]);
const banButton = (address) => button("Ban 1h", address, () => order("ban", { address: [address], for: "1h", reason: "web page" }));
const allowButton = (address) => button("Allow 1h", address, () => order("allow", { address: [address], for: "1h", comment: "web page" }));

function keepFocus(target, made) {
  const label = target.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  target.replaceChildren(...made);
  if (label) [...target.querySelectorAll("[aria-label]")].find((each) => each.getAttribute("aria-label") === label)?.focus();
}

function drawSources(heavy) {
  const columns = [["source", (row) => row.source], ["per second", (row) => row.pps, true], ["dropped", (row) => row.dropped_pps, true],
    ["word", (row) => row.word], ["ports", (row) => row.ports?.join(", ")], ["", (row) => may(banButton(row.source), allowButton(row.source))]];
  keepFocus(byId("sources").querySelector("div"),
    [table("Heaviest sources", columns, heavy.sources), table("Heaviest prefixes", columns, heavy.prefixes)]);
}

// ---- views that ask for themselves

async function drawBans() {
  const bans = (await ask("/v1/list?what=bans")).bans;
  keepFocus(byId("bans").querySelector("div"), [table("Bans", [
    ["address", (row) => row.address], ["kind", (row) => row.kind], ["until", (row) => row.until], ["by", (row) => row.by],
    ["rule", (row) => row.rule], ["dropped", (row) => row.dropped, true], ["reason", (row) => row.reason],
    ["", (row) => may(
      button("Lift", row.address, () => order("unban", { address: [row.address] })),
      button("Extend 24h", row.address, () => order("ban", { address: [row.address], for: "24h" })),
      allowButton(row.address))]], bans.slice(0, 500)),
  ...(bans.length > 500 ? [element("p", {}, `and ${numberText(bans.length - 500)} more: floodwall list bans`)] : [])]);
}

const duration = (seconds) => (seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);
async function drawAttacks() {
  const attacks = (await ask("/v1/list?what=attacks")).attacks.reverse();
  keepFocus(byId("attacks").querySelector("div"), [table("Attacks", [
    ["attack", (row) => [element("button", { type: "button", "aria-label": `Time line of ${row.id}`, onclick: () => timeline(row.id) }, row.id)]],
    ["since", (row) => row.since], ["lasted", (row) => duration(row.duration_s) + (row.ended ? "" : ", goes on")],
    ["peak/s", (row) => row.peak_pps, true], ["dropped", (row) => row.dropped, true], ["sources", (row) => row.sources, true],
    ["vectors", (row) => row.vectors.map((each) => each.class + (each.dest_port ? ` port ${each.dest_port}` : "")).join(", ")]], attacks)]);
}
async function timeline(id) {
  const found = (await ask(`/v1/events?attack=${encodeURIComponent(id)}&limit=200`)).events;
  byId("timeline").replaceChildren(element("h3", {}, `Time line of ${id}`), element("ol", {}, ...found.map((each) =>
    element("li", {}, element("time", { datetime: each.timestamp }, each.timestamp), ` ${each.text}`))));
}

async function drawLists() {
  const made = [];
  for (const name of ["allow", "deny", "exempt", "signatures"]) {
    const reply = await ask(`/v1/list?what=${name}`);
    const rows = reply[name].slice(0, 500);
    const left = reply[name].length - rows.length + (reply.truncated?.[name] ?? 0);
    const listed = [["entry", (row) => row.entry], ["until", (row) => row.until], ["from", (row) => row.file ? `${row.file}:${row.line}` : ""], ["comment", (row) => row.comment]];
    made.push(table(name, name === "exempt" ? [["address", (row) => row.address], ["why", (row) => row.why]]
      : name === "signatures" ? [["id", (row) => row.id], ["match", (row) => row.match], ["dropped", (row) => row.packets, true]]
      : name === "allow" ? [...listed, ["", (row) => may(button("Take off", row.entry, () => order("unallow", { address: [row.entry] })))]] : listed, rows));
    if (left > 0) made.push(element("p", {}, `and ${numberText(left)} more`));
  }
  keepFocus(byId("lists").querySelector("div"), made);
}

async function drawSettings() {
  const { settings } = await ask("/v1/settings");
  byId("settings").querySelector("div").replaceChildren(table("Settings", [["key", (row) => row.key], ["value", (row) => row.value],
    ["from", (row) => row.place || "default"]], settings));
}

function drawEvents() {
  keepFocus(byId("events").querySelector("div"), [table("Events, the newest first", [["time", (row) => row.timestamp], ["level", (row) => row.level],
    ["type", (row) => row.event_type], ["address", (row) => row.src_ip], ["text", (row) => row.text]], [...events].reverse().slice(0, 200))]);
}
async function readEvents() {
  events = (await ask("/v1/events?limit=200")).events;
  drawEvents();
}

// ---- views

const draw = { now: () => { charts.draw(); if (last?.status) drawNow(last.status); }, sources: () => last?.heavy && drawSources(last.heavy),
  bans: drawBans, attacks: drawAttacks, lists: drawLists, settings: drawSettings, events: readEvents };
const current = () => (location.hash.slice(1) in views ? location.hash.slice(1) : "now");

async function show() {
  if (!role) return;
  const name = current();
  for (const view of Object.keys(views)) byId(view).hidden = view !== name;
  for (const link of byId("nav").children) link.toggleAttribute("aria-current", link.hash === `#${name}`);
  await draw[name]();
}
byId("nav").append(...Object.entries(views).map(([name, title]) => element("a", { href: `#${name}` }, title)));
window.addEventListener("hashchange", () => show().catch((error) => notice(error.message)));
setInterval(() => { if (role && ["bans", "attacks"].includes(current()) && !document.hidden) draw[current()]().catch(() => {}); }, 3000);

byId("ban").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const body = { address: [form.get("address").trim()] };
  for (const name of ["for", "reason"]) if (form.get(name)) body[name] = form.get(name).trim();
  order("ban", body);
});

begin().catch((error) => { if (role) notice(error.message); });
