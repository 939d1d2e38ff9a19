// The page to try a model: pictures go to POST /predict one by one, and classes and maps come back. Needs page.js.
"use strict";

const AtATime = 4; // requests
const LongestSide = 640; // pixels of a picture on the page
const Near = "800px"; // from the window; cards farther away keep no pixels, of which each has megabytes

const id = name => document.getElementById(name);
const corrections = new Map(); // by card
const view = new IntersectionObserver(seen => seen.forEach(({ target, isIntersecting }) => look(target.card, isIntersecting)),
  { rootMargin: Near });
let models = [];
let waiting = [];
let underway = 0;

start();

async function start() {
  try {
    models = (await ask("/models")).models;
  } catch (problem) {
    id("about").textContent = problem.message;
    return;
  }
  id("model").append(...models.map(model => el("option", { value: model.name, text: model.name })));
  id("model").addEventListener("change", () => {
    describe();
    for (const card of cards()) {
      card.mapClass = null;
      enqueue(card);
    }
  });
  describe();

  id("choose").addEventListener("click", () => id("files").click());
  id("chooseFolder").addEventListener("click", () => id("folder").click());
  for (const input of [id("files"), id("folder")])
    input.addEventListener("change", () => { add([...input.files]); input.value = ""; });
  for (const type of ["dragenter", "dragover"]) id("drop").addEventListener(type, event => over(event, true));
  for (const type of ["dragleave", "drop"]) id("drop").addEventListener(type, event => over(event, false));
  // A picture dropped beside the field would replace the page.
  for (const type of ["dragover", "drop"]) window.addEventListener(type, event => event.preventDefault());
  id("drop").addEventListener("drop", async event => add(await dropped(event.dataTransfer)));
  document.addEventListener("paste", event => add([...event.clipboardData.files]));
  id("camera").addEventListener("click", toggleCamera);
  id("snap").addEventListener("click", takePicture);

  for (const name of ["showMap", "strength"]) id(name).addEventListener("input", () => cards().forEach(paint));
  id("clear").addEventListener("click", clear);
  id("json").addEventListener("click", () => download("corrections.json", "application/json", JSON.stringify(rows(), null, 2) + "\n"));
  id("csv").addEventListener("click", () => download("corrections.csv", "text/csv", csv(rows())));
}

const current = () => models.find(model => model.name === id("model").value);
const cards = () => [...id("pictures").children].map(item => item.card);

function describe() {
  const model = current();
  id("about").textContent = `${model.architecture}, images of ${model.image}, ${count(model.classes.length, "class", "classes")}`;
  id("classes").replaceChildren(...model.classes.map(name => el("option", { value: name })));
}

/** Asks the service; what it refuses is an error with its reason. */
async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail ?? `The service answers ${answer.status}.`);
}

function over(event, isOver) {
  event.preventDefault();
  id("drop").classList.toggle("over", isOver);
}

/** All files of what was dropped, those in folders too. */
async function dropped(transfer) {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry?.()).filter(entry => entry);
  if (entries.length === 0) return [...transfer.files];
  return (await Promise.all(entries.map(entry => filesOf(entry)))).flat();
}

async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    file.place = entry.fullPath.replace(/^\//, "");
    return [file];
  }
  const reader = entry.createReader();
  const found = [];
  for (let more; (more = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length > 0;) found.push(...more);
  return (await Promise.all(found.map(filesOf))).flat();
}

/** Takes pictures; of a folder not the notes and hidden files beside them, while what was chosen by itself is the service's to judge. */
function add(files) {
  for (const file of files) {
    const name = file.place || file.webkitRelativePath || file.name;
    if (name.includes("/") && (file.name.startsWith(".") || file.type !== "" && !file.type.startsWith("image/"))) continue;
    const card = { file, name, mapClass: null, inView: true };
    card.item = el("li", { class: "card" });
    card.item.card = card;
    id("pictures").append(card.item);
    view.observe(card.item);
    enqueue(card);
  }
}

/** Has a card computed, once: a card that waits already waits on. */
function enqueue(card) {
  id("results").hidden = false;
  if (!waiting.includes(card)) waiting.push(card);
  card.item.setAttribute("aria-busy", "true");
  while (underway < AtATime && waiting.length > 0) work(waiting.shift());
  progress();
}

