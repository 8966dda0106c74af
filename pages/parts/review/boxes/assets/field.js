// One field with its boxes: choose, move and resize with the mouse, draw a new one, zoom and pan.
//
// All coordinates are pixels of the stored picture: the drawing's view box is the part of the
// picture that is seen. What a drag changed is shown here at once and sent to Python at its end.

const SVG = "http://www.w3.org/2000/svg";
const CLICK_PX = 4; // on the screen; a shorter drag is a click
const LEAST_PX = 2; // of the picture: core refuses smaller boxes
const MOST_ZOOM = 12;
const HANDLE_PX = 9;

const views = (window.hemadeskFieldViews = window.hemadeskFieldViews || {});

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  if (!data || !data.key) return;
  const root = parentElement.querySelector(".field-editor");
  const stage = root.querySelector(".stage");
  const editor = {
    data, stage, send: setTriggerValue, drag: null,
    // Kept while the same field is shown, so that an answer of Python does not zoom out.
    view: (views[data.key] = views[data.key] || { x: 0, y: 0, w: data.width, h: data.height }),
    chosen: data.cells.find((one) => one.id === data.chosen) ?? null,
    hint: root.querySelector(".hint"),
  };
  for (const key of Object.keys(views)) if (key !== data.key) delete views[key];
  root.style.setProperty("--ratio", data.width / data.height);
  const image = stage.querySelector(".picture");
  if (image.getAttribute("href") !== data.source) image.setAttribute("href", data.source);
  image.setAttribute("width", data.width);
  image.setAttribute("height", data.height);
  stage.setAttribute("aria-label", data.words);
  stage.classList.toggle("draws", data.draws && !data.closed);
  drawField(editor);
  stage.onpointerdown = (event) => begin(editor, event);
  stage.onpointermove = (event) => follow(editor, event);
  stage.onpointerup = (event) => end(editor, event);
  stage.onpointercancel = () => { editor.drag = null; drawField(editor); };
  stage.onwheel = (event) => {
    event.preventDefault();
    zoomAt(editor, event.deltaY < 0 ? 1.25 : 0.8, at(editor, event));
  };
  for (const button of root.querySelectorAll("[data-do]")) {
    button.onclick = () => {
      const { view } = editor;
      const middle = { x: view.x + view.w / 2, y: view.y + view.h / 2 };
      const by = { in: 1.5, out: 1 / 1.5, all: 0 }[button.dataset.do];
      zoomAt(editor, by, middle);
      button.blur();
    };
  }
}

const boxOf = (editor, cell) => (editor.drag?.box && editor.drag.cell === cell ? editor.drag.box : cell.box);

function rect(name, box) {
  const one = document.createElementNS(SVG, "rect");
  one.setAttribute("class", name);
  setBox(one, box);
  return one;
}

function setBox(one, [x0, y0, x1, y1]) {
  for (const [name, value] of Object.entries({ x: x0, y: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0) })) {
    one.setAttribute(name, value);
  }
}

// Pixels of the picture that one pixel of the screen shows.
const perScreenPx = (editor) => editor.view.w / Math.max(1, editor.stage.getBoundingClientRect().width);

