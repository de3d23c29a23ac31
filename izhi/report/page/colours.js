// Colours that colour-blind readers can tell apart (Okabe and Ito's), and what goes with them.

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#332288", "#7a7a7a"];
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const MARKERS = ["circle", "square", "diamond", "triangle-up", "x", "cross", "triangle-down", "star"];
const INK = "#1d2733";
const QUIET = "#55606e";
const GRID = "#e3e7ec";
const REGIMES = {
  silent: "#f7f7f7",
  single_spike: "#bdbdbd",
  tonic: "#56b4e9",
  adapting: "#009e73",
  bursting: "#d55e00",
  irregular: "#f0e442",
};
const CIVIDIS = ["#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bcae6c", "#dec958", "#fee838"];
const STATUS_MARKS = { failed: "x-thin", diverged: "triangle-up", "not run": "circle" };

const parts = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

// The colour of a number from 0 to 1.
function cividis(at) {
  const steps = CIVIDIS.length - 1;
  const low = Math.min(steps - 1, Math.floor(at * steps));
  const high = parts(CIVIDIS[low + 1]);
  return `rgb(${parts(CIVIDIS[low]).map((part, i) => Math.round(part + (at * steps - low) * (high[i] - part))).join(",")})`;
}

const wordColour = (word, i) => study.colours?.[word] ?? REGIMES[word] ?? COLOURS[i % COLOURS.length];
