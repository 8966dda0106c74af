// What the reader does: keys, clicks, answers, taking back.

function typing(event) {
  const where = event.composedPath()[0];
  return where instanceof HTMLElement && (where.isContentEditable ||
    (where.matches("input:not([type=range]), textarea, select, [role=textbox], [role=combobox]")));
}

const REPEATS = new Set(["ArrowRight", "ArrowLeft", "+", "=", "-"]);

function key(desk, event) {
  if (!desk.root || !desk.root.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event) || document.querySelector('[role="dialog"]')) return;
  // A slider takes the arrows, and leaves the letters to the cells.
  const slides = event.composedPath()[0] instanceof HTMLInputElement;
  if (slides && /^(Arrow|Home|End|Page|Tab)/.test(event.key)) return;
  const pressed = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const onButton = event.composedPath()[0] instanceof HTMLElement &&
    event.composedPath()[0].matches("button, a, [role=tab], [role=radio]") &&
    !desk.root.contains(event.composedPath()[0]);
  if (onButton && (pressed === "Enter" || pressed === " ")) leave(desk);
  if (pressed === "Enter" && onButton) return;
  // A held key answers one cell. Only moving and zooming go on while the key is down.
  if (event.repeat && !REPEATS.has(pressed)) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  const done = act(desk, pressed, event.shiftKey);
  if (done) {
    event.preventDefault();
    event.stopPropagation();
  }
}

// F and V wait for a second key: what is seen, or which ready comment. Any other key ends that.
const PREFIXES = { F: seenKey, V: readyKey };

function prefix(desk, name) {
  desk.prefix = name;
  desk.ui.seen.classList.toggle("asks", name === "F");
  conflicts(desk);
}

function readyKey(desk, pressed) {
  const text = desk.data.ready[Number(pressed) - 1];
  if (!text || desk.data.closed) return false;
  desk.sendRemark({ number: ++desk.batch, cell: null, text });
  say(desk, `Comment on the case: ${text}`);
  return true;
}

function act(desk, pressed, shift) {
  if (desk.prefix) {
    const takes = PREFIXES[desk.prefix];
    prefix(desk, "");
    if (takes(desk, pressed) || pressed === "Escape") return true;
  }
  switch (pressed) {
    case "ArrowRight": move(desk, 1, shift); return true;
    case "ArrowLeft": move(desk, -1, shift); return true;
    case "ArrowDown": return desk.layout === "wall" && moveRow(desk, 1, shift);
    case "ArrowUp": return desk.layout === "wall" && moveRow(desk, -1, shift);
    case "F": case "V": if (!desk.data.closed) prefix(desk, pressed); return true;
    case "G": countOn(desk); return true;
    case "Home": go(desk, desk.shown[0]); return true;
    case "End": go(desk, desk.shown[desk.shown.length - 1]); return true;
    case "+": case "=": desk.zoom = Math.min(4, desk.zoom * 1.3); lens(desk); return true;
    case "-": desk.zoom = Math.max(1, desk.zoom / 1.3); lens(desk); return true;
    case "Escape":
      if (desk.drag) letDragGo(desk);
      else if (desk.chosen.size) choose(desk, []);
      else if (desk.whole) whole(desk, false);
      else return false;
      return true;
    case "Enter": accept(desk); return true;
    case "Z": back(desk); return true;
    case "W": why(desk); return true;
    case "C": desk.ui.comment.focus(); return true;
  }
  if (!desk.byKey.has(pressed)) return false;
  name(desk, desk.byKey.get(pressed));
  return true;
}

// Many cells take one letter, but a critical cell is looked at and named by itself.
// The address is shown too: a browser copies only where the page came over a safe connection.
function link(desk) {
  if (desk.at === null) return;
  const at = new URL(location.href);
  at.search = `?case=${desk.key.match(/^case-(\d+)/)[1]}&cell=${desk.at}`;
  navigator.clipboard?.writeText(at.href).catch(() => {});
  say(desk, `Link to this cell, for a colleague: ${at.href}`);
}

function why(desk) {
  if (desk.at === null) return;
  leave(desk);
  desk.askWhy({ number: ++desk.batch, cell: desk.at });
}

function name(desk, label, all = targets(desk)) {
  const cells = all.length > 1 ? all.filter((id) => !isCritical(desk, desk.cells.get(id))) : all;
  if (cells.length) answer(desk, cells, () => label, all);
  if (cells.length < all.length) say(desk, CRITICAL_HINT);
}

const CRITICAL_HINT = "Critical: look at the cell and press the letter of its class.";

const targets = (desk) => (desk.chosen.size ? [...desk.chosen] : desk.at === null ? [] : [desk.at]);

