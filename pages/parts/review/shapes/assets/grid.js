// A grid of red cells: arrows move, a letter gives the cell in the frame a shape, Backspace takes
// it back. What was pressed is sent to Python in batches, one at a time, and counts as saved only
// when Python has said so; it outlives a redraw, since it is kept in the window until then.

const grids = (window.hemadeskShapeGrids = window.hemadeskShapeGrids || {});

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  if (!data || !data.key) return;
  const root = parentElement.querySelector(".shapes");
  const grid = (grids[data.key] = grids[data.key] ||
    { pending: new Map(), inflight: null, at: 0, number: Date.now(), words: "", wrong: false });
  Object.assign(grid, { data, root, send: (batch) => setTriggerValue("batch", batch) });
  acknowledge(grid);
  grid.at = Math.min(grid.at, Math.max(0, data.cells.length - 1));
  build(grid);
  flush(grid);
  const press = (event) => key(grid, event);
  document.addEventListener("keydown", press, true);
  const leave = (event) => { if (waiting(grid)) event.preventDefault(); };
  window.addEventListener("beforeunload", leave);
  // Called again with every answer of Python: what listened before is let go.
  (window.hemadeskShapesLetGo || (() => {}))();
  const letGo = () => {
    document.removeEventListener("keydown", press, true);
    window.removeEventListener("beforeunload", leave);
  };
  window.hemadeskShapesLetGo = letGo;
  return letGo;
}

const waiting = (grid) => grid.pending.size + (grid.inflight ? grid.inflight.ops.length : 0);

function acknowledge(grid) {
  const { ack } = grid.data;
  if (!ack || !grid.inflight || ack.batch !== grid.inflight.batch) return;
  grid.words = ack.error || "";
  grid.wrong = Boolean(ack.error);
  grid.inflight = null;
}

function flush(grid) {
  if (grid.inflight || !grid.pending.size) return;
  const now = new Map(grid.data.cells.map((cell) => [cell.id, cell]));
  const ops = [...grid.pending].filter(([id]) => now.has(id))
    .map(([cell, shape]) => ({ cell, shape, revision: now.get(cell).revision }));
  grid.pending.clear();
  if (!ops.length) return;
  grid.inflight = { batch: ++grid.number, ops };
  grid.send(grid.inflight);
  state(grid);
}

// What stands for a cell here: pressed and not yet saved, else given by a reader, else null.
function given(grid, cell) {
  if (grid.pending.has(cell.id)) return grid.pending.get(cell.id);
  const flying = grid.inflight && grid.inflight.ops.find((op) => op.cell === cell.id);
  return flying ? flying.shape : cell.given;
}

function typing(event) {
  const where = event.composedPath()[0];
  return where instanceof HTMLElement && (where.isContentEditable ||
    where.matches("input, textarea, select, [role=textbox], [role=combobox]"));
}

function key(grid, event) {
  if (!grid.root.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event) || document.querySelector('[role="dialog"]')) return;
  const columns = getComputedStyle(grid.root.querySelector(".grid")).gridTemplateColumns
    .split(" ").length;
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  const shape = grid.data.shapes.find((one) => one.key === event.key.toUpperCase());
  // The arrows of a group of buttons stay its own while it has the focus.
  const other = event.composedPath()[0];
  const inside = grid.root.contains(other) || other === document.body;
  if (event.key in moves && inside) move(grid, moves[event.key]);
  else if (shape && !event.repeat) give(grid, shape.name);
  else if (event.key === "Backspace" && !event.repeat) give(grid, null);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function move(grid, by) {
  grid.at = Math.max(0, Math.min(grid.data.cells.length - 1, grid.at + by));
  marks(grid);
  grid.root.querySelectorAll("figure")[grid.at]?.scrollIntoView({ block: "nearest" });
}

function give(grid, shape) {
  const cell = grid.data.cells[grid.at];
  if (!cell) return;
  if (grid.data.closed) {
    grid.words = `Nothing can be changed: ${grid.data.closed}.`;
    grid.wrong = true;
    state(grid);
    return;
  }
  if (shape !== null || given(grid, cell) !== null) grid.pending.set(cell.id, shape);
  grid.words = "";
  grid.wrong = false;
  if (shape !== null) move(grid, 1);
  marks(grid);
  flush(grid);
  state(grid);
}

function build(grid) {
  const keys = grid.root.querySelector(".keys");
  keys.replaceChildren(...grid.data.shapes.map((shape) => {
    const button = document.createElement("button");
    const letter = document.createElement("kbd");
    letter.textContent = shape.key;
    button.append(letter, shape.title);
    button.disabled = Boolean(grid.data.closed);
    button.tabIndex = -1;
    button.onclick = () => { give(grid, shape.name); grid.root.focus(); };
    return button;
  }));
  const figures = grid.data.cells.map((cell, place) => {
    const figure = document.createElement("figure");
    const image = document.createElement("img");
    image.src = cell.source || "";
    image.alt = `Red cell ${cell.id}`;
    figure.append(image, document.createElement("figcaption"));
    figure.onclick = () => { grid.at = place; marks(grid); grid.root.focus(); };
    return figure;
  });
  grid.root.querySelector(".grid").replaceChildren(...figures);
  marks(grid);
  state(grid);
}

function marks(grid) {
  const titles = new Map(grid.data.shapes.map((one) => [one.name, one.title]));
  grid.root.querySelectorAll("figure").forEach((figure, place) => {
    const cell = grid.data.cells[place];
    const shape = given(grid, cell);
    // The sign of percent must not stand alone in a narrow line.
    const machine = cell.machine.replace(/ %$/, `${String.fromCharCode(160)}%`);
    figure.classList.toggle("at", place === grid.at);
    figure.classList.toggle("given", shape !== null);
    figure.classList.toggle("differs", shape === null && cell.differs !== "");
    const caption = figure.querySelector("figcaption");
    const lead = document.createElement(shape !== null || cell.differs ? "b" : "span");
    lead.textContent = shape !== null ? titles.get(shape) : cell.differs ? "differ" : machine;
    caption.replaceChildren(lead);
    if (shape !== null || cell.differs) {
      caption.append(document.createElement("br"), cell.differs || machine);
    }
  });
}

function state(grid) {
  const line = grid.root.querySelector(".state");
  const left = waiting(grid);
  line.classList.toggle("wrong", grid.wrong);
  line.textContent = grid.words || (left ? `Saving ${left}` :
    "Arrows move, a letter gives the framed cell that shape, Backspace takes it back. Saved.");
}
