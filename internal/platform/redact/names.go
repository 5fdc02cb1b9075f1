package redact

import "strings"

// naming says what the name of a field tells about its value.
type naming struct {
	kind string // "" for names that tell nothing
	weak bool   // the name means other things as well: numbers and paths stay
	line bool   // a header whose value is the rest of the line
}

// Kinds of what is redacted by name.
const (
	kindPassword      = "password"
	kindSecret        = "secret"
	kindToken         = "token"
	kindKey           = "api_key"
	kindAuthorization = "authorization"
	kindCookie        = "cookie"
	kindPrivateKey    = "private_key"
	kindDSN           = "dsn"
	kindCredential    = "credential"
	kindSignature     = "signature"
)

// exact are whole names, without case and punctuation.
var exact = map[string]naming{
	"pass": {kind: kindPassword, weak: true}, "pwd": {kind: kindPassword, weak: true}, "pw": {kind: kindPassword, weak: true},
	"sig": {kind: kindSignature, weak: true}, "sid": {kind: kindToken, weak: true}, "jwt": {kind: kindToken}, "bearer": {kind: kindToken, weak: true},
	"session": {kind: kindCookie, weak: true}, "sessionid": {kind: kindCookie}, "phpsessid": {kind: kindCookie}, "jsessionid": {kind: kindCookie},
	"csrf": {kind: kindToken}, "xsrf": {kind: kindToken}, "basicauth": {kind: kindAuthorization}, "xamzsignature": {kind: kindSignature},
	"xgoogsignature": {kind: kindSignature}, "xhubsignature": {kind: kindSignature}, "xamzcredential": {kind: kindCredential},
	"authorization": {kind: kindAuthorization, line: true}, "proxyauthorization": {kind: kindAuthorization, line: true},
	"cookie": {kind: kindCookie, line: true}, "setcookie": {kind: kindCookie, line: true}, "webhookurl": {kind: kindSecret}, "otp": {kind: kindPassword},
	"passcode": {kind: kindPassword}, "pincode": {kind: kindPassword},
}

// endings are how names end that tell a secret, by the last letter so that most names cost one look.
var endings = map[byte][]struct {
	text string
	naming
}{
	'd': {
		{"password", naming{kind: kindPassword}},
		{"passwd", naming{kind: kindPassword}},
		{"userpwd", naming{kind: kindPassword}},
		{"dbpwd", naming{kind: kindPassword}},
		{"mysqlpwd", naming{kind: kindPassword}},
	},
	's': {
		{"passwords", naming{kind: kindPassword, weak: true}},
		{"secrets", naming{kind: kindSecret, weak: true}},
		{"credentials", naming{kind: kindCredential, weak: true}},
		{"cookies", naming{kind: kindCookie, weak: true}},
		{"authtokens", naming{kind: kindToken}},
		{"accesstokens", naming{kind: kindToken}},
		{"apitokens", naming{kind: kindToken}},
		{"apikeys", naming{kind: kindKey, weak: true}},
		{"dbpass", naming{kind: kindPassword}},
		{"userpass", naming{kind: kindPassword}},
		{"smtppass", naming{kind: kindPassword}},
		{"sshpass", naming{kind: kindPassword}},
	},
	'e': {
		{"passphrase", naming{kind: kindPassword}},
		{"motdepasse", naming{kind: kindPassword}},
		{"cookie", naming{kind: kindCookie}},
		{"secretvalue", naming{kind: kindSecret}},
		{"secretkeybase", naming{kind: kindSecret}},
	},
	't': {{"secret", naming{kind: kindSecret}}, {"passwort", naming{kind: kindPassword}}, {"kennwort", naming{kind: kindPassword}}},
	'a': {{"contraseña", naming{kind: kindPassword}}, {"contrasena", naming{kind: kindPassword}}},
	'n': {
		{"token", naming{kind: kindToken}}, {"dsn", naming{kind: kindDSN}}, {"authorization", naming{kind: kindAuthorization, line: true}},
	},
	'g': {{"connectionstring", naming{kind: kindDSN}}},
	'h': {{"passwordhash", naming{kind: kindPassword}}, {"rediscliauth", naming{kind: kindPassword}}},
	'y': {
		{"apikey", naming{kind: kindKey}},
		{"secretkey", naming{kind: kindSecret}},
		{"accesskey", naming{kind: kindKey}},
		{"privatekey", naming{kind: kindPrivateKey}},
		{"sshkey", naming{kind: kindPrivateKey}},
		{"encryptionkey", naming{kind: kindSecret}},
		{"signingkey", naming{kind: kindSecret}},
		{"masterkey", naming{kind: kindSecret}},
		{"accountkey", naming{kind: kindKey}},
		{"integrationkey", naming{kind: kindKey}},
		{"authkey", naming{kind: kindKey}},
		{"adminkey", naming{kind: kindKey}},
		{"subscriptionkey", naming{kind: kindKey}},
		{"licensekey", naming{kind: kindKey}},
		{"ingestkey", naming{kind: kindKey}},
		{"appkey", naming{kind: kindKey}},
		{"applicationkey", naming{kind: kindKey}},
	},
	'l': {{"credential", naming{kind: kindCredential}}},
}

// maxName is how much of a name is looked at, from its end.
const maxName = 64

// Name returns the kind of what a field, header or setting of this name holds, "" when the name tells nothing.
func Name(name string) string { return named(name).kind }

func named(name string) naming {
	if strings.Contains(name, opening) { // a secret itself
		return naming{}
	}
	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	if veiled(name) {
		name = visible(name)
	}
	var buf [maxName]byte
	short := buf[:0]
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			short = append(short, c|0x20)
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= 0x80:
			short = append(short, c)
		}
	}
	for len(short) > 0 && short[len(short)-1] >= '0' && short[len(short)-1] <= '9' {
		short = short[:len(short)-1] // password2
	}
	if len(short) < 2 {
		return naming{}
	}
	if n, ok := exact[string(short)]; ok {
		return n
	}
	for _, e := range endings[short[len(short)-1]] {
		if len(short) >= len(e.text) && string(short[len(short)-len(e.text):]) == e.text {
			return e.naming
		}
	}
	return naming{}
}

// says are words that stand where a secret could and are none, as in "token: invalid".
var says = map[string]bool{
	"true": true, "false": true, "null": true, "nil": true, "none": true, "yes": true, "no": true, "not": true, "is": true, "was": true, "unset": true,
	"empty": true, "missing": true, "required": true, "invalid": true, "expired": true, "unexpected": true, "unknown": true, "malformed": true,
	"denied": true, "wrong": true, "incorrect": true, "revoked": true, "cannot": true, "failed": true, "rejected": true, "<nil>": true, "…": true,
}

// harmless reports whether a value cannot be a secret: nothing, a word of speech, or masked already.
func harmless(value string) bool {
	if len(value) <= 12 && says[strings.ToLower(value)] {
		return true
	}
	return strings.Trim(value, "*") == "" || strings.Trim(value, "x") == "" && len(value) >= 3
}

func (n naming) spares(value string) bool {
	return harmless(value) || n.weak && (digits.run(value, 0) == len(value) || value[0] == '/')
}
