package api

import (
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
)

// lineNames are the IDs of a basket's lines, for its order.
func lineNames(b *cart.Basket) (names []checkoutsession.Line) {
	for _, line := range b.Lines {
		name := checkoutsession.Line{ID: line.ID, Reference: line.Reference}
		if line.Own() {
			name.Type, name.Name = line.Type, line.Name
		}
		names = append(names, name)
	}
	return names
}
