package email

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"net"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// Settings are the channel's configuration.
type Settings struct {
	channel.OwnText

	Host            string            `json:"smtp_host"`
	Port            float64           `json:"smtp_port"`
	StartTLS        *bool             `json:"use_tls"`
	SSL             bool              `json:"use_ssl"`
	CA              string            `json:"ca_certificate"`
	Username        string            `json:"username"`
	Password        string            `json:"password"`
	Helo            string            `json:"helo"`
	From            string            `json:"from_address"`
	To              addresses         `json:"to_addresses"`
	Cc              addresses         `json:"cc"`
	Bcc             addresses         `json:"bcc"`
	ReplyTo         addresses         `json:"reply_to"`
	AttachJSON      *bool             `json:"attach_json"`
	Acknowledged    *bool             `json:"acknowledged"`
	Timeout         float64           `json:"timeout"`
	HTMLTemplate    settings.Template `json:"html_template"`
	PayloadTemplate settings.Template `json:"payload_template"`

	address       string // host:port
	from          *mail.Address
	to, cc, bcc   []*mail.Address
	reply         []*mail.Address
	roots         *x509.CertPool // nil: the system's
	timeout       time.Duration
	tls, attach   bool
	acknowledging bool
}

// addresses is a list of them, or one text with commas between.
type addresses []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *addresses) UnmarshalJSON(raw []byte) error {
	var one string
	var list []string
	switch {
	case bytes.Equal(bytes.TrimSpace(raw), []byte("null")):
	case json.Unmarshal(raw, &one) == nil:
		if strings.TrimSpace(one) != "" {
			*a = addresses{one}
		}
	case json.Unmarshal(raw, &list) == nil:
		*a = list
	default:
		return channel.Bad("", "must be a list of e-mail addresses")
	}
	return nil
}

const (
	defaultPort   = 587
	maxRecipients = 100
	maxAddress    = 254 // RFC 5321 4.5.3.1.3
)

