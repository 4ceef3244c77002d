package order_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
)

// Lines come and go, and each keeps its ID: what names it means these goods and no others.
func TestLineIDs(t *testing.T) {
	tee := func(name string, quantity int64) klarna.OrderLine {
		l := line(klarna.Physical, "TEE", quantity, 100, moneyOf(100*quantity), 2500)
		l.Name = name
		return l
	}
	sku := func(reference string) klarna.OrderLine { return line(klarna.Physical, reference, 1, 100, 100, 2500) }
	dearer := tee("blue", 1)
	dearer.UnitPrice, dearer.TotalAmount = 120, 120
	type lines = []klarna.OrderLine
	for _, tt := range []struct {
		name   string
		before lines
		after  lines
		want   string
	}{
		{"none was there", nil, lines{tee("red", 1), tee("blue", 1)}, "TEE TEE:2"},
		{"the first goes", lines{tee("red", 1), tee("blue", 1)}, lines{tee("blue", 1)}, "TEE:2"},
		{"the first goes, the second is less", lines{tee("red", 1), tee("blue", 2)}, lines{tee("blue", 1)}, "TEE:2"},
		{"the first goes, the second costs more", lines{tee("red", 1), tee("blue", 1)}, lines{dearer}, "TEE:2"},
		{"the first goes, another comes", lines{tee("red", 1), tee("blue", 1)}, lines{tee("blue", 1), tee("green", 1)}, "TEE:2 TEE:3"},
		{"in another sequence", lines{tee("red", 1), tee("blue", 1)}, lines{tee("blue", 1), tee("red", 1)}, "TEE:2 TEE"},
		{"of two that are alike the first goes", lines{tee("red", 1), tee("red", 2)}, lines{tee("red", 2)}, "TEE:2"},
		{"without a reference", lines{sku(""), tee("red", 1), func() klarna.OrderLine { l := sku(""); l.Name = "card"; return l }()}, lines{func() klarna.OrderLine { l := sku(""); l.Name = "card"; return l }()}, ":2"},
		{"the only one has another name", lines{tee("red", 1), sku("MUG")}, lines{tee("crimson", 1), sku("MUG")}, "TEE MUG"},
		{"a reference that looks like a number", nil, lines{sku("A"), sku("A"), sku("A:2")}, "A A:2 A:2:2"},
		{"the same, and the number first", nil, lines{sku("A:2"), sku("A"), sku("A")}, "A:2 A A:3"},
		{"nothing changes", lines{tee("red", 1), sku("MUG")}, lines{tee("red", 1), sku("MUG")}, "TEE MUG"},
	} {
		var o order.Order
		o.SetLines(tt.before)
		o.SetLines(tt.after)
		var got []string
		for _, l := range o.Lines() {
			got = append(got, strings.TrimPrefix(l.ID, "physical:"))
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, text, tt.want)
		}
		if plain := slices.Equal(o.LineIDs(), order.LineIDs(o.OrderLines)); plain != (o.OwnLineIDs == nil) {
			t.Errorf("%s: kept beside the lines: %v", tt.name, o.OwnLineIDs)
		}
		o.OrderLines = []klarna.OrderLine{sku("MUG")} // by a version that knows of no IDs
		if diff := cmp.Diff([]string{"physical:MUG"}, o.LineIDs()); diff != "" {
			t.Errorf("%s: after other lines: %s", tt.name, diff)
		}
	}

	// What an ID was for stays what it is said of, also when it comes back later.
	o := order.Order{
		LineNames:   map[string]string{"physical:TEE": "red", "physical:TEE:2": "blue"},
		Shipments:   []order.Shipment{{ID: "1", OrderLines: []order.ShipmentLine{{ID: "physical:CUP", Quantity: 1}}}},
		Withdrawals: []order.Withdrawal{{ID: "W", Lines: []order.WithdrawnLine{{ID: "physical:JAR", Quantity: 1}}}},
	}
	o.SetLines(lines{tee("red", 1), tee("blue", 1), sku("CUP"), sku("JAR"), sku("MUG")})
	o.SetLines(lines{sku("PEN")})
	o.SetLines(lines{sku("PEN"), tee("green", 1), sku("CUP"), sku("JAR"), sku("MUG")})
	if diff := cmp.Diff([]string{"physical:PEN", "physical:TEE:3", "physical:CUP:2", "physical:JAR:2", "physical:MUG"}, o.LineIDs()); diff != "" {
		t.Errorf("lines that come later: %s", diff)
	}
}
