// The controls: what is drawn, and which point; each shows what is chosen now.

const MOST_OPTIONS = 200;
const controls = [];

function updateControls() {
  for (const control of controls) control.update();
}

function field(label, control, id) {
  control.id = id;
  return element("label", { className: "field", htmlFor: id }, element("span", {}, label), control);
}

// A select: options are [value, text] or, in groups, [group, [value, text] ...].
function select(id, label, options, chosen, choose) {
  const option = ([value, text]) => element("option", { value: String(value) }, text);
  const made = element("select");
  made.append(...options.map(([first, ...rest]) =>
    Array.isArray(rest[0]) ? element("optgroup", { label: first }, ...rest.map(option)) : option([first, ...rest])));
  made.addEventListener("change", () => choose(made.value));
  controls.push({ update: () => { made.value = String(chosen()); } });
  return field(label, made, id);
}

function slider(id, label, axis, chosen, choose) {
  const made = element("input", { type: "range", min: 0, max: axis.labels.length - 1 });
  const text = element("output", { htmlFor: id });
  made.addEventListener("input", () => choose(Number(made.value)));
  controls.push({
    update: () => {
      made.value = chosen();
      const words = withUnit(axis.texts[chosen()], axis.unit);
      text.textContent = words;
      made.setAttribute("aria-valuetext", words);
    },
  });
  const whole = field(label, made, id);
  whole.append(text);
  return whole;
}

function makeControls() {
  byId("what").append(...[statisticField(), ...ownerFields(), ...axisFields()]);
  byId("where").append(...study.axes.map(placeField));
  byId("where").hidden = study.axes.length === 0;
  byId("controls").hidden = study.statistics.length === 0;
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
}

function statisticField() {
  const groups = [["cell", "Of each cell"], ["projection", "Of each projection"], ["point", "Of each point"]]
    .map(([per, words]) => [words, ...study.statistics.filter((one) => one.per === per)
      .map((one) => [one.name, inUnit(titleOf(one), one.unit)])])
    .filter((group) => group.length > 1);
  return select("statistic", "Statistic", groups, () => shown.statistic, (statistic) => change({ statistic }));
}

function ownerFields() {
  return [["cell", "Cell", study.cells], ["projection", "Projection", study.projections]]
    .filter(([, , labels]) => labels.length > 0)
    .map(([key, words, labels]) =>
      select(key, words, labels.map((one) => [one, one]), () => shown[key], (value) => change({ [key]: value })));
}

function axisFields() {
  if (study.axes.length < 2) return [];
  const options = study.axes.map((axis, i) => [i, axis.name]);
  return [["x", "Across"], ["y", "Up"]].map(([which, words]) =>
    select(which, words, options, () => shown[which], (value) => setAxis(which, Number(value))));
}

function placeField(axis, i) {
  const chosen = () => shown.place[i];
  const choose = (value) => {
    const place = [...shown.place];
    place[i] = Number(value);
    change({ place }, { step: axis.labels.length > MOST_OPTIONS });
  };
  const id = `at-${i}`;
  if (axis.labels.length > MOST_OPTIONS) return slider(id, axis.name, axis, chosen, choose);
  return select(id, axis.name, axis.texts.map((text, at) => [at, withUnit(text, axis.unit)]), chosen, choose);
}
