// Verifies a bundle in this browser, then asks the server how it stands in log and chain. The bundle itself goes nowhere.
import { InputError, verify } from "/auditor/verifier.mjs";

const WORDS = { holds: "✓ holds", fails: "✗ fails", skipped: "– skipped" };
const find = (selector) => document.querySelector(selector);
const state = find("#state");
let latest = 0;

find("#bundle").addEventListener("change", ({ target }) => target.files[0] && examine(target.files[0]));
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    find("#drop").classList.add("over");
  });
}
document.addEventListener("dragleave", () => find("#drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  find("#drop").classList.remove("over");
  if (event.dataTransfer.files[0]) examine(event.dataTransfer.files[0]);
});

async function examine(file) {
  const turn = ++latest;
  for (const id of ["#here", "#there"]) find(id).hidden = true;
  state.textContent = `Verifying ${file.name} …`;
  try {
    const own = find("#trust").files[0];
    const trust = own ? await own.text() : await text("/auditor/trust.json");
    const found = await verify(await file.text(), trust);
    if (turn !== latest) return;
    show("#here", found.steps);
    const whose = own ? "by your trust file" : "by what this server says of itself";
    find("#found").textContent = `${found.holds ? "Everything that can be checked here holds" : "It does not hold"}, ${whose}. Record ${found.recordId}.`;
    state.textContent = found.holds ? "The bundle holds. Asking the server …" : "The bundle does not hold.";
    if (found.holds) await hold(found.recordId, turn);
  } catch (error) {
    if (turn !== latest) return;
    state.textContent = error instanceof InputError ? `No bundle or trust file: ${error.message}` : `Not verified: ${error.message}`;
  }
}

async function hold(recordId, turn) {
  const answer = await fetch(`/auditor/records/${encodeURIComponent(recordId)}`, { headers: { Accept: "application/json" } });
  const told = await answer.json();
  if (turn !== latest) return;
  if (!answer.ok) {
    state.textContent = `The bundle holds; this server says of it: ${told.title}.`;
    return;
  }
  show("#there", told.audit.steps);
  const revoked = told.revoked ? ` Revoked ${told.revoked}: the evidence is intact, the record stands no more.` : "";
  find("#standing").textContent = `Leaf ${told.leaf_index} of log ${told.log}; ${told.standing}.${revoked}`;
  const fails = told.audit.steps.some((step) => step.state === "fails");
  state.textContent = fails ? "The bundle holds, and this server's own record does not." : "The bundle holds, and so does this server's record.";
}

function show(id, steps) {
  const rows = steps.map((step) => {
    const row = document.createElement("tr");
    const mark = document.createElement("span");
    mark.className = `badge ${step.state}`;
    mark.textContent = WORDS[step.state];
    for (const part of [step.name, mark, step.text]) {
      const cell = document.createElement("td");
      cell.append(part);
      row.append(cell);
    }
    return row;
  });
  find(`${id} tbody`).replaceChildren(...rows);
  find(id).hidden = false;
}

async function text(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
  return answer.text();
}
