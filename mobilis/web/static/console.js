// The console works without this; with it, some parts are fetched again without leaving the page.
// No text of a visitor ever becomes markup here: the front door escapes what it sends.
"use strict";

// A part that cannot be fetched any more (signed out, erased) sends the whole page there.
document.addEventListener("htmx:responseError", (event) => {
  const address = event.detail.xhr.getResponseHeader("HX-Redirect");
  if (address) location.assign(address);
});

// Lists: j and k walk from case to case, whose link Enter then opens, or from group to group; on a
// case, they open the one beside it. A switch of the page turns
// them off, for people who speak to their computer; the browser remembers it.
const KEYS_OFF = "mobilis-console-keys-off";
const WALKED = "[data-walk]";

document.addEventListener("keydown", (event) => {
  const step = { j: 1, k: -1 }[event.key];
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (!step || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (localStorage.getItem(KEYS_OFF)) return;
  document.querySelector(`a[data-key="${event.key}"]`)?.click(); // a case: to the one beside it
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
  for (const told of document.querySelectorAll("[data-scripted]")) told.hidden = false;
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

// A form that was sent for a part of the page and refused shows why, in that part.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (![409, 422].includes(event.detail.xhr.status)) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});

// A live conversation: Enter sends, and the newest message stays in view unless one reads above it.
document.addEventListener("keydown", (event) => {
  if (!event.target.matches("textarea[data-enter]")) return;
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

const NEAR_END = 80; // pixels
let followed = true;
const toEnd = () => {
  const log = document.querySelector("[data-follow]");
  if (log && followed) log.scrollTop = log.scrollHeight;
};
document.addEventListener("htmx:beforeSwap", () => {
  const log = document.querySelector("[data-follow]");
  if (log) followed = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
});
document.addEventListener("htmx:afterSettle", toEnd);
toEnd();
// "Copy the text" is there only where a script can do it. It copies a field, or a part of the page.
const showCopies = () => {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  const told = button.closest(".outside").querySelector("[data-copied]");
  told.textContent = told.dataset.copied;
});
document.addEventListener("htmx:afterSettle", showCopies);
showCopies();
