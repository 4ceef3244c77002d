package api

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/permission"
)

// commandLife is how long a command can be asked for.
const commandLife = 30 * 24 * time.Hour

// noteCommand notes whose order a command is about to be of.
func (a *API) noteCommand(ctx context.Context, id, by string, o order.Order) error {
	_, err := a.DB.Exec(ctx, "insert into api_commands (id, api_key, order_id, made_at) values ($1, $2, $3, $4) on conflict (id) do nothing",
		id, by, o.ID, time.Now().UnixMilli())
	if err != nil {
		return fmt.Errorf("note command: %w", err)
	}
	return nil
}

func (a *API) sweepCommands(ctx context.Context, now time.Time) error {
	_, err := a.DB.Exec(ctx, "delete from api_commands where made_at <= $1", now.Add(-commandLife).UnixMilli())
	return err
}

// Command is how far a command is.
type Command struct {
	Object        string     `json:"object" enum:"command"`
	ID            string     `json:"id"`
	Action        string     `json:"action" doc:"capture, refund, cancel, release, shipping_info"`
	Status        string     `json:"status" enum:"running,done,refused" doc:"running: Klarna has not answered yet."`
	Order         OrderRef   `json:"order"`
	CreatedAt     time.Time  `json:"created_at"`
	FinishedAt    *time.Time `json:"finished_at"`
	CaptureID     string     `json:"capture_id,omitempty"`
	RefundID      string     `json:"refund_id,omitempty"`
	Detail        string     `json:"detail,omitempty" doc:"Why it was refused."`
	CorrelationID string     `json:"correlation_id,omitempty" doc:"Klarna's, of its refusal."`
}

type commandInput struct {
	ID string `path:"id" format:"uuid"`
}

type commandOutput struct{ Body Command }

// commands registers the call that asks for a command.
func (a *API) commands(on huma.API) {
	register(a, on, "", huma.Operation{
		OperationID: "get_command", Method: http.MethodGet, Path: Path + "/commands/{id}", Tags: []string{"Orders"},
		Summary: "How far a command is", Description: "A key may ask for its own commands for 30 days; with the scope `orders` for all.", Responses: answers("Command", commandExample), Errors: []int{http.StatusNotFound},
	}, a.getCommand)
}

func (a *API) getCommand(ctx context.Context, in *commandInput) (*commandOutput, error) {
	missing := problem(http.StatusNotFound, CodeNotFound, "There is no such command, or it was not begun.")
	by, _ := ctx.Value(keyOf{}).(Key)
	var owner, orderID string
	err := a.DB.Read.QueryRowContext(ctx, "select api_key, order_id from api_commands where id = $1", in.ID).Scan(&owner, &orderID)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && owner != by.Name && !by.may(permission.Orders):
		return nil, missing
	case err != nil:
		return nil, fmt.Errorf("read command: %w", err)
	}
	o, found, err := a.Book.ByOrderID(ctx, orderID)
	if err != nil || !found {
		return nil, errors.Join(err, missing)
	}
	entries, err := a.Book.Entries(ctx, orderID)
	if err != nil {
		return nil, err
	}
	c := Command{Object: "command", ID: in.ID, Order: OrderRef{o.ID, o.Number}, Status: "running"}
	for _, e := range entries {
		if e.Key != in.ID {
			continue
		}
		if c.Action == "" {
			c.Action, c.CreatedAt = e.Event, instant(e.At)
		}
		a.ended(&c, o, e)
	}
	if c.Action == "" {
		return nil, missing
	}
	return &commandOutput{c}, nil
}

// ended says how a command ended, where an entry of the audit does.
func (a *API) ended(c *Command, o order.Order, e order.AuditEntry) {
	action := a.Desk.Actions.Named(order.Action(e.Event))
	switch {
	case e.Result == order.Done:
		c.Status = "done"
		switch c.Action {
		case "capture":
			c.CaptureID = e.ID
		case "refund":
			c.RefundID = e.ID
		}
	case e.Result == order.Refused && action != nil:
		title, body := a.Desk.Refusal(action, o, e)
		c.Status, c.Detail, c.CorrelationID = "refused", title+" "+body, e.CorrelationID
	default:
		return
	}
	c.FinishedAt = new(instant(e.At))
}
