package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/shopd/shopd/internal/yamlfile"
)

// setting is one setting. Its flag wins, then its variable, then its default. A secret has
// no flag: it comes from its variable, or from the file named by the variable with _FILE.
type setting struct {
	flag     string
	env      string // "": SHOPD_ and the flag's name
	commands string // that take it
	value    func(*config) *string
	def      string // default; in parentheses: a description, not a value
	demo     string // default of demo, where it differs
	usage    string
	secret   bool
	file     bool // it may hold a secret, and can come from a file too
	onOff    bool // true or false; the flag alone means true
}

const (
	shops = "serve demo doctor" // doctor takes what serve takes
	fakes = "demo fake-klarna"
	ask   = shops + " place" // ask Klarna
)

var settings = []setting{
	{flag: "addr", commands: shops + " healthcheck", value: func(c *config) *string { return &c.addr }, def: ":8080", demo: "127.0.0.1:8080",
		usage: "where the shop listens"},
	{flag: "ops-addr", commands: shops, value: func(c *config) *string { return &c.opsAddr }, def: "127.0.0.1:8081",
		usage: "where /metrics, /debug/pprof/, /healthz and /readyz are; the last two are at -addr too"},
	{flag: "public-url", commands: ask, value: func(c *config) *string { return &c.publicURL }, def: "(required)", demo: "(http://localhost:PORT)",
		usage: "the shop as browsers know it; https makes cookies Secure"},
	{flag: "callback-url", commands: ask, value: func(c *config) *string { return &c.callbackURL }, def: "(the public URL)",
		usage: "the shop as Klarna's servers know it"},
	{flag: "redis-url", commands: ask + " erase", value: func(c *config) *string { return &c.redisURL }, def: "(required)", demo: "(embedded)", file: true,
		usage: "redis://, rediss:// or unix://; several addresses or ?cluster=true for Cluster, ?master_name= for Sentinel"},
	{flag: "database-url", commands: ask + " migrate erase publish", value: func(c *config) *string { return &c.databaseURL }, def: "(required)", demo: "(a file that is deleted at the end)", file: true,
		usage: "postgres://user@host/database, or sqlite:///path for a shop of one process"},
	{flag: "migrate", commands: shops, value: func(c *config) *string { return &c.migrate }, def: "true", onOff: true,
		usage: "bring the database's tables to this version at start; false: refuse to start where they are not"},
	{flag: "klarna-url", commands: ask, value: func(c *config) *string { return &c.klarnaURL }, def: "(required)", demo: "(the built-in fake)",
		usage: "Klarna's API, such as https://api.playground.kustom.co"},
	{flag: "platform", commands: ask, value: func(c *config) *string { return &c.platform }, def: "(by the Klarna URL)",
		usage: "klarna or kustom: what orders can do after the sale differs; hosts under kustom.co are Kustom's"},
	{flag: "klarna-browser-origins", commands: shops, value: func(c *config) *string { return &c.browserOrigins }, def: "(by the Klarna URL)",
		usage: "hosts that the payment form may use in the browser, separated by spaces or commas"},
	{env: "SHOPD_KLARNA_USERNAME", commands: ask, value: func(c *config) *string { return &c.username }, def: "(none)", demo: "demo", secret: true,
		usage: "without it the password is a Kustom API key"},
	{env: "SHOPD_KLARNA_PASSWORD", commands: ask, value: func(c *config) *string { return &c.password }, def: "(required)", demo: "demo", secret: true,
		usage: "Klarna's password, or a Kustom API key"},
	{env: "SHOPD_SECRET", commands: ask, value: func(c *config) *string { return &c.secret }, def: "(required)", demo: "(random)", secret: true,
		usage: "signs merchant_data, makes the callback token; several lines: the first signs, all verify"},
	{env: "SHOPD_STAFF", commands: shops, value: func(c *config) *string { return &c.staff }, def: "(none)", demo: "(demo and view, each with its name as password)", secret: true,
		usage: "who may use the back office: lines name:role:bcrypt-hash, role view or manage; none: there is no back office"},
	{env: "SHOPD_API_KEYS", commands: shops, value: func(c *config) *string { return &c.apiKeys }, def: "(none)", demo: "(demo, whose key is sk_demo, with all scopes)", secret: true,
		usage: "who may call the API under /v1: lines that shopd key prints; none: there is no API"},
	{env: "SHOPD_SMTP_URL", commands: "serve doctor", value: func(c *config) *string { return &c.smtpURL }, def: "(none)", secret: true,
		usage: "the mail server for order e-mails: smtp://user:password@host:587 or smtps://…:465; none: no mails are written"},
	{flag: "shop", commands: shops + " explain check publish", value: func(c *config) *string { return &c.shopFile }, def: "(what is published)", demo: "(the demo's)",
		usage: "shop file; serve publishes it at start if a file of that name was never published with that content, nor given up by -back"},
	{flag: "catalog", commands: shops + " explain check publish", value: func(c *config) *string { return &c.catalogFile }, def: "(what is published)", demo: "(the demo's)",
		usage: "file of products, published as -shop is"},
	{flag: "list", env: "SHOPD_PUBLISH_LIST", commands: "publish", value: func(c *config) *string { return &c.publishList }, def: "false", onOff: true,
		usage: "print the versions that were published"},
	{flag: "back", env: "SHOPD_PUBLISH_BACK", commands: "publish", value: func(c *config) *string { return &c.publishBack }, def: "(none)",
		usage: "number of an older version, which is published again"},
	{flag: "drain", commands: shops, value: func(c *config) *string { return &c.drain }, def: "0s",
		usage: "on stop, how long /readyz says no before the listener closes"},
	{flag: "write-limit", commands: shops, value: func(c *config) *string { return &c.writeLimit }, def: "600",
		usage: "changes and checkout pages a minute for one client address, in each process; a sixth of them at once; 0: any number"},
	{flag: "request-limit", commands: shops, value: func(c *config) *string { return &c.requestLimit }, def: "0",
		usage: "requests of shoppers that each process serves at once, half as many of one client address; what is more gets a 503; 0: 200 for each processor"},
	{flag: "trusted-proxies", commands: shops, value: func(c *config) *string { return &c.trustedProxies }, def: "(none)",
		usage: "networks of the proxies in front, such as 10.0.0.0/8, whose X-Forwarded-For says who the client is, separated by spaces or commas"},
	{flag: "config", env: "SHOPD_FAKE_CONFIG", commands: "fake-klarna", value: func(c *config) *string { return &c.fakeConfig }, def: "(none)",
		usage: "file with these settings, in lines such as push-delay: 10s; flags and variables win"},
	{flag: "klarna-addr", commands: fakes, value: func(c *config) *string { return &c.klarnaAddr }, def: "127.0.0.1:9090",
		usage: "where the fake Klarna listens"},
	{flag: "klarna-public-url", commands: fakes, value: func(c *config) *string { return &c.klarnaPublicURL }, def: "(its address)",
		usage: "the fake as browsers know it"},
	{flag: "klarna-credentials", commands: "fake-klarna", value: func(c *config) *string { return &c.klarnaCredentials }, def: "demo:demo",
		usage: "user:password that the fake takes"},
	{flag: "seed", commands: fakes, value: func(c *config) *string { return &c.fakeSeed }, def: "0",
		usage: "seed for the fake's IDs, tokens and random faults, so that every run is the same; 0: a random seed"},
	{flag: "chaos", commands: fakes, value: func(c *config) *string { return &c.fakeChaos }, def: "0",
		usage: "probability, 0 to 1, with which a call of the fake's APIs is delayed, fails, breaks or is refused"},
	{flag: "push-delay", commands: fakes, value: func(c *config) *string { return &c.fakePushDelay }, def: "2s",
		usage: "from a purchase to the fake's first push"},
	{flag: "callback-hosts", commands: fakes, value: func(c *config) *string { return &c.fakeCallbackHosts }, def: "(this machine)",
		usage: "more hosts that the fake may call, separated by spaces or commas"},
	{flag: "allow-hosts", commands: fakes, value: func(c *config) *string { return &c.fakeAllowHosts }, def: "(none)",
		usage: "more names by which the fake's own interface is reached, besides loopback and its addresses, separated by spaces or commas"},
	{flag: "state", commands: "fake-klarna", value: func(c *config) *string { return &c.fakeState }, def: "(none)",
		usage: "file in which the fake keeps its state over a restart"},
	{flag: "data", commands: "demo", value: func(c *config) *string { return &c.dataDir }, def: "(none: all is lost at the end)",
		usage: "directory in which database, carts and the fake's state are kept over a restart"},
	{flag: "echo-filled-urls", commands: fakes, value: func(c *config) *string { return &c.fakeFilledURLs }, def: "false", onOff: true,
		usage: "the fake answers merchant URLs with the order's ID filled in"},
	{flag: "echo-country-as-sent", commands: fakes, value: func(c *config) *string { return &c.fakeCountryAsSent }, def: "false", onOff: true,
		usage: "the fake answers countries as they were sent, not in lower case"},
	{flag: "refund-lags", commands: fakes, value: func(c *config) *string { return &c.fakeRefundLags }, def: "false", onOff: true,
		usage: "a capture shows a refund only some seconds after it"},
	{flag: "tax-wording", commands: fakes, value: func(c *config) *string { return &c.fakeTaxWording }, def: "(that of the recordings)",
		usage: "2026: the fake's newer words about the tax of a line that is wrong"},
	{flag: "late-address-event", commands: fakes, value: func(c *config) *string { return &c.fakeLateAddress }, def: "true", onOff: true,
		usage: "shipping_address_change comes only once a separate address was entered; false: also before, as in older checkouts"},
	{flag: "quiet", commands: "fake-klarna", value: func(c *config) *string { return &c.quiet }, def: "false", onOff: true,
		usage: "log no calls; the line that says where it listens is printed all the same"},
	{flag: "order", env: "SHOPD_ERASE_ORDER", commands: "erase", value: func(c *config) *string { return &c.eraseOrder }, def: "(none)",
		usage: "number of the order"},
	{flag: "email", env: "SHOPD_ERASE_EMAIL", commands: "erase", value: func(c *config) *string { return &c.eraseEmail }, def: "(none)",
		usage: "e-mail address, for all orders that have it; -: read from standard input"},
	{flag: "list", env: "SHOPD_ERASE_LIST", commands: "erase", value: func(c *config) *string { return &c.eraseList }, def: "false", onOff: true,
		usage: "print the list of erased orders, to be kept apart from the database"},
	{flag: "apply", env: "SHOPD_ERASE_APPLY", commands: "erase", value: func(c *config) *string { return &c.eraseApply }, def: "(none)",
		usage: "file with such a list, whose orders are erased, after a restore; -: read from standard input"},
	{flag: "json", env: "SHOPD_DOCTOR_JSON", commands: "doctor", value: func(c *config) *string { return &c.doctorJSON }, def: "false", onOff: true,
		usage: "print the findings as JSON"},
	{flag: "url", commands: "healthcheck", value: func(c *config) *string { return &c.healthURL },
		def: "(/readyz at -addr)", usage: "what to ask"},
}

