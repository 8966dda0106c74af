// Published cells of the class under the cursor, and of the one it is most easily taken for.

function references(desk, cell) {
  const sheet = sheetOf(desk);
  // While the model's answer is withheld, no class is pointed at.
  const named = cell.blind && label(desk, cell.id) === null ? null : called(desk, cell);
  const pair = sheet && named ? [named, sheet.alike[named]] : [];
  const shown = pair.filter((name) => name && sheet.references[name]?.length);
  const state = shown.join();
  if (state === desk.referencesOf) return;
  desk.referencesOf = state;
  desk.ui.references.replaceChildren(...shown.map((name) => {
    const column = make("div", "", "");
    column.append(make("b", "", desk.titles.get(name).title), ...sheet.references[name].map((one) => {
      const image = make("img", "", "");
      image.src = one.source;
      image.alt = image.title = one.from;
      return image;
    }));
    return column;
  }));
}
