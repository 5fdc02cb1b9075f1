package intelligence

import "github.com/incidenthub/incidenthub/providers"

// advice says in a sentence what an operator can do about a class of errors.
var advice = map[string]string{
	providers.ErrAuth:       "Enter a key that is valid for this address; it may have been revoked.",
	providers.ErrQuota:      "Look at the account's billing at the vendor.",
	providers.ErrRateLimit:  "Wait a little, or have fewer calls made in an hour.",
	providers.ErrOverloaded: "Try again in a few minutes.",
	providers.ErrServer:     "Try again in a few minutes; the vendor's status page may say more.",
	providers.ErrNetwork:    "Check the address, and that this machine reaches it. Addresses of your own network must be in HUB_EGRESS_ALLOW.",
	providers.ErrBadRequest: "A setting does not fit this model: try without temperature, effort and the form of the answer.",
	providers.ErrNotFound:   "Check the name of the model and the address; the key may not be allowed to use the model.",
	providers.ErrTooLarge:   "Set a smaller number of tokens for the question.",
	providers.ErrRefusal:    "Try another model.",
	providers.ErrMalformed:  "Try another form of the answer, or another model.",
	providers.ErrTimeout:    "Try again; choose a quicker model, or a longer time limit.",
	providers.ErrInternal:   "The hub's log has the reason.",
	providers.ErrConfig:     "Look at its settings; the key may have to be entered again.",
	providers.ErrBudget:     "Wait until the hour or the day is over, or raise the limit.",
}

// Advice says what an operator can do about a class of errors, "" when there is nothing to say.
func Advice(class string) string { return advice[class] }
