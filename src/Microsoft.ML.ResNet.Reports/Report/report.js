// The report: draws what C# has measured.
const { classes, figures, rows } = data;
const most = 40; // classes of a matrix that is a table
const place = id => document.getElementById(id);
const nameOf = index => classes[index];

/** A listed picture for a gallery. */
const listed = row => ({
  image: rows.thumbnails[row],
  title: rows.names[row],
  lines: rows.labels[row] === rows.predicted[row]
    ? [nameOf(rows.labels[row]), percent(rows.confidence[row]) + " sure"]
    : ["is " + nameOf(rows.labels[row]) + " (" + percent(rows.labelProbability[row]) + ")",
      "taken for " + nameOf(rows.predicted[row]) + " (" + percent(rows.confidence[row]) + ")"],
});

/** Pictures of a list, a part at first. */
function galleryOf(list, label, atFirst = 240) {
  const holder = el("div", {}, gallery(list.slice(0, atFirst).map(listed), label));
  if (list.length > atFirst)
    holder.append(el("button", { type: "button", text: "Show all " + list.length, click: () =>
      holder.replaceChildren(gallery(list.map(listed), label)) }));
  return holder;
}

function summary() {
  const measured = count(figures.images, "image") + " of " + count(classes.length, "class", "classes");
  place("facts").append(facts([...data.facts, ["Measured on", measured]]));
  const card = (value, what) => el("div", { class: "card" }, el("strong", { text: value }), el("span", { class: "muted", text: what }));
  place("cards").append(
    card(percent(figures.accuracy), "accuracy; " + percent(figures.accuracyLow) + " to " + percent(figures.accuracyHigh)
      + " with 95 % confidence"),
    card(percent(figures.trivialAccuracy), "of a classifier that always says “" + figures.mostFrequent + "”"),
    ...figures.top5Accuracy === null ? [] : [card(percent(figures.top5Accuracy), "with the class among the five likeliest")],
    card(percent(figures.macroAccuracy), "mean recall of the classes"),
    card(fixed(figures.logLoss), "log loss in nats; " + fixed(figures.trivialLogLoss) + " by the classes' frequencies alone"),
    card(percent(figures.calibrationError), "expected calibration error"));
  const isBetter = figures.accuracyLow > figures.trivialAccuracy;
  const leftOut = [[figures.unknownClasses, "of classes that the model does not know"], [figures.unreadable, "that cannot be read"]]
    .filter(([number]) => number > 0).map(([number, why]) => " Left out: " + count(number, "image") + " " + why + ".");
  place("verdict").append(
    el("strong", { class: isBetter ? "good" : "bad", text: isBetter ? "Better than no model." : "Not surely better than no model." }),
    " Right on " + figures.right.toLocaleString("en") + " of " + count(figures.images, "image") + "." + leftOut.join(""));
}

function classTable() {
  const all = data.classCounts.map(([support, predicted, right], index) => ({
    name: nameOf(index), support, predicted, right,
    precision: predicted ? right / predicted : null,
    recall: support ? right / support : null,
    f1: support + predicted ? 2 * right / (support + predicted) : null,
  }));
  const number = (head, key, cell) => ({ head, number: true, value: row => row[key], cell: row => cell(row[key]) });
  place("classes").append(table("Precision: of what it calls so, the part that is. Recall: of what is so, the part that it finds.", [
    { head: "Class", value: row => row.name },
    number("Images", "support", value => value.toLocaleString("en")),
    number("Precision", "precision", value => percent(value)),
    number("Recall", "recall", value => percent(value)),
    number("F1", "f1", value => fixed(value)),
  ], all));
  place("bins").append(table("Predictions by confidence.", [
    { head: "Confidence", value: bin => bin.from, cell: bin => percent(bin.from) + " to " + percent(bin.to) },
    { head: "Predictions", number: true, value: bin => bin.count },
    { head: "Mean confidence", number: true, value: bin => bin.confidence, cell: bin => bin.count ? percent(bin.confidence) : "–" },
    { head: "Accuracy", number: true, value: bin => bin.accuracy, cell: bin => bin.count ? percent(bin.accuracy) : "–" },
  ], data.bins));
}

