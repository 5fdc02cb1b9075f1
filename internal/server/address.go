package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// legible refuses addresses with NUL or with bytes that are no UTF-8 before any route sees them: names and filters are taken from the
// address, and Postgres fails on a text that it cannot store where SQLite just finds nothing.
type legible struct{ next http.Handler }

// ServeHTTP implements http.Handler.
func (l legible) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if storable(r.URL.Path) && storableQuery(r.URL.RawQuery) {
		l.next.ServeHTTP(w, r)
		return
	}
	const detail = "The address holds NUL or bytes that are no UTF-8; write it in UTF-8 and escape it as URLs are."
	kind, body := "application/problem+json", map[string]any{
		"type": "about:blank", "title": http.StatusText(http.StatusBadRequest), "status": http.StatusBadRequest, "detail": detail,
	}
	if strings.HasPrefix(r.URL.Path, "/alerts/webhook") {
		kind, body = "application/json", map[string]any{"status": "error", "message": detail}
	}
	raw, err := json.Marshal(body)
	if err != nil { // texts and a number
		raw = nil
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(append(raw, '\n'))
}

func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func storableQuery(raw string) bool {
	if raw == "" {
		return true
	}
	values, _ := url.ParseQuery(raw) // what is broken is left out, for routes as well
	for k, list := range values {
		if !storable(k) || slices.ContainsFunc(list, func(v string) bool { return !storable(v) }) {
			return false
		}
	}
	return true
}
