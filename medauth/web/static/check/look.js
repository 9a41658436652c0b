// How it looks: light and dark, portrait and landscape, calm where movement is not wanted.

const CSS = `
:host {
  --ink: #16202e; --soft: #5a6879; --paper: #ffffff; --edge: #d9e0e8; --accent: #1f5eff; --on-accent: #ffffff;
  --good: #0a7d4f; --bad: #a63a00; --round: 22px;
  display: block; container-type: inline-size; color: var(--ink);
  font: 400 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
:host([hidden]) { display: none; }
@media (prefers-color-scheme: dark) {
  :host { --ink: #eef2f7; --soft: #a5b2c2; --paper: #151c26; --edge: #2c3848; --accent: #7ea6ff; --on-accent: #0b1220;
    --good: #58d6a0; --bad: #ffab73; }
}
* { box-sizing: border-box; margin: 0; }
[hidden] { display: none !important; }
.frame {
  position: relative; overflow: hidden; max-width: 30rem; margin-inline: auto; background: var(--paper);
  border: 1px solid var(--edge); border-radius: var(--round); box-shadow: 0 1px 2px #0b12200f, 0 16px 40px -16px #0b122038;
}
.panel { display: grid; gap: 1rem; padding: clamp(1.25rem, 6cqi, 2.25rem); }
.panel > .badge { width: 5.5rem; height: 5.5rem; color: var(--accent); }
.panel.done > .badge { color: var(--good); }
.panel.failed > .badge, .panel.done.not_passed > .badge { color: var(--bad); }
h2 { font-size: clamp(1.35rem, 6cqi, 1.7rem); line-height: 1.2; font-weight: 650; letter-spacing: -0.015em; text-wrap: balance; }
h2:focus { outline: none; }
p { color: var(--soft); text-wrap: pretty; }
ul { display: grid; gap: 0.5rem; padding: 0; list-style: none; color: var(--soft); }
li { display: grid; grid-template-columns: 1.4rem 1fr; }
li::before { content: ""; width: 0.5rem; height: 0.5rem; margin-top: 0.5em; border-radius: 50%; background: var(--accent); }
button, select { font: inherit; color: inherit; }
button { min-height: 3rem; padding: 0.6rem 1.4rem; border: 0; border-radius: 999px; font-weight: 600; cursor: pointer;
  background: var(--accent); color: var(--on-accent); }
button.quiet { background: transparent; color: inherit; border: 1px solid currentColor; min-height: 2.75rem; padding: 0.4rem 1.1rem; }
button:hover { filter: brightness(1.08); }
:is(button, select, input):focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
.live :is(button, select, input):focus-visible { outline-color: #ffffff; }
label { display: flex; align-items: center; gap: 0.6rem; min-height: 2.75rem; cursor: pointer; }
label.choice { display: grid; gap: 0.25rem; color: var(--soft); font-size: 0.9rem; }
input[type="checkbox"] { width: 1.25rem; height: 1.25rem; accent-color: var(--accent); }
select { width: 100%; min-height: 2.75rem; padding: 0.4rem 0.75rem; border: 1px solid var(--edge); border-radius: 12px;
  background: var(--paper); color: var(--ink); }
.test { padding: 0.5rem 1rem; background: repeating-linear-gradient(45deg, #ffd54a 0 1rem, #ffe58a 1rem 2rem); color: #2a1a00; font-weight: 650; text-align: center; }
.live { background: #0b1017; color: #f5f8fc; }
.stage { position: relative; overflow: hidden; aspect-ratio: 4 / 5; max-height: max(16rem, 100svh - 17.5rem); width: 100%; background: #05080c; }
video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; transform: scaleX(-1); }
.oval { position: absolute; inset: 0; margin: auto; height: 82%; aspect-ratio: 3 / 4; max-width: 88%; }
.oval::before { content: ""; position: absolute; inset: 1.2%; border-radius: 50%; box-shadow: 0 0 0 100vmax #0b1017b3; }
.oval svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.oval ellipse { fill: none; stroke-width: 1.6; vector-effect: none; }
.oval .track { stroke: #ffffff59; }
.oval .way { stroke: #7fe0b4; stroke-linecap: round; stroke-dasharray: 0 1; transform: rotate(-90deg); transform-origin: center; transition: stroke-dasharray 0.4s ease; }
.oval.warns .track { stroke: #ffc56b; }
.hint { position: absolute; left: 50%; top: 1rem; transform: translateX(-50%); width: max-content; max-width: calc(100% - 2rem);
  padding: 0.4rem 1rem; border-radius: 999px; background: #ffc56b; color: #2a1a00; font-weight: 600; text-align: center; }
.cover { position: absolute; inset: 0; display: grid; place-items: center; padding: 2rem; text-align: center; background: #0b1017d9;
  color: #f5f8fc; font-size: 1.15rem; font-weight: 600; text-wrap: balance; }
.prompt { display: grid; grid-template-columns: auto 1fr; align-items: center; gap: 0.25rem 1rem; min-height: 8.25rem; padding: 1rem 1.25rem; }
.prompt svg { width: 5.5rem; height: 5.75rem; grid-row: span 2; }
.prompt .text { font-size: clamp(1.25rem, 6cqi, 1.6rem); line-height: 1.2; font-weight: 650; letter-spacing: -0.01em; color: inherit; align-self: end; text-wrap: balance; }
.prompt .count { font-size: 0.9rem; color: #b4c0ce; align-self: start; }
.prompt .digits { grid-column: 2; margin: 0; color: inherit; font-size: clamp(2.2rem, 11cqi, 3.6rem); line-height: 1.1; font-weight: 750; letter-spacing: 0.06em; font-variant-numeric: tabular-nums; white-space: nowrap; }
.prompt .digits ~ .count { grid-column: 2; }
.prompt.alone .text { grid-column: 1 / -1; align-self: center; text-align: center; }
.prompt.fresh svg, .prompt.fresh .text { animation: come 0.25s ease-out; }
.tools { display: flex; align-items: center; justify-content: space-between; gap: 1rem; padding: 0 1.25rem 1.25rem; }
svg :is(path, ellipse, circle) { fill: none; stroke: currentColor; stroke-width: 3; stroke-linecap: round; stroke-linejoin: round; }
svg .dot { fill: currentColor; stroke: none; }
svg .move { stroke: #7fb2ff; stroke-width: 3.6; }
.live.lit { position: fixed; inset: 0; z-index: 2147483647; display: grid; grid-template: 1fr auto / 1fr; place-items: center; background: var(--light); color: #16202e; }
.lit .stage { width: min(100%, 54svh, 30rem); height: auto; min-height: 0; max-height: none; aspect-ratio: 4 / 5; background: var(--light); grid-row: auto; }
.lit .oval::before { box-shadow: 0 0 0 100vmax var(--light); }
.lit .oval .track { stroke: #16202e59; }
.lit .oval .way { stroke: #0a7d4f; }
.lit .tools { display: none; }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@keyframes come { from { opacity: 0; transform: translateY(6px); } }
@media (orientation: landscape) and (max-height: 560px) {
  .frame:has(.live:not([hidden])) { max-width: 52rem; }
  .live { display: grid; grid-template-columns: minmax(0, 1.15fr) minmax(15rem, 1fr); grid-template-rows: 1fr auto; }
  .stage { grid-row: span 2; aspect-ratio: 4 / 3; max-height: calc(100svh - 2rem); height: 100%; min-height: 16rem; }
  .prompt { grid-template-columns: 1fr; align-content: center; }
  .prompt svg { grid-row: auto; }
}
@media (prefers-reduced-motion: reduce) {
  .prompt.fresh svg, .prompt.fresh .text { animation: none; }
  .oval .way { transition: none; }
}
@media (forced-colors: active) {
  button { border: 1px solid ButtonText; }
  .oval .way { stroke: Highlight; }
}
`;

export function dress(root) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];
}
