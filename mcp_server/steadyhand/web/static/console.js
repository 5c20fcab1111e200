// What the console does beside htmx: clocks that tick, charts, and a plain word when the service is silent.
"use strict";

const pad = (n) => String(n).padStart(2, "0");
const clock = (date) => `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;

function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} days`;
}

function tick() {
  const now = Date.now();
  for (const one of document.querySelectorAll("time[data-age]")) {
    one.textContent = `${span((now - Date.parse(one.dateTime)) / 1000)} ago`;
    one.title = one.dateTime;
  }
  for (const one of document.querySelectorAll("time[data-until]")) {
    one.textContent = `in ${span((Date.parse(one.dateTime) - now) / 1000)}`;
  }
}

// Charts: one per signal of the evidence page, its onset marked.

const INK = { text: "#a4b3c1", grid: "#1f2934", line: "#7cc0ff", onset: "#f2c14e" };

function onsetMark(onset) {
  return (plot) => {
    if (onset === null) return;
    const x = plot.valToPos(onset, "x", true);
    const { left, top, width, height } = plot.bbox;
    if (x < left || x > left + width) return;
    plot.ctx.save();
    plot.ctx.strokeStyle = plot.ctx.fillStyle = INK.onset;
    plot.ctx.lineWidth = 2 * devicePixelRatio;
    plot.ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, top);
    plot.ctx.lineTo(x, top + height);
    plot.ctx.stroke();
    plot.ctx.restore();
  };
}

function short(value, unit) {
  if (value === null) return "";
  if (unit === "share") return `${+(value * 100).toPrecision(3)} %`;
  const size = Math.abs(value);
  for (const [least, letter] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (size >= least) return `${+(value / { G: 1e9, M: 1e6, k: 1e3 }[letter]).toPrecision(3)}${letter}`;
  }
  return `${+value.toPrecision(3)}`;
}

function axes(unit) {
  const shared = { stroke: INK.text, font: "11px system-ui, sans-serif", grid: { stroke: INK.grid, width: 1 }, ticks: { show: false } };
  return [
    { ...shared, size: 24, space: 80, values: (_, ticks) => ticks.map((at) => clock(new Date(at * 1000)).slice(0, 5)) },
    { ...shared, size: 52, space: 28, values: (_, ticks) => ticks.map((value) => short(value, unit)) },
  ];
}

function heading(chart) {
  const title = document.createElement("h3");
  const id = document.createElement("a");
  id.className = "id";
  id.href = `#e-${chart.item}`;
  id.textContent = chart.item;
  const words = document.createElement("span");
  words.textContent = chart.title;
  const unit = document.createElement("span");
  unit.className = "faint";
  unit.textContent = chart.unit === "share" ? "%" : chart.unit;
  title.append(id, words, unit);
  return title;
}

function drawChart(box, chart) {
  const holder = document.createElement("div");
  holder.className = "chart";
  holder.append(heading(chart));
  box.append(holder);
  const canvas = document.createElement("div");
  canvas.role = "img";
  const began = chart.onset === null ? "no onset" : `onset at ${clock(new Date(chart.onset * 1000))} UTC`;
  canvas.setAttribute("aria-label", `${chart.title}, ${began}`);
  holder.append(canvas);
  const options = {
    width: Math.max(holder.clientWidth, 200),
    height: 130,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(0, low), high * 1.1 || 1] } },
    axes: axes(chart.unit),
    series: [{}, { stroke: INK.line, width: 1.8, points: { show: false } }],
    hooks: { draw: [onsetMark(chart.onset)] },
  };
  const plot = new uPlot(options, [chart.times, chart.values], canvas);
  new ResizeObserver(() => plot.setSize({ width: Math.max(holder.clientWidth, 200), height: 130 })).observe(holder);
}

async function drawCharts() {
  const box = document.querySelector("[data-charts]:not([data-drawn])");
  if (box === null) return;
  box.dataset.drawn = "yes";
  const answer = await fetch(box.dataset.charts, { credentials: "same-origin" });
  if (!answer.ok) {
    delete box.dataset.drawn;
    return;
  }
  const { charts } = await answer.json();
  box.replaceChildren();
  for (const chart of charts) drawChart(box, chart);
}

// What is open stays open, and what is shown is never taken for fresh when it is not.

function keepOpen(event) {
  const target = event.detail.target;
  if (!target) return;
  const open = [...target.querySelectorAll("details[open][id]")].map((one) => one.id);
  queueMicrotask(() => open.forEach((id) => document.getElementById(id)?.setAttribute("open", "")));
}

let heardAt = new Date();

function heard(event) {
  const silent = event.type !== "htmx:afterRequest" || !event.detail.successful;
  const banner = document.getElementById("stale");
  if (!silent) heardAt = new Date();
  document.getElementById("stale-since").textContent = `${clock(heardAt)} UTC`;
  banner.hidden = !silent;
}

document.addEventListener("DOMContentLoaded", () => {
  tick();
  setInterval(tick, 1000);
  drawCharts();
  document.body.addEventListener("htmx:oobBeforeSwap", keepOpen);
  document.body.addEventListener("htmx:oobAfterSwap", () => { tick(); drawCharts(); });
  for (const name of ["htmx:afterRequest", "htmx:sendError", "htmx:timeout"]) document.body.addEventListener(name, heard);
});
