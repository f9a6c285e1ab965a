"use strict";

// What several charts of the page have in common.
const lists = JSON.parse(document.getElementById("lists")?.textContent ?? "[]");

// Puts the lists, the values and the style sheet's colours into a figure: {"$list": 0} is the first list,
// {"$whole": [125], "digits": 2} is [1.25], "--ink" a variable's name.
function coloured(value, style) {
  if (typeof value === "string") {
    return value.startsWith("--") ? style.getPropertyValue(value).trim() : value;
  }
  if (Array.isArray(value)) {
    return value.map((item) => coloured(item, style));
  }
  if (value !== null && typeof value === "object") {
    if ("$list" in value) {
      return lists[value.$list];
    }
    if ("$whole" in value) {
      return value.$whole.map((whole) => whole / 10 ** value.digits);
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, style)]));
  }
  return value;
}

function draw() {
  if (typeof Plotly === "undefined") {
    return;
  }
  const style = getComputedStyle(document.documentElement);
  for (const source of document.querySelectorAll("script[data-plot]")) {
    const place = document.getElementById(source.dataset.plot);
    const figure = coloured(JSON.parse(source.textContent), style);
    place.querySelector(".plot-wait")?.remove();
    Plotly.react(place, figure.data, figure.layout, { displayModeBar: false, showTips: false });
    if (place.dataset.drawn === undefined) {
      place.dataset.drawn = "";
      new ResizeObserver(() => Plotly.Plots.resize(place)).observe(place);
      place.on("plotly_click", (event) => {
        const page = event.points[0]?.customdata;
        if (typeof page === "string") {
          location.href = page;
        }
      });
    }
  }
}

function offerCopies() {
  if (!navigator.clipboard) {
    return;
  }
  for (const command of document.querySelectorAll(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy: " + command.querySelector(".label").textContent);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    command.append(button);
  }
}

draw();
offerCopies();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
// A chart is drawn for the screen; paper gets it at paper's width.
addEventListener("beforeprint", draw);
