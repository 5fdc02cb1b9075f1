package notify

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

// What an operator can do about an attempt that failed.
const (
	adviceCredential = "The receiver does not accept the credential: enter it again, and check what it is allowed to do. Some addresses are the credential."
	adviceGone       = "The address or the place in it is gone, or was never there: make a new one at the receiver and enter it here."
	adviceFewer      = "The receiver wants fewer messages: wait a little, or raise the least severity of the channel."
	adviceTooLong    = "The message is too long for the receiver: shorten the template."
	adviceRedirect   = "Enter the address that it leads to; redirects are not followed."
	adviceTrouble    = "The receiver has trouble of its own: try again in a few minutes."
	adviceForm       = "The receiver does not take the message as it is: its answer says why. Check the settings and the template."
	adviceMethod     = "The receiver takes no such call at that address: check the address, and the setting method if there is one."
	adviceLater      = "Try again in a few minutes."
	adviceSettings   = "Another try will not help: check the settings."
	adviceMailLater  = "The mail server puts it off, as many do with senders that they do not know yet: try again in a few minutes. Alerts are tried again by themselves."
	adviceMailRefuse = "The mail server refuses it for good: its answer says whether for the sender, a recipient or the mail. Check from_address and to_addresses."
)

// advices are those of classes of errors.
var advices = map[string]string{
	fault.ClassTimeout:     "Check the address, and that nothing between the hub and the receiver holds the connection back; a test may arrive all the same.",
	fault.ClassDNS:         "Check the name in the address, and that this machine can look it up.",
	fault.ClassRefused:     "Nothing listens there: check host and port, and that the receiver runs.",
	fault.ClassReset:       "The receiver, or something before it, dropped the connection; it may have taken the message. Look at its log.",
	fault.ClassUnreachable: "Check the network and the firewall between the hub and the receiver.",
	fault.ClassTLS:         "Check that the receiver's certificate is valid for this name, and that the port speaks TLS in the way that is set.",
	fault.ClassBlocked:     "The hub does not call addresses of your own network unless they are allowed: add the host to HUB_EGRESS_ALLOW.",
	classBadConfig:         "Open the channel, correct what is marked, and save it.",
	channel.ClassDisabled:  "Take disabled out of its settings, or give it an address, and it is told.",
}

// plainAnswer begins the errors that say no more than a status.
const plainAnswer = "receiver answered "

// Advice says what an operator can do about an attempt that failed, "" when it did not, or when its error says that already. What the
// receiver's answer holds beside its status is the driver's to judge: words in it may mean anything.
func Advice(r channel.Result) string {
	if r.Verdict == channel.Done {
		return ""
	}
	if words := advices[r.Class]; words != "" {
		return words
	}
	if code, ok := strings.CutPrefix(r.Class, "smtp_"); ok {
		return adviceOfMail(code)
	}
	if says := strings.TrimSpace(r.Error); strings.Contains(says, ": ") && !strings.HasPrefix(says, plainAnswer) {
		return "" // the driver knows better
	}
	if words := adviceOf(r.Status, r.Verdict); words != "" {
		return words
	}
	if r.Verdict == channel.Permanent {
		return adviceSettings
	}
	return adviceLater
}

// adviceOf is that of an HTTP status, "" for one that is no failure.
func adviceOf(status int, v channel.Verdict) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return adviceCredential
	case status == http.StatusNotFound || status == http.StatusGone:
		return adviceGone
	case status == http.StatusMethodNotAllowed:
		return adviceMethod
	case status == http.StatusTooManyRequests:
		return adviceFewer
	case status == http.StatusRequestEntityTooLarge:
		return adviceTooLong
	case status >= 300 && status <= 399:
		return adviceRedirect
	case status >= 500 && status <= 599 && v == channel.Retry:
		return adviceTrouble
	case status >= 400 && v == channel.Retry:
		return adviceLater
	case status >= 400:
		return adviceForm
	default:
		return ""
	}
}

// adviceOfMail is that of a mail server's code (RFC 5321 4.2, RFC 4954 6).
func adviceOfMail(text string) string {
	code, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return adviceSettings
	case code == 530 || code == 534 || code == 535 || code == 538 || code == 454 || code == 432:
		return adviceCredential
	case code == 523 || code == 552:
		return adviceTooLong
	case code >= 400 && code <= 499:
		return adviceMailLater
	default:
		return adviceMailRefuse
	}
}
