// The line at the top, the filmstrip and the gallery by class.

function build(desk, root) {
  desk.root = root;
  desk.thumbs = new Map();
  const q = (s) => root.querySelector(s);
  desk.ui = {
    progress: q(".progress"), counted: q(".counted"), bar: q(".bar i"), saved: q(".saved"), film: q(".film"),
    lens: q(".lens img"), facts: q(".facts"), plate: q(".plate img"), marks: q(".marks"),
    where: q(".where"), classes: q(".classes"), notice: q(".notice"), many: q(".many"),
    filter: q(".filter"), layout: q(".layout"), comment: q(".comment"), fine: q(".fine"),
    work: q(".work"), size: q(".size"), target: q(".target"), whole: q(".whole"),
    countOn: q(".count-on"), references: q(".references"), ruler: q(".ruler"), measure: q(".measure"), seen: q(".seen"),
  };
  buildWall(desk);
  buildLook(desk);
  buildSeen(desk);
  desk.ui.layout.value = desk.layout;
  desk.ui.comment.onkeydown = (event) => comment(desk, event);
  desk.ui.layout.onchange = () => { desk.layout = desk.ui.layout.value; desk.ui.layout.blur(); film(desk); room(desk); toTop(desk); };
  desk.ui.filter.onchange = () => { desk.filter = desk.ui.filter.value; desk.ui.filter.blur(); film(desk, true); };
  root.querySelector('[data-act="accept"]').onclick = (e) => { e.currentTarget.blur(); accept(desk); };
  root.querySelector('[data-act="back"]').onclick = (e) => { e.currentTarget.blur(); back(desk); };
  root.querySelector('[data-act="link"]').onclick = (e) => { e.currentTarget.blur(); link(desk); };
  root.querySelector('[data-act="why"]').onclick = (e) => { e.currentTarget.blur(); why(desk); };
  desk.ui.lens.parentElement.onwheel = (event) => {
    event.preventDefault();
    desk.zoom = Math.max(1, Math.min(4, desk.zoom * (event.deltaY < 0 ? 1.2 : 1 / 1.2)));
    lens(desk);
  };
  desk.ui.lens.parentElement.onmousemove = (event) => {
    const box = desk.ui.lens.parentElement.getBoundingClientRect();
    desk.ui.lens.style.transformOrigin =
      `${(100 * (event.clientX - box.left)) / box.width}% ${(100 * (event.clientY - box.top)) / box.height}%`;
  };
  // What the model does not know stands apart and closer: it is chosen more rarely.
  const rows = desk.data.classes.map((one) => {
    const row = document.createElement("button");
    row.className = "class";
    row.dataset.label = one.label;
    row.append(make("kbd", "", one.key || "·"), make("span", "name", one.title),
      make("span", "n model", ""), make("span", "n verified", ""), make("span", "n share", ""));
    row.onclick = () => { row.blur(); name(desk, one.label); };
    return row;
  });
  const fine = new Set(desk.data.classes.filter((one) => one.fine).map((one) => one.label));
  desk.ui.classes.replaceChildren(...rows.filter((row) => !fine.has(row.dataset.label)));
  desk.ui.fine.replaceChildren(...rows.filter((row) => fine.has(row.dataset.label)));
  desk.ui.rows = rows;
  desk.filmOf = "";
  desk.referencesOf = "";
  desk.marksOf = null; // the boxes were drawn on the picture that has gone
  // The desk has just come: Enter is for the cell now, not for the button that brought it.
  if (!(document.activeElement instanceof HTMLInputElement)) root.focus({ preventScroll: true });
}

