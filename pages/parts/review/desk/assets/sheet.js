// The pictures of a case, sent once. They are kept in the window, beside the desk that shows them,
// so that an answer to a key carries no picture.

export default function (component) {
  const { data } = component;
  if (!data || !data.key) return;
  window.hemadeskSheets = window.hemadeskSheets || {};
  for (const key of Object.keys(window.hemadeskSheets)) {
    if (key !== data.key) delete window.hemadeskSheets[key];
  }
  window.hemadeskSheets[data.key] = data;
  window.dispatchEvent(new CustomEvent("hemadesk-sheet", { detail: data.key }));
}
