package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"text/template/parse"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// table says which partials each view uses besides the layout. A partial that is missing or not used is an error.
var table = []struct {
	view     string
	partials []string
}{
	{"login", []string{"theme"}},
	{"failure", nil},
	{"welcome", nil},
	{"incidents", []string{"incident_row", "incident_tabs", "marks", "pager"}},
	{"incident", []string{"marks", "timeline", "told", "analysis"}},
	{"runs", []string{"marks", "pager"}},
	{"run", []string{"marks", "graph"}},
	{"inbox", []string{"pager"}},
	{"receipts", []string{"marks", "pager"}},
	{"receipt", []string{"marks"}},
	{"deliveries", []string{"pager", "bars", "tries"}},
	{"delivery", []string{"tries", "shown"}},
	{"checks", nil},
	{"check", []string{"pager"}},
	{"analysis", []string{"analysis"}},
	{"changes", []string{"pager"}},
	{"preflight", nil},
	{"queues", nil},
	{"queue", nil},
	{"ledger", []string{"pager"}},
	{"why", nil},
	{"pipelines", []string{"graph"}},
	{"pipeline", []string{"graph"}},
	{"silences", []string{"pager"}},
	{"silence", []string{"form", "confirm"}},
	{"channels", []string{"form"}},
	{"channel", []string{"form", "confirm"}},
	{"preview", []string{"shown"}},
	{"providers", []string{"form"}},
	{"provider", []string{"form", "confirm", "bars"}},
	{"sources", []string{"form"}},
	{"source", []string{"form", "confirm"}},
	{"connect", []string{"form"}},
}

// bare names the views that stand alone, without rail and top bar.
var bare = []string{"login"}

// views are parsed when they are first shown: a hub that nobody looks at starts without them.
type views struct {
	byName map[string]func() (*template.Template, error)
}

func newViews(from fs.FS, a *assets, clk clock.Clock) *views {
	v := &views{byName: map[string]func() (*template.Template, error){}}
	for _, row := range table {
		v.byName[row.view] = sync.OnceValues(func() (*template.Template, error) {
			return parseView(from, functions(a, clk), row.view, row.partials)
		})
	}
	return v
}

func parseView(from fs.FS, funcs template.FuncMap, view string, partials []string) (*template.Template, error) {
	names := []string{"templates/common/layout.html", "templates/views/" + view + ".html"}
	if !slices.Contains(bare, view) {
		names = append(names, "templates/common/frame.html", "templates/common/theme.html")
	}
	for _, p := range partials {
		names = append(names, "templates/common/"+p+".html")
	}
	t, err := template.New("layout.html").Funcs(funcs).ParseFS(from, names...)
	if err != nil {
		return nil, fmt.Errorf("parse view %q: %w", view, err)
	}
	if err := checkPartials(t, partials); err != nil {
		return nil, fmt.Errorf("view %q: %w", view, err)
	}
	if err := checkContexts(t); err != nil {
		return nil, fmt.Errorf("view %q: %w", view, err)
	}
	return t, nil
}

// checkPartials finds a template that is called and not there, which html/template would find only when it gets there, and
// a listed partial that nothing calls.
func checkPartials(t *template.Template, listed []string) error {
	called := map[string]bool{}
	for _, part := range t.Templates() {
		if part.Tree == nil {
			continue
		}
		for name := range calls(part.Tree.Root) {
			called[name] = true
			if found := t.Lookup(name); found == nil || found.Tree == nil {
				return fmt.Errorf("template %q, which %q calls, is missing", name, part.Name())
			}
		}
	}
	for _, p := range listed {
		used := false
		for name := range called {
			used = used || name == p || strings.HasPrefix(name, p+"/")
		}
		if !used {
			return fmt.Errorf("partial %q is listed and not used", p)
		}
	}
	return nil
}

// checkContexts finds what html/template cannot escape, which it looks for at the first execution only: before it writes anything.
func checkContexts(t *template.Template) error {
	err := t.Execute(io.Discard, nil)
	if unsafe := (*template.Error)(nil); errors.As(err, &unsafe) {
		return unsafe
	}
	return nil // that there is nothing to show is no fault
}

func calls(n parse.Node) map[string]bool {
	found := map[string]bool{}
	var walk func(parse.Node)
	branch := func(b *parse.BranchNode) {
		walk(b.List)
		if b.ElseList != nil {
			walk(b.ElseList)
		}
	}
	walk = func(n parse.Node) {
		switch n := n.(type) {
		case *parse.ListNode:
			for _, child := range n.Nodes {
				walk(child)
			}
		case *parse.IfNode:
			branch(&n.BranchNode)
		case *parse.RangeNode:
			branch(&n.BranchNode)
		case *parse.WithNode:
			branch(&n.BranchNode)
		case *parse.TemplateNode:
			found[n.Name] = true
		}
	}
	walk(n)
	return found
}

// page writes a whole page. It is rendered to the end before the first byte goes out, so that a fault is an error page and
// never half a page.
func (w *Web) page(c *gin.Context, status int, view string, data any) {
	w.fragment(c, status, view, "layout.html", data)
}

// fragment writes one named part of a view.
func (w *Web) fragment(c *gin.Context, status int, view, part string, data any) {
	var b bytes.Buffer
	t, err := w.views.byName[view]()
	if err == nil {
		err = t.ExecuteTemplate(&b, part, data)
	}
	if err != nil {
		w.Log.ErrorContext(c.Request.Context(), "page not rendered", "view", view, "part", part, "error", err)
		c.Header("X-Hub-Error", "The page could not be drawn.")
		c.String(http.StatusInternalServerError, "The page could not be drawn. The log has the reason.")
		return
	}
	c.Data(status, "text/html; charset=utf-8", visible(b.Bytes()))
}
