// "Live since 12:03:22" is said in the reader's own zone.
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

document.querySelectorAll("time[data-clock]").forEach((time) => {
  time.textContent = clock.format(new Date(time.dateTime));
});
