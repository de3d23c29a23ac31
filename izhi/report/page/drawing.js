// What all drawings share: a turn, a size, a style, and a summary for those who cannot see them.

const drawings = [];
let turn = 0;

// A drawing is made again when its key changes: what it shows, and how wide it is.
function drawing(id, key, draw) {
  drawings.push({ key: () => `${byId(id).clientWidth} ${key()}`, draw, last: null });
}

// One after the other, so that the first is seen before the others are made.
async function render() {
  const mine = ++turn;
  busy(true);
  updateControls();
  for (const one of drawings) {
    const key = one.key();
    if (key === one.last) continue;
    one.last = key;
    await one.draw();
    await pause();
    if (mine !== turn) return;
  }
  busy(false);
}

const busy = (now) => document.querySelector("main").setAttribute("aria-busy", String(now));

const pause = () => new Promise((done) => setTimeout(done));

const FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";

const CONFIG = {
  displaylogo: false,
  showTips: false,
  doubleClick: "reset",
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]], // these, and none that sends data away
  showSendToCloud: false,
  plotlyServerURL: "",
};

const AXIS = {
  gridcolor: GRID,
  linecolor: "#9aa5b1",
  zeroline: false,
  ticks: "outside",
  ticklen: 4,
  tickcolor: "#9aa5b1",
  automargin: true,
  exponentformat: "power",
  minexponent: 6,
};

const styledAxis = (own) => ({ ...AXIS, ...own });
const axisTitle = (text) => ({ text: plain(text), standoff: 10, font: { size: 13 } });

function plot(gd, traces, layout, words, bar = "hover") {
  gd.setAttribute("aria-label", words);
  const style = {
    width: gd.clientWidth,
    font: { family: FONT, size: 12, color: INK },
    paper_bgcolor: "#fff",
    plot_bgcolor: "#fefefe", // of another colour than the paper, so that there is an area to hatch
    margin: { l: 56, r: 16, t: 12, b: 44 },
    showlegend: false,
    hovermode: "closest",
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", // fingers scroll
    hoverlabel: { bgcolor: "#fff", bordercolor: "#9aa5b1", font: { color: INK, family: FONT }, align: "left" },
  };
  const name = `${byId("title").textContent} ${gd.id}`.replace(/[^\p{L}\p{N}]+/gu, "_");
  const config = { ...CONFIG, displayModeBar: bar, toImageButtonOptions: { format: "svg", filename: name } };
  return Plotly.react(gd, traces, { ...style, ...layout }, config);
}

function nice(step) {
  let power = 1;
  while (power * 10 < step) power *= 10;
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= step);
}

const LETTER = 6.8;

// Labels of an axis of places, as many and turned so that none touches another.
function ticks(axis, pixels, across, [from, to] = [0, axis.labels.length - 1]) {
  const longest = Math.max(...axis.short.slice(from, to + 1).map((text) => text.length)) * LETTER;
  const room = pixels / (to - from + 1);
  const flat = !across || axis.numeric || longest + 8 <= room;
  const need = !across ? 15 : flat ? longest + 10 : 15;
  const step = nice(Math.max(1, need / room));
  const tickvals = [];
  for (let i = Math.ceil(from / step) * step; i <= to; i += step) tickvals.push(i);
  return { tickvals, ticktext: tickvals.map((i) => plain(axis.short[i])), tickangle: flat ? 0 : room > 26 ? -40 : -90 };
}

let printed = false;

// On paper all is open, and as wide as the paper. Browsers tell of it in two ways, in any order.
function printing(now) {
  if (now !== printed) {
    document.querySelectorAll("details").forEach((one) => {
      if (now) one.dataset.open = one.open;
      one.open = now || one.dataset.open === "true";
    });
  }
  printed = now;
  drawNow();
}

// All drawings in one go: what is printed cannot wait.
function drawNow() {
  for (const one of drawings) {
    const key = one.key();
    if (key !== one.last) one.draw();
    one.last = key;
  }
}
