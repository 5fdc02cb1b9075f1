package texts

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/jinja"
)

// recommendations come from the context, else from the analysis in it, brought into a list and cut to what the channel takes.
func (v *variables) recommendations() []any {
	list := channel.Recommended(v.n.Context)
	list = list[:min(len(list), v.most)]
	out := make([]any, 0, len(list))
	for _, r := range list {
		out = append(out, jinja.Plain(r, block))
	}
	return out
}

// pretty is one line for each recommendation: "- [high] Title: description".
func (v *variables) pretty() string {
	var b strings.Builder
	for _, r := range v.recommendations() {
		m, _ := r.(map[string]any)
		title, _ := m["title"].(string)
		if s, ok := r.(string); ok {
			title = s
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("- ")
		if p, _ := m["priority"].(string); p != "" {
			b.WriteString("[" + line(p) + "] ")
		}
		b.WriteString(line(title))
		if d, _ := m["description"].(string); d != "" {
			b.WriteString(": " + line(d))
		}
	}
	return b.String()
}

// analysis is what an intelligence node found; nil when none has.
func (v *variables) analysis() any {
	o := channel.Object(v.n.Context["intelligence"])
	if o == nil {
		return nil
	}
	m := map[string]any{"recommendations": v.recommendations()}
	for _, k := range []string{"summary", "probable_cause", "rung", "provider", "why", "made_at"} {
		s, _ := o[k].(string)
		m[k] = block(s)
	}
	if s, _ := o["overview"].(string); s != "" {
		m["summary"] = block(s)
	}
	for _, k := range []string{"grounded", "truncated", "fallback_used"} {
		yes, _ := o[k].(bool)
		m[k] = yes
	}
	m["elsewhere"] = o["elsewhere"] != nil // the hub looked at another machine than the alerts'
	m["confidence"] = jinja.Plain(o["confidence"], line)
	return m
}

// hostFacts are of the machine that the hub runs on, looked at once.
var hostFacts = sync.OnceValue(func() facts {
	f := facts{cpus: int64(runtime.NumCPU())}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s, err := host.New(host.Config{}).Sample(ctx)
	if err != nil {
		return f
	}
	f.ram = int64(min(s.Memory.Total, 1<<62))
	for _, m := range s.Mounts {
		if m.Path == "/" {
			f.disk = int64(min(m.Total, 1<<62))
		}
	}
	return f
})

type facts struct{ cpus, ram, disk int64 }

// asksForHost reports whether a template may need facts about the host, so that they are looked at when it is saved and not while planning.
func asksForHost(source string) bool {
	return strings.Contains(source, "_total") || strings.Contains(source, "cpu_count")
}

// host is one fact about the host: from the context where it has it. What is not known is nothing.
func (v *variables) host(name string) any {
	if given, ok := v.n.Context[name]; ok {
		return jinja.Plain(given, line)
	}
	known := func(n int64) any {
		if n == 0 {
			return nil
		}
		return n
	}
	switch name {
	case "cpu_count":
		return known(hostFacts().cpus)
	case "ram_total_bytes":
		return known(hostFacts().ram)
	case "disk_total_bytes":
		return known(hostFacts().disk)
	default: // ram_total_human, disk_total_human
		n, ok := v.host(strings.Replace(name, "_human", "_bytes", 1)).(int64)
		if !ok {
			return nil
		}
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	}
}
