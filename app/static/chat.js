/* Chat in the portal and at the desk. The server's numbers say what is missing: whatever happens to the connection, the page asks for
   all after the last message it has, and sends again what has no number yet, under the same client id. Without a socket it asks every few seconds. */
(function () {
  "use strict";
  var root = document.querySelector("[data-chat]");
  if (!root) { return; }
  var kind = root.dataset.chat, words = JSON.parse(root.dataset.words), conversation = Number(root.dataset.conversation) || 0, last = Number(root.dataset.last) || 0;
  var log = root.querySelector("[data-chat-log]"), form = root.querySelector("[data-chat-form]"), field = form && form.querySelector("textarea"), status = root.querySelector("[data-chat-status]");
  var who = root.querySelector("[data-chat-who]"), queue = root.querySelector("[data-chat-queue]"), pending = {}, over = false, asking = false, again = false, lastDay = "", readByOther = 0, told = 0;
  var POLL = 4000, CALM = 30000, store = "ptt-chat-" + kind + "-" + (root.dataset.customer || conversation);
  var days = log ? log.querySelectorAll(".chat-day") : [];
  if (days.length) { lastDay = days[days.length - 1].textContent; }

  function say(text) { if (status && status.textContent !== text) { status.textContent = text; } }
  function bottom() { if (log) { log.scrollTop = log.scrollHeight; } }
  function makeId() { var bytes = new Uint8Array(16); crypto.getRandomValues(bytes); return Array.prototype.map.call(bytes, function (b) { return (b + 256).toString(16).slice(1); }).join(""); }
  function keep() { try { sessionStorage.setItem(store, JSON.stringify(Object.keys(pending).filter(function (id) { return pending[id].text; }).map(function (id) { return [id, pending[id].text]; }))); } catch (e) { /* private window */ } }

  /* talking to the server: by the socket when it is there, else by a request */
  var socket = null;
  function up() { return socket !== null && socket.connected; }
  function address(path) { return root.dataset.base + path; }
  function request(url, data) {
    var options = { headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "manual" };
    if (data) { data.append("csrf_token", root.dataset.token); if (root.dataset.customer) { data.append("acts_for", root.dataset.customer); } options.method = "POST"; options.body = data; }
    return fetch(url, options).then(function (answer) {
      if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) { over = true; say(words.over); return { over: true }; }
      if (answer.status >= 500 || answer.status === 429) { throw new Error("later"); }
      return answer.json().catch(function () { over = true; say(words.over); return { over: true }; });      /* a page: the login acts for another customer now */
    });
  }
  function ask(event, data) {
    return new Promise(function (resolve, reject) {
      socket.timeout(6000).emit(event, data, function (error, answer) { if (error || (answer && answer.later)) { reject(error || new Error("later")); } else { resolve(answer); } });
    });
  }
  function values(map) { var data = new FormData(); Object.keys(map).forEach(function (name) { data.append(name, map[name]); }); return data; }

  /* what is there */
  function bubble(item) {
    if (item.day && item.day !== lastDay) { lastDay = item.day; var day = document.createElement("p"); day.className = "chat-day"; day.textContent = item.day; log.appendChild(day); }
    var box = document.createElement("div"), said, time;
    box.className = "msg" + (item.mine ? " me" : "");
    if (item.file) {
      said = document.createElement("a"); said.href = item.file.url; said.setAttribute("download", ""); said.textContent = item.file.name; box.appendChild(said);
      var size = document.createElement("small"); size.textContent = " " + item.file.size; box.appendChild(size);
    } else { said = document.createElement("span"); said.className = "said"; said.textContent = item.text; box.appendChild(said); }
    time = document.createElement("time");
    if (item.iso) { time.dateTime = item.iso; }
    time.textContent = (item.time || "") + (item.author ? " · " + item.author : "");
    box.appendChild(time);
    if (item.number) { box.dataset.number = item.number; }
    log.appendChild(box);
    return box;
  }
  function marks() {
    var mine = log.querySelectorAll(".msg.me[data-number]"), old = log.querySelector(".note.is-read"), shown = null;
    if (old) { old.remove(); }
    Array.prototype.forEach.call(mine, function (box) { if (Number(box.dataset.number) <= readByOther) { shown = box; } });
    if (shown && shown === mine[mine.length - 1]) { var note = document.createElement("span"); note.className = "note is-read"; note.textContent = words.read; shown.appendChild(note); }
  }
  function take(answer) {
    if (!answer || answer.over || answer.error || !answer.messages) { if (answer && answer.error && !answer.over) { say(answer.error); } return; }
    var near = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    answer.messages.forEach(function (item) {
      if (item.number <= last) { return; }
      last = item.number;
      var waits = item.client_id && pending[item.client_id];
      if (waits) { waits.box.remove(); delete pending[item.client_id]; }
      var hint = root.querySelector("[data-chat-hint]");
      if (hint) { hint.remove(); }
      bubble(item);
    });
    Object.keys(pending).forEach(function (id) { log.appendChild(pending[id].box); });
    if (answer.messages.length) { keep(); if (near) { bottom(); } if (typingTimer) { stopTyping(); } }
    readByOther = answer.read;
    marks();
    if (who && kind === "customer") { who.textContent = answer.who; }
    if (answer.closed && kind === "customer") { say(answer.who); if (!Object.keys(pending).length) { conversation = last = told = 0; } }
    if (answer.more) { again = true; }
    read();
  }
  function since() {
    if (!conversation || over) { return; }
    if (asking) { again = true; return; }
    asking = true; again = false;
    var wanted = { conversation: conversation, after: last };
    (up() ? ask("since", wanted) : request(address(conversation + "/since?after=" + last))).then(take, function () { /* asked again soon */ }).then(function () { asking = false; if (again) { since(); } });
  }
  function read() {
    if (!conversation || document.hidden || last <= told || (kind === "staff" && !root.dataset.reads)) { return; }
    told = last;
    var done = up() ? ask("read", { conversation: conversation, number: last }) : request(address(conversation + "/read"), values({ number: last }));
    done.catch(function () { told = 0; });
  }

  /* sending: a message waits until it has a number */
  function deliver(id) {
    var item = pending[id];
    if (!item || item.busy || item.refused) { return; }
    item.busy = true;
    var done;
    if (item.file) { done = request(root.dataset.file, values({ client_id: id, file: item.file })); }
    else if (up() && conversation && item.text.length < 1500) { done = ask("say", { conversation: conversation, client_id: id, text: item.text }); }
    else { done = request(root.dataset.send, values({ client_id: id, text: item.text })); }
    done.then(function (answer) {
      item.busy = false;
      if (answer.over) { item.note.textContent = words.failed; return; }
      if (answer.error) { item.refused = true; item.box.classList.add("is-refused"); item.note.textContent = words.refused + " " + answer.error; if (field && !field.value && item.text) { field.value = item.text; } delete pending[id]; keep(); return; }
      if (answer.conversation && answer.conversation !== conversation) { conversation = answer.conversation; last = told = 0; actions(); open(); }
      since();
    }, function () { item.busy = false; item.note.textContent = words.failed; });
  }
  function actions() {
    var box = document.querySelector("[data-chat-actions]");
    if (!box) { return; }
    [].forEach.call(box.querySelectorAll("a, form"), function (item) { var name = item.tagName === "A" ? "href" : "action"; item.setAttribute(name, item.getAttribute(name).replace(/\/chat\/\d+\//, "/chat/" + conversation + "/")); });
    box.hidden = false;
  }
  function put(id, text, file) {
    var box = bubble({ mine: true, text: file ? file.name : text }), note = document.createElement("span");
    note.className = "note"; note.textContent = words.sending; box.appendChild(note); box.classList.add("is-pending");
    pending[id] = { text: text, file: file, box: box, note: note };
    keep(); bottom(); deliver(id);
  }
  if (form) {
    form.addEventListener("submit", function (event) {
      event.preventDefault(); event.stopImmediatePropagation();
      var text = field.value.trim();
      if (!text || over) { return; }
      field.value = ""; put(makeId(), text, null); field.focus();
    }, true);
    field.addEventListener("keydown", function (event) { if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !answersOpen()) { event.preventDefault(); form.requestSubmit(); } });
    var label = form.querySelector("[data-chat-file]");
    if (label && root.dataset.file) {
      label.hidden = false;
      label.querySelector("input").addEventListener("change", function () { if (this.files.length) { put(makeId(), "", this.files[0]); } this.value = ""; });
    }
  }

  /* canned answers: / and the beginning of a name */
  var answers = root.querySelector("[data-chat-answers]");
  function answersOpen() { return answers && !answers.hidden; }
  if (answers && field) {
    var buttons = [].slice.call(answers.querySelectorAll("button"));
    field.addEventListener("input", function () {
      var match = /^\/([^\s]*)$/.exec(field.value), any = false;
      buttons.forEach(function (button) { var fits = match && button.dataset.name.indexOf(match[1].toLowerCase()) === 0; button.parentNode.hidden = !fits; any = any || fits; });
      answers.hidden = !any;
    });
    answers.addEventListener("click", function (event) { var button = event.target.closest("button"); if (button) { field.value = button.dataset.text; answers.hidden = true; field.focus(); } });
    field.addEventListener("keydown", function (event) {
      if (!answersOpen()) { return; }
      var shown = buttons.filter(function (button) { return !button.parentNode.hidden; });
      if (event.key === "Escape") { answers.hidden = true; }
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); shown[event.key === "ArrowDown" ? 0 : shown.length - 1].focus(); }
      else if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); field.value = shown[0].dataset.text; answers.hidden = true; }
    });
  }

  /* somebody is writing */
  var typingTimer = null, typed = 0;
  function stopTyping() { clearTimeout(typingTimer); typingTimer = null; say(""); }
  if (field) { field.addEventListener("input", function () { if (up() && conversation && Date.now() - typed > 3000) { typed = Date.now(); socket.emit("typing", { conversation: conversation }, function () {}); } }); }

  /* the desk's list */
  function refreshQueue() {
    if (!queue || over) { return; }
    fetch(root.dataset.queue, { credentials: "same-origin", redirect: "manual" }).then(function (answer) { return answer.ok ? answer.text() : Promise.reject(new Error()); }).then(function (html) {
      var focused = queue.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      queue.innerHTML = html;      /* made and escaped by the server */
      var waiting = queue.querySelector("[data-waiting]"), entry = document.querySelector(".nav-sub a[aria-current]"), badge = entry && entry.querySelector(".nav-count"), number = waiting ? waiting.dataset.waiting : "0";
      if (entry && number !== "0" && !badge) { badge = entry.appendChild(document.createElement("span")); badge.className = "nav-count"; }
      if (badge) { if (number === "0") { badge.remove(); } else { badge.textContent = number; } }
      if (focused) { var link = [].slice.call(queue.querySelectorAll("a")).filter(function (a) { return a.getAttribute("href") === focused; })[0]; if (link) { link.focus(); } }
    }).catch(function () { /* asked again soon */ });
  }

  function resend() { Object.keys(pending).forEach(deliver); }
  function open() { if (up() && conversation) { ask("open", { conversation: conversation, after: last }).then(take, since).then(function () { if (again) { since(); } }); } }
  if (window.io) {
    var where = root.dataset.port ? location.protocol + "//" + location.hostname + ":" + root.dataset.port : location.origin;
    socket = window.io(where + "/chat", { path: "/chat/socket", transports: ["websocket"], auth: { as: kind }, reconnectionDelay: 500, reconnectionDelayMax: 8000, withCredentials: true });
    socket.on("connect", function () { say(""); open(); if (queue) { socket.emit("desk", {}, function () {}); refreshQueue(); } resend(); });
    socket.on("changed", function (data) { if (data.conversation === conversation) { since(); } });
    socket.on("desk", refreshQueue);
    socket.on("typing", function (data) { if (data.conversation === conversation && data.staff !== (kind === "staff")) { clearTimeout(typingTimer); say(words.typingOther); typingTimer = setTimeout(stopTyping, 4000); } });
    socket.on("disconnect", function (reason) { if (reason === "io server disconnect") { request(address(conversation ? conversation + "/since?after=" + last : "")).catch(function () {}); } });
  }
  var ticks = 0;
  setInterval(function () {
    ticks += 1;
    if (over || document.hidden || (up() && ticks % Math.round(CALM / POLL))) { return; }
    since(); resend();
    if (queue && (!up() ? ticks % 2 === 0 : true)) { refreshQueue(); }
  }, POLL);
  document.addEventListener("visibilitychange", function () { if (!document.hidden) { since(); read(); } });
  bottom(); read();
  if (root.dataset.closed) { conversation = last = told = 0; }       /* only to be read: the next message begins a new one */
  if (form) {
    try { JSON.parse(sessionStorage.getItem(store) || "[]").forEach(function (pair) { put(pair[0], pair[1], null); }); } catch (e) { /* nothing kept */ }
  }
}());