function make(tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

function drawAll(desk) {
  filters(desk);
  const signature = desk.order.join() + desk.filter + desk.layout;
  if (desk.filmOf !== signature) film(desk);
  else desk.shown.forEach((id) => thumb(desk, id));
  if (desk.at === null || !desk.cells.has(desk.at)) {
    const open = desk.shown.find((id) => label(desk, id) === null);
    desk.at = open ?? desk.shown[0] ?? null;
    desk.since = performance.now();
    if (desk.at !== null) thumb(desk, desk.at);
  }
  current(desk);
  counts(desk);
  conflicts(desk);
}

const FILTERS = {
  all: ["all", () => true],
  critical: ["critical", (d, c) => isCritical(d, c)],
  open: ["not reviewed", (d, c) => label(d, c.id) === null],
  check: ["to check", (d, c) => c.doubt && label(d, c.id) === null],
  unlike: ["unlike the training cells", (d, c) => c.novel],
  changed: ["changed", (d, c) => isChanged(d, c)],
};

function filters(desk) {
  const options = Object.entries(FILTERS).map(([value, [words]]) => [value, words])
    .concat(desk.data.classes.map((c) => [`class:${c.label}`, c.title.toLowerCase()]));
  if (desk.ui.filter.options.length === options.length) return;
  desk.ui.filter.replaceChildren(...options.map(([value, words]) => new Option(words, value)));
  desk.ui.filter.value = desk.filter;
}

// A case that was only opened shows its wall from the top, where what is critical stands.
function toTop(desk) {
  if (desk.layout === "wall" && desk.at === desk.order[0])
    go(desk, desk.shown.find((id) => label(desk, id) === null) ?? desk.shown[0]);
}

function film(desk, keepAt) {
  const passes = desk.filter.startsWith("class:")
    ? (c) => called(desk, c) === desk.filter.slice(6)
    : (c) => FILTERS[desk.filter][1](desk, c);
  let ids = desk.order.filter((id) => passes(desk.cells.get(id)));
  const gallery = desk.layout === "gallery";
  desk.ui.film.classList.toggle("gallery", gallery);
  desk.root.classList.toggle("wall", desk.layout === "wall");
  desk.thumbs = new Map();
  const parts = [];
  if (desk.layout === "wall") {
    ids.forEach((id) => frame(desk, id));
    parts.push(...wallGroups(desk, ids));
    ids = wallOrder(parts);
  } else if (gallery) {
    // Critical cells lead, whatever their likeliest class.
    const groups = new Map([["critical", []], ...desk.data.classes.map((c) => [c.label, []])]);
    groups.set("", []);
    ids.forEach((id) => {
      const cell = desk.cells.get(id);
      groups.get(isCritical(desk, cell) ? "critical" : called(desk, cell) ?? "").push(id);
    });
    ids = [];
    for (const [name, members] of groups) {
      if (!members.length) continue;
      const title = name === "critical" ? "Critical" : name ? desk.titles.get(name).title : "Without the model's answer";
      parts.push(make("h4", "", `${title}, ${members.length}`), ...members.map((id) => frame(desk, id)));
      ids.push(...members);
    }
  } else parts.push(...ids.map((id) => frame(desk, id)));
  if (!parts.length) parts.push(make("span", "where", "No cell is like this."));
  desk.shown = ids;
  desk.ui.film.replaceChildren(...parts);
  desk.filmOf = desk.order.join() + desk.filter + desk.layout;
  if (ids.length && !ids.includes(desk.at)) {
    desk.at = ids.find((id) => label(desk, id) === null) ?? ids[0];
    desk.since = performance.now();
  }
  pictures(desk);
  ids.forEach((id) => thumb(desk, id));
  wallHeads(desk);
  current(desk);
}

const called = (desk, cell) => label(desk, cell.id) ?? cell.proposed ?? cell.machine;

function isChanged(desk, cell) {
  const said = label(desk, cell.id);
  // A class that only people tell is no change of the model's class that it is a part of.
  return said !== null && !!cell.machine && ![said, desk.titles.get(said)?.part].includes(cell.machine);
}

// By the reader's class if there is one, else by the rule, as core.slide.judgement has it.
function isCritical(desk, cell) {
  const said = label(desk, cell.id);
  return said === null || said === "unidentified" ? cell.critical : desk.data.critical.includes(said);
}

function frame(desk, id) {
  const button = make("button", "cell", "");
  button.setAttribute("role", "option");
  button.tabIndex = -1;
  const image = document.createElement("img");
  image.alt = "";
  image.draggable = false; // or the browser drags the picture, and selects the page
  button.dataset.id = id;
  button.append(image, make("span", "chip", ""), make("i", "wait", ""));
  button.append(make("span", "", ""));
  button.onclick = (event) => { button.blur(); click(desk, id, event); };
  desk.thumbs.set(id, { button, image, chip: button.children[1], mark: button.lastChild, state: "" });
  return button;
}

function thumb(desk, id) {
  const own = desk.thumbs.get(id);
  if (!own) return;
  const cell = desk.cells.get(id);
  const said = label(desk, id);
  const mark = isCritical(desk, cell) ? "critical" : said !== null ? "" : cell.novel ? "unlike" : cell.doubt ? "check" : "";
  const state = [said, cell.proposed, cell.machine, id === desk.at, desk.chosen.has(id), isPending(desk, id), mark].join();
  if (state === own.state) return;
  own.state = state;
  const shownAs = said ?? cell.proposed ?? cell.machine;
  const letter = shownAs ? desk.titles.get(shownAs)?.key ?? "·" : "–";
  own.chip.textContent = letter;
  own.mark.textContent = mark;
  own.mark.className = { critical: "critical", check: "doubt", unlike: "doubt" }[mark] ?? "none";
  own.button.className = "cell" + (said !== null ? " done" : "") + (isChanged(desk, cell) ? " changed" : "") +
    (id === desk.at ? " at" : "") + (desk.chosen.has(id) ? " chosen" : "") + (isPending(desk, id) ? " pending" : "") + (mark ? ` is-${mark}` : "");
  own.button.setAttribute("aria-selected", String(id === desk.at));
  const words = shownAs ? desk.titles.get(shownAs)?.title ?? shownAs : "not answered";
  own.button.setAttribute("aria-label", `${words}, ${said === null ? "not reviewed" : "reviewed"}${mark ? `, ${mark}` : ""}`);
}

function pictures(desk) {
  const sheet = sheetOf(desk);
  if (!sheet || !desk.ui) return;
  for (const [id, own] of desk.thumbs) {
    const source = sheet.cells[id];
    if (source && !own.image.src) own.image.src = source;
  }
  current(desk);
}
