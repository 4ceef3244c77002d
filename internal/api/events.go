package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/permission"
)

type eventsInput struct {
	After int64      `query:"after" minimum:"-1" maximum:"9007199254740991" default:"-1" doc:"The next of the page before; -1 for the oldest events."`
	Type  event.Type `query:"type" maxLength:"60" doc:"Only these."`
	Limit int        `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// EventList is a page of events, oldest first.
type EventList struct {
	Data []EventBody `json:"data" nullable:"false"`
	Next int64       `json:"next" doc:"For after, also when there is nothing new."`
}

// EventBody is an event. It names nobody.
type EventBody struct {
	event.Event
}

// Schema describes what event.Event makes.
func (EventBody) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"id", "sequence", "type", "timestamp", "data"},
		Properties: map[string]*huma.Schema{
			"id":        {Type: huma.TypeString, Description: "evt_…; webhook-id of a webhook."},
			"sequence":  {Type: huma.TypeInteger, Format: "int64", Description: "Grows from event to event."},
			"type":      growing("What happened", event.Types()),
			"timestamp": {Type: huma.TypeString, Format: "date-time"},
			"data": {
				Type: huma.TypeObject, AdditionalProperties: true, Description: "What it is about, as its object says: id, number, reference, revision of an order; reference, revision of a checkout_session; sku, available of stock.",
				Required: []string{"object"}, Properties: map[string]*huma.Schema{"object": growing("What it is about", []string{"order", "checkout_session", "stock"})},
			},
		},
		Examples: []any{map[string]any{
			"id": "evt_3KQ", "sequence": 412, "type": "order.captured", "timestamp": "2026-11-29T12:00:00Z",
			"data": map[string]any{"object": "order", "id": "ord_7F", "number": "W-20931", "reference": "basket-1", "revision": 4},
		}},
	}
}

type eventsOutput struct{ Body EventList }

// events registers the call that reads events.
func (a *API) events(on huma.API) {
	register(a, on, permission.Orders, huma.Operation{
		OperationID: "list_events", Method: http.MethodGet, Path: Path + "/events", Tags: []string{"Events"},
		Summary: "Read what happened, oldest first, without a gap", Description: "Events are kept for 30 days. 410 `gone`: what came after this event is gone; begin anew without `after`, and look at all once.",
		Responses: answers("EventList", eventExample), Errors: []int{http.StatusGone},
	}, a.listEvents)
}

func (a *API) listEvents(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	if in.Type != "" && !in.Type.Known() {
		return nil, invalid(Fault{"query.type", "is no type of events"})
	}
	page, err := a.Events.Read(ctx, event.Query{After: in.After, Type: in.Type, Limit: in.Limit})
	if errors.Is(err, event.ErrGone) {
		return nil, problem(http.StatusGone, CodeGone, "What came after this event is gone. Begin anew without after, and look at all once.")
	}
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{EventList{Data: []EventBody{}, Next: page.Next}}
	for _, e := range page.Events {
		out.Body.Data = append(out.Body.Data, EventBody{e})
	}
	return out, nil
}
