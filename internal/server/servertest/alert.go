package servertest

import (
	"encoding/json"
	"maps"
)

// Alert is one alert of a push in Alertmanager's format. Zero fields take what Push documents.
type Alert struct {
	Name     string
	Instance string // "web-01"
	Severity string // "critical"; "-" for none
	Status   string // "firing"
	Summary  string
	Starts   string
	Labels   map[string]string
}

// Push writes alerts as Alertmanager does.
func Push(alerts ...Alert) string {
	items := make([]map[string]any, 0, len(alerts))
	status := "resolved"
	for _, a := range alerts {
		labels := map[string]string{"alertname": a.Name, "instance": or(a.Instance, "web-01")}
		if a.Severity != "-" {
			labels["severity"] = or(a.Severity, "critical")
		}
		maps.Copy(labels, a.Labels)
		item := map[string]any{
			"status": or(a.Status, "firing"), "labels": labels, "annotations": map[string]string{"summary": or(a.Summary, "something is wrong")},
			"startsAt": or(a.Starts, "2026-11-20T10:00:00Z"), "endsAt": "0001-01-01T00:00:00Z",
		}
		// Alertmanager's fingerprint leaves nothing out; here severity must not make another alert of it.
		item["fingerprint"] = a.Name + "/" + labels["instance"]
		if or(a.Status, "firing") == "firing" {
			status = "firing"
		}
		items = append(items, item)
	}
	raw, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": "{}:{alertname=\"x\"}", "status": status, "receiver": "hub", "groupLabels": map[string]string{},
		"commonLabels": map[string]string{}, "commonAnnotations": map[string]string{}, "externalURL": "http://alertmanager.example:9093", "alerts": items,
	})
	if err != nil {
		panic(err) // texts only
	}
	return string(raw)
}

// Fire and Resolve are pushes of one alert each.
func Fire(name string) string { return Push(Alert{Name: name}) }

// Resolve ends what Fire began.
func Resolve(name string) string { return Push(Alert{Name: name, Status: "resolved"}) }

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Generic writes alerts in the hub's own format, without fingerprints: every label counts.
func Generic(alerts ...Alert) string {
	items := make([]map[string]any, 0, len(alerts))
	for _, a := range alerts {
		labels := map[string]string{"instance": or(a.Instance, "web-01")}
		maps.Copy(labels, a.Labels)
		item := map[string]any{"name": a.Name, "status": or(a.Status, "firing"), "labels": labels, "description": or(a.Summary, "something is wrong")}
		if a.Severity != "-" {
			item["severity"] = or(a.Severity, "critical")
		}
		if a.Starts != "" {
			item["started_at"] = a.Starts
		}
		items = append(items, item)
	}
	raw, err := json.Marshal(map[string]any{"alerts": items})
	if err != nil {
		panic(err) // texts only
	}
	return string(raw)
}
