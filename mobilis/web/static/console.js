// The console works without this; with it, some parts are fetched again without leaving the page.
// No text of a visitor ever becomes markup here: the front door escapes what it sends.
"use strict";

// A part that cannot be fetched any more (signed out, erased) sends the whole page there.
document.addEventListener("htmx:responseError", (event) => {
  const address = event.detail.xhr.getResponseHeader("HX-Redirect");
  if (address) location.assign(address);
});
