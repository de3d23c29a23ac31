// The map: a statistic over two axes, over one, or alone.

const SYMBOLS = { failed: "✕", diverged: "△", "not run": "○" };
const MOST_MARKS = 2000;

function mapKey() {
  const rest = shown.place.filter((_, axis) => axis !== shown.x && axis !== shown.y);
  const statistic = statisticShown();
  return JSON.stringify([shown.statistic, statistic && chosenLabel(shown, statistic), shown.x, shown.y, rest]);
}

function drawMap() {
  const statistic = statisticShown();
  const gd = byId("map");
  byId("map-keys").hidden = study.axes.length === 0 || !statistic;
  say("map-words", mapWords(statistic));
  say("map-comment", statistic?.comment ?? "");
  if (byId("map-keys").hidden) return undefined;
  const label = chosenLabel(shown, statistic);
  const rows = slice(study, shown.place, shown.x, shown.y);
  const drawn = shown.y < 0 && !statistic.words
    ? drawLine(gd, statistic, label, rows[0])
    : drawHeat(gd, statistic, label, rows);
  return drawn.then(() => listenToMap(gd));
}

function mapWords(statistic) {
  if (!statistic) return "The study has no statistics.";
  const label = chosenLabel(shown, statistic);
  const whose = label ? ` of ${label}` : "";
  const rest = restText(study, shown.place, [shown.x, shown.y]);
  if (!study.axes.length) return "One point: no axis to draw a map over. Its values are below.";
  const over = [shown.x, shown.y].filter((axis) => axis >= 0).map((axis) => study.axes[axis].name).join(" and ");
  return `${sentence(inUnit(titleOf(statistic), statistic.unit))}${whose} over ${over}` +
    `${rest ? `, at ${rest}` : ""}.`;
}

function mapHeight(rows, width) {
  const many = rows.length;
  return Math.round(Math.min(Math.max(many * 30, 120), Math.max(320, Math.min(width * 0.55, 520))));
}

function drawHeat(gd, statistic, label, rows) {
  const { x, y } = shown;
  const height = mapHeight(rows, gd.clientWidth);
  const width = Math.max(160, gd.clientWidth - 190);
  const trace = fitted(heat(statistic, label, rows, x, y), statistic, width, height);
  trace.colorbar = colourBar(statistic);
  const marks = statusMarks(statistic, rows);
  legend("map-legend", statistic, legendMarks(marks, rows, trace));
  const axes = placeAxes(x, y, width, height);
  gd.fit = () => fitTicks(gd, width, height);
  gd.classList.add("hatched");
  const layout = {
    ...axes,
    height: height + 92,
    margin: { l: 56, r: 16, t: 34, b: 44 },
    uirevision: `${x} ${y}`,
    shapes: frame(x, y),
  };
  const traces = [trace, ...marks.traces, ...dots(rows)];
  return plot(gd, traces, layout, `Heat map. ${mapWords(statistic)} ${rangeWords(trace, statistic)}`);
}

function rangeWords(trace, statistic) {
  const values = trace.z.flat();
  const there = values.filter((value) => value !== null);
  if (!there.length) return "No place has a value.";
  if (statistic.words) {
    return statistic.words
      .map((word, i) => [spaced(word), there.filter((value) => value === i).length])
      .filter(([, many]) => many)
      .map(([word, many]) => `${word}: ${many}`)
      .join(", ");
  }
  const [low, high] = bounds(there);
  return `From ${withUnit(number(low), statistic.unit)} to ${withUnit(number(high), statistic.unit)}.`;
}

// Points that failed, diverged or were not run, over the map: as symbols, or as shades if too many.
function statusMarks(statistic, rows) {
  const found = new Map();
  if (statistic.name !== "status") {
    rows.forEach((row, j) => row.forEach((offset, i) => {
      const state = study.status.values[offset];
      if (state === DONE) return;
      if (!found.has(state)) found.set(state, []);
      found.get(state).push([i, j]);
    }));
  }
  const traces = [...found].map(([state, places]) =>
    places.length > MOST_MARKS ? shade(state, places, rows) : symbols(state, places));
  return { states: [...found.keys()], traces };
}

function shade(state, places, rows) {
  const z = rows.map((row) => new Array(row.length).fill(null));
  for (const [i, j] of places) z[j][i] = 1;
  const colour = study.status_words[state] === "not run" ? "#fff" : "#b00020";
  return { type: "heatmap", z, zmin: 0, zmax: 1, colorscale: [[0, colour], [1, colour]], showscale: false, hoverinfo: "skip" };
}

function symbols(state, places) {
  return {
    type: "scatter",
    mode: "markers",
    name: study.status_words[state],
    x: places.map(([i]) => i),
    y: places.map(([, j]) => j),
    hoverinfo: "skip",
    marker: {
      symbol: STATUS_MARKS[study.status_words[state]] ?? "square",
      size: places.length > 400 ? 5 : 9,
      color: "#fff",
      line: { color: "#b00020", width: places.length > 400 ? 1 : 2 },
    },
  };
}

function legendMarks({ states }, rows, trace) {
  const entries = states.map((state) => [SYMBOLS[study.status_words[state]] ?? "□", study.status_words[state]]);
  if (trace.z.some((row) => row.includes(null))) entries.push(["▨", "no value"]);
  if (showsDots(rows)) entries.push(["•", "with traces"]);
  return entries;
}

