package web

import (
	"cmp"
	"reflect"
	"strings"
)

// Mark is how a state looks: a tone (which names CSS classes), an icon and a word. Colour never stands alone.
type Mark struct{ Tone, Icon, Word string }

func severityMark(v any) Mark {
	switch s := text(v); s {
	case "critical":
		return Mark{"critical", "critical", "Critical"}
	case "warning":
		return Mark{"warning", "warning", "Warning"}
	case "info":
		return Mark{"info", "info", "Info"}
	case "success", "resolved":
		return Mark{"ok", "ok", "Resolved"}
	case "":
		return Mark{"unknown", "unknown", "Not given"}
	default:
		return Mark{"unknown", "unknown", words(s)}
	}
}

func statusMark(v any) Mark {
	switch s := text(v); s {
	case "open":
		return Mark{"open", "dot", "Open"}
	case "acknowledged":
		return Mark{"info", "eye", "Acknowledged"}
	case "resolved":
		return Mark{"ok", "check", "Resolved"}
	case "closed":
		return Mark{"unknown", "archive", "Closed"}
	case "firing":
		return Mark{"critical", "alert", "Firing"}
	default:
		return Mark{"unknown", "unknown", words(s)}
	}
}

func deliveryMark(v any) Mark {
	switch s := text(v); s {
	case "delivered":
		return Mark{"ok", "ok", "Delivered"}
	case "pending":
		return Mark{"info", "clock", "Waiting"}
	case "sending":
		return Mark{"info", "spinner", "Sending"}
	case "suppressed":
		return Mark{"unknown", "muted", "Held back"}
	case "dead":
		return Mark{"critical", "failed", "Failed"}
	case "no_route":
		return Mark{"warning", "stop", "No pipeline took it"}
	case "rejected":
		return Mark{"critical", "failed", "Not usable"}
	default:
		return Mark{"unknown", "unknown", words(s)}
	}
}

// verdictMark is how one try of a message went.
func verdictMark(v any) Mark {
	switch s := text(v); s {
	case "done":
		return Mark{"ok", "ok", "Delivered"}
	case "retry":
		return Mark{"warning", "retry", "To be tried again"}
	case "dropped":
		return Mark{"unknown", "muted", "Not repeated"}
	default:
		return Mark{"critical", "failed", "Refused"}
	}
}

func nodeMark(v any) Mark {
	switch s := text(v); s {
	case "succeeded", "done":
		return Mark{"ok", "ok", "Done"}
	case "running", "leased":
		return Mark{"info", "spinner", "Running"}
	case "retrying":
		return Mark{"warning", "retry", "Trying again"}
	case "failed":
		return Mark{"critical", "failed", "Failed"}
	case "skipped":
		return Mark{"skipped", "skip", "Skipped"}
	case "canceled":
		return Mark{"skipped", "stop", "Stopped"}
	case "", "pending", "ready", "waiting":
		return Mark{"unknown", "clock", "Waiting"}
	default:
		return Mark{"unknown", "unknown", words(s)}
	}
}

func runMark(v any) Mark {
	m := nodeMark(v)
	if m.Tone == "skipped" {
		m.Tone = "unknown"
	}
	if text(v) == "succeeded" {
		m.Word = "Finished"
	}
	return m
}

func outcomeMark(v any) Mark {
	switch s := text(v); s {
	case "queued", "accepted", "folded":
		return Mark{"ok", "ok", "Taken in"}
	case "no_route":
		return Mark{"warning", "stop", "No pipeline took it"}
	case "ignored":
		return Mark{"unknown", "skip", "Nothing to do"}
	case "rejected":
		return Mark{"critical", "failed", "Not usable"}
	default:
		return Mark{"unknown", "unknown", words(s)}
	}
}

// reasons are the words of the books in plain ones. What is not here is shown with spaces for its underlines.
var reasons = map[string]string{
	"duplicate":          "a repeat: everyone who should know was told before",
	"not_material":       "nothing that matters changed",
	"not_reached":        "no path led here",
	"superseded":         "a newer report was taken in first",
	"resolved_first":     "it resolved before this was sent",
	"nobody_was_told":    "nobody had been told that it fired",
	"below_min_severity": "less bad than what this channel wants to hear",
	"when":               "the condition of the step was not met",
	"silenced":           "a silence was on",
	"maintenance":        "a maintenance window was on",
	"arrived_in_part":    "parts of it have arrived, the rest is tried again",
	"may_repeat":         "an earlier try may have arrived, so it is marked as a repeat",
	"unknown_outcome":    "an earlier try may have arrived, and the receiver could not have told a repeat",
	"throttled":          "too many messages in a short time",
	"no_notify":          "the pipeline tells nobody",
	"no_incident":        "its check asked for an alert without an incident",
	"run_failed":         "the pipeline run failed",
	"expired":            "it was not sent within the time for retries",
	"permanent":          "the receiver refused it for good",
	"poison":             "processing stopped the worker again and again",
	"no_route":           "no pipeline wanted it",
	"discarded":          "a pipeline is set to discard it",
	"shadow":             "the pipeline is a shadow, which tells nobody",
	"dry_run":            "a rehearsal: nothing was sent",
	"canceled":           "the run was ended by hand",
	"deadline":           "the run took longer than it may",
	"bad_item":           "this item could not be used",
	"unusable":           "nothing in it could be used",
	"channel_off":        "the channel sends nothing",
	"channel_gone":       "the channel was removed",
	"bad_config":         "the settings of the channel are not usable",
	"bad_answer":         "the receiver answered, but not that it took the message",
	"blocked_address":    "the hub may not call the address",
	"no_starttls":        "the mail server offers no encryption",
	"setup_wizard":       "preset",
	"generatorURL":       "Query",
	"runbook_url":        "Runbook",
	"dashboard_url":      "Dashboard",
	"dashboardURL":       "Dashboard",
	"panelURL":           "Panel",
	"silenceURL":         "Silence it",
}

// lastErrors are what messages failed of until their time was over.
var lastErrors = map[string]string{
	"timeout": "the receiver did not answer in time", "dns": "its name could not be looked up", "refused": "nothing answered at its address",
	"reset": "it dropped the connection", "unreachable": "its network could not be reached", "tls": "its certificate or encryption was not accepted",
}

// kindName is what a delivery tells, in a word.
func kindName(v any) string {
	switch s := text(v); s {
	case "firing":
		return "Firing"
	case "updated":
		return "Update"
	case "resolved":
		return "Resolve"
	case "reminder":
		return "Reminder"
	case "acknowledged":
		return "Acknowledged"
	case "test":
		return "Test"
	case "sent":
		return "Message"
	default:
		return words(s)
	}
}

// words turns a stored word into plain ones.
func words(v any) string {
	s := text(v)
	if plain, ok := reasons[s]; ok {
		return plain
	}
	if status, ok := strings.CutPrefix(s, "http_"); ok {
		return "the receiver answered " + status
	}
	if code, ok := strings.CutPrefix(s, "smtp_"); ok {
		return "the mail server answered " + code
	}
	if last, ok := strings.CutPrefix(s, "expired: "); ok {
		return reasons["expired"] + ": " + cmp.Or(lastErrors[last], words(last))
	}
	if strings.Contains(s, " ") {
		return s // a sentence, with the names of others in it
	}
	return strings.ReplaceAll(s, "_", " ")
}

// text is the text of any kind of string.
func text(v any) string {
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return r.String()
	}
	return ""
}
