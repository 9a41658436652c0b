// Plots of one check over a common time axis. uPlot draws; what was asked when is shaded behind the curves.
const place = document.querySelector("#plots");
const style = getComputedStyle(document.documentElement);
const ink = style.getPropertyValue("--ink").trim();
const soft = style.getPropertyValue("--soft").trim();
const edge = style.getPropertyValue("--edge").trim();
const HEIGHT = 170;
const sync = uPlot.sync("check");

const response = await fetch(place.dataset.course, { headers: { Accept: "application/json" } });
if (response.ok) draw(await response.json());
else place.querySelector("p").textContent = "The curves could not be opened.";

function draw(course) {
  place.replaceChildren();
  if (!course.panels.length) place.append(text("p", "No curve was kept."));
  const plots = course.panels.map((panel) => plotOf(panel, course));
  const width = () => Math.max(280, place.clientWidth);
  new ResizeObserver(() => plots.forEach((plot) => plot.setSize({ width: width(), height: HEIGHT }))).observe(place);
}

function plotOf(panel, course) {
  const box = document.createElement("div");
  box.className = "plot";
  box.setAttribute("role", "group");
  const name = panel.unit ? `${panel.title}, in ${panel.unit}` : panel.title;
  box.setAttribute("aria-label", name);
  box.append(text("h3", name));
  place.append(box);
  const axis = { stroke: soft, grid: { stroke: edge, width: 1 }, ticks: { stroke: edge, width: 1 }, font: "12px system-ui" };
  const digits = (value) => (value === null || value === undefined ? "–" : value.toFixed(Math.abs(value) < 10 ? 2 : 0));
  const options = {
    width: Math.max(280, place.clientWidth),
    height: HEIGHT,
    cursor: { sync: { key: sync.key } },
    scales: { x: { time: false, range: (_, low, high) => [Math.max(0, low), high] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => `${tick} s`) }, { ...axis, size: 56 }],
    series: [
      { label: "time", value: (_, at) => (at === null ? "–" : `${at.toFixed(2)} s`) },
      ...panel.curves.map(({ name: label, colour }) => ({
        label,
        stroke: colour === "#000000" ? ink : colour,
        width: 1.6,
        spanGaps: false,
        points: { show: false },
        value: (_, value) => digits(value),
      })),
    ],
    hooks: { drawClear: [(plot) => shade(plot, panel, course)] },
  };
  // All plots run from the check's beginning to its end, also where a signal was measured for a part of it.
  const first = panel.times[0] > 0 ? [0] : [];
  const last = panel.times.at(-1) < course.ends ? [course.ends] : [];
  const nothing = (times) => times.map(() => null);
  const padded = panel.curves.map(({ values }) => [...nothing(first), ...values, ...nothing(last)]);
  return new uPlot(options, [[...first, ...panel.times, ...last], ...padded], box);
}

function shade(plot, panel, course) {
  const { ctx, bbox } = plot;
  const at = (second) => plot.valToPos(second, "x", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const step of course.steps) {
    ctx.fillStyle = step.outcome === "answered" ? "#0072b222" : "#d55e0033";
    ctx.fillRect(at(step.from), bbox.top, at(step.to) - at(step.from), bbox.height);
    ctx.fillStyle = soft;
    ctx.font = `${11 * devicePixelRatio}px system-ui`;
    ctx.fillText(step.name.replaceAll("_", " "), at(step.from) + 4, bbox.top + 13 * devicePixelRatio);
  }
  ctx.fillStyle = soft;
  if (panel.signal === "blink") for (const blink of course.blinks) ctx.fillRect(at(blink), bbox.top, 2, bbox.height);
  if (panel.signal === "light") for (const { at: shown } of course.colours) ctx.fillRect(at(shown), bbox.top, 2, bbox.height);
  ctx.restore();
}

function text(tag, words) {
  const element = document.createElement(tag);
  element.textContent = words;
  return element;
}
