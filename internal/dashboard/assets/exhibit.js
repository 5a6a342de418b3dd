// What pages are nicer with, and need not: regions that need no scrolling are no
// stop of the keyboard, and what is under way says how it goes.
"use strict";

function regions() {
  for (const r of document.querySelectorAll(".scroll[tabindex]")) {
    const scrolls = r.scrollWidth > r.clientWidth || r.scrollHeight > r.clientHeight;
    r.tabIndex = scrolls ? 0 : -1;
  }
}

// An element with data-follow is taken again from that address, of this server,
// until what comes has no data-follow any more.
async function follow(el) {
  const url = new URL(el.dataset.follow, location.href);
  if (url.origin !== location.origin) return;
  const answer = await fetch(url, { credentials: "same-origin", headers: { "X-Part": el.id } }).catch(() => null);
  if (answer && answer.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = el.id && page.getElementById(el.id);
    if (!next) return;
    if (next.innerHTML !== el.innerHTML) el.replaceChildren(...next.childNodes);
    if (!next.dataset.follow) {
      delete el.dataset.follow;
      return;
    }
  }
  setTimeout(() => follow(el), 2000);
}

// Where the navigation is one line, the item of this page is in sight.
function here() {
  const nav = document.querySelector("nav.main"), item = nav && nav.querySelector("[aria-current]");
  if (item && nav.scrollWidth > nav.clientWidth) nav.scrollLeft = item.offsetLeft - (nav.clientWidth - item.offsetWidth) / 2;
}

regions();
here();
addEventListener("resize", regions);
for (const el of document.querySelectorAll("[data-follow]")) setTimeout(() => follow(el), 1000);
