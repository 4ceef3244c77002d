package backoffice

import (
	"context"
	"crypto/subtle"
	"math"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/backoffice/team"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/web/templates"
)

const (
	home       = "/admin/"
	searchPath = "/admin/search"
	signInPath = "/admin/sign-in"
)

func (b *Backoffice) signInRoutes(r chi.Router) {
	known, others := newLane(), newLane() // strangers do not hold up who signed in before
	r.Get(signInPath, b.signInPage)
	r.Post(signInPath, func(w http.ResponseWriter, r *http.Request) { b.signIn(w, r, known, others) })
	r.Post("/admin/sign-out", b.signOut)
}

type staffKey struct{}

// staffOf returns the signed-in member of staff. It is zero on the sign-in page.
func staffOf(ctx context.Context) team.Staff {
	staff, _ := ctx.Value(staffKey{}).(team.Staff)
	return staff
}

// signedIn lets only signed-in staff through and sends others to the sign-in. A member who
// left the team, or whose password was changed, is signed out.
func (b *Backoffice) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		staff, found, err := b.find(w, r)
		if err != nil {
			b.fail(w, r, err)
			return
		}
		if !found {
			if r.Method == http.MethodPost {
				b.keep(w, r)
			}
			http.Redirect(w, r, signInPath+"?"+url.Values{"return_to": {comeBack(r)}}.Encode(), http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), staffKey{}, staff)))
	})
}

// find returns the signed-in member of staff.
func (b *Backoffice) find(w http.ResponseWriter, r *http.Request) (team.Staff, bool, error) {
	v, found, err := b.Sessions.Find(r)
	if err != nil || !found {
		return team.Staff{}, false, err
	}
	member, known := b.Team()[v.Name]
	if !known || subtle.ConstantTimeCompare([]byte(member.Proof()), []byte(v.Proof)) != 1 {
		return team.Staff{}, false, b.Sessions.SignOut(w, r)
	}
	return member.Staff, true, nil
}

// comeBack returns the page to open after the sign-in: the request's own where that is a
// page, else the orders.
func comeBack(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r.URL.RequestURI()
	}
	return (&url.URL{Path: pageOf(r)}).EscapedPath()
}

// mayManage lets only staff who may change something through.
func (b *Backoffice) mayManage(next http.Handler) http.Handler {
	return b.needs(permission.Change)(next)
}

// changesNeedManage is mayManage for every method but GET and HEAD, which change nothing.
// So no form can be forgotten.
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

// signInPage shows the form. Signed-in staff are sent on. An unknown token comes from an
// ended session: only for that reason does a browser still send one.
func (b *Backoffice) signInPage(w http.ResponseWriter, r *http.Request) {
	_, found, err := b.find(w, r)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	returnTo := localPath(r.URL.Query().Get("return_to"))
	if found {
		http.Redirect(w, r, returnTo, http.StatusSeeOther) //nolint:gosec // localPath lets no other site through
		return
	}
	v := templates.AdminSignInView{ReturnTo: returnTo}
	if b.Sessions.HasCookie(r) && len(w.Header().Values("Set-Cookie")) == 0 {
		v.Note = &templates.Note{ID: "idle", Kind: templates.Info, Title: "You were signed out after " + strconv.Itoa(int(session.StaffIdle.Minutes())) + " minutes without activity."}
		if b.Sessions.HasForm(r) {
			v.Note.Title, v.Note.Body = "You were signed out before this was sent.", "Sign in within "+minutes(session.FormLife)+", and you get back what you typed."
		}
	}
	b.page(w, r, http.StatusOK, "Sign in", "", templates.AdminSignIn(v))
}

// What comes of a try to sign in, for log and audit.
const (
	signedIn  = "signed in"
	wrongTry  = "wrong name or password"
	lockedOut = "too many tries"
	tooBusy   = "too many at once"
)

// signIn checks the password and opens a session. Neither the answer nor its time tells
// whether the name exists.
func (b *Backoffice) signIn(w http.ResponseWriter, r *http.Request, known, others lane) {
	if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	name, password, returnTo := r.PostForm.Get("name"), r.PostForm.Get("password"), localPath(r.PostForm.Get("return_to"))
	refuse := func(status int, text string) {
		b.page(w, r, status, "Error: Sign in", "", templates.AdminSignIn(templates.AdminSignInView{
			Name: name, ReturnTo: returnTo, Note: &templates.Note{ID: "refused", Kind: templates.Bad, Title: text},
		}))
	}
	if len(password) > maxPassword {
		refuse(http.StatusUnprocessableEntity, "A password has at most "+strconv.Itoa(maxPassword)+" bytes.")
		return
	}
	browser, way := b.browserOf(r, name), others
	if browser != "" {
		way = known
	}
	if !way.enter(r.Context()) {
		b.tried(r.Context(), name, tooBusy)
		w.Header().Set("Retry-After", "5")
		refuse(http.StatusServiceUnavailable, "Many are signing in at once. Try again in a moment.")
		return
	}
	tries := newThrottle(b.Redis, name, respond.Client(r).String(), browser)
	wait, err := tries.take(r.Context())
	var member team.Member
	var right bool
	if err == nil && wait == 0 {
		member, right = b.Team().Check(name, password)
	}
	way.leave()
	switch {
	case err != nil:
		b.fail(w, r, err)
		return
	case wait > 0:
		b.tried(r.Context(), name, lockedOut)
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		refuse(http.StatusTooManyRequests, "Too many tries. Wait "+minutes(wait)+".")
		return
	case !right:
		b.tried(r.Context(), name, wrongTry)
		refuse(http.StatusUnprocessableEntity, "Name or password is wrong.")
		return
	}
	is := session.StaffValues{Name: member.Name, Proof: member.Proof()}
	if err = tries.clear(r.Context()); err == nil {
		err = b.Sessions.SignIn(w, r, is)
	}
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.tried(r.Context(), member.Name, signedIn)
	b.Sessions.Know(w, b.SearchKeys()[0], is)
	http.Redirect(w, r, returnTo, http.StatusSeeOther) //nolint:gosec // localPath lets no other site through
}

// browserOf names the request's browser where the member with a name has signed in with it
// before; "" otherwise.
func (b *Backoffice) browserOf(r *http.Request, name string) string {
	member, is := b.Team()[name]
	if !is {
		return ""
	}
	return b.Sessions.Known(r, b.SearchKeys(), session.StaffValues{Name: name, Proof: member.Proof()})
}

// minutes formats a waiting time, rounded up.
func minutes(d time.Duration) string {
	if n := int(math.Ceil(d.Minutes())); n != 1 {
		return strconv.Itoa(n) + " minutes"
	}
	return "1 minute"
}

func (b *Backoffice) signOut(w http.ResponseWriter, r *http.Request) {
	if err := b.Sessions.SignOut(w, r); err != nil {
		b.fail(w, r, err)
		return
	}
	http.Redirect(w, r, signInPath, http.StatusSeeOther)
}

// localPath returns the page of the back office in a text from a link or form. Any other
// text, such as another site's address, gives the orders.
func localPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		strings.ContainsAny(text, "\\\r\n\t") || !strings.HasPrefix(u.Path, home) ||
		path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "/admin/sign-") {
		return home
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}
