package channel

// Colour is what a severity looks like in messages (contract 8.1), as #rrggbb. Words that are none are info.
func Colour(severity string) string {
	switch severity {
	case "critical":
		return "#dc3545"
	case "warning":
		return "#ffc107"
	case "success":
		return "#28a745"
	default:
		return "#17a2b8"
	}
}
