// Keeps the page up to date and opens forms as dialogs. Without this script
// everything works by loading pages.
"use strict";

(() => {
  const late = new Map(); // regions that wait until the reader leaves a field

  function swap(part) {
    const region = document.getElementById(part.name);
    if (!region || region.dataset.hash === part.hash) return;
    const active = document.activeElement;
    const inside = region.contains(active);
    if (inside && active.matches("input, select, textarea")) {
      late.set(part.name, part);
      return;
    }
    const scrolls = [...region.querySelectorAll(".scroll[id]")].map((e) => [e.id, e.scrollLeft]);
    region.innerHTML = part.html;
    region.dataset.hash = part.hash;
    for (const [id, left] of scrolls) {
      const again = document.getElementById(id);
      if (again) again.scrollLeft = left;
    }
    if (inside && active.id) document.getElementById(active.id)?.focus({ preventScroll: true });
  }

  document.addEventListener("focusout", () => setTimeout(() => {
    const parts = [...late.values()];
    late.clear();
    parts.forEach(swap);
  }));

  // A hidden page lets go of its connection, of which a browser has few.
  const address = document.body.dataset.events;
  const live = document.getElementById("live");
  let source = null;
  let over = false;

  function say(on, words) {
    live.hidden = false;
    live.classList.toggle("on", on);
    live.textContent = words;
  }

  function follow() {
    if (source || over || document.hidden) return;
    source = new EventSource(new URL(address, location.origin));
    source.onopen = () => say(true, "Live");
    source.onerror = () => say(false, "Connection lost, trying again");
    source.addEventListener("region", (e) => swap(JSON.parse(e.data)));
    source.addEventListener("over", () => {
      over = true;
      leave();
      live.hidden = true;
      document.querySelector(".notice")?.remove(); // what was done is old news
    });
  }

  function leave() {
    source?.close();
    source = null;
  }

  if (address) {
    follow();
    document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", follow);
  }

  const dialog = document.getElementById("dialog");

  async function open(link) {
    const answer = await fetch(new URL(link.pathname, location.origin), { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = page.getElementById("form");
    if (!answer.ok || !form) {
      location.assign(link.href);
      return;
    }
    dialog.replaceChildren(form);
    dialog.showModal();
  }

  document.addEventListener("click", (e) => {
    if (e.ctrlKey || e.metaKey || e.shiftKey || e.button !== 0) return;
    const link = e.target.closest("a[data-dialog]");
    if (link) {
      e.preventDefault();
      open(link).catch(() => location.assign(link.href));
    }
    if (e.target.closest("dialog a[data-close]")) {
      e.preventDefault();
      dialog.close();
    }
  });
})();
