// What Python says, and what waits to be saved.

function take(desk, data) {
  desk.data = data;
  desk.byKey = new Map(data.classes.map((c) => [c.key.toUpperCase(), c.label]));
  desk.titles = new Map(data.classes.map((c) => [c.label, c]));
  // Drawn again with what it was sent before, the desk knows better since.
  if (desk.number === data.number) return;
  desk.number = data.number;
  desk.order = data.cells.map((cell) => cell.id);
  desk.cells = new Map(data.cells.map((cell) => [cell.id, cell]));
  for (const id of [...desk.pending.keys()]) if (!desk.cells.has(id)) desk.pending.delete(id);
  if (data.said && data.said.number !== desk.said) {
    desk.said = data.said.number;
    desk.hint = data.said.words;
  }
  if (data.jump && data.jump.number !== desk.jumped) {
    desk.jumped = data.jump.number;
    if (desk.cells.has(data.jump.cell)) {
      desk.at = data.jump.cell;
      desk.filter = "all"; // or the film would not have it
      if (desk.ui) desk.ui.filter.value = "all";
    }
  }
}

// Python has saved a batch, or says why not; the cells come as the database holds them now.
function acknowledged(desk, ack) {
  if (desk.unsent && desk.inflight) send(desk);
  if (!ack || !desk.inflight || ack.batch !== desk.inflight.batch) return;
  desk.error = ack.error || "";
  if (desk.error) putBack(desk);
  desk.inflight = null;
  for (const one of ack.conflicts || []) desk.conflicts.set(one.cell, one);
  const known = (ack.cells || []).filter((cell) => desk.cells.has(cell.id));
  for (const cell of known) desk.cells.set(cell.id, { ...cell, remarks: desk.cells.get(cell.id).remarks });
  desk.late = false;
  if (!waiting(desk)) remember(desk);
  window.dispatchEvent(new CustomEvent("hemadesk-acknowledged", { detail: ack.batch }));
  if (!desk.root.isConnected) return;
  const ids = known.map((cell) => cell.id);
  ids.forEach((id) => thumb(desk, id));
  regroup(desk, ids);
  if (ids.includes(desk.at)) current(desk);
  counts(desk);
  conflicts(desk);
  flush(desk);
  clearTimeout(desk.resting);
  desk.resting = setTimeout(() => rest(desk), REST_MS);
}

function rest(desk) {
  if (!waiting(desk) && desk.root.isConnected) desk.askRest(++desk.batch);
}

// The part that saves may come to the page a moment after the desk.
function send(desk) {
  desk.unsent = !window.hemadeskSave;
  window.hemadeskSave?.(desk.inflight);
}

// What was not saved waits on, unless the cell has got a newer answer since.
function putBack(desk) {
  for (const op of desk.inflight.ops) if (!desk.pending.has(op.cell)) desk.pending.set(op.cell, op);
}

const waiting = (desk) => desk.pending.size + (desk.inflight ? desk.inflight.ops.length : 0);

function label(desk, id) {
  if (desk.pending.has(id)) return desk.pending.get(id).label;
  const flying = desk.inflight && desk.inflight.ops.find((op) => op.cell === id);
  return flying ? flying.label : desk.cells.get(id).answer;
}

function isPending(desk, id) {
  return desk.pending.has(id) || !!(desk.inflight && desk.inflight.ops.some((op) => op.cell === id));
}

function flush(desk) {
  if (desk.inflight || !desk.pending.size || desk.error) return;
  // The revision is read when it is sent: an answer changed twice before the first was saved
  // replaces what its own reader saved, not somebody else's.
  // Taking back what was never saved is nothing to save.
  const real = [...desk.pending].filter(([id, op]) => op.label !== null || desk.cells.get(id).answer !== null);
  const ops = real.map(([cell, op]) => ({
    cell, label: op.label, seconds: op.seconds,
    revision: op.knowing ?? desk.cells.get(cell).revision,
  }));
  desk.pending.clear();
  if (!ops.length) { drawAll(desk); return; }
  desk.inflight = { batch: ++desk.batch, ops };
  send(desk);
  clearTimeout(desk.timer);
  desk.timer = setTimeout(() => again(desk, desk.inflight), LATE_MS);
}