async function work(card) {
  underway++;
  const turn = card.turn = (card.turn ?? 0) + 1; // another class or model may be wanted before this is done
  const model = current();
  const mapClass = model.classes.includes(card.mapClass) ? card.mapClass : null;
  try {
    const query = new URLSearchParams({ model: model.name, map: "true" });
    if (mapClass !== null) query.set("mapClass", mapClass);
    const [reply] = await Promise.all([ask("/predict?" + query, { method: "POST", body: card.file }), card.inView && load(card, model)]);
    if (turn === card.turn) Object.assign(card, { reply, model, problem: null });
  } catch (problem) {
    if (turn === card.turn) Object.assign(card, { reply: null, model, problem: problem.message });
  }
  underway--;
  if (turn === card.turn && card.item.isConnected) show(card);
  if (waiting.length > 0) work(waiting.shift());
  progress();
}

function progress() {
  const all = cards();
  const done = all.filter(card => card.item.getAttribute("aria-busy") !== "true").length;
  id("progress").textContent = done < all.length ? `${done} of ${all.length} pictures` : all.length > 0 ? count(done, "picture") : "";
}

/** Has the picture of a card decoded, once for as long as it is in view. */
function load(card, model) {
  if (card.upright !== model.honorsOrientation) {
    Object.assign(card, { upright: model.honorsOrientation, picture: null });
    card.loading = decode(card, card.upright);
  }
  return card.loading;
}

/** The picture at the size of the page; none where the browser cannot decode what the service can. */
async function decode(card, upright) {
  let canvas = null;
  try {
    const bitmap = await createImageBitmap(card.file, { imageOrientation: upright ? "from-image" : "none" });
    const { width, height, enlarge } = sizeOf(bitmap);
    canvas = el("canvas", { width, height });
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = enlarge === 1;
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
  } catch { /* the classes are there all the same */ }
  if (card.upright === upright) Object.assign(card, { picture: canvas, isForeign: canvas === null });
}

/** What a picture measures on the page. */
function sizeOf({ width, height }) {
  const longest = Math.max(width, height);
  const enlarge = Math.max(1, Math.floor(256 / longest)); // a thumbnail would hide under its map
  const scale = Math.min(1, LongestSide / longest) * enlarge;
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)), enlarge };
}

/** Draws a card that comes into view, and frees the pixels of one that leaves it; its place stays as large. */
function look(card, inView) {
  card.inView = inView;
  if (inView) {
    draw(card);
    return;
  }
  Object.assign(card, { upright: undefined, picture: null, loading: null });
  if (!card.canvas) return;
  const empty = card.canvas.cloneNode();
  card.canvas.replaceWith(empty);
  card.canvas.width = card.canvas.height = 0; // now, not when the browser collects garbage
  card.canvas = empty;
}

async function draw(card) {
  if (!card.inView || !card.reply) return;
  await load(card, card.model);
  if (card.isForeign && card.canvas) {
    card.canvas.replaceWith(foreign());
    card.canvas = null;
  }
  paint(card);
}

const foreign = () => el("p", { class: "muted", text: "This browser cannot show the picture." });

function show(card) {
  const focused = document.activeElement?.dataset.class;
  const hadFocus = card.item.contains(document.activeElement);
  card.item.removeAttribute("aria-busy");
  card.item.replaceChildren(el("h3", { text: card.name }));
  if (card.problem !== null) {
    card.canvas = null;
    card.item.append(el("p", { class: "bad", text: card.problem }));
    say(`${card.name}: ${card.problem}`);
    return;
  }
  const { reply } = card;
  const { width, height } = sizeOf(reply);
  card.canvas = card.isForeign ? null : el("canvas", { width, height, role: "img", "aria-label": card.name });
  card.item.append(card.canvas ?? foreign(),
    el("ol", { class: "classes", "aria-label": "Classes" }, reply.top.map(one => el("li", {},
      el("button", { type: "button", "data-class": one.class, "aria-pressed": String(one.class === (reply.map?.class ?? "")),
        title: "Show what speaks for this class", click: () => { card.mapClass = one.class; enqueue(card); } },
        el("span", { text: one.class }), el("span", { text: percent(one.probability) })),
      el("meter", { min: 0, max: 1, value: one.probability, "aria-hidden": "true" })))),
    labelOf(card));
  draw(card);
  if (hadFocus && focused !== undefined) [...card.item.querySelectorAll("button")].find(one => one.dataset.class === focused)?.focus();
  say(`${card.name}: ${reply.class}, ${percent(reply.probability)}`);
}

