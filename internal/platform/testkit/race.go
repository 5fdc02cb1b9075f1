//go:build race

package testkit

// Slower is how many times as long the same code takes as without the race detector, at least: for tests that no text makes code slow.
const Slower = 15
