/* Forms with lines that can be added and removed, fields that depend on another, filtered choices. Needs jQuery. */
(function ($) {
  "use strict";

  // lines: "data-row-add" copies the last one under the next number; the last line is emptied instead of removed
  function renumber(row, from, to) {
    row.attr("data-row", to).find("[id],[name],[for],[aria-describedby]").addBack().each(function () {
      var node = this;
      ["id", "name", "for", "aria-describedby"].forEach(function (name) {
        var value = node.getAttribute(name);
        if (value) { node.setAttribute(name, value.replace("_" + from + "_", "_" + to + "_")); }
      });
    });
  }
  function empty(row) {
    row.find(":input").val("").removeAttr("aria-invalid aria-describedby");
    row.find(".has-error").removeClass("has-error");
    row.find(".field-error").remove();
  }
  $(document).on("click", "[data-row-add]", function () {
    var body = $("[data-rows='" + $(this).data("row-add") + "'] tbody"), rows = body.children("[data-row]"), next = 0;
    rows.each(function () { next = Math.max(next, +this.getAttribute("data-row") + 1); });
    var row = rows.last().clone();
    empty(row);
    renumber(row, rows.last().attr("data-row"), next);
    body.append(row);
    row.find(":input").first().trigger("focus");
  });
  $(document).on("click", "[data-row-remove]", function () {
    var row = $(this).closest("[data-row]"), rows = row.siblings("[data-row]");
    $(this).closest("form").trigger("change");
    if (rows.length) { row.remove(); rows.last().find("[data-row-remove]").trigger("focus"); } else { empty(row); }
  });

  // a price is entered only where the choice is "priced"
  $("select[data-priced]").each(function () {
    var choice = $(this), price = $("#" + choice.data("priced"));
    function show() { price.prop("disabled", choice.val() !== "priced"); }
    choice.on("change", show); show();
  });

  // options of one field that depend on the value of another: data-only="12 15" on the option's line
  $("[data-depends]").each(function () {
    var box = $(this), source = $("#" + box.data("depends"));
    function show() {
      var value = source.val();
      box.find("[data-only]").each(function () {
        var fits = String($(this).data("only")).split(" ").indexOf(value) >= 0;
        $(this).prop("hidden", !fits).find(":input").prop("disabled", !fits);
      });
      box.find("[data-none]").prop("hidden", box.find("[data-only]:not([hidden])").length > 0);
    }
    source.on("change", show); show();
  });
}(jQuery));