// flagValue is a setting on the command line.
type flagValue struct {
	text  *string
	onOff bool
}

func (v flagValue) Set(text string) error {
	*v.text = text
	return nil
}

func (v flagValue) String() string {
	if v.text == nil {
		return "" // flag asks a zero value
	}
	return *v.text
}

// IsBoolFlag tells package flag that -name alone is -name=true.
func (v flagValue) IsBoolFlag() bool { return v.onOff }

// settingsOf returns the settings that a command takes.
func settingsOf(c command) []setting {
	return slices.DeleteFunc(slices.Clone(settings), func(s setting) bool {
		return !slices.Contains(strings.Fields(s.commands), c.name)
	})
}

func (s setting) variable() string {
	if s.env != "" {
		return s.env
	}
	return "SHOPD_" + strings.ToUpper(strings.ReplaceAll(s.flag, "-", "_"))
}

// variables returns the name of the variable, with [_FILE] if there is that too.
func (s setting) variables() string {
	if s.secret || s.file {
		return s.variable() + "[_FILE]"
	}
	return s.variable()
}

func (s setting) defaultOf(c command) string {
	if c.name == "demo" && s.demo != "" {
		return s.demo
	}
	return s.def
}

// usageError is a wrong command line.
type usageError struct{ error }

// parse fills e from the command line, the environment and the defaults. The error is
// flag.ErrHelp or a *usageError. What could not be read is in e.unread.
func (e *env) parse(c command, args []string, getenv func(string) string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	e.command = c.name
	e.readSecrets(getenv)
	for _, s := range settingsOf(c) {
		value := s.value(&e.config)
		if !s.secret && !s.file {
			*value = getenv(s.variable())
		}
		if def := s.defaultOf(c); *value == "" && !strings.HasPrefix(def, "(") {
			*value = def
		}
		if !s.secret {
			flags.Var(flagValue{value, s.onOff}, s.flag, s.usage)
		}
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &usageError{err}
	}
	e.given = map[string]bool{}
	flags.Visit(func(f *flag.Flag) {
		e.given[f.Name] = true
		for _, s := range settings {
			if s.flag == f.Name && s.file && hasPassword(f.Value.String()) {
				e.unread = append(e.unread, fmt.Errorf("-%s has a password, which others on this machine can read there: set %s or %[2]s_FILE", s.flag, s.variable()))
			}
		}
	})
	if e.fakeConfig != "" {
		if err := e.readFile(c, func(s setting) bool { return e.given[s.flag] || getenv(s.variable()) != "" }); err != nil {
			e.unread = append(e.unread, err)
		}
	}
	wanted := len(strings.Fields(c.argument))
	switch e.args = flags.Args(); {
	case c.argument == "" && len(e.args) > 0:
		return &usageError{fmt.Errorf("takes no arguments, got %q", e.args)}
	case len(e.args) < wanted, len(e.args) > wanted && !strings.HasSuffix(c.argument, "…"):
		return &usageError{fmt.Errorf("wants %s", c.argument)}
	}
	return nil
}

