// The console works without this; with it, some parts are fetched again without leaving the page.
// No text of a visitor ever becomes markup here: the front door escapes what it sends.
"use strict";

// A part that cannot be fetched any more (signed out, erased) sends the whole page there.
document.addEventListener("htmx:responseError", (event) => {
  const address = event.detail.xhr.getResponseHeader("HX-Redirect");
  if (address) location.assign(address);
});

// Lists: j and k walk from case to case, whose link Enter then opens, or from group to group. A switch of the page turns
// them off, for people who speak to their computer; the browser remembers it.
const KEYS_OFF = "mobilis-console-keys-off";
const WALKED = "[data-walk]";

document.addEventListener("keydown", (event) => {
  const step = { j: 1, k: -1 }[event.key];
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (!step || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (localStorage.getItem(KEYS_OFF)) return;
  const links = [...document.querySelectorAll(WALKED)];
  const row = document.activeElement.closest(`tr, ${WALKED}`);
  const here = links.indexOf(row?.matches(WALKED) ? row : row?.querySelector(WALKED));
  const next = here < 0 ? links.at(step > 0 ? 0 : -1) : links[here + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
});

const showSwitches = () => {
  for (const label of document.querySelectorAll("[data-keys]")) {
    label.hidden = false;
    label.querySelector("input").checked = !localStorage.getItem(KEYS_OFF);
  }
};

document.addEventListener("change", (event) => {
  if (!event.target.closest("[data-keys]")) return;
  if (event.target.checked) localStorage.removeItem(KEYS_OFF);
  else localStorage.setItem(KEYS_OFF, "1");
});
// A form that went away with what it was about: go on at what has taken its place.
document.addEventListener("htmx:afterSettle", () => {
  if (document.activeElement === document.body) document.querySelector("[data-land]")?.focus();
});
document.addEventListener("htmx:afterSettle", showSwitches);
showSwitches();
