// Where numbers and figures come from: shown to those who point at them, or reach them by keyboard.
// Tab reaches the first number of a paragraph or table; arrows go on from there; Escape closes.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("study-sources").textContent);
  const popup = document.createElement("div");
  popup.id = "study-popup";
  popup.setAttribute("role", "tooltip");
  popup.hidden = true;
  document.body.append(popup);

  // The browser's own tooltip would lie over ours; without this script it is all there is.
  for (const number of document.querySelectorAll(".result[title], .decision[title]")) {
    const title = number.getAttribute("title");
    const key = title.split(/ = |: /, 1)[0];
    number.dataset.from = key in data.sources ? key : title;
    number.removeAttribute("title");
  }
  for (const label of Object.keys(data.figures)) {
    const figure = document.getElementById(label);
    if (!figure) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "study-source";
    button.textContent = "Source";
    button.setAttribute("aria-label", `Source of ${figure.getAttribute("aria-label") || "this figure"}`);
    button.dataset.from = `figure:${label}`;
    figure.classList.add("study-has-source");
    figure.append(button);
  }

  const groups = new Map();
  for (const item of document.querySelectorAll("[data-from]:not(button)")) {
    const group = item.closest("table, p, li, figcaption, div");
    if (!groups.has(group)) groups.set(group, []);
    item.tabIndex = groups.get(group).length ? -1 : 0;
    groups.get(group).push(item);
  }

  // A table that scrolls sideways on a narrow screen is reached by Tab as well, where none of its cells is.
  const reachable = () => {
    for (const box of [...document.querySelectorAll("table.gt_table")].map((table) => table.parentElement)) {
      if (box.scrollWidth > box.clientWidth && !box.querySelector('[tabindex="0"]')) {
        box.tabIndex = 0;
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", box.closest(".study-float")?.getAttribute("aria-label") || "Table");
      } else {
        for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
      }
    }
  };
  reachable();
  addEventListener("resize", reachable);

  const list = (pairs) => {
    const out = document.createElement("dl");
    for (const [term, words] of pairs) {
      const name = document.createElement("dt");
      const value = document.createElement("dd");
      name.textContent = term;
      value.textContent = words;
      out.append(name, value);
    }
    return out;
  };
  const pairsOf = (key) =>
    key.startsWith("figure:") ? data.figures[key.slice(7)] : data.sources[key] || [["Source", key]];

  let shown = null;
  let later = 0;
  const hide = () => {
    if (!shown) return;
    shown.removeAttribute("aria-describedby");
    shown = null;
    popup.hidden = true;
  };
  const show = (item) => {
    clearTimeout(later);
    if (shown === item) return;
    hide();
    shown = item;
    const hashes = Object.entries(data.hashes).map(([name, digest]) => [`SHA-256 of ${name}`, digest.slice(0, 16)]);
    popup.replaceChildren(list(pairsOf(item.dataset.from)), list(hashes));
    popup.hidden = false;
    item.setAttribute("aria-describedby", popup.id);
    const at = item.getBoundingClientRect();
    const own = popup.getBoundingClientRect();
    const below = at.bottom + 6 + own.height <= innerHeight;
    popup.style.top = `${Math.max(4, below ? at.bottom + 6 : at.top - own.height - 6)}px`;
    popup.style.left = `${Math.max(4, Math.min(at.left, innerWidth - own.width - 8))}px`;
  };
  const source = (event) => event.target.closest?.("[data-from]");

  document.addEventListener("pointerover", (event) => {
    if (popup.contains(event.target)) return clearTimeout(later);
    const item = source(event);
    if (item) return show(item);
    // Time to move the pointer onto the pop-up, to read or copy from it.
    if (shown && shown !== document.activeElement) {
      clearTimeout(later);
      later = setTimeout(hide, 250);
    }
  });
  document.addEventListener("focusin", (event) => (source(event) ? show(source(event)) : hide()));
  document.addEventListener("click", (event) => {
    if (source(event)) show(source(event));
    else if (!popup.contains(event.target)) hide();
  });
  addEventListener("scroll", (event) => { if (event.target !== popup) hide(); }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return hide();
    const item = document.activeElement;
    if (!item?.dataset?.from || item.tagName === "BUTTON") return;
    const group = groups.get(item.closest("table, p, li, figcaption, div"));
    const place = group.indexOf(item);
    let next = null;
    if (event.key === "ArrowRight") next = group[place + 1];
    if (event.key === "ArrowLeft") next = group[place - 1];
    if (item.tagName === "TD" && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const order = event.key === "ArrowDown" ? group.slice(place + 1) : group.slice(0, place).reverse();
      next = order.find((other) => other.cellIndex === item.cellIndex);
    }
    if (!next) return;
    event.preventDefault();
    item.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
})();
