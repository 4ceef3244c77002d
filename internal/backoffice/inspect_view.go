package backoffice

import (
	"net/url"
	"strconv"
	"time"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/story"
	"github.com/shopd/shopd/web/templates"
)

// storyView returns a story for the page. Entries do not repeat the ID of the page's own
// order.
func storyView(events []story.Event, orderID string, zone *time.Location) []templates.InspectEvent {
	list := make([]templates.InspectEvent, len(events))
	day := ""
	for i, e := range events {
		at := e.At.In(zone)
		v := templates.InspectEvent{
			Time: at.Format("15:04:05.000"), DateTime: at.Format(time.RFC3339Nano), FromKlarna: e.Kind == story.FromKlarna,
			Operation: e.Operation, Method: e.Method, Path: e.Path, Failed: e.Failed(), Duration: took(e.Duration),
			Status: "no answer", Try: e.Try, Result: e.Result, Correlation: e.CorrelationID,
		}
		if e.Status != 0 {
			v.Status = strconv.Itoa(e.Status)
		}
		if e.OrderID != orderID {
			v.OrderID = e.OrderID
		}
		if now := at.Format("Monday 2 January 2006"); now != day {
			v.Day, day = now, now
		}
		for _, c := range e.Changes {
			v.Changes = append(v.Changes, templates.InspectChange(c))
		}
		list[i] = v
	}
	return list
}

// took formats a duration in whole milliseconds.
func took(d time.Duration) string {
	if d < time.Millisecond {
		return "<1 ms"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
}

func leftView(left []kco.Left, zone *time.Location) []templates.InspectLeft {
	list := make([]templates.InspectLeft, len(left))
	for i, o := range left {
		list[i] = templates.InspectLeft{OrderID: o.OrderID, CartID: o.CartID, Since: timeText(o.Since.In(zone)), State: "waits to be aborted"}
		if o.Aborted {
			list[i].State = "aborting is over, asked about until it is 49 hours old"
		}
	}
	return list
}

// linkTo returns the page of a cart or order, "" for the page itself.
func linkTo(id, shown string) string {
	if id == "" || id == shown {
		return ""
	}
	return "/admin/inspect?" + url.Values{"q": {id}}.Encode()
}

func orUnknown(text string) string {
	if text == "" {
		return "not known"
	}
	return text
}