var (
	addressForm = regexp.MustCompile("^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$")
	heloForm    = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Za-z.:]+\])$`)
)

func fields() (required, optional []channel.Field) {
	required = []channel.Field{
		{
			Key: "smtp_host", Type: channel.FieldText, Destination: true, Port: "smtp_port", With: []string{"use_tls", "use_ssl", "ca_certificate"},
			Doc: "Name or address of the mail server.",
		},
		{Key: "from_address", Type: channel.FieldText, Doc: "Sender, as hub@example.com or Hub <hub@example.com>."},
	}
	optional = []channel.Field{
		{Key: "to_addresses", Type: channel.FieldList, Doc: "Recipients, at most 100 with cc and bcc. Without any the channel of the message if that is an address, else the sender."},
		{Key: "cc", Type: channel.FieldList, Doc: "Recipients of a copy."},
		{Key: "bcc", Type: channel.FieldList, Doc: "Recipients that the others do not see."},
		{Key: "reply_to", Type: channel.FieldList, Doc: "Where answers go."},
		{Key: "smtp_port", Type: channel.FieldNumber, Default: strconv.Itoa(defaultPort), Doc: "Port of the mail server. Servers that encrypt from the first byte (use_ssl) mostly listen on 465."},
		{Key: "use_tls", Type: channel.FieldBool, Default: "true", Doc: "Encrypt by STARTTLS. A server that does not offer it gets no mail."},
		{Key: "use_ssl", Type: channel.FieldBool, Default: "false", Doc: "Encrypt from the first byte; then there is no STARTTLS."},
		{Key: "ca_certificate", Type: channel.FieldText, Doc: "Certificate (PEM) of the authority that signed the server's. Without it those that the system trusts."},
		{Key: "username", Type: channel.FieldText, Doc: "User at the mail server."},
		{Key: "password", Type: channel.FieldText, Secret: true, Doc: "Password at the mail server. It is sent over encrypted connections only."},
		{Key: "helo", Type: channel.FieldText, Doc: "Name that the hub greets with. Without it its address, as [192.0.2.1]."},
		{Key: "attach_json", Type: channel.FieldBool, Default: "true", Doc: "Attach the incident as JSON for programs."},
		{Key: "acknowledged", Type: channel.FieldBool, Default: "true", Doc: "Tell also that somebody took care of the incident."},
		channel.TimeoutField(),
		{Key: "text_template", Type: channel.FieldTemplate, Doc: "Template of the text part. template is another name for it."},
		channel.OtherName("template", "text_template"),
		{Key: "html_template", Type: channel.FieldTemplate, Doc: "Template of the HTML part. Every value is escaped."},
		{Key: "payload_template", Type: channel.FieldTemplate, Doc: "Template of the attached JSON."},
	}
	return required, optional
}

// load reads and checks settings.
func load(config json.RawMessage) (s Settings, err error) {
	if err := channel.Decode(config, &s); err != nil {
		return s, err
	}
	errs := s.checkServer()
	var more []error
	s.from, more = parseOne("from_address", s.From)
	errs = append(errs, more...)
	for _, l := range []struct {
		key   string
		given addresses
		into  *[]*mail.Address
	}{{"to_addresses", s.To, &s.to}, {"cc", s.Cc, &s.cc}, {"bcc", s.Bcc, &s.bcc}, {"reply_to", s.ReplyTo, &s.reply}} {
		*l.into, more = parseList(l.key, l.given)
		errs = append(errs, more...)
	}
	if len(s.to)+len(s.cc)+len(s.bcc) > maxRecipients {
		errs = append(errs, channel.Bad("to_addresses", "at most %d recipients with cc and bcc: use an address that the mail server spreads", maxRecipients))
	}
	s.timeout, err = channel.Timeout(s.Timeout)
	errs = append(errs, err)
	errs = append(errs, s.Once("template", "text_template"))
	s.attach, s.acknowledging = s.AttachJSON == nil || *s.AttachJSON, s.Acknowledged == nil || *s.Acknowledged
	return s, errors.Join(errs...)
}

// checkServer checks how to get to the mail server.
func (s *Settings) checkServer() (errs []error) {
	host := strings.TrimSuffix(strings.TrimSpace(s.Host), ".")
	if bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"); net.ParseIP(bare) != nil {
		host = bare
	}
	switch {
	case host == "":
		errs = append(errs, channel.Bad("smtp_host", "is required: the name or address of the mail server"))
	case net.ParseIP(host) == nil && !heloForm.MatchString(host):
		errs = append(errs, channel.Bad("smtp_host", "must be a name or an address, without smtp:// before and a port after it"))
	}
	port := s.Port
	if port == 0 {
		port = defaultPort
	}
	if port != math.Trunc(port) || port < 1 || port > 65535 {
		errs = append(errs, channel.Bad("smtp_port", "must be a whole number from 1 to 65535"))
	} else {
		s.address = net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	s.Host = host
	s.tls = !s.SSL && (s.StartTLS == nil || *s.StartTLS)
	if s.CA != "" {
		s.roots = x509.NewCertPool()
		switch {
		case !s.roots.AppendCertsFromPEM([]byte(s.CA)):
			errs = append(errs, channel.Bad("ca_certificate", "must be a certificate in PEM form, -----BEGIN CERTIFICATE----- and so on"))
		case !s.tls && !s.SSL:
			errs = append(errs, channel.Bad("ca_certificate", "is of no use without use_tls or use_ssl"))
		}
	}
	if (s.Username == "") != (s.Password == "") {
		errs = append(errs, channel.Bad("password", "username and password go together: give both or neither"))
	}
	if strings.ContainsAny(s.Username+s.Password, "\x00\r\n") {
		errs = append(errs, channel.Bad("username", "and password must be one line each"))
	}
	if s.Helo != "" && !heloForm.MatchString(s.Helo) {
		errs = append(errs, channel.Bad("helo", "must be a name such as hub.example.com, or an address in brackets"))
	}
	return errs
}

func parseOne(key, text string) (*mail.Address, []error) {
	if strings.TrimSpace(text) == "" {
		return nil, []error{channel.Bad(key, "is required: an e-mail address")}
	}
	a, err := mail.ParseAddress(text)
	if err != nil || !usable(a) {
		return nil, []error{channel.Bad(key, "must be one e-mail address, as hub@example.com or Hub <hub@example.com>")}
	}
	return a, nil
}

func parseList(key string, given addresses) (list []*mail.Address, errs []error) {
	for i, text := range given {
		found, err := mail.ParseAddressList(text)
		if err != nil {
			errs = append(errs, channel.Bad(key, "entry %d is no e-mail address", i+1))
			continue
		}
		for _, a := range found {
			if !usable(a) {
				errs = append(errs, channel.Bad(key, "entry %d: write the address as name@host, domains with other letters in their xn-- form", i+1))
				continue
			}
			list = append(list, a)
		}
	}
	return list, errs
}

// usable takes addresses that every mail server takes, with names that are one line of text.
func usable(a *mail.Address) bool {
	return len(a.Address) <= maxAddress && addressForm.MatchString(a.Address) && len(a.Name) <= maxAddress && channel.VisibleLine(a.Name) == a.Name
}

// secrets are the values that must not be shown, in the forms that they have on the wire.
func (s *Settings) secrets() []string {
	if s.Password == "" {
		return nil
	}
	b64 := base64.StdEncoding.EncodeToString
	return []string{s.Password, b64([]byte(s.Password)), b64([]byte("\x00" + s.Username + "\x00" + s.Password))}
}
