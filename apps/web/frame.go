package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Frame is what every page has around it.
type Frame struct {
	Title   string
	Section string // the rail entry that is lit
	Crumbs  []Crumb
	Who     string
	CSRF    string
	Theme   string // "", light or dark
	Here    string // path and query of the page
	Query   string // in the search box
	Newest  string // the page's own first part, where it has several
	Open    int64  // incidents
	Unread  int64  // inbox messages
	Toast   *Toast
	Signed  bool
	// What is wrong with the hub itself.
	Problems []Problem
	// What the person may do; buttons for the rest are left out.
	MayRespond bool
	MayEdit    bool
}

// Crumb is a step above the page.
type Crumb struct{ Name, URL string }

// Problem is something wrong with the hub itself.
type Problem struct{ Tone, Text, URL, Link string }

// Toast says what was just done.
type Toast struct {
	Text string
	Icon string
	Tone string
}

const sessionKey = "web.session"

// session returns who is asking; pages behind signedIn have one.
func session(c *gin.Context) auth.Session {
	s, _ := c.Get(sessionKey)
	out, _ := s.(auth.Session)
	return out
}

// tenant is whose data the page shows.
func tenant(c *gin.Context) string { return session(c).Principal.Tenant }

// frame fills in what every page has. What the frame cannot read is left out: a page must not fail for its badges.
func (w *Web) frame(c *gin.Context, section, title string, up ...Crumb) Frame {
	s, ctx := session(c), c.Request.Context()
	f := Frame{
		Title: title, Section: section, Crumbs: up, Who: s.Principal.Name, CSRF: csrfToken(s.Secret), Theme: theme(c),
		Here: c.Request.URL.RequestURI(), Query: c.Query("q"), Signed: true, Newest: with(c, "before", ""),
		MayRespond: s.Principal.Scopes.Has(auth.ScopeRespond), MayEdit: s.Principal.Scopes.Has(auth.ScopeEdit),
	}
	if counts, err := w.Incidents.Counts(ctx, s.Principal.Tenant); err == nil {
		f.Open = counts.Open
	} else {
		w.Log.WarnContext(ctx, "incidents not counted", "error", err)
	}
	if n, err := w.Inbox.Unread(ctx, s.Principal.Tenant); err == nil {
		f.Unread = int64(n)
	} else {
		w.Log.WarnContext(ctx, "unread messages not counted", "error", err)
	}
	f.Problems = w.problems(ctx, s.Principal.Tenant)
	return f
}

// problems is the health line, worst first.
func (w *Web) problems(ctx context.Context, tenant string) []Problem {
	var out []Problem
	h, err := w.Books.Last(ctx, tenant)
	switch {
	case err != nil:
		w.Log.WarnContext(ctx, "health of the books not read", "error", err)
	case !h.CheckedAt.IsZero() && !h.Balanced:
		out = append(out, Problem{"critical", "The hub's books do not balance: " + h.Problem, "/ledger", "See the ledger"})
	}
	t, err := w.Queues.Trouble(ctx)
	if err != nil {
		w.Log.WarnContext(ctx, "health of the queues not read", "error", err)
		return append(out, w.channelProblems(ctx, tenant)...)
	}
	if t.Late != "" {
		waits := since(w.Clock.Now().Sub(t.Since))
		out = append(out, Problem{"critical", "Work is late: the oldest in the queue " + t.Late + " has waited " + waits + ".", "/queues/" + url.PathEscape(t.Late), "See what waits"})
	}
	out = append(out, w.channelProblems(ctx, tenant)...)
	if t.Away != "" {
		out = append(out, Problem{"warning", "Redis is away: the hub's processes do not wake each other and look for work every second.", "/queues", "See the queues"})
	}
	return out
}

// channelProblems are the channels that tell nobody, one line for all where there are several.
func (w *Web) channelProblems(ctx context.Context, tenant string) []Problem {
	failing, err := w.Channels.Failing(ctx, tenant)
	if err != nil {
		w.Log.WarnContext(ctx, "health of the channels not read", "error", err)
	}
	switch len(failing) {
	case 0:
		return nil
	case 1:
		c := failing[0]
		return []Problem{{"critical", "Channel " + c.Name + " is failing: " + c.Why + ".", "/channels/" + c.ID.String(), "See the channel"}}
	}
	names := make([]string, 0, len(failing))
	for _, c := range failing {
		names = append(names, c.Name)
	}
	return []Problem{{"critical", "Channels are failing, and tell nobody: " + strings.Join(names, ", ") + ".", "/channels", "See the channels"}}
}

// healthLine is the line anew: a page may stay open for a long time.
func (w *Web) healthLine(c *gin.Context) {
	w.fragment(c, http.StatusOK, "queues", "health", Frame{Problems: w.problems(c.Request.Context(), tenant(c)), Signed: true})
}

