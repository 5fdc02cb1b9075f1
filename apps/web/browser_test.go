package web_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// browser is Chromium with one tab. Whatever a page should not do is an error of the test: an exception, an error on the
// console (the content policy reports there), a request to another place, a dialog.
type browser struct {
	t    *testing.T
	tab  context.Context //nolint:containedctx // chromedp hands tabs around as contexts
	base string
	mu   sync.Mutex
	// refused are addresses whose refusal is part of the test; the browser logs it as an error.
	refused string
	gone    bool // the hub is stopped: every complaint is part of the test
}

func open(t *testing.T, s *httptest.Server) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(testkit.Chromium(t)), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.WindowSize(1280, 900),
		chromedp.WSURLReadTimeout(2*time.Minute), // of its start
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	all, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	tab, _ := chromedp.NewContext(all, chromedp.WithErrorf(func(string, ...any) {})) // it knows fewer events than the browser sends
	t.Cleanup(func() {
		if err := chromedp.Cancel(tab); err != nil { // waits until the browser has left its folder
			t.Logf("close the browser: %v", err)
		}
		stop()
	})
	b := &browser{t: t, tab: tab, base: s.URL}
	chromedp.ListenTarget(tab, b.watch)
	if err := chromedp.Run(tab, network.Enable(), log.Enable(), page.Enable()); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return b
}

func (b *browser) watch(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			for _, a := range e.Args {
				if text := string(a.Value) + a.Description; !b.wanted(text) {
					b.t.Errorf("console: %s", text)
				}
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError && !b.wanted(e.Entry.URL) {
			b.t.Errorf("browser log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		b.t.Errorf("exception: %s", e.ExceptionDetails.Error())
	case *page.EventJavascriptDialogOpening:
		b.t.Errorf("a page opened a dialog: %s", e.Message)
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Scheme != "data" && !strings.HasPrefix(e.Request.URL, b.base) {
			b.t.Errorf("a page asked for %s", e.Request.URL)
		}
	}
}

// wanted reports whether a complaint is about a refusal that is part of the test.
func (b *browser) wanted(complaint string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gone || b.refused != "" && strings.Contains(complaint, b.refused)
}

// refuse makes complaints about an address part of the test.
func (b *browser) refuse(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = address
}

// lose stops the hub under the page.
func (b *browser) lose(s *httptest.Server) {
	b.t.Helper()
	b.mu.Lock()
	b.gone = true
	b.mu.Unlock()
	if err := s.Listener.Close(); err != nil {
		b.t.Fatal(err)
	}
	s.CloseClientConnections()
}

// live is over when the page has its stream and was drawn anew for what happened before.
func (b *browser) live() {
	b.t.Helper()
	b.wait(`document.documentElement.dataset.live === "on" && !document.querySelector(".htmx-request, .htmx-settling") &&
		performance.getEntriesByType("resource").some(e => e.initiatorType === "xmlhttprequest" && new URL(e.name).pathname === location.pathname)`)
}

// run does the actions, all of them within a minute. One whose element is gone by the time that it would act on it, since the page was drawn anew
// meanwhile, has done nothing and is done again.
func (b *browser) run(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, time.Minute)
	defer cancel()
	for _, action := range actions {
		err := chromedp.Run(ctx, action)
		for err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "Could not find node with given id") {
			err = chromedp.Run(ctx, action)
		}
		if err != nil {
			b.stop(err)
		}
	}
}

// stop ends the test and says what the page looked like.
func (b *browser) stop(err error) {
	b.t.Helper()
	var at, text string
	_ = chromedp.Run(b.tab, chromedp.Location(&at), chromedp.Text("body", &text, chromedp.ByQuery))
	b.t.Fatalf("%v at %s:\n%s", err, at, text)
}

func (b *browser) visit(path string) { b.t.Helper(); b.run(chromedp.Navigate(b.base + path)) }

// wait is over when the expression is true, on this page or on one that comes after it.
func (b *browser) wait(expression string) {
	b.t.Helper()
	testkit.Eventually(b.t, time.Minute, func() bool {
		var ok bool
		return chromedp.Run(b.tab, chromedp.Evaluate(expression, &ok)) == nil && ok
	}, expression)
}

func (b *browser) key(keys string) { b.t.Helper(); b.run(chromedp.KeyEvent(keys)) }

func (b *browser) click(selector string) {
	b.t.Helper()
	b.run(chromedp.Click(selector, chromedp.ByQuery, chromedp.NodeVisible))
}

func (b *browser) signIn() {
	b.t.Helper()
	b.visit("/login")
	b.run(chromedp.SendKeys(`input[name="token"]`, ownerToken+"\r", chromedp.ByQuery))
	b.wait(`location.pathname === "/incidents"`)
}
