"use strict";
(() => {
  const root = document.documentElement, byId = id => document.getElementById(id);
  root.classList.add("js");
  const table = byId("user-table");
  if (table) users(JSON.parse(byId("island").textContent));
  if (byId("exc-table")) exceptions();

  function make(tag, attributes, ...children) {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attributes || {})) if (v !== null && v !== undefined) e.setAttribute(k, v);
    for (const c of children) if (c !== null && c !== undefined && c !== "") e.append(c);
    return e;
  }

  function users(island) {
    const PAGE = 100, NUMBER = new Intl.NumberFormat("en-US");
    const LABELS = ["Found", "Verified", "Quarantined", "Refused", "Skipped", "Open"];
    const COLOURS = ["", "", "warn", "other", "", "bad"];
    const TONES = { complete: "good", exceptions: "warn", incomplete: "bad", skipped: "idle" };
    const RANK = { incomplete: 0, exceptions: 1, complete: 2, skipped: 3 };
    const all = island.users, terms = island.open ? 6 : 5;
    const filter = byId("user-filter"), status = byId("user-status"), back = byId("user-back"), on = byId("user-on");
    const chips = [...document.querySelectorAll("#user-tools input[type=checkbox]")];
    const open = new Set();
    let list = all, page = 0, sort = -1, down = false, perPage = PAGE;

    function size(n) {
      if (n < 0) return "unknown";
      const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
      let u = 0, v = n;
      while (v >= 999.5 && u < units.length - 1) { v /= 1024; u++; }
      return (u === 0 ? n : v.toFixed(v < 9.995 ? 2 : v < 99.95 ? 1 : 0)) + " " + units[u];
    }

    function counts(row, values) {
      for (let i = 0; i < terms; i++) {
        const v = values[i];
        row.append(make("td", { class: "n" + (v === 0 ? " zero" : COLOURS[i] ? " " + COLOURS[i] : ""), "data-label": LABELS[i] }, NUMBER.format(v)));
      }
      row.append(make("td", { class: "n", "data-label": "Size" }, size(values[6])));
    }

    function folders(u) {
      const cell = make("td", { colspan: 4 + terms });
      if (u[11]) cell.append(make("p", { class: "error" }, make("bdi", null, u[11])));
      if (u[14] === 0) {
        cell.append(make("p", { class: "dim" }, "The " + NUMBER.format(u[15]) + " folders of this mailbox are in report.json."));
      } else if (u[14].length > 0) {
        const head = make("tr", null, make("th", { scope: "col" }, "Folder"), make("th", { scope: "col" }, "In the target"));
        for (const l of LABELS.slice(0, terms).concat("Size")) head.append(make("th", { scope: "col", class: "n" }, l));
        const body = make("tbody");
        for (const f of u[14]) {
          const name = make("th", { scope: "row", "data-label": "Folder" }, make("bdi", null, f[0]));
          if (f[11]) name.append(" ", make("span", { class: "kind" }, f[11]));
          if (!f[2]) name.append(" ", make("span", { class: "state bad" }, "incomplete"));
          if (f[10]) name.append(make("bdi", { class: "sub error" }, f[10]));
          const row = make("tr", null, name, make("td", { "data-label": "In the target" }, make("bdi", null, f[1])));
          counts(row, f.slice(3, 10));
          body.append(row);
        }
        cell.append(make("table", { class: "folders" }, make("thead", null, head), body));
      } else if (!u[11]) {
        cell.append(make("p", { class: "dim" }, "No folders."));
      }
      if (u[13].length > 0) cell.append(make("p", { class: "dim" }, "Notes: " + u[13].map(n => n[0] + " " + NUMBER.format(n[1])).join(", ")));
      return cell;
    }

    function line(u, i) {
      const id = "u" + i;
      const button = make("button", { type: "button", class: "open-row", "aria-expanded": "false", "aria-controls": id }, make("bdi", null, u[0]));
      const name = make("th", { scope: "row", "data-label": "User" }, button);
      if (u[12]) name.append(" ", make("span", { class: "kind" }, u[12]));
      if (u[1]) name.append(make("bdi", { class: "sub" }, u[1]));
      const row = make("tr", { class: "u" }, name, make("td", { "data-label": "Account" }, make("bdi", null, u[2] || "–")),
        make("td", { "data-label": "State" }, make("span", { class: "state " + TONES[u[3]] }, u[3])));
      counts(row, u.slice(4, 11));
      const detail = make("tr", { class: "d", id });
      detail.hidden = true;
      const show = yes => {
        if (yes && !detail.firstChild) detail.append(folders(u));
        detail.hidden = !yes;
        button.setAttribute("aria-expanded", String(yes));
        if (yes) open.add(u); else open.delete(u);
      };
      button.addEventListener("click", () => show(detail.hidden));
      if (open.has(u)) show(true);
      return make("tbody", null, row, detail);
    }

    function draw() {
      const pages = Math.max(1, Math.ceil(list.length / perPage));
      page = Math.min(Math.max(page, 0), pages - 1);
      const from = page * perPage, shown = list.slice(from, from + perPage);
      for (const b of [...table.tBodies]) b.remove();
      const rows = document.createDocumentFragment();
      shown.forEach((u, i) => rows.append(line(u, from + i)));
      if (shown.length === 0) rows.append(make("tbody", null, make("tr", null, make("td", { colspan: 4 + terms, class: "dim" }, "No mailbox matches."))));
      table.append(rows);
      status.textContent = list.length === 0 ? "0 of " + NUMBER.format(all.length)
        : NUMBER.format(from + 1) + "–" + NUMBER.format(from + shown.length) + " of " + NUMBER.format(list.length) +
          (list.length < all.length ? " (" + NUMBER.format(all.length) + " in all)" : "");
      back.disabled = page === 0;
      on.disabled = page >= pages - 1;
      back.hidden = on.hidden = pages === 1;
    }

    function matches(u, words) {
      const text = (u[0] + "\n" + u[1] + "\n" + u[2] + "\n" + u[11]).toLowerCase();
      return words.every(w => text.includes(w) || (u[14] !== 0 && u[14].some(f => f[0].toLowerCase().includes(w) || f[10].toLowerCase().includes(w))));
    }

    function select() {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      const states = new Set(chips.filter(c => c.checked).map(c => c.value));
      list = all.filter(u => states.has(u[3]) && matches(u, words));
      if (sort >= 0) {
        const value = sort === 3 ? u => RANK[u[3]] : u => u[sort];
        const text = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
        const order = (a, b) => typeof value(a) === "number" ? value(a) - value(b) : text.compare(value(a), value(b));
        list = [...list].sort((a, b) => (down ? order(b, a) : order(a, b)));
      }
      page = 0;
      draw();
    }

    for (const th of table.tHead.rows[0].cells) {
      const column = Number(th.dataset.sort), button = make("button", { type: "button", class: "sort" }, th.textContent);
      th.replaceChildren(button);
      button.addEventListener("click", () => {
        down = sort === column ? !down : th.classList.contains("n");
        sort = column;
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        select();
      });
    }
    filter.addEventListener("input", select);
    byId("user-tools").addEventListener("submit", e => e.preventDefault());
    for (const c of chips) c.addEventListener("change", select);
    back.addEventListener("click", () => { page--; draw(); });
    on.addEventListener("click", () => { page++; draw(); });
    addEventListener("beforeprint", () => { perPage = 2000; draw(); });
    addEventListener("afterprint", () => { perPage = PAGE; draw(); });
    draw();
  }

  function exceptions() {
    let chosen = null;
    const rows = [...byId("exc-table").tBodies[0].rows], buttons = [];
    for (const span of document.querySelectorAll("#rule-chips .rule")) {
      const button = make("button", { type: "button", class: "rule", "aria-pressed": "false" });
      button.append(...span.childNodes);
      const rule = span.dataset.rule;
      span.replaceWith(button);
      buttons.push(button);
      button.addEventListener("click", () => {
        chosen = chosen === rule ? null : rule;
        for (const b of buttons) b.setAttribute("aria-pressed", String(b === button && chosen !== null));
        for (const r of rows) r.hidden = chosen !== null && r.dataset.rule !== chosen;
      });
    }
  }
})();
