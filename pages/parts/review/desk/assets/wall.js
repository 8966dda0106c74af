// The wall: all cells on one page, grouped by class. A cell, or what is chosen, is dragged onto a class.

const DRAG_FROM_PX = 6;

function buildWall(desk) {
  desk.ui.size.value = desk.size;
  desk.root.style.setProperty("--size", `${desk.size}px`);
  desk.ui.size.oninput = () => {
    desk.size = Number(desk.ui.size.value);
    keep("hemadesk-wall-size", desk.size);
    desk.root.style.setProperty("--size", `${desk.size}px`);
  };
  desk.ui.film.onpointerdown = (event) => {
    const button = event.target.closest(".cell");
    if (desk.layout !== "wall" || !button || event.button !== 0 || desk.data.closed) return;
    desk.drag = { id: Number(button.dataset.id), x: event.clientX, y: event.clientY, ghost: null, over: null };
  };
  desk.ui.whole.onclick = () => { desk.ui.whole.blur(); whole(desk, !desk.whole); };
  whole(desk, desk.whole);
  desk.ui.target.value = desk.target;
  desk.ui.target.onchange = () => {
    desk.target = Number(desk.ui.target.value);
    desk.ui.target.blur();
    desk.goneOn = false;
    keep("hemadesk-target", desk.target);
    counts(desk);
  };
  desk.ui.countOn.onclick = () => { desk.ui.countOn.blur(); countOn(desk); };
}

function whole(desk, on) {
  desk.whole = on;
  desk.root.classList.toggle("full", on);
  desk.ui.whole.textContent = on ? "Leave full page" : "Full page";
  desk.ui.whole.setAttribute("aria-pressed", String(on));
  room(desk);
}

// As high as the window has room for, so that the page itself need not be scrolled.
function room(desk) {
  if (!desk.ui || !desk.root.isConnected) return;
  const top = desk.ui.work.getBoundingClientRect().top + (desk.whole ? 0 : window.scrollY);
  desk.root.style.setProperty("--room", `${Math.max(340, window.innerHeight - top - 48)}px`);
}

const groupOf = (desk, cell) =>
  label(desk, cell.id) === null && isCritical(desk, cell) ? "critical" : called(desk, cell) ?? "";

function groupNames(desk) {
  const names = desk.data.classes.map((one) => one.label);
  const critical = names.filter((name) => desk.data.critical.includes(name));
  return ["critical", ...critical, ...names.filter((name) => !critical.includes(name)), ""];
}

function wallGroups(desk, ids) {
  desk.groups = new Map();
  for (const name of groupNames(desk)) desk.groups.set(name, newGroup(desk, name));
  for (const id of ids) desk.groups.get(groupOf(desk, desk.cells.get(id))).members.append(desk.thumbs.get(id).button);
  return [...desk.groups.values()].map((group) => group.section);
}

function newGroup(desk, name) {
  const section = make("section", "group", "");
  section.dataset.label = name;
  const head = make("h4", "", "");
  const members = make("div", "members", "");
  section.append(head, members);
  return { section, head, members };
}

const wallOrder = (sections) =>
  sections.flatMap((section) => [...section.querySelectorAll(".cell")].map((button) => Number(button.dataset.id)));

function wallHeads(desk) {
  if (desk.layout !== "wall" || !desk.groups) return;
  const shown = new Map([...desk.groups].map(([name, group]) => [name, group.members.children.length]));
  const all = leukocytes(desk, shown);
  for (const [name, group] of desk.groups) {
    const n = shown.get(name);
    group.section.hidden = !n;
    const words = name === "critical" ? "Critical, not named yet" : name ? desk.titles.get(name).title : "Without the model's answer";
    const share = name && desk.titles.get(name)?.leukocyte && all ? `, ${percentWords(n / all)}` : "";
    const marked = (mark) => group.members.querySelectorAll(`.is-${mark}`).length;
    const [unsure, unlike] = [marked("check") + marked("unlike"), marked("unlike")];
    group.head.textContent = `${words}, ${n}${share}${unsure ? `, ${unsure} to check` : ""}` +
      (unlike ? `, ${unlike} of them unlike the training cells` : "");
  }
}

function leukocytes(desk, counted) {
  let n = 0;
  for (const [name, cells] of counted) if (desk.titles.get(name)?.leukocyte) n += cells;
  return n;
}

