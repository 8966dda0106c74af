// How the pictures are shown: brightness, contrast and gamma for the eye only, and a ruler.

const BARS_UM = [20, 10, 5, 2, 1];
const LONGEST_BAR = 0.45;

function buildLook(desk) {
  const panel = desk.root.querySelector(".view");
  const button = desk.root.querySelector(".seeing");
  button.onclick = () => {
    button.blur();
    panel.hidden = !panel.hidden;
    button.setAttribute("aria-expanded", String(!panel.hidden));
    room(desk);
  };
  const sliders = [...panel.querySelectorAll("[data-look]")];
  const show = () => {
    sliders.forEach((one) => { one.value = desk.look[one.dataset.look]; });
    look(desk);
    button.classList.toggle("on", Object.values(desk.look).some((value) => value !== 1));
  };
  for (const one of [...sliders, desk.ui.size]) one.onpointerup = () => one.blur();
  sliders.forEach((one) => { one.oninput = () => { desk.look[one.dataset.look] = Number(one.value); show(); }; });
  panel.querySelector("[data-look-reset]").onclick = () => { desk.look = { ...AS_PHOTOGRAPHED }; show(); };
  desk.ui.lens.draggable = false;
  desk.ui.lens.parentElement.onpointerdown = (event) => measure(desk, event);
  show();
}

function look(desk) {
  const { brightness, contrast, gamma } = desk.look;
  for (const one of desk.root.querySelectorAll("#desk-gamma feComponentTransfer > *")) {
    one.setAttribute("exponent", String(1 / gamma));
  }
  const plain = brightness === 1 && contrast === 1 && gamma === 1;
  const filter = plain ? "none" : `brightness(${brightness}) contrast(${contrast}) ${gamma === 1 ? "" : "url(#desk-gamma)"}`;
  desk.root.style.setProperty("--look", filter);
}

// A bar of a round length; none where nobody knows how large a pixel is.
function ruler(desk, cell) {
  const sheet = sheetOf(desk);
  const um = sheet?.um[cell.id];
  desk.ui.ruler.hidden = !um;
  if (!um) return;
  const bar = BARS_UM.find((one) => (one * desk.zoom) / um <= LONGEST_BAR) ?? 1;
  desk.ui.ruler.style.width = `${(100 * bar * desk.zoom) / um}%`;
  desk.ui.ruler.textContent = `${bar} µm`;
  desk.ui.ruler.title = `The scale is known ${sheet.fields[cell.field]?.scale}. Drag over the cell to measure.`;
}

// A drag over the large cell measures it.
function measure(desk, event) {
  const um = sheetOf(desk)?.um[desk.at];
  const place = desk.ui.lens.parentElement;
  if (!um || event.button !== 0) return;
  event.preventDefault();
  const box = place.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  desk.ui.lens.parentElement.setPointerCapture(event.pointerId);
  const line = desk.ui.measure;
  place.onpointermove = (to) => {
    const [dx, dy] = [to.clientX - box.left - x, to.clientY - box.top - y];
    const long = Math.hypot(dx, dy);
    Object.assign(line.style, {
      left: `${x}px`, top: `${y}px`, width: `${long}px`, transform: `rotate(${Math.atan2(dy, dx)}rad)`,
    });
    line.hidden = long < 3;
    line.dataset.um = `${((long / box.width / desk.zoom) * um).toFixed(1)} µm`;
  };
  place.onpointerup = () => { place.onpointermove = null; place.onpointerup = null; };
}
