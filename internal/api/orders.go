package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/permission"
)

const ordersPath = Path + "/orders"

type ordersInput struct {
	Status       string    `query:"status" enum:"open,part_captured,captured,cancelled,expired"`
	Country      string    `query:"country" pattern:"^[A-Z]{2}$" doc:"Of purchase."`
	PlacedAfter  time.Time `query:"placed_after" doc:"Bought then, or later."`
	PlacedBefore time.Time `query:"placed_before" doc:"Bought before."`
	UpdatedAfter time.Time `query:"updated_after" doc:"Changed then, or later."`
	SKU          string    `query:"sku" minLength:"1" maxLength:"255" doc:"With goods of this reference."`
	Reference    string    `query:"reference" pattern:"^[A-Za-z0-9._-]{1,64}$" doc:"Of its checkout session."`
	ListQuery
}

// ListQuery asks for a page of a list.
type ListQuery struct {
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	After string `query:"after" maxLength:"200" doc:"The next of the page before."`
}

type searchInput struct {
	ListQuery
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"200" doc:"Words that an order has, or their beginnings: numbers, references, names, e-mail addresses, cities, postal codes, phone numbers, SKUs, tracking numbers; or an amount."`
	}
}

// OrderPath names an order.
type OrderPath struct {
	Order string `path:"order" pattern:"^[A-Za-z0-9._-]{1,64}$" doc:"ID or number of the order."`
}

// OrderList is a page of orders.
type OrderList struct {
	Data []Order `json:"data" nullable:"false"`
	Next *string `json:"next" doc:"For after; null at the end."`
}

type ordersOutput struct{ Body OrderList }

type orderOutput struct{ Body Order }

// orders registers the calls that read orders.
func (a *API) orders(on huma.API) {
	tags := []string{"Orders"}
	register(a, on, permission.Orders, huma.Operation{
		OperationID: "list_orders", Method: http.MethodGet, Path: ordersPath, Tags: tags, Summary: "List orders, newest first",
		Responses: answers("OrderList", `{"data": [`+orderExample+`], "next": null}`),
	}, a.listOrders)
	register(a, on, permission.Orders, huma.Operation{
		OperationID: "search_orders", Method: http.MethodPost, Path: ordersPath + "/search", Tags: tags,
		Summary: "Find orders by what is known of them", RequestBody: example(`{"text": "lovelace mug-1"}`),
		Responses: answers("OrderList", `{"data": [`+orderExample+`], "next": null}`),
	}, a.searchOrders)
	register(a, on, permission.Orders, huma.Operation{
		OperationID: "get_order", Method: http.MethodGet, Path: ordersPath + "/{order}", Tags: tags, Summary: "Read an order", Responses: answers("Order", orderExample), Errors: []int{http.StatusNotFound},
	}, a.getOrder)
}

func (a *API) listOrders(ctx context.Context, in *ordersInput) (*ordersOutput, error) {
	q := order.Query{
		Country: in.Country, PlacedAfter: in.PlacedAfter, PlacedBefore: in.PlacedBefore, UpdatedAfter: in.UpdatedAfter, SKU: in.SKU, Reference: in.Reference,
	}
	for status, name := range statuses {
		if name == in.Status {
			q.Statuses = append(q.Statuses, status)
		}
	}
	return a.page(ctx, q, in.ListQuery)
}

func (a *API) searchOrders(ctx context.Context, in *searchInput) (*ordersOutput, error) {
	return a.page(ctx, order.Query{Text: in.Body.Text}, in.ListQuery)
}

// page is a page of a list of orders.
func (a *API) page(ctx context.Context, q order.Query, in ListQuery) (*ordersOutput, error) {
	q.Cursor, q.Limit = in.After, in.Limit
	p, err := a.Book.List(ctx, q)
	if errors.Is(err, order.ErrCursor) {
		return nil, invalid(Fault{"query.after", "is no next of this list"})
	}
	if err != nil {
		return nil, err
	}
	if q.SKU != "" { // it was found by letters and digits alone
		p.Orders = slices.DeleteFunc(p.Orders, func(o order.Order) bool { return !has(o, q.SKU) })
	}
	updated, err := a.Book.UpdatedAt(ctx, p.Orders...)
	if err != nil {
		return nil, err
	}
	out := &ordersOutput{OrderList{Data: []Order{}, Next: given(p.Next)}}
	for _, o := range p.Orders {
		out.Body.Data = append(out.Body.Data, orderBody(o, updated[o.ID]))
	}
	return out, nil
}

// has reports whether goods of the order have a SKU.
func has(o order.Order, sku string) bool {
	for _, line := range order.Goods(o.OrderLines) {
		if strings.EqualFold(line.SKU, sku) {
			return true
		}
	}
	return false
}

func (a *API) getOrder(ctx context.Context, in *OrderPath) (*orderOutput, error) {
	o, err := a.theOrder(ctx, in.Order)
	if err != nil {
		return nil, err
	}
	updated, err := a.Book.UpdatedAt(ctx, o)
	if err != nil {
		return nil, err
	}
	return &orderOutput{orderBody(o, updated[o.ID])}, nil
}

// theOrder is the order of an ID or a number.
func (a *API) theOrder(ctx context.Context, name string) (o order.Order, err error) {
	found := false
	if cart.IsOwnOrder(name) {
		o, found, err = a.Book.ByOrderID(ctx, name)
	}
	if err == nil && !found {
		o, found, err = a.Book.ByNumber(ctx, name)
	}
	if err == nil && !found {
		err = problem(http.StatusNotFound, CodeNotFound, "There is no order with this ID or number.")
	}
	return o, err
}

// example is a body with an example.
func example(text string) *huma.RequestBody {
	return &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: json.RawMessage(text)}}}
}
