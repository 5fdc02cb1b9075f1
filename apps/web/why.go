package web

import (
	"encoding/json"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
)

// reasonLine is one step of a decision trace in plain words.
type reasonLine struct {
	Icon, Tone, Text string
	More             string // what was compared, or why
}

// maxReasons bounds the steps that are shown: a hub may have hundreds of pipelines that did not want an alert.
const maxReasons = 30

// why puts a stored decision trace into sentences. What it does not know it shows as it was written; a trace that cannot be
// read is left out.
func why(raw json.RawMessage) []reasonLine {
	var trace []event.Decision
	if json.Unmarshal(raw, &trace) != nil {
		return nil
	}
	out := make([]reasonLine, 0, min(len(trace), maxReasons))
	for _, d := range trace[:min(len(trace), maxReasons)] {
		line := reasonOf(&d)
		if line.More == "" {
			line.More = words(d.Why)
		}
		out = append(out, line)
	}
	return out
}

func reasonOf(d *event.Decision) reasonLine {
	switch d.What {
	case "parse":
		if d.Name == "" {
			return reasonLine{Icon: "failed", Tone: "critical", Text: "It has the shape of no tool"}
		}
		return reasonLine{Icon: "failed", Tone: "critical", Text: "The reader for " + vendorOf(d.Name).Name + " could not use it"}
	case "route":
		return routeReason(d)
	case "fold":
		return foldReason(d)
	case "channel":
		switch m := deliveryMark(d.Result); d.Result {
		case "pending", "sending": // as it was decided; what came of it is said elsewhere
			return reasonLine{Icon: "channel", Tone: m.Tone, Text: "Channel " + d.Name + " is to be told"}
		default:
			return reasonLine{Icon: m.Icon, Tone: m.Tone, Text: "Channel " + d.Name + ": " + m.Word}
		}
	case "resolve":
		return reasonLine{Icon: "check", Tone: "ok", Text: "It ended the incident; whoever was told of it hears of the end"}
	default:
		text := words(d.What)
		if d.Name != "" {
			text += " " + d.Name
		}
		return reasonLine{Icon: "dot", Text: text + ": " + words(d.Result)}
	}
}

// refusal is why a push could not be used.
type refusal struct {
	Text  string
	Tried []label // drivers, and what each did not find
}

// tried takes the drivers out of the sentence that nobody recognised a body.
func tried(reason string) refusal {
	text, rest, found := strings.Cut(reason, "; tried ")
	if !found {
		return refusal{Text: reason}
	}
	out := refusal{Text: text}
	for part := range strings.SplitSeq(rest, "), ") {
		name, missing, _ := strings.Cut(strings.TrimSuffix(part, ")"), " (")
		out.Tried = append(out.Tried, label{vendorOf(name).Name, missing})
	}
	return out
}

func routeReason(d *event.Decision) reasonLine {
	switch d.Result {
	case "match", "forced", "default", "own":
		return reasonLine{Icon: "pipeline", Tone: "ok", Text: "Pipeline " + d.Name + " took it"}
	case "miss":
		return reasonLine{Icon: "skip", Text: "Pipeline " + d.Name + " did not want it"}
	case "discard":
		return reasonLine{Icon: "stop", Text: "Pipeline " + d.Name + " is set to discard it"}
	default:
		return reasonLine{Icon: "dot", Text: "Pipeline " + d.Name + ": " + words(d.Result)}
	}
}

func foldReason(d *event.Decision) reasonLine {
	switch event.ChangeKind(d.Result) {
	case event.ChangeCreated:
		return reasonLine{Icon: "alert", Tone: "critical", Text: "It is an alert that the hub had not seen"}
	case event.ChangeUpdated:
		return reasonLine{Icon: "retry", Text: "It repeats an alert that fires already"}
	case event.ChangeResolved:
		return reasonLine{Icon: "check", Tone: "ok", Text: "It ends the alert"}
	case event.ChangeRefired:
		return reasonLine{Icon: "reopen", Tone: "critical", Text: "The alert fires again"}
	case event.ChangeRepeated:
		return reasonLine{Icon: "retry", Text: "The alert had ended already"}
	case event.ChangeSuperseded:
		return reasonLine{Icon: "skip", Text: "A newer report of the alert was taken in first"}
	case event.ChangeRejected:
		return reasonLine{Icon: "failed", Tone: "critical", Text: "It could not be used"}
	default:
		return reasonLine{Icon: "dot", Text: words(d.Result)}
	}
}
