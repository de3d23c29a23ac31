// Elements, numbers and words. All text of a study enters the page as text, never as HTML.

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const byId = (id) => document.getElementById(id);

function say(id, text) {
  const place = byId(id);
  place.textContent = text;
  place.hidden = !text;
}

// Plotly reads a few HTML tags in its texts.
const plain = (text) =>
  String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value).replace("-", "−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

const count = (many, word) =>
  `${many.toLocaleString("en")} ${word}${many === 1 ? "" : "s"}`;

const withUnit = (text, unit) => (unit && unit !== "1" ? `${text} ${unit}` : text);
const inUnit = (text, unit) => (unit && unit !== "1" ? `${text} (${unit})` : text);
const spaced = (word) => word.replaceAll("_", " ");
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function shortened(text, most) {
  if (text.length <= most) return text;
  const tail = Math.floor((most - 1) / 3);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(text.length - tail)}`;
}

// Short texts that can still be told apart: what all of them begin or end with goes first.
function distinct(texts, most) {
  const short = texts.map((text) => shortened(text, most));
  if (new Set(short).size === new Set(texts).size) return short;
  const before = common(texts, (text, i) => text[i]);
  const after = common(texts, (text, i) => text[text.length - 1 - i]);
  const [left, right] = [before ? "…" : "", after ? "…" : ""];
  return texts.map((text) => shortened(left + text.slice(before, Math.max(before, text.length - after)) + right, most));
}

// How many signs all texts have in common, the first of each given by 0, and so on.
function common(texts, sign) {
  const least = Math.min(...texts.map((text) => text.length));
  let same = 0;
  while (same < least && texts.every((text) => sign(text, same) === sign(texts[0], same))) same += 1;
  return same;
}

// A letter for each word: its first one that no word before has.
function letters(words) {
  const taken = new Set();
  return words.map((word) => {
    const free = [...word.toUpperCase(), ..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
      .find((sign) => /\p{L}/u.test(sign) && !taken.has(sign));
    taken.add(free);
    return free ?? "?";
  });
}

function table(head, rows, caption) {
  const cell = (tag, content, scope) => {
    const made = element(tag, scope ? { scope } : {});
    made.append(content instanceof Node ? content : String(content));
    return made;
  };
  const line = (row) =>
    element("tr", {}, ...row.map((content, i) => (i ? cell("td", content) : cell("th", content, "row"))));
  const made = element("table");
  if (caption) made.append(element("caption", {}, caption));
  if (head) {
    made.append(element("thead", {}, element("tr", {}, ...head.map((text) => cell("th", text, "col")))));
  }
  made.append(element("tbody", {}, ...rows.map(line)));
  return made;
}