// What a reader has answered stays: Enter goes past it, only a letter or Z changes it.
function accept(desk) {
  const open = targets(desk).filter((id) => label(desk, id) === null);
  const critical = open.filter((id) => isCritical(desk, desk.cells.get(id)));
  const proposed = (id) => desk.cells.get(id).proposed ?? desk.cells.get(id).machine;
  const cells = open.filter((id) => proposed(id) && !critical.includes(id));
  if (!open.length) {
    if (desk.chosen.size) choose(desk, []);
    else move(desk, 1, false);
    return;
  }
  if (!cells.length && critical.length) {
    say(desk, CRITICAL_HINT);
    return;
  }
  if (!cells.length) {
    say(desk, "Shown without the model's answer: press the letter of its class.");
    return;
  }
  answer(desk, cells, proposed);
  if (critical.length) say(desk, CRITICAL_HINT);
}

function answer(desk, cells, of, all = targets(desk)) {
  if (desk.data.closed || !cells.length) return;
  if (stopped(desk, cells)) return;
  const looked = Math.min(LONGEST_LOOK_S, (performance.now() - desk.since) / 1000);
  const before = cells.map((id) => [id, label(desk, id)]);
  for (const id of cells) put(desk, id, of(id), looked / cells.length);
  desk.undo.push({ before, at: desk.at });
  if (desk.undo.length > 500) desk.undo.shift();
  const many = desk.chosen.size > 0;
  if (many) choose(desk, []);
  say(desk, "");
  cells.forEach((id) => thumb(desk, id));
  // A cell that was dragged is not the one under the cursor: the cursor stays where it is.
  if (!many && all.includes(desk.at)) move(desk, 1, false); else current(desk);
  regroup(desk, cells);
  counts(desk);
  flush(desk);
}

function put(desk, id, to, seconds) {
  const earlier = desk.pending.get(id);
  desk.conflicts.delete(id);
  desk.pending.set(id, { label: to, seconds: (earlier ? earlier.seconds : 0) + seconds });
}

function back(desk) {
  if (desk.data.closed) return;
  const last = desk.undo.pop();
  if (!last) {
    // Nothing of this window is left: the last change kept in the ledger is taken back there.
    if (waiting(desk)) say(desk, "Wait until everything is saved.");
    else desk.askUndo(++desk.batch);
    return;
  }
  for (const [id, was] of last.before) {
    if (desk.cells.has(id)) { put(desk, id, was, 0); thumb(desk, id); }
  }
  regroup(desk, last.before.map(([id]) => id));
  go(desk, last.at);
  counts(desk);
  flush(desk);
}

function move(desk, by, extend) {
  const here = desk.shown.indexOf(desk.at);
  let next = here + by;
  if (next < 0 || next >= desk.shown.length) {
    current(desk);
    return;
  }
  if (extend) {
    desk.chosen.add(desk.at);
    desk.chosen.add(desk.shown[next]);
    [desk.at, desk.shown[next]].forEach((id) => thumb(desk, id));
  }
  go(desk, desk.shown[next]);
}

function go(desk, id) {
  if (id === undefined || id === null || !desk.cells.has(id)) return;
  const old = desk.at;
  desk.at = id;
  if (desk.ui) desk.ui.measure.hidden = true;
  if (old !== id) desk.since = performance.now();
  if (old !== null) thumb(desk, old);
  thumb(desk, id);
  current(desk);
}

function choose(desk, ids) {
  const old = [...desk.chosen];
  desk.chosen = new Set(ids);
  [...old, ...ids].forEach((id) => thumb(desk, id));
  many(desk);
}

function click(desk, id, event) {
  if (desk.dropped) { desk.dropped = false; return; }
  if (event.shiftKey && desk.at !== null) {
    const [a, b] = [desk.shown.indexOf(desk.at), desk.shown.indexOf(id)].sort((x, y) => x - y);
    choose(desk, desk.shown.slice(a, b + 1));
  } else if (event.ctrlKey || event.metaKey) {
    const set = new Set(desk.chosen);
    if (set.has(id)) set.delete(id); else set.add(id);
    choose(desk, [...set]);
  } else {
    if (desk.chosen.size) choose(desk, []);
    go(desk, id);
  }
}


function comment(desk, event) {
  if (event.key === "Escape") { desk.ui.comment.blur(); return; }
  const text = desk.ui.comment.value.trim();
  if (event.key !== "Enter" || !text || desk.at === null || desk.data.closed) return;
  desk.sendRemark({ number: ++desk.batch, cell: desk.at, text });
  desk.ui.comment.value = "";
  desk.ui.comment.blur();
}
