package settings

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/yamlfile"
)

// Hooks are what the merchant's own server is asked; nil: it is not.
type Hooks struct {
	Delivery *Hook // which ways of delivery there are to a place
	Validate *Hook // whether a purchase may go on
}

// Hook is an address that is asked.
type Hook struct {
	URL        string
	SecretFile string        // with the secrets that sign, on the machine of each process
	Timeout    time.Duration // for the answer
	// Approve: of Validate. What is not answered is approved, and else refused.
	Approve bool
}

const (
	deliveryTime    = 1500 * time.Millisecond
	validateTime    = 2 * time.Second // where the file does not say
	maxValidateTime = 3 * time.Second
	maxURL          = 2000
	byHook          = "hook" // in place of pickup points
)

var seconds = regexp.MustCompile(`^([1-9][0-9]{0,3})(ms|s)$`)

func (r *reader) hooks(n *yamlfile.Node) (h Hooks) {
	m := r.Object(n, "hooks", nil, "delivery", "validate")
	if d := m["delivery"]; d != nil {
		o := r.Object(d, "hooks.delivery", []string{"url", "secret_file"})
		h.Delivery = r.hook(o, "hooks.delivery", deliveryTime)
	}
	if v := m["validate"]; v != nil {
		const path = "hooks.validate"
		o := r.Object(v, path, []string{"url", "secret_file", "on_failure"}, "timeout")
		h.Validate = r.hook(o, path, validateTime)
		h.Validate.Approve = o["on_failure"] != nil && r.Choice(o["on_failure"], path+".on_failure", "refuse", "approve") == "approve"
		if t := o["timeout"]; t != nil {
			h.Validate.Timeout = r.timeout(t, path+".timeout", maxValidateTime)
		}
	}
	return h
}

func (r *reader) hook(o map[string]*yamlfile.Node, path string, timeout time.Duration) *Hook {
	return &Hook{URL: r.serverURL(o["url"], path+".url"), SecretFile: r.secretFile(o["secret_file"], path+".secret_file"), Timeout: timeout}
}

// secretFile reads the name of a file that each process reads where it runs: it is not of the shop
// file, so nothing is known of it here.
func (r *reader) secretFile(n *yamlfile.Node, path string) string {
	name := r.Text(n, path, maxURL)
	if name != "" && !filepath.IsAbs(name) {
		r.Warn(n.Line, path, "is looked for in the directory in which shopd is started: a whole path is found from everywhere")
	}
	return name
}

// serverURL reads an address of the merchant's server. Whether it may be a plain one is known
// where it is asked.
func (r *reader) serverURL(n *yamlfile.Node, path string) string {
	text := r.Text(n, path, maxURL)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		r.Fail(n.Line, path, "%q is not an address such as https://www.shop.example/shopd", text)
	} else if u.Scheme == "http" {
		r.Warn(n.Line, path, "is called only where the shop's own address is plain http, too")
	}
	return text
}

// timeout reads a time such as 2s or 1500ms.
func (r *reader) timeout(n *yamlfile.Node, path string, most time.Duration) time.Duration {
	parts := seconds.FindStringSubmatch(r.Pattern(n, path, seconds, "a time such as 2s or 1500ms"))
	if parts == nil {
		return 0
	}
	number, _ := strconv.Atoi(parts[1])
	t := time.Duration(number) * time.Second
	if parts[2] == "ms" {
		t = time.Duration(number) * time.Millisecond
	}
	if t > most {
		r.Fail(n.Line, path, "is more than %v", most)
	}
	return t
}

// askPoints reads that the merchant's server says the pickup points of a way of delivery. It
// says one list of them.
func (r *reader) askPoints(n *yamlfile.Node, path string, others []market.ShippingOption) bool {
	if !r.asks {
		r.Fail(n.Line, path, "needs hooks.delivery, which says them")
	}
	if slices.ContainsFunc(others, func(o market.ShippingOption) bool { return o.AskPoints }) {
		r.Fail(n.Line, path, "another way of delivery of this market has those of the hook")
	}
	return true
}