function drawField(editor) {
  const { stage, data, view } = editor;
  // Lines as thick as on a small screen, where the picture is drawn larger.
  const thick = Math.max(1, stage.getBoundingClientRect().width / 1000);
  stage.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`);
  stage.querySelector(".boxes").replaceChildren(...data.cells.map((cell) => {
    const one = rect("box", boxOf(editor, cell));
    const look = data.looks[cell.kind];
    const chosen = editor.chosen === cell;
    one.dataset.cell = cell.id;
    one.classList.toggle("chosen", chosen);
    one.style.stroke = chosen ? "#5b3a8c" : look.colour;
    one.style.strokeWidth = thick * (chosen ? Math.max(4, look.width) : look.width);
    if (look.dash !== "solid") one.style.strokeDasharray = look.dash.replaceAll("px", "");
    return one;
  }));
  const small = 12 * perScreenPx(editor);
  stage.querySelector(".places").replaceChildren(...data.places.flatMap((place) => {
    const words = document.createElementNS(SVG, "text");
    words.textContent = place.title;
    words.setAttribute("x", place.box[0]);
    words.setAttribute("y", Math.max(small, place.box[1] - 3 * perScreenPx(editor)));
    words.setAttribute("font-size", small);
    const mark = rect("place", place.box);
    mark.style.strokeWidth = 3 * thick;
    return [mark, words];
  }));
  drawHandles(editor);
  const drawn = stage.querySelector(".drawn");
  const box = editor.drag?.drawing ? editor.drag.box : data.drawn;
  drawn.toggleAttribute("hidden", !box);
  drawn.style.display = box ? "" : "none";
  if (box) setBox(drawn, box);
  editor.hint.textContent = data.closed ? "" : data.draws
    ? "Drag round a cell or a finding; a click marks a spot. The wheel zooms."
    : "Click a box, drag it or its corners. Drag the ground to move about; the wheel zooms.";
}

function drawHandles(editor) {
  const layer = editor.stage.querySelector(".handles");
  if (!editor.chosen || editor.data.closed || editor.data.draws) { layer.replaceChildren(); return; }
  const [x0, y0, x1, y1] = boxOf(editor, editor.chosen);
  const half = (HANDLE_PX / 2) * perScreenPx(editor);
  const places = [];
  for (const [sx, x] of [[-1, x0], [0, (x0 + x1) / 2], [1, x1]]) {
    for (const [sy, y] of [[-1, y0], [0, (y0 + y1) / 2], [1, y1]]) {
      if (!sx && !sy) continue;
      const handle = rect("handle", [x - half, y - half, x + half, y + half]);
      handle.dataset.side = `${sx},${sy}`;
      handle.style.cursor = sx && sy ? (sx === sy ? "nwse-resize" : "nesw-resize") : sx ? "ew-resize" : "ns-resize";
      places.push(handle);
    }
  }
  layer.replaceChildren(...places);
}

function at(editor, event) {
  const box = editor.stage.getBoundingClientRect();
  const { view } = editor;
  return {
    x: view.x + (view.w * (event.clientX - box.left)) / box.width,
    y: view.y + (view.h * (event.clientY - box.top)) / box.height,
  };
}

function zoomAt(editor, by, point) {
  const { view, data } = editor;
  const w = by ? Math.min(data.width, Math.max(data.width / MOST_ZOOM, view.w / by)) : data.width;
  const share = w / view.w;
  view.x = point.x - (point.x - view.x) * share;
  view.y = point.y - (point.y - view.y) * share;
  view.w = w;
  view.h = (w * data.height) / data.width;
  within(editor);
  drawField(editor);
}

function within({ view, data }) {
  view.x = Math.min(data.width - view.w, Math.max(0, view.x));
  view.y = Math.min(data.height - view.h, Math.max(0, view.y));
}

function begin(editor, event) {
  if (event.button !== 0) return;
  event.preventDefault();
  const start = at(editor, event);
  const side = event.target.dataset?.side;
  const cell = editor.data.cells.find((one) => String(one.id) === event.target.dataset?.cell) ?? null;
  const drag = { start, x: event.clientX, y: event.clientY, far: false, cell: null, box: null };
  if (editor.data.draws && !editor.data.closed) drag.drawing = true;
  else if (side) Object.assign(drag, { cell: editor.chosen, side: side.split(",").map(Number) });
  // A box is moved once it is chosen: a slip over a crowded field moves none.
  else if (cell && cell === editor.chosen && !editor.data.closed) drag.cell = cell;
  else Object.assign(drag, { picks: cell, pan: { ...editor.view } });
  editor.drag = drag;
  editor.stage.setPointerCapture(event.pointerId);
}

function follow(editor, event) {
  const { drag, data } = editor;
  if (!drag) return;
  if (!drag.far && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < CLICK_PX) return;
  drag.far = true;
  const now = at(editor, event);
  const inside = { x: Math.min(data.width, Math.max(0, now.x)), y: Math.min(data.height, Math.max(0, now.y)) };
  if (drag.drawing) {
    drag.box = sorted([drag.start.x, drag.start.y, inside.x, inside.y]);
  } else if (drag.cell) {
    drag.box = changed(drag, drag.cell.box, now, data);
  } else {
    const scale = perScreenPx(editor);
    editor.stage.classList.add("pans");
    editor.view.x = drag.pan.x - (event.clientX - drag.x) * scale;
    editor.view.y = drag.pan.y - (event.clientY - drag.y) * scale;
    within(editor);
  }
  drawField(editor);
}

const sorted = ([x0, y0, x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];

function changed(drag, [x0, y0, x1, y1], now, data) {
  const [dx, dy] = [now.x - drag.start.x, now.y - drag.start.y];
  if (!drag.side) {
    const sx = Math.min(data.width - x1, Math.max(-x0, dx));
    const sy = Math.min(data.height - y1, Math.max(-y0, dy));
    return [x0 + sx, y0 + sy, x1 + sx, y1 + sy];
  }
  const [sx, sy] = drag.side;
  const box = [x0, y0, x1, y1];
  if (sx < 0) box[0] = Math.max(0, Math.min(x0 + dx, x1 - LEAST_PX));
  if (sx > 0) box[2] = Math.min(data.width, Math.max(x1 + dx, x0 + LEAST_PX));
  if (sy < 0) box[1] = Math.max(0, Math.min(y0 + dy, y1 - LEAST_PX));
  if (sy > 0) box[3] = Math.min(data.height, Math.max(y1 + dy, y0 + LEAST_PX));
  return box;
}

function end(editor) {
  const { drag, data } = editor;
  if (!drag) return;
  editor.drag = null;
  editor.stage.classList.remove("pans");
  const number = Date.now();
  if (drag.drawing) {
    const half = data.spot / 2;
    const box = drag.box ?? [
      Math.max(0, drag.start.x - half), Math.max(0, drag.start.y - half),
      Math.min(data.width, drag.start.x + half), Math.min(data.height, drag.start.y + half),
    ];
    data.drawn = box;
    editor.send("drawn", { number, box });
  } else if (drag.cell && drag.box) {
    drag.cell.box = drag.box;
    editor.send("moved", { number, cell: drag.cell.id, revision: drag.cell.revision, box: drag.box });
  } else if (!drag.far && drag.picks !== undefined) {
    editor.chosen = drag.picks;
    editor.send("picked", { number, cell: drag.picks ? drag.picks.id : null });
  }
  drawField(editor);
}
