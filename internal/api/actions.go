package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/v1"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Taking says how much: quantities of lines, else an amount, else all that is left.
type Taking struct {
	OrderLines  []LineQuantity `json:"order_lines,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"Discounts, gift cards and sales tax follow the goods."`
	Amount      int64          `json:"amount,omitempty" minimum:"1" maximum:"200000000" doc:"A mere amount, of no lines."`
	Description string         `json:"description,omitempty" maxLength:"255" doc:"The shopper sees it."`
	Reference   string         `json:"reference,omitempty" maxLength:"255" doc:"For settlement files."`
}

// CaptureRequest asks for money.
type CaptureRequest struct {
	Taking
	Shipments []ShipmentRequest `json:"shipments,omitempty" maxItems:"50" nullable:"false"`
}

// RefundRequest gives money back.
type RefundRequest struct {
	Taking
	Restock bool `json:"restock,omitempty" doc:"The goods are in the warehouse again."`
}

// ShipmentRequest is goods on their way.
type ShipmentRequest struct {
	OrderLines     []LineQuantity `json:"order_lines,omitempty" maxItems:"1000" nullable:"false" doc:"What is in it; with a capture else what is captured, else all that is in no shipment."`
	Carrier        string         `json:"carrier" minLength:"1" maxLength:"100"`
	TrackingNumber string         `json:"tracking_number,omitempty" maxLength:"100"`
	TrackingURI    string         `json:"tracking_uri,omitempty" maxLength:"1024"`
	DeliveryMethod string         `json:"delivery_method,omitempty" maxLength:"40" doc:"One of Klarna's: Home, PickUpPoint, PickUpStore, Postal …"`
}

// ParcelRequest is a shipment of a capture, or of the order as a whole.
type ParcelRequest struct {
	ShipmentRequest
	CaptureID string `json:"capture_id,omitempty" maxLength:"100"`
}

// ActionResult is what came of an action. With 202 Klarna has not answered yet: there is
// only the command. It names nobody.
type ActionResult struct {
	Command   string      `json:"command" doc:"For GET /v1/commands/{id}."`
	Order     *OrderState `json:"order,omitempty"`
	CaptureID string      `json:"capture_id,omitempty" doc:"That was made."`
	RefundID  string      `json:"refund_id,omitempty" doc:"That was made."`
}

// OrderState is how an order stands.
type OrderState struct {
	ID        string  `json:"id"`
	Number    string  `json:"number"`
	Reference *string `json:"reference"`
	Revision  int64   `json:"revision"`
	Status    string  `json:"status"`
	Amounts   Amounts `json:"amounts"`
}

type (
	captureInput struct {
		OrderPath
		Body CaptureRequest
	}
	refundInput struct {
		OrderPath
		Body RefundRequest
	}
	parcelInput struct {
		OrderPath
		Body ParcelRequest
	}
	actionOutput struct {
		Status int
		Body   ActionResult
	}
)

// actions registers the actions of the back office. Each needs the right that it needs there.
func (a *API) actions(on huma.API) {
	op := func(id, path, summary string, body *huma.RequestBody) huma.Operation {
		result := answers("ActionResult", actionExample)
		result["202"] = &huma.Response{Description: "Klarna has not answered yet", Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Ref: schemasPath + "ActionResult"}, Example: json.RawMessage(`{"command": "7c9e6679-7425-50de-944b-e07fc1f90ae7"}`)},
		}}
		return huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: ordersPath + "/{order}" + path, Tags: []string{"Orders"}, Summary: summary,
			Description: "200 when it is done; 202 when Klarna has not answered yet: it goes on by itself. 409 not_possible has the reason, 422 klarna_refused Klarna's correlation ID.",
			Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity}, RequestBody: body, Responses: result,
		}
	}
	once := func(o huma.Operation) huma.Operation {
		o.Metadata = map[string]any{idempotent: always}
		return o
	}
	register(a, on, aftersale.Capture.Needs, once(op("capture_order", "/captures", "Capture: lines, an amount, or with {} all that is left",
		example(`{"order_lines": [{"id": "1", "quantity": 1}], "shipments": [{"carrier": "PostNord", "tracking_number": "1234"}]}`))), a.capture)
	register(a, on, aftersale.Refund.Needs, once(op("refund_order", "/refunds", "Refund: lines, an amount, or with {} all that was captured",
		example(`{"order_lines": [{"id": "1", "quantity": 1}], "restock": true}`))), a.refund)
	register(a, on, aftersale.Parcel.Needs, once(op("ship_order", "/shipments", "Tell of a parcel",
		example(`{"carrier": "PostNord", "tracking_number": "1234", "order_lines": [{"id": "1", "quantity": 1}]}`))), a.ship)
	register(a, on, aftersale.Release.Needs, once(op("release_order", "/release", "Give up what is not captured of a partly captured order", nil)), a.release)
	register(a, on, aftersale.Cancel.Needs, op("cancel_order", "/cancel", "Cancel an order of which nothing is captured; again, it is cancelled", nil), a.cancel)
}

