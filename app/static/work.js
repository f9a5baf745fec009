/* Behaviours of the work screens: progress of a running job, selects that act at once, sums while amounts are typed, preview of a number pattern.
   Every page works without it: there is a reload link, a button, and the server computes again. */
(function () {
  "use strict";

  // a job that is being done: ask every two seconds, say it (aria-live), and load the page anew when it has finished
  document.querySelectorAll("[data-progress]").forEach(function (box) {
    var text = box.querySelector("[data-progress-text]"), bar = box.querySelector("[data-progress-bar]"), wait = 2000;
    function show(state) {
      if (text.textContent !== state.text) { text.textContent = state.text; }
      if (bar) { bar.hidden = state.percent === null; bar.firstElementChild.style.width = (state.percent || 0) + "%"; bar.setAttribute("aria-valuenow", state.percent || 0); }
    }
    function ask() {
      fetch(box.dataset.progress, { headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "error" })
        .then(function (answer) { if (!answer.ok) { throw new Error(String(answer.status)); } return answer.json(); })
        .then(function (state) { show(state); if (state.going) { setTimeout(ask, wait); } else { location.reload(); } })
        .catch(function () { wait = Math.min(wait * 2, 30000); setTimeout(ask, wait); });
    }
    if (bar) { bar.firstElementChild.style.width = (bar.dataset.percent || 0) + "%"; }
    setTimeout(ask, wait);
  });

  // a select that shows something else as soon as it is changed
  document.querySelectorAll("form[data-at-once]").forEach(function (form) {
    var button = form.querySelector("button[type=submit]");
    if (button) { button.hidden = true; }
    form.addEventListener("change", function () { form.submit(); });
    if (window.jQuery) { window.jQuery(form).on("select2:select", function () { form.submit(); }); }
  });

  // buttons that need ticked rows say so by being disabled; the server checks too
  function ticked() {
    var n = document.querySelectorAll("input.action_check:checked").length;
    document.querySelectorAll("[data-needs-ticked]").forEach(function (button) { button.disabled = n === 0; });
  }
  document.addEventListener("change", ticked);
  document.addEventListener("click", function () { setTimeout(ticked, 0); });
  ticked();

  // amounts of an allocation: whole cents, written as the reader's language writes numbers
  document.querySelectorAll("[data-allocation]").forEach(function (box) {
    var d = box.dataset, group = d.group || "", decimal = d.decimal || ".", form = box.closest("form") || box;
    function cents(value) {
      var text = String(value).trim().split(group === "" ? "\u0000" : group).join("").replace(/[\s\u00a0\u202f]/g, "").replace(decimal, ".");
      if (text === "") { return 0; }
      if (!/^\d+(\.\d{1,2})?$/.test(text)) { return NaN; }
      var parts = text.split(".");
      return parseInt(parts[0], 10) * 100 + parseInt(((parts[1] || "") + "00").slice(0, 2), 10);
    }
    function words(n) {
      try { return new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: d.currency }).format(n / 100).replace("-", "\u2212"); }
      catch (e) { return (n / 100).toFixed(2) + " " + d.currency; }
    }
    function plain(n) { return Math.floor(n / 100) + decimal + ("0" + n % 100).slice(-2); }
    function total() { var field = form.querySelector("[data-amount-total]"); return field ? cents(field.value) : parseInt(d.total, 10); }
    function update() {
      var used = 0, wrong = false;
      box.querySelectorAll("[data-use]").forEach(function (field) {
        var n = cents(field.value), row = field.closest("tr"), tick = row.querySelector("[data-tick]"), bad = isNaN(n) || n > parseInt(field.dataset.open, 10);
        field.setAttribute("aria-invalid", bad ? "true" : "false");
        row.classList.toggle("success", !bad && n > 0);
        if (tick) { tick.checked = n > 0; }
        if (bad) { wrong = true; } else { used += n; }
      });
      var all = total(), left = all - used, broken = wrong || isNaN(all) || left < 0;
      form.querySelectorAll("[data-sum=total]").forEach(function (el) { el.textContent = isNaN(all) ? "–" : words(all); });
      form.querySelectorAll("[data-sum=used]").forEach(function (el) { el.textContent = wrong ? "–" : words(used); });
      form.querySelectorAll("[data-sum=left]").forEach(function (el) { el.textContent = wrong || isNaN(all) ? "–" : words(left); });
      form.querySelectorAll("[data-why]").forEach(function (el) { el.hidden = el.dataset.why !== (wrong ? "wrong" : left < 0 ? "over" : used === 0 ? "nothing" : ""); });
      form.querySelectorAll("[data-clear]").forEach(function (button) { button.disabled = broken || (button.dataset.clear === "some" && used === 0); });
    }
    box.addEventListener("change", function (e) {
      if (!e.target.matches("[data-tick]")) { return; }
      var field = e.target.closest("tr").querySelector("[data-use]"), open = parseInt(field.dataset.open, 10), used = 0;
      field.value = "";
      box.querySelectorAll("[data-use]").forEach(function (other) { used += cents(other.value) || 0; });
      if (e.target.checked) { var n = Math.min(open, Math.max(0, (total() || 0) - used)); field.value = n ? plain(n) : ""; e.target.checked = n > 0; }
      update();
    });
    form.addEventListener("input", function (e) { if (!e.target.matches("[data-tick]")) { update(); } });
    update();
  });

  // a form is sent once; the server has a key too
  document.querySelectorAll("form[data-once]").forEach(function (form) {
    form.addEventListener("submit", function (e) {
      if (form.dataset.sent) { e.preventDefault(); return; }
      form.dataset.sent = "1";
      setTimeout(function () { form.querySelectorAll("button[type=submit]").forEach(function (button) { button.disabled = true; }); }, 0);
    });
  });

  // preview of a number pattern while it is typed
  document.querySelectorAll("[data-pattern-preview]").forEach(function (box) {
    var pattern = document.getElementById("pattern"), yearly = document.getElementById("yearly"), timer = null;
    if (!pattern) { return; }
    function ask() {
      var query = new URLSearchParams({ pattern: pattern.value, yearly: yearly && yearly.checked ? "1" : "0" });
      fetch(box.dataset.patternPreview + "?" + query, { headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "error" })
        .then(function (answer) { return answer.json(); })
        .then(function (found) { box.textContent = found.text; box.classList.toggle("text-bad", !found.fine); })
        .catch(function () { /* the check at saving tells it */ });
    }
    [pattern, yearly].forEach(function (field) { if (field) { field.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(ask, 250); }); } });
    ask();
  });
}());
