/* Draws the chart of the evaluation table in the page's colours, and saves it as a picture. Without it the table says the same. */
(function () {
  "use strict";
  var box = document.querySelector("[data-chart]");
  if (!box || !window.echarts) { return; }
  var data = JSON.parse(box.dataset.chart), chart = null;
  var palette = ["#0f6a6e", "#c77d1a", "#4a5bb5", "#9c4a86", "#3d8f5a", "#a3282f", "#6c7a89", "#2b8fbd", "#8a6d3b", "#7b4fb0", "#5f8f2f", "#c2577a"];
  // as the browser computes it: a canvas knows no variables
  function colour(name) {
    box.style.color = "var(" + name + ")";
    var found = getComputedStyle(box).color;
    box.style.color = "";
    return found;
  }
  function draw() {
    var text = colour("--text-2"), line = colour("--border");
    if (chart) { chart.dispose(); }
    chart = window.echarts.init(box, null, { renderer: "canvas" });
    chart.setOption({
      color: palette, animation: false, textStyle: { fontFamily: "Inter Variable, sans-serif", color: text },
      tooltip: { trigger: "axis" }, legend: { type: "scroll", bottom: 0, textStyle: { color: text }, show: data.series.length > 1 },
      grid: { left: 8, right: 16, top: 16, bottom: data.series.length > 1 ? 36 : 8, containLabel: true },
      xAxis: { type: "category", data: data.along, axisLabel: { color: text }, axisLine: { lineStyle: { color: line } } },
      yAxis: { type: "value", axisLabel: { color: text }, splitLine: { lineStyle: { color: line } } },
      series: data.series.map(function (one) { return { name: one.name, type: data.kind, data: one.data, connectNulls: false, barMaxWidth: 44 }; })
    });
  }
  draw();
  window.addEventListener("resize", function () { chart.resize(); });
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  var save = document.querySelector("[data-chart-save]");
  if (save) {
    save.hidden = false;
    save.addEventListener("click", function () {
      var background = colour("--surface");
      var link = document.createElement("a");
      link.href = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: background });
      link.download = save.dataset.chartSave;
      link.click();
    });
  }
})();
