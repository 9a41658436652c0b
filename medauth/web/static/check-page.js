// The session stands behind the # of the address: it is read here, shown to no server, and taken out of the address bar.
const KEPT = "medauth-check-page";
const given = location.hash.slice(1);
let session = given;
try {
  if (given) sessionStorage.setItem(KEPT, given);
  else session = sessionStorage.getItem(KEPT) ?? "";
} catch {
  // Storage may be switched off: then a reload asks for the address again.
}
if (given) history.replaceState(null, "", location.pathname + location.search);
const check = document.querySelector("medauth-check");
const locale = new URLSearchParams(location.search).get("locale");
if (locale) check.setAttribute("locale", locale);
check.addEventListener("done", () => (document.querySelector(".after").hidden = false));
check.setAttribute("session", session);
