package aftersale

import (
	"net/http"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/order"
)

// Refusal says that Klarna refused a command, why, and what to do. It is told by
// the code of the answer and by the order, which was read again since; Klarna's
// sentences are only shown. Source: docs.klarna.com, Error codes and messages for
// order management.
func (d *Desk) Refusal(a *Action, o order.Order, e order.AuditEntry) (title, body string) {
	title = "Klarna refused the " + a.Noun + "."
	if e.Status == http.StatusForbidden {
		if impossible := d.Possible(o, a, time.Now()); impossible != nil {
			body = a.Reason(o, impossible.Reason)
		}
	}
	if body == "" && a.Refused != nil {
		body = a.Refused(o, e)
	}
	if body == "" {
		body = refusedCodes[e.Code]
	}
	if body == "" {
		body = refusedStatuses[e.Status]
	}
	if body == "" {
		body = "Open the order again: it shows what Klarna says of it now. If that does not help, quote the correlation ID to Klarna's support."
		if says := strings.TrimSpace(strings.Join(e.Messages, " ")); says != "" {
			body = "Klarna says: \"" + says + "\" " + body
		}
	}
	return title, form.UpperFirst(body)
}

// refusedCodes and refusedStatuses are what an answer of Klarna says whatever was asked.
var (
	refusedCodes = map[string]string{
		"PAYMENT_METHOD_FAILED": "The shopper's payment method could not be charged. Do not send the goods yet; try again tomorrow.",
		"NO_SUCH_CAPTURE":       "Klarna does not know this capture. Open the order again.",
		"NOT_FOUND":             "Klarna does not know this capture. Open the order again.",
		"NO_SUCH_ORDER":         "Klarna does not know this order. Quote the correlation ID to Klarna's support.",
	}
	refusedStatuses = map[int]string{
		http.StatusUnauthorized:    "Klarna does not accept the shop's credentials. Tell whoever runs the shop.",
		http.StatusConflict:        "Klarna is doing something else with this order. Try again in a minute.",
		http.StatusTooManyRequests: "Klarna has had too many requests from this shop. Try again in a minute.",
	}
)
