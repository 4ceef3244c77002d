package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/backoffice/team"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/shop"
	"golang.org/x/net/idna"
)

// config holds the settings as they were given.
type config struct {
	command                             string   // that takes them
	unread                              []error  // what could not be read of files and secrets
	unreadNames                         []string // of secrets that could not be read, as problems has them
	addr, opsAddr                       string
	publicURL, callbackURL              string
	redisURL, klarnaURL, browserOrigins string
	databaseURL, migrate                string
	migrates                            bool // -migrate as it is meant; set by validate
	username, password, secret, staff   string
	apiKeys                             string
	smtpURL                             string
	platform, catalogFile, drain        string
	writeLimit, requestLimit            string
	trustedProxies                      string
	klarnaAddr, klarnaPublicURL         string
	klarnaCredentials, healthURL        string
	fakeSeed, fakeChaos, fakePushDelay  string
	fakeCallbackHosts, fakeAllowHosts   string
	fakeState, dataDir                  string
	fakeFilledURLs, fakeCountryAsSent   string
	fakeRefundLags, fakeTaxWording      string
	fakeLateAddress, fakeConfig         string
	quiet, doctorJSON                   string
	eraseOrder, eraseEmail              string
	eraseList, eraseApply               string
	shopFile, publishList, publishBack  string
	ownShop, ownGoods                   *publish.File // without -shop and -catalog; nil: none
}

// validate checks all settings of a shop and adds to v what is wrong. The caller adds Redis,
// traces and the logger.
func (c *config) validate(v *problems) shop.Config {
	v.list = append(v.list, c.unread...)
	public := v.origin("-public-url", c.publicURL)
	klarnaURL := v.base("-klarna-url", c.klarnaURL)
	callback := public
	if c.callbackURL != "" {
		callback = v.origin("-callback-url", c.callbackURL)
	}
	if klarnaURL.Scheme == "https" && public.Scheme == "http" {
		v.add("-public-url", "must be https with an https Klarna URL: else the shopper's cookie is not Secure")
	}
	if klarnaURL.Scheme == "https" && callback.Scheme == "http" && callback != public {
		v.add("-callback-url", "must be https with an https Klarna URL")
	}
	if v.required("-redis-url", c.redisURL) {
		if rdb, err := redisconn.Open(c.redisURL); err != nil {
			v.add("-redis-url", "%w", err)
		} else {
			_ = rdb.Close()
		}
	}
	if v.required("-database-url", c.databaseURL) {
		if err := db.CheckURL(c.databaseURL); err != nil {
			v.add("-database-url", "%w", err)
		}
	}
	c.migrates = v.onOff("-migrate", c.migrate)
	v.required("SHOPD_KLARNA_PASSWORD", c.password)
	if v.required("SHOPD_SECRET", c.secret) {
		if _, err := kco.NewSigner(c.secret); err != nil {
			v.add("SHOPD_SECRET", "%w", err)
		}
	}
	s := shop.Config{
		PublicURL: public.String(), CallbackURL: callback.String(), Secret: c.secret,
		Klarna: shop.Klarna{
			URL: klarnaURL.String(), Username: c.username, Password: c.password,
			Platform: v.platform(c.platform, klarnaURL), BrowserOrigins: v.browserOrigins(c.browserOrigins, klarnaURL),
		},
		WriteLimit:     int(min(v.number("-write-limit", c.writeLimit), math.MaxInt32)),
		RequestLimit:   int(min(v.number("-request-limit", c.requestLimit), math.MaxInt32)),
		TrustedProxies: v.networks("-trusted-proxies", c.trustedProxies),
		Drain:          v.duration("-drain", c.drain),
	}
	s.Klarna.Library, s.Klarna.LibraryOrigins = paymentsLibrary(s.Klarna.BrowserOrigins, klarnaURL)
	var err error
	if c.smtpURL != "" {
		server, err := mail.ParseSMTP(c.smtpURL)
		if err != nil {
			v.add("SHOPD_SMTP_URL", "%w", err)
		} else {
			server.Hello, s.Mail = public.Hostname(), server
		}
	}
	if s.Keys, err = api.ParseKeys(c.apiKeys); err != nil {
		v.add("SHOPD_API_KEYS", "%w", err)
	}
	if s.Team, err = team.Parse(c.staff); err != nil {
		v.add("SHOPD_STAFF", "%w", err)
	}
	return s
}

// problems collects what keeps a command from its work, so that all is told at once.
type problems struct {
	command string
	list    []error
	unread  []string // settings of which it is told already that they could not be read
	taken   bool     // a port is in use by another program
	hints   []string // what to do about them
}

func (c *config) problems() *problems { return &problems{command: c.command, unread: c.unreadNames} }

// add adds what is wrong with a setting: its name is -flag, or the variable of a secret.
func (v *problems) add(name, format string, args ...any) {
	v.list = append(v.list, fmt.Errorf("%s: %w", v.named(name), fmt.Errorf(format, args...)))
}

// named is a setting's flag with its variable, or the variables of a secret.
func (v *problems) named(name string) string {
	for _, s := range settingsOf(command{name: v.command}) {
		variable := s.variable()
		if s.secret || s.file {
			variable += " or " + variable + "_FILE"
		}
		switch name {
		case "-" + s.flag:
			return name + " (" + variable + ")"
		case s.variable():
			return variable
		}
	}
	return name
}

func (v *problems) err() error {
	if len(v.list) == 0 {
		return nil
	}
	err := fmt.Errorf("the settings are not complete or not usable:\n%w", errors.Join(v.list...))
	for _, hint := range v.hints {
		err = fmt.Errorf("%w\n%s", err, hint)
	}
	return err
}

