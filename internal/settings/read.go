package settings

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/contrast"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/yamlfile"
)

// Defaults of members that a shop file may leave out, and a limit.
const (
	defaultPrefix     = "ORD"
	defaultWithdrawal = 14 // days
	maxOrigins        = 10
	maxWord           = 100 // of one of a list that we know: that it is none says more than how long it is
)

// Read reads a shop file in the format of docs/shop.md and all that it names. The error has
// one line for each mistake, with the line in the file and the member. Warnings are what
// may be meant.
func Read(source Source) (shop *Shop, warnings []string, err error) {
	if len(source.File) > maxFile {
		return nil, nil, fmt.Errorf("larger than %d KiB", maxFile>>10)
	}
	root, err := yamlfile.Parse(source.File)
	if err != nil {
		return nil, nil, err
	}
	r := &reader{files: source.Files, langs: languages(root)}
	shop = r.shop(root)
	if err := r.Err(); err != nil {
		return nil, nil, err
	}
	return shop, r.Warnings(), nil
}

// reader turns nodes into a shop and collects what is wrong.
type reader struct {
	yamlfile.Checker
	files map[string][]byte
	named []string    // the files that were asked for
	langs []i18n.Lang // of the markets, the first is that of texts that are plain strings
	asks  bool        // the merchant's server is asked for delivery
}

var (
	prefix    = regexp.MustCompile(`^[A-Z]{1,4}$`)
	retention = regexp.MustCompile(`^([1-9][0-9]{0,3})([ymd])$`)
)

func (r *reader) shop(root *yamlfile.Node) *Shop {
	m := r.Object(root, "", []string{"name", "contact", "pages", "markets"},
		"order_prefix", "time_zone", "storefront", "look", "texts", "checkout", "campaigns", "hooks", "mail", "webhooks", "measure", "embed", "withdrawal", "retention")
	s := &Shop{Name: r.Text(m["name"], "name", 60), OrderPrefix: defaultPrefix, Storefront: true}
	if n := m["order_prefix"]; n != nil {
		s.OrderPrefix = r.Pattern(n, "order_prefix", prefix, "1 to 4 capital letters")
	}
	s.Contact = r.contact(m["contact"])
	s.Zone = r.zone(m["time_zone"])
	if n := m["storefront"]; n != nil {
		s.Storefront = r.Boolean(n, "storefront")
	}
	s.Look = r.look(m["look"])
	s.Pages = r.pages(m["pages"])
	s.Texts = r.texts(m["texts"])
	s.Hooks = r.hooks(m["hooks"])
	r.asks = s.Hooks.Delivery != nil
	s.Markets = r.markets(m["markets"])
	s.Checkout = r.checkout(m["checkout"], m["markets"], s.Markets)
	s.Campaigns = r.campaigns(m["campaigns"], s)
	s.Measure = r.measure(m["measure"])
	s.Embed = r.embed(m["embed"])
	s.Mail = r.mail(m["mail"])
	s.Webhooks = r.webhooks(m["webhooks"])
	s.Withdrawal = defaultWithdrawal
	if n := r.Object(m["withdrawal"], "withdrawal", nil, "days")["days"]; n != nil {
		if s.Withdrawal = r.Number(n, "withdrawal.days", 0, 365); s.Withdrawal > 0 && s.Withdrawal < defaultWithdrawal {
			r.Fail(n.Line, "withdrawal.days", "want 0, or at least the %d days that the law of the EU gives", defaultWithdrawal)
		}
	}
	s.Retention = r.retention(r.Object(m["retention"], "retention", nil, "personal_data")["personal_data"])
	return s
}

