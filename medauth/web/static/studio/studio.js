// Uploads a recording or some seconds of the camera, waits for the findings and shows them over the recording as it plays.
import { Findings } from "./findings.js";

const find = (id) => document.getElementById(id);
const root = find("studio");
const FILM_MS = 10_000;
const POLL_MS = 700;
let take = null;
let recorder = null;

find("file").addEventListener("change", ({ target }) => target.files[0] && look(target.files[0]));
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    find("drop").classList.add("over");
  });
}
document.addEventListener("dragleave", () => find("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  find("drop").classList.remove("over");
  if (event.dataTransfer.files[0]) look(event.dataTransfer.files[0]);
});
find("record").addEventListener("click", film);
find("stop").addEventListener("click", () => (recorder ? recorder.stop() : stop()));

async function film() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { width: { ideal: 640 }, height: { ideal: 480 } } });
  } catch {
    say("The camera cannot be opened. Allow it for this page, or close what else uses it.");
    return;
  }
  const camera = find("camera");
  camera.srcObject = stream;
  camera.hidden = false;
  await camera.play().catch(() => {});
  const parts = [];
  recorder = new MediaRecorder(stream, { mimeType: "video/webm;codecs=vp8", videoBitsPerSecond: 4_000_000 });
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  recorder.addEventListener("stop", () => {
    clearTimeout(timer);
    recorder = null;
    for (const track of stream.getTracks()) track.stop();
    camera.hidden = true;
    camera.srcObject = null;
    look(new Blob(parts, { type: "video/webm" }));
  });
  recorder.start();
  const timer = setTimeout(() => recorder?.stop(), FILM_MS);
  busy(true);
  say("Filming …");
}

async function look(file) {
  if (!file.size || file.size > Number(root.dataset.most)) {
    say("This file is empty or too large.");
    return;
  }
  busy(true);
  say("Uploading …");
  try {
    const answer = await ask(`/studio/takes?detector=${encodeURIComponent(find("detector").value)}`, { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
    take = answer.id;
    const done = await wait();
    if (!done) return;
    const found = await ask(`/studio/takes/${take}/result.json`);
    const annotated = found.film ? `/studio/takes/${take}/annotated.webm` : "";
    await new Findings(found, file, annotated).show();
    say("Done.");
  } catch (error) {
    say(error.message);
  } finally {
    busy(false);
  }
}

async function wait() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (!take) return false;
    const told = await ask(`/studio/takes/${take}`);
    if (told.state === "done") return true;
    if (told.state === "failed") throw new Error(`${told.trouble}; expected: ${told.expected}`);
    const bar = find("progress");
    if (told.whole_ms) [bar.max, bar.value] = [told.whole_ms, told.t_ms];
    else bar.removeAttribute("value");
    say(told.stage === "film" ? "Drawing the annotated film …" : told.t_ms === undefined ? "Looking …" : `Looking, ${(told.t_ms / 1000).toFixed(1)} s …`);
  }
}

async function stop() {
  const mine = take;
  take = null;
  if (mine) await ask(`/studio/takes/${mine}`, { method: "DELETE" }).catch(() => {});
  say("Stopped; nothing of it is kept.");
}

async function ask(address, { headers = {}, ...options } = {}) {
  const answer = await fetch(address, { ...options, headers: { Accept: "application/json", "X-CSRF": root.dataset.csrf, ...headers } });
  if (answer.status === 204) return null;
  const told = await answer.json();
  if (!answer.ok) throw new Error([told.title, told.detail].filter(Boolean).join(": "));
  return told;
}

function busy(on) {
  find("record").disabled = find("file").disabled = find("detector").disabled = on;
  find("stop").hidden = find("progress").hidden = !on;
}

function say(words) {
  find("state").textContent = words;
}
