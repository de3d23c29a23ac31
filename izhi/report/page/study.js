// A study as it is shown: axes, statistics, places. A place is one index for each axis.

const DONE = 0;

function readStudy({ data, blob }) {
  const grid = (array) => view(blob, array);
  const axes = data.axes.map((axis) => {
    const texts = labelTexts(axis);
    return { ...axis, texts, short: distinct(texts, 24) };
  });
  const study = {
    ...data,
    axes,
    statistics: data.statistics.map((one) => ({ ...one, grid: grid(one.values) })),
    status: grid(data.status),
    numbers: grid(data.points),
    blob,
  };
  study.places = study.status.values.length;
  study.rasters = data.rasters && readRasters(data.rasters, grid);
  study.samples = data.samples && readSamples(data.samples, grid);
  study.sampled = sampledPlaces(study);
  return study;
}

function labelTexts({ labels, numeric }) {
  if (!numeric) return labels.map(String);
  const short = labels.map(number);
  return new Set(short).size === labels.length ? short : labels.map(String);
}

function readRasters(rasters, grid) {
  const counts = grid(rasters.count);
  const starts = new Int32Array(counts.values.length + 1);
  counts.values.forEach((n, i) => { starts[i + 1] = starts[i] + n; });
  const rows = new Map([...grid(rasters.point).values].map((point, row) => [point, row]));
  return { rows, starts, cells: counts.shape[1], time: grid(rasters.time).values };
}

function readSamples(samples, grid) {
  const points = grid(samples.point).values;
  return {
    ...samples,
    rows: new Map([...points].map((point, row) => [point, row])),
    peak: samples.peak && grid(samples.peak),
    traces: samples.traces.map((trace) => ({
      ...trace,
      time: grid(trace.time),
      row: grid(trace.row).values,
      values: grid(trace.values),
    })),
  };
}

// The places, numbered in row-major order, whose points have traces.
function sampledPlaces(study) {
  if (!study.samples) return [];
  const places = [];
  study.numbers.values.forEach((point, i) => { if (study.samples.rows.has(point)) places.push(i); });
  return places;
}

function toOffset(study, place) {
  return place.reduce((sum, i, axis) => sum + i * study.status.strides[axis], 0);
}

function toPlace(study, offset) {
  return study.status.strides.map((stride, axis) => Math.floor(offset / stride) % study.axes[axis].labels.length);
}

const pointAt = (study, place) => study.numbers.values[toOffset(study, place)];
const statusAt = (study, place) => study.status.values[toOffset(study, place)];

// Labels of what a statistic has beside the axes, and which of them is chosen.
const labelsOf = (study, statistic) =>
  ({ cell: study.cells, projection: study.projections, point: [""] })[statistic.per];

const chosenLabel = (shown, statistic) =>
  statistic.per === "point" ? "" : shown[statistic.per];

// A value by the number of its place: null where there is none.
function valueAt(study, statistic, offset, label) {
  const labels = labelsOf(study, statistic);
  return clean(statistic, statistic.grid.values[offset * labels.length + labels.indexOf(label)]);
}

// Whole numbers have -1 where there is none, others NaN.
function clean(statistic, value) {
  const whole = statistic.words || statistic.grid.values instanceof Int32Array;
  return Number.isNaN(value) || (whole && value < 0) ? null : value;
}

function valueText(statistic, value) {
  if (value === null) return "–";
  return statistic.words ? spaced(statistic.words[value]) : number(value);
}

const titleOf = (statistic) => spaced(statistic.title || statistic.name);

// All values of a label, in the order of the places.
function column(study, statistic, label) {
  const labels = labelsOf(study, statistic);
  const at = labels.indexOf(label);
  const values = new Array(study.places);
  for (let i = 0; i < study.places; i++) {
    values[i] = clean(statistic, statistic.grid.values[i * labels.length + at]);
  }
  return values;
}

const bounds = (values) =>
  values.reduce(
    ([low, high], value) => (value === null ? [low, high] : [Math.min(low, value), Math.max(high, value)]),
    [Infinity, -Infinity],
  );

// The numbers of the places over two axes (or one, or none), the rest as at a place: rows of y.
function slice(study, place, x, y) {
  const { strides } = study.status;
  const along = (axis) => (axis < 0 ? [0] : study.axes[axis].labels.map((_, i) => i * strides[axis]));
  const base = toOffset(study, place.map((i, axis) => (axis === x || axis === y ? 0 : i)));
  return along(y).map((up) => along(x).map((across) => base + up + across));
}

function placeText(study, place) {
  return study.axes.map((axis, i) => `${axis.name} ${withUnit(axis.texts[place[i]], axis.unit)}`).join(", ");
}

// Where the other axes are, while some are drawn along.
function restText(study, place, drawn) {
  return study.axes
    .map((axis, i) => `${axis.name} ${withUnit(axis.texts[place[i]], axis.unit)}`)
    .filter((_, i) => !drawn.includes(i))
    .join(", ");
}

// The place with traces that is the fewest steps away, each axis counted by its length.
function nearestSampled(study, place) {
  const distance = (offset) =>
    toPlace(study, offset).reduce(
      (sum, i, axis) => sum + Math.abs(i - place[axis]) / study.axes[axis].labels.length, 0);
  let best = null;
  let least = Infinity;
  for (const offset of study.sampled) {
    const far = distance(offset);
    if (far < least) [best, least] = [offset, far];
  }
  return best === null ? null : toPlace(study, best);
}

// Spike times of a cell at a point: null where they are not in the page.
function spikesOf(study, point, cell) {
  const row = study.rasters?.rows.get(point);
  if (row === undefined) return null;
  const { starts, cells, time } = study.rasters;
  return time.subarray(starts[row * cells + cell], starts[row * cells + cell + 1]);
}