// Dots where traces are, unless they are everywhere.
const showsDots = () => study.sampled.length > 0 && study.sampled.length < study.places;

function dots(rows) {
  if (!showsDots()) return [];
  const sampled = new Set(study.sampled);
  const places = rows.flatMap((row, j) =>
    row.flatMap((offset, i) => (sampled.has(offset) ? [[i, j]] : [])));
  return [{
    type: "scatter",
    mode: "markers",
    name: "with traces",
    x: places.slice(0, MOST_MARKS).map(([i]) => i),
    y: places.slice(0, MOST_MARKS).map(([, j]) => j),
    hoverinfo: "skip",
    marker: { symbol: "circle", size: 5, color: "#fff", line: { color: "#000", width: 1 } },
  }];
}

// One axis: the statistic as a line over numbers, as points over names.
function drawLine(gd, statistic, label, row) {
  const axis = study.axes[shown.x];
  const values = row.map((offset) => valueAt(study, statistic, offset, label));
  const along = axis.labels.map((value, i) => (axis.numeric ? value : i));
  const marks = statusMarks(statistic, [row]);
  const [low] = bounds(values);
  const trace = {
    type: "scatter",
    mode: !axis.numeric ? "markers" : row.length > 300 ? "lines" : "lines+markers",
    x: along,
    y: values,
    hovertext: hoverTexts(statistic, [row], [values], shown.x, -1)[0],
    hoverinfo: "text",
    line: { color: COLOURS[0] },
    marker: { color: COLOURS[0], size: 7 },
  };
  for (const mark of marks.traces) {
    mark.y = mark.y.map(() => (Number.isFinite(low) ? low : 0));
    mark.x = mark.x.map((i) => along[i]);
  }
  legend("map-legend", statistic, legendMarks(marks, [row], { z: [[]] }));
  gd.fit = null;
  gd.classList.remove("hatched");
  const x = axis.numeric ? {} : ticks(axis, gd.clientWidth - 90, true);
  const layout = {
    height: 380,
    margin: { l: 56, r: 16, t: 34, b: 44 },
    uirevision: `line ${shown.x}`,
    xaxis: styledAxis({ title: axisTitle(inUnit(axis.name, axis.unit)), ...x }),
    yaxis: styledAxis({ title: axisTitle(inUnit(titleOf(statistic), statistic.unit)), rangemode: statistic.unit === "Hz" ? "tozero" : "normal" }),
    shapes: upright(axis),
  };
  return plot(gd, [trace, ...marks.traces], layout, `${mapWords(statistic)} ${rangeWords({ z: [values] }, statistic)}`);
}

function upright(axis) {
  const at = axis.numeric ? axis.labels[shown.place[shown.x]] : shown.place[shown.x];
  return [{ type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: { color: "#000", width: 1.5, dash: "dot" } }];
}

// The chosen place moves without drawing the map anew.
function drawPlace() {
  const statistic = statisticShown();
  if (shown.x < 0 || !statistic) return undefined;
  const line = shown.y < 0 && !statistic.words;
  return Plotly.relayout(byId("map"), { shapes: line ? upright(study.axes[shown.x]) : frame(shown.x, shown.y) });
}

// After a zoom: labels of what is seen.
function fitTicks(gd, width, height) {
  const seen = (axis, range) => {
    const last = axis.labels.length - 1;
    const [low, high] = [...range].sort((a, b) => a - b);
    const from = Math.min(last, Math.max(0, Math.ceil(low)));
    return [from, Math.max(from, Math.min(last, Math.floor(high)))];
  };
  const part = {};
  for (const [name, axis, pixels] of [["xaxis", study.axes[shown.x], width], ["yaxis", study.axes[shown.y], height]]) {
    if (!axis) continue;
    const fit = ticks(axis, pixels, name === "xaxis", seen(axis, gd.layout[name].range));
    for (const [key, value] of Object.entries(fit)) part[`${name}.${key}`] = value;
  }
  return Plotly.relayout(gd, part);
}

function listenToMap(gd) {
  if (gd.listens) return;
  gd.listens = true;
  gd.on("plotly_click", ({ points: [hit] }) => {
    const place = [...shown.place];
    if (shown.y < 0 && !statisticShown().words) place[shown.x] = hit.pointIndex;
    else [[shown.x, hit.x], [shown.y, hit.y]].forEach(([axis, at]) => { if (axis >= 0) place[axis] = Math.round(at); });
    change({ place });
  });
  gd.on("plotly_relayout", (part) => {
    if (gd.fit && Object.keys(part).some((key) => key.includes(".range"))) gd.fit();
  });
}

const ARROWS = { ArrowLeft: ["x", -1], ArrowRight: ["x", 1], ArrowDown: ["y", -1], ArrowUp: ["y", 1] };

function mapKeys(event) {
  const arrow = ARROWS[event.key];
  if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
  const axis = shown[arrow[0]];
  if (axis < 0) return;
  event.preventDefault();
  const downwards = arrow[0] === "y" && !study.axes[axis].numeric;
  move(axis, downwards ? -arrow[1] : arrow[1], { step: true });
}
