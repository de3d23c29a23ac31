// What was run: facts, axes, models with their equations, provenance, the config.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const MATH_ELEMENTS = new Set([
  "math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup",
  "munder", "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "mfenced",
]);
const MATH_ATTRIBUTES = new Set([
  "display", "mathvariant", "stretchy", "fence", "separator", "form", "lspace", "rspace", "linethickness", "width",
  "columnalign", "columnspacing", "rowspacing", "accent", "displaystyle", "largeop", "movablelimits",
]);

// MathML from its text: known elements and attributes only, all else left out.
function math(text) {
  const parsed = new DOMParser().parseFromString(text, "application/xml").documentElement;
  if (parsed.localName !== "math") return element("code", {}, text);
  return copied(parsed);
}

function copied(node) {
  const made = document.createElementNS(MATHML, node.localName);
  for (const { name, value } of node.attributes) if (MATH_ATTRIBUTES.has(name)) made.setAttribute(name, value);
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) made.append(child.data);
    else if (child.nodeType === Node.ELEMENT_NODE && MATH_ELEMENTS.has(child.localName)) made.append(copied(child));
  }
  return made;
}

function showFacts() {
  byId("facts").append(...study.facts.flatMap(([what, text]) => [element("dt", {}, what), element("dd", {}, String(text))]));
  say("aggregation", study.aggregation ?? "");
  if (!study.axes.length) return;
  const rows = study.axes.map((axis) =>
    [axis.name, element("code", {}, axis.key), String(axis.labels.length), valuesOf(axis), axis.unit && axis.unit !== "1" ? axis.unit : ""]);
  byId("axes").append(table(["axis", "key", "values", "", "unit"], rows));
}

function valuesOf({ texts, per }) {
  const joined = per > 1 ? ` (${per} neighbouring values joined in each)` : "";
  if (texts.length <= 24) return texts.join(", ") + joined;
  return `${texts.slice(0, 3).join(", ")}, … , ${texts.slice(-2).join(", ")}${joined}`;
}

function showAbout() {
  byId("models").append(...(study.models ?? []).map(modelOf));
  byId("provenance").append(table(null, study.provenance ?? []));
  byId("config").hidden = !study.config;
  byId("config").querySelector("pre").textContent = study.config ?? "";
}

function modelOf(model) {
  const equations = (words, texts) =>
    [].concat(texts || []).filter(Boolean).length
      ? [element("p", { className: "role" }, words), ...[].concat(texts).map((text) => element("div", { className: "equation" }, math(text)))]
      : [];
  const rows = (model.parameters ?? []).map(([name, key, value, unit, remark]) =>
    [math(name), element("code", {}, key), value, unit === "1" ? "" : unit ?? "", remark ?? ""]);
  const made = element("article", { className: "model" },
    element("h3", {}, sentence(model.title)),
    ...equations("Equations", model.equations),
    ...equations("Spikes when", model.threshold),
    ...equations("and is then reset by", model.reset),
    ...equations("At each presynaptic spike", model.on_pre));
  if (rows.length) {
    made.append(element("div", { className: "wide", tabIndex: 0 }, table(["", "key", "value", "unit", ""], rows)));
  }
  return made;
}
