package web

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
)

// usageView is what was asked of a provider, as numbers and pictures.
type usageView struct {
	Spans  []tab
	Span   string // "the last 7 days"
	Totals intelligence.Usage
	Wide   []bars
	Narrow []bars
	Days   []usageDay // the newest first
	Priced bool       // money is known
}

// usageDay is a row below the pictures.
type usageDay struct {
	Name                                  string
	Calls, Failed, Cached, Refused, Token int64
	Money                                 int64
	MeanMS                                int64
}

// usageSpan is how far back the pictures go.
type usageSpan struct {
	key, name string
	long      time.Duration
	every     time.Duration // of a bar
}

var usageSpans = []usageSpan{
	{"24h", "24 hours", 24 * time.Hour, time.Hour},
	{"7d", "7 days", weekLong, 6 * time.Hour},
	{"30d", "30 days", 30 * 24 * time.Hour, 24 * time.Hour},
}

// budget is a limit and how much of it is used.
type budget struct {
	Name     string
	Used, Of string
	Part     int // of 100
	Tone     string
}

// fareOf adds to a provider's page what it cost and how it fares.
func (w *Web) fareOf(c *gin.Context, page *providerPage) error {
	ctx, now, name := c.Request.Context(), w.Clock.Now(), page.Provider.Name
	page.Condition = w.conditions(ctx, tenant(c), []analysts.Record{page.Provider})[name]
	show := usageSpans[1]
	for _, s := range usageSpans {
		if s.key == c.Query("span") {
			show = s
		}
	}
	// Bars begin at round times; the last one is under way.
	until := now.UTC().Truncate(show.every).Add(show.every)
	since := until.Add(-show.long)
	list, err := w.Spending.Usage(ctx, tenant(c), since)
	if err != nil {
		return err
	}
	today, err := w.Spending.Usage(ctx, tenant(c), day(now))
	if err != nil {
		return err
	}
	page.Budgets = budgetsOf(page, usageOf(today, name), now)
	u := usageOf(list, name)
	if len(u.Hours) == 0 { // perhaps it was asked before
		longest, err := w.Spending.Usage(ctx, tenant(c), now.Add(-usageSpans[len(usageSpans)-1].long))
		if err != nil || len(usageOf(longest, name).Hours) == 0 {
			return err
		}
	}
	v := &usageView{Span: "the last " + show.name, Totals: u, Days: daysOf(u.Hours), Priced: u.CostMicros > 0}
	for _, s := range usageSpans {
		v.Spans = append(v.Spans, tab{Name: s.name, URL: page.Here + "?span=" + s.key, On: s.key == show.key})
	}
	look := barLook{since: since, until: until, every: show.every, width: 400, height: 150}
	v.Wide = drawUsage(u, look)
	look.width, look.height = 340, 130
	v.Narrow = drawUsage(u, look)
	page.Usage = v
	return nil
}

// drawUsage draws calls, tokens, and money where it is known.
func drawUsage(u intelligence.Usage, look barLook) []bars {
	type sum struct{ good, failed, tokens, money int64 }
	at := map[time.Time]sum{}
	for _, h := range u.Hours {
		k := h.Hour.UTC().Truncate(look.every)
		s := at[k]
		at[k] = sum{s.good + h.Calls - h.Failed, s.failed + h.Failed, s.tokens + h.Tokens, s.money + h.CostMicros}
	}
	var calls, tokens, paid []step
	for t := look.since; t.Before(look.until); t = t.Add(look.every) {
		s := at[t]
		calls = append(calls, step{t, []part{{float64(s.good), "good", plural(s.good, "call", "calls")}, {float64(s.failed), "critical", plural(s.failed, "failed call", "failed calls")}}})
		tokens = append(tokens, step{t, []part{{float64(s.tokens), "good", plural(s.tokens, "token", "tokens")}}})
		paid = append(paid, step{t, []part{{float64(s.money), "good", money(s.money)}}})
	}
	look.label, look.whole = brief, true
	out := []bars{
		drawBars("Calls", num(u.Calls), calls, look), drawBars("Tokens", brief(float64(u.PromptTokens+u.CompletionTokens)), tokens, look),
	}
	look.label, look.whole = func(v float64) string { return strconv.FormatFloat(math.Round(v)/1e6, 'f', -1, 64) }, false
	if u.CostMicros > 0 {
		out = append(out, drawBars("Money", money(u.CostMicros), paid, look))
	}
	return out
}

