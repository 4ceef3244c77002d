package order

import (
	"context"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// What a command is at Klarna.

func (c Command) captureRequest() ordermanagement.CaptureRequest {
	return ordermanagement.CaptureRequest{
		CapturedAmount: c.Amount, Description: c.Description, Reference: c.Reference,
		OrderLines: c.OrderLines, ShippingInfo: c.ShippingInfo,
	}
}

func (c Command) refundRequest() ordermanagement.RefundRequest {
	return ordermanagement.RefundRequest{
		RefundedAmount: c.Amount, Description: c.Description, Reference: c.Reference, OrderLines: c.OrderLines,
	}
}

func (c Command) authorization() ordermanagement.Authorization {
	return ordermanagement.Authorization{OrderAmount: c.Amount, Description: c.Description, OrderLines: c.OrderLines}
}

func (c Command) references() ordermanagement.References {
	return ordermanagement.References{Reference1: c.Reference1, Reference2: c.Reference2}
}

func (c Command) addressChange(o Order) ordermanagement.AddressChange {
	return ordermanagement.NewAddressChange(o.ShippingAddress, *c.ShippingAddress)
}

// send asks Klarna to do a command. id is that of the capture or refund that
// was made. The command has passed Check.
func (b *Book) send(ctx context.Context, o Order, c Command) (id string, a klarna.Answer, err error) {
	m := b.Management
	switch c.Action {
	case ActionCapture:
		return m.Capture(ctx, o.OrderID, c.captureRequest(), c.Key)
	case ActionRefund:
		return m.Refund(ctx, o.OrderID, c.refundRequest(), c.Key)
	case ActionLines:
		a, err = m.UpdateAuthorization(ctx, o.OrderID, c.authorization(), c.Key)
	case ActionReferences:
		a, err = m.SetMerchantReferences(ctx, o.OrderID, c.references(), c.Key)
	case ActionShippingAddress:
		a, err = m.UpdateShippingAddress(ctx, o.OrderID, c.addressChange(o), c.Key)
	case ActionShippingInfo:
		if c.CaptureID != "" {
			a, err = m.AddCaptureShippingInfo(ctx, o.OrderID, c.CaptureID, c.ShippingInfo, c.Key)
		} else {
			a, err = m.AddShippingInfo(ctx, o.OrderID, c.ShippingInfo, c.Key)
		}
	case ActionCancel:
		a, err = m.Cancel(ctx, o.OrderID, c.Key)
	case ActionRelease:
		a, err = m.Release(ctx, o.OrderID, c.Key)
	case ActionExtend:
		a, err = m.ExtendAuthorization(ctx, o.OrderID, c.Key)
	case ActionSendOut:
		a, err = m.TriggerSendOut(ctx, o.OrderID, c.CaptureID, c.Key)
	case ActionExtendDueDate:
		a, err = m.ExtendDueDate(ctx, o.OrderID, c.CaptureID, c.Days, c.Key)
	}
	return "", a, err
}
