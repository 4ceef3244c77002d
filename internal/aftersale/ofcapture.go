package aftersale

import (
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// What the actions with one capture share.

// captureDefault chooses the newest capture.
func captureDefault(d *Draft) {
	if n := len(d.Order.Captures); n > 0 {
		d.Values.Set("capture", d.Order.Captures[n-1].CaptureID)
	}
}

// captureID is the capture that was chosen; "" where needed is false is the
// order as a whole.
func (d *Draft) captureID(needed bool) string {
	var ids []string
	for _, c := range d.Order.Captures {
		ids = append(ids, c.CaptureID)
	}
	id := d.option("capture", "What it is for", ids)
	if id == "" && needed {
		d.failField("capture", "Choose a capture.")
	}
	return id
}

// captureInput asks for a capture.
func (d *Draft) captureInput(label string, whole bool) form.Input {
	var options []form.Option
	if whole {
		options = append(options, form.Option{Label: "The order as a whole"})
	}
	for _, c := range d.Order.Captures {
		options = append(options, form.Option{Value: c.CaptureID, Label: captureText(c, d.Order)})
	}
	return d.input(form.Input{Name: "capture", Label: label, Kind: "select", Options: options})
}

// captureText names a capture: "K4MADNY4-1, 745.00 SEK, 20 Nov 2026".
func captureText(c ordermanagement.Capture, o order.Order) string {
	text := form.Money(c.CapturedAmount, o.PurchaseCurrency)
	if c.KlarnaReference != "" {
		text = c.KlarnaReference + ", " + text
	}
	if !c.CapturedAt.IsZero() {
		text += ", " + form.Day(c.CapturedAt.Time)
	}
	return text
}

// captureName names the capture of the command.
func (d *Draft) captureName() string {
	c, _ := d.Order.Capture(d.Command.CaptureID)
	return captureText(c, d.Order)
}
