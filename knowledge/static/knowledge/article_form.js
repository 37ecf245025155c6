// The article's form: a preview that follows what is typed, and an index light that waits for the index.
// Everything also works without this file; then there is no preview, and the light is that of the last load.
"use strict";

const PAUSE_MS = 300;
const POLL_MS = 2000;

const editor = document.querySelector(".desk-editor");
if (editor) {
  const form = editor.closest("form");
  const page = editor.querySelector(".desk-preview");
  const toggle = editor.querySelector(".desk-toggle");
  const note = editor.querySelector("[role=status]");
  const shown = ["title", "summary", "body_md"].map((name) => form.elements[name]).filter(Boolean);
  let timer = 0;
  let running = null;

  const show = async () => {
    if (page.hidden) return;
    running?.abort();
    running = new AbortController();
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    for (const field of shown) body.set(field.name, field.value);
    try {
      const answer = await fetch(editor.dataset.previewUrl, { method: "POST", body, signal: running.signal });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      page.innerHTML = await answer.text(); // cleaned by the server, as the article's page is
      note.textContent = "";
    } catch (error) {
      if (error.name !== "AbortError") note.textContent = "The preview is not up to date: the server did not answer.";
    }
  };

  toggle.addEventListener("click", () => {
    page.hidden = !page.hidden;
    toggle.setAttribute("aria-expanded", String(!page.hidden));
    toggle.textContent = page.hidden ? "Show the preview" : "Hide the preview";
    show();
  });
  // A link of the preview must not leave what is being written.
  page.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link) link.target = "_blank";
  });
  for (const field of shown) {
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(show, PAUSE_MS);
    });
  }
  page.hidden = toggle.hidden = false;
  show();
}

const light = document.getElementById("desk-index");
if (light?.dataset.state === "waiting") {
  const polling = setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(light.dataset.url);
      if (!answer.ok || answer.redirected) return;
      const now = await answer.json();
      if (now.state === "waiting") return;
      light.innerHTML = now.html;
      clearInterval(polling);
    } catch {
      // The server is away for a moment: the next look asks again.
    }
  }, POLL_MS);
}
