package event

import "strings"

// ParseSeverity maps a sender's word or level, in any case, to a severity: those LookupSeverity knows, and anything else is
// a warning. The empty string stays empty ("not carried").
func ParseSeverity(word string) Severity {
	if strings.TrimSpace(word) == "" {
		return ""
	}
	if s, known := LookupSeverity(word); known {
		return s
	}
	return SeverityWarning
}

// LookupSeverity maps a sender's word or level, in any case, to a severity, or reports that it is none: critical, page,
// error, high, fatal, emergency, disaster, p1, p2 are critical; warning, warn, medium, average, moderate, p3 are warnings;
// info, low, debug, notice, p4, p5 are info.
func LookupSeverity(word string) (s Severity, known bool) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical", "crit", "page", "error", "err", "high", "fatal", "emergency", "disaster", "p1", "p2":
		return SeverityCritical, true
	case "warning", "warn", "medium", "average", "moderate", "p3":
		return SeverityWarning, true
	case "info", "information", "informational", "low", "debug", "notice", "p4", "p5":
		return SeverityInfo, true
	default:
		return "", false
	}
}