func theme(c *gin.Context) string {
	switch t := cookie(c, themeCookie); t {
	case "light", "dark":
		return t
	default:
		return ""
	}
}

type failurePage struct {
	Frame
	Status int
	Text   string
}

// failure is the page, or for the script the words, that tell what went wrong.
func (w *Web) failure(c *gin.Context, status int, title, text string) {
	if c.GetHeader("HX-Request") != "" {
		c.Header("X-Hub-Error", headerText(text))
		c.String(status, text)
		return
	}
	f := Frame{Title: title, Theme: theme(c), Signed: session(c).Secret != "", CSRF: csrfToken(session(c).Secret), Who: session(c).Principal.Name}
	w.page(c, status, "failure", failurePage{Frame: f, Status: status, Text: text})
}

// headerText keeps a text fit for a header: one line of ASCII.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
}

// statusClientGone is what the log says of a page that nobody waited for; no browser sees it.
const statusClientGone = 499

// fail answers an error in the words for people; what they cannot mend is logged.
func (w *Web) fail(c *gin.Context, err error) {
	var beside *event.OpenBesideError
	var channel *notify.Invalid
	var source *sources.Invalid
	var provider *analysts.Invalid
	switch {
	case errors.Is(c.Request.Context().Err(), context.Canceled): // whoever asked is gone: nobody reads an answer, and nothing is wrong
		c.AbortWithStatus(statusClientGone)
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, id.ErrMalformed):
		w.failure(c, http.StatusNotFound, "Not found", "There is nothing here. It may have been removed by retention, or the address is wrong.")
	case errors.Is(err, auth.ErrForbidden):
		w.failure(c, http.StatusForbidden, "Not allowed", "Your access token may only look. Sign in with one that may do this.")
	case errors.Is(err, storage.ErrCursor):
		w.failure(c, http.StatusBadRequest, "Not a page", "This page of the list does not exist. Start again from the newest.")
	case errors.As(err, &beside):
		w.failure(c, http.StatusConflict, "Not done", "Another incident is open for the same thing. Work on that one: /incidents/"+beside.Open.String())
	case errors.Is(err, event.ErrRefused):
		w.failure(c, http.StatusConflict, "Not done", sentence(strings.TrimSuffix(fault.Public(err), ": "+event.ErrRefused.Error())))
	case stands(err) != nil:
		w.failure(c, http.StatusConflict, "Not done", sentence(stands(err).Error()))
	case errors.As(err, &channel):
		w.failure(c, http.StatusUnprocessableEntity, "Not done", sentence(err.Error()))
	case errors.As(err, &source), errors.As(err, &provider):
		w.failure(c, http.StatusUnprocessableEntity, "Not done", sentence(err.Error()))
	case errors.Is(err, storage.ErrUnavailable):
		w.Log.ErrorContext(c.Request.Context(), "page not served", "path", c.Request.URL.Path, "error", err)
		c.Header("Retry-After", "5")
		w.failure(c, http.StatusServiceUnavailable, "The database does not answer", "Nothing is lost; load the page again in a moment.")
	default:
		w.Log.ErrorContext(c.Request.Context(), "page not served", "path", c.Request.URL.Path, "error", err)
		w.failure(c, http.StatusInternalServerError, "Something went wrong", "The hub's log has the reason. Load the page again; if it stays, tell whoever runs the hub.")
	}
}

// stands returns the refusal of a change to a channel, source or provider, whose words are for people, or nil.
func stands(err error) error {
	for _, known := range []error{notify.ErrConflict, notify.ErrBuiltIn, notify.ErrInUse, notify.ErrExists, orchestration.ErrChannelNamed, sources.ErrConflict, sources.ErrDefault, sources.ErrExists, analysts.ErrConflict, analysts.ErrExists} {
		if errors.Is(err, known) {
			text := err.Error() // what follows the words may name who is in the way
			return errors.New(text[max(0, strings.Index(text, known.Error())):])
		}
	}
	return nil
}

// sentence starts with a capital and ends with a full stop.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	s = string(unicode.ToUpper(first)) + s[size:]
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// refused is an event.ErrRefused with the words to show.
func refused(words string) error { return fmt.Errorf("%s: %w", words, event.ErrRefused) }

// paging reads ?before= of a list.
func paging(c *gin.Context) (storage.Paging, error) {
	before, err := storage.ParseCursor(c.Query("before"))
	return storage.Paging{Before: before}, err
}

// with returns the page's own address with one parameter set, or removed for "".
func with(c *gin.Context, pairs ...string) string {
	q := c.Request.URL.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	u := url.URL{Path: c.Request.URL.Path, RawQuery: q.Encode()}
	return u.String()
}

// local keeps a redirect on this server.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return "/"
	}
	return u.RequestURI()
}
