package redact

import "strings"

// shape is a key that is known by how it begins. (Formats as the vendors document them, November 2026.)
type shape struct {
	prefix string
	body   *set
	least  int // bytes of body
	kind   string
}

// shapes are by the first byte. None asks what follows the body, so that a cut text shows no more than a whole one.
var shapes = byFirst([]shape{
	{"AKIA", upper, 12, "aws_key"},
	{"ASIA", upper, 12, "aws_key"},
	{"ABIA", upper, 12, "aws_key"},
	{"ACCA", upper, 12, "aws_key"},
	{"AIza", base64ID, 30, "google_key"},
	{"ya29.", base64ID, 20, "google_key"},
	{"GOCSPX-", base64ID, 20, "google_key"},
	{"ghp_", base62, 20, "github_token"},
	{"gho_", base62, 20, "github_token"},
	{"ghu_", base62, 20, "github_token"},
	{"ghs_", base62, 20, "github_token"},
	{"ghr_", base62, 20, "github_token"},
	{"github_pat_", base64ID, 20, "github_token"},
	{"glpat-", dotted, 16, "gitlab_token"},
	{"gldt-", dotted, 16, "gitlab_token"},
	{"glrt-", dotted, 16, "gitlab_token"},
	{"glptt-", dotted, 16, "gitlab_token"},
	{"glcbt-", dotted, 16, "gitlab_token"},
	{"glsa_", base64ID, 20, "grafana_token"},
	{"glc_", token68, 20, "grafana_token"},
	{"xoxa-", base64ID, 10, "slack_token"},
	{"xoxb-", base64ID, 10, "slack_token"},
	{"xoxc-", base64ID, 10, "slack_token"},
	{"xoxd-", pathByte, 10, "slack_token"},
	{"xoxe-", base64ID, 10, "slack_token"},
	{"xoxe.", dotted, 10, "slack_token"},
	{"xoxo-", base64ID, 10, "slack_token"},
	{"xoxp-", base64ID, 10, "slack_token"},
	{"xoxr-", base64ID, 10, "slack_token"},
	{"xoxs-", base64ID, 10, "slack_token"},
	{"xapp-", base64ID, 10, "slack_token"},
	{"hooks.slack.com/services/", pathByte, 8, "slack_hook"},
	{"hooks.slack.com/workflows/", pathByte, 8, "slack_hook"},
	{"hooks.slack.com/triggers/", pathByte, 8, "slack_hook"},
	{"discord.com/api/webhooks/", pathByte, 8, "discord_hook"},
	{"discordapp.com/api/webhooks/", pathByte, 8, "discord_hook"},
	{"webhook.office.com/webhookb2/", pathByte, 8, "teams_hook"},
	{"sk-", base64ID, 20, "api_key"}, // OpenAI, Anthropic and others that took it over
	{"sk_live_", base62, 10, "stripe_key"},
	{"rk_live_", base62, 10, "stripe_key"},
	{"sk_test_", base62, 10, "stripe_key"},
	{"whsec_", token68, 16, "stripe_key"},
	{"gsk_", base62, 30, "api_key"},
	{"xai-", base62, 30, "api_key"},
	{"hf_", base62, 30, "api_key"},
	{"npm_", base62, 30, "npm_token"},
	{"pypi-AgE", base64ID, 30, "pypi_token"},
	{"hvs.", base64ID, 20, "vault_token"},
	{"hvb.", base64ID, 20, "vault_token"},
	{"dop_v1_", hex, 30, "api_key"},
	{"dapi", hex, 32, "api_key"},
	{"SG.", dotted, 30, "sendgrid_key"},
	{"NRAK-", base62, 20, "api_key"},
	{"pplx-", base62, 30, "api_key"},
	{"r8_", base62, 30, "api_key"},
	{"lin_api_", base62, 20, "api_key"},
	{"ntn_", base62, 30, "api_key"},
	{"sbp_", hex, 30, "api_key"},
	{"dp.pt.", base62, 30, "api_key"},
	{"tskey-", base64ID, 16, "api_key"},
	{"sntrys_", token68, 30, "api_key"},
	{"pscale_", base64ID, 30, "api_key"},
	{"ATATT3xFf", token68, 30, "atlassian_token"},
	{"dckr_pat_", base64ID, 20, "docker_token"},
	{"shpat_", hex, 30, "api_key"},
	{"rubygems_", hex, 30, "api_key"},
	{"eyJrIjoi", base64ID, 30, "grafana_token"}, // {"k":", the older keys
	{"EAACEdEose0cBA", base62, 8, "api_key"},
	{"ihk_", base64ID, 16, "incidenthub_key"},
	{"ihi_", base64ID, 16, "incidenthub_key"},
	{"ihs_", base64ID, 16, "incidenthub_key"},
	{"AGE-SECRET-KEY-", upper, 40, "private_key"},
})

