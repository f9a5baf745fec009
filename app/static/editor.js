/* The editor of pages (TinyMCE, of this host) and its picture picker. Without script the field takes HTML. */
(function () {
  "use strict";
  var field = document.querySelector("textarea[data-editor]"), picker = document.getElementById("picker"), given = window.pttEditor;
  if (!field || !window.tinymce || !given) { return; }
  var chosen = null, list = picker.querySelector("[data-pictures]"), wrong = picker.querySelector("[data-error]");

  function say(text) { wrong.textContent = text || ""; wrong.hidden = !text; }
  function add(picture, first) {
    var button = document.createElement("button"), image = document.createElement("img"), name = document.createElement("span");
    button.type = "button"; image.src = picture.url; image.alt = ""; image.loading = "lazy"; name.textContent = picture.title;
    button.append(image, name);
    button.addEventListener("click", function () { picker.close(); if (chosen) { chosen(picture); } });
    if (first) { list.prepend(button); } else { list.append(button); }
    return button;
  }
  function open(callback) {
    chosen = callback; say(""); list.textContent = "";
    fetch(picker.dataset.list, {headers: {Accept: "application/json"}}).then(function (answer) { return answer.json(); }).then(function (pictures) {
      list.textContent = pictures.length ? "" : list.dataset.empty;
      pictures.forEach(function (picture) { add(picture); });
    }).catch(function (error) { say(String(error)); });
    picker.showModal();
  }
  picker.querySelector("[data-close]").addEventListener("click", function () { picker.close(); });
  picker.querySelector("[data-upload]").addEventListener("submit", function (event) {
    event.preventDefault();
    var form = event.target, data = new FormData(form);
    say("");
    fetch(picker.dataset.add, {method: "POST", body: data, headers: {"X-CSRFToken": picker.dataset.token, Accept: "application/json"}}).then(function (answer) { return answer.json(); }).then(function (picture) {
      if (!picture.url) { say(picture.error || picture.detail); return; }
      form.reset(); picker.close();
      if (chosen) { chosen(picture); }
    }).catch(function (error) { say(String(error)); });
  });

  window.tinymce.addI18n("own", given.words);
  window.tinymce.init({
    target: field, license_key: "gpl", language: "own", promotion: false, branding: false, menubar: false, statusbar: true, elementpath: false, height: 520,
    skin: matchMedia("(prefers-color-scheme: dark)").matches && document.documentElement.dataset.theme !== "light" || document.documentElement.dataset.theme === "dark" ? "oxide-dark" : "oxide",
    content_css: given.css, plugins: "link image lists table code",
    toolbar: "undo redo | blocks looks | bold italic | bullist numlist | link image table boxes | alignleft aligncenter alignright | removeformat code",
    block_formats: "Paragraph=p; Heading 2=h2; Heading 3=h3", paste_data_images: false, automatic_uploads: false, convert_urls: false, image_dimensions: true, image_caption: false, a11y_advanced_options: false,
    link_default_target: "", link_target_list: false, table_appearance_options: false, table_advtab: false, table_cell_advtab: false, table_row_advtab: false, table_default_attributes: {}, table_default_styles: {}, table_sizing_mode: "responsive", object_resizing: false,
    formats: {
      alignleft: {selector: "p,h2,h3,td,th,img,div", classes: "align-left"}, aligncenter: {selector: "p,h2,h3,td,th,img,div", classes: "align-center"}, alignright: {selector: "p,h2,h3,td,th,img,div", classes: "align-right"}
    },
    file_picker_types: "image", file_picker_callback: function (callback) { open(function (picture) { callback(picture.url, {alt: picture.alt, width: String(picture.width), height: String(picture.height)}); }); },
    setup: function (editor) {
      editor.ui.registry.addMenuButton("looks", {text: given.words.Formats, fetch: function (show) {
        show(given.looks.map(function (look) {
          return {type: "menuitem", text: look[0], onAction: function () {
            var node = editor.dom.getParent(editor.selection.getNode(), look[1]);
            if (node) { editor.undoManager.transact(function () { editor.dom.toggleClass(node, look[2]); }); }
          }};
        }));
      }});
      editor.ui.registry.addButton("boxes", {icon: "template", tooltip: given.columns, onAction: function () {
        var box = '<div class="card"><h3>' + editor.dom.encode(given.box) + "</h3><p>" + editor.dom.encode(given.text) + "</p></div>";
        editor.insertContent('<div class="columns-3">' + box + box + box + "</div><p></p>");
      }});
      editor.on("init", function () { editor.iframeElement.title = document.querySelector('label[for="' + field.id + '"]').firstChild.textContent.trim(); });
      editor.on("change input undo redo", function () { editor.save(); field.dispatchEvent(new Event("input", {bubbles: true})); });
    }
  });
}());
