package channel

import "strings"

// Title is a driver's name as people call it, or the service that it talks to.
func Title(driver string) string {
	switch driver {
	case "email":
		return "E-mail"
	case "generic":
		return "Webhook"
	case "ntfy":
		return "ntfy"
	case "pagerduty":
		return "PagerDuty"
	case "teams":
		return "Microsoft Teams"
	case "":
		return ""
	default:
		return strings.ToUpper(driver[:1]) + driver[1:]
	}
}
