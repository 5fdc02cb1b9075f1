package notify

import (
	"net/url"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// linkNames are the annotations, of all the senders, that hold an address, with the word it gets. In order of use to
// whoever is woken.
var linkNames = [...]struct{ annotation, name string }{
	{"runbook_url", "runbook"},
	{"runbook", "runbook"},
	{"runbookUrl", "runbook"},
	{"dashboard_url", "dashboard"},
	{"dashboardURL", "dashboard"},
	{"dashboard", "dashboard"},
	{"panel_url", "panel"},
	{"panelURL", "panel"},
	{"incident_url", "source"},
	{"issue_url", "source"},
	{"html_url", "source"},
	{"zabbix_url", "source"},
	{"url", "source"},
	{"ruleUrl", "rule"},
	{"rule_url", "rule"},
	{"generator_url", "generator"},
	{"generatorURL", "generator"},
	{"silence_url", "silence"},
	{"silenceURL", "silence"},
}

// LinkWord is what people call an address, by the name of its annotation or of a message's link; "" for other names.
func LinkWord(name string) string {
	for _, l := range linkNames {
		if l.annotation == name {
			return channel.LinkWord(l.name)
		}
	}
	return channel.LinkWord(name)
}

const maxLinks = 8

type namedLink struct{ Name, URL string }

// linksOf collects the addresses that help: the incident's page first, then one of each name, from the first alert that has it.
func linksOf(in *NoticeInput) (page string, links []channel.Link) {
	if u, ok := webAddress(in.URL); ok {
		page = u
		links = append(links, channel.Link{Name: "incident", URL: u})
	}
	for i := range in.Alerts {
		if i == maxAlerts || len(in.Alerts[i].Annotations) == 0 {
			break
		}
		for _, l := range linkNames {
			raw := in.Alerts[i].Annotations[l.annotation]
			if raw == "" || len(links) == maxLinks || slices.ContainsFunc(links, func(have channel.Link) bool { return have.Name == l.name }) {
				continue
			}
			if u, ok := webAddress(raw); ok {
				links = append(links, channel.Link{Name: l.name, URL: u})
			}
		}
	}
	return page, links
}

// webAddress takes http and https addresses with a host, and leaves out user and password.
func webAddress(raw string) (string, bool) {
	raw = strings.TrimSpace(raw)
	if len(raw) > 2000 || !strings.HasPrefix(raw, "http://") && !strings.HasPrefix(raw, "https://") {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "", false
	}
	u.User = nil
	return u.String(), true // String escapes what has no place in an address
}

func nameLinks(links []channel.Link) []namedLink {
	if len(links) == 0 {
		return nil
	}
	out := make([]namedLink, len(links))
	for i, l := range links {
		out[i] = namedLink{channel.LinkWord(l.Name), l.URL}
	}
	return out
}
