// The local pages of `mobilis dev`: what was typed goes out of the field at once, and the newest
// stays in view unless one reads above it. Without this, the pages work by reloading.
"use strict";

const NEAR = 200; // pixels from the end that count as its end
let atEnd = true;

const toEnd = () => {
  const log = document.querySelector("[role=log]");
  if (log) log.scrollTop = log.scrollHeight;
};

document.addEventListener("htmx:beforeSwap", () => {
  const log = document.querySelector("[role=log]");
  atEnd = !log || log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
});
document.addEventListener("htmx:afterSettle", () => {
  if (atEnd) toEnd();
});
// Its values are already gathered.
document.addEventListener("htmx:beforeSend", (event) => {
  if (event.target.matches("form.say")) event.target.reset();
});
toEnd();
