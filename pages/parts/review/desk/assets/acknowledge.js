// The way of the answers to Python and back, a component of its own: a key sends no other part of
// the page anew. The desk hears of it through the window.

export default function (component) {
  const { data, setTriggerValue } = component;
  const save = (batch) => setTriggerValue("batch", batch);
  window.hemadeskSave = save;
  window.dispatchEvent(new CustomEvent("hemadesk-saving", { detail: data?.ack ?? null }));
  return () => { if (window.hemadeskSave === save) delete window.hemadeskSave; };
}
