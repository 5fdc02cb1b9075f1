package apply

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/period"
)

// Export writes what the tenant has in the form that Read takes. Secrets are ${NAME} references; names lists them, so that the
// reader knows what to set. Applying the file to the same hub, with these variables set to the stored secrets, changes nothing.
func (t *Target) Export(ctx context.Context, tenant string) (file []byte, names []string, err error) {
	x := &exporter{}
	var list yaml.MapSlice
	err = t.DB.InTx(ctx, func(ctx context.Context) error { // one view of them all
		x.names, list = nil, nil
		channels, err := t.Channels.List(ctx, tenant)
		if err != nil {
			return err
		}
		models, err := t.Providers.List(ctx, tenant)
		if err != nil {
			return err
		}
		entries, err := t.Sources.List(ctx, tenant)
		if err != nil {
			return err
		}
		pipelines, err := t.Pipelines.List(ctx, tenant, true)
		if err != nil {
			return err
		}
		named, err := t.Silences.Named(ctx, tenant)
		if err != nil {
			return err
		}
		slices.SortFunc(pipelines, func(a, b orchestration.Definition) int { return strings.Compare(a.Name, b.Name) })
		out := map[Kind][]yaml.MapSlice{}
		for _, c := range channels {
			e, err := x.channel(c)
			if err != nil {
				return err
			}
			out[KindChannel] = append(out[KindChannel], e)
		}
		for _, r := range models {
			e, err := x.provider(r)
			if err != nil {
				return err
			}
			out[KindProvider] = append(out[KindProvider], e)
		}
		for _, s := range entries {
			out[KindSource] = append(out[KindSource], x.source(s))
		}
		for _, s := range named {
			out[KindSilence] = append(out[KindSilence], silence(s))
		}
		for _, d := range pipelines {
			e, err := x.pipeline(d)
			if err != nil {
				return err
			}
			out[KindPipeline] = append(out[KindPipeline], e)
		}
		for _, kind := range Kinds() {
			list = append(list, yaml.MapItem{Key: kind.plural(), Value: out[kind]})
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("export: %w", err)
	}
	body, err := yaml.MarshalWithOptions(list, yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true))
	if err != nil {
		return nil, nil, fmt.Errorf("export: %w", err)
	}
	var b bytes.Buffer
	b.WriteString("# Configuration of incidenthub. Apply it with: incidenthub apply -f FILE\n")
	if len(x.names) > 0 {
		fmt.Fprintf(&b, "# Secrets are not in it. Set before applying: %s\n", strings.Join(x.names, " "))
	}
	b.Write(body)
	return b.Bytes(), x.names, nil
}

type exporter struct{ names []string }

// reference makes the name of a variable that holds a secret, unique in the file.
func (x *exporter) reference(parts ...string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, strings.Join(parts, "_"))
	unique := name
	for n := 2; slices.Contains(x.names, unique); n++ {
		unique = fmt.Sprintf("%s_%d", name, n)
	}
	x.names = append(x.names, unique)
	return "${" + unique + "}"
}

// fields collects the fields of an entry and leaves out what is at its default.
type fields struct{ items yaml.MapSlice }

func (f *fields) add(key string, value any, isDefault bool) {
	if !isDefault {
		f.items = append(f.items, yaml.MapItem{Key: key, Value: value})
	}
}

func (x *exporter) source(s sources.Source) yaml.MapSlice {
	var f fields
	f.add("name", s.Name, false)
	f.add("description", s.Description, s.Description == "")
	f.add("driver", s.Driver, s.Driver == "")
	f.add("source_name", s.SourceName, s.SourceName == "")
	if s.GroupBy.V.Vendor {
		f.add("group_by", "vendor", false)
	} else {
		f.add("group_by", s.GroupBy.V.Labels, len(s.GroupBy.V.Labels) == 0)
	}
	f.add("signature", s.Signature.String(), s.Signature.Scheme == sources.SchemeNone)
	if s.SignatureConfigured {
		f.add("signature_secret", x.reference("source", s.Name, "signature_secret"), false)
	}
	if s.PreviousConfigured {
		f.add("signature_previous", x.reference("source", s.Name, "signature_previous"), false)
	}
	f.add("is_active", false, s.IsActive)
	return f.items
}

