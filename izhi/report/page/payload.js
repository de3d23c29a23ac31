// What the page holds: packed bytes, and arrays as views into them.

function unpack(id) {
  const text = byId(id).textContent;
  return inflate(Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : toBytes(atob(text)));
}

function toBytes(text) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

const KINDS = {
  float32: Float32Array,
  int32: Int32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

async function readPayload() {
  const length = Number(byId("payload").dataset.jsonLength);
  const buffer = await unpack("payload");
  const data = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 0, length)));
  return { data, blob: { buffer, start: length } };
}

// An array: its values in row-major order, its shape, and how far apart neighbours lie.
function view(blob, { dtype, shape, offset }) {
  const size = shape.reduce((product, n) => product * n, 1);
  const values = new KINDS[dtype](blob.buffer, blob.start + offset, size);
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, n) => product * n, 1));
  return { values, shape, strides };
}

function runLibrary(bytes) {
  const text = new TextDecoder().decode(bytes);
  document.head.append(element("script", { textContent: text }));
  byId("library").remove();
}
