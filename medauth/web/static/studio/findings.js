// Findings over a recording: what is drawn and told is of the moment that the recording shows.
const find = (id) => document.getElementById(id);
const COLOURS = { neutral: "#8a8f98", happiness: "#c9a400", surprise: "#e69f00", sadness: "#0072b2", fear: "#cc79a7", anger: "#d55e00", disgust: "#009e73", contempt: "#56b4e9" };
const LONG_MS = 400;
let shots = 0;

// The last entry at or before a time.
function at(entries, time, stale = Infinity) {
  let found = null;
  for (const entry of entries) {
    if (entry.t > time + 40) break;
    found = entry;
  }
  return found && time - found.t <= stale ? found : null;
}

function valueAt({ times, values }, time) {
  let index = -1;
  while (index + 1 < times.length && times[index + 1] <= time + 40) index += 1;
  return index < 0 ? null : values[index];
}

export class Findings {
  static current = null;

  constructor(found, file, annotated) {
    Object.assign(this, { found, file, annotated });
    this.still = file.type.startsWith("image/");
  }

  async show() {
    Findings.current?.close();
    Findings.current = this;
    find("findings").hidden = false;
    const [width, height] = this.found.size;
    for (const canvas of [find("over"), find("still")]) [canvas.width, canvas.height] = [width, height];
    find("film").hidden = this.still;
    find("still").hidden = !this.still;
    await (this.still ? this.#showStill() : this.#showFilm());
    this.#tell();
    this.#plot();
    this.#listen();
    this.draw();
  }

  get time() {
    return this.still ? 0 : find("film").currentTime * 1000;
  }

  close() {
    this.gone?.abort();
    cancelAnimationFrame(this.next);
    if (this.url) URL.revokeObjectURL(this.url);
    for (const plot of this.plots ?? []) plot.destroy();
  }

  draw() {
    const time = this.time;
    if (time !== this.drawn || this.again) {
      [this.drawn, this.again] = [time, false];
      this.#paint(time);
      this.#now(time);
    }
    this.next = requestAnimationFrame(() => this.draw());
  }

  async #showStill() {
    this.source = await createImageBitmap(this.file);
    find("still").getContext("2d").drawImage(this.source, 0, 0, ...this.found.size);
  }

