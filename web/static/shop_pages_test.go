package static_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// cart is the cart page.
func (s *shop) cart(r *http.Request) string {
	data, note := s.data("page-data"), ""
	if r.URL.Query().Has("removed") {
		note = `<form action="/cart/lines" method="post"><button data-key="undo">Undo</button></form>`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return data + s.header() + `<main data-cart><h1>Cart</h1><div data-messages></div>` + note + s.summary(false) + `</main>`
}

// header has the number of things in the cart. The caller holds the lock.
func (s *shop) header() string {
	var count int
	for _, quantity := range s.lines {
		count += quantity
	}
	hidden := ""
	if count == 0 {
		hidden = " hidden"
	}
	return fmt.Sprintf(`<header><a href="/cart">Cart <span data-cart-count%s>%d</span></a></header>`, hidden, count)
}

// shelf is a product's page, and the catalogue's tile.
func (s *shop) shelf(r *http.Request) string {
	data := s.data("page-data")
	if r.URL.Query().Has("new") {
		data = strings.Replace(data, `"cart_id_hash":"c0ffee"`, `"cart_id_hash":""`, 1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return data + s.header() + `<main><h1>Shelf</h1><div data-messages></div><p id="error">` + r.URL.Query().Get("error") + `</p>
<form data-add action="/cart/lines" method="post"><input type="hidden" name="sku" value="MUG-1"><input type="hidden" name="return_to" value="/shelf">
<div data-sku="MUG-1" data-name="Thing MUG-1" data-min="1" data-max="` + strconv.Itoa(s.max("MUG-1")) + `"><button type="button" data-key="MUG-1:minus">−</button>
<input name="quantity" aria-label="Quantity" value="1" data-key="MUG-1:quantity"><button type="button" data-key="MUG-1:plus">+</button></div>
<button id="add">Add</button><div data-messages></div></form></main>`
}

// add answers POST /cart/lines: more than there is or 99 is refused.
func (s *shop) add(w http.ResponseWriter, r *http.Request) {
	sku := r.PostFormValue("sku")
	quantity, err := strconv.Atoi(r.PostFormValue("quantity"))
	isJSON := r.Header.Get("Accept") == "application/json"
	s.mu.Lock()
	refused := err != nil || s.lines[sku]+quantity > s.max(sku)
	if !refused {
		s.lines[sku] += quantity
		s.revision++
	}
	var lines []map[string]any
	for sku, quantity := range s.lines {
		lines = append(lines, map[string]any{"sku": sku, "name": "Thing " + sku, "quantity": quantity})
	}
	revision := s.revision
	s.mu.Unlock()
	switch {
	case refused && isJSON:
		writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"error": map[string]any{"code": "sold_out", "message": "no"}, "sku": sku, "left": s.max(sku)})
	case refused:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>Error</title><link rel="icon" href="data:,"><main><h1>Cart</h1><p id="error">sold_out</p></main>`))
	default:
		writeJSON(w, http.StatusOK, map[string]any{"revision": revision, "lines": lines})
	}
}

// setLine answers POST /cart/lines/{sku} as a page.
func (s *shop) setLine(w http.ResponseWriter, r *http.Request) {
	quantity, _ := strconv.Atoi(r.PostFormValue("quantity"))
	s.mu.Lock()
	answer := reply(nil)
	if len(s.replies) > 0 {
		answer, s.replies = s.replies[0], s.replies[1:]
	}
	u := update{Lines: []line{{r.PathValue("sku"), quantity}}}
	s.updates = append(s.updates, u)
	s.mu.Unlock()
	if answer != nil {
		answer(s, w, r, u)
		return
	}
	s.apply(u)
	query := url.Values{}
	if quantity == 0 {
		query.Set("removed", r.PathValue("sku"))
	}
	http.Redirect(w, r, r.PostFormValue("return_to")+"?"+query.Encode(), http.StatusSeeOther)
}