func byFirst(list []shape) *[256][]shape {
	var out [256][]shape
	for _, s := range list {
		out[s.prefix[0]] = append(out[s.prefix[0]], s)
	}
	return &out
}

// shaped returns where a key of a known shape ends that begins at i, or 0. from is where its secret part begins: of hooks the host stays.
func shaped(s string, i int) (from, end int, kind string) {
	for n := range shapes[s[i]] {
		sh := &shapes[s[i]][n]
		if !strings.HasPrefix(s[i:], sh.prefix) {
			continue
		}
		body := i + len(sh.prefix)
		to := sh.body.run(s, body)
		if to-body < sh.least {
			continue
		}
		if strings.HasSuffix(sh.prefix, "/") {
			return body, to, sh.kind
		}
		if i > 0 && base62[s[i-1]] { // in the middle of a word or of encoded data
			continue
		}
		return i, to, sh.kind
	}
	return 0, 0, ""
}

// A web token is two or three parts in base64, of which the first begins an object.
func webToken(s string, i int) int {
	if !strings.HasPrefix(s[i:], "eyJ") || i > 0 && base64ID[s[i-1]] {
		return 0
	}
	first := base64ID.run(s, i)
	if first-i < 10 || first >= len(s) || s[first] != '.' {
		return 0
	}
	second := base64ID.run(s, first+1)
	if second-first < 5 {
		return 0
	}
	for n := 0; n < 4 && second < len(s) && s[second] == '.'; n++ { // encrypted ones have five parts
		next := base64ID.run(s, second+1)
		if next == second+1 { // the end of a sentence
			break
		}
		second = next
	}
	return second
}

// privateKey returns where a private key in PEM ends that begins at i, whatever it is written in: lines, one line, or JSON.
func privateKey(s string, i int) int {
	const begin, mid, end = "-----BEGIN ", "PRIVATE KEY", "-----END "
	if !strings.HasPrefix(s[i:], begin) {
		return 0
	}
	head := s[i:min(len(s), i+64)]
	at := strings.Index(head, mid)
	if at < 0 {
		return 0
	}
	const longest = 32 << 10
	body := i + at + len(mid)
	rest := s[body:min(len(s), body+longest)]
	if to := strings.Index(rest, end); to >= 0 {
		to += body + len(end)
		line := s[to:min(len(s), to+64)]
		if n := strings.IndexAny(line, "\r\n"); n >= 0 {
			line = line[:n]
		}
		if dashes := strings.Index(line, "-----"); dashes >= 0 {
			return to + dashes + 5
		}
		for to += len(line); to < len(s) && s[to] > ' '; { // no half of another secret is left
			to++
		}
		return to
	}
	return body + len(rest) // cut, or without an end
}

// card returns where the number of a payment card ends that begins at i, and how far there is nothing to find.
func card(s string, i int) (end, next int) {
	var number [16]byte
	n, group, at := 0, 0, i
	var between byte
	for ; at < len(s); at++ {
		c := s[at]
		if digits[c] {
			if n == len(number) {
				return 0, digits.run(s, at)
			}
			number[n] = c - '0'
			n, group = n+1, group+1
			continue
		}
		if (c != ' ' && c != '-') || (between != 0 && c != between) || group != 4 && group != 6 || at+1 >= len(s) || !digits[s[at+1]] {
			break
		}
		between, group = c, 0
	}
	next = max(at, i+1)
	if i > 0 && (wordByte[s[i-1]] || s[i-1] == '.' || s[i-1] == '-') || at < len(s) && (wordByte[s[at]] || s[at] == '.') {
		return 0, digits.run(s, i)
	}
	visa := n == 16 && number[0] == 4
	master := n == 16 && number[0] == 5 && number[1] >= 1 && number[1] <= 5
	amex := n == 15 && number[0] == 3 && (number[1] == 4 || number[1] == 7)
	discover := n == 16 && number[0] == 6 && (number[1] == 5 || number[1] == 0 && number[2] == 1 && number[3] == 1)
	if (visa || master || amex || discover) && luhn(number[:n]) {
		return at, next
	}
	return 0, digits.run(s, i)
}

func luhn(number []byte) bool {
	sum := 0
	for i := range number {
		d := int(number[len(number)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
