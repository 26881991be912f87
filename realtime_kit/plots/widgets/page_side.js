// The part of a board that runs in the page: gives its picture a name for screen readers, and looks at what the
// page has painted behind it, now and whenever the page's theme changes.

function isDark(element) {
  for (let at = element; at; at = at.parentElement) {
    const parts = getComputedStyle(at).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [];
    const [red, green, blue, opacity = 1] = parts;
    if (parts.length && opacity > 0.5) return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
  }
  return false;
}

function render({ model, el }) {
  el.style.display = "none";
  const look = () => {
    const board = el.closest(".rtk-board");
    if (!board) return;
    for (const image of board.querySelectorAll("img")) image.alt = model.get("describe");
    model.set("dark", isDark(board));
    model.save_changes();
  };
  const later = () => setTimeout(look, 100); // widgets are put into the page, and styles applied, a little later
  const themes = new MutationObserver(later);
  for (const element of [document.documentElement, document.body]) {
    themes.observe(element, { attributes: true, attributeFilter: ["class", "style", "theme", "data-jp-theme-name"] });
  }
  later();
  return () => themes.disconnect();
}

export default { render };