// readFile fills in settings from the file that -config names, but those that were given
// otherwise. A setting of several words may be a list.
func (c *config) readFile(of command, given func(setting) bool) error {
	text, err := os.ReadFile(c.fakeConfig)
	if err != nil {
		return fmt.Errorf("-config: %w", err)
	}
	root, err := yamlfile.Parse(text)
	if err != nil {
		return fmt.Errorf("-config: %s: %w", c.fakeConfig, err)
	}
	var check yamlfile.Checker
	known := slices.DeleteFunc(settingsOf(of), func(s setting) bool { return s.flag == "config" })
	var names []string
	for _, s := range known {
		names = append(names, s.flag)
	}
	found := check.Object(root, "", nil, names...)
	for _, s := range known {
		node, value := found[s.flag], ""
		switch {
		case node == nil:
			continue
		case s.onOff:
			value = strconv.FormatBool(check.Boolean(node, s.flag))
		case node.IsArray():
			var words []string
			for i, word := range check.Array(node, s.flag) {
				words = append(words, check.Text(word, fmt.Sprintf("%s[%d]", s.flag, i), maxConfigured))
			}
			value = strings.Join(words, " ")
		default:
			value = check.Text(node, s.flag, maxConfigured)
		}
		if !given(s) {
			*s.value(c) = value
		}
	}
	if err := check.Err(); err != nil {
		return fmt.Errorf("-config: %s: %w", c.fakeConfig, err)
	}
	return nil
}

