// The map as a plain picture, seen while the library that draws it for use is still unpacked.

function preview() {
  const statistic = statisticShown();
  if (shown.y < 0 || !statistic) return;
  say("map-words", mapWords(statistic));
  const rows = slice(study, shown.place, shown.x, shown.y);
  const place = byId("map");
  const height = mapHeight(rows, place.clientWidth);
  const scale = devicePixelRatio || 1;
  const canvas = element("canvas", { width: place.clientWidth * scale, height: (height + 92) * scale });
  canvas.style.width = "100%";
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.font = `12px ${FONT}`;
  const [across, up] = [study.axes[shown.x], study.axes[shown.y]];
  const texts = ticks(up, height, false);
  const left = 34 + Math.max(...texts.tickvals.map((i) => pen.measureText(shortened(up.texts[i], 24)).width));
  const box = { left, top: 34, width: place.clientWidth - left - 80, height };
  paintPlaces(pen, box, rows, statistic);
  paintLabels(pen, box, across, up, texts);
  place.replaceChildren(canvas);
}

function paintPlaces(pen, box, rows, statistic) {
  const label = chosenLabel(shown, statistic);
  const z = rows.map((row) => row.map((offset) => valueAt(study, statistic, offset, label)));
  const [low, high] = bounds(z.flat());
  const [wide, tall] = [box.width / z[0].length, box.height / z.length];
  const gap = wide > 4 && tall > 4 ? 1 : 0;
  z.forEach((row, j) => row.forEach((value, i) => {
    if (value === null) return;
    pen.fillStyle = statistic.words ? wordColour(statistic.words[value], value) : cividis((value - low) / (high - low || 1));
    const down = study.axes[shown.y].numeric ? z.length - 1 - j : j;
    pen.fillRect(box.left + i * wide, box.top + down * tall, wide - gap, tall - gap);
  }));
}

function paintLabels(pen, box, across, up, { tickvals }) {
  const [wide, tall] = [box.width / across.labels.length, box.height / up.labels.length];
  pen.fillStyle = INK;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  for (const i of tickvals) {
    const down = up.numeric ? up.labels.length - 1 - i : i;
    pen.fillText(shortened(up.texts[i], 24), box.left - 6, box.top + (down + 0.5) * tall);
  }
  pen.textAlign = "center";
  const { tickvals: below, tickangle } = ticks(across, box.width, true);
  if (tickangle) return; // turned labels come with the library
  for (const i of below) pen.fillText(across.texts[i], box.left + (i + 0.5) * wide, box.top + box.height + 14);
}