  // The recording itself where this browser plays it, else the film that the server drew.
  async #showFilm() {
    const film = find("film");
    this.source = film;
    this.url = URL.createObjectURL(this.file);
    const plays = (address) =>
      new Promise((resolve) => {
        film.onloadeddata = () => resolve(true);
        film.onerror = () => resolve(false);
        film.src = address;
      });
    if (!(await plays(this.url)) && this.annotated) await plays(this.annotated);
    film.onloadeddata = film.onerror = null;
  }

  #listen() {
    this.gone = new AbortController();
    const on = (id, name, act) => find(id).addEventListener(name, act, { signal: this.gone.signal });
    for (const id of ["show-outlines", "show-heat", "show-arrows"]) on(id, "change", () => (this.again = true));
    on("capture", "click", () => this.#capture());
    on("csv", "click", () => this.#save());
  }

  #paint(time) {
    const context = find("over").getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, ...this.found.size);
    const line = Math.max(1.5, this.found.size[0] / 400);
    const look = at(this.found.looks, time, 450);
    if (find("show-heat").checked && look?.heat) paintHeat(context, look);
    const face = at(this.found.faces, time, 250);
    if (face && find("show-outlines").checked) {
      context.strokeStyle = "#39d0ff";
      context.lineWidth = line;
      for (const points of face.outlines) {
        context.beginPath();
        for (let k = 0; k < points.length; k += 2) context.lineTo(points[k], points[k + 1]);
        context.closePath();
        context.stroke();
      }
    }
    if (!find("show-arrows").checked) return;
    for (const event of this.found.movements) {
      if (time < event.onset_ms - LONG_MS || time > event.offset_ms + LONG_MS) continue;
      for (const arrow of event.arrows) paintArrow(context, arrow, 2 * line);
    }
  }

  #now(time) {
    const rows = this.found.emotions
      .map((curve) => [curve.name, valueAt(curve, time)])
      .filter(([, value]) => value !== null)
      .sort(([, a], [, b]) => b - a);
    find("bars").replaceChildren(
      ...rows.map(([name, value]) => {
        const [row, label, bar] = ["li", "span", "meter"].map((tag) => document.createElement(tag));
        label.textContent = `${name} ${value.toFixed(2)}`;
        bar.value = value;
        bar.setAttribute("aria-label", name);
        row.append(label, bar);
        return row;
      }),
    );
    const blinks = this.found.blinks.filter((event) => event.closed_ms <= time).length;
    const look = at(this.found.looks, time, 450);
    find("counts").textContent = `${(time / 1000).toFixed(1)} s · blinks so far ${blinks} of ${this.found.blinks.length}${look ? ` · fake, this frame alone ${look.fake.toFixed(2)}` : ""}`;
    const event = this.found.movements.find(({ onset_ms, offset_ms }) => time >= onset_ms - LONG_MS && time <= offset_ms + LONG_MS);
    const parts = event && Object.entries(event.directions).map(([region, direction]) => `${region} ${direction}`);
    find("movement").textContent = event ? `Short movement (${event.class}): ${parts.join(", ")}` : "";
  }

  #tell() {
    const { summary } = this.found;
    const fake = summary.fake_probability === null ? "not measured" : `fake probability ${summary.fake_probability.toFixed(2)} by ${summary.judged_by}`;
    find("impression").textContent = `${summary.impression}, ${fake}`;
    find("worth").textContent = this.found.worth;
    find("annotated").hidden = !this.annotated;
    find("annotated").href = this.annotated;
    find("annotated").download = "annotated.webm";
    const rows = this.found.readings.map(({ signal, outcome, score_ppm, reason }) => {
      const row = document.createElement("tr");
      for (const words of [signal, outcome, score_ppm === null ? "–" : (score_ppm / 1e6).toFixed(2), reason]) {
        row.append(Object.assign(document.createElement("td"), { textContent: words }));
      }
      return row;
    });
    find("signals").tBodies[0].replaceChildren(...rows);
    this.#tellActions();
  }

  #tellActions() {
    const { actions } = this.found;
    find("actions").hidden = !actions.length;
    find("against").textContent = actions[0]?.against === "own rest" ? "against this face at rest" : "against other people at rest";
    const lines = actions.map(({ time_ms: t, expression, probability, text, not_seen: unseen }) => {
      const when = this.still ? "" : `${(t / 1000).toFixed(1)} s: `;
      const missing = unseen.length ? ` Usual, and not seen: AU ${unseen.join(", ")}.` : "";
      return Object.assign(document.createElement("li"), { textContent: `${when}${expression} ${probability.toFixed(2)}: ${text}.${missing}` });
    });
    find("moments").replaceChildren(...lines);
  }

  #plot() {
    const place = find("plots");
    place.replaceChildren();
    this.plots = [];
    if (this.still) return;
    const style = getComputedStyle(document.documentElement);
    const [soft, edge, ink] = ["--soft", "--edge", "--ink"].map((name) => style.getPropertyValue(name).trim());
    const fakes = { name: "fake, frame by frame", times: this.found.looks.map(({ t }) => t), values: this.found.looks.map(({ fake }) => fake) };
    for (const [title, curves] of [["Expressions", this.found.emotions], ["Eyes open", this.found.eyes], ["Deepfake net", [fakes]]]) {
      if (!curves.length || curves[0].times.length < 2) continue;
      const box = document.createElement("div");
      box.className = "plot";
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", title);
      box.append(Object.assign(document.createElement("h3"), { textContent: title }));
      place.append(box);
      const axis = { stroke: soft, grid: { stroke: edge, width: 1 }, ticks: { stroke: edge, width: 1 } };
      const series = curves.map(({ name }, index) => ({ label: name, stroke: COLOURS[name] ?? [ink, "#d55e00"][index % 2], width: 1.6, points: { show: false }, value: (_, value) => value?.toFixed(2) ?? "–" }));
      const plot = new uPlot(
        {
          width: Math.max(280, place.clientWidth),
          height: 170,
          scales: { x: { time: false } },
          axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => `${tick} s`) }, axis],
          series: [{ label: "time", value: (_, second) => (second === null ? "–" : `${second.toFixed(2)} s`) }, ...series],
        },
        [curves[0].times.map((ms) => ms / 1000), ...curves.map(({ values }) => values)],
        box,
      );
      // A click in a plot leads the recording there.
      plot.over.addEventListener("click", () => (find("film").currentTime = plot.posToVal(plot.cursor.left, "x")));
      this.plots.push(plot);
    }
  }

  #capture() {
    const face = at(this.found.faces, this.time, 500);
    if (!face) {
      find("state").textContent = "There is no face at this moment.";
      return;
    }
    const [left, top, right, bottom] = face.box;
    const wide = Math.max(right - left, bottom - top) * 1.3;
    const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 160 });
    const [scaleX, scaleY] = this.still ? [1, 1] : [find("film").videoWidth / this.found.size[0], find("film").videoHeight / this.found.size[1]];
    const [x, y] = [(left + right - wide) / 2, (top + bottom - wide) / 2];
    const from = this.still ? find("still") : find("film");
    canvas.getContext("2d").drawImage(from, x * scaleX, y * scaleY, wide * scaleX, wide * scaleY, 0, 0, 160, 160);
    shots += 1;
    const [best] = this.found.emotions.map((curve) => [curve.name, valueAt(curve, this.time) ?? 0]).sort(([, a], [, b]) => b - a);
    const words = `Face ${shots}, ${(this.time / 1000).toFixed(1)} s${best ? `, ${best[0]}` : ""}`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", words);
    const link = Object.assign(document.createElement("a"), { textContent: words, href: canvas.toDataURL("image/png"), download: `face-${shots}.png` });
    const item = document.createElement("li");
    item.append(canvas, link);
    find("shots").append(item);
    find("gallery").hidden = false;
  }

  #save() {
    const { emotions, eyes, looks } = this.found;
    const columns = [...emotions, ...eyes, { name: "fake", times: looks.map(({ t }) => t), values: looks.map(({ fake }) => fake) }];
    const times = [...new Set(columns.flatMap((column) => column.times))].sort((a, b) => a - b);
    const tables = columns.map(({ times: when, values }) => new Map(when.map((time, k) => [time, values[k]])));
    const rows = times.map((time) => [time, ...tables.map((table) => table.get(time) ?? "")].join(","));
    const text = [["time_ms", ...columns.map(({ name }) => name.replaceAll(" ", "_"))].join(","), ...rows].join("\n") + "\n";
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "curves.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
  }
}

function paintHeat(context, { heat, place }) {
  const [rows, columns] = [heat.length, heat[0].length];
  const small = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  const picture = new ImageData(columns, rows);
  heat.flat().forEach((value, k) => picture.data.set([255, Math.max(0, 200 - value), 0, value * 0.7], 4 * k));
  small.getContext("2d").putImageData(picture, 0, 0);
  context.setTransform(...place);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0);
  context.setTransform(1, 0, 0, 1, 0, 0);
}

function paintArrow(context, [x0, y0, x1, y1], line) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  context.strokeStyle = context.fillStyle = "#ff3b5c";
  context.lineWidth = line;
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
  context.beginPath();
  for (const turn of [0, 2.5, -2.5]) context.lineTo(x1 + 3 * line * Math.cos(angle + turn), y1 + 3 * line * Math.sin(angle + turn));
  context.fill();
}
