package backoffice

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/web/templates"
)

// keep keeps the form of a request whose session has ended, for who signs in again. Only a
// form of somebody who was signed in is kept: nobody else can fill the store. Whatever
// fails, the sign-in follows.
func (b *Backoffice) keep(w http.ResponseWriter, r *http.Request) {
	name, found, err := b.Sessions.Was(r)
	if err == nil && found {
		if respond.ParseForm(w, r, formLimit) != nil || len(r.PostForm) == 0 {
			return
		}
		err = b.Sessions.KeepForm(w, r, session.Form{Staff: name, Page: pageOf(r), Values: r.PostForm})
	}
	if err != nil {
		b.Logger.WarnContext(r.Context(), "form not kept for who signs in again", "error", err)
	}
}

// pageOf returns the path of the page that shows what a form was sent with: an action's
// and a bulk job's two pages share the first, and what has no page shows it on the nearest
// one above.
func pageOf(r *http.Request) string {
	page := r.URL.Path
	switch page {
	case searchPath:
		return home
	case syncPath:
		return inspectPath
	}
	page = strings.TrimSuffix(strings.TrimSuffix(page, "/confirm"), "/start")
	for {
		switch chi.RouteContext(r.Context()).Routes.Find(chi.NewRouteContext(), http.MethodGet, page) {
		case "", everything:
			page = path.Dir(page)
		case "/admin":
			return home
		default:
			return page
		}
	}
}

// typed returns what the member of staff has typed on this page before signing in again,
// once.
func (b *Backoffice) typed(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	values, found, err := b.Sessions.TakeForm(w, r, staffOf(r.Context()).Name, pageOf(r))
	if err != nil {
		b.Logger.WarnContext(r.Context(), "kept form not readable", "error", err)
	}
	return values, found
}

// typedNote says that the form is filled with what was typed before.
var typedNote = templates.ResultNote{
	Kind: templates.Info, Title: "You were signed out before this was sent.", Body: "Here is what you typed. Nothing was done yet.",
}