var (
	httpsOrigin  = regexp.MustCompile(`^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)
	httpsAddress = regexp.MustCompile(`^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^\s"<>]*$`)
)

// pageOrigin is an origin as a browser sends it: small letters, no port that goes without saying.
var pageOrigin = regexp.MustCompile(`^(https://[a-z0-9.-]+|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?$`)

// embed reads the origins of pages that may hold the checkout.
func (r *reader) embed(n *yamlfile.Node) (origins []string) {
	list := r.Object(n, "embed", []string{"origins"})["origins"]
	r.NotEmpty(list, "embed.origins")
	for i, item := range r.Array(list, "embed.origins") {
		member := fmt.Sprintf("embed.origins[%d]", i)
		origin := r.Pattern(item, member, pageOrigin, "an origin such as https://www.example.com, or http://localhost:8000 to try")
		if strings.HasPrefix(origin, "https:") && strings.HasSuffix(origin, ":443") || strings.HasPrefix(origin, "http:") && strings.HasSuffix(origin, ":80") {
			r.Fail(item.Line, member, "has a port that browsers leave out")
		}
		r.Once(item, member, origin, origins)
		origins = append(origins, origin)
	}
	if len(origins) > maxOrigins {
		r.Fail(list.Line, "embed.origins", "want at most %d", maxOrigins)
	}
	return origins
}

func (r *reader) measure(n *yamlfile.Node) (m Measure) {
	o := r.Object(n, "measure", []string{"script"}, "origins")
	m.Script = r.Pattern(o["script"], "measure.script", httpsAddress, "an https address of a script")
	for i, item := range r.Array(o["origins"], "measure.origins") {
		path := fmt.Sprintf("measure.origins[%d]", i)
		origin := r.Pattern(item, path, httpsOrigin, "an origin such as https://plausible.example")
		r.Once(item, path, origin, m.Origins)
		m.Origins = append(m.Origins, origin)
	}
	if len(m.Origins) > maxOrigins {
		r.Fail(o["origins"].Line, "measure.origins", "want at most %d", maxOrigins)
	}
	return m
}

func (r *reader) contact(n *yamlfile.Node) (c Contact) {
	m := r.Object(n, "contact", []string{"email"}, "company", "registration", "phone", "address")
	c = Contact{
		Company: r.Text(m["company"], "contact.company", 100), Registration: r.Text(m["registration"], "contact.registration", 50),
		Email: r.Text(m["email"], "contact.email", 99), Phone: r.Text(m["phone"], "contact.phone", 30), Address: r.Text(m["address"], "contact.address", 200),
	}
	if parsed, err := mail.ParseAddress(c.Email); c.Email != "" && (err != nil || parsed.Address != c.Email) {
		r.Fail(m["email"].Line, "contact.email", "%q is not an e-mail address", c.Email)
	}
	return c
}

// mail reads what is written to those who buy; nothing where it is not there.
func (r *reader) mail(n *yamlfile.Node) (v Mail) {
	m := r.Object(n, "mail", []string{"from"}, "send", "sessions")
	if text := r.Text(m["from"], "mail.from", 200); text != "" {
		from, err := mail.ParseAddress(text)
		if err != nil || len(from.Address) > maxAddress {
			r.Fail(m["from"].Line, "mail.from", "%q is not a sender such as Shop <order@shop.example>", text)
			return v
		}
		v.From, v.Send = *from, MailKinds()
	}
	if list := m["send"]; list != nil {
		v.Send = nil
		for i, kind := range r.Array(list, "mail.send") {
			path := fmt.Sprintf("mail.send[%d]", i)
			name := MailKind(r.Choice(kind, path, names(MailKinds())...))
			r.Once(kind, path, string(name), names(v.Send))
			v.Send = append(v.Send, name)
		}
	}
	if n := m["sessions"]; n != nil {
		v.Sessions = r.Boolean(n, "mail.sessions")
	}
	return v
}

// maxAddress is how long an address may be, in bytes. Source: RFC 5321, 4.5.3.1.3.
const maxAddress = 254

func names[T ~string](list []T) (texts []string) {
	for _, name := range list {
		texts = append(texts, string(name))
	}
	return texts
}

// zone reads the name of a time zone; none is UTC.
func (r *reader) zone(n *yamlfile.Node) *time.Location {
	name := r.Text(n, "time_zone", maxWord)
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		r.Fail(n.Line, "time_zone", "%q is not a time zone such as Europe/Stockholm", name)
	}
	return zone
}

