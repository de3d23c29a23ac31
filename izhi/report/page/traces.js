// Spikes and traces of the chosen point, one above the other over one axis of time.

const MOST_TRACED = 4;
const MOST_BOXES = 40;
const ticked = new Set();

// A box for each cell that has traces anywhere; the first few are ticked.
function makeTraced() {
  const traces = study.samples?.traces ?? [];
  const cells = [...new Set(traces.filter((one) => one.of === "cell").map((one) => one.label))];
  for (const cell of cells.slice(0, MOST_TRACED)) ticked.add(cell);
  byId("traced").hidden = cells.length < 2 || cells.length > MOST_BOXES;
  if (byId("traced").hidden) return;
  byId("traced").append(element("span", {}, "Traces of"), ...cells.map((cell) => {
    const box = element("input", { type: "checkbox", checked: ticked.has(cell) });
    box.addEventListener("change", () => { ticked[box.checked ? "add" : "delete"](cell); render(); });
    return element("label", { className: "check" }, box, cell);
  }));
}

// The cell of the map comes too where there are more than have boxes.
const cellsTraced = () => [...ticked, ...(byId("traced").hidden ? [shown.cell] : [])];

const tracesKey = () => JSON.stringify([shown.place, cellsTraced(), study.projections.length > 4 ? shown.projection : ""]);

function drawTraces() {
  const gd = byId("traces");
  const point = pointAt(study, shown.place);
  const panels = [rasterPanel(point), ...tracePanels(point)].filter(Boolean);
  gd.hidden = !panels.length;
  const some = study.samples?.rows.has(point);
  say("traces-origin", some ? study.samples.origin : "");
  if (gd.hidden) return undefined;
  const words = `Over time: ${panels.map((panel) => panel.words).join("; ")}.`;
  return plot(gd, panels.flatMap(linesOf), panelLayout(panels, point), words);
}

function lastTime(point) {
  if (study.samples?.duration) return study.samples.duration;
  const times = study.cells.map((_, cell) => spikesOf(study, point, cell)?.at(-1) ?? 0);
  return Math.max(...times) || 1;
}

// One upright stroke a spike, all strokes of a panel one line: quick with any number of spikes.
function rasterPanel(point) {
  const times = study.cells.map((_, cell) => spikesOf(study, point, cell));
  if (!times.length || times[0] === null) return null;
  const few = times.length <= 12;
  const height = few ? 30 + 20 * times.length : Math.min(340, 60 + 4 * times.length);
  const half = Math.max(0.38, (1.2 * times.length) / height); // of a stroke: a pixel at least
  const x = [];
  const y = [];
  times.forEach((spikes, cell) => spikes.forEach((time) => { x.push(time, time, null); y.push(cell - half, cell + half, null); }));
  const total = x.length / 3;
  return {
    height,
    title: few ? "" : "cell",
    words: `raster of ${count(total, "spike")} of ${count(times.length, "cell")}`,
    lines: [{ x, y, name: "spikes", line: { color: INK, width: 1.2 }, hoverinfo: few ? "x" : "x+y" }],
    yaxis: {
      range: [times.length - 0.5, -0.5],
      showgrid: false,
      ...(few ? { tickvals: study.cells.map((_, i) => i), ticktext: study.cells.map((cell) => plain(shortened(cell, 16))) } : { nticks: 5 }),
    },
  };
}

// Potentials stand alone, one panel a cell; a cell's other variables share one panel each, and so do
// all variables of a projection that have one unit.
function tracePanels(point) {
  const row = study.samples?.rows.get(point);
  if (row === undefined) return [];
  const labels = new Set([...cellsTraced(), ...projectionsTraced()]);
  const panels = new Map();
  for (const trace of study.samples.traces) {
    if (!labels.has(trace.label) || trace.row[row] < 0) continue;
    const key = panelKey(trace);
    if (!panels.has(key)) panels.set(key, []);
    panels.get(key).push(trace);
  }
  return [...panels.values()].map((traces) => tracePanel(traces, row, point));
}

function panelKey(trace) {
  if (trace.of === "projection") return `projection ${trace.label} ${trace.unit}`;
  return trace.variable === "v" ? `v ${trace.label}` : `cell ${trace.variable}`;
}

const projectionsTraced = () => (study.projections.length > 4 ? [shown.projection] : study.projections);

