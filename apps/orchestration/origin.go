package orchestration

// What began a run.
const (
	OriginWebhook  = "incoming_webhook"
	OriginCheck    = "checker_generated"
	OriginManual   = "manual"
	OriginSchedule = "schedule"
	OriginIncident = "incident" // something happened to an incident
	OriginShadow   = "shadow"   // beside the pipelines that took the alert; tells nobody
	OriginReplay   = "replay"   // does again what another run did, and tells nobody
	OriginAgain    = "again"    // the same, and tells for real
)

// dry reports whether a run only records what it would tell.
func (x *run) dry() bool { return x.origin == OriginReplay || x.origin == OriginShadow }

// repeats reports whether a run does again what its parent did.
func (x *run) repeats() bool { return x.origin == OriginReplay || x.origin == OriginAgain }
