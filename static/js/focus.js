// What went wrong is the first thing read: the summary of errors takes the focus when the page comes, or its part of it.
const look = (root) => root.querySelector?.("[data-focus]")?.focus();

look(document);
document.addEventListener("htmx:afterSwap", (event) => look(event.target));
