package generic

import (
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/shape"
)

// identity holds the members that tell which alert it is, over all its states.
var identity = [...]string{
	"fingerprint", "dedupkey", "deduplicationkey", "alertuid", "incidentkey", "incidentid", "alertid", "xs4externalid", "externalid",
	"alarmarn", "dataissueid", "problemid", "checkid", "monitorid",
}

// instance maps members to labels that tell what the alert is about, if the sender has no such label.
var instance = [...][2]string{
	{"instance", "instance"},
	{"hostname", "hostname"},
	{"host", "host"},
	{"devicehostname", "hostname"},
	{"service", "service"},
	{"servicename", "service"},
	{"endpointname", "endpoint"},
	{"endpoint", "endpoint"},
	{"endpointgroup", "endpoint_group"},
	{"resourcename", "resource"},
	{"environment", "environment"},
	{"env", "environment"},
	{"region", "region"},
	{"cluster", "cluster"},
	{"namespace", "namespace"},
	{"application", "application"},
	{"subsystem", "subsystem"},
	{"team", "team"},
}

// Times: of the alert, and of the message, which is the start or the end by its state.
var (
	startTimes = [...]string{
		"startedat", "startsat", "starttime", "startdate", "triggeredat", "checkresulttriggeredat", "firedat", "fireddatetime", "firstseen",
		"activatedat", "createdat",
	}
	endTimes   = [...]string{"endedat", "endsat", "resolvedat", "resolveddatetime", "endtime", "enddate", "closedat", "recoveredat", "clearedat", "canceldate"}
	eventTimes = [...]string{
		"statechangetime", "statechangedtimestamp", "timestamp", "time", "date", "datetime", "occurredat", "eventtime", "heartbeattime",
		"incidenttimeiso", "outagetimeunixformat", "lastseen", "updatedate",
	}
)

// observation reads one alert. The fingerprint of an alert without an identity leaves out what a title says of the state.
func observation(f shape.Fields) event.Observation {
	word, _ := stated(f)
	obs := event.Observation{
		Name:        name(f),
		Status:      word.status,
		Passive:     word.passive,
		Severity:    severity(f, word),
		Description: f.Str(descriptions[:]...),
		Labels:      shape.Labels(f.Get("labels")),
		Annotations: shape.Labels(f.Get("annotations")),
		StartedAt:   f.Time(startTimes[:]...),
	}
	at := f.Time(eventTimes[:]...)
	switch {
	case obs.Status == event.StatusResolved:
		if obs.EndedAt = f.Time(endTimes[:]...); obs.EndedAt.IsZero() {
			obs.EndedAt = at
		}
	case obs.StartedAt.IsZero() && !obs.Passive:
		obs.StartedAt = at
	}
	for _, pair := range instance {
		if _, taken := obs.Labels[pair[1]]; !taken {
			shape.Set(obs.Labels, pair[1], f.Str(pair[0]))
		}
	}
	shared, _, _ := shape.Title(obs.Name)
	obs.Fingerprint = shape.Fingerprint(f.Str(identity[:]...), shared, obs.Labels)
	if _, taken := obs.Annotations["url"]; !taken {
		shape.Set(obs.Annotations, "url", f.Link("url", "link", "alerturl", "linktoupstreamdetails", "kibanaurl", "incidenturl", "problemurl"))
	}
	return obs
}

// descriptions hold the text, best first. What a state change gives as its reason says more than the envelope it came in.
var descriptions = [...]string{
	"newstatereason", "description", "message", "summary", "text", "annotationsdescription", "annotationssummary", "alarmdescription",
	"details", "problemdetailstext", "incidentreason", "reason", "longdescription", "msg", "heartbeatmsg", "checkresultresultdescription", "output", "body", "log",
	"logs", "logtext", "info",
}
