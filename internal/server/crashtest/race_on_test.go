//go:build unix && race

package crashtest

// slow is by how much bars of time are widened; the race detector and a machine shared with other packages' tests cost that much.
const slow = 3
