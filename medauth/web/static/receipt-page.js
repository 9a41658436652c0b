// Looks the receipt up with the session that this tab holds, and lets the person save it.
const WORDS = {
  passed: "Passed",
  not_passed: "Not passed",
  rehearsed: "A rehearsal: nothing was decided",
  not_decided: "Ended without an outcome",
  waiting: "Not begun yet",
  running: "Under way",
  erased: "Erased",
};
const state = document.querySelector("#state");
const session = location.hash.slice(1) || held();
if (location.hash) history.replaceState(null, "", location.pathname);
const response = session ? await fetch("/api/v1/receipt", { headers: { Authorization: `Bearer ${session}` } }) : null;
if (response?.ok) show(await response.json());
else state.textContent = "There is no check to show here. Open this page from the check itself.";

function held() {
  try {
    return sessionStorage.getItem("medauth-check-page");
  } catch {
    return null;
  }
}

function show(receipt) {
  const time = (ms) => (ms === null ? "–" : new Date(ms).toLocaleString());
  for (const place of document.querySelectorAll("[data-name]")) {
    const name = place.dataset.name;
    const value = receipt[name];
    place.textContent = name === "outcome" ? (WORDS[value] ?? value) : name.endsWith("_ms") ? time(value) : (value ?? "–");
  }
  state.textContent = receipt.sandbox
    ? "This was a test: nobody was checked."
    : "What this server keeps of your check, without your name.";
  for (const id of ["#receipt", "#rights", "#save"]) document.querySelector(id).hidden = false;
  document.querySelector("#save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = `data:application/json,${encodeURIComponent(JSON.stringify(receipt, null, 2))}`;
    link.download = `receipt-${receipt.check ?? "check"}.json`;
    link.click();
  });
}
