package api

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/stock"
)

// Level is how many there are of a product.
type Level struct {
	SKU       string `json:"sku"`
	OnHand    int64  `json:"on_hand" doc:"What lies in the warehouse."`
	Reserved  int64  `json:"reserved" doc:"Of purchases that are being made."`
	Committed int64  `json:"committed" doc:"Of orders, not sent yet."`
	Available int64  `json:"available" doc:"What can be sold; below 0 where more was sold than there is."`
}

// StockItem is what is new of a product: how many there are, or how many more.
type StockItem struct {
	SKU    string `json:"sku" minLength:"1" maxLength:"64"`
	OnHand *int64 `json:"on_hand,omitempty" minimum:"0" maximum:"1000000000" doc:"As it was counted, with what is sold and not sent yet."`
	Delta  *int64 `json:"delta,omitempty" minimum:"-1000000000" maximum:"1000000000" doc:"How many more; below 0: fewer."`
}

type stockInput struct {
	SKU []string `query:"sku,explode" required:"true" minItems:"1" maxItems:"200" doc:"Of which products; what is not counted is left out."`
}

type stockChangeInput struct {
	Body struct {
		Items  []StockItem `json:"items" minItems:"1" maxItems:"5000" nullable:"false"`
		Reason string      `json:"reason" minLength:"1" maxLength:"200" doc:"Stays in the ledger."`
	}
}

// StockList is the stock of some products.
type StockList struct {
	Data []Level `json:"data" nullable:"false"`
}

type stockOutput struct{ Body StockList }

// stock registers the calls about how many there are.
func (a *API) stock(on huma.API) {
	tags := []string{"Stock"}
	register(a, on, permission.Stock, huma.Operation{
		OperationID: "get_stock", Method: http.MethodGet, Path: Path + "/stock", Tags: tags, Summary: "How many there are", Responses: answers("StockList", stockExample),
	}, a.getStock)
	register(a, on, permission.Stock, huma.Operation{
		OperationID: "change_stock", Method: http.MethodPost, Path: Path + "/stock", Tags: tags, Summary: "Change what is on hand: all items or none",
		Description: "An Idempotency-Key is needed where an item has a delta.", Metadata: map[string]any{idempotent: sometimes},
		Errors:      []int{http.StatusConflict, http.StatusUnprocessableEntity},
		RequestBody: example(`{"items": [{"sku": "MUG-1", "on_hand": 500}, {"sku": "JAM-1", "delta": -2}], "reason": "stocktaking"}`), Responses: answers("StockList", stockExample),
	}, a.changeStock)
}

func (a *API) getStock(ctx context.Context, in *stockInput) (*stockOutput, error) {
	// A database takes no other texts.
	skus := slices.DeleteFunc(in.SKU, func(sku string) bool { return !utf8.ValidString(sku) || strings.ContainsRune(sku, 0) })
	levels, err := a.Stock.Read(ctx, skus...)
	if err != nil {
		return nil, err
	}
	return &stockOutput{stockList(levels)}, nil
}

func stockList(levels []stock.Level) StockList {
	list := StockList{Data: []Level{}}
	for _, l := range levels {
		list.Data = append(list.Data, Level{l.SKU, l.OnHand, l.Reserved, l.Committed, l.Available()})
	}
	return list
}

// countTries is how often a count is made because a newer one was faster.
const countTries = 3

// changeStock changes the stock and keeps the answer in one transaction, so that a delta
// counts once.
func (a *API) changeStock(ctx context.Context, in *stockChangeInput) (out *stockOutput, err error) {
	changes, err := changesOf(in)
	if err != nil {
		return nil, err
	}
	c, once := ctx.Value(callOf{}).(*call)
	for _, change := range changes {
		if change.OnHand == nil && !once {
			return nil, problem(http.StatusBadRequest, CodeKeyMissing, "The call needs an Idempotency-Key: an item has a delta.")
		}
	}
	by, _ := ctx.Value(keyOf{}).(Key)
	for range countTries {
		err = a.DB.Tx(ctx, func(tx *sql.Tx) error {
			levels, err := a.Stock.Set(ctx, tx, changes, stock.Entry{Who: by.Name, Reason: in.Body.Reason})
			if err != nil {
				return err
			}
			out = &stockOutput{stockList(levels)}
			if !once {
				return nil
			}
			var body bytes.Buffer
			if err := format.Marshal(&body, out.Body); err != nil {
				return err
			}
			return c.keep(ctx, tx, answer{http.StatusOK, "application/json", body.String()})
		})
		if !errors.Is(err, stock.ErrOldCount) {
			break
		}
	}
	if err != nil {
		return nil, stockRefusal(in, err)
	}
	return out, nil
}

// changesOf reads what is new.
func changesOf(in *stockChangeInput) (changes []stock.Change, err error) {
	var faults []Fault
	if !form.OneLine(in.Body.Reason) {
		faults = append(faults, Fault{"body.reason", "must be one line"})
	}
	there := map[string]bool{}
	for i, item := range in.Body.Items {
		at := fmt.Sprintf("body.items[%d]", i)
		change := stock.Change{SKU: item.SKU, OnHand: item.OnHand}
		_, uses := stock.CampaignOf(item.SKU)
		switch {
		case (item.OnHand == nil) == (item.Delta == nil):
			faults = append(faults, Fault{at, "needs on_hand or delta, one of the two"})
		case item.Delta != nil:
			change.Delta = *item.Delta
		}
		if there[item.SKU] {
			faults = append(faults, Fault{at + ".sku", "stands twice"})
		}
		if uses {
			faults = append(faults, Fault{at + ".sku", "is no product"})
		}
		there[item.SKU] = true
		changes = append(changes, change)
	}
	if len(faults) > 0 {
		return nil, invalid(faults[:min(len(faults), maxFaults)]...)
	}
	return changes, nil
}

// stockRefusal says why nothing was changed.
func stockRefusal(in *stockChangeInput, err error) error {
	at := func(sku string) string {
		for i, item := range in.Body.Items {
			if item.SKU == sku {
				return fmt.Sprintf("body.items[%d]", i)
			}
		}
		return "body.items"
	}
	unknown, isUnknown := errors.AsType[*stock.UnknownError](err)
	below, isBelow := errors.AsType[*stock.BelowError](err)
	switch {
	case isUnknown:
		return problem(http.StatusUnprocessableEntity, CodeUnknownSKU, "No stock is kept of a product; nothing has changed.", Fault{at(unknown.SKU) + ".sku", "is not counted"})
	case isBelow:
		return problem(http.StatusConflict, CodeBelowPromised, "Fewer than are sold and being bought; nothing has changed.",
			Fault{at(below.Level.SKU), fmt.Sprintf("%d are reserved and committed", below.Level.Reserved+below.Level.Committed)})
	}
	return err
}
