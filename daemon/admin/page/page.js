"use strict";
// Keeps the page's figures current: asks for /skerry/status each second and reads /events. Without
// it the page shows the figures of the moment when it was loaded.
const POINTS = 180, EVENTS = 50;
const $ = (id) => document.getElementById(id);
const lags = [], rates = [];
let last = null;

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; bytes >= 999.5 && unit + 1 < units.length; ++unit) bytes /= 1000;
  return bytes.toFixed(unit > 0 && bytes < 9.95 ? 1 : 0) + " " + units[unit];
}

function span(seconds) {
  if (seconds < 60) return Math.floor(seconds) + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min";
  if (seconds < 172800) return Math.floor(seconds / 3600) + " h " + Math.floor(seconds / 60) % 60 + " min";
  return Math.floor(seconds / 86400) + " days";
}

function rows(id, list, cells) {
  const body = $(id);
  body.replaceChildren(...list.map((item) => {
    const row = document.createElement("tr");
    for (const [text, kind] of cells(item)) {
      const cell = document.createElement("td");
      if (kind === "number") cell.className = "number";
      const inner = kind === "code" ? cell.appendChild(document.createElement("code")) : cell;
      inner.textContent = text;
      row.appendChild(cell);
    }
    return row;
  }));
  $(id + "-section").hidden = list.length === 0;
}

function plot(id, values) {
  const most = Math.max(1, ...values);
  $(id).setAttribute("points", values.map((value, i) =>
    `${(100 * (i + POINTS - values.length) / (POINTS - 1)).toFixed(2)},${(34 - 32 * value / most).toFixed(2)}`).join(" "));
}

function push(list, value) {
  list.push(value);
  if (list.length > POINTS) list.shift();
}

function show(status) {
  const node = status.node, primary = status.primary;
  const commits = status.databases.reduce((sum, d) => sum + d.commits, 0);
  const now = performance.now();
  if (last && last.id === node.id) push(rates, Math.max(0, (commits - last.commits) * 1000 / (now - last.at)));
  last = { id: node.id, commits, at: now };
  push(lags, status.lagMs ?? 0);
  $("role").textContent = node.role;
  $("epoch").textContent = "epoch " + node.epoch;
  $("ready").textContent = node.ready ? "ready" : node.notReady;
  $("ready").className = node.ready ? "good" : "bad";
  $("primary").textContent = primary ? primary.hostname || primary.url || "known" : "none is known";
  $("lag").textContent = status.lagMs === null ? "not in sync yet" : status.lagMs + " ms";
  $("rate").textContent = rates.length ? rates[rates.length - 1].toFixed(0) + " /s" : "–";
  $("up").textContent = span(node.upSeconds);
  plot("lag-plot", lags);
  plot("rate-plot", rates);
  rows("databases", status.databases, (d) => [[d.name], [d.txid + "/" + d.checksum, "code"],
    [size(d.bytes), "number"], [d.walFrames, "number"],
    [d.lastCommit ? span(Math.max(0, d.ageMs) / 1000) + " ago" : "never", "number"]]);
  rows("broken", status.broken, (b) => [[b.name], [b.error]]);
  rows("streams", status.streams, (s) => [[s.direction === "to-replica" ? "to" : "from"], [s.peer], [s.region],
    [s.lagMs === null ? "not in sync yet" : s.lagMs + " ms", "number"], [size(s.wireBytes), "number"],
    [size(s.pageBytes), "number"], [s.transactions, "number"]]);
  rows("obstacles", status.obstacles, (o) => [[o.db], [o.program], [o.pid, "number"], [o.kind],
    [span(o.sinceMs / 1000), "number"]]);
}

async function refresh() {
  try {
    const reply = await fetch("status", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!reply.ok) throw new Error(reply.status);
    show(await reply.json());
    $("contact").textContent = "live";
  } catch (error) {
    $("contact").textContent = "the node does not answer";
  }
  setTimeout(refresh, document.hidden ? 5000 : 1000);
}

function note(text) {
  const list = $("events"), item = document.createElement("li");
  item.textContent = new Date().toLocaleTimeString() + "  " + text;
  list.prepend(item);
  while (list.children.length > EVENTS) list.lastChild.remove();
}

function tell(event) {
  if (event.type === "tx") {
    note(`${event.db}  ${event.data.txID}/${event.data.postApplyChecksum}  ${event.data.commit} pages`);
  } else {
    const who = event.data.isPrimary ? "this node" : event.data.hostname || "nobody known";
    note(`${event.type === "init" ? "connected, primary" : "new primary"}: ${who}`);
  }
}

async function listen() {
  try {
    const reader = (await fetch("../events")).body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = "";;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines.slice(-EVENTS)) if (line) tell(JSON.parse(line));
    }
  } catch (error) { /* tried again below */ }
  setTimeout(listen, 2000);
}

$("events-section").hidden = false;
refresh();
listen();
