// From the packed bytes to the first drawing, and then to the others.

async function start() {
  try {
    const library = unpack("library");
    study = readStudy(await readPayload());
    addStatus();
    shown = fromHash(location.hash);
    showFacts();
    makeControls();
    updateControls();
    listMarked();
    preview();
    await painted();
    performance.mark("izhi:first-drawing");
    runLibrary(await library);
    byId("map").replaceChildren();
    await drawMap();
    await painted();
    makeRest();
    listen();
    await render();
    performance.mark("izhi:all-drawings");
  } catch (error) {
    say("error", `The page could not be drawn: ${error.message}`);
    throw error;
  }
}

// The state of the points is a statistic like others.
function addStatus() {
  if (study.statistics.some((one) => one.name === "status")) return;
  study.statistics.push({
    name: "status", title: "state of the point", unit: "1", per: "point", words: study.status_words, grid: study.status,
  });
}

const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

function makeRest() {
  makeCurves();
  makeRegimes();
  makeDistributions();
  makeTraced();
  showAbout();
  drawing("map", mapKey, drawMap);
  drawing("map", () => `${mapKey()} ${shown.place}`, drawPlace);
  drawing("point", pointKey, drawPoint);
  drawing("point", tracesKey, drawTraces);
  drawing("curves", curvesKey, drawCurves);
  drawing("regimes", regimesKey, drawRegimes);
  drawing("distributions", distributionsKey, drawDistributions);
  drawings[0].last = `${byId("map").clientWidth} ${mapKey()}`;
}

function listen() {
  byId("map-keys").addEventListener("keydown", mapKeys);
  addEventListener("hashchange", addressChanged);
  let wait;
  addEventListener("resize", () => { clearTimeout(wait); wait = setTimeout(render, 150); });
  matchMedia("print").addEventListener("change", ({ matches }) => printing(matches));
  addEventListener("beforeprint", () => printing(true));
  addEventListener("afterprint", () => printing(false));
}
