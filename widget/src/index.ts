// What the script tag loads: defines the element, puts one into the page unless the page has its own,
// and lets the page's own buttons open it.
import { MobilisChat } from "./element";

const NAME = "mobilis-chat";
const OPENS = "[data-mobilis-open]";
const script = document.currentScript as HTMLScriptElement | null;

/** Where something is missing, the page stays as it is: its plain links go on working. */
function isSupported(): boolean {
  return "adoptedStyleSheets" in Document.prototype && "HTMLDialogElement" in window;
}

function begin(): void {
  if (customElements.get(NAME)) return; // the line stands there twice
  const found = document.querySelector<MobilisChat>(NAME);
  const chat = found ?? (document.createElement(NAME) as MobilisChat);
  for (const [key, value] of Object.entries(script?.dataset ?? {})) chat.dataset[key] ??= value;
  if (script?.src) MobilisChat.home = new URL(".", script.src).href;
  customElements.define(NAME, MobilisChat);
  if (!found) document.body.append(chat);
  document.addEventListener("click", openFrom);
}

function openFrom(event: MouseEvent): void {
  const button = (event.target as Element | null)?.closest?.<HTMLElement>(OPENS);
  const chat = document.querySelector<MobilisChat>(NAME);
  const isSpecial = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  if (!button || !chat?.shadowRoot || event.defaultPrevented || isSpecial) return;
  event.preventDefault();
  const intent = button.dataset.mobilisOpen;
  chat.open(intent === "true" ? "" : intent); // as some libraries write an empty attribute
}

if (isSupported()) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
}