function tracePanel(traces, row, point) {
  const [first] = traces;
  const alone = traces.length === 1;
  const projection = first.of === "projection";
  const wide = byId("traces").clientWidth > 800;
  const name = (trace) => (!projection ? trace.label : wide ? `${trace.variable}, ${trace.title}` : trace.variable);
  const what = projection ? (alone ? first.variable : "") : first.variable;
  const whose = projection ? first.label : alone ? ` of ${first.label}` : "";
  return {
    height: first.variable === "v" ? 108 : 92,
    title: what ? inUnit(what, first.unit) : first.unit,
    note: `${projection ? "" : first.title}${whose}`.trim(),
    words: traces.map((trace) => `${trace.title} of ${trace.label}`).join(", "),
    lines: traces.map((trace, i) => ({
      ...values(trace, row, point),
      name: plain(name(trace)),
      hovertemplate: `${plain(name(trace)).replaceAll("%", "%%")} %{y:.4g} at %{x:.5g} s<extra></extra>`,
      line: { color: first.variable === "v" ? INK : COLOURS[i % COLOURS.length], width: 1.2, dash: DASHES[i % DASHES.length] },
      key: alone ? "" : name(trace),
    })),
    yaxis: { nticks: 4 },
  };
}

function values(trace, row, point) {
  const at = trace.row[row];
  const long = trace.values.shape[1];
  const raw = trace.values.values.subarray(at * long, (at + 1) * long);
  const own = trace.time.shape.length === 2 ? at * long : 0;
  const [offset, factor] = trace.scale;
  const x = [];
  const y = [];
  for (let i = 0; i < long; i++) {
    const time = trace.time.values[own + i];
    if (Number.isNaN(time)) continue;
    x.push(time);
    y.push(raw[i] === -32768 ? null : offset + factor * raw[i]);
  }
  return trace.variable === "v" ? peaked({ x, y }, trace, row, point) : { x, y };
}

// A spike is drawn to its peak, which lies between two samples.
function peaked({ x, y }, trace, row, point) {
  const cell = study.cells.indexOf(trace.label);
  const spikes = spikesOf(study, point, cell);
  const { peak } = study.samples;
  const top = peak ? peak.values[row * peak.shape[1] + cell] : NaN;
  if (!spikes || Number.isNaN(top)) return { x, y };
  const made = { x: [], y: [] };
  let next = 0;
  x.forEach((time, i) => {
    for (; next < spikes.length && spikes[next] < time; next++) { made.x.push(spikes[next]); made.y.push(top); }
    made.x.push(time);
    made.y.push(y[i]);
  });
  return made;
}

const axisId = (i) => (i ? i + 1 : "");

function linesOf(panel, i) {
  return panel.lines.map((line) => ({
    type: "scatter", mode: "lines", connectgaps: false, ...line, xaxis: "x", yaxis: `y${axisId(i)}`,
  }));
}

const PANEL_GAP = 26;
const SHEET = 840; // what a sheet of A4 or letter has room for, in pixels

function panelLayout(all, point) {
  const gaps = PANEL_GAP * (all.length - 1);
  const heights = all.reduce((sum, panel) => sum + panel.height, 0);
  const share = printed ? Math.min(1, (SHEET - gaps) / heights) : 1;
  const panels = all.map((panel) => ({ ...panel, height: share * panel.height }));
  const inner = share * heights + gaps;
  const layout = {
    height: inner + 76,
    margin: { l: 74, r: 16, t: 24, b: 52 },
    uirevision: "traces",
    annotations: [],
    xaxis: styledAxis({
      title: axisTitle("time (s)"), range: [0, lastTime(point)], anchor: `y${axisId(panels.length - 1)}`,
    }),
  };
  let top = 0;
  panels.forEach((panel, i) => {
    const domain = [1 - (top + panel.height) / inner, 1 - top / inner].map((at) => Math.min(1, Math.max(0, at)));
    layout[`yaxis${axisId(i)}`] = styledAxis({
      domain, title: { ...axisTitle(panel.title), font: { size: 12 } }, automargin: false, ...panel.yaxis,
    });
    layout.annotations.push(...notes(panel, domain[1]));
    top += panel.height + PANEL_GAP;
  });
  return layout;
}

// What a panel holds, above it: the whole, or each line with its colour and dash.
function notes(panel, y) {
  const note = (text, x, color, anchor) => ({
    text, x, y, xref: "paper", yref: "paper", xanchor: anchor, yanchor: "bottom", showarrow: false, font: { size: 11, color },
  });
  const keys = panel.lines.filter((line) => line.key);
  const signs = { solid: "──", dash: "– –", dot: "···", dashdot: "–·–", longdash: "— —", longdashdot: "—·—" };
  const right = keys.map((line) =>
    `<span style="color:${line.line.color}">${signs[line.line.dash]} ${plain(line.key)}</span>`).join("   ");
  return [
    ...(panel.note ? [note(plain(panel.note), 0, QUIET, "left")] : []),
    ...(right ? [note(right, 1, INK, "right")] : []),
  ];
}
