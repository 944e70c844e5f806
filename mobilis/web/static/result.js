// The button that prints a result: of no use without a script, so a script shows it.
const button = document.getElementById("print");
button.hidden = false;
button.addEventListener("click", () => window.print());
