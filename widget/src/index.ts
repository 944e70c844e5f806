// What the script tag loads. It defines the element of the chat.

class MobilisChat extends HTMLElement {}

if (!customElements.get("mobilis-chat")) customElements.define("mobilis-chat", MobilisChat);