function epochTable() {
  const { epochs } = data;
  if (epochs.length === 0) {
    place("epochs").append(el("p", { class: "muted",
      text: "The model does not tell how it was trained: its weights were imported, or nobody kept the history." }));
    return;
  }
  const kept = epochs.find(epoch => epoch.isKept);
  if (kept)
    place("epochs").append(el("p", {
      text: "The weights are those of epoch " + kept.epoch + (kept.stage ? " of the stage “" + kept.stage + "”" : "") + "." }));
  const number = (head, key, digits) => ({ head, number: true, value: row => row[key], cell: row => fixed(row[key], digits) });
  place("epochs").append(el("details", {}, el("summary", { text: "The epochs as a table" }), el("div", { class: "scroll" },
    table("Every figure is over all images of its set.", [
      { head: "Epoch", value: row => row.epoch,
        cell: row => (row.stage ? row.stage + " " : "") + row.epoch + (row.isKept ? " (kept)" : "") },
      { head: "Rate", number: true, value: row => row.learningRate, cell: row => row.learningRate?.toPrecision(3) },
      number("Training loss", "trainLoss", 4), number("Training accuracy", "trainAccuracy", 4),
      number("Validation loss", "validationLoss", 4), number("Validation accuracy", "validationAccuracy", 4),
    ], epochs))));
}

const cells = new Map(); // by true class times classes plus predicted class
for (let at = 0; at < data.cells.length; at += 3)
  cells.set(data.cells[at] * classes.length + data.cells[at + 1], data.cells[at + 2]);
const inCell = (label, predicted) => cells.get(label * classes.length + predicted) ?? 0;
const describe = (label, predicted) => nameOf(label) + (label === predicted ? ", recognised" : ", taken for " + nameOf(predicted))
  + ": " + count(inCell(label, predicted), "picture");

/** Opens the pictures of a cell. */
function openCell(label, predicted) {
  const total = inCell(label, predicted);
  if (total === 0) {
    say(describe(label, predicted));
    return;
  }
  const list = rows.labels.map((_, row) => row).filter(row => rows.labels[row] === label && rows.predicted[row] === predicted)
    .sort((a, b) => rows.confidence[b] - rows.confidence[a]);
  const shown = list.filter(row => rows.thumbnails[row]).length;
  openDialog(describe(label, predicted),
    el("p", { class: "muted", text: list.length === total && shown === total ? "All are shown, the surest first."
      : count(list.length, "picture") + " of them listed, " + shown + " with a thumbnail; the surest first." }),
    galleryOf(list.sort((a, b) => !rows.thumbnails[a] - !rows.thumbnails[b]), describe(label, predicted)));
}

/** Up to 40 classes: a table of buttons, one tab stop, arrows inside. */
function matrixTable() {
  const buttons = classes.map((_, label) => classes.map((__, predicted) => el("button", {
    type: "button", tabindex: "-1", text: inCell(label, predicted) || "",
    "aria-label": describe(label, predicted), title: describe(label, predicted), "data-label": label, "data-predicted": predicted,
    click: () => openCell(label, predicted),
  })));
  const support = data.classCounts.map(counts => Math.max(1, counts[0]));
  const isShort = classes.length <= 8;
  const body = classes.map((name, label) => el("tr", {}, el("th", { scope: "row", text: name }), buttons[label].map((button, predicted) => {
    const cell = el("td", { class: label === predicted ? "right" : null }, button);
    cell.style.setProperty("--part", Math.sqrt(inCell(label, predicted) / support[label]));
    return cell;
  })));
  let [row, column] = [0, 0];
  buttons[0][0].tabIndex = 0;
  const go = (toRow, toColumn) => {
    buttons[row][column].tabIndex = -1;
    [row, column] = [Math.min(classes.length - 1, Math.max(0, toRow)), Math.min(classes.length - 1, Math.max(0, toColumn))];
    buttons[row][column].tabIndex = 0;
    buttons[row][column].focus();
  };
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  place("matrix").append(el("div", { class: "scroll" }, el("table", {
    class: "matrix",
    keydown: event => {
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      go(row + step[0], column + step[1]);
    },
    focusin: event => {
      if (event.target.dataset.label !== undefined && event.target !== buttons[row][column])
        go(+event.target.dataset.label, +event.target.dataset.predicted);
    },
  }, el("caption", { text: "Confusion matrix: pictures by their true class (rows) and what the model says (columns)." }),
  el("thead", {}, el("tr", {}, el("th", { scope: "col", class: "short" }, el("span", { text: "true class" })),
    classes.map(name => el("th", { scope: "col", class: isShort ? "short" : null }, el("span", { text: name, title: name }))))),
  el("tbody", {}, body))));
}

