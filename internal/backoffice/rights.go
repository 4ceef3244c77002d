package backoffice

import (
	"net/http"

	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/web/templates"
)

// needs lets only staff with a right through.
func (b *Backoffice) needs(right permission.Right) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !staffOf(r.Context()).May(right) {
				b.page(w, r, http.StatusForbidden, "Not allowed", "", templates.AdminMessage(templates.AdminMessageView{
					Title: "You can look but not change.", Body: "Ask someone who can manage orders.", BackURL: home, Back: "See the orders",
				}))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