func (v *problems) required(name, value string) bool {
	if value == "" && !slices.Contains(v.unread, name) {
		v.list = append(v.list, fmt.Errorf("%s is missing", v.named(name)))
	}
	return value != ""
}

// value reads a setting; none is the zero value. problem says what text is not.
func value[T any](v *problems, name, text, problem string, read func(string) (T, error), fits func(T) bool) (zero T) {
	if text == "" {
		return zero
	}
	n, err := read(text)
	if err != nil || !fits(n) {
		v.add(name, "%q is %s", text, problem)
	}
	return n
}

// duration reads a length of time; none is 0.
func (v *problems) duration(name, text string) time.Duration {
	return value(v, name, text, "not a length of time such as 5s", time.ParseDuration, func(d time.Duration) bool { return d >= 0 })
}

// onOff reads true or false; none is false.
func (v *problems) onOff(name, text string) bool {
	return value(v, name, text, "neither true nor false", strconv.ParseBool, func(bool) bool { return true })
}

// number reads a whole number that is not negative; none is 0.
func (v *problems) number(name, text string) uint64 {
	read := func(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) }
	return value(v, name, text, "not a whole number from 0", read, func(uint64) bool { return true })
}

// words splits a setting that holds several, separated by spaces or commas.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// networks reads networks such as 10.0.0.0/8, or single addresses.
func (v *problems) networks(name, text string) []netip.Prefix {
	var networks []netip.Prefix
	for _, word := range words(text) {
		network, err := netip.ParsePrefix(word)
		if address, addrErr := netip.ParseAddr(word); addrErr == nil {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			v.add(name, "%q is not a network such as 10.0.0.0/8", word)
			continue
		}
		networks = append(networks, network)
	}
	return networks
}

// probability reads a number from 0 to 1; none is 0.
func (v *problems) probability(name, text string) float64 {
	read := func(text string) (float64, error) { return strconv.ParseFloat(text, 64) }
	return value(v, name, text, "not from 0 to 1", read, func(p float64) bool { return p >= 0 && p <= 1 })
}

// platform returns the platform that is set, else that of the Klarna URL's host.
func (v *problems) platform(name string, klarnaURL *url.URL) ordermanagement.Platform {
	if name == "" {
		return ordermanagement.PlatformOf(klarnaURL.Hostname())
	}
	p, err := ordermanagement.ParsePlatform(name)
	if err != nil {
		v.add("-platform", "%w", err)
	}
	return p
}

// origin reads scheme://host[:port].
func (v *problems) origin(name, raw string) *url.URL {
	u := v.url(name, raw)
	if u != nil && u.Path == "" {
		return u
	}
	if raw != "" {
		v.add(name, "%q must be http(s)://host[:port] and nothing else", raw)
	}
	return &url.URL{}
}

// base reads the URL of an API, which may have a path.
func (v *problems) base(name, raw string) *url.URL {
	u := v.url(name, raw)
	if u != nil {
		return u
	}
	if raw != "" {
		v.add(name, "must be http(s)://host[:port], perhaps with a path; credentials have settings of their own")
	}
	return &url.URL{}
}

// url reads a required URL. It returns nil for anything but http(s)://host[:port][/path].
func (v *problems) url(name, raw string) *url.URL {
	v.required(name, raw)
	u, err := url.Parse(strings.TrimSuffix(raw, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil
	}
	// As browsers write it.
	if ascii, err := idna.Lookup.ToASCII(u.Hostname()); err == nil {
		u.Host = strings.Replace(u.Host, u.Hostname(), ascii, 1)
	}
	return u
}

// browserOrigins returns the hosts of the payment form that are set, else those for
// Klarna's URL.
func (v *problems) browserOrigins(raw string, klarnaURL *url.URL) []string {
	given := words(raw)
	for i, origin := range given {
		u := v.origin("-klarna-browser-origins", origin)
		// Anything else could end the policy's directive and begin another.
		if strings.ContainsAny(u.Host, ";'\"") {
			v.add("-klarna-browser-origins", "%q is not an origin", origin)
		}
		given[i] = u.String()
	}
	switch host := klarnaURL.Hostname(); {
	case len(given) > 0:
		return given
	case strings.HasPrefix(host, "api") && strings.HasSuffix(host, ".kustom.co"):
		// js.kustom.co, js.live.kustom.co or js.playground.kustom.co: which of them is
		// live is not documented.
		return []string{"https://*.kustom.co"}
	case strings.HasPrefix(host, "api") && strings.HasSuffix(host, ".klarna.com"):
		return []string{"https://*.klarna.com"}
	}
	return []string{klarnaURL.Scheme + "://" + klarnaURL.Host}
}

// paymentsLibrary returns the address of Klarna Payments' script and the hosts that it
// uses: Klarna's, or the fake's.
// Source: docs.klarna.com, Checkout; the hosts are those that integrations allow.
func paymentsLibrary(origins []string, klarnaURL *url.URL) (script string, hosts []string) {
	const path = "/kp/lib/v1/api.js"
	for _, klarna := range []string{".klarna.com", ".kustom.co"} {
		if strings.HasSuffix(klarnaURL.Hostname(), klarna) {
			const cdn = "https://x.klarnacdn.net"
			return cdn + path, []string{cdn, "https://js.klarna.com", "https://*.klarna.com", "https://*.klarnaevt.com"}
		}
	}
	return origins[0] + klarnaURL.Path + path, nil
}

// reachable returns the host:port by which this machine reaches a listener. The host is
// local if it listens on all addresses or on loopback.
func reachable(addr net.Addr, local string) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip == nil || ip.IsLoopback() || ip.IsUnspecified() {
		host = local
	}
	return net.JoinHostPort(host, port)
}
