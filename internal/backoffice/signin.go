package backoffice

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"golang.org/x/crypto/bcrypt"

	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/web/templates"
)

func (b *Backoffice) signInRoutes(r chi.Router) {
	r.Get("/admin/sign-in", b.signInPage)
	r.Post("/admin/sign-in", b.signIn)
	r.Post("/admin/sign-out", b.signOut)
}

type staffKey struct{}

// staffOf returns who is signed in; the zero Staff on the sign-in page.
func staffOf(ctx context.Context) Staff {
	staff, _ := ctx.Value(staffKey{}).(Staff)
	return staff
}

// signedIn lets only requests of staff through; others are sent to the sign-in.
func (b *Backoffice) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, found, err := b.Sessions.Find(r)
		if err != nil {
			b.fail(w, r, err)
			return
		}
		member, known := b.Team[v.Name]
		if !found || !known || subtle.ConstantTimeCompare([]byte(member.proof()), []byte(v.Proof)) != 1 {
			http.Redirect(w, r, "/admin/sign-in?"+url.Values{"return_to": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), staffKey{}, member.Staff)))
	})
}

// mayManage lets only staff with the role manage through.
func (b *Backoffice) mayManage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if staffOf(r.Context()).Role != Manage {
			b.page(w, r, http.StatusForbidden, "Not allowed", "", templates.AdminMessage(templates.AdminMessageView{
				Kind: templates.Warn, Title: "You can look but not change.", Body: "Ask someone who can manage orders.", BackURL: "/admin/", Back: "See the orders",
			}))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// changesNeedManage is mayManage for everything but GET, so that no form can be
// forgotten. A GET changes nothing.
func (b *Backoffice) changesNeedManage(next http.Handler) http.Handler {
	manage := b.mayManage(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		manage.ServeHTTP(w, r)
	})
}

func (b *Backoffice) signInPage(w http.ResponseWriter, r *http.Request) {
	b.page(w, r, http.StatusOK, "Sign in", "", templates.AdminSignIn(templates.AdminSignInView{ReturnTo: r.URL.Query().Get("return_to")}))
}

func (b *Backoffice) signIn(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	member := b.Team[r.PostForm.Get("name")]
	if bcrypt.CompareHashAndPassword(member.hash, []byte(r.PostForm.Get("password"))) != nil {
		b.page(w, r, http.StatusUnprocessableEntity, "Error: Sign in", "", templates.AdminSignIn(templates.AdminSignInView{}))
		return
	}
	if err := b.Sessions.SignIn(w, r, session.StaffValues{Name: member.Name, Proof: member.proof()}); err != nil {
		b.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/admin/", http.StatusSeeOther)
}

func (b *Backoffice) signOut(w http.ResponseWriter, r *http.Request) {
	if err := b.Sessions.SignOut(w, r); err != nil {
		b.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/admin/sign-in", http.StatusSeeOther)
}
