// Pictograms: one line drawing of a face, changed by what is asked for. Left is where a mirror shows the person's left.

const SVG = "http://www.w3.org/2000/svg";
const HEAD = ["ellipse", { cx: 48, cy: 50, rx: 24, ry: 30 }];
const EYES = [["circle", { cx: 39, cy: 45, r: 2.6, class: "dot" }], ["circle", { cx: 57, cy: 45, r: 2.6, class: "dot" }]];
const MOUTH = ["path", { d: "M40 64 H56" }];
const arrow = (d) => ["path", { d, class: "move" }];

const FACES = {
  blink: [HEAD, ["path", { d: "M33 45 q6 6 12 0 M51 45 q6 6 12 0", class: "move" }], MOUTH],
  smile: [HEAD, ...EYES, ["path", { d: "M36 60 q12 14 24 0", class: "move" }]],
  raise_brows: [HEAD, ...EYES, MOUTH, ["path", { d: "M33 35 q6 -6 12 -1 M51 34 q6 -5 12 1", class: "move" }], arrow("M39 14 v-9 M35.5 8.5 l3.5 -3.5 l3.5 3.5 M57 14 v-9 M53.5 8.5 l3.5 -3.5 l3.5 3.5")],
  open_mouth: [HEAD, ...EYES, ["ellipse", { cx: 48, cy: 66, rx: 7, ry: 8.5, class: "move" }]],
  turn_left: turned(),
  turn_right: turned(),
  look_up: nodded(-9, "M48 14 v-11 M43 7.5 l5 -5 l5 5"),
  look_down: nodded(9, "M48 84 v9 M43 88.5 l5 5 l5 -5"),
  tilt_left: tilted(),
  tilt_right: tilted(),
  closer: [HEAD, ...EYES, MOUTH, arrow("M14 24 l-8 -8 M6 23 v-7 h7 M82 24 l8 -8 M90 23 v-7 h-7 M14 76 l-8 8 M6 77 v7 h7 M82 76 l8 8 M90 77 v7 h-7")],
  farther: [HEAD, ...EYES, MOUTH, arrow("M6 14 l9 9 M15 16 v7 h-7 M90 14 l-9 9 M81 16 v7 h7 M6 86 l9 -9 M15 84 v-7 h-7 M90 86 l-9 -9 M81 84 v-7 h7")],
  profile_left: inProfile(),
  profile_right: inProfile(),
  hand_across: [HEAD, ...EYES, ["path", { d: "M58 92 V70 V56 a3 3 0 0 1 6 0 V68 V50 a3 3 0 0 1 6 0 V68 V52 a3 3 0 0 1 6 0 V69 V58 a3 3 0 0 1 6 0 V80 q0 8 -6 12", class: "move" }], arrow("M44 88 H14 M20 82 l-6 6 l6 6")],
  say_digits: [HEAD, ...EYES, ["ellipse", { cx: 48, cy: 66, rx: 6, ry: 5, class: "move" }], arrow("M80 56 q5 9 0 18 M87 51 q9 14 0 28")],
};
const MIRRORED = new Set(["turn_right", "tilt_right", "profile_right"]);

function turned() {
  return [
    HEAD,
    ["circle", { cx: 32, cy: 44, r: 2.6, class: "dot" }],
    ["circle", { cx: 47, cy: 44, r: 2.6, class: "dot" }],
    ["path", { d: "M38 47 l-5 9 h5" }],
    ["path", { d: "M34 65 H47" }],
    arrow("M22 86 C14 82 8 74 5 64 M1.5 70 L5 63 L11.5 67"),
  ];
}

function inProfile() {
  return [
    ["path", { d: "M62 24 C44 16 28 24 29 38 L22 51 H28 L29 60 C30 68 34 73 42 72 L44 80 M62 24 C72 32 72 52 62 62 L62 80" }],
    ["circle", { cx: 37, cy: 42, r: 2.6, class: "dot" }],
    ["path", { d: "M30 62 H37" }],
    arrow("M20 92 C42 99 66 97 80 84 M26 86.5 L19.5 92 L26 96.5 M72.5 85 L80.5 83.5 L80.5 91.5"),
  ];
}

function nodded(by, d) {
  return [
    HEAD,
    ["circle", { cx: 39, cy: 45 + by, r: 2.6, class: "dot" }],
    ["circle", { cx: 57, cy: 45 + by, r: 2.6, class: "dot" }],
    ["path", { d: `M40 ${62 + by} H56` }],
    arrow(d),
  ];
}

function tilted() {
  return [["g", { transform: "rotate(-20 48 74)" }, [HEAD, ...EYES, MOUTH]], arrow("M66 12 C52 4 34 5 20 15 M20.5 7 L19.5 15.5 L28 15.5")];
}

export function pictogram(action) {
  const svg = drawn("svg", { viewBox: "0 0 96 100", "aria-hidden": "true", focusable: "false" });
  const parts = FACES[action] ?? [HEAD, ...EYES, MOUTH];
  const face = drawn("g", MIRRORED.has(action) ? { transform: "translate(96 0) scale(-1 1)" } : {}, parts);
  svg.append(face);
  return svg;
}

export function drawn(name, attributes, children = []) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  for (const [child, of, inner] of children) element.append(drawn(child, of, inner));
  return element;
}
