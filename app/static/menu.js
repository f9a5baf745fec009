/* Drag the entries of the menu; the arrows beside them do the same by keyboard. */
(function () {
  "use strict";
  // of an entry's form, only the field that its kind needs
  var kind = document.querySelector('.form-card select[name="kind"]');
  function fit() {
    ["page", "form", "address"].forEach(function (name) {
      var input = document.getElementById(name), field = input && input.closest(".field");
      if (field) { field.classList.toggle("is-off", kind.value !== name); }
    });
  }
  if (kind) { kind.addEventListener("change", fit); fit(); }
  // and only pages and entries of its language
  var language = document.querySelector('.form-card select[name="language"]');
  function speak() {
    document.querySelectorAll(".form-card option[data-language]").forEach(function (option) {
      option.hidden = option.disabled = option.dataset.language !== language.value;
      if (option.disabled && option.selected) { option.parentNode.value = ""; }
    });
  }
  if (language) { language.addEventListener("change", speak); speak(); }

  var tree = document.querySelector("[data-menu]"), dragged = null;
  if (!tree) { return; }
  function target(event) { return event.target.closest("[data-entry]"); }
  function clear() { tree.querySelectorAll(".is-over").forEach(function (row) { row.classList.remove("is-over"); }); }
  tree.querySelectorAll(".menu-delete").forEach(function (button) { button.setAttribute("aria-label", button.dataset.verb + ": " + button.closest(".menu-row").querySelector("b").textContent); });
  tree.addEventListener("dragstart", function (event) { dragged = target(event); dragged.classList.add("is-dragged"); event.dataTransfer.effectAllowed = "move"; event.dataTransfer.setData("text/plain", dragged.dataset.entry); });
  tree.addEventListener("dragend", function () { if (dragged) { dragged.classList.remove("is-dragged"); } dragged = null; clear(); });
  tree.addEventListener("dragover", function (event) {
    var row = target(event);
    if (!dragged || !row || row === dragged || dragged.contains(row)) { return; }
    event.preventDefault(); clear(); row.classList.add("is-over");
  });
  tree.addEventListener("drop", function (event) {
    var row = target(event);
    if (!dragged || !row || row === dragged || dragged.contains(row)) { return; }
    event.preventDefault();
    var box = row.querySelector(".menu-row").getBoundingClientRect(), inner = row.parentNode !== tree, hasOwn = dragged.querySelector("ol [data-entry]");
    if (inner && hasOwn) { return; }
    // far right on an entry of the first level: below it; else before or after it
    if (!inner && !hasOwn && event.clientX > box.left + 120 && event.clientY > box.top + box.height / 3) { row.querySelector("ol").append(dragged); }
    else if (event.clientY < box.top + box.height / 2) { row.before(dragged); } else { row.after(dragged); }
    save();
  });
  function save() {
    var order = [].slice.call(tree.querySelectorAll("[data-entry]")).map(function (row) {
      var above = row.parentNode.closest("[data-entry]");
      return [Number(row.dataset.entry), above ? Number(above.dataset.entry) : null];
    });
    var form = document.createElement("form");
    form.method = "post"; form.action = tree.dataset.order;
    [["csrf_token", tree.dataset.token], ["order", JSON.stringify(order)]].forEach(function (pair) {
      var input = document.createElement("input");
      input.type = "hidden"; input.name = pair[0]; input.value = pair[1]; form.append(input);
    });
    document.body.append(form); form.submit();
  }
}());
