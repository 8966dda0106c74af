// What is seen in the cell or its field and is no class: pressed, it is saved with that picture.

function buildSeen(desk) {
  const parts = [];
  for (const [place, words] of [["cell", "Cell"], ["field", "Field"]]) {
    if (parts.length) parts.push(make("i", "", ""));
    parts.push(make("b", "", words));
    for (const one of desk.data.abnormalities.filter((a) => a.place === place)) {
      const button = make("button", one.critical ? "critical" : "", "");
      button.append(make("kbd", "", one.key), one.title);
      button.dataset.term = one.term;
      button.onclick = () => { button.blur(); toggleSeen(desk, one); };
      parts.push(button);
    }
  }
  desk.ui.seen.replaceChildren(...parts);
}

const isSeen = (desk, cell, one) => desk.data.seen.some((seen) =>
  seen.term === one.term && (one.place === "cell" ? seen.cell === cell.id : !seen.cell && String(seen.field) === cell.field));

function seenLine(desk, cell) {
  for (const button of desk.ui.seen.querySelectorAll("button")) {
    const one = desk.data.abnormalities.find((a) => a.term === button.dataset.term);
    const there = isSeen(desk, cell, one);
    button.classList.toggle("there", there);
    button.setAttribute("aria-pressed", String(there));
    button.disabled = !!desk.data.closed;
  }
}

function toggleSeen(desk, one) {
  const cell = desk.cells.get(desk.at);
  if (!cell || desk.data.closed) return;
  desk.sendSeen({
    number: ++desk.batch, term: one.term, present: !isSeen(desk, cell, one),
    cell: one.place === "cell" ? cell.id : null, field: Number(cell.field),
  });
}

function seenKey(desk, pressed) {
  const one = desk.data.abnormalities.find((a) => a.key === pressed);
  if (!one) return false;
  toggleSeen(desk, one);
  return true;
}
