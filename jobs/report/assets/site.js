// Draws the charts of a page, and opens its folds for printing. The tables behind the charts need no script.
(function () {
  "use strict";

  // Text and lines take the colour of the page, so that light, dark and paper need no second drawing.
  var line = { domainColor: "currentColor", domainOpacity: 0.4, tickColor: "currentColor", tickOpacity: 0.4 };
  var font = "system-ui, sans-serif";
  var config = {
    background: null,
    font: font,
    view: { stroke: null },
    axis: Object.assign({
      labelColor: "currentColor", titleColor: "currentColor", gridColor: "currentColor", gridOpacity: 0.12,
      labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal"
    }, line),
    legend: { labelColor: "currentColor", titleColor: "currentColor", labelFontSize: 12, titleFontSize: 12,
              titleFontWeight: "normal", symbolSize: 90 },
    header: { labelColor: "currentColor", titleColor: "currentColor", labelFontSize: 12, titleFontSize: 12 },
    title: { color: "currentColor", subtitleColor: "currentColor" },
    style: {
      "guide-label": { fill: "currentColor", font: font, fontSize: 12 },
      "guide-title": { fill: "currentColor", font: font, fontSize: 12, fontWeight: "normal" }
    },
    text: { color: "currentColor", fill: "currentColor", fontSize: 12 },
    rule: { color: "currentColor" },
    // Okabe and Ito's colours that are seen on light and on dark.
    range: { category: ["#0072B2", "#D55E00", "#009E73", "#AA5C8F", "#C77C00", "#56B4E9", "#767676"] }
  };
  var options = {
    actions: false,
    ast: true, // expressions are interpreted: the page's policy forbids to compile them
    config: config,
    defaultStyle: false,
    renderer: "svg",
    tooltip: { theme: "page", disableDefaultStyle: true }
  };

  function draw(box) {
    var spec = JSON.parse(document.getElementById(box.dataset.spec).textContent);
    return window.vegaEmbed(box, spec, options).then(function () {
      box.firstElementChild.setAttribute("aria-hidden", "true"); // one image, told by its sentence: its marks are none
      box.dataset.drawn = "yes";
    }).catch(function (error) {
      box.textContent = "This chart could not be drawn (" + error.message + "). Its numbers are in the table below.";
      console.error(error);
    });
  }

  function drawAll() {
    var boxes = Array.prototype.slice.call(document.querySelectorAll(".drawing[data-spec]"));
    // One after another, so that the page can be scrolled meanwhile.
    return boxes.reduce(function (before, box) {
      return before.then(function () { return draw(box); });
    }, Promise.resolve()).then(function () {
      document.documentElement.dataset.ready = "yes";
    });
  }

  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.prototype.filter.call(document.querySelectorAll("details"), function (fold) { return !fold.open; });
    opened.forEach(function (fold) { fold.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (fold) { fold.open = false; });
  });

  drawAll();
}());
