package backoffice

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/doctor"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/web/templates"
)

const doctorPage = "/admin/doctor"

func (b *Backoffice) doctorRoutes(r chi.Router) {
	r.With(b.needs(permission.Operate)).Get(doctorPage, b.examine)
}

// examine shows what this process depends on, and how it is.
func (b *Backoffice) examine(w http.ResponseWriter, r *http.Request) {
	var v templates.AdminDoctorView
	kinds := map[doctor.Level]templates.Kind{doctor.Right: templates.OK, doctor.Note: templates.Warn, doctor.Wrong: templates.Bad}
	words := map[doctor.Level]string{doctor.Right: "Right", doctor.Note: "Note", doctor.Wrong: "Wrong"}
	for _, f := range b.Doctor.Examine(r.Context()) {
		about := form.UpperFirst(f.About)
		if n := len(v.Parts); n == 0 || v.Parts[n-1].About != about {
			v.Parts = append(v.Parts, templates.AdminDoctorPart{About: about})
		}
		if f.Level == doctor.Wrong {
			v.Wrong++
		}
		last := &v.Parts[len(v.Parts)-1] // whose sentences stay as they are: many begin with a name or an address
		last.Rows = append(last.Rows, templates.AdminDoctorRow{Kind: kinds[f.Level], Word: words[f.Level], Says: f.Says, Do: f.Do})
	}
	b.page(w, r, http.StatusOK, "Doctor", "", templates.AdminDoctor(v))
}
