// Elements and tables. Text from the server only ever becomes text, never markup.
export const numberText = (value) => Math.round(value ?? 0).toLocaleString("en");

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

export const button = (label, name, then) => {
  const made = element("button", { type: "button", class: "change", "aria-label": `${label} ${name}` }, label);
  made.addEventListener("click", then);
  return made;
};

// columns: [title, row => text or nodes, isNumber]
export function table(caption, columns, rows, none = "none") {
  if (!rows?.length) return element("p", {}, `${caption}: ${none}`);
  const kind = (column) => (column[2] ? "number" : null);
  return element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
    element("table", {}, element("caption", {}, `${caption} (${numberText(rows.length)})`),
      element("thead", {}, element("tr", {}, ...columns.map((column) =>
        element("th", { scope: "col", class: kind(column) }, column[0])))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...columns.map((column) => {
        const value = column[1](row);
        const cells = Array.isArray(value) ? value : [column[2] ? numberText(value) : String(value ?? "")];
        return element("td", { class: kind(column) }, ...cells);
      }))))));
}
