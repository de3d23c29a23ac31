// The chosen point: what it is, its values, and where to find traces if it has none.

const MOST_COLUMNS = 8;

const pointKey = () => JSON.stringify([shown.place, shown.cell, shown.projection]);

function drawPoint() {
  const point = pointAt(study, shown.place);
  const state = study.status_words[statusAt(study, shown.place)];
  const where = study.axes.length ? `: ${placeText(study, shown.place)}` : "";
  const each = study.aggregation ? ", which stands for this place of the map" : "";
  say("point-words", `Point ${point}${where} (${state})${each}.`);
  sayMissing(point);
  byId("point-values").replaceChildren(...["cell", "projection", "point"].map(valuesTable).filter(Boolean));
}

function sayMissing(point) {
  const here = byId("point-missing");
  here.replaceChildren();
  here.hidden = study.samples?.rows.has(point) ?? false;
  if (here.hidden) return;
  here.append(
    "No traces of this point are in this page. ", element("code", {}, "izhi report STUDY --sample N"),
    " draws those of N points into it; ", element("code", {}, "record.traces"), " stores them with the study. ",
  );
  const near = nearestSampled(study, shown.place);
  if (!near) return;
  const go = element("button", { type: "button" }, `Nearest with traces: ${placeText(study, near)}`);
  go.addEventListener("click", () => change({ place: near }));
  here.append(go);
}

function valuesTable(per) {
  const statistics = study.statistics.filter((one) => one.per === per && one.name !== "status");
  const all = statistics.length ? labelsOf(study, statistics[0]) : [];
  if (!all.length) return null;
  const labels = all.length > MOST_COLUMNS ? [shown[per]] : all;
  const offset = toOffset(study, shown.place);
  const rows = statistics.map((one) => [
    sentence(titleOf(one)),
    ...labels.map((label) => valueText(one, valueAt(study, one, offset, label))),
    one.unit === "1" ? "" : one.unit ?? "",
  ]);
  const head = [`Of ${{ cell: "each cell", projection: "each projection", point: "the point" }[per]}`,
    ...labels.map((label) => label || "value"), "unit"];
  const made = table(head, rows);
  made.className = "values";
  return element("div", { className: "wide", tabIndex: 0 }, made);
}

function listMarked() {
  const marked = [];
  study.status.values.forEach((state, offset) => { if (state !== DONE) marked.push([offset, study.status_words[state]]); });
  byId("marked").hidden = !marked.length;
  if (!marked.length) return;
  const words = study.status_words
    .map((word) => [word, marked.filter(([, state]) => state === word).length])
    .filter(([, many]) => many).map(([word, many]) => `${many.toLocaleString("en")} ${word}`).join(", ");
  say("problems", `Not all points are done: ${words}. They are marked on the map.`);
  byId("marked").querySelector("summary").textContent = `Points that are not done: ${words}`;
  byId("marked").querySelector("ul").append(...marked.slice(0, 200).map(([offset, state]) => {
    const place = toPlace(study, offset);
    const go = element("button", { type: "button" }, `${study.numbers.values[offset]}: ${placeText(study, place)}`);
    go.addEventListener("click", () => change({ place }));
    return element("li", {}, go, ` ${state}`);
  }), ...(marked.length > 200 ? [element("li", {}, `and ${count(marked.length - 200, "more point")}`)] : []));
}