// daysOf sums hours up by days, the newest first.
func daysOf(hours []intelligence.UsageOfHour) []usageDay {
	var out []usageDay
	var took int64
	for _, h := range hours {
		name := h.Hour.UTC().Format("2 Jan 2006")
		if len(out) == 0 || out[len(out)-1].Name != name {
			out, took = append(out, usageDay{Name: name}), 0
		}
		d := &out[len(out)-1]
		d.Calls, d.Failed, d.Cached, d.Refused = d.Calls+h.Calls, d.Failed+h.Failed, d.Cached+h.Cached, d.Refused+h.Refused
		d.Token, d.Money = d.Token+h.Tokens, d.Money+h.CostMicros
		took += h.MeanMS * h.Calls
		d.MeanMS = took / max(d.Calls, 1)
	}
	slices.Reverse(out)
	return out
}

// budgetsOf compares what is used with what may be.
func budgetsOf(page *providerPage, today intelligence.Usage, now time.Time) []budget {
	stored := readSettings(page.Provider.Config.V)
	var hour int64
	for _, h := range today.Hours {
		if h.Hour.Equal(now.UTC().Truncate(time.Hour)) {
			hour = h.Calls
		}
	}
	tokens := today.PromptTokens + today.CompletionTokens
	var out []budget
	add := func(key, name string, used float64, show func(float64) string) {
		limit := limitOf(page.Kind, stored, key)
		b := budget{Name: name, Used: show(used), Tone: "ok"}
		if limit > 0 {
			b.Of, b.Part = show(limit), min(100, int(used*100/limit))
			switch {
			case used >= limit:
				b.Tone = "critical"
			case used >= limit*0.8:
				b.Tone = "warning"
			}
		}
		out = append(out, b)
	}
	whole := func(v float64) string { return num(int64(v)) }
	add("calls_per_hour", "Calls this hour", float64(hour), whole)
	add("tokens_per_day", "Tokens today", float64(tokens), whole)
	if today.CostMicros > 0 || limitOf(page.Kind, stored, "money_per_day") > 0 {
		add("money_per_day", "Money today", float64(today.CostMicros)/1e6, func(v float64) string { return money(int64(v * 1e6)) })
	}
	return out
}

// spentWords are calls and what they cost, in little room.
func spentWords(u intelligence.Usage) string {
	if u.Calls+u.Cached+u.Refused == 0 {
		return "–"
	}
	cost := brief(float64(u.PromptTokens+u.CompletionTokens)) + " tokens"
	switch {
	case u.CostMicros > 0:
		cost = money(u.CostMicros)
	case u.Calls > 0 && u.Failed == u.Calls:
		cost = "all failed"
	}
	return fmt.Sprintf("%s · %s", plural(u.Calls, "call", "calls"), cost)
}

// spentDetails are the same with all that is known.
func spentDetails(u intelligence.Usage) string {
	return fmt.Sprintf("%s, %s failed, %s from the cache, %s not made; %s tokens of questions, %s of answers; money %s",
		plural(u.Calls, "call", "calls"), num(u.Failed), num(u.Cached), num(u.Refused), num(u.PromptTokens), num(u.CompletionTokens),
		knownMoney(u.CostMicros))
}

func knownMoney(micros int64) string {
	if micros == 0 {
		return "not known"
	}
	return money(micros)
}
