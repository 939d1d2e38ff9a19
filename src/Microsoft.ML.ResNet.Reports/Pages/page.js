// What every page is built with. Texts from the data become text nodes, never markup.
"use strict";

/** What C# has put into the page. */
const data = JSON.parse(document.getElementById("data").textContent);

/** Makes an element: attributes by name, functions as listeners, `text` as its text; null and false leave an attribute out. */
function el(name, attributes = {}, ...children) {
  const made = name === "svg" || el.inSvg.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key, value);
    else if (key === "text") made.textContent = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter(child => child !== null && child !== undefined));
  return made;
}
el.inSvg = new Set(["g", "path", "line", "rect", "circle", "polyline", "text", "tspan"]);

/** A part as 12.3 %; a dash for what is no number. */
const percent = (part, digits = 1) => Number.isFinite(part) ? (100 * part).toFixed(digits) + " %" : "–";

/** A number with so many digits behind the point; a dash for what is none. */
const fixed = (number, digits = 3) => Number.isFinite(number) ? number.toFixed(digits) : "–";

/** A count with its word: 1 picture, 1,234 pictures. */
const count = (number, one, many = one + "s") => number.toLocaleString("en") + " " + (number === 1 ? one : many);

/** The image of bytes that C# has written as base64 of a WebP file; `small` ones are shown with hard pixels. */
const image = (bytes, alt, attributes = {}) => el("img", {
  src: "data:image/webp;base64," + bytes, alt, loading: "lazy", decoding: "async", ...attributes,
  load: event => event.target.classList.toggle("small", Math.max(event.target.naturalWidth, event.target.naturalHeight) <= 64),
});

/** What a screen reader listens to. */
const listened = () => el("p", { class: "unseen live", role: "status" });

/** Says something to a screen reader, in the dialog on top: what is behind a dialog is not heard. */
function say(text) {
  const top = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  (top.querySelector(":scope > .live") ?? top.appendChild(listened())).textContent = text;
}

/** Opens a dialog over the page; Escape, its button, or a click beside it closes it, and the focus goes back where it was. */
function openDialog(title, ...content) {
  const heading = el("h2", { text: title, tabindex: "-1", id: "dialog-" + (openDialog.count = (openDialog.count ?? 0) + 1) });
  const dialog = el("dialog", {
    "aria-labelledby": heading.id,
    close: () => dialog.remove(),
    click: event => { if (event.target === dialog) dialog.close(); },
  }, el("header", {}, heading, el("button", { type: "button", text: "Close", click: () => dialog.close() })), ...content, listened());
  document.body.append(dialog);
  dialog.showModal();
  heading.focus();
  return dialog;
}

/** A table whose columns sort. Columns: { head, value(row), cell?(row) as text or node, number?: true }. */
function table(caption, columns, rows, attributes = {}) {
  const body = el("tbody");
  const heads = columns.map((column, index) => el("th", { scope: "col", class: column.number ? "number" : null, "aria-sort": "none" },
    el("button", { type: "button", text: column.head, click: () => sort(index) })));
  const made = el("table", attributes, el("caption", { text: caption }), el("thead", {}, el("tr", {}, heads)), body);
  fill(rows);
  return made;

  function fill(sorted) {
    body.replaceChildren(...sorted.map(row => el("tr", {}, columns.map((column, index) => {
      const shown = (column.cell ?? column.value)(row);
      return el(index === 0 ? "th" : "td", { scope: index === 0 ? "row" : null, class: column.number ? "number" : null }, shown ?? "–");
    }))));
  }

  function sort(index) {
    const up = heads[index].getAttribute("aria-sort") === (columns[index].number ? "descending" : "none");
    heads.forEach((head, at) => head.setAttribute("aria-sort", at === index ? (up ? "ascending" : "descending") : "none"));
    const key = columns[index].value;
    const compare = (a, b) => a === null || a === undefined ? 1 : b === null || b === undefined ? -1
      : typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    fill([...rows].sort((a, b) => (up ? 1 : -1) * compare(key(a), key(b))));
  }
}

/** A list of terms and what they are; those without a value are left out. */
const facts = pairs => el("dl", { class: "facts" },
  pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([term, value]) => [el("dt", { text: term }), el("dd", {}, value)]));

/** Pictures as buttons that open them large. Pictures: { image: base64 or null, title, lines: [text, ...] }. */
function gallery(pictures, label) {
  return el("ul", { class: "pictures", "aria-label": label }, pictures.map((picture, index) => el("li", {},
    el("button", { type: "button", class: "picture", "data-name": picture.title, click: () => openPicture(pictures, index) },
      picture.image ? image(picture.image, "") : el("span", { class: "muted", text: "no thumbnail" }),
      el("span", { class: "caption" }, el("span", { text: picture.title }),
        picture.lines.flatMap(line => [el("br"), el("span", { class: "muted", text: line })]))))));
}

/** One picture of a gallery, large; the arrow keys go to its neighbours. */
function openPicture(pictures, index) {
  const view = el("div");
  const go = to => { index = (to + pictures.length) % pictures.length; show(); };
  const dialog = openDialog("Picture", view, pictures.length > 1 && el("p", {},
    el("button", { type: "button", text: "Previous", click: () => go(index - 1) }), " ",
    el("button", { type: "button", text: "Next", click: () => go(index + 1) })) || null);
  dialog.addEventListener("keydown", event => {
    if (event.key === "ArrowLeft") go(index - 1);
    else if (event.key === "ArrowRight") go(index + 1);
  });
  show();

  function show() {
    const picture = pictures[index];
    dialog.querySelector("h2").textContent = picture.title;
    view.replaceChildren(el("figure", {},
      picture.image ? image(picture.image, picture.title, { class: "large" }) : el("p", { text: "There is no thumbnail of it." }),
      el("figcaption", {}, picture.lines.map(line => el("div", { text: line })),
        pictures.length > 1 ? el("div", { text: (index + 1) + " of " + pictures.length }) : null)));
    say(picture.title + ". " + picture.lines.join(". "));
  }
}
