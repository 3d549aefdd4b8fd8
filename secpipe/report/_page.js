"use strict";
// Sorts and filters the rows that are in the page. All of them are there without it as well.
(() => {
  const form = document.querySelector("form");
  const body = document.querySelector("#findings tbody");
  if (!form || !body) return;
  form.hidden = false;
  const rows = [...body.rows].map((row) => ({ row, text: row.textContent.toLowerCase(), data: row.dataset }));
  const shown = document.getElementById("shown");
  const more = document.getElementById("more");
  // Laying out thousands of rows takes seconds: at first there are as many as the page itself begins with.
  const most = Number(body.dataset.most);
  let all = false;
  const collator = new Intl.Collator("en", { numeric: true });
  const { search, fixable, suppressed, layer, origin } = form.elements;
  const severities = [...form.querySelectorAll("[name=severity]")];

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(severities.filter((box) => box.checked).map((box) => box.value));
    let count = 0;
    for (const { row, text, data } of rows) {
      const fits =
        (!wanted.size || wanted.has(data.severity)) &&
        (!fixable.checked || data.fixable === "1") &&
        (!suppressed || !suppressed.checked || data.suppressed !== "1") &&
        (!layer || !layer.value || data.layer === layer.value) &&
        (!origin || !origin.value || data.origin === origin.value) &&
        words.every((word) => text.includes(word));
      if (fits) count += 1;
      const visible = fits && (all || count <= most);
      if (row.hidden === visible) row.hidden = !visible;
    }
    const cut = !all && count > most;
    shown.textContent = cut
      ? `${count} of ${rows.length} found, ${most} of them shown`
      : `${count} of ${rows.length} shown`;
    more.hidden = !cut;
    more.textContent = `Show all ${count}`;
  };

  let waiting = 0;
  const soon = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(filter);
  };
  form.addEventListener("input", soon);
  form.addEventListener("reset", () => {
    all = false;
    setTimeout(filter);
  });
  more.addEventListener("click", () => {
    all = true;
    filter();
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  const headers = [...document.querySelectorAll("#findings thead th")];
  const key = ({ row }, column) => {
    const cell = row.cells[column];
    return cell.dataset.key === undefined ? cell.textContent : Number(cell.dataset.key);
  };
  const sort = (header) => {
    const column = header.cellIndex;
    const before = header.getAttribute("aria-sort");
    // Numbers begin with the largest, which is the worst.
    const first = header.dataset.first || "ascending";
    const order = before ? (before === "ascending" ? "descending" : "ascending") : first;
    const sign = order === "ascending" ? 1 : -1;
    const keyed = rows.map((entry) => [key(entry, column), entry]);
    keyed.sort(([a], [b]) => sign * (typeof a === "number" ? a - b : collator.compare(a, b)));
    rows.splice(0, rows.length, ...keyed.map(([, entry]) => entry));
    const sorted = document.createDocumentFragment();
    for (const { row } of rows) {
      row.hidden = true;
      sorted.append(row);
    }
    body.append(sorted);
    for (const one of headers) one.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", order);
    filter();
  };
  for (const header of headers) {
    header.querySelector("button").addEventListener("click", () => sort(header));
  }

  for (const button of document.querySelectorAll("#layers button")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      layer.value = button.value;
      filter();
      form.scrollIntoView();
      layer.focus();
    });
  }
  filter();
})();
