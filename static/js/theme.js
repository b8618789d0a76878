// The theme changes at once and is told to the server in the background, so that nothing typed is lost to a reload.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const theme = event.submitter.value;
  document.documentElement.dataset.theme = theme;
  document.querySelectorAll("[data-theme-form] button").forEach((button) => {
    button.setAttribute("aria-pressed", String(button.value === theme));
  });
  const body = new FormData(form);
  body.set("theme", theme);
  fetch(form.action, { method: "POST", body, redirect: "manual" });
}, true);
