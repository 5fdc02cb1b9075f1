// Everything here only makes the pages quicker to use: each one reads and acts without it.
(function () {
  "use strict";
  var body = document.body;
  var $ = function (sel, root) { return (root || document).querySelector(sel); };
  var all = function (sel, root) { return Array.prototype.slice.call((root || document).querySelectorAll(sel)); };

  // Theme: the server reads the cookie, so that no page flashes.
  document.addEventListener("click", function (e) {
    var b = e.target.closest("[data-theme-switch]");
    if (!b) return;
    e.preventDefault();
    var root = document.documentElement;
    var dark = getComputedStyle(root).colorScheme === "dark" ||
      (getComputedStyle(root).colorScheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    var next = dark ? "light" : "dark";
    root.dataset.theme = next;
    document.cookie = "hub_theme=" + next + "; path=/; max-age=31536000; samesite=lax";
  });

  // Copy buttons: data-copy names the element whose text is copied.
  document.addEventListener("click", function (e) {
    var b = e.target.closest("[data-copy]");
    if (!b) return;
    var from = document.getElementById(b.dataset.copy);
    var done = function () {
      var label = $("span", b), was = label.textContent;
      label.textContent = "Copied";
      b.classList.add("is-done");
      setTimeout(function () { label.textContent = was; b.classList.remove("is-done"); }, 1500);
    };
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(from.textContent).then(done);
    } else {
      var range = document.createRange();
      range.selectNodeContents(from);
      var s = getSelection();
      s.removeAllRanges();
      s.addRange(range);
      if (document.execCommand("copy")) { s.removeAllRanges(); done(); }
    }
  });

  // Relative times move on; the words are the server's (see ago in format.go).
  function ago(s) {
    if (s < 5) return "now";
    if (s < 60) return Math.floor(s) + " s";
    if (s < 3600) return Math.floor(s / 60) + " min";
    if (s < 86400) return Math.floor(s / 3600) + " h";
    return Math.floor(s / 86400) + " d";
  }
  setInterval(function () {
    all("time[data-ago]").forEach(function (t) {
      var word = ago((Date.now() - Date.parse(t.dateTime)) / 1000);
      var text = word === "now" || !t.dataset.ago ? word : word + " ago";
      if (t.textContent !== text) t.textContent = text;
    });
  }, 10000);

  // Live changes: one stream a page. What arrived within 400 ms is passed on once, as hub-<kind> and hub-<id> on the body,
  // which is what hx-trigger names. A hidden tab gives its connection back; browsers allow six a host.
  var pending = {}, timer = 0;
  function pass() {
    timer = 0;
    var names = Object.keys(pending);
    pending = {};
    names.forEach(function (n) { htmx.trigger(body, n); });
  }
  function queue(name) {
    pending[name] = true;
    if (!timer) timer = setTimeout(pass, 400);
  }
  // What happened between the drawing of the page and the stream, or while there was none, nobody told: draw it anew.
  function everything() { queue("hub-all"); }
  body.addEventListener("htmx:sseOpen", function () {
    document.documentElement.dataset.live = "on";
    everything();
  });
  body.addEventListener("htmx:sseError", function () { document.documentElement.dataset.live = "off"; });
  body.addEventListener("htmx:sseBeforeMessage", function (e) {
    if (e.target.id !== "live") return;
    e.preventDefault();
    var m;
    try { m = JSON.parse(e.detail.data); } catch (_) { return; }
    if (m.all) { everything(); return; }
    if (/^[a-z]+$/.test(m.kind || "")) queue("hub-" + m.kind);
    if (/^[0-9a-f-]{36}$/.test(m.id || "")) queue("hub-" + m.id);
  });
  var rest = 0;
  document.addEventListener("visibilitychange", function () {
    clearTimeout(rest);
    var live = $("#live");
    if (document.hidden) {
      rest = setTimeout(function () {
        var l = $("#live");
        if (l) { l.dataset.url = l.getAttribute("sse-connect"); htmx.swap(l, "", { swapStyle: "delete" }); }
      }, 20000);
    } else if (!live && body.dataset.live) {
      var el = document.createElement("div");
      el.id = "live";
      el.setAttribute("hx-ext", "sse");
      el.setAttribute("sse-connect", body.dataset.live);
      el.setAttribute("sse-swap", "change");
      body.appendChild(el);
      htmx.process(el);
    }
  });

  // What no event tells is asked for: queues every three seconds, the health of the hub every thirty, and, while there is no stream,
  // the page every nine.
  var beats = 0;
  setInterval(function () {
    if (document.hidden || !body.dataset.live) return;
    beats++;
    htmx.trigger(body, "hub-tick");
    if (beats % 10 === 0) htmx.trigger(body, "hub-slow");
    if (beats % 3 === 0 && document.documentElement.dataset.live !== "on") everything();
  }, 3000);
  // Nobody asked for that, so its failures are no toasts: a line says that the page is old.
  function background(e) { return (e.detail.requestConfig || {}).verb === "get"; }
  function lost(is) {
    var line = $("#lost");
    if (line) line.hidden = !is;
  }
  body.addEventListener("htmx:afterRequest", function (e) { if (e.detail.successful) lost(false); });

  // A page that is drawn anew keeps what a person has typed and opened.
  var keepings = Idiomorph.defaults.callbacks;
  keepings.beforeNodeMorphed = function (node) { return !(node.matches && node.matches("[data-keep]")); };
  keepings.beforeAttributeUpdated = function (name, node) { return !(name === "open" && node.tagName === "DETAILS"); };
  body.addEventListener("htmx:afterRequest", function (e) {
    if (e.detail.successful && e.target.matches("form[data-once]")) e.target.reset();
  });

  // Names and values: there is always an empty row below.
  document.addEventListener("input", function (e) {
    var row = e.target.closest("[data-blank]");
    if (!row || row.nextElementSibling) return;
    var next = row.cloneNode(true);
    all("input", next).forEach(function (i) { i.value = ""; });
    row.after(next);
  });

  // What is posted into a frame is posted at once; without script a button does it.
  all("form[data-now]").forEach(function (f) { f.submit(); f.hidden = true; });

  // Keyboard.
  function rows() { return all("[data-row]"); }
  function current() { return $("[data-row].is-sel"); }
  function move(step) {
    var list = rows();
    if (!list.length) return;
    var at = list.indexOf(current());
    at = at < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + step));
    list.forEach(function (r) { r.classList.remove("is-sel"); });
    list[at].classList.add("is-sel");
    picked = list[at].id;
    list[at].scrollIntoView({ block: "nearest" });
  }
  function press(key) {
    var scope = rows().length ? current() : document;
    var el = scope && $('[data-key="' + key + '"]', scope);
    if (!el && scope !== document) el = $('.page-head [data-key="' + key + '"]');
    if (!el) return;
    if (el.matches("textarea")) el.focus(); else el.click();
  }
  document.addEventListener("keydown", function (e) {
    var t = e.target;
    if (e.key === "Escape" && t.matches("input, textarea")) { t.blur(); return; }
    if (e.ctrlKey || e.metaKey || e.altKey || t.matches("input, textarea, select, [contenteditable]")) return;
    if ($("dialog[open]")) return;
    var used = true;
    switch (e.key) {
      case "/": var find = $("#find"); if (find) { find.focus(); find.select(); } break;
      case "j": move(1); break;
      case "k": move(-1); break;
      case "Enter":
        var row = current();
        if (!row || t.closest("a, button, summary")) { used = false; break; }
        var link = $("a[data-open]", row);
        if (link) link.click();
        break;
      case "a": case "r": case "n": case "s": press(e.key); break;
      case "?": $("#keys").showModal(); break;
      default: used = false;
    }
    if (used) e.preventDefault();
  });
  document.addEventListener("click", function (e) {
    if (e.target.closest("[data-show-keys]")) { e.preventDefault(); $("#keys").showModal(); }
    all("details.menu[open]").forEach(function (d) { if (!d.contains(e.target)) d.open = false; });
  });

  // The row a person picked stays picked when it is drawn anew. Not before the settling, in which htmx puts the old
  // attributes back.
  var picked = "";
  body.addEventListener("htmx:afterSettle", function () {
    var r = picked && document.getElementById(picked);
    if (r) r.classList.add("is-sel");
  });

  // Toasts go after a while; an error of a request becomes one.
  function fade() {
    all(".toast:not([data-goes])").forEach(function (el) {
      el.dataset.goes = "1";
      setTimeout(function () { el.remove(); }, 6000);
    });
  }
  function toast(text) {
    var el = document.createElement("div");
    el.className = "toast c-critical";
    el.setAttribute("role", "alert");
    el.textContent = text;
    $("#toasts").appendChild(el);
    fade();
  }
  body.addEventListener("htmx:afterSettle", fade);
  fade();
  body.addEventListener("htmx:responseError", function (e) {
    if (e.detail.xhr.status === 401) { location.href = "/login?next=" + encodeURIComponent(location.pathname + location.search); return; }
    if (background(e)) { lost(e.detail.xhr.status >= 500); return; }
    var words = e.detail.xhr.getResponseHeader("X-Hub-Error");
    toast(words || "That did not work (" + e.detail.xhr.status + "). Load the page again and try once more.");
  });
  body.addEventListener("htmx:sendError", function (e) {
    if (background(e)) { lost(true); return; }
    toast("The hub does not answer. Your change was not made; try again in a moment.");
  });
})();