func (x *exporter) channel(c notify.Channel) (yaml.MapSlice, error) {
	var config any
	if err := decode(orEmpty(c.Config.V), &config); err != nil {
		return nil, fmt.Errorf("read the settings of channel %q: %w", c.Name, err)
	}
	var f fields
	f.add("name", c.Name, false)
	f.add("driver", c.Driver, false)
	f.add("description", c.Description, c.Description == "")
	f.add("min_severity", string(c.MinSeverity), c.MinSeverity == "")
	in := notify.InputOf(c)
	f.add("renotify", period.Text(in.Renotify), in.Renotify == 0)
	if c.FallbackName != "" {
		var to fields
		to.add("channel", c.FallbackName, false)
		to.add("after", period.Text(in.FallbackAfter), in.FallbackAfter == 0)
		f.add("fallback", to.items, false)
	}
	if in.Throttle != (notify.Throttle{}) {
		var l fields
		l.add("messages", in.Throttle.Messages, false)
		l.add("per", period.Text(in.Throttle.Per), false)
		f.add("throttle", l.items, false)
	}
	settings, _ := x.settings(config, "channel", c.Name).(yaml.MapSlice)
	f.add("config", settings, len(settings) == 0)
	f.add("is_active", false, c.IsActive)
	return f.items, nil
}

func (x *exporter) provider(r analysts.Record) (yaml.MapSlice, error) {
	var config any
	if err := decode(orEmpty(r.Config.V), &config); err != nil {
		return nil, fmt.Errorf("read the settings of provider %q: %w", r.Name, err)
	}
	var f fields
	f.add("name", r.Name, false)
	f.add("provider", r.Provider, false)
	f.add("description", r.Description, r.Description == "")
	settings, _ := x.settings(config, "provider", r.Name).(yaml.MapSlice)
	f.add("config", settings, len(settings) == 0)
	f.add("is_active", true, !r.IsActive)
	return f.items, nil
}

// settings puts references where masks are, and keeps plain texts from being taken for references.
func (x *exporter) settings(v any, path ...string) any {
	switch v := v.(type) {
	case map[string]any:
		if configured, ok := v["configured"].(bool); ok && configured && len(v) == 1 {
			return x.reference(path...)
		}
		out := yaml.MapSlice{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, yaml.MapItem{Key: k, Value: x.settings(v[k], append(slices.Clone(path), k)...)})
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = x.settings(e, append(slices.Clone(path), strconv.Itoa(i))...)
		}
		return out
	case string:
		return strings.ReplaceAll(v, "${", "$${")
	default:
		return number(v)
	}
}

func (x *exporter) pipeline(d orchestration.Definition) (yaml.MapSlice, error) {
	var config any
	if err := decode(d.Config.V, &config); err != nil {
		return nil, fmt.Errorf("read pipeline %q: %w", d.Name, err)
	}
	own := ""
	if m, ok := config.(map[string]any); ok {
		own, _ = m["description"].(string)
	}
	var f fields
	f.add("name", d.Name, false)
	f.add("description", d.Description, d.Description == own)
	f.add("tags", d.Tags.V, len(d.Tags.V) == 0)
	f.add("is_active", false, d.IsActive)
	f.add("config", ordered(config), false)
	return f.items, nil
}

// reading is the order in which people read a definition; other keys follow by name.
var reading = []string{
	"$schema", "id", "type", "version", "description", "trigger", "defaults", "on", "sources", "field", "op", "value", "match", "when",
	"priority", "continue", "nodes", "config", "next", "to",
}

// ordered brings the keys of a document into reading order.
func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := yaml.MapSlice{}
		rank := func(k string) int {
			if i := slices.Index(reading, k); i >= 0 {
				return i
			}
			return len(reading)
		}
		keys := slices.Sorted(maps.Keys(v))
		slices.SortStableFunc(keys, func(a, b string) int { return rank(a) - rank(b) })
		for _, k := range keys {
			out = append(out, yaml.MapItem{Key: k, Value: ordered(v[k])})
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = ordered(e)
		}
		return out
	default:
		return number(v)
	}
}

func decode(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(into)
}

// number turns JSON's numbers into those that YAML writes without quotes.
func number(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	if i, err := n.Int64(); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return n.String()
}
