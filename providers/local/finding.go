package local

import "github.com/incidenthub/incidenthub/providers"

// How bad a finding is, 0..100, whatever the incident says. Detectors of all kinds share this scale, or a weak suspect of one kind would
// beat a clear fault of another. Values between are for degrees: 85 and 88 are the same words with more behind them.
const (
	// failing: a limit is reached and work fails now (a full disk, no descriptor left, killed for memory).
	failing = 92.0
	// hurting: it does harm that can be measured, or will within minutes.
	hurting = 75.0
	// abnormal: clearly not as it should be, but the host goes on. Nothing that a healthy busy host shows may be above it.
	abnormal = 55.0
	// suspect: the most of its kind here. Worth saying to someone who asks about this kind.
	suspect = 32.0
	// mention: only for someone who asks about just that.
	mention = 22.0
)

// finding is one thing that is wrong, or may be.
type finding struct {
	class string  // zombies, disk_full, …: one word of the detector, stored in details
	kind  string  // providers.Memory, …: the type of the recommendation
	score float64 // see failing and the others; decides the priority
	share float64 // of the resource, 0..1: breaks ties between findings of one score
	sure  float64 // how clear the evidence is, 0..1

	title       string
	description string   // one to three sentences with the numbers, the plain word for the cause among them
	actions     []string // looks first; the first one never changes anything
	culprit     providers.Culprit
	details     map[string]any // numbers

	// about are words of incidents that ask for just this ("zombie", "defunct"): whole words, lower case, or two words with a space.
	about []string
}

// priority follows from the score alone: words of an incident make nothing worse than it is.
func (f *finding) priority() string {
	switch {
	case f.score >= 88:
		return providers.Critical
	case f.score >= 70:
		return providers.High
	case f.score >= 40:
		return providers.Medium
	default:
		return providers.Low
	}
}
