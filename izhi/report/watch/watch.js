// Asks the server once a second how the study is, and shows it. All text goes in as text.
"use strict";

const EVERY = 1000;
const element = (id) => document.getElementById(id);
const asked = {at: []};
let seen = "";
let fields = "";
let spoken = "";
let drawn = null;

function put(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

function show(id, text, box = id) {
  element(box).hidden = !text;
  put(id, text);
}

const whole = (n) => n.toLocaleString("en");
const some = (n) => n >= 100 ? whole(Math.round(n)) : String(Number(n.toPrecision(2)));

function time(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} days`;
}

// How the study is, in words.
function state(told) {
  const tried = told.done + told.failed;
  switch (told.state) {
    case "running":
      if (!told.total) return "starting";
      return tried < told.total ? "running" : "running: all points tried, the dataset is put together";
    case "done": return told.failed ? `done, but ${whole(told.failed)} points failed` : "done";
    case "interrupted": return "interrupted; the same command goes on";
    case "killed": return "killed; the same command goes on";
    case "stopped": return "failed: the run has stopped";
    default: return told.state;
  }
}

function number(id, value) {
  put(id, whole(value));
  element(id).classList.toggle("bad", value > 0);
}

function progress(told) {
  document.title = `${told.total ? Math.floor(100 * told.done / told.total) + " % " : ""}${told.name}`;
  put("name", told.name);
  put("state", state(told));
  put("who", [told.path, told.who].filter(Boolean).join(" · "));
  const bar = element("bar");
  bar.max = told.total || 1;
  bar.value = told.done;
  const share = told.total ? ` (${Math.floor(100 * told.done / told.total)} %)` : "";
  put("points", told.total ? `${whole(told.done)} of ${whole(told.total)}${share}` : "not known yet");
  put("rate", told.rate === null ? "–" : `${some(told.rate)} per s`);
  put("left", told.left === null || told.state !== "running" ? "–" : time(told.left));
  put("latest", told.latest === null ? "–" : `${time(told.latest)} ago`);
  number("failed", told.failed);
  number("diverged", told.diverged);
  show("error", told.state === "stopped" ? told.reason || told.error : told.error, "error-box");
  speak(told);
}

// For who listens: the state, and each tenth of the way.
function speak(told) {
  const tenths = told.total ? Math.floor(10 * told.done / told.total) : 0;
  const text = `${state(told)}; ${10 * tenths} % of the points are done`;
  if (text !== spoken) put("spoken", spoken = text);
}

function select(name, values, chosen, change) {
  const label = document.createElement("label");
  label.append(name);
  const list = document.createElement("select");
  for (const [value, text] of values) list.append(new Option(text, value));
  list.value = chosen;
  list.addEventListener("change", () => { change(list.value); poll(); });
  label.append(list);
  return label;
}

// The fields are made anew only when what can be chosen is another.
function controls(maps, map) {
  const statistic = maps.statistics.find((s) => s.name === map.statistic);
  const labels = statistic.per === "projection" ? maps.projections : maps.cells;
  const now = JSON.stringify([maps.statistics.map((s) => s.name), labels, maps.axes, map.statistic, map.label,
                              map.x, map.y, map.at]);
  if (now === fields) return;
  fields = now;
  const focus = [...element("controls").querySelectorAll("select")].indexOf(document.activeElement);
  const axes = maps.axes.map((axis, n) => [n, axis.name]);
  const list = [
    select("statistic", maps.statistics.map((s) => [s.name, s.title]), map.statistic, (v) => asked.statistic = v),
    select(statistic.per, labels.map((l) => [l, l]), map.label, (v) => asked.label = v),
  ];
  if (axes.length > 1) {
    list.push(select("across", axes, map.x, (v) => {
      if (Number(v) === map.y) asked.y = map.x;
      asked.x = v;
    }));
    list.push(select("up", axes.filter(([n]) => n !== map.x), map.y, (v) => asked.y = v));
  }
  maps.axes.forEach((axis, n) => {
    if (n === map.x || n === map.y) return;
    const values = axis.labels.map((l, i) => [i, axis.unit ? `${l} ${axis.unit}` : l]);
    list.push(select(axis.name, [["", "all of them"], ...values], map.at[n] ?? "", (v) => asked.at[n] = v));
  });
  element("controls").replaceChildren(...list);
  if (focus >= 0) element("controls").querySelectorAll("select")[focus]?.focus();
}

// Plotly takes some of a text for markup.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const titled = (axis) => axis.name + (axis.unit ? ` (${axis.unit})` : "");

function words(maps, map, told) {
  const statistic = maps.statistics.find((s) => s.name === map.statistic);
  const rest = maps.axes.filter((_, n) => n !== map.x && n !== map.y && map.at[n] === null);
  const averaged = rest.length || maps.axes.some((axis) => axis.per > 1);
  const parts = [`${statistic.title} of ${map.label}, ${whole(maps.points)} of ${whole(told.total)} points`];
  if (averaged) {
    parts.push(statistic.words.length ? "each place has the most frequent word of its points"
                                      : "each place is the mean of its points that are there");
  }
  for (const axis of maps.axes) {
    if (axis.per > 1) parts.push(`${axis.per} neighbouring values of ${axis.name} are one place`);
  }
  if (rest.length) parts.push(`over all of ${rest.map((axis) => axis.name).join(", ")}`);
  if (maps.unseen) {
    parts.push(`${whole(maps.unseen)} points have no place here: their files are damaged, or their `
               + "statistics are computed anew at the end");
  }
  if (maps.points < told.total) parts.push("hatched: nothing yet");
  if (told.waiting) parts.push(`${whole(told.waiting)} more shards are being read`);
  return parts.join("; ");
}

const cut = (text, most) => text.length > most ? `${text.slice(0, most - 1)}…` : text;

function ticks(axis, room, most) {
  const labels = axis ? axis.labels : [""];
  const step = Math.ceil(labels.length / room);
  const at = labels.map((_, n) => n).filter((n) => n % step === 0);
  return {
    tickmode: "array", tickvals: at, ticktext: at.map((n) => plain(cut(labels[n], most))), range: [-0.5, labels.length - 0.5],
    title: {text: axis ? plain(titled(axis)) : "", standoff: 10}, showgrid: false, zeroline: false, automargin: true,
    ticks: "outside", showline: true, mirror: true, linecolor: "#595959",
  };
}

// Colours and a legend bar: a scale of numbers, or one step for each word.
function colours(statistic) {
  const n = statistic.words.length;
  if (!n) {
    return {colorscale: "Cividis", colorbar: {thickness: 16, title: {text: plain(statistic.unit), side: "right"}}};
  }
  const scale = statistic.colours.flatMap((colour, i) => [[i / n, colour], [(i + 1) / n, colour]]);
  const text = statistic.words.map((word) => plain(word.replace(/_/g, " ")));
  return {colorscale: scale, zmin: -0.5, zmax: n - 0.5, colorbar: {thickness: 16, tickvals: text.map((_, i) => i), ticktext: text}};
}

function marks(places, name, symbol, size) {
  return {type: "scatter", mode: "markers", name, x: places.map((p) => p[0]), y: places.map((p) => p[1]),
          marker: {symbol, size, color: "#fff", line: {color: "#000", width: 1.5}}, hoverinfo: "name"};
}

function draw(maps, map) {
  const statistic = maps.statistics.find((s) => s.name === map.statistic);
  const [across, up] = [maps.axes[map.x], map.x === map.y ? undefined : maps.axes[map.y]];
  const said = (value) => value === null ? "nothing yet"
    : statistic.words.length ? statistic.words[value].replace(/_/g, " ") : `${value.toPrecision(5)} ${statistic.unit}`;
  const at = (axis, n) => axis ? `${plain(titled(axis))}: ${plain(axis.labels[n])}<br>` : "";
  const text = map.values.map((row, y) => row.map((v, x) => at(across, x) + at(up, y) + plain(said(v))));
  const heat = {type: "heatmap", z: map.values, text, hovertemplate: "%{text}<extra></extra>", xgap: 1, ygap: 1,
                ...colours(statistic)};
  if (map.values.length * map.values[0].length > 1500) heat.xgap = heat.ygap = 0;
  const data = [heat];
  if (map.failed.length) data.push(marks(map.failed, "failed", "x", 9));
  if (map.diverged.length) data.push(marks(map.diverged, "diverged", "diamond", 9));
  const narrow = element("map").clientWidth < 600;
  const layout = {
    font: {family: "system-ui, sans-serif", size: 13, color: "#1a1a1a"}, margin: {l: 60, r: 10, t: 30, b: 50},
    xaxis: ticks(across, narrow ? 5 : 12, 14), plot_bgcolor: "#fefefe", showlegend: data.length > 1,
    yaxis: up ? ticks(up, 14, narrow ? 11 : 26) : {...ticks(undefined, 1), visible: false},
    legend: {orientation: "h", x: 0, y: 1.02, yanchor: "bottom"},
  };
  return Plotly.react("map", data, layout, {displaylogo: false, responsive: true, displayModeBar: false});
}

function shown(maps, told) {
  element("map-section").hidden = !(drawn || maps.map);
  if (maps.map) {
    drawn = maps.map;
    seen = drawn.mark;
    controls(maps, drawn);
    draw(maps, drawn);
    window.onresize = () => draw(maps, maps.map);
  }
  if (drawn) put("words", words(maps, drawn, told));
}

function query() {
  const given = {...asked, at: Array.from(asked.at, (v) => v ?? "").join(","), seen};
  return new URLSearchParams(Object.entries(given).filter(([, v]) => v !== undefined && v !== ""));
}

let waiting = 0;
let turn = 0;

// One question after the other; a new choice asks at once, and answers to older ones are dropped.
async function poll() {
  clearTimeout(waiting);
  const mine = ++turn;
  let soon = EVERY;
  try {
    const answer = await fetch(`/state?${query()}`);
    const told = await answer.json();
    if (mine !== turn) return;
    show("problem", told.problem ?? "");
    if (!told.problem) {
      progress(told);
      if (told.maps) shown(told.maps, told);
      if (told.waiting && told.state !== "running") soon = 50;
    }
  } catch (error) {
    if (mine !== turn) return;
    show("problem", error instanceof TypeError
      ? "izhi watch has ended, or the connection is gone; what is shown is the last that was known."
      : String(error));
  }
  waiting = setTimeout(poll, soon);
}

poll();
