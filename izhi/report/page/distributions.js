// How a statistic is distributed over all points: one histogram for each cell, or each value of an axis.

const MOST_GROUPS = 24;
const BINS = 40;

function makeDistributions() {
  byId("distributions-section").hidden = study.places * study.cells.length < 2;
  if (byId("distributions-section").hidden) return;
  const axes = study.axes.filter((axis) => axis.labels.length > 1 && axis.labels.length <= MOST_GROUPS);
  const groups = [["label", "cell or projection"], ...axes.map((axis) => [axis.name, axis.name])];
  byId("distributions-fields").append(
    select("group", "One row for each", groups, () => shown.group, (group) => change({ group })));
}

const distributionsKey = () => JSON.stringify([shown.statistic, shown.cell, shown.projection, shown.group]);

// Groups of values, named; those of an axis are of the chosen cell.
function groupsOf(statistic) {
  const axis = study.axes.findIndex((one) => one.name === shown.group);
  if (axis < 0) {
    const labels = labelsOf(study, statistic);
    if (labels.length > MOST_GROUPS) return [[`all ${statistic.per}s`, [...statistic.grid.values].map((value) => clean(statistic, value))]];
    return labels.map((label) => [label || titleOf(statistic), column(study, statistic, label)]);
  }
  const values = column(study, statistic, chosenLabel(shown, statistic));
  const stride = study.status.strides[axis];
  const { texts, unit } = study.axes[axis];
  return texts.map((text, i) =>
    [withUnit(text, unit), values.filter((_, offset) => Math.floor(offset / stride) % texts.length === i)]);
}

function drawDistributions() {
  if (byId("distributions-section").hidden) return undefined;
  const statistic = statisticShown();
  const groups = groupsOf(statistic).map(([name, values]) => [name, values.filter((value) => value !== null)]);
  const whose = shown.group === "label" ? "" : ` of ${chosenLabel(shown, statistic) || "each point"}`;
  const by = shown.group === "label" ? statistic.per : shown.group;
  const each = groups.length > 1 ? `, a row for each ${by}` : "";
  const places = count(study.places, study.aggregation ? "place" : "point");
  const words = `${sentence(titleOf(statistic))}${whose} over ${study.places > 1 ? "all " : ""}${places}${each}.` +
    (statistic.words ? "" : " Each row is scaled to its highest bin; the dot is the median, the bar holds the middle half.");
  say("distributions-words", words);
  const [traces, layout] = statistic.words ? shares(statistic, groups) : ridges(statistic, groups);
  return plot(byId("distributions"), traces, { ...layout, uirevision: statistic.name }, `Distributions. ${words}`);
}

function rowsLayout(groups, xaxis) {
  return {
    height: 110 + groups.length * 46,
    margin: { l: 56, r: 16, t: 34, b: 44 },
    xaxis: styledAxis(xaxis),
    yaxis: styledAxis({
      range: [groups.length - 0.45, -1.05], showgrid: false, ticks: "", tickvals: groups.map((_, i) => i - 0.3),
      ticktext: groups.map(([name, values]) => `${plain(shortened(name, 24))}<br>n ${values.length.toLocaleString("en")}`),
    }),
  };
}

// Words: the share of each as a bar, all bars of a group in one row.
function shares(statistic, groups) {
  const signs = letters(statistic.words);
  const traces = statistic.words.map((word, i) => {
    const share = groups.map(([, values]) =>
      values.length ? (100 * values.filter((value) => value === i).length) / values.length : 0);
    return {
      type: "bar",
      orientation: "h",
      name: plain(spaced(word)),
      x: share,
      y: groups.map((_, k) => k - 0.3),
      width: 0.62,
      text: share.map((part) => (part > 4 ? signs[i] : "")),
      textposition: "inside",
      insidetextanchor: "middle",
      textangle: 0,
      insidetextfont: { color: inkOn(wordColour(word, i)) },
      marker: { color: wordColour(word, i), line: { color: "#fff", width: 1 } },
      hovertemplate: `${plain(spaced(word)).replaceAll("%", "%%")}: %{x:.1f} %<extra></extra>`,
    };
  });
  return [traces, {
    ...rowsLayout(groups, { title: axisTitle("share of points (%)"), range: [0, 100] }),
    barmode: "stack",
    showlegend: true,
    legend: { orientation: "h", traceorder: "normal", y: 1.02, yanchor: "bottom" },
  }];
}

// Numbers: a histogram a row, and its quartiles below.
function ridges(statistic, groups) {
  const [low, high] = bounds(groups.map(([, values]) => bounds(values)).flat().filter(Number.isFinite));
  const width = (high - low || 1) / BINS;
  const traces = groups.flatMap(([, values], row) => (values.length ? [
    ridge(values, row, low, width),
    ...quartiles(values, row),
  ] : []));
  return [traces, rowsLayout(groups, { title: axisTitle(inUnit(titleOf(statistic), statistic.unit)) })];
}

function ridge(values, row, low, width) {
  const counts = new Array(BINS).fill(0);
  for (const value of values) counts[Math.min(BINS - 1, Math.floor((value - low) / width))] += 1;
  const most = Math.max(...counts);
  const x = [low];
  const y = [row];
  const text = [""];
  counts.forEach((many, i) => {
    const up = row - (0.8 * many) / most;
    x.push(low + i * width, low + (i + 1) * width);
    y.push(up, up);
    const words = `${number(low + i * width)} to ${number(low + (i + 1) * width)}: ${count(many, "value")}`;
    text.push(words, words);
  });
  x.push(low + BINS * width);
  y.push(row);
  text.push("");
  return {
    type: "scatter", mode: "lines", x, y, text, hoverinfo: "text", fill: "toself",
    fillcolor: "rgba(0,114,178,0.25)", line: { color: COLOURS[0], width: 1.2, shape: "linear" }, hoveron: "points",
  };
}

function quartiles(values, row) {
  const sorted = Float64Array.from(values).sort();
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const y = row + 0.1;
  const words = `median ${number(at(0.5))}, middle half from ${number(at(0.25))} to ${number(at(0.75))}`;
  const style = { type: "scatter", hoverinfo: "text", text: words, marker: { color: INK, size: 7 } };
  return [
    { ...style, mode: "lines", x: [at(0.25), at(0.75)], y: [y, y], line: { color: INK, width: 3 } },
    { ...style, mode: "markers", x: [at(0.5)], y: [y] },
  ];
}