func (a *API) capture(ctx context.Context, in *captureInput) (*actionOutput, error) {
	return a.act(ctx, in.Order, aftersale.Capture, commandKey(ctx), func(o order.Order, c *order.Command) error {
		wanted, err := in.Body.wanted(o, c)
		if err == nil {
			err = wanted.Captured(o, c)
		}
		for i, s := range in.Body.Shipments {
			if err == nil {
				err = addShipment(o, c, s, fmt.Sprintf("shipments[%d].", i))
			}
		}
		unsaid := func(s order.Shipment) bool { return len(s.OrderLines) == 0 }
		if at := slices.IndexFunc(c.Shipments, unsaid); err == nil && at >= 0 && !slices.ContainsFunc(c.Shipments[at+1:], unsaid) {
			c.Shipments[at].OrderLines = aftersale.CapturedIn(o, *c)
		}
		return err
	})
}

func (a *API) refund(ctx context.Context, in *refundInput) (*actionOutput, error) {
	return a.act(ctx, in.Order, aftersale.Refund, commandKey(ctx), func(o order.Order, c *order.Command) error {
		wanted, err := in.Body.wanted(o, c)
		if err == nil {
			err = wanted.Refunded(o, c)
		}
		c.Restock = in.Body.Restock
		return err
	})
}

func (a *API) ship(ctx context.Context, in *parcelInput) (*actionOutput, error) {
	return a.act(ctx, in.Order, aftersale.Parcel, commandKey(ctx), func(o order.Order, c *order.Command) error {
		c.CaptureID = in.Body.CaptureID
		if err := addShipment(o, c, in.Body.ShipmentRequest, ""); err != nil {
			return err
		}
		if len(in.Body.OrderLines) == 0 {
			c.Shipments[0].OrderLines = aftersale.Unshipped(o, c.CaptureID)
			if why := aftersale.Unsendable(o); why != "" && len(c.Shipments[0].OrderLines) == 0 {
				return &aftersale.ImpossibleError{Action: aftersale.Parcel.Name, Reason: why}
			}
		}
		return nil
	})
}

func (a *API) release(ctx context.Context, in *OrderPath) (*actionOutput, error) {
	return a.act(ctx, in.Order, aftersale.Release, commandKey(ctx), nothingMore)
}

// cancel needs no Idempotency-Key: what is cancelled stays so.
func (a *API) cancel(ctx context.Context, in *OrderPath) (*actionOutput, error) {
	o, err := a.theOrder(ctx, in.Order)
	switch {
	case err != nil:
		return nil, err
	case o.Status == ordermanagement.Cancelled:
		return &actionOutput{http.StatusOK, ActionResult{Order: stateOf(o)}}, nil
	case o.Running != nil && o.Running.Action == aftersale.Cancel.Name:
		return a.act(ctx, in.Order, aftersale.Cancel, o.Running.Key, nothingMore)
	}
	return a.act(ctx, in.Order, aftersale.Cancel, uuid.NewString(), nothingMore)
}

func nothingMore(order.Order, *order.Command) error { return nil }

