package backoffice

import (
	"net/http"

	"github.com/shopd/shopd/web/templates"
)

func (b *Backoffice) orders(w http.ResponseWriter, r *http.Request) {
	b.page(w, r, http.StatusOK, "Orders", navOrders, templates.AdminOrders())
}
