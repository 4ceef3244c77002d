package api

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/strictjson"
)

// Code says what is wrong with a call. A code is never taken away.
type Code string

// The codes of all calls.
const (
	CodeBadRequest       Code = "bad_request"            // not JSON, say
	CodeInvalid          Code = "invalid"                // errors names the members
	CodeTooLarge         Code = "too_large"              // the body
	CodeUnsupportedType  Code = "unsupported_media_type" // of the body
	CodeTimeout          Code = "timeout"                // the body did not come in time
	CodeUnauthorized     Code = "unauthorized"           // no key, or a wrong one
	CodeForbidden        Code = "forbidden"              // the key has not the scope
	CodeNotFound         Code = "not_found"
	CodeMethodNotAllowed Code = "method_not_allowed"
	CodeTooManyRequests  Code = "too_many_requests" // of the key
	CodeKeyMissing       Code = "idempotency_key_missing"
	CodeKeyReused        Code = "idempotency_key_reused" // with another method, path or body
	CodeInProgress       Code = "in_progress"            // the same call is under way
	CodeStaleRevision    Code = "stale_revision"         // If-Match names another revision
	CodeTotalDiffers     Code = "total_differs"          // a total that was sent is not what the line comes to
	CodeNegativeTotal    Code = "negative_total"
	CodeNothingToPay     Code = "nothing_to_pay" // such a basket needs no Klarna
	CodeUnknownSKU       Code = "unknown_sku"    // or it has no price in this currency
	CodeNumberTaken      Code = "order_number_taken"
	CodeComplete         Code = "complete"         // the session was bought
	CodePlacing          Code = "placing"          // the session is paid, its order is not in the book yet
	CodeExpired          Code = "expired"          // the session has ended
	CodeNothingToSell    Code = "nothing_to_sell"  // nothing of the session is sold any more
	CodeNoConfirmation   Code = "no_confirmation"  // Klarna shows none, or none any more
	CodePurchaseRunning  Code = "purchase_running" // the session may be being bought at this moment
	CodeKlarnaDown       Code = "klarna_unavailable"
	CodeKlarnaRefused    Code = "klarna_refused" // Klarna does not take what the session says, or the action
	CodeNotPossible      Code = "not_possible"   // an action; reason says why
	CodeBelowPromised    Code = "below_promised" // less in stock than is sold and being bought
	CodeGone             Code = "gone"           // what came after an event
	CodeUnavailable      Code = "unavailable"    // the shop's own store did not answer
	CodeInternal         Code = "internal"
)

var codes = []Code{
	CodeBadRequest, CodeInvalid, CodeTooLarge, CodeUnsupportedType, CodeTimeout, CodeUnauthorized, CodeForbidden, CodeNotFound,
	CodeMethodNotAllowed, CodeTooManyRequests, CodeKeyMissing, CodeKeyReused, CodeInProgress, CodeStaleRevision, CodeTotalDiffers, CodeNegativeTotal, CodeNothingToPay,
	CodeUnknownSKU, CodeNumberTaken, CodeComplete, CodePlacing, CodeExpired, CodeNothingToSell, CodeNoConfirmation, CodePurchaseRunning, CodeKlarnaDown, CodeKlarnaRefused, CodeNotPossible, CodeBelowPromised, CodeGone, CodeUnavailable, CodeInternal,
}

// Schema lists all codes in the document.
func (Code) Schema(huma.Registry) *huma.Schema { return growing("What is wrong", codes) }

// growing is a text of a list that grows. It is no enum: a client that was made of the document
// before could not read an answer that has a new one.
func growing[T ~string](what string, known []T) *huma.Schema {
	var names []string
	for _, name := range known {
		names = append(names, string(name))
	}
	return &huma.Schema{Type: huma.TypeString, Description: what + ": " + strings.Join(names, ", ") + ". More may come."}
}

// Problem is an error as it is answered (RFC 9457). It never has a value that was sent.
type Problem struct {
	Status    int     `json:"status" doc:"The HTTP status."`
	Title     string  `json:"title" doc:"The status in words."`
	Detail    string  `json:"detail" doc:"What is wrong, for the developer."`
	Code      Code    `json:"code"`
	RequestID string  `json:"request_id" doc:"Names the call in the log."`
	Errors    []Fault `json:"errors,omitempty" doc:"The members that are wrong." nullable:"false"`

	CheckoutSession *Session  `json:"checkout_session,omitempty" doc:"The session as it is."`
	Order           *OrderRef `json:"order,omitempty" doc:"The order that the session became, or that the action is about."`
	Reason          string    `json:"reason,omitempty" doc:"Why an action is not possible: cancelled, expired, fraud_pending, above_remaining, nothing_captured …"`
	CorrelationID   string    `json:"correlation_id,omitempty" doc:"Names Klarna's answer to Klarna's support."`

	wait time.Duration // for Retry-After
}

// Fault is what is wrong with one member.
type Fault struct {
	Location string `json:"location" doc:"The member, such as body.order_lines[0].quantity."`
	Message  string `json:"message"`
}

// Error is the code.
func (p *Problem) Error() string { return string(p.Code) }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of problems.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders is Retry-After, where repeating helps.
func (p *Problem) GetHeaders() http.Header {
	if p.wait <= 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(p.wait.Seconds())))}}
}

// after says when the call may be repeated.
func (p *Problem) after(wait time.Duration) *Problem {
	p.wait = wait
	return p
}

// problem makes a problem.
func problem(status int, code Code, detail string, faults ...Fault) *Problem {
	return &Problem{Status: status, Title: http.StatusText(status), Code: code, Detail: detail, Errors: faults}
}

