package slack

// webhookAdvice says what to do about errors of an incoming webhook, which has neither a token nor an app of yours to look at: its address
// is all there is.
var webhookAdvice = map[string]string{
	"invalid_auth":      newWebhook,
	"not_authed":        newWebhook,
	"token_revoked":     newWebhook,
	"token_expired":     newWebhook,
	"account_inactive":  newWebhook,
	"missing_scope":     newWebhook,
	"no_permission":     newWebhook,
	"channel_not_found": "there is no such channel any more, or the webhook may not post there: remove the setting channel, or make a new webhook",
	"not_in_channel":    "the webhook may not post in that channel: remove the setting channel, or make a new webhook",
}

const newWebhook = "the webhook's address is not valid any more: make a new webhook and enter its address"

// whatToDo is the advice about an error of a webhook, or of a bot.
func whatToDo(code string, webhook bool) string {
	if words := webhookAdvice[code]; webhook && words != "" {
		return words
	}
	return advice[code]
}
