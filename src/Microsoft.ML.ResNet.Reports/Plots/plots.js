// A page of plots: the plots are there already; this adds texts and tables.
"use strict";

document.getElementById("head").append(el("h1", { text: data.title }), ...data.paragraphs.map(text => el("p", { text })));

document.getElementById("tables").append(...data.tables.map(({ caption, heads, rows }) =>
  el("section", {}, el("h2", { text: caption }), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    table(caption, heads.map((head, index) => {
      const number = rows.some(row => typeof row[index].value === "number");
      return { head, number, value: row => number ? row[index].value : row[index].text, cell: row => row[index].text };
    }), rows)))));

if (data.command) {
  const section = document.getElementById("command");
  section.append(el("pre", { text: data.command }));
  section.hidden = false;
}
