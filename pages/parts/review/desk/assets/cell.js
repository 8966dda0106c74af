// The large cell, its field, its facts, and what could not be saved.

const sheetOf = (desk) => (window.hemadeskSheets || {})[desk.key.split("|")[0]];

function current(desk) {
  const cell = desk.cells.get(desk.at);
  const own = desk.thumbs.get(desk.at);
  if (!cell) { desk.ui.facts.textContent = ""; return; }
  if (own) {
    const film = desk.ui.film;
    const [x, w] = [own.button.offsetLeft, own.button.offsetWidth];
    if (desk.layout === "wall") {
      wallScroll(desk, own.button);
    } else if (desk.layout === "gallery") {
      const y = own.button.offsetTop;
      if (y < film.scrollTop || y + 82 > film.scrollTop + film.clientHeight) film.scrollTop = y - 40;
    } else if (x < film.scrollLeft + w || x + 2 * w > film.scrollLeft + film.clientWidth) {
      film.scrollLeft = x - film.clientWidth / 2;
    }
  }
  const sheet = sheetOf(desk);
  lens(desk);
  ruler(desk, cell);
  facts(desk, cell);
  for (const row of desk.ui.rows) {
    row.classList.toggle("says", row.dataset.label === cell.machine);
    row.classList.toggle("is", row.dataset.label === label(desk, cell.id));
  }
  seenLine(desk, cell);
  references(desk, cell);
  if (!sheet) return;
  const source = sheet.cells[cell.id] || "";
  if (desk.ui.lens.getAttribute("src") !== source) desk.ui.lens.src = source;
  const field = sheet.fields[cell.field];
  if (!field) return;
  if (desk.ui.plate.getAttribute("src") !== field.source) desk.ui.plate.src = field.source;
  marks(desk, cell, field);
}

function marks(desk, cell, field) {
  desk.ui.plate.parentElement.style.setProperty("--ratio", field.width / field.height);
  if (desk.marksOf !== cell.field) {
    desk.marksOf = cell.field;
    const inside = desk.order.filter((id) => desk.cells.get(id).field === cell.field);
    desk.ui.marks.replaceChildren(...inside.map((id) => {
      const mark = make("button", "mark", "");
      const [x0, y0, x1, y1] = desk.cells.get(id).box;
      Object.assign(mark.style, {
        left: `${(100 * x0) / field.width}%`, top: `${(100 * y0) / field.height}%`,
        width: `${(100 * (x1 - x0)) / field.width}%`, height: `${(100 * (y1 - y0)) / field.height}%`,
      });
      mark.dataset.id = id;
      mark.tabIndex = -1;
      mark.setAttribute("aria-label", "Cell in this field");
      mark.onclick = () => { mark.blur(); go(desk, id); };
      return mark;
    }));
  }
  for (const mark of desk.ui.marks.children) {
    mark.classList.toggle("here", Number(mark.dataset.id) === cell.id);
  }
  desk.ui.where.textContent = `${field.name}, ${desk.ui.marks.children.length} white ` +
    `cell${desk.ui.marks.children.length === 1 ? "" : "s"} here`;
}

function lens(desk) {
  desk.ui.lens.style.transform = desk.zoom > 1 ? `scale(${desk.zoom})` : "";
  const cell = desk.cells.get(desk.at);
  if (cell) ruler(desk, cell);
}

function facts(desk, cell) {
  const said = label(desk, cell.id);
  const title = (name) => desk.titles.get(name)?.title ?? name;
  const lines = [];
  const first = make("div", "", "");
  first.append(make("b", "", said === null ? "Not reviewed" : title(said)), " ");
  if (isCritical(desk, cell)) first.append(make("span", "badge critical", "critical"), " ");
  if (cell.doubt && said === null) first.append(make("span", "badge", "check"), " ");
  if (cell.novel) first.append(make("span", "badge", "unlike the training cells"), " ");
  lines.push(first);
  const machine = cell.machine
    ? `Model: ${title(cell.machine)}, ${cell.percent}${stage(desk, cell)}` +
      couldBe(cell.set.map((name) => title(name).toLowerCase()))
    : cell.drawn ? `Added by a reader. The model proposes: ${title(cell.drawn.label)}, ${cell.drawn.percent}`
    : cell.blind ? "Shown without the model's answer." : "Added by a reader; the model did not see it.";
  lines.push(make("div", "machine", machine));
  for (const one of cell.readers) lines.push(make("div", "machine", `${one.reader}: ${title(one.label)}`));
  for (const one of cell.remarks) lines.push(make("div", "remark", `${one.by}: ${one.text}`));
  desk.ui.facts.replaceChildren(...lines);
}

