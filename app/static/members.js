/* Members of a group: drag a license, or all ticked ones, to the other list. Without a mouse: tick them and use the button; or Alt with an arrow key on a license. */
(function () {
  "use strict";
  var lists = document.querySelectorAll("[data-drop]"), from = null;
  function send(list, item) {
    var form = list.querySelector("form"), button = form && form.querySelector("[data-move]"), box = item.querySelector("input[name=license]");
    if (!button || !box || box.disabled) { return; }
    if (!box.checked) { form.querySelectorAll("input[name=license]").forEach(function (other) { other.checked = other === box; }); }
    button.click();
  }
  lists.forEach(function (list) {
    list.querySelectorAll("li[draggable]").forEach(function (item) {
      item.addEventListener("dragstart", function (e) {
        from = { list: list, item: item };
        e.dataTransfer.effectAllowed = "move";
        e.dataTransfer.setData("text/plain", item.textContent.trim());
        item.classList.add("is-dragged");
      });
      item.addEventListener("dragend", function () { item.classList.remove("is-dragged"); lists.forEach(function (l) { l.classList.remove("is-target"); }); from = null; });
      item.addEventListener("keydown", function (e) {
        if (e.altKey && (e.key === "ArrowRight" || e.key === "ArrowLeft") && (e.key === "ArrowRight") === (list.dataset.drop === "in")) { e.preventDefault(); send(list, item); }
      });
    });
    list.addEventListener("dragover", function (e) { if (from && from.list !== list) { e.preventDefault(); list.classList.add("is-target"); } });
    list.addEventListener("dragleave", function (e) { if (!list.contains(e.relatedTarget)) { list.classList.remove("is-target"); } });
    list.addEventListener("drop", function (e) { e.preventDefault(); if (from && from.list !== list) { send(from.list, from.item); } });
  });
}());