// invalid is a call with wrong members.
func invalid(faults ...Fault) *Problem {
	return problem(http.StatusUnprocessableEntity, CodeInvalid, "Something in the call is wrong; nothing has changed.", faults...)
}

// writeProblem answers with a problem, outside of an operation.
func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	p.RequestID = observe.RequestID(r.Context())
	maps.Copy(w.Header(), p.GetHeaders())
	body, _ := json.Marshal(p) // it has nothing that cannot be encoded
	w.Header().Set("Content-Type", p.ContentType(""))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // fails only when the caller has left
}

// Crowded answers a call that comes while too many are being served.
func Crowded(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	writeProblem(w, r, problem(http.StatusServiceUnavailable, CodeUnavailable, "More calls than can be served. Nothing has changed; the call may be repeated.").after(wait))
}

// huma's errors become problems. It has one set of functions for all of a program.
func init() {
	huma.ValidateStrictCasing = true
	huma.ErrorFormatter = reason
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError { return ofHuma(status, errs) }
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		p := ofHuma(status, errs)
		if ctx != nil {
			p.RequestID = observe.RequestID(ctx.Context())
			ctx.SetHeader("Cache-Control", "no-store")
		}
		return p
	}
}

// reason is what huma says of a member: numbers as people write them, and not why something could not be read, which may
// repeat what was sent.
func reason(format string, args ...any) string {
	for i, arg := range args {
		switch arg := arg.(type) {
		case error:
			return strings.TrimSuffix(format, ": %v")
		case float64:
			args[i] = strconv.FormatFloat(arg, 'f', -1, 64)
		}
	}
	return fmt.Sprintf(format, args...)
}

// ofHuma is an error of huma's: what is wrong with a call before it comes to us.
func ofHuma(status int, errs []error) *Problem {
	var faults []Fault
	unread := false
	for _, err := range errs {
		detail, ok := err.(huma.ErrorDetailer)
		if !ok {
			continue
		}
		d := detail.ErrorDetail()
		if _, text := d.Value.(string); d.Location == "body" && text { // decoding: the message has what was sent, but of unmarshal's own
			// The caller's names may have a colon, and the reason has none.
			if at := strings.LastIndex(d.Message, ": "); at >= 0 && strings.HasPrefix(d.Message, "body") {
				return invalid(Fault{shortened(d.Message[:at]), d.Message[at+2:]})
			}
			unread = true
			faults = append(faults, Fault{"body", "cannot be read"})
			continue
		}
		if strings.HasPrefix(d.Message, "invalid date/time for format ") { // of Go's
			d.Message = "is no time such as 2026-11-30T08:15:00Z"
		}
		faults = append(faults, Fault{shortened(d.Location), d.Message})
	}
	slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Compare(a.Location, b.Location) })
	if len(faults) > maxFaults {
		faults = faults[:maxFaults]
	}
	switch {
	case status == http.StatusUnsupportedMediaType:
		return problem(status, CodeUnsupportedType, "The body must be application/json.")
	case status == http.StatusRequestEntityTooLarge:
		return problem(status, CodeTooLarge, "The body is too large.")
	case status == http.StatusRequestTimeout:
		return problem(status, CodeTimeout, "The body did not come in time.")
	case status == http.StatusBadRequest, status == http.StatusInternalServerError && len(errs) > 0 && len(faults) == 0, unread:
		// 500: the body could not be read to its end.
		return problem(http.StatusBadRequest, CodeBadRequest, "The body is not a JSON object that can be read; nothing has changed.")
	case status == http.StatusUnprocessableEntity:
		return invalid(faults...)
	}
	return problem(status, CodeInternal, "Something broke on our side.", faults...)
}

const (
	maxFaults   = 50
	maxLocation = 120 // in bytes: names of members are the caller's
)

// shortened is a location of a length that is good to read.
func shortened(location string) string {
	if len(location) <= maxLocation {
		return location
	}
	return strings.ToValidUTF8(location[:maxLocation], "") + "…"
}

// format is JSON as huma's, without what no column of a database takes.
var format = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}

var errControl = errors.New("a text has a control character")

// unmarshal decodes one JSON value. What is decoded into any value first, for checking,
// must have no control characters but those of white space.
func unmarshal(data []byte, into any) error {
	strict, err := strictjson.Read(data)
	if unfit, ok := errors.AsType[*strictjson.Error](err); ok {
		return errors.New(locationOf(unfit.Pointer) + ": " + unfit.Reason)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(strict, into); err != nil {
		return err
	}
	if value, ok := into.(*any); ok && !plain(*value) {
		return errControl
	}
	return nil
}

// locationOf is the location of a member of a body, as huma writes it, that a pointer of RFC 6901 leads to.
func locationOf(pointer string) string {
	var location strings.Builder
	location.WriteString("body")
	for token := range jsontext.Pointer(pointer).Tokens() {
		if _, err := strconv.ParseUint(token, 10, 32); err == nil {
			location.WriteString("[" + token + "]")
		} else {
			location.WriteString("." + token)
		}
	}
	return location.String()
}

// plain reports whether no text of a value has a control character but white space.
func plain(value any) bool {
	switch v := value.(type) {
	case string:
		return !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f })
	case []any:
		return !slices.ContainsFunc(v, func(v any) bool { return !plain(v) })
	case map[string]any:
		for name, v := range v {
			if !plain(name) || !plain(v) {
				return false
			}
		}
	}
	return true
}