// The reader goes elsewhere: what waits for the answer to an earlier batch is not held back. Of
// requests sent so close together Python may see the last only, so it repeats the batch before.
function leave(desk) {
  if (!desk.inflight || desk.error) return;
  const flying = new Map(desk.inflight.ops.map((op) => [op.cell, op]));
  const ops = [...flying.values()].filter((op) => !desk.pending.has(op.cell))
    .map((op) => ({ after: op.label, ...op }));
  for (const [cell, op] of desk.pending) {
    const before = flying.get(cell);
    if (!before && op.label === null && desk.cells.get(cell).answer === null) continue;
    ops.push({
      cell, label: op.label, seconds: op.seconds,
      revision: before ? before.revision : op.knowing ?? desk.cells.get(cell).revision,
      ...(before ? { after: before.label } : {}),
    });
  }
  desk.pending.clear();
  desk.inflight = { batch: ++desk.batch, ops };
  send(desk);
}

// A click elsewhere takes effect once what was answered is saved, or soon if no word comes. For a
// redraw of the whole page Streamlit (1.67, runner.fastReruns) starts a new run and drops what the
// old one had been asked and had not begun. A click is held from its press on or not at all.
function hold(desk, event) {
  if (!event.isTrusted || event.composedPath().includes(desk.root)) return;
  const byKey = event.type === "click" && event.detail === 0;
  if (event.type === "pointerdown" || byKey) {
    leave(desk);
    desk.holding = waiting(desk) > 0 && !desk.error;
  }
  if (!desk.holding) return;
  event.stopImmediatePropagation();
  if (event.type !== "click") return;
  event.preventDefault();
  desk.holding = false;
  const [target] = event.composedPath();
  const until = performance.now() + HOLD_MS;
  const release = () => {
    if (waiting(desk) && !desk.error && performance.now() < until) setTimeout(release, 30);
    else target.click();
  };
  release();
}

// Seen again after another screen was: what nobody acknowledged is sent once more.
function cameBack(desk) {
  const n = waiting(desk);
  if (!n) return;
  if (desk.inflight) { putBack(desk); desk.inflight = null; }
  desk.hint = `${answersWere(n)} not saved yet when you left; saving now.`;
}

const answersWere = (n) => (n === 1 ? "1 answer was" : `${n} answers were`);

const placeOf = (desk) =>
  ["hemadesk-unsaved", desk.key.match(/^case-\d+/)?.[0], ...desk.key.split("|").slice(1)].join("|");

// What is not acknowledged outlasts this window in the browser, under the reader's own name.
function remember(desk) {
  try {
    const ops = new Map((desk.inflight ? desk.inflight.ops : []).map((op) => [op.cell, op]));
    for (const [cell, op] of desk.pending) {
      const revision = ops.get(cell)?.revision ?? op.knowing ?? desk.cells.get(cell).revision;
      ops.set(cell, { label: op.label, revision });
    }
    const kept = [...ops].map(([cell, op]) => [cell, op.label, op.revision]);
    if (kept.length) localStorage.setItem(placeOf(desk), JSON.stringify(kept));
    else localStorage.removeItem(placeOf(desk));
  } catch { /* a browser that keeps nothing */ }
}

function recall(desk) {
  try {
    const kept = JSON.parse(localStorage.getItem(placeOf(desk)) || "[]");
    localStorage.removeItem(placeOf(desk));
    if (desk.data.closed) return;
    for (const [id, label, knowing] of kept) {
      const cell = desk.cells.get(id);
      // Whoever changed it since is not overwritten: the revision is the one of then.
      if (cell && cell.answer !== label) desk.pending.set(id, { label, seconds: 0, knowing });
    }
    const n = desk.pending.size;
    if (n) desk.hint = `${answersWere(n)} not saved when this page was left; saving now.`;
  } catch { /* nothing that can be read */ }
}

// No word for long: the connection may have been away. Sent twice, an answer is still one.
function again(desk, sent) {
  if (!sent || desk.inflight !== sent || !desk.root.isConnected) return;
  putBack(desk);
  desk.inflight = null;
  desk.late = true;
  flush(desk);
  counts(desk);
}
