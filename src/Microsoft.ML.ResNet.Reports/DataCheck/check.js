// The page of a data check.
{
  const { checked, kinds, isSerious, pictures } = data;
  const place = id => document.getElementById(id);
  const key = image => image.part + "\n" + image.name;
  const thumbnails = new Map(pictures.map(picture => [key(picture), picture.image]));
  const range = (numbers, digits = 0) => numbers && (numbers.least === numbers.most ? fixed(numbers.least, digits)
    : fixed(numbers.least, digits) + " to " + fixed(numbers.most, digits) + ", median " + fixed(numbers.median, digits));
  const link = kind => kind.count === 0 ? kind.title : el("a", { href: "#" + kind.kind, text: kind.title });

  place("verdict").append(el("strong", {
    class: isSerious ? "bad" : "good",
    text: isSerious ? "Something serious was found: look at it before you train." : "Nothing serious was found.",
  }));
  place("facts").append(facts([
    ...checked.parts.map(part => [part.name, count(part.images, "image") + " of "
      + count(Object.keys(part.classes).length, "class", "classes")]),
    ["Width", range(checked.width)],
    ["Height", range(checked.height)],
    ["Aspect ratio", range(checked.aspectRatio, 2)],
    ["Labels and outliers", checked.usedFeatures ? "looked at" : "not looked at: that takes a network's features"],
    ["Labels found again", checked.outOfFoldAccuracy === undefined ? null : percent(checked.outOfFoldAccuracy)
      + " by learners that had not seen the image; the lower, the less their doubts mean"],
  ]));
  place("kinds").append(table("Kinds of findings", [
    { head: "Kind", value: kind => kind.title, cell: link },
    { head: "Found", value: kind => kind.count, cell: kind => kind.count.toLocaleString("en"), number: true },
    { head: "Serious", value: kind => kind.serious, cell: kind => kind.serious.toLocaleString("en"), number: true },
    { head: "Across parts", value: kind => kind.acrossParts, cell: kind => kind.acrossParts.toLocaleString("en"), number: true },
    { head: "Under several labels", value: kind => kind.acrossLabels, cell: kind => kind.acrossLabels.toLocaleString("en"), number: true },
  ], kinds));
  place("findings").append(...kinds.filter(kind => kind.count > 0).map(section));
  const labels = [...new Set(checked.parts.flatMap(part => Object.keys(part.classes)))];
  place("classes").append(table("Images of each class", [
    { head: "Class", value: label => label },
    ...checked.parts.map(part => ({ head: part.name, value: label => part.classes[label] ?? 0, number: true,
      cell: label => (part.classes[label] ?? 0).toLocaleString("en") })),
  ], labels));

  function section(kind) {
    const shown = checked.findings.filter(finding => finding.kind === kind.kind);
    const title = el("h3", { id: kind.kind, text: kind.title[0].toUpperCase() + kind.title.slice(1) });
    const rest = kind.count - shown.length;
    return el("section", { "aria-labelledby": kind.kind }, title, el("p", { text: kind.advice }),
      el("ul", { class: "findings" }, shown.map(card)),
      rest > 0 ? el("p", { class: "muted", text: "The first " + shown.length + " of " + kind.count.toLocaleString("en")
        + "; the JSON has all." }) : null);
  }

  function card(finding) {
    const images = finding.images.map(image => ({
      title: image.name,
      image: thumbnails.get(key(image)) ?? null,
      lines: [image.part + ", " + image.label, ...(finding.suggestedLabel ? ["looks like " + finding.suggestedLabel] : [])],
    }));
    return el("li", { class: finding.isSerious ? "finding serious" : "finding" },
      el("p", {}, finding.isSerious ? el("strong", { class: "bad", text: "Serious. " }) : null, finding.explanation),
      images.length > 0 ? gallery(images, finding.explanation) : null);
  }
}