func (r *reader) look(n *yamlfile.Node) (l Look) {
	m := r.Object(n, "look", nil, "logo", "icons", "accent", "radius", "stylesheet")
	if l.Logo = r.file(m["logo"], "look.logo", ".svg", ".png"); l.Logo != nil {
		if err := checkPicture(l.Logo); err != nil {
			r.Fail(m["logo"].Line, "look.logo", "%q %v", l.Logo.Name, err)
		}
	}
	l.Icons = r.icons(m["icons"])
	accent := r.Object(m["accent"], "look.accent", []string{"light", "dark"})
	l.AccentLight, l.AccentDark = r.accent(accent["light"], "light"), r.accent(accent["dark"], "dark")
	if n := m["radius"]; n != nil {
		l.Radius = new(r.Number(n, "look.radius", 0, 32))
	}
	if l.Stylesheet = r.file(m["stylesheet"], "look.stylesheet", ".css"); l.Stylesheet != nil {
		if err := checkText(l.Stylesheet.Data); err != nil {
			r.Fail(m["stylesheet"].Line, "look.stylesheet", "%q %v", l.Stylesheet.Name, err)
		}
	}
	return l
}

// icons reads the pictures for home screens.
func (r *reader) icons(n *yamlfile.Node) (icons []Icon) {
	for i, n := range r.Array(n, "look.icons") {
		path := fmt.Sprintf("look.icons[%d]", i)
		f := r.file(n, path, ".png")
		if f == nil {
			continue
		}
		c, err := png.DecodeConfig(bytes.NewReader(f.Data))
		switch {
		case err != nil:
			r.Fail(n.Line, path, "%q is not a picture in PNG", f.Name)
		case c.Width != c.Height || c.Width > maxIcon:
			r.Fail(n.Line, path, "%q has %d × %d pixels, want a square of at most %d each way", f.Name, c.Width, c.Height, maxIcon)
		case slices.ContainsFunc(icons, func(other Icon) bool { return other.Side == c.Width }):
			r.Fail(n.Line, path, "%q is as large as another", f.Name)
		}
		icons = append(icons, Icon{f, c.Width})
	}
	slices.SortFunc(icons, func(a, b Icon) int { return a.Side - b.Side })
	return icons
}

// accent reads a colour that links have on the grounds of a scheme.
func (r *reader) accent(n *yamlfile.Node, scheme string) string {
	path := "look.accent." + scheme
	accent := r.Text(n, path, maxWord)
	if accent == "" {
		return ""
	}
	if !contrast.IsColor(accent) {
		r.Fail(n.Line, path, `%q is not a colour such as "#0b5d3b"`, accent)
		return ""
	}
	for _, ground := range contrast.Grounds[scheme] {
		if got := contrast.Ratio(accent, ground); got < contrast.Text {
			r.Fail(n.Line, path, "%s on the ground %s has a contrast of %.1f, want %.1f", accent, ground, got, contrast.Text)
		}
	}
	return strings.ToLower(accent)
}

func (r *reader) pages(n *yamlfile.Node) (p Pages) {
	m := r.Object(n, "pages", []string{"terms"}, "privacy", "returns")
	p.Terms = r.page(m["terms"], "pages.terms")
	p.Privacy = r.page(m["privacy"], "pages.privacy")
	p.Returns = r.page(m["returns"], "pages.returns")
	return p
}

// page reads the name of a Markdown file or an address, or one for each language.
func (r *reader) page(n *yamlfile.Node, path string) Page {
	if n == nil {
		return nil
	}
	page := Page{}
	for l, part := range r.byLang(n, path, r.langs) {
		if part.text != "" {
			page[l] = r.pageText(part, path)
		}
	}
	return page
}

