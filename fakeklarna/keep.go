package fakeklarna

import (
	"maps"
	"slices"
)

// The fake's memory is bounded. It keeps Options.MaxOrders orders of the checkout, as many
// of Order Management, and as many payment sessions. The record has its own bounds.

// makeRoom removes an order of the checkout when there are MaxOrders: the oldest expired or
// aborted one, else the oldest. The caller holds s.mu.
func (s *Server) makeRoom() {
	if len(s.newest) < s.o.MaxOrders {
		return
	}
	now := s.now()
	i := slices.IndexFunc(s.newest, func(o *order) bool {
		return o.Status == StatusAborted || o.Status == StatusIncomplete && now.After(o.Modified.Add(life))
	})
	i = max(i, 0)
	delete(s.orders, s.newest[i].ID)
	s.newest = slices.Delete(s.newest, i, i+1)
}

// makeRoomManaged removes the oldest order of Order Management when there are MaxOrders.
// The caller holds s.mu.
func (s *Server) makeRoomManaged() {
	if len(s.managed) < s.o.MaxOrders {
		return
	}
	oldest := slices.MinFunc(slices.Collect(maps.Values(s.managed)), func(a, b *managedOrder) int { return a.Created.Compare(b.Created) })
	delete(s.managed, oldest.View.OrderID)
}

// makeRoomSession removes the oldest payment session with its tokens when there are
// MaxOrders. The caller holds s.mu.
func (s *Server) makeRoomSession() {
	p := &s.payments
	if len(p.Newest) < s.o.MaxOrders {
		return
	}
	oldest := p.Newest[0]
	delete(p.Sessions, oldest)
	p.Newest = slices.Delete(p.Newest, 0, 1)
	maps.DeleteFunc(p.Authorizations, func(_ string, a *authorization) bool { return a.SessionID == oldest })
	maps.DeleteFunc(p.Tokens, func(_ string, t *customerToken) bool { return t.SessionID == oldest })
}
