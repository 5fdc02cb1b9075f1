// Package failpoint names the moments at which crash tests kill the hub. A hub is built without them: Hit is an empty function then,
// which the compiler leaves out. Only with the tag chaos does it look at the environment, once, for the point at which this process has to die.
package failpoint

// Point is a moment between two things that must survive each other's loss.
type Point string

// The points.
const (
	// Committed: alerts, the end of a silence or an attempt by hand are stored, and whoever wanted that has no answer yet.
	Committed Point = "committed"
	// Rung: Redis has a ring.
	Rung Point = "rung"
	// Claimed: jobs are leased to this process, and nothing has been done with them.
	Claimed Point = "claimed"
	// NodeCommitted: what a node did is stored with the work that follows, which nobody has begun.
	NodeCommitted Point = "node_committed"
	// Deciding: what the clock, the end of a silence or a person tells is written in a transaction that is not committed.
	Deciding Point = "deciding"
	// Decided: it is committed, and nobody has begun to send it.
	Decided Point = "decided"
	// BeforeSend: a message is booked as being on the wire, and is not.
	BeforeSend Point = "before_send"
	// AfterSend: the receiver has answered, and nobody has booked that.
	AfterSend Point = "after_send"
)

// Points are all of them.
func Points() []Point {
	return []Point{Committed, Rung, Claimed, NodeCommitted, Deciding, Decided, BeforeSend, AfterSend}
}
