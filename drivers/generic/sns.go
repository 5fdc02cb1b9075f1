package generic

import (
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/shape"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// isSNS knows the envelope of Amazon SNS, which carries the alarms of CloudWatch.
func isSNS(o doc.Object) bool { return o.IsStr("Type") && o.IsStr("TopicArn") && o.Has("Message") }

// parseSNS reads the document inside the message, or the message itself. No address of the envelope is ever opened: a
// subscription is confirmed by a person.
func parseSNS(o doc.Object) (event.Parsed, error) {
	p := event.Parsed{DeliveryKey: o.First("MessageId")}
	switch o.Str("Type") {
	case "SubscriptionConfirmation", "UnsubscribeConfirmation":
		p.Ignored = "Amazon SNS sent a " + o.Str("Type") + "; open its SubscribeURL by hand if it is wanted"
		return p, nil
	}
	f := shape.NewFields(nil, o)
	if inner, err := doc.Decode([]byte(o.Str("Message")), doc.Limits{}); err == nil {
		if sub, ok := subject(inner); ok {
			f = sub.Over(f)
		}
	}
	if f.Str(names[:]...) == "" {
		return event.Parsed{}, drivers.Malformed(Driver{}.Name(), "the Amazon SNS message has neither a Subject nor a text")
	}
	shape.Add(&p, observation(f))
	return p, nil
}
