// Frames of pages of export_html: as high as they ask to be, in the theme around them.
(() => {
  const root = document.documentElement;
  const frames = () => document.querySelectorAll("iframe.live-page");

  function wearTheme(frame) {
    const { theme } = root.dataset;
    if (theme) frame.contentWindow.postMessage({ theme }, "*");
  }

  window.addEventListener("message", ({ source, data }) => {
    for (const frame of frames()) {
      if (frame.contentWindow !== source || !data?.spikingPageHeight) continue;
      frame.style.height = `${data.spikingPageHeight}px`;
      wearTheme(frame);
    }
  });
  new MutationObserver(() => frames().forEach(wearTheme))
    .observe(root, { attributeFilter: ["data-theme"] });
})();
