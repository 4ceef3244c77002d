package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/publish"
)

const (
	// catalogLimit is the largest catalogue, in bytes.
	catalogLimit = 16 << 20
	// catalogTime is for how long it may be on its way: the largest needs 2.3 Mbit/s.
	catalogTime = time.Minute
	yamlType    = "application/yaml"
)

// CatalogState is what is published, or would be.
type CatalogState struct {
	Object   string   `json:"object" enum:"catalog"`
	Version  *int64   `json:"version" doc:"The ETag; null of a dry run."`
	Products int      `json:"products"`
	Warnings []string `json:"warnings" nullable:"false" doc:"What does not fit between catalogue and shop file and does no harm."`
}

type catalogOutput struct {
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag"`
	Body        []byte
}

type putCatalogInput struct {
	ContentType string `header:"Content-Type"`
	IfMatch     string `header:"If-Match" maxLength:"40" doc:"The version that must be the newest, in quotes."`
	DryRun      bool   `query:"dry_run" doc:"Only check."`
	RawBody     []byte `contentType:"application/yaml"`
}

// Resolve refuses a dry_run without a value: huma takes it as absent, and what was only to be checked would be sold by.
func (*putCatalogInput) Resolve(ctx huma.Context) []error {
	at := ctx.URL()
	if query := at.Query(); query.Has("dry_run") && query.Get("dry_run") == "" {
		return []error{&huma.ErrorDetail{Location: "query.dry_run", Message: "is neither true nor false"}}
	}
	return nil
}

type catalogStateOutput struct {
	ETag string `header:"ETag"`
	Body CatalogState
}

// catalog registers the calls that read and publish the catalogue.
func (a *API) catalog(on huma.API) {
	tags := []string{"Catalogue"}
	content := func() map[string]*huma.MediaType {
		return map[string]*huma.MediaType{yamlType: {Schema: &huma.Schema{Type: huma.TypeString}, Example: catalogExample}, "application/json": {
			Schema:  &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true},
			Example: json.RawMessage(`{"products": [{"sku": "TENT-2P", "name": {"en": "Tent for two"}, "prices": {"SEK": 249900}, "category": "camping", "tax_class": "standard", "stock": 20}]}`),
		}}
	}
	register(a, on, permission.Catalog, huma.Operation{
		OperationID: "get_catalog", Method: http.MethodGet, Path: Path + "/catalog", Tags: tags, Summary: "Read the published catalogue, as it was sent",
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: content()}},
		Errors:    []int{http.StatusNotFound},
	}, a.getCatalog)
	register(a, on, permission.Catalog, huma.Operation{
		OperationID: "put_catalog", Method: http.MethodPut, Path: Path + "/catalog", Tags: tags, Summary: "Check and publish a catalogue",
		Description: "YAML or JSON, at most 16 MiB. Every process sells by it within a second. 422 has each mistake with its line and member.",
		RequestBody: &huma.RequestBody{Required: true, Content: content()}, MaxBodyBytes: catalogLimit + 1, BodyReadTimeout: catalogTime, SkipValidateBody: true, Responses: answers("CatalogState", stateExample),
		Errors: []int{http.StatusPreconditionFailed, http.StatusUnprocessableEntity},
	}, a.putCatalog)
	// A body that is read as bytes is described as such by huma.
	path := on.OpenAPI().Paths[Path+"/catalog"]
	path.Put.RequestBody.Content, path.Get.Responses["200"].Content = content(), content()
	path.Get.Responses["200"].Headers["ETag"].Description = "The version."
}

// catalogExample is the shortest catalogue.
const catalogExample = `products:
  - sku: TENT-2P
    name: {en: Tent for two, sv: Tält för två}
    prices: {SEK: 249900}
    category: camping
    tax_class: standard
    stock: 20
`