/** Draws the picture, and over it what speaks for the class (warm) and against it (cold). */
function paint(card) {
  if (!card.canvas || !card.picture || !card.reply) return;
  const { canvas, picture, reply: { map, class: best } } = card;
  const context = canvas.getContext("2d");
  context.globalAlpha = 1;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const shows = map && id("showMap").checked;
  canvas.setAttribute("aria-label", shows ? `${card.name}, with what speaks for ${map.class}` : `${card.name}, ${best}`);
  canvas.dataset.map = shows ? map.class : "";
  if (!shows) return;
  context.globalAlpha = id("strength").value / 100;
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  const { top, left, height, width } = map.area;
  context.drawImage(colours(map), left * canvas.width, top * canvas.height, width * canvas.width, height * canvas.height);
}

/** A map as a picture of as many pixels as it has values; the larger a value beside the others, the less transparent. */
function colours(map) {
  const canvas = el("canvas", { width: map.width, height: map.height });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(map.width, map.height);
  const largest = Math.max(1e-12, ...map.values.map(Math.abs));
  map.values.forEach((value, place) => {
    const [red, green, blue] = value > 0 ? [255, 80, 0] : [0, 110, 255];
    pixels.data.set([red, green, blue, Math.round(255 * Math.abs(value) / largest * (value > 0 ? 1 : .6))], 4 * place);
  });
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function labelOf(card) {
  const input = el("input", { list: "classes", "aria-label": `Right class of ${card.name}`, placeholder: "Right class", autocomplete: "off",
    value: corrections.get(card)?.label ?? "", change: () => correct(card, input.value.trim(), note) });
  const note = el("span", { class: "muted", role: "status" });
  return el("p", { class: "label" }, input, el("button", { type: "button", text: "It is right", "aria-label": `${card.reply.class} is right`,
    click: () => { input.value = card.reply.class; correct(card, input.value, note); } }), note);
}

function correct(card, label, note) {
  if (label === "") corrections.delete(card);
  else corrections.set(card, { file: card.name, model: card.model.name, predicted: card.reply.class,
    probability: card.reply.probability, label });
  note.textContent = label === "" ? "" : card.model.classes.includes(label) ? "noted" : "noted, a new class";
  const wrong = rows().filter(row => row.label !== row.predicted).length;
  id("correctionsSection").hidden = corrections.size === 0;
  id("correctionCount").textContent = `${count(corrections.size, "label")}, of which ${wrong} correct the model. `;
}

const rows = () => [...corrections.values()];

/** Rows as CSV (RFC 4180). */
function csv(rows) {
  const columns = ["file", "model", "predicted", "probability", "label"];
  const quoted = value => /[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  return [columns, ...rows.map(row => columns.map(column => row[column]))].map(row => row.map(quoted).join(",") + "\r\n").join("");
}

function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function clear() {
  waiting = [];
  corrections.clear();
  view.disconnect();
  id("pictures").replaceChildren();
  id("results").hidden = id("correctionsSection").hidden = true;
  id("choose").focus();
}

async function toggleCamera() {
  const video = id("video");
  const isOpen = video.srcObject !== null;
  id("cameraProblem").hidden = true;
  if (isOpen) {
    video.srcObject.getTracks().forEach(track => track.stop());
    video.srcObject = null;
  } else {
    try {
      if (!navigator.mediaDevices) throw new Error("browsers lend it to https and to localhost only");
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (problem) {
      id("cameraProblem").textContent = `No camera: ${problem.message}.`;
      id("cameraProblem").hidden = false;
      return;
    }
  }
  id("cameraView").hidden = isOpen;
  id("camera").setAttribute("aria-expanded", String(!isOpen));
}

function takePicture() {
  const video = id("video");
  const canvas = el("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const name = `camera ${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.jpg`;
  canvas.toBlob(blob => add([new File([blob], name, { type: "image/jpeg" })]), "image/jpeg", .92);
}
