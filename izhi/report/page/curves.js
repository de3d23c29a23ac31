// A statistic along an axis of numbers, one line for each value of another: f-I curves.

const MOST_LINES = 12;

// Words have no curve: the firing rate is drawn for them.
function curvesStatistic() {
  const statistic = statisticShown();
  if (statistic && !statistic.words) return statistic;
  return study.statistics.find((one) => one.name === "firing_rate") ?? study.statistics.find((one) => !one.words);
}

function makeCurves() {
  const numeric = study.axes.map((axis, i) => [i, axis.name]).filter(([i]) => study.axes[i].numeric);
  byId("curves-section").hidden = !numeric.length || !curvesStatistic();
  if (byId("curves-section").hidden) return;
  const fields = [select("along", "Along", numeric, () => shown.along, (value) => change({ along: Number(value) }))];
  if (study.axes.length > 1) {
    const others = [[-1, "no other axis"], ...study.axes.map((axis, i) => [i, axis.name])];
    fields.push(select("by", "One line for each", others, linesBy, (value) => change({ by: Number(value) })));
  }
  byId("curves-fields").append(...fields);
}

function curvesKey() {
  const statistic = curvesStatistic();
  const by = linesBy();
  const rest = shown.place.filter((_, axis) => axis !== shown.along && axis !== by);
  return JSON.stringify([statistic?.name, statistic && chosenLabel(shown, statistic), shown.along, by, rest]);
}

// As many values of an axis as can be told apart, from the first to the last.
function evenly(many, most) {
  if (many <= most) return Array.from({ length: many }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (many - 1)) / (most - 1)));
}

function drawCurves() {
  if (byId("curves-section").hidden) return undefined;
  const statistic = curvesStatistic();
  const label = chosenLabel(shown, statistic);
  const along = study.axes[shown.along];
  const by = study.axes[linesBy()];
  const rows = slice(study, shown.place, shown.along, linesBy());
  const kept = evenly(rows.length, MOST_LINES);
  const lines = kept.map((row, i) =>
    curve(along, rows[row].map((offset) => valueAt(study, statistic, offset, label)),
      by ? withUnit(by.short[row], by.unit) : label, i, lineColour(by, i, kept.length)));
  const words = curvesWords(statistic, label, along, by, kept.length);
  say("curves-title", isTransfer(statistic, along) ? "f–I curves" : "Curves");
  say("curves-words", words);
  return plot(byId("curves"), lines, curvesLayout(statistic, along, by), `Line plot. ${words}`);
}

const isTransfer = (statistic, along) => statistic.unit === "Hz" && along.key.startsWith("stimulus");

function curvesWords(statistic, label, along, by, many) {
  const rest = restText(study, shown.place, [shown.along, linesBy()]);
  const each = by ? `, a line for ${many < by.labels.length ? `${many} of ${by.labels.length} values` : "each value"} of ${by.name}` : "";
  return `${sentence(titleOf(statistic))}${label ? ` of ${label}` : ""} along ${along.name}${each}` +
    `${rest ? `, at ${rest}` : ""}.`;
}

// Names have colours of their own, numbers go from dark to light.
function lineColour(by, i, many) {
  if (!by?.numeric) return COLOURS[i % COLOURS.length];
  return cividis(many > 1 ? (0.85 * i) / (many - 1) : 0); // the lightest are too faint for a line
}

function curve(along, values, name, i, colour) {
  const order = along.labels.map((_, k) => k).sort((a, b) => along.labels[a] - along.labels[b]);
  return {
    type: "scatter",
    mode: order.length > 40 ? "lines" : "lines+markers",
    name: plain(name),
    x: order.map((k) => along.labels[k]),
    y: order.map((k) => values[k]),
    line: { color: colour, width: 1.8, dash: DASHES[i % DASHES.length] },
    marker: { color: colour, size: 7, symbol: MARKERS[i % MARKERS.length] },
    hovertemplate: `${plain(name).replaceAll("%", "%%")}<br>%{y:.4g} at %{x:.5g}<extra></extra>`,
  };
}

function curvesLayout(statistic, along, by) {
  const narrow = byId("curves").clientWidth < 620;
  return {
    height: narrow ? 480 : 420,
    margin: { l: 56, r: 16, t: 34, b: 44 },
    uirevision: `${statistic.name} ${along.name}`,
    showlegend: Boolean(by),
    legend: {
      title: { text: plain(by ? by.name : "") },
      itemwidth: 44,
      ...(narrow ? { orientation: "h", y: -0.2, yanchor: "top" } : { x: 1.02, y: 1 }),
    },
    xaxis: styledAxis({ title: axisTitle(inUnit(along.name, along.unit)) }),
    yaxis: styledAxis({ title: axisTitle(inUnit(titleOf(statistic), statistic.unit)), rangemode: statistic.unit === "Hz" ? "tozero" : "normal" }),
  };
}