/** More classes: a picture of the matrix, with a cursor that the mouse or the arrows move. */
function matrixCanvas() {
  const size = classes.length, limit = 4096;
  let scale = Math.max(1, Math.floor(640 / size)), at = [0, 0];
  const status = el("p", { role: "status" });
  const canvas = el("canvas", {
    tabindex: "0", role: "application",
    "aria-label": "Confusion matrix of " + size + " classes. Arrow keys move from cell to cell, with Shift to the next cell that is not "
      + "empty in the row; Enter opens the pictures.",
    mousemove: event => go(cellUnder(event)),
    click: event => { go(cellUnder(event)); openCell(...at); },
    keydown: event => {
      const [label, predicted] = at;
      const next = {
        ArrowUp: [label - 1, predicted], ArrowDown: [label + 1, predicted],
        ArrowLeft: [label, predicted - 1], ArrowRight: [label, predicted + 1],
      }[event.key];
      if (event.key === "Enter") openCell(...at);
      else if (next && event.shiftKey && next[0] === label) go(nextFull(label, predicted, next[1] - predicted));
      else if (next) go(next);
      else return;
      event.preventDefault();
    },
  });
  const zoom = factor => {
    scale = Math.min(Math.floor(limit / size), Math.max(1, Math.round(scale * factor)));
    draw();
  };
  place("matrix").append(el("p", { class: "noprint" }, el("button", { type: "button", text: "Larger", click: () => zoom(2) }), " ",
    el("button", { type: "button", text: "Smaller", click: () => zoom(0.5) })), el("div", { class: "map-of-cells" }, canvas), status);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();

  function cellUnder(event) {
    const box = canvas.getBoundingClientRect();
    return [Math.floor((event.clientY - box.top) / scale), Math.floor((event.clientX - box.left) / scale)];
  }

  function nextFull(label, from, step) {
    for (let predicted = from + step; predicted >= 0 && predicted < size; predicted += step)
      if (inCell(label, predicted)) return [label, predicted];
    return [label, from];
  }

  function go([label, predicted]) {
    const within = value => Math.min(size - 1, Math.max(0, value));
    at = [within(label), within(predicted)];
    status.textContent = describe(...at);
    draw();
  }

  function draw() {
    const style = getComputedStyle(document.documentElement), colour = name => style.getPropertyValue(name).trim();
    if (canvas.width !== size * scale) canvas.width = canvas.height = size * scale;
    const context = canvas.getContext("2d");
    context.fillStyle = colour("--card");
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (const [key, number] of cells) {
      const label = Math.floor(key / size), predicted = key % size;
      context.globalAlpha = 0.25 + 0.75 * Math.sqrt(number / data.classCounts[label][0]);
      context.fillStyle = colour(label === predicted ? "--series-1" : "--series-2");
      context.fillRect(predicted * scale, label * scale, scale, scale);
    }
    context.globalAlpha = 1;
    context.strokeStyle = colour("--accent");
    context.strokeRect(at[1] * scale - 1, at[0] * scale - 1, scale + 2, scale + 2);
  }
}

function pairs() {
  const all = [...cells].map(([key, number]) => ({ label: Math.floor(key / classes.length), predicted: key % classes.length, number }))
    .filter(pair => pair.label !== pair.predicted).sort((a, b) => b.number - a.number);
  if (all.length === 0) {
    place("pairs").append(el("p", { text: "There is none: no picture is taken for another class." }));
    return;
  }
  const caption = all.length > 100 ? "The first 100 of " + all.length + "." : "Every confusion.";
  const share = pair => pair.number / data.classCounts[pair.label][0];
  place("pairs").append(el("div", { class: "scroll" }, table(caption, [
    { head: "True class", value: pair => nameOf(pair.label) },
    { head: "Taken for", value: pair => nameOf(pair.predicted) },
    { head: "Pictures", number: true, value: pair => pair.number },
    { head: "Of its class", number: true, value: share, cell: pair => percent(share(pair)) },
    { head: "Open", value: pair => pair.number, cell: pair => el("button", { type: "button", class: "noprint", text: "Show",
      "aria-label": "Show " + describe(pair.label, pair.predicted), click: () => openCell(pair.label, pair.predicted) }) },
  ], all.slice(0, 100))));
}

function picked(id, list, none) {
  place(id).append(list.length ? galleryOf(list, place(id).closest("section").querySelector("h2").textContent) : el("p", { text: none }));
}

