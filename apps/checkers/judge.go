package checkers

import "math"

// Judge compares a value with the thresholds in force: the more, the worse. A threshold that there is none of (NaN) is never reached.
func (in *Input) Judge(value float64) Status {
	switch {
	case value >= in.Critical:
		return Critical
	case value >= in.Warning:
		return Warning
	default:
		return OK
	}
}

// JudgeInverted is Judge where less is worse: ok from the warning threshold on, a warning from the critical one on, critical below both.
func (in *Input) JudgeInverted(value float64) Status {
	switch {
	case value < in.Critical:
		return Critical
	case value < in.Warning:
		return Warning
	default:
		return OK
	}
}

// Rank orders statuses, worst last: ok, unknown, warning, critical.
func (s Status) Rank() int {
	switch s {
	case Critical:
		return 3
	case Warning:
		return 2
	case Unknown:
		return 1
	case OK:
		return 0
	}
	return 1
}

// Worse is the worse of two statuses.
func Worse(a, b Status) Status {
	if b.Rank() > a.Rank() {
		return b
	}
	return a
}

// Round rounds to a number of decimals. What is no number is 0: JSON has no word for it.
func Round(v float64, decimals int) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	p := math.Pow10(decimals)
	return math.Round(v*p) / p
}

// GB is a size in units of 1024^3 bytes, with two decimals, as metrics have it.
func GB(bytes uint64) float64 { return Round(float64(bytes)/(1<<30), 2) }

// MB is a size in units of 1024^2 bytes, with one decimal.
func MB(bytes uint64) float64 { return Round(float64(bytes)/(1<<20), 1) }

// Percent is part of whole, 0 to 100; 0 when there is no whole.
func Percent(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return 100 * part / whole
}
