"use strict";

// Sets two sides of the page's own data beside one another. The choice stands in the address, so that it can be sent.
const data = JSON.parse(document.getElementById("compare-data").textContent);
const place = (id) => document.getElementById(id);
const controls = ["side-a", "side-b", "filter-cell", "filter-sd", "filter-speed", "filter-basis"];
let sorted = { by: "size", down: true };

function offerSides() {
  for (const id of ["side-a", "side-b"]) {
    for (const kind of ["sweep", "environment"]) {
      const group = document.createElement("optgroup");
      group.label = kind + "s, newest first";
      data.sides.forEach((side, number) => {
        if (side.kind === kind) {
          group.append(new Option(side.label, String(number)));
        }
      });
      if (group.children.length) {
        place(id).append(group);
      }
    }
  }
}

// The two newest sweeps that share most cells: the newest, and the newest before it that shares as many as any.
function choose() {
  const shared = (a, b) => Object.values(data.cells).filter((cell) => cell.at[a] && cell.at[b]).length;
  const others = data.sides.map((side, number) => [number, side.kind]).filter(([number, kind]) => number > 0 && kind === data.sides[0]?.kind);
  const best = others.reduce((most, [number]) => (shared(0, number) > shared(0, most) ? number : most), others[0]?.[0] ?? 0);
  place("side-a").value = String(best);
  place("side-b").value = "0";
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    if (controls.includes(name)) {
      place(name).value = value;
    }
  }
}

function unscaled(metric, value) {
  return metric.scale === "log" ? Math.exp(value) : value;
}

function text(metric, value) {
  if (value === null || value === undefined) {
    return "–";
  }
  const plain = unscaled(metric, value);
  return metric.unit === "fraction" ? (100 * plain).toFixed(2) + "%" : rounded(plain);
}

function rounded(value) {
  return value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

function signed(value, digits) {
  const plain = Math.abs(value).toFixed(digits);
  return Number(plain) === 0 ? plain : (value < 0 ? "−" : "+") + plain;
}

function line(name, cell, metric, index, a, b, basis) {
  const from = a.quality[index];
  const to = b.quality[index];
  const known = from !== null && to !== null && from !== undefined && to !== undefined;
  const speed = a[basis] && b[basis] ? 100 * (b[basis] / a[basis] - 1) : null;
  // Of two means of fresh seeds: their difference scatters by sd sqrt(1 / n + 1 / m).
  const sd = known ? (to - from) / metric.sd : null;
  const usual = 1.96 * Math.sqrt(1 / a.n + 1 / b.n);
  const better = sd === null || sd === 0 ? null : sd > 0 === (metric.direction === "higher");
  const word = sd === null ? ["–", "none"] : Math.abs(sd) <= usual ? ["within noise", "none"] : better ? ["▲ better", "odd"] : ["▼ worse", "bad"];
  return { name, cell, metric, a, b, from, to, sd, speed, word, basis, first: index === 0 };
}

function lines() {
  const [a, b] = [place("side-a").value, place("side-b").value];
  const wanted = place("filter-cell").value.trim().toLowerCase();
  const least = Number(place("filter-sd").value) || 0;
  const leastSpeed = Number(place("filter-speed").value) || 0;
  const basis = place("filter-basis").value;
  const found = [];
  const everything = [];
  let shared = 0;
  for (const [name, cell] of Object.entries(data.cells)) {
    if (!cell.at[a] || !cell.at[b]) {
      continue;
    }
    shared += 1;
    const metrics = cell.metrics.length ? cell.metrics : [{ name: "–", unit: "", scale: "linear", direction: "higher", sd: 1 }];
    const all = metrics.map((metric, index) => line(name, cell, metric, index, cell.at[a], cell.at[b], basis));
    everything.push(...all);
    if (!name.toLowerCase().includes(wanted)) {
      continue;
    }
    const moved = Math.max(0, ...all.map((each) => Math.abs(each.sd ?? 0)));
    const speed = Math.abs(all[0].speed ?? 0);
    const asked = least > 0 || leastSpeed > 0;
    if (!asked || (least > 0 && moved >= least) || (leastSpeed > 0 && speed >= leastSpeed)) {
      found.push({ name, all, moved, speed });
    }
  }
  const keys = { cell: (x) => x.name, sd: (x) => x.moved, speed: (x) => x.speed, size: (x) => x.moved };
  const key = keys[sorted.by];
  found.sort((x, y) => (key(x) < key(y) ? -1 : key(x) > key(y) ? 1 : 0) * (sorted.down ? -1 : 1));
  return { found, shared, all: everything };
}

function put(row, content, className) {
  const cell = document.createElement("td");
  cell.className = className;
  cell.textContent = content;
  row.append(cell);
  return cell;
}

function rowOf(each) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  if (each.first && each.cell.page) {
    const link = document.createElement("a");
    link.href = each.cell.page;
    link.textContent = each.name;
    head.append(link);
  } else if (each.first) {
    head.textContent = each.name;
  } else {
    head.innerHTML = '<span class="unseen"></span>';
    head.firstChild.textContent = each.name;
  }
  row.append(head);
  put(row, each.metric.name, "");
  put(row, text(each.metric, each.from), "number");
  put(row, text(each.metric, each.to), "number");
  put(row, each.sd === null ? "–" : signed(each.sd, 1), "number strong");
  put(row, each.word[0], "word tone-" + each.word[1]);
  const speeds = [each.a[each.basis], each.b[each.basis]].map((speed) => (speed ? rounded(speed) : "–"));
  put(row, each.first ? speeds.join(" → ") : "", "number");
  put(row, each.first ? (each.speed === null ? "–" : signed(each.speed, 1) + "%") : "", "number strong");
  put(row, each.first ? each.a.n + " / " + each.b.n : "", "number");
  return row;
}

function show() {
  const { found, shared, all } = lines();
  place("comparison").tBodies[0].replaceChildren(...found.flatMap((item) => item.all.map(rowOf)));
  const hidden = shared - found.length;
  const compared = all.filter((each) => each.sd !== null);
  const outside = compared.filter((each) => each.word[1] !== "none").length;
  place("summary").textContent = shared
    ? found.length + " of " + shared + " shared cells shown" + (hidden ? ", " + hidden + " filtered out" : "") + ". Of all " +
      compared.length + " differences of quality " + outside + " lie outside the noise; without any change " +
      (0.05 * compared.length).toFixed(1) + " would."
    : "These two have no cell in common.";
  const kept = controls.filter((id) => id.startsWith("side-") || !["", "0"].includes(place(id).value)).map((id) => [id, place(id).value]);
  const chosen = new URLSearchParams(kept).toString();
  history.replaceState(null, "", "#" + chosen);
}

function sortBy(name) {
  sorted = { by: name, down: sorted.by === name ? !sorted.down : name !== "cell" };
  for (const button of document.querySelectorAll("[data-sort]")) {
    const head = button.closest("th");
    head.removeAttribute("aria-sort");
    if (button.dataset.sort === name) {
      head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
    }
  }
  show();
}

offerSides();
choose();
for (const id of controls) {
  place(id).addEventListener("input", show);
}
place("controls").addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll("[data-sort]")) {
  button.addEventListener("click", () => sortBy(button.dataset.sort));
}
show();