/** A picture with a map over it, and where the map is strongest in words. */
function tile(row, map, what) {
  const canvas = el("canvas", { width: 160, height: 160, role: "img",
    "aria-label": rows.names[row] + ": " + what + (map ? "; strongest at the " + strongest(map) : "") });
  const picture = new Image();
  picture.onload = () => {
    canvas.height = Math.round(canvas.width * picture.naturalHeight / picture.naturalWidth);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = picture.naturalWidth > 64;
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    if (map) heat(context, map);
  };
  picture.src = "data:image/webp;base64," + rows.thumbnails[row];
  return el("div", {}, canvas, el("small", { text: what }));
}

const bytesOf = map => Uint8Array.from(atob(map.values), letter => letter.charCodeAt(0));

function strongest(map) {
  const values = bytesOf(map), best = values.indexOf(Math.max(...values));
  const third = (value, size, names) => names[Math.min(2, Math.floor(3 * (value + 0.5) / size))];
  const down = third(Math.floor(best / map.width), map.height, ["top", "middle", "bottom"]);
  const across = third(best % map.width, map.width, ["left", "centre", "right"]);
  return down === "middle" && across === "centre" ? "centre" : down + " " + across;
}

function heat(context, map) {
  const small = el("canvas", { width: map.width, height: map.height }), values = bytesOf(map);
  const pixels = new ImageData(map.width, map.height);
  values.forEach((value, at) => {
    const part = (value - 128) / 127;
    pixels.data.set(part > 0 ? [230, 40, 20, 190 * part] : [30, 90, 230, -150 * part], 4 * at);
  });
  small.getContext("2d").putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, context.canvas.width, context.canvas.height);
}

function looks() {
  const list = (of, title) => of.length && place("maps").append(el("h3", { text: title }), el("ul", { class: "looks" }, of.map(look =>
    el("li", {}, el("div", { class: "look" }, el("div", { class: "tiles" }, tile(look.row, null, "as the network sees it"),
      look.maps.map((map, index) => tile(look.row, map, "for " + nameOf(map.class)
        + (look.maps.length > 1 ? index === 0 ? ", which it says" : ", which it is" : "") + "; up to " + fixed(map.reach, 1)))),
    el("div", { class: "caption", text: rows.names[look.row] }))))));
  const isRight = look => rows.labels[look.row] === rows.predicted[look.row];
  list(data.looks.filter(look => !isRight(look)), "Mistakes");
  const right = data.looks.filter(isRight), shown = new Set(right.map(look => rows.labels[look.row])).size;
  list(right, "Right answers of " + (shown === classes.length ? "each class" : shown + " of " + classes.length + " classes"));
  if (data.looks.length === 0)
    place("maps").append(el("p", { class: "muted", text: "There is none: no picture of these has a thumbnail." }));
}

function batch() {
  if (data.batch.length === 0) {
    place("batch-pictures").append(el("p", { class: "muted", text: data.batchProblem === null
      ? "Nobody told what it was trained on." : "It could not be drawn: " + data.batchProblem }));
    return;
  }
  place("batch-pictures").append(
    el("p", { text: "With labels, after augmentation: " + data.batchAugmentation
      + ". Are the labels right, and can one still tell the classes?" }),
    gallery(data.batch.map(one => ({ image: one.image, title: one.label, lines: [] })), "Pictures of a training batch"));
}

function end() {
  place("findings").append(data.findings === null && data.findingsProblem !== null
    ? el("p", { class: "muted", text: "It could not be made: " + data.findingsProblem })
    : data.findings === null
    ? el("p", { class: "muted" }, "Nobody has looked. ", el("code", { text: "resnet check --data PATH" }), " does.")
    : data.findings.length === 0 ? el("p", { text: "Nothing." })
    : el("ul", {}, data.findings.map(found => el("li", {},
      el("strong", { class: found.serious > 0 ? "bad" : null, text: count(found.count, "finding") + ": " + found.title }),
      (found.serious > 0 ? ", " + found.serious + " of them serious. " : ". ") + found.advice))));
  if (data.command) place("again").append(el("pre", { text: data.command }));
  place("again").append(facts(data.reproduction));
}

summary();
classTable();
epochTable();
(classes.length <= most ? matrixTable : matrixCanvas)();
pairs();
picked("surest", data.surestMistakes, "It made no mistake.");
picked("least", data.leastCertain, "It is right of no picture.");
looks();
batch();
end();
