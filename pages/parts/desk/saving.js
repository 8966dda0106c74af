// What Python says, and what waits to be saved.

function take(desk, data) {
  desk.data = data;
  desk.byKey = new Map(data.classes.map((c) => [c.key.toUpperCase(), c.label]));
  desk.titles = new Map(data.classes.map((c) => [c.label, c]));
  desk.order = data.cells.map((cell) => cell.id);
  desk.cells = new Map(data.cells.map((cell) => [cell.id, cell]));
  for (const id of [...desk.pending.keys()]) if (!desk.cells.has(id)) desk.pending.delete(id);
  const ack = data.ack;
  if (ack && desk.inflight && ack.batch === desk.inflight.batch) {
    desk.error = ack.error || "";
    if (desk.error) putBack(desk);
    desk.inflight = null;
    for (const one of ack.conflicts || []) desk.conflicts.set(one.cell, one);
    desk.late = false;
    window.dispatchEvent(new CustomEvent("hemadesk-acknowledged", { detail: ack.batch }));
  }
  if (data.said && data.said.number !== desk.said) {
    desk.said = data.said.number;
    desk.hint = data.said.words;
  }
  if (data.jump && data.jump.number !== desk.jumped) {
    desk.jumped = data.jump.number;
    if (desk.cells.has(data.jump.cell)) desk.at = data.jump.cell;
  }
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
  desk.send(desk.inflight);
  clearTimeout(desk.timer);
  desk.timer = setTimeout(() => again(desk, desk.inflight), LATE_MS);
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