// maxConfigured is the length of a value in the file of -config, in characters.
const maxConfigured = 2000

// hasPassword tells whether the URL of a store, or the first of several, holds one.
func hasPassword(storeURL string) bool {
	_, rest, _ := strings.Cut(storeURL, "://")
	authority, query, _ := strings.Cut(rest, "?")
	userinfo, _, found := strings.Cut(authority, "@")
	return found && strings.Contains(userinfo, ":") || strings.Contains(query, "password=")
}

// readSecrets reads what may come from files: the variables, and the files that they name.
func (c *config) readSecrets(getenv func(string) string) {
	for _, s := range settingsOf(command{name: c.command}) {
		if !s.secret && !s.file {
			continue
		}
		value, given := s.value(c), getenv(s.variable())
		if err := fromFile(&given, s.variable(), getenv); err != nil {
			c.unread, c.unreadNames = append(c.unread, err), append(c.unreadNames, "-"+s.flag, s.variable())
			continue
		}
		if given != "" || s.secret {
			*value = given // else a flag may have said it
		}
	}
}

// fromFile reads a secret from the file that variable_FILE names.
func fromFile(value *string, variable string, getenv func(string) string) error {
	file := getenv(variable + "_FILE")
	switch {
	case file == "":
		return nil
	case *value != "":
		return fmt.Errorf("%s and %[1]s_FILE are both set: one of them is enough", variable)
	}
	b, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("%s_FILE: %w", variable, err)
	}
	*value = strings.TrimRight(string(b), "\r\n")
	return nil
}

// usage lists the commands.
func usage(w io.Writer) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprint(out, "usage: shopd COMMAND [flags]\n\n")
	for _, c := range commands {
		_, _ = fmt.Fprintf(out, "  %s %s\t%s\n", c.name, c.argument, c.summary)
	}
	_, _ = fmt.Fprint(out, "\nshopd COMMAND -help lists the command's settings.\n")
	_ = out.Flush()
}

// commandUsage lists a command's settings.
func commandUsage(w io.Writer, c command) {
	_, _ = fmt.Fprintf(w, "usage: %s\n%s\n\n", strings.TrimSpace("shopd "+c.name+" [flags] "+c.argument), c.summary)
	for _, s := range settingsOf(c) {
		name := "-" + s.flag
		if s.secret {
			name = ""
		}
		line := fmt.Sprintf("%-24s %-30s %s", name, s.variables(), s.defaultOf(c))
		_, _ = fmt.Fprintf(w, "%s\n    %s\n", strings.TrimRight(line, " "), s.usage)
	}
}
