package notify

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// plainReasons are reasons of deliveries in words that whoever is paged understands.
var plainReasons = map[string]string{
	fault.ClassTimeout:        "it did not answer in time",
	fault.ClassDNS:            "its name could not be looked up",
	fault.ClassRefused:        "nothing answers at its address",
	fault.ClassReset:          "it dropped the connection",
	fault.ClassUnreachable:    "its network could not be reached",
	fault.ClassTLS:            "its certificate or encryption is not accepted",
	fault.ClassBlocked:        "the hub may not call its address",
	fault.ClassOther:          "an attempt to send failed",
	"channel_gone":            "it was removed",
	classBadConfig:            "its settings are not usable",
	channel.ClassDisabled:     "its settings say to send nothing",
	event.ReasonUnknown:       "it is not known whether it arrived",
	event.ReasonChannelOff:    "its settings say to send nothing",
	event.ReasonInPart:        "only a part of it arrived",
	"refused_by_receiver":     "it did not take the message",
	"expired":                 "it was not reached in time",
	event.ReasonPoison:        "sending it broke the hub several times",
	event.ReasonCanceled:      "it was canceled",
	event.ReasonResolvedFirst: "the incident was over before",
}

// plainReason is the reason of a delivery in words; those of drivers' own are left as they are.
func plainReason(reason string) string {
	if words := plainReasons[reason]; words != "" {
		return words
	}
	for prefix, who := range map[string]string{"http_": "it answered ", "smtp_": "its mail server answered "} {
		code, ok := strings.CutPrefix(reason, prefix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(code)
		if name := http.StatusText(n); err == nil && name != "" && prefix == "http_" {
			code += " (" + strings.ToLower(name) + ")"
		}
		return who + code
	}
	return strings.ReplaceAll(line(reason, maxLine), "_", " ")
}
