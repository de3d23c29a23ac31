// What is shown now, and the address that says so: labels, never positions.

let study;
let shown;

function firstView() {
  const place = study.axes.map((axis) => Math.floor((axis.labels.length - 1) / 2));
  const [x, y] = firstAxes();
  const has = (name) => study.statistics.some((one) => one.name === name);
  return {
    statistic: has("firing_rate") ? "firing_rate" : study.statistics[0]?.name ?? "",
    cell: study.cells.at(-1) ?? "",
    projection: study.projections.at(-1) ?? "",
    x,
    y,
    place: nearestSampled(study, place) ?? place,
    along: firstAlong(x),
    by: -2,
    group: "label",
  };
}

// Numbers run across and names up, where there are both; what has one value only comes last.
function firstAxes() {
  const single = (axis) => (study.axes[axis].labels.length > 1 ? 0 : 1);
  const order = study.axes.map((_, i) => i).reverse().sort((a, b) => single(a) - single(b));
  const x = order.find((i) => study.axes[i].numeric && !single(i)) ?? order[0] ?? -1;
  const others = order.filter((i) => i !== x);
  const y = others.find((i) => !study.axes[i].numeric && !single(i)) ?? others[0] ?? -1;
  return [x, y];
}

const firstAlong = (x) =>
  study.axes[x]?.numeric ? x : study.axes.findIndex((axis) => axis.numeric);

const statisticShown = () => study.statistics.find((one) => one.name === shown.statistic);

// The axis whose values are one curve each: -1 for none, -2 for the map's.
function linesBy() {
  if (shown.by !== -2 && shown.by !== shown.along) return shown.by;
  return [shown.y, shown.x].find((axis) => axis >= 0 && axis !== shown.along) ?? -1;
}

function toHash(now) {
  const name = (axis) => study.axes[axis]?.name ?? "";
  const parts = new URLSearchParams({ statistic: now.statistic });
  if (now.cell) parts.set("cell", now.cell);
  if (now.projection) parts.set("projection", now.projection);
  if (now.x >= 0) parts.set("x", name(now.x));
  if (now.y >= 0) parts.set("y", name(now.y));
  study.axes.forEach((axis, i) => parts.set(`at.${axis.name}`, String(axis.labels[now.place[i]])));
  if (now.along >= 0) parts.set("along", name(now.along));
  if (now.by !== -2) parts.set("by", name(now.by));
  if (now.group !== "label") parts.set("group", now.group);
  return `#${parts}`;
}

// What an address says, where the study has it; the first view for the rest.
function fromHash(hash) {
  const now = firstView();
  const parts = new URLSearchParams(hash.slice(1));
  const axis = (key, or) => {
    const found = study.axes.findIndex((one) => one.name === parts.get(key));
    return found < 0 ? or : found;
  };
  const among = (key, labels) => (labels.includes(parts.get(key)) ? parts.get(key) : now[key]);
  now.statistic = among("statistic", study.statistics.map((one) => one.name));
  now.cell = among("cell", study.cells);
  now.projection = among("projection", study.projections);
  now.x = axis("x", now.x);
  now.y = axis("y", now.y);
  if (now.x === now.y) now.y = study.axes.findIndex((_, i) => i !== now.x);
  now.along = axis("along", now.along);
  now.by = parts.has("by") ? axis("by", -1) : -2;
  now.group = among("group", ["label", ...study.axes.map((one) => one.name)]);
  study.axes.forEach((one, i) => {
    const at = one.labels.map(String).indexOf(parts.get(`at.${one.name}`));
    if (at >= 0) now.place[i] = at;
  });
  return now;
}

// Show something else. A step of the point takes the place of the one before in the history.
function change(part, { step = false } = {}) {
  shown = { ...shown, ...part };
  const hash = toHash(shown);
  if (hash !== location.hash) {
    if (step) location.replace(hash);
    else location.hash = hash;
  }
  render();
}

function move(axis, by, options) {
  const place = [...shown.place];
  const last = study.axes[axis].labels.length - 1;
  place[axis] = Math.min(last, Math.max(0, place[axis] + by));
  change({ place }, options);
}

function setAxis(which, axis) {
  const other = which === "x" ? "y" : "x";
  const part = { [which]: axis };
  if (shown[other] === axis) part[other] = shown[which];
  change(part);
}

function addressChanged() {
  if (location.hash === toHash(shown)) return;
  shown = fromHash(location.hash);
  render();
}
