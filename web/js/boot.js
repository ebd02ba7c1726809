// Loaded before the modules of the page: when one of the page's files cannot be loaded, as while the
// server restarts, it says so and loads the page again once the server answers.

(() => {
  const RETRY_MS = 2_000;
  let isWaiting = false;

  async function reloadOnceThereIsAServer() {
    const words = document.getElementById("starting");
    words.hidden = false;
    words.textContent = "The server cannot be reached; this page starts as soon as it answers.";
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      try {
        if ((await fetch("/healthz", { cache: "no-store" })).ok) return location.reload();
      } catch {
        // It is still away.
      }
    }
  }

  // Errors of files do not bubble; those of scripts have the window as their target.
  window.addEventListener(
    "error",
    ({ target }) => {
      if (isWaiting || !["SCRIPT", "LINK"].includes(target?.nodeName)) return;
      isWaiting = true;
      if (document.body) reloadOnceThereIsAServer();
      else document.addEventListener("DOMContentLoaded", reloadOnceThereIsAServer);
    },
    true,
  );
})();
