// The regime of the chosen cell, and how it bursts, over the axes of the map.

const burstStatistics = () =>
  study.statistics.filter((one) => one.per === "cell" && !one.words && /burst/.test(one.name) && one.name !== "burst_count");

const regimeStatistics = () =>
  [...study.statistics.filter((one) => one.per === "cell" && one.words), ...burstStatistics()];

function makeRegimes() {
  const all = regimeStatistics();
  byId("regimes-section").hidden = !all.length || shown.x < 0;
  byId("regimes").replaceChildren(...all.map((one) =>
    element("figure", {}, element("figcaption", {}, sentence(inUnit(titleOf(one), one.unit))),
      Object.assign(element("div", { className: "drawing hatched", id: `small-${one.name}` }), { role: "img" }))));
}

function regimesKey() {
  const rest = shown.place.filter((_, axis) => axis !== shown.x && axis !== shown.y);
  return JSON.stringify([shown.cell, shown.x, shown.y, rest]);
}

async function drawRegimes() {
  if (byId("regimes-section").hidden) return;
  const over = [shown.x, shown.y].filter((axis) => axis >= 0);
  const rest = restText(study, shown.place, over);
  say("regimes-words", `Of ${shown.cell} over ${over.map((axis) => study.axes[axis].name).join(" and ")}${rest ? `, at ${rest}` : ""}.`);
  const rows = slice(study, shown.place, shown.x, shown.y);
  for (const statistic of regimeStatistics()) {
    drawSmall(statistic, rows);
    await pause();
  }
}

const noValues = () => ({
  text: "no values", x: 0.5, y: 0.5, xref: "paper", yref: "paper", showarrow: false, bgcolor: "#fff", font: { color: QUIET },
});

function drawSmall(statistic, rows) {
  const { x, y, cell } = shown;
  const gd = byId(`small-${statistic.name}`);
  const right = statistic.words ? 12 : 70;
  const width = Math.max(80, gd.clientWidth - right - 70);
  const height = Math.min(220, Math.max(60, rows.length * 26));
  const trace = fitted(heat(statistic, cell, rows, x, y), statistic, width, height);
  trace.colorbar = colourBar({}, { thickness: 10, nticks: 4, tickfont: { size: 10 }, title: { text: "" } });
  if (statistic.words) legend("regimes-legend", statistic, []);
  const layout = {
    ...placeAxes(x, y, width, height, true),
    height: height + 56,
    margin: { l: 40, r: right, t: 6, b: 36 },
    dragmode: false,
    annotations: trace.z.flat().every((value) => value === null) ? [noValues()] : [],
  };
  plot(gd, [trace], layout, `Heat map of ${titleOf(statistic)} of ${cell}. ${rangeWords(trace, statistic)}`, false);
  if (gd.listens) return;
  gd.listens = true;
  gd.on("plotly_click", ({ points: [hit] }) => {
    const place = [...shown.place];
    place[shown.x] = hit.x;
    if (shown.y >= 0) place[shown.y] = hit.y;
    change({ place });
  });
}
