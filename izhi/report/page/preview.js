// The first drawing: plain and at once, while the library is still unpacked that draws it for use.

function preview() {
  const statistic = statisticShown();
  if (!statistic) return;
  say("map-words", mapWords(statistic));
  if (!study.axes.length) {
    drawPoint();
    return;
  }
  const rows = slice(study, shown.place, shown.x, shown.y);
  const z = rows.map((row) => row.map((offset) => valueAt(study, statistic, offset, chosenLabel(shown, statistic))));
  const height = mapHeight(rows, byId("map").clientWidth);
  const [pen, width] = canvas(height + 92);
  const texts = shown.y < 0 ? { tickvals: [] } : ticks(study.axes[shown.y], height, false);
  const wide = texts.tickvals.map((i) => pen.measureText(study.axes[shown.y].short[i]).width);
  const left = 34 + Math.max(30, ...wide);
  const box = { left, top: 34, width: width - left - 80, height };
  if (shown.y < 0 && !statistic.words) paintLine(pen, box, z[0]);
  else paintPlaces(pen, box, z, statistic);
  paintLabels(pen, box, texts.tickvals);
}

function canvas(height) {
  const place = byId("map");
  const scale = devicePixelRatio || 1;
  const made = element("canvas", { width: place.clientWidth * scale, height: height * scale });
  made.style.width = "100%";
  place.replaceChildren(made);
  const pen = made.getContext("2d");
  pen.scale(scale, scale);
  pen.font = `12px ${FONT}`;
  return [pen, place.clientWidth];
}

// Rows of numbers are drawn from below, rows of names from above.
const rowAt = (j) => (study.axes[shown.y]?.numeric ? study.axes[shown.y].labels.length - 1 - j : j);

function paintPlaces(pen, box, z, statistic) {
  const [low, high] = bounds(z.flat());
  const [wide, tall] = [box.width / z[0].length, box.height / z.length];
  const [right, below] = [wide, tall].map((size) => (size > 8 ? 1 : 0));
  z.forEach((row, j) => row.forEach((value, i) => {
    if (value === null) return;
    pen.fillStyle = statistic.words ? wordColour(statistic.words[value], value) : cividis((value - low) / (high - low || 1));
    pen.fillRect(box.left + i * wide, box.top + rowAt(j) * tall, wide - right, tall - below);
  }));
}

function paintLine(pen, box, values) {
  const [low, high] = bounds(values);
  pen.strokeStyle = COLOURS[0];
  pen.beginPath();
  values.forEach((value, i) => {
    if (value === null) return;
    pen.lineTo(
      box.left + ((i + 0.5) / values.length) * box.width,
      box.top + (1 - (value - low) / (high - low || 1)) * box.height);
  });
  pen.stroke();
}

function paintLabels(pen, box, upwards) {
  const [across, up] = [study.axes[shown.x], study.axes[shown.y]];
  pen.fillStyle = INK;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  for (const i of upwards) {
    pen.fillText(up.short[i], box.left - 6, box.top + ((rowAt(i) + 0.5) / up.labels.length) * box.height);
  }
  const { tickvals, tickangle } = ticks(across, box.width, true);
  if (tickangle) return; // turned labels come with the library
  pen.textAlign = "center";
  for (const i of tickvals) {
    pen.fillText(across.short[i], box.left + ((i + 0.5) / across.labels.length) * box.width, box.top + box.height + 14);
  }
}
