// The review desk: a filmstrip, one large cell with its field, the classes as keys.
//
// A key is answered here, at once. What it changed is sent to Python in batches, one at a time, and
// counts as saved only when Python has said so; until then the cell carries a dot and the line at
// the top says how many are on their way. Nothing that was typed is lost to a redraw: what waits is
// kept in the window until it is acknowledged; what waits when a reader leaves is sent at once, and
// what could not be sent is kept in the browser and sent when they come back.

const LATE_MS = 8000;
const HOLD_MS = 3000;
const REST_MS = 1500; // after the last answer, what stands under the desk is drawn anew
const LONGEST_LOOK_S = 120; // a reader who goes for a coffee does not look at one cell for an hour

const AS_PHOTOGRAPHED = { brightness: 1, contrast: 1, gamma: 1 };

// What a reader set for this browser: how large the wall's cells are, how far they count.
function kept(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

function keep(name, value) {
  try { localStorage.setItem(name, String(value)); } catch { /* a browser that keeps nothing */ }
}

const desks = (window.hemadeskDesks = window.hemadeskDesks || {});

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  if (!data || !data.key) return;
  const root = parentElement.querySelector(".desk");
  const isNew = !desks[data.key];
  const desk = (desks[data.key] = desks[data.key] || fresh(data));
  desk.askRest = (number) => setTriggerValue("rest", number);
  desk.sendRemark = (remark) => setTriggerValue("remark", remark);
  desk.askWhy = (cell) => setTriggerValue("why", cell);
  desk.sendSeen = (seen) => setTriggerValue("seen", seen);
  desk.askUndo = (number) => setTriggerValue("undo", number);
  take(desk, data);
  if (desk.root !== root) {
    if (isNew) recall(desk);
    else cameBack(desk);
    build(desk, root);
  }
  drawAll(desk);
  flush(desk);

  return listen({
    keydown: [document, (event) => key(desk, event)],
    ...Object.fromEntries(["pointerdown", "mousedown", "mouseup", "click"]
      .map((name) => [name, [document, (event) => hold(desk, event)]])),
    pointerup: [document, (event) => { hold(desk, event); drop(desk, event); }],
    pointermove: [document, (event) => dragging(desk, event)],
    pointercancel: [document, () => letDragGo(desk)],
    resize: [window, () => room(desk)],
    visibilitychange: [document, () => { if (document.hidden) leave(desk); }],
    pagehide: [window, () => { leave(desk); remember(desk); }],
    "hemadesk-sheet": [window, () => pictures(desk)],
    "hemadesk-saving": [window, (event) => acknowledged(desk, event.detail)],
    beforeunload: [window, (event) => {
      leave(desk);
      remember(desk);
      if (waiting(desk)) event.preventDefault();
    }],
  });
}

// This function is called again with every answer of Python, and its return only when the desk
// goes: each time what listened before is let go, or one key would count several times.
function listen(wanted) {
  (window.hemadeskLetGo || (() => {}))();
  for (const [name, [where, does]] of Object.entries(wanted)) where.addEventListener(name, does, true);
  const letGo = () => {
    for (const [name, [where, does]] of Object.entries(wanted)) where.removeEventListener(name, does, true);
  };
  window.hemadeskLetGo = letGo;
  return letGo;
}

// Until a reader sets another size, the cells of the wall grow with the window.
const cellSize = () => Math.min(140, Math.round(52 * Math.max(1, window.innerWidth / 1366)));

function fresh(data) {
  return {
    key: data.key, cells: new Map(), order: [], shown: [], at: null, chosen: new Set(),
    anchor: null, pending: new Map(), inflight: null, undo: [], conflicts: new Map(), error: "",
    batch: Date.now(), root: null, zoom: 1, filter: "all", layout: "strip", since: performance.now(),
    late: false, hint: "", thumbs: new Map(), holding: false, drag: null,
    prefix: "", target: Number(kept("hemadesk-target") ?? data.target ?? 0), reached: false,
    size: Number(kept("hemadesk-wall-size") ?? cellSize()), look: { ...AS_PHOTOGRAPHED }, whole: false,
  };
}