func (a *API) getCatalog(ctx context.Context, _ *struct{}) (*catalogOutput, error) {
	number, content, err := publish.Catalog(ctx, a.DB)
	switch {
	case err != nil:
		return nil, err
	case len(content) == 0:
		return nil, problem(http.StatusNotFound, CodeNotFound, "No catalogue is published.")
	}
	out := &catalogOutput{ContentType: yamlType, ETag: etag(number), Body: content}
	if json.Valid(content) {
		out.ContentType = "application/json"
	}
	return out, nil
}

func etag(number int64) string { return `"` + strconv.FormatInt(number, 10) + `"` }

// lineOfFault is the line, from 1, at which a text stops to be JSON.
func lineOfFault(text []byte) int {
	var value json.RawMessage
	text = bytes.TrimRight(text, " \t\r\n")
	at := len(text)
	if wrong, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &value)); ok {
		at = min(at, int(wrong.Offset))
	}
	return 1 + bytes.Count(text[:at], []byte("\n"))
}

func (a *API) putCatalog(ctx context.Context, in *putCatalogInput) (*catalogStateOutput, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime) // from now on, where the body is there
	defer cancel()
	expected, err := revisionOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(in.ContentType)
	switch {
	case kind == "application/json" && !json.Valid(in.RawBody):
		return nil, problem(http.StatusBadRequest, CodeBadRequest, fmt.Sprintf("The body is not JSON: line %d; nothing has changed.", lineOfFault(in.RawBody)))
	case kind != "application/json" && kind != yamlType && kind != "application/x-yaml" && kind != "text/yaml":
		return nil, problem(http.StatusUnsupportedMediaType, CodeUnsupportedType, "The body must be application/yaml or application/json.")
	case len(bytes.TrimSpace(in.RawBody)) == 0:
		return nil, problem(http.StatusBadRequest, CodeBadRequest, "There is no catalogue in the body.")
	}
	by, _ := ctx.Value(keyOf{}).(Key)
	p := publish.Publisher{DB: a.DB, Stock: a.Stock}
	v, err := p.PublishCatalog(ctx, publish.File{Name: "api:" + by.Name, Content: in.RawBody}, expected, in.DryRun)
	wrong, isWrong := errors.AsType[*publish.WrongError](err)
	switch {
	case errors.Is(err, publish.ErrStale):
		return nil, problem(http.StatusPreconditionFailed, CodeStaleRevision, "The newest version is not that of If-Match. Nothing has changed.")
	case isWrong:
		return nil, mistakes(wrong)
	case err != nil:
		return nil, err
	}
	out := &catalogStateOutput{Body: CatalogState{Object: "catalog", Products: len(v.Catalog.Products()), Warnings: v.Mismatches()}}
	if out.Body.Warnings == nil {
		out.Body.Warnings = []string{}
	}
	if in.DryRun {
		return out, nil
	}
	if err := a.Published.Reach(ctx, v.Number); err != nil { // this process need not wait either
		a.Logger.WarnContext(ctx, "a version that was published is not read yet", "version", v.Number, "error", err)
	}
	a.Logger.InfoContext(ctx, "a catalogue was published over the API", "version", v.Number, "key", by.Name)
	out.ETag, out.Body.Version = etag(v.Number), &v.Number
	return out, nil
}

// mistakes tells each mistake of a catalogue by its member, with its line. What was sent is
// not in it.
func mistakes(wrong *publish.WrongError) *Problem {
	var faults []Fault
	for _, m := range wrong.Mistakes {
		fault := Fault{"body", m.Bare}
		if m.Path != "" {
			fault.Location = shortened("body." + m.Path)
		}
		if m.Line > 0 {
			fault.Message = fmt.Sprintf("line %d: %s", m.Line, m.Bare)
		}
		faults = append(faults, fault)
	}
	if more := wrong.Count - len(faults); more > 0 {
		faults = append(faults, Fault{"body", fmt.Sprintf("and %d more", more)})
	}
	return problem(http.StatusUnprocessableEntity, CodeInvalid, fmt.Sprintf("Mistakes in the catalogue: %d. Nothing has changed.", wrong.Count), faults...)
}
