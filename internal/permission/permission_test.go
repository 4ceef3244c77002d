package permission_test

import (
	"testing"

	"github.com/shopd/shopd/internal/permission"
)

// Each scope is one right, all is each of them; who may look changes nothing, and no key may do
// what is for staff alone.
func TestHas(t *testing.T) {
	rights := []permission.Right{
		permission.Checkout, permission.Orders, permission.Fulfil, permission.Refund, permission.Stock, permission.Catalog, permission.Change, permission.Operate,
	}
	for _, right := range rights {
		staff := right == permission.Change || right == permission.Operate
		for _, scope := range permission.Scopes() {
			want := !staff && (scope == permission.All || string(scope) == string(right))
			if got := scope.Has(right); got != want {
				t.Errorf("the scope %s has %s: %v", scope, right, got)
			}
		}
		if got := permission.View.Has(right); got != (right == permission.Orders) {
			t.Errorf("who may look has %s: %v", right, got)
		}
		if got := permission.Manage.Has(right); got != (right != permission.Checkout && right != permission.Catalog) {
			t.Errorf("who may manage has %s: %v", right, got)
		}
	}
	if permission.Holder("nobody").Has(permission.Orders) {
		t.Error("nobody has a right")
	}
}
