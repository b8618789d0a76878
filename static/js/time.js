// Moments say how long ago they were, and on hover exactly when, in the zone that the reader chose, or the browser's.
const lang = document.documentElement.lang;
const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
const exact = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "medium", timeZone: document.documentElement.dataset.zone });
const steps = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

function words(moment) {
  let amount = (moment - Date.now()) / 1000;
  if (Math.abs(amount) < 45) return null;
  for (const [unit, size] of steps) {
    if (Math.abs(amount) < size) return relative.format(Math.round(amount), unit);
    amount /= size;
  }
}

function tell() {
  document.querySelectorAll("time[data-when]").forEach((time) => {
    const moment = new Date(time.dateTime);
    time.title = exact.format(moment);
    time.textContent = words(moment) ?? time.textContent;
  });
}

tell();
setInterval(tell, 30_000);
document.addEventListener("htmx:afterSwap", tell);
