/* Portal: prices follow the chosen tariff, tick all, group members by buttons, menus close. Everything works without it. */
(function () {
  "use strict";
  function all(selector, root) { return [].slice.call((root || document).querySelectorAll(selector)); }

  // the box of prices shows the chosen tariff, and of its services the ticked ones
  all("[data-prices]").forEach(function (box) {
    var choice = document.getElementById(box.getAttribute("data-prices"));
    if (!choice) { return; }
    function show() {
      all("[data-tariff]", box).forEach(function (part) { part.hidden = part.getAttribute("data-tariff") !== choice.value; });
      var offered = all("[data-tariff]:not([hidden]) [data-service]", box).map(function (line) { return line.getAttribute("data-service"); });
      all("[data-services] input[type=checkbox]").forEach(function (tick) {
        var line = offered.indexOf(tick.value) >= 0;
        tick.closest("li, .form-check").hidden = !line;
        if (!line) { tick.checked = false; }
        all('[data-service="' + tick.value + '"]', box).forEach(function (row) { row.hidden = !tick.checked; });
        var price = box.querySelector('[data-tariff]:not([hidden]) [data-service="' + tick.value + '"] dd'), label = tick.parentNode.querySelector("label");
        var said = label.querySelector("span") || label.appendChild(document.createElement("span"));
        said.className = "muted";
        said.textContent = price ? " " + price.textContent : "";
      });
    }
    choice.addEventListener("change", show);
    all("[data-services] input").forEach(function (tick) { tick.addEventListener("change", show); });
    show();
  });

  // tick all rows
  all("[data-several]").forEach(function (form) {
    var head = form.querySelector("[data-all]");
    if (!head) { return; }
    head.hidden = false;
    head.addEventListener("change", function () { all("input[name=license]", form).forEach(function (tick) { tick.checked = head.checked; }); });
  });

  // members of a group: two lists, moved by buttons; sent with “Save members”
  all("[data-members]").forEach(function (form) {
    var inside = form.querySelector("[data-inside]"), outside = form.querySelector("[data-outside]"), find = form.querySelector("[data-find]"), said = form.querySelector("[data-said]");
    form.classList.add("is-live");
    function count() {
      all("[data-count]", form).forEach(function (place) { place.textContent = all("li:not(.none)", place.getAttribute("data-count") === "in" ? inside : outside).length; });
    }
    form.addEventListener("click", function (event) {
      var button = event.target.closest("[data-move]");
      if (!button) { return; }
      var row = button.closest("li"), box = row.querySelector("input[type=checkbox]"), list = row.parentNode, next = (row.nextElementSibling || row.previousElementSibling);
      box.checked = !box.checked;
      (box.checked ? inside : outside).appendChild(row);
      button.textContent = box.checked ? form.getAttribute("data-remove") : form.getAttribute("data-add");
      said.textContent = row.querySelector(".who").firstChild.textContent.trim() + ": " + (box.checked ? form.getAttribute("data-added") : form.getAttribute("data-removed"));
      count();
      var to = next && next.parentNode === list ? next.querySelector("[data-move]") : list.parentNode.querySelector("[tabindex]");
      if (to) { to.focus(); }
    });
    if (find) {
      find.addEventListener("input", function () {
        var text = find.value.trim().toLowerCase();
        all("li", outside).forEach(function (row) { row.hidden = text && row.textContent.toLowerCase().indexOf(text) < 0; });
      });
    }
    count();
  });

  // a form is sent once
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post") { return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", function () { all("form[data-sent]").forEach(function (form) { delete form.dataset.sent; }); });

  // an open menu closes with Escape and with a click beside it
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") { return; }
    all("details.p-who[open], details.p-more[open]").forEach(function (menu) { menu.open = false; menu.querySelector("summary").focus(); });
  });
  document.addEventListener("click", function (event) {
    all("details.p-who[open], details.p-more[open]").forEach(function (menu) { if (!menu.contains(event.target)) { menu.open = false; } });
  });

  var box = document.querySelector(".error-box");
  if (box) { box.focus(); }
}());
