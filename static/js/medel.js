/* Small comforts. Everything works without this file; nothing here decides anything. */
(() => {
  "use strict";

  // The error summary takes the focus, so that a screen reader begins with what must be changed.
  const focusErrors = (root) => root.querySelector("[data-error-summary]")?.focus();

  // An opened panel closes on Escape (the focus returns to its button) and when the focus or a click goes elsewhere.
  const panels = () => document.querySelectorAll("details[data-unfold][open]");
  const closeOthers = (target) => panels().forEach((panel) => { if (!panel.contains(target)) panel.open = false; });
  document.addEventListener("click", (event) => closeOthers(event.target));
  document.addEventListener("focusin", (event) => closeOthers(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    panels().forEach((panel) => {
      panel.open = false;
      if (panel.contains(document.activeElement)) panel.querySelector("summary").focus();
    });
  });

  // A second click on the same button within a second is the same click.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent && event.timeStamp - Number(form.dataset.sent) < 1000) { event.preventDefault(); return; }
    form.dataset.sent = String(event.timeStamp);
  });

  document.addEventListener("DOMContentLoaded", () => focusErrors(document));
  document.addEventListener("htmx:afterSwap", (event) => focusErrors(event.target));
})();
