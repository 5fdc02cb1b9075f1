package web

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/providers"
)

// functions are what templates can call. Everything that becomes HTML here is escaped here.
func functions(a *assets, clk clock.Clock) template.FuncMap {
	return template.FuncMap{
		"asset":     a.url,
		"icon":      func(names ...string) template.HTML { return icon(a, names...) },
		"ago":       func(t any) template.HTML { return stamp(t, clk.Now(), true) },
		"age":       func(t any) template.HTML { return stamp(t, clk.Now(), false) },
		"utc":       utc,
		"span":      span,
		"ms":        func(v *float64) string { return milliseconds(v) },
		"num":       num,
		"seconds":   func(v float64) string { return span(time.Duration(v * float64(time.Second))) },
		"int64":     func(v int) int64 { return int64(v) },
		"short":     short,
		"web":       webURL,
		"sev":       severityMark,
		"status":    statusMark,
		"delivery":  deliveryMark,
		"fate":      fateMark,
		"headline":  headline,
		"node":      nodeMark,
		"run":       runMark,
		"outcome":   outcomeMark,
		"verdict":   verdictMark,
		"silence":   silenceMark,
		"written":   silences.Written,
		"ends":      ends,
		"check":     checkMark,
		"level":     levelMark,
		"command":   providers.IsCommand,
		"float":     func(v int64) float64 { return float64(v) },
		"words":     words,
		"why":       why,
		"whyicon":   whyIcon,
		"tried":     tried,
		"due":       func(t any) template.HTML { return due(t, clk.Now()) },
		"tells":     tells,
		"sentence":  sentence,
		"statement": statement,
		"text":      text,
		"kind":      kindName,
		"latency":   func(v float64) string { return span(time.Duration(v * float64(time.Millisecond))) },
		"vendor":    vendorOf,
		"chanicon":  channelIcon,
		"fewtold":   fewDeliveries,
		"fewchans":  fewChannels,
		"fewlater":  fewLater,
		"chankind":  channel.Title,
		"label":     pieceName,
		"linkword":  linkWord,
		"host":      hostOf,
		"reminds":   func(c notify.Channel) string { return period.Text(notify.InputOf(c).Renotify) },
		"atmost":    func(c notify.Channel) string { return notify.InputOf(c).Throttle.Words() },
		"code":      code,
		"query":     url.QueryEscape,
		"plural":    plural,
		"len64":     func(v []orchestration.Observation) int64 { return int64(len(v)) },
		"ms2":       func(v float64) string { return milliseconds(&v) },
		"dict":      dict,
		"money":     money,
		"spent":     spentWords,
		"spentmore": spentDetails,
		"classword": classWords,
		"advice":    intelligence.Advice,
	}
}

// dict hands several values to a partial: dict "Name" value ….
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict wants pairs, not %d values", len(pairs))
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict wants text as a key, not %T", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

var iconName = regexp.MustCompile(`^[a-z]+$`)

// icon returns a picture of the sprite. More names are classes.
func icon(a *assets, names ...string) template.HTML {
	sprite, _ := a.url("icons.svg")
	name, class := "unknown", "i"
	for i, n := range names {
		switch {
		case !iconName.MatchString(n) && n != "i-l":
		case i == 0:
			name = n
		default:
			class += " " + n
		}
	}
	return template.HTML(`<svg class="` + class + `" aria-hidden="true"><use href="` + sprite + `#` + name + `"></use></svg>`) //nolint:gosec // names are checked letters, the path is ours
}

// stamp is a point in time as "12 min ago" (or "12 min"), with the whole of it in the title. Nil and zero times are a dash.
func stamp(v any, now time.Time, word bool) template.HTML {
	var t time.Time
	switch v := v.(type) {
	case time.Time:
		t = v
	case *time.Time:
		if v != nil {
			t = *v
		}
	}
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	text, mark := since(now.Sub(t)), ""
	if word {
		mark = "1"
		if text != "now" && t.Before(now) {
			text += " ago"
		}
	}
	if t.After(now.Add(5 * time.Second)) {
		return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">in %s</time>`, t.Format(time.RFC3339), utc(t), since(t.Sub(now)))) //nolint:gosec // formatted times only
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s" data-ago="%s">%s</time>`, t.Format(time.RFC3339), utc(t), mark, text)) //nolint:gosec // formatted times only
}

// due is when something is done next: in 20 s, or now when its time has come.
func due(v any, now time.Time) template.HTML {
	if t, ok := v.(*time.Time); ok && t != nil && t.Before(now.Add(5*time.Second)) {
		return "now"
	}
	return stamp(v, now, true)
}

// since is how long ago, in one unit; app.js has the same words.
func since(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return "now"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 24*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + " d"
	}
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// span is a duration in at most two units.
func span(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "< 1 ms"
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Hour:
		return two(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	case d < 24*time.Hour:
		return two(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	default:
		return two(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
	}
}

func two(a int, unitA string, b int, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

func milliseconds(v *float64) string {
	if v == nil {
		return "–"
	}
	return span(time.Duration(*v * float64(time.Millisecond)))
}

// num groups the digits by a thin space: 12 345.
func num(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u2009" + s[i:]
	}
	return sign + s
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return num(n) + " " + many
}

// short is the end of an id: the part that differs between things of one minute.
func short(v id.ID) string {
	s := v.String()
	if len(s) < 8 {
		return s
	}
	return s[len(s)-8:]
}

// linkWord is what people call an address: the word that messages have for it, else its name in words.
func linkWord(name string) string { return cmp.Or(notify.LinkWord(name), title(name)) }

// hostOf is the host of an address, "" when it has none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// webURL returns an address that may become a link: http and https only, "" for anything else.
func webURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.String()
}