// commandKey names the command of the call under way, always in the same way. Klarna knows
// it by this, too.
func commandKey(ctx context.Context) string {
	c, ok := ctx.Value(callOf{}).(*call)
	if !ok {
		panic("a call without its Idempotency-Key") // the operation has it in its metadata
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s\n%s\n%d", c.apiKey, c.key, c.madeAt)).String()
}

// actTries is how often an action is begun because the order changed meanwhile.
const actTries = 3

// act does an action of the back office with an order: once for a key, however often it is
// called. build makes the command of the order as it is.
func (a *API) act(ctx context.Context, name string, action *aftersale.Action, key string, build func(order.Order, *order.Command) error) (*actionOutput, error) {
	o, err := a.theOrder(ctx, name)
	if err != nil {
		return nil, err
	}
	by, _ := ctx.Value(keyOf{}).(Key)
	if err := a.noteCommand(ctx, key, by.Name, o); err != nil {
		return nil, err
	}
	refreshed := false
	for range actTries {
		c := order.Command{Key: key, Action: action.Name, Revision: o.Revision, Staff: by.Name, By: order.ByKey}
		entries, err := a.Book.Entries(ctx, o.Ref())
		if err != nil {
			return nil, err
		}
		if !aftersale.Knows(o, entries, key) { // else the command is made already
			err = a.build(o, action, &c, build)
			if _, impossible := errors.AsType[*aftersale.ImpossibleError](err); impossible && !refreshed {
				refreshed = true // perhaps by an old copy only
				if fresh, readErr := a.Book.Refresh(ctx, o.Ref()); readErr == nil && fresh.Revision != o.Revision {
					o = fresh
					continue
				}
			}
			if err != nil {
				return nil, refusal(action, o, err)
			}
		}
		out, err := a.Desk.Do(ctx, o.Ref(), c)
		if changed, ok := errors.AsType[*aftersale.ChangedError](err); ok {
			o = changed.Order
			if changed.Running != nil {
				return nil, busy()
			}
			continue
		}
		if err != nil {
			return nil, refusal(action, o, err)
		}
		return a.told(action, key, out)
	}
	return nil, busy()
}

func (a *API) build(o order.Order, action *aftersale.Action, c *order.Command, build func(order.Order, *order.Command) error) error {
	if impossible := a.Desk.Possible(o, action, time.Now()); impossible != nil {
		return impossible
	}
	return build(o, c)
}

// busy: the order is being changed by somebody else.
func busy() *Problem {
	return problem(http.StatusConflict, CodeInProgress, "Another command is under way with the order. Nothing has changed.").after(retryAfter)
}

// unavailable: what we keep ourselves could not be read or written.
func unavailable() *Problem {
	return problem(http.StatusServiceUnavailable, CodeUnavailable, "The shop's own store did not answer. The call may be repeated.").after(retryAfter)
}

// told is the answer of how a command ended.
func (a *API) told(action *aftersale.Action, key string, out aftersale.Outcome) (*actionOutput, error) {
	result := ActionResult{Command: key}
	switch out.Result {
	case order.Unknown, order.Sent:
		return &actionOutput{http.StatusAccepted, result}, nil
	case order.Refused:
		if action == aftersale.Cancel && out.Order.Status == ordermanagement.Cancelled {
			break // at Klarna, before
		}
		title, body := a.Desk.Refusal(action, out.Order, out.Entry)
		p := problem(http.StatusUnprocessableEntity, CodeKlarnaRefused, title+" "+body)
		p.CorrelationID, p.Order = out.Entry.CorrelationID, &OrderRef{out.Order.ID, out.Order.Number}
		return nil, p
	case order.Done, order.Already:
	}
	result.Order = stateOf(out.Order)
	switch action {
	case aftersale.Capture:
		result.CaptureID = out.Entry.ID
	case aftersale.Refund:
		result.RefundID = out.Entry.ID
	}
	return &actionOutput{http.StatusOK, result}, nil
}

func stateOf(o order.Order) *OrderState {
	body := orderBody(o, time.Time{})
	return &OrderState{body.ID, body.Number, body.Reference, body.Revision, body.Status, body.Amounts}
}

// refusal says why a command was not sent.
func refusal(action *aftersale.Action, o order.Order, err error) error {
	line, isLine := errors.AsType[*aftersale.LineError](err)
	impossible, isImpossible := errors.AsType[*aftersale.ImpossibleError](err)
	switch {
	case isLine && line.Above == nil:
		return invalid(Fault{fmt.Sprintf("body.order_lines[%d].id", line.Index), "is no line of the order"})
	case errors.Is(err, aftersale.ErrNothing):
		return invalid(Fault{"body.order_lines", "come to nothing"})
	case errors.Is(err, money.ErrOverflow):
		return invalid(Fault{"body", "its amounts are too large"})
	case !isImpossible:
		return err
	case impossible.Reason == aftersale.ReasonInvalid:
		return invalid(unfit(action, impossible))
	case impossible.Reason == aftersale.ReasonUnknownCapture:
		return invalid(Fault{"body.capture_id", "is no capture of the order"})
	}
	p := problem(http.StatusConflict, CodeNotPossible, action.Impossible(o, impossible.Reason))
	p.Reason, p.Order = string(impossible.Reason), &OrderRef{o.ID, o.Number}
	if isLine {
		p.Detail = action.Because("more of a line is asked for than is left of it.")
		p.Errors = []Fault{{fmt.Sprintf("body.order_lines[%d].quantity", line.Index), fmt.Sprintf("is more than what is left: %d", line.Left)}}
	}
	return p
}

// unfit is a refused member of a command as the member of the call that it was made of.
func unfit(action *aftersale.Action, e *aftersale.ImpossibleError) Fault {
	at, says := e.Field, cmp.Or(e.Rule, "does not fit the order")
	switch {
	case at == "amount": // that of a call is bounded: it is what the lines, or all that is left, come to
		at, says = "order_lines", fmt.Sprintf("come to more than %d, which Klarna does not take at once: name some, or an amount", ordermanagement.MaxAmount)
	case at == "restock":
		says = "is for goods: name the lines that are refunded"
	case strings.HasPrefix(at, "order_lines"): // theirs are the order's
		at = "order_lines"
	case strings.HasSuffix(at, ".quantity"):
		says = "is more than is in no shipment"
	}
	if action == aftersale.Parcel {
		at = strings.TrimPrefix(at, "shipments[0].")
	}
	return Fault{"body." + at, says}
}

// wanted reads how much is asked for, and the texts.
func (t Taking) wanted(o order.Order, c *order.Command) (w aftersale.Wanted, err error) {
	if len(t.OrderLines) > 0 && t.Amount != 0 {
		return w, invalid(Fault{"body.amount", "cannot stand beside order_lines"})
	}
	for member, text := range map[string]string{"description": t.Description, "reference": t.Reference} {
		if !form.OneLine(text) {
			return w, invalid(Fault{"body." + member, "must be one line"})
		}
	}
	c.Description, c.Reference = t.Description, t.Reference
	return aftersale.Wanted{Lines: linesOf(o, t.OrderLines), Amount: money.Amount(t.Amount)}, nil
}

// linesOf are lines by the IDs that they have in the book; nil without any.
func linesOf(o order.Order, asked []LineQuantity) (lines []order.ShipmentLine) {
	ids := map[string]string{}
	for _, id := range o.LineIDs() {
		ids[o.LineName(id)] = id
	}
	for _, l := range asked {
		lines = append(lines, order.ShipmentLine{ID: ids[l.ID], Quantity: l.Quantity})
	}
	return lines
}

// addShipment adds a shipment to a command. at is where it stands in the body.
func addShipment(o order.Order, c *order.Command, in ShipmentRequest, at string) error {
	for member, text := range map[string]string{"carrier": in.Carrier, "tracking_number": in.TrackingNumber, "tracking_uri": in.TrackingURI} {
		if !form.OneLine(text) {
			return invalid(Fault{"body." + at + member, "must be one line"})
		}
	}
	switch {
	case in.TrackingURI != "" && !isAddress(in.TrackingURI):
		return invalid(Fault{"body." + at + "tracking_uri", "is no address on the web"})
	case in.DeliveryMethod != "" && !slices.Contains(ordermanagement.ShippingMethods, in.DeliveryMethod):
		return invalid(Fault{"body." + at + "delivery_method", fmt.Sprintf("is none of %v", ordermanagement.ShippingMethods)})
	}
	lines := linesOf(o, in.OrderLines)
	for i, l := range lines {
		if l.ID == "" {
			return invalid(Fault{fmt.Sprintf("body.%sorder_lines[%d].id", at, i), "is no line of the order"})
		}
	}
	c.Shipments = append(c.Shipments, order.Shipment{
		OrderLines: lines, Carrier: in.Carrier, TrackingNumber: in.TrackingNumber, TrackingURI: in.TrackingURI, DeliveryMethod: in.DeliveryMethod,
	})
	return nil
}
