// A statistic over two axes as a heat map.

// Colours of a statistic: from the least to the greatest value of a map, so that its shape is seen.
function colouring(statistic, z) {
  if (statistic.words) {
    const n = statistic.words.length;
    const steps = statistic.words.flatMap((word, i) => [i, i + 1].map((at) => [at / n, wordColour(word, i)]));
    return { zmin: -0.5, zmax: n - 0.5, colorscale: steps, showscale: false };
  }
  const [low, high] = bounds(z.flat());
  const none = low > high;
  return {
    zmin: none ? 0 : low,
    zmax: none ? 1 : high === low ? low + 1 : high,
    colorscale: CIVIDIS.map((colour, i) => [i / (CIVIDIS.length - 1), colour]),
    showscale: !none,
  };
}

function heat(statistic, label, rows, x, y) {
  const z = rows.map((row) => row.map((offset) => valueAt(study, statistic, offset, label)));
  return {
    type: "heatmap",
    z,
    hovertext: hoverTexts(statistic, rows, z, x, y),
    hoverinfo: "text",
    ...colouring(statistic, z),
  };
}

function hoverTexts(statistic, rows, z, x, y) {
  const label = (axis, i) =>
    axis < 0 ? "" : `${plain(study.axes[axis].name)} ${plain(withUnit(study.axes[axis].texts[i], study.axes[axis].unit))}`;
  const across = rows[0].map((_, i) => label(x, i));
  const unit = plain(statistic.unit && statistic.unit !== "1" ? ` ${statistic.unit}` : "");
  const words = statistic.words?.map((word) => plain(spaced(word)));
  const title = plain(titleOf(statistic));
  return rows.map((row, j) => {
    const up = label(y, j);
    return row.map((offset, i) => {
      const value = z[j][i];
      const state = study.status.values[offset];
      const text = value === null ? "no value" : words ? words[value] : `${number(value)}${unit}`;
      return `${across[i]}<br>${up && `${up}<br>`}${title}: <b>${text}</b>` +
        (state === DONE ? "" : `<br>${plain(study.status_words[state])}`);
    });
  });
}

// Lines between places, and letters of words, as long as they have room.
function fitted(trace, statistic, width, height) {
  const [wide, tall] = [width / trace.z[0].length, height / trace.z.length];
  const lined = { ...trace, xgap: wide > 8 ? 1 : 0, ygap: tall > 8 ? 1 : 0 };
  if (!statistic.words || wide < 13 || tall < 13 || trace.z.length * trace.z[0].length > 1200) return lined;
  const signs = letters(statistic.words).map((sign, i) =>
    `<span style="color:${inkOn(wordColour(statistic.words[i], i))}">${sign}</span>`);
  const text = trace.z.map((row) => row.map((value) => (value === null ? "" : signs[value])));
  return { ...lined, text, texttemplate: "%{text}", textfont: { size: 11 } };
}

function colourBar(statistic, size = {}) {
  const title = statistic.unit && statistic.unit !== "1" ? plain(statistic.unit) : "";
  return { thickness: 14, outlinewidth: 0, title: { text: title, side: "top" }, exponentformat: "power", minexponent: 6, nticks: 6, ...size };
}

// The axes of a map: each place has the same size, in the order of the labels; text reads downwards.
function placeAxes(x, y, width, height, small = false) {
  const across = study.axes[x];
  const up = study.axes[y];
  const ends = (axis) => [-0.5, axis.labels.length - 0.5];
  const own = small ? { ticklen: 2, tickfont: { size: 10 } } : {};
  const place = { showgrid: false, showline: false, ...own };
  return {
    xaxis: styledAxis({
      ...place, range: ends(across), title: axisTitle(inUnit(across.name, across.unit)), ...ticks(across, width, true),
    }),
    yaxis: up
      ? styledAxis({
        ...place, range: up.numeric ? ends(up) : ends(up).reverse(),
        title: axisTitle(small ? "" : inUnit(up.name, up.unit)), ...ticks(up, height, false),
      })
      : styledAxis({ ...place, range: [-0.5, 0.5], showticklabels: false, ticks: "" }),
  };
}

// The chosen place: a frame, dark on light, that is seen on every colour.
function frame(x, y) {
  const i = shown.place[x];
  const j = y < 0 ? 0 : shown.place[y];
  const line = (color, width) => ({
    type: "rect", x0: i - 0.5, x1: i + 0.5, y0: j - 0.5, y1: j + 0.5, line: { color, width },
  });
  return [line("#fff", 5), line("#000", 2)];
}

// What the colours and letters of words mean, and the symbols of points that are not done.
function legend(id, statistic, marks) {
  const signs = statistic.words ? letters(statistic.words) : [];
  const words = (statistic.words ?? []).map((word, i) => {
    const swatch = element("span", { className: "swatch", textContent: signs[i] });
    swatch.style.backgroundColor = wordColour(word, i);
    swatch.style.color = inkOn(wordColour(word, i));
    return element("span", { className: "entry" }, swatch, spaced(word));
  });
  byId(id).replaceChildren(...words, ...marks.map(([sign, text]) =>
    element("span", { className: "entry" }, element("span", { className: `sign ${"•▨".includes(sign) ? "calm" : ""}`, textContent: sign }), text)));
}

function inkOn(colour) {
  const [r, g, b] = parts(colour);
  return 0.299 * r + 0.587 * g + 0.114 * b < 140 ? "#fff" : "#000";
}