func (r *reader) pageText(part langNode, path string) (p PageText) {
	if strings.Contains(part.text, "://") {
		u, err := url.Parse(part.text)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			r.Fail(part.node.Line, part.path, "%q is not an https address", part.text)
		}
		return PageText{URL: part.text}
	}
	file := r.file(part.node, part.path, ".md")
	if file == nil {
		return p
	}
	html, err := markdown(file.Data)
	if err != nil {
		r.Fail(part.node.Line, part.path, "%q %v", file.Name, err)
	}
	return PageText{HTML: html}
}

// maxPage is the length of a text, an address or a name, in characters.
const maxPage = 1000

// langNode is one language of a text.
type langNode struct {
	path string
	node *yamlfile.Node
	text string
}

// byLang reads a text that is a string in the first of the languages that it should have,
// or an object of strings by language. One that is missing there is worth a warning.
func (r *reader) byLang(n *yamlfile.Node, path string, langs []i18n.Lang) map[i18n.Lang]langNode {
	texts := map[i18n.Lang]langNode{}
	if n == nil {
		return texts
	}
	if !n.IsObject() {
		l := i18n.English // of a file whose languages cannot be read
		if len(langs) > 0 {
			l = langs[0]
		}
		texts[l] = langNode{path, n, r.Text(n, path, maxPage)}
		return texts
	}
	for _, m := range r.Members(n, path) {
		l, path := i18n.Lang(m.Name), path+"."+m.Name
		if !slices.Contains(i18n.Langs(), l) {
			r.Fail(m.Line, path, "%q is not one of the languages %v", m.Name, i18n.Langs())
			continue
		}
		texts[l] = langNode{path, m.Node, r.Text(m.Node, path, maxPage)}
	}
	if len(texts) == 0 {
		r.Fail(n.Line, path, "must not be empty")
	}
	for _, l := range langs {
		if _, there := texts[l]; !there && len(texts) > 0 {
			r.Warn(n.Line, path, "there is none in %q, in which the shop sells", l)
		}
	}
	return texts
}

// text reads a text of at most so many characters in each language.
func (r *reader) text(n *yamlfile.Node, path string, limit int, langs []i18n.Lang) i18n.Text {
	if n == nil {
		return nil
	}
	text := i18n.Text{}
	for l, part := range r.byLang(n, path, langs) {
		if len([]rune(part.text)) > limit {
			r.Fail(part.node.Line, part.path, "longer than %d characters", limit)
		}
		text[l] = part.text
	}
	return text
}

// placeholder is what a text leaves for a number or a name.
var placeholder = regexp.MustCompile(`\{\d+\}`)

// texts reads the shop's own texts. One that would not fit where the built-in one stands is
// a mistake.
func (r *reader) texts(n *yamlfile.Node) i18n.Overrides {
	texts := i18n.Overrides{}
	for _, m := range r.Members(n, "texts") {
		path := "texts." + m.Name
		text := r.text(m.Node, path, maxPage, r.langs)
		source, known := i18n.Source(m.Name)
		if !known && !strings.HasPrefix(m.Name, "option.") { // what variants differ in, the catalogue says
			r.Warn(m.Line, path, "the shop has no text with this key")
			continue
		}
		for l, own := range text {
			for _, p := range placeholder.FindAllString(own, -1) {
				if !strings.Contains(source, p) {
					r.Fail(m.Line, path, "in %q it has %s, which the text does not have: %q", l, p, source)
				}
			}
			if strings.Contains(own, "|") && !strings.Contains(source, "|") {
				r.Fail(m.Line, path, "in %q it has a |, which parts singular and plural: the text has one form", l)
			}
		}
		texts[m.Name] = text
	}
	return texts
}

func (r *reader) retention(n *yamlfile.Node) (t Retention) {
	if n == nil {
		return t
	}
	parts := retention.FindStringSubmatch(r.Pattern(n, "retention.personal_data", retention, "a number of years, months or days such as 3y, 18m or 400d"))
	if parts == nil {
		return t
	}
	number, _ := strconv.Atoi(parts[1])
	switch parts[2] {
	case "y":
		t.Years = number
	case "m":
		t.Months = number
	default:
		t.Days = number
	}
	return t
}

var errNotText = errors.New("is not text in UTF-8")
