package zabbix

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/incidenthub/incidenthub/drivers/shape"
)

// ids are what identifies a problem. The event's number is the problem's in a recovery by the default template, but the
// recovery's own in others; the trigger's is the same in both.
type ids struct{ trigger, event, problem, host string }

func readIDs(f shape.Fields) ids {
	id := ids{
		trigger: f.Str("triggerid"),
		event:   f.Str("eventid", "id"),
		problem: f.Str("originalproblemid", "problemid", "problemeventid", "originaleventid"),
		host:    f.Str("hostname", "host", "hosthost", "hostvisiblename", "entityobjectname", "service"),
	}
	for _, l := range f.Each("link", "eventlink", "eventurl", "url", "triggerurl", "problemurl") {
		if u, err := url.Parse(l); err == nil {
			q := u.Query()
			id.trigger = fallback(id.trigger, digits(q.Get("triggerid")))
			id.event = fallback(id.event, digits(q.Get("eventid")))
		}
	}
	return id
}

func fallback(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func digits(s string) string {
	if strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// identity joins the trigger with the host, because several Zabbix servers number their triggers alike.
func (id ids) identity() string {
	switch {
	case id.trigger != "" && id.host != "":
		return id.trigger + "@" + id.host
	case id.trigger != "":
		return id.trigger
	case id.problem != "":
		return id.problem
	default:
		return id.event
	}
}

// subjectPrefix is what the default message templates put before the name of the event: "Resolved in 5m 0s: ".
var subjectPrefix = regexp.MustCompile(`^((?i:problem|resolved|ok|updated problem|problem update|recovery))(?: in [^:]{1,40})?: `)

// subject splits the subject of a message into the state and the name.
func subject(f shape.Fields) (state, name string) {
	s := f.Str("alertsubject", "subject", "title")
	if m := subjectPrefix.FindStringSubmatch(s); m != nil {
		state, s = m[1], strings.TrimSpace(s[len(m[0]):])
	}
	name, bracketed, _ := shape.Title(s)
	return fallback(state, bracketed), name
}

// name prefers what Zabbix calls the trigger or the event over subjects and messages, which change with the state.
func name(f shape.Fields) string {
	if n := f.Str("triggername", "eventname", "name", "problemname", "trigger", "problem"); n != "" {
		return n
	}
	if _, n := subject(f); n != "" {
		return n
	}
	return shape.FirstLine(f.Str("triggerdescription", "alertmessage", "eventmessage", "message", "description"))
}

func description(f shape.Fields) string {
	if d := f.Str("alertmessage", "eventmessage", "message", "triggerdescription", "description", "eventopdata", "opdata"); d != "" {
		return d
	}
	item, value := f.Str("itemname", "item"), f.Str("itemvalue", "itemlastvalue")
	if item == "" || value == "" {
		return item + value
	}
	return item + ": " + value
}

// labels take the tags and a labels object first, so that none of them replaces what the event itself says.
func labels(f shape.Fields, id ids) map[string]string {
	m := shape.Labels(f.Get("labels"))
	for _, k := range [...]string{"tags", "eventtags", "eventtag", "eventtagsjson", "triggertags"} {
		shape.SetTags(m, shape.Tags(f.Get(k)), "")
	}
	shape.Set(m, "host_name", id.host)
	shape.Set(m, "host_ip", f.Str("hostip", "hostconn", "ip"))
	shape.Set(m, "trigger_id", id.trigger)
	shape.Set(m, "event_id", id.event)
	shape.Set(m, "item_name", f.Str("itemname", "item"))
	shape.Set(m, "host_group", f.Str("hostgroup", "hostgroups", "triggerhostgroupname"))
	return m
}

func annotations(f shape.Fields) map[string]string {
	a := map[string]string{}
	shape.Set(a, "item_value", f.Str("itemvalue", "itemlastvalue"))
	shape.Set(a, "zabbix_url", f.Link("zabbixurl"))
	shape.Set(a, "event_url", f.Link("eventurl", "eventlink", "link", "url", "problemurl"))
	shape.Set(a, "opdata", f.Str("eventopdata", "opdata"))
	shape.Set(a, "trigger_description", f.Str("triggerdescription"))
	shape.Set(a, "update_message", f.Str("eventupdatemessage", "updatemessage"))
	shape.Set(a, "update_user", f.Str("eventupdateuser", "updateuser", "userfullname"))
	return a
}
