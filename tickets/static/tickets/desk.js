// The ticket page's comforts. Everything also works without this file: the forms are plain posts.
"use strict";

const reply = document.getElementById("desk-reply-text");

document.getElementById("desk-use-draft")?.addEventListener("click", (event) => {
  if (!reply) return;
  event.preventDefault();
  const draft = document.getElementById("desk-draft").textContent;
  reply.value = reply.value.trim() ? `${reply.value.trimEnd()}\n\n${draft}` : draft;
  reply.focus();
  reply.scrollIntoView({ block: "center" });
});

for (const form of document.querySelectorAll("form[data-desk-send]")) {
  let sent = false;
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  // A second click would only be refused as "somebody wrote meanwhile".
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => { sent = false; });
}

document.getElementById("desk-refused")?.focus();