// Cells that changed their class go to its group, to the place their doubt gives them there.
function regroup(desk, ids) {
  if (desk.layout !== "wall" || !desk.groups) return;
  const rank = new Map(desk.order.map((id, place) => [id, place]));
  for (const id of ids) {
    const own = desk.thumbs.get(id);
    if (!own) continue;
    const { members } = desk.groups.get(groupOf(desk, desk.cells.get(id)));
    if (own.button.parentElement === members) continue;
    const next = [...members.children].find((one) => rank.get(Number(one.dataset.id)) > rank.get(id));
    members.insertBefore(own.button, next ?? null);
  }
  desk.shown = wallOrder([...desk.ui.film.children]);
}

function wallScroll(desk, button) {
  const film = desk.ui.film.getBoundingClientRect();
  const here = button.getBoundingClientRect();
  if (here.top < film.top) desk.ui.film.scrollTop += here.top - film.top - 24;
  else if (here.bottom > film.bottom) desk.ui.film.scrollTop += here.bottom - film.bottom + 8;
}

// The nearest cell of the next row, also across groups.
function moveRow(desk, by, extend) {
  const own = desk.thumbs.get(desk.at);
  if (!own) return true;
  const from = own.button.getBoundingClientRect();
  let best = null;
  let least = Infinity;
  for (const id of desk.shown) {
    const to = desk.thumbs.get(id).button.getBoundingClientRect();
    const down = by * (to.top - from.top);
    if (down < from.height / 2) continue;
    const away = down * 1000 + Math.abs(to.left - from.left);
    if (away < least) { least = away; best = id; }
  }
  if (best === null) return true;
  if (extend) {
    const [a, b] = [desk.shown.indexOf(desk.at), desk.shown.indexOf(best)].sort((x, y) => x - y);
    choose(desk, [...new Set([...desk.chosen, ...desk.shown.slice(a, b + 1)])]);
  }
  go(desk, best);
  return true;
}

const dragged = (desk) => (desk.chosen.has(desk.drag.id) ? [...desk.chosen] : [desk.drag.id]);

function dragging(desk, event) {
  const drag = desk.drag;
  if (!drag) return;
  if (!drag.ghost) {
    if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < DRAG_FROM_PX) return;
    const cells = dragged(desk);
    drag.ghost = make("div", "ghost", "");
    drag.ghost.append(desk.thumbs.get(drag.id).image.cloneNode(), make("b", "", cells.length > 1 ? String(cells.length) : ""));
    desk.root.append(drag.ghost);
    desk.root.classList.add("drags");
  }
  event.preventDefault();
  drag.ghost.style.transform = `translate(${event.clientX + 8}px, ${event.clientY + 8}px)`;
  const under = desk.root.getRootNode().elementFromPoint(event.clientX, event.clientY);
  const over = under?.closest(".class, .group") ?? null;
  const target = over && over.dataset.label && over.dataset.label !== "critical" ? over : null;
  if (target === drag.over) return;
  drag.over?.classList.remove("drop");
  target?.classList.add("drop");
  drag.over = target;
}

function drop(desk) {
  const drag = desk.drag;
  if (!drag) return;
  const cells = drag.ghost ? dragged(desk) : [];
  const to = drag.over?.dataset.label;
  desk.dropped = !!drag.ghost; // the click that follows belongs to the drag
  setTimeout(() => { desk.dropped = false; }, 0);
  letDragGo(desk);
  if (to && cells.length) name(desk, to, cells);
}

function letDragGo(desk) {
  desk.drag?.ghost?.remove();
  desk.drag?.over?.classList.remove("drop");
  desk.root?.classList.remove("drags");
  desk.drag = null;
}

// Counting to a target: the line says how far it is; once there, a letter asks before it counts on.

function targetLine(desk, counted) {
  const there = desk.target && counted >= desk.target;
  if (!there) desk.goneOn = false;
  desk.reached = !!there && !desk.goneOn;
  desk.ui.countOn.hidden = !desk.reached || !!desk.data.closed;
  desk.ui.counted.classList.toggle("there", !!there);
  desk.ui.counted.textContent = !desk.target ? "" : there
    ? `target of ${desk.target} reached`
    : `${counted} of ${desk.target} counted`;
}

// Only a cell that was not named yet would count on; what is named may always be corrected.
function stopped(desk, cells) {
  if (!desk.reached || !cells.some((id) => label(desk, id) === null)) return false;
  say(desk, `The target of ${desk.target} white cells is reached. G counts on; a cell that is named already can be corrected.`);
  return true;
}

function countOn(desk) {
  if (!desk.reached) return;
  desk.goneOn = true;
  say(desk, "");
  counts(desk);
}
