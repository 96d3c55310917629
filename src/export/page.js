"use strict";
const sound = document.getElementById("recording");
const search = document.getElementById("search");
const found = document.getElementById("found");
const turns = Array.from(document.querySelectorAll(".turn"));
const words = Array.from(document.querySelectorAll("span[data-t]"), (word) => [Number(word.dataset.t), word]);
words.sort((a, b) => a[0] - b[0]);

if (sound) {
  document.querySelector("main").addEventListener("click", (event) => {
    const said = event.target.closest("[data-t]");
    // Whoever marks text to copy it does not want to hear it.
    if (said && getSelection().isCollapsed) {
      sound.currentTime = Number(said.dataset.t);
      sound.play().catch(() => {});
    }
  });
  let now = null;
  sound.addEventListener("timeupdate", () => {
    let [low, high] = [0, words.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (words[middle][0] <= sound.currentTime) { low = middle + 1; } else { high = middle; }
    }
    const spoken = low > 0 ? words[low - 1][1] : null;
    if (spoken !== now) {
      if (now) { now.classList.remove("now"); }
      if (spoken) { spoken.classList.add("now"); }
      now = spoken;
    }
  });
}

let hits = [];
let shown = -1;
search.addEventListener("input", () => {
  const wanted = search.value.trim().toLocaleLowerCase();
  hits = turns.filter((turn) => wanted && turn.textContent.toLocaleLowerCase().includes(wanted));
  shown = -1;
  const isHit = new Set(hits);
  for (const turn of turns) {
    turn.classList.toggle("hit", isHit.has(turn));
    turn.classList.toggle("miss", wanted !== "" && !isHit.has(turn));
  }
  found.textContent = wanted ? `${hits.length} found` : "";
});
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && hits.length > 0) {
    shown = (shown + (event.shiftKey ? -1 : 1) + hits.length) % hits.length;
    if (shown < 0) { shown = 0; }
    hits[shown].scrollIntoView({ block: "center" });
    found.textContent = `${shown + 1} of ${hits.length}`;
  }
});
