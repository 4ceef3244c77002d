package i18n

// Text is a text by language. Those of catalogue and shop file have at least one.
type Text map[Lang]string

// In returns the text in a language, else in English, else in any language, and the
// language of the returned text. An empty Text gives "" in l.
func (t Text) In(l Lang) (text string, in Lang) { return In(t, l) }

// In is [Text.In] for whatever there is by language: what t has in a language, else in
// English, else in any language.
func In[T any](t map[Lang]T, l Lang) (thing T, in Lang) {
	for _, candidate := range [...]Lang{l, English} {
		if thing, ok := t[candidate]; ok {
			return thing, candidate
		}
	}
	for _, candidate := range Langs() {
		if thing, ok := t[candidate]; ok {
			return thing, candidate
		}
	}
	return thing, l
}

// Overrides are a shop's own texts by their key, in place of the built-in ones. Nil is none.
type Overrides map[string]Text

// T is [T] with the shop's own text where it has one in the language.
func (o Overrides) T(l Lang, key string, args ...any) string {
	if text, ok := o[key][l]; ok {
		return fill(text, args)
	}
	return T(l, key, args...)
}

// Voice is how a shop speaks in a language: in its own words, where it has them.
type Voice struct {
	Lang Lang
	Own  Overrides // nil: the built-in texts
}

// Option is what an option of variants is called: "size" is "Size". One that neither the
// shop nor we have a word for is called by its own name.
func (v Voice) Option(name string) string {
	key := "option." + name
	if own, ok := v.Own[key]; ok {
		text, _ := own.In(v.Lang)
		return text
	}
	if text, ok := lookup(v.Lang, key); ok {
		return text
	}
	return name
}

// T is the text of a key, as in [T].
func (v Voice) T(key string, args ...any) string { return v.Own.T(v.Lang, key, args...) }