// A second word: the stage is confirmed by its own key, Enter confirms the class.
function stage(desk, cell) {
  const known = cell.stage && desk.titles.get(cell.stage);
  return known ? `; probably ${known.title.toLowerCase()} (${known.key})` : "";
}

// A set of nearly all classes says only that the model does not know.
function couldBe(names) {
  if (names.length < 2) return "";
  return names.length > 4 ? `; it could be any of ${names.length} classes` : `; could be ${names.join(" or ")}`;
}

function many(desk) {
  const n = desk.chosen.size;
  desk.ui.many.hidden = n === 0;
  desk.ui.many.textContent = `${n} cells chosen: a letter changes all of them, Esc lets go.`;
}

// As core's screens say it: what is there is never 0 %.
const percentWords = (share) => (share > 0 && share < 0.01 ? "< 1 %" : `${Math.round(100 * share)} %`);

function counts(desk) {
  let reviewed = 0, changed = 0;
  const model = new Map(), verified = new Map();
  for (const id of desk.order) {
    const cell = desk.cells.get(id);
    const said = label(desk, id);
    if (said !== null) { reviewed += 1; verified.set(said, (verified.get(said) || 0) + 1); }
    if (isChanged(desk, cell)) changed += 1;
    if (cell.machine) model.set(cell.machine, (model.get(cell.machine) || 0) + 1);
  }
  desk.ui.progress.textContent = `${reviewed} of ${desk.order.length} reviewed, ${changed} changed`;
  desk.ui.bar.style.width = `${desk.order.length ? (100 * reviewed) / desk.order.length : 0}%`;
  const counted = leukocytes(desk, verified);
  for (const row of desk.ui.rows) {
    const n = verified.get(row.dataset.label) || 0;
    row.querySelector(".model").textContent = model.get(row.dataset.label) || "";
    row.querySelector(".verified").textContent = n || "";
    const share = n && counted && desk.titles.get(row.dataset.label).leukocyte;
    row.querySelector(".share").textContent = share ? percentWords(n / counted) : "";
  }
  targetLine(desk, counted);
  wallHeads(desk);
  savedLine(desk);
  many(desk);
}

function savedLine(desk) {
  const n = waiting(desk);
  const late = n && desk.late;
  desk.ui.saved.classList.toggle("late", !!late || !!desk.error);
  if (desk.error) desk.ui.saved.textContent = "not saved";
  else if (late) desk.ui.saved.textContent = `${n} not saved yet: is Hemadesk still running?`;
  else if (n) desk.ui.saved.textContent = `saving ${n} …`;
  else desk.ui.saved.textContent = desk.data.closed ? desk.data.closed : "all saved";
}

function say(desk, words) {
  desk.hint = words;
  conflicts(desk);
}

function readyList(desk) {
  return desk.data.ready.map((text, place) => {
    const line = make("span", "ready", "");
    line.append(make("kbd", "", String(place + 1)), ` ${text}`);
    line.style.display = "block";
    return line;
  });
}

function conflicts(desk) {
  const parts = [];
  if (desk.error) {
    parts.push(make("span", "", desk.error));
    const again = make("button", "", "Try again");
    again.onclick = () => { desk.error = ""; conflicts(desk); flush(desk); counts(desk); };
    const drop = make("button", "", "Give up these answers");
    drop.onclick = () => { desk.error = ""; desk.pending.clear(); drawAll(desk); };
    parts.push(again, drop);
  }
  for (const [id, one] of desk.conflicts) {
    parts.push(make("span", "", one.message));
    const mine = make("button", "", "Use mine"), theirs = make("button", "", "Keep theirs");
    mine.onclick = () => {
      desk.conflicts.delete(id);
      desk.pending.set(id, { label: one.mine, seconds: 0, knowing: one.revision });
      thumb(desk, id); conflicts(desk); flush(desk); counts(desk);
    };
    theirs.onclick = () => { desk.conflicts.delete(id); go(desk, id); conflicts(desk); };
    const look = make("button", "", "Show the cell");
    look.onclick = () => go(desk, id);
    parts.push(look, mine, theirs);
  }
  if (desk.prefix === "V") parts.push(...readyList(desk));
  if (desk.hint) parts.push(make("span", "", desk.hint));
  desk.ui.notice.classList.toggle("info", !desk.error && !desk.conflicts.size);
  desk.ui.notice.hidden = !parts.length;
  desk.ui.notice.replaceChildren(...parts);
}
