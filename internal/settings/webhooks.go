package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/yamlfile"
)

// maxWebhooks is how many endpoints a shop may have.
const maxWebhooks = 20

// Webhook is an endpoint of the merchant's that is told of events.
type Webhook struct {
	ID         string   // a to z, 0 to 9, _ and -
	URL        string   // https, or http where the shop itself is http
	Events     []string // types, order.* or *
	SecretFile string   // read by each process
}

// Wants reports whether the endpoint is told of events of a type.
func (w Webhook) Wants(what event.Type) bool {
	return slices.ContainsFunc(w.Events, func(pattern string) bool {
		prefix, all := strings.CutSuffix(pattern, "*")
		return pattern == string(what) || all && strings.HasPrefix(string(what), prefix)
	})
}

var webhookID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// webhooks reads the endpoints.
func (r *reader) webhooks(n *yamlfile.Node) (list []Webhook) {
	for i, item := range r.Array(n, "webhooks") {
		path := fmt.Sprintf("webhooks[%d]", i)
		m := r.Object(item, path, []string{"id", "url", "secret_file"}, "events")
		w := Webhook{
			ID:         r.Pattern(m["id"], path+".id", webhookID, "1 to 32 of a-z 0-9 _ -"),
			SecretFile: r.secretFile(m["secret_file"], path+".secret_file"), Events: []string{"*"},
		}
		if slices.ContainsFunc(list, func(other Webhook) bool { return other.ID == w.ID }) && w.ID != "" {
			r.Fail(m["id"].Line, path+".id", "%q stands twice", w.ID)
		}
		w.URL = r.serverURL(m["url"], path+".url")
		if events := m["events"]; events != nil {
			w.Events = nil
			r.NotEmpty(events, path+".events")
			for j, e := range r.Array(events, path+".events") {
				at := fmt.Sprintf("%s.events[%d]", path, j)
				pattern := r.Text(e, at, 60)
				if pattern != "" && !slices.ContainsFunc(event.Types(), Webhook{Events: []string{pattern}}.Wants) {
					r.Fail(e.Line, at, "%q is no type of events such as order.captured or order.*", pattern)
				}
				r.Once(e, at, pattern, w.Events)
				w.Events = append(w.Events, pattern)
			}
		}
		list = append(list, w)
	}
	if len(list) > maxWebhooks {
		r.Fail(n.Line, "webhooks", "want at most %d", maxWebhooks)
	}
	return list
}
